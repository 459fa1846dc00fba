#ifndef FORGE_WORKER_GIT_COMMIT_GRAPH_H
#define FORGE_WORKER_GIT_COMMIT_GRAPH_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"

/** The commits of a repository, as far as they were looked at. Belongs to one thread; the
 * repository outlives it. */
struct commit_graph;

struct commit_graph *commit_graph_new(git_repository *repository, GError **error);
void commit_graph_free(struct commit_graph *graph);
SCOPED_POINTER(commit_graph, commit_graph_free)

/** The tree of COMMIT. BROKEN_REPOSITORY if there is no such commit. */
gboolean commit_graph_tree(
	struct commit_graph *graph, const git_oid *commit, git_oid *tree, GError **error);

/**
 * The best common ancestors of THEIRS and of what a merge of the N_OURS commits at OURS would be: a
 * GArray of git_oid, latest first, in git's order; empty if there is none. None is an ancestor of
 * another. BROKEN_REPOSITORY if a commit is missing.
 */
GArray *commit_graph_merge_bases(struct commit_graph *graph, const git_oid *ours, size_t n_ours,
	const git_oid *theirs, GError **error);

#endif
