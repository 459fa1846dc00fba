#ifndef FORGE_WORKER_SYNC_JUDGE_NEEDS_H
#define FORGE_WORKER_SYNC_JUDGE_NEEDS_H

#include "worker/component/component_file.h"
#include "worker/sync/judge.h"

/**
 * Adds to CONFLICTS a `dependency` if what the component needs, as AFTER (its file in the tree
 * MERGED) says, cannot be had together with everything else that the workspace wants; BEFORE (or NULL) is
 * its file in the base: needs that were there already are not what the pull brings. Where the
 * repositories cannot be asked, what is locked has to do.
 */
gboolean judge_needs(const struct component_job *job, const struct component_file *before,
	const struct component_file *after, const git_oid *merged, GPtrArray *conflicts,
	GError **error);

#endif
