#ifndef FORGE_WORKER_COMPONENT_SEMVER_RANGE_H
#define FORGE_WORKER_COMPONENT_SEMVER_RANGE_H

#include <glib.h>

#include "worker/component/semver.h"

/** A set of versions as `^1.2 || >=2.1 <3`, parsed once and asked often. Immutable. */
struct semver_range;

/**
 * TEXT in node-semver's grammar: `^ ~ < <= > >= =`, x-ranges, hyphen ranges, `||`; empty or `*`:
 * any. NULL if it is none or longer than LIMIT_SEMVER_RANGE_BYTES. Unless
 * SEMVER_INCLUDE_PRERELEASE, a prerelease is in a range only where a comparator names a prerelease
 * of the same three numbers. Caller frees.
 */
struct semver_range *semver_range_parse(const char *text, enum semver_flags flags);
void semver_range_free(struct semver_range *range);
SCOPED_POINTER(semver_range, semver_range_free)

gboolean semver_range_has(const struct semver_range *range, const struct semver *version);

/** RANGE as plain comparators: `>=1.2.0 <2.0.0-0||>=2.1.0 <3.0.0`; `*` for any. Caller frees. */
char *semver_range_text(const struct semver_range *range);

/**
 * The place of the highest (lowest) of VERSIONS (texts, NULL-terminated; what is no version is
 * passed over) that is in RANGE, the first of equals; -1 if none is.
 */
int semver_range_max(const struct semver_range *range, const char *const *versions);
int semver_range_min(const struct semver_range *range, const char *const *versions);

/** The version that RANGE asks for alone (`1.2.3`, `=1.2.3`), or NULL. Borrowed. */
const struct semver *semver_range_exact(const struct semver_range *range);

/** The lowest version that can be in RANGE; NULL if none can. Caller frees. */
struct semver *semver_range_lowest(const struct semver_range *range);

#endif
