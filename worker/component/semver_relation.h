#ifndef FORGE_WORKER_COMPONENT_SEMVER_RELATION_H
#define FORGE_WORKER_COMPONENT_SEMVER_RELATION_H

#include <glib.h>

#include "worker/component/semver_range.h"

/* What versions and ranges are to each other, as node-semver's functions of similar names. Two
 * ranges must have been read with the same flags. */

/** Whether VERSION is above (below) all of RANGE. */
gboolean semver_is_above(const struct semver *version, const struct semver_range *range);
gboolean semver_is_below(const struct semver *version, const struct semver_range *range);

/** Whether a version can be in both. */
gboolean semver_ranges_intersect(const struct semver_range *a, const struct semver_range *b);

/** The same of two comparators as texts (`>=1.2.3`); FALSE also if one is none, *VALID is that. */
gboolean semver_comparators_intersect(
	const char *a, const char *b, enum semver_flags flags, gboolean *valid);

/** Whether each version that is in SUB is in DOM. */
gboolean semver_range_is_subset(const struct semver_range *sub, const struct semver_range *dom);

/**
 * A text that has the same of VERSIONS (NULL-terminated, sorted here) as TEXT, a range, and is
 * shorter; else TEXT. NULL if one of several VERSIONS is none. Caller frees.
 */
char *semver_range_simplify(const char *text, char **versions, enum semver_flags flags);

#endif
