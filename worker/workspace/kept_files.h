#ifndef FORGE_WORKER_WORKSPACE_KEPT_FILES_H
#define FORGE_WORKER_WORKSPACE_KEPT_FILES_H

#include <glib.h>

#include "worker/workspace/apply_run.h"

/**
 * Moves NAME in the directory FD to `.forge/kept/ID/LABEL/KEPT_NAME`, replacing nothing; one that
 * is gone is fine. It was at the path of step AT, or at that of the directory ABOVE names deep on
 * the way to it; 0: the path itself. FALSE with errno.
 */
gboolean kept_files_add(const struct apply_run *run, int fd, const char *name, guint at,
	guint above, const char *kept_name);

/** Has something been kept that was at step AT's path, or was it just about to be? */
gboolean kept_files_has(const struct apply_run *run, guint at);

/** All that the run has kept, of struct kept_file, also before it was interrupted; NULL if nothing.
 * Caller unrefs. */
GPtrArray *kept_files_list(const struct apply_run *run);

#endif
