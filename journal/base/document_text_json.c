/*
 * Where the values of a JSON text stand.
 *
 * jansson keeps no places, so this walks the text beside the tree that was read from it: the text
 * is known to be JSON, members are in its order, and only strings and punctuation have to be told
 * apart. Names come from the tree, so no escape is read twice.
 */
#include "journal/base/document_text_nodes.h"

#include <string.h>

struct walk {
	const char *text;
	size_t size;
	size_t at;
};

static char byte_at(const struct walk *walk)
{
	g_assert(walk->at < walk->size);
	return walk->text[walk->at];
}

static void skip_blank(struct walk *walk)
{
	while (walk->at < walk->size && strchr(" \t\r\n", walk->text[walk->at]))
		walk->at++;
}

static void expect(struct walk *walk, char byte)
{
	skip_blank(walk);
	g_assert(byte_at(walk) == byte);
	walk->at++;
}

static struct document_span skip_string(struct walk *walk)
{
	struct document_span span;

	skip_blank(walk);
	span.begin = walk->at;
	expect(walk, '"');
	while (byte_at(walk) != '"')
		walk->at += byte_at(walk) == '\\' ? 2 : 1;
	walk->at++;
	span.end = walk->at;
	return span;
}

static void read_value(struct walk *walk, const struct value *value, struct document_node *node);

static void read_children(struct walk *walk, const struct value *value, struct document_node *node)
{
	gboolean is_map = value_kind(value) == VALUE_MAP;

	expect(walk, is_map ? '{' : '[');
	for (size_t i = 0; i < value_count(value); i++) {
		struct document_node *child = document_node_new(node);

		if (i > 0)
			expect(walk, ',');
		if (is_map) {
			child->name = g_strdup(value_key_at(value, i));
			child->key = skip_string(walk);
			expect(walk, ':');
		}
		read_value(walk, value_at(value, i), child);
		child->entry.begin = is_map ? child->key.begin : child->text.begin;
		child->entry.end = child->text.end;
	}
	expect(walk, is_map ? '}' : ']');
}

static void skip_word(struct walk *walk)
{
	while (walk->at < walk->size && !strchr(" \t\r\n,]}", walk->text[walk->at]))
		walk->at++;
}

static void read_value(struct walk *walk, const struct value *value, struct document_node *node)
{
	skip_blank(walk);
	node->kind = value_kind(value);
	node->text.begin = walk->at;
	switch (node->kind) {
	case VALUE_LIST:
	case VALUE_MAP:
		node->style = DOCUMENT_STYLE_FLOW;
		read_children(walk, value, node);
		break;
	case VALUE_STRING:
		node->style = DOCUMENT_STYLE_DOUBLE;
		skip_string(walk);
		break;
	case VALUE_NULL:
	case VALUE_BOOLEAN:
	case VALUE_INTEGER:
	case VALUE_REAL:
		node->style = DOCUMENT_STYLE_PLAIN;
		skip_word(walk);
		break;
	}
	node->text.end = walk->at;
}

struct document_node *document_text_read_json(
	const struct value *root, const char *text, size_t size)
{
	struct walk walk = {.text = text, .size = size};
	struct document_node *node = document_node_new(NULL);

	read_value(&walk, root, node);
	node->entry = node->text;
	return node;
}
