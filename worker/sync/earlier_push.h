#ifndef FORGE_WORKER_SYNC_EARLIER_PUSH_H
#define FORGE_WORKER_SYNC_EARLIER_PUSH_H

#include "worker/sync/component_job.h"

/*
 * What upstream got of the local changes before: where it has them, merges begin there, so that
 * nobody is in conflict with what is one's own.
 *
 * `refs/forge/NAME/pushed` is the newest push of the component: a commit like a base, which stands
 * for the commit that the server took. Its parent holds the files that the push was made of (the
 * push may have merged more into them), on top of the base of that time and, as a second parent, of
 * the push before. All of it holds as long as the base's tree stays what it was.
 */
#define COMPONENT_REF_PUSHED "pushed"

struct earlier_push {
	gboolean there; /**< and the files go on from it: the rest of this is set */
	git_oid oid;    /**< in the workspace's repository */
	git_oid tree;   /**< what the server has by it */
	git_oid commit; /**< on the server */
	git_oid files;  /**< commit of the files that it was made of: where merges begin */
	git_oid files_tree;
	git_oid before; /**< the push before it, in the workspace's repository; zero: none */
};

/** Reads what JOB's component was pushed as last. BROKEN_REPOSITORY. */
gboolean earlier_push_read(
	const struct component_job *job, struct earlier_push *earlier, GError **error);

/**
 * Looks for the newest push, from *EARLIER on backwards, that the commit TIP of the repository TARGET has in
 * it: as its ancestor, as the tree of some commit since the base's, or because TREE, which is
 * TIP's folder and whose objects the workspace's repository has, holds all that was changed. If
 * none is, *EARLIER is not there. BROKEN_REPOSITORY.
 */
gboolean earlier_push_find(const struct component_job *job, git_repository *target,
	const git_oid *tip, const git_oid *tree, struct earlier_push *earlier, GError **error);

/** Remembers that COMMIT of the repository TARGET has the local changes: it was made of the tree
 * FILES. */
gboolean earlier_push_write(const struct component_job *job, git_repository *target,
	const git_oid *commit, const git_oid *files, GError **error);

/** Forgets all of it: the files do not go on from there any more. */
gboolean earlier_push_forget(const struct component_job *job, GError **error);

#endif
