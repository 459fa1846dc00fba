#ifndef FORGE_WORKER_MERGE_RENAME_APPLY_H
#define FORGE_WORKER_MERGE_RENAME_APPLY_H

#include <glib.h>

#include "worker/merge/merge_run.h"

/**
 * Moves the versions of renamed files to where they went: each node's stages are then what has to
 * be merged there. PAIRS (of struct rename_pair, ours before theirs) is sorted by source. Errors:
 * BROKEN_REPOSITORY.
 */
gboolean rename_apply(struct merge_run *run, GArray *pairs, GError **error);

#endif
