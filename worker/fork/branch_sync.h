#ifndef FORGE_WORKER_FORK_BRANCH_SYNC_H
#define FORGE_WORKER_FORK_BRANCH_SYNC_H

#include <git2.h>
#include <glib.h>

#include "worker/fork/branch_plan.h"
#include "worker/fork/fork_syncing.h"

/** What can be done about a branch, from how its two tips are related. */
enum branch_action {
	BRANCH_NOTHING,      /**< the fork has all of upstream's commits */
	BRANCH_FAST_FORWARD, /**< upstream is only ahead */
	BRANCH_MERGE,
	BRANCH_REBASE,    /**< with a backup of the fork's tip */
	BRANCH_OVERWRITE, /**< with a backup of what the fork has, if anything */
	BRANCH_REFUSE_DIVERGED,
	BRANCH_REFUSE_UNRELATED,
};

/**
 * Pure. AHEAD are the commits only the fork has, BEHIND those only upstream has; RELATED: the two
 * share a commit; FORK_HAS_BRANCH is FALSE where it must be created.
 */
enum branch_action branch_action_for(Forge__Strategy strategy, gboolean fork_has_branch,
	gboolean related, size_t ahead, size_t behind);

/**
 * Brings one planned branch, whose tips are both in the fork's repository, to its end and returns
 * the fact; NULL with an error if the branch may be tried again or the job must stop. A push is
 * reported before it is made; INTENDED, if not NULL, is what an earlier attempt reported of this
 * branch.
 */
Forge__ForkSynced *branch_sync(struct fork_syncing *syncing, const struct planned_branch *branch,
	const Forge__PushIntended *intended, GError **error);

/**
 * The outcome of an earlier attempt's push, INTENDED (may be NULL), if it is found on the server;
 * else NULL. Before the repository is open its counts stay unknown.
 */
Forge__ForkSynced *branch_sync_recognize(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const Forge__PushIntended *intended);

/** The fact of a branch that is what it should be: no objects are needed. */
Forge__ForkSynced *branch_sync_equal(
	const struct fork_syncing *syncing, const struct planned_branch *branch);

/** The fact of a branch that ends with ERROR. */
Forge__ForkSynced *branch_sync_ended(const struct fork_syncing *syncing,
	const struct planned_branch *branch, Forge__BranchStatus status, const GError *error);

/** TRUE if FAILURE says that the fork's server lacks content that git does not push: an end, not a
 * reason to try again. */
gboolean branch_sync_lacks_content(const GError *failure);

/** FACT, taken, as the worker's fact. */
Forge__Fact *branch_sync_fact(Forge__ForkSynced *take_fact);

#endif
