/*
 * The job that takes a component out of the workspace: its files, its lines in forge.yaml and
 * forge.lock, and its refs, as one change.
 *
 * What was changed here is kept as a stash first; stashes outlive the component and are there again
 * once it is installed again. Files that are not the component's (ignored ones) stay where they
 * are.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/message.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/component_job.h"
#include "worker/sync/dependents.h"
#include "worker/sync/local_snapshot.h"
#include "worker/sync/pushed_tree.h"
#include "worker/sync/workspace_change.h"
#include "worker/workspace/workspace_repository.h"

#define KEPT_MESSAGE "Local changes before the removal"

static void note_removed(const struct component_job *job, const git_oid *kept)
{
	Forge__ComponentRemoved *removed = g_new(Forge__ComponentRemoved, 1);
	Forge__Fact *fact = component_fact_new(FORGE__FACT__KIND_COMPONENT_REMOVED);
	char hex[GIT_OID_HEXSZ + 1];

	forge__component_removed__init(removed);
	message_set_string(&removed->name, job->name);
	if (!git_oid_is_zero(kept))
		message_set_string(&removed->kept, git_oid_tostr(hex, sizeof(hex), kept));
	fact->component_removed = removed;
	operation_note(job->operation, fact);
}

/* ---- refusing ----------------------------------------------------------------------------- */

static gboolean check_dependents(const struct component_job *job, GError **error)
{
	g_auto(GStrv) dependents = dependents_of(job, error);
	g_autofree char *names = NULL;

	if (!dependents)
		return FALSE;
	if (!*dependents)
		return TRUE;
	names = g_strjoinv(", ", dependents);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_DEPENDENCY_CONFLICT, "'%s' is needed by %s",
		job->name, names);
	return FALSE;
}

/* ---- keeping ------------------------------------------------------------------------------ */

/* What is not upstream's becomes a stash, KEPT; files that are all gone are no loss. */
static gboolean keep_changes(const struct component_job *job, git_oid *kept, GError **error)
{
	git_oid tree = {{0}};

	*kept = job->local_commit;
	if (!git_oid_is_zero(kept) && !component_history_tree(job->forge, kept, &tree, error))
		return FALSE;
	if (git_oid_is_zero(kept) && !component_job_is_modified(job))
		return TRUE;
	if (!git_oid_is_zero(&job->local_tree) && !git_oid_equal(&tree, &job->local_tree) &&
		!local_snapshot_commit(job, NULL, KEPT_MESSAGE, kept, error))
		return FALSE;
	return git_oid_is_zero(kept) || local_snapshot_keep(job, kept, error);
}

/* After a crash: the stash that the attempt before it kept, if that is the newest one. */
static gboolean find_kept(const struct component_job *job, git_oid *kept, GError **error)
{
	g_autoptr(GArray) stashes = workspace_stash_list(job->forge, job->name, error);
	git_commit *commit = NULL;
	const git_oid *newest;

	*kept = (git_oid){{0}};
	if (!stashes)
		return FALSE;
	if (stashes->len == 0)
		return TRUE;
	newest = &g_array_index(stashes, struct workspace_stash, 0).oid;
	if (git_commit_lookup(&commit, job->forge, newest) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "a stash cannot be read");
		return FALSE;
	}
	if (strcmp(git_commit_message(commit), KEPT_MESSAGE "\n") == 0 &&
		git_commit_time(commit) == (git_time_t)(job->operation->job->opened_us / 1000000))
		git_oid_cpy(kept, newest);
	git_commit_free(commit);
	return TRUE;
}

/* ---- the job ------------------------------------------------------------------------------ */

static gboolean take_out(struct component_job *job, gboolean force, git_oid *kept, GError **error)
{
	scoped_value(workspace_change) change = {
		.settlement = {.name = job->name, .folder = job->folder, .removes = TRUE}};
	git_oid files;

	if ((!force && !check_dependents(job, error)) || !component_job_look(job, error) ||
		!keep_changes(job, kept, error) || !earlier_push_forget(job, error))
		return FALSE;
	files = job->local_tree;
	return workspace_change_apply(
		&change, job, git_oid_is_zero(&files) ? NULL : &files, NULL, error);
}

Forge__JobEnd *op_component_remove(struct operation *operation)
{
	const Forge__BatchArguments *arguments = operation->job->arguments;
	gboolean force = arguments && arguments->component && arguments->component->force;
	scoped_value(component_job) job = {0};
	g_autoptr(GError) error = NULL;
	git_oid kept = {{0}};
	gboolean removed;

	/* What an attempt was killed in was completed by opening. */
	if (!component_job_open(&job, operation, operation->job->attempt > 1, &error))
		return operation_failed(error);
	removed = job.installed ? take_out(&job, force, &kept, &error)
				: find_kept(&job, &kept, &error);
	if (!removed)
		return operation_failed(error);
	note_removed(&job, &kept);
	return operation_ended(FORGE__VERDICT__VERDICT_DONE);
}
