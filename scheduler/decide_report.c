/*
 * What workers say of their jobs: facts, ends, jobs handed back, heartbeats. Only the lease's own
 * attempt and session are listened to, and what was recorded already is not recorded again, so late
 * and doubled messages change nothing.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/job_kinds.h"
#include "scheduler/check.h"
#include "scheduler/decision.h"

/* The job, if ATTEMPT of it is leased to the asking worker's session. */
static const struct job *held_job(const struct asking *asking, const Forge__JobId *id,
	uint32_t attempt, struct batch_row **batch)
{
	const struct job *job;

	if (!asking->peer->session || !state_job(asking->view->state, id, batch, &job))
		return NULL;
	if (job->state != JOB_LEASED || job->attempt != attempt ||
		job->term != asking->peer->session)
		return NULL;
	return job;
}

static gboolean same_intent(const Forge__PushIntended *a, const Forge__PushIntended *b)
{
	return strcmp(a->ref, b->ref) == 0 && strcmp(a->before, b->before) == 0 &&
		strcmp(a->after, b->after) == 0;
}

static gboolean is_finished(const struct job_progress *progress, const char *branch)
{
	for (guint i = 0; i < progress->finished->len; i++)
		if (strcmp(((Forge__FinishedBranch *)progress->finished->pdata[i])->branch,
			    branch) == 0)
			return TRUE;
	return FALSE;
}

/* A report that came twice must not be recorded twice, also
 * if it comes when its branch has ended since. */
static gboolean already_recorded(const struct job_progress *progress, const Forge__Fact *fact)
{
	const char *ref;

	if (!progress)
		return FALSE;
	if (fact->kind_case == FORGE__FACT__KIND_FORK_SYNCED)
		return is_finished(progress, fact->fork_synced->branch);
	if (fact->kind_case != FORGE__FACT__KIND_PUSH_INTENDED)
		return FALSE;
	ref = fact->push_intended->ref;
	for (guint i = 0; i < progress->intended->len; i++)
		if (same_intent(progress->intended->pdata[i], fact->push_intended))
			return TRUE;
	return g_str_has_prefix(ref, "refs/heads/") &&
		is_finished(progress, ref + strlen("refs/heads/"));
}

static void add_facts(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, Forge__Fact *const *facts, size_t n_facts)
{
	const struct job_progress *progress = state_progress(batch, job->number);

	for (size_t i = 0; i < n_facts; i++) {
		Forge__Reported *reported;

		if (already_recorded(progress, facts[i]))
			continue;
		reported = decision_make(asking->decision, &forge__reported__descriptor);
		reported->job = decide_job_id(asking->decision, batch->seq, job->number);
		reported->attempt = job->attempt;
		reported->fact = decision_copy(asking->decision, &facts[i]->base);
		decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_REPORTED, reported);
	}
}

/* When the next try may begin; AFTER_MS is what the host asked for, if anything. */
static uint64_t retry_at_us(const struct view *view, const struct batch_row *batch,
	const struct job *job, uint64_t after_ms)
{
	uint32_t doublings = MIN(job->tries - 1u, 16u);
	uint64_t base_ms = MIN((uint64_t)LIMIT_RETRY_FIRST_MS << doublings, LIMIT_RETRY_LAST_MS);
	uint64_t source[3] = {batch->seq, job->number, job->attempt};
	struct hash digest = hash_chain(NULL, source, sizeof(source));
	uint64_t spread;

	memcpy(&spread, digest.bytes, sizeof(spread));
	base_ms = MAX(base_ms, MIN(after_ms * 2, LIMIT_RETRY_AFTER_MS));
	/* Half of it fixed, half drawn from the job, so that many do not come back at once. */
	return (uint64_t)view->now.wall_us + (base_ms / 2 + spread % (base_ms / 2 + 1)) * 1000;
}

static void add_succeeded(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, Forge__Verdict verdict)
{
	Forge__JobSucceeded *succeeded = decision_make(
		asking->decision, &forge__job_succeeded__descriptor);

	succeeded->job = decide_job_id(asking->decision, batch->seq, job->number);
	succeeded->attempt = job->attempt;
	succeeded->verdict = verdict;
	decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_JOB_SUCCEEDED, succeeded);
}

static void add_retry(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, const Forge__Error *error, uint64_t retry_after_ms)
{
	Forge__JobRetryScheduled *retry = decision_make(
		asking->decision, &forge__job_retry_scheduled__descriptor);

	retry->job = decide_job_id(asking->decision, batch->seq, job->number);
	retry->attempt = job->attempt;
	retry->error = decision_copy(asking->decision, &error->base);
	retry->not_before_us = retry_at_us(asking->view, batch, job, retry_after_ms);
	decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED, retry);
}

static void add_failed(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, const Forge__Error *error, gboolean retries_used_up)
{
	Forge__JobFailed *failed = decision_make(asking->decision, &forge__job_failed__descriptor);

	failed->job = decide_job_id(asking->decision, batch->seq, job->number);
	failed->attempt = job->attempt;
	failed->error = decision_copy(asking->decision, &error->base);
	failed->retries_used_up = retries_used_up;
	decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_JOB_FAILED, failed);
}

