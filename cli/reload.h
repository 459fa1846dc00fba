#ifndef FORGE_CLI_RELOAD_H
#define FORGE_CLI_RELOAD_H

#include "cli/invocation.h"

/**
 * Reads the configuration of a running daemon again, tells the log what changed, and lets its level
 * be in force. FIXED (NULL-terminated) are the keys, or beginnings of keys ending in a dot, that
 * count only at a start; a change of those is told as needing a restart. NULL if the new one cannot
 * be used: the log says why, and CURRENT stays. Caller frees.
 */
struct config *reload_config(const struct invocation *invocation, const struct config *current,
	const char *const *fixed);

#endif
