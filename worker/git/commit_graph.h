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

/** The parents of COMMIT, in order, as a GArray of git_oid. Caller unrefs. BROKEN_REPOSITORY. */
GArray *commit_graph_parents(struct commit_graph *graph, const git_oid *commit, GError **error);

/**
 * The commits that TO reaches and FROM does not, as an oid_set. *DESCENDS tells whether FROM is TO
 * or an ancestor of it, *RELATED whether they share any. As in git, dates far out of order can hide
 * that FROM reaches a commit. TOO_LARGE if more than COMMITS_MAX have to be looked at;
 * BROKEN_REPOSITORY if one is missing. Caller unrefs.
 */
GHashTable *commit_graph_beyond(struct commit_graph *graph, const git_oid *from, const git_oid *to,
	size_t commits_max, gboolean *descends, gboolean *related, GError **error);

#endif
