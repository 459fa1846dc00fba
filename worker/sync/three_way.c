/*
 * One component's merge: what git's merge leaves in conflict is tried by key, and what merged is
 * judged as a component.
 *
 * A conflict that a merge by key settles takes its place in the tree; all others leave local's
 * version there, so that the tree is always one that somebody had or that merged.
 */
#include "worker/sync/three_way.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/workspace/component_merge.h"

void three_way_clear(struct three_way *merge)
{
	g_clear_pointer(&merge->conflicts, g_ptr_array_unref);
	g_clear_pointer(&merge->merged, g_ptr_array_unref);
	g_clear_pointer(&merge->rule_used, g_free);
}

enum version_rule three_way_rule(const char *text)
{
	enum version_rule rule;

	return text && version_rule_parse(text, &rule) ? rule : VERSION_RULE_CONFLICT;
}

/* ---- one file ----------------------------------------------------------------------------- */

static gboolean is_file(const struct tree_version *version)
{
	return version->mode == GIT_FILEMODE_BLOB || version->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

/* Only a file that both sides have and changed can be merged inside. */
static gboolean may_merge_inside(const struct merge_conflict *conflict)
{
	const struct tree_version *stages = conflict->stages;

	if (conflict->kind != CONFLICT_CONTENT && conflict->kind != CONFLICT_BOTH_ADDED)
		return FALSE;
	return is_file(&stages[MERGE_STAGE_OURS]) && is_file(&stages[MERGE_STAGE_THEIRS]) &&
		(stages[MERGE_STAGE_BASE].mode == 0 || is_file(&stages[MERGE_STAGE_BASE])) &&
		stages[MERGE_STAGE_OURS].mode == stages[MERGE_STAGE_THEIRS].mode;
}

struct three_texts {
	git_blob *blobs[MERGE_STAGES];
	struct text_version texts[MERGE_STAGES];
};

static void three_texts_clear(struct three_texts *texts)
{
	for (size_t i = 0; i < MERGE_STAGES; i++)
		git_blob_free(texts->blobs[i]);
}
SCOPED_VALUE(three_texts, three_texts_clear)

static gboolean read_texts(git_repository *forge, const struct merge_conflict *conflict,
	struct three_texts *texts, GError **error)
{
	for (size_t i = 0; i < MERGE_STAGES; i++) {
		if (conflict->stages[i].mode == 0)
			continue;
		if (git_blob_lookup(&texts->blobs[i], forge, &conflict->stages[i].oid) != 0) {
			git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s cannot be read",
				conflict->path);
			return FALSE;
		}
		texts->texts[i].data = git_blob_rawcontent(texts->blobs[i]);
		texts->texts[i].size = (size_t)git_blob_rawsize(texts->blobs[i]);
	}
	return TRUE;
}

char *three_way_cut(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	const char *end = valid + LIMIT_PLACE_BYTES;

	if (strlen(valid) <= LIMIT_PLACE_BYTES)
		return g_steal_pointer(&valid);
	while (((guchar)*end & 0xc0) == 0x80)
		end--;
	return g_strdup_printf("%.*s…", (int)(end - valid), valid);
}

/* A list of places as a text: the first ones, and how many more there are. */
struct place_list {
	GString *text;
	guint left_out;
};

static void place_list_add(struct place_list *list, const char *place)
{
	if (list->left_out > 0 || list->text->len + strlen(place) > LIMIT_PLACE_BYTES) {
		/* The first is there in any case, at least its beginning. */
		if (list->text->len == 0) {
			g_autofree char *cut = three_way_cut(place);

			g_string_assign(list->text, cut);
		} else {
			list->left_out++;
		}
		return;
	}
	if (list->text->len > 0)
		g_string_append(list->text, ", ");
	g_string_append(list->text, place);
}

/* NULL if nothing was added. */
static char *place_list_end(struct place_list *list)
{
	if (list->left_out > 0)
		g_string_append_printf(list->text, " and %u more", list->left_out);
	if (list->text->len > 0)
		return g_string_free(g_steal_pointer(&list->text), FALSE);
	g_string_free(g_steal_pointer(&list->text), TRUE);
	return NULL;
}

