/*
 * `forge job submit|retry`: batches that are not simply a sync of forks.
 *
 * A retry is a new batch: the targets are read from the old one's events, so it works as well for
 * batches that closed long ago.
 */
#include "cli/batch_options.h"
#include "cli/batch_run.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/requests.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"
#include "queue/job_kinds.h"
#include "queue/job_table.h"
#include "worker/workspace/workspace.h"

static int submit_and_run(
	struct invocation *invocation, Forge__Submit *submit, gboolean one_target, GError **error)
{
	gboolean wait = !invocation_flag(invocation, "no-wait");
	scoped(client) client = requests_connect_with_jobs(
		invocation, wait ? CLIENT_WORKS : CLIENT_READS, error);
	struct batch_plan plan = {.submit = submit, .wait = wait, .one_target = one_target};

	if (!client)
		return 1;
	return batch_run(invocation, client, &plan, error);
}

/* ---- submit ------------------------------------------------------------------------------- */

static const struct job_kind *parse_kind(const char *word, GError **error)
{
	g_autofree char *name = g_strdelimit(g_strdup(word), "-", '_');
	const struct job_kind *kind = job_kind_named(name);
	g_autofree char *question = NULL;
	g_autofree char *names = NULL;

	if (kind)
		return kind;
	question = nearest_question(name, job_kind_names());
	names = g_strjoinv(", ", (char **)job_kind_names());
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "there is no kind of job '%s'; %s%s",
		word, question ? question : "there are: ", question ? "" : names);
	return NULL;
}

/* An option of another kind of job would be ignored, which is not what was meant. */
static gboolean check_options(
	const struct invocation *invocation, const struct job_kind *kind, GError **error)
{
	static const struct {
		const char *option;
		Forge__JobKind kind;
	} table[] = {
		{"all", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC},
		{"strategy", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC},
		{"branch", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC},
		{"dry-run", FORGE__JOB_KIND__JOB_KIND_FORK_SYNC},
		{"count", FORGE__JOB_KIND__JOB_KIND_NOOP},
		{"duration", FORGE__JOB_KIND__JOB_KIND_NOOP},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if (table[i].kind == kind->kind || !invocation_flag(invocation, table[i].option))
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--%s is for jobs of kind %s, not %s", table[i].option,
			job_kind_of(table[i].kind)->name, kind->name);
		return FALSE;
	}
	return TRUE;
}

static gboolean fill_noops(
	const struct invocation *invocation, Forge__Submit *submit, GError **error)
{
	uint64_t count;
	uint64_t duration_ms;

	if (invocation->argument_count > 1) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"jobs of kind noop have no targets; --count says how many");
		return FALSE;
	}
	if (!invocation_number_within(
		    invocation, "count", 1, LIMIT_TARGETS_PER_BATCH, &count, error) ||
		!invocation_number_within(invocation, "duration", 0,
			(uint64_t)job_kind_of(FORGE__JOB_KIND__JOB_KIND_NOOP)->timeout_ms,
			&duration_ms, error))
		return FALSE;
	if (count == 0) {
		g_set_error_literal(
			error, FORGE_ERROR, FORGE_ERROR_USAGE, "--count: expected at least 1");
		return FALSE;
	}
	submit->kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit->noops = (uint32_t)count;
	submit->arguments->noop_ms = (uint32_t)duration_ms;
	return TRUE;
}

/* PATHS, which owns the targets, gets the workspaces' roots. */
static gboolean fill_workspaces(const struct invocation *invocation, Forge__Submit *submit,
	GPtrArray *paths, GError **error)
{
	for (guint i = 1; i < invocation->argument_count; i++) {
		g_autofree char *folder = g_canonicalize_filename(invocation->arguments[i], NULL);
		char *root = workspace_find(folder, error);

		if (!root)
			return FALSE;
		g_ptr_array_add(paths, root);
	}
	submit->kind = FORGE__JOB_KIND__JOB_KIND_DEPENDENCIES_RESOLVE;
	submit->targets = (char **)paths->pdata;
	submit->n_targets = paths->len;
	return TRUE;
}

