#ifndef FORGE_WORKER_MERGE_ENTRY_MERGE_H
#define FORGE_WORKER_MERGE_ENTRY_MERGE_H

#include <glib.h>

#include "worker/merge/merge_run.h"

/**
 * Merges three versions of one entry, OURS and THEIRS being there and of one type. STAGE_PATHS tell
 * where each version stood (for labels; compared by address) and EXTRA is added to the length of
 * conflict markers. *RESULT is the merged version, or what git puts in its place where it
 * conflicts; *CLEAN tells which. Errors: BROKEN_REPOSITORY.
 */
gboolean entry_merge(struct merge_run *run, const char *const stage_paths[MERGE_STAGES],
	const struct tree_version *base, const struct tree_version *ours,
	const struct tree_version *theirs, unsigned extra, struct tree_version *result,
	gboolean *clean, GError **error);

#endif
