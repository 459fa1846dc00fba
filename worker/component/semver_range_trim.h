#ifndef FORGE_WORKER_COMPONENT_SEMVER_RANGE_TRIM_H
#define FORGE_WORKER_COMPONENT_SEMVER_RANGE_TRIM_H

/* What a range's text loses before it is read, for semver_range_parse.c alone. White space is single
 * spaces here. */

/** TEXT without `+BUILD`: builds say nothing about order, so ranges know none. Caller frees. */
char *semver_range_trim_builds(const char *text);

/** TEXT with no space between an operator and its version: `> 1.2 ~> 1` is `>1.2 ~1`. Caller frees.
 */
char *semver_range_trim_spaces(const char *text);

#endif
