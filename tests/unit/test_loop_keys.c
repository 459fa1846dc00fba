/*
 * The scheduler's loop behind keys: who is heard, and that a list which is read again counts at once,
 * also for what was asked before.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/journal_memory.h"
#include "queue/protocol.h"
#include "scheduler/loop.h"
#include "tests/support/wire.h"
#include "tests/unit/sandbox.h"

#define SILENCE_MS 500

struct fixture {
	char *folder;
	char *endpoint;
	struct journal_disk *disk;
	struct bus *bus;
	struct bus *away;
	struct key_pair *server_keys, *rita, *olga;
	char *list; /* what the loop reads next; NULL: it cannot */
	struct scheduler_loop *loop;
	GThread *thread;
	struct bus_socket *reader, *operator;
	uint64_t next_id;
};

static struct journal *open_journal(gpointer user_data, GError **error)
{
	const struct fixture *fixture = user_data;

	(void)error;
	return journal_memory_open(fixture->disk);
}

static struct roles *read_roles(gpointer user_data, GError **error)
{
	const struct fixture *fixture = user_data;

	return roles_parse("list", fixture->list, strlen(fixture->list), error);
}

static gpointer run_loop(gpointer data)
{
	return GINT_TO_POINTER(scheduler_loop_run(((struct fixture *)data)->loop, NULL));
}

/* Olga may operate; Rita may what RITA_MAY says, or, if that is NULL, is not listed. */
static void list(struct fixture *fixture, const char *rita_may)
{
	g_autofree char *rita = rita_may
		? g_strdup_printf("  rita: {public_key: '%s', roles: [%s]}\n",
			  key_pair_public(fixture->rita), rita_may)
		: g_strdup("");

	g_free(fixture->list);
	fixture->list = g_strdup_printf("keys:\n  olga: {public_key: '%s', roles: [operate]}\n%s",
		key_pair_public(fixture->olga), rita);
}

static struct bus_socket *connect_as(struct fixture *fixture, const struct key_pair *keys)
{
	g_autoptr(GError) error = NULL;
	struct bus_socket *socket = bus_connect_secured(fixture->away, fixture->endpoint, keys,
		key_pair_public(fixture->server_keys), &error);

	g_assert_no_error(error);
	return socket;
}

static Forge__Reply *call(struct fixture *fixture, struct bus_socket *peer,
	Forge__Request__KindCase kind, gpointer payload)
{
	uint64_t id = fixture->next_id++;

	wire_ask(peer, id, kind, payload);
	return wire_await_reply(peer, id);
}

static void expect(struct fixture *fixture, struct bus_socket *peer, Forge__Request__KindCase kind,
	gpointer payload, Forge__Reply__KindCase expected)
{
	Forge__Reply *reply = call(fixture, peer, kind, payload);

	g_assert_cmpint(reply->kind_case, ==, expected);
	forge__reply__free_unpacked(reply, NULL);
}

static void say_hello(
	struct fixture *fixture, struct bus_socket *peer, Forge__Reply__KindCase expected)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_CLIENT;
	expect(fixture, peer, FORGE__REQUEST__KIND_HELLO, &hello, expected);
}

static void pause_queue(struct fixture *fixture, gboolean paused)
{
	Forge__SetPaused pause = FORGE__SET_PAUSED__INIT;

	pause.paused = paused;
	expect(fixture, fixture->operator, FORGE__REQUEST__KIND_SET_PAUSED, &pause,
		FORGE__REPLY__KIND_DONE);
}

/* The loop has read its list again when this returns: it looks before each round, and a second answer
 * is of a later round than the first. */