static void note_rules(struct place_list *rules, const struct file_merge *file, const char *path)
{
	for (guint i = 0; i < file->versions->len; i++) {
		const struct value_version *version = file->versions->pdata[i];
		g_autofree char *rule = g_strdup_printf("%s: %s → %s (%s)", path, version->path,
			version->version, version_rule_name(version->rule));

		place_list_add(rules, rule);
	}
}

static char *places_of(const struct file_merge *file)
{
	struct place_list places = {.text = g_string_new(NULL)};

	for (guint i = 0; file->by_key && i < file->conflicts->len; i++)
		place_list_add(&places, ((struct value_conflict *)file->conflicts->pdata[i])->path);
	return place_list_end(&places);
}

/* Sets *SETTLED and *BLOB if the file merges after all; else *PLACES, which may stay NULL. */
static gboolean merge_inside(git_repository *forge, const struct merge_conflict *conflict,
	enum version_rule rule, struct place_list *rules, git_oid *blob, gboolean *settled,
	char **places, GError **error)
{
	struct file_merge_options options = {.structured = TRUE, .version_rule = rule};
	scoped_value(three_texts) texts = {0};
	scoped(file_merge) file = NULL;
	struct file_versions versions = {.path = conflict->path};

	*settled = FALSE;
	if (!read_texts(forge, conflict, &texts, error))
		return FALSE;
	versions.base = texts.texts[MERGE_STAGE_BASE];
	versions.ours = texts.texts[MERGE_STAGE_OURS];
	versions.theirs = texts.texts[MERGE_STAGE_THEIRS];
	file = file_merge_new(&versions, &options);
	if (file->conflicts->len > 0) {
		*places = places_of(file);
		return TRUE;
	}
	if (git_blob_create_from_buffer(blob, forge, file->text->str, file->text->len) != 0) {
		git_library_error(
			error, FORGE_ERROR_CACHE_UNUSABLE, "%s cannot be written", conflict->path);
		return FALSE;
	}
	note_rules(rules, file, conflict->path);
	*settled = TRUE;
	return TRUE;
}

/* ---- the tree ----------------------------------------------------------------------------- */

static const char *type_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, "schema.json") == 0 ? "schema" : "content";
}

static void keep_conflict(
	struct three_way *merge, const struct merge_conflict *conflict, const char *places)
{
	struct component_conflict *kept = component_conflicts_add(
		merge->conflicts, conflict->path, type_of(conflict->path), places);

	kept->base = conflict->stages[MERGE_STAGE_BASE].oid;
	kept->local = conflict->stages[MERGE_STAGE_OURS].oid;
	kept->upstream = conflict->stages[MERGE_STAGE_THEIRS].oid;
}

static gboolean settle_each(const struct component_job *job, const struct tree_merge *trees,
	enum version_rule rule, struct three_way *merge, struct place_list *rules, GArray *updates,
	GError **error)
{
	for (guint i = 0; trees->conflicts && i < trees->conflicts->len; i++) {
		const struct merge_conflict *conflict = trees->conflicts->pdata[i];
		g_autofree char *places = NULL;
		gboolean settled = FALSE;
		git_tree_update update = {.action = GIT_TREE_UPDATE_UPSERT,
			.filemode = (git_filemode_t)conflict->stages[MERGE_STAGE_OURS].mode,
			.path = conflict->path};

		if (may_merge_inside(conflict) &&
			!merge_inside(job->forge, conflict, rule, rules, &update.id, &settled,
				&places, error))
			return FALSE;
		if (settled)
			g_array_append_val(updates, update);
		else
			keep_conflict(merge, conflict, places);
	}
	return TRUE;
}

static gboolean settle_conflicts(const struct component_job *job, const struct tree_merge *trees,
	enum version_rule rule, struct three_way *merge, GArray *updates, GError **error)
{
	struct place_list rules = {.text = g_string_new(NULL)};
	gboolean done = settle_each(job, trees, rule, merge, &rules, updates, error);

