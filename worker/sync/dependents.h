#ifndef FORGE_WORKER_SYNC_DEPENDENTS_H
#define FORGE_WORKER_SYNC_DEPENDENTS_H

#include "worker/sync/component_job.h"

/**
 * Names of the installed components that need JOB's, sorted, NULL-terminated: what their
 * component.yaml in the workspace says, or, where that cannot be read, the one of their base.
 * BROKEN_REPOSITORY. Caller frees.
 */
char **dependents_of(const struct component_job *job, GError **error);

/**
 * What the components that need JOB's together allow it to be, by forge.lock and what is installed;
 * NULL: anything, or nobody needs it. Caller frees.
 */
char *dependents_constraint(const struct component_job *job);

#endif
