#ifndef FORGE_WORKER_DOCUMENT_JSON_EQUALITY_H
#define FORGE_WORKER_DOCUMENT_JSON_EQUALITY_H

#include <glib.h>

#include "journal/base/value.h"

/**
 * A text that is the same for values that JSON Schema calls equal, and for no others: 1 and 1.0
 * are, the order of members does not count. It is for comparing only. Caller frees.
 */
char *json_identity(const struct value *value);

/** TRUE for a number without fraction, written with a point or not. */
gboolean json_is_integer(const struct value *value);

gboolean json_is_number(const struct value *value);

/** The number VALUE, wide enough that integers and reals compare exactly. */
long double json_number(const struct value *value);

/**
 * TRUE if the number VALUE is a whole multiple of DIVISOR, both taken for the decimal numbers that
 * their shortest spelling says: 0.0075 is a multiple of 0.0001. DIVISOR must be above 0.
 */
gboolean json_is_multiple(const struct value *value, const struct value *divisor);

#endif
