#ifndef FORGE_SCHEDULER_LOOP_H
#define FORGE_SCHEDULER_LOOP_H

#include <glib.h>

#include "journal/base/scope.h"
#include "journal/journal.h"
#include "queue/bus.h"
#include "queue/roles.h"

/** What a scheduler's loop is made of. */
struct scheduler_loop_options {
	const char *endpoint; /**< where peers connect */
	/** By which peers know the scheduler, and have to prove keys of their own; NULL: whoever
	 * reaches the endpoint may do everything. */
	const struct key_pair *keys;
	/** With keys: reads who may do what, at the start and at scheduler_loop_reload(). */
	struct roles *(*read_roles)(gpointer user_data, GError **error);
	/** Opens the journal, at the start and again after a failed append. */
	struct journal *(*open_journal)(gpointer user_data, GError **error);
	/** TRUE while the process that has OWNER runs;
	 * NULL: owners are not looked after (daemons). */
	gboolean (*owner_lives)(const char *owner, gpointer user_data);
	/** Called after each turn, every second at least; may be NULL. */
	void (*turned)(gpointer user_data);
	gpointer user_data;
};

/** A scheduler with its sockets and timers. */
struct scheduler_loop;

/**
 * Opens the journal, folds it and listens. Errors: those of the journal and of reading the roles,
 * SCHEDULER_UNREACHABLE.
 * Strings of OPTIONS must outlive the loop.
 */
struct scheduler_loop *scheduler_loop_new(
	struct bus *bus, const struct scheduler_loop_options *options, GError **error);
void scheduler_loop_free(struct scheduler_loop *loop);
SCOPED_POINTER(scheduler_loop, scheduler_loop_free)

/**
 * Runs turns until scheduler_loop_stop(), then says goodbye to every peer, writes a checkpoint and
 * returns TRUE. FALSE if somebody else wrote to the journal, or if it cannot be written and opened
 * again.
 */
gboolean scheduler_loop_run(struct scheduler_loop *loop, GError **error);

/** Makes scheduler_loop_run() return soon. From any thread. */
void scheduler_loop_stop(struct scheduler_loop *loop);

/**
 * Makes the loop read again who may do what: soon after, peers that may not any more are strangers.
 * If that cannot be read, the log says so and all stays as it was. From any thread.
 */
void scheduler_loop_reload(struct scheduler_loop *loop);

#endif
