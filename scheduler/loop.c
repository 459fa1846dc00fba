/*
 * The thin shell around the turn: receives, unpacks, runs turns, sends what they let go, and keeps
 * the timers.
 *
 * Requests that touch no state are answered here: pages of events come from the tail's thread, and
 * a tail that has seen everything waits in a list until there is more. Progress of running jobs is
 * passed to those who tail their batch and is kept nowhere.
 *
 * After an append that failed nothing of that turn is sent; state and pool are dropped, peers are
 * told to say hello and ask again, and the journal is opened and folded again: it alone knows what
 * happened. A journal that takes nothing several times in a row ends the scheduler.
 */
#include "scheduler/loop.h"

#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "scheduler/inbox.h"
#include "scheduler/permission.h"
#include "scheduler/tail.h"
#include "scheduler/turn.h"

/* A tail that has seen everything there is. */
struct waiter {
	GBytes *routing;
	uint64_t id;
	Forge__ReadEvents *request;
	int64_t deadline_ms;
};

struct scheduler_loop {
	struct scheduler_loop_options options;
	struct bus *bus;
	struct bus_socket *socket;
	struct bus_socket *pipe; /* pages from the tail, and what wakes the loop */
	char *pipe_name;
	struct journal *journal;
	struct scheduler *scheduler;
	struct roles *roles; /* NULL: without keys */
	struct tail *tail;
	GQueue waiters;
	struct inbox inbox;
	GHashTable *buried; /* owners found gone; set */
	uint64_t checkpoint_seq;
	uint64_t checkpoint_bytes; /* of the newest one that was made here */
	GThread *saver; /* of the newest checkpoint; joined before the next, and before the journal
			   is closed */
	int64_t owners_checked_ms;
	int64_t peers_checked_ms;
	int64_t turn_ms; /* when the last turn began; 0: there was none yet */
	guint failures;  /* appends in a row */
	gint stopping;
	gint reloading; /* atomic: the roles are to be read again */
};

/* ---- opening ------------------------------------------------------------------------------ */

static void close_journal(struct scheduler_loop *loop)
{
	g_clear_pointer(&loop->tail, tail_free);
	g_clear_pointer(&loop->saver, g_thread_join);
	g_clear_pointer(&loop->scheduler, scheduler_free);
	g_clear_pointer(&loop->journal, journal_close);
}

static gboolean open_journal(struct scheduler_loop *loop, GError **error)
{
	loop->journal = loop->options.open_journal(loop->options.user_data, error);
	if (!loop->journal)
		return FALSE;
	loop->scheduler = scheduler_new(
		loop->journal, g_get_host_name(), (uint32_t)getpid(), clock_now(), error);
	if (!loop->scheduler)
		return FALSE;
	loop->tail = tail_new(loop->journal, loop->bus, loop->pipe_name);
	loop->checkpoint_seq = journal_end(loop->journal).seq;
	g_hash_table_remove_all(loop->buried);
	loop->owners_checked_ms = 0;
	return TRUE;
}

static gboolean admits(const char *public_key, gpointer user_data)
{
	const struct scheduler_loop *loop = user_data;

	return roles_find(loop->roles, public_key) != NULL;
}

static struct bus_socket *listen_for_peers(struct scheduler_loop *loop, GError **error)
{
	const struct bus_guard guard = {
		.own = loop->options.keys, .admits = admits, .user_data = loop};

	return bus_listen_guarded(
		loop->bus, loop->options.endpoint, loop->roles ? &guard : NULL, error);
}

struct scheduler_loop *scheduler_loop_new(
	struct bus *bus, const struct scheduler_loop_options *options, GError **error)
{
	scoped(scheduler_loop) loop = g_new0(struct scheduler_loop, 1);

	loop->options = *options;
	loop->bus = bus;
	loop->pipe_name = bus_pipe_name("scheduler");
	loop->pipe = bus_pull(bus, loop->pipe_name);
	loop->buried = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	if (options->keys && !(loop->roles = options->read_roles(options->user_data, error)))
		return NULL;
	if (!open_journal(loop, error))
		return NULL;
	loop->socket = listen_for_peers(loop, error);
	return loop->socket ? g_steal_pointer(&loop) : NULL;
}