	merge->rule_used = place_list_end(&rules);
	return done;
}

static gboolean update_tree(
	git_repository *forge, const GArray *updates, git_oid *tree_oid, GError **error)
{
	git_tree *tree = NULL;
	gboolean ok;

	if (updates->len == 0)
		return TRUE;
	ok = git_tree_lookup(&tree, forge, tree_oid) == 0 &&
		git_tree_create_updated(tree_oid, forge, tree, updates->len,
			(const git_tree_update *)(const void *)updates->data) == 0;
	git_tree_free(tree);
	if (!ok)
		git_library_error(
			error, FORGE_ERROR_CACHE_UNUSABLE, "the merged files cannot be written");
	return ok;
}

/* ---- who changed what --------------------------------------------------------------------- */

static gboolean changed_paths(git_repository *forge, const git_oid *from, const git_oid *to,
	GHashTable *paths, GError **error)
{
	git_tree *old = NULL, *new = NULL;
	git_diff *diff = NULL;
	gboolean ok = git_tree_lookup(&old, forge, from) == 0 &&
		git_tree_lookup(&new, forge, to) == 0 &&
		git_diff_tree_to_tree(&diff, forge, old, new, NULL) == 0;

	for (size_t i = 0; ok && i < git_diff_num_deltas(diff); i++)
		g_hash_table_add(paths, g_strdup(git_diff_get_delta(diff, i)->new_file.path));
	if (!ok)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"two versions of a component cannot be compared");
	git_diff_free(diff);
	git_tree_free(new);
	git_tree_free(old);
	return ok;
}

static gboolean in_conflict(const struct three_way *merge, const char *path)
{
	for (guint i = 0; i < merge->conflicts->len; i++)
		if (strcmp(((struct component_conflict *)merge->conflicts->pdata[i])->path, path) ==
			0)
			return TRUE;
	return FALSE;
}

static gint compare_paths(gconstpointer a, gconstpointer b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* The files that both sides changed and that merged: what people want to look at. */
static gboolean list_merged(git_repository *forge, const struct judged_trees *trees,
	struct three_way *merge, GError **error)
{
	g_autoptr(GHashTable) local = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable)
		upstream = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iterator;
	gpointer path;

	if (!changed_paths(forge, &trees->base, &trees->local, local, error) ||
		!changed_paths(forge, &trees->base, &trees->upstream, upstream, error))
		return FALSE;
	g_hash_table_iter_init(&iterator, local);
	while (g_hash_table_iter_next(&iterator, &path, NULL))
		if (g_hash_table_contains(upstream, path) && !in_conflict(merge, path))
			g_ptr_array_add(merge->merged, g_strdup(path));
	g_ptr_array_sort(merge->merged, compare_paths);
	return TRUE;
}

gboolean three_way_merge(const struct component_job *job, const git_oid *local,
	const git_oid *upstream, enum version_rule rule, struct three_way *merge, GError **error)
{
	g_autoptr(GArray) updates = g_array_new(FALSE, FALSE, sizeof(git_tree_update));
	scoped_value(tree_merge) trees = {0};
	struct judged_trees judged = {.version = job->pick.version};

	merge->conflicts = component_conflicts_new();
	merge->merged = g_ptr_array_new_with_free_func(g_free);
	if (!component_merge(job->forge, local, upstream, &trees, error))
		return FALSE;
	merge->tree = trees.tree;
	if (!settle_conflicts(job, &trees, rule, merge, updates, error) ||
		!update_tree(job->forge, updates, &merge->tree, error) ||
		!component_history_tree(job->forge, local, &judged.local, error) ||
		!component_history_tree(job->forge, upstream, &judged.upstream, error))
		return FALSE;
	judged.base = git_oid_is_zero(&job->shared) ? job->base_tree : job->shared_tree;
	judged.result = merge->tree;
	return list_merged(job->forge, &judged, merge, error) &&
		(merge->conflicts->len > 0 || judge_result(job, &judged, merge->conflicts, error));
}
