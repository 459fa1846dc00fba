#ifndef FORGE_WORKER_WORKSPACE_COMPONENT_GRAFT_H
#define FORGE_WORKER_WORKSPACE_COMPONENT_GRAFT_H

#include <git2.h>
#include <glib.h>

/**
 * Makes the commit that a push sends, in the repository TARGET, which has UPSTREAM_TIP and all that
 * it reaches: the folder at PATH ("": the root) is COMPONENT_TREE, a tree of FORGE, whose objects
 * are copied as far as TARGET lacks them; every other path is as in UPSTREAM_TIP, the only parent.
 * WHO is author and committer, with the time; the same inputs give the same id. *COMMIT is zero if
 * upstream's tip holds just that folder already: there is nothing to push.
 * Errors: SYNC_CONFLICT if the tip has something that is no folder at PATH or on the way to it;
 * VALIDATION_FAILED if the folder is empty or PATH is none; BROKEN_REPOSITORY; TOO_LARGE as
 * object_copy_tree().
 */
gboolean component_graft(git_repository *target, git_repository *forge,
	const git_oid *component_tree, const git_oid *upstream_tip, const char *path,
	const git_signature *who, const char *message, git_oid *commit, GError **error);

#endif
