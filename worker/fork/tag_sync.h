#ifndef FORGE_WORKER_FORK_TAG_SYNC_H
#define FORGE_WORKER_FORK_TAG_SYNC_H

#include <glib.h>

#include "worker/fork/branch_plan.h"
#include "worker/fork/fork_syncing.h"

/**
 * Adds upstream's tags that the fork lacks, and returns the fact that tells how the fork's tags
 * stand, under the name TAGS_BRANCH; NULL with an error if it may be tried again or the job must
 * stop. UPSTREAM and FORK list all tags; BRANCHES are what was synced before, whose commits the
 * fork has. A tag that the fork has is never moved. Nothing is asked where nothing is missing. Must
 * be called with no repository open (SYNCING->repository is NULL), and leaves none.
 */
Forge__ForkSynced *tag_sync(struct fork_syncing *syncing, const struct ref_listing *upstream,
	const struct ref_listing *fork, const struct branch_plan *branches, GError **error);

#endif
