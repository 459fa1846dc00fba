#ifndef FORGE_WORKER_STORE_STORE_REWRITE_H
#define FORGE_WORKER_STORE_STORE_REWRITE_H

#include <glib.h>

#include "worker/git/budget.h"
#include "worker/store/store_folder.h"

/** TRUE if the repository at PATH has more than LIMIT_STORE_PACKS packs or
 * LIMIT_STORE_LOOSE_OBJECTS loose objects. */
gboolean store_rewrite_is_due(const char *path);

/** TRUE if it is due so much that those who use the repository should make room for it. */
gboolean store_rewrite_is_overdue(const char *path);

/**
 * Makes a new repository of all objects and refs of FOLDER's, with few packs, and exchanges the
 * two: the same generation, the same BORROWED (see store_folder_make()). No object is dropped:
 * forks may borrow what no ref of the store reaches any more. Whoever calls holds the folder for
 * exclusive use and opens it afresh afterwards. On failure the old repository stays. Errors:
 * CACHE_UNUSABLE, BROKEN_REPOSITORY, TIMEOUT, INTERRUPTED.
 */
gboolean store_rewrite(const struct store_folder *folder, const char *borrowed,
	const struct budget *budget, GError **error);

#endif
