#ifndef FORGE_WORKER_COMPONENT_COMPONENT_CATALOG_H
#define FORGE_WORKER_COMPONENT_COMPONENT_CATALOG_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/component/component_file.h"
#include "worker/component/component_manifest.h"

/** One component of a repository at one commit. Texts that nobody says are NULL. */
struct catalog_entry {
	char *name;
	enum component_kind kind;
	char *path; /**< of its folder, clean; empty: the repository itself */
	char *version;
	char *description;
	char *stability;
	git_oid tree; /**< of the folder; zero where `problem` says that there is none */
	const struct manifest_component *listed; /**< what the manifest says of it; NULL: nothing */
	GError *problem; /**< why it cannot be used as it is; NULL: nothing seen */
};

/** All components of a repository at one commit. */
struct component_catalog {
	GPtrArray *entries;                  /**< of struct catalog_entry, by name */
	struct component_manifest *manifest; /**< NULL: there is none */
};

/**
 * What the tree, commit or tag ID of GIT holds: what `forge-manifest.yaml` lists; without one, each
 * `components/{tools,prompts,agents}/FOLDER/component.yaml`, and a `component.yaml` at the root. A
 * component that is broken is listed with its problem, under its folder's name. VALIDATION_FAILED
 * if the manifest is wrong, or two components have one name (both paths are said);
 * BROKEN_REPOSITORY if objects lack; TOO_LARGE past LIMIT_COMPONENTS_PER_REPOSITORY or
 * LIMIT_CATALOG_BYTES. Caller frees.
 */
struct component_catalog *component_catalog_new(
	git_repository *git, const git_oid *id, GError **error);
void component_catalog_free(struct component_catalog *catalog);
SCOPED_POINTER(component_catalog, component_catalog_free)

/** The component called NAME; COMPONENT_NOT_FOUND suggests the nearest name, and its own problem is
 * an error too. Borrowed. */
const struct catalog_entry *component_catalog_find(
	const struct component_catalog *catalog, const char *name, GError **error);

/** The versions of ENTRY that nobody should choose any more, NULL-terminated. Caller frees. */
char **component_catalog_yanked(
	const struct component_catalog *catalog, const struct catalog_entry *entry);

/**
 * The manifest that the tree, commit or tag ID of GIT holds, read alone; an empty one where there is
 * none. VALIDATION_FAILED if it is wrong; BROKEN_REPOSITORY. Caller frees.
 */
struct component_manifest *component_catalog_manifest(
	git_repository *git, const git_oid *id, GError **error);

/** Reads `component.yaml` of the component in the folder PATH (for errors), whose tree is TREE. As
 * component_file_parse(); VALIDATION_FAILED if there is none. Caller frees. */
struct component_file *component_catalog_read(
	git_repository *git, const git_oid *tree, const char *path, GError **error);

#endif
