#ifndef FORGE_WORKER_STORE_STORE_LOCK_H
#define FORGE_WORKER_STORE_STORE_LOCK_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"

/** What is locked. Take WRITE before USE, and never wait for WRITE while holding USE: else two may
 * wait for another. */
enum store_lock_part {
	STORE_LOCK_USE, /**< shared: the folder stays where it is; exclusive: it may be exchanged or
			   removed */
	STORE_LOCK_WRITE, /**< exclusive: objects and refs may be added */
	STORE_LOCK_GATE,  /**< shared, for a moment: before USE is taken without WRITE; exclusive:
			     nobody new comes to USE while a writer waits for it */
};

enum store_lock_mode {
	STORE_LOCK_SHARED,
	STORE_LOCK_EXCLUSIVE,
};

/** A lock file, opened. Excludes other processes and other struct store_lock of the same process
 * alike. */
struct store_lock;

/** Opens (and makes) the lock file PATH; takes nothing yet. CACHE_UNUSABLE. */
struct store_lock *store_lock_open(const char *path, GError **error);

/** Gives up all parts. NULL is fine. */
void store_lock_close(struct store_lock *lock);
SCOPED_POINTER(store_lock, store_lock_close)

/**
 * Takes PART, waiting at most LIMIT_STORE_LOCK_MS; a part that is held changes its mode, and stays
 * as it was on failure. Errors: STORE_BUSY, INTERRUPTED, TIMEOUT, CACHE_UNUSABLE.
 */
gboolean store_lock_take(struct store_lock *lock, enum store_lock_part part,
	enum store_lock_mode mode, const struct budget *budget, GError **error);

/** As store_lock_take(), but waits at most WAIT_MS. */
gboolean store_lock_take_within(struct store_lock *lock, enum store_lock_part part,
	enum store_lock_mode mode, int64_t wait_ms, const struct budget *budget, GError **error);

/** As store_lock_take(), without waiting: FALSE if somebody else holds it. */
gboolean store_lock_try(
	struct store_lock *lock, enum store_lock_part part, enum store_lock_mode mode);

void store_lock_drop(struct store_lock *lock, enum store_lock_part part);

/** Notes in the lock file's time that the folder is used now: what is used least recently is
 * evicted first. */
void store_lock_touch(struct store_lock *lock);

#endif
