/*
 * The door to ZeroMQ. Every default that is unsafe is set here: no lingering at the end, bounded
 * messages, heartbeats, a short handshake, and mandatory routing, so that a message to somebody who
 * left is known to be lost.
 *
 * A listening address is free once its socket is closed: ZeroMQ closes in the background and would
 * delete the file of whoever listens there next.
 *
 * No peer can cost more memory than its share: what it sends waits in its connection once the socket
 * holds so many messages of it, and what it does not read is dropped past so many bytes.
 *
 * Nothing above relies on a message arriving: requests are sent again, grants that get lost come
 * back by heartbeats, and tails read the journal. So a full or vanished peer costs a dropped
 * message and never a wait.
 */
#include "queue/bus.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "queue/bus_crowd.h"
#include "queue/bus_gate.h"
#include "queue/bus_outflow.h"

#define ROUTING_BYTES 16
#define WAIT_SOCKETS_MAX 4
#define IPC "ipc://"
/* The property of a message by which ZeroMQ says what its gate said of its sender. */
#define USER_ID "User-Id"

enum socket_role {
	SOCKET_LISTENS,
	SOCKET_CONNECTS,
	SOCKET_PIPE,
};

struct bus {
	void *context;
};

struct bus_socket {
	void *zmq;
	void *context; /* the bus's */
	enum socket_role role;
	/* Of a socket that listens. */
	char *listens_at;
	struct bus_crowd *crowd;
	struct bus_outflow *outflow;
	struct bus_gate *gate;           /* NULL: without keys */
	char sender[KEY_CHARACTERS + 1]; /* of the last message, with them */
};

struct bus *bus_new(void)
{
	struct bus *bus = g_new0(struct bus, 1);

	bus->context = zmq_ctx_new();
	g_assert(bus->context);
	return bus;
}

void bus_free(struct bus *bus)
{
	if (!bus)
		return;
	/* Interrupted by a signal it has to be called again. */
	while (zmq_ctx_term(bus->context) != 0 && errno == EINTR)
		continue;
	g_free(bus);
}

static void set_option(void *zmq, int option, int value)
{
	int result = zmq_setsockopt(zmq, option, &value, sizeof(value));

	g_assert(result == 0);
}

static struct bus_socket *open_socket(struct bus *bus, int type, enum socket_role role)
{
	struct bus_socket *socket = g_new0(struct bus_socket, 1);
	int64_t message_bytes = LIMIT_MESSAGE_BYTES;

	socket->zmq = zmq_socket(bus->context, type);
	g_assert(socket->zmq);
	socket->context = bus->context;
	socket->role = role;
	set_option(socket->zmq, ZMQ_LINGER, role == SOCKET_PIPE ? 0 : LIMIT_LINGER_MS);
	set_option(socket->zmq, ZMQ_SNDHWM,
		role == SOCKET_LISTENS ? LIMIT_PEER_UNSENT_MESSAGES : LIMIT_SOCKET_MESSAGES);
	set_option(socket->zmq, ZMQ_RCVHWM,
		role == SOCKET_LISTENS ? LIMIT_PEER_UNREAD_MESSAGES : LIMIT_SOCKET_MESSAGES);
	if (role == SOCKET_PIPE)
		return socket;
	zmq_setsockopt(socket->zmq, ZMQ_MAXMSGSIZE, &message_bytes, sizeof(message_bytes));
	set_option(socket->zmq, ZMQ_HEARTBEAT_IVL, LIMIT_HEARTBEAT_MS * 2);
	set_option(socket->zmq, ZMQ_HEARTBEAT_TIMEOUT, LIMIT_LEASE_MS);
	set_option(socket->zmq, ZMQ_HANDSHAKE_IVL, LIMIT_HANDSHAKE_MS);
	set_option(socket->zmq, ZMQ_RECONNECT_IVL, LIMIT_RECONNECT_MS);
	set_option(socket->zmq, ZMQ_RECONNECT_IVL_MAX, LIMIT_HEARTBEAT_MS);
	return socket;
}

