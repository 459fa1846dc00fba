#ifndef FORGE_WORKER_COMPONENT_SEMVER_CHANGE_H
#define FORGE_WORKER_COMPONENT_SEMVER_CHANGE_H

#include <glib.h>

#include "worker/component/semver.h"

/* Versions made from versions, as node-semver's inc(), diff(), truncate(), clean() and coerce(). */

/** The number that follows an identifier: `beta.0`, `beta.1`, `beta`. */
enum semver_base {
	SEMVER_BASE_ZERO,
	SEMVER_BASE_ONE,
	SEMVER_BASE_NONE,
};

/**
 * The version after VERSION by RELEASE: `major`, `minor`, `patch`, `premajor`, `preminor`,
 * `prepatch`, `prerelease`, `pre` or `release`. IDENTIFIER (`beta`; may hold dots; NULL or empty:
 * none) names prereleases. NULL if there is no such release or IDENTIFIER can be none. What follows
 * SEMVER_NUMBER_MAX is past it, as it is for npm, so that no reader takes it. Caller frees.
 */
struct semver *semver_increment(const struct semver *version, const char *release,
	const char *identifier, enum semver_base base, enum semver_flags flags);

/** What separates two versions (`major` … `prerelease`, `premajor` where the higher one is a
 * prerelease); NULL: nothing but builds. Static. */
const char *semver_difference(const struct semver *a, const struct semver *b);

/** VERSION without what is finer than RELEASE (as above, without `pre`, `release`); NULL if that is
 * none. Caller frees. */
struct semver *semver_truncate(const struct semver *version, const char *release);

/** The version in TEXT without `=` and `v` before it; NULL if it is none. Caller frees. */
struct semver *semver_clean(const char *text, enum semver_flags flags);

/**
 * The first (FROM_RIGHT: the last) thing in TEXT that looks like a version, what is missing as 0:
 * `v3.4 replaces v3.3.1` is 3.4.0. Prereleases and builds count with SEMVER_INCLUDE_PRERELEASE.
 * NULL if there is none. Caller frees.
 */
struct semver *semver_coerce(const char *text, gboolean from_right, enum semver_flags flags);

#endif
