#ifndef FORGE_WORKER_COMPONENT_COMPONENT_CONSTRAINT_H
#define FORGE_WORKER_COMPONENT_COMPONENT_CONSTRAINT_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/component/semver_range.h"

/** What somebody wants of a component. */
enum constraint_kind {
	CONSTRAINT_NONE,   /**< nothing said: the default branch */
	CONSTRAINT_RANGE,  /**< a range of versions, of one version perhaps */
	CONSTRAINT_LATEST, /**< the highest version that is no prerelease */
	CONSTRAINT_COMMIT, /**< a commit by its id */
	CONSTRAINT_NAME,   /**< a tag, else a branch */
};

struct component_constraint {
	enum constraint_kind kind;
	char *text; /**< the id (small hex digits), the name, the range as written */
	struct semver_range *range; /**< of RANGE; else NULL */
};

/**
 * TEXT as a constraint; NULL or empty is none. Tried as a range, `latest`, `@HEX`, and a name that
 * git would take for a tag or branch, in this order. VALIDATION_FAILED if it is nothing of these.
 * Caller frees.
 */
struct component_constraint *component_constraint_parse(const char *text, GError **error);
void component_constraint_free(struct component_constraint *constraint);
SCOPED_POINTER(component_constraint, component_constraint_free)

/**
 * One constraint for what all of TEXTS (NULL-terminated; empty: any) allow: ranges become their
 * intersection; where one is a branch, a tag, a commit or `latest`, it is that one. NULL: any. Of
 * prereleases it may allow more than each by itself; where it would be too long to be one, the
 * rest is left out. Pure. Caller frees.
 */
char *component_constraint_all(const char *const *texts);

/**
 * Whether somebody who asks for CONSTRAINT is content with VERSION; each may be NULL: any, not known.
 * TRUE for all that cannot be told of a version alone (a branch, a tag, a commit). Pure.
 */
gboolean component_constraint_allows(const char *constraint, const char *version);

/** The one version that CONSTRAINT asks for, or NULL. Borrowed. */
const struct semver *component_constraint_version(const struct component_constraint *constraint);

#endif
