/*
 * The door to ZeroMQ. Every default that is unsafe is set here: no lingering at the end, bounded
 * messages, heartbeats, a short handshake, and mandatory routing, so that a message to somebody who
 * left is known to be lost.
 *
 * A listening address is free once its socket is closed: ZeroMQ closes in the background and would
 * delete the file of whoever listens there next.
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

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"

#define ROUTING_BYTES 16
#define WAIT_SOCKETS_MAX 4
#define IPC "ipc://"

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
	char *listens_at; /* NULL: it does not listen */
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
	set_option(socket->zmq, ZMQ_SNDHWM, LIMIT_SOCKET_MESSAGES);
	set_option(socket->zmq, ZMQ_RCVHWM, LIMIT_SOCKET_MESSAGES);
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
	if (socket->listens_at)
		stop_listening(socket);
	zmq_close(socket->zmq);
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

struct bus_socket *bus_listen(struct bus *bus, const char *endpoint, GError **error)
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
	if (zmq_bind(socket->zmq, address) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE,
			"cannot listen on %s: %s", endpoint, zmq_strerror(errno));
		return NULL;
	}
	if (zmq_getsockopt(socket->zmq, ZMQ_LAST_ENDPOINT, bound, &size) == 0)
		socket->listens_at = g_strdup(bound);
	return g_steal_pointer(&socket);
}

struct bus_socket *bus_connect(struct bus *bus, const char *endpoint, GError **error)
{
	scoped(bus_socket) socket = open_socket(bus, ZMQ_DEALER, SOCKET_CONNECTS);
	uint8_t routing[ROUTING_BYTES];

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
	if (socket->role != SOCKET_CONNECTS && !send_frame(socket, routing, ZMQ_SNDMORE))
		return FALSE;
	return send_frame(socket, message, 0);
}

static void release_message(gpointer data)
{
	zmq_msg_t *message = data;

	zmq_msg_close(message);
	g_free(message);
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
			if (second && !more) {
				if (routing)
					*routing = g_steal_pointer(&first);
				return g_steal_pointer(&second);
			}
		}
		skip_rest(socket, more);
	}
}

gboolean bus_wait(struct bus_socket *const *sockets, size_t n, int64_t timeout_ms)
{
	zmq_pollitem_t items[WAIT_SOCKETS_MAX];

	g_assert(n <= WAIT_SOCKETS_MAX);
	for (size_t i = 0; i < n; i++)
		items[i] = (zmq_pollitem_t){.socket = sockets[i]->zmq, .events = ZMQ_POLLIN};
	return zmq_poll(items, (int)n, (long)timeout_ms) > 0;
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
