/*
 * The operations of `forge plumbing`: each turns a question's members into a call of a pure part,
 * and what it gave into members of the answer.
 */
#include "cli/handlers.h"
#include "cli/plumbing.h"
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
