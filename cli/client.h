#ifndef FORGE_CLI_CLIENT_H
#define FORGE_CLI_CLIENT_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/config.h"
#include "journal/base/scope.h"
#include "queue/messages.pb-c.h"

/**
 * A connection to the scheduler: the configured one, or, with no endpoint, one embedded in this
 * process or in another command's on the same journal. Belongs to one thread.
 */
struct client;

enum client_use {
	CLIENT_READS, /**< never runs jobs */
	CLIENT_WORKS, /**< embedded: this command brings its own worker while it waits for its jobs
		       */
};

/**
 * Connects. WORKER_JOBS is how many jobs an embedded worker runs at once (0: as configured).
 * Errors: SCHEDULER_UNREACHABLE (the endpoint is named), JOURNAL_* from an embedded journal.
 */
struct client *client_new(
	const struct config *config, enum client_use use, uint32_t worker_jobs, GError **error);
void client_free(struct client *client);
SCOPED_POINTER(client, client_free)

/** TRUE if there is no endpoint: jobs run only while some command waits for them. */
gboolean client_is_embedded(const struct client *client);

/**
 * Sends REQUEST (its id is set here; all requests that change something carry their own request_id
 * and may be sent twice) and returns the reply, never one of kind error: that is turned into ERROR.
 * If the scheduler goes away meanwhile it is found or replaced, and the request is sent again,
 * until the time for that is over: SCHEDULER_UNREACHABLE. A signal to stop (client_interrupt) ends
 * the wait: INTERRUPTED. Free with forge__reply__free_unpacked(reply, NULL).
 */
Forge__Reply *client_call(struct client *client, Forge__Request *request, GError **error);

/**
 * One page of events from FROM on, of BATCH only if it is not 0, waiting up to WAIT_MS for the
 * first. Begin the next page at reply->events->next. As client_call().
 */
Forge__Reply *client_read_events(
	struct client *client, uint64_t from, uint64_t batch, uint32_t wait_ms, GError **error);

/** 32 hexadecimal digits for a request_id. Caller frees. */
char *client_request_id(void);

/** For signal handlers: makes every wait of every client end soon. Async-signal-safe. */
void client_interrupt(void);

#endif
