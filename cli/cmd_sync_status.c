/*
 * `forge sync status`: a job a component looks, then the journal's word on each is shown. What could
 * not be asked is told beside the last that was known, and is no success.
 */
#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/history.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "cli/render_needs.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/workspace_client.h"
#include "cli/workspace_rows.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "worker/component/component_reference.h"
#include "worker/dependency/workspace_graph.h"
#include "worker/sync/component_changes.h"

struct showing {
	struct invocation *invocation;
	const char *root;
	GPtrArray *rows;          /* of Forge__ComponentRow */
	struct lock_graph *graph; /* NULL: not asked for, or not to be read */
};

/* What changed in the files since the base; NULL if that cannot be told. */
static GPtrArray *changes_of(const struct showing *showing, const Forge__ComponentRow *row)
{
	g_autoptr(GError) ignored = NULL;

	if (!row->observed)
		return NULL;
	return component_changes(
		showing->root, row->component->tree, row->observed->local_tree, &ignored);
}

/* ---- one component, in full --------------------------------------------------------------- */

static void show_changes(const struct showing *showing, const Forge__ComponentRow *row)
{
	g_autoptr(GPtrArray) changes = changes_of(showing, row);

	if (!changes || changes->len == 0) {
		output_line(showing->invocation, "Local changes: none");
		return;
	}
	output_line(showing->invocation, "Local changes: %u file%s modified", changes->len,
		changes->len == 1 ? "" : "s");
	for (guint i = 0; i < changes->len; i++) {
		g_autofree char *line = file_change_line(changes->pdata[i]);

		component_line(showing->invocation, "  - %s", line);
	}
}

static void show_behind(const struct showing *showing, const Forge__ComponentRow *row)
{
	const Forge__ComponentObserved *seen = row->observed;

	if (!seen)
		return;
	if (seen->rewritten)
		output_line(showing->invocation,
			"Upstream rewrote its history: the commit this is based on is no longer part of it");
	else if (seen->behind > 0)
		output_line(showing->invocation, "Behind: %s%u commit%s",
			seen->behind_unknown ? "at least " : "", seen->behind,
			seen->behind == 1 ? "" : "s");
}

static void show_pushed(const struct showing *showing, const Forge__ComponentRow *row)
{
	g_autofree char *commit = NULL;

	if (!row->pushed)
		return;
	commit = render_short_id(row->pushed->commit);
	component_line(showing->invocation, "%s: %s (commit: %s)",
		render_is_as_pushed(row) ? "Pushed" : "Last push", row->pushed->branch, commit);
	if (row->pushed->to_fork)
		component_line(showing->invocation, "Fork: %s", row->pushed->repository);
}

static void show_detached(const struct showing *showing, const Forge__ComponentRow *row)
{
	const Forge__Component *component = row->component;
	g_autofree char *typed = component_reference_typed(
		component->repository, component->name, component->constraint);
	g_autofree char *printable = text_printable(typed);
	g_autofree char *moved = text_printable(row->observed ? row->observed->moved_to : "");

	if (*moved)
		output_remark(showing->invocation,
			"%s: upstream has it in %s now. `forge install %s` follows it there, `forge remove %s` "
			"takes it out.",
			component->name, moved, printable, component->name);
	else
		output_remark(showing->invocation,
			"%s: upstream no longer has it at this place. Keep it as it is, install it from where "
			"it is now (`forge install REPOSITORY/%s`), or `forge remove %s`.",
			component->name, component->name, component->name);
}

static void show_trouble(const struct showing *showing, const Forge__ComponentRow *row)
{
	const Forge__Error *trouble = render_component_trouble(row);

	if (row->status == FORGE__COMPONENT_STATUS__COMPONENT_STATUS_DETACHED)
		show_detached(showing, row);
	if (trouble) {
		g_autofree char *message = text_printable(trouble->message);

		output_remark(showing->invocation, "%s: %s", row->component->name, message);
	}
}

static void show_detailed(const struct showing *showing, const Forge__ComponentRow *row)
{
	struct invocation *invocation = showing->invocation;
	const Forge__ComponentObserved *seen = row->observed;
	g_autofree char *local = render_commit_and_time(
		row->component->commit, row->component->commit_time_us);
	g_autofree char *upstream = render_commit_and_time(
		seen ? seen->upstream_commit : "", seen ? seen->upstream_time_us : 0);
	g_autofree char *age = clock_format_age_long((int64_t)row->synced_us, clock_now().wall_us);

	output_line(invocation, "Component: %s", row->component->name);
	output_line(invocation, "Status: %s", render_component_status(row->status));
	component_line(invocation, "Repository: %s", row->component->repository);
	output_line(invocation, "Local commit: %s", local);
	output_line(invocation, "Upstream commit: %s", upstream);
	show_behind(showing, row);
	show_changes(showing, row);
	output_line(invocation, "Last sync: %s", age);
	show_pushed(showing, row);
	if (showing->graph)
		component_show_needs(invocation, showing->graph, row->component->name);
}

