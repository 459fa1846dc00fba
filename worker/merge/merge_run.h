#ifndef FORGE_WORKER_MERGE_MERGE_RUN_H
#define FORGE_WORKER_MERGE_MERGE_RUN_H

#include <glib.h>

#include "worker/merge/merge_node.h"
#include "worker/git/object_stage.h"

/** One merge of three trees: the final one (depth 0), or one that makes a virtual merge base. */
struct merge_run {
	struct object_stage *stage;
	unsigned depth;   /**< how many merges of merge bases this one is for */
	const char *ours; /**< labels of conflict markers */
	const char *theirs;
	GPtrArray *conflicts; /**< paths (owned) that git would call conflicted at depth 0 */
	GPtrArray *blocked; /**< paths (owned) that our own limits leave undecided; never clean, at
			       any depth */
};

static inline void merge_run_conflict(struct merge_run *run, const char *path)
{
	g_ptr_array_add(run->conflicts, g_strdup(path));
}

static inline void merge_run_block(struct merge_run *run, const char *path)
{
	g_ptr_array_add(run->blocked, g_strdup(path));
}

#endif
