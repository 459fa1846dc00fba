#ifndef FORGE_SCHEDULER_RETENTION_H
#define FORGE_SCHEDULER_RETENTION_H

#include "journal/base/clock.h"
#include "journal/journal.h"

/** What of a journal is to stay, besides its state: whichever of the two keeps more. */
struct retention {
	uint64_t events;        /**< at least so many of the newest */
	uint64_t not_before_us; /**< and all from this wall time on; G_MAXUINT64: of no age */
};

/** What came of it. */
struct retention_result {
	uint64_t first_before; /**< sequence of the first event there was */
	uint64_t first;        /**< and of the first there is */
	uint64_t base_seq;
	gboolean base_is_new;
	uint64_t open_batch; /**< that kept events which were to go; 0: none did */
	struct hash digest;  /**< of the state, as verification has it from now on */
};

/**
 * Verifies JOURNAL (open for writing, and nobody folds it now), appends its state as a base unless
 * nothing has happened since the last one, and removes the records from its front that RETENTION
 * does not keep. Events of batches that are open stay, whatever it says: who waits for them reads
 * them. At a crash the journal is as it was, or has a base too, or is cut: never less. Errors: those
 * of scheduler_verify(), state_base_append() and journal_cut().
 */
gboolean retention_apply(struct journal *journal, const struct retention *retention,
	struct instant now, struct retention_result *result, GError **error);

#endif
