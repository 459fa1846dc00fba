#ifndef FORGE_WORKER_COMPONENT_SEMVER_COMPARATORS_H
#define FORGE_WORKER_COMPONENT_SEMVER_COMPARATORS_H

#include <glib.h>

#include "worker/component/semver_range.h"

/* What a range is made of; for semver_*.c alone. */

enum semver_bound {
	SEMVER_ANY, /**< every version */
	SEMVER_EQUAL,
	SEMVER_LESS,
	SEMVER_LESS_EQUAL,
	SEMVER_GREATER,
	SEMVER_GREATER_EQUAL,
};

struct semver_comparator {
	enum semver_bound bound;
	struct semver *version; /**< NULL for SEMVER_ANY */
};

struct semver_range {
	enum semver_flags flags;
	GPtrArray *sets; /**< of GPtrArray of struct semver_comparator; one set must hold whole */
	/** The text of each set. node-semver keeps sets by their text and takes what it knows for the
	 * same without a look, so what two sets are to each other can depend on it. */
	GPtrArray *sources;
};

/** Behind the operator (`<`, `>=`, none) that TEXT begins with. */
const char *semver_operator_end(const char *text);

/** What the operator that TEXT begins with means. */
enum semver_bound semver_bound_of(const char *text);

struct semver_comparator *semver_comparator_new(
	enum semver_bound bound, struct semver *take_version);
void semver_comparator_free(struct semver_comparator *comparator);
SCOPED_POINTER(semver_comparator, semver_comparator_free)

/** `>=1.2.3`; empty for SEMVER_ANY. Caller frees. */
char *semver_comparator_text(const struct semver_comparator *comparator);

/** Whether VERSION is on the right side; prereleases are like others here. */
gboolean semver_comparator_has(
	const struct semver_comparator *comparator, const struct semver *version);

/** Whether COMPARATOR is `<0.0.0-0`, which is how nothing at all is said. */
gboolean semver_comparator_is_nothing(const struct semver_comparator *comparator);

/** Whether the N COMPARATORS all have VERSION, with the rule on prereleases. */
gboolean semver_comparators_have(struct semver_comparator *const *comparators, size_t n,
	const struct semver *version, enum semver_flags flags);

#endif
