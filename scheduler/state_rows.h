#ifndef FORGE_SCHEDULER_STATE_ROWS_H
#define FORGE_SCHEDULER_STATE_ROWS_H

#include "scheduler/state.h"

/*
 * How rows of the state are made and dropped, for the fold and for the restoring of a checkpoint.
 * Each keeps the state's queues and tables of look-up right; messages are copied.
 */

struct batch_row *batch_row_add(
	struct state *state, uint64_t seq, uint64_t opened_us, const Forge__BatchOpened *opened);

/** The batch's next job; TARGET may be NULL. */
void batch_row_add_job(struct state *state, struct batch_row *batch, const char *target);
void batch_row_seal(struct state *state, struct batch_row *batch);
void batch_row_cancel(struct state *state, struct batch_row *batch);

/** Moves cancel_next of a cancelled batch past the jobs that need no cancelling. */
void batch_row_pass_cancelled(struct state *state, struct batch_row *batch);

/** Queues BATCH for closing if it is sealed and all its jobs have ended. */
void batch_row_note_complete(struct state *state, struct batch_row *batch);

/** Forgets BATCH's jobs and keeps the rest as a closed row. */
void batch_row_close(
	struct state *state, struct batch_row *batch, uint64_t closed_seq, uint64_t closed_us);

/** What is remembered of an unfinished job; made if there is nothing yet. */
struct job_progress *batch_row_progress(struct batch_row *batch, uint32_t number);

/** Drops the oldest row past LIMIT_CLOSED_BATCHES, and its request with it. */
void closed_row_add(struct state *state, uint64_t seq, uint64_t opened_us, uint64_t closed_seq,
	uint64_t closed_us, Forge__BatchOpened *take_opened, const Forge__BatchCounts *counts);

struct fork_row *fork_row_add(struct state *state, uint64_t seq, uint64_t registered_us,
	const Forge__Fork *spec, const char *request_id);
void fork_row_remove(struct state *state, struct fork_row *fork);

/** Drops the oldest row past LIMIT_KNOWN_REMOVALS. */
void removal_row_add(struct state *state, const char *name, const char *request_id);

/** Replaces what is known of the fact's branch. */
void fork_row_note_branch(
	struct fork_row *fork, uint64_t seq, uint64_t time_us, const Forge__ForkSynced *fact);

/** Notes that the newest job of FORK failed as a whole, for ERROR. */
void fork_row_note_failure(struct fork_row *fork, uint64_t time_us, const Forge__Error *error);

void session_row_add(
	struct state *state, uint64_t seq, const char *name, uint32_t slots, const char *owner);

#endif
