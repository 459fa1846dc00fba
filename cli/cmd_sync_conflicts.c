/*
 * `forge sync conflicts list`: what waits for a person, as the journal knows it.
 */
#include <string.h>

#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/workspace_rows.h"

/* PATH of a file of COMPONENT below the workspace's root. Caller frees. */
static char *path_in_workspace(const Forge__Component *component, const char *path)
{
	if (!*component->folder || strcmp(component->folder, ".") == 0)
		return g_strdup(path);
	return g_strconcat(component->folder, "/", path, NULL);
}

static struct value *value_of_row(const Forge__ComponentRow *row)
{
	const Forge__ComponentConflicted *pending = row->pending;
	struct value *map = value_new_map();
	struct value *list = value_new_list();

	for (size_t i = 0; i < pending->n_conflicts; i++) {
		const Forge__Conflict *conflict = pending->conflicts[i];
		g_autofree char *path = path_in_workspace(row->component, conflict->path);
		struct value *item = value_new_map();

		value_put_integer(item, "number", (int64_t)i + 1);
		value_put_string(item, "type", conflict->type);
		value_put_string(item, "path", path);
		value_put_string(item, "place", *conflict->place ? conflict->place : NULL);
		value_append_take(list, item);
	}
	value_put_string(map, "component", row->component->name);
	value_put_take(map, "conflicts", list);
	return map;
}

static void show_row(const struct invocation *invocation, const Forge__ComponentRow *row)
{
	const Forge__ComponentConflicted *pending = row->pending;

	output_line(invocation, "Component: %s", row->component->name);
	output_line(invocation, "Conflicts:");
	for (size_t i = 0; i < pending->n_conflicts; i++) {
		const Forge__Conflict *conflict = pending->conflicts[i];
		g_autofree char *path = path_in_workspace(row->component, conflict->path);
		g_autofree char *line = g_strdup_printf("%zu. %s: %s%s%s%s", i + 1, conflict->type,
			path, *conflict->place ? " (" : "", conflict->place,
			*conflict->place ? ")" : "");
		g_autofree char *printable = text_printable(line);

		output_line(invocation, "  %s", printable);
	}
	if (pending->conflict_count > pending->n_conflicts)
		output_line(invocation, "  and %zu more",
			pending->conflict_count - pending->n_conflicts);
}

static void show(const struct invocation *invocation, const GPtrArray *rows)
{
	scoped(value) list = value_new_list();
	guint shown = 0;

	for (guint i = 0; i < rows->len; i++) {
		const Forge__ComponentRow *row = rows->pdata[i];

		if (!row->pending)
			continue;
		if (output_is_machine(invocation)) {
			value_append_take(list, value_of_row(row));
		} else {
			if (shown > 0)
				output_line(invocation, "%s", "");
			show_row(invocation, row);
		}
		shown++;
	}
	if (output_is_machine(invocation))
		output_rows(invocation, "components", list);
	else if (shown == 0)
		output_remark(invocation, "No merge is pending: there are no conflicts.");
}

int cmd_sync_conflicts_list(struct invocation *invocation, GError **error)
{
	scoped(client) client = workspace_connect(invocation, CLIENT_READS, NULL, error);
	g_autoptr(GPtrArray) rows = NULL;

	if (!client)
		return 1;
	rows = invocation->argument_count > 0
		? workspace_rows_named(invocation, client, invocation->arguments, error)
		: workspace_rows(invocation, client, error);
	if (!rows)
		return 1;
	show(invocation, rows);
	return 0;
}
