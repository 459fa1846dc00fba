/*
 * `forge sync push`: the workspace's version to a branch upstream, or, where that may not be
 * written to, of the fork that the user registered. The second is a batch of its own, made of what
 * the first was refused.
 */
#include <string.h>

#include "cli/component_options.h"
#include "cli/fork_name.h"
#include "cli/handlers.h"
#include "cli/history.h"
#include "cli/output.h"
#include "cli/registered_forks.h"
#include "cli/render.h"
#include "cli/render_component.h"
#include "cli/workspace_client.h"
#include "cli/workspace_rows.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

/* What became of one component. */
struct outcome {
	const struct history_job *job; /* its last one; borrowed from a run */
	char *upstream;
	char *fork; /* where it goes after upstream said no; NULL: nowhere */
	char *hint; /* instead of the error's own; or NULL */
};

struct showing {
	struct invocation *invocation;
	gboolean one;
	gboolean names_branch;
	gboolean falls_back; /* to a fork, where upstream says no */
	GPtrArray *before;   /* of Forge__ComponentRow: as the journal knew them */
	GPtrArray *runs;     /* of struct component_run */
	GPtrArray *outcomes; /* of struct outcome, in the order of the targets */
	struct client *client;
	Forge__Submit *submit; /* its targets and the repository change from batch to batch */
};

static void free_outcome(gpointer data)
{
	struct outcome *outcome = data;

	g_free(outcome->upstream);
	g_free(outcome->fork);
	g_free(outcome->hint);
	g_free(outcome);
}

static void free_run(gpointer data)
{
	component_run_clear(data);
	g_free(data);
}

/* ---- for people --------------------------------------------------------------------------- */

static const char *upstream_of(const struct showing *showing, const char *name)
{
	for (guint i = 0; i < showing->before->len; i++) {
		const Forge__ComponentRow *row = showing->before->pdata[i];

		if (strcmp(row->component->name, name) == 0)
			return row->component->repository;
	}
	return "";
}

static void show_one(const struct showing *showing, const Forge__ComponentPushed *fact)
{
	struct invocation *invocation = showing->invocation;
	g_autofree char *commit = render_short_id(fact->commit);
	g_autofree char *access = g_strdup_printf(
		"✓ Write access confirmed for %s", fact->repository);
	g_autofree char *done = fact->to_fork
		? g_strdup("✓ Changes pushed to fork")
		: g_strdup_printf("✓ Changes pushed successfully (commit: %s)", commit);

	if (!fact->to_fork && !invocation->quiet)
		output_marked(invocation, access);
	output_step(invocation, "%s: %s", showing->names_branch ? "Branch" : "Creating branch",
		fact->branch);
	output_step(invocation, "Committing changes...");
	output_step(invocation, "Pushing to %s...", fact->to_fork ? "fork" : "origin");
	output_marked(invocation, done);
	if (fact->to_fork)
		output_line(invocation, "Fork: %s (commit: %s)", fact->repository, commit);
}

static void show_pushed(const struct showing *showing, const Forge__ComponentPushed *fact)
{
	g_autofree char *commit = render_short_id(fact->commit);
	g_autofree char *line = g_strdup_printf("✓ %s: pushed to %s%s%s (commit: %s)", fact->name,
		fact->to_fork ? fact->repository : "", fact->to_fork ? ", " : "", fact->branch,
		commit);

	if (showing->one)
		show_one(showing, fact);
	else
		output_marked(showing->invocation, line);
}

static gboolean was_refused(const struct history_job *job)
{
	const Forge__Error *failure = component_run_error(job);
	enum forge_error code = failure ? forge_error_from_name(failure->code) : FORGE_ERROR_FAILED;

	return failure &&
		(code == FORGE_ERROR_PERMISSION_DENIED ||
			code == FORGE_ERROR_AUTHENTICATION_FAILED);
}

static void show_job(const struct history_job *job, gpointer user_data)
{
	const struct showing *showing = user_data;
	const Forge__Fact *pushed = component_run_fact(job, FORGE__FACT__KIND_COMPONENT_PUSHED);
	g_autofree char *nothing = g_strdup_printf("✓ %s: nothing to push", job->target);

	if (showing->falls_back && was_refused(job))
		return;
	if (job->state != JOB_DONE)
		component_show_failure(showing->invocation, job);
	else if (pushed)
		show_pushed(showing, pushed->component_pushed);
	else
		output_marked(showing->invocation, nothing);
}

