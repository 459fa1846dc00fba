/*
 * forge.lock as a graph: what is there, and who needs it.
 *
 * A lock that was edited by hand may have circles and names that lead nowhere; both walks end all
 * the same: the tree opens each component once, and a path never comes back to where it was.
 */
#include "worker/dependency/lock_graph.h"

#include <string.h>

#include "journal/base/hash.h"
#include "worker/component/component_constraint.h"

#define DEPTH_MAX 64

static void free_edge(gpointer data)
{
	struct graph_edge *edge = data;

	g_free(edge->component);
	g_free(edge->constraint);
	g_free(edge);
}

static void free_node(gpointer data)
{
	struct graph_node *node = data;

	g_free(node->component);
	g_free(node->shown);
	g_free(node->version);
	g_free(node->listed);
	g_ptr_array_unref(node->edges);
	g_free(node);
}

void lock_graph_free(struct lock_graph *graph)
{
	if (!graph)
		return;
	g_ptr_array_unref(graph->nodes);
	g_free(graph);
}

static gint compare_nodes(gconstpointer a, gconstpointer b)
{
	const struct graph_node *one = *(struct graph_node *const *)a;
	const struct graph_node *two = *(struct graph_node *const *)b;

	return strcmp(one->component, two->component);
}

static struct graph_node *add_node(struct lock_graph *graph, const struct wanted_file *wanted,
	const struct locked_component *locked)
{
	const struct wanted_component *listed = wanted_file_find(wanted, locked->component);
	struct graph_node *node = g_new0(struct graph_node, 1);

	node->component = g_strdup(locked->component);
	node->shown = locked->version ? g_strdup(locked->version) : g_strndup(locked->commit, 7);
	node->version = g_strdup(locked->version);
	node->listed = listed ? g_strdup(listed->constraint ? listed->constraint : "") : NULL;
	node->edges = g_ptr_array_new_with_free_func(free_edge);
	for (char **name = locked->dependencies; *name; name++) {
		struct graph_edge *edge = g_new0(struct graph_edge, 1);

		edge->component = g_strdup(*name);
		edge->constraint = g_strdup("");
		g_ptr_array_add(node->edges, edge);
	}
	g_ptr_array_add(graph->nodes, node);
	return node;
}

struct lock_graph *lock_graph_new(const struct wanted_file *wanted, const struct lock_file *locked)
{
	struct lock_graph *graph = g_new0(struct lock_graph, 1);

	graph->nodes = g_ptr_array_new_with_free_func(free_node);
	for (guint i = 0; i < locked->components->len; i++)
		add_node(graph, wanted, locked->components->pdata[i]);
	g_ptr_array_sort(graph->nodes, compare_nodes);
	return graph;
}

struct graph_node *lock_graph_find(const struct lock_graph *graph, const char *name)
{
	for (guint i = 0; i < graph->nodes->len; i++) {
		struct graph_node *node = graph->nodes->pdata[i];

		if (strcmp(node->component, name) == 0)
			return node;
	}
	return NULL;
}

void lock_graph_say(
	struct lock_graph *graph, const char *from, const char *to, const char *constraint)
{
	struct graph_node *node = lock_graph_find(graph, from);

	for (guint i = 0; node && i < node->edges->len; i++) {
		struct graph_edge *edge = node->edges->pdata[i];

		if (strcmp(edge->component, to) != 0)
			continue;
		g_free(edge->constraint);
		edge->constraint = g_strdup(constraint ? constraint : "");
	}
}

void lock_graph_say_version(struct lock_graph *graph, const char *name, const char *version)
{
	struct graph_node *node = lock_graph_find(graph, name);

	if (node && !node->version)
		node->version = g_strdup(version);
}

/* ---- what is missing ---------------------------------------------------------------------- */

GArray *lock_graph_unmet(const struct lock_graph *graph, const char *name)
{
	GArray *unmet = g_array_new(FALSE, FALSE, sizeof(struct unmet_need));
	const struct graph_node *node = lock_graph_find(graph, name);

	for (guint i = 0; node && i < node->edges->len; i++) {
		const struct graph_edge *edge = node->edges->pdata[i];
		const struct graph_node *there = lock_graph_find(graph, edge->component);
		struct unmet_need need = {.component = edge->component,
			.constraint = edge->constraint,
			.here = there ? there->version : NULL};

		if (!there || !component_constraint_allows(edge->constraint, there->version))
			g_array_append_val(unmet, need);
	}
	return unmet;
}

/* ---- what goes with a component ----------------------------------------------------------- */

static void reach(const struct lock_graph *graph, const char *name, GHashTable *names)
{
	const struct graph_node *node = lock_graph_find(graph, name);

	if (!node || !g_hash_table_add(names, node->component))
		return;
	for (guint i = 0; i < node->edges->len; i++)
		reach(graph, ((const struct graph_edge *)node->edges->pdata[i])->component, names);
}

static gboolean is_needed(const struct lock_graph *graph, const char *name)
{
	for (guint i = 0; i < graph->nodes->len; i++) {
		const struct graph_node *node = graph->nodes->pdata[i];

		for (guint j = 0; j < node->edges->len; j++)
			if (strcmp(((const struct graph_edge *)node->edges->pdata[j])->component,
				    name) == 0)
				return TRUE;
	}
	return FALSE;
}

