#ifndef FORGE_WORKER_WORKSPACE_COMPONENT_MERGE_H
#define FORGE_WORKER_WORKSPACE_COMPONENT_MERGE_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/merge/tree_merge.h"

/*
 * Merges in the workspace's repository. Ours is local and theirs is upstream, also in a rebase. A
 * struct tree_merge from here has a tree in any case: if it is not clean, what merged cleanly, with
 * ours' version wherever there is a conflict, and for each conflict the three versions. No file in
 * it has markers.
 */

/** Merges the commits OURS and THEIRS (the new base), whose merge base is the old base. Errors:
 * those of tree_merge_commits(). */
gboolean component_merge(git_repository *forge, const git_oid *ours, const git_oid *theirs,
	struct tree_merge *merge, GError **error);

/** How far a rebase came. */
struct component_rebase {
	git_oid head; /**< the newest commit that was made; ONTO if there is none */
	size_t done;  /**< commits replayed, or left out because upstream has what they change */
	struct tree_merge stopped; /**< if done < n: the merge that conflicts; ours is commit [done]
				    */
};
void component_rebase_clear(struct component_rebase *rebase);
SCOPED_VALUE(component_rebase, component_rebase_clear)

/**
 * Replays the N commits at COMMITS, oldest first, each as what it changed of its first parent, onto
 * the commit ONTO. Author, dates and message stay; the same inputs give the same ids. Stops at the
 * first conflict; go on with the commit that resolves it as ONTO and what is behind [done].
 */
gboolean component_rebase(git_repository *forge, const git_oid *commits, size_t n,
	const git_oid *onto, struct component_rebase *rebase, GError **error);

#endif