static void show_refused(const struct showing *showing, const struct outcome *outcome)
{
	const Forge__Error *failure = component_run_error(outcome->job);
	g_autofree char *line = g_strdup_printf("✗ %s: %s", outcome->job->target, failure->message);

	output_marked(showing->invocation, line);
	output_line(showing->invocation, "    hint: %s", outcome->hint);
}

/* ---- for machines ------------------------------------------------------------------------- */

/* As component_value_of_job(), with the outcome's own hint. */
static struct value *value_of_refusal(const struct outcome *outcome)
{
	Forge__Error failure = *component_run_error(outcome->job);
	struct value *map = value_new_map();

	failure.hint = (char *)outcome->hint;
	value_put_string(map, "component", outcome->job->target);
	value_put_string(map, "status", job_state_word(outcome->job->state));
	value_put_take(map, "error", render_error(&failure));
	return map;
}

static struct value *value_of_outcome(const struct outcome *outcome)
{
	const Forge__Fact *fact = component_run_fact(
		outcome->job, FORGE__FACT__KIND_COMPONENT_PUSHED);
	const Forge__ComponentPushed *pushed = fact ? fact->component_pushed : NULL;
	struct value *map = outcome->hint ? value_of_refusal(outcome)
					  : component_value_of_job(outcome->job);

	value_put_boolean(map, "pushed", pushed != NULL);
	value_put_text(map, "repository", pushed ? pushed->repository : NULL);
	value_put_text(map, "branch", pushed ? pushed->branch : NULL);
	value_put_text(map, "commit", pushed ? pushed->commit : NULL);
	value_put_text(map, "onto", pushed ? pushed->onto : NULL);
	value_put_boolean(map, "to_fork", pushed && pushed->to_fork);
	return map;
}

static void show_object(const struct showing *showing)
{
	struct value *list = value_new_list();
	scoped(value) object = value_new_map();

	for (guint i = 0; i < showing->outcomes->len; i++)
		value_append_take(list, value_of_outcome(showing->outcomes->pdata[i]));
	value_put_take(object, "components", list);
	if (showing->invocation->format == OUTPUT_JSON ||
		showing->invocation->format == OUTPUT_YAML)
		output_value(showing->invocation, object);
}

/* ---- batches ------------------------------------------------------------------------------ */

/* Runs the batch that showing->submit says. Borrowed; NULL with ERROR. */
static const struct component_run *run_batch(struct showing *showing, GError **error)
{
	struct component_run *run = g_new0(struct component_run, 1);

	g_ptr_array_add(showing->runs, run);
	if (!component_run(showing->invocation, showing->client, showing->submit, show_job, showing,
		    run, error))
		return NULL;
	return run;
}

static gboolean push_upstream(struct showing *showing, GError **error)
{
	const struct component_run *run = run_batch(showing, error);

	if (!run)
		return FALSE;
	for (guint i = 0; i < run->history->jobs->len; i++) {
		struct outcome *outcome = g_new0(struct outcome, 1);

		outcome->job = run->history->jobs->pdata[i];
		outcome->upstream = g_strdup(upstream_of(showing, outcome->job->target));
		g_ptr_array_add(showing->outcomes, outcome);
	}
	return TRUE;
}

/* The one fork that what upstream refused goes to, or what to do about there being none. */
static void choose_fork(const struct showing *showing, struct outcome *outcome)
{
	g_autoptr(GError) failure = NULL;
	g_autoptr(GPtrArray)
		forks = registered_forks_of(showing->invocation, outcome->upstream, &failure);
	g_autofree char *names = NULL;

	if (!forks) {
		outcome->hint = g_strdup_printf(
			"your registered forks cannot be read (%s); --to REPOSITORY names one",
			failure->message);
		return;
	}
	if (forks->len == 1) {
		outcome->fork = g_strdup(forks->pdata[0]);
		return;
	}
	if (forks->len == 0) {
		outcome->hint = g_strdup_printf("register your fork of it, then push again: forge "
						"fork add NAME --fork R --upstream %s",
			outcome->upstream);
		return;
	}
	g_ptr_array_add(forks, NULL);
	names = g_strjoinv(", ", (char **)forks->pdata);
	outcome->hint = g_strdup_printf(
		"several forks of it are registered; --to names one of %s", names);
}

