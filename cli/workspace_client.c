/*
 * Commands of a workspace and their jobs: found from the current folder, run by this process or by
 * another command in the same workspace, never by a scheduler somewhere else.
 */
#include "cli/workspace_client.h"

#include "cli/history.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "cli/workspace_rows.h"
#include "journal/base/errors.h"
#include "worker/git/git_library.h"
#include "worker/workspace/repository_rewrite.h"
#include "worker/workspace/workspace.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_lock.h"
#include "worker/workspace/workspace_repository.h"

static gboolean has_repository(const char *root)
{
	g_autofree char *repository = g_build_filename(root, WORKSPACE_OWN, "repository", NULL);

	return g_file_test(repository, G_FILE_TEST_IS_DIR);
}

/* A clone has the workspace's files and none of its own folder. */
static gboolean complete(const char *root, GError **error)
{
	gboolean existed;

	return has_repository(root) || workspace_make(root, &existed, error);
}

/* Every job reads both files; what is wrong with one is told here, once. */
static gboolean check_documents(const char *root, GError **error)
{
	scoped(wanted_file) wanted = workspace_wanted_read(root, error);
	scoped(lock_file) locked = wanted ? workspace_locked_read(root, error) : NULL;

	return locked != NULL;
}

/* A workspace without its own folder has nothing to be rewritten. Whoever is alone in it and works
 * removes what a killed process left in the way. */
static gboolean begin_use(struct invocation *invocation, enum client_use use, const char *root,
	gboolean *alone, GError **error)
{
	*alone = FALSE;
	if (invocation->workspace_use || !has_repository(root))
		return TRUE;
	invocation->workspace_use = workspace_use_take(root, error);
	if (!invocation->workspace_use)
		return FALSE;
	if (use == CLIENT_WORKS && workspace_use_alone(invocation->workspace_use)) {
		workspace_repository_recover(root);
		workspace_use_share(invocation->workspace_use);
		*alone = TRUE;
	}
	return TRUE;
}

/* Whoever works alone goes on with what a stopped command left. The remark only explains what is
 * seen next: without an answer there is none. */
static void tell_left_work(struct invocation *invocation, struct client *client)
{
	g_autoptr(GPtrArray) batches = requests_batches(client, FALSE, NULL);

	for (guint i = 0; batches && i < batches->len; i++) {
		const Forge__BatchRow *row = batches->pdata[i];

		output_remark(invocation,
			"A stopped command left batch %s (%s): it is gone on with (`forge batch "
			"cancel --workspace %s` ends it).",
			row->name, render_kind(row->kind), row->name);
	}
}

struct client *workspace_connect(
	struct invocation *invocation, enum client_use use, const char **root, GError **error)
{
	g_autofree char *here = g_get_current_dir();
	g_autofree char *found = workspace_find(here, error);
	struct client *client;
	gboolean alone;

	if (!found || !invocation_config(invocation, error) ||
		(use == CLIENT_WORKS &&
			(!complete(found, error) || !check_documents(found, error))))
		return NULL;
	config_enter_workspace(invocation->config, found);
	if (root)
		*root = invocation->config->workspace;
	if (!begin_use(invocation, use, found, &alone, error))
		return NULL;
	client = requests_connect(invocation, use, 0, error);
	if (client && alone)
		tell_left_work(invocation, client);
	return client;
}

void workspace_leave(struct invocation *invocation, gboolean tidies)
{
	struct workspace_lock *use = g_steal_pointer(&invocation->workspace_use);
	const char *root = invocation->config ? invocation->config->workspace : NULL;
	g_autoptr(GError) error = NULL;

	if (use && tidies && repository_rewrite_is_due(root) && workspace_use_alone(use)) {
		git_library_start();
		if (!repository_rewrite(root, &error))
			g_warning(
				"%s/.forge/repository was not rewritten: %s", root, error->message);
		git_library_stop();
	}
	workspace_lock_drop(use);
}

void component_run_clear(struct component_run *run)
{
	g_clear_pointer(&run->history, history_free);
}

