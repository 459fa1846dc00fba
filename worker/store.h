#ifndef FORGE_WORKER_STORE_H
#define FORGE_WORKER_STORE_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/budget.h"
#include "worker/http.h"
#include "worker/remote.h"
#include "worker/transfer.h"

/**
 * All stores of one worker, under CACHE/stores. A store is a bare repository for one upstream and credential and
 * holds only what that upstream's server sent. Several processes may share the folder; within one process one
 * struct stores is shared by all slots.
 */
struct stores;

struct stores *stores_new(const char *cache_folder, struct http *http);
void stores_free(struct stores *stores);
SCOPED_POINTER(stores, stores_free)

/** One store, held for reading (nobody rewrites or evicts it meanwhile). Belongs to one thread. */
struct store;

/**
 * Opens (and makes, where it is not there) the store of UPSTREAM, and sees to it that each of TIPS is in it, with all
 * it reaches: one fetch for those that are missing, none where nothing is. Two slots that want the same tips at once
 * make one fetch. What came is checked for connectivity before any ref names it. Errors: those of transfer_fetch(),
 * STORE_BUSY, BROKEN_REPOSITORY.
 */
struct store *store_open(struct stores *stores, const struct remote *upstream, const struct fetch_ref *tips,
	size_t n_tips, struct budget *budget, GError **error);
void store_close(struct store *store);
SCOPED_POINTER(store, store_close)

git_repository *store_repository(struct store *store);

#endif
