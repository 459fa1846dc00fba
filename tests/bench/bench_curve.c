/*
 * Durable submissions over tcp:// with CURVE:
 *
 *     curve_submit   8 clients with 512 outstanding; limit: as many messages of the same size, to a
 *                    socket that only sends them back, with CURVE too
 *
 * Prints nothing, and says so, where `forge config keys` cannot make keys.
 */
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "tests/bench/figure.h"
#include "tests/bench/submission_load.h"

#define CLIENTS 8
#define WINDOW 512
#define ROUNDS 5
#define SLICE_MS 400
#define KEY_CHARACTERS 40
#define MESSAGE_BYTES_MAX 256

struct key_pair {
	char public[KEY_CHARACTERS + 1], secret[KEY_CHARACTERS + 1];
};

/* ---- echo --------------------------------------------------------------------------------- */

struct echo {
	void *socket;
	gint stopping;
};

static gpointer send_back(gpointer data)
{
	struct echo *echo = data;
	uint8_t routing[MESSAGE_BYTES_MAX], message[MESSAGE_BYTES_MAX];
	int routing_size, size;

	while (!g_atomic_int_get(&echo->stopping)) {
		routing_size = zmq_recv(echo->socket, routing, sizeof(routing), 0);
		size = routing_size < 0 ? -1 : zmq_recv(echo->socket, message, sizeof(message), 0);
		if (size < 0)
			continue;
		zmq_send(echo->socket, routing, (size_t)routing_size, ZMQ_SNDMORE);
		zmq_send(echo->socket, message, (size_t)size, 0);
	}
	return NULL;
}

static void set_option(void *socket, int option, int value)
{
	g_assert_cmpint(zmq_setsockopt(socket, option, &value, sizeof(value)), ==, 0);
}

static void *echo_client(void *context, const char *endpoint, const struct key_pair *server,
	const struct key_pair *client)
{
	void *socket = zmq_socket(context, ZMQ_DEALER);

	set_option(socket, ZMQ_LINGER, 0);
	zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server->public, KEY_CHARACTERS + 1);
	zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, client->public, KEY_CHARACTERS + 1);
	zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, client->secret, KEY_CHARACTERS + 1);
	g_assert_cmpint(zmq_connect(socket, endpoint), ==, 0);
	return socket;
}

/* Messages a second that come back, WINDOW underway for each client. */
static double run_echo(void *const *clients, size_t bytes)
{
	const uint8_t message[MESSAGE_BYTES_MAX] = {0};
	uint8_t answer[MESSAGE_BYTES_MAX];
	zmq_pollitem_t items[CLIENTS];
	guint64 sent = 0, answered = 0;
	gint64 start_ns = figure_now_ns(), now_ns = start_ns;

	for (guint i = 0; i < CLIENTS; i++) {
		items[i] = (zmq_pollitem_t){.socket = clients[i], .events = ZMQ_POLLIN};
		for (guint j = 0; j < WINDOW; j++, sent++)
			zmq_send(clients[i], message, bytes, 0);
	}
	while (answered < sent) {
		g_assert_cmpint(zmq_poll(items, CLIENTS, 30000), >, 0);
		for (guint i = 0; i < CLIENTS; i++)
			while (zmq_recv(clients[i], answer, sizeof(answer), ZMQ_DONTWAIT) >= 0) {
				answered++;
				if (now_ns - start_ns > SLICE_MS * 1000000LL)
					continue;
				zmq_send(clients[i], message, bytes, 0);
				sent++;
			}
		now_ns = figure_now_ns();
	}
	return figure_per_second((double)answered, now_ns - start_ns);
}

/* ---- keys --------------------------------------------------------------------------------- */

/* Runs `forge config keys` with ARGUMENTS in HOME; what it printed, or NULL if it failed. */
static char *run_keys(const char *home, const char *const *arguments)
{
	g_autoptr(GStrvBuilder) command = g_strv_builder_new();
	g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "FORGE_HOME", home, TRUE);
	g_auto(GStrv) argv = NULL;
	g_autofree char *output = NULL;
	gint status = -1;

	g_strv_builder_add_many(command, g_getenv("FORGE") ? g_getenv("FORGE") : "build/forge",
		"config", "keys", NULL);
	g_strv_builder_addv(command, (const char **)arguments);
	argv = g_strv_builder_end(command);
	if (!g_spawn_sync(NULL, argv, environment, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output,
		    NULL, &status, NULL) ||
		!g_spawn_check_wait_status(status, NULL))
		return NULL;
	return g_steal_pointer(&output);
}

