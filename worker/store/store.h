#ifndef FORGE_WORKER_STORE_STORE_H
#define FORGE_WORKER_STORE_STORE_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/remote.h"
#include "worker/remote/transfer.h"

/**
 * All stores of one worker, under CACHE/stores. A store is a bare repository for one upstream and
 * credential and holds only what that upstream's server sent. Several processes may share the
 * folder; within one process one struct stores is shared by all slots.
 */
struct stores;

/** Starts libgit2 too, until the stores are freed. HTTP is borrowed; NULL where only paths and ssh
 * are used. */
struct stores *stores_new(const char *cache_folder, struct http *http);
void stores_free(struct stores *stores);
SCOPED_POINTER(stores, stores_free)

/**
 * Removes stores and fork repositories that nobody uses, the least recently used first, until all
 * together have at most BYTES_MAX on disk. Never fails: what cannot be removed is logged and stays.
 * Returns the bytes that are left.
 */
uint64_t stores_evict(struct stores *stores, uint64_t bytes_max);

/** For fork repositories: the folder they lie in, and the connections. Borrowed. */
const char *stores_forks_folder(const struct stores *stores);
struct http *stores_http(const struct stores *stores);

/** One store, held for reading (nobody rewrites or evicts it meanwhile). Belongs to one thread. */
struct store;

/**
 * Opens (and makes, where it is not there) the store of UPSTREAM, and sees to it that each of TIPS
 * is in it, with all it reaches: one fetch for those that are missing, none where nothing is. Two
 * slots that want the same tips at once make one fetch. What came is checked for connectivity
 * before any ref names it. Errors: those of transfer_fetch(), STORE_BUSY, BROKEN_REPOSITORY.
 */
struct store *store_open(struct stores *stores, const struct remote *upstream,
	const struct fetch_ref *tips, size_t n_tips, struct budget *budget, GError **error);
void store_close(struct store *store);
SCOPED_POINTER(store, store_close)

/** The store's folder, its name, and which making of it this is: another one may hold other
 * objects. Borrowed. */
const char *store_path(const struct store *store);
const char *store_identity(const struct store *store);
const char *store_generation(const struct store *store);

/** A ref as its server was last seen to have it. */
struct store_tip {
	char *name; /**< `refs/tags/v1.0.0`, `HEAD` */
	git_oid oid;
};

/** What STORE keeps of its upstream's refs: those that were fetched as `tip` (see anchor_name()), as
 * a GPtrArray of struct store_tip, by the name of their anchors. Caller unrefs. */
GPtrArray *store_tips(const struct store *store);

/** The store's repository, opened anew, for its objects. STORE_BUSY. Caller frees. */
git_repository *store_git(const struct store *store, GError **error);

/** TRUE if the object OID is there, and so all that it reaches. */
gboolean store_has(const struct store *store, const git_oid *oid);

/**
 * After something was missing: TRUE if the store itself is damaged; the next store_open() then
 * makes it anew. Reads everything.
 */
gboolean store_is_damaged(struct store *store, const struct budget *budget);

/** The first-parent lines of the store's tips; see store_lines_get(). Caller frees.
 * BROKEN_REPOSITORY. */
GPtrArray *store_lines(struct store *store, GError **error);

#endif
