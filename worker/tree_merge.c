/*
 * Merging commits: merge bases, then trees.
 *
 * The steps are git's (merge-ort, with directory renames off): walk the three trees, find each side's renames, move
 * versions along them, settle every entry, make trees. Where it is clean, the tree is the one git makes. Several merge
 * bases are first merged into a virtual one, oldest first, and a conflict in there leaves its markers in the virtual
 * base, as in git. Nothing is written to the repository unless the merge is clean.
 *
 * More conservative than git in this: what our limits forbid to compare or merge is a conflict, and so is a moved file
 * whose content conflicts where both sides put equal files in its new place.
 */
#include "worker/tree_merge.h"

#include <stdlib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/merge_run.h"
#include "worker/object_stage.h"
#include "worker/rename_apply.h"
#include "worker/renames.h"
#include "worker/tree_settle.h"
#include "worker/tree_walk.h"

/** A commit, or the virtual merge of several: what its tree is, and which commits it stands for. */
struct merge_head {
	git_oid tree;
	GArray *commits; /**< of git_oid */
};

struct base_commit {
	git_oid oid;
	git_time_t time;
};

void tree_merge_clear(struct tree_merge *merge)
{
	g_clear_pointer(&merge->conflicts, g_ptr_array_unref);
	*merge = (struct tree_merge){0};
}

static void merge_conflict_free(gpointer pointer)
{
	struct merge_conflict *conflict = pointer;

	g_free(conflict->path);
	g_free(conflict->type);
	g_free(conflict);
}

static gboolean commit_lookup(git_repository *repository, const git_oid *oid, git_oid *tree, git_time_t *time,
	GError **error)
{
	git_commit *commit;

	if (git_commit_lookup(&commit, repository, oid) < 0) {
		object_stage_set_error(error, "cannot read a commit");
		return FALSE;
	}
	*tree = *git_commit_tree_id(commit);
	*time = git_commit_time(commit);
	git_commit_free(commit);
	return TRUE;
}

static gboolean head_init(struct merge_head *head, git_repository *repository, const git_oid *oid, GError **error)
{
	git_time_t time;

	if (!commit_lookup(repository, oid, &head->tree, &time, error))
		return FALSE;
	head->commits = g_array_new(FALSE, FALSE, sizeof(git_oid));
	g_array_append_val(head->commits, *oid);
	return TRUE;
}

static gint compare_by_time(gconstpointer a, gconstpointer b, gpointer unused)
{
	const struct base_commit *one = a, *two = b;

	(void)unused;
	return one->time < two->time ? 1 : one->time > two->time ? -1 : 0;
}

/** The merge bases of the (perhaps virtual) OURS and the commit THEIRS, latest first, as struct base_commit. */
static GArray *find_bases(
	git_repository *repository, const struct merge_head *ours, const git_oid *theirs, GError **error)
{
	g_autoptr(GArray) heads = g_array_new(FALSE, FALSE, sizeof(git_oid));
	GArray *bases = g_array_new(FALSE, FALSE, sizeof(struct base_commit));
	git_oidarray found = {0};
	int status;

	g_array_append_val(heads, *theirs);
	g_array_append_vals(heads, ours->commits->data, ours->commits->len);
	status = git_merge_bases_many(&found, repository, heads->len, (const git_oid *)(const void *)heads->data);
	if (status < 0 && status != GIT_ENOTFOUND) {
		object_stage_set_error(error, "cannot find merge bases");
		g_array_unref(bases);
		return NULL;
	}
	for (size_t i = 0; i < found.count; i++) {
		struct base_commit base = {.oid = found.ids[i]};
		git_oid tree;
		if (!commit_lookup(repository, &base.oid, &tree, &base.time, error)) {
			g_clear_pointer(&bases, g_array_unref);
			break;
		}
		g_array_append_val(bases, base);
	}
	git_oidarray_dispose(&found);
	if (bases != NULL)
		g_qsort_with_data(bases->data, (gint)bases->len, sizeof(struct base_commit), compare_by_time, NULL);
	return bases;
}

/** Merges three trees; *TREE is staged in RUN's stage. */
static gboolean merge_trees(struct merge_run *run, const git_oid trees[MERGE_STAGES], git_oid *tree, GError **error)
{
	scoped(tree_walk) walk = tree_walk_new(run->stage, trees, error);
	g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(struct rename_pair));

	if (walk == NULL)
		return FALSE;
	for (enum merge_stage side = MERGE_STAGE_OURS; side <= MERGE_STAGE_THEIRS; side++) {
		const struct merge_node *blocked;
		if (!renames_find(run->stage, &walk->sides[side], side, pairs, &blocked, error))
			return FALSE;
		if (blocked != NULL)
			merge_run_block(run, blocked->path);
	}
	return rename_apply(run, pairs, error) && tree_settle(run, &walk->root, tree, error);
}

static gboolean merge_heads(git_repository *repository, struct merge_run *run, const struct merge_head *ours,
	const struct merge_head *theirs, GArray *bases, git_oid *tree, GError **error);

