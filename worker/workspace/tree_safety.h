#ifndef FORGE_WORKER_WORKSPACE_TREE_SAFETY_H
#define FORGE_WORKER_WORKSPACE_TREE_SAFETY_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

/** Bounds of a tree that may be written to disk; a 0 stands for the limit of that name. */
struct tree_limits {
	uint64_t blob_bytes_max; /**< of one file; LIMIT_FOLDER_FILE_BYTES */
	uint32_t entries_max;    /**< files and directories together; LIMIT_FOLDER_ENTRIES */
	uint32_t depth_max;      /**< directories within each other; LIMIT_TREE_DEPTH */
};

/**
 * Is the tree TREE of REPOSITORY, the root of a component, fit to be written into a folder? Reads
 * trees and the targets of symlinks, no file's content. LIMITS may be NULL. Errors name the path:
 * SECURITY_REFUSED for names that mean something else to a file system (`.git` in any spelling,
 * `..`, a slash or backslash in a name), `.forge` at the top, symlinks that leave the component or
 * lead into `.git`, and paths that are one path where case or Unicode form do not count;
 * UNSUPPORTED for submodules; TOO_LARGE past a limit, and for names no file system takes;
 * BROKEN_REPOSITORY for what is missing or malformed.
 */
gboolean tree_safety_check(git_repository *repository, const git_oid *tree,
	const struct tree_limits *limits, GError **error);

#endif
