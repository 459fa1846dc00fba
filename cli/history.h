#ifndef FORGE_CLI_HISTORY_H
#define FORGE_CLI_HISTORY_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "queue/job_table.h"
#include "queue/messages.pb-c.h"

/** One job as the events of its batch tell it. */
struct history_job {
	uint32_t number;
	char *target; /**< NULL: none */
	enum job_state state;
	uint32_t attempt;
	uint64_t not_before_us; /**< JOB_WAITING: of its next try */
	Forge__Error *error;    /**< of the last attempt that failed; NULL: none did */
	GPtrArray *ends;  /**< of Forge__ForkSynced: the last word on each branch, in the order of
			     ending */
	GPtrArray *facts; /**< of Forge__Fact about components, in their order; NULL: none */
};

/** One batch, from its events alone: also for batches whose
 * rows have left the scheduler's state. */
struct history {
	uint64_t batch; /**< opening sequence; 0: not opened yet */
	Forge__BatchOpened *opened;
	uint64_t opened_us;
	gboolean sealed;
	gboolean cancel_requested;
	uint64_t closed_us;
	uint64_t closed_seq; /**< 0: open */
	GPtrArray *jobs;     /**< of struct history_job; number N at N - 1 */
	guint ended;         /**< jobs */
};

struct history *history_new(void);
void history_free(struct history *history);
SCOPED_POINTER(history, history_free)

/**
 * Takes the next event of the batch; they must come in order, from batch_opened on. Returns the job
 * that ended with it, or NULL. Events of no interest, and of jobs that nobody announced, change
 * nothing.
 */
const struct history_job *history_apply(struct history *history, const Forge__EventRow *row);

/** Job NUMBER, or NULL. */
const struct history_job *history_job(const struct history *history, uint32_t number);

/**
 * How JOB (one of forks that has ended) ended, branch by branch: its ends, and where they do not
 * tell all an entry without a branch: failed with the job's error, or skipped if it was cancelled
 * or had no branch. Array of Forge__ForkSynced. Caller unrefs.
 */
GPtrArray *history_entries(const struct history *history, const struct history_job *job);

/** JOB as a scheduler's row. Caller frees with forge__job_row__free_unpacked(). */
Forge__JobRow *history_job_row(const struct history *history, const struct history_job *job);

#endif
