/*
 * What jobs on components share: the workspace, the component's place in it, and what is told of it.
 *
 * The refs of the workspace's repository say what is installed; forge.yaml says what is wanted; the
 * journal is told. The question to upstream is component_upstream.c's.
 */
#include "worker/sync/component_job.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/message.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/dependents.h"
#include "worker/sync/workspace_change.h"
#include "worker/workspace/folder_snapshot.h"
#include "worker/workspace/lock_restore.h"
#include "worker/workspace/workspace.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_repository.h"

/* ---- opening ------------------------------------------------------------------------------ */

static gboolean read_documents(struct component_job *job, GError **error)
{
	job->wanted = workspace_wanted_read(job->root, error);
	if (!job->wanted)
		return FALSE;
	job->locked = workspace_locked_read(job->root, error);
	return job->locked != NULL;
}

static gboolean read_refs(struct component_job *job, GError **error)
{
	const struct wanted_component *wanted;

	if (!workspace_ref_get(job->forge, job->name, COMPONENT_REF_BASE, &job->base, error) ||
		!workspace_ref_get(
			job->forge, job->name, COMPONENT_REF_LOCAL, &job->local_commit, error))
		return FALSE;
	job->installed = !git_oid_is_zero(&job->base);
	if (!job->installed)
		return TRUE;
	if (!component_history_link(job->forge, &job->base, &job->link, error) ||
		!component_history_tree(job->forge, &job->base, &job->base_tree, error))
		return FALSE;
	wanted = wanted_file_find(job->wanted, job->name);
	job->folder = workspace_folder_of(job->name, wanted ? wanted->path : NULL, job->link.path);
	return TRUE;
}

gboolean component_job_open(
	struct component_job *job, struct operation *operation, gboolean may_be_new, GError **error)
{
	job->operation = operation;
	job->name = operation->job->target;
	job->root = operation->workshop->workspace;
	if (!job->root) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
			"this worker has no workspace: jobs on components run where they were asked for");
		return FALSE;
	}
	job->forge = workspace_repository_open(job->root, error);
	if (!job->forge ||
		!settle_recover(job->root, job->forge, operation->budget, job->name,
			&job->recovered, error))
		return FALSE;
	workspace_refs_unlock(job->forge, job->name);
	if (!read_documents(job, error) || !read_refs(job, error) ||
		!workspace_change_tell_recovered(job, error))
		return FALSE;
	if (job->installed || may_be_new)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"'%s' is not installed in this workspace", job->name);
	return FALSE;
}

void component_job_clear(struct component_job *job)
{
	g_clear_pointer(&job->store, store_close);
	component_pick_clear(&job->pick);
	if (job->answer)
		upstream_answer_unref(job->answer);
	g_clear_pointer(&job->remote, remote_free);
	g_strfreev(job->yanked);
	g_free(job->upstream_path);
	g_free(job->unlisted.constraint);
	g_free(job->moved_to);
	g_free(job->folder);
	upstream_link_clear(&job->link);
	wanted_file_free(job->wanted);
	lock_file_free(job->locked);
	git_repository_free(job->forge);
}

gboolean component_job_restore_lock(struct component_job *job, GError **error)
{
	gboolean lost = job->locked->components->len == 0 ||
		(job->installed && wanted_file_find(job->wanted, job->name) &&
			!lock_file_find(job->locked, job->name));

	return !lost ||
		lock_restore(job->root, job->forge, job->wanted, job->operation->job->opened_us,
			job->operation->budget, &job->locked, error);
}

/* ---- the files ---------------------------------------------------------------------------- */

gboolean component_job_look(struct component_job *job, GError **error)
{
	g_autofree char *folder = g_build_filename(job->root, job->folder, NULL);
	g_autofree char *cache = g_build_filename(
		job->root, WORKSPACE_OWN, "index", job->name, NULL);
	struct snapshot_options options = {.tracked = &job->base_tree,
		.cache = cache,
		.file_bytes_max = job->operation->workshop->config->sync_file_bytes,
		.budget = job->operation->budget};

	memset(&job->local_tree, 0, sizeof(job->local_tree));
	if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
		return TRUE;
	return folder_snapshot(job->forge, folder, &options, &job->local_tree, NULL, error);
}

gboolean component_job_files(const struct component_job *job, git_oid *tree, GError **error)
{
	git_oid_cpy(tree, &job->local_tree);
	return !git_oid_is_zero(tree) || component_history_empty_tree(job->forge, tree, error);
}

struct tree_limits component_job_limits(const struct component_job *job)
{
	return (struct tree_limits){
		.blob_bytes_max = job->operation->workshop->config->sync_file_bytes};
}

gboolean component_job_is_modified(const struct component_job *job)
{
	return !git_oid_equal(&job->local_tree, &job->base_tree);
}

/* ---- upstream ----------------------------------------------------------------------------- */

/* Of what only others need, the best that they allow; of what has versions, the newest. */
static char *wanted_by_others(const struct component_job *job)
{
	const struct locked_component *locked = lock_file_find(job->locked, job->name);
	char *constraint = dependents_constraint(job);

	if (!constraint && locked && locked->version)
		constraint = g_strdup("*");
	return constraint;
}

