/*
 * Where the values of a YAML text stand: libyaml's events once more, this time for their marks.
 *
 * The marks need care. They count characters where we count bytes. A literal text's end lies behind
 * the blank lines that follow it; a block collection's end lies behind the comments that follow it,
 * so its place is taken from its children. Dashes and `?` have no events: they are looked for in
 * the blanks and comments between two values. What was read is known to be good (document_parse()
 * came first), so a failure here is a defect.
 */
#include "journal/base/document_text_nodes.h"

#include <string.h>
#include <yaml.h>

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, yaml_event_delete)

/* Byte offsets are noted for every so many characters, the rest is counted. */
#define CHARACTERS_A_NOTE 256

struct reader {
	yaml_parser_t parser;
	const char *text;
	size_t size;
	GArray *notes; /* of size_t: the byte at which character 0, 256, 512 … begins */
};

static void note_places(struct reader *reader)
{
	size_t characters = 0;

	for (size_t at = 0; at < reader->size; at++) {
		if (((unsigned char)reader->text[at] & 0xc0u) == 0x80u)
			continue;
		if (characters % CHARACTERS_A_NOTE == 0)
			g_array_append_val(reader->notes, at);
		characters++;
	}
}

static size_t byte_of(const struct reader *reader, const yaml_mark_t *mark)
{
	size_t note = mark->index / CHARACTERS_A_NOTE;
	const char *at;

	if (note >= reader->notes->len)
		return reader->size;
	at = reader->text + g_array_index(reader->notes, size_t, note);
	for (size_t i = 0; i < mark->index % CHARACTERS_A_NOTE; i++) {
		if (at >= reader->text + reader->size)
			return reader->size;
		at = g_utf8_next_char(at);
	}
	return MIN((size_t)(at - reader->text), reader->size);
}

static void next_event(struct reader *reader, yaml_event_t *event)
{
	int read = yaml_parser_parse(&reader->parser, event);

	g_assert(read);
}

/* ---- texts ---- */

static gboolean is_break(char byte)
{
	return byte == '\n' || byte == '\r';
}

static size_t before_break(const char *text, size_t begin, size_t end)
{
	if (end > begin && text[end - 1] == '\n')
		end--;
	if (end > begin && text[end - 1] == '\r')
		end--;
	return end;
}

static gboolean keeps_blank_lines(const char *text, size_t begin, size_t end)
{
	for (begin++; begin < end && strchr("+-0123456789", text[begin]); begin++)
		if (text[begin] == '+')
			return TRUE;
	return FALSE;
}

/* How far the lines of the block text that begins at BEGIN are indented. */
static size_t content_indent(const char *text, size_t begin, size_t end)
{
	size_t spaces = 0;

	while (begin < end && !is_break(text[begin]))
		begin++;
	for (; begin < end; begin++) {
		if (is_break(text[begin]))
			spaces = 0;
		else if (text[begin] == ' ')
			spaces++;
		else
			break;
	}
	return spaces;
}

/* The end of the `|` or `>` at BEGIN whose mark ends at END. */
static size_t end_of_block_text(const char *text, size_t begin, size_t end)
{
	size_t indent = content_indent(text, begin, end);

	if (keeps_blank_lines(text, begin, end))
		return before_break(text, begin, end);
	for (;;) {
		size_t content = before_break(text, begin, end);
		size_t line = content;

		while (line > begin && text[line - 1] == ' ')
			line--;
		/* Spaces beyond the indentation are text. */
		if (content == end || line == begin || !is_break(text[line - 1]) ||
			content - line > indent)
			return content;
		end = line;
	}
}

size_t document_text_skip_blank(const char *text, size_t at, size_t end)
{
	while (at < end) {
		if (text[at] == '#')
			while (at < end && !is_break(text[at]))
				at++;
		else if (text[at] == ' ' || text[at] == '\t' || is_break(text[at]))
			at++;
		else
			break;
	}
	return at;
}

/* The first byte behind anchor and tag. */
static size_t skip_properties(const struct reader *reader, size_t at)
{
	const char *text = reader->text;

	while (at < reader->size && (text[at] == '&' || text[at] == '!')) {
		while (at < reader->size && !strchr(" \t\r\n", text[at]))
			at++;
		at = document_text_skip_blank(text, at, reader->size);
	}
	return at;
}

/* ---- nodes ---- */

static void read_node(struct reader *reader, const yaml_event_t *event, struct document_node *node);

static enum document_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return DOCUMENT_STYLE_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return DOCUMENT_STYLE_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return DOCUMENT_STYLE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return DOCUMENT_STYLE_FOLDED;
	case YAML_ANY_SCALAR_STYLE:
	case YAML_PLAIN_SCALAR_STYLE:
		return DOCUMENT_STYLE_PLAIN;
	}
	g_assert_not_reached();
}

static struct document_span span_of(const struct reader *reader, const yaml_event_t *event)
{
	return (struct document_span){
		byte_of(reader, &event->start_mark), byte_of(reader, &event->end_mark)};
}

static void read_scalar(
	struct reader *reader, const yaml_event_t *event, struct document_node *node)
{
	size_t begin = skip_properties(reader, node->text.begin);

	node->style = style_of(event->data.scalar.style);
	node->is_anchor = event->data.scalar.anchor != NULL;
	node->is_tagged = event->data.scalar.tag != NULL;
	if (node->style == DOCUMENT_STYLE_LITERAL || node->style == DOCUMENT_STYLE_FOLDED)
		node->text.end = end_of_block_text(reader->text, begin, node->text.end);
}