static void free_waiter(gpointer data)
{
	struct waiter *waiter = data;

	g_bytes_unref(waiter->routing);
	forge__read_events__free_unpacked(waiter->request, NULL);
	g_free(waiter);
}

void scheduler_loop_free(struct scheduler_loop *loop)
{
	if (!loop)
		return;
	g_queue_clear_full(&loop->waiters, free_waiter);
	inbox_clear(&loop->inbox);
	/* The next host listens at the same address as soon as it has the journal. */
	g_clear_pointer(&loop->socket, bus_socket_close);
	close_journal(loop);
	bus_socket_close(loop->pipe);
	roles_free(loop->roles);
	g_hash_table_destroy(loop->buried);
	g_free(loop->pipe_name);
	g_free(loop);
}

static void wake(struct scheduler_loop *loop)
{
	scoped(bus_socket) pipe = bus_push(loop->bus, loop->pipe_name);
	g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);

	bus_send(pipe, nothing, nothing);
}

void scheduler_loop_stop(struct scheduler_loop *loop)
{
	g_atomic_int_set(&loop->stopping, 1);
	wake(loop);
}

void scheduler_loop_reload(struct scheduler_loop *loop)
{
	g_atomic_int_set(&loop->reloading, 1);
	wake(loop);
}

/* ---- tails -------------------------------------------------------------------------------- */

static void send_reply(struct scheduler_loop *loop, GBytes *routing, const Forge__Reply *reply)
{
	g_autoptr(GBytes) message = message_pack(&reply->base);

	bus_send(loop->socket, routing, message);
}

static void send_empty_page(
	struct scheduler_loop *loop, const struct waiter *waiter, Forge__Progress *progress)
{
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__Events events = FORGE__EVENTS__INIT;

	events.next = MAX(waiter->request->from, 1);
	events.last_seq = journal_end(loop->journal).seq;
	events.n_progress = progress ? 1 : 0;
	events.progress = progress ? &progress : NULL;
	reply.id = waiter->id;
	reply.kind_case = FORGE__REPLY__KIND_EVENTS;
	reply.events = &events;
	send_reply(loop, waiter->routing, &reply);
}

static void refuse_tail(struct scheduler_loop *loop, const struct received *received)
{
	Forge__Reply reply = FORGE__REPLY__INIT;

	reply.id = received->request->id;
	reply.kind_case = FORGE__REPLY__KIND_ERROR;
	reply.error = message_error(FORGE_ERROR_BUSY, "too many tails ask for events", NULL);
	send_reply(loop, received->routing, &reply);
	forge__error__free_unpacked(reply.error, NULL);
}

static void take_read_events(struct scheduler_loop *loop, struct received *received)
{
	const Forge__ReadEvents *request = received->request->read_events;
	uint64_t last_seq = journal_end(loop->journal).seq;
	struct waiter *waiter;

	if (request->from <= last_seq || request->wait_ms == 0) {
		if (!tail_ask(loop->tail, received->routing, received->request->id, request,
			    last_seq))
			refuse_tail(loop, received);
		return;
	}
	if (loop->waiters.length >= LIMIT_WAITING_TAILS) {
		refuse_tail(loop, received);
		return;
	}
	waiter = g_new0(struct waiter, 1);
	waiter->routing = g_bytes_ref(received->routing);
	waiter->id = received->request->id;
	waiter->request = message_copy(&request->base);
	waiter->deadline_ms = clock_now().monotonic_ms + MIN(request->wait_ms, LIMIT_TAIL_WAIT_MS);
	g_queue_push_tail(&loop->waiters, waiter);
}

static void pass_progress(struct scheduler_loop *loop, Forge__Progress *progress)
{
	GList *next;

	for (GList *link = loop->waiters.head; link && progress->job; link = next) {
		struct waiter *waiter = link->data;

		next = link->next;
		if (waiter->request->batch != progress->job->batch)
			continue;
		send_empty_page(loop, waiter, progress);
		free_waiter(waiter);
		g_queue_delete_link(&loop->waiters, link);
	}
}

