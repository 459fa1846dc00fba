/*
 * A command's conversation with the scheduler: hello, one request at a time, and patience. A
 * scheduler may go away between a request and its reply; then the client says hello to whoever is
 * there next and asks again. That is safe because everything that changes something carries an id
 * of its own, made here.
 */
#include "cli/client.h"

#include <unistd.h>

#include "cli/embed.h"
#include "cli/scheduler_keys.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/bus.h"
#include "queue/protocol.h"
#include "queue/reply_check.h"

struct client {
	struct bus *bus;
	struct embed *embed; /* NULL: a configured scheduler */
	struct bus_socket *socket;
	char *endpoint;
	char *name;
	uint64_t next_id;
	gboolean welcomed;
	gboolean secured; /* both sides prove keys, and silence may mean that one does not fit */
};

/* The one flag that a signal handler may set. */
static volatile gint interrupted;

void client_interrupt(void)
{
	g_atomic_int_set(&interrupted, 1);
}

char *client_request_id(void)
{
	uint8_t random[16];
	GString *text = g_string_new(NULL);

	hash_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		g_string_append_printf(text, "%02x", random[i]);
	return g_string_free(text, FALSE);
}

gboolean client_is_embedded(const struct client *client)
{
	return client->embed != NULL;
}

/* ---- one exchange ------------------------------------------------------------------------- */

static gboolean fail_reply(const Forge__Error *failure, GError **error)
{
	g_set_error_literal(
		error, FORGE_ERROR, (gint)forge_error_from_name(failure->code), failure->message);
	return FALSE;
}

static void say_hello(struct client *client)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Hello hello = FORGE__HELLO__INIT;
	g_autoptr(GBytes) message = NULL;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_CLIENT;
	hello.build = (char *)FORGE_VERSION;
	hello.name = client->name;
	if (client->embed)
		hello.owner = (char *)embed_owner(client->embed);
	request.id = client->next_id++;
	request.kind_case = FORGE__REQUEST__KIND_HELLO;
	request.hello = &hello;
	message = message_pack(&request.base);
	bus_send(client->socket, NULL, message);
}

static Forge__Reply *receive(struct client *client, int64_t wait_ms)
{
	g_autoptr(GBytes) message = NULL;
	const uint8_t *data;
	gsize size;

	if (!bus_wait(&client->socket, 1, wait_ms))
		return NULL;
	message = bus_receive(client->socket, NULL);
	if (!message)
		return NULL;
	data = g_bytes_get_data(message, &size);
	return forge__reply__unpack(NULL, size, data);
}

/* Whether waiting still makes sense. */
static gboolean may_wait(
	struct client *client, int64_t silent_since_ms, int64_t patience_ms, GError **error)
{
	const GError *failure = client->embed ? embed_failure(client->embed) : NULL;

	if (g_atomic_int_get(&interrupted)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED, "interrupted");
		return FALSE;
	}
	if (failure) {
		g_propagate_error(error, g_error_copy(failure));
		return FALSE;
	}
	if (clock_now().monotonic_ms - silent_since_ms <= patience_ms)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE,
		"no scheduler answers at %s%s", client->endpoint,
		client->secured ? ": none runs there, scheduler.server_key is not its key, or it "
				  "does not know this installation's, which `forge config keys` "
				  "prints and `forge config keys allow` there lets in"
				: "");
	return FALSE;
}

/* An exchange under way. */
struct exchange {
	GBytes *message;
	uint64_t id;
	int64_t answer_ms; /* how long an answer may take before it is asked again */
	int64_t asked_ms;  /* last time it was sent, or hello was said */
	int64_t heard_ms;
};

static void ask(struct client *client, struct exchange *exchange)
{
	if (client->welcomed)
		bus_send(client->socket, NULL, exchange->message);
	else
		say_hello(client);
	exchange->asked_ms = clock_now().monotonic_ms;
}

/* TRUE if REPLY is the answer; everything else is dealt with here. */
static gboolean is_answer(
	struct client *client, struct exchange *exchange, const Forge__Reply *reply)
{
	if (reply->kind_case == FORGE__REPLY__KIND_GOODBYE) {
		client->welcomed = FALSE;
		ask(client, exchange);
		return FALSE;
	}
	if (reply->kind_case == FORGE__REPLY__KIND_WELCOME) {
		if (!client->welcomed) {
			client->welcomed = TRUE;
			ask(client, exchange);
		}
		return FALSE;
	}
	return reply->id == exchange->id ||
		(!client->welcomed && reply->kind_case == FORGE__REPLY__KIND_ERROR);
}

static void ask_again_if_silent(struct client *client, struct exchange *exchange)
{
	int64_t now_ms = clock_now().monotonic_ms;

	if (!client->welcomed && now_ms - exchange->asked_ms > LIMIT_HELLO_MS) {
		ask(client, exchange);
	} else if (client->welcomed && now_ms - exchange->asked_ms > exchange->answer_ms) {
		/* Perhaps another scheduler by now: it will say so. */
		client->welcomed = FALSE;
		ask(client, exchange);
	}
}

