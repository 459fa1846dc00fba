/*
 * `forge dev diff|validate`: what local changes there are, and whether the component still is one.
 * Nothing is changed.
 */
#include <string.h>

#include "cli/component_editing.h"
#include "cli/component_options.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/workspace_rows.h"
#include "journal/base/errors.h"
#include "worker/sync/component_changes.h"
#include "worker/sync/component_validity.h"

#define COMPONENT_YAML "component.yaml"

/* ---- diff --------------------------------------------------------------------------------- */

/* A diff is shown where no field says what changed. */
static void show_text(struct invocation *invocation, const struct file_change *change)
{
	gboolean told = change->fields && change->fields->changes->len > 0;
	g_autofree char *text = change->diff && !told ? g_strdup(change->diff) : NULL;

	if (!text)
		return;
	g_strchomp(text);
	output_line(invocation, "%s", text);
}

/* What happened is one line a field, so that each can be read by itself. */
static void show_change(struct invocation *invocation, const struct file_change *change)
{
	g_autofree char *name = text_printable(change->file);
	gboolean usual = strcmp(change->file, COMPONENT_YAML) == 0 && change->fields;

	for (guint i = 0; i < change->wording->len; i++) {
		const char *what = change->wording->pdata[i];

		if (change->fields)
			output_line(invocation, "Modified: %s%s%s", usual ? "" : name,
				usual ? "" : ": ", what);
		else if (g_str_has_prefix(what, "added (") && change->wording->len == 1)
			output_line(invocation, "Added: %s %s", name, what + strlen("added "));
		else if (g_str_has_prefix(what, "deleted (") && change->wording->len == 1)
			output_line(invocation, "Deleted: %s %s", name, what + strlen("deleted "));
		else
			output_line(invocation, "Modified: %s: %s", name, what);
	}
	show_text(invocation, change);
}

static void show_diff_object(struct component_editing *editing, const GPtrArray *changes)
{
	scoped(value) map = value_new_map();
	struct value *list = value_new_list();

	for (guint i = 0; i < changes->len; i++)
		file_change_append_rows(changes->pdata[i], list);
	value_put_string(map, "component", editing->name);
	value_put_string(map, "before", editing->head.base_tree);
	value_put_string(map, "after", editing->tree);
	value_put_take(map, "changes", list);
	output_value(editing->invocation, map);
}

int cmd_dev_diff(struct invocation *invocation, GError **error)
{
	scoped_value(component_editing) editing = {0};
	g_autoptr(GPtrArray) changes = NULL;

	if (!component_editing_begin(&editing, invocation, invocation->arguments[0], error))
		return 1;
	changes = component_changes(editing.root, editing.head.base_tree, editing.tree, error);
	if (!changes)
		return 1;
	if (output_is_machine(invocation)) {
		show_diff_object(&editing, changes);
		return 0;
	}
	if (changes->len == 0)
		output_line(invocation, "No local changes");
	for (guint i = 0; i < changes->len; i++)
		show_change(invocation, changes->pdata[i]);
	return 0;
}

/* ---- validate ----------------------------------------------------------------------------- */

struct validating {
	struct invocation *invocation;
	const char *root;
	GHashTable *failed; /* of char *: components that could not be looked at */
	struct value *list; /* for machines */
	gboolean valid;     /* all of them */
};

static void note_failed(const struct history_job *job, gpointer user_data)
{
	struct validating *validating = user_data;

	if (job->state == JOB_DONE)
		return;
	component_show_failure(validating->invocation, job);
	g_hash_table_add(validating->failed, g_strdup(job->target));
	value_append_take(validating->list, component_value_of_job(job));
}

static void show_validity(
	struct validating *validating, const char *name, const GPtrArray *problems)
{
	struct value *map = value_new_map();
	struct value *texts = value_new_list();
	g_autofree char *fine = g_strdup_printf("✓ %s: valid", name);

	if (problems->len == 0)
		output_marked(validating->invocation, fine);
	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *line = g_strdup_printf(
			"✗ %s: %s", name, (const char *)problems->pdata[i]);

		output_marked(validating->invocation, line);
		value_append_take(texts, value_new_string(problems->pdata[i]));
	}
	value_put_string(map, "component", name);
	value_put_boolean(map, "valid", problems->len == 0);
	value_put_take(map, "problems", texts);
	value_append_take(validating->list, map);
	validating->valid = validating->valid && problems->len == 0;
}

static gboolean validate(
	struct validating *validating, const Forge__ComponentRow *row, GError **error)
{
	const char *name = row->component->name;
	const char *tree = row->observed ? row->observed->local_tree : "";
	g_autoptr(GPtrArray) problems = NULL;

	if (g_hash_table_contains(validating->failed, name))
		return TRUE;
	problems = component_validity_of(validating->root, tree, error);
	if (!problems)
		return FALSE;
	show_validity(validating, name, problems);
	return TRUE;
}

static int validate_all(struct invocation *invocation, gboolean all, struct value *list,
	GHashTable *failed, GError **error)
{
	struct validating validating = {
		.invocation = invocation, .failed = failed, .list = list, .valid = TRUE};
	scoped(client)
		client = workspace_connect(invocation, CLIENT_WORKS, &validating.root, error);
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	scoped_value(component_run) run = {0};
	g_autoptr(GPtrArray) rows = NULL;

	submit.all_forks = all;
	submit.targets = invocation->arguments;
	submit.n_targets = invocation->argument_count;
	if (!client ||
		!component_look(invocation, client, &submit, note_failed, &validating, &run, error))
		return -1;
	rows = all ? workspace_rows(invocation, client, error)
		   : requests_components(client, invocation->arguments, error);
	if (!rows)
		return -1;
	if (all)
		workspace_rows_remark(invocation, rows);
	for (guint i = 0; i < rows->len; i++)
		if (!validate(&validating, rows->pdata[i], error))
			return -1;
	return validating.valid ? run.status
				: forge_error_exit_status(FORGE_ERROR_VALIDATION_FAILED);
}

int cmd_dev_validate(struct invocation *invocation, GError **error)
{
	gboolean all = invocation_flag(invocation, "all") || invocation->argument_count == 0;
	g_autoptr(GHashTable) failed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	scoped(value) list = value_new_list();
	int status;

	if (all && invocation->argument_count > 0) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"`forge dev validate` takes names or --all, not both");
		return 1;
	}
	status = validate_all(invocation, all, list, failed, error);
	if (status >= 0 && output_is_machine(invocation))
		output_rows(invocation, "components", list);
	return status;
}