char **lock_graph_only_for(const struct lock_graph *graph, const char *name)
{
	g_autoptr(GHashTable) going = g_hash_table_new(hash_string_keyed, g_str_equal);
	g_autoptr(GHashTable) staying = g_hash_table_new(hash_string_keyed, g_str_equal);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	reach(graph, name, going);
	for (guint i = 0; i < graph->nodes->len; i++) {
		const struct graph_node *node = graph->nodes->pdata[i];

		if (strcmp(node->component, name) != 0 &&
			(node->listed || !is_needed(graph, node->component)))
			reach(graph, node->component, staying);
	}
	for (guint i = 0; i < graph->nodes->len; i++) {
		const char *one = ((const struct graph_node *)graph->nodes->pdata[i])->component;

		if (strcmp(one, name) != 0 && g_hash_table_contains(going, one) &&
			!g_hash_table_contains(staying, one))
			g_strv_builder_add(names, one);
	}
	return g_strv_builder_end(names);
}

/* ---- the tree ----------------------------------------------------------------------------- */

struct drawing {
	const struct lock_graph *graph;
	GArray *lines;
	GHashTable *opened; /* names */
};

static void draw(struct drawing *drawing, const char *name, const char *constraint, guint depth,
	guint64 last)
{
	const struct graph_node *node = lock_graph_find(drawing->graph, name);
	struct graph_line line = {.depth = depth,
		.last = last,
		.component = name,
		.shown = node ? node->shown : NULL,
		.constraint = constraint};

	line.again = node && node->edges->len > 0 &&
		!g_hash_table_add(drawing->opened, (gpointer)name);
	g_array_append_val(drawing->lines, line);
	if (!node || line.again || depth + 1 >= DEPTH_MAX)
		return;
	for (guint i = 0; i < node->edges->len; i++) {
		const struct graph_edge *edge = node->edges->pdata[i];
		guint64 bit = i + 1 == node->edges->len ? G_GUINT64_CONSTANT(1) << (depth + 1) : 0;

		draw(drawing, edge->component, edge->constraint, depth + 1, last | bit);
	}
}

GArray *lock_graph_tree(const struct lock_graph *graph)
{
	g_autoptr(GHashTable) opened = g_hash_table_new(hash_string_keyed, g_str_equal);
	struct drawing drawing = {
		graph, g_array_new(FALSE, FALSE, sizeof(struct graph_line)), opened};

	for (guint i = 0; i < graph->nodes->len; i++) {
		const struct graph_node *node = graph->nodes->pdata[i];

		if (node->listed)
			draw(&drawing, node->component, node->listed, 0, 0);
	}
	return drawing.lines;
}

/* ---- paths -------------------------------------------------------------------------------- */

struct searching {
	const struct lock_graph *graph;
	GHashTable *reaches; /* names from which the wanted one can be reached */
	const char *wanted;
	GArray *path; /* of struct graph_line */
	GPtrArray *found;
	guint most;
};

static gboolean is_on_path(const struct searching *searching, const char *name)
{
	for (guint i = 0; i < searching->path->len; i++)
		if (strcmp(g_array_index(searching->path, struct graph_line, i).component, name) ==
			0)
			return TRUE;
	return FALSE;
}

/* Goes on only where the end can be reached, so that the work is in proportion to what is found. */
static void search(struct searching *searching, const char *name, const char *constraint)
{
	const struct graph_node *node = lock_graph_find(searching->graph, name);
	struct graph_line line = {.depth = searching->path->len,
		.component = name,
		.shown = node ? node->shown : NULL,
		.constraint = constraint};

	if (searching->found->len >= searching->most || is_on_path(searching, name) ||
		!g_hash_table_contains(searching->reaches, name))
		return;
	g_array_append_val(searching->path, line);
	if (strcmp(name, searching->wanted) == 0)
		g_ptr_array_add(searching->found, g_array_copy(searching->path));
	for (guint i = 0; node && strcmp(name, searching->wanted) != 0 && i < node->edges->len;
		i++) {
		const struct graph_edge *edge = node->edges->pdata[i];

		search(searching, edge->component, edge->constraint);
	}
	g_array_set_size(searching->path, searching->path->len - 1);
}

static gboolean needs_one_of(const struct graph_node *node, GHashTable *names)
{
	for (guint i = 0; i < node->edges->len; i++)
		if (g_hash_table_contains(
			    names, ((const struct graph_edge *)node->edges->pdata[i])->component))
			return TRUE;
	return FALSE;
}

static GHashTable *who_reaches(const struct lock_graph *graph, const char *name)
{
	GHashTable *names = g_hash_table_new(hash_string_keyed, g_str_equal);
	gboolean grows = TRUE;

	g_hash_table_add(names, (gpointer)name);
	while (grows) {
		grows = FALSE;
		for (guint i = 0; i < graph->nodes->len; i++) {
			const struct graph_node *node = graph->nodes->pdata[i];

			if (!g_hash_table_contains(names, node->component) &&
				needs_one_of(node, names))
				grows = g_hash_table_add(names, node->component) || grows;
		}
	}
	return names;
}

GPtrArray *lock_graph_paths(const struct lock_graph *graph, const char *name, guint most)
{
	g_autoptr(GHashTable) reaches = who_reaches(graph, name);
	g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(struct graph_line));
	GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	struct searching searching = {graph, reaches, name, path, found, most};

	for (guint i = 0; i < graph->nodes->len; i++) {
		const struct graph_node *node = graph->nodes->pdata[i];

		if (node->listed)
			search(&searching, node->component, node->listed);
	}
	return found;
}
