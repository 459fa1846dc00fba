/*
 * The gate before a listening socket: ZeroMQ asks a handler in the same process (ZAP, RFC 27) about each peer that has proved its
 * key by CURVE (RFC 26). The answer names the key as the peer's User-Id, which ZeroMQ then attaches
 * to each of its messages; a peer cannot set it. Whoever is not admitted is answered with a temporary
 * failure: its connection ends without a word, and it may try again, since it may be admitted by
 * then. The handler runs in the thread of its socket, so it shares nothing with anybody.
 */
#include "queue/bus_gate.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "queue/key_pair.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_VERSION "1.0"
#define ZAP_DOMAIN "forge"
#define ADMITTED "200"
#define NOT_NOW "300"
/* version, request id, domain, address, identity, mechanism, credentials */
#define ZAP_FRAMES 7
#define ZAP_FRAME_BYTES 256

struct bus_gate {
	void *knocks; /* where ZeroMQ asks */
	struct bus_guard guard;
};

/* One ZAP request. */
struct knock {
	guint n_frames;
	size_t sizes[ZAP_FRAMES];
	char frames[ZAP_FRAMES][ZAP_FRAME_BYTES];
};

/* ---- keys --------------------------------------------------------------------------------- */

/* FALSE if nobody asks now. A frame that is too long or too much spoils the request. */
static gboolean receive_knock(void *socket, struct knock *knock)
{
	int more = 1;
	size_t more_size = sizeof(more);

	knock->n_frames = 0;
	while (more) {
		char frame[ZAP_FRAME_BYTES];
		int size = zmq_recv(socket, frame, sizeof(frame), ZMQ_DONTWAIT);

		if (size < 0)
			return FALSE;
		if (knock->n_frames < ZAP_FRAMES) {
			knock->sizes[knock->n_frames] = MIN((size_t)size, sizeof(frame));
			memcpy(knock->frames[knock->n_frames], frame,
				knock->sizes[knock->n_frames]);
		}
		knock->n_frames++;
		zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size);
	}
	return TRUE;
}

static gboolean frame_is(const struct knock *knock, guint at, const char *text)
{
	return knock->sizes[at] == strlen(text) &&
		memcmp(knock->frames[at], text, knock->sizes[at]) == 0;
}

/* TRUE if the one who knocks may come in; KEY gets the key as text. */
static gboolean admits(const struct bus_gate *gate, const struct knock *knock, char *key)
{
	if (knock->n_frames != ZAP_FRAMES || !frame_is(knock, 0, ZAP_VERSION) ||
		!frame_is(knock, 5, "CURVE") || knock->sizes[6] != KEY_BYTES)
		return FALSE;
	key_text_write((const uint8_t *)knock->frames[6], key);
	return gate->guard.admits(key, gate->guard.user_data);
}

static void answer_knock(struct bus_gate *gate, const struct knock *knock)
{
	char key[KEY_CHARACTERS + 1];
	gboolean admitted = admits(gate, knock, key);
	size_t id_size = knock->n_frames > 1 ? knock->sizes[1] : 0;

	zmq_send(gate->knocks, ZAP_VERSION, strlen(ZAP_VERSION), ZMQ_SNDMORE);
	zmq_send(gate->knocks, knock->frames[1], id_size, ZMQ_SNDMORE);
	zmq_send(gate->knocks, admitted ? ADMITTED : NOT_NOW, 3, ZMQ_SNDMORE);
	zmq_send(gate->knocks, "", 0, ZMQ_SNDMORE);
	zmq_send(gate->knocks, key, admitted ? KEY_CHARACTERS : 0, ZMQ_SNDMORE);
	zmq_send(gate->knocks, "", 0, 0);
}

/* ---- public ------------------------------------------------------------------------------- */

static gboolean arm(void *socket, const struct key_pair *own, GError **error)
{
	const int on = 1;

	/* The socket's copy of the secret is ZeroMQ's, as long as it is open. */
	if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof(on)) == 0 &&
		zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key_pair_secret(own), KEY_BYTES) == 0 &&
		zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
		"the installed ZeroMQ cannot encrypt: %s", zmq_strerror(errno));
	return FALSE;
}

struct bus_gate *bus_gate_new(
	void *context, void *socket, const struct bus_guard *guard, GError **error)
{
	scoped(bus_gate) gate = g_new0(struct bus_gate, 1);
	const int none = 0;

	gate->guard = *guard;
	if (!arm(socket, guard->own, error))
		return NULL;
	gate->knocks = zmq_socket(context, ZMQ_REP);
	g_assert(gate->knocks);
	zmq_setsockopt(gate->knocks, ZMQ_LINGER, &none, sizeof(none));
	if (zmq_bind(gate->knocks, ZAP_ENDPOINT) == 0)
		return g_steal_pointer(&gate);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE,
		"this process listens with keys already: %s", zmq_strerror(errno));
	return NULL;
}

void bus_gate_free(struct bus_gate *gate)
{
	if (!gate)
		return;
	if (gate->knocks)
		zmq_close(gate->knocks);
	g_free(gate);
}

void *bus_gate_knocks(const struct bus_gate *gate)
{
	return gate->knocks;
}

void bus_gate_serve(struct bus_gate *gate)
{
	struct knock knock;

	for (guint i = 0; i < LIMIT_KNOCKS_PER_WAIT && receive_knock(gate->knocks, &knock); i++)
		answer_knock(gate, &knock);
}
