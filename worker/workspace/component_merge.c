/*
 * Merging and replaying a component's commits.
 *
 * The merge itself is worker/merge's. A rebase is one merge of three trees a commit: the commit's
 * first parent is the base, the commit ours, what has been made so far theirs. (git has the last
 * two the other way round; the tree is the same, and here local stays "ours" in every report.)
 */
#include "worker/workspace/component_merge.h"

#include <git2/sys/commit.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"

gboolean component_merge(git_repository *forge, const git_oid *ours, const git_oid *theirs,
	struct tree_merge *merge, GError **error)
{
	scoped(tree_merger) merger = tree_merger_new(forge, error);

	return merger && tree_merger_merge_partial(merger, ours, theirs, merge, error);
}

void component_rebase_clear(struct component_rebase *rebase)
{
	tree_merge_clear(&rebase->stopped);
	*rebase = (struct component_rebase){0};
}

/* What one step merges: the trees of COMMIT's first parent (or none) and of COMMIT. */
static gboolean read_step(git_repository *forge, const git_commit *commit,
	git_oid trees[MERGE_STAGES], GError **error)
{
	trees[MERGE_STAGE_OURS] = *git_commit_tree_id(commit);
	if (git_commit_parentcount(commit) > 0)
		return component_history_tree(
			forge, git_commit_parent_id(commit, 0), &trees[MERGE_STAGE_BASE], error);
	return component_history_empty_tree(forge, &trees[MERGE_STAGE_BASE], error);
}

/* Makes COMMIT anew with TREE on top of *HEAD, which becomes the new commit. */
static gboolean write_step(git_repository *forge, const git_commit *commit, const git_oid *tree,
	git_oid *head, GError **error)
{
	const git_oid *parents[] = {head};
	git_oid made;

	if (git_commit_create_from_ids(&made, forge, NULL, git_commit_author(commit),
		    git_commit_committer(commit), git_commit_message_encoding(commit),
		    git_commit_message_raw(commit), tree, 1, parents) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot replay %s",
			git_oid_tostr_s(git_commit_id(commit)));
		return FALSE;
	}
	*head = made;
	return TRUE;
}

/* Replays COMMIT onto REBASE's head, whose tree is *TREE; *GOES_ON is FALSE if that conflicts. */
static gboolean replay(git_repository *forge, struct tree_merger *merger, const git_commit *commit,
	git_oid *tree, struct component_rebase *rebase, gboolean *goes_on, GError **error)
{
	scoped_value(tree_merge) merge = {0};
	git_oid trees[MERGE_STAGES];

	trees[MERGE_STAGE_THEIRS] = *tree;
	if (!read_step(forge, commit, trees, error) ||
		!tree_merger_merge_trees(merger, trees, &merge, error))
		return FALSE;
	*goes_on = merge.clean;
	if (!merge.clean) {
		rebase->stopped = merge;
		merge = (struct tree_merge){0};
		return TRUE;
	}
	rebase->done++;
	/* Upstream has what it changed already. */
	if (git_oid_equal(&merge.tree, tree))
		return TRUE;
	*tree = merge.tree;
	return write_step(forge, commit, tree, &rebase->head, error);
}

gboolean component_rebase(git_repository *forge, const git_oid *commits, size_t n,
	const git_oid *onto, struct component_rebase *rebase, GError **error)
{
	scoped(tree_merger) merger = tree_merger_new(forge, error);
	scoped_value(component_rebase) result = {.head = *onto};
	gboolean goes_on = TRUE;
	git_oid tree;

	if (!merger || !component_history_tree(forge, onto, &tree, error))
		return FALSE;
	for (size_t i = 0; i < n && goes_on; i++) {
		git_commit *commit = NULL;
		gboolean ok;

		if (git_commit_lookup(&commit, forge, &commits[i]) != 0) {
			git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
				"cannot read the commit %s", git_oid_tostr_s(&commits[i]));
			return FALSE;
		}
		ok = replay(forge, merger, commit, &tree, &result, &goes_on, error);
		git_commit_free(commit);
		if (!ok)
			return FALSE;
	}
	*rebase = result;
	result = (struct component_rebase){0};
	return TRUE;
}
