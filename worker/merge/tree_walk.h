#ifndef FORGE_WORKER_MERGE_TREE_WALK_H
#define FORGE_WORKER_MERGE_TREE_WALK_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/merge/merge_node.h"
#include "worker/git/object_stage.h"

/** Why the rename of a file that a side deleted matters to the merge. */
enum rename_relevance {
	RENAME_IRRELEVANT,
	RENAME_RELEVANT_LOCATION, /**< only to tell where its directory went */
	RENAME_RELEVANT_CONTENT,  /**< the other side changed or deleted the file */
};

/** A file that one side deleted (a rename's source) or added (a destination). */
struct rename_candidate {
	struct merge_node *node;
	enum rename_relevance relevance; /**< of a source */
};

/** Whether a directory that a side removed is asked about, as git's rename detection ranks it. */
enum directory_relevance {
	DIRECTORY_IRRELEVANT,
	DIRECTORY_RELEVANT_FOR_ANCESTOR,
	DIRECTORY_RELEVANT_FOR_SELF,
};

/** What one side did, in the order of the walk. */
struct side_changes {
	GArray *sources;          /**< of struct rename_candidate */
	GArray *destinations;     /**< of struct rename_candidate */
	size_t n_relevant;        /**< of the sources */
	GHashTable *removed_dirs; /**< path → enum directory_relevance */
};

/** The union of three trees, as far as they differ. */
struct tree_walk {
	struct merge_node root;
	struct side_changes sides[MERGE_STAGES]; /**< [MERGE_STAGE_BASE] is unused */
	GStringChunk *paths;
};

/**
 * Walks the trees BASE, OURS and THEIRS (with TREES[i] the id) together. A directory is entered
 * only where its versions differ in a way that the merge has to see: equal subtrees, and subtrees
 * changed by one side where no rename can matter, are resolved by their id. Names and ids point
 * into objects of STAGE, which must outlive the walk. BROKEN_REPOSITORY for a missing or malformed
 * tree, TOO_LARGE for one deeper than LIMIT_TREE_DEPTH.
 */
struct tree_walk *tree_walk_new(
	struct object_stage *stage, const git_oid trees[MERGE_STAGES], GError **error);
void tree_walk_free(struct tree_walk *walk);
SCOPED_POINTER(tree_walk, tree_walk_free)

#endif
