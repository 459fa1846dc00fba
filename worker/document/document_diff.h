#ifndef FORGE_WORKER_DOCUMENT_DOCUMENT_DIFF_H
#define FORGE_WORKER_DOCUMENT_DOCUMENT_DIFF_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "journal/base/value.h"
#include "worker/document/field_diff.h"
#include "worker/document/unified_diff.h"

/** One version of a file as git has it. DATA is borrowed: a symbolic link's is its target, a
 * submodule's its commit in hexadecimal. */
struct file_version {
	const char *data;
	size_t size;
	uint32_t mode;   /**< 0100644, 0100755, 0120000, 0160000; 0 is taken for 0100644 */
	gboolean absent; /**< there is no such file; the others do not count */
};

/** What changed between two versions of a file. Every text in it may be shown on a terminal. */
struct file_change {
	char *file;                /**< its name as given */
	struct field_diff *fields; /**< if both versions are documents, else NULL */
	char *diff;               /**< git's unified diff with its header; NULL unless both versions
				     are texts or absent */
	struct line_counts lines; /**< of `diff` */
	GPtrArray *wording;       /**< of char *: what happened, a line each; never empty */
	char *summary; /**< `wording` in one line, its first LIMIT_SHOWN_CHANGES and a count */
};

/**
 * What changed in FILE, whose name says whether it is a document (`.yaml`, `.yml`, `.json`) and
 * whether that is a JSON schema (`schema.json`, `*.schema.json`; also a document with `$schema`).
 * A document that cannot be read is compared as text. NULL if the two versions are the same. Texts
 * over LIMIT_MERGE_BLOB_BYTES count as binary. libgit2 must be set up. Caller frees.
 */
struct file_change *file_change_new(
	const char *file, const struct file_version *before, const struct file_version *after);
void file_change_free(struct file_change *change);
SCOPED_POINTER(file_change, file_change_free)

/** `FILE: SUMMARY`, as a list of changed files has it. Caller frees. */
char *file_change_line(const struct file_change *change);

/**
 * Appends CHANGE to LIST for machines: for each field {"file", "path", "old", "new"}, where what
 * was added has no "old" and what was removed no "new"; without fields one {"file", "path": null,
 * "summary"}. Where only some fields are kept, the summary is a last row.
 */
void file_change_append_rows(const struct file_change *change, struct value *list);

#endif