static gboolean fill_submit(const struct invocation *invocation, Forge__Submit *submit,
	GPtrArray *paths, GError **error)
{
	uint64_t priority;
	const struct job_kind *kind = parse_kind(invocation->arguments[0], error);

	if (!kind || !check_options(invocation, kind, error) ||
		!invocation_number_within(
			invocation, "priority", 0, JOB_PRIORITY_MAX, &priority, error))
		return FALSE;
	submit->priority = (uint32_t)priority;
	switch (kind->about) {
	case JOB_ABOUT_FORK:
		return batch_options_for_forks(
			invocation, invocation->arguments + 1, submit, error);
	case JOB_ABOUT_WORKSPACE:
		return fill_workspaces(invocation, submit, paths, error);
	case JOB_ABOUT_NOTHING:
		return fill_noops(invocation, submit, error);
	case JOB_ABOUT_COMPONENT:
		break;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
		"jobs of kind %s are about components of one workspace: `forge install`, `forge sync` and "
		"`forge dev` submit them there",
		kind->name);
	return FALSE;
}

int cmd_job_submit(struct invocation *invocation, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

	submit.arguments = &arguments;
	if (!fill_submit(invocation, &submit, paths, error))
		return 1;
	return submit_and_run(invocation, &submit, FALSE, error);
}

/* ---- retry -------------------------------------------------------------------------------- */

static gboolean failed(const struct history_job *job)
{
	if (job->state == JOB_FAILED)
		return TRUE;
	for (guint i = 0; job->ends && i < job->ends->len; i++) {
		const Forge__ForkSynced *end = g_ptr_array_index(job->ends, i);

		if (end->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED)
			return job_state_ended(job->state);
	}
	return FALSE;
}

/* What is done again: of a batch what failed, of a job the job itself, if it has ended. */
static gboolean collect(const struct history *history, uint32_t number, GPtrArray *targets,
	guint *noops, GError **error)
{
	for (guint i = 0; i < history->jobs->len; i++) {
		const struct history_job *job = g_ptr_array_index(history->jobs, i);
		gboolean wanted = number == 0 ? failed(job) : job->number == number;

		if (!wanted)
			continue;
		if (!job_state_ended(job->state)) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
				"job %u of batch %s has not ended yet", number,
				history->opened->batch);
			return FALSE;
		}
		if (job->target)
			g_ptr_array_add(targets, g_strdup(job->target));
		else
			(*noops)++;
	}
	if (targets->len > LIMIT_TARGETS_PER_REQUEST) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"%u jobs of batch %s failed, and at most %d can be named at once; "
			"`forge fork sync --all` does them all",
			targets->len, history->opened->batch, LIMIT_TARGETS_PER_REQUEST);
		return FALSE;
	}
	return TRUE;
}

static struct history *read_batch(struct invocation *invocation, uint32_t *number, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	scoped_value(job_name) name = {0};

	if (!client || !requests_find_job(client, invocation->arguments[0], &name, error))
		return NULL;
	*number = name.number;
	return requests_history(client, name.batch, error);
}

int cmd_job_retry(struct invocation *invocation, GError **error)
{
	uint32_t number = 0;
	scoped(history) history = read_batch(invocation, &number, error);
	guint noops = 0;
	g_autoptr(GPtrArray) targets = NULL;
	Forge__Submit submit = FORGE__SUBMIT__INIT;

	if (!history)
		return 1;
	targets = g_ptr_array_new_with_free_func(g_free);
	if (!collect(history, number, targets, &noops, error))
		return 1;
	if (targets->len == 0 && noops == 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOB_NOT_FOUND,
			"nothing to retry: no job of batch %s failed", history->opened->batch);
		return 1;
	}
	submit.kind = history->opened->kind;
	submit.arguments = history->opened->arguments;
	submit.priority = history->opened->priority;
	submit.retry_of = history->opened->batch;
	submit.targets = (char **)targets->pdata;
	submit.n_targets = targets->len;
	submit.noops = noops;
	return submit_and_run(invocation, &submit, targets->len == 1 && number != 0, error);
}
