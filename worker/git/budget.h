#ifndef FORGE_WORKER_GIT_BUDGET_H
#define FORGE_WORKER_GIT_BUDGET_H

#include <glib.h>
#include <stdint.h>

/**
 * What one job may still use, and what it has used. Every wait and transfer made for a job looks
 * here: the transport checks before and during each transfer. Owned by the slot that runs the job;
 * `cancelled` alone is written by another thread.
 */
struct budget {
	gint cancelled;       /**< g_atomic_int; not 0: stop soon, with INTERRUPTED */
	int64_t deadline_ms;  /**< monotonic; passed: stop, with TIMEOUT */
	int64_t connect_ms;   /**< a connection must stand within this */
	int64_t low_speed_ms; /**< a transfer that moves nothing for so long ends, with TIMEOUT */
	int64_t request_ms;   /**< one transfer that lasts longer ends, with TIMEOUT; 0: no bound */
	int64_t pack_bytes_max; /**< a larger pack ends the fetch, with TOO_LARGE */
	uint64_t requests;      /**< HTTP requests made, or processes started for ssh and paths */
	uint64_t bytes_received;
	uint64_t bytes_sent;
	int64_t retry_after_ms; /**< set with RATE_LIMIT_EXCEEDED: for so long the host wants rest;
				   0: it did not say */
	/** Called now and then during a transfer, from the job's thread; may be NULL. */
	void (*progress)(struct budget *budget, const char *text, uint64_t bytes, void *user_data);
	void *progress_data;
};

/** TRUE while the job may go on; else sets INTERRUPTED or TIMEOUT. */
gboolean budget_check(const struct budget *budget, GError **error);

/** When a transfer that begins now must be done: monotonic; INT64_MAX: nobody says. */
int64_t budget_request_due_ms(const struct budget *budget);

/** As budget_check(), of a transfer that must be done at DUE_MS. */
gboolean budget_check_request(const struct budget *budget, int64_t due_ms, GError **error);

/** Waits MS milliseconds, or until the job must stop: as budget_check(). */
gboolean budget_wait(const struct budget *budget, int64_t ms, GError **error);

/** Milliseconds until the deadline, at least 0. */
int64_t budget_remaining_ms(const struct budget *budget);

#endif
