/*
 * Merging commits: merge bases, then trees.
 *
 * The steps are git's (merge-ort, with directory renames off): walk the three trees, find each
 * side's renames, move versions along them, settle every entry, make trees. Where it is clean, the
 * tree is the one git makes. Several merge bases are first merged into a virtual one, oldest first,
 * and a conflict in there leaves its markers in the virtual base, as in git. Nothing is written to
 * the repository unless the merge is clean or a partial one was asked for.
 *
 * More conservative than git in two things. What our limits forbid to compare or merge is a
 * conflict. And so is a moved file whose content conflicts where its new place is taken: git
 * reports that, but can call the merge clean all the same, with markers in the tree.
 */
#include "worker/merge/tree_merge.h"

#include <stdlib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/commit_graph.h"
#include "worker/merge/merge_run.h"
#include "worker/git/object_stage.h"
#include "worker/merge/rename_apply.h"
#include "worker/merge/renames.h"
#include "worker/merge/tree_settle.h"
#include "worker/merge/tree_walk.h"

struct tree_merger {
	struct commit_graph *graph;
	struct object_stage *stage;
};

/** A commit, or the virtual merge of several: what its tree is, and which commits it stands for. */
struct merge_head {
	git_oid tree;
	GArray *commits; /**< of git_oid */
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

static gboolean head_init(
	struct merge_head *head, struct commit_graph *graph, const git_oid *oid, GError **error)
{
	if (!commit_graph_tree(graph, oid, &head->tree, error))
		return FALSE;
	head->commits = g_array_new(FALSE, FALSE, sizeof(git_oid));
	g_array_append_val(head->commits, *oid);
	return TRUE;
}

static GArray *find_bases(struct commit_graph *graph, const struct merge_head *ours,
	const git_oid *theirs, GError **error)
{
	return commit_graph_merge_bases(graph, (const git_oid *)(const void *)ours->commits->data,
		ours->commits->len, theirs, error);
}

/** Merges three trees; *TREE is staged in RUN's stage. */
static gboolean merge_trees(
	struct merge_run *run, const git_oid trees[MERGE_STAGES], git_oid *tree, GError **error)
{
	scoped(tree_walk) walk = tree_walk_new(run->stage, trees, error);
	g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(struct rename_pair));

	if (walk == NULL)
		return FALSE;
	for (enum merge_stage side = MERGE_STAGE_OURS; side <= MERGE_STAGE_THEIRS; side++) {
		const struct merge_node *blocked;
		if (!renames_find(run->stage, &walk->sides[side], side, pairs, &blocked, error))
			return FALSE;
		if (blocked != NULL) {
			merge_run_block(run, blocked->path);
			if (merge_run_is_partial(run))
				merge_run_note(
					run, blocked->path, CONFLICT_UNDECIDED, blocked->stages);
		}
	}
	return rename_apply(run, pairs, error) && tree_settle(run, &walk->root, tree, error);
}

static gboolean merge_heads(struct commit_graph *graph, struct merge_run *run,
	const struct merge_head *ours, const struct merge_head *theirs, GArray *bases,
	git_oid *tree, GError **error);

/** Takes the next merge base, NEXT, into the virtual base HEAD. */
static gboolean merge_into_base(struct commit_graph *graph, struct merge_run *outer,
	struct merge_head *head, const git_oid *next, GError **error)
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
	run.notes = NULL;
	if (run.depth > LIMIT_MERGE_BASE_DEPTH) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"merge bases of merge bases %d deep", LIMIT_MERGE_BASE_DEPTH);
		return FALSE;
	}
	if (!head_init(&other, graph, next, error))
		return FALSE;
	bases = find_bases(graph, head, next, error);
	ok = bases != NULL && merge_heads(graph, &run, head, &other, bases, &head->tree, error);
	g_array_append_val(head->commits, *next);
	g_array_unref(other.commits);
	return ok;
}

/** The tree that stands for all of BASES (latest first): the empty one, the only one's, or a
 * virtual merge. */
