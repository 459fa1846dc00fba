/*
 * The gate of a listening socket, over real connections: who comes in, what those get who do not, and
 * what a peer can cost that does not read or is too many.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/bus.h"
#include "tests/support/wire.h"
#include "tests/unit/sandbox.h"

/* Long enough for a handshake here, many times over. */
#define SILENCE_MS 600

struct fixture {
	struct bus *bus;  /* the listener's */
	struct bus *away; /* its peers' */
	struct key_pair *server_keys;
	struct key_pair *keys; /* a peer's */
	char *endpoint;
	struct bus_socket *server;
	GHashTable *admitted; /* set of public keys */
};

static gboolean admits(const char *public_key, gpointer user_data)
{
	const struct fixture *fixture = user_data;

	return g_hash_table_contains(fixture->admitted, public_key);
}

/* A port that is free now. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(descriptor, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(getsockname(descriptor, (struct sockaddr *)&address, &size), ==, 0);
	close(descriptor);
	return ntohs(address.sin_port);
}

static void listen_with(struct fixture *fixture, gboolean guarded)
{
	struct bus_guard guard = {
		.own = fixture->server_keys, .admits = admits, .user_data = fixture};
	g_autoptr(GError) error = NULL;

	fixture->endpoint = g_strdup_printf("tcp://127.0.0.1:%u", free_port());
	fixture->server = bus_listen_guarded(
		fixture->bus, fixture->endpoint, guarded ? &guard : NULL, &error);
	g_assert_no_error(error);
}

static void make(struct fixture *fixture)
{
	fixture->bus = bus_new();
	fixture->away = bus_new();
	fixture->server_keys = key_pair_new();
	fixture->keys = key_pair_new();
	fixture->admitted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make(fixture);
	listen_with(fixture, TRUE);
}

static void set_up_open(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make(fixture);
	listen_with(fixture, FALSE);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	bus_socket_close(fixture->server);
	bus_free(fixture->bus);
	bus_free(fixture->away);
	key_pair_free(fixture->server_keys);
	key_pair_free(fixture->keys);
	g_hash_table_destroy(fixture->admitted);
	g_free(fixture->endpoint);
}

static void admit(struct fixture *fixture, const struct key_pair *keys)
{
	g_hash_table_add(fixture->admitted, g_strdup(key_pair_public(keys)));
}

static struct bus_socket *connect_with(
	struct fixture *fixture, const struct key_pair *keys, const char *server_key)
{
	g_autoptr(GError) error = NULL;
	struct bus_socket *socket = keys
		? bus_connect_secured(fixture->away, fixture->endpoint, keys, server_key, &error)
		: bus_connect(fixture->away, fixture->endpoint, &error);

	g_assert_no_error(error);
	return socket;
}

static struct bus_socket *connect_peer(struct fixture *fixture, const struct key_pair *keys)
{
	return connect_with(fixture, keys, key_pair_public(fixture->server_keys));
}

static void ask(struct bus_socket *peer, uint64_t id)
{
	Forge__GetStats stats = FORGE__GET_STATS__INIT;

	wire_ask(peer, id, FORGE__REQUEST__KIND_GET_STATS, &stats);
}

static void assert_served(struct fixture *fixture, struct bus_socket *peer, const char *key)
{
	Forge__Done done = FORGE__DONE__INIT;
	scoped_value(wire_request) request = {0};

	ask(peer, 7);
	request = wire_await_request(fixture->server, FORGE__REQUEST__KIND_GET_STATS);
	g_assert_cmpstr(bus_sender(fixture->server), ==, key);
	wire_answer(fixture->server, &request, FORGE__REPLY__KIND_DONE, &done);
	forge__reply__free_unpacked(wire_await_reply(peer, 7), NULL);
}

static void assert_nothing_comes(struct fixture *fixture, struct bus_socket *peer)
{
	scoped_value(wire_request) request = {0};
	Forge__Request question = FORGE__REQUEST__INIT;
	Forge__GetStats stats = FORGE__GET_STATS__INIT;
	g_autoptr(GBytes) bytes = NULL;

	question.id = 1;
	question.kind_case = FORGE__REQUEST__KIND_GET_STATS;
	question.get_stats = &stats;
	bytes = message_pack(&question.base);
	/* Who was refused before it could ask cannot send any more. */
	(void)bus_send(peer, NULL, bytes);
	g_assert_false(wire_next_request(fixture->server, SILENCE_MS, &request));
	g_assert_null(wire_next_reply(peer, 0));
}

/* ---- keys --------------------------------------------------------------------------------- */

