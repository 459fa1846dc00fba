#ifndef FORGE_WORKER_MERGE_RENAMES_H
#define FORGE_WORKER_MERGE_RENAMES_H

#include <glib.h>

#include "worker/git/object_stage.h"
#include "worker/merge/tree_walk.h"

/** A file that SIDE moved. */
struct rename_pair {
	struct merge_node *from;
	struct merge_node *to;
	enum merge_stage side;
};

/**
 * Appends to PAIRS (of struct rename_pair) the renames that SIDE made, as git's merge finds them at
 * 50 % with its own limits: equal files first, then files of the same name that are 75 % alike,
 * then the best of the rest. *BLOCKED is a file whose fate could not be told within our limits (too
 * many candidates, or too large ones); NULL if there is none. Errors: BROKEN_REPOSITORY.
 */
gboolean renames_find(struct object_stage *stage, struct side_changes *changes,
	enum merge_stage side, GArray *pairs, const struct merge_node **blocked, GError **error);

#endif
