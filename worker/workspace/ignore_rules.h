#ifndef FORGE_WORKER_WORKSPACE_IGNORE_RULES_H
#define FORGE_WORKER_WORKSPACE_IGNORE_RULES_H

#include <glib.h>

#include "journal/base/scope.h"

/** The patterns of one `.gitignore`, and of those in the folders above it. */
struct ignore_rules;

/**
 * The rules of a `.gitignore` of SIZE bytes at TEXT in FOLDER (below the top; empty at the top,
 * without a slash at its end). ABOVE, which must outlive it, has the rules of the folders above;
 * NULL at the top. Patterns past LIMIT_IGNORE_PATTERNS do not count: *TOO_MANY is then TRUE.
 */
struct ignore_rules *ignore_rules_new(const struct ignore_rules *above, const char *folder,
	const char *text, size_t size, gboolean *too_many);
void ignore_rules_free(struct ignore_rules *rules);
SCOPED_POINTER(ignore_rules, ignore_rules_free)

/**
 * Is PATH (below the top, within the folder of RULES; a directory if IS_DIRECTORY) ignored, given
 * that no directory above it is? RULES may be NULL. As `git check-ignore --no-index`.
 */
gboolean ignore_rules_match(
	const struct ignore_rules *rules, const char *path, gboolean is_directory);

#endif
