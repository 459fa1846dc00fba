#ifndef FORGE_QUEUE_BUS_H
#define FORGE_QUEUE_BUS_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "queue/key_pair.h"

/**
 * The sockets of one process. One bus may be shared by threads; a socket belongs to the thread that
 * made it.
 */
struct bus;

struct bus *bus_new(void);

/** Every socket must have been closed. */
void bus_free(struct bus *bus);
SCOPED_POINTER(bus, bus_free)

struct bus_socket;

/** Of a listening socket the address is free when this returns. */
void bus_socket_close(struct bus_socket *socket);
SCOPED_POINTER(bus_socket, bus_socket_close)

/**
 * A socket that many peers connect to, at ENDPOINT (ipc://, tcp://); SCHEDULER_UNREACHABLE says why
 * it cannot be. The file of an ipc:// address that nobody listens at any more is replaced.
 */
struct bus_socket *bus_listen(struct bus *bus, const char *endpoint, GError **error);

/** Who may connect to a socket that listens with keys. */
struct bus_guard {
	const struct key_pair
		*own; /**< by which peers know the socket; copied by bus_listen_guarded() */
	/** TRUE if whoever proves PUBLIC_KEY may come in. Called by bus_wait(), in its thread. */
	gboolean (*admits)(const char *public_key, gpointer user_data);
	gpointer user_data;
};

/**
 * The same for peers that prove a key, over CURVE: encrypted, and bus_sender() says whose each
 * message is. Whoever cannot prove one, or is not admitted, gets no answer at all. At most one such
 * socket a bus.
 */
struct bus_socket *bus_listen_guarded(
	struct bus *bus, const char *endpoint, const struct bus_guard *guard, GError **error);

/** A socket that talks to one bus_listen(); connects, and connects again, by itself. */
struct bus_socket *bus_connect(struct bus *bus, const char *endpoint, GError **error);

/** The same for a bus_listen_guarded() whose public key is SERVER_KEY (text); OWN (copied) is what
 * this side proves. To any other listener it never connects. */
struct bus_socket *bus_connect_secured(struct bus *bus, const char *endpoint,
	const struct key_pair *own, const char *server_key, GError **error);

/**
 * A name for a pipe that begins with WHOSE and that nobody has had: a closed pipe's name is free
 * only some time later. Caller frees.
 */
char *bus_pipe_name(const char *whose);

/** Ends of a pipe between threads of this process, by NAME:
 * many may push, one pulls. The puller comes first. */
struct bus_socket *bus_pull(struct bus *bus, const char *name);
struct bus_socket *bus_push(struct bus *bus, const char *name);

/**
 * Sends MESSAGE; ROUTING (as bus_receive() gave it) says to whom on a listening socket and is
 * passed on by a pipe, and is NULL on a connected one. Never waits. FALSE if the peer is gone or
 * takes nothing more, or has LIMIT_PEER_UNSENT_BYTES to read: the message is dropped.
 */
gboolean bus_send(struct bus_socket *socket, GBytes *routing, GBytes *message);

/**
 * The next message that is there, NULL if none is. ROUTING (may be NULL on a connected socket) gets
 * the sender, NULL if there is none. Malformed messages are dropped.
 */
GBytes *bus_receive(struct bus_socket *socket, GBytes **routing);

/** The public key (text) that the sender of the last message received has proved; NULL on a socket
 * without keys. Borrowed until the next bus_receive(). */
const char *bus_sender(const struct bus_socket *socket);

/**
 * Waits until one of SOCKETS (N of them) has a message, a signal comes or TIMEOUT_MS (-1: for ever)
 * is over. TRUE if there is a message.
 */
gboolean bus_wait(struct bus_socket *const *sockets, size_t n, int64_t timeout_ms);

/** Peers whose addresses may be listened on or connected to
 * without encryption: ipc://, inproc://, tcp:// on loopback. */
gboolean bus_endpoint_is_local(const char *endpoint);

#endif
