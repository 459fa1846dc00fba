/*
 * What is due without anybody asking: batches that grow, are cancelled or have ended, workers that
 * fell silent, leases that no heartbeat names, and jobs that can be given out. Each call decides
 * one such thing, folded before the next call, so two decisions of one turn never overlap.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/job_kinds.h"
#include "scheduler/decision.h"

/* ---- batches ------------------------------------------------------------------------------ */

static gboolean close_complete(const struct view *view, struct decision *decision)
{
	for (GList *link = view->state->complete.head; link; link = link->next) {
		const struct batch_row *batch = link->data;
		Forge__BatchCounts counts = state_counts(batch);
		Forge__BatchClosed *closed = decision_make(
			decision, &forge__batch_closed__descriptor);

		closed->batch = batch->seq;
		closed->counts = decision_copy(decision, &counts.base);
		decision_add(view, decision, FORGE__EVENT__KIND_BATCH_CLOSED, closed);
		if (decision->events->len >= LIMIT_EVENTS_PER_DECISION)
			break;
	}
	return decision->events->len > 0;
}

static void add_cancelled(const struct view *view, struct decision *decision, Forge__JobId *id)
{
	Forge__JobCancelled *cancelled = decision_make(decision, &forge__job_cancelled__descriptor);

	cancelled->job = id;
	decision_add(view, decision, FORGE__EVENT__KIND_JOB_CANCELLED, cancelled);
}

static gboolean cancel_jobs(const struct view *view, struct decision *decision)
{
	for (GList *link = view->state->cancelling.head; link; link = link->next) {
		const struct batch_row *batch = link->data;
		guint n_jobs = batch->jobs->rows->len;

		for (guint i = batch->cancel_next;
			i <= n_jobs && decision->events->len < LIMIT_EVENTS_PER_DECISION; i++) {
			const struct job *job = job_table_job(view->state->jobs, batch->jobs, i);

			if (job->state == JOB_QUEUED || job->state == JOB_WAITING)
				add_cancelled(
					view, decision, decide_job_id(decision, batch->seq, i));
		}
	}
	return decision->events->len > 0;
}

/* ---- workers and leases ------------------------------------------------------------------- */

void decide_lease_ended(const struct view *view, struct decision *decision, Forge__JobId *id,
	uint16_t attempt, gboolean lost, Forge__ReturnReason reason)
{
	struct batch_row *batch;
	const struct job *job;
	gboolean there = state_job(view->state, id, &batch, &job);

	g_assert(there && job->state == JOB_LEASED && job->attempt == attempt);
	if (job->cancel_requested || batch->cancel_requested) {
		add_cancelled(view, decision, id);
	} else if (lost && job->losses >= LIMIT_LOST_LEASES) {
		Forge__JobFailed *failed = decision_make(decision, &forge__job_failed__descriptor);

		failed->job = id;
		failed->attempt = attempt;
		failed->retries_used_up = TRUE;
		failed->error = decision_error(decision, FORGE_ERROR_LEASE_LOST,
			"every worker that took the job stopped before its end");
		decision_add(view, decision, FORGE__EVENT__KIND_JOB_FAILED, failed);
	} else if (lost) {
		Forge__JobExpired *expired = decision_make(
			decision, &forge__job_expired__descriptor);

		expired->job = id;
		expired->attempt = attempt;
		decision_add(view, decision, FORGE__EVENT__KIND_JOB_EXPIRED, expired);
	} else {
		Forge__JobReturned *returned = decision_make(
			decision, &forge__job_returned__descriptor);

		returned->job = id;
		returned->attempt = attempt;
		returned->reason = reason;
		decision_add(view, decision, FORGE__EVENT__KIND_JOB_RETURNED, returned);
	}
}

void decide_worker_gone(const struct view *view, struct decision *decision, const struct seat *seat,
	const char *reason)
{
	Forge__WorkerLeft *left = decision_make(decision, &forge__worker_left__descriptor);

	for (guint i = 0; i < seat->leases->len; i++) {
		const struct lease *lease = &g_array_index(seat->leases, struct lease, i);

		decide_lease_ended(view, decision,
			decide_job_id(decision, lease->batch, lease->number), lease->attempt, TRUE,
			FORGE__RETURN_REASON__RETURN_REASON_UNSET);
	}
	left->session = seat->session;
	left->reason = decision_text(decision, reason);
	decision_add(view, decision, FORGE__EVENT__KIND_WORKER_LEFT, left);
}

static gboolean expire_silent(const struct view *view, struct decision *decision)
{
	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];

		if (view->now.monotonic_ms - seat->heard_ms < LIMIT_LEASE_MS)
			continue;
		decide_worker_gone(view, decision, seat, "it was silent for longer than its lease");
		return TRUE;
	}
	return FALSE;
}

