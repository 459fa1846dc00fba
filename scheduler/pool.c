/*
 * Who is connected, and what their heartbeats said. Nothing here is recorded: after a takeover
 * every session gets one full term to come back.
 *
 * A seat stands for a session and outlives its connection; a peer stands for a connection. A worker
 * that connects again under its old session sits down on its old seat, so its leases stay its own.
 */
#include "scheduler/pool.h"

#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "scheduler/permission.h"

static void free_peer(gpointer data)
{
	struct peer *peer = data;

	g_bytes_unref(peer->routing);
	g_free(peer->name);
	g_free(peer->owner);
	g_free(peer->key);
	g_free(peer);
}

static void free_seat(gpointer data)
{
	struct seat *seat = data;

	g_clear_pointer(&seat->routing, g_bytes_unref);
	g_free(seat->owner);
	g_array_free(seat->leases, TRUE);
	g_free(seat);
}

static struct seat *add_seat(
	struct pool *pool, uint64_t session, const char *owner, uint32_t slots, struct instant now)
{
	struct seat *seat = g_new0(struct seat, 1);

	seat->session = session;
	seat->owner = g_strdup(owner);
	seat->slots = slots;
	seat->heard_ms = now.monotonic_ms;
	seat->leases = g_array_new(FALSE, FALSE, sizeof(struct lease));
	g_ptr_array_add(pool->seats, seat);
	return seat;
}

static void add_lease(
	struct seat *seat, uint64_t batch, uint32_t number, uint16_t attempt, struct instant now)
{
	struct lease lease = {.batch = batch,
		.number = number,
		.attempt = attempt,
		.looked_ms = now.monotonic_ms};

	g_array_append_val(seat->leases, lease);
}

static void add_leases_of(struct pool *pool, const struct state *state,
	const struct batch_row *batch, struct instant now)
{
	for (guint i = 1; i <= batch->jobs->rows->len; i++) {
		const struct job *job = job_table_job(state->jobs, batch->jobs, i);
		struct seat *seat = job->state == JOB_LEASED ? pool_seat(pool, job->term) : NULL;

		if (seat)
			add_lease(seat, batch->seq, job->number, job->attempt, now);
	}
}

struct pool *pool_new(const struct state *state, struct instant now)
{
	struct pool *pool = g_new0(struct pool, 1);

	pool->peers = g_hash_table_new_full(hash_bytes_keyed, g_bytes_equal, NULL, free_peer);
	pool->seats = g_ptr_array_new_with_free_func(free_seat);
	pool->dead_owners = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	for (guint i = 0; i < state->sessions->len; i++) {
		const struct session_row *session = state->sessions->pdata[i];

		add_seat(pool, session->seq, session->owner, session->slots, now);
	}
	for (GList *link = state->batches.head; link; link = link->next)
		add_leases_of(pool, state, link->data, now);
	return pool;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	g_hash_table_destroy(pool->peers);
	g_ptr_array_free(pool->seats, TRUE);
	g_hash_table_destroy(pool->dead_owners);
	g_free(pool);
}

struct peer *pool_peer(const struct pool *pool, GBytes *routing)
{
	return g_hash_table_lookup(pool->peers, routing);
}

struct seat *pool_seat(const struct pool *pool, uint64_t session)
{
	for (guint i = 0; i < pool->seats->len; i++) {
		struct seat *seat = pool->seats->pdata[i];

		if (seat->session == session)
			return seat;
	}
	return NULL;
}

void pool_meet(struct pool *pool, GBytes *routing, const struct identity *identity)
{
	const struct peer *peer = pool_peer(pool, routing);

	if (peer && g_strcmp0(peer->key, identity ? identity->public_key : NULL) != 0)
		pool_forget_peer(pool, routing);
}

void pool_greet(struct pool *pool, GBytes *routing, const struct identity *identity,
	const Forge__Hello *hello, struct instant now)
{
	struct peer *peer = pool_peer(pool, routing);

	if (!peer) {
		peer = g_new0(struct peer, 1);
		peer->routing = g_bytes_ref(routing);
		peer->key = identity ? g_strdup(identity->public_key) : NULL;
		g_hash_table_insert(pool->peers, peer->routing, peer);
	}
	peer->role = hello->role;
	g_free(peer->name);
	peer->name = permission_name(identity, hello);
	g_free(peer->owner);
	peer->owner = g_strdup(hello->owner);
	peer->heard_ms = now.monotonic_ms;
}

