#ifndef FORGE_WORKER_WORKSPACE_APPLY_RUN_H
#define FORGE_WORKER_WORKSPACE_APPLY_RUN_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/workspace/apply_plan.h"
#include "worker/workspace/folder_apply.h"

/** A change on its way: `.forge/apply/ID`, with `intent`, `new/N` (what step N puts into the
 * folder) and `old/N` (what it took out). Inside folder_apply() and recovery. */
struct apply_run {
	const struct workspace_paths *workspace;
	struct apply_plan *plan; /**< owned; NULL until there is one */
	char *id;
	int root_fd; /**< borrowed: the workspace */
	int stage_fd;
	int new_fd;
	int old_fd;
	int folder_fd; /**< the component; -1 while there is none */
};

/** Opens the staging folder ID below the folder APPLY_FD, and what is in it. */
gboolean apply_run_open(struct apply_run *run, const struct workspace_paths *workspace, int root_fd,
	int apply_fd, const char *id, GError **error);
void apply_run_clear(struct apply_run *run);
SCOPED_VALUE(apply_run, apply_run_clear)

/** Says that the disk is about to be changed: for the tests that kill it there. */
void apply_run_step(const struct apply_run *run, const char *what);

/** Opens the component's folder if it is there. SECURITY_REFUSED if a symlink leads to it. */
gboolean apply_run_open_folder(struct apply_run *run, GError **error);

/** From a durable intent to the new tree, however far it had come; then REPORT is filled. */
gboolean apply_run_forward(struct apply_run *run, struct apply_report *report, GError **error);

/** Is what is called NAME in the directory FD just the blob OID with git's MODE? */
gboolean apply_run_holds(
	const struct apply_run *run, int fd, const char *name, const git_oid *oid, uint32_t mode);

/** Makes durable what was renamed in the directories of the plan's paths. */
gboolean apply_run_sync(const struct apply_run *run, GError **error);

#endif
