#ifndef FORGE_WORKER_WORKSPACE_REPOSITORY_REWRITE_H
#define FORGE_WORKER_WORKSPACE_REPOSITORY_REWRITE_H

#include <glib.h>

/** TRUE if the repository of the workspace ROOT has more than LIMIT_WORKSPACE_PACKS packs or
 * LIMIT_WORKSPACE_LOOSE_OBJECTS loose objects and was not rewritten for LIMIT_REWRITE_PAUSE_S, or
 * if a killed process left what it had made. */
gboolean repository_rewrite_is_due(const char *root);

/**
 * Packs what refs reach into one pack, and drops the rest but for loose objects that are younger
 * than LIMIT_UNREACHED_S and what they name. Nobody else may have the repository open: see
 * workspace_use_alone(). Nothing happens, and nothing fails, while a change of the workspace waits
 * for recovery. On failure the objects stay as they are: BROKEN_REPOSITORY (something that a ref
 * reaches is missing), CACHE_UNUSABLE, TOO_LARGE past LIMIT_REWRITE_OBJECTS, STORE_BUSY,
 * PERMISSION_DENIED, UNSUPPORTED (a file system that cannot exchange two folders).
 */
gboolean repository_rewrite(const char *root, GError **error);

#endif
