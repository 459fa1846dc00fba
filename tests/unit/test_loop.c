/*
 * The scheduler's loop on a disk in memory, with peers that are scripts: who is let in, what tails
 * see, and what a failed append costs.
 */
#include "cli/client.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/journal_memory.h"
#include "queue/protocol.h"
#include "scheduler/loop.h"
#include "tests/support/wire.h"
#include "tests/unit/sandbox.h"

struct fixture {
	char *folder;
	char *endpoint;
	struct journal_disk *disk;
	struct bus *bus;
	struct scheduler_loop *loop;
	GThread *thread;
	GError *error; /* how the loop ended; read after it did */
	struct bus_socket *peer;
	uint64_t next_id;
};

static struct journal *open_journal(gpointer user_data, GError **error)
{
	const struct fixture *fixture = user_data;

	(void)error;
	return journal_memory_open(fixture->disk);
}

static gpointer run_loop(gpointer data)
{
	struct fixture *fixture = data;

	return GINT_TO_POINTER(scheduler_loop_run(fixture->loop, &fixture->error));
}

static void start_loop(struct fixture *fixture)
{
	struct scheduler_loop_options options = {
		.endpoint = fixture->endpoint, .open_journal = open_journal, .user_data = fixture};
	g_autoptr(GError) error = NULL;

	fixture->loop = scheduler_loop_new(fixture->bus, &options, &error);
	g_assert_no_error(error);
	fixture->thread = g_thread_new("loop", run_loop, fixture);
}

/* TRUE if it ended as it was told to. */
static gboolean end_loop(struct fixture *fixture)
{
	gboolean ended = GPOINTER_TO_INT(g_thread_join(g_steal_pointer(&fixture->thread)));

	g_clear_pointer(&fixture->loop, scheduler_loop_free);
	return ended;
}

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->folder = g_dir_make_tmp("forge-loop-XXXXXX", NULL);
	fixture->endpoint = wire_endpoint(fixture->folder);
	fixture->disk = journal_disk_new("0123456789abcdef0123456789abcdef");
	fixture->bus = bus_new();
	fixture->next_id = 1;
	start_loop(fixture);
	fixture->peer = bus_connect(fixture->bus, fixture->endpoint, &error);
	g_assert_no_error(error);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	if (fixture->thread) {
		scheduler_loop_stop(fixture->loop);
		g_assert_true(end_loop(fixture));
	}
	g_clear_error(&fixture->error);
	bus_socket_close(fixture->peer);
	bus_free(fixture->bus);
	journal_disk_free(fixture->disk);
	g_free(fixture->endpoint);
	sandbox_remove(fixture->folder);
}

/* ---- the script's lines ------------------------------------------------------------------- */

static Forge__Reply *call(struct fixture *fixture, struct bus_socket *peer,
	Forge__Request__KindCase kind, gpointer payload)
{
	uint64_t id = fixture->next_id++;

	wire_ask(peer, id, kind, payload);
	return wire_await_reply(peer, id);
}

/* Sends it and expects an answer of kind EXPECTED. */
static Forge__Reply *expect(struct fixture *fixture, Forge__Request__KindCase kind,
	gpointer payload, Forge__Reply__KindCase expected)
{
	Forge__Reply *reply = call(fixture, fixture->peer, kind, payload);

	if (reply->kind_case == FORGE__REPLY__KIND_ERROR && expected != FORGE__REPLY__KIND_ERROR)
		g_error("%s: %s", reply->error->code, reply->error->message);
	g_assert_cmpint(reply->kind_case, ==, expected);
	return reply;
}

static void expect_and_drop(struct fixture *fixture, Forge__Request__KindCase kind,
	gpointer payload, Forge__Reply__KindCase expected)
{
	forge__reply__free_unpacked(expect(fixture, kind, payload, expected), NULL);
}

static void say_hello(struct fixture *fixture, Forge__Role role, uint32_t protocol,
	Forge__Reply__KindCase expected)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = protocol;
	hello.role = role;
	hello.name = (char *)"host:1";
	hello.slots = 4;
	expect_and_drop(fixture, FORGE__REQUEST__KIND_HELLO, &hello, expected);
}

static void be_client(struct fixture *fixture)
{
	say_hello(fixture, FORGE__ROLE__ROLE_CLIENT, PROTOCOL_VERSION, FORGE__REPLY__KIND_WELCOME);
}

static Forge__Submit a_submit(char *take_request_id, uint32_t noops)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;

	submit.request_id = take_request_id;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit.noops = noops;
	return submit;
}

