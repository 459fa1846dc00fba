#ifndef FORGE_WORKER_MERGE_MERGE_DESK_H
#define FORGE_WORKER_MERGE_MERGE_DESK_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/merge/tree_merge.h"

/**
 * Tree merges by name, one after another, for scripts and conformance suites: keeps the repository
 * of the last question open, since suites ask thousands of the same one. Belongs to one thread.
 */
struct merge_desk;

struct merge_desk *merge_desk_new(void);
void merge_desk_free(struct merge_desk *desk);
SCOPED_POINTER(merge_desk, merge_desk_free)

struct desk_answer {
	char tree[GIT_OID_HEXSZ + 1]; /**< if there are no conflicts */
	GPtrArray *conflicts;         /**< of struct merge_conflict */
};
void desk_answer_clear(struct desk_answer *answer);
SCOPED_VALUE(desk_answer, desk_answer_clear)

/**
 * Merges OURS and THEIRS (anything that git can resolve to a commit) of the repository in FOLDER;
 * see tree_merge_commits(). VALIDATION_FAILED for a folder or name that is none. Nothing is written
 * but objects of a clean result.
 */
gboolean merge_desk_merge(struct merge_desk *desk, const char *folder, const char *ours,
	const char *theirs, struct desk_answer *answer, GError **error);

#endif
