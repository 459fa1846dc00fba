/*
 * `forge init|list|info`: a workspace and the components in it.
 */
#include <string.h>

#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "cli/render_needs.h"
#include "cli/table.h"
#include "cli/workspace_client.h"
#include "cli/workspace_rows.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "worker/dependency/workspace_graph.h"
#include "worker/workspace/workspace.h"

/* ---- init --------------------------------------------------------------------------------- */

int cmd_init(struct invocation *invocation, GError **error)
{
	const char *named = invocation->argument_count ? invocation->arguments[0] : ".";
	g_autofree char *root = g_canonicalize_filename(named, NULL);
	g_autofree char *line = NULL;
	scoped(value) value = value_new_map();
	gboolean existed;

	if (!workspace_make(root, &existed, error))
		return 1;
	value_put_string(value, "workspace", root);
	value_put_boolean(value, "existed", existed);
	output_value(invocation, value);
	line = g_strdup_printf("✓ %s is %s workspace", root, existed ? "already a" : "now a");
	output_marked(invocation, line);
	if (!existed)
		output_remark(invocation,
			"`forge install REPOSITORY/COMPONENT` puts a component into it.");
	return 0;
}

/* ---- list and info ------------------------------------------------------------------------ */

static void show_list(struct invocation *invocation, GPtrArray *rows)
{
	static const char *const titles[] = {
		"Component", "Version", "Commit", "Repository", "Folder", NULL};
	scoped(table) table = table_new(titles);

	table_spare(table, 1);
	for (guint i = 0; i < rows->len; i++) {
		const Forge__Component *component =
			((const Forge__ComponentRow *)rows->pdata[i])->component;
		char *cells[] = {g_strdup(component->name),
			g_strdup(*component->version             ? component->version
					: *component->constraint ? component->constraint
								 : "-"),
			render_short_id(component->commit), g_strdup(component->repository),
			g_strdup(component->folder)};

		table_add_take(table, cells);
	}
	if (rows->len > 0)
		output_table(invocation, table, "");
}

static struct value *value_of_component(const Forge__Component *component)
{
	struct value *map = value_new_map();

	value_put_string(map, "component", component->name);
	value_put_string(map, "repository", component->repository);
	value_put_string(map, "path", component->path);
	value_put_string(
		map, "version_constraint", *component->constraint ? component->constraint : NULL);
	value_put_string(map, "version", *component->version ? component->version : NULL);
	value_put_string(map, "commit", component->commit);
	value_put_string(map, "tree", component->tree);
	value_put_string(map, "folder", component->folder);
	return map;
}

int cmd_list(struct invocation *invocation, GError **error)
{
	scoped(client) client = workspace_connect(invocation, CLIENT_READS, NULL, error);
	g_autoptr(GPtrArray) rows = client ? workspace_rows(invocation, client, error) : NULL;
	scoped(value) list = NULL;

	if (!rows)
		return 1;
	workspace_rows_remark(invocation, rows);
	if (!output_is_machine(invocation)) {
		show_list(invocation, rows);
		return 0;
	}
	list = value_new_list();
	for (guint i = 0; i < rows->len; i++)
		value_append_take(list,
			value_of_component(((Forge__ComponentRow *)rows->pdata[i])->component));
	output_rows(invocation, "components", list);
	return 0;
}

static void show_info(struct invocation *invocation, const Forge__ComponentRow *row)
{
	const Forge__Component *component = row->component;
	g_autofree char *commit = render_commit_and_time(
		component->commit, component->commit_time_us);
	g_autofree char *age = clock_format_age_long((int64_t)row->synced_us, clock_now().wall_us);

	output_line(invocation, "Component: %s", component->name);
	if (*component->version)
		component_line(invocation, "Version: %s", component->version);
	component_line(invocation, "Wanted: %s",
		*component->constraint ? component->constraint : "the default branch");
	component_line(invocation, "Repository: %s", component->repository);
	component_line(invocation, "Path: %s", *component->path ? component->path : ".");
	component_line(invocation, "Folder: %s", component->folder);
	output_line(invocation, "Commit: %s", commit);
	output_line(invocation, "Status: %s", render_component_status(row->status));
	output_line(invocation, "Last sync: %s", age);
}

int cmd_info(struct invocation *invocation, GError **error)
{
	const char *root;
	scoped(client) client = workspace_connect(invocation, CLIENT_READS, &root, error);
	g_autoptr(GPtrArray) rows = client
		? workspace_rows_named(invocation, client, invocation->arguments, error)
		: NULL;
	const Forge__ComponentRow *row;
	scoped(lock_graph) graph = NULL;
	scoped(value) value = NULL;

	if (!rows)
		return 1;
	row = rows->pdata[0];
	value = value_of_component(row->component);
	graph = workspace_graph_read(root, NULL);
	if (graph)
		render_put_needs(value, graph, row->component->name);
	output_value(invocation, value);
	show_info(invocation, row);
	if (graph)
		component_show_needs(invocation, graph, row->component->name);
	return 0;
}
