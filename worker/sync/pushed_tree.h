#ifndef FORGE_WORKER_SYNC_PUSHED_TREE_H
#define FORGE_WORKER_SYNC_PUSHED_TREE_H

#include "worker/sync/component_job.h"

/*
 * What a push puts into upstream's folder, and what an earlier one has put there.
 *
 * `refs/forge/NAME/pushed` is the newest push of the component: a commit like a base, which stands
 * for the commit that the server took and has the base of that time as its parent. The local files
 * go on from it as long as the base stays what it was.
 */
#define COMPONENT_REF_PUSHED "pushed"

struct earlier_push {
	gboolean there; /**< and the files go on from it: the rest of this is set */
	git_oid oid;    /**< in the workspace's repository */
	git_oid tree;
	git_oid commit; /**< on the server */
};

/** Reads what JOB's component was pushed as last. BROKEN_REPOSITORY. */
gboolean earlier_push_read(
	const struct component_job *job, struct earlier_push *earlier, GError **error);

/** Remembers that COMMIT of the repository TARGET was pushed. */
gboolean earlier_push_write(const struct component_job *job, git_repository *target,
	const git_oid *commit, GError **error);

/** Forgets it: the files do not go on from it any more. */
gboolean earlier_push_forget(const struct component_job *job, GError **error);

/**
 * The component as it is to be on top of ONTO, a commit of TARGET: the files as they are, merged
 * with what ONTO has where that is not the base. It is a TREE of the workspace's repository. Errors:
 * SYNC_CONFLICT, which names the paths, if a person must decide; COMPONENT_NOT_FOUND if ONTO has no
 * such folder; those of tree_safety_check() for what it has.
 */
gboolean pushed_tree(const struct component_job *job, git_repository *target, const git_oid *onto,
	const struct earlier_push *earlier, git_oid *tree, GError **error);

#endif
