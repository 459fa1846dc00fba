/*
 * Peers of a scheduler that cost little themselves: a submission is packed once and then only gets
 * another request id, and of its answers only the kind is looked at.
 */
#include "tests/bench/forge_peer.h"

#include <string.h>
#include <zmq.h>

#include "journal/base/hash.h"
#include "queue/protocol.h"

#define REQUEST_ID_DIGITS 32
#define RECONNECT_MS 1

/* Of the first byte behind the id in a packed Reply: field `submitted`, length-delimited. */
#define SUBMITTED_TAG (FORGE__REPLY__KIND_SUBMITTED << 3 | 2)

static void pack_submission(struct forge_peer *peer)
{
	static const char zeros[REQUEST_ID_DIGITS + 1] = "00000000000000000000000000000000";
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	uint64_t run;
	const uint8_t *at;
	size_t size;

	submit.request_id = (char *)zeros;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit.noops = 1;
	request.id = 1;
	request.kind_case = FORGE__REQUEST__KIND_SUBMIT;
	request.submit = &submit;
	size = forge__request__get_packed_size(&request);
	peer->submission = g_byte_array_new();
	g_byte_array_set_size(peer->submission, (guint)size);
	forge__request__pack(&request, peer->submission->data);
	at = memmem(peer->submission->data, size, zeros, REQUEST_ID_DIGITS);
	g_assert_nonnull(at);
	peer->request_id_at = (guint)(at - peer->submission->data);
	hash_random(&run, sizeof(run));
	for (int i = 0; i < REQUEST_ID_DIGITS / 2; i++)
		peer->submission->data[peer->request_id_at + (guint)i] =
			(uint8_t) "0123456789abcdef"[run >> 4 * i & 15];
}

static void set_option(void *socket, int option, int value)
{
	g_assert_cmpint(zmq_setsockopt(socket, option, &value, sizeof(value)), ==, 0);
}

static void say_hello(struct forge_peer *peer, Forge__Role role, uint32_t slots)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Hello hello = FORGE__HELLO__INIT;
	Forge__Reply *reply;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = role;
	hello.build = (char *)"bench";
	hello.name = (char *)"bench";
	hello.slots = slots;
	request.id = 1;
	request.kind_case = FORGE__REQUEST__KIND_HELLO;
	request.hello = &hello;
	forge_peer_send(peer, &request);
	reply = forge_peer_receive(peer, TRUE, NULL);
	g_assert_cmpint(reply->kind_case, ==, FORGE__REPLY__KIND_WELCOME);
	peer->session = reply->welcome->session;
	forge__reply__free_unpacked(reply, NULL);
}

struct forge_peer *forge_peer_new(void *context, const char *endpoint, Forge__Role role,
	uint32_t slots, const struct forge_keys *keys)
{
	struct forge_peer *peer = g_new0(struct forge_peer, 1);

	peer->socket = zmq_socket(context, ZMQ_DEALER);
	g_assert_nonnull(peer->socket);
	set_option(peer->socket, ZMQ_LINGER, 0);
	set_option(peer->socket, ZMQ_SNDHWM, 0);
	set_option(peer->socket, ZMQ_RCVHWM, 0);
	set_option(peer->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
	if (keys) {
		zmq_setsockopt(peer->socket, ZMQ_CURVE_SERVERKEY, keys->server, 41);
		zmq_setsockopt(peer->socket, ZMQ_CURVE_PUBLICKEY, keys->public, 41);
		zmq_setsockopt(peer->socket, ZMQ_CURVE_SECRETKEY, keys->secret, 41);
	}
	g_assert_cmpint(zmq_connect(peer->socket, endpoint), ==, 0);
	pack_submission(peer);
	say_hello(peer, role, slots);
	return peer;
}

void forge_peer_free(struct forge_peer *peer)
{
	if (!peer)
		return;
	zmq_close(peer->socket);
	g_byte_array_unref(peer->submission);
	g_free(peer);
}

/* The second half of the request id counts up. */
static void draw_request_id(struct forge_peer *peer)
{
	uint8_t *digit = peer->submission->data + peer->request_id_at + REQUEST_ID_DIGITS - 1;

	for (int i = 0; i < REQUEST_ID_DIGITS / 2; i++, digit--) {
		*digit = *digit == '9' ? 'a' : *digit == 'f' ? '0' : (uint8_t)(*digit + 1);
		if (*digit != '0')
			return;
	}
}

void forge_peer_submit(struct forge_peer *peer)
{
	draw_request_id(peer);
	g_assert_cmpint(zmq_send(peer->socket, peer->submission->data, peer->submission->len, 0),
		==, (int)peer->submission->len);
	peer->outstanding++;
}

size_t forge_peer_submission_bytes(const struct forge_peer *peer)
{
	return peer->submission->len;
}

void forge_peer_send(struct forge_peer *peer, const Forge__Request *request)
{
	uint8_t data[4096];
	size_t size = forge__request__get_packed_size(request);

	g_assert_cmpuint(size, <=, sizeof(data));
	forge__request__pack(request, data);
	g_assert_cmpint(zmq_send(peer->socket, data, size, 0), ==, (int)size);
}

Forge__Reply *forge_peer_receive(
	struct forge_peer *peer, gboolean wait, ProtobufCAllocator *allocator)
{
	Forge__Reply *reply;
	zmq_msg_t message;

	zmq_msg_init(&message);
	if (zmq_msg_recv(&message, peer->socket, wait ? 0 : ZMQ_DONTWAIT) < 0)
		return NULL;
	reply = forge__reply__unpack(allocator, zmq_msg_size(&message), zmq_msg_data(&message));
	g_assert_nonnull(reply);
	zmq_msg_close(&message);
	return reply;
}

/* The id (1), then what it is. */
static gboolean is_submitted(const uint8_t *data, int size)
{
	return size > 3 && data[0] == (1 << 3) && data[2] == SUBMITTED_TAG;
}

static void refuse(const uint8_t *data, int size)
{
	Forge__Reply *reply = forge__reply__unpack(NULL, (size_t)size, data);

	g_error("the scheduler answered otherwise: kind %d %s", reply ? (int)reply->kind_case : -1,
		reply && reply->kind_case == FORGE__REPLY__KIND_ERROR ? reply->error->message : "");
}

guint forge_peer_take_submitted(struct forge_peer *peer)
{
	guint n = 0;
	uint8_t data[256];
	int size;

	while ((size = zmq_recv(peer->socket, data, sizeof(data), ZMQ_DONTWAIT)) >= 0) {
		if (!is_submitted(data, size))
			refuse(data, size);
		n++;
	}
	peer->outstanding -= n;
	return n;
}