void pool_sit(struct pool *pool, GBytes *routing, uint64_t session, struct instant now)
{
	struct peer *peer = pool_peer(pool, routing);
	struct seat *seat = pool_seat(pool, session);

	g_assert(peer && seat);
	peer->session = session;
	g_clear_pointer(&seat->routing, g_bytes_unref);
	seat->routing = g_bytes_ref(routing);
	seat->heard_ms = now.monotonic_ms;
	seat->draining = FALSE;
}

gboolean pool_sits_at(const struct seat *seat, GBytes *routing)
{
	return seat->routing && g_bytes_equal(seat->routing, routing);
}

static gboolean heartbeat_names(const Forge__Heartbeat *heartbeat, const struct lease *lease)
{
	for (size_t i = 0; i < heartbeat->n_held; i++) {
		const Forge__LeaseRef *held = heartbeat->held[i];

		if (held->job && held->job->batch == lease->batch &&
			held->job->number == lease->number && held->attempt == lease->attempt)
			return TRUE;
	}
	return FALSE;
}

/* Heartbeats that were on their way when the lease was
 * granted, or that waited here together, say nothing new. */
static void note_heartbeat(struct lease *lease, gboolean named, struct instant now)
{
	if (named)
		lease->missed = 0;
	else if (now.monotonic_ms - lease->looked_ms < LIMIT_HEARTBEAT_MS / 2)
		return;
	else
		lease->missed = (uint8_t)MIN(lease->missed + 1, G_MAXUINT8);
	lease->looked_ms = now.monotonic_ms;
}

struct peer *pool_hear(
	struct pool *pool, GBytes *routing, const Forge__Heartbeat *heartbeat, struct instant now)
{
	struct peer *peer = pool_peer(pool, routing);
	struct seat *seat = peer && peer->session ? pool_seat(pool, peer->session) : NULL;

	if (peer)
		peer->heard_ms = now.monotonic_ms;
	/* What an old connection said comes late, and tells nothing of now. */
	if (!seat || !pool_sits_at(seat, routing))
		return peer;
	seat->heard_ms = now.monotonic_ms;
	/* One that names more than a worker is lent is refused. */
	if (!heartbeat || heartbeat->n_held > LIMIT_WORKER_SLOTS)
		return peer;
	seat->draining = heartbeat->draining;
	for (guint i = 0; i < seat->leases->len; i++) {
		struct lease *lease = &g_array_index(seat->leases, struct lease, i);

		note_heartbeat(lease, heartbeat_names(heartbeat, lease), now);
	}
	return peer;
}

void pool_forget_peer(struct pool *pool, GBytes *routing)
{
	struct peer *peer = pool_peer(pool, routing);
	struct seat *seat = peer && peer->session ? pool_seat(pool, peer->session) : NULL;

	if (seat && pool_sits_at(seat, routing))
		g_clear_pointer(&seat->routing, g_bytes_unref);
	g_hash_table_remove(pool->peers, routing);
}

struct listing {
	const struct pool *pool;
	const struct roles *roles;
};

static gboolean is_unlisted(gpointer routing, gpointer value, gpointer user_data)
{
	const struct peer *peer = value;
	const struct listing *listing = user_data;
	const struct identity *identity = peer->key ? roles_find(listing->roles, peer->key) : NULL;
	struct seat *seat = peer->session ? pool_seat(listing->pool, peer->session) : NULL;
	size_t length = identity ? strlen(identity->name) : 0;

	if (!peer->key ||
		(identity && permission_may_be(identity, peer->role) &&
			strncmp(peer->name, identity->name, length) == 0 &&
			(peer->name[length] == '\0' || peer->name[length] == '/')))
		return FALSE;
	if (seat && pool_sits_at(seat, routing))
		g_clear_pointer(&seat->routing, g_bytes_unref);
	return TRUE;
}

void pool_forget_unlisted(struct pool *pool, const struct roles *roles)
{
	struct listing listing = {pool, roles};

	/* Whoever goes goes alone: the order does not matter. */
	g_hash_table_foreach_remove(pool->peers, is_unlisted, &listing);
}

void pool_forgive(struct pool *pool, int64_t away_ms, struct instant now)
{
	for (guint i = 0; i < pool->seats->len; i++) {
		struct seat *seat = pool->seats->pdata[i];

		seat->heard_ms = MIN(now.monotonic_ms, seat->heard_ms + away_ms);
	}
}

struct silence {
	const struct pool *pool;
	int64_t heard_before_ms;
};

static gboolean is_silent(gpointer routing, gpointer value, gpointer user_data)
{
	const struct peer *peer = value;
	const struct silence *silence = user_data;
	const struct seat *seat = peer->session ? pool_seat(silence->pool, peer->session) : NULL;

	return peer->heard_ms < silence->heard_before_ms && !(seat && pool_sits_at(seat, routing));
}

