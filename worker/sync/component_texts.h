#ifndef FORGE_WORKER_SYNC_COMPONENT_TEXTS_H
#define FORGE_WORKER_SYNC_COMPONENT_TEXTS_H

#include <git2.h>
#include <glib.h>

#include "worker/component/component_file.h"

/**
 * The bytes of the file PATH in the tree TREE; NULL without an error if there is no such file (a
 * link or folder is none). TOO_LARGE past LIMIT_MERGE_BLOB_BYTES; BROKEN_REPOSITORY. Caller unrefs.
 */
GBytes *component_texts_read(
	git_repository *repository, const git_oid *tree, const char *path, GError **error);

/**
 * `component.yaml` of the component whose root tree is TREE; NULL without an error if it has none.
 * VALIDATION_FAILED for the first thing that is wrong with it; PROBLEMS as
 * component_file_parse(). Caller frees.
 */
struct component_file *component_texts_file(
	git_repository *repository, const git_oid *tree, GPtrArray *problems, GError **error);

/** The same of the component NAME as it was installed in the workspace of FORGE; NULL also if it is not
 * installed, or its file cannot be read. Caller frees. */
struct component_file *component_texts_installed(git_repository *forge, const char *name);

/** Names of the components that the one with root tree TREE depends on, sorted, NULL-terminated;
 * none if its file cannot be read. Caller frees. */
gboolean component_texts_dependencies(
	git_repository *repository, const git_oid *tree, char ***names, GError **error);

#endif
