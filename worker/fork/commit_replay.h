#ifndef FORGE_WORKER_FORK_COMMIT_REPLAY_H
#define FORGE_WORKER_FORK_COMMIT_REPLAY_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/merge/tree_merge.h"

/** What replaying commits on another came to: a new tip, or the commit that conflicts. */
struct commit_replay {
	git_oid tip;         /**< if none conflicts; ONTO itself if nothing was left to replay */
	guint replayed;      /**< commits that were made; before the conflict, if there is one */
	guint planned;       /**< commits that were to be replayed */
	git_oid conflicting; /**< the original commit that conflicts; zero: none */
	char *subject;       /**< its subject, valid UTF-8 */
	GPtrArray
		*conflicts; /**< of struct merge_conflict, sorted by path; NULL if none conflicts */
};

void commit_replay_clear(struct commit_replay *replay);
SCOPED_VALUE(commit_replay, commit_replay_clear)

/**
 * Replays the commits of GIT that TIP reaches and ONTO does not on top of ONTO, in memory, as `git
 * rebase ONTO` with directory renames off: oldest first, in git's order; without merges, without
 * those whose patch is upstream's already, and without those that change nothing any more; a commit
 * that never changed anything is kept. Author, message and encoding stay byte for byte, signatures
 * and other headers go; COMMITTER is the committer of all. Equal arguments make equal commits.
 * TOO_LARGE past LIMIT_REPLAYED_COMMITS or LIMIT_REPLAY_UPSTREAM_COMMITS; BROKEN_REPOSITORY; as
 * budget_check().
 */
gboolean commit_replay(git_repository *git, const git_oid *tip, const git_oid *onto,
	const git_signature *committer, const struct budget *budget, struct commit_replay *replay,
	GError **error);

#endif
