#ifndef FORGE_WORKER_DOCUMENT_FILE_MERGE_H
#define FORGE_WORKER_DOCUMENT_FILE_MERGE_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/document/value_merge.h"
#include "worker/merge/text_merge.h"

/** Three versions of a file, borrowed. BASE without data: both sides added the file. */
struct file_versions {
	const char *path; /**< `*.json`, `*.yaml`, `*.yml` may be merged by key */
	struct text_version base;
	struct text_version ours;
	struct text_version theirs;
};

struct file_merge_options {
	gboolean structured; /**< FALSE: by lines only */
	enum version_rule version_rule;
	/**
	 * What is made of conflicts; what merges cleanly stays. By lines, a conflict is a hunk, and
	 * BOTH are our lines and then theirs. By key, see value_merge.h: BOTH leaves scalars that
	 * differ in conflict.
	 */
	enum value_preference preference;
	GHashTable *choices;      /**< path of a conflict to its enum value_preference, or NULL */
	const char *ours_label;   /**< of markers; NULL: LOCAL */
	const char *theirs_label; /**< NULL: UPSTREAM */
};

struct file_merge {
	GString *text; /**< the merged file; conflicts that stay are between markers */
	gboolean by_key;
	/**
	 * Of struct value_conflict: those that stay. By lines, a conflict's path is `line N` (of
	 * our text, from 1) and its values are the lines of both sides; of a file that could only
	 * be merged as a whole, the path is empty.
	 */
	GPtrArray *conflicts;
	GPtrArray *settled;  /**< of struct value_conflict: settled by a preference */
	GPtrArray *versions; /**< of struct value_version */
};
void file_merge_free(struct file_merge *merge);
SCOPED_POINTER(file_merge, file_merge_free)

/**
 * Merges three versions of a file: by lines, as git does; where that conflicts, or makes no
 * document of three documents, by key. The result of a merge by key is written into our text (with
 * what merged by lines around the conflicts, if that still is a document): comments, order and
 * quotes stay, and what no change names is not touched. It is read again, and where it does not say
 * what was merged, the conflicts of lines stand. A file that is binary, or larger than
 * LIMIT_MERGE_BLOB_BYTES, is one conflict, with our text as it is. Never fails; caller frees.
 */
struct file_merge *file_merge_new(
	const struct file_versions *versions, const struct file_merge_options *options);

#endif
