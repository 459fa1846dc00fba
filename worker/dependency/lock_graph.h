#ifndef FORGE_WORKER_DEPENDENCY_LOCK_GRAPH_H
#define FORGE_WORKER_DEPENDENCY_LOCK_GRAPH_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/component/workspace_files.h"

/** One need of a component. */
struct graph_edge {
	char *component;
	char *constraint; /**< as written; empty: none, or not known */
};

/** A component that is locked, and what it needs. */
struct graph_node {
	char *component;
	char *shown;      /**< its version, else seven digits of its commit */
	char *version;    /**< of the lock, else what its component.yaml says; NULL: not known */
	char *listed;     /**< forge.yaml's constraint (empty: none); NULL: not listed there */
	GPtrArray *edges; /**< of struct graph_edge, by name */
};

/** What a workspace has and why: forge.lock, with the constraints that led to it. */
struct lock_graph {
	GPtrArray *nodes; /**< of struct graph_node, by name */
};

struct lock_graph *lock_graph_new(const struct wanted_file *wanted, const struct lock_file *locked);
void lock_graph_free(struct lock_graph *graph);
SCOPED_POINTER(lock_graph, lock_graph_free)

/** The component called NAME, or NULL. */
struct graph_node *lock_graph_find(const struct lock_graph *graph, const char *name);

/** Says that FROM's need of TO is CONSTRAINT (NULL: none); without a need nothing happens. */
void lock_graph_say(
	struct lock_graph *graph, const char *from, const char *to, const char *constraint);

/** Says that the component NAME, whose lock names no version, says itself that it is VERSION. */
void lock_graph_say_version(struct lock_graph *graph, const char *name, const char *version);

/** A need that the lock does not meet. */
struct unmet_need {
	const char *component;
	const char *constraint; /**< as written; empty: none, or not known */
	const char *here;       /**< version in the lock; NULL: it is not there */
};

/**
 * The needs of NAME that are not in the lock, or in a version that their constraint does not allow;
 * what cannot be told of a version (a branch, a commit) counts as met. A GArray of struct unmet_need,
 * by name, that borrows from GRAPH. Pure. Caller unrefs.
 */
GArray *lock_graph_unmet(const struct lock_graph *graph, const char *name);

/**
 * The components that only NAME needs, itself or by others it needs: what nothing needs once NAME is
 * gone. What forge.yaml lists, and what nothing ever needed, is needed by itself. Sorted,
 * NULL-terminated; caller frees.
 */
char **lock_graph_only_for(const struct lock_graph *graph, const char *name);

/** One line of a tree. */
struct graph_line {
	guint depth;  /**< 0: listed in forge.yaml */
	guint64 last; /**< bit D: at depth D it, or what it stands below, is the last of its list */
	const char *component;
	const char *shown; /**< NULL: it is not in the lock */
	const char *constraint;
	gboolean again; /**< it was shown with what it needs before */
};

/** All of GRAPH as a tree below what forge.yaml lists, each component's needs shown once; at most
 * 64 deep. A GArray of struct graph_line that borrows from GRAPH; caller unrefs. */
GArray *lock_graph_tree(const struct lock_graph *graph);

/**
 * Every way from what forge.yaml lists to NAME, as a GPtrArray of GArrays of struct graph_line, each
 * from the top to NAME; at most MOST of them. Borrows from GRAPH; caller unrefs.
 */
GPtrArray *lock_graph_paths(const struct lock_graph *graph, const char *name, guint most);

#endif
