#ifndef FORGE_WORKER_REMOTE_TRANSFER_H
#define FORGE_WORKER_REMOTE_TRANSFER_H

#include <git2.h>
#include <glib.h>

#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/ls_refs.h"
#include "worker/remote/remote.h"

/** A ref to fetch: the object it has on the server, and the local ref that keeps it. */
struct fetch_ref {
	const char *remote_name; /**< `refs/heads/main` */
	git_oid oid; /**< what the listing said it is; another one meanwhile is REF_MOVED */
	const char *local_name; /**< `refs/anchors/…`; set, forced, once the objects are there */
};

enum push_result {
	PUSH_NOT_TRIED,
	PUSH_DONE,
	PUSH_REJECTED, /**< by the server: protected branch, hook, policy */
	PUSH_MOVED,    /**< the ref was not at `before` */
};

/** One ref to update on the server, compare-and-swap. */
struct push_ref {
	const char *remote_name; /**< `refs/heads/main` */
	git_oid before;          /**< zero: must not exist */
	git_oid after;           /**< zero: delete */
	enum push_result result; /**< out */
	char *message; /**< out: the server's words, redacted; NULL if PUSH_DONE. Caller frees */
};

/**
 * The refs of any REMOTE whose names begin with one of PREFIXES; see ls_refs_http() for HTTP. Over
 * ssh and for paths the whole advertisement is read and filtered.
 */
struct ref_listing *transfer_list(struct http *http, const struct remote *remote,
	const char *const *prefixes, struct budget *budget, GError **error);

/**
 * Downloads REFS into REPOSITORY with one negotiation and one pack. What REPOSITORY's own refs
 * reach is offered as known; its alternates' refs are not. Sets each local ref only after the
 * objects are there. No connectivity check is made here. Errors as ls_refs_http(), and REF_MOVED,
 * BROKEN_REPOSITORY: also where the server refuses a tip that it goes on listing.
 */
gboolean transfer_fetch(struct http *http, git_repository *repository, const struct remote *remote,
	const struct fetch_ref *refs, size_t n_refs, struct budget *budget, GError **error);

/**
 * Pushes N_REFS updates from REPOSITORY to REMOTE in one request. TRUE if the server answered for
 * every ref: see each result, for some may be refused while others moved. FALSE if the outcome is
 * unknown or nothing was tried (see the error): then ask the server for its refs before doing
 * anything else.
 */
gboolean transfer_push(struct http *http, git_repository *repository, const struct remote *remote,
	struct push_ref *refs, size_t n_refs, struct budget *budget, GError **error);

#endif
