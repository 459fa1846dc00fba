#ifndef FORGE_WORKER_COMPONENT_SEMVER_TEXT_H
#define FORGE_WORKER_COMPONENT_SEMVER_TEXT_H

#include <glib.h>
#include <stddef.h>

#include "worker/component/semver.h"

/*
 * The grammar that versions and ranges share (node-semver's range.bnf), for semver*.c alone. Each
 * function reads at AT and says where it stopped; NULL: it does not stand there.
 */

/** Some bytes of a text. */
struct semver_part {
	const char *at;
	size_t size; /**< 0: not there */
};

/** `MAJOR.MINOR.PATCH-PRERELEASE`, of which a range may leave out what follows MAJOR. */
struct semver_parts {
	struct semver_part major, minor, patch;
	struct semver_part prerelease; /**< without its dash */
	struct semver_part build;      /**< without its plus */
};

/** A whole version without `v` and blanks before it, up to the end of the text. */
const char *semver_text_version(
	const char *at, enum semver_flags flags, struct semver_parts *parts);

/** A version whose numbers may be `x`, `X`, `*` or absent, with any of `v`, `=`, space before it;
 * up to END. */
const char *semver_text_partial(
	const char *at, const char *end, enum semver_flags flags, struct semver_parts *parts);

/** A number, as far as it goes. */
const char *semver_text_number(const char *at, const char *end, enum semver_flags flags);

/** Identifiers of a prerelease (build FALSE) or a build, with dots between them, as far as they
 * go. */
const char *semver_text_identifiers(
	const char *at, const char *end, enum semver_flags flags, gboolean build);

/** TEXT with each run of what JavaScript takes for white space as one space, none at the ends.
 * Caller frees. */
char *semver_text_squeeze(const char *text);

/** TEXT without what JavaScript takes for white space at its ends. Caller frees. */
char *semver_text_trim(const char *text);

/** The length of TEXT as JavaScript counts it, in units of UTF-16. */
size_t semver_text_length(const char *text);

/** The version that PARTS of three numbers make; NULL if a number is too large. */
struct semver *semver_from_parts(const struct semver_parts *parts);

#endif