static gboolean return_unheld(const struct view *view, struct decision *decision)
{
	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];

		for (guint j = 0; j < seat->leases->len; j++) {
			const struct lease *lease = &g_array_index(seat->leases, struct lease, j);

			if (lease->missed >= LIMIT_MISSED_HEARTBEATS)
				decide_lease_ended(view, decision,
					decide_job_id(decision, lease->batch, lease->number),
					lease->attempt, FALSE,
					FORGE__RETURN_REASON__RETURN_REASON_NOT_HELD);
		}
		if (decision->events->len > 0)
			return TRUE;
	}
	return FALSE;
}

/* ---- dispatch ----------------------------------------------------------------------------- */

struct dispatching {
	const struct view *view;
	const struct seat *seat;
};

/* A command line's jobs run with its own worker while its
 * process lives; anybody takes them over afterwards. */
static gboolean may_run(const struct job_batch *jobs, const char *host, gpointer user_data)
{
	const struct dispatching *dispatching = user_data;
	const struct batch_row *batch = jobs->user_data;
	const char *owner = batch->opened->owner;

	(void)host;
	return *owner == '\0' || strcmp(owner, dispatching->seat->owner) == 0 ||
		g_hash_table_contains(dispatching->view->pool->dead_owners, owner);
}

/* Whether there still is what a job of BATCH is about. */
static gboolean target_is_there(
	const struct state *state, const struct batch_row *batch, const char *target)
{
	const struct job_kind *kind = job_kind_of(batch->opened->kind);

	switch (kind->about) {
	case JOB_ABOUT_FORK:
		return state_fork_of(state, batch, target) != NULL;
	case JOB_ABOUT_COMPONENT:
		return kind->kind == FORGE__JOB_KIND__JOB_KIND_COMPONENT_INSTALL ||
			state_component(state, target) != NULL;
	case JOB_ABOUT_WORKSPACE:
	case JOB_ABOUT_NOTHING:
		break;
	}
	return TRUE;
}

static void fail_without_target(const struct view *view, struct decision *decision,
	const struct job_pick *pick, const char *name)
{
	const struct batch_row *batch = pick->batch->user_data;
	gboolean fork = job_kind_of(batch->opened->kind)->about == JOB_ABOUT_FORK;
	enum forge_error code = fork ? FORGE_ERROR_FORK_NOT_FOUND : FORGE_ERROR_COMPONENT_NOT_FOUND;
	Forge__JobFailed *failed = decision_make(decision, &forge__job_failed__descriptor);
	g_autofree char *message = g_strdup_printf(
		"%s '%s' was removed meanwhile", fork ? "fork" : "component", name);

	failed->job = decide_job_id(decision, pick->batch->seq, pick->number);
	failed->error = decision_error(decision, code, message);
	decision_add(view, decision, FORGE__EVENT__KIND_JOB_FAILED, failed);
}

/* Bytes of PART as a field of another message, at most. */
static size_t field_bytes(const ProtobufCMessage *part)
{
	return protobuf_c_message_get_packed_size(part) + 6;
}

/*
 * What earlier attempts of the job began and ended, as much of it as a message can carry. Of pushes
 * that may have happened the newest go first: nobody else can tell them. A branch that is left out
 * of those that ended is looked at again, and what is said of it then is known already.
 */
static void fill_progress(
	const struct job_progress *progress, Forge__GrantedJob *granted, GPtrArray *owned)
{
	Forge__PushIntended **intended = (Forge__PushIntended **)progress->intended->pdata;
	Forge__FinishedBranch **finished = g_new(
		Forge__FinishedBranch *, progress->finished->len + 1);
	guint first = progress->intended->len;
	gboolean has_error = FALSE;
	size_t bytes = 0;

	g_ptr_array_add(owned, finished);
	while (first > 0 &&
		(bytes += field_bytes(&intended[first - 1]->base)) <= LIMIT_GRANTED_PROGRESS_BYTES)
		first--;
	granted->intended = intended + first;
	granted->n_intended = progress->intended->len - first;
	granted->finished = finished;
	for (guint i = 0; i < progress->finished->len; i++) {
		Forge__FinishedBranch *branch = g_memdup2(
			progress->finished->pdata[i], sizeof(*branch));

		g_ptr_array_add(owned, branch);
		/* The first error is the job's; of the others it is enough that they ended. */
		if (has_error)
			branch->error = NULL;
		has_error = has_error || branch->error;
		bytes += field_bytes(&branch->base);
		if (bytes > LIMIT_GRANTED_PROGRESS_BYTES)
			return;
		finished[granted->n_finished++] = branch;
	}
}

