/*
 * git's configuration format, for files that come with a repository's content (.gitmodules,
 * .lfsconfig).
 *
 * libgit2 reads files of a disk and follows their `include.path`, which is right for a person's own
 * configuration and wrong for a stranger's. This reader knows the syntax alone: one pass over the
 * bytes, nothing followed, no memory but the setting at hand.
 */
#include "worker/content/config_text.h"

#include <string.h>

#include "journal/base/limits.h"

struct reader {
	const char *at;
	const char *end;
	GString *section;
	GString *subsection;
	gboolean has_section;
	gboolean has_subsection;
	config_text_func each;
	gpointer user_data;
};

/* The next character, a line break of Windows as one; -1 at the end. */
static int take(struct reader *reader)
{
	if (reader->at == reader->end)
		return -1;
	if (*reader->at == '\r' && reader->end - reader->at > 1 && reader->at[1] == '\n')
		reader->at++;
	return (unsigned char)*reader->at++;
}

static int look(const struct reader *reader)
{
	struct reader ahead = *reader;

	return take(&ahead);
}

static void skip_line(struct reader *reader)
{
	int c;

	do {
		c = take(reader);
	} while (c != '\n' && c != -1);
}

/* The quoted name behind a section's, from its opening quote to the bracket. */
static gboolean read_subsection(struct reader *reader)
{
	int c;

	do {
		c = take(reader);
	} while (c == ' ' || c == '\t');
	if (c != '"')
		return FALSE;
	while ((c = take(reader)) != '"') {
		if (c == '\\')
			c = take(reader);
		if (c == '\n' || c == -1)
			return FALSE;
		g_string_append_c(reader->subsection, (char)c);
	}
	reader->has_subsection = TRUE;
	return take(reader) == ']';
}

/* Behind an opening bracket: `NAME]`, `NAME "SUB"]`, or of old `NAME.SUB]`. */
static gboolean read_section(struct reader *reader)
{
	int c;

	g_string_truncate(reader->section, 0);
	g_string_truncate(reader->subsection, 0);
	reader->has_section = TRUE;
	reader->has_subsection = FALSE;
	while ((c = take(reader)) != ']') {
		if (c == ' ' || c == '\t')
			return !reader->has_subsection && read_subsection(reader);
		if (c == '.' && !reader->has_subsection) {
			reader->has_subsection = TRUE;
			continue;
		}
		if (c == -1 || !(g_ascii_isalnum((char)c) || c == '-' || c == '.'))
			return FALSE;
		g_string_append_c(reader->has_subsection ? reader->subsection : reader->section,
			g_ascii_tolower((char)c));
	}
	return reader->section->len > 0;
}

/* Behind a backslash in a value: one character, or nothing where the line goes on. */
static gboolean read_escape(struct reader *reader, GString *value)
{
	static const char names[] = "tbn\\\"";
	static const char meanings[] = "\t\b\n\\\"";
	int c = take(reader);
	const char *name = c > 0 ? strchr(names, c) : NULL;

	if (c == '\n')
		return TRUE;
	if (!name)
		return FALSE;
	g_string_append_c(value, meanings[name - names]);
	return TRUE;
}

/* Behind an equals sign, to the line's end. Spaces around do not count, quoted ones do. */
static gboolean read_value(struct reader *reader, GString *value)
{
	gboolean quoted = FALSE;
	gsize kept = 0; /* up to here no space may go */
	int c;

	while ((c = take(reader)) != '\n' && c != -1) {
		if (!quoted && (c == ';' || c == '#')) {
			skip_line(reader);
			break;
		}
		if (!quoted && g_ascii_isspace((char)c)) {
			if (value->len > 0)
				g_string_append_c(value, (char)c);
			continue;
		}
		if (c == '"')
			quoted = !quoted;
		else if (c != '\\')
			g_string_append_c(value, (char)c);
		else if (!read_escape(reader, value))
			return FALSE;
		kept = value->len;
	}
	g_string_truncate(value, kept);
	return !quoted;
}

/* A setting whose key begins with FIRST. */
static gboolean read_setting(struct reader *reader, int first)
{
	g_autoptr(GString) key = g_string_new(NULL);
	g_autoptr(GString) value = g_string_new(NULL);
	gboolean has_value;
	int c;

	if (!reader->has_section || !g_ascii_isalpha((char)first))
		return FALSE;
	for (c = first; c > 0 && (g_ascii_isalnum((char)c) || c == '-'); c = take(reader))
		g_string_append_c(key, g_ascii_tolower((char)c));
	while (c == ' ' || c == '\t')
		c = take(reader);
	has_value = c == '=';
	if (has_value ? !read_value(reader, value) : c != '\n' && c != -1)
		return FALSE;
	return reader->each(reader->section->str,
		reader->has_subsection ? reader->subsection->str : NULL, key->str,
		has_value ? value->str : NULL, reader->user_data);
}

static gboolean read_all(struct reader *reader)
{
	while (look(reader) != -1) {
		int c = take(reader);

		if (g_ascii_isspace((char)c))
			continue;
		if (c == '#' || c == ';')
			skip_line(reader);
		else if (c == '[' ? !read_section(reader) : !read_setting(reader, c))
			return FALSE;
	}
	return TRUE;
}

gboolean config_text_each(const char *text, size_t size, config_text_func each, gpointer user_data)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	g_autoptr(GString) section = g_string_new(NULL);
	g_autoptr(GString) subsection = g_string_new(NULL);
	struct reader reader = {
		.section = section,
		.subsection = subsection,
		.each = each,
		.user_data = user_data,
	};

	if (size > LIMIT_CONFIG_TEXT_BYTES || (size > 0 && memchr(text, '\0', size)))
		return FALSE;
	if (size >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
		text += 3;
		size -= 3;
	}
	reader.at = text;
	reader.end = text + size;
	return read_all(&reader);
}
