#ifndef FORGE_WORKER_SYNC_LOCAL_SNAPSHOT_H
#define FORGE_WORKER_SYNC_LOCAL_SNAPSHOT_H

#include "worker/sync/component_job.h"

/**
 * Makes the commit of the files as they are, which component_job_look() has seen to be there, on
 * top of the newest checkpoint, else of the base; BESIDE (may be NULL) is a second parent. Its date
 * is the job's, so the same files give the same commit. BROKEN_REPOSITORY.
 */
gboolean local_snapshot_commit(const struct component_job *job, const git_oid *beside,
	const char *message, git_oid *commit, GError **error);

/** Keeps COMMIT as the component's newest stash, once: an attempt after a crash finds it there.
 * TOO_LARGE past LIMIT_STASHES. */
gboolean local_snapshot_keep(
	const struct component_job *job, const git_oid *commit, GError **error);

#endif
