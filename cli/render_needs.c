/*
 * Needs in words. All of it is from the lock's graph, so what is said here agrees with what
 * `forge deps tree` shows.
 */
#include "cli/render_needs.h"

#include <string.h>

char *render_in_brackets(const char *constraint)
{
	return *constraint ? g_strdup_printf(" (%s)", constraint) : g_strdup("");
}

/* Adds `NAME VERSION (CONSTRAINT)`; SHOWN of NULL: it is not in the lock. */
static void add(GString *text, const char *name, const char *shown, const char *constraint)
{
	g_autofree char *bracketed = render_in_brackets(constraint);

	g_string_append_printf(text, "%s%s %s%s", text->len > 0 ? ", " : "", name,
		shown ? shown : "is not here", bracketed);
}

static char *text_or_null(GString *take_text)
{
	gboolean empty = take_text->len == 0;
	char *text = g_string_free(take_text, FALSE);

	if (empty)
		g_clear_pointer(&text, g_free);
	return text;
}

char *render_needs(const struct lock_graph *graph, const char *name)
{
	const struct graph_node *node = lock_graph_find(graph, name);
	GString *text = g_string_new(NULL);

	for (guint i = 0; node && i < node->edges->len; i++) {
		const struct graph_edge *edge = node->edges->pdata[i];
		const struct graph_node *there = lock_graph_find(graph, edge->component);

		add(text, edge->component, there ? there->shown : NULL, edge->constraint);
	}
	return text_or_null(text);
}

/* What NODE asks of NAME; NULL: it does not need it. */
static const struct graph_edge *edge_to(const struct graph_node *node, const char *name)
{
	for (guint i = 0; i < node->edges->len; i++) {
		const struct graph_edge *edge = node->edges->pdata[i];

		if (strcmp(edge->component, name) == 0)
			return edge;
	}
	return NULL;
}

char *render_needed_by(const struct lock_graph *graph, const char *name)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < graph->nodes->len; i++) {
		const struct graph_node *node = graph->nodes->pdata[i];
		const struct graph_edge *edge = edge_to(node, name);

		if (edge)
			add(text, node->component, node->shown, edge->constraint);
	}
	return text_or_null(text);
}

static struct value *value_of_need(const char *name, const char *shown, const char *constraint)
{
	struct value *map = value_new_map();

	value_put_string(map, "component", name);
	value_put_string(map, "version", shown);
	value_put_text(map, "version_constraint", constraint);
	return map;
}

static void put_unless_empty(struct value *map, const char *key, struct value *take_list)
{
	if (value_count(take_list) > 0)
		value_put_take(map, key, take_list);
	else
		value_free(take_list);
}

void render_put_needs(struct value *map, const struct lock_graph *graph, const char *name)
{
	const struct graph_node *node = lock_graph_find(graph, name);
	struct value *needs = value_new_list();
	struct value *needed_by = value_new_list();

	for (guint i = 0; node && i < node->edges->len; i++) {
		const struct graph_edge *edge = node->edges->pdata[i];
		const struct graph_node *there = lock_graph_find(graph, edge->component);

		value_append_take(needs,
			value_of_need(
				edge->component, there ? there->shown : NULL, edge->constraint));
	}
	for (guint i = 0; i < graph->nodes->len; i++) {
		const struct graph_node *other = graph->nodes->pdata[i];
		const struct graph_edge *edge = edge_to(other, name);

		if (edge)
			value_append_take(needed_by,
				value_of_need(other->component, other->shown, edge->constraint));
	}
	put_unless_empty(map, "needs", needs);
	put_unless_empty(map, "needed_by", needed_by);
}

char *render_unmet(const char *name, const struct unmet_need *need)
{
	const char *blank = *need->constraint ? " " : "";

	return need->here
		? g_strdup_printf("%s needs %s%s%s (here: %s); run 'forge install' to bring it",
			  name, need->component, blank, need->constraint, need->here)
		: g_strdup_printf("%s needs %s%s%s (not here); run 'forge install' to bring it",
			  name, need->component, blank, need->constraint);
}

struct value *render_unmet_value(const GArray *unmet)
{
	struct value *list = value_new_list();

	for (guint i = 0; i < unmet->len; i++) {
		const struct unmet_need *need = &g_array_index(unmet, struct unmet_need, i);
		struct value *map = value_new_map();

		value_put_string(map, "component", need->component);
		value_put_text(map, "version_constraint", need->constraint);
		value_put_string(map, "here", need->here);
		value_append_take(list, map);
	}
	return list;
}
