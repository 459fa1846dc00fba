/*
 * What came and waits for a turn. What workers say goes before new work, so that a flood of
 * submissions cannot make leases expire. Bounded by number and by bytes; what does not fit stays in
 * its connection, so that whoever sends much waits, and not the others.
 */
#include "scheduler/inbox.h"

#include "journal/base/limits.h"
#include "queue/wire_check.h"

static void free_received(gpointer data)
{
	struct received *received = data;

	g_bytes_unref(received->routing);
	forge__request__free_unpacked(received->request, NULL);
	g_free(received);
}

void inbox_clear(struct inbox *inbox)
{
	g_queue_clear_full(&inbox->requests, free_received);
	inbox->bytes = 0;
}

/* NULL if MESSAGE is dropped. */
static struct received *unpack(
	struct bus_socket *socket, const struct roles *roles, GBytes *message, GBytes **routing)
{
	const struct identity *identity = roles ? roles_find(roles, bus_sender(socket)) : NULL;
	struct received *received;
	Forge__Request *request;
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);

	/* Its key was in the list when it connected. */
	if (roles && !identity)
		return NULL;
	if (!wire_check(&forge__request__descriptor, data, size, LIMIT_REQUEST_FIELDS))
		return NULL;
	request = forge__request__unpack(NULL, size, data);
	if (!request)
		return NULL;
	received = g_new0(struct received, 1);
	received->request = request;
	received->routing = g_steal_pointer(routing);
	received->identity = identity;
	received->bytes = size;
	return received;
}

static gboolean is_urgent(const struct received *received)
{
	return received->request->kind_case == FORGE__REQUEST__KIND_REPORT ||
		received->request->kind_case == FORGE__REQUEST__KIND_HEARTBEAT;
}

/* The last of the urgent requests that an earlier turn had no room for. */
static GList *find_urgent_end(struct inbox *inbox)
{
	GList *end = NULL;

	for (GList *link = inbox->requests.head; link && is_urgent(link->data); link = link->next)
		end = link;
	return end;
}

/* Behind END, the last of the urgent ones, if it is one of these. Returns the new last. */
static GList *put(struct inbox *inbox, struct received *received, GList *end)
{
	inbox->bytes += received->bytes;
	if (!is_urgent(received)) {
		g_queue_push_tail(&inbox->requests, received);
		return end;
	}
	if (!end) {
		g_queue_push_head(&inbox->requests, received);
		return inbox->requests.head;
	}
	g_queue_insert_after(&inbox->requests, end, received);
	return end->next;
}

void inbox_fill(struct inbox *inbox, struct bus_socket *socket, const struct roles *roles,
	inbox_serve *serve, gpointer user_data)
{
	GList *urgent_end = find_urgent_end(inbox);

	while (inbox->requests.length < LIMIT_INPUTS_PER_TURN && inbox->bytes < LIMIT_INPUT_BYTES) {
		g_autoptr(GBytes) routing = NULL;
		g_autoptr(GBytes) message = bus_receive(socket, &routing);
		struct received *received;

		if (!message)
			return;
		received = unpack(socket, roles, message, &routing);
		if (!received)
			continue;
		if (serve(received, user_data))
			free_received(received);
		else
			urgent_end = put(inbox, received, urgent_end);
	}
}

void inbox_drop_first(struct inbox *inbox)
{
	struct received *received = g_queue_pop_head(&inbox->requests);

	inbox->bytes -= received->bytes;
	free_received(received);
}

void inbox_follow_roles(struct inbox *inbox, const struct roles *roles)
{
	GList *next;

	for (GList *link = inbox->requests.head; link; link = next) {
		struct received *received = link->data;

		next = link->next;
		received->identity = roles_find(roles, received->identity->public_key);
		if (received->identity)
			continue;
		inbox->bytes -= received->bytes;
		free_received(received);
		g_queue_delete_link(&inbox->requests, link);
	}
}
