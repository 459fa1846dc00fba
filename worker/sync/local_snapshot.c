/*
 * The files of a component as a commit of the workspace's repository: what merges start from and
 * what is kept of files that go.
 *
 * Everything but the files is the job's own, its date too, so that an attempt after a crash makes
 * the object that its predecessor made.
 */
#include "worker/sync/local_snapshot.h"

#include "worker/git/identity.h"
#include "worker/workspace/workspace_repository.h"

gboolean local_snapshot_commit(const struct component_job *job, const git_oid *beside,
	const char *message, git_oid *commit, GError **error)
{
	const struct operation *operation = job->operation;
	git_oid parents[2];
	git_signature *who = identity_signature(
		operation->workshop->config, operation->job->opened_us, error);
	gboolean made;

	if (!who)
		return FALSE;
	parents[0] = git_oid_is_zero(&job->local_commit) ? job->base : job->local_commit;
	if (beside)
		parents[1] = *beside;
	made = component_history_commit(
		job->forge, &job->local_tree, parents, beside ? 2 : 1, who, message, commit, error);
	git_signature_free(who);
	return made;
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
