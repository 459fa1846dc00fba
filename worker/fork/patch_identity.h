#ifndef FORGE_WORKER_FORK_PATCH_IDENTITY_H
#define FORGE_WORKER_FORK_PATCH_IDENTITY_H

#include <git2.h>
#include <glib.h>

#include "worker/git/budget.h"

/**
 * Those of the commits OURS whose patch is also that of one of THEIRS (both oid_sets of GIT): a
 * fork's commits that upstream has taken already. Two patches are the same as for git's patch id:
 * the same files, and the same lines but for white space; binary files by their ids; renames are not
 * looked for. Modes count too, which git leaves out. Merges, and commits that change nothing, are
 * no patches. An oid_set; caller unrefs. BROKEN_REPOSITORY; as budget_check().
 */
GHashTable *patch_identity_shared(git_repository *git, GHashTable *ours, GHashTable *theirs,
	const struct budget *budget, GError **error);

#endif
