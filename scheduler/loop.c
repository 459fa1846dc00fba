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
#include "journal/base/limits.h"
#include "journal/message.h"
#include "scheduler/mailbox.h"
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
	struct tail *tail;
	GQueue waiters;
	struct mailbox *mailbox;
	GQueue received;    /* of struct letter, the mailbox's, not decided yet */
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

struct scheduler_loop *scheduler_loop_new(
	struct bus *bus, const struct scheduler_loop_options *options, GError **error)
{
	scoped(scheduler_loop) loop = g_new0(struct scheduler_loop, 1);

	loop->options = *options;
	loop->bus = bus;
	loop->mailbox = mailbox_new();
	loop->pipe_name = bus_pipe_name("scheduler");
	loop->pipe = bus_pull(bus, loop->pipe_name);
	loop->buried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!open_journal(loop, error))
		return NULL;
	loop->socket = bus_listen(bus, options->endpoint, error);
	return loop->socket ? g_steal_pointer(&loop) : NULL;
}

static void free_waiter(gpointer data)
{
	struct waiter *waiter = data;

	g_bytes_unref(waiter->routing);
	forge__read_events__free_unpacked(waiter->request, NULL);
	g_free(waiter);
}

static void drop_received(struct scheduler_loop *loop)
{
	struct letter *letter;

	while ((letter = g_queue_pop_head(&loop->received)))
		mailbox_drop(loop->mailbox, letter);
}

void scheduler_loop_free(struct scheduler_loop *loop)
{
	if (!loop)
		return;
	g_queue_clear_full(&loop->waiters, free_waiter);
	drop_received(loop);
	mailbox_free(loop->mailbox);
	/* The next host listens at the same address as soon as it has the journal. */
	g_clear_pointer(&loop->socket, bus_socket_close);
	close_journal(loop);
	bus_socket_close(loop->pipe);
	g_hash_table_destroy(loop->buried);
	g_free(loop->pipe_name);
	g_free(loop);
}

void scheduler_loop_stop(struct scheduler_loop *loop)
{
	scoped(bus_socket) pipe = bus_push(loop->bus, loop->pipe_name);
	g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);

	g_atomic_int_set(&loop->stopping, 1);
	bus_send(pipe, nothing, nothing);
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

static void refuse_tail(struct scheduler_loop *loop, const struct letter *received)
{
	Forge__Reply reply = FORGE__REPLY__INIT;

	reply.id = received->request->id;
	reply.kind_case = FORGE__REPLY__KIND_ERROR;
	reply.error = message_error(FORGE_ERROR_BUSY, "too many tails ask for events", NULL);
	send_reply(loop, received->routing, &reply);
	forge__error__free_unpacked(reply.error, NULL);
}

static void take_read_events(struct scheduler_loop *loop, struct letter *received)
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

static void forward_pages(struct scheduler_loop *loop)
{
	g_autoptr(GBytes) routing = NULL;
	GBytes *message;

	while ((message = bus_receive(loop->pipe, &routing))) {
		if (g_bytes_get_size(routing) > 0)
			bus_send(loop->socket, routing, message);
		g_clear_pointer(&routing, g_bytes_unref);
		g_bytes_unref(message);
	}
}

/* ---- receiving ---------------------------------------------------------------------------- */

/* TRUE if the request is for the next turn, which tells
 * strangers to say hello; others are served at once. */
static gboolean is_for_turn(struct scheduler_loop *loop, struct letter *received)
{
	if (!scheduler_hears(loop->scheduler, received->routing, clock_now()))
		return TRUE;
	if (received->request->kind_case == FORGE__REQUEST__KIND_READ_EVENTS) {
		take_read_events(loop, received);
		return FALSE;
	}
	if (received->request->kind_case == FORGE__REQUEST__KIND_PROGRESS) {
		pass_progress(loop, received->request->progress);
		return FALSE;
	}
	return TRUE;
}

/* What workers say goes before new work, so that a flood of
 * submissions cannot make leases expire. */
