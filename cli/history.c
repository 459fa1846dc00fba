/*
 * A small fold of one batch's events into rows, for what the scheduler does not keep: the jobs of
 * closed batches, and how each branch ended. Following a batch live uses the same fold, so both
 * tell the same.
 *
 * A branch may be reported by several attempts of its job; its last report counts. Nothing is
 * decided here: what a job became is what its last event says.
 */
#include "cli/history.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/message.h"

static void free_end(gpointer end)
{
	forge__fork_synced__free_unpacked(end, NULL);
}

static void free_fact(gpointer fact)
{
	forge__fact__free_unpacked(fact, NULL);
}

static void free_job(gpointer data)
{
	struct history_job *job = data;

	g_free(job->target);
	forge__error__free_unpacked(job->error, NULL);
	if (job->ends)
		g_ptr_array_unref(job->ends);
	if (job->facts)
		g_ptr_array_unref(job->facts);
	g_free(job);
}

struct history *history_new(void)
{
	struct history *history = g_new0(struct history, 1);

	history->jobs = g_ptr_array_new_with_free_func(free_job);
	return history;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	forge__batch_opened__free_unpacked(history->opened, NULL);
	g_ptr_array_unref(history->jobs);
	g_free(history);
}

/* A message's own copy, of its own type. */
#define COPY(pointer) ((__typeof__(pointer))message_copy(&(pointer)->base))

static struct history_job *job_of(const struct history *history, const Forge__JobId *id)
{
	if (!id || id->batch != history->batch || id->number == 0 ||
		id->number > history->jobs->len)
		return NULL;
	return g_ptr_array_index(history->jobs, id->number - 1);
}

static void add_job(struct history *history, const char *target)
{
	struct history_job *job = g_new0(struct history_job, 1);

	job->number = history->jobs->len + 1;
	job->target = g_strdup(target);
	job->state = JOB_QUEUED;
	g_ptr_array_add(history->jobs, job);
}

static void extend(struct history *history, const Forge__BatchExtended *event)
{
	for (size_t i = 0; i < event->n_targets; i++)
		add_job(history, event->targets[i]);
	for (uint32_t i = 0; i < event->noops; i++)
		add_job(history, NULL);
}

static void keep_error(struct history_job *job, Forge__Error *error)
{
	forge__error__free_unpacked(job->error, NULL);
	job->error = error ? COPY(error) : NULL;
}

static void keep_end(struct history_job *job, Forge__ForkSynced *end)
{
	if (!job->ends)
		job->ends = g_ptr_array_new_with_free_func(free_end);
	for (guint i = 0; i < job->ends->len; i++) {
		const Forge__ForkSynced *earlier = g_ptr_array_index(job->ends, i);

		if (strcmp(earlier->branch, end->branch) == 0) {
			g_ptr_array_remove_index(job->ends, i);
			break;
		}
	}
	g_ptr_array_add(job->ends, COPY(end));
}

static void lease(struct history *history, const Forge__JobsLeased *event)
{
	for (size_t i = 0; i < event->n_jobs && i < event->n_attempts; i++) {
		struct history_job *job = job_of(history, event->jobs[i]);

		if (!job)
			continue;
		job->state = JOB_LEASED;
		job->attempt = event->attempts[i];
	}
}

static void set_state(struct history_job *job, enum job_state state)
{
	if (job)
		job->state = state;
}

static struct history_job *end_job(
	struct history *history, const Forge__JobId *id, enum job_state state, Forge__Error *error)
{
	struct history_job *job = job_of(history, id);

	if (!job || job_state_ended(job->state))
		return NULL;
	job->state = state;
	keep_error(job, error);
	history->ended++;
	return job;
}

static enum job_state state_of_verdict(Forge__Verdict verdict)
{
	switch (verdict) {
	case FORGE__VERDICT__VERDICT_CONFLICT:
		return JOB_CONFLICT;
	case FORGE__VERDICT__VERDICT_SKIPPED:
		return JOB_SKIPPED;
	case FORGE__VERDICT__VERDICT_DONE:
	case _FORGE__VERDICT_IS_INT_SIZE:
		break;
	}
	return JOB_DONE;
}

static void open_batch(struct history *history, const Forge__EventRow *row)
{
	if (history->opened)
		return;
	history->batch = row->seq;
	history->opened_us = row->time_us;
	history->opened = COPY(row->event->batch_opened);
}

static void retry_job(struct history *history, const Forge__JobRetryScheduled *event)
{
	struct history_job *job = job_of(history, event->job);

	if (!job)
		return;
	job->state = JOB_WAITING;
	job->not_before_us = event->not_before_us;
	keep_error(job, event->error);
}

static void report(struct history *history, const Forge__Reported *event)
{
	struct history_job *job = job_of(history, event->job);

	if (!job || !event->fact)
		return;
	if (event->fact->kind_case == FORGE__FACT__KIND_FORK_SYNCED) {
		keep_end(job, event->fact->fork_synced);
		return;
	}
	if (!job->facts)
		job->facts = g_ptr_array_new_with_free_func(free_fact);
	g_ptr_array_add(job->facts, COPY(event->fact));
}

