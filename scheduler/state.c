/*
 * The fold: what the events say, as tables. One function an event, and the same functions live and
 * at replay.
 *
 * An event is an input here, since it may come from a damaged or foreign journal: what does not fit
 * what came before is an error, never an assertion. Lists give every order; hash tables are only
 * looked up. What the scheduler knows softly (who is connected, deadlines) is in the pool and not
 * here.
 */
#include "scheduler/state.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/job_kinds.h"
#include "scheduler/component_rows.h"
#include "scheduler/state_rows.h"

static gboolean misfit(GError **error, uint64_t seq, const char *what)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"event %" G_GUINT64_FORMAT " does not fit those before it: %s", seq, what);
	return FALSE;
}

/* ---- batches ------------------------------------------------------------------------------ */

static gboolean fold_batch_opened(struct state *state, uint64_t seq, uint64_t time_us,
	const Forge__BatchOpened *event, GError **error)
{
	if (!job_kind_of(event->kind))
		return misfit(error, seq, "a job kind this version does not know");
	batch_row_add(state, seq, time_us, event);
	return TRUE;
}

static void extend(struct state *state, struct batch_row *batch, const char *target)
{
	batch_row_add_job(state, batch, target);
	if (batch->opened->not_before_us)
		job_table_wait(state->jobs, batch->jobs, batch->jobs->rows->len,
			batch->opened->not_before_us);
}

static gboolean fold_batch_extended(
	struct state *state, uint64_t seq, const Forge__BatchExtended *event, GError **error)
{
	struct batch_row *batch = state_batch(state, event->batch);

	if (!batch || batch->sealed)
		return misfit(error, seq, "it extends a batch that is not open");
	if (batch->jobs->rows->len + event->n_targets + event->noops > LIMIT_TARGETS_PER_BATCH)
		return misfit(error, seq, "the batch is larger than any may be");
	for (size_t i = 0; i < event->n_targets; i++)
		extend(state, batch, event->targets[i]);
	for (uint32_t i = 0; i < event->noops; i++)
		extend(state, batch, NULL);
	batch->cursor = event->cursor;
	return TRUE;
}

static gboolean fold_batch_sealed(
	struct state *state, uint64_t seq, const Forge__BatchSealed *event, GError **error)
{
	struct batch_row *batch = state_batch(state, event->batch);

	if (!batch || batch->sealed)
		return misfit(error, seq, "it seals a batch that is not open");
	batch_row_seal(state, batch);
	return TRUE;
}

static gboolean fold_batch_closed(struct state *state, uint64_t seq, uint64_t time_us,
	const Forge__BatchClosed *event, GError **error)
{
	struct batch_row *batch = state_batch(state, event->batch);

	if (!batch || !batch->complete_link)
		return misfit(error, seq, "it closes a batch that has not ended");
	batch_row_close(state, batch, seq, time_us);
	return TRUE;
}

static gboolean fold_batch_cancel_requested(
	struct state *state, uint64_t seq, const Forge__BatchCancelRequested *event, GError **error)
{
	struct batch_row *batch = state_batch(state, event->batch);

	if (!batch)
		return misfit(error, seq, "it cancels a batch that is not open");
	batch_row_cancel(state, batch);
	return TRUE;
}

/* ---- jobs --------------------------------------------------------------------------------- */

/* The job that an event names, in one of the states that STATES (bits) allows. */
static gboolean find_job(const struct state *state, uint64_t seq, const Forge__JobId *id,
	unsigned states, struct batch_row **batch, const struct job **job, GError **error)
{
	if (!state_job(state, id, batch, job))
		return misfit(error, seq, "it names a job that is not there");
	if (!(states & 1u << (*job)->state))
		return misfit(error, seq, "the job is in another state");
	return TRUE;
}

/* A job that is leased as ATTEMPT: only that attempt can bring an end or a fact. */
static gboolean find_leased(const struct state *state, uint64_t seq, const Forge__JobId *id,
	uint32_t attempt, struct batch_row **batch, const struct job **job, GError **error)
{
	if (!state_job(state, id, batch, job))
		return misfit(error, seq, "it names a job that is not there");
	if ((*job)->state != JOB_LEASED || (*job)->attempt != attempt)
		return misfit(error, seq, "its attempt does not hold the job");
	return TRUE;
}

#define IN(state) (1u << (state))
#define IN_UNFINISHED (IN(JOB_QUEUED) | IN(JOB_WAITING) | IN(JOB_LEASED))

