/*
 * Values and paths as people read them, in one line and in bounded room.
 *
 * What is shown comes from outside, so every text passes printable_text(), and every length is cut
 * by characters before anything is put together from it. A text stands without quotes only where a
 * reader could not take it for a number, a word of the language or for the line around it.
 */
#include "worker/document/value_text.h"

#include <string.h>

#include "journal/base/document.h"
#include "journal/base/limits.h"
#include "journal/base/printable.h"

#define ELLIPSIS "…"

/* So many items or members are worth spelling out; a longer collection is counted. */
#define CHILDREN_SPELLED 8

/* TEXT, cut to MOST characters. */
static char *cut(const char *text, size_t most)
{
	const char *end = text;
	g_autofree char *begin = NULL;

	for (size_t n = 0; *end && n < most; n++)
		end = g_utf8_next_char(end);
	if (!*end)
		return g_strdup(text);
	begin = g_strndup(text, (gsize)(end - text));
	return g_strconcat(begin, ELLIPSIS, NULL);
}

static gboolean is_word_character(gunichar character)
{
	return g_unichar_isalnum(character) ||
		(character < 0x80 && strchr("._-/@:+^~", (int)character) != NULL);
}

static gboolean reads_as_other(const char *text)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "~", NULL};
	char *end = NULL;

	for (size_t i = 0; words[i]; i++)
		if (g_ascii_strcasecmp(text, words[i]) == 0)
			return TRUE;
	g_ascii_strtod(text, &end);
	return end != text && *end == '\0';
}

static gboolean stands_bare(const char *text)
{
	if (*text == '\0' || reads_as_other(text))
		return FALSE;
	for (const char *at = text; *at; at = g_utf8_next_char(at))
		if (!is_word_character(g_utf8_get_char(at)))
			return FALSE;
	return TRUE;
}

static char *quoted(const char *text)
{
	GString *result = g_string_new("\"");

	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_printf(result, "\\%c", *text);
		else if (*text == '\n')
			g_string_append(result, "\\n");
		else if (*text == '\t')
			g_string_append(result, "\\t");
		else if (*text == '\r')
			g_string_append(result, "\\r");
		else
			g_string_append_c(result, *text);
	}
	g_string_append_c(result, '"');
	return g_string_free(result, FALSE);
}

static char *string_text(const char *string)
{
	g_autofree char *shown = cut(string, LIMIT_SHOWN_CHARACTERS);
	g_autofree char *in_quotes = NULL;

	if (stands_bare(string))
		return g_steal_pointer(&shown);
	in_quotes = quoted(shown);
	return printable_text(in_quotes);
}

static gboolean is_short(const struct value *value)
{
	return value_count(value) == 0 &&
		(value_kind(value) != VALUE_STRING ||
			strlen(value_string(value)) <= LIMIT_SHOWN_CHARACTERS);
}

static gboolean can_be_spelled(const struct value *value)
{
	if (value_count(value) > CHILDREN_SPELLED)
		return FALSE;
	for (size_t i = 0; i < value_count(value); i++)
		if (!is_short(value_at(value, i)) ||
			(value_kind(value) == VALUE_MAP &&
				strlen(value_key_at(value, i)) > LIMIT_SHOWN_CHARACTERS))
			return FALSE;
	return TRUE;
}

static char *counted(const struct value *value)
{
	size_t n = value_count(value);

	if (value_kind(value) == VALUE_LIST)
		return g_strdup_printf("[%" G_GSIZE_FORMAT " item%s]", n, n == 1 ? "" : "s");
	return g_strdup_printf("{%" G_GSIZE_FORMAT " field%s}", n, n == 1 ? "" : "s");
}

static char *collection_text(const struct value *value)
{
	g_autofree char *json = NULL;

	if (!can_be_spelled(value))
		return counted(value);
	json = document_write_json(value, DOCUMENT_COMPACT);
	if (g_utf8_strlen(json, -1) > LIMIT_SHOWN_CHARACTERS)
		return counted(value);
	return printable_text(json);
}

static char *number_text(const struct value *value)
{
	if (value_written(value))
		return cut(value_written(value), LIMIT_SHOWN_CHARACTERS);
	return document_write_json(value, DOCUMENT_COMPACT);
}

char *value_text_short(const struct value *value)
{
	switch (value_kind(value)) {
	case VALUE_NULL:
		return g_strdup("null");
	case VALUE_BOOLEAN:
		return g_strdup(value_boolean(value) ? "true" : "false");
	case VALUE_INTEGER:
	case VALUE_REAL:
		return number_text(value);
	case VALUE_STRING:
		return string_text(value_string(value));
	case VALUE_LIST:
	case VALUE_MAP:
		return collection_text(value);
	}
	g_assert_not_reached();
}

static gboolean key_needs_quotes(const char *key)
{
	if (*key == '\0')
		return TRUE;
	for (const char *at = key; *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);

		if (character < 0x80 && strchr(".[]\"\\", (int)character))
			return TRUE;
		if (g_unichar_isspace(character) || !g_unichar_isprint(character))
			return TRUE;
	}
	return FALSE;
}

static void append_key_character(GString *path, gunichar character)
{
	if (character == '"' || character == '\\')
		g_string_append_printf(path, "\\%c", (char)character);
	else if (character == '\n')
		g_string_append(path, "\\n");
	else if (character == '\r')
		g_string_append(path, "\\r");
	else if (character == '\t')
		g_string_append(path, "\\t");
	else if (character < 0x100 && !g_unichar_isprint(character))
		g_string_append_printf(path, "\\u%04x", character);
	else
		g_string_append_unichar(path, g_unichar_isprint(character) ? character : 0xfffd);
}

void value_path_append_key(GString *path, const char *key)
{
	g_autofree char *shown = cut(key, LIMIT_SHOWN_KEY_CHARACTERS);

	if (path->len > 0)
		g_string_append_c(path, '.');
	if (!key_needs_quotes(shown)) {
		g_string_append(path, shown);
		return;
	}
	g_string_append_c(path, '"');
	for (const char *at = shown; *at; at = g_utf8_next_char(at))
		append_key_character(path, g_utf8_get_char(at));
	g_string_append_c(path, '"');
}

void value_path_append_index(GString *path, size_t index)
{
	g_string_append_printf(path, "[%" G_GSIZE_FORMAT "]", index);
}