const struct history_job *history_apply(struct history *history, const Forge__EventRow *row)
{
	const Forge__Event *event = row->event;

	switch (event->kind_case) {
	case FORGE__EVENT__KIND_BATCH_OPENED:
		open_batch(history, row);
		return NULL;
	case FORGE__EVENT__KIND_BATCH_EXTENDED:
		extend(history, event->batch_extended);
		return NULL;
	case FORGE__EVENT__KIND_BATCH_SEALED:
		history->sealed = TRUE;
		return NULL;
	case FORGE__EVENT__KIND_BATCH_CLOSED:
		history->closed_us = row->time_us;
		history->closed_seq = row->seq;
		return NULL;
	case FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED:
		history->cancel_requested = TRUE;
		return NULL;
	case FORGE__EVENT__KIND_JOBS_LEASED:
		lease(history, event->jobs_leased);
		return NULL;
	case FORGE__EVENT__KIND_REPORTED:
		report(history, event->reported);
		return NULL;
	case FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED:
		retry_job(history, event->job_retry_scheduled);
		return NULL;
	case FORGE__EVENT__KIND_JOB_EXPIRED:
		set_state(job_of(history, event->job_expired->job), JOB_QUEUED);
		return NULL;
	case FORGE__EVENT__KIND_JOB_RETURNED:
		set_state(job_of(history, event->job_returned->job), JOB_QUEUED);
		return NULL;
	case FORGE__EVENT__KIND_JOB_SUCCEEDED:
		return end_job(history, event->job_succeeded->job,
			state_of_verdict(event->job_succeeded->verdict), NULL);
	case FORGE__EVENT__KIND_JOB_FAILED:
		return end_job(
			history, event->job_failed->job, JOB_FAILED, event->job_failed->error);
	case FORGE__EVENT__KIND_JOB_CANCELLED:
		return end_job(history, event->job_cancelled->job, JOB_CANCELLED, NULL);
	case FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED:
	case FORGE__EVENT__KIND_SCHEDULER_STARTED:
	case FORGE__EVENT__KIND_WORKER_JOINED:
	case FORGE__EVENT__KIND_WORKER_LEFT:
	case FORGE__EVENT__KIND_FORK_REGISTERED:
	case FORGE__EVENT__KIND_FORK_REMOVED:
	case FORGE__EVENT__KIND_QUEUE_PAUSED:
	case FORGE__EVENT__KIND_QUEUE_RESUMED:
	case FORGE__EVENT__KIND_BASE_BEGUN:
	case FORGE__EVENT__KIND_BASE_CHUNK:
	case FORGE__EVENT__KIND_JOURNAL_IMPORTED:
	case FORGE__EVENT__KIND__NOT_SET:
	case _FORGE__EVENT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return NULL;
}

const struct history_job *history_job(const struct history *history, uint32_t number)
{
	if (number == 0 || number > history->jobs->len)
		return NULL;
	return g_ptr_array_index(history->jobs, number - 1);
}

/* An entry for the job as a whole. */
static Forge__ForkSynced *make_entry(const struct history *history, const struct history_job *job,
	Forge__BranchStatus status, const Forge__Error *error)
{
	Forge__ForkSynced entry = FORGE__FORK_SYNCED__INIT;
	Forge__ForkSynced *borrowed;

	entry.fork = job->target ? job->target : (char *)"";
	entry.status = status;
	entry.error = (Forge__Error *)error;
	entry.dry_run = history->opened && history->opened->arguments &&
		history->opened->arguments->dry_run;
	borrowed = &entry;
	return COPY(borrowed);
}

static gboolean has_status(const GPtrArray *ends, Forge__BranchStatus status)
{
	for (guint i = 0; i < ends->len; i++) {
		const Forge__ForkSynced *end = g_ptr_array_index(ends, i);

		if (end->status == status)
			return TRUE;
	}
	return FALSE;
}

GPtrArray *history_entries(const struct history *history, const struct history_job *job)
{
	GPtrArray *entries = g_ptr_array_new_with_free_func(free_end);
	Forge__Error error = FORGE__ERROR__INIT;

	for (guint i = 0; job->ends && i < job->ends->len; i++) {
		Forge__ForkSynced *end = g_ptr_array_index(job->ends, i);

		g_ptr_array_add(entries, COPY(end));
	}
	if (job->state == JOB_FAILED) {
		if (!has_status(entries, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED))
			g_ptr_array_add(entries,
				make_entry(history, job, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED,
					job->error));
	} else if (job->state == JOB_CANCELLED) {
		error.code = (char *)forge_error_name(FORGE_ERROR_CANCELLED);
		error.message = (char *)"cancelled";
		error.hint = (char *)forge_error_hint(FORGE_ERROR_CANCELLED);
		g_ptr_array_add(entries,
			make_entry(
				history, job, FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED, &error));
	} else if (entries->len == 0) {
		error.code = (char *)forge_error_name(FORGE_ERROR_BRANCH_NOT_FOUND);
		error.message = (char *)"there was no branch to bring up to date";
		error.hint = (char *)forge_error_hint(FORGE_ERROR_BRANCH_NOT_FOUND);
		g_ptr_array_add(entries,
			make_entry(
				history, job, FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED, &error));
	}
	return entries;
}

Forge__JobRow *history_job_row(const struct history *history, const struct history_job *job)
{
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__JobRow row = FORGE__JOB_ROW__INIT;
	Forge__JobRow *borrowed;

	id.batch = history->batch;
	id.number = job->number;
	row.job = &id;
	row.batch_name = history->opened ? history->opened->batch : (char *)"";
	row.target = job->target ? job->target : (char *)"";
	row.state = (char *)job_state_word(job->state);
	row.attempt = job->attempt;
	row.not_before_us = job->state == JOB_WAITING ? job->not_before_us : 0;
	row.error = job->error;
	borrowed = &row;
	return COPY(borrowed);
}
