#ifndef FORGE_TESTS_BENCH_RIVAL_CLIENT_H
#define FORGE_TESTS_BENCH_RIVAL_CLIENT_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/** One connection to Redis or beanstalkd, whose protocols are lines of text and counted bytes. */
struct rival_client {
	int descriptor;
	GString *out; /**< not written yet */
	GString *in;  /**< not taken yet */
	GString *submission;
	guint lines_per_answer;
	uint64_t outstanding;
};

struct rival_client *rival_client_redis(const char *socket, size_t job_bytes);
struct rival_client *rival_client_beanstalkd(const char *socket, size_t job_bytes);
void rival_client_free(struct rival_client *client);
SCOPED_POINTER(rival_client, rival_client_free)

/** Submits one job of the client's size; rival_client_flush() sends what was submitted. */
void rival_client_submit(struct rival_client *client);
void rival_client_add(struct rival_client *client, const char *text);
void rival_client_flush(struct rival_client *client);

/** Takes all answers to submissions that are there, and returns how many. Errors end the program. */
guint rival_client_take_submitted(struct rival_client *client);

/** Reads what is there into `in`; WAIT: until there is something. */
void rival_client_fill(struct rival_client *client, gboolean wait);

/** Sends COMMAND (words with spaces between them) to Redis and skips its answer, one line. */
void rival_client_command(struct rival_client *client, const char *command);

#endif
