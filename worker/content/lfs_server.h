#ifndef FORGE_WORKER_CONTENT_LFS_SERVER_H
#define FORGE_WORKER_CONTENT_LFS_SERVER_H

#include <glib.h>
#include <stddef.h>

#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/content/lfs_pointer.h"
#include "worker/remote/remote.h"

/**
 * Sets PRESENT[i] to whether the git-lfs of REMOTE, which is reached by HTTP or a path, has the ith
 * of N OBJECTS, and *SPEAKS_LFS to whether there is a git-lfs at all: without one every object is
 * absent. Over HTTP the objects are asked for by LIMIT_LFS_BATCH_OBJECTS, with the credentials that
 * git has for REMOTE. Errors as http_exchange_read() and lfs_batch_answer().
 */
gboolean lfs_server_ask(struct http *http, const struct remote *remote,
	const struct lfs_pointer *const *objects, size_t n, gboolean *present, gboolean *speaks_lfs,
	struct budget *budget, GError **error);

#endif
