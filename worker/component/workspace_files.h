#ifndef FORGE_WORKER_COMPONENT_WORKSPACE_FILES_H
#define FORGE_WORKER_COMPONENT_WORKSPACE_FILES_H

#include <glib.h>

#include "journal/base/document.h"
#include "journal/base/scope.h"

/* `forge.yaml` and `forge.lock` of a workspace, as texts: nothing here opens a file. */

/** A component that a workspace wants, as `forge.yaml` says. */
struct wanted_component {
	char *repository;
	char *component;
	char *constraint; /**< NULL: the default branch */
	char *path;       /**< clean, as in the file; NULL: wherever the repository says */
	unsigned line;
};

/** What `forge.yaml` says. */
struct wanted_file {
	GPtrArray *components; /**< of struct wanted_component, in the order of the file */
};

/** A component as it was resolved, as `forge.lock` says. */
struct locked_component {
	char *component;
	char *repository;
	char *path;          /**< of its folder in the repository; empty: the repository itself */
	char *version;       /**< NULL: a branch or a commit was asked for */
	char *commit;        /**< 40 small hex digits */
	char *tree;          /**< of the folder, likewise */
	char *resolved_at;   /**< as time is written: 2026-01-15T10:30:00Z */
	char **dependencies; /**< names, sorted; never NULL once read */
	unsigned line;
};

/** What `forge.lock` says. */
struct lock_file {
	GPtrArray *components; /**< of struct locked_component, in the order of the file */
};

/**
 * Reads the SIZE bytes at TEXT. An empty file wants nothing. Errors have ORIGIN's code and name
 * line and key; one component twice, from wherever, is refused. Of `forge.yaml`, keys nobody knows
 * are let be unless they look mistyped; `forge.lock` is forge's own, so they are refused there, and
 * a format other than 1 with UNSUPPORTED. Caller frees.
 */
struct wanted_file *wanted_file_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error);
void wanted_file_free(struct wanted_file *file);
SCOPED_POINTER(wanted_file, wanted_file_free)

struct lock_file *lock_file_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error);
void lock_file_free(struct lock_file *file);
/** Frees a struct locked_component with all its texts. */
void locked_component_free(gpointer component);
SCOPED_POINTER(lock_file, lock_file_free)

/** The component called NAME, or NULL. Borrowed. */
const struct wanted_component *wanted_file_find(const struct wanted_file *file, const char *name);
const struct locked_component *lock_file_find(const struct lock_file *file, const char *name);

/**
 * COMPONENTS (of struct locked_component) as a new `forge.lock`, sorted by name, dependencies too:
 * the same components, the same bytes. Caller frees.
 */
char *lock_file_write(const GPtrArray *components);

/** Whether B is where A is: `resolved_at` and dependencies apart, they say the same. */
gboolean locked_component_same_place(
	const struct locked_component *a, const struct locked_component *b);

#endif
