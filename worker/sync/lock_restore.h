#ifndef FORGE_WORKER_SYNC_LOCK_RESTORE_H
#define FORGE_WORKER_SYNC_LOCK_RESTORE_H

#include "worker/sync/component_job.h"

/**
 * Puts back into forge.lock the lines that it lost: those of components that are installed and that
 * forge.yaml lists, if the file has none at all (somebody deleted it) or none for JOB's component.
 * A line is the one that forge wrote last, where that still says what is installed, else it is made
 * of the component's base, without a version. JOB's `locked` is what the file says afterwards.
 * Errors are those of the workspace's lock and of the two files.
 */
gboolean lock_restore(struct component_job *job, GError **error);

#endif
