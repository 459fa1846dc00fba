#ifndef FORGE_WORKER_DOCUMENT_ECMA_PATTERN_H
#define FORGE_WORKER_DOCUMENT_ECMA_PATTERN_H

#include <glib.h>

/** A regular expression as JSON Schema means it: ECMAScript's, over Unicode characters. */
struct ecma_pattern;

/**
 * Compiles SOURCE (UTF-8). VALIDATION_FAILED says what is wrong with it: no regular expression, one
 * that is not ECMAScript's (`\Z`, `(?i)`, `a++`), or longer than LIMIT_PATTERN_BYTES. Lookbehind
 * must be of fixed lengths.
 */
struct ecma_pattern *ecma_pattern_new(const char *source, GError **error);
void ecma_pattern_free(struct ecma_pattern *pattern);

/**
 * Whether PATTERN matches anywhere in TEXT. A match that goes back more often than
 * LIMIT_PATTERN_BACKTRACKS is given up with VALIDATION_FAILED; so is a text longer than
 * LIMIT_PATTERN_SEARCHED_BYTES (LIMIT_PATTERN_ANCHORED_BYTES if it begins with `^`
 * and has no `|`).
 */
gboolean ecma_pattern_matches(
	const struct ecma_pattern *pattern, const char *text, gboolean *matches, GError **error);

#endif