/** Takes the next merge base, NEXT, into the virtual base HEAD. */
static gboolean merge_into_base(git_repository *repository, struct merge_run *outer, struct merge_head *head,
	const git_oid *next, GError **error)
{
	struct merge_run run = *outer;
	struct merge_head other = {.commits = NULL};
	g_autoptr(GArray) bases = NULL;
	g_autoptr(GPtrArray) conflicts = g_ptr_array_new_with_free_func(g_free);
	gboolean ok;

	run.depth++;
	run.ours = "Temporary merge branch 1";
	run.theirs = "Temporary merge branch 2";
	run.conflicts = conflicts;
	if (run.depth > LIMIT_MERGE_BASE_DEPTH) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "merge bases of merge bases %d deep",
			LIMIT_MERGE_BASE_DEPTH);
		return FALSE;
	}
	if (!head_init(&other, repository, next, error))
		return FALSE;
	bases = find_bases(repository, head, next, error);
	ok = bases != NULL && merge_heads(repository, &run, head, &other, bases, &head->tree, error);
	g_array_append_val(head->commits, *next);
	g_array_unref(other.commits);
	return ok;
}

/** The tree that stands for all of BASES (latest first): the empty one, the only one's, or a virtual merge. */
static gboolean base_tree(
	git_repository *repository, struct merge_run *run, GArray *bases, git_oid *tree, GError **error)
{
	struct merge_head head = {.commits = NULL};
	gboolean ok;

	if (bases->len == 0)
		return object_stage_add(run->stage, GIT_OBJECT_TREE, "", 0, tree, error);
	if (bases->len > LIMIT_MERGE_BASES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "%u merge bases", bases->len);
		return FALSE;
	}
	ok = head_init(&head, repository, &g_array_index(bases, struct base_commit, bases->len - 1).oid, error);
	for (guint i = bases->len - 1; ok && i-- > 0;)
		ok = merge_into_base(
			repository, run, &head, &g_array_index(bases, struct base_commit, i).oid, error);
	*tree = head.tree;
	g_clear_pointer(&head.commits, g_array_unref);
	return ok;
}

static gboolean merge_heads(git_repository *repository, struct merge_run *run, const struct merge_head *ours,
	const struct merge_head *theirs, GArray *bases, git_oid *tree, GError **error)
{
	git_oid trees[MERGE_STAGES];

	if (!base_tree(repository, run, bases, &trees[MERGE_STAGE_BASE], error))
		return FALSE;
	if (run->depth == 0)
		object_stage_forget_added(run->stage);
	trees[MERGE_STAGE_OURS] = ours->tree;
	trees[MERGE_STAGE_THEIRS] = theirs->tree;
	return merge_trees(run, trees, tree, error);
}

static gint compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** PATHS sorted, each once, as struct merge_conflict. */
static GPtrArray *list_conflicts(GPtrArray *paths)
{
	GPtrArray *conflicts = g_ptr_array_new_with_free_func(merge_conflict_free);

	g_ptr_array_sort(paths, compare_paths);
	for (guint i = 0; i < paths->len; i++) {
		if (i > 0 && strcmp(paths->pdata[i - 1], paths->pdata[i]) == 0)
			continue;
		struct merge_conflict *conflict = g_new(struct merge_conflict, 1);
		conflict->path = g_strdup(paths->pdata[i]);
		conflict->type = g_strdup("content");
		g_ptr_array_add(conflicts, conflict);
	}
	return conflicts;
}

/** Merges and fills RESULT; OURS and THEIRS are initialised. */
static gboolean merge_commits(git_repository *repository, const struct merge_head *ours,
	const struct merge_head *theirs, struct tree_merge *result, GError **error)
{
	const git_oid *their_oid = &g_array_index(theirs->commits, git_oid, 0);
	char our_label[GIT_OID_HEXSZ + 1];
	char their_label[GIT_OID_HEXSZ + 1];
	g_autoptr(GPtrArray) conflicts = g_ptr_array_new_with_free_func(g_free);
	scoped(object_stage) stage = object_stage_new(repository, error);
	struct merge_run run = {stage, 0, our_label, their_label, conflicts, conflicts};
	g_autoptr(GArray) bases = stage != NULL ? find_bases(repository, ours, their_oid, error) : NULL;

	if (bases == NULL)
		return FALSE;
	if (bases->len == 0) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_UNRELATED_HISTORIES, "the two commits share no ancestor");
		return FALSE;
	}
	git_oid_tostr(our_label, sizeof(our_label), &g_array_index(ours->commits, git_oid, 0));
	git_oid_tostr(their_label, sizeof(their_label), their_oid);
	if (!merge_heads(repository, &run, ours, theirs, bases, &result->tree, error))
		return FALSE;
	result->base = g_array_index(bases, struct base_commit, 0).oid;
	result->clean = conflicts->len == 0;
	if (result->clean)
		return object_stage_write(stage, error);
	result->tree = (git_oid){0};
	result->conflicts = list_conflicts(conflicts);
	return TRUE;
}

gboolean tree_merge_commits(git_repository *repository, const git_oid *ours, const git_oid *theirs,
	struct tree_merge *merge, GError **error)
{
	struct merge_head our_head = {.commits = NULL};
	struct merge_head their_head = {.commits = NULL};
	scoped_value(tree_merge) result = {0};
	gboolean ok = head_init(&our_head, repository, ours, error) &&
		head_init(&their_head, repository, theirs, error) &&
		merge_commits(repository, &our_head, &their_head, &result, error);

	g_clear_pointer(&our_head.commits, g_array_unref);
	g_clear_pointer(&their_head.commits, g_array_unref);
	if (ok) {
		*merge = result;
		result = (struct tree_merge){0};
	}
	return ok;
}
