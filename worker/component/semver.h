#ifndef FORGE_WORKER_COMPONENT_SEMVER_H
#define FORGE_WORKER_COMPONENT_SEMVER_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/** How texts are read, as node-semver's options of the same names. */
enum semver_flags {
	SEMVER_STRICT = 0,
	SEMVER_LOOSE = 1, /**< `=v1.2.3`, `1.2.3beta` and leading zeros are versions too */
	SEMVER_INCLUDE_PRERELEASE = 2, /**< of ranges: prereleases are versions like others */
};

/** A version, as https://semver.org 2.0.0 has it. */
struct semver {
	uint64_t major, minor, patch; /**< at most SEMVER_NUMBER_MAX */
	char **prerelease;            /**< identifiers, NULL-terminated; never NULL */
	char **build;                 /**< likewise */
};

/** node-semver's bound on numbers, so that both read the same texts. */
#define SEMVER_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

/**
 * TEXT as a version, blanks around it ignored; NULL if it is none, longer than LIMIT_SEMVER_UNITS,
 * or has a number past SEMVER_NUMBER_MAX. Caller frees.
 */
struct semver *semver_parse(const char *text, enum semver_flags flags);
struct semver *semver_copy(const struct semver *version);
void semver_free(struct semver *version);
SCOPED_POINTER(semver, semver_free)

/** VERSION without its build identifiers, as it is compared. Caller frees. */
char *semver_text(const struct semver *version);

/** Whether VERSION as a text is a version for strict readers: not where a loose reader has found a
 * number past SEMVER_NUMBER_MAX with zeros before it. node-semver gives up where it needs that. */
gboolean semver_is_strict(const struct semver *version);

/** VERSION with its build identifiers. Caller frees. */
char *semver_text_with_build(const struct semver *version);

/**
 * Less than, equal to or greater than 0 (-1, 0, 1) as A comes before, with or after B. The second
 * asks the build identifiers where nothing else differs, the third looks at the three numbers only.
 */
int semver_compare(const struct semver *a, const struct semver *b);
int semver_compare_build(const struct semver *a, const struct semver *b);
int semver_compare_numbers(const struct semver *a, const struct semver *b);

/** The same of two identifiers; numbers come before words and are compared exactly. */
int semver_compare_identifiers(const char *a, const char *b);

/** Whether IDENTIFIER is a number, and one that node-semver keeps as such. */
gboolean semver_identifier_is_number(const char *identifier);

/** Whether VERSION is a prerelease. */
gboolean semver_is_prerelease(const struct semver *version);

#endif
