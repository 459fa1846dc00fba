#ifndef FORGE_WORKER_WORKSPACE_WORKSPACE_LOOK_H
#define FORGE_WORKER_WORKSPACE_WORKSPACE_LOOK_H

#include <glib.h>

/** How one component's part of `.forge/repository` is. */
struct component_look {
	char *name;
	gboolean installed; /**< it has a base */
	gboolean pending;   /**< a merge waits for a person */
	GError *problem;    /**< what is wrong with its commits; NULL: nothing */
};

/**
 * Looks at what `.forge` of the workspace at ROOT holds for each component, without changing it: a
 * GPtrArray of struct component_look, sorted by name. BROKEN_REPOSITORY if it cannot be read at all.
 * Caller unrefs.
 */
GPtrArray *workspace_look(const char *root, GError **error);

/** TRUE if a change of files was interrupted and waits for the next command to complete it. */
gboolean workspace_look_interrupted(const char *root);

#endif
