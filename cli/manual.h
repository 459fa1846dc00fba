#ifndef FORGE_CLI_MANUAL_H
#define FORGE_CLI_MANUAL_H

#include "cli/commands.h"

/*
 * Manual pages, in man(7), made from the tables of commands, errors and configuration. Names are as
 * files have them: `forge-fork-sync.1`. Callers free.
 */

/** The page of COMMAND, a group or not; NULL: of forge as a whole, with exit status, error codes,
 * files and environment. */
char *manual_of_command(const struct command *command);

/** The name of its file. */
char *manual_name(const struct command *command);

/** The page of the configuration file, and the name of its file. */
char *manual_of_configuration(void);
#define MANUAL_OF_CONFIGURATION "forge-config.5"

#endif
