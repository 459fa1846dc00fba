#ifndef FORGE_WORKER_SYNC_WORKSPACE_CHANGE_H
#define FORGE_WORKER_SYNC_WORKSPACE_CHANGE_H

#include "worker/sync/component_job.h"
#include "worker/sync/settle.h"

/** One job's change of the workspace: files, refs and forge.lock, prepared and then done at once. */
struct workspace_change {
	struct settlement settlement; /**< `wanted` and `local` are the caller's to set */
	Forge__Component *component;  /**< as it is afterwards; the caller may steal it */
	struct locked_component locked;
	struct apply_report report; /**< what applying did */
};

/** Prepares the change that makes BASE the base of JOB's component: its line of forge.lock too. */
gboolean workspace_change_to(struct workspace_change *change, struct component_job *job,
	const git_oid *base, GError **error);

/**
 * Does it, with the files going from FROM (NULL: no folder) to TO (NULL: none). JOB says afterwards
 * what is so: base, trees, checkpoint. A file that somebody edited meanwhile was kept aside and is
 * told in the log.
 */
gboolean workspace_change_apply(struct workspace_change *change, struct component_job *job,
	const git_oid *from, const git_oid *to, GError **error);

/** Tells the journal, durably, of the pull of JOB's component that an earlier process was killed in
 * and that recovery has just completed, if there is one. BASE is set. */
gboolean workspace_change_tell_recovered(struct component_job *job, GError **error);

void workspace_change_clear(struct workspace_change *change);
SCOPED_VALUE(workspace_change, workspace_change_clear)

#endif