/* The key that TEXT shows, or NULL. */
static char *find_key(const char *text)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \t\n", -1);

	for (guint i = 0; words[i]; i++)
		if (strlen(words[i]) == KEY_CHARACTERS)
			return g_strdup(words[i]);
	return NULL;
}

/* A pair whose public key cannot be taken for an option. */
static void draw_keys(struct key_pair *pair)
{
	do
		g_assert_cmpint(zmq_curve_keypair(pair->public, pair->secret), ==, 0);
	while (!g_ascii_isalnum(pair->public[0]));
}

/* The scheduler's public key, if it can have one and takes the client's. */
static char *make_keys(const char *home, const struct key_pair *client)
{
	const char *const new[] = {"--new", "--name", "bench", NULL};
	const char *const allow[] = {
		"allow", client->public, "--role", "submit", "--name", "client", NULL};
	g_autofree char *made = run_keys(home, new);
	g_autofree char *allowed = made ? run_keys(home, allow) : NULL;

	return allowed ? find_key(made) : NULL;
}

/* A port of this machine that nobody listens at. */
static char *free_endpoint(void *context)
{
	void *socket = zmq_socket(context, ZMQ_DEALER);
	char endpoint[64];
	size_t size = sizeof(endpoint);

	g_assert_cmpint(zmq_bind(socket, "tcp://127.0.0.1:*"), ==, 0);
	g_assert_cmpint(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size), ==, 0);
	zmq_close(socket);
	return g_strdup(endpoint);
}

/* ---- both --------------------------------------------------------------------------------- */

static void measure(struct submission_load *forge, void *const *echo_clients)
{
	struct figure *figure = figure_new("curve_submit", "submissions/s");

	for (int i = 0; i < ROUNDS; i++) {
		double limit = run_echo(echo_clients, submission_load_bytes(forge));

		figure_add(figure, submission_load_run(forge, WINDOW, SLICE_MS), limit);
	}
	figure_print(figure);
}

static void bench_curve(struct server_process *server, const char *server_key,
	const struct key_pair *client, void *context)
{
	struct forge_keys keys = {server_key, client->public, client->secret};
	g_autofree char *endpoint = free_endpoint(context);
	g_autofree char *echo_endpoint = free_endpoint(context);
	struct echo echo = {.socket = zmq_socket(context, ZMQ_ROUTER)};
	void *echo_clients[CLIENTS];
	struct key_pair echo_keys;
	struct submission_load *forge;
	GThread *thread;

	server_process_start_forge_at(server, endpoint, server_key);
	forge = submission_load_forge(endpoint, CLIENTS, &keys);
	draw_keys(&echo_keys);
	set_option(echo.socket, ZMQ_CURVE_SERVER, 1);
	set_option(echo.socket, ZMQ_RCVTIMEO, 100);
	zmq_setsockopt(echo.socket, ZMQ_CURVE_SECRETKEY, echo_keys.secret, KEY_CHARACTERS + 1);
	g_assert_cmpint(zmq_bind(echo.socket, echo_endpoint), ==, 0);
	for (guint i = 0; i < CLIENTS; i++)
		echo_clients[i] = echo_client(context, echo_endpoint, &echo_keys, client);
	thread = g_thread_new("echo", send_back, &echo);
	measure(forge, echo_clients);
	submission_load_free(forge);
	g_atomic_int_set(&echo.stopping, 1);
	g_thread_join(thread);
	for (guint i = 0; i < CLIENTS; i++)
		zmq_close(echo_clients[i]);
	zmq_close(echo.socket);
}

int main(void)
{
	scoped(server_process) server = server_process_new("curve");
	g_autofree char *server_key = NULL;
	struct key_pair client;
	void *context = zmq_ctx_new();

	draw_keys(&client);
	server_key = make_keys(server->folder, &client);
	if (server_key)
		bench_curve(server, server_key, &client, context);
	else
		fprintf(stderr, "curve_submit: this forge has no keys: not measured\n");
	zmq_ctx_term(context);
	return 0;
}
