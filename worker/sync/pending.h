#ifndef FORGE_WORKER_SYNC_PENDING_H
#define FORGE_WORKER_SYNC_PENDING_H

#include "worker/sync/component_job.h"
#include "worker/sync/three_way.h"

/*
 * A merge that waits for a person: `refs/forge/NAME/pending/…` holds the two commits and, as a
 * commit of both, everything that merged. The journal holds what conflicts.
 */
#define PENDING_LOCAL "pending/local"
#define PENDING_UPSTREAM "pending/upstream"
#define PENDING_MERGED "pending/merged"
/* While a person decides, commits of both: what was decided so far, and what --strategy manual wrote
 * into the files. */
#define PENDING_RESOLVED "pending/resolved"
#define PENDING_MARKERS "pending/markers"

/** Begins the line of PENDING_MERGED's message that says upstream's version, if that has one. */
#define PENDING_VERSION "Version: "

/** Begins the line that says which job left the merge: BATCH/NUMBER. */
#define PENDING_JOB "Job: "

struct pending_merge {
	Forge__Component *component; /**< what it becomes once resolved; taken by pending_keep() */
	git_oid base, local, upstream;
	Forge__Strategy strategy;
	const struct three_way *merge;
};

/** SYNC_CONFLICT if a merge is pending. */
gboolean pending_refuse_any(const struct component_job *job, GError **error);

/** SYNC_CONFLICT if a merge is pending already, unless an earlier attempt of this very job left
 * it and nobody has begun to decide it. */
gboolean pending_refuse(const struct component_job *job, GError **error);

/** Keeps PENDING under refs and notes the fact. */
gboolean pending_keep(struct component_job *job, struct pending_merge *pending, GError **error);

/** The same of a pending merge whose conflicts were decided and whose result has others: what was
 * decided becomes what merged. */
gboolean pending_keep_decided(
	struct component_job *job, struct pending_merge *pending, GError **error);

#endif