/* Where the entry of a block collection begins: its dash, its `?`, or its key. */
static size_t begin_of_entry(
	const struct reader *reader, const struct document_node *list, size_t from)
{
	size_t count = list->children->len;
	const struct document_node *before = count > 1
		? g_ptr_array_index(list->children, count - 2)
		: NULL;

	return document_text_skip_blank(
		reader->text, before ? before->text.end : from, reader->size);
}

static size_t begin_of_key(const struct reader *reader, size_t key)
{
	size_t at = key;

	while (at > 0 && strchr(" \t", reader->text[at - 1]))
		at--;
	/* A `?` right before a key, with nothing that it could be the end of. */
	if (at < key && at > 0 && reader->text[at - 1] == '?' &&
		(at == 1 || strchr(" \t\r\n{[,-:?", reader->text[at - 2])))
		return at - 1;
	return key;
}

static void close_collection(struct document_node *node, const yaml_event_t *end_event,
	const struct reader *reader, gboolean has_properties)
{
	const struct document_node *first, *last;

	/* `[a: b]` has a map without braces, whose mark ends where the next thing begins. */
	if (node->style == DOCUMENT_STYLE_FLOW &&
		strchr("[{", reader->text[skip_properties(reader, node->text.begin)])) {
		node->text.end = byte_of(reader, &end_event->end_mark);
		return;
	}
	g_assert(node->children->len > 0);
	first = g_ptr_array_index(node->children, 0);
	last = g_ptr_array_index(node->children, node->children->len - 1);
	if (!has_properties)
		node->text.begin = first->entry.begin;
	node->text.end = last->text.end;
}

static void read_list(struct reader *reader, const yaml_event_t *start, struct document_node *node)
{
	gboolean is_flow = start->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	size_t begin = skip_properties(reader, node->text.begin);

	node->kind = VALUE_LIST;
	node->style = is_flow ? DOCUMENT_STYLE_FLOW : DOCUMENT_STYLE_BLOCK;
	node->is_anchor = start->data.sequence_start.anchor != NULL;
	node->is_tagged = start->data.sequence_start.tag != NULL;
	for (;;) {
		g_auto(yaml_event_t) event = {0};
		struct document_node *child;

		next_event(reader, &event);
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			close_collection(node, &event, reader, node->is_anchor || node->is_tagged);
			return;
		}
		child = document_node_new(node);
		read_node(reader, &event, child);
		child->entry.begin = is_flow ? child->text.begin
					     : begin_of_entry(reader, node, begin);
		child->entry.end = child->text.end;
	}
}

/* libyaml puts a value that is not there where the next thing begins. */
static void place_absent(const struct reader *reader, struct document_node *node)
{
	size_t colon = document_text_skip_blank(reader->text, node->key.end, reader->size);
	gboolean has_colon = colon < reader->size && reader->text[colon] == ':' &&
		(colon + 1 == reader->size || strchr(" \t\r\n,]}", reader->text[colon + 1]));

	node->text.begin = node->text.end = has_colon ? colon + 1 : node->key.end;
}

static void read_map(struct reader *reader, const yaml_event_t *start, struct document_node *node)
{
	node->kind = VALUE_MAP;
	node->style = start->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
		? DOCUMENT_STYLE_FLOW
		: DOCUMENT_STYLE_BLOCK;
	node->is_anchor = start->data.mapping_start.anchor != NULL;
	node->is_tagged = start->data.mapping_start.tag != NULL;
	for (;;) {
		g_auto(yaml_event_t) key = {0};
		g_auto(yaml_event_t) event = {0};
		struct document_node *child;

		next_event(reader, &key);
		if (key.type == YAML_MAPPING_END_EVENT) {
			close_collection(node, &key, reader, node->is_anchor || node->is_tagged);
			return;
		}
		child = document_node_new(node);
		child->key = span_of(reader, &key);
		child->name = g_strdup((const char *)key.data.scalar.value);
		next_event(reader, &event);
		read_node(reader, &event, child);
		if (child->style == DOCUMENT_STYLE_PLAIN && child->text.begin == child->text.end)
			place_absent(reader, child);
		child->entry.begin = begin_of_key(reader, child->key.begin);
		child->entry.end = child->text.end;
	}
}

static void read_node(struct reader *reader, const yaml_event_t *event, struct document_node *node)
{
	node->text = span_of(reader, event);
	if (event->type == YAML_SCALAR_EVENT) {
		read_scalar(reader, event, node);
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		read_list(reader, event, node);
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		read_map(reader, event, node);
	} else {
		g_assert(event->type == YAML_ALIAS_EVENT);
		node->style = DOCUMENT_STYLE_PLAIN;
		node->is_alias = TRUE;
	}
}

static void read_document(struct reader *reader, struct document_node *root)
{
	for (;;) {
		g_auto(yaml_event_t) event = {0};

		next_event(reader, &event);
		if (event.type == YAML_STREAM_END_EVENT) {
			root->text.begin = root->text.end = reader->size;
			return;
		}
		if (event.type != YAML_STREAM_START_EVENT &&
			event.type != YAML_DOCUMENT_START_EVENT) {
			read_node(reader, &event, root);
			return;
		}
	}
}

struct document_node *document_text_read_yaml(const char *text, size_t size)
{
	g_autoptr(GArray) notes = g_array_new(FALSE, FALSE, sizeof(size_t));
	struct reader reader = {.text = text, .size = size, .notes = notes};
	struct document_node *root = document_node_new(NULL);
	int ready = yaml_parser_initialize(&reader.parser);

	g_assert(ready);
	note_places(&reader);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
	read_document(&reader, root);
	yaml_parser_delete(&reader.parser);
	root->entry = root->text;
	return root;
}
