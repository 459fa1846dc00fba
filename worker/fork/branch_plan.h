#ifndef FORGE_WORKER_FORK_BRANCH_PLAN_H
#define FORGE_WORKER_FORK_BRANCH_PLAN_H

#include <git2.h>
#include <glib.h>

#include "journal/base/errors.h"
#include "journal/base/scope.h"
#include "journal/events.pb-c.h"
#include "worker/remote/ls_refs.h"

/** One branch of a fork: to be synced, or ended already for a reason. */
struct planned_branch {
	char *name;
	git_oid upstream_tip;
	git_oid fork_tip; /**< zero: the fork lacks the branch */
	Forge__BranchStatus
		status; /**< UNSET: to be synced; else FAILED or SKIPPED, with `reason` */
	GError *reason;
};

/** What is to be done for a fork. */
struct branch_plan {
	GPtrArray *branches; /**< of struct planned_branch, in the order of patterns, then of
				upstream's refs */
	/** Something is missing, and the listings may be too narrow to say why: list all branches
	 * and plan again. */
	gboolean wants_all_branches;
};

void branch_plan_free(struct branch_plan *plan);
SCOPED_POINTER(branch_plan, branch_plan_free)

/**
 * Which branches PATTERNS (N; names or globs; none: upstream's default branch) mean, given what
 * both servers advertise. COMPLETE says that the listings hold all branches. An empty fork or a
 * missing branch is filled only if FILL (the strategy is overwrite). Pure.
 */
struct branch_plan *branch_plan_new(const struct ref_listing *upstream,
	const struct ref_listing *fork, char *const *patterns, size_t n, gboolean fill,
	gboolean complete);

/**
 * Adds BRANCH, of which an earlier attempt announced that it would push AFTER, unless PLAN has it
 * already or the fork is not at AFTER. Patterns mean it no longer: upstream has deleted it, or
 * follows another default branch. Ended as BRANCH_DELETED, for whoever knows nothing of the push.
 */
void branch_plan_add_pushed(struct branch_plan *plan, const struct ref_listing *fork,
	const char *branch, const git_oid *after);

/**
 * Prefixes to list (NULL-terminated, owned by the array) so that PATTERNS can be planned: HEAD, and
 * each name or what stands before its first wildcard. DEFAULT_BRANCH (full ref name, may be NULL)
 * is added where there are no patterns.
 */
char **branch_plan_prefixes(char *const *patterns, size_t n, const char *default_branch);

#endif
