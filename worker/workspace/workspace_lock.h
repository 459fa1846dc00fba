#ifndef FORGE_WORKER_WORKSPACE_WORKSPACE_LOCK_H
#define FORGE_WORKER_WORKSPACE_WORKSPACE_LOCK_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"

/** The right to change a workspace's folders. One at a time: processes and threads alike. */
struct workspace_lock;

/**
 * Takes the lock of the workspace at ROOT (`ROOT/.forge/lock`), waiting at most
 * LIMIT_WORKSPACE_LOCK_MS. BUDGET may be NULL. STORE_BUSY if somebody else keeps it;
 * CACHE_UNUSABLE, PERMISSION_DENIED, INTERRUPTED, TIMEOUT.
 */
struct workspace_lock *workspace_lock_take(
	const char *root, const struct budget *budget, GError **error);

/** As workspace_lock_take() without waiting: NULL with STORE_BUSY if it is held. */
struct workspace_lock *workspace_lock_try(const char *root, GError **error);

/** Gives it up; NULL is fine. A killed process gives it up too. */
void workspace_lock_drop(struct workspace_lock *lock);
SCOPED_POINTER(workspace_lock, workspace_lock_drop)

#endif
