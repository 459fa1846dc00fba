/*
 * What a document's own text says about how to write in it.
 *
 * The first place that shows a habit decides: how deep the first nested map is indented, whether
 * the first list under a key is. Quotes go by number. Only so many nodes are looked at: a habit
 * that has not shown by then is no habit.
 */
#include <string.h>

#include "worker/document/document_edit_write.h"

#define NODES_LOOKED_AT 2000

struct look {
	struct document_manner *manner;
	const char *bytes;
	unsigned nodes;
	unsigned singles;
	unsigned doubles;
	gboolean saw_map, saw_list, saw_colon;
};

/* The blanks that the line of AT begins with, if only they stand before AT; else NULL. */
static char *margin_of(const char *bytes, size_t at)
{
	size_t line = at;

	while (line > 0 && strchr(" \t", bytes[line - 1]))
		line--;
	if (line > 0 && !strchr("\r\n", bytes[line - 1]))
		return NULL;
	return g_strndup(bytes + line, at - line);
}

static char *line_margin(const char *bytes, size_t at)
{
	size_t line = at;

	while (line > 0 && !strchr("\r\n", bytes[line - 1]))
		line--;
	return g_strndup(bytes + line, strspn(bytes + line, " \t"));
}

static void look_at_block(struct look *look, const struct document_node *node)
{
	const struct document_node *first = document_node_child(node, 0);
	unsigned deeper;

	if (!node->parent || node->parent->style != DOCUMENT_STYLE_BLOCK || !node->name)
		return;
	deeper = first->indent - node->indent;
	if (node->kind == VALUE_MAP && !look->saw_map && deeper > 0) {
		look->saw_map = TRUE;
		look->manner->map_indent = deeper;
	} else if (node->kind == VALUE_LIST && !look->saw_list) {
		look->saw_list = TRUE;
		look->manner->list_indent = deeper;
	}
}

static void look_at_flow(struct look *look, const struct document_node *node)
{
	const struct document_node *first = document_node_child(node, 0);
	g_autofree char *outer = NULL;
	g_autofree char *inner = NULL;

	if (!first)
		return;
	if (first->name && !look->saw_colon) {
		look->saw_colon = TRUE;
		if (first->text.begin == first->key.end + 1) {
			look->manner->colon = ":";
			look->manner->comma = ",";
		}
	}
	if (look->manner->unit)
		return;
	inner = margin_of(look->bytes, first->entry.begin);
	outer = inner ? line_margin(look->bytes, node->entry.begin) : NULL;
	if (inner && strlen(inner) > strlen(outer) && g_str_has_prefix(inner, outer))
		look->manner->unit = g_strdup(inner + strlen(outer));
}

static void look_at(struct look *look, const struct document_node *node)
{
	if (look->nodes++ >= NODES_LOOKED_AT)
		return;
	look->singles += node->style == DOCUMENT_STYLE_SINGLE;
	look->doubles += node->style == DOCUMENT_STYLE_DOUBLE;
	if (node->style == DOCUMENT_STYLE_BLOCK)
		look_at_block(look, node);
	else if (node->style == DOCUMENT_STYLE_FLOW)
		look_at_flow(look, node);
	for (size_t i = 0; i < node->children->len && look->nodes < NODES_LOOKED_AT; i++)
		look_at(look, document_node_child(node, i));
}

void document_manner_init(struct document_manner *manner, const struct document_text *text)
{
	struct look look = {.manner = manner, .bytes = document_text_bytes(text)};

	*manner = (struct document_manner){
		.format = document_text_format(text),
		.line_break = document_text_line_break(text),
		.map_indent = 2,
		.list_indent = 2,
		.colon = ": ",
		.comma = ", ",
	};
	look_at(&look, document_text_root(text));
	/* `{a:1}` is no map in YAML. */
	if (manner->format == DOCUMENT_YAML) {
		manner->colon = ": ";
		manner->comma = ", ";
	}
	if (!manner->unit)
		manner->unit = g_strdup("  ");
	manner->quotes = look.singles > look.doubles ? DOCUMENT_STYLE_SINGLE
						     : DOCUMENT_STYLE_DOUBLE;
}

void document_manner_clear(struct document_manner *manner)
{
	g_free(manner->unit);
	manner->unit = NULL;
}