/* Wakes the tails for which there is more, as many as may
 * ask at once, and lets go those that waited long enough. */
static void serve_waiters(struct scheduler_loop *loop)
{
	uint64_t last_seq = journal_end(loop->journal).seq;
	int64_t now_ms = clock_now().monotonic_ms;
	GList *next;

	for (GList *link = loop->waiters.head; link; link = next) {
		struct waiter *waiter = link->data;

		next = link->next;
		if (waiter->request->from > last_seq ||
			!tail_ask(loop->tail, waiter->routing, waiter->id, waiter->request,
				last_seq)) {
			if (waiter->deadline_ms > now_ms)
				continue;
			send_empty_page(loop, waiter, NULL);
		}
		free_waiter(waiter);
		g_queue_delete_link(&loop->waiters, link);
	}
}

/* Whoever asked for a page may have lost the right to it since. */
static gboolean is_known(struct scheduler_loop *loop, GBytes *routing)
{
	return !loop->roles ||
		pool_peer(scheduler_view(loop->scheduler, clock_now()).pool, routing) != NULL;
}

static void forward_pages(struct scheduler_loop *loop)
{
	g_autoptr(GBytes) routing = NULL;
	GBytes *message;

	while ((message = bus_receive(loop->pipe, &routing))) {
		if (g_bytes_get_size(routing) > 0 && is_known(loop, routing))
			bus_send(loop->socket, routing, message);
		g_clear_pointer(&routing, g_bytes_unref);
		g_bytes_unref(message);
	}
}

/* Serves at once what touches no state. The next turn tells strangers to say hello, and refuses what
 * may not be. */
static gboolean serve(struct received *received, gpointer user_data)
{
	struct scheduler_loop *loop = user_data;

	if (!permission_check(received->identity, received->request, NULL) ||
		!scheduler_hears(
			loop->scheduler, received->routing, received->identity, clock_now()))
		return FALSE;
	if (received->request->kind_case == FORGE__REQUEST__KIND_READ_EVENTS) {
		take_read_events(loop, received);
		return TRUE;
	}
	if (received->request->kind_case == FORGE__REQUEST__KIND_PROGRESS) {
		pass_progress(loop, received->request->progress);
		return TRUE;
	}
	return FALSE;
}

/* ---- who may do what ---------------------------------------------------------------------- */

static void follow_roles(struct scheduler_loop *loop)
{
	GList *next;

	inbox_follow_roles(&loop->inbox, loop->roles);
	scheduler_follow_roles(loop->scheduler, loop->roles);
	for (GList *link = loop->waiters.head; link; link = next) {
		struct waiter *waiter = link->data;

		next = link->next;
		if (is_known(loop, waiter->routing))
			continue;
		free_waiter(waiter);
		g_queue_delete_link(&loop->waiters, link);
	}
}

static void reload_roles_if_asked(struct scheduler_loop *loop)
{
	g_autoptr(GError) error = NULL;
	scoped(roles) old = NULL;
	struct roles *roles;

	if (!g_atomic_int_compare_and_exchange(&loop->reloading, 1, 0) || !loop->roles)
		return;
	roles = loop->options.read_roles(loop->options.user_data, &error);
	if (!roles) {
		g_warning("keys not reloaded, the old list stays in force: %s", error->message);
		return;
	}
	old = loop->roles;
	loop->roles = roles;
	follow_roles(loop);
	g_message("keys reloaded count=%u", roles_all(roles)->len);
}

/* ---- owners ------------------------------------------------------------------------------- */

/* Adds OWNER to DEAD if it is, and to GONE if that is news. */
static void check_owner(
	struct scheduler_loop *loop, const char *owner, GHashTable *dead, GPtrArray *gone)
{
	if (*owner == '\0' || g_hash_table_contains(dead, owner))
		return;
	if (!g_hash_table_contains(loop->buried, owner)) {
		if (loop->options.owner_lives(owner, loop->options.user_data))
			return;
		g_ptr_array_add(gone, g_strdup(owner));
	}
	g_hash_table_add(dead, g_strdup(owner));
}

