#ifndef FORGE_SCHEDULER_STATE_BASE_H
#define FORGE_SCHEDULER_STATE_BASE_H

#include "journal/journal.h"
#include "scheduler/state.h"

/* A base: the state in the journal itself, so that the events that led to it may go. */

/**
 * Appends STATE, which must be where JOURNAL ends, as a base of the time TIME_US; *BASE_SEQ is its
 * first event. Errors: TOO_LARGE, and those of journal_append().
 */
gboolean state_base_append(struct journal *journal, const struct state *state, uint64_t time_us,
	uint64_t *base_seq, GError **error);

/**
 * The state of the base whose first event is BASE_SEQ, as it was before that event. Errors:
 * JOURNAL_DAMAGED (the base is not whole, or not what its digest says), JOURNAL_TOO_NEW, and those
 * of reading.
 */
struct state *state_base_read(struct journal *journal, uint64_t base_seq, GError **error);

/** The last event of the base that BEGUN, event BASE_SEQ, begins. */
uint64_t state_base_end(uint64_t base_seq, const Forge__BaseBegun *begun);

#endif
