/*
 * The job that sees how one component stands: its files against its base, and, unless it works
 * offline, its base against upstream. Where nothing moved nothing is fetched.
 *
 * A server that cannot be asked is no reason to say nothing: the files are told as they are, with
 * the error, and the job fails with it. That the repository is gone is an answer and no failure.
 */
#include "journal/base/errors.h"
#include "worker/sync/component_job.h"
#include "worker/sync/earlier_push.h"
#include "worker/workspace/workspace_repository.h"

/* Another version is told, though its files be the same: that is a pull's business. */
static gboolean is_same_version(const struct component_job *job)
{
	const struct locked_component *locked = lock_file_find(job->locked, job->name);

	return !job->pick.version ||
		g_strcmp0(job->pick.version, locked ? locked->version : NULL) == 0;
}

/* Commits that do not touch the component move its base on without a word. */
static gboolean advance_base(struct component_job *job, GError **error)
{
	git_oid base;

	if (!is_same_version(job) || job->presence != FOLDER_PRESENT || !job->store ||
		job->count.relation != HISTORY_FORWARD ||
		!git_oid_equal(&job->upstream_tree, &job->base_tree))
		return TRUE;
	if (!component_job_import(job, &base, error) ||
		!workspace_ref_set(
			job->forge, job->name, COMPONENT_REF_BASE, &job->base, &base, error))
		return FALSE;
	git_oid_cpy(&job->base, &base);
	return TRUE;
}

/* Upstream has the files as they are, however they came there: what is edited from here on is no
 * change against what upstream did until now. */
static gboolean note_shared(struct component_job *job, GError **error)
{
	struct earlier_push earlier;
	git_repository *upstream;
	gboolean ok;

	if (!job->store || job->presence != FOLDER_PRESENT || !component_job_is_modified(job) ||
		job->count.relation != HISTORY_FORWARD ||
		!git_oid_equal(&job->upstream_tree, &job->local_tree))
		return TRUE;
	if (!earlier_push_read(job, &earlier, error))
		return FALSE;
	if (earlier.there && git_oid_equal(&earlier.files_tree, &job->local_tree))
		return TRUE;
	upstream = store_git(job->store, error);
	ok = upstream &&
		earlier_push_write(job, upstream, &job->pick.commit, &job->local_tree, error);
	git_repository_free(upstream);
	return ok;
}

static gboolean check(struct component_job *job, gboolean offline, GError **failure, GError **error)
{
	gboolean asked;

	if (!component_job_look(job, error))
		return FALSE;
	if (offline)
		return component_job_note_observed(job, NULL, error);
	asked = component_job_ask(job, component_job_wanted(job), failure) &&
		advance_base(job, failure) && note_shared(job, failure);
	return component_job_note_observed(job, asked ? NULL : *failure, error);
}

Forge__JobEnd *op_component_check(struct operation *operation)
{
	const Forge__BatchArguments *arguments = operation->job->arguments;
	gboolean offline = arguments && arguments->component && arguments->component->offline;
	scoped_value(component_job) job = {0};
	g_autoptr(GError) failure = NULL;
	g_autoptr(GError) error = NULL;

	if (!component_job_open(&job, operation, FALSE, &error) ||
		!check(&job, offline, &failure, &error))
		return operation_failed(error);
	return failure && !component_job_is_answer(failure)
		? operation_failed(failure)
		: operation_ended(FORGE__VERDICT__VERDICT_DONE);
}
