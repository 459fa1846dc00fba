/*
 * `forge deps tree|why|verify`: what forge.lock has, why, and whether it is so. No server is asked.
 */
#include <string.h>

#include "cli/component_editing.h"
#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "cli/render_needs.h"
#include "journal/base/errors.h"
#include "journal/base/nearest.h"
#include "worker/dependency/workspace_graph.h"
#include "worker/workspace/workspace_documents.h"

#define PATHS_MAX 1000

/* ---- tree --------------------------------------------------------------------------------- */

static char *line_of_tree(const struct graph_line *line)
{
	GString *text = g_string_new(NULL);
	g_autofree char *constraint = render_in_brackets(line->constraint);

	for (guint depth = 1; depth < line->depth; depth++)
		g_string_append(text, line->last >> depth & 1 ? "    " : "│   ");
	if (line->depth > 0)
		g_string_append(text, line->last >> line->depth & 1 ? "└── " : "├── ");
	g_string_append_printf(text, "%s %s%s%s", line->component,
		line->shown ? line->shown : "is not in forge.lock", constraint,
		line->again ? " …" : "");
	return g_string_free(text, FALSE);
}

static struct value *value_of_node(const struct graph_node *node)
{
	struct value *map = value_new_map();
	struct value *needs = value_new_list();

	value_put_string(map, "component", node->component);
	value_put_string(map, "version", node->shown);
	value_put_boolean(map, "listed", node->listed != NULL);
	for (guint i = 0; i < node->edges->len; i++) {
		const struct graph_edge *edge = node->edges->pdata[i];
		struct value *need = value_new_map();

		value_put_string(need, "component", edge->component);
		value_put_string(
			need, "version_constraint", *edge->constraint ? edge->constraint : NULL);
		value_append_take(needs, need);
	}
	value_put_take(map, "dependencies", needs);
	return map;
}

int cmd_deps_tree(struct invocation *invocation, GError **error)
{
	scoped(client) client = NULL;
	scoped(lock_graph) graph = NULL;
	scoped(value) list = value_new_list();
	g_autoptr(GArray) lines = NULL;
	const char *root;

	client = workspace_connect(invocation, CLIENT_READS, &root, error);
	graph = client ? workspace_graph_read(root, error) : NULL;
	if (!graph)
		return 1;
	for (guint i = 0; i < graph->nodes->len; i++)
		value_append_take(list, value_of_node(graph->nodes->pdata[i]));
	if (output_is_machine(invocation)) {
		output_rows(invocation, "components", list);
		return 0;
	}
	lines = lock_graph_tree(graph);
	for (guint i = 0; i < lines->len; i++) {
		g_autofree char *text = line_of_tree(&g_array_index(lines, struct graph_line, i));

		component_line(invocation, "%s", text);
	}
	if (lines->len == 0)
		output_remark(invocation,
			"forge.lock has nothing that forge.yaml lists; `forge install` resolves it.");
	return 0;
}

/* ---- why ---------------------------------------------------------------------------------- */

static char *line_of_path(const GArray *path)
{
	GString *text = g_string_new("forge.yaml");

	for (guint i = 0; i < path->len; i++) {
		const struct graph_line *line = &g_array_index(path, struct graph_line, i);
		g_autofree char *constraint = render_in_brackets(line->constraint);

		g_string_append_printf(text, " → %s %s%s", line->component,
			line->shown ? line->shown : "?", constraint);
	}
	return g_string_free(text, FALSE);
}

static struct value *value_of_path(const GArray *path)
{
	struct value *list = value_new_list();

	for (guint i = 0; i < path->len; i++) {
		const struct graph_line *line = &g_array_index(path, struct graph_line, i);
		struct value *map = value_new_map();

		value_put_string(map, "component", line->component);
		value_put_string(map, "version", line->shown);
		value_put_string(
			map, "version_constraint", *line->constraint ? line->constraint : NULL);
		value_append_take(list, map);
	}
	return list;
}

static void fail_unknown(const struct lock_graph *graph, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *question = NULL;

	for (guint i = 0; i < graph->nodes->len; i++)
		g_ptr_array_add(names, ((struct graph_node *)graph->nodes->pdata[i])->component);
	g_ptr_array_add(names, NULL);
	question = nearest_question(name, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"forge.lock has no component '%s'%s%s", name, question ? "; " : "",
		question ? question : "");
}

int cmd_deps_why(struct invocation *invocation, GError **error)
{
	const char *name = invocation->arguments[0];
	scoped(client) client = NULL;
	scoped(lock_graph) graph = NULL;
	scoped(value) object = value_new_map();
	struct value *list = value_new_list();
	g_autoptr(GPtrArray) paths = NULL;
	const char *root;

	value_put_string(object, "component", name);
	value_put_take(object, "paths", list);
	client = workspace_connect(invocation, CLIENT_READS, &root, error);
	graph = client ? workspace_graph_read(root, error) : NULL;
	if (!graph)
		return 1;
	if (!lock_graph_find(graph, name)) {
		fail_unknown(graph, name, error);
		return 1;
	}
	paths = lock_graph_paths(graph, name, PATHS_MAX);
	for (guint i = 0; i < paths->len; i++) {
		g_autofree char *line = line_of_path(paths->pdata[i]);

		value_append_take(list, value_of_path(paths->pdata[i]));
		component_line(invocation, "%s", line);
	}
	output_value(invocation, object);
	if (paths->len == 0)
		output_remark(invocation, "Nothing needs it; `forge install` removes it.");
	else if (paths->len == PATHS_MAX)
		output_remark(invocation, "There may be more ways than these %d.", PATHS_MAX);
	return 0;
}

/* ---- verify ------------------------------------------------------------------------------- */