static Forge__Reply *converse(
	struct client *client, Forge__Request *request, int64_t answer_ms, GError **error)
{
	struct exchange exchange = {.id = client->next_id++, .answer_ms = answer_ms};
	int64_t patience_ms = (client->embed ? LIMIT_EMBED_PATIENCE_MS : LIMIT_DAEMON_PATIENCE_MS) +
		answer_ms;
	g_autoptr(GBytes) message = NULL;
	GError *failure = NULL;

	request->id = exchange.id;
	exchange.message = message = message_pack(&request->base);
	exchange.heard_ms = clock_now().monotonic_ms;
	ask(client, &exchange);
	while (may_wait(client, exchange.heard_ms, patience_ms, error)) {
		Forge__Reply *reply = receive(client, LIMIT_HELLO_MS / 2);

		if (!reply) {
			ask_again_if_silent(client, &exchange);
			continue;
		}
		exchange.heard_ms = clock_now().monotonic_ms;
		if (is_answer(client, &exchange, reply) && reply_check(reply, &failure))
			return reply;
		forge__reply__free_unpacked(reply, NULL);
		if (failure) {
			g_propagate_error(error, failure);
			return NULL;
		}
	}
	return NULL;
}

Forge__Reply *client_call(struct client *client, Forge__Request *request, GError **error)
{
	Forge__Reply *reply = converse(client, request, LIMIT_ANSWER_MS, error);

	if (!reply || reply->kind_case != FORGE__REPLY__KIND_ERROR)
		return reply;
	fail_reply(reply->error, error);
	forge__reply__free_unpacked(reply, NULL);
	return NULL;
}

Forge__Reply *client_read_events(
	struct client *client, uint64_t from, uint64_t batch, uint32_t wait_ms, GError **error)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__ReadEvents read = FORGE__READ_EVENTS__INIT;
	Forge__Reply *reply;

	read.from = from;
	read.batch = batch;
	/* Not longer than it may take to notice that the scheduler was killed. */
	read.wait_ms = MIN(wait_ms, LIMIT_HEARTBEAT_MS);
	request.kind_case = FORGE__REQUEST__KIND_READ_EVENTS;
	request.read_events = &read;
	reply = converse(client, &request, read.wait_ms + LIMIT_ANSWER_MS, error);
	if (!reply || reply->kind_case != FORGE__REPLY__KIND_ERROR)
		return reply;
	fail_reply(reply->error, error);
	forge__reply__free_unpacked(reply, NULL);
	return NULL;
}

/* ---- making and freeing ------------------------------------------------------------------- */

static gboolean connect_to_daemon(
	struct client *client, const struct config *config, GError **error)
{
	scoped(key_pair) own = NULL;

	if (!scheduler_keys_read(config, &own, error))
		return FALSE;
	client->endpoint = g_strdup(config->scheduler_endpoint);
	client->secured = own != NULL;
	client->socket = own ? bus_connect_secured(client->bus, client->endpoint, own,
				       config->scheduler_server_key, error)
			     : bus_connect(client->bus, client->endpoint, error);
	return client->socket != NULL;
}

static gboolean attach(struct client *client, const struct config *config, enum client_use use,
	uint32_t worker_jobs, GError **error)
{
	if (config->scheduler_endpoint)
		return connect_to_daemon(client, config, error);
	client->embed = embed_new(client->bus, config, error);
	if (!client->embed)
		return FALSE;
	client->endpoint = g_strdup(embed_endpoint(client->embed));
	client->socket = bus_connect(client->bus, client->endpoint, error);
	if (!client->socket)
		return FALSE;
	if (use == CLIENT_READS)
		return TRUE;
	return embed_start_worker(
		client->embed, worker_jobs ? worker_jobs : (uint32_t)config->worker_jobs, error);
}

struct client *client_new(
	const struct config *config, enum client_use use, uint32_t worker_jobs, GError **error)
{
	scoped(client) client = g_new0(struct client, 1);

	client->bus = bus_new();
	client->next_id = 1;
	client->name = g_strdup_printf("%s:%d", g_get_host_name(), (int)getpid());
	return attach(client, config, use, worker_jobs, error) ? g_steal_pointer(&client) : NULL;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	if (client->socket && client->welcomed) {
		Forge__Request request = FORGE__REQUEST__INIT;
		Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;
		g_autoptr(GBytes) message = NULL;

		request.id = client->next_id++;
		request.kind_case = FORGE__REQUEST__KIND_GOODBYE;
		request.goodbye = &goodbye;
		message = message_pack(&request.base);
		bus_send(client->socket, NULL, message);
	}
	embed_free(client->embed);
	g_clear_pointer(&client->socket, bus_socket_close);
	bus_free(client->bus);
	g_free(client->endpoint);
	g_free(client->name);
	g_free(client);
}
