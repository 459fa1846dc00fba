#ifndef FORGE_WORKER_GIT_TREE_ENTRIES_H
#define FORGE_WORKER_GIT_TREE_ENTRIES_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

/** One line of a tree object. */
struct tree_entry {
	const char *name; /**< inside the tree's content */
	size_t name_bytes;
	uint32_t mode; /**< canonical: 100644, 100755, 120000, 160000 or 040000 (octal) */
	git_oid oid;
};

/**
 * The entries of a tree object of SIZE bytes at CONTENT, as a GArray of struct tree_entry in the
 * order of the object; names are borrowed from CONTENT. BROKEN_REPOSITORY if it is cut short, not
 * sorted, or has a name that no tree may have (empty, twice, with a slash).
 */
GArray *tree_entries_parse(const void *content, size_t size, GError **error);

/** Appends a line to CONTENT, a tree object in the making. */
void tree_entries_append(GByteArray *content, const char *name, uint32_t mode, const git_oid *oid);

/** The order of entries in a tree object: by bytes, a directory's name as if it ended in a slash.
 */
int tree_entries_compare(const char *a, uint32_t a_mode, const char *b, uint32_t b_mode);

#endif
