#ifndef FORGE_WORKER_COMPONENT_COMPONENT_MANIFEST_H
#define FORGE_WORKER_COMPONENT_COMPONENT_MANIFEST_H

#include <glib.h>

#include "journal/base/document.h"
#include "journal/base/scope.h"
#include "worker/component/component_name.h"

/** One component as its repository's manifest lists it. Texts that are not there are NULL. */
struct manifest_component {
	enum component_kind kind;
	char *name;
	char *path; /**< of its folder, clean; empty: the repository itself */
	char *version;
	char *description;
	char *stability; /**< as written: `stable`, `beta`, … */
	char **yanked;   /**< versions that it says itself nobody should choose; never NULL */
	unsigned line;
};

/** What `forge-manifest.yaml` says. */
struct component_manifest {
	GPtrArray *components; /**< of struct manifest_component: tools, prompts, agents */
	char **yanked;         /**< `VERSION` or `NAME@VERSION`, as listed at the top; never NULL */
};

/**
 * Reads the SIZE bytes at TEXT. A component without `path` is in `components/KIND/NAME`. `yanked:`
 * is a list of versions: of a component, that component's; at the top, every component's, or with
 * `NAME@VERSION` that one's; `yanked: true` at a component means the version beside it. Errors have
 * ORIGIN's code, and name line and key: wrong values, names listed twice, paths that
 * component_path_wrong() refuses. Keys nobody knows are let be unless they look mistyped. Caller
 * frees.
 */
struct component_manifest *component_manifest_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error);
/** One that lists nothing. */
struct component_manifest *component_manifest_new(void);
void component_manifest_free(struct component_manifest *manifest);
SCOPED_POINTER(component_manifest, component_manifest_free)

/** All versions of COMPONENT (one of MANIFEST's) that nobody should choose any more,
 * NULL-terminated. Caller frees. */
char **component_manifest_yanked(
	const struct component_manifest *manifest, const struct manifest_component *component);

/** The same of the component called NAME: none if it is not listed. */
char **component_manifest_yanked_of(const struct component_manifest *manifest, const char *name);

#endif
