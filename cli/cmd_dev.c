/*
 * `forge dev edit|revert`: changes of a component's files that a person asks for. New files are made
 * beside the folder and validated; a job puts them there.
 */
#include <string.h>

#include "cli/component_editing.h"
#include "cli/editor.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render_component.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/sync/component_changes.h"
#include "worker/sync/component_edit.h"
#include "worker/sync/component_validity.h"

#define COMPONENT_YAML "component.yaml"

static const char *file_of(const struct invocation *invocation)
{
	const char *file = invocation_text(invocation, "path");

	return file ? file : COMPONENT_YAML;
}

/* `config.timeout`, or `schema.json: properties.x` for another file than the usual. */
static char *place_of(const char *file, const char *field)
{
	return strcmp(file, COMPONENT_YAML) == 0 ? g_strdup(field)
						 : g_strdup_printf("%s: %s", file, field);
}

/* ---- one field ---------------------------------------------------------------------------- */

/* `config.timeout (30 → 60)`, with the file's name unless it is the usual one. */
static char *what_changed(const struct component_editing *editing, const char *after)
{
	g_autoptr(GPtrArray) changes = component_changes(editing->root, editing->tree, after, NULL);
	const struct file_change *change;

	if (!changes || changes->len != 1)
		return g_strdup("edited");
	change = changes->pdata[0];
	return strcmp(change->file, COMPONENT_YAML) == 0 ? g_strdup(change->summary)
							 : file_change_line(change);
}

static void show_unchanged(const struct component_editing *editing, const char *place)
{
	g_autofree char *line = g_strdup_printf(
		"✓ %s: %s has that value already", editing->name, place);

	output_marked(editing->invocation, line);
	component_editing_show_object(editing, NULL, NULL);
}

static int edit_field(struct component_editing *editing, GError **error)
{
	struct invocation *invocation = editing->invocation;
	const char *field = invocation_text(invocation, "field");
	struct edit_place place = {editing->root, editing->tree, file_of(invocation)};
	g_autofree char *note = place_of(place.file, field);
	g_autofree char *tree = component_edit_field(&place, field,
		invocation_text(invocation, "value"), invocation_text(invocation, "type"), error);
	struct edit_order order = {
		.action = FORGE__EDIT_ACTION__EDIT_ACTION_EDIT, .to = tree, .note = note};
	scoped_value(component_run) run = {0};
	const Forge__ComponentEdited *edited;
	g_autofree char *what = NULL;
	g_autofree char *line = NULL;

	if (!tree)
		return 1;
	if (strcmp(tree, editing->tree) == 0) {
		show_unchanged(editing, note);
		return 0;
	}
	if (!component_editing_run(editing, &order, &run, &edited, error))
		return 1;
	what = what_changed(editing, tree);
	line = g_strdup_printf("✓ %s: %s", editing->name, what);
	output_marked(invocation, line);
	component_editing_show_object(editing, edited, NULL);
	return 0;
}

/* ---- the editor --------------------------------------------------------------------------- */

/* Names of what changed, never what it holds. */
static char *note_of_changes(const struct component_editing *editing, const char *before)
{
	g_autoptr(GPtrArray)
		changes = component_changes(editing->root, before, editing->tree, NULL);
	GString *note = g_string_new(NULL);

	for (guint i = 0; changes && i < changes->len && note->len < LIMIT_EDIT_NOTE; i++) {
		const struct file_change *change = changes->pdata[i];
		const GPtrArray *fields = change->fields ? change->fields->changes : NULL;

		for (guint k = 0; fields && k < fields->len && note->len < LIMIT_EDIT_NOTE; k++) {
			const struct field_change *field = fields->pdata[k];
			g_autofree char *place = place_of(change->file, field->path);

			g_string_append_printf(note, "%s%s", note->len > 0 ? ", " : "", place);
		}
		if (!fields || fields->len == 0)
			g_string_append_printf(
				note, "%s%s", note->len > 0 ? ", " : "", change->file);
	}
	return g_string_free(note, FALSE);
}

