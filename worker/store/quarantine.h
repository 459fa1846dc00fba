#ifndef FORGE_WORKER_STORE_QUARANTINE_H
#define FORGE_WORKER_STORE_QUARANTINE_H

#include <git2.h>
#include <glib.h>

#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/store/negotiation.h"
#include "worker/remote/remote.h"
#include "worker/store/store_folder.h"
#include "worker/remote/transfer.h"

/**
 * Fetches REFS from REMOTE into FOLDER's incoming, a repository that borrows FOLDER's, offering
 * what NEGOTIATION has; checks what came; moves its packs into FOLDER's repository. Sets no ref
 * there. Nothing of a fetch that failed stays. The caller holds FOLDER for writing. Errors: those
 * of transfer_fetch() and connectivity_check(), CACHE_UNUSABLE.
 */
gboolean quarantine_fetch(const struct store_folder *folder, struct http *http,
	const struct remote *remote, const struct fetch_ref *refs, size_t n_refs,
	const struct negotiation *negotiation, struct budget *budget, GError **error);

#endif
