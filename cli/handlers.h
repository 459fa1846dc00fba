#ifndef FORGE_CLI_HANDLERS_H
#define FORGE_CLI_HANDLERS_H

#include "cli/invocation.h"

/* The prototype of every handler named in commands.def. */
#define GROUP(words, summary)
#define COMMAND(words, handler, ...) command_handler handler;
#include "cli/commands.def"

#endif
