#ifndef FORGE_WORKER_DOCUMENT_UNIFIED_DIFF_H
#define FORGE_WORKER_DOCUMENT_UNIFIED_DIFF_H

#include <glib.h>
#include <stddef.h>

#include "worker/merge/text_merge.h"

/** Lines of a text that came and went. */
struct line_counts {
	size_t added;
	size_t removed;
};

/**
 * The hunks that lead from the text BEFORE to AFTER, in git's format with three lines of context,
 * without the header that names the file; empty if the two are equal. Texts that are not UTF-8, or
 * hold control characters other than tab and line feed, have U+FFFD in their place, so that it may
 * be printed. Past LIMIT_DIFF_BYTES the rest is one line that counts it; COUNTS is always whole.
 * libgit2 must be set up. Caller frees; NULL (FAILED) if libgit2 cannot.
 */
char *unified_diff(const struct text_version *before, const struct text_version *after,
	struct line_counts *counts, GError **error);

#endif
