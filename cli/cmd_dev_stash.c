/*
 * `forge dev stash|checkpoint`: local changes put aside and taken back, and the files as they are
 * kept as a commit. All of it is in refs of the workspace's repository.
 */
#include <string.h>

#include "cli/component_editing.h"
#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/render_component.h"
#include "cli/table.h"
#include "cli/workspace_rows.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "worker/sync/component_changes.h"

#define US 1000000

/* ---- finding one -------------------------------------------------------------------------- */

static gboolean read_number(const char *text, uint32_t *number, GError **error)
{
	guint64 given;

	if (g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT32 - 1, &given, NULL)) {
		*number = (uint32_t)given;
		return TRUE;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
		"'%s' is no number of a stash; `forge dev stash list` shows them", text);
	return FALSE;
}

/* The stash that the second argument names, else the newest. Borrowed from STASHES. */
static const struct stash_entry *find_stash(const struct component_editing *editing,
	const GPtrArray *stashes, uint32_t number, GError **error)
{
	for (guint i = 0; i < stashes->len; i++) {
		const struct stash_entry *stash = stashes->pdata[i];

		if (number == 0 || stash->number == number)
			return stash;
	}
	if (number == 0)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_STASH_NOT_FOUND, "'%s' has no stash",
			editing->name);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_STASH_NOT_FOUND, "'%s' has no stash %u",
			editing->name, number);
	return NULL;
}

/* ---- push --------------------------------------------------------------------------------- */

int cmd_dev_stash(struct invocation *invocation, GError **error)
{
	struct edit_order order = {.action = FORGE__EDIT_ACTION__EDIT_ACTION_STASH,
		.message = invocation_text(invocation, "message"),
		.note = invocation_text(invocation, "message")};
	scoped_value(component_editing) editing = {0};
	scoped_value(component_run) run = {0};
	const Forge__ComponentEdited *edited;
	g_autofree char *line = NULL;

	if (!component_editing_begin(&editing, invocation, invocation->arguments[0], error))
		return 1;
	if (strcmp(editing.tree, editing.head.tree) == 0) {
		output_line(invocation, "%s: nothing to stash", editing.name);
		component_editing_show_object(&editing, NULL, NULL);
		return 0;
	}
	if (!component_editing_run(&editing, &order, &run, &edited, error))
		return 1;
	line = g_strdup_printf("✓ %s: local changes are stashed", editing.name);
	output_marked(invocation, line);
	component_editing_show_changes(&editing, edited->after, edited->before);
	output_line(invocation, "To get them back: forge dev stash pop %s", editing.name);
	component_editing_show_object(&editing, edited, NULL);
	return 0;
}

/* ---- list --------------------------------------------------------------------------------- */

static struct value *value_of_stash(const char *name, const struct stash_entry *stash)
{
	struct value *map = value_new_map();

	value_put_string(map, "component", name);
	value_put_integer(map, "number", stash->number);
	value_put_string(map, "commit", stash->id);
	value_put_string(map, "subject", stash->subject);
	value_put_take(map, "time", render_time((uint64_t)MAX(stash->time_s, 0) * US));
	return map;
}

/* `component.yaml, schema.json`: what popping it would touch. */
static char *files_of(const char *root, const struct stash_entry *stash)
{
	g_autoptr(GPtrArray) changes = component_changes(root, stash->parent, stash->tree, NULL);
	const struct file_change *first;

	if (!changes || changes->len == 0)
		return g_strdup("-");
	first = changes->pdata[0];
	return changes->len == 1 ? text_printable(first->file)
				 : g_strdup_printf("%u files", changes->len);
}

static void add_stash(struct table *table, const char *root, const char *name,
	const struct stash_entry *stash, int64_t now_us)
{
	char *cells[] = {g_strdup(name), g_strdup_printf("%u", stash->number),
		clock_format_age(stash->time_s * US, now_us), files_of(root, stash),
		text_printable(stash->subject)};

	table_add_take(table, cells);
}