static void show_problems(const struct component_editing *editing, const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *line = g_strdup_printf(
			"✗ %s: %s", editing->name, (const char *)problems->pdata[i]);

		output_marked(editing->invocation, line);
	}
	if (problems->len > 0)
		output_remark(editing->invocation,
			"The edit is kept; `forge dev edit %s --file` goes on with it.",
			editing->name);
}

/* The person has edited: the journal is told, and the person what is wrong with it. */
static int record_edit(struct component_editing *editing, const char *before, GError **error)
{
	g_autofree char *note = note_of_changes(editing, before);
	g_autoptr(GPtrArray) problems = component_validity_of(editing->root, editing->tree, error);
	struct edit_order order = {.action = FORGE__EDIT_ACTION__EDIT_ACTION_EDIT,
		.from = before,
		.to = editing->tree,
		.note = note};
	scoped_value(component_run) run = {0};
	const Forge__ComponentEdited *edited = NULL;
	g_autofree char *line = NULL;

	if (!problems)
		return 1;
	if (strcmp(before, editing->tree) != 0) {
		if (!component_editing_run(editing, &order, &run, &edited, error))
			return 1;
		line = g_strdup_printf("✓ %s: edited", editing->name);
		output_marked(editing->invocation, line);
		component_editing_show_changes(editing, before, editing->tree);
	} else {
		line = g_strdup_printf("✓ %s: not changed", editing->name);
		output_marked(editing->invocation, line);
	}
	show_problems(editing, problems);
	component_editing_show_object(editing, edited, problems);
	return problems->len > 0 ? forge_error_exit_status(FORGE_ERROR_VALIDATION_FAILED) : 0;
}

/* The editor runs alone: this process is no scheduler and runs no job meanwhile. */
static int edit_file(struct invocation *invocation, const char *name, GError **error)
{
	g_autofree char *before = NULL;
	g_autofree char *file = NULL;
	scoped_value(component_editing) after = {0};

	{
		scoped_value(component_editing) editing = {0};
		struct edit_place place = {.file = file_of(invocation)};

		if (!component_editing_begin(&editing, invocation, name, error))
			return 1;
		place.root = editing.root;
		place.tree = editing.tree;
		if (!component_edit_has_file(&place, error))
			return 1;
		before = g_strdup(editing.tree);
		file = g_build_filename(
			editing.root, editing.row->component->folder, place.file, NULL);
	}
	if (!editor_run(file, error) || !component_editing_begin(&after, invocation, name, error))
		return 1;
	return record_edit(&after, before, error);
}

/* ---- edit --------------------------------------------------------------------------------- */

static gboolean check_edit_options(const struct invocation *invocation, GError **error)
{
	gboolean field = invocation_text(invocation, "field") != NULL;
	gboolean value = invocation_text(invocation, "value") != NULL;
	gboolean type = invocation_text(invocation, "type") != NULL;
	gboolean file = invocation_flag(invocation, "file");
	const char *wrong = NULL;

	if (field == file)
		wrong = "say either --field PATH --value VALUE, or --file to open an editor";
	else if (field && !value)
		wrong = "--field needs --value";
	else if (file && (value || type))
		wrong = "--value and --type go with --field";
	if (wrong)
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE, wrong);
	return wrong == NULL;
}

int cmd_dev_edit(struct invocation *invocation, GError **error)
{
	scoped_value(component_editing) editing = {0};

	if (!check_edit_options(invocation, error))
		return 1;
	if (invocation_flag(invocation, "file"))
		return edit_file(invocation, invocation->arguments[0], error);
	if (!component_editing_begin(&editing, invocation, invocation->arguments[0], error))
		return 1;
	return edit_field(&editing, error);
}

/* ---- revert ------------------------------------------------------------------------------- */

/* What is gone back to, in words and as an order; texts are owned. */
struct reverting {
	char *tree;   /* what the files become */
	char *commit; /* what is gone back to as a whole; NULL: only some files */
	char *note;
	char *line;
};

static void reverting_clear(struct reverting *reverting)
{
	g_free(reverting->tree);
	g_free(reverting->commit);
	g_free(reverting->note);
	g_free(reverting->line);
}
SCOPED_VALUE(reverting, reverting_clear)

