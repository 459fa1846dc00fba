#ifndef FORGE_WORKER_STORE_ANCHORS_H
#define FORGE_WORKER_STORE_ANCHORS_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/remote/transfer.h"

/** The refs of one repository folder of the cache: what its server was last seen to have. */
struct anchors {
	GTree *by_name; /**< ref name → git_oid, both owned, in the order of the names */
};

void anchors_init(struct anchors *anchors);
void anchors_clear(struct anchors *anchors);
SCOPED_VALUE(anchors, anchors_clear)

/**
 * The ref that keeps what REMOTE_NAME (`refs/heads/main`) was: `refs/anchors/KIND/NAME`, with NAME
 * encoded so that no two names clash and any name a server can think of is a valid ref. KIND is
 * lower-case letters. Caller frees.
 */
char *anchor_name(const char *kind, const char *remote_name);

/** The REMOTE_NAME of which anchor_name() made NAME, or NULL: it is of another kind, or was too long
 * to be kept but as a digest. Caller frees. */
char *anchor_remote_name(const char *kind, const char *name);

/** TRUE if NAME is an anchor of a tag. There may be thousands of those, and what is behind them is
 * mostly behind branches too. */
gboolean anchor_is_of_tag(const char *name);

/** Reads the anchors of the repository folder FOLDER into ANCHORS (initialised). BROKEN_REPOSITORY.
 */
gboolean anchors_read(struct anchors *anchors, const char *folder, GError **error);

/** Replaces the anchors of FOLDER, all at once. CACHE_UNUSABLE. */
gboolean anchors_write(const struct anchors *anchors, const char *folder, GError **error);

/** The object of NAME, or NULL. Borrowed. */
const git_oid *anchors_find(const struct anchors *anchors, const char *name);

/** Sets NAME to OID; TRUE if that changed something. */
gboolean anchors_set(struct anchors *anchors, const char *name, const git_oid *oid);

/**
 * If there are more than LIMIT_ANCHORS, drops every second one; never those of REFS (N; by local
 * name). Loses no object, for nothing is pruned: only what the next fetch of a dropped ref's branch
 * can offer at once.
 */
void anchors_thin(struct anchors *anchors, const struct fetch_ref *refs, size_t n_refs);

#endif
