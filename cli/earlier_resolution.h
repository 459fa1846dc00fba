#ifndef FORGE_CLI_EARLIER_RESOLUTION_H
#define FORGE_CLI_EARLIER_RESOLUTION_H

#include "cli/requests.h"

/** The refs that an earlier resolution was made of, as the journal has them. */
struct earlier_resolution {
	struct history *history; /**< keeps the messages */
	GPtrArray *repositories; /**< of Forge__ResolvedRepository, those whose refs are known */
};
void earlier_resolution_clear(struct earlier_resolution *earlier);
SCOPED_VALUE(earlier_resolution, earlier_resolution_clear)

/**
 * Finds the job NAME (BATCH.NUMBER, or a BATCH of one job). JOB_NOT_FOUND, BATCH_NOT_FOUND;
 * VALIDATION_FAILED if it is none that resolves dependencies, or it ended before it knew any refs.
 */
gboolean earlier_resolution_find(struct client *client, const char *name,
	struct earlier_resolution *earlier, GError **error);

#endif
