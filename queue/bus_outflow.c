/*
 * A peer that asks and does not read would have ZeroMQ keep every answer; its own bound counts
 * messages, which may be a hundred bytes or a megabyte. So large ones are handed over without being
 * copied, and are counted until ZeroMQ's thread gives them back: when they were written to the
 * connection, or when that is gone. Small ones are bounded by their number.
 */
#include "queue/bus_outflow.h"

#include <errno.h>
#include <zmq.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"

#define SWEEP_AT 64

/* What one peer has not read. */
struct flow {
	gint references; /* atomic: the table's, and one a message */
	gint bytes;      /* atomic */
};

/* A large message that ZeroMQ holds. */
struct parcel {
	GBytes *message;
	struct flow *flow;
};

struct bus_outflow {
	GHashTable *flows; /* routing → struct flow */
	guint sweep_at;
};

static void release_flow(gpointer data)
{
	struct flow *flow = data;

	if (g_atomic_int_dec_and_test(&flow->references))
		g_free(flow);
}

struct bus_outflow *bus_outflow_new(void)
{
	struct bus_outflow *outflow = g_new0(struct bus_outflow, 1);

	outflow->flows = g_hash_table_new_full(
		hash_bytes_keyed, g_bytes_equal, (GDestroyNotify)g_bytes_unref, release_flow);
	outflow->sweep_at = SWEEP_AT;
	return outflow;
}

void bus_outflow_free(struct bus_outflow *outflow)
{
	if (!outflow)
		return;
	g_hash_table_destroy(outflow->flows);
	g_free(outflow);
}

gboolean bus_outflow_has_room(const struct bus_outflow *outflow, GBytes *routing, gsize size)
{
	struct flow *flow = size < LIMIT_SMALL_MESSAGE_BYTES
		? NULL
		: g_hash_table_lookup(outflow->flows, routing);
	gint unsent = flow ? g_atomic_int_get(&flow->bytes) : 0;

	return unsent == 0 || (gsize)unsent + size <= LIMIT_PEER_UNSENT_BYTES;
}

static gboolean has_read_all(gpointer routing, gpointer value, gpointer unused)
{
	struct flow *flow = value;

	(void)routing;
	(void)unused;
	return g_atomic_int_get(&flow->bytes) == 0;
}

/* Peers come and go: those to whom nothing is on its way are forgotten now and then. */
static struct flow *flow_of(struct bus_outflow *outflow, GBytes *routing)
{
	struct flow *flow = g_hash_table_lookup(outflow->flows, routing);

	if (flow)
		return flow;
	if (g_hash_table_size(outflow->flows) >= outflow->sweep_at) {
		g_hash_table_foreach_remove(outflow->flows, has_read_all, NULL);
		outflow->sweep_at = MAX(SWEEP_AT, 2 * g_hash_table_size(outflow->flows));
	}
	flow = g_new0(struct flow, 1);
	flow->references = 1;
	g_hash_table_insert(outflow->flows, g_bytes_ref(routing), flow);
	return flow;
}

/* In whatever thread ZeroMQ has done with it. */
static void give_back(void *data, void *hint)
{
	struct parcel *parcel = hint;

	(void)data;
	g_atomic_int_add(&parcel->flow->bytes, -(gint)g_bytes_get_size(parcel->message));
	release_flow(parcel->flow);
	g_bytes_unref(parcel->message);
	g_free(parcel);
}

static gboolean send_whole(void *socket, zmq_msg_t *message)
{
	int result;

	do
		result = zmq_msg_send(message, socket, ZMQ_DONTWAIT);
	while (result < 0 && errno == EINTR);
	if (result < 0)
		zmq_msg_close(message);
	return result >= 0;
}

gboolean bus_outflow_send(
	struct bus_outflow *outflow, void *socket, GBytes *routing, GBytes *message)
{
	gsize size;
	gconstpointer data = g_bytes_get_data(message, &size);
	struct parcel *parcel;
	zmq_msg_t frame;
	int result;

	if (size < LIMIT_SMALL_MESSAGE_BYTES) {
		do
			result = zmq_send(socket, data, size, ZMQ_DONTWAIT);
		while (result < 0 && errno == EINTR);
		return result >= 0;
	}
	parcel = g_new0(struct parcel, 1);
	parcel->message = g_bytes_ref(message);
	parcel->flow = flow_of(outflow, routing);
	g_atomic_int_inc(&parcel->flow->references);
	g_atomic_int_add(&parcel->flow->bytes, (gint)size);
	result = zmq_msg_init_data(&frame, (void *)data, size, give_back, parcel);
	g_assert(result == 0);
	return send_whole(socket, &frame);
}