static gboolean fold_jobs_leased(
	struct state *state, uint64_t seq, const Forge__JobsLeased *event, GError **error)
{
	if (!state_session(state, event->session) || event->n_jobs != event->n_attempts)
		return misfit(error, seq, "it leases jobs to a worker that is not there");
	for (size_t i = 0; i < event->n_jobs; i++) {
		struct batch_row *batch;
		const struct job *job;

		if (!find_job(state, seq, event->jobs[i], IN(JOB_QUEUED) | IN(JOB_WAITING), &batch,
			    &job, error))
			return FALSE;
		if (event->attempts[i] != job->attempt + 1u)
			return misfit(error, seq, "the attempt is not the next one");
		if (!job_table_may_run(state->jobs, job))
			return misfit(error, seq, "another job has the lane");
		job_table_lease(state->jobs, batch->jobs, job->number, (uint16_t)event->attempts[i],
			event->session);
	}
	return TRUE;
}

static void end_job(
	struct state *state, struct batch_row *batch, uint32_t number, enum job_state job_state)
{
	job_table_end(state->jobs, batch->jobs, number, job_state);
	if (batch->progress)
		g_hash_table_remove(batch->progress, GUINT_TO_POINTER(number));
	if (batch->cancel_requested)
		batch_row_pass_cancelled(state, batch);
	batch_row_note_complete(state, batch);
}

static enum job_state state_of_verdict(Forge__Verdict verdict)
{
	if (verdict == FORGE__VERDICT__VERDICT_CONFLICT)
		return JOB_CONFLICT;
	return verdict == FORGE__VERDICT__VERDICT_SKIPPED ? JOB_SKIPPED : JOB_DONE;
}

static gboolean fold_job_succeeded(
	struct state *state, uint64_t seq, const Forge__JobSucceeded *event, GError **error)
{
	struct batch_row *batch;
	const struct job *job;

	if (!find_leased(state, seq, event->job, event->attempt, &batch, &job, error))
		return FALSE;
	end_job(state, batch, job->number, state_of_verdict(event->verdict));
	return TRUE;
}

static gboolean has_failed_branch(const struct job_progress *progress)
{
	for (guint i = 0; progress && i < progress->finished->len; i++)
		if (((Forge__FinishedBranch *)progress->finished->pdata[i])->status ==
			FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED)
			return TRUE;
	return FALSE;
}

/* A job whose failure no branch tells leaves what was known of its fork in doubt. */
static void note_failure(struct state *state, uint64_t time_us, const struct batch_row *batch,
	const struct job *job, const Forge__Error *error)
{
	const char *target = job_table_target(state->jobs, job);
	enum job_about about = job_kind_of(batch->opened->kind)->about;
	struct fork_row *fork = target && about == JOB_ABOUT_FORK
		? state_fork_of(state, batch, target)
		: NULL;
	struct component_row *component = target && about == JOB_ABOUT_COMPONENT
		? state_component(state, target)
		: NULL;

	if (component && error)
		component_row_note_failure(component, time_us, error);
	if (fork && error && !has_failed_branch(state_progress(batch, job->number)))
		fork_row_note_failure(fork, time_us, error);
}

static gboolean fold_job_failed(struct state *state, uint64_t seq, uint64_t time_us,
	const Forge__JobFailed *event, GError **error)
{
	struct batch_row *batch;
	const struct job *job;

	if (!find_job(state, seq, event->job, IN_UNFINISHED, &batch, &job, error))
		return FALSE;
	if (job->state == JOB_LEASED && job->attempt != event->attempt)
		return misfit(error, seq, "its attempt does not hold the job");
	note_failure(state, time_us, batch, job, event->error);
	end_job(state, batch, job->number, JOB_FAILED);
	return TRUE;
}

static gboolean fold_job_retry_scheduled(
	struct state *state, uint64_t seq, const Forge__JobRetryScheduled *event, GError **error)
{
	struct batch_row *batch;
	const struct job *job;

	if (!find_leased(state, seq, event->job, event->attempt, &batch, &job, error))
		return FALSE;
	job_table_wait(state->jobs, batch->jobs, job->number, event->not_before_us);
	batch->cancel_next = MIN(batch->cancel_next, job->number);
	return TRUE;
}

static gboolean fold_job_cancelled(
	struct state *state, uint64_t seq, const Forge__JobCancelled *event, GError **error)
{
	struct batch_row *batch;
	const struct job *job;

	if (!find_job(state, seq, event->job, IN_UNFINISHED, &batch, &job, error))
		return FALSE;
	end_job(state, batch, job->number, JOB_CANCELLED);
	return TRUE;
}

