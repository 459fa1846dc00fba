#ifndef FORGE_CLI_REGISTERED_FORKS_H
#define FORGE_CLI_REGISTERED_FORKS_H

#include "cli/invocation.h"

/**
 * The repositories that the user registered as forks of UPSTREAM with `forge fork add`: in the
 * journal of $FORGE_HOME or with the configured scheduler, wherever the command itself works. Each
 * once, in the order registered; none if nothing was ever registered. A GPtrArray of char *, which
 * the caller unrefs. Errors: those of reading the configuration and of connecting.
 */
GPtrArray *registered_forks_of(
	const struct invocation *invocation, const char *upstream, GError **error);

#endif