/* ---- many --------------------------------------------------------------------------------- */

static void show_table(const struct showing *showing)
{
	static const char *const titles[] = {
		"Component", "Status", "Local", "Upstream", "Last Sync", NULL};
	scoped(table) table = table_new(titles);
	g_autofree char *summary = render_component_summary(showing->rows);
	int64_t now_us = clock_now().wall_us;

	if (showing->rows->len == 0)
		return;
	output_line(showing->invocation, "Component Status Report");
	for (guint i = 0; i < showing->rows->len; i++) {
		const Forge__ComponentRow *row = showing->rows->pdata[i];
		char *cells[] = {g_strdup(row->component->name),
			g_strdup(render_component_status(row->status)),
			render_short_id(row->component->commit),
			render_short_id(row->observed ? row->observed->upstream_commit : ""),
			clock_format_age((int64_t)row->synced_us, now_us)};

		table_add_take(table, cells);
	}
	output_table(showing->invocation, table, "");
	output_line(showing->invocation, "%s", "");
	output_line(showing->invocation, "Summary:");
	output_line(showing->invocation, "%s", summary);
}

static struct value *changes_value(const struct showing *showing, const Forge__ComponentRow *row)
{
	g_autoptr(GPtrArray) changes = changes_of(showing, row);
	struct value *list = value_new_list();

	for (guint i = 0; changes && i < changes->len; i++)
		file_change_append_rows(changes->pdata[i], list);
	return list;
}

static void show_object(const struct showing *showing)
{
	scoped(value) object = value_new_map();
	struct value *list = value_new_list();

	for (guint i = 0; i < showing->rows->len; i++) {
		const Forge__ComponentRow *row = showing->rows->pdata[i];

		struct value *map = render_component_row(row, changes_value(showing, row));

		if (showing->graph)
			render_put_needs(map, showing->graph, row->component->name);
		value_append_take(list, map);
	}
	value_put_take(object, "components", list);
	value_put_take(object, "summary", render_component_counts(showing->rows));
	output_value(showing->invocation, object);
}

static void show(const struct showing *showing, gboolean all)
{
	gboolean detailed = invocation_flag(showing->invocation, "detailed");

	if (output_is_machine(showing->invocation)) {
		show_object(showing);
		return;
	}
	if (all && !detailed)
		show_table(showing);
	for (guint i = 0; i < showing->rows->len; i++) {
		const Forge__ComponentRow *row = showing->rows->pdata[i];
		g_autofree char *line = render_component_line(row);

		if (detailed) {
			if (i > 0)
				output_line(showing->invocation, "%s", "");
			show_detailed(showing, row);
		} else if (!all) {
			component_line(showing->invocation, "%s", line);
		}
		show_trouble(showing, row);
	}
}

/* ---- the command -------------------------------------------------------------------------- */

static gboolean look(struct invocation *invocation, struct client *client, gboolean all,
	int *status, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	scoped_value(component_run) run = {0};

	component.offline = invocation_flag(invocation, "offline");
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_CHECK;
	submit.arguments = &arguments;
	submit.all_forks = all;
	submit.targets = invocation->arguments;
	submit.n_targets = invocation->argument_count;
	if (!component_run(invocation, client, &submit, NULL, NULL, &run, error))
		return FALSE;
	*status = run.status;
	return TRUE;
}

int cmd_sync_status(struct invocation *invocation, GError **error)
{
	gboolean all = invocation_flag(invocation, "all") || invocation->argument_count == 0;
	g_autoptr(GPtrArray) rows = NULL;
	scoped(lock_graph) graph = NULL;
	struct showing showing = {.invocation = invocation};
	scoped(client) client = NULL;
	const char *root;
	int status = 0;

	if (invocation_flag(invocation, "all") && invocation->argument_count > 0) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"`forge sync status` takes names or --all, not both");
		return 1;
	}
	client = workspace_connect(invocation, CLIENT_WORKS, &root, error);
	if (!client || !look(invocation, client, all, &status, error))
		return 1;
	rows = all ? workspace_rows(invocation, client, error)
		   : requests_components(client, invocation->arguments, error);
	if (!rows)
		return 1;
	if (all)
		workspace_rows_remark(invocation, rows);
	showing.rows = rows;
	showing.root = root;
	if (invocation_flag(invocation, "detailed"))
		showing.graph = graph = workspace_graph_read(root, NULL);
	show(&showing, all);
	return status;
}
