#ifndef FORGE_TESTS_BENCH_CORE_HISTORY_H
#define FORGE_TESTS_BENCH_CORE_HISTORY_H

#include "journal/journal.h"
#include "scheduler/turn.h"

/**
 * A scheduler without sockets on JOURNAL and those who talk to it: one client and one worker, whose
 * jobs end at once. Its history is what a fleet leaves behind: forks, and syncs of all of them
 * again and again, each of which reports how its branch stands now.
 */
struct core_history;

struct core_history *core_history_new(struct journal *journal, guint n_forks);
void core_history_free(struct core_history *history);
SCOPED_POINTER(core_history, core_history_free)

/** Syncs all forks until the journal has at least N_EVENTS. */
void core_history_sync_until(struct core_history *history, guint64 n_events);

/** N batches of one noop each, PER_TURN in one turn; no worker gets them. Returns how long all that
 * took. */
gint64 core_history_submit_ns(struct core_history *history, guint n, guint per_turn);

/** Saves the state as it is now as a checkpoint. */
void core_history_save_checkpoint(struct core_history *history);

#endif
