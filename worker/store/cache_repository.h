#ifndef FORGE_WORKER_STORE_CACHE_REPOSITORY_H
#define FORGE_WORKER_STORE_CACHE_REPOSITORY_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/store/anchors.h"
#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/store/negotiation.h"
#include "worker/remote/remote.h"
#include "worker/store/store_folder.h"
#include "worker/store/store_lock.h"
#include "worker/remote/transfer.h"

/**
 * One repository folder of the cache as one job holds it: what stores and fork repositories share.
 * Locks are taken by the caller, part by part; each function says what it needs.
 */
struct cache_repository {
	struct store_folder folder;
	struct store_lock *lock;
	char *borrowed; /**< for store_folder_make(); NULL: none */
	char *basis;    /**< the generation that the stamp must name as its basis; NULL: none */

	/* Set while it is loaded. */
	git_repository *git;
	struct anchors anchors;
	struct store_stamp stamp;
};

/**
 * Opens the lock of the folder NAME of PARENT (made if need be); loads nothing. BORROWED and BASIS
 * as above, copied. On failure the caller still clears. CACHE_UNUSABLE.
 */
gboolean cache_repository_init(struct cache_repository *repository, const char *parent,
	const char *name, const char *borrowed, const char *basis, GError **error);

/** Unloads and gives up the locks. Fine on a zeroed struct. */
void cache_repository_clear(struct cache_repository *repository);
SCOPED_VALUE(cache_repository, cache_repository_clear)

/**
 * Opens the repository afresh. Needs USE. BROKEN_REPOSITORY if it is absent, unreadable, made over
 * another basis, lacks what its refs name, or was last written before the machine was started
 * again.
 */
gboolean cache_repository_load(struct cache_repository *repository, GError **error);

/**
 * Opens the repository afresh as cache_repository_load() does, after making whole what is not:
 * after a boot it is read through, and if it is broken an empty one takes its place. Needs WRITE,
 * and takes USE: shared in the end. STORE_BUSY, CACHE_UNUSABLE, INTERRUPTED, TIMEOUT.
 */
gboolean cache_repository_prepare(
	struct cache_repository *repository, const struct budget *budget, GError **error);

/** Puts an empty repository in its place and loads that. Needs WRITE and USE, which is shared
 * afterwards. */
gboolean cache_repository_remake(
	struct cache_repository *repository, const struct budget *budget, GError **error);

/** TRUE if the object OID is there, and so all that it reaches. Needs USE. */
gboolean cache_repository_has(const struct cache_repository *repository, const git_oid *oid);

/** Sets anchors for all of REFS, which are there. Needs WRITE and USE. */
gboolean cache_repository_keep(struct cache_repository *repository, const struct fetch_ref *refs,
	size_t n_refs, GError **error);

/**
 * Fetches REFS into a quarantine, offering what NEGOTIATION has, checks what came, moves it in and
 * sets the anchors. Needs WRITE and USE. On failure nothing is kept. Errors: those of
 * transfer_fetch() and connectivity_check().
 */
gboolean cache_repository_fetch(struct cache_repository *repository, struct http *http,
	const struct remote *remote, const struct fetch_ref *refs, size_t n_refs,
	const struct negotiation *negotiation, struct budget *budget, GError **error);

/**
 * After something was missing: TRUE if what the repository's anchors reach is not all there or not
 * readable, so that no server can be blamed. Reads everything. Needs USE.
 */
gboolean cache_repository_is_broken(
	struct cache_repository *repository, const struct budget *budget);

/** Has the repository made anew by the next job that opens it. Needs USE, which others may hold as
 * well. */
void cache_repository_condemn(const struct cache_repository *repository);

/**
 * Rewrites the repository if it is due and nobody else uses it, and loads it again. Needs WRITE and
 * USE. A rewrite that fails is logged and tried another time; FALSE only if the repository cannot
 * be loaded after it.
 */
gboolean cache_repository_rewrite_if_due(
	struct cache_repository *repository, const struct budget *budget, GError **error);

#endif