static void who_is_admitted_is_known_by_key(struct fixture *fixture, gconstpointer unused)
{
	scoped(key_pair) others = key_pair_new();
	scoped(bus_socket) first = NULL;
	scoped(bus_socket) second = NULL;

	(void)unused;
	admit(fixture, fixture->keys);
	admit(fixture, others);
	first = connect_peer(fixture, fixture->keys);
	second = connect_peer(fixture, others);
	for (int i = 0; i < 3; i++) {
		assert_served(fixture, first, key_pair_public(fixture->keys));
		assert_served(fixture, second, key_pair_public(others));
	}
}

static void who_is_not_admitted_gets_no_answer(struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) unknown = connect_peer(fixture, fixture->keys);
	scoped(bus_socket) keyless = connect_with(fixture, NULL, NULL);
	scoped(bus_socket) mistaken = NULL;

	(void)unused;
	assert_nothing_comes(fixture, unknown);
	assert_nothing_comes(fixture, keyless);
	/* One that knows another scheduler's key, be it admitted here or not. */
	admit(fixture, fixture->keys);
	mistaken = connect_with(fixture, fixture->keys, key_pair_public(fixture->keys));
	assert_nothing_comes(fixture, mistaken);
}

static void who_is_admitted_later_comes_in_by_itself(struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) peer = connect_peer(fixture, fixture->keys);

	(void)unused;
	assert_nothing_comes(fixture, peer);
	admit(fixture, fixture->keys);
	/* What it said before waits on its side. */
	{
		scoped_value(wire_request) request = wire_await_request(
			fixture->server, FORGE__REQUEST__KIND_GET_STATS);

		g_assert_cmpstr(bus_sender(fixture->server), ==, key_pair_public(fixture->keys));
	}
	assert_served(fixture, peer, key_pair_public(fixture->keys));
}

static void peer_with_keys_never_talks_to_a_listener_without(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) peer = connect_peer(fixture, fixture->keys);
	scoped(bus_socket) plain = connect_with(fixture, NULL, NULL);

	(void)unused;
	assert_nothing_comes(fixture, peer);
	assert_served(fixture, plain, NULL);
}