static void reload(struct fixture *fixture)
{
	scheduler_loop_reload(fixture->loop);
	say_hello(fixture, fixture->operator, FORGE__REPLY__KIND_WELCOME);
	say_hello(fixture, fixture->operator, FORGE__REPLY__KIND_WELCOME);
}

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	struct scheduler_loop_options options = {
		.open_journal = open_journal, .read_roles = read_roles, .user_data = fixture};

	(void)unused;
	fixture->folder = g_dir_make_tmp("forge-loop-XXXXXX", NULL);
	fixture->endpoint = wire_endpoint(fixture->folder);
	fixture->disk = journal_disk_new("0123456789abcdef0123456789abcdef");
	fixture->bus = bus_new();
	fixture->away = bus_new();
	fixture->next_id = 1;
	fixture->server_keys = key_pair_new();
	fixture->rita = key_pair_new();
	fixture->olga = key_pair_new();
	list(fixture, "read");
	options.endpoint = fixture->endpoint;
	options.keys = fixture->server_keys;
	fixture->loop = scheduler_loop_new(fixture->bus, &options, &error);
	g_assert_no_error(error);
	fixture->thread = g_thread_new("loop", run_loop, fixture);
	fixture->reader = connect_as(fixture, fixture->rita);
	fixture->operator= connect_as(fixture, fixture->olga);
	say_hello(fixture, fixture->reader, FORGE__REPLY__KIND_WELCOME);
	say_hello(fixture, fixture->operator, FORGE__REPLY__KIND_WELCOME);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	scheduler_loop_stop(fixture->loop);
	g_assert_true(GPOINTER_TO_INT(g_thread_join(fixture->thread)));
	scheduler_loop_free(fixture->loop);
	bus_socket_close(fixture->reader);
	bus_socket_close(fixture->operator);
	bus_free(fixture->away);
	bus_free(fixture->bus);
	key_pair_free(fixture->server_keys);
	key_pair_free(fixture->rita);
	key_pair_free(fixture->olga);
	journal_disk_free(fixture->disk);
	g_free(fixture->list);
	g_free(fixture->endpoint);
	sandbox_remove(fixture->folder);
}

static void role_is_asked_of_tails_and_of_progress_too(
	struct fixture *fixture, gconstpointer unused)
{
	Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;
	Forge__Progress progress = FORGE__PROGRESS__INIT;

	(void)unused;
	expect(fixture, fixture->reader, FORGE__REQUEST__KIND_PROGRESS, &progress,
		FORGE__REPLY__KIND_ERROR);
	list(fixture, "worker");
	reload(fixture);
	expect(fixture, fixture->reader, FORGE__REQUEST__KIND_READ_EVENTS, &read,
		FORGE__REPLY__KIND_ERROR);
}

static void tail_of_a_revoked_key_sees_nothing_more(struct fixture *fixture, gconstpointer unused)
{
	Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;
	Forge__GetStats stats = FORGE__GET_STATS__INIT;

	(void)unused;
	read.from = 1;
	read.wait_ms = LIMIT_TAIL_WAIT_MS;
	wire_ask(fixture->reader, 1000, FORGE__REQUEST__KIND_READ_EVENTS, &read);
	list(fixture, NULL);
	reload(fixture);
	wire_ask(fixture->reader, 1001, FORGE__REQUEST__KIND_GET_STATS, &stats);
	pause_queue(fixture, TRUE);
	g_assert_null(wire_next_reply(fixture->reader, SILENCE_MS));
	/* Listed again it is a stranger, on the same connection. */
	list(fixture, "read");
	reload(fixture);
	expect(fixture, fixture->reader, FORGE__REQUEST__KIND_GET_STATS, &stats,
		FORGE__REPLY__KIND_GOODBYE);
	say_hello(fixture, fixture->reader, FORGE__REPLY__KIND_WELCOME);
	expect(fixture, fixture->reader, FORGE__REQUEST__KIND_GET_STATS, &stats,
		FORGE__REPLY__KIND_STATS);
}

static void list_that_is_wrong_changes_nothing(struct fixture *fixture, gconstpointer unused)
{
	Forge__GetStats stats = FORGE__GET_STATS__INIT;

	(void)unused;
	g_free(fixture->list);
	fixture->list = g_strdup("keys: [");
	reload(fixture);
	expect(fixture, fixture->reader, FORGE__REQUEST__KIND_GET_STATS, &stats,
		FORGE__REPLY__KIND_STATS);
	pause_queue(fixture, TRUE);
}

static void who_stays_in_the_list_notices_nothing(struct fixture *fixture, gconstpointer unused)
{
	Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;
	Forge__Reply *reply;

	(void)unused;
	read.from = 1;
	read.wait_ms = LIMIT_TAIL_WAIT_MS;
	wire_ask(fixture->reader, 1000, FORGE__REQUEST__KIND_READ_EVENTS, &read);
	list(fixture, "read, worker");
	reload(fixture);
	pause_queue(fixture, TRUE);
	reply = wire_await_reply(fixture->reader, 1000);
	g_assert_cmpuint(reply->events->n_events, >, 0);
	forge__reply__free_unpacked(reply, NULL);
}

#define ADD(test) g_test_add("/loop_keys/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* The loop warns of the list that one of these tests makes wrong. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	ADD(role_is_asked_of_tails_and_of_progress_too);
	ADD(tail_of_a_revoked_key_sees_nothing_more);
	ADD(list_that_is_wrong_changes_nothing);
	ADD(who_stays_in_the_list_notices_nothing);
	return g_test_run();
}
