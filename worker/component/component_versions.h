#ifndef FORGE_WORKER_COMPONENT_COMPONENT_VERSIONS_H
#define FORGE_WORKER_COMPONENT_COMPONENT_VERSIONS_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"

/*
 * Which commit of a repository a constraint means, from the refs that its server advertises. Pure.
 */

/** One ref as advertised. Texts are borrowed. */
struct version_ref {
	const char *name; /**< full: `refs/tags/v1.2.3`, `HEAD` */
	git_oid oid;
	git_oid peeled;            /**< of an annotated tag: its commit; else equal to oid */
	const char *symref_target; /**< of HEAD: the default branch's full name; else NULL */
};

/** What a constraint came to. */
struct component_pick {
	char *ref;          /**< full name of the ref that has the commit; owned */
	git_oid advertised; /**< what the ref names */
	git_oid commit;     /**< its commit; zero where COMMIT_TEXT says which one is meant */
	char *version;      /**< of a version that was picked: `2.1.3`; else NULL */
	char *commit_text;  /**< a commit was asked for: its digits, to be found in what the refs
			       reach; else NULL */
	gboolean pinned;    /**< one version or commit was asked for: nothing newer is looked for */
};
void component_pick_clear(struct component_pick *pick);
SCOPED_VALUE(component_pick, component_pick_clear)

/**
 * Appends (new texts) the prefixes of refs that must be known to decide CONSTRAINT (NULL: the
 * default branch), unless they are in PREFIXES already.
 */
void component_versions_add_prefixes(const char *constraint, GPtrArray *prefixes);

/**
 * Picks the commit that CONSTRAINT means for the component NAME, whose folder is at PATH (NULL: not
 * known yet) of the repository with REFS (of struct version_ref). A component's own tags
 * (`NAME@1.2.3`, `NAME/v1.2.3`, `NAME-v1.2.3`, `PATH/v1.2.3`) decide if it has any, else the
 * repository's (`v1.2.3`, `1.2.3`). YANKED (NULL, or NULL-terminated) are versions that only an
 * exact constraint takes. Errors: VERSION_NOT_FOUND (no such tag, branch or version; says what is
 * nearest); VALIDATION_FAILED for what is no constraint, and for two spellings of one version at
 * different commits; EMPTY_REPOSITORY. PICK is set on success alone.
 */
gboolean component_versions_pick(const GPtrArray *refs, const char *name, const char *path,
	const char *constraint, const char *const *yanked, struct component_pick *pick,
	GError **error);

#endif