/* Stops listening and waits until the address is free. What was sent before still goes out. */
static void stop_listening(struct bus_socket *socket)
{
	g_autofree char *name = g_strdup_printf("inproc://closed-%p", (void *)socket);
	zmq_pollitem_t item = {.events = ZMQ_POLLIN};

	if (zmq_socket_monitor(socket->zmq, name, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED) != 0)
		return;
	item.socket = zmq_socket(socket->context, ZMQ_PAIR);
	g_assert(item.socket);
	set_option(item.socket, ZMQ_LINGER, 0);
	if (zmq_connect(item.socket, name) == 0 && zmq_unbind(socket->zmq, socket->listens_at) == 0)
		while (zmq_poll(&item, 1, LIMIT_LINGER_MS) < 0 && errno == EINTR)
			continue;
	zmq_socket_monitor(socket->zmq, NULL, 0);
	zmq_close(item.socket);
}

void bus_socket_close(struct bus_socket *socket)
{
	if (!socket)
		return;
	bus_gate_free(socket->gate);
	bus_crowd_free(socket->crowd);
	if (socket->listens_at)
		stop_listening(socket);
	zmq_close(socket->zmq);
	bus_outflow_free(socket->outflow);
	g_free(socket->listens_at);
	g_free(socket);
}

/* TRUE if somebody accepts connections at PATH. ZeroMQ would take the address away from them. */
static gboolean is_listened_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int descriptor;
	gboolean taken;

	if (strlen(path) >= sizeof(address.sun_path))
		return FALSE;
	memcpy(address.sun_path, path, strlen(path));
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return FALSE;
	taken = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		errno == EAGAIN;
	close(descriptor);
	return taken;
}

/* ZeroMQ listens on addresses and interfaces, not on names. Caller frees. */
static char *address_of(const char *endpoint)
{
	static const char by_name[] = "tcp://localhost:";

	if (g_str_has_prefix(endpoint, by_name))
		return g_strconcat("tcp://127.0.0.1:", endpoint + strlen(by_name), NULL);
	return g_strdup(endpoint);
}

struct bus_socket *bus_listen_guarded(
	struct bus *bus, const char *endpoint, const struct bus_guard *guard, GError **error)
{
	scoped(bus_socket) socket = open_socket(bus, ZMQ_ROUTER, SOCKET_LISTENS);
	g_autofree char *address = address_of(endpoint);
	char bound[LIMIT_ENDPOINT_BYTES];
	size_t size = sizeof(bound);

	if (g_str_has_prefix(endpoint, IPC) && is_listened_at(endpoint + strlen(IPC))) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE,
			"cannot listen on %s: another process does", endpoint);
		return NULL;
	}
	set_option(socket->zmq, ZMQ_ROUTER_MANDATORY, 1);
	/* A peer that connects again before its old connection is noticed dead is the same peer. */
	set_option(socket->zmq, ZMQ_ROUTER_HANDOVER, 1);
	set_option(socket->zmq, ZMQ_BACKLOG, LIMIT_BACKLOG);
	socket->outflow = bus_outflow_new();
	/* To a Unix socket comes only who may open its folder. */
	if (!g_str_has_prefix(endpoint, IPC))
		socket->crowd = bus_crowd_new(bus->context, socket->zmq);
	if (guard && !(socket->gate = bus_gate_new(bus->context, socket->zmq, guard, error)))
		return NULL;
	if (zmq_bind(socket->zmq, address) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE,
			"cannot listen on %s: %s", endpoint, zmq_strerror(errno));
		return NULL;
	}
	if (zmq_getsockopt(socket->zmq, ZMQ_LAST_ENDPOINT, bound, &size) == 0)
		socket->listens_at = g_strdup(bound);
	return g_steal_pointer(&socket);
}

struct bus_socket *bus_listen(struct bus *bus, const char *endpoint, GError **error)
{
	return bus_listen_guarded(bus, endpoint, NULL, error);
}

static gboolean set_keys(struct bus_socket *socket, const struct key_pair *own,
	const char *server_key, GError **error)
{
	/* ZeroMQ takes a public key as text with its NUL, and a secret one as bytes. */
	if (key_text_is_valid(server_key) &&
		zmq_setsockopt(socket->zmq, ZMQ_CURVE_SERVERKEY, server_key, KEY_CHARACTERS + 1) ==
			0 &&
		zmq_setsockopt(socket->zmq, ZMQ_CURVE_PUBLICKEY, key_pair_public(own),
			KEY_CHARACTERS + 1) == 0 &&
		zmq_setsockopt(socket->zmq, ZMQ_CURVE_SECRETKEY, key_pair_secret(own), KEY_BYTES) ==
			0)
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
		"scheduler.server_key is no key that can be used");
	return FALSE;
}

