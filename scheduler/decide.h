#ifndef FORGE_SCHEDULER_DECIDE_H
#define FORGE_SCHEDULER_DECIDE_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/scope.h"
#include "queue/messages.pb-c.h"
#include "queue/roles.h"
#include "scheduler/pool.h"
#include "scheduler/state.h"

/** Everything a decision may look at. */
struct view {
	const struct state *state;
	const struct pool *pool;
	const char *journal_id;
	const char *host; /**< that the scheduler runs on */
	uint32_t pid;
	uint64_t started_us;
	struct instant now;
};

enum input_kind {
	INPUT_REQUEST,    /**< a message from a peer */
	INPUT_OWNER_GONE, /**< the process that owned jobs and a worker has ended */
};

/** One thing that happened outside. */
struct input {
	enum input_kind kind;
	GBytes *routing;               /**< INPUT_REQUEST: who sent it */
	const Forge__Request *request; /**< INPUT_REQUEST */
	const struct identity
		*identity; /**< INPUT_REQUEST: whose key the sender proved; NULL: on this machine */
	const char *owner; /**< INPUT_OWNER_GONE */
};

/** A message to a peer, packed: it may leave once the record it came with is durable. */
struct outgoing {
	GBytes *routing;
	GBytes *message; /**< a packed Forge__Reply */
};

/** What a decision made: events that happen together, and messages that wait for them. */
struct decision {
	struct arena *arena; /**< the turn's: everything in an event is there, and goes with it */
	GPtrArray *events;   /**< of Forge__Event */
	GPtrArray *outgoing; /**< of struct outgoing: the turn's, to which it adds */
	guint n_outgoing_before;
};

/** An empty list of struct outgoing, which it will own. */
GPtrArray *decision_outgoing_new(void);

/** For decisions of one turn, one after the other, whose messages go to OUTGOING. */
struct decision *decision_new(struct arena *arena, GPtrArray *outgoing);
void decision_free(struct decision *decision);

/** The next decision, without events; what was decided before stays. */
void decision_begin(struct decision *decision);

/** Takes back what was decided since decision_begin(), messages too. */
void decision_drop(struct decision *decision);
SCOPED_POINTER(decision, decision_free)

/** What INPUT leads to. Changes nothing but DECISION. */
void decide(const struct view *view, const struct input *input, struct decision *decision);

/**
 * The next thing that is due by itself: closing, growing and cancelling batches, silent workers and
 * lost leases, dispatch. Called until it makes no event.
 */
void decide_due(const struct view *view, struct decision *decision);

/** Monotonic time at which decide_due() may have something
 * to do without any input; INT64_MAX: never. */
int64_t decide_next_due_ms(const struct view *view);

#endif
