/*
 * The operations of `forge plumbing`: each turns a question's members into a call of a pure part,
 * and what it gave into members of the answer.
 */
#include <string.h>

#include "cli/handlers.h"
#include "cli/plumbing.h"
#include "journal/base/errors.h"
#include "worker/document/document_edit.h"
#include "worker/document/file_merge.h"
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

/* ---- merge-file ---- */

/* The text member KEY, which may be absent or null if that is OPTIONAL. */
static gboolean read_version(const struct value *question, const char *key, gboolean optional,
	struct text_version *version, GError **error)
{
	const struct value *member = value_get(question, key);
	const char *text;

	if (optional && (!member || value_kind(member) == VALUE_NULL))
		return TRUE;
	text = plumbing_text(question, key, error);
	if (!text)
		return FALSE;
	*version = (struct text_version){text, strlen(text)};
	return TRUE;
}

/* The word at KEY, or WORD if there is none. */
static const char *read_word(
	const struct value *question, const char *key, const char *word, GError **error)
{
	return value_get(question, key) ? plumbing_text(question, key, error) : word;
}

static gboolean read_options(
	const struct value *question, struct file_merge_options *options, GError **error)
{
	static const char *const strategies[] = {"merge", "ours", "theirs", "union", NULL};
	const char *rule = read_word(question, "version_conflict", "conflict", error);
	const char *strategy = rule ? read_word(question, "strategy", "merge", error) : NULL;
	size_t preference = 0;

	if (!strategy)
		return FALSE;
	options->structured = wants_structured(question);
	while (strategies[preference] && strcmp(strategy, strategies[preference]) != 0)
		preference++;
	options->preference = (enum value_preference)preference;
	if (strategies[preference] && version_rule_parse(rule, &options->version_rule))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		strategies[preference]
			? "version_conflict: expected conflict, higher, replay, ours or theirs"
			: "strategy: expected merge, ours, theirs or union");
	return FALSE;
}

static void put_side(struct value *item, const char *key, const struct value *side)
{
	if (side)
		value_put_take(item, key, value_copy(side));
}

static void put_file_merge(struct value *answer, const struct file_merge *merge)
{
	struct value *conflicts = value_new_list();
	struct value *versions = value_new_list();

	for (guint i = 0; i < merge->conflicts->len; i++) {
		const struct value_conflict *conflict = merge->conflicts->pdata[i];
		struct value *item = value_new_map();

		value_put_string(item, "path", conflict->path);
		put_side(item, "base", conflict->base);
		put_side(item, "ours", conflict->ours);
		put_side(item, "theirs", conflict->theirs);
		value_append_take(conflicts, item);
	}
	for (guint i = 0; i < merge->versions->len; i++) {
		const struct value_version *version = merge->versions->pdata[i];
		struct value *item = value_new_map();

		value_put_string(item, "path", version->path);
		value_put_string(item, "rule", version_rule_name(version->rule));
		value_put_string(item, "version", version->version);
		value_append_take(versions, item);
	}
	value_put_string(answer, "text", merge->text->str);
	value_put_take(answer, "conflicts", conflicts);
	value_put_take(answer, "versions", versions);
}

static gboolean merge_file(
	gpointer context, const struct value *question, struct value *answer, GError **error)
{
	struct file_merge_options options = {.structured = FALSE};
	struct file_versions versions = {.path = plumbing_text(question, "path", error)};
	scoped(file_merge) merge = NULL;

	(void)context;
	if (!versions.path || !read_version(question, "base", TRUE, &versions.base, error) ||
		!read_version(question, "ours", FALSE, &versions.ours, error) ||
		!read_version(question, "theirs", FALSE, &versions.theirs, error) ||
		!read_options(question, &options, error))
		return FALSE;
	merge = file_merge_new(&versions, &options);
	put_file_merge(answer, merge);
	return TRUE;
}

int cmd_plumbing_merge_file(struct invocation *invocation, GError **error)
{
	(void)invocation;
	return plumbing_run(merge_file, NULL, error) ? 0 : 1;
}

/* ---- edit ---- */

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
