#ifndef FORGE_WORKER_MERGE_TREE_MERGE_H
#define FORGE_WORKER_MERGE_TREE_MERGE_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/merge/merge_node.h"

/** Why a path conflicts. */
enum merge_conflict_kind {
	CONFLICT_CONTENT,    /**< both changed it (or its mode, or a link) in ways that do not go
				together */
	CONFLICT_BOTH_ADDED, /**< both added it, differently */
	CONFLICT_DELETED,    /**< one deleted it, the other changed it */
	CONFLICT_TYPE,       /**< a file, a link, a submodule or a directory against another of them
			      */
	CONFLICT_RENAMED,    /**< renames disagree, or one meets something else */
	CONFLICT_UNDECIDED,  /**< our limits forbid to look */
};

/** A path that a person must decide. */
struct merge_conflict {
	char *path;
	char *type; /**< `content` (the only one at this level; checks above find the other types)
		     */

	/* Told by a partial merge alone. */
	enum merge_conflict_kind kind;
	/** What each side (MERGE_STAGE_…) has to say for this path, renames followed; mode 0:
	 * nothing; 040000: a directory. */
	struct tree_version stages[MERGE_STAGES];
};

/** What merging two commits gave: a tree, or conflicts; of a partial merge both. */
struct tree_merge {
	gboolean clean;
	git_oid tree;         /**< if clean, or of a partial merge; written to the repository */
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
 * As tree_merger_merge(), but a merge that conflicts has a tree as well: what merged cleanly, and
 * ours' version wherever there is a conflict (nothing, where ours has none). No file in it has
 * markers. Clean is what is clean in tree_merger_merge(); the conflicted paths are those, and the
 * old path of a renamed file whose content conflicts where something else took its new place. Where
 * ours has a file and theirs a directory, ours' file stands; if things of ours moved into that
 * directory, the file stands beside it as PATH~LOCAL.
 */
gboolean tree_merger_merge_partial(struct tree_merger *merger, const git_oid *ours,
	const git_oid *theirs, struct tree_merge *merge, GError **error);

/** As tree_merger_merge(), of three trees [MERGE_STAGE_…] instead of commits, as one commit is
 * replayed on another; merge->base is zero. */
gboolean tree_merger_replay(struct tree_merger *merger, const git_oid trees[MERGE_STAGES],
	struct tree_merge *merge, GError **error);

/** As tree_merger_merge_partial(), of three trees [MERGE_STAGE_…] instead of commits; merge->base
 * is zero. */
gboolean tree_merger_merge_trees(struct tree_merger *merger, const git_oid trees[MERGE_STAGES],
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
