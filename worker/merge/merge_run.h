#ifndef FORGE_WORKER_MERGE_MERGE_RUN_H
#define FORGE_WORKER_MERGE_MERGE_RUN_H

#include <glib.h>

#include "worker/merge/merge_node.h"
#include "worker/merge/tree_merge.h"
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
	/** Of a partial merge: path, inside the value → struct merge_conflict, what is known of a
	 * conflict; the tree is then to have ours' version there. Else NULL. */
	GHashTable *notes;
};

static inline gboolean merge_run_is_partial(const struct merge_run *run)
{
	return run->notes != NULL;
}

static inline void merge_run_conflict(struct merge_run *run, const char *path)
{
	g_ptr_array_add(run->conflicts, g_strdup(path));
}

static inline void merge_run_block(struct merge_run *run, const char *path)
{
	g_ptr_array_add(run->blocked, g_strdup(path));
}

/** Notes what stands at the conflicted PATH. A path that was noted as undecided stays so. */
void merge_run_note(struct merge_run *run, const char *path, enum merge_conflict_kind kind,
	const struct tree_version stages[MERGE_STAGES]);

#endif
