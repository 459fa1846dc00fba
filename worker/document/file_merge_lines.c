/*
 * git's merge of a text, taken apart again: what is agreed and the two sides of each conflict.
 *
 * text_merge() gives a text with markers. Here its markers carry a label that nobody can know
 * beforehand, so a file which itself holds markers is read rightly. A conflict at the end of a text
 * without a last line break had one added for the marker below it; it goes when a side is taken.
 */
#include "worker/document/file_merge_lines.h"

#include <string.h>

#include "journal/base/hash.h"

#define MARKER_SIZE 7
#define LABEL_WORDS 2

struct line_conflict {
	GString *ours;
	GString *theirs;
	gboolean crlf;       /* how its markers end */
	size_t ours_added;   /* bytes of a line break that was added at its end */
	size_t theirs_added; /* the same of theirs */
	size_t line;
};

struct file_lines {
	GPtrArray *agreed;    /* of GString: before, between and behind the conflicts */
	GPtrArray *conflicts; /* of struct line_conflict */
};

static void free_string(gpointer string)
{
	g_string_free(string, TRUE);
}

static void free_conflict(gpointer data)
{
	struct line_conflict *conflict = data;

	g_string_free(conflict->ours, TRUE);
	g_string_free(conflict->theirs, TRUE);
	g_free(conflict);
}

void file_lines_free(struct file_lines *lines)
{
	if (!lines)
		return;
	g_ptr_array_unref(lines->agreed);
	g_ptr_array_unref(lines->conflicts);
	g_free(lines);
}

/* TRUE if the line of SIZE bytes at LINE is a marker of MARK with LABEL. */
static gboolean is_marker(const char *line, size_t size, char mark, const char *label)
{
	size_t label_size = strlen(label);

	return size > MARKER_SIZE + 1 + label_size && line[0] == mark &&
		line[MARKER_SIZE - 1] == mark && line[MARKER_SIZE] == ' ' &&
		memcmp(line + MARKER_SIZE + 1, label, label_size) == 0;
}

static GString *begin_agreed(struct file_lines *lines)
{
	GString *agreed = g_string_new(NULL);

	g_ptr_array_add(lines->agreed, agreed);
	return agreed;
}

static struct line_conflict *begin_conflict(struct file_lines *lines, gboolean crlf, size_t line)
{
	struct line_conflict *conflict = g_new0(struct line_conflict, 1);

	conflict->ours = g_string_new(NULL);
	conflict->theirs = g_string_new(NULL);
	conflict->crlf = crlf;
	conflict->line = line;
	g_ptr_array_add(lines->conflicts, conflict);
	return conflict;
}

static void take_apart(struct file_lines *lines, const GByteArray *merged, const char *label)
{
	const char *at = (const char *)merged->data;
	const char *end = at + merged->len;
	struct line_conflict *conflict = NULL;
	GString *into = begin_agreed(lines);
	size_t line = 1;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((feed ? feed + 1 : end) - at);

		if (is_marker(at, size, '<', label)) {
			conflict = begin_conflict(lines, feed[-1] == '\r', line);
			into = conflict->ours;
		} else if (conflict && is_marker(at, size, '=', label)) {
			into = conflict->theirs;
		} else if (conflict && is_marker(at, size, '>', label)) {
			conflict = NULL;
			into = begin_agreed(lines);
		} else {
			g_string_append_len(into, at, (gssize)size);
			line += !conflict || into == conflict->ours;
		}
		at += size;
	}
}

static size_t added_to(
	const struct line_conflict *conflict, const struct text_version *text, const GString *side)
{
	gboolean open = side->len > 0 && text->size > 0 && text->data[text->size - 1] != '\n';

	return open ? (conflict->crlf ? 2 : 1) : 0;
}

/* Only a conflict with nothing behind it can hold the end of a text. */
static void find_open_end(struct file_lines *lines, const struct text_version *ours,
	const struct text_version *theirs)
{
	const GString *last = lines->agreed->pdata[lines->agreed->len - 1];
	struct line_conflict *conflict;

	if (lines->conflicts->len == 0 || last->len > 0)
		return;
	conflict = lines->conflicts->pdata[lines->conflicts->len - 1];
	conflict->ours_added = added_to(conflict, ours, conflict->ours);
	conflict->theirs_added = added_to(conflict, theirs, conflict->theirs);
}

