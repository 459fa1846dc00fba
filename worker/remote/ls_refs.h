#ifndef FORGE_WORKER_REMOTE_LS_REFS_H
#define FORGE_WORKER_REMOTE_LS_REFS_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/remote.h"

/** One ref as a server advertises it. */
struct advertised_ref {
	char *name; /**< `refs/heads/main`, `HEAD` */
	git_oid oid;
	git_oid peeled;      /**< of an annotated tag: what it points at; else equal to oid */
	char *symref_target; /**< of HEAD: the default branch's full name; else NULL */
};

/** What a server said about its refs, in its order. */
struct ref_listing {
	GPtrArray *refs;   /**< of struct advertised_ref */
	char *unborn_head; /**< HEAD's target in an empty repository, where the server tells; else
			      NULL */
};

void ref_listing_free(struct ref_listing *listing);
SCOPED_POINTER(ref_listing, ref_listing_free)

/** The ref called NAME, or NULL. */
const struct advertised_ref *ref_listing_find(const struct ref_listing *listing, const char *name);

/**
 * The refs of an HTTP REMOTE whose names begin with one of PREFIXES (NULL-terminated; `HEAD`,
 * `refs/heads/main`, `refs/heads/`). One POST of protocol version 2 where the server speaks it;
 * else the version 0 advertisement, filtered here. An empty repository gives an empty listing.
 * Errors: REPOSITORY_NOT_FOUND, AUTHENTICATION_FAILED, PERMISSION_DENIED, REPOSITORY_UNREACHABLE,
 * TIMEOUT, PROTOCOL_ERROR, TOO_LARGE, RATE_LIMIT_EXCEEDED.
 */
struct ref_listing *ls_refs_http(struct http *http, const struct remote *remote,
	const char *const *prefixes, struct budget *budget, GError **error);

#endif
