#ifndef FORGE_CLI_ROFF_H
#define FORGE_CLI_ROFF_H

#include <glib.h>

/**
 * Appends TEXT to a manual page in man(7) as running text: what roff would take for a request or an
 * escape is written so that it is not, words between backticks become bold, and an empty line begins
 * a paragraph. Ends with a line break.
 */
void roff_append(GString *page, const char *text);

/** TEXT for use within a line, an argument of a macro too. Caller frees. */
char *roff_escape(const char *text);

#endif
