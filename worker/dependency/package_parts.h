#ifndef FORGE_WORKER_DEPENDENCY_PACKAGE_PARTS_H
#define FORGE_WORKER_DEPENDENCY_PACKAGE_PARTS_H

#include "worker/dependency/package.h"

/* What the two halves of a package share: its candidates, and what constraints make of them. */

/** The candidate for COMMIT, which NAME (for people; NULL: its id) stands for and REF (or NULL) names;
 * a new one sets *ADDED. */
guint package_add_named(struct package *package, const git_oid *commit, const char *name,
	const char *ref, gboolean *added);

/** TAG_MOVED if the tag REF, in full, is not where it was first seen. */
gboolean package_check_tag(const struct package *package, const char *ref, GError **error);

/** Whether more of the source may be fetched than was, and that: every branch and tag. */
gboolean package_may_fetch_all(const struct package *package);
gboolean package_fetch_all(struct package *package, GError **error);

#endif