static struct bus_socket *connect_to(struct bus *bus, const char *endpoint,
	const struct key_pair *own, const char *server_key, GError **error)
{
	scoped(bus_socket) socket = open_socket(bus, ZMQ_DEALER, SOCKET_CONNECTS);
	uint8_t routing[ROUTING_BYTES];

	if (own && !set_keys(socket, own, server_key, error))
		return NULL;
	hash_random(routing, sizeof(routing));
	/* A first byte of 0 is reserved for identities that the listening side makes up. */
	routing[0] |= 1;
	zmq_setsockopt(socket->zmq, ZMQ_ROUTING_ID, routing, sizeof(routing));
	if (zmq_connect(socket->zmq, endpoint) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE,
			"cannot connect to %s: %s", endpoint, zmq_strerror(errno));
		return NULL;
	}
	return g_steal_pointer(&socket);
}

struct bus_socket *bus_connect(struct bus *bus, const char *endpoint, GError **error)
{
	return connect_to(bus, endpoint, NULL, NULL, error);
}

struct bus_socket *bus_connect_secured(struct bus *bus, const char *endpoint,
	const struct key_pair *own, const char *server_key, GError **error)
{
	return connect_to(bus, endpoint, own, server_key, error);
}

char *bus_pipe_name(const char *whose)
{
	uint64_t random;

	hash_random(&random, sizeof(random));
	return g_strdup_printf("%s-%016" G_GINT64_MODIFIER "x", whose, random);
}

struct bus_socket *bus_pull(struct bus *bus, const char *name)
{
	struct bus_socket *socket = open_socket(bus, ZMQ_PULL, SOCKET_PIPE);
	g_autofree char *endpoint = g_strdup_printf("inproc://%s", name);
	int result = zmq_bind(socket->zmq, endpoint);

	g_assert(result == 0);
	return socket;
}

struct bus_socket *bus_push(struct bus *bus, const char *name)
{
	struct bus_socket *socket = open_socket(bus, ZMQ_PUSH, SOCKET_PIPE);
	g_autofree char *endpoint = g_strdup_printf("inproc://%s", name);
	int result = zmq_connect(socket->zmq, endpoint);

	g_assert(result == 0);
	return socket;
}

static gboolean send_frame(struct bus_socket *socket, GBytes *frame, int flags)
{
	gsize size = 0;
	const void *data = frame ? g_bytes_get_data(frame, &size) : "";
	int result;

	do
		result = zmq_send(socket->zmq, data, size, flags | ZMQ_DONTWAIT);
	while (result < 0 && errno == EINTR);
	return result >= 0;
}

gboolean bus_send(struct bus_socket *socket, GBytes *routing, GBytes *message)
{
	g_assert(routing || socket->role != SOCKET_LISTENS);
	if (socket->role == SOCKET_LISTENS)
		return bus_outflow_has_room(socket->outflow, routing, g_bytes_get_size(message)) &&
			send_frame(socket, routing, ZMQ_SNDMORE) &&
			bus_outflow_send(socket->outflow, socket->zmq, routing, message);
	if (socket->role == SOCKET_PIPE && !send_frame(socket, routing, ZMQ_SNDMORE))
		return FALSE;
	return send_frame(socket, message, 0);
}

static void release_message(gpointer data)
{
	zmq_msg_t *message = data;

	zmq_msg_close(message);
	g_free(message);
}

/* Who sent MESSAGE. Only a guarded socket's peers cannot say so themselves. */
static void note_sender(struct bus_socket *socket, zmq_msg_t *message)
{
	const char *key = zmq_msg_gets(message, USER_ID);

	g_strlcpy(socket->sender, key ? key : "", sizeof(socket->sender));
}

