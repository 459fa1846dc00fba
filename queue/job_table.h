#ifndef FORGE_QUEUE_JOB_TABLE_H
#define FORGE_QUEUE_JOB_TABLE_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/**
 * The jobs of all open batches: fixed rows in one slab, linked by index. Knows states, lanes, order
 * and counts, and nothing of what jobs do. Part of the folded state: changed only by the fold, so
 * two tables that saw the same calls are equal.
 */
struct job_table;

enum job_state {
	JOB_QUEUED,  /**< may run now, or stands behind another job of its lane */
	JOB_WAITING, /**< for the time of its next try */
	JOB_LEASED,
	JOB_DONE, /* from here on the job has ended */
	JOB_CONFLICT,
	JOB_SKIPPED,
	JOB_FAILED,
	JOB_CANCELLED,
};
#define JOB_STATES (JOB_CANCELLED + 1)
#define JOB_PRIORITY_MAX 9
#define JOB_NO_INDEX UINT32_MAX

static inline gboolean job_state_ended(enum job_state state)
{
	return state >= JOB_DONE;
}

/** The word people see for STATE. Static. */
const char *job_state_word(enum job_state state);

/** One row. Others read it; only the table writes it. */
struct job {
	uint32_t batch;  /**< slot of the batch in the table */
	uint32_t number; /**< in the batch, from 1 */
	uint32_t target; /**< slot of the target, which is the lane too; JOB_NO_INDEX: none */
	uint32_t previous, next; /**< in the list the job stands in: ready, or its lane's */
	uint16_t host;           /**< index into its batch's hosts */
	uint16_t attempt;        /**< of the newest lease; a new number fences off all older ones */
	uint8_t tries;  /**< attempts that count against the job: not those handed back or lost */
	uint8_t losses; /**< leases that ended because their worker did */
	uint8_t state;  /**< enum job_state */
	uint8_t cancel_requested;
	uint64_t
		term; /**< JOB_LEASED: the session; JOB_WAITING: not before, in wall microseconds */
};

/** The jobs of one batch. */
struct job_batch {
	uint64_t seq;
	uint8_t priority;
	void *user_data; /**< the owner's own row */
	GArray *rows;    /**< of uint32_t: slab index of job number 1, 2, … */
	uint32_t counts[JOB_STATES];
	/* private */
	uint32_t slot;
	GPtrArray *hosts;
	GQueue ready_hosts;
	GList *ready_link;
};

struct job_table *job_table_new(void);
void job_table_free(struct job_table *table);
SCOPED_POINTER(job_table, job_table_free)

/** A new, empty batch. Owned by the table until
 * job_table_close(). PRIORITY is cut to JOB_PRIORITY_MAX. */
struct job_batch *job_table_open(
	struct job_table *table, uint64_t seq, uint32_t priority, void *user_data);

/** Forgets BATCH and all its rows. Every job of it must have ended. */
void job_table_close(struct job_table *table, struct job_batch *batch);

/**
 * Adds the next job to BATCH and returns its number. With a TARGET and LANE the job runs only when
 * every job added before it in the lane of that name has ended or waits for a time. HOST groups
 * ready jobs.
 */
uint32_t job_table_add(struct job_table *table, struct job_batch *batch, const char *target,
	gboolean lane, const char *host);

/** Job NUMBER of BATCH, or NULL. Valid until the table changes. */
const struct job *job_table_job(
	const struct job_table *table, const struct job_batch *batch, uint32_t number);

/** The target's name; NULL if the job has none. */
const char *job_table_target(const struct job_table *table, const struct job *job);

struct job_batch *job_table_batch(const struct job_table *table, const struct job *job);

/** FALSE for a job that stands behind another of its lane. */
gboolean job_table_may_run(const struct job_table *table, const struct job *job);

/** Gives the job to SESSION as ATTEMPT; it counts as a try until it is returned. */
void job_table_lease(struct job_table *table, struct job_batch *batch, uint32_t number,
	uint16_t attempt, uint64_t session);

/**
 * Ends a lease without an end of the job: JOB_QUEUED again at once (LOST: its worker is gone, which
 * is counted), or JOB_WAITING until NOT_BEFORE_US.
 */
void job_table_requeue(
	struct job_table *table, struct job_batch *batch, uint32_t number, gboolean lost);
void job_table_wait(
	struct job_table *table, struct job_batch *batch, uint32_t number, uint64_t not_before_us);

/** The job ends in STATE (one of those that job_state_ended()); its lane goes to the next. */
void job_table_end(
	struct job_table *table, struct job_batch *batch, uint32_t number, enum job_state state);

void job_table_request_cancel(struct job_table *table, struct job_batch *batch, uint32_t number);

/** Sets state, attempt, tries, losses, cancel_requested and
 * term of a job that was just added to those of SAVED. */
void job_table_restore(
	struct job_table *table, struct job_batch *batch, uint32_t number, const struct job *saved);

/** Puts the job of a lane at the lane's end, keeping the order of the others; for checkpoints. */
void job_table_restore_lane_order(
	struct job_table *table, struct job_batch *batch, uint32_t number);

/** Jobs in STATE over all open batches. */
uint64_t job_table_count(const struct job_table *table, enum job_state state);

/** Whether jobs of BATCH that talk to HOST may be picked now. */
typedef gboolean (*job_filter)(const struct job_batch *batch, const char *host, gpointer user_data);

/** A job that was picked. */
struct job_pick {
	struct job_batch *batch;
	uint32_t number;
};

/**
 * Up to MAX jobs that may be leased at NOW_US and pass FILTER, best first: those whose waiting is
 * over (also retries that seem to wait longer than any does, because the clock was put back), then
 * by priority, then one of each batch in turn (the batch served longest ago first), within a batch
 * one of each host in turn, then by age. Changes nothing. Returns how many.
 */
uint32_t job_table_pick(const struct job_table *table, uint64_t now_us, job_filter filter,
	gpointer user_data, struct job_pick *picks, uint32_t max);

/** Wall time at which the first waiting job may run; 0 if none waits. */
uint64_t job_table_next_due_us(const struct job_table *table);

/** Calls VISIT for every lane that holds more than one job, head first, lanes in no order. */
typedef void (*job_lane_visit)(const char *lane, const struct job *job, gpointer user_data);
void job_table_each_lane(const struct job_table *table, job_lane_visit visit, gpointer user_data);

/** Recomputes all counts and list memberships from the
 * rows; FALSE and WHY (caller frees) if they disagree. */
gboolean job_table_audit(const struct job_table *table, char **why);

#endif
