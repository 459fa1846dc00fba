#ifndef FORGE_WORKER_WORKER_H
#define FORGE_WORKER_WORKER_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "queue/bus.h"
#include "worker/operation.h"

/** What a worker is made of. Strings are copied; pointers must outlive it. */
struct worker_options {
	struct bus *bus;
	const char *endpoint; /**< of the scheduler */
	/** What this side proves to a scheduler whose public key is SERVER_KEY; NULL: no keys. Needed
	 * only by worker_start(). */
	const struct key_pair *keys;
	const char *server_key;
	const char *name;  /**< HOST:PID, for people */
	const char *owner; /**< of a command line; "" for a daemon */
	uint32_t slots;    /**< jobs at once */
	const struct workshop *workshop;
	/** Called in the worker's thread, several times a second while it goes round: JOINED, the
	 * scheduler has welcomed it. May be NULL. */
	void (*turned)(gboolean joined, gpointer user_data);
	gpointer user_data;
};

/** A worker: one thread that talks to the scheduler, and one a slot that runs jobs. Keeps nothing
 * between jobs. */
struct worker;

/** Starts the threads. Connects, joins and joins again by itself, as long as it takes. */
struct worker *worker_start(const struct worker_options *options, GError **error);

/** Jobs that begin from now on are done with CONFIG; those that run go on as they began. From the
 * thread that started the worker. */
void worker_configure(struct worker *worker, const struct config *config);

/**
 * Takes no further jobs, lets running ones go on for FINISH_MS, hands back what is left, and
 * leaves. Frees WORKER.
 */
void worker_stop(struct worker *worker, int64_t finish_ms);

#endif
