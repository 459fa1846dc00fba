#ifndef FORGE_TESTS_BENCH_FORGE_PEER_H
#define FORGE_TESTS_BENCH_FORGE_PEER_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "queue/messages.pb-c.h"

/** Keys of CURVE as text (40 characters each): the server's, and those of the client itself. */
struct forge_keys {
	const char *server, *public, *secret;
};

/** One connection to a scheduler, spoken over the wire as messages.proto has it. */
struct forge_peer {
	void *socket; /**< ZeroMQ's; for polling */
	uint64_t session;
	GByteArray *submission; /**< packed; its request id is drawn anew for each */
	guint request_id_at;
	uint64_t outstanding;
};

/** Connects to ENDPOINT as ROLE, says hello and waits for the welcome. KEYS may be NULL. */
struct forge_peer *forge_peer_new(void *context, const char *endpoint, Forge__Role role,
	uint32_t slots, const struct forge_keys *keys);
void forge_peer_free(struct forge_peer *peer);
SCOPED_POINTER(forge_peer, forge_peer_free)

/** Submits one noop job under a new request id. */
void forge_peer_submit(struct forge_peer *peer);

/** Bytes of one submission as it crosses the wire. */
size_t forge_peer_submission_bytes(const struct forge_peer *peer);

void forge_peer_send(struct forge_peer *peer, const Forge__Request *request);

/** The next reply, or NULL if none is there (WAIT: waits for it). ALLOCATOR may be NULL. */
Forge__Reply *forge_peer_receive(
	struct forge_peer *peer, gboolean wait, ProtobufCAllocator *allocator);

/**
 * Takes all replies that are there, each of which must say that a submission is durable. Returns
 * how many.
 */
guint forge_peer_take_submitted(struct forge_peer *peer);

#endif
