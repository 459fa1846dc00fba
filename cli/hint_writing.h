#ifndef FORGE_CLI_HINT_WRITING_H
#define FORGE_CLI_HINT_WRITING_H

#include "cli/invocation.h"
#include "cli/requests.h"
#include "worker/component/workspace_files.h"

/** Notes of a resolution in the components' own files. */
struct hint_writing {
	struct invocation *invocation;
	struct client *client;
	const char *root;               /**< of the workspace */
	char **names;                   /**< NULL-terminated; none: every component */
	const struct lock_file *locked; /**< what is noted */
	gboolean dry_run;               /**< it is only said */
	GHashTable *moving; /**< names: with DRY_RUN, what an installation would change first */
};

/**
 * Writes what LOCKED says into the dependencies in each component's component.yaml, as local changes:
 * an edit a component, none where all is right already. What each came to is told; ROWS (a list) gets
 * it for machines. One that cannot be written stops no other: *STATUS becomes the exit status if it was
 * 0. The error is that of looking at the files.
 */
gboolean hint_writing_run(
	const struct hint_writing *writing, struct value *rows, int *status, GError **error);

#endif