static gboolean fold_requeued(struct state *state, uint64_t seq, const Forge__JobId *id,
	uint32_t attempt, gboolean lost, GError **error)
{
	struct batch_row *batch;
	const struct job *job;

	if (!find_leased(state, seq, id, attempt, &batch, &job, error))
		return FALSE;
	job_table_requeue(state->jobs, batch->jobs, job->number, lost);
	/* A cancelled batch passes over leased jobs; this one is to be looked at again. */
	batch->cancel_next = MIN(batch->cancel_next, job->number);
	return TRUE;
}

static gboolean fold_job_cancel_requested(
	struct state *state, uint64_t seq, const Forge__JobCancelRequested *event, GError **error)
{
	struct batch_row *batch;
	const struct job *job;

	if (!find_job(state, seq, event->job, IN_UNFINISHED, &batch, &job, error))
		return FALSE;
	job_table_request_cancel(state->jobs, batch->jobs, job->number);
	return TRUE;
}

/* ---- facts -------------------------------------------------------------------------------- */

static void note_finished(struct job_progress *progress, const Forge__ForkSynced *fact)
{
	Forge__FinishedBranch finished = FORGE__FINISHED_BRANCH__INIT;
	const char *branch = fact->branch;

	finished.branch = fact->branch;
	finished.status = fact->status;
	finished.error = fact->error;
	g_ptr_array_add(progress->finished, message_copy(&finished.base));
	for (guint i = 0; i < progress->intended->len;) {
		const Forge__PushIntended *intended = progress->intended->pdata[i];

		if (g_str_has_prefix(intended->ref, "refs/heads/") &&
			strcmp(intended->ref + strlen("refs/heads/"), branch) == 0)
			g_ptr_array_remove_index(progress->intended, i);
		else
			i++;
	}
}

