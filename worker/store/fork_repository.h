#ifndef FORGE_WORKER_STORE_FORK_REPOSITORY_H
#define FORGE_WORKER_STORE_FORK_REPOSITORY_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/store/store.h"

/**
 * The small bare repository of one fork: it borrows its upstream's store through
 * objects/info/alternates and holds, besides, only what the fork's own server sent and what forge
 * made for it. No object, ref or negotiation line of another fork is ever seen here. Belongs to one
 * thread; holds the fork's lock and STORE (not owned) until closed.
 */
struct fork_repository;

/** FORK is borrowed until it is closed. STORE_BUSY, CACHE_UNUSABLE, INTERRUPTED, TIMEOUT. */
struct fork_repository *fork_repository_open(struct stores *stores, struct store *store,
	const struct remote *fork, struct budget *budget, GError **error);
void fork_repository_close(struct fork_repository *fork);
SCOPED_POINTER(fork_repository, fork_repository_close)

/** The repository, opened afresh by each fetch: ask again after one, and after
 * fork_repository_is_damaged(). Borrowed. */
git_repository *fork_repository_git(struct fork_repository *fork);

/** TRUE if OID is a commit that is here or in the upstream's store, with all that it reaches. */
gboolean fork_repository_has(struct fork_repository *fork, const git_oid *oid);

/**
 * Fetches the tips that are missing from the fork's server. Anchors (`refs/anchors/…`) are seeded
 * from the upstream's store first, so that negotiation finds what both share. Checks that every new
 * commit's parents, trees and blobs came or are reachable from this fork's or its upstream's refs:
 * else BROKEN_REPOSITORY, and nothing is kept. STORE_BUSY if the store turned out to be damaged:
 * the next store_open() makes it anew.
 */
gboolean fork_repository_fetch(struct fork_repository *fork, const struct fetch_ref *tips,
	size_t n_tips, struct budget *budget, GError **error);

/** Remembers OID (a merge base, a tip that was pushed) as an anchor, so that the next fetch begins
 * there. */
gboolean fork_repository_anchor(
	struct fork_repository *fork, const char *branch, const git_oid *oid, GError **error);

/**
 * After an object turned out to be missing while working here: TRUE if the fork's repository or the
 * store is damaged. What is will be made anew by the next job that opens it, so this one should end
 * with STORE_BUSY and be tried again. Reads everything.
 */
gboolean fork_repository_is_damaged(struct fork_repository *fork, const struct budget *budget);

#endif
