/*
 * Sockets for real: who gets what, and to whom an address belongs when listeners follow each other.
 */
#include <glib/gstdio.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "queue/bus.h"
#include "tests/support/wire.h"
#include "tests/unit/sandbox.h"

struct fixture {
	char *folder;
	char *endpoint;
	struct bus *bus;
	struct bus_socket *server;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->folder = g_dir_make_tmp("forge-bus-XXXXXX", NULL);
	fixture->endpoint = wire_endpoint(fixture->folder);
	fixture->bus = bus_new();
	fixture->server = bus_listen(fixture->bus, fixture->endpoint, &error);
	g_assert_no_error(error);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_clear_pointer(&fixture->server, bus_socket_close);
	bus_free(fixture->bus);
	g_free(fixture->endpoint);
	sandbox_remove(fixture->folder);
}

static struct bus_socket *connect_client(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct bus_socket *socket = bus_connect(fixture->bus, fixture->endpoint, &error);

	g_assert_no_error(error);
	return socket;
}

static void send_stats(struct bus_socket *client, uint64_t id)
{
	Forge__GetStats stats = FORGE__GET_STATS__INIT;

	wire_ask(client, id, FORGE__REQUEST__KIND_GET_STATS, &stats);
}

static void answer(struct bus_socket *server, const struct wire_request *request)
{
	Forge__Done done = FORGE__DONE__INIT;

	wire_answer(server, request, FORGE__REPLY__KIND_DONE, &done);
}

static void each_peer_gets_its_own_answer(struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) first = connect_client(fixture);
	scoped(bus_socket) second = connect_client(fixture);
	struct wire_request requests[2] = {{0}};

	(void)unused;
	/* The same id at both. */
	send_stats(first, 1);
	requests[0] = wire_await_request(fixture->server, FORGE__REQUEST__KIND_GET_STATS);
	send_stats(second, 1);
	requests[1] = wire_await_request(fixture->server, FORGE__REQUEST__KIND_GET_STATS);
	g_assert_false(g_bytes_equal(requests[0].routing, requests[1].routing));
	answer(fixture->server, &requests[1]);
	forge__reply__free_unpacked(wire_await_reply(second, 1), NULL);
	g_assert_null(wire_next_reply(first, 0));
	answer(fixture->server, &requests[0]);
	forge__reply__free_unpacked(wire_await_reply(first, 1), NULL);
	wire_request_clear(&requests[0]);
	wire_request_clear(&requests[1]);
}

static void message_to_a_stranger_is_known_to_be_lost(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GBytes) nobody = g_bytes_new_static("nobody", 6);
	g_autoptr(GBytes) message = g_bytes_new_static("", 0);

	(void)unused;
	g_assert_false(bus_send(fixture->server, nobody, message));
}

