/*
 * Text taken as somebody else wrote it, moved to where it is to stand.
 *
 * All lines but the first are shifted by as many columns as the entry moves, so that what is
 * indented relative to it stays so; line breaks become those of the document. Whether the moved
 * text still means the same is not decided here: the whole result is read again (document_edit.c),
 * and if a source did not travel well the value is written anew. Anchors and aliases never travel.
 */
#include <string.h>

#include "worker/document/document_edit_plan.h"

static gboolean travels(const struct document_node *node)
{
	if (node->is_alias || node->is_anchor || node->is_tagged)
		return FALSE;
	for (size_t i = 0; i < node->children->len; i++)
		if (!travels(document_node_child(node, i)))
			return FALSE;
	return TRUE;
}

static gboolean has_source(const struct document_content *content, enum document_format format)
{
	return content->source && document_text_format(content->source_text) == format &&
		value_equal(content->source->value, content->value) && travels(content->source);
}

static size_t line_size(const char *line, size_t size)
{
	size_t at = 0;

	while (at < size && line[at] != '\n' && line[at] != '\r')
		at++;
	return at;
}

static size_t break_size(const char *at, size_t size)
{
	if (size > 1 && at[0] == '\r' && at[1] == '\n')
		return 2;
	return size > 0 ? 1 : 0;
}

/* Appends one line that stood in a text indented by FROM columns and is to stand in one by TO. */
static void append_shifted(GString *text, const struct document_plan *plan, const char *line,
	size_t size, unsigned from, unsigned to)
{
	size_t spaces = 0;

	while (spaces < size && line[spaces] == ' ')
		spaces++;
	if (spaces == size) {
		document_write_line(text, &plan->manner, 0);
		return;
	}
	document_write_line(
		text, &plan->manner, to + (spaces > from ? (unsigned)(spaces - from) : 0));
	g_string_append_len(text, line + spaces, (gssize)(size - spaces));
}

static char *shift(const struct document_plan *plan, const struct document_content *content,
	struct document_span span, unsigned from, unsigned to)
{
	const char *at = document_text_bytes(content->source_text) + span.begin;
	const char *end = document_text_bytes(content->source_text) + span.end;
	GString *text = g_string_new(NULL);
	size_t size = line_size(at, (size_t)(end - at));

	g_string_append_len(text, at, (gssize)size);
	for (at += size; at < end; at += size) {
		at += break_size(at, (size_t)(end - at));
		size = line_size(at, (size_t)(end - at));
		append_shifted(text, plan, at, size, from, to);
	}
	return g_string_free(text, FALSE);
}

static gboolean is_block_entry(const struct document_node *node)
{
	return node->parent && node->parent->style == DOCUMENT_STYLE_BLOCK;
}

/* The lines from A's own comments to the comment behind B, without the first indentation and the
 * last line break. */
static struct document_span lines_of(const struct document_content *content,
	const struct document_node *a, const struct document_node *b)
{
	const char *bytes = document_text_bytes(content->source_text);
	struct document_span span = {a->lines.begin, b->lines.end};

	while (bytes[span.begin] == ' ')
		span.begin++;
	if (span.end > b->text.end && bytes[span.end - 1] == '\n')
		span.end--;
	if (span.end > b->text.end && bytes[span.end - 1] == '\r')
		span.end--;
	return span;
}

char *document_take_scalar(
	const struct document_plan *plan, const struct document_content *content, unsigned column)
{
	const struct document_node *source = content->source;

	if (!has_source(content, plan->manner.format) || source->style == DOCUMENT_STYLE_BLOCK ||
		source->text.begin == source->text.end)
		return NULL;
	return shift(
		plan, content, source->text, is_block_entry(source) ? source->indent : 0, column);
}

char *document_take_block(
	const struct document_plan *plan, const struct document_content *content, unsigned column)
{
	const struct document_node *first, *last;

	if (!has_source(content, plan->manner.format) ||
		content->source->style != DOCUMENT_STYLE_BLOCK)
		return NULL;
	first = document_node_child(content->source, 0);
	last = document_node_child(content->source, content->source->children->len - 1);
	return shift(plan, content, lines_of(content, first, last), first->indent, column);
}

char *document_take_entry(const struct document_plan *plan, const struct document_content *content,
	const char *key, unsigned column)
{
	const struct document_node *source = content->source;

	if (!has_source(content, plan->manner.format) || !is_block_entry(source) ||
		g_strcmp0(key, source->name) != 0)
		return NULL;
	return shift(plan, content, lines_of(content, source, source), source->indent, column);
}

/* ---- flow ---- */

/* Text without quotes means more things in brackets than outside of them. */
static gboolean fits_flow(const struct document_node *source)
{
	switch (source->style) {
	case DOCUMENT_STYLE_SINGLE:
	case DOCUMENT_STYLE_DOUBLE:
	case DOCUMENT_STYLE_FLOW:
		return TRUE;
	case DOCUMENT_STYLE_PLAIN:
		return source->text.end > source->text.begin &&
			(source->kind != VALUE_STRING ||
				(source->parent && source->parent->style == DOCUMENT_STYLE_FLOW));
	case DOCUMENT_STYLE_LITERAL:
	case DOCUMENT_STYLE_FOLDED:
	case DOCUMENT_STYLE_BLOCK:
		return FALSE;
	}
	g_assert_not_reached();
}

static char *source_margin(const char *bytes, size_t at)
{
	while (at > 0 && bytes[at - 1] != '\n' && bytes[at - 1] != '\r')
		at--;
	return g_strndup(bytes + at, strspn(bytes + at, " \t"));
}

char *document_take_flow(const struct document_plan *plan, const struct document_content *content,
	const char *margin)
{
	g_autofree char *old_margin = NULL;
	const struct document_node *source = content->source;
	const char *bytes, *at, *end;
	GString *text;
	size_t size;

	if (!has_source(content, plan->manner.format) || !fits_flow(source))
		return NULL;
	bytes = document_text_bytes(content->source_text);
	text = g_string_new(NULL);
	at = bytes + source->text.begin;
	end = bytes + source->text.end;
	size = line_size(at, (size_t)(end - at));
	old_margin = at + size < end ? source_margin(bytes, source->entry.begin) : NULL;
	g_string_append_len(text, at, (gssize)size);
	for (at += size; at < end; at += size) {
		at += break_size(at, (size_t)(end - at));
		if (strncmp(at, old_margin, strlen(old_margin)) == 0)
			at += strlen(old_margin);
		size = line_size(at, (size_t)(end - at));
		g_string_append_printf(text, "%s%s", plan->manner.line_break, margin);
		g_string_append_len(text, at, (gssize)size);
	}
	return g_string_free(text, FALSE);
}
