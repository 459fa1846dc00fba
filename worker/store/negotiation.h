#ifndef FORGE_WORKER_STORE_NEGOTIATION_H
#define FORGE_WORKER_STORE_NEGOTIATION_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/oid_set.h"

/** What a fetch may offer the server as known, best first and without doubles. At most
 * LIMIT_NEGOTIATION_HAVES. */
struct negotiation {
	GArray *haves;       /**< of git_oid */
	GHashTable *offered; /**< the same as a set; keys point into its own copies */
};

void negotiation_init(struct negotiation *negotiation);
void negotiation_clear(struct negotiation *negotiation);
SCOPED_VALUE(negotiation, negotiation_clear)

/** Offers the commit OID next, unless it was offered or the offer is full. FALSE if it is full. */
gboolean negotiation_offer(struct negotiation *negotiation, const git_oid *oid);

/** Offers the commit that TAG leads to, for whoever has it has that; nothing if it leads to none.
 * FALSE if the offer is full. */
gboolean negotiation_offer_tag(
	struct negotiation *negotiation, git_repository *repository, const git_oid *tag);

/**
 * Offers some commits of each of LINES (GArrays of git_oid, newest first, as negotiation_line()
 * gives them) in turns, and the oldest: all of the newest DENSITY, and from there on with gaps of a
 * DENSITY-th of the depth. 1 doubles the depth with each.
 */
void negotiation_offer_sparse(
	struct negotiation *negotiation, const GPtrArray *lines, guint density);

/**
 * The first-parent line from commit TIP back to a root, newest first, at most LENGTH_MAX long. It
 * ends before a commit that is in SEEN (of git_oid), which *MET then names (else zero); what it
 * holds is added to SEEN. Returns an array of git_oid, empty if TIP leads to no commit; NULL and
 * BROKEN_REPOSITORY if a commit cannot be read.
 */
GArray *negotiation_line(git_repository *repository, const git_oid *tip, guint length_max,
	GHashTable *seen, git_oid *met, GError **error);

/**
 * Writes into the repository folder FOLDER (bare; nobody has it open) refs for all that is offered,
 * and a commit graph in which these commits have no parents and are dated in the order of the
 * offer: libgit2 then offers exactly these, in this order. negotiation_forget() removes the graph
 * again, which must be done before anything else reads the commits.
 */
gboolean negotiation_write(
	const struct negotiation *negotiation, const char *folder, GError **error);
gboolean negotiation_forget(const char *folder, GError **error);

#endif
