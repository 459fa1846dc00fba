#ifndef FORGE_TESTS_SIMULATION_GIT_SERVER_H
#define FORGE_TESTS_SIMULATION_GIT_SERVER_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/**
 * Branches of forks and of their upstreams as a git server keeps them: a push names the old commit and is refused if the
 * branch is elsewhere. Commits are 40 digits that their parents determine, so the same merge made twice is one commit.
 */
struct git_server;

/** One update that the server made. */
struct git_move {
	char *fork, *branch;
	char *before, *after;
	uint64_t batch; /**< job that pushed; 0: a person did */
	uint32_t number, attempt;
};

struct git_server *git_server_new(void);
void git_server_free(struct git_server *server);
SCOPED_POINTER(git_server, git_server_free)

/** Makes BRANCH of FORK, level with its upstream, unless it is there. */
void git_server_make(struct git_server *server, const char *fork, const char *branch);

/** Tip of the fork's branch. Valid until the branch moves. */
const char *git_server_tip(const struct git_server *server, const char *fork, const char *branch);

/** Upstream of BRANCH of FORK gets one more commit. */
void git_server_advance_upstream(struct git_server *server, const char *fork, const char *branch);

/** TRUE if the commit TIP holds everything of its upstream. */
gboolean git_server_is_level(const struct git_server *server, const char *fork, const char *branch,
	const char *tip);

/** The commit that joins TIP and upstream as it is now. Caller frees. */
char *git_server_merge(
	struct git_server *server, const char *fork, const char *branch, const char *tip);

/** MOVE, if the branch is at its `before`; then it is kept among the moves. Copies MOVE. */
gboolean git_server_push(struct git_server *server, const struct git_move *move);

/** A person commits to the fork's branch. */
void git_server_push_by_hand(struct git_server *server, const char *fork, const char *branch);

/** All moves in order: of struct git_move. Borrowed. */
const GPtrArray *git_server_moves(const struct git_server *server);

/** Of struct git_branch, in the order made. */
struct git_branch {
	char *fork, *branch;
	char *tip;
	uint32_t upstream; /**< commits there */
};
const GPtrArray *git_server_branches(const struct git_server *server);

#endif
