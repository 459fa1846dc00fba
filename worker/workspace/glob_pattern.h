#ifndef FORGE_WORKER_WORKSPACE_GLOB_PATTERN_H
#define FORGE_WORKER_WORKSPACE_GLOB_PATTERN_H

#include <glib.h>

#include "journal/base/scope.h"

/** A shell pattern as `.gitignore` has them: `?`, `*`, `[…]`, `\` and, between slashes, `**`. */
struct glob_pattern;

/** Compiles the LENGTH bytes at TEXT; what is malformed matches nothing, as in git. */
struct glob_pattern *glob_pattern_new(const char *text, size_t length);
void glob_pattern_free(struct glob_pattern *pattern);
SCOPED_POINTER(glob_pattern, glob_pattern_free)

/** TRUE if PATTERN matches the whole of PATH, byte by byte. Time: at most the product of both
 * lengths. */
gboolean glob_pattern_matches(const struct glob_pattern *pattern, const char *path);

#endif
