/*
 * `forge remove`: a component out of the workspace, and what became of all that was not upstream's.
 */
#include "cli/component_options.h"
#include "cli/dependency_run.h"
#include "cli/handlers.h"
#include "cli/history.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "cli/workspace_client.h"
#include "worker/dependency/workspace_graph.h"
#include "cli/workspace_rows.h"

struct showing {
	struct invocation *invocation;
	const Forge__Component *component; /* as it was */
	gboolean folder_remains;
	char **only_for; /* what only it needed, and goes with it */
};

static void show_removed(const struct showing *showing, const Forge__ComponentRemoved *fact)
{
	const Forge__Component *component = showing->component;
	g_autofree char *kept = render_short_id(fact->kept);
	g_autofree char *line = g_strdup_printf("✓ %s: removed", fact->name);

	output_marked(showing->invocation, line);
	if (*fact->kept)
		output_line(showing->invocation,
			"Local changes are kept as a stash (commit: %s); `forge install %s/%s` and then "
			"`forge dev stash pop %s` bring them back",
			kept, component->repository, fact->name, fact->name);
	if (showing->folder_remains)
		output_line(showing->invocation,
			"%s stays: it holds files that are not the component's", component->folder);
}

static struct value *value_of(const struct showing *showing, const struct history_job *job)
{
	const Forge__Fact *fact = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_REMOVED);
	struct value *map = component_value_of_job(job);
	struct value *with = value_new_list();

	value_put_boolean(map, "removed", fact != NULL);
	value_put_string(map, "kept",
		fact && *fact->component_removed->kept ? fact->component_removed->kept : NULL);
	value_put_string(
		map, "folder_remains", showing->folder_remains ? showing->component->folder : NULL);
	for (char **name = showing->only_for; fact && *name; name++)
		value_append_take(with, value_new_string(*name));
	value_put_take(map, "unneeded", with);
	return map;
}

static void show(const struct showing *showing, const struct component_run *run)
{
	const struct history_job *job = run->history->jobs->pdata[0];
	const Forge__Fact *fact = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_REMOVED);
	scoped(value) value = value_of(showing, job);

	if (showing->invocation->format != OUTPUT_JSONL)
		output_value(showing->invocation, value);
	if (job->state == JOB_DONE && fact)
		show_removed(showing, fact->component_removed);
	else
		component_show_failure(showing->invocation, job);
}

/* What the component needed and nothing else does. */
static gboolean remove_the_rest(
	const struct showing *showing, struct client *client, int *status, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (char **name = showing->only_for; *name; name++)
		g_ptr_array_add(names, *name);
	return dependency_remove(showing->invocation, client, names, status, error);
}

int cmd_remove(struct invocation *invocation, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	scoped_value(component_run) run = {0};
	scoped(client) client = NULL;
	g_autoptr(GPtrArray) rows = NULL;
	g_autofree char *folder = NULL;
	g_auto(GStrv) only_for = NULL;
	scoped(lock_graph) graph = NULL;
	struct showing showing = {.invocation = invocation};
	const char *root;

	component.force = invocation_flag(invocation, "force");
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_REMOVE;
	submit.arguments = &arguments;
	submit.targets = invocation->arguments;
	submit.n_targets = invocation->argument_count;
	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	rows = client ? workspace_rows_named(invocation, client, invocation->arguments, error)
		      : NULL;
	graph = rows ? workspace_graph_read(root, error) : NULL;
	if (!graph)
		return 1;
	showing.only_for = only_for = lock_graph_only_for(graph, invocation->arguments[0]);
	showing.component = ((const Forge__ComponentRow *)rows->pdata[0])->component;
	if (!component_run(invocation, client, &submit, NULL, NULL, &run, error))
		return 1;
	folder = g_build_filename(root, showing.component->folder, NULL);
	showing.folder_remains = run.status == 0 && g_file_test(folder, G_FILE_TEST_IS_DIR);
	show(&showing, &run);
	if (run.status == 0 && !remove_the_rest(&showing, client, &run.status, error))
		return 1;
	return run.status;
}
