/*
 * Submitting a batch and following it to its close: what `fork sync`, `job submit` and `job retry`
 * have in common.
 *
 * Everything shown comes from the batch's events, so it is the same embedded and with a scheduler,
 * and a batch gone on with after an interruption tells the same again. An outcome is shown when its
 * job has ended, never before: an attempt may be repeated, and only the last word on a branch
 * counts.
 */
#include "cli/batch_run.h"

#include <stdio.h>

#include "cli/history.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "cli/requests.h"
#include "journal/base/errors.h"
#include "worker/remote/remote.h"

struct run {
	struct invocation *invocation;
	struct client *client;
	const struct batch_plan *plan;
	struct history *history;
	struct progress *progress;
	struct tally tally;
	gboolean announced; /* how many forks there are */
	int worst;          /* exit status of the first entry that did not succeed; 0: none */
};

static gboolean is_fork_batch(const struct run *run)
{
	return run->plan->submit->kind == FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
}

/* ---- the way out of a conflict ------------------------------------------------------------ */

/* What git clones REPOSITORY from; as it was registered where that cannot be told here. */
static char *clone_url(struct run *run, const char *repository)
{
	const struct config *config = invocation_config(run->invocation, NULL);
	scoped(remote) remote = config ? remote_new(config, repository, NULL) : NULL;

	return g_strdup(remote ? remote->url : repository);
}

/* The commands for ENTRY; NULL if the fork is not registered any more. */
static char *conflict_commands(struct run *run, const Forge__ForkSynced *entry)
{
	char *names[] = {entry->fork, NULL};
	g_autoptr(GPtrArray) rows = requests_forks(run->client, names, NULL);
	const Forge__ForkRow *row;
	g_autofree char *fork = NULL;
	g_autofree char *upstream = NULL;

	if (!rows || rows->len != 1)
		return NULL;
	row = g_ptr_array_index(rows, 0);
	fork = clone_url(run, row->fork->fork);
	upstream = clone_url(run, row->fork->upstream);
	return render_conflict_commands(entry, fork, upstream);
}

static gboolean in_conflict(const Forge__ForkSynced *entry)
{
	return entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT;
}

/* ---- for people --------------------------------------------------------------------------- */

static void show_commands(struct run *run, const Forge__ForkSynced *entry)
{
	g_autofree char *commands = conflict_commands(run, entry);
	g_auto(GStrv) lines = NULL;

	if (!commands)
		return;
	lines = g_strsplit(commands, "\n", -1);
	for (char **line = lines; *line; line++)
		if (**line)
			output_line(run->invocation, "    %s", *line);
}

static void show_hint(struct run *run, const Forge__ForkSynced *entry)
{
	const char *hint = render_hint(entry);
	g_autofree char *printable = NULL;

	if (!hint)
		return;
	printable = text_printable(hint);
	output_line(run->invocation, "    hint: %s", printable);
}

static gboolean made_a_merge(const Forge__ForkSynced *entry)
{
	return !entry->dry_run && !render_is_of_tags(entry) && !*entry->conflict_commit &&
		(entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED ||
			entry->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED ||
			in_conflict(entry));
}

static void show_entry(struct run *run, const Forge__ForkSynced *entry, gboolean with_branch)
{
	g_autofree char *line = NULL;
	g_autofree char *printable = NULL;

	if (run->plan->one_target && made_a_merge(entry)) {
		g_autofree char *branch = text_printable(entry->branch);

		output_step(run->invocation, "Merging upstream/%s into fork/%s...", branch, branch);
	}
	line = render_entry_line(entry, with_branch);
	printable = text_printable(line);
	output_marked(run->invocation, printable);
	if (in_conflict(entry))
		show_commands(run, entry);
	else
		show_hint(run, entry);
}

static void announce(struct run *run)
{
	guint count;

	if (run->announced || run->plan->one_target || !is_fork_batch(run))
		return;
	run->announced = TRUE;
	count = run->history->jobs->len;
	if (count > 0)
		output_step(run->invocation, "Synchronizing %u fork%s...", count,
			count == 1 ? "" : "s");
}

/* ---- counting ----------------------------------------------------------------------------- */

