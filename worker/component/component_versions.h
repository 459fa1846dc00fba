#ifndef FORGE_WORKER_COMPONENT_COMPONENT_VERSIONS_H
#define FORGE_WORKER_COMPONENT_COMPONENT_VERSIONS_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/component/component_constraint.h"

/** A ref of a repository, as a listing or the repository itself has it. */
struct version_ref {
	const char *name; /**< in full: `refs/tags/v1.2.3`, `refs/heads/main` */
	git_oid oid;      /**< the commit; of an annotated tag, what it leads to in the end */
};

/** One version of a component. */
struct component_version {
	struct semver *version;
	char *text; /**< of the version, with its build */
	char *ref;  /**< the tag, in full */
	git_oid commit;
	gboolean yanked;
};

/** All versions of a component, the highest first. */
struct component_versions {
	GPtrArray *versions; /**< of struct component_version */
};

/**
 * The versions of the component NAME in the folder PATH (clean; empty: the repository itself), from
 * the tags among REFS (of struct version_ref): `NAME@1.2.3`, `NAME/v1.2.3`, `NAME-v1.2.3`,
 * `PATH/v1.2.3` if there are any such, else `v1.2.3` and `1.2.3`. YANKED (texts, NULL-terminated;
 * may be NULL) are marked. Tags of other names are passed over. VALIDATION_FAILED if two tags say
 * one version and name different commits: nobody can know which is meant. Pure. Caller frees.
 */
struct component_versions *component_versions_new(const GPtrArray *refs, const char *name,
	const char *path, const char *const *yanked, GError **error);
void component_versions_free(struct component_versions *versions);
SCOPED_POINTER(component_versions, component_versions_free)

/** Whether NAME, of a list of yanked versions, means VERSION: without a build it means every build.
 * Pure. */
gboolean component_version_is_named(const struct semver *name, const struct semver *version);

/** What a constraint led to. */
enum pick_kind {
	PICK_VERSION, /**< a tag that says a version */
	PICK_TAG,     /**< another tag, by its name */
	PICK_BRANCH,
	PICK_COMMIT,  /**< a commit by its id, which may be a beginning: `commit_prefix` */
	PICK_DEFAULT, /**< the default branch */
};

struct component_pick {
	enum pick_kind kind;
	char *ref;           /**< in full; NULL for COMMIT and, if nobody says, DEFAULT */
	git_oid commit;      /**< zero for COMMIT with a beginning only */
	char *commit_prefix; /**< of COMMIT: the hex digits; else NULL */
	char *version;       /**< of VERSION, with its build; else NULL */
	gboolean pinned;     /**< exactly this was asked for: nothing newer is looked for */
	gboolean yanked;     /**< it is there only because it was pinned */
};

void component_pick_clear(struct component_pick *pick);
SCOPED_VALUE(component_pick, component_pick_clear)

/**
 * What CONSTRAINT asks for, into *PICK: a range its highest version, `latest` the highest that is
 * no prerelease; both leave out what was yanked, which an exact version may still be. A range that
 * no version satisfies is the tag, else the branch, of just that name. A name is a tag, else a
 * branch, else, with 40 hex digits, a commit. No constraint is the default branch:
 * HEAD_REF (in full; may be NULL) at the ref of this name among REFS, or REFS' own `HEAD`.
 * COMPONENT_NOT_FOUND says for NAME what there is instead, BRANCH_NOT_FOUND that there is no
 * default branch. Pure.
 */
gboolean component_versions_pick(const struct component_versions *versions, const GPtrArray *refs,
	const char *name, const char *head_ref, const struct component_constraint *constraint,
	struct component_pick *pick, GError **error);

#endif
