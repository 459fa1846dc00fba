#ifndef FORGE_WORKER_REMOTE_UPSTREAM_REFS_H
#define FORGE_WORKER_REMOTE_UPSTREAM_REFS_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/ls_refs.h"
#include "worker/remote/remote.h"

/**
 * What upstreams advertise, asked once a batch however many forks they have. Shared by all slots of
 * a process; an answer is kept under the batch that asked for it, so another batch asks again.
 */
struct upstream_refs;

struct upstream_refs *upstream_refs_new(struct http *http);
void upstream_refs_free(struct upstream_refs *refs);
SCOPED_POINTER(upstream_refs, upstream_refs_free)

/** An answer, counted by reference: it stays as it is while somebody reads it. */
struct upstream_answer {
	gatomicrefcount references;
	struct ref_listing *listing; /**< NULL if asking failed */
	GError *error;
	gpointer kept; /**< upstream_answer_kept() */
	GDestroyNotify kept_free;
};
void upstream_answer_unref(struct upstream_answer *answer);
SCOPED_POINTER(upstream_answer, upstream_answer_unref)

/**
 * What one of those who share ANSWER made of it, so that the others need not; NULL: nothing yet.
 * Borrowed from the answer. It is never changed again, so any thread may read it. KEEP takes MADE, not NULL,
 * which FREE frees, and gives what is kept: MADE, or what another thread kept first.
 */
gconstpointer upstream_answer_kept(struct upstream_answer *answer);
gconstpointer upstream_answer_keep(
	struct upstream_answer *answer, gpointer take_made, GDestroyNotify free);

/**
 * The refs of UPSTREAM that begin with PREFIXES, as the first asker of ROUND (a batch and an
 * attempt) saw them. Others that ask meanwhile wait for that answer; an error is shared as well, so
 * a server that is down costs one time limit and not one a fork. The listing is never NULL in what
 * is returned.
 */
struct upstream_answer *upstream_refs_get(struct upstream_refs *refs, const char *round,
	const struct remote *upstream, const char *const *prefixes, struct budget *budget,
	GError **error);

#endif