static int entry_exit_status(const Forge__ForkSynced *entry)
{
	if (render_succeeded(entry))
		return 0;
	if (in_conflict(entry))
		return forge_error_exit_status(FORGE_ERROR_SYNC_CONFLICT);
	if (entry->error && *entry->error->code)
		return forge_error_exit_status(forge_error_from_name(entry->error->code));
	return 1;
}

static void count_entry(struct run *run, const Forge__ForkSynced *entry)
{
	tally_add(&run->tally, entry);
	if (run->worst == 0)
		run->worst = entry_exit_status(entry);
}

/* Jobs that are no forks' count by their state alone. */
static void count_job(struct run *run, const struct history_job *job)
{
	run->tally.total++;
	switch (job->state) {
	case JOB_DONE:
		run->tally.succeeded++;
		break;
	case JOB_CONFLICT:
		run->tally.conflicts++;
		break;
	case JOB_FAILED:
		run->tally.failed++;
		break;
	case JOB_QUEUED:
	case JOB_WAITING:
	case JOB_LEASED:
	case JOB_SKIPPED:
		run->tally.skipped++;
		break;
	case JOB_CANCELLED:
		run->tally.cancelled++;
		break;
	}
}

static void end_job(struct run *run, const struct history_job *job)
{
	g_autoptr(GPtrArray) entries = NULL;

	announce(run);
	if (!is_fork_batch(run)) {
		count_job(run, job);
		return;
	}
	entries = history_entries(run->history, job);
	progress_hide(run->progress);
	for (guint i = 0; i < entries->len; i++) {
		const Forge__ForkSynced *entry = g_ptr_array_index(entries, i);

		count_entry(run, entry);
		show_entry(run, entry, entries->len > 1);
	}
	progress_show(run->progress);
}

/* ---- following ---------------------------------------------------------------------------- */

static const char *progress_text(const struct run *run, const Forge__Events *page, char **owned)
{
	const Forge__Progress *newest;
	const struct history_job *job;

	if (page->n_progress == 0)
		return NULL;
	newest = page->progress[page->n_progress - 1];
	job = newest->job ? history_job(run->history, newest->job->number) : NULL;
	*owned = g_strdup_printf("%s%s%s", job && job->target ? job->target : "",
		job && job->target ? ": " : "", newest->text);
	return *owned;
}

static gboolean take_page(const Forge__Events *page, gpointer user_data)
{
	struct run *run = user_data;
	g_autofree char *owned = NULL;
	const char *text;

	for (size_t i = 0; i < page->n_events; i++) {
		const Forge__EventRow *row = page->events[i];
		const struct history_job *ended = history_apply(run->history, row);

		if (run->invocation->format == OUTPUT_JSONL)
			output_event(run->invocation, row);
		if (run->history->sealed)
			announce(run);
		if (ended)
			end_job(run, ended);
	}
	fflush(stdout);
	text = progress_text(run, page, &owned);
	progress_set(run->progress, run->history->ended, run->history->jobs->len, text);
	return run->history->closed_seq == 0;
}

/* ---- the end ------------------------------------------------------------------------------ */

static double seconds_of(const struct history *history)
{
	/* Rounded to milliseconds; more digits would only be noise. */
	guint64 ms = history->closed_us > history->opened_us
		? (history->closed_us - history->opened_us) / 1000
		: 0;

	return (double)ms / 1000;
}

static struct value *list_entries(struct run *run)
{
	struct value *list = value_new_list();

	for (guint i = 0; i < run->history->jobs->len; i++) {
		const struct history_job *job = g_ptr_array_index(run->history->jobs, i);
		g_autoptr(GPtrArray) entries = history_entries(run->history, job);

		for (guint j = 0; j < entries->len; j++) {
			const Forge__ForkSynced *entry = g_ptr_array_index(entries, j);
			g_autofree char *commands = in_conflict(entry)
				? conflict_commands(run, entry)
				: NULL;

			value_append_take(list, render_entry(entry, commands));
		}
	}
	return list;
}

