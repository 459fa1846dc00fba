#ifndef FORGE_WORKER_STORE_CONNECTIVITY_H
#define FORGE_WORKER_STORE_CONNECTIVITY_H

#include <git2.h>
#include <glib.h>

#include "worker/git/budget.h"

/**
 * Checks what arrived in the packs of the repository folder FOLDER, whose alternates hold nothing
 * incomplete: every tip is there, and whatever any arrived commit, tree or tag names (gitlinks
 * apart) arrived too or is in the alternates, as the kind of object it is named as. So all objects
 * of FOLDER and its alternates together are complete. BROKEN_REPOSITORY names the missing object,
 * and the commit and path that need it; others: TOO_LARGE (an object past
 * LIMIT_LINKING_OBJECT_BYTES or, a blob, LIMIT_BLOB_BYTES), TIMEOUT, INTERRUPTED. Costs one read of each arrived commit, tree
 * and tag.
 */
gboolean connectivity_check(const char *folder, const git_oid *tips, gsize n_tips,
	const struct budget *budget, GError **error);

/**
 * Checks that everything TIPS reach in FOLDER and its alternates is there. Walks all of it: for
 * repositories that are suspected. Errors as above.
 */
gboolean connectivity_check_all(const char *folder, const git_oid *tips, gsize n_tips,
	const struct budget *budget, GError **error);

#endif
