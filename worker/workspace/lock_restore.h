#ifndef FORGE_WORKER_WORKSPACE_LOCK_RESTORE_H
#define FORGE_WORKER_WORKSPACE_LOCK_RESTORE_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "worker/component/workspace_files.h"
#include "worker/git/budget.h"

/**
 * Puts back into forge.lock of the workspace at ROOT, whose repository is FORGE, the lines that it
 * lost: those of components that are installed and that WANTED (forge.yaml) lists, or that these
 * need. A line is the one that forge wrote last, where that still says what is installed, else it is
 * made of the component's base, as of NOW_US and without a version. *LOCKED, which is what was read
 * of the file, becomes what it says afterwards. BUDGET may be NULL. Errors are those of the
 * workspace's lock and of the two files.
 */
gboolean lock_restore(const char *root, git_repository *forge, const struct wanted_file *wanted,
	uint64_t now_us, const struct budget *budget, struct lock_file **locked, GError **error);

/** Whether some installed component has no line in LOCKED, so that lock_restore() may have to do. */
gboolean lock_lacks_lines(git_repository *forge, const struct lock_file *locked);

#endif
