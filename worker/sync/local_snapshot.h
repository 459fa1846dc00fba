#ifndef FORGE_WORKER_SYNC_LOCAL_SNAPSHOT_H
#define FORGE_WORKER_SYNC_LOCAL_SNAPSHOT_H

#include "worker/sync/component_job.h"

/**
 * Makes a commit of TREE with the N PARENTS, by whom the configuration names. Its date is the
 * job's, so that an attempt after a crash makes the same one. BROKEN_REPOSITORY.
 */
gboolean local_snapshot_write(const struct component_job *job, const git_oid *tree,
	const git_oid *parents, size_t n, const char *message, git_oid *commit, GError **error);

/**
 * Where there are checkpoints a merge of the commits LOCAL and UPSTREAM becomes one, for history
 * goes on from it: *CHECKPOINT is a commit of TREE, or zero without checkpoints.
 */
gboolean local_snapshot_merge(const struct component_job *job, const git_oid *tree,
	const git_oid *local, const git_oid *upstream, git_oid *checkpoint, GError **error);

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
