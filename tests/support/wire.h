#ifndef FORGE_TESTS_SUPPORT_WIRE_H
#define FORGE_TESTS_SUPPORT_WIRE_H

#include <glib.h>
#include <stdint.h>

#include "queue/bus.h"
#include "queue/messages.pb-c.h"

/*
 * Both ends of the protocol for tests that play one of them. Everything that waits fails the test
 * after WIRE_WAIT_MS.
 */
#define WIRE_WAIT_MS 20000

/** A message with who sent it (on a listening socket). */
struct wire_request {
	GBytes *routing;
	Forge__Request *request;
};
void wire_request_clear(struct wire_request *message);
SCOPED_VALUE(wire_request, wire_request_clear)

/** An `ipc://` address in FOLDER. Caller frees. */
char *wire_endpoint(const char *folder);

/** The next request at SOCKET of KIND; others are dropped. Caller clears. */
struct wire_request wire_await_request(struct bus_socket *socket, Forge__Request__KindCase kind);

/** The next request at SOCKET within WAIT_MS, whatever it is; FALSE if none comes. */
gboolean wire_next_request(
	struct bus_socket *socket, int64_t wait_ms, struct wire_request *message);

/** Answers TO with PAYLOAD, whose reply kind is KIND. */
void wire_answer(struct bus_socket *socket, const struct wire_request *to,
	Forge__Reply__KindCase kind, gpointer payload);

/** Sends ROUTING a reply that answers nothing. */
void wire_tell(
	struct bus_socket *socket, GBytes *routing, Forge__Reply__KindCase kind, gpointer payload);

/** Sends a request under ID. */
void wire_ask(
	struct bus_socket *socket, uint64_t id, Forge__Request__KindCase kind, gpointer payload);

/** The next reply to ID, dropping others. Caller frees with forge__reply__free_unpacked(). */
Forge__Reply *wire_await_reply(struct bus_socket *socket, uint64_t id);

/** The next reply within WAIT_MS, whatever it is; NULL if none comes. */
Forge__Reply *wire_next_reply(struct bus_socket *socket, int64_t wait_ms);

#endif
