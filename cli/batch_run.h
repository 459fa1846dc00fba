#ifndef FORGE_CLI_BATCH_RUN_H
#define FORGE_CLI_BATCH_RUN_H

#include "cli/client.h"
#include "cli/invocation.h"

/** What a command that submits a batch does with it. */
struct batch_plan {
	Forge__Submit *submit; /**< borrowed */
	gboolean wait;         /**< until the batch is closed, showing how its jobs end */
	gboolean one_target;   /**< the exit status is that of the one fork's outcome */
};

/**
 * Submits the batch and, if that is wanted, follows it: a line a branch as they end, a bar on a
 * terminal, one object with json and yaml, one event a line with jsonl. Returns the exit status: 7,
 * 1 or 0, or for one target that of its error. Interrupted, it says how to go on (INTERRUPTED).
 */
int batch_run(struct invocation *invocation, struct client *client, const struct batch_plan *plan,
	GError **error);

#endif
