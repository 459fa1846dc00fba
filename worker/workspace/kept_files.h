#ifndef FORGE_WORKER_WORKSPACE_KEPT_FILES_H
#define FORGE_WORKER_WORKSPACE_KEPT_FILES_H

#include <glib.h>

#include "worker/workspace/apply_run.h"

/**
 * Moves NAME in the directory FD to `.forge/kept/ID/LABEL/KEPT_NAME`; one that is gone is fine. LABEL
 * is a step's number; with `.D` it is the directory of so many names above the step's path that was
 * no directory; with `.again` what somebody put there once more. FALSE with errno.
 */
gboolean kept_files_add(const struct apply_run *run, int fd, const char *name, const char *label,
	const char *kept_name);

/** Has something been kept as LABEL, or was it just about to be? */
gboolean kept_files_has(const struct apply_run *run, const char *label);

/** All that the run has kept, of struct kept_file, also before it was interrupted; NULL if nothing.
 * Caller unrefs. */
GPtrArray *kept_files_list(const struct apply_run *run);

#endif
