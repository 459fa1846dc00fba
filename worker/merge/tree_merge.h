#ifndef FORGE_WORKER_MERGE_TREE_MERGE_H
#define FORGE_WORKER_MERGE_TREE_MERGE_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"

/** A path that a person must decide. */
struct merge_conflict {
	char *path;
	char *type; /**< `content` (the only one at this level; checks above find the other types)
		     */
};

/** What merging two commits gave: a tree, or conflicts, never both. */
struct tree_merge {
	gboolean clean;
	git_oid tree;         /**< if clean; written to the repository */
	GPtrArray *conflicts; /**< of struct merge_conflict, sorted by path, if not */
	git_oid base;         /**< a merge base; zero if the two share no commit */
};

void tree_merge_clear(struct tree_merge *merge);
SCOPED_VALUE(tree_merge, tree_merge_clear)

/**
 * Makes merges in one repository, and remembers the histories it has read from one to the next.
 * Belongs to one thread; REPOSITORY outlives it.
 */
struct tree_merger;

struct tree_merger *tree_merger_new(git_repository *repository, GError **error);
void tree_merger_free(struct tree_merger *merger);
SCOPED_POINTER(tree_merger, tree_merger_free)

/** As tree_merge_commits(), in MERGER's repository. */
gboolean tree_merger_merge(struct tree_merger *merger, const git_oid *ours, const git_oid *theirs,
	struct tree_merge *merge, GError **error);

/**
 * Merges the commits OURS and THEIRS of REPOSITORY in memory, as git does with renames found at 50
 * % similarity and directory renames off; several merge bases are merged first. Never clean where
 * git is not. No common ancestor is UNRELATED_HISTORIES; a tree deeper than LIMIT_TREE_DEPTH or an
 * object that is not there is an error, not a conflict.
 */
gboolean tree_merge_commits(git_repository *repository, const git_oid *ours, const git_oid *theirs,
	struct tree_merge *merge, GError **error);

#endif
