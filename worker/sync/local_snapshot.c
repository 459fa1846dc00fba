/*
 * The files of a component as a commit of the workspace's repository: what merges start from and
 * what is kept of files that go.
 *
 * Everything but the files is the job's own, its date too, so that an attempt after a crash makes
 * the object that its predecessor made.
 */
#include "worker/sync/local_snapshot.h"

#include <string.h>

#include "worker/git/identity.h"
#include "worker/workspace/workspace_repository.h"

gboolean local_snapshot_write(const struct component_job *job, const git_oid *tree,
	const git_oid *parents, size_t n, const char *message, git_oid *commit, GError **error)
{
	const struct operation *operation = job->operation;
	git_signature *who = identity_signature(
		operation->workshop->config, operation->job->opened_us, error);
	gboolean made;

	if (!who)
		return FALSE;
	made = component_history_commit(job->forge, tree, parents, n, who, message, commit, error);
	git_signature_free(who);
	return made;
}

gboolean local_snapshot_merge(const struct component_job *job, const git_oid *tree,
	const git_oid *local, const git_oid *upstream, git_oid *checkpoint, GError **error)
{
	git_oid parents[2] = {*local, *upstream};

	memset(checkpoint, 0, sizeof(*checkpoint));
	return git_oid_is_zero(&job->local_commit) ||
		local_snapshot_write(job, tree, parents, 2, "Merge upstream", checkpoint, error);
}

gboolean local_snapshot_commit(const struct component_job *job, const git_oid *beside,
	const char *message, git_oid *commit, GError **error)
{
	git_oid parents[2];

	parents[0] = git_oid_is_zero(&job->local_commit) ? job->base : job->local_commit;
	if (beside)
		parents[1] = *beside;
	return local_snapshot_write(
		job, &job->local_tree, parents, beside ? 2 : 1, message, commit, error);
}

gboolean local_snapshot_keep(const struct component_job *job, const git_oid *commit, GError **error)
{
	g_autoptr(GArray) stashes = workspace_stash_list(job->forge, job->name, error);
	uint32_t number;

	if (!stashes)
		return FALSE;
	if (stashes->len > 0 &&
		git_oid_equal(&g_array_index(stashes, struct workspace_stash, 0).oid, commit))
		return TRUE;
	return workspace_stash_add(job->forge, job->name, commit, &number, error);
}
