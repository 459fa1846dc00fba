#ifndef FORGE_SCHEDULER_POOL_H
#define FORGE_SCHEDULER_POOL_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/clock.h"
#include "journal/base/scope.h"
#include "queue/messages.pb-c.h"
#include "queue/roles.h"
#include "scheduler/state.h"

/** A lease as its worker's heartbeats show it. */
struct lease {
	uint64_t batch;
	uint32_t number;
	uint16_t attempt;
	uint8_t missed;    /**< heartbeats in a row that did not name it */
	int64_t looked_ms; /**< when one was last looked at for it, or it was granted; monotonic */
};

/** A worker's session as far as it is not recorded: whether it is there, and what it holds. */
struct seat {
	uint64_t session;
	GBytes *routing; /**< where to send; NULL until it connects again after a takeover */
	char *owner;
	uint32_t slots;
	gboolean draining;
	int64_t heard_ms; /**< monotonic */
	GArray *leases;   /**< of struct lease */
};

/** Someone who said hello. */
struct peer {
	GBytes *routing;
	Forge__Role role;
	char *name; /**< by which events call it */
	char *key;  /**< public, which it has proved; NULL: a peer on this machine */
	char *owner;
	uint64_t session; /**< of a worker; else 0 */
	int64_t heard_ms;
};

/**
 * What the scheduler knows softly: who is connected and until when. Lost with the process and
 * rebuilt from the state; the core reads it and only the turn writes it.
 */
struct pool {
	GHashTable *peers;       /**< routing → struct peer; only looked up */
	GPtrArray *seats;        /**< of struct seat, by session */
	GHashTable *dead_owners; /**< set of owners whose process is known to be gone */
};

/** A pool for STATE after a start: every session gets a
 * seat that was just heard of, with its leases. */
struct pool *pool_new(const struct state *state, struct instant now);
void pool_free(struct pool *pool);
SCOPED_POINTER(pool, pool_free)

struct peer *pool_peer(const struct pool *pool, GBytes *routing);
struct seat *pool_seat(const struct pool *pool, uint64_t session);

/**
 * IDENTITY (NULL: a peer on this machine) speaks as ROUTING. A routing id is chosen by its peer and
 * proves nothing: who was called so before under another key is forgotten.
 */
void pool_meet(struct pool *pool, GBytes *routing, const struct identity *identity);

/** IDENTITY at ROUTING said HELLO. A worker's session is set by pool_sit(). */
void pool_greet(struct pool *pool, GBytes *routing, const struct identity *identity,
	const Forge__Hello *hello, struct instant now);

/** The worker at ROUTING is SESSION from now on. */
void pool_sit(struct pool *pool, GBytes *routing, uint64_t session, struct instant now);

/** Whether SEAT is taken from the connection ROUTING, not from an earlier or later one. */
gboolean pool_sits_at(const struct seat *seat, GBytes *routing);

/** ROUTING was heard of; HEARTBEAT, if not NULL, says what it holds. Returns its peer, or NULL. */
struct peer *pool_hear(
	struct pool *pool, GBytes *routing, const Forge__Heartbeat *heartbeat, struct instant now);

void pool_forget_peer(struct pool *pool, GBytes *routing);

/** Forgets the peers with keys who, by ROLES, may not be what they were greeted as, or are called
 * otherwise now. */
void pool_forget_unlisted(struct pool *pool, const struct roles *roles);

/** The scheduler itself was away for AWAY_MS: the silence of that time does not count. */
void pool_forgive(struct pool *pool, int64_t away_ms, struct instant now);

/** Forgets peers, but those on a seat, that were silent for SILENCE_MS. */
void pool_forget_silent(struct pool *pool, int64_t silence_ms, struct instant now);

/** OWNER's process has ended, for good: a hello of it that was still on its way changes nothing. */
void pool_bury_owner(struct pool *pool, const char *owner);

/** Forgets the buried owners of whom STATE has neither a worker nor an open batch left. */
void pool_forget_owners(struct pool *pool, const struct state *state);

/** Follows an event that was folded into the state as SEQ. */
void pool_follow(struct pool *pool, uint64_t seq, const Forge__Event *event, struct instant now);

#endif
