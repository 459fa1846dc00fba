#ifndef FORGE_WORKER_WORKSPACE_APPLY_STAGE_H
#define FORGE_WORKER_WORKSPACE_APPLY_STAGE_H

#include <glib.h>

#include "worker/workspace/apply_run.h"

/* The part of a change in which the component is not touched. Inside folder_apply(). */

/** Makes the empty staging folder ID below the folder APPLY_FD. */
gboolean apply_stage_make(
	const struct workspace_paths *workspace, int apply_fd, const char *id, GError **error);

/** May the folder be changed as planned: permissions, file systems, what is there? */
gboolean apply_stage_check(const struct apply_run *run, GError **error);

/** Does the folder still hold what the plan begins with, as far as it changes? Else BUSY. */
gboolean apply_stage_check_content(const struct apply_run *run, GError **error);

/** Writes the new files to `new/N` and syncs them; notes their inodes in the plan. */
gboolean apply_stage_write(struct apply_run *run, GError **error);

/** Writes the intent: the point of no return. */
gboolean apply_stage_commit(struct apply_run *run, int apply_fd, GError **error);

#endif
