/*
 * The second fold: small, slow and by another hand than the scheduler's. It knows the rules that a
 * history must obey and nothing of how decisions are made: one live lease a job and a lane,
 * attempts that count up, ends that come once, waits that are kept, counts that add up.
 */
#include "tests/simulation/oracle_rows.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"

#define RULE(oracle, condition, ...) \
	do { \
		if (!(condition)) \
			break_rule(oracle, __VA_ARGS__); \
	} while (0)

static void break_rule(struct oracle *oracle, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void break_rule(struct oracle *oracle, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	world_fail(oracle->world, "event %" G_GUINT64_FORMAT ": %s", oracle->seq, what);
}

/* ---- look-ups ----------------------------------------------------------------------------- */

struct seen_batch *oracle_batch(const struct oracle *oracle, uint64_t seq)
{
	for (guint i = oracle->batches->len; i-- > 0;)
		if (((struct seen_batch *)oracle->batches->pdata[i])->seq == seq)
			return oracle->batches->pdata[i];
	return NULL;
}

struct seen_job *oracle_job(const struct oracle *oracle, uint64_t batch_seq, uint32_t number)
{
	const struct seen_batch *batch = oracle_batch(oracle, batch_seq);

	return batch && number >= 1 && number <= batch->jobs->len ? batch->jobs->pdata[number - 1]
								  : NULL;
}

struct seen_session *oracle_session(const struct oracle *oracle, uint64_t seq)
{
	for (guint i = oracle->sessions->len; i-- > 0;)
		if (((struct seen_session *)oracle->sessions->pdata[i])->seq == seq)
			return oracle->sessions->pdata[i];
	return NULL;
}

struct branch_claim oracle_claim(const Forge__Fact *fact)
{
	if (fact->kind_case == FORGE__FACT__KIND_PUSH_INTENDED)
		return (struct branch_claim){fact->push_intended->ref + strlen("refs/heads/"),
			fact->push_intended->before, fact->push_intended->after};
	return (struct branch_claim){
		fact->fork_synced->branch, fact->fork_synced->before, fact->fork_synced->after};
}

static struct seen_job *job_of(
	struct oracle *oracle, const Forge__JobId *id, struct seen_batch **batch)
{
	struct seen_job *job = id ? oracle_job(oracle, id->batch, id->number) : NULL;

	*batch = job ? oracle_batch(oracle, id->batch) : NULL;
	RULE(oracle, job, "names a job that is not there");
	if (job)
		RULE(oracle, !job->ended && !(*batch)->closed, "names a job that has ended");
	return job;
}

/* ---- batches ------------------------------------------------------------------------------ */

static void fold_opened(struct oracle *oracle, const Forge__BatchOpened *event)
{
	struct seen_batch *batch = g_new0(struct seen_batch, 1);

	for (guint i = 0; i < oracle->batches->len; i++) {
		const struct seen_batch *other = oracle->batches->pdata[i];

		RULE(oracle, strcmp(other->opened->request_id, event->request_id) != 0,
			"one request made two batches");
		RULE(oracle, strcmp(other->opened->batch, event->batch) != 0,
			"two batches have one name");
		RULE(oracle,
			other->closed || *event->unique_key == '\0' ||
				strcmp(other->opened->unique_key, event->unique_key) != 0,
			"two batches of one unique key are open");
	}
	batch->seq = oracle->seq;
	batch->opened = message_copy(&event->base);
	batch->jobs = g_ptr_array_new();
	g_ptr_array_add(oracle->batches, batch);
	oracle->open++;
}

static void check_fork_target(
	struct oracle *oracle, const struct seen_batch *batch, const char *target)
{
	for (guint i = 0; i < oracle->forks->len; i++) {
		const struct seen_fork *fork = oracle->forks->pdata[i];

		if (strcmp(fork->name, target) == 0 && fork->registered_seq < batch->seq)
			return;
	}
	break_rule(oracle, "fork %s was not registered when the batch was opened", target);
}

static void add_job(struct oracle *oracle, struct seen_batch *batch, const char *target)
{
	struct seen_job *job = g_new0(struct seen_job, 1);

	for (guint i = 0; target && batch->opened->all_forks && i < batch->jobs->len; i++)
		RULE(oracle,
			strcmp(((struct seen_job *)batch->jobs->pdata[i])->target, target) != 0,
			"a batch of all forks has fork %s twice", target);
	if (target)
		check_fork_target(oracle, batch, target);
	job->target = g_strdup(target);
	job->not_before_us = batch->opened->not_before_us;
	g_ptr_array_add(batch->jobs, job);
}

static void fold_extended(struct oracle *oracle, const Forge__BatchExtended *event)
{
	struct seen_batch *batch = oracle_batch(oracle, event->batch);

	if (!batch || batch->sealed) {
		break_rule(oracle, "extends a batch that does not grow");
		return;
	}
	RULE(oracle, !batch->cancelled, "extends a cancelled batch");
	for (size_t i = 0; i < event->n_targets; i++)
		add_job(oracle, batch, event->targets[i]);
	for (uint32_t i = 0; i < event->noops; i++)
		add_job(oracle, batch, NULL);
}

/* Every fork that was there when the batch was opened, and still is, has its job. */
static void check_all_forks(struct oracle *oracle, const struct seen_batch *batch)
{
	for (guint i = 0; i < oracle->forks->len; i++) {
		const struct seen_fork *fork = oracle->forks->pdata[i];
		gboolean found = fork->registered_seq > batch->seq || fork->removed_seq;

		for (guint j = 0; j < batch->jobs->len && !found; j++)
			found = strcmp(((struct seen_job *)batch->jobs->pdata[j])->target,
					fork->name) == 0;
		RULE(oracle, found, "a batch of all forks lacks fork %s", fork->name);
	}
}

static void fold_sealed(struct oracle *oracle, const Forge__BatchSealed *event)
{
	struct seen_batch *batch = oracle_batch(oracle, event->batch);

	if (!batch || batch->sealed) {
		break_rule(oracle, "seals a batch that does not grow");
		return;
	}
	batch->sealed = TRUE;
	if (batch->cancelled)
		return;
	if (batch->opened->all_forks)
		check_all_forks(oracle, batch);
	else
		RULE(oracle, batch->jobs->len == batch->opened->n_targets + batch->opened->noops,
			"the batch is sealed with %u jobs", batch->jobs->len);
}

static void fold_closed(struct oracle *oracle, const Forge__BatchClosed *event)
{
	struct seen_batch *batch = oracle_batch(oracle, event->batch);
	const Forge__BatchCounts *counts = event->counts;

	if (!batch || !batch->sealed || batch->closed || !counts) {
		break_rule(oracle, "closes a batch that is not sealed and open");
		return;
	}
	for (guint i = 0; i < batch->jobs->len; i++)
		RULE(oracle, ((struct seen_job *)batch->jobs->pdata[i])->ended,
			"closes a batch whose job %u has not ended", i + 1);
	RULE(oracle,
		counts->total == batch->jobs->len && counts->done == batch->ends.done &&
			counts->conflict == batch->ends.conflict &&
			counts->skipped == batch->ends.skipped &&
			counts->failed == batch->ends.failed &&
			counts->cancelled == batch->ends.cancelled &&
			counts->queued + counts->waiting + counts->leased == 0,
		"closes a batch with wrong counts");
	batch->closed = TRUE;
	oracle->open--;
}

/* ---- jobs --------------------------------------------------------------------------------- */

static void check_lane(struct oracle *oracle, const struct seen_job *job)
{
	for (guint i = 0; job->target && i < oracle->batches->len; i++) {
		const struct seen_batch *batch = oracle->batches->pdata[i];

		for (guint j = 0; !batch->closed && j < batch->jobs->len; j++) {
			const struct seen_job *other = batch->jobs->pdata[j];

			RULE(oracle,
				!other->leased || !other->target ||
					strcmp(other->target, job->target) != 0,
				"a second lease in the lane of %s", job->target);
		}
	}
}

static void check_owner(
	struct oracle *oracle, const struct seen_batch *batch, const struct seen_session *session)
{
	const char *owner = batch->opened->owner;

	RULE(oracle,
		*owner == '\0' || strcmp(owner, session->owner) == 0 ||
			!world_owner_lives(oracle->world, owner),
		"a command line's job goes to another's worker");
}

static void check_wait(struct oracle *oracle, const struct seen_job *job, uint64_t time_us)
{
	/* A retry is never told to wait longer than this:
	 * if it seems so, the clock was put back. */
	gboolean absurd = job->attempt > 0 &&
		job->not_before_us > time_us + (uint64_t)LIMIT_RETRY_AFTER_MS * 1000;

	RULE(oracle, job->not_before_us <= time_us || absurd, "a lease before its time");
}

static void fold_leased(struct oracle *oracle, uint64_t time_us, const Forge__JobsLeased *event)
{
	const struct seen_session *session = oracle_session(oracle, event->session);

	RULE(oracle, session && !session->left, "leases to a worker that is not there");
	RULE(oracle, !oracle->paused, "leases while the queue is paused");
	for (size_t i = 0; session && i < event->n_jobs; i++) {
		struct seen_batch *batch;
		struct seen_job *job = job_of(oracle, event->jobs[i], &batch);

		if (!job)
			return;
		RULE(oracle, !job->leased, "a second lease of one job");
		RULE(oracle, event->attempts[i] == job->attempt + 1, "attempts do not count up");
		RULE(oracle, !batch->cancelled, "leases a job of a cancelled batch");
		check_lane(oracle, job);
		check_owner(oracle, batch, session);
		check_wait(oracle, job, time_us);
		job->leased = TRUE;
		job->attempt = event->attempts[i];
		job->tries++;
		job->session = event->session;
		job->not_before_us = 0;
	}
}

/* The job of an event that only the lease's own attempt may lead to. */
static struct seen_job *leased_job(
	struct oracle *oracle, const Forge__JobId *id, uint32_t attempt, struct seen_batch **batch)
{
	struct seen_job *job = job_of(oracle, id, batch);

	if (job)
		RULE(oracle, job->leased && job->attempt == attempt, "of an attempt that is over");
	return job;
}

static void end(struct seen_job *job, uint32_t *count)
{
	job->ended = TRUE;
	job->leased = FALSE;
	(*count)++;
}

static void fold_succeeded(struct oracle *oracle, const Forge__JobSucceeded *event)
{
	struct seen_batch *batch;
	struct seen_job *job = leased_job(oracle, event->job, event->attempt, &batch);

	if (!job)
		return;
	job->succeeded = TRUE;
	end(job,
		event->verdict == FORGE__VERDICT__VERDICT_CONFLICT          ? &batch->ends.conflict
			: event->verdict == FORGE__VERDICT__VERDICT_SKIPPED ? &batch->ends.skipped
									    : &batch->ends.done);
}

static void fold_failed(struct oracle *oracle, const Forge__JobFailed *event)
{
	struct seen_batch *batch;
	struct seen_job *job = event->attempt
		? leased_job(oracle, event->job, event->attempt, &batch)
		: job_of(oracle, event->job, &batch);

	if (!job)
		return;
	RULE(oracle,
		!event->retries_used_up || job->tries == LIMIT_ATTEMPTS ||
			job->losses == LIMIT_LOST_LEASES,
		"a dead letter after %u tries", job->tries);
	end(job, &batch->ends.failed);
}

static void fold_retry(
	struct oracle *oracle, uint64_t time_us, const Forge__JobRetryScheduled *event)
{
	struct seen_batch *batch;
	struct seen_job *job = leased_job(oracle, event->job, event->attempt, &batch);
	uint64_t most_us;

	if (!job)
		return;
	most_us = MIN((uint64_t)LIMIT_RETRY_FIRST_MS << (job->tries - 1), LIMIT_RETRY_LAST_MS) *
		1000;
	RULE(oracle, job->tries < LIMIT_ATTEMPTS, "a retry after %u tries", job->tries);
	RULE(oracle,
		event->not_before_us >= time_us + most_us / 2 &&
			event->not_before_us <= time_us + most_us,
		"a retry in %" G_GINT64_FORMAT " us", (int64_t)(event->not_before_us - time_us));
	job->leased = FALSE;
	job->not_before_us = event->not_before_us;
}

static void fold_cancelled(struct oracle *oracle, const Forge__JobCancelled *event)
{
	struct seen_batch *batch;
	struct seen_job *job = job_of(oracle, event->job, &batch);

	if (job)
		end(job, &batch->ends.cancelled);
}

static void fold_expired(struct oracle *oracle, const Forge__JobExpired *event)
{
	struct seen_batch *batch;
	struct seen_job *job = leased_job(oracle, event->job, event->attempt, &batch);

	if (!job)
		return;
	RULE(oracle, job->losses < LIMIT_LOST_LEASES, "lost once more and goes on");
	job->leased = FALSE;
	job->tries--;
	job->losses++;
}

static void fold_returned(struct oracle *oracle, const Forge__JobReturned *event)
{
	struct seen_batch *batch;
	struct seen_job *job = leased_job(oracle, event->job, event->attempt, &batch);

	if (!job)
		return;
	job->leased = FALSE;
	job->tries--;
}

static void fold_reported(struct oracle *oracle, const Forge__Reported *event)
{
	struct seen_batch *batch;
	struct seen_job *job = leased_job(oracle, event->job, event->attempt, &batch);
	struct seen_fact *seen;
	struct branch_claim claim = oracle_claim(event->fact);

	if (!job)
		return;
	for (guint i = 0; i < oracle->facts->len; i++) {
		const struct seen_fact *other = oracle->facts->pdata[i];
		struct branch_claim known = oracle_claim(other->fact);

		if (other->batch != event->job->batch || other->number != event->job->number ||
			strcmp(known.branch, claim.branch) != 0)
			continue;
		RULE(oracle, other->fact->kind_case != FORGE__FACT__KIND_FORK_SYNCED,
			"branch %s of a job has an end already", claim.branch);
		RULE(oracle,
			event->fact->kind_case != FORGE__FACT__KIND_PUSH_INTENDED ||
				strcmp(known.before, claim.before) != 0 ||
				strcmp(known.after, claim.after) != 0,
			"one intent is recorded twice");
	}
	seen = g_new0(struct seen_fact, 1);
	seen->batch = event->job->batch;
	seen->number = event->job->number;
	seen->attempt = event->attempt;
	seen->fact = message_copy(&event->fact->base);
	g_ptr_array_add(oracle->facts, seen);
}

/* ---- forks and workers -------------------------------------------------------------------- */

static struct seen_fork *fork_named(const struct oracle *oracle, const char *name)
{
	for (guint i = 0; i < oracle->forks->len; i++) {
		struct seen_fork *fork = oracle->forks->pdata[i];

		if (strcmp(fork->name, name) == 0 && !fork->removed_seq)
			return fork;
	}
	return NULL;
}

static void fold_registered(struct oracle *oracle, const Forge__ForkRegistered *event)
{
	struct seen_fork *fork = g_new0(struct seen_fork, 1);

	RULE(oracle, !fork_named(oracle, event->fork->name), "registers a fork twice");
	fork->name = g_strdup(event->fork->name);
	fork->registered_seq = oracle->seq;
	g_ptr_array_add(oracle->forks, fork);
}

static void fold_removed(struct oracle *oracle, const char *name)
{
	struct seen_fork *fork = fork_named(oracle, name);

	RULE(oracle, fork, "removes a fork that is not there");
	if (fork)
		fork->removed_seq = oracle->seq;
}

static void fold_joined(struct oracle *oracle, const Forge__WorkerJoined *event)
{
	struct seen_session *session = g_new0(struct seen_session, 1);

	session->seq = oracle->seq;
	session->owner = g_strdup(event->owner);
	g_ptr_array_add(oracle->sessions, session);
}

static void fold_left(struct oracle *oracle, const Forge__WorkerLeft *event)
{
	struct seen_session *session = oracle_session(oracle, event->session);

	if (!session || session->left) {
		break_rule(oracle, "a worker leaves that is not there");
		return;
	}
	for (guint i = 0; i < oracle->batches->len; i++) {
		const struct seen_batch *batch = oracle->batches->pdata[i];

		for (guint j = 0; !batch->closed && j < batch->jobs->len; j++) {
			const struct seen_job *job = batch->jobs->pdata[j];

			RULE(oracle, !job->leased || job->session != event->session,
				"a worker leaves with a lease");
		}
	}
	session->left = TRUE;
}

static void fold_cancel_requested(struct oracle *oracle, uint64_t batch_seq)
{
	struct seen_batch *batch = oracle_batch(oracle, batch_seq);

	RULE(oracle, batch && !batch->closed && !batch->cancelled,
		"cancels a batch that is not there");
	if (batch)
		batch->cancelled = TRUE;
}

static void fold_job_cancel_requested(struct oracle *oracle, const Forge__JobCancelRequested *event)
{
	struct seen_batch *batch;

	job_of(oracle, event->job, &batch);
}

void oracle_fold(struct oracle *oracle, uint64_t time_us, const Forge__Event *event)
{
	oracle->seq++;
	switch (event->kind_case) {
	case FORGE__EVENT__KIND_SCHEDULER_STARTED:
	case FORGE__EVENT__KIND_BASE_BEGUN: /* says again what was said before */
	case FORGE__EVENT__KIND_BASE_CHUNK:
		return;
	case FORGE__EVENT__KIND_WORKER_JOINED:
		fold_joined(oracle, event->worker_joined);
		return;
	case FORGE__EVENT__KIND_WORKER_LEFT:
		fold_left(oracle, event->worker_left);
		return;
	case FORGE__EVENT__KIND_BATCH_OPENED:
		fold_opened(oracle, event->batch_opened);
		return;
	case FORGE__EVENT__KIND_BATCH_EXTENDED:
		fold_extended(oracle, event->batch_extended);
		return;
	case FORGE__EVENT__KIND_BATCH_SEALED:
		fold_sealed(oracle, event->batch_sealed);
		return;
	case FORGE__EVENT__KIND_BATCH_CLOSED:
		fold_closed(oracle, event->batch_closed);
		return;
	case FORGE__EVENT__KIND_JOBS_LEASED:
		fold_leased(oracle, time_us, event->jobs_leased);
		return;
	case FORGE__EVENT__KIND_JOB_SUCCEEDED:
		fold_succeeded(oracle, event->job_succeeded);
		return;
	case FORGE__EVENT__KIND_JOB_FAILED:
		fold_failed(oracle, event->job_failed);
		return;
	case FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED:
		fold_retry(oracle, time_us, event->job_retry_scheduled);
		return;
	case FORGE__EVENT__KIND_JOB_CANCELLED:
		fold_cancelled(oracle, event->job_cancelled);
		return;
	case FORGE__EVENT__KIND_JOB_EXPIRED:
		fold_expired(oracle, event->job_expired);
		return;
	case FORGE__EVENT__KIND_JOB_RETURNED:
		fold_returned(oracle, event->job_returned);
		return;
	case FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED:
		fold_cancel_requested(oracle, event->batch_cancel_requested->batch);
		return;
	case FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED:
		fold_job_cancel_requested(oracle, event->job_cancel_requested);
		return;
	case FORGE__EVENT__KIND_FORK_REGISTERED:
		fold_registered(oracle, event->fork_registered);
		return;
	case FORGE__EVENT__KIND_FORK_REMOVED:
		fold_removed(oracle, event->fork_removed->name);
		return;
	case FORGE__EVENT__KIND_QUEUE_PAUSED:
		oracle->paused = TRUE;
		return;
	case FORGE__EVENT__KIND_QUEUE_RESUMED:
		oracle->paused = FALSE;
		return;
	case FORGE__EVENT__KIND_REPORTED:
		fold_reported(oracle, event->reported);
		return;
	case FORGE__EVENT__KIND_JOURNAL_IMPORTED:
		break_rule(oracle, "comes from another journal");
		return;
	case FORGE__EVENT__KIND__NOT_SET:
	case _FORGE__EVENT__KIND__CASE_IS_INT_SIZE:
		break_rule(oracle, "has no kind");
	}
}
