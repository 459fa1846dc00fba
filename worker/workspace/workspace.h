#ifndef FORGE_WORKER_WORKSPACE_WORKSPACE_H
#define FORGE_WORKER_WORKSPACE_WORKSPACE_H

#include <glib.h>

/** Files of a workspace, in its root. */
#define WORKSPACE_WANTED "forge.yaml"
#define WORKSPACE_LOCKED "forge.lock"
#define WORKSPACE_OWN ".forge"

/**
 * The root of the workspace that FOLDER (absolute) is in: the nearest folder upwards, itself
 * included, with a forge.yaml. WORKSPACE_NOT_FOUND. Caller frees.
 */
char *workspace_find(const char *folder, GError **error);

/**
 * Makes the folder ROOT (absolute) a workspace: forge.yaml, `.forge` with a repository, and a line
 * in .gitignore that keeps `.forge` out of git. What is there stays as it is; *EXISTED tells
 * whether it was one before. ALREADY_EXISTS if ROOT is inside another workspace; PERMISSION_DENIED,
 * CACHE_UNUSABLE.
 */
gboolean workspace_make(const char *root, gboolean *existed, GError **error);

#endif