static void add_end(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, const Forge__JobEnd *end)
{
	const struct job_kind *kind = job_kind_of(batch->opened->kind);
	gboolean retryable;

	if (!end->error) {
		add_succeeded(asking, batch, job, end->verdict);
		return;
	}
	/* Cancelled meanwhile: there will be no further attempt to say it again. */
	if (job->cancel_requested || batch->cancel_requested) {
		add_facts(asking, batch, job, end->facts_if_final, end->n_facts_if_final);
		decide_lease_ended(asking->view, asking->decision,
			decide_job_id(asking->decision, batch->seq, job->number), job->attempt,
			TRUE, FORGE__RETURN_REASON__RETURN_REASON_UNSET);
		return;
	}
	retryable = forge_error_class(forge_error_from_name(end->error->code)) ==
		FORGE_ERROR_CLASS_RETRY;
	if (retryable && job->tries < kind->attempts) {
		add_retry(asking, batch, job, end->error, end->retry_after_ms);
		return;
	}
	add_facts(asking, batch, job, end->facts_if_final, end->n_facts_if_final);
	add_failed(asking, batch, job, end->error, retryable);
}

/* An end that cannot be recorded as it is would come again
 * and again: the job ends by the reason for that. */
static void end_by_refusal(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, const GError *refusal)
{
	Forge__JobEnd end = FORGE__JOB_END__INIT;

	end.error = message_error(forge_error_code(refusal), refusal->message, NULL);
	add_end(asking, batch, job, &end);
	forge__error__free_unpacked(end.error, NULL);
}

void decide_report(const struct asking *asking, const Forge__Report *report)
{
	Forge__Recorded recorded = FORGE__RECORDED__INIT;
	struct batch_row *batch;
	const struct job *job = held_job(asking, report->job, report->attempt, &batch);
	GError *error = NULL;

	if (!job) {
		recorded.lease_lost = TRUE;
		asking_answer(asking, FORGE__REPLY__KIND_RECORDED, &recorded);
		return;
	}
	if (!check_report(report, job_kind_of(batch->opened->kind),
		    job_table_target(asking->view->state->jobs, job), &error)) {
		if (report->end)
			end_by_refusal(asking, batch, job, error);
		asking_refuse(asking, error);
		return;
	}
	add_facts(asking, batch, job, report->facts, report->n_facts);
	if (report->end)
		add_end(asking, batch, job, report->end);
	asking_answer(asking, FORGE__REPLY__KIND_RECORDED, &recorded);
}

void decide_return(const struct asking *asking, const Forge__ReturnJobs *message)
{
	g_autoptr(GHashTable) returned = g_hash_table_new(NULL, NULL);

	for (size_t i = 0; i < message->n_jobs; i++) {
		const Forge__LeaseRef *ref = message->jobs[i];
		struct batch_row *batch;
		const struct job *job = held_job(asking, ref->job, ref->attempt, &batch);

		/* A message may name a job twice, but its lease ends once. */
		if (job && g_hash_table_add(returned, (gpointer)job))
			decide_lease_ended(asking->view, asking->decision,
				decide_job_id(asking->decision, batch->seq, job->number),
				job->attempt, FALSE, FORGE__RETURN_REASON__RETURN_REASON_DRAINING);
	}
	asking_answer_done(asking);
}

/* The pool notes what a heartbeat names; here the worker is told which of those are not its own. */
void decide_heartbeat(const struct asking *asking, const Forge__Heartbeat *heartbeat)
{
	g_autofree Forge__LeaseRef **stale = NULL;
	Forge__Revoke revoke = FORGE__REVOKE__INIT;
	Forge__Reply reply = FORGE__REPLY__INIT;

	/* No worker is lent more. */
	if (heartbeat->n_held > LIMIT_WORKER_SLOTS) {
		decision_refuse(asking->decision, asking->routing, asking->id,
			FORGE_ERROR_TOO_LARGE, "a heartbeat names %" G_GSIZE_FORMAT " leases",
			heartbeat->n_held);
		return;
	}
	stale = g_new0(Forge__LeaseRef *, heartbeat->n_held + 1);
	for (size_t i = 0; i < heartbeat->n_held; i++) {
		Forge__LeaseRef *held = heartbeat->held[i];
		struct batch_row *batch;
		const struct job *job = held_job(asking, held->job, held->attempt, &batch);

		if (!job || job->cancel_requested || batch->cancel_requested)
			stale[revoke.n_jobs++] = held;
	}
	if (revoke.n_jobs > 0) {
		revoke.jobs = stale;
		reply.kind_case = FORGE__REPLY__KIND_REVOKE;
		reply.revoke = &revoke;
		decision_reply(asking->decision, asking->routing, &reply);
	}
	asking_answer_done(asking);
}