/* Owners of workers and of open batches whose process has ended since the last look. */
static GPtrArray *find_gone_owners(struct scheduler_loop *loop, struct instant now)
{
	g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
	const struct state *state = scheduler_view(loop->scheduler, now).state;
	GHashTable *dead;

	if (!loop->options.owner_lives ||
		now.monotonic_ms < loop->owners_checked_ms + LIMIT_OWNER_CHECK_MS)
		return g_steal_pointer(&gone);
	loop->owners_checked_ms = now.monotonic_ms;
	dead = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	for (guint i = 0; i < state->sessions->len; i++)
		check_owner(
			loop, ((struct session_row *)state->sessions->pdata[i])->owner, dead, gone);
	for (GList *link = state->batches.head; link; link = link->next)
		check_owner(loop, ((struct batch_row *)link->data)->opened->owner, dead, gone);
	/* Those of whom nothing is left are forgotten. */
	g_hash_table_destroy(loop->buried);
	loop->buried = dead;
	return g_steal_pointer(&gone);
}

/* ---- turns -------------------------------------------------------------------------------- */

static void send_outgoing(struct scheduler_loop *loop, const GPtrArray *outgoing)
{
	for (guint i = 0; i < outgoing->len; i++) {
		const struct outgoing *message = outgoing->pdata[i];

		bus_send(loop->socket, message->routing, message->message);
	}
}

/* Every peer is to say hello again, here or to the next scheduler. */
static void say_goodbye(struct scheduler_loop *loop)
{
	struct view view = scheduler_view(loop->scheduler, clock_now());
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;
	GHashTableIter iterator;
	gpointer routing;

	reply.kind_case = FORGE__REPLY__KIND_GOODBYE;
	reply.goodbye = &goodbye;
	/* The order does not matter: each is told the same. */
	g_hash_table_iter_init(&iterator, view.pool->peers);
	while (g_hash_table_iter_next(&iterator, &routing, NULL))
		send_reply(loop, routing, &reply);
}

static gboolean recover(struct scheduler_loop *loop, GError *take_failure, GError **error)
{
	g_autoptr(GError) failure = take_failure;

	if (forge_error_code(failure) == FORGE_ERROR_JOURNAL_CONFLICT) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	if (++loop->failures >= LIMIT_APPEND_FAILURES) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	g_warning("append failed, reading the journal again: %s", failure->message);
	inbox_clear(&loop->inbox);
	say_goodbye(loop);
	close_journal(loop);
	return open_journal(loop, error);
}

/* Owners that a full turn had no room for are found again. */
static void unbury(struct scheduler_loop *loop, const struct input *inputs, size_t n_inputs)
{
	for (size_t i = 0; i < n_inputs; i++)
		if (inputs[i].kind == INPUT_OWNER_GONE)
			g_hash_table_remove(loop->buried, inputs[i].owner);
}

/* Silence while this process itself stood still is nobody's fault; nor does one who left without a
 * word stay for ever. */
static void look_after_peers(struct scheduler_loop *loop, struct instant now)
{
	int64_t away_ms = now.monotonic_ms - loop->turn_ms;
	gboolean crowded = g_hash_table_size(scheduler_view(loop->scheduler, now).pool->peers) >
		LIMIT_PEERS;
	int64_t silence_ms = crowded ? LIMIT_HEARTBEAT_MS : LIMIT_PEER_SILENCE_MS;

	if (loop->turn_ms > 0 && away_ms > 2 * LIMIT_HEARTBEAT_MS)
		scheduler_forgive(loop->scheduler, away_ms, now);
	loop->turn_ms = now.monotonic_ms;
	if (now.monotonic_ms < loop->peers_checked_ms + silence_ms)
		return;
	loop->peers_checked_ms = now.monotonic_ms;
	scheduler_forget_silent(loop->scheduler, silence_ms, now);
}

