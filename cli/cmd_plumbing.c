/*
 * The operations of `forge plumbing`: each turns a question's members into a call of a pure part,
 * and what it gave into members of the answer.
 */
#include <string.h>

#include "cli/handlers.h"
#include "cli/plumbing.h"
#include "worker/document/document_edit.h"
#include "worker/merge/merge_desk.h"

static void put_merge(struct value *answer, const struct desk_answer *merge)
{
	struct value *conflicts;

	if (merge->conflicts->len == 0) {
		value_put_string(answer, "tree", merge->tree);
		return;
	}
	conflicts = value_new_list();
	for (guint i = 0; i < merge->conflicts->len; i++) {
		const struct merge_conflict *conflict = g_ptr_array_index(merge->conflicts, i);
		struct value *item = value_new_map();

		value_put_string(item, "path", conflict->path);
		value_put_string(item, "type", conflict->type);
		value_append_take(conflicts, item);
	}
	value_put_take(answer, "conflicts", conflicts);
}

static gboolean wants_structured(const struct value *question)
{
	const struct value *structured = value_get(question, "structured");

	return structured && value_kind(structured) == VALUE_BOOLEAN && value_boolean(structured);
}

static gboolean merge_tree(
	gpointer context, const struct value *question, struct value *answer, GError **error)
{
	struct merge_desk *desk = context;
	scoped_value(desk_answer) result = {.conflicts = NULL};
	const char *folder, *ours, *theirs;

	if (wants_structured(question))
		return plumbing_unsupported(answer);
	folder = plumbing_text(question, "repository", error);
	ours = folder ? plumbing_text(question, "ours", error) : NULL;
	theirs = ours ? plumbing_text(question, "theirs", error) : NULL;
	if (!theirs || !merge_desk_merge(desk, folder, ours, theirs, &result, error))
		return FALSE;
	put_merge(answer, &result);
	return TRUE;
}

int cmd_plumbing_merge_tree(struct invocation *invocation, GError **error)
{
	scoped(merge_desk) desk = merge_desk_new();

	(void)invocation;
	return plumbing_run(merge_tree, desk, error) ? 0 : 1;
}

/* The changes that the member `set` asks for: paths and their values. */
static GPtrArray *edits_of(const struct value *question, GError **error)
{
	const struct value *set = value_get(question, "set");
	g_autoptr(GPtrArray) edits = document_edits_new();

	if (!set || value_kind(set) != VALUE_MAP) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"set: expected an object of paths and values");
		return NULL;
	}
	for (size_t i = 0; i < value_count(set); i++) {
		scoped(document_path) path = document_path_parse(value_key_at(set, i), error);

		if (!path)
			return NULL;
		g_ptr_array_add(edits, document_edit_new_set(path, value_at(set, i), NULL, NULL));
	}
	return g_steal_pointer(&edits);
}

static gboolean edit(
	gpointer context, const struct value *question, struct value *answer, GError **error)
{
	const char *name = plumbing_text(question, "path", error);
	const char *text = name ? plumbing_text(question, "text", error) : NULL;
	g_autoptr(GPtrArray) edits = text ? edits_of(question, error) : NULL;
	const struct document_origin origin = {name, FORGE_ERROR_VALIDATION_FAILED};
	GString *edited;

	(void)context;
	if (!edits)
		return FALSE;
	edited = document_edit_apply(
		g_str_has_suffix(name, ".json") ? DOCUMENT_JSON : DOCUMENT_YAML, &origin, text,
		strlen(text), edits, error);
	if (!edited)
		return FALSE;
	value_put_string(answer, "text", edited->str);
	g_string_free(edited, TRUE);
	return TRUE;
}

int cmd_plumbing_edit(struct invocation *invocation, GError **error)
{
	(void)invocation;
	return plumbing_run(edit, NULL, error) ? 0 : 1;
}
