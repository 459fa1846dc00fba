/*
 * A document as it is written: its parse, and what follows from where its values stand.
 *
 * document_parse() decides what is a document and what it means; document_text_json.c and
 * document_text_yaml.c then say where each value is. Here both meet: nodes get their values, their
 * columns, and the lines that would go with them. A comment above an entry is its own if it is
 * indented as the entry is and no blank line stands between; comments below belong to it if they
 * are indented deeper. Nothing here changes a text.
 */
#include "journal/base/document_text.h"

#include <string.h>

#include "journal/base/document_text_nodes.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct document_text {
	enum document_format format;
	char *bytes;
	size_t size;
	struct value *value;
	struct document_node *root;
	gboolean has_aliases;
};

/* ---- nodes ---- */

static void free_child(gpointer child)
{
	document_node_free(child);
}

struct document_node *document_node_new(struct document_node *parent)
{
	struct document_node *node = g_new0(struct document_node, 1);

	node->children = g_ptr_array_new_with_free_func(free_child);
	node->parent = parent;
	if (parent)
		g_ptr_array_add(parent->children, node);
	return node;
}

void document_node_free(struct document_node *node)
{
	if (!node)
		return;
	g_ptr_array_unref(node->children);
	g_free((char *)node->name);
	g_free(node);
}

const struct document_node *document_node_child(const struct document_node *node, size_t at)
{
	return at < node->children->len ? g_ptr_array_index(node->children, at) : NULL;
}

const struct document_node *document_node_member(const struct document_node *map, const char *name)
{
	size_t at;

	/* Children and members have the same order, and a value finds its members by hash. */
	if (map->kind != VALUE_MAP || map->is_alias || !value_find(map->value, name, &at))
		return NULL;
	return document_node_child(map, at);
}

/* ---- lines ---- */

static size_t begin_of_line(const char *text, size_t at)
{
	while (at > 0 && text[at - 1] != '\n' && text[at - 1] != '\r')
		at--;
	return at;
}

/* The first byte of the next line, or the end of the text. */
static size_t next_line(const struct document_text *text, size_t at)
{
	while (at < text->size && text->bytes[at] != '\n' && text->bytes[at] != '\r')
		at++;
	if (at + 1 < text->size && text->bytes[at] == '\r' && text->bytes[at + 1] == '\n')
		at++;
	return MIN(at + 1, text->size);
}

/* The line before the one that begins at LINE, which is not the first. */
static size_t previous_line(const char *text, size_t line)
{
	size_t at = line - 1;

	if (text[at] == '\n' && at > 0 && text[at - 1] == '\r')
		at--;
	return begin_of_line(text, at);
}

static size_t spaces_at(const struct document_text *text, size_t line)
{
	size_t at = line;

	while (at < text->size && text->bytes[at] == ' ')
		at++;
	return at - line;
}

static gboolean is_comment_line(const struct document_text *text, size_t line, size_t *spaces)
{
	*spaces = spaces_at(text, line);
	return line + *spaces < text->size && text->bytes[line + *spaces] == '#';
}

/* The first of the comment lines right above LINE that are indented by INDENT; those that end
 * before FLOOR, or begin the document, are somebody else's. */
static size_t above(const struct document_text *text, size_t line, size_t indent, size_t floor)
{
	size_t from = line;

	while (from > 0) {
		size_t before = previous_line(text->bytes, from);
		size_t spaces;

		if (before < floor || !is_comment_line(text, before, &spaces) || spaces != indent)
			return from;
		if (before == 0 ||
			(before == strlen(BYTE_ORDER_MARK) &&
				g_str_has_prefix(text->bytes, BYTE_ORDER_MARK)))
			return line;
		from = before;
	}
	return from;
}

/* Behind the comment lines at LINE that are indented deeper than INDENT. */
static size_t below(const struct document_text *text, size_t line, size_t indent)
{
	size_t spaces;

	while (line < text->size && is_comment_line(text, line, &spaces) && spaces > indent)
		line = next_line(text, line);
	return line;
}

static void set_lines(const struct document_text *text, struct document_node *node,
	const struct document_node *before)
{
	size_t entry = node->entry.begin;
	size_t line = begin_of_line(text->bytes, entry);
	size_t floor = before ? before->text.end : 0;

	if (line == 0 && g_str_has_prefix(text->bytes, BYTE_ORDER_MARK))
		line = MIN(strlen(BYTE_ORDER_MARK), entry);
	node->indent = (unsigned)g_utf8_strlen(text->bytes + line, (gssize)(entry - line));
	node->lines.begin = entry;
	if (entry - line == spaces_at(text, line))
		node->lines.begin = above(text, line, node->indent, floor);
	node->lines.end = below(text, next_line(text, node->text.end), node->indent);
}

static void move(struct document_span *span, size_t by)
{
	span->begin += by;
	span->end += by;
}

/* Places from the first byte on, values, lines; of NODE and all below it. */
static void complete(struct document_text *text, struct document_node *node,
	const struct value *value, const struct document_node *before, size_t by)
{
	const struct document_node *last = NULL;

	move(&node->text, by);
	move(&node->entry, by);
	move(&node->key, node->name ? by : 0);
	node->value = value;
	node->kind = value_kind(value);
	node->lines = node->entry;
	if (node->parent && node->parent->style == DOCUMENT_STYLE_BLOCK)
		set_lines(text, node, before);
	text->has_aliases |= node->is_alias || node->is_anchor;
	g_assert(node->is_alias || node->children->len == value_count(value));
	for (size_t i = 0; i < node->children->len; i++) {
		struct document_node *child = g_ptr_array_index(node->children, i);

		complete(text, child, value_at(value, i), last, by);
		last = child;
	}
}

/* ---- documents ---- */

struct document_text *document_text_parse(enum document_format format,
	const struct document_origin *origin, const char *text, size_t size, GError **error)
{
	scoped(document_text) document = NULL;
	struct value *value = document_parse(format, origin, text, size, error);
	size_t mark;

	if (!value)
		return NULL;
	document = g_new0(struct document_text, 1);
	document->format = format;
	document->bytes = g_strndup(text, size);
	document->size = size;
	document->value = value;
	mark = g_str_has_prefix(document->bytes, BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0;
	switch (format) {
	case DOCUMENT_JSON:
		document->root = document_text_read_json(
			value, document->bytes + mark, document->size - mark);
		break;
	case DOCUMENT_YAML:
		document->root = document_text_read_yaml(
			document->bytes + mark, document->size - mark);
		break;
	}
	complete(document, document->root, value, NULL, mark);
	return g_steal_pointer(&document);
}

void document_text_free(struct document_text *text)
{
	if (!text)
		return;
	document_node_free(text->root);
	value_free(text->value);
	g_free(text->bytes);
	g_free(text);
}

enum document_format document_text_format(const struct document_text *text)
{
	return text->format;
}

const char *document_text_bytes(const struct document_text *text)
{
	return text->bytes;
}

size_t document_text_size(const struct document_text *text)
{
	return text->size;
}

const struct document_node *document_text_root(const struct document_text *text)
{
	return text->root;
}

const struct value *document_text_value(const struct document_text *text)
{
	return text->value;
}

gboolean document_text_has_aliases(const struct document_text *text)
{
	return text->has_aliases;
}

const char *document_text_line_break(const struct document_text *text)
{
	const char *end = memchr(text->bytes, '\n', text->size);

	return end && end > text->bytes && end[-1] == '\r' ? "\r\n" : "\n";
}