static gboolean prepare_part(const struct component_editing *editing, struct reverting *reverting,
	const char *field, const char *file, GError **error)
{
	struct edit_place place = {
		editing->root, editing->tree, field ? file_of(editing->invocation) : file};

	reverting->tree = field
		? component_edit_revert_field(&place, editing->head.base_tree, field, error)
		: component_edit_revert_file(&place, editing->head.base_tree, error);
	reverting->note = field ? place_of(place.file, field) : g_strdup(file);
	reverting->line = g_strdup_printf(
		"✓ %s: %s is as in the base", editing->name, reverting->note);
	return reverting->tree != NULL;
}

static gboolean prepare_whole(const struct component_editing *editing, struct reverting *reverting,
	const char *to, GError **error)
{
	g_autofree char *upstream = render_short_id(editing->row->component->commit);
	g_autofree char *shown = NULL;

	reverting->commit = to ? component_log_find(editing->root, editing->name, to, error)
			       : g_strdup(editing->head.base);
	if (!reverting->commit)
		return FALSE;
	if (strcmp(reverting->commit, editing->head.base) == 0) {
		reverting->note = g_strdup("base");
		reverting->line = g_strdup_printf(
			"✓ %s: reverted to its base (%s)", editing->name, upstream);
		return TRUE;
	}
	shown = render_short_id(reverting->commit);
	reverting->note = g_strdup_printf("checkpoint %s", shown);
	reverting->line = g_strdup_printf("✓ %s: reverted to checkpoint %s", editing->name, shown);
	return TRUE;
}

static gboolean changes_nothing(
	const struct component_editing *editing, const struct reverting *reverting)
{
	const struct component_head *head = &editing->head;

	if (!reverting->commit)
		return strcmp(reverting->tree, editing->tree) == 0;
	return strcmp(reverting->commit, head->local ? head->local : head->base) == 0 &&
		strcmp(head->tree, editing->tree) == 0;
}

static gboolean check_revert_options(const struct invocation *invocation, GError **error)
{
	guint given = 0;

	given += invocation_text(invocation, "field") != NULL;
	given += invocation_text(invocation, "file") != NULL;
	given += invocation_text(invocation, "to") != NULL;
	if (given > 1 ||
		(invocation_text(invocation, "path") && !invocation_text(invocation, "field"))) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			given > 1 ? "only one of --field, --file and --to can be given"
				  : "--path goes with --field");
		return FALSE;
	}
	return TRUE;
}

static int revert(
	struct component_editing *editing, const struct reverting *reverting, GError **error)
{
	struct edit_order order = {.action = FORGE__EDIT_ACTION__EDIT_ACTION_REVERT,
		.to = reverting->tree,
		.commit = reverting->commit,
		.note = reverting->note};
	scoped_value(component_run) run = {0};
	const Forge__ComponentEdited *edited;

	if (changes_nothing(editing, reverting)) {
		output_line(editing->invocation, "%s: nothing to revert", editing->name);
		component_editing_show_object(editing, NULL, NULL);
		return 0;
	}
	if (!component_editing_run(editing, &order, &run, &edited, error))
		return 1;
	output_marked(editing->invocation, reverting->line);
	component_editing_show_changes(editing, edited->before, edited->after);
	if (*edited->stash)
		output_line(editing->invocation,
			"What was replaced is kept; to get it back: forge dev stash pop %s",
			editing->name);
	component_editing_show_object(editing, edited, NULL);
	return 0;
}

int cmd_dev_revert(struct invocation *invocation, GError **error)
{
	const char *field = invocation_text(invocation, "field");
	const char *file = invocation_text(invocation, "file");
	scoped_value(component_editing) editing = {0};
	scoped_value(reverting) reverting = {0};

	if (!check_revert_options(invocation, error) ||
		!component_editing_begin(&editing, invocation, invocation->arguments[0], error))
		return 1;
	if (field || file ? !prepare_part(&editing, &reverting, field, file, error)
			  : !prepare_whole(
				    &editing, &reverting, invocation_text(invocation, "to"), error))
		return 1;
	return revert(&editing, &reverting, error);
}