static gboolean fold_reported(struct state *state, uint64_t seq, uint64_t time_us,
	const Forge__Reported *event, GError **error)
{
	const Forge__Fact *fact = event->fact;
	struct batch_row *batch;
	const struct job *job;
	struct fork_row *fork;
	const char *wrong;

	if (!find_leased(state, seq, event->job, event->attempt, &batch, &job, error))
		return FALSE;
	if (!fact)
		return misfit(error, seq, "a report without a fact");
	switch (fact->kind_case) {
	case FORGE__FACT__KIND_PUSH_INTENDED:
		g_ptr_array_add(batch_row_progress(batch, job->number)->intended,
			message_copy(&fact->push_intended->base));
		return TRUE;
	case FORGE__FACT__KIND_FORK_SYNCED:
		note_finished(batch_row_progress(batch, job->number), fact->fork_synced);
		fork = state_fork_of(state, batch, fact->fork_synced->fork);
		if (fork && !fact->fork_synced->dry_run)
			fork_row_note_branch(fork, seq, time_us, fact->fork_synced);
		return TRUE;
	case FORGE__FACT__KIND_COMPONENT_PUSHED:
		g_ptr_array_set_size(batch_row_progress(batch, job->number)->intended, 0);
		component_fact_fold(state, seq, time_us, fact);
		return TRUE;
	case FORGE__FACT__KIND_COMPONENT_INSTALLED:
	case FORGE__FACT__KIND_COMPONENT_OBSERVED:
	case FORGE__FACT__KIND_COMPONENT_PULLED:
	case FORGE__FACT__KIND_COMPONENT_CONFLICTED:
	case FORGE__FACT__KIND_COMPONENT_RESOLVED:
	case FORGE__FACT__KIND_COMPONENT_EDITED:
	case FORGE__FACT__KIND_COMPONENT_REMOVED:
		wrong = component_fact_fold(state, seq, time_us, fact);
		return wrong ? misfit(error, seq, wrong) : TRUE;
	case FORGE__FACT__KIND_DEPENDENCIES_RESOLVED:
		/* What was chosen is history; what of it is installed, the installations say. */
		return TRUE;
	case FORGE__FACT__KIND__NOT_SET:
	case _FORGE__FACT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return misfit(error, seq, "a fact of no known kind");
}

/* ---- forks and workers -------------------------------------------------------------------- */

static gboolean fold_fork_registered(struct state *state, uint64_t seq, uint64_t time_us,
	const Forge__ForkRegistered *event, GError **error)
{
	if (!event->fork || state_fork(state, event->fork->name))
		return misfit(error, seq, "it registers a fork that is there already");
	fork_row_add(state, seq, time_us, event->fork, event->request_id);
	return TRUE;
}

static gboolean fold_fork_removed(
	struct state *state, uint64_t seq, const Forge__ForkRemoved *event, GError **error)
{
	struct fork_row *fork = state_fork(state, event->name);

	if (!fork)
		return misfit(error, seq, "it removes a fork that is not there");
	fork_row_remove(state, fork);
	if (*event->request_id)
		removal_row_add(state, event->name, event->request_id);
	return TRUE;
}

static gboolean fold_worker_left(
	struct state *state, uint64_t seq, const Forge__WorkerLeft *event, GError **error)
{
	struct session_row *session = state_session(state, event->session);

	if (!session)
		return misfit(error, seq, "a worker left that was not there");
	g_ptr_array_remove(state->sessions, session);
	return TRUE;
}

/* ---- dispatch ----------------------------------------------------------------------------- */

static gboolean fold(struct state *state, uint64_t seq, uint64_t time_us, const Forge__Event *event,
	GError **error)
{
	switch (event->kind_case) {
	case FORGE__EVENT__KIND_SCHEDULER_STARTED:
	case FORGE__EVENT__KIND_BASE_BEGUN: /* what it holds is the state already */
	case FORGE__EVENT__KIND_BASE_CHUNK:
	case FORGE__EVENT__KIND_JOURNAL_IMPORTED:
		return TRUE;
	case FORGE__EVENT__KIND_WORKER_JOINED:
		session_row_add(state, seq, event->worker_joined->name, event->worker_joined->slots,
			event->worker_joined->owner);
		return TRUE;
	case FORGE__EVENT__KIND_WORKER_LEFT:
		return fold_worker_left(state, seq, event->worker_left, error);
	case FORGE__EVENT__KIND_BATCH_OPENED:
		return fold_batch_opened(state, seq, time_us, event->batch_opened, error);
	case FORGE__EVENT__KIND_BATCH_EXTENDED:
		return fold_batch_extended(state, seq, event->batch_extended, error);
	case FORGE__EVENT__KIND_BATCH_SEALED:
		return fold_batch_sealed(state, seq, event->batch_sealed, error);
	case FORGE__EVENT__KIND_BATCH_CLOSED:
		return fold_batch_closed(state, seq, time_us, event->batch_closed, error);
	case FORGE__EVENT__KIND_JOBS_LEASED:
		return fold_jobs_leased(state, seq, event->jobs_leased, error);
	case FORGE__EVENT__KIND_JOB_SUCCEEDED:
		return fold_job_succeeded(state, seq, event->job_succeeded, error);
	case FORGE__EVENT__KIND_JOB_FAILED:
		return fold_job_failed(state, seq, time_us, event->job_failed, error);
	case FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED:
		return fold_job_retry_scheduled(state, seq, event->job_retry_scheduled, error);
	case FORGE__EVENT__KIND_JOB_CANCELLED:
		return fold_job_cancelled(state, seq, event->job_cancelled, error);
	case FORGE__EVENT__KIND_JOB_EXPIRED:
		return fold_requeued(state, seq, event->job_expired->job,
			event->job_expired->attempt, TRUE, error);
	case FORGE__EVENT__KIND_JOB_RETURNED:
		return fold_requeued(state, seq, event->job_returned->job,
			event->job_returned->attempt, FALSE, error);
	case FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED:
		return fold_batch_cancel_requested(
			state, seq, event->batch_cancel_requested, error);
	case FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED:
		return fold_job_cancel_requested(state, seq, event->job_cancel_requested, error);
	case FORGE__EVENT__KIND_FORK_REGISTERED:
		return fold_fork_registered(state, seq, time_us, event->fork_registered, error);
	case FORGE__EVENT__KIND_FORK_REMOVED:
		return fold_fork_removed(state, seq, event->fork_removed, error);
	case FORGE__EVENT__KIND_QUEUE_PAUSED:
		state->paused = TRUE;
		return TRUE;
	case FORGE__EVENT__KIND_QUEUE_RESUMED:
		state->paused = FALSE;
		return TRUE;
	case FORGE__EVENT__KIND_REPORTED:
		return fold_reported(state, seq, time_us, event->reported, error);
	case FORGE__EVENT__KIND__NOT_SET:
	case _FORGE__EVENT__KIND__CASE_IS_INT_SIZE:
		break;
	}
	return misfit(error, seq, "it has no known kind");
}

gboolean state_fold(struct state *state, uint64_t seq, uint64_t time_us, const Forge__Event *event,
	GError **error)
{
	if (seq != state->last_seq + 1)
		return misfit(error, seq, "its sequence is not the next one");
	if (!fold(state, seq, time_us, event, error))
		return FALSE;
	state->last_seq = seq;
	return TRUE;
}