const struct wanted_component *component_job_wanted(struct component_job *job)
{
	const struct wanted_component *wanted = wanted_file_find(job->wanted, job->name);

	if (wanted)
		return wanted;
	job->unlisted.component = (char *)job->name;
	job->unlisted.repository = job->link.repository;
	if (!job->unlisted.constraint)
		job->unlisted.constraint = wanted_by_others(job);
	return &job->unlisted;
}

/* ---- telling ------------------------------------------------------------------------------ */

/* How many files differ between the base and the folder. */
static gboolean count_files(struct component_job *job, uint32_t *count, GError **error)
{
	git_tree *old = NULL, *new = NULL;
	git_diff *diff = NULL;
	gboolean ok = git_tree_lookup(&old, job->forge, &job->base_tree) == 0 &&
		(git_oid_is_zero(&job->local_tree) ||
			git_tree_lookup(&new, job->forge, &job->local_tree) == 0) &&
		git_diff_tree_to_tree(&diff, job->forge, old, new, NULL) == 0;

	if (ok)
		*count = (uint32_t)git_diff_num_deltas(diff);
	else
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"the files of '%s' cannot be compared", job->name);
	git_diff_free(diff);
	git_tree_free(new);
	git_tree_free(old);
	return ok;
}

Forge__Component *component_job_component(
	const struct component_job *job, const git_oid *base, GError **error)
{
	scoped_value(upstream_link) link = {0};
	const struct wanted_component *want = job->want ? job->want
							: wanted_file_find(job->wanted, job->name);
	const struct locked_component *locked;
	Forge__Component *component;
	git_oid tree;

	if (!component_history_link(job->forge, base, &link, error) ||
		!component_history_tree(job->forge, base, &tree, error))
		return NULL;
	component = g_new(Forge__Component, 1);
	forge__component__init(component);
	message_set_string(&component->name, job->name);
	message_set_string(&component->repository, link.repository);
	message_set_string(&component->path, link.path);
	message_set_string(&component->folder, job->folder);
	if (want && want->constraint)
		message_set_string(&component->constraint, want->constraint);
	component_fact_set_oid(&component->commit, &link.commit);
	component_fact_set_oid(&component->base_commit, base);
	component_fact_set_oid(&component->tree, &tree);
	component->commit_time_us = component_job_commit_time_us(job->forge, base);
	locked = lock_file_find(job->locked, job->name);
	if (git_oid_equal(&link.commit, &job->pick.commit)) {
		if (job->pick.version)
			message_set_string(&component->version, job->pick.version);
	} else if (locked && locked->version && strcmp(locked->commit, component->commit) == 0) {
		message_set_string(&component->version, locked->version);
	}
	return component;
}

static void fill_upstream(const struct component_job *job, Forge__ComponentObserved *seen)
{
	if (job->presence != FOLDER_PRESENT) {
		seen->upstream = FORGE__UPSTREAM__UPSTREAM_GONE;
		component_fact_set_oid(&seen->upstream_commit, &job->pick.commit);
		if (job->moved_to)
			message_set_string(&seen->moved_to, job->moved_to);
		return;
	}
	seen->upstream = FORGE__UPSTREAM__UPSTREAM_KNOWN;
	component_fact_set_oid(&seen->upstream_commit, &job->pick.commit);
	component_fact_set_oid(&seen->upstream_tree, &job->upstream_tree);
	if (job->pick.version)
		message_set_string(&seen->upstream_version, job->pick.version);
	seen->behind = job->count.behind;
	seen->behind_unknown = !job->count.exact;
	seen->rewritten = job->count.relation == HISTORY_REWRITTEN ||
		job->count.relation == HISTORY_UNRELATED;
	seen->upstream_time_us = job->upstream_time_us;
}

gboolean component_job_is_answer(const GError *failure)
{
	return forge_error_code(failure) == FORGE_ERROR_REPOSITORY_NOT_FOUND;
}

gboolean component_job_note_observed(
	struct component_job *job, const GError *failure, GError **error)
{
	Forge__ComponentObserved *seen = g_new(Forge__ComponentObserved, 1);
	Forge__Fact *fact = component_fact_new(FORGE__FACT__KIND_COMPONENT_OBSERVED);

	forge__component_observed__init(seen);
	fact->component_observed = seen;
	message_set_string(&seen->name, job->name);
	component_fact_set_oid(&seen->local_tree, &job->local_tree);
	component_fact_set_oid(&seen->base_tree, &job->base_tree);
	seen->component = component_job_component(job, &job->base, error);
	if (!seen->component || !count_files(job, &seen->files_changed, error)) {
		forge__fact__free_unpacked(fact, NULL);
		return FALSE;
	}
	if (failure) {
		seen->upstream = component_job_is_answer(failure)
			? FORGE__UPSTREAM__UPSTREAM_GONE
			: FORGE__UPSTREAM__UPSTREAM_UNKNOWN;
		seen->error = operation_error(failure);
	} else if (job->remote) {
		fill_upstream(job, seen);
		seen->yanked = component_job_is_yanked(job, seen->component->version);
	}
	operation_note(job->operation, fact);
	return TRUE;
}