static gboolean is_urgent(const Forge__Request *request)
{
	return request->kind_case == FORGE__REQUEST__KIND_REPORT ||
		request->kind_case == FORGE__REQUEST__KIND_HEARTBEAT;
}

/* The last of the urgent requests that an earlier turn had no room for. */
static GList *find_urgent_end(struct scheduler_loop *loop)
{
	GList *end = NULL;

	for (GList *link = loop->received.head;
		link && is_urgent(((struct letter *)link->data)->request); link = link->next)
		end = link;
	return end;
}

static void receive_all(struct scheduler_loop *loop)
{
	GList *urgent_end = find_urgent_end(loop);

	while (loop->received.length < LIMIT_INPUTS_PER_TURN) {
		g_autoptr(GBytes) routing = NULL;
		g_autoptr(GBytes) message = bus_receive(loop->socket, &routing);
		struct letter *received;

		if (!message)
			return;
		received = mailbox_open(loop->mailbox, g_steal_pointer(&routing), message);
		if (!received)
			continue;
		if (!is_for_turn(loop, received)) {
			mailbox_drop(loop->mailbox, received);
		} else if (is_urgent(received->request)) {
			if (urgent_end)
				g_queue_insert_after(&loop->received, urgent_end, received);
			else
				g_queue_push_head(&loop->received, received);
			urgent_end = urgent_end ? urgent_end->next : loop->received.head;
		} else {
			g_queue_push_tail(&loop->received, received);
		}
	}
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
	dead = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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
	drop_received(loop);
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

	if (loop->turn_ms > 0 && away_ms > 2 * LIMIT_HEARTBEAT_MS)
		scheduler_forgive(loop->scheduler, away_ms, now);
	loop->turn_ms = now.monotonic_ms;
	if (now.monotonic_ms < loop->peers_checked_ms + LIMIT_PEER_SILENCE_MS)
		return;
	loop->peers_checked_ms = now.monotonic_ms;
	scheduler_forget_silent(loop->scheduler, LIMIT_PEER_SILENCE_MS, now);
}

static gboolean run_turn(struct scheduler_loop *loop, GError **error)
{
	struct instant now = clock_now();
	uint64_t before_seq = journal_end(loop->journal).seq;
	g_autoptr(GPtrArray) gone = find_gone_owners(loop, now);
	g_autoptr(GPtrArray) outgoing = NULL;
	g_autofree struct input *inputs = g_new0(
		struct input, gone->len + loop->received.length + 1);
	GError *failure = NULL;
	size_t n = 0, taken = 0;

	for (guint i = 0; i < gone->len; i++)
		inputs[n++] = (struct input){.kind = INPUT_OWNER_GONE, .owner = gone->pdata[i]};
	for (GList *link = loop->received.head; link; link = link->next) {
		const struct letter *received = link->data;

		inputs[n++] = (struct input){.kind = INPUT_REQUEST,
			.routing = received->routing,
			.request = received->request};
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
			mailbox_drop(loop->mailbox, g_queue_pop_head(&loop->received));
	serve_waiters(loop);
	return TRUE;
}

static int64_t wait_ms(const struct scheduler_loop *loop)
{
	struct instant now = clock_now();
	struct view view = scheduler_view(loop->scheduler, now);
	int64_t wake_ms = decide_next_due_ms(&view);

	if (loop->received.length > 0 || scheduler_has_more(loop->scheduler))
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
		forward_pages(loop);
		receive_all(loop);
		if (!run_turn(loop, error))
			return FALSE;
		save_checkpoint_if_due(loop,
			MAX(LIMIT_EVENTS_PER_CHECKPOINT,
				loop->checkpoint_bytes / LIMIT_CHECKPOINT_BYTES_PER_EVENT));
	}
	say_goodbye(loop);
	save_checkpoint_if_due(loop, LIMIT_EVENTS_BEFORE_LAST_CHECKPOINT);
	return TRUE;
}
