#ifndef FORGE_WORKER_STORE_STORE_LINES_H
#define FORGE_WORKER_STORE_STORE_LINES_H

#include <git2.h>
#include <glib.h>

#include "worker/store/anchors.h"

/**
 * The first-parent lines of all ANCHORS of the repository GIT at PATH, each ending where an earlier
 * one goes on: a GPtrArray of GArrays of git_oid, newest first. Kept in a file of the folder, so
 * that only what is new is walked. The caller holds the folder for use and frees. BROKEN_REPOSITORY
 * if the history cannot be read.
 */
GPtrArray *store_lines_get(
	git_repository *git, const char *path, const struct anchors *anchors, GError **error);

#endif
