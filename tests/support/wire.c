/*
 * Messages of the protocol, packed and unpacked for tests.
 */
#include "tests/support/wire.h"

#include "journal/base/clock.h"
#include "journal/message.h"

void wire_request_clear(struct wire_request *message)
{
	g_clear_pointer(&message->routing, g_bytes_unref);
	if (message->request)
		forge__request__free_unpacked(message->request, NULL);
	message->request = NULL;
}

char *wire_endpoint(const char *folder)
{
	return g_strdup_printf("ipc://%s/socket", folder);
}

/* A message at SOCKET by UNTIL_MS, or NULL. */
static GBytes *await_message(struct bus_socket *socket, int64_t until_ms, GBytes **routing)
{
	for (;;) {
		GBytes *message = bus_receive(socket, routing);
		int64_t left_ms = until_ms - clock_now().monotonic_ms;

		if (message || left_ms <= 0)
			return message;
		bus_wait(&socket, 1, left_ms);
	}
}

gboolean wire_next_request(struct bus_socket *socket, int64_t wait_ms, struct wire_request *message)
{
	GBytes *routing = NULL;
	g_autoptr(GBytes)
		bytes = await_message(socket, clock_now().monotonic_ms + wait_ms, &routing);
	const uint8_t *data;
	gsize size;

	if (!bytes)
		return FALSE;
	data = g_bytes_get_data(bytes, &size);
	message->routing = routing;
	message->request = forge__request__unpack(NULL, size, data);
	g_assert_nonnull(message->request);
	return TRUE;
}

struct wire_request wire_await_request(struct bus_socket *socket, Forge__Request__KindCase kind)
{
	for (;;) {
		struct wire_request message = {0};

		if (!wire_next_request(socket, WIRE_WAIT_MS, &message))
			g_error("no request of kind %d came", kind);
		if (message.request->kind_case == kind)
			return message;
		wire_request_clear(&message);
	}
}

static void reply(struct bus_socket *socket, GBytes *routing, uint64_t id,
	Forge__Reply__KindCase kind, gpointer payload)
{
	Forge__Reply message = FORGE__REPLY__INIT;
	g_autoptr(GBytes) bytes = NULL;

	message.id = id;
	message.kind_case = kind;
	message.done = payload;
	bytes = message_pack(&message.base);
	bus_send(socket, routing, bytes);
}

void wire_answer(struct bus_socket *socket, const struct wire_request *to,
	Forge__Reply__KindCase kind, gpointer payload)
{
	reply(socket, to->routing, to->request->id, kind, payload);
}

void wire_tell(
	struct bus_socket *socket, GBytes *routing, Forge__Reply__KindCase kind, gpointer payload)
{
	reply(socket, routing, 0, kind, payload);
}

void wire_ask(
	struct bus_socket *socket, uint64_t id, Forge__Request__KindCase kind, gpointer payload)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	g_autoptr(GBytes) bytes = NULL;

	request.id = id;
	request.kind_case = kind;
	request.goodbye = payload;
	bytes = message_pack(&request.base);
	g_assert_true(bus_send(socket, NULL, bytes));
}

Forge__Reply *wire_next_reply(struct bus_socket *socket, int64_t wait_ms)
{
	g_autoptr(GBytes) bytes = await_message(socket, clock_now().monotonic_ms + wait_ms, NULL);
	Forge__Reply *message;
	const uint8_t *data;
	gsize size;

	if (!bytes)
		return NULL;
	data = g_bytes_get_data(bytes, &size);
	message = forge__reply__unpack(NULL, size, data);
	g_assert_nonnull(message);
	return message;
}

Forge__Reply *wire_await_reply(struct bus_socket *socket, uint64_t id)
{
	for (;;) {
		Forge__Reply *message = wire_next_reply(socket, WIRE_WAIT_MS);

		if (!message)
			g_error("request %" G_GUINT64_FORMAT " was not answered", id);
		if (message->id == id)
			return message;
		forge__reply__free_unpacked(message, NULL);
	}
}