static gboolean base_tree(struct commit_graph *graph, struct merge_run *run, GArray *bases,
	git_oid *tree, GError **error)
{
	struct merge_head head = {.commits = NULL};
	gboolean ok;

	if (bases->len == 0)
		return object_stage_add(run->stage, GIT_OBJECT_TREE, "", 0, tree, error);
	if (bases->len > LIMIT_MERGE_BASES) {
		g_set_error(
			error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "%u merge bases", bases->len);
		return FALSE;
	}
	ok = head_init(&head, graph, &g_array_index(bases, git_oid, bases->len - 1), error);
	for (guint i = bases->len - 1; ok && i-- > 0;)
		ok = merge_into_base(graph, run, &head, &g_array_index(bases, git_oid, i), error);
	*tree = head.tree;
	g_clear_pointer(&head.commits, g_array_unref);
	return ok;
}

static gboolean merge_heads(struct commit_graph *graph, struct merge_run *run,
	const struct merge_head *ours, const struct merge_head *theirs, GArray *bases,
	git_oid *tree, GError **error)
{
	git_oid trees[MERGE_STAGES];

	if (!base_tree(graph, run, bases, &trees[MERGE_STAGE_BASE], error))
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

static struct merge_conflict *merge_conflict_new(const char *path, enum merge_conflict_kind kind)
{
	struct merge_conflict *conflict = g_new0(struct merge_conflict, 1);

	conflict->path = g_strdup(path);
	conflict->type = g_strdup("content");
	conflict->kind = kind;
	return conflict;
}

void merge_run_note(struct merge_run *run, const char *path, enum merge_conflict_kind kind,
	const struct tree_version stages[MERGE_STAGES])
{
	struct merge_conflict *note = g_hash_table_lookup(run->notes, path);

	if (note == NULL) {
		note = merge_conflict_new(path, kind);
		g_hash_table_insert(run->notes, note->path, note);
	} else if (note->kind != CONFLICT_UNDECIDED) {
		note->kind = kind;
	}
	memcpy(note->stages, stages, sizeof(note->stages));
}

/** PATHS sorted, each once, as struct merge_conflict, with what NOTES (may be NULL) say of them. */
static GPtrArray *list_conflicts(GPtrArray *paths, GHashTable *notes)
{
	GPtrArray *conflicts = g_ptr_array_new_with_free_func(merge_conflict_free);

	g_ptr_array_sort(paths, compare_paths);
	for (guint i = 0; i < paths->len; i++) {
		if (i > 0 && strcmp(paths->pdata[i - 1], paths->pdata[i]) == 0)
			continue;
		struct merge_conflict *conflict = merge_conflict_new(
			paths->pdata[i], CONFLICT_UNDECIDED);
		const struct merge_conflict *note = notes != NULL
			? g_hash_table_lookup(notes, conflict->path)
			: NULL;
		if (note != NULL) {
			conflict->kind = note->kind;
			memcpy(conflict->stages, note->stages, sizeof(conflict->stages));
		}
		g_ptr_array_add(conflicts, conflict);
	}
	return conflicts;
}

/** Takes what RUN found and TREE, which it made, as RESULT. */
static gboolean finish(
	struct merge_run *run, const git_oid *tree, struct tree_merge *result, GError **error)
{
	result->clean = run->conflicts->len == 0;
	if (!result->clean)
		result->conflicts = list_conflicts(run->conflicts, run->notes);
	if (!result->clean && !merge_run_is_partial(run))
		return TRUE;
	result->tree = *tree;
	return object_stage_write(run->stage, error);
}

static gboolean merge_commits(struct tree_merger *merger, struct merge_run *run,
	const struct merge_head *ours, const struct merge_head *theirs, struct tree_merge *result,
	GError **error)
{
	const git_oid *their_oid = &g_array_index(theirs->commits, git_oid, 0);
	g_autoptr(GArray) bases = find_bases(merger->graph, ours, their_oid, error);
	git_oid tree;

	if (bases == NULL)
		return FALSE;
	if (bases->len == 0) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_UNRELATED_HISTORIES,
			"the two commits share no ancestor");
		return FALSE;
	}
	if (!merge_heads(merger->graph, run, ours, theirs, bases, &tree, error))
		return FALSE;
	result->base = g_array_index(bases, git_oid, 0);
	return finish(run, &tree, result, error);
}

static GHashTable *notes_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, merge_conflict_free);
}

struct tree_merger *tree_merger_new(git_repository *repository, GError **error)
{
	scoped(tree_merger) merger = g_new0(struct tree_merger, 1);

