#ifndef FORGE_WORKER_RESOLVE_VERSION_WORDS_H
#define FORGE_WORKER_RESOLVE_VERSION_WORDS_H

#include "worker/resolve/problem.h"

/* Sets of versions in words. Each function appends to a text. */

/** VALUES of PACKAGE, which may hold `absent` (passed over), without its name: `2.0.0 or later`,
 * `1.2.0 to 1.5.3`, `before 2.0.0`; `every version` if they are all. */
void version_words(GString *text, const struct package *package, const uint64_t *values);

/** The same with the name: `menu 2.0.0 or later`, `every version of menu`. */
void version_words_named(GString *text, const struct package *package, const uint64_t *values);

/** Whether VALUES are all candidates of PACKAGE, and these more than one. */
gboolean version_words_all(const struct package *package, const uint64_t *values);

/** What there is of PACKAGE in the place of CONSTRAINT, which means none of it. */
void version_words_offer(GString *text, const struct package *package, const char *constraint);

/** ITEMS (texts): `a`, `a and b`, `a, b and c`, with WORD for `and`. */
void version_words_list(GString *text, const GPtrArray *items, const char *word);

#endif