static gboolean run_turn(struct scheduler_loop *loop, GError **error)
{
	struct instant now = clock_now();
	uint64_t before_seq = journal_end(loop->journal).seq;
	g_autoptr(GPtrArray) gone = find_gone_owners(loop, now);
	g_autoptr(GPtrArray) outgoing = NULL;
	g_autofree struct input *inputs = g_new0(
		struct input, gone->len + loop->inbox.requests.length + 1);
	GError *failure = NULL;
	size_t n = 0, taken = 0;

	for (guint i = 0; i < gone->len; i++)
		inputs[n++] = (struct input){.kind = INPUT_OWNER_GONE, .owner = gone->pdata[i]};
	for (GList *link = loop->inbox.requests.head; link; link = link->next) {
		const struct received *received = link->data;

		inputs[n++] = (struct input){.kind = INPUT_REQUEST,
			.routing = received->routing,
			.request = received->request,
			.identity = received->identity};
	}
	look_after_peers(loop, now);
	outgoing = scheduler_turn(loop->scheduler, inputs, n, &taken, now, &failure);
	if (!outgoing)
		return recover(loop, failure, error);
	if (journal_end(loop->journal).seq > before_seq)
		loop->failures = 0;
	send_outgoing(loop, outgoing);
	unbury(loop, inputs + taken, n - taken);
	for (size_t i = 0; i < taken; i++)
		if (inputs[i].kind == INPUT_REQUEST)
			inbox_drop_first(&loop->inbox);
	serve_waiters(loop);
	return TRUE;
}

static int64_t wait_ms(const struct scheduler_loop *loop)
{
	struct instant now = clock_now();
	struct view view = scheduler_view(loop->scheduler, now);
	int64_t wake_ms = decide_next_due_ms(&view);

	if (loop->inbox.requests.length > 0 || scheduler_has_more(loop->scheduler))
		return 0;
	for (GList *link = loop->waiters.head; link; link = link->next)
		wake_ms = MIN(wake_ms, ((struct waiter *)link->data)->deadline_ms);
	if (loop->options.owner_lives)
		wake_ms = MIN(wake_ms, now.monotonic_ms + LIMIT_OWNER_CHECK_MS);
	return CLAMP(wake_ms - now.monotonic_ms, 0, LIMIT_HEARTBEAT_MS);
}

/* A checkpoint on its way to the disk. */
struct saving {
	struct journal *journal;
	uint64_t seq;
	GBytes *image;
};

static gpointer save_checkpoint(gpointer data)
{
	struct saving *saving = data;
	g_autoptr(GError) error = NULL;

	if (!journal_save_checkpoint(saving->journal, saving->seq, scheduler_checkpoint_tag(),
		    saving->image, &error))
		g_warning("checkpoint not written: %s", error->message);
	g_bytes_unref(saving->image);
	g_free(saving);
	return NULL;
}

/* The state is copied here, between turns; the copy is written while turns go on. */
static void save_checkpoint_if_due(struct scheduler_loop *loop, uint64_t events)
{
	struct saving *saving;

	if (journal_end(loop->journal).seq < loop->checkpoint_seq + events)
		return;
	g_clear_pointer(&loop->saver, g_thread_join);
	saving = g_new0(struct saving, 1);
	saving->journal = loop->journal;
	saving->image = scheduler_image(loop->scheduler, &saving->seq);
	loop->checkpoint_seq = saving->seq;
	loop->checkpoint_bytes = g_bytes_get_size(saving->image);
	loop->saver = g_thread_new("checkpoint", save_checkpoint, saving);
}

gboolean scheduler_loop_run(struct scheduler_loop *loop, GError **error)
{
	struct bus_socket *sockets[] = {loop->socket, loop->pipe};

	while (!g_atomic_int_get(&loop->stopping)) {
		bus_wait(sockets, G_N_ELEMENTS(sockets), wait_ms(loop));
		reload_roles_if_asked(loop);
		forward_pages(loop);
		inbox_fill(&loop->inbox, loop->socket, loop->roles, serve, loop);
		if (!run_turn(loop, error))
			return FALSE;
		save_checkpoint_if_due(loop, LIMIT_EVENTS_PER_CHECKPOINT);
		if (loop->options.turned)
			loop->options.turned(loop->options.user_data);
	}
	say_goodbye(loop);
	save_checkpoint_if_due(loop, LIMIT_EVENTS_BEFORE_LAST_CHECKPOINT);
	return TRUE;
}