/* Returns the batch. */
static uint64_t submit_noops(struct fixture *fixture, uint32_t noops)
{
	g_autofree char *request_id = client_request_id();
	Forge__Submit submit = a_submit(request_id, noops);
	Forge__Reply *reply = expect(
		fixture, FORGE__REQUEST__KIND_SUBMIT, &submit, FORGE__REPLY__KIND_SUBMITTED);
	uint64_t batch = reply->submitted->batch;

	forge__reply__free_unpacked(reply, NULL);
	return batch;
}

static Forge__Reply *read_events(
	struct fixture *fixture, uint64_t from, uint64_t batch, uint32_t wait_ms)
{
	Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;

	read.from = from;
	read.batch = batch;
	read.wait_ms = wait_ms;
	return expect(fixture, FORGE__REQUEST__KIND_READ_EVENTS, &read, FORGE__REPLY__KIND_EVENTS);
}

static uint64_t last_seq(struct fixture *fixture)
{
	Forge__GetStats stats = FORGE__GET_STATS__INIT;
	Forge__Reply *reply = expect(
		fixture, FORGE__REQUEST__KIND_GET_STATS, &stats, FORGE__REPLY__KIND_STATS);
	uint64_t seq = reply->stats->last_seq;

	forge__reply__free_unpacked(reply, NULL);
	return seq;
}

/* ---- strangers ---------------------------------------------------------------------------- */

static void stranger_is_told_to_say_hello(struct fixture *fixture, gconstpointer unused)
{
	Forge__GetStats stats = FORGE__GET_STATS__INIT;
	Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;
	Forge__Heartbeat heartbeat = FORGE__HEARTBEAT__INIT;

	(void)unused;
	expect_and_drop(
		fixture, FORGE__REQUEST__KIND_GET_STATS, &stats, FORGE__REPLY__KIND_GOODBYE);
	expect_and_drop(
		fixture, FORGE__REQUEST__KIND_READ_EVENTS, &read, FORGE__REPLY__KIND_GOODBYE);
	expect_and_drop(
		fixture, FORGE__REQUEST__KIND_HEARTBEAT, &heartbeat, FORGE__REPLY__KIND_GOODBYE);
	be_client(fixture);
	g_assert_cmpuint(last_seq(fixture), ==, 0);
}

static void other_protocol_is_refused_and_stays_a_stranger(
	struct fixture *fixture, gconstpointer unused)
{
	Forge__GetStats stats = FORGE__GET_STATS__INIT;

	(void)unused;
	say_hello(
		fixture, FORGE__ROLE__ROLE_WORKER, PROTOCOL_VERSION + 1, FORGE__REPLY__KIND_ERROR);
	expect_and_drop(
		fixture, FORGE__REQUEST__KIND_GET_STATS, &stats, FORGE__REPLY__KIND_GOODBYE);
}

static void empty_requests_of_every_kind_stop_nothing(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	be_client(fixture);
	for (guint kind = FORGE__REQUEST__KIND_HELLO; kind <= FORGE__REQUEST__KIND_GOODBYE;
		kind++) {
		/* A field of the kind's number and no bytes. */
		uint8_t bytes[] = {(uint8_t)(kind << 3 | 2), 0, 0};
		gsize size = kind < 16 ? 2 : 3;
		g_autoptr(GBytes) message = NULL;

		if (kind >= 16) {
			bytes[0] = (uint8_t)((kind << 3 | 2) & 0x7f) | 0x80;
			bytes[1] = (uint8_t)((kind << 3 | 2) >> 7);
		}
		message = g_bytes_new(bytes, size);
		g_assert_true(bus_send(fixture->peer, NULL, message));
		be_client(fixture);
	}
	{
		g_autoptr(GBytes) garbage = g_bytes_new_static("\xff\xff\xff", 3);

		g_assert_true(bus_send(fixture->peer, NULL, garbage));
	}
	be_client(fixture);
}

/* ---- tails -------------------------------------------------------------------------------- */

static void tail_that_waits_is_woken_by_the_next_event(
	struct fixture *fixture, gconstpointer unused)
{
	Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;
	Forge__SetPaused pause = FORGE__SET_PAUSED__INIT;
	Forge__Reply *reply;
	uint64_t id = 1000;

	(void)unused;
	be_client(fixture);
	read.from = 1;
	read.wait_ms = LIMIT_TAIL_WAIT_MS;
	wire_ask(fixture->peer, id, FORGE__REQUEST__KIND_READ_EVENTS, &read);
	pause.paused = TRUE;
	wire_ask(fixture->peer, id + 1, FORGE__REQUEST__KIND_SET_PAUSED, &pause);
	reply = wire_await_reply(fixture->peer, id);
	/* scheduler_started and queue_paused, at once and from the first on. */
	g_assert_cmpuint(reply->events->n_events, ==, 2);
	g_assert_cmpuint(reply->events->events[0]->seq, ==, 1);
	g_assert_cmpuint(reply->events->next, ==, 3);
	forge__reply__free_unpacked(reply, NULL);
}

