#ifndef FORGE_WORKER_SYNC_THREE_WAY_H
#define FORGE_WORKER_SYNC_THREE_WAY_H

#include "worker/document/file_merge.h"
#include "worker/sync/judge.h"

/** What bringing local and upstream together came to. */
struct three_way {
	git_oid tree; /**< everything that merged; local's version where there is a conflict */
	GPtrArray *conflicts; /**< of struct component_conflict; empty: it merged */
	GPtrArray *merged;    /**< of char *: paths that both had changed and that merged, sorted */
	char *rule_used;      /**< the rule that settled versions, and where; or NULL. At most some
				 LIMIT_PLACE_BYTES, as is the place of a conflict */
};
void three_way_clear(struct three_way *merge);
SCOPED_VALUE(three_way, three_way_clear)

/**
 * Merges the commits LOCAL and UPSTREAM of the workspace's repository: trees as git does, files by
 * lines, and YAML and JSON by key where lines conflict. Then the result is judged
 * (judge_result()). Nothing but objects is written.
 */
gboolean three_way_merge(const struct component_job *job, const git_oid *local,
	const git_oid *upstream, enum version_rule rule, struct three_way *merge, GError **error);

/** TEXT if it has at most LIMIT_PLACE_BYTES; else as many whole characters of it as that, and `…`.
 * Caller frees. */
char *three_way_cut(const char *text);

/** The rule that TEXT (`sync.version_conflict`) names; CONFLICT for NULL and what is none. */
enum version_rule three_way_rule(const char *text);

#endif
