#ifndef FORGE_TESTS_SIMULATION_SIM_GIT_H
#define FORGE_TESTS_SIMULATION_SIM_GIT_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/**
 * Branches of forks and of their upstreams as a git server keeps them: a push names the old commit
 * and is refused if the branch is elsewhere. Commits are 40 digits that their parents determine, so
 * the same merge made twice is one commit.
 */
struct sim_git;

/** One update that the server made. */
struct git_move {
	char *fork, *branch;
	char *before, *after;
	uint64_t batch; /**< job that pushed; 0: a person did */
	uint32_t number, attempt;
};

struct sim_git *sim_git_new(void);
void sim_git_free(struct sim_git *server);
SCOPED_POINTER(sim_git, sim_git_free)

/** Makes BRANCH of FORK, level with its upstream, unless it is there. */
void sim_git_make(struct sim_git *server, const char *fork, const char *branch);

/** Tip of the fork's branch. Valid until the branch moves. */
const char *sim_git_tip(const struct sim_git *server, const char *fork, const char *branch);

/** Upstream of BRANCH of FORK gets one more commit. */
void sim_git_advance_upstream(struct sim_git *server, const char *fork, const char *branch);

/** TRUE if the commit TIP holds everything of its upstream. */
gboolean sim_git_is_level(
	const struct sim_git *server, const char *fork, const char *branch, const char *tip);

/** The commit that joins TIP and upstream as it is now. Caller frees. */
char *sim_git_merge(struct sim_git *server, const char *fork, const char *branch, const char *tip);

/** MOVE, if the branch is at its `before`; then it is kept among the moves. Copies MOVE. */
gboolean sim_git_push(struct sim_git *server, const struct git_move *move);

/** A person commits to the fork's branch. */
void sim_git_push_by_hand(struct sim_git *server, const char *fork, const char *branch);

/** All moves in order: of struct git_move. Borrowed. */
const GPtrArray *sim_git_moves(const struct sim_git *server);

/** Of struct git_branch, in the order made. */
struct git_branch {
	char *fork, *branch;
	char *tip;
	uint32_t upstream; /**< commits there */
};
const GPtrArray *sim_git_branches(const struct sim_git *server);

#endif
