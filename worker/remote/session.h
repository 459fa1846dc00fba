#ifndef FORGE_WORKER_REMOTE_SESSION_H
#define FORGE_WORKER_REMOTE_SESSION_H

#include <git2.h>
#include <glib.h>

#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/remote.h"
#include "worker/remote/transport_http.h"

/** One connection to a remote through libgit2, over whichever transport its kind asks for. */
struct session {
	struct transport_context context;
	git_remote *remote;
	GString *remarks;        /**< beginning of what the server said for people; not redacted */
	int64_t due_ms;          /**< monotonic; all of it must be done by then */
	int64_t progress_due_ms; /**< monotonic; the budget's progress is not called before */
};

/**
 * Connects to REMOTE for GIT_DIRECTION_FETCH or GIT_DIRECTION_PUSH and reads its refs. REPOSITORY
 * is NULL where nothing is transferred. SESSION must stay where it is until it is cleared, which it
 * needs only after success.
 */
gboolean session_open(struct session *session, struct http *http, git_repository *repository,
	const struct remote *remote, git_direction direction, struct budget *budget,
	GError **error);
void session_clear(struct session *session);
SCOPED_VALUE(session, session_clear)

/** The refs the server advertised; borrowed until the session does something else. */
gboolean session_refs(struct session *session, const git_remote_head *const **heads,
	size_t *n_heads, GError **error);

/** Callbacks for transfers of SESSION: cancellation, size limit, progress, remarks. */
void session_callbacks(struct session *session, git_remote_callbacks *callbacks);

/** Sets ERROR to why libgit2 just failed in SESSION: the transport's own error if it left one.
 * Gives FALSE. */
gboolean session_fail(struct session *session, GError **error);

/** What libgit2 said last in this thread, as an error of ours about SHOWN. */
GError *session_library_error(const char *shown);

#endif