static void show_object(struct run *run)
{
	scoped(value) object = value_new_map();

	value_put_string(object, "batch", run->history->opened->batch);
	value_put_integer(object, "total", run->tally.total);
	value_put_integer(object, "succeeded", run->tally.succeeded);
	value_put_integer(object, "conflicts", run->tally.conflicts);
	value_put_integer(object, "failed", run->tally.failed);
	/* Entries of jobs that were cancelled have this status too. */
	value_put_integer(object, "skipped", run->tally.skipped + run->tally.cancelled);
	value_put_integer(object, "cancelled", run->tally.cancelled);
	value_put_take(object, "seconds", value_new_real(seconds_of(run->history)));
	if (is_fork_batch(run))
		value_put_take(object, "forks", list_entries(run));
	output_value(run->invocation, object);
}

static int finish(struct run *run)
{
	struct invocation *invocation = run->invocation;
	gboolean dry_run = run->plan->submit->arguments && run->plan->submit->arguments->dry_run;

	progress_hide(run->progress);
	if (invocation->format == OUTPUT_JSON || invocation->format == OUTPUT_YAML)
		show_object(run);
	if (is_fork_batch(run) && run->history->jobs->len == 0) {
		output_remark(invocation, "No forks are registered; `forge fork add` does that.");
	} else if (!run->plan->one_target && !invocation->quiet) {
		gboolean forks = is_fork_batch(run);
		g_autofree char *summary = render_tally(&run->tally, forks ? "branch" : "job",
			forks ? "branches" : "jobs", dry_run, seconds_of(run->history));

		output_line(invocation, "%s", summary);
	} else if (run->plan->one_target && run->worst == 0 && !dry_run) {
		output_marked(invocation, "✓ Fork synchronized with upstream");
	}
	if (run->plan->one_target && run->tally.conflicts == 0)
		return run->worst;
	return tally_exit_status(&run->tally);
}

static void explain_interruption(const struct run *run, const char *name)
{
	progress_hide(run->progress);
	if (client_is_embedded(run->client))
		output_remark(run->invocation,
			"Batch %s stays queued; `forge batch tail %s --follow` goes on with it.",
			name, name);
	else
		output_remark(run->invocation,
			"Batch %s goes on without this command; `forge batch tail %s --follow` shows it.",
			name, name);
}

static int follow(struct run *run, const Forge__Submitted *submitted, GError **error)
{
	struct invocation *invocation = run->invocation;
	scoped(history) history = history_new();
	scoped(progress) progress = progress_new(&invocation->terminal, !invocation->quiet);
	g_autoptr(GError) failure = NULL;

	run->history = history;
	run->progress = progress;
	if (submitted->paused)
		output_remark(invocation,
			"The queue is paused: the jobs wait until `forge queue resume`.");
	if (submitted->nobody_works && !client_is_embedded(run->client))
		output_remark(invocation,
			"No worker is connected: the jobs wait until `forge worker` is started.");
	if (run->plan->one_target)
		output_step(invocation, "Fetching upstream changes...");
	if (!requests_events(run->client, submitted->batch, submitted->batch, TRUE, take_page, run,
		    &failure)) {
		if (forge_error_code(failure) == FORGE_ERROR_INTERRUPTED)
			explain_interruption(run, submitted->name);
		g_propagate_error(error, g_steal_pointer(&failure));
		return 1;
	}
	return finish(run);
}

static int leave(const struct run *run, const Forge__Submitted *submitted)
{
	scoped(value) object = value_new_map();

	value_put_string(object, "batch", submitted->name);
	value_put_string(object, "state", "queued");
	output_value(run->invocation, object);
	output_line(run->invocation, "Queued as batch %s", submitted->name);
	if (client_is_embedded(run->client))
		output_remark(run->invocation,
			"It is only queued: without a scheduler, jobs run while a command waits for "
			"jobs. `forge batch tail %s --follow` runs them, and so does the next "
			"`forge fork sync`.",
			submitted->name);
	else
		output_remark(run->invocation, "`forge batch tail %s --follow` shows how it goes.",
			submitted->name);
	return 0;
}

int batch_run(struct invocation *invocation, struct client *client, const struct batch_plan *plan,
	GError **error)
{
	Forge__Reply *reply = requests_submit(client, plan->submit, error);
	struct run run = {.invocation = invocation, .client = client, .plan = plan};
	int status;

	if (!reply)
		return 1;
	status = plan->wait ? follow(&run, reply->submitted, error) : leave(&run, reply->submitted);
	forge__reply__free_unpacked(reply, NULL);
	return status;
}
