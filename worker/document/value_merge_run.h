#ifndef FORGE_WORKER_DOCUMENT_VALUE_MERGE_RUN_H
#define FORGE_WORKER_DOCUMENT_VALUE_MERGE_RUN_H

#include "worker/document/document_path.h"
#include "worker/document/value_merge.h"

/* What the two halves of a merge by key share; for value_merge*.c alone. */

struct value_merging {
	const struct value_merge_options *options;
	struct document_path *path; /**< of what is being merged */
	struct value_merge *result;
};

/** The merged value, or NULL for none. Caller frees. */
struct value *value_merge_node(
	struct value_merging *merging, const struct value_versions *versions);

/** The same where nothing but a version rule, lines or a preference can settle it. */
struct value *value_merge_conflict(
	struct value_merging *merging, const struct value_versions *versions);

/** Merges three lists; as a conflict if they are one value. */
struct value *value_merge_lists(
	struct value_merging *merging, const struct value_versions *versions);

/** Our list with those items of theirs that neither it nor the base (which may be NULL) has; NULL
 * if one name would then stand for two items. */
struct value *value_merge_both(const struct value_versions *versions);

#endif
