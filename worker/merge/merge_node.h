#ifndef FORGE_WORKER_MERGE_MERGE_NODE_H
#define FORGE_WORKER_MERGE_MERGE_NODE_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

/** The three versions of everything in a merge; also bit numbers in masks of them. */
enum merge_stage {
	MERGE_STAGE_BASE,
	MERGE_STAGE_OURS,
	MERGE_STAGE_THEIRS,
	MERGE_STAGES,
};

#define MERGE_IN_BASE (1u << MERGE_STAGE_BASE)
#define MERGE_IN_OURS (1u << MERGE_STAGE_OURS)
#define MERGE_IN_THEIRS (1u << MERGE_STAGE_THEIRS)
#define MERGE_IN_BOTH_SIDES (MERGE_IN_OURS | MERGE_IN_THEIRS)
#define MERGE_IN_ALL (MERGE_IN_BASE | MERGE_IN_BOTH_SIDES)

/** What a tree says of a name. Mode 0: it does not have it. Modes are git's canonical six. */
struct tree_version {
	uint32_t mode;
	git_oid oid;
};

/** One name in a directory that the walk had to look into, with what each of the three trees has
 * there. */
struct merge_node {
	struct merge_node *parent; /**< the directory; NULL for the root */
	const char *path;          /**< from the root; "" for the root itself */
	const char *name;          /**< the last part of path */
	struct tree_version stages[MERGE_STAGES];
	const char *stage_paths[MERGE_STAGES]; /**< where each stage stood before renames moved it
						  here */
	unsigned files;    /**< mask: stages that hold a file, symbolic link or gitlink */
	unsigned dirs;     /**< mask: stages that hold a directory */
	unsigned matches;  /**< mask of two stages that are equal, or 0 */
	gboolean walked;   /**< children are there */
	gboolean resolved; /**< `result` stands (or, if absent, nothing does but what children make)
			    */
	gboolean absent;
	gboolean file_and_directory; /**< a file in one version, a directory in another */
	gboolean path_conflict;      /**< renames disagree: never clean */
	gboolean left_out; /**< a partial merge left something out below that a whole one has */
	struct tree_version result;
	struct merge_node *children; /**< in the order of their names */
	size_t n_children;
};

static inline gboolean tree_version_equal(
	const struct tree_version *a, const struct tree_version *b)
{
	return a->mode == b->mode && (a->mode == 0 || git_oid_equal(&a->oid, &b->oid));
}

#define MERGE_MODE_TYPE 0170000u

static inline gboolean merge_mode_is_file(uint32_t mode)
{
	return (mode & MERGE_MODE_TYPE) == 0100000;
}

static inline gboolean merge_mode_is_directory(uint32_t mode)
{
	return (mode & MERGE_MODE_TYPE) == 0040000;
}

#endif
