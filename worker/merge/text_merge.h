#ifndef FORGE_WORKER_MERGE_TEXT_MERGE_H
#define FORGE_WORKER_MERGE_TEXT_MERGE_H

#include <glib.h>

/** Bytes of one version of a file; DATA is borrowed and may be NULL if SIZE is 0. */
struct text_version {
	const char *data;
	size_t size;
};

/** How a conflict is written into the text. */
struct text_markers {
	const char *ours;   /**< label behind <<<<<<< */
	const char *theirs; /**< label behind >>>>>>> */
	size_t size;        /**< characters of a marker; git's own is 7 */
	const char *middle; /**< label behind =======, or NULL, as git has it */
};

/** TRUE if git would not merge TEXT line by line: there is a zero byte near its beginning. */
gboolean text_is_binary(const struct text_version *text);

/**
 * Merges OURS and THEIRS, which both came from BASE, line by line as git does (histogram diff,
 * "zealous" conflicts). The result holds conflicts between MARKERS; *CONFLICTS is how many. Caller
 * frees. Each text must be smaller than 2 GiB; callers keep to LIMIT_MERGE_BLOB_BYTES.
 */
GByteArray *text_merge(const struct text_version *base, const struct text_version *ours,
	const struct text_version *theirs, const struct text_markers *markers, size_t *conflicts);

#endif
