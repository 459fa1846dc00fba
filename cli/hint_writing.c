/*
 * `forge deps resolve --write`: the lock's answers, noted in the components that one authors.
 *
 * A look at all files comes first, in one batch. Then each component that changes gets an edit of its
 * own, as `forge dev edit` makes one: recorded, whole or not at all, and refused where somebody
 * edited the files since the look.
 */
#include "cli/hint_writing.h"

#include <string.h>

#include "cli/component_editing.h"
#include "cli/component_options.h"
#include "cli/output.h"
#include "cli/render.h"
#include "journal/base/errors.h"
#include "worker/sync/component_changes.h"
#include "worker/sync/component_edit.h"

#define NOTE "dependencies"

/* One component. */
struct noting {
	const struct hint_writing *writing;
	struct component_editing editing;
	char *tree; /* of the files with their hints */
	struct dependency_notes notes;
};

static void noting_clear(struct noting *noting)
{
	g_free(noting->tree);
	dependency_notes_clear(&noting->notes);
}
SCOPED_VALUE(noting, noting_clear)

static gboolean changes(const struct noting *noting)
{
	return noting->tree && strcmp(noting->tree, noting->editing.tree) != 0;
}

/* ---- what each came to -------------------------------------------------------------------- */

static struct value *value_of_failure(const GError *failure)
{
	Forge__Error error = FORGE__ERROR__INIT;

	if (!failure)
		return value_new_null();
	error.code = (char *)forge_error_name(forge_error_code(failure));
	error.message = failure->message;
	return render_error(&error);
}

static struct value *value_of(const struct noting *noting, const GError *failure)
{
	const struct component_editing *editing = &noting->editing;
	g_autoptr(GPtrArray) files = changes(noting)
		? component_changes(editing->root, editing->tree, noting->tree, NULL)
		: NULL;
	struct value *map = value_new_map();
	struct value *list = value_new_list();
	struct value *left = value_new_list();

	value_put_string(map, "component", editing->name);
	value_put_boolean(map, "changed", changes(noting) && !failure);
	for (guint i = 0; files && i < files->len; i++)
		file_change_append_rows(files->pdata[i], list);
	value_put_take(map, "changes", list);
	for (guint i = 0; i < noting->notes.left->len; i++)
		value_append_take(left, value_new_string(noting->notes.left->pdata[i]));
	value_put_take(map, "left", left);
	value_put_take(map, "error", value_of_failure(failure));
	return map;
}

static void show_lines(const struct noting *noting, const char *before, const GPtrArray *lines)
{
	for (guint i = 0; i < lines->len; i++)
		component_line(noting->editing.invocation, "%s%s", before, (char *)lines->pdata[i]);
}

static void show(const struct noting *noting, const GError *failure)
{
	const struct component_editing *editing = &noting->editing;
	gboolean named = *noting->writing->names != NULL;

	if (failure)
		component_line(editing->invocation, "✗ %s: %s", editing->name, failure->message);
	else if (changes(noting)) {
		component_line(editing->invocation, "✓ %s: its dependencies %s noted",
			editing->name, noting->writing->dry_run ? "would be" : "are");
		show_lines(noting, "  - ", noting->notes.noted);
	} else if (named && noting->notes.left->len == 0)
		component_line(editing->invocation, "✓ %s: nothing to note", editing->name);
	show_lines(noting, "    not noted: ", noting->notes.left);
}

/* ---- one component ------------------------------------------------------------------------ */

static gboolean note(struct noting *noting, GError **error)
{
	struct component_editing *editing = &noting->editing;
	struct edit_place place = {editing->root, editing->tree, "component.yaml"};
	struct edit_order order = {.action = FORGE__EDIT_ACTION__EDIT_ACTION_EDIT, .note = NOTE};
	scoped_value(component_run) run = {0};
	const Forge__ComponentEdited *edited;

	noting->tree = component_edit_hints(&place, editing->row->component->repository,
		noting->writing->locked, &noting->notes, error);
	if (!noting->tree)
		return FALSE;
	order.to = noting->tree;
	return !changes(noting) || noting->writing->dry_run ||
		component_editing_run(editing, &order, &run, &edited, error);
}

/* Returns the exit status of this one. */
static int note_one(
	const struct hint_writing *writing, const Forge__ComponentRow *row, struct value *rows)
{
	scoped_value(noting) noting = {.writing = writing,
		.editing = {.invocation = writing->invocation,
			.client = writing->client,
			.root = writing->root,
			.name = row->component->name,
			.row = row,
			.tree = row->observed ? row->observed->local_tree : ""}};
	g_autoptr(GError) failure = NULL;

	dependency_notes_init(&noting.notes);
	note(&noting, &failure);
	show(&noting, failure);
	value_append_take(rows, value_of(&noting, failure));
	return failure ? forge_error_exit_status(forge_error_code(failure)) : 0;
}

/* ---- all ---------------------------------------------------------------------------------- */

static gboolean is_named(const struct hint_writing *writing, const char *name)
{
	return !*writing->names || g_strv_contains((const char *const *)writing->names, name);
}

static gboolean is_moving(const struct hint_writing *writing, const char *name)
{
	return writing->dry_run && g_hash_table_contains(writing->moving, name);
}

/* What a dry run cannot tell: the files of these will be other ones. */
static void remark_moving(const struct hint_writing *writing)
{
	GHashTableIter iter;
	gpointer name;

	if (!writing->dry_run)
		return;
	g_hash_table_iter_init(&iter, writing->moving);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (is_named(writing, name))
			output_remark(writing->invocation,
				"%s would be installed first; what would be noted in it is not known yet.",
				(char *)name);
}

gboolean hint_writing_run(
	const struct hint_writing *writing, struct value *rows, int *status, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	scoped_value(component_run) run = {0};
	g_autoptr(GPtrArray) known = requests_components(writing->client, NULL, error);

	if (!known || known->len == 0)
		return known != NULL;
	submit.all_forks = TRUE;
	if (!component_look(writing->invocation, writing->client, &submit, NULL, NULL, &run, error))
		return FALSE;
	g_clear_pointer(&known, g_ptr_array_unref);
	known = requests_components(writing->client, NULL, error);
	if (!known)
		return FALSE;
	for (guint i = 0; i < known->len; i++) {
		const Forge__ComponentRow *row = known->pdata[i];
		const char *name = row->component->name;
		int ended = is_named(writing, name) && !is_moving(writing, name)
			? note_one(writing, row, rows)
			: 0;

		*status = *status ? *status : ended;
	}
	remark_moving(writing);
	return TRUE;
}
