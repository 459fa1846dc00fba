#ifndef FORGE_WORKER_MERGE_TREE_SETTLE_H
#define FORGE_WORKER_MERGE_TREE_SETTLE_H

#include <glib.h>

#include "worker/merge/merge_run.h"

/**
 * Settles every entry below ROOT, whose renames have been applied, and makes the tree: *TREE is the
 * id of an object staged in RUN's stage (or of one that was there). Conflicted paths are added to
 * RUN; at depth 0 the tree is of use only if there are none. Errors: BROKEN_REPOSITORY.
 */
gboolean tree_settle(struct merge_run *run, struct merge_node *root, git_oid *tree, GError **error);

#endif