static void second_guarded_listener_of_a_bus_is_refused(
	struct fixture *fixture, gconstpointer unused)
{
	struct bus_guard guard = {
		.own = fixture->server_keys, .admits = admits, .user_data = fixture};
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_null(bus_listen_guarded(fixture->bus, "tcp://127.0.0.1:*", &guard, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE);
}

/* ---- what a peer costs -------------------------------------------------------------------- */

/* A raw connection; -1 if it is not accepted within WAIT_MS. */
static int knock(const struct fixture *fixture, int64_t wait_ms)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(
			(uint16_t)g_ascii_strtoull(strrchr(fixture->endpoint, ':') + 1, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(descriptor, >=, 0);
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

/* Whether ZeroMQ itself accepted it within WAIT_MS, and greeted. */
static gboolean is_greeted(int descriptor, int64_t wait_ms)
{
	struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};
	char greeting;

	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return recv(descriptor, &greeting, 1, 0) == 1;
}

/* A peer without ZeroMQ, which shakes hands, asks for GetStats and then reads nothing. */
static int connect_deaf(const struct fixture *fixture)
{
	static const uint8_t ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
				       "DEALER";
	static const uint8_t get_stats[] = {0, 4, 0x08, 1, 0x72, 0};
	uint8_t greeting[64] = {[0] = 0xff, [9] = 0x7f, [10] = 3};
	uint8_t answer[256];
	int small = 4096;
	int descriptor = knock(fixture, 1000);

	g_assert_cmpint(descriptor, >=, 0);
	setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	memcpy(greeting + 12, "NULL", 4);
	g_assert_cmpint(send(descriptor, greeting, sizeof(greeting), 0), ==, sizeof(greeting));
	g_assert_cmpint(send(descriptor, ready, sizeof(ready) - 1, 0), ==, sizeof(ready) - 1);
	/* Its greeting and its READY, as long as its second byte says. */
	g_assert_cmpint(recv(descriptor, answer, 64, MSG_WAITALL), ==, 64);
	g_assert_cmpint(recv(descriptor, answer, 2, MSG_WAITALL), ==, 2);
	g_assert_cmpint(recv(descriptor, answer, answer[1], MSG_WAITALL), >, 0);
	g_assert_cmpint(send(descriptor, get_stats, sizeof(get_stats), 0), ==, sizeof(get_stats));
	return descriptor;
}

static void who_does_not_read_is_sent_no_more_and_others_are(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(bus_socket) other = connect_with(fixture, NULL, NULL);
	int deaf = connect_deaf(fixture);
	scoped_value(wire_request)
		request = wire_await_request(fixture->server, FORGE__REQUEST__KIND_GET_STATS);
	g_autofree char *page = g_malloc0(256 * 1024);
	g_autoptr(GBytes) message = g_bytes_new(page, 256 * 1024);
	gsize sent = 0;

	(void)unused;
	/* What the kernel's buffers take goes on top of the bound. */
	while (bus_send(fixture->server, request.routing, message) && sent < 256 * 1024 * 1024)
		sent += g_bytes_get_size(message);
	g_assert_cmpuint(sent, >=, LIMIT_PEER_UNSENT_BYTES / 2);
	g_assert_cmpuint(sent, <, LIMIT_PEER_UNSENT_BYTES + 16 * 1024 * 1024);
	assert_served(fixture, other, NULL);
	/* Small ones end by their number. */
	g_clear_pointer(&message, g_bytes_unref);
	message = g_bytes_new(page, 100);
	for (guint i = 0; bus_send(fixture->server, request.routing, message); i++)
		g_assert_cmpuint(i, <=, 2 * LIMIT_PEER_UNSENT_MESSAGES);
	assert_served(fixture, other, NULL);
	close(deaf);
}

static void connections_end_at_their_bound_and_the_connected_are_served(
	struct fixture *fixture, gconstpointer unused)
{
	/* The gate read the limit when it was made: 512 are kept, 100 are left. */
	const guint most = 100;
	scoped(bus_socket) peer = connect_with(fixture, NULL, NULL);
	int descriptors[300];
	guint open = 0;

	(void)unused;
	assert_served(fixture, peer, NULL);
	for (; open < G_N_ELEMENTS(descriptors); open++) {
		descriptors[open] = knock(fixture, 300);
		if (descriptors[open] < 0)
			break;
		/* One after another: the kernel keeps no more than the backlog waiting. */
		if (!is_greeted(descriptors[open], 1000)) {
			close(descriptors[open]);
			break;
		}
	}
	/* Those that the kernel had accepted when the door was closed come on top. */
	g_assert_cmpuint(open, >=, most - 5);
	g_assert_cmpuint(open, <, most + 2 * LIMIT_BACKLOG);
	assert_served(fixture, peer, NULL);
	while (open > 0)
		close(descriptors[--open]);
	/* Who is shut out tries again, as every TCP does, and comes in. */
	for (int tries = 0; tries < 100; tries++) {
		int descriptor = knock(fixture, 200);

		if (descriptor < 0)
			continue;
		close(descriptor);
		assert_served(fixture, peer, NULL);
		return;
	}
	g_assert_not_reached();
}

static void who_does_not_shake_hands_makes_room(struct fixture *fixture, gconstpointer unused)
{
	int descriptor = knock(fixture, 1000);
	int64_t begun_ms = clock_now().monotonic_ms;
	char greeting[64];
	ssize_t size;

	(void)unused;
	g_assert_cmpint(descriptor, >=, 0);
	/* ZeroMQ's own greeting, and then the end. */
	do
		size = recv(descriptor, greeting, sizeof(greeting), 0);
	while (size > 0);
	g_assert_cmpint(clock_now().monotonic_ms - begun_ms, <, LIMIT_HANDSHAKE_MS + 2000);
	close(descriptor);
}

#define ADD(set_up_function, test) \
	g_test_add("/bus_gate/" #test, struct fixture, NULL, set_up_function, test, tear_down)

int main(int argc, char **argv)
{
	struct rlimit limit;

	g_test_init(&argc, &argv, NULL);
	/* The gate warns when it closes, which one of these tests makes it do. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	limit.rlim_cur = MIN(limit.rlim_max, LIMIT_DESCRIPTORS_KEPT + 100);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	ADD(set_up, who_is_admitted_is_known_by_key);
	ADD(set_up, who_is_not_admitted_gets_no_answer);
	ADD(set_up, who_is_admitted_later_comes_in_by_itself);
	ADD(set_up_open, peer_with_keys_never_talks_to_a_listener_without);
	ADD(set_up, second_guarded_listener_of_a_bus_is_refused);
	ADD(set_up_open, who_does_not_read_is_sent_no_more_and_others_are);
	ADD(set_up_open, connections_end_at_their_bound_and_the_connected_are_served);
	ADD(set_up, who_does_not_shake_hands_makes_room);
	return g_test_run();
}
