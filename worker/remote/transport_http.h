#ifndef FORGE_WORKER_REMOTE_TRANSPORT_HTTP_H
#define FORGE_WORKER_REMOTE_TRANSPORT_HTTP_H

#include <git2.h>
#include <glib.h>

#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/remote.h"

/**
 * For one fetch or push: with whom the transport speaks, and why it failed. Belongs to the thread
 * that uses the git_remote, and outlives it. The first failure stays in ERROR (clear it when done):
 * it says more than libgit2's own text, so look there first when libgit2 returns an error.
 */
struct transport_context {
	struct http *http;
	const struct remote *remote;
	struct budget *budget;
	GError *error;
};

/**
 * A git_transport_cb whose PARAM is a struct transport_context: set it as callbacks.transport with
 * the context as payload, or call it from a callback of your own. The transport talks to the
 * context's remote, whatever URL the git_remote has, and follows redirects of the first request
 * only, as git does. An answer that is well-formed HTTP but not git leaves ERROR unset and is
 * libgit2's to name. Answers are limited: refs to LIMIT_REF_LISTING_BYTES, a pack to
 * budget->pack_bytes_max, a report on a push to LIMIT_PUSH_REPORT_BYTES.
 */
int transport_http_new(git_transport **out, git_remote *owner, void *param);

#endif
