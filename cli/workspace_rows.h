#ifndef FORGE_CLI_WORKSPACE_ROWS_H
#define FORGE_CLI_WORKSPACE_ROWS_H

#include "cli/requests.h"

/* What the journal says of a workspace's components, beside what its forge.yaml lists. The invocation
 * has been connected by workspace_connect(). */

/** The rows of all components, in the order of forge.yaml; those it does not list come last. Caller
 * unrefs. */
GPtrArray *workspace_rows(struct invocation *invocation, struct client *client, GError **error);

/** The rows of the components called NAMES, one each, in the order installed. COMPONENT_NOT_FOUND for
 * one that is not installed: whether forge.yaml lists it, or the nearest name. Caller unrefs. */
GPtrArray *workspace_rows_named(
	struct invocation *invocation, struct client *client, char **names, GError **error);

/**
 * A remark on what forge.yaml lists and ROWS, all rows, lack: a clone, or a line that somebody
 * added. `forge install` is the next step. Where nothing is listed and nothing installed, how to
 * install something. Nothing is said of a forge.yaml that cannot be read.
 */
void workspace_rows_remark(const struct invocation *invocation, const GPtrArray *rows);

#endif