/* Pushes everything that goes to the fork of the outcome number FIRST. */
static gboolean push_to_fork(struct showing *showing, guint first, GError **error)
{
	g_autofree char *fork = g_strdup(((struct outcome *)showing->outcomes->pdata[first])->fork);
	g_autoptr(GPtrArray) together = g_ptr_array_new();
	g_autoptr(GPtrArray) targets = g_ptr_array_new();
	const struct component_run *run;

	for (guint i = first; i < showing->outcomes->len; i++) {
		struct outcome *outcome = showing->outcomes->pdata[i];

		if (!outcome->fork || strcmp(outcome->fork, fork) != 0)
			continue;
		g_clear_pointer(&outcome->fork, g_free);
		g_ptr_array_add(together, outcome);
		g_ptr_array_add(targets, outcome->job->target);
	}
	showing->submit->all_forks = FALSE;
	showing->submit->targets = (char **)targets->pdata;
	showing->submit->n_targets = targets->len;
	showing->submit->arguments->component->repository = fork;
	run = run_batch(showing, error);
	showing->submit->arguments->component->repository = (char *)protobuf_c_empty_string;
	for (guint i = 0; run && i < together->len; i++)
		((struct outcome *)together->pdata[i])->job = run->history->jobs->pdata[i];
	return run != NULL;
}

static gboolean push_refused(struct showing *showing, GError **error)
{
	for (guint i = 0; i < showing->outcomes->len; i++) {
		struct outcome *outcome = showing->outcomes->pdata[i];

		if (!was_refused(outcome->job))
			continue;
		choose_fork(showing, outcome);
		if (outcome->hint)
			show_refused(showing, outcome);
		else if (showing->one)
			output_line(
				showing->invocation, "No write access to %s", outcome->upstream);
	}
	showing->falls_back = FALSE;
	for (guint i = 0; i < showing->outcomes->len; i++)
		if (((struct outcome *)showing->outcomes->pdata[i])->fork &&
			!push_to_fork(showing, i, error))
			return FALSE;
	return TRUE;
}

static int status_of(const struct showing *showing)
{
	g_autoptr(GPtrArray) jobs = g_ptr_array_new();

	for (guint i = 0; i < showing->outcomes->len; i++)
		g_ptr_array_add(
			jobs, (gpointer)((struct outcome *)showing->outcomes->pdata[i])->job);
	return component_jobs_status(jobs);
}

/* ---- the command -------------------------------------------------------------------------- */

static gboolean read_text(const struct invocation *invocation, const char *option, gsize most,
	char **slot, GError **error)
{
	const char *text = invocation_text(invocation, option);

	if (!text)
		return TRUE;
	*slot = (char *)text;
	if (*text && strlen(text) <= most && g_utf8_validate(text, -1, NULL))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"--%s: expected UTF-8 text of 1 to %" G_GSIZE_FORMAT " bytes", option, most);
	return FALSE;
}

/* *REPOSITORY is the caller's to free. */
static gboolean read_options(const struct invocation *invocation,
	Forge__ComponentArguments *component, char **repository, GError **error)
{
	const char *to = invocation_text(invocation, "to");

	if (!read_text(
		    invocation, "message", LIMIT_PUSH_MESSAGE_BYTES, &component->message, error) ||
		!read_text(invocation, "branch", LIMIT_NAME_BYTES, &component->branch, error))
		return FALSE;
	if (!to)
		return TRUE;
	*repository = fork_name_repository("to", to, error);
	if (*repository)
		component->repository = *repository;
	return *repository != NULL;
}

static int push(struct showing *showing, GError **error)
{
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(free_run);
	g_autoptr(GPtrArray) outcomes = g_ptr_array_new_with_free_func(free_outcome);

	showing->runs = runs;
	showing->outcomes = outcomes;
	if (!push_upstream(showing, error) ||
		(showing->falls_back && !push_refused(showing, error)))
		return 1;
	show_object(showing);
	return status_of(showing);
}

int cmd_sync_push(struct invocation *invocation, GError **error)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	Forge__ComponentArguments component = FORGE__COMPONENT_ARGUMENTS__INIT;
	g_autofree char *repository = NULL;
	g_autoptr(GPtrArray) before = NULL;
	scoped(client) client = NULL;
	struct showing showing = {.invocation = invocation, .submit = &submit};

	if (!component_targets(invocation, &submit, error) ||
		!read_options(invocation, &component, &repository, error))
		return 1;
	arguments.component = &component;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_COMPONENT_PUSH;
	submit.arguments = &arguments;
	client = workspace_connect(invocation, CLIENT_WORKS, NULL, error);
	before = client ? requests_components(client, NULL, error) : NULL;
	if (!before)
		return 1;
	showing.client = client;
	showing.before = before;
	showing.one = submit.n_targets == 1;
	showing.names_branch = *component.branch != '\0';
	showing.falls_back = !repository;
	if (showing.one)
		output_step(invocation, "Checking repository access...");
	if (submit.all_forks)
		workspace_rows_remark(invocation, before);
	return push(&showing, error);
}