	merger->graph = commit_graph_new(repository, error);
	if (merger->graph == NULL)
		return NULL;
	merger->stage = object_stage_new(repository, error);
	return merger->stage != NULL ? g_steal_pointer(&merger) : NULL;
}

void tree_merger_free(struct tree_merger *merger)
{
	if (merger == NULL)
		return;
	commit_graph_free(merger->graph);
	object_stage_free(merger->stage);
	g_free(merger);
}

/** Merges the commits OURS and THEIRS in RUN, which has labels and may have notes. */
static gboolean merge_in_run(struct tree_merger *merger, struct merge_run *run, const git_oid *ours,
	const git_oid *theirs, struct tree_merge *merge, GError **error)
{
	struct merge_head our_head = {.commits = NULL};
	struct merge_head their_head = {.commits = NULL};
	scoped_value(tree_merge) result = {0};
	gboolean ok = head_init(&our_head, merger->graph, ours, error) &&
		head_init(&their_head, merger->graph, theirs, error) &&
		merge_commits(merger, run, &our_head, &their_head, &result, error);

	object_stage_reset(merger->stage);
	g_clear_pointer(&our_head.commits, g_array_unref);
	g_clear_pointer(&their_head.commits, g_array_unref);
	if (ok) {
		*merge = result;
		result = (struct tree_merge){0};
	}
	return ok;
}

gboolean tree_merger_merge(struct tree_merger *merger, const git_oid *ours, const git_oid *theirs,
	struct tree_merge *merge, GError **error)
{
	char our_label[GIT_OID_HEXSZ + 1];
	char their_label[GIT_OID_HEXSZ + 1];
	g_autoptr(GPtrArray) conflicts = g_ptr_array_new_with_free_func(g_free);
	struct merge_run run = {merger->stage, 0, our_label, their_label, conflicts, conflicts};

	git_oid_tostr(our_label, sizeof(our_label), ours);
	git_oid_tostr(their_label, sizeof(their_label), theirs);
	return merge_in_run(merger, &run, ours, theirs, merge, error);
}

gboolean tree_merger_merge_partial(struct tree_merger *merger, const git_oid *ours,
	const git_oid *theirs, struct tree_merge *merge, GError **error)
{
	g_autoptr(GPtrArray) conflicts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) notes = notes_new();
	struct merge_run run = {merger->stage, 0, "LOCAL", "UPSTREAM", conflicts, conflicts, notes};

	return merge_in_run(merger, &run, ours, theirs, merge, error);
}

/** Merges TREES in RUN, which has labels and may have notes. */
static gboolean merge_trees_in_run(struct tree_merger *merger, struct merge_run *run,
	const git_oid trees[MERGE_STAGES], struct tree_merge *merge, GError **error)
{
	scoped_value(tree_merge) result = {0};
	git_oid tree;
	gboolean ok = merge_trees(run, trees, &tree, error) && finish(run, &tree, &result, error);

	object_stage_reset(merger->stage);
	if (ok) {
		*merge = result;
		result = (struct tree_merge){0};
	}
	return ok;
}

gboolean tree_merger_replay(struct tree_merger *merger, const git_oid trees[MERGE_STAGES],
	struct tree_merge *merge, GError **error)
{
	g_autoptr(GPtrArray) conflicts = g_ptr_array_new_with_free_func(g_free);
	struct merge_run run = {merger->stage, 0, "HEAD", "REPLAYED", conflicts, conflicts, NULL};

	return merge_trees_in_run(merger, &run, trees, merge, error);
}

gboolean tree_merger_merge_trees(struct tree_merger *merger, const git_oid trees[MERGE_STAGES],
	struct tree_merge *merge, GError **error)
{
	g_autoptr(GPtrArray) conflicts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) notes = notes_new();
	struct merge_run run = {merger->stage, 0, "LOCAL", "UPSTREAM", conflicts, conflicts, notes};

	return merge_trees_in_run(merger, &run, trees, merge, error);
}

gboolean tree_merge_commits(git_repository *repository, const git_oid *ours, const git_oid *theirs,
	struct tree_merge *merge, GError **error)
{
	scoped(tree_merger) merger = tree_merger_new(repository, error);

	return merger != NULL && tree_merger_merge(merger, ours, theirs, merge, error);
}