static void tail_that_waited_long_enough_is_let_go(struct fixture *fixture, gconstpointer unused)
{
	Forge__Reply *reply;

	(void)unused;
	be_client(fixture);
	reply = read_events(fixture, 1, 0, 100);
	g_assert_cmpuint(reply->events->n_events, ==, 0);
	g_assert_cmpuint(reply->events->next, ==, 1);
	forge__reply__free_unpacked(reply, NULL);
}

static void tail_of_a_batch_passes_over_others_and_moves_on(
	struct fixture *fixture, gconstpointer unused)
{
	uint64_t first, second, end, seen = 0;
	Forge__Reply *reply;

	(void)unused;
	be_client(fixture);
	first = submit_noops(fixture, 3);
	second = submit_noops(fixture, 3);
	end = last_seq(fixture);
	for (uint64_t next = 1; next <= end;) {
		reply = read_events(fixture, next, first, 1000);
		for (size_t i = 0; i < reply->events->n_events; i++) {
			g_assert_cmpuint(reply->events->events[i]->seq, >=, first);
			g_assert_cmpuint(reply->events->events[i]->seq, <, second);
			seen++;
		}
		/* Never the same page again: that would spin. */
		g_assert_cmpuint(reply->events->next, >, next);
		next = reply->events->next;
		forge__reply__free_unpacked(reply, NULL);
	}
	g_assert_cmpuint(seen, ==, 3); /* opened, extended, sealed */
	/* A batch that is not there yet is waited for. */
	reply = read_events(fixture, 1, end + 100, 0);
	g_assert_cmpuint(reply->events->n_events, ==, 0);
	forge__reply__free_unpacked(reply, NULL);
}

static void pages_join_without_a_gap(struct fixture *fixture, gconstpointer unused)
{
	uint64_t expected = 1, end;

	(void)unused;
	be_client(fixture);
	for (guint i = 0; i < 20; i++)
		submit_noops(fixture, 1);
	end = last_seq(fixture);
	while (expected <= end) {
		Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;
		Forge__Reply *reply;

		read.from = expected;
		read.max_bytes = 200;
		reply = expect(fixture, FORGE__REQUEST__KIND_READ_EVENTS, &read,
			FORGE__REPLY__KIND_EVENTS);
		g_assert_cmpuint(reply->events->n_events, >, 0);
		for (size_t i = 0; i < reply->events->n_events; i++)
			g_assert_cmpuint(reply->events->events[i]->seq, ==, expected++);
		g_assert_cmpuint(reply->events->next, ==, expected);
		forge__reply__free_unpacked(reply, NULL);
	}
}

/* ---- failed appends ----------------------------------------------------------------------- */

/* Asks as a client does: after a goodbye it says hello and sends the request again. */
static Forge__Reply *insist(
	struct fixture *fixture, Forge__Request__KindCase kind, gpointer payload)
{
	uint64_t id = fixture->next_id++;

	for (;;) {
		Forge__Reply *reply;

		wire_ask(fixture->peer, id, kind, payload);
		while ((reply = wire_next_reply(fixture->peer, LIMIT_ANSWER_MS)) &&
			reply->id != id && reply->kind_case != FORGE__REPLY__KIND_GOODBYE)
			forge__reply__free_unpacked(reply, NULL);
		if (reply && reply->kind_case != FORGE__REPLY__KIND_GOODBYE)
			return reply;
		if (reply)
			forge__reply__free_unpacked(reply, NULL);
		be_client(fixture);
	}
}

static void check_failed_append(struct fixture *fixture, enum journal_fault fault)
{
	g_autofree char *request_id = client_request_id();
	Forge__Submit submit = a_submit(request_id, 2);
	Forge__ListBatches list = FORGE__LIST_BATCHES__INIT;
	int64_t begun_ms = clock_now().monotonic_ms;
	Forge__Reply *reply;
	uint64_t batch;

	be_client(fixture);
	submit_noops(fixture, 1);
	journal_disk_set_fault(fixture->disk, fault);
	reply = insist(fixture, FORGE__REQUEST__KIND_SUBMIT, &submit);
	g_assert_cmpint(reply->kind_case, ==, FORGE__REPLY__KIND_SUBMITTED);
	/* Told at once, not found out by waiting. */
	g_assert_cmpint(clock_now().monotonic_ms - begun_ms, <, LIMIT_ANSWER_MS);
	g_assert_cmpint(reply->submitted->existed, ==, fault == JOURNAL_FAULT_WRITTEN);
	batch = reply->submitted->batch;
	forge__reply__free_unpacked(reply, NULL);

	reply = expect(fixture, FORGE__REQUEST__KIND_SUBMIT, &submit, FORGE__REPLY__KIND_SUBMITTED);
	g_assert_true(reply->submitted->existed);
	g_assert_cmpuint(reply->submitted->batch, ==, batch);
	forge__reply__free_unpacked(reply, NULL);
	reply = expect(
		fixture, FORGE__REQUEST__KIND_LIST_BATCHES, &list, FORGE__REPLY__KIND_BATCH_ROWS);
	g_assert_cmpuint(reply->batch_rows->total, ==, 2);
	forge__reply__free_unpacked(reply, NULL);
}

