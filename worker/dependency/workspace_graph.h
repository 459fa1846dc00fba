#ifndef FORGE_WORKER_DEPENDENCY_WORKSPACE_GRAPH_H
#define FORGE_WORKER_DEPENDENCY_WORKSPACE_GRAPH_H

#include "worker/dependency/lock_graph.h"

/**
 * What the workspace at ROOT has locked and why, with the constraints of the components that are
 * installed as they are locked. CONFIGURATION_INVALID, BROKEN_REPOSITORY. Caller frees.
 */
struct lock_graph *workspace_graph_read(const char *root, GError **error);

#endif
