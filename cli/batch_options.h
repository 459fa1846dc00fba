#ifndef FORGE_CLI_BATCH_OPTIONS_H
#define FORGE_CLI_BATCH_OPTIONS_H

#include "cli/invocation.h"
#include "queue/messages.pb-c.h"

/**
 * Fills SUBMIT and its arguments (already initialized) for syncing the forks called NAMES
 * (NULL-terminated; or, with
 * --all, every fork) from the options strategy, branch, dry-run and all. Texts are borrowed from
 * INVOCATION. USAGE if there are neither names nor --all, or both, or too many.
 */
gboolean batch_options_for_forks(
	const struct invocation *invocation, char **names, Forge__Submit *submit, GError **error);

#endif