static void closed_listener_leaves_the_address_to_the_next(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) client = connect_client(fixture);
	const char *path = fixture->endpoint + strlen("ipc://");

	(void)unused;
	for (uint64_t round = 1; round <= 20; round++) {
		g_autoptr(GError) error = NULL;
		scoped_value(wire_request) request = {0};

		/* What went to the one before is lost; the client comes back by itself. */
		do
			send_stats(client, round);
		while (!wire_next_request(fixture->server, LIMIT_HELLO_MS, &request));
		answer(fixture->server, &request);
		bus_socket_close(fixture->server);
		fixture->server = bus_listen(fixture->bus, fixture->endpoint, &error);
		g_assert_no_error(error);
		g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
		/* What was said before the end arrives all the same. */
		forge__reply__free_unpacked(wire_await_reply(client, request.request->id), NULL);
	}
	g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void address_in_use_is_not_taken_away(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(bus_socket) client = NULL;
	scoped_value(wire_request) request = {0};

	(void)unused;
	g_assert_null(bus_listen(fixture->bus, fixture->endpoint, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE);
	client = connect_client(fixture);
	send_stats(client, 1);
	request = wire_await_request(fixture->server, FORGE__REQUEST__KIND_GET_STATS);
}

static void file_that_a_killed_process_left_is_replaced(
	struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *stale = g_build_filename(fixture->folder, "stale", NULL);
	g_autofree char *endpoint = g_strconcat("ipc://", stale, NULL);
	g_autofree char *script = g_strdup_printf(
		"/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"%s\")'",
		stale);
	scoped(bus_socket) server = NULL;

	(void)unused;
	g_free(sandbox_run(fixture->folder, script));
	g_assert_true(g_file_test(stale, G_FILE_TEST_EXISTS));
	server = bus_listen(fixture->bus, endpoint, &error);
	g_assert_no_error(error);
}

static void malformed_messages_are_passed_over(struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) client = connect_client(fixture);
	scoped_value(wire_request) request = {0};
	g_autoptr(GBytes) message = g_bytes_new_static("", 0);

	(void)unused;
	send_stats(client, 1);
	request = wire_await_request(fixture->server, FORGE__REQUEST__KIND_GET_STATS);
	/* An empty frame is an empty message, not an end. */
	g_assert_true(bus_send(fixture->server, request.routing, message));
	answer(fixture->server, &request);
	forge__reply__free_unpacked(wire_await_reply(client, 1), NULL);
}

static gpointer push_many(gpointer data)
{
	scoped(bus_socket) pipe = bus_push(data, "many");

	for (int i = 0; i < 1000; i++) {
		g_autoptr(GBytes) message = g_bytes_new(&i, sizeof(i));

		g_assert_true(bus_send(pipe, message, message));
	}
	return NULL;
}

static void pipe_loses_nothing_of_threads_that_end(struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) pull = bus_pull(fixture->bus, "many");
	GThread *threads[4];
	int got = 0;

	(void)unused;
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("push", push_many, fixture->bus);
	while (got < 4000) {
		g_autoptr(GBytes) routing = NULL;
		g_autoptr(GBytes) message = bus_receive(pull, &routing);

		if (message)
			got++;
		else
			g_assert_true(bus_wait(&pull, 1, WIRE_WAIT_MS));
	}
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
}

static void only_numbers_of_this_machine_are_local(void)
{
	static const struct {
		const char *endpoint;
		gboolean local;
	} cases[] = {
		{"ipc:///run/forge/s.sock", TRUE},
		{"tcp://127.0.0.1:7700", TRUE},
		{"tcp://localhost:7700", TRUE},
		{"tcp://[::1]:7700", TRUE},
		{"tcp://127.example.com:7700", FALSE},
		{"tcp://127.0.0.1;10.0.0.1:7700", FALSE},
		{"tcp://0.0.0.0:7700", FALSE},
		{"tcp://10.0.0.1:7700", FALSE},
		{"tcp://*:7700", FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].endpoint);
		g_assert_cmpint(bus_endpoint_is_local(cases[i].endpoint), ==, cases[i].local);
	}
}

#define ADD(name, test) g_test_add("/bus/" name, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("each_peer_gets_its_own_answer", each_peer_gets_its_own_answer);
	ADD("message_to_a_stranger_is_known_to_be_lost", message_to_a_stranger_is_known_to_be_lost);
	ADD("closed_listener_leaves_the_address_to_the_next",
		closed_listener_leaves_the_address_to_the_next);
	ADD("address_in_use_is_not_taken_away", address_in_use_is_not_taken_away);
	ADD("file_that_a_killed_process_left_is_replaced",
		file_that_a_killed_process_left_is_replaced);
	ADD("malformed_messages_are_passed_over", malformed_messages_are_passed_over);
	ADD("pipe_loses_nothing_of_threads_that_end", pipe_loses_nothing_of_threads_that_end);
	g_test_add_func("/bus/only_numbers_of_this_machine_are_local",
		only_numbers_of_this_machine_are_local);
	return g_test_run();
}
