#ifndef FORGE_CLI_COMPONENT_EDITING_H
#define FORGE_CLI_COMPONENT_EDITING_H

#include "cli/invocation.h"
#include "cli/workspace_client.h"
#include "worker/sync/component_log.h"

/* What the commands on local changes have in common: they look at the files, decide, and have one
 * job do it. */

/** One component whose files were just looked at. */
struct component_editing {
	struct invocation *invocation;
	struct client *client;
	const char *root;               /**< of the workspace */
	const char *name;               /**< of the component */
	GPtrArray *rows;                /**< holds the next */
	const Forge__ComponentRow *row; /**< the component, as the look found it */
	const char *tree;               /**< of the files as they are; empty: no folder */
	struct component_head head;
};
void component_editing_clear(struct component_editing *editing);
SCOPED_VALUE(component_editing, component_editing_clear)

/** Connects, takes a fresh look at the component NAME, and says how it stands. Unknown names are
 * COMPONENT_NOT_FOUND with the nearest one; else the error of the look. */
gboolean component_editing_begin(struct component_editing *editing, struct invocation *invocation,
	const char *name, GError **error);

/** Looks at the components that SUBMIT targets, without asking upstream. ENDED (may be NULL) as for
 * component_run(). */
gboolean component_look(struct invocation *invocation, struct client *client, Forge__Submit *submit,
	component_run_ended *ended, gpointer user_data, struct component_run *run, GError **error);

/** What a job is to do with the files. Texts are borrowed; NULL where there is none. */
struct edit_order {
	Forge__EditAction action;
	const char *from;    /**< tree of the files before; NULL: as they were looked at */
	const char *to;      /**< tree of the files after */
	const char *commit;  /**< stash, or commit to go back to */
	const char *message; /**< of the commit that is made */
	const char *note;    /**< what is said of it later; cut where it is long */
};

/** Has a job do ORDER. EDITED, with what it did, is borrowed from RUN. The job's error is the
 * error. */
gboolean component_editing_run(struct component_editing *editing, const struct edit_order *order,
	struct component_run *run, const Forge__ComponentEdited **edited, GError **error);

/** What happened to the files between two trees, an indented line a file; nothing if it cannot be
 * told. */
void component_editing_show_changes(
	const struct component_editing *editing, const char *before, const char *after);

/** With --format json or yaml: the object of an edit. EDITED of NULL: nothing was to be done.
 * PROBLEMS (may be NULL) are texts of what is wrong now. */
void component_editing_show_object(const struct component_editing *editing,
	const Forge__ComponentEdited *edited, const GPtrArray *problems);

#endif
