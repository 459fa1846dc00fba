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

/**
 * Says that this process uses the workspace at ROOT: its repository is not rewritten meanwhile. As
 * many may as want to. Waits, as workspace_lock_take() does, for a rewriting to end; the same
 * errors. Give it up with workspace_lock_drop().
 */
struct workspace_lock *workspace_use_take(const char *root, GError **error);

/** TRUE if nobody else uses the workspace, and from now on, until USE is given up or shared, nobody
 * else can. */
gboolean workspace_use_alone(struct workspace_lock *use);

/** Lets others use the workspace again, after workspace_use_alone(). */
void workspace_use_share(struct workspace_lock *use);

/** Gives it up; NULL is fine. A killed process gives it up too. */
void workspace_lock_drop(struct workspace_lock *lock);
SCOPED_POINTER(workspace_lock, workspace_lock_drop)

#endif
