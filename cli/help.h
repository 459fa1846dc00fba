#ifndef FORGE_CLI_HELP_H
#define FORGE_CLI_HELP_H

#include <glib.h>

#include "cli/commands.h"

/**
 * The help text of WORDS: "" (all commands), a group (`fork`) or a command (`fork sync`), wrapped
 * to COLUMNS. Ends with a line end. WORDS must be in the table. Caller frees.
 */
char *help_text(const char *words, guint columns);

#endif
