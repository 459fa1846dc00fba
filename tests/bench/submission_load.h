#ifndef FORGE_TESTS_BENCH_SUBMISSION_LOAD_H
#define FORGE_TESTS_BENCH_SUBMISSION_LOAD_H

#include "tests/bench/forge_peer.h"
#include "tests/bench/rival_client.h"
#include "tests/bench/server_process.h"

/**
 * Submissions from many clients of one process, each of which keeps the same number outstanding: to
 * a scheduler or a rival.
 */
struct submission_load;

/** N_CLIENTS connections to the scheduler at ENDPOINT; KEYS may be NULL. */
struct submission_load *submission_load_forge(
	const char *endpoint, guint n_clients, const struct forge_keys *keys);

/** To a rival; NULL if SERVER is. MAKE connects. */
struct submission_load *submission_load_rival(const struct server_process *server, guint n_clients,
	size_t job_bytes, struct rival_client *(*make)(const char *socket, size_t job_bytes));
void submission_load_free(struct submission_load *load);
SCOPED_POINTER(submission_load, submission_load_free)

/** Submits for MS milliseconds with WINDOW outstanding a client; returns durable submissions a
 * second. */
double submission_load_run(struct submission_load *load, guint window, gint64 ms);

/** N submissions of the first client, one after the other; adds to LATENCIES how many microseconds
 * each took. */
void submission_load_time(struct submission_load *load, guint n, GArray *latencies);

/** Bytes of one submission to a scheduler. */
size_t submission_load_bytes(const struct submission_load *load);

#endif
