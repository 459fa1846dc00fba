#ifndef FORGE_CLI_REQUESTS_H
#define FORGE_CLI_REQUESTS_H

#include <glib.h>
#include <stdint.h>

#include "cli/client.h"
#include "cli/history.h"
#include "cli/invocation.h"

/**
 * Connects as client_new() does, with the invocation's configuration. From then on SIGINT and
 * SIGTERM end every wait; a second one ends the process.
 */
struct client *requests_connect(
	struct invocation *invocation, enum client_use use, uint32_t jobs, GError **error);

/** The same, taking the option --jobs of the command (USAGE if it is out of bounds), which says
 * nothing to a configured scheduler: then a remark tells so. */
struct client *requests_connect_with_jobs(
	struct invocation *invocation, enum client_use use, GError **error);

/** The option --jobs of the command, or FALLBACK. USAGE if it is 0 or too many. */
gboolean requests_jobs_option(
	const struct invocation *invocation, uint64_t fallback, uint64_t *jobs, GError **error);

/** All rows of the forks called NAMES (NULL: every fork),
 * in the scheduler's order. Caller unrefs. */
GPtrArray *requests_forks(struct client *client, char **names, GError **error);

/** All rows of the components called NAMES (NULL: every one), in the order first installed. Caller
 * unrefs. */
GPtrArray *requests_components(struct client *client, char **names, GError **error);

/** Rows of batches, CLOSED ones too or not. Caller unrefs. */
GPtrArray *requests_batches(struct client *client, gboolean closed, GError **error);

/**
 * The batch called NAME, or the only one whose name begins so. BATCH_NOT_FOUND; VALIDATION_FAILED
 * if several do. Free with forge__batch_row__free_unpacked().
 */
Forge__BatchRow *requests_batch(struct client *client, const char *name, GError **error);

/** Rows of the jobs of BATCH (its full name; NULL: of all open batches). Caller unrefs. */
GPtrArray *requests_jobs(struct client *client, const char *batch, GError **error);

/** Free the reply with forge__reply__free_unpacked(); its `stats` is set. */
Forge__Reply *requests_stats(struct client *client, GError **error);

/** Submits the batch SUBMIT under a new request id. Free the reply with forge__reply__free_unpacked();
 * its `submitted` is set. */
Forge__Reply *requests_submit(struct client *client, Forge__Submit *submit, GError **error);

/** What is done with a page of events; FALSE ends the reading. The page is borrowed. */
typedef gboolean requests_page(const Forge__Events *page, gpointer user_data);

/**
 * Reads events from sequence FROM on, of BATCH only if it is not 0, page by page. With FOLLOW it
 * goes on until PAGE says no (or it is interrupted), showing pages without events but with progress
 * too; else up to the newest event there was when it began.
 */
gboolean requests_events(struct client *client, uint64_t from, uint64_t batch, gboolean follow,
	requests_page *page, gpointer user_data, GError **error);

/** Everything the journal says of BATCH, up to its close or the newest event. */
struct history *requests_history(
	struct client *client, const Forge__BatchRow *batch, GError **error);

/** What is called NAME: a batch, or one of its jobs. */
struct job_name {
	Forge__BatchRow *batch;
	uint32_t number; /**< 0: the batch as a whole */
};

/** Looks NAME (BATCH or BATCH.NUMBER) up. JOB_NOT_FOUND if the batch has no such job. */
gboolean requests_find_job(
	struct client *client, const char *name, struct job_name *found, GError **error);
void job_name_clear(struct job_name *name);
SCOPED_VALUE(job_name, job_name_clear)

/** Sends REQUEST and forgets the answer, which says no more than that it is done. */
gboolean requests_do(struct client *client, Forge__Request *request, GError **error);

#endif
