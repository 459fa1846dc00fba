#ifndef FORGE_QUEUE_JOB_KINDS_H
#define FORGE_QUEUE_JOB_KINDS_H

#include <glib.h>
#include <stdint.h>

#include "journal/events.pb-c.h"

/** What must not overlap among the jobs of a kind. */
enum job_lane {
	JOB_LANE_TARGET, /**< two jobs on one target */
	JOB_LANE_NONE,   /**< nothing */
};

/** What a kind's targets are. */
enum job_about {
	JOB_ABOUT_FORK,
	JOB_ABOUT_COMPONENT, /**< of the workspace whose journal it is */
	JOB_ABOUT_WORKSPACE, /**< by its root */
	JOB_ABOUT_NOTHING,   /**< there are none */
};

/** The policy of a kind, from jobs.def. */
struct job_kind {
	Forge__JobKind kind;
	const char *name;
	int64_t timeout_ms; /**< of one attempt */
	uint32_t attempts;  /**< tries before the dead letter */
	enum job_lane lane;
	enum job_about about;
};

/** The row of KIND, or NULL for one that this version does not know. */
const struct job_kind *job_kind_of(Forge__JobKind kind);

/** The row called NAME, or NULL. */
const struct job_kind *job_kind_named(const char *name);

/** All names, NULL-terminated. Static. */
const char *const *job_kind_names(void);

#endif
