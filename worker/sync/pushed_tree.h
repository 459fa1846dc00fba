#ifndef FORGE_WORKER_SYNC_PUSHED_TREE_H
#define FORGE_WORKER_SYNC_PUSHED_TREE_H

#include "worker/sync/earlier_push.h"

/**
 * The component as it is to be on top of ONTO, a commit of TARGET: the files as they are, merged
 * with what ONTO has where that is not the base. It is a TREE of the workspace's repository. Errors:
 * SYNC_CONFLICT, which names the paths, if a person must decide; COMPONENT_NOT_FOUND if ONTO has no
 * such folder; those of tree_safety_check() for what it has.
 */
gboolean pushed_tree(const struct component_job *job, git_repository *target, const git_oid *onto,
	const struct earlier_push *earlier, git_oid *tree, GError **error);

#endif
