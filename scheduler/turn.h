#ifndef FORGE_SCHEDULER_TURN_H
#define FORGE_SCHEDULER_TURN_H

#include <glib.h>

#include "journal/base/scope.h"
#include "journal/journal.h"
#include "scheduler/decide.h"

/**
 * The scheduler without its sockets: a journal, the state folded from it, and the pool. Everything
 * that happens goes through turns; the simulation drives the same turns as the real loop.
 */
struct scheduler;

/**
 * A scheduler on JOURNAL (not owned): folds it from the newest usable checkpoint on, or else its base. Its first
 * record begins with scheduler_started, naming HOST and PID; one that only answers questions writes
 * nothing. Errors: those of reading.
 */
struct scheduler *scheduler_new(struct journal *journal, const char *host, uint32_t pid,
	struct instant now, GError **error);
void scheduler_free(struct scheduler *scheduler);
SCOPED_POINTER(scheduler, scheduler_free)

/** The state, the pool and the time, for asking. Borrowed until the next turn. */
struct view scheduler_view(const struct scheduler *scheduler, struct instant now);

/**
 * One turn over INPUTS (N of them; all are taken): decide and fold each, then all that is due, then
 * one append. Only when that is durable are the messages it made returned, in order (of struct
 * outgoing, owned). If the append fails or its outcome is unknown nothing is returned, ERROR is
 * set, and this scheduler must be freed: the journal, opened again, says what happened. *TAKEN is
 * how many inputs fitted the record; the rest belong to the next turn.
 */
GPtrArray *scheduler_turn(struct scheduler *scheduler, const struct input *inputs, size_t n_inputs,
	size_t *taken, struct instant now, GError **error);

/** TRUE if the last turn was full before all that was due
 * was decided: the next one has work without waiting. */
gboolean scheduler_has_more(const struct scheduler *scheduler);

/** Notes that ROUTING, whose key proves IDENTITY (NULL: on this machine), was heard of; TRUE if it
 * has said hello. */
gboolean scheduler_hears(struct scheduler *scheduler, GBytes *routing,
	const struct identity *identity, struct instant now);

/** Other people may use the scheduler from now on: peers that are not among ROLES any more, or not
 * as what they are here, are forgotten. */
void scheduler_follow_roles(struct scheduler *scheduler, const struct roles *roles);

/** No turn was run for AWAY_MS: so long nobody could be heard, and no lease runs out for it. */
void scheduler_forgive(struct scheduler *scheduler, int64_t away_ms, struct instant now);

/** Forgets peers that hold no session and were silent for
 * SILENCE_MS; one that speaks again has to say hello. */
void scheduler_forget_silent(struct scheduler *scheduler, int64_t silence_ms, struct instant now);

/** Folds JOURNAL from its base, or from its first event if it has none, without a checkpoint. */
struct state *scheduler_replay(struct journal *journal, GError **error);

/**
 * Folds all of JOURNAL and checks the result: counts recomputed from the rows agree, and base, first
 * event and newest checkpoint, as far as there are any, lead to the same state. Returns its digest. JOURNAL_DAMAGED says
 * what does not agree.
 */
gboolean scheduler_verify(struct journal *journal, struct hash *digest, GError **error);

/** A copy of the state as it is, to be saved as the checkpoint of *SEQ. */
GBytes *scheduler_image(const struct scheduler *scheduler, uint64_t *seq);

/** Tag of checkpoints that this build can use. */
const char *scheduler_checkpoint_tag(void);

#endif