/* One frame; NULL if there is none now. */
static GBytes *receive_frame(struct bus_socket *socket, gboolean *more)
{
	zmq_msg_t *message = g_new(zmq_msg_t, 1);
	int result;

	zmq_msg_init(message);
	do
		result = zmq_msg_recv(message, socket->zmq, ZMQ_DONTWAIT);
	while (result < 0 && errno == EINTR);
	if (result < 0) {
		release_message(message);
		return NULL;
	}
	*more = zmq_msg_more(message) != 0;
	if (socket->gate)
		note_sender(socket, message);
	return g_bytes_new_with_free_func(
		zmq_msg_data(message), zmq_msg_size(message), release_message, message);
}

static void skip_rest(struct bus_socket *socket, gboolean more)
{
	while (more) {
		g_autoptr(GBytes) frame = receive_frame(socket, &more);

		if (!frame)
			return;
	}
}

GBytes *bus_receive(struct bus_socket *socket, GBytes **routing)
{
	for (;;) {
		g_autoptr(GBytes) first = NULL;
		g_autoptr(GBytes) second = NULL;
		gboolean more = FALSE;

		first = receive_frame(socket, &more);
		if (!first)
			return NULL;
		if (socket->role == SOCKET_CONNECTS && !more)
			return g_steal_pointer(&first);
		if (socket->role != SOCKET_CONNECTS && more) {
			second = receive_frame(socket, &more);
			if (second && !more && (!socket->gate || *socket->sender)) {
				if (routing)
					*routing = g_steal_pointer(&first);
				return g_steal_pointer(&second);
			}
		}
		skip_rest(socket, more);
	}
}

const char *bus_sender(const struct bus_socket *socket)
{
	return socket->gate ? socket->sender : NULL;
}

/* TRUE if somebody knocked at one of N sockets' gates; the items of these, COUNT, are at ITEMS. */
static gboolean serve_gates(
	struct bus_socket *const *sockets, size_t n, const zmq_pollitem_t *items, size_t count)
{
	gboolean busy = FALSE;

	for (size_t i = 0; i < count; i++)
		busy |= items[i].revents != 0;
	for (size_t i = 0; i < n && busy; i++)
		if (sockets[i]->gate)
			bus_gate_serve(sockets[i]->gate);
	return busy;
}

static gboolean has_message(const zmq_pollitem_t *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].revents != 0)
			return TRUE;
	return FALSE;
}

gboolean bus_wait(struct bus_socket *const *sockets, size_t n, int64_t timeout_ms)
{
	zmq_pollitem_t items[2 * WAIT_SOCKETS_MAX];
	int64_t until_ms = clock_now().monotonic_ms + MAX(timeout_ms, 0);
	size_t count = n;

	g_assert(n <= WAIT_SOCKETS_MAX);
	for (size_t i = 0; i < n; i++)
		items[i] = (zmq_pollitem_t){.socket = sockets[i]->zmq, .events = ZMQ_POLLIN};
	for (size_t i = 0; i < n; i++)
		if (sockets[i]->gate)
			items[count++] = (zmq_pollitem_t){
				.socket = bus_gate_knocks(sockets[i]->gate), .events = ZMQ_POLLIN};
	/* A knock is no message. */
	for (;;) {
		int64_t left_ms = MAX(until_ms - clock_now().monotonic_ms, 0);

		if (zmq_poll(items, (int)count, timeout_ms < 0 ? -1 : (long)left_ms) <= 0)
			return FALSE;
		if (!serve_gates(sockets, n, items + n, count - n) || has_message(items, n))
			return has_message(items, n);
		if (timeout_ms >= 0 && left_ms == 0)
			return FALSE;
	}
}

/* TRUE for `127.N.N.N:…`, digits only: a name may begin with 127 too. */
static gboolean is_loopback_number(const char *address)
{
	return g_str_has_prefix(address, "127.") &&
		address[strspn(address, G_CSET_DIGITS ".")] == ':';
}

gboolean bus_endpoint_is_local(const char *endpoint)
{
	return g_str_has_prefix(endpoint, IPC) || g_str_has_prefix(endpoint, "inproc://") ||
		(g_str_has_prefix(endpoint, "tcp://") &&
			is_loopback_number(endpoint + strlen("tcp://"))) ||
		g_str_has_prefix(endpoint, "tcp://localhost:") ||
		g_str_has_prefix(endpoint, "tcp://[::1]:");
}