void pool_forget_silent(struct pool *pool, int64_t silence_ms, struct instant now)
{
	struct silence silence = {pool, now.monotonic_ms - silence_ms};

	/* Whoever goes goes alone: the order does not matter. */
	g_hash_table_foreach_remove(pool->peers, is_silent, &silence);
}

void pool_bury_owner(struct pool *pool, const char *owner)
{
	g_hash_table_add(pool->dead_owners, g_strdup(owner));
}

static gboolean is_not_in(gpointer owner, gpointer value, gpointer user_data)
{
	(void)value;
	return !g_hash_table_contains(user_data, owner);
}

void pool_forget_owners(struct pool *pool, const struct state *state)
{
	g_autoptr(GHashTable) needed = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (guint i = 0; i < state->sessions->len; i++)
		g_hash_table_add(needed, ((struct session_row *)state->sessions->pdata[i])->owner);
	for (GList *link = state->batches.head; link; link = link->next)
		g_hash_table_add(needed, ((struct batch_row *)link->data)->opened->owner);
	g_hash_table_foreach_remove(pool->dead_owners, is_not_in, needed);
}

static void drop_lease(struct pool *pool, const Forge__JobId *id)
{
	for (guint i = 0; i < pool->seats->len; i++) {
		struct seat *seat = pool->seats->pdata[i];

		for (guint j = 0; j < seat->leases->len; j++) {
			struct lease *lease = &g_array_index(seat->leases, struct lease, j);

			if (lease->batch == id->batch && lease->number == id->number) {
				g_array_remove_index_fast(seat->leases, j);
				return;
			}
		}
	}
}

void pool_follow(struct pool *pool, uint64_t seq, const Forge__Event *event, struct instant now)
{
	struct seat *seat;

	switch (event->kind_case) {
	case FORGE__EVENT__KIND_WORKER_JOINED:
		add_seat(pool, seq, event->worker_joined->owner, event->worker_joined->slots, now);
		return;
	case FORGE__EVENT__KIND_WORKER_LEFT:
		g_ptr_array_remove(pool->seats, pool_seat(pool, event->worker_left->session));
		return;
	case FORGE__EVENT__KIND_JOBS_LEASED:
		seat = pool_seat(pool, event->jobs_leased->session);
		for (size_t i = 0; i < event->jobs_leased->n_jobs; i++)
			add_lease(seat, event->jobs_leased->jobs[i]->batch,
				event->jobs_leased->jobs[i]->number,
				(uint16_t)event->jobs_leased->attempts[i], now);
		return;
	case FORGE__EVENT__KIND_JOB_SUCCEEDED:
		drop_lease(pool, event->job_succeeded->job);
		return;
	case FORGE__EVENT__KIND_JOB_FAILED:
		drop_lease(pool, event->job_failed->job);
		return;
	case FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED:
		drop_lease(pool, event->job_retry_scheduled->job);
		return;
	case FORGE__EVENT__KIND_JOB_CANCELLED:
		drop_lease(pool, event->job_cancelled->job);
		return;
	case FORGE__EVENT__KIND_JOB_EXPIRED:
		drop_lease(pool, event->job_expired->job);
		return;
	case FORGE__EVENT__KIND_JOB_RETURNED:
		drop_lease(pool, event->job_returned->job);
		return;
	case FORGE__EVENT__KIND_SCHEDULER_STARTED:
	case FORGE__EVENT__KIND_BATCH_OPENED:
	case FORGE__EVENT__KIND_BATCH_EXTENDED:
	case FORGE__EVENT__KIND_BATCH_SEALED:
	case FORGE__EVENT__KIND_BATCH_CLOSED:
	case FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED:
	case FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED:
	case FORGE__EVENT__KIND_FORK_REGISTERED:
	case FORGE__EVENT__KIND_FORK_REMOVED:
	case FORGE__EVENT__KIND_QUEUE_PAUSED:
	case FORGE__EVENT__KIND_QUEUE_RESUMED:
	case FORGE__EVENT__KIND_REPORTED:
	case FORGE__EVENT__KIND_BASE_BEGUN:
	case FORGE__EVENT__KIND_BASE_CHUNK:
	case FORGE__EVENT__KIND_JOURNAL_IMPORTED:
	case FORGE__EVENT__KIND__NOT_SET:
	case _FORGE__EVENT__KIND__CASE_IS_INT_SIZE:
		return;
	}
}