const Forge__Fact *component_run_fact(const struct history_job *job, Forge__Fact__KindCase kind)
{
	for (guint i = job->facts ? job->facts->len : 0; i > 0; i--) {
		const Forge__Fact *fact = job->facts->pdata[i - 1];

		if (fact->kind_case == kind)
			return fact;
	}
	return NULL;
}

const Forge__Error *component_run_error(const struct history_job *job)
{
	return job->state == JOB_FAILED ? job->error : NULL;
}

/* ---- following ---------------------------------------------------------------------------- */

struct following {
	struct invocation *invocation;
	struct history *history;
	struct progress *progress;
	component_run_ended *ended;
	gpointer user_data;
};

static void show_progress(struct following *following, const Forge__Events *page)
{
	const Forge__Progress *newest = page->n_progress > 0 ? page->progress[page->n_progress - 1]
							     : NULL;

	progress_set(following->progress, following->history->ended, following->history->jobs->len,
		newest ? newest->text : NULL);
}

static gboolean take_page(const Forge__Events *page, gpointer user_data)
{
	struct following *following = user_data;

	for (size_t i = 0; i < page->n_events; i++) {
		const struct history_job *job = history_apply(following->history, page->events[i]);

		if (following->invocation->format == OUTPUT_JSONL)
			output_event(following->invocation, page->events[i]);
		if (!job || !following->ended)
			continue;
		progress_hide(following->progress);
		following->ended(job, following->user_data);
		progress_show(following->progress);
	}
	show_progress(following, page);
	return following->history->closed_seq == 0;
}

int component_jobs_status(const GPtrArray *jobs)
{
	int status = 0;

	for (guint i = 0; i < jobs->len; i++) {
		const struct history_job *job = jobs->pdata[i];
		const Forge__Error *failure = component_run_error(job);
		enum forge_error code = failure ? forge_error_from_name(failure->code)
						: FORGE_ERROR_FAILED;

		if (job->state == JOB_CONFLICT)
			return forge_error_exit_status(FORGE_ERROR_SYNC_CONFLICT);
		if (job->state == JOB_DONE)
			continue;
		if (jobs->len == 1)
			return forge_error_exit_status(code);
		if (forge_error_exit_status(code) ==
			forge_error_exit_status(FORGE_ERROR_SYNC_CONFLICT))
			return forge_error_exit_status(code);
		status = 1;
	}
	return status;
}

/* The scheduler knows what is installed, and not what forge.yaml lists. */
static void explain_unknown(struct invocation *invocation, struct client *client,
	const Forge__Submit *submit, GError **error)
{
	g_autofree char **names = NULL;
	g_autoptr(GError) better = NULL;
	g_autoptr(GPtrArray) rows = NULL;

	if (!error || forge_error_code(*error) != FORGE_ERROR_COMPONENT_NOT_FOUND)
		return;
	names = g_new0(char *, submit->n_targets + 1);
	for (size_t i = 0; i < submit->n_targets; i++)
		names[i] = submit->targets[i];
	rows = workspace_rows_named(invocation, client, names, &better);
	if (rows || forge_error_code(better) != FORGE_ERROR_COMPONENT_NOT_FOUND)
		return;
	g_clear_error(error);
	g_propagate_error(error, g_steal_pointer(&better));
}

gboolean component_run(struct invocation *invocation, struct client *client, Forge__Submit *submit,
	component_run_ended *ended, gpointer user_data, struct component_run *run, GError **error)
{
	scoped(history) history = history_new();
	scoped(progress) progress = progress_new(&invocation->terminal, !invocation->quiet);
	struct following following = {invocation, history, progress, ended, user_data};
	Forge__Reply *reply = requests_submit(client, submit, error);
	uint64_t batch;

	if (!reply) {
		explain_unknown(invocation, client, submit, error);
		return FALSE;
	}
	batch = reply->submitted->batch;
	if (reply->submitted->paused)
		output_remark(invocation,
			"The queue is paused: the jobs wait until `forge queue resume`.");
	forge__reply__free_unpacked(reply, NULL);
	if (!requests_events(client, batch, batch, TRUE, take_page, &following, error))
		return FALSE;
	run->status = component_jobs_status(history->jobs);
	run->history = g_steal_pointer(&history);
	return TRUE;
}
