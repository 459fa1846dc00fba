#ifndef FORGE_WORKER_FORK_BRANCH_PUSH_H
#define FORGE_WORKER_FORK_BRANCH_PUSH_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/fork/branch_plan.h"
#include "worker/fork/fork_syncing.h"

/** A push of one branch, as it is recorded and made. */
struct branch_push {
	Forge__BranchStatus status; /**< what the branch becomes by it */
	git_oid after;
	char *backup; /**< out: the ref that keeps the old tip; NULL: none was needed */
};

void branch_push_clear(struct branch_push *push);
SCOPED_VALUE(branch_push, branch_push_clear)

/**
 * Pushes BRANCH to PUSH->after: where it is overwritten or rebased, after its old tip was put into a ref of
 * its own; and after the push was reported, which is durable first. Backups that were kept long
 * enough are deleted afterwards; that may fail without a word to the caller. Errors: those of
 * transfer_push() and the report, PUSH_REJECTED, REF_MOVED, PROTOCOL_ERROR.
 */
gboolean branch_push(const struct fork_syncing *syncing, const struct planned_branch *branch,
	struct branch_push *push, GError **error);

#endif