struct verdict {
	char *component;
	char *shown;   /* version or commit that is locked; NULL: none is */
	char *problem; /* NULL: all agree */
};

static void free_verdict(gpointer data)
{
	struct verdict *verdict = data;

	g_free(verdict->component);
	g_free(verdict->shown);
	g_free(verdict->problem);
	g_free(verdict);
}

static const struct history_job *job_for(const struct history *history, const char *name)
{
	for (guint i = 0; history && i < history->jobs->len; i++) {
		const struct history_job *job = history->jobs->pdata[i];

		if (g_strcmp0(job->target, name) == 0)
			return job;
	}
	return NULL;
}

static char *problem_of(const struct locked_component *locked, const struct history_job *job)
{
	const Forge__Fact *fact = job
		? component_run_fact(job, FORGE__FACT__KIND_COMPONENT_OBSERVED)
		: NULL;
	const Forge__ComponentObserved *seen = fact ? fact->component_observed : NULL;
	const Forge__Component *component = seen ? seen->component : NULL;

	if (!job)
		return g_strdup("it is not installed; `forge install` does that");
	if (!component) {
		const Forge__Error *failure = component_run_error(job);

		return g_strdup(failure ? failure->message : "it could not be looked at");
	}
	if (strcmp(component->repository, locked->repository) != 0)
		return g_strdup_printf("installed from %s, locked from %s", component->repository,
			locked->repository);
	if (strcmp(component->commit, locked->commit) != 0)
		return g_strdup_printf("installed is commit %.12s, locked %.12s; `forge install` "
				       "brings it there",
			component->commit, locked->commit);
	if (strcmp(component->tree, locked->tree) != 0)
		return g_strdup_printf("commit %.12s has the tree %.12s, forge.lock says %.12s",
			locked->commit, component->tree, locked->tree);
	if (*seen->local_tree == '\0')
		return g_strdup_printf("its folder %s is not there; `forge install` puts it back",
			component->folder);
	if (strcmp(seen->local_tree, locked->tree) != 0)
		return g_strdup_printf(
			"%u file%s differ%s from what is locked; `forge dev diff %s` "
			"shows how",
			seen->files_changed, seen->files_changed == 1 ? "" : "s",
			seen->files_changed == 1 ? "s" : "", locked->component);
	return NULL;
}

/* Looks at the files of what is installed; RUN is left empty where nothing is. */
static gboolean look(struct invocation *invocation, struct client *client,
	struct component_run *run, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	g_autoptr(GPtrArray) rows = requests_components(client, NULL, error);

	if (!rows || rows->len == 0)
		return rows != NULL;
	submit.all_forks = TRUE;
	return component_look(invocation, client, &submit, NULL, NULL, run, error);
}

static int show_verdicts(struct invocation *invocation, const GPtrArray *verdicts)
{
	scoped(value) list = value_new_list();
	guint wrong = 0;

	for (guint i = 0; i < verdicts->len; i++) {
		const struct verdict *verdict = verdicts->pdata[i];
		struct value *map = value_new_map();

		value_put_string(map, "component", verdict->component);
		value_put_boolean(map, "agrees", verdict->problem == NULL);
		value_put_string(map, "problem", verdict->problem);
		value_append_take(list, map);
		wrong += verdict->problem ? 1 : 0;
		if (verdict->problem)
			component_line(invocation, "✗ %s%s%s: %s", verdict->component,
				verdict->shown ? " " : "", verdict->shown ? verdict->shown : "",
				verdict->problem);
		else
			component_line(invocation, "✓ %s %s: commit, tree and files agree",
				verdict->component, verdict->shown);
	}
	if (output_is_machine(invocation))
		output_rows(invocation, "components", list);
	if (verdicts->len == 0)
		output_remark(invocation, "forge.lock is empty, and forge.yaml lists nothing.");
	return wrong ? forge_error_exit_status(FORGE_ERROR_VALIDATION_FAILED) : 0;
}

/* What forge.yaml lists and the lock lacks. */
static gboolean add_unlocked(
	const char *root, const struct lock_file *locked, GPtrArray *verdicts, GError **error)
{
	scoped(wanted_file) wanted = workspace_wanted_read(root, error);

	for (guint i = 0; wanted && i < wanted->components->len; i++) {
		const char *name =
			((const struct wanted_component *)wanted->components->pdata[i])->component;
		struct verdict *verdict;

		if (lock_file_find(locked, name))
			continue;
		verdict = g_new0(struct verdict, 1);
		verdict->component = g_strdup(name);
		verdict->problem = g_strdup("forge.lock lacks it; `forge install` resolves it");
		g_ptr_array_add(verdicts, verdict);
	}
	return wanted != NULL;
}

int cmd_deps_verify(struct invocation *invocation, GError **error)
{
	scoped(client) client = NULL;
	scoped(lock_file) locked = NULL;
	scoped_value(component_run) run = {0};
	g_autoptr(GPtrArray) verdicts = g_ptr_array_new_with_free_func(free_verdict);
	const char *root;

	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	locked = client ? workspace_locked_read(root, error) : NULL;
	if (!locked || !look(invocation, client, &run, error))
		return 1;
	for (guint i = 0; i < locked->components->len; i++) {
		const struct locked_component *line = locked->components->pdata[i];
		struct verdict *verdict = g_new0(struct verdict, 1);

		verdict->component = g_strdup(line->component);
		verdict->shown = line->version ? g_strdup(line->version)
					       : render_short_id(line->commit);
		verdict->problem = problem_of(line, job_for(run.history, line->component));
		g_ptr_array_add(verdicts, verdict);
	}
	if (!add_unlocked(root, locked, verdicts, error))
		return 1;
	return show_verdicts(invocation, verdicts);
}
