#ifndef FORGE_WORKER_SYNC_COMPONENT_VALIDITY_H
#define FORGE_WORKER_SYNC_COMPONENT_VALIDITY_H

#include <git2.h>
#include <glib.h>

/**
 * Adds to PROBLEMS (owned char *, each may be shown on a terminal) everything that is wrong with
 * the component whose root tree is TREE: component.yaml is missing or says what it must not;
 * schema.json is no schema; `config` is not what the schema's `#/properties/config` describes.
 * Without a schema.json `config` may be anything. FALSE (BROKEN_REPOSITORY) only where the files
 * cannot be read.
 */
gboolean component_validity(
	git_repository *repository, const git_oid *tree, GPtrArray *problems, GError **error);

/**
 * What a change breaks: *PROBLEM is the first that AFTER has and none of the N trees at BEFORE (a
 * zero one is no component and has none), wherever its line is; NULL if there is none. Only what is
 * wrong with the file FILE counts, unless that is NULL. Caller frees. Errors as
 * component_validity().
 */
gboolean component_validity_broken(git_repository *repository, const git_oid *before, size_t n,
	const git_oid *after, const char *file, char **problem, GError **error);

/** All problems of the tree of that hexadecimal id in the workspace at ROOT; empty: there is no folder,
 * which is a problem too. NULL with an error, else the problems. Caller unrefs. */
GPtrArray *component_validity_of(const char *root, const char *tree, GError **error);

#endif
