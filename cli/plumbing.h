#ifndef FORGE_CLI_PLUMBING_H
#define FORGE_CLI_PLUMBING_H

#include <glib.h>

#include "journal/base/value.h"

/**
 * Answers one QUESTION (a map): puts members into ANSWER, or fails with what is wrong with the
 * question. CONTEXT is whatever the operation keeps between questions. What it cannot do at all it
 * answers with plumbing_unsupported().
 */
typedef gboolean plumbing_operation(
	gpointer context, const struct value *question, struct value *answer, GError **error);

/**
 * Reads questions from standard input, a line of JSON each, and answers each with a line before the
 * next is read; `id` is passed through, a failure becomes `error`. FALSE only if standard input
 * cannot be read.
 */
gboolean plumbing_run(plumbing_operation *operation, gpointer context, GError **error);

/** The text member KEY of QUESTION, borrowed; VALIDATION_FAILED if it is none. */
const char *plumbing_text(const struct value *question, const char *key, GError **error);

/** Makes ANSWER say that this cannot be done. Returns TRUE. */
gboolean plumbing_unsupported(struct value *answer);

#endif