static void request_whose_append_was_lost_is_done_once(
	struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	check_failed_append(fixture, JOURNAL_FAULT_LOST);
}

static void request_whose_append_was_written_after_all_is_done_once(
	struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	check_failed_append(fixture, JOURNAL_FAULT_WRITTEN);
}

static void disk_that_takes_nothing_ends_the_scheduler(
	struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	be_client(fixture);
	for (guint i = 0; i < LIMIT_APPEND_FAILURES; i++) {
		g_autofree char *request_id = client_request_id();
		Forge__Submit submit = a_submit(request_id, 1);

		journal_disk_set_fault(fixture->disk, JOURNAL_FAULT_LOST);
		wire_ask(fixture->peer, 1000 + i, FORGE__REQUEST__KIND_SUBMIT, &submit);
		if (i + 1 == LIMIT_APPEND_FAILURES)
			break;
		for (gboolean told = FALSE; !told;) {
			Forge__Reply *reply = wire_next_reply(fixture->peer, WIRE_WAIT_MS);

			g_assert_nonnull(reply);
			told = reply->kind_case == FORGE__REPLY__KIND_GOODBYE;
			forge__reply__free_unpacked(reply, NULL);
		}
		be_client(fixture);
	}
	g_assert_false(end_loop(fixture));
	g_assert_error(fixture->error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED);
}

static void journal_that_somebody_else_took_ends_the_scheduler(
	struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *request_id = client_request_id();
	Forge__Submit submit = a_submit(request_id, 1);
	scoped(journal) other = NULL;

	(void)unused;
	be_client(fixture);
	other = journal_memory_open(fixture->disk);
	wire_ask(fixture->peer, 1000, FORGE__REQUEST__KIND_SUBMIT, &submit);
	g_assert_false(end_loop(fixture));
	g_assert_error(fixture->error, FORGE_ERROR, FORGE_ERROR_JOURNAL_CONFLICT);
}

/* ---- stopping ----------------------------------------------------------------------------- */

static void stopping_scheduler_says_goodbye_and_the_next_goes_on(
	struct fixture *fixture, gconstpointer unused)
{
	uint64_t batch;
	Forge__Reply *reply;

	(void)unused;
	be_client(fixture);
	batch = submit_noops(fixture, 1);
	scheduler_loop_stop(fixture->loop);
	g_assert_true(end_loop(fixture));
	reply = wire_next_reply(fixture->peer, WIRE_WAIT_MS);
	g_assert_nonnull(reply);
	g_assert_cmpint(reply->kind_case, ==, FORGE__REPLY__KIND_GOODBYE);
	forge__reply__free_unpacked(reply, NULL);
	bus_socket_close(fixture->peer);
	start_loop(fixture);
	fixture->peer = bus_connect(fixture->bus, fixture->endpoint, NULL);
	be_client(fixture);
	reply = read_events(fixture, batch, batch, 0);
	g_assert_cmpuint(reply->events->n_events, ==, 3);
	forge__reply__free_unpacked(reply, NULL);
}

#define ADD(test) g_test_add("/loop/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* The loop warns of the appends that these tests make fail. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	ADD(stranger_is_told_to_say_hello);
	ADD(other_protocol_is_refused_and_stays_a_stranger);
	ADD(empty_requests_of_every_kind_stop_nothing);
	ADD(tail_that_waits_is_woken_by_the_next_event);
	ADD(tail_that_waited_long_enough_is_let_go);
	ADD(tail_of_a_batch_passes_over_others_and_moves_on);
	ADD(pages_join_without_a_gap);
	ADD(request_whose_append_was_lost_is_done_once);
	ADD(request_whose_append_was_written_after_all_is_done_once);
	ADD(disk_that_takes_nothing_ends_the_scheduler);
	ADD(journal_that_somebody_else_took_ends_the_scheduler);
	ADD(stopping_scheduler_says_goodbye_and_the_next_goes_on);
	return g_test_run();
}
