#ifndef FORGE_WORKER_COMPONENT_DEPENDENCY_HINTS_H
#define FORGE_WORKER_COMPONENT_DEPENDENCY_HINTS_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/document.h"
#include "worker/component/workspace_files.h"

/** What is told of dependencies, one line each; lists of char *. */
struct dependency_notes {
	GPtrArray *
		noted; /**< `menu 1.2.0 (a1b2c3d)`: what a dependency says now and did not before */
	GPtrArray *left; /**< why one says what it said */
};
void dependency_notes_init(struct dependency_notes *notes);
void dependency_notes_clear(struct dependency_notes *notes);
SCOPED_VALUE(dependency_notes, dependency_notes_clear)

/**
 * The `component.yaml` of SIZE bytes at TEXT, of a component of REPOSITORY, in which every dependency
 * says what LOCKED has of it: `resolved_version` (none where LOCKED has none), `commit`, and, where one
 * of these changes or it is missing, `resolved_at`. All else stays byte for byte; the same text where
 * all is said already. A dependency that LOCKED does not have, from another repository or in a version
 * that it does not want, is left alone. NOTES gets a line for each of both. Errors have ORIGIN's code: TEXT is no valid component.yaml, or cannot be edited
 * in place. Pure. Caller frees with g_string_free().
 */
GString *dependency_hints_write(const struct document_origin *origin, const char *text, size_t size,
	const char *repository, const struct lock_file *locked, struct dependency_notes *notes,
	GError **error);

#endif
