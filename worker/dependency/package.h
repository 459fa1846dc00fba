#ifndef FORGE_WORKER_DEPENDENCY_PACKAGE_H
#define FORGE_WORKER_DEPENDENCY_PACKAGE_H

#include <git2.h>
#include <glib.h>

#include "worker/component/component_file.h"
#include "worker/component/component_versions.h"
#include "worker/component/workspace_files.h"
#include "worker/dependency/source.h"

/** One thing that may be installed as a component: a version, or what a branch, tag or id names. */
struct candidate {
	char *text; /**< for people: `2.1.3`, `main at a1b2c3d` */
	git_oid commit;
	char *ref;     /**< tag or branch, in full; NULL: none */
	char *version; /**< of a tag that says one, with its build; else NULL */
	struct semver *
		order; /**< that version, else what component.yaml says once it was read; or NULL */
	gboolean yanked;
	gboolean locked;        /**< what forge.lock has */
	uint64_t first_seen_us; /**< of a version; 0: nobody knows */

	/* What its files say, once they were looked at. */
	gboolean looked;
	char *path; /**< of its folder; empty: the root */
	git_oid tree;
	struct component_file *file; /**< NULL with `problem` */
	GError *problem;
};

/** A component in a repository, and all that may be installed as it. */
struct package {
	struct source *source;
	char *name;
	char *path;            /**< of its folder on the default branch; NULL: it is not there */
	GPtrArray *candidates; /**< of struct candidate: versions, the highest first, then others */
	gboolean loaded;
	GError *problem;          /**< why there can be none; NULL: there may be */
	GError *manifest_problem; /**< why nobody can say what was yanked; NULL: it is known */

	const struct locked_component
		*locked; /**< of forge.lock, unless it was given up; or NULL */
	/** Of forge.lock, also if it was given up: whose version was which commit. Borrowed; or NULL. */
	const struct locked_component *witness;
	git_oid installed; /**< base in the workspace's repository that is the locked commit; or zero */
};

/** LOCKED and INSTALLED as above, LOCKED borrowed. */
struct package *package_new(struct source *source, const char *name,
	const struct locked_component *locked, const git_oid *installed);
void package_free(struct package *package);
SCOPED_POINTER(package, package_free)

/** Sets what is LOCKED and INSTALLED, as package_new(); what was loaded is loaded anew. */
void package_hold(
	struct package *package, const struct locked_component *locked, const git_oid *installed);

/** Makes the candidates of what the source has been found to have, at the first call; later ones put
 * those in order that were added. Errors have nothing to do with the component; what has is its
 * `problem`. TAG_MOVED. */
gboolean package_load(struct package *package, GError **error);

/** What CONSTRAINT came to. */
struct package_allowed {
	GArray *candidates; /**< of guint, in no order */
	gboolean added;     /**< the package has a candidate that it had not before */
	char *reason;       /**< why there are none, in words that follow a colon; or NULL */
};
void package_allowed_clear(struct package_allowed *allowed);
SCOPED_VALUE(package_allowed, package_allowed_clear)

/** The constraint of those who name none in forge.yaml. No branch or tag is called so. */
#define PACKAGE_DEFAULT_BRANCH "from its default branch"

/**
 * Which candidates CONSTRAINT allows. Empty: all, or, where no tag says a version, those of
 * PACKAGE_DEFAULT_BRANCH. May ask the source for a name. Yanked versions and ones younger than
 * `sync.minimum_age` are allowed only if they are locked, or named exactly.
 */
gboolean package_allow(struct package *package, const char *constraint,
	struct package_allowed *allowed, GError **error);

/** Reads what CANDIDATE is; what is wrong with it is its `problem`. Errors as package_load(). */
gboolean package_look(struct package *package, struct candidate *candidate, GError **error);

/** Makes CANDIDATE's files those of the tree TREE of GIT, a component's folder called PATH: what a merge
 * made of it. BROKEN_REPOSITORY. */
gboolean package_take(struct candidate *candidate, git_repository *git, const git_oid *tree,
	const char *path, GError **error);

/** The highest version that is no prerelease and was not yanked, or NULL. Borrowed. */
const struct candidate *package_latest(const struct package *package);

#endif