static gboolean begins_with_crlf(const struct text_version *text)
{
	const char *feed = text->size > 0 ? memchr(text->data, '\n', text->size) : NULL;

	return feed && feed > text->data && feed[-1] == '\r';
}

/* Without a base, text_merge() has too little to tell how markers should end. */
static void end_markers_alike(struct file_lines *lines, const struct text_version *ours,
	const struct text_version *theirs)
{
	if (!begins_with_crlf(ours) || !begins_with_crlf(theirs))
		return;
	for (guint i = 0; i < lines->conflicts->len; i++)
		((struct line_conflict *)lines->conflicts->pdata[i])->crlf = TRUE;
}

struct file_lines *file_lines_merge(const struct text_version *base,
	const struct text_version *ours, const struct text_version *theirs)
{
	struct file_lines *lines = g_new0(struct file_lines, 1);
	uint64_t random[LABEL_WORDS];
	g_autofree char *label = NULL;
	g_autoptr(GByteArray) merged = NULL;
	size_t conflicts;

	hash_random(random, sizeof(random));
	label = g_strdup_printf(
		"%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", random[0], random[1]);
	merged = text_merge(base, ours, theirs,
		&(struct text_markers){
			.ours = label, .theirs = label, .size = MARKER_SIZE, .middle = label},
		&conflicts);
	lines->agreed = g_ptr_array_new_with_free_func(free_string);
	lines->conflicts = g_ptr_array_new_with_free_func(free_conflict);
	take_apart(lines, merged, label);
	g_assert(lines->conflicts->len == conflicts);
	find_open_end(lines, ours, theirs);
	if (base->size == 0)
		end_markers_alike(lines, ours, theirs);
	return lines;
}

size_t file_lines_conflicts(const struct file_lines *lines)
{
	return lines->conflicts->len;
}

const char *file_lines_conflict(
	const struct file_lines *lines, size_t at, enum file_lines_side side)
{
	const struct line_conflict *conflict = lines->conflicts->pdata[at];

	return side == FILE_LINES_THEIRS ? conflict->theirs->str : conflict->ours->str;
}

size_t file_lines_line(const struct file_lines *lines, size_t at)
{
	return ((const struct line_conflict *)lines->conflicts->pdata[at])->line;
}

static void put_marker(GString *out, char mark, const char *label, gboolean crlf)
{
	for (size_t i = 0; i < MARKER_SIZE; i++)
		g_string_append_c(out, mark);
	if (label)
		g_string_append_printf(out, " %s", label);
	g_string_append(out, crlf ? "\r\n" : "\n");
}

static void put_side(GString *out, const GString *side, size_t added)
{
	g_string_append_len(out, side->str, (gssize)(side->len - added));
}

static void put_conflict(GString *out, const struct line_conflict *conflict,
	enum file_lines_side side, const char *ours_label, const char *theirs_label)
{
	switch (side) {
	case FILE_LINES_OURS:
		put_side(out, conflict->ours, conflict->ours_added);
		break;
	case FILE_LINES_THEIRS:
		put_side(out, conflict->theirs, conflict->theirs_added);
		break;
	case FILE_LINES_BOTH:
		put_side(out, conflict->ours, 0);
		put_side(out, conflict->theirs, conflict->theirs_added);
		break;
	case FILE_LINES_MARKERS:
		put_marker(out, '<', ours_label, conflict->crlf);
		put_side(out, conflict->ours, 0);
		put_marker(out, '=', NULL, conflict->crlf);
		put_side(out, conflict->theirs, 0);
		put_marker(out, '>', theirs_label, conflict->crlf);
		break;
	}
}

GString *file_lines_compose(const struct file_lines *lines, const enum file_lines_side *sides,
	const char *ours_label, const char *theirs_label)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < lines->agreed->len; i++) {
		const GString *agreed = lines->agreed->pdata[i];

		g_string_append_len(out, agreed->str, (gssize)agreed->len);
		if (i < lines->conflicts->len)
			put_conflict(out, lines->conflicts->pdata[i], sides[i], ours_label,
				theirs_label);
	}
	return out;
}

GString *file_lines_compose_all(const struct file_lines *lines, enum file_lines_side side,
	const char *ours_label, const char *theirs_label)
{
	g_autofree enum file_lines_side *sides = g_new(
		enum file_lines_side, lines->conflicts->len + 1);

	for (guint i = 0; i < lines->conflicts->len; i++)
		sides[i] = side;
	return file_lines_compose(lines, sides, ours_label, theirs_label);
}
