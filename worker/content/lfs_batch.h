#ifndef FORGE_WORKER_CONTENT_LFS_BATCH_H
#define FORGE_WORKER_CONTENT_LFS_BATCH_H

#include <glib.h>
#include <stddef.h>

#include "worker/content/lfs_pointer.h"

/** The type of both messages. */
#define LFS_BATCH_TYPE "application/vnd.git-lfs+json"

/** A batch request of git-lfs (its docs/api/batch.md) that asks to download N OBJECTS. Caller
 * frees. */
char *lfs_batch_request(const struct lfs_pointer *const *objects, size_t n);

/**
 * Reads the answer of SIZE bytes at TEXT to a request for N OBJECTS and sets PRESENT[i] to whether
 * the server, called NAME in errors, has the ith. PROTOCOL_ERROR if the answer is none or leaves an
 * object out, or what http_status_error() makes of an object's own code if that is not about its
 * being there. Pure.
 */
gboolean lfs_batch_answer(const char *text, size_t size, const char *name,
	const struct lfs_pointer *const *objects, size_t n, gboolean *present, GError **error);

#endif