int cmd_dev_stash_list(struct invocation *invocation, GError **error)
{
	static const char *const titles[] = {"Component", "Stash", "Age", "Files", "Message", NULL};
	const char *root;
	scoped(client) client = workspace_connect(invocation, CLIENT_READS, &root, error);
	g_autoptr(GPtrArray) rows = NULL;
	scoped(table) table = table_new(titles);
	scoped(value) list = value_new_list();
	int64_t now_us = clock_now().wall_us;

	if (client)
		rows = invocation->argument_count > 0
			? workspace_rows_named(invocation, client, invocation->arguments, error)
			: workspace_rows(invocation, client, error);
	if (!rows)
		return 1;
	for (guint i = 0; i < rows->len; i++) {
		const char *name = ((const Forge__ComponentRow *)rows->pdata[i])->component->name;
		g_autoptr(GPtrArray) stashes = component_stashes(root, name, error);

		if (!stashes)
			return 1;
		for (guint k = 0; k < stashes->len; k++) {
			add_stash(table, root, name, stashes->pdata[k], now_us);
			value_append_take(list, value_of_stash(name, stashes->pdata[k]));
		}
	}
	if (output_is_machine(invocation))
		output_rows(invocation, "stashes", list);
	else
		output_table(invocation, table, "There are no stashes.");
	return 0;
}

/* ---- pop and drop ------------------------------------------------------------------------- */

static int take_stash(struct invocation *invocation, Forge__EditAction action, GError **error)
{
	gboolean pop = action == FORGE__EDIT_ACTION__EDIT_ACTION_STASH_POP;
	scoped_value(component_editing) editing = {0};
	scoped_value(component_run) run = {0};
	struct edit_order order = {.action = action};
	const Forge__ComponentEdited *edited;
	const struct stash_entry *stash;
	g_autoptr(GPtrArray) stashes = NULL;
	g_autofree char *line = NULL;
	g_autofree char *commit = NULL;
	uint32_t number = 0;

	if (invocation->argument_count > 1 &&
		!read_number(invocation->arguments[1], &number, error))
		return 1;
	if (!component_editing_begin(&editing, invocation, invocation->arguments[0], error))
		return 1;
	stashes = component_stashes(editing.root, editing.name, error);
	stash = stashes ? find_stash(&editing, stashes, number, error) : NULL;
	if (!stash)
		return 1;
	order.commit = stash->id;
	order.note = stash->subject;
	if (!component_editing_run(&editing, &order, &run, &edited, error))
		return 1;
	commit = render_short_id(stash->id);
	line = pop ? g_strdup_printf(
			     "✓ %s: stash %u is back in the files", editing.name, stash->number)
		   : g_strdup_printf("✓ %s: stash %u is dropped (it was %s)", editing.name,
			     stash->number, commit);
	output_marked(invocation, line);
	component_editing_show_changes(&editing, edited->before, edited->after);
	component_editing_show_object(&editing, edited, NULL);
	return 0;
}

int cmd_dev_stash_pop(struct invocation *invocation, GError **error)
{
	return take_stash(invocation, FORGE__EDIT_ACTION__EDIT_ACTION_STASH_POP, error);
}

int cmd_dev_stash_drop(struct invocation *invocation, GError **error)
{
	return take_stash(invocation, FORGE__EDIT_ACTION__EDIT_ACTION_STASH_DROP, error);
}

/* ---- checkpoint --------------------------------------------------------------------------- */

static gboolean check_message(const struct invocation *invocation, GError **error)
{
	const char *message = invocation_text(invocation, "message");

	if (message && *message && g_utf8_validate(message, -1, NULL))
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
		"`forge dev checkpoint` needs a message: -m MESSAGE");
	return FALSE;
}

int cmd_dev_checkpoint(struct invocation *invocation, GError **error)
{
	struct edit_order order = {.action = FORGE__EDIT_ACTION__EDIT_ACTION_CHECKPOINT,
		.message = invocation_text(invocation, "message"),
		.note = invocation_text(invocation, "message")};
	scoped_value(component_editing) editing = {0};
	scoped_value(component_run) run = {0};
	const Forge__ComponentEdited *edited;
	g_autofree char *commit = NULL;
	g_autofree char *line = NULL;

	if (!check_message(invocation, error) ||
		!component_editing_begin(&editing, invocation, invocation->arguments[0], error))
		return 1;
	if (strcmp(editing.tree, editing.head.tree) == 0) {
		output_line(invocation, "%s: nothing to checkpoint", editing.name);
		component_editing_show_object(&editing, NULL, NULL);
		return 0;
	}
	if (!component_editing_run(&editing, &order, &run, &edited, error))
		return 1;
	commit = render_short_id(edited->stash);
	line = g_strdup_printf("✓ %s: checkpoint %s", editing.name, commit);
	output_marked(invocation, line);
	component_editing_show_object(&editing, edited, NULL);
	return 0;
}