/* OWNED takes what GRANTED needs and the state does not have. */
static void fill_granted(const struct view *view, const struct job_pick *pick,
	Forge__GrantedJob *granted, Forge__JobId *id, GPtrArray *owned)
{
	const struct batch_row *batch = pick->batch->user_data;
	const struct job *job = job_table_job(view->state->jobs, pick->batch, pick->number);
	const struct job_progress *progress = state_progress(batch, pick->number);
	const char *target = job_table_target(view->state->jobs, job);

	forge__granted_job__init(granted);
	forge__job_id__init(id);
	id->batch = batch->seq;
	id->number = pick->number;
	granted->job = id;
	granted->attempt = job->attempt + 1u;
	granted->kind = batch->opened->kind;
	granted->batch_name = batch->opened->batch;
	granted->arguments = batch->opened->arguments;
	granted->opened_us = batch->opened_us;
	if (target)
		granted->target = (char *)target;
	if (target && job_kind_of(batch->opened->kind)->about == JOB_ABOUT_FORK)
		granted->fork = state_fork(view->state, target)->spec;
	if (progress)
		fill_progress(progress, granted, owned);
}

/* Jobs whose target is gone end here; the others are moved to
 * the front of PICKS. Returns how many. */
static uint32_t drop_without_target(const struct view *view, struct decision *decision,
	struct job_pick *picks, uint32_t n_picks)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n_picks; i++) {
		const struct job *job = job_table_job(
			view->state->jobs, picks[i].batch, picks[i].number);
		const char *target = job_table_target(view->state->jobs, job);

		if (target && !target_is_there(view->state, picks[i].batch->user_data, target))
			fail_without_target(view, decision, &picks[i], target);
		else
			picks[kept++] = picks[i];
	}
	return kept;
}

static void grant(const struct view *view, struct decision *decision, const struct seat *seat,
	const struct job_pick *picks, uint32_t n_picks)
{
	Forge__JobsLeased *leased = decision_make(decision, &forge__jobs_leased__descriptor);
	g_autofree Forge__GrantedJob *jobs = g_new(Forge__GrantedJob, n_picks);
	g_autofree Forge__GrantedJob **job_pointers = g_new(Forge__GrantedJob *, n_picks);
	g_autofree Forge__JobId *ids = g_new(Forge__JobId, n_picks);
	g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
	Forge__Grant message = FORGE__GRANT__INIT;
	Forge__Reply reply = FORGE__REPLY__INIT;
	size_t bytes = 0;

	leased->session = seat->session;
	leased->jobs = decision_room(decision, n_picks * sizeof(*leased->jobs));
	leased->attempts = decision_room(decision, n_picks * sizeof(*leased->attempts));
	for (uint32_t i = 0; i < n_picks; i++) {
		fill_granted(view, &picks[i], &jobs[i], &ids[i], owned);
		bytes += protobuf_c_message_get_packed_size(&jobs[i].base);
		if (i > 0 && bytes > LIMIT_MESSAGE_BYTES / 2)
			break;
		job_pointers[message.n_jobs++] = &jobs[i];
		leased->jobs[leased->n_jobs++] = decide_job_id(
			decision, ids[i].batch, ids[i].number);
		leased->attempts[leased->n_attempts++] = jobs[i].attempt;
	}
	decision_add(view, decision, FORGE__EVENT__KIND_JOBS_LEASED, leased);
	message.jobs = job_pointers;
	reply.kind_case = FORGE__REPLY__KIND_GRANT;
	reply.grant = &message;
	decision_reply(decision, seat->routing, &reply);
}

static gboolean dispatch(const struct view *view, struct decision *decision)
{
	if (view->state->paused)
		return FALSE;
	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];
		struct dispatching dispatching = {view, seat};
		struct job_pick picks[LIMIT_JOBS_PER_GRANT];
		uint32_t room, n_picks;

		if (!seat->routing || seat->draining || seat->leases->len >= seat->slots)
			continue;
		room = MIN(seat->slots - seat->leases->len, LIMIT_JOBS_PER_GRANT);
		n_picks = job_table_pick(view->state->jobs, (uint64_t)view->now.wall_us, may_run,
			&dispatching, picks, room);
		n_picks = drop_without_target(view, decision, picks, n_picks);
		if (n_picks > 0)
			grant(view, decision, seat, picks, n_picks);
		if (decision->events->len > 0)
			return TRUE;
	}
	return FALSE;
}

void decide_due(const struct view *view, struct decision *decision)
{
	if (close_complete(view, decision) || decide_growth(view, decision) ||
		cancel_jobs(view, decision) || expire_silent(view, decision) ||
		return_unheld(view, decision))
		return;
	dispatch(view, decision);
}

int64_t decide_next_due_ms(const struct view *view)
{
	uint64_t due_us = job_table_next_due_us(view->state->jobs);
	int64_t next_ms = INT64_MAX;

	/* What is due already waits for a worker, and that comes with a message. */
	if (due_us > (uint64_t)view->now.wall_us)
		next_ms = view->now.monotonic_ms + ((int64_t)due_us - view->now.wall_us) / 1000 + 1;
	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];

		next_ms = MIN(next_ms, seat->heard_ms + LIMIT_LEASE_MS);
	}
	return next_ms;
}
