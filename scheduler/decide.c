/*
 * What a message leads to: for each kind of request one function that looks at the state and adds events and replies to the
 * decision. Nothing here changes state or pool, reads a clock or sends: the turn folds the events, makes them durable and
 * only then lets the replies go.
 *
 * Requests may come twice (a client sends again after a reconnect) and late (a worker whose lease is over): each function
 * says what then happens, usually nothing.
 */
#include "scheduler/decide.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/event_check.h"
#include "journal/message.h"
#include "queue/batch_name.h"
#include "queue/job_kinds.h"
#include "queue/protocol.h"
#include "scheduler/check.h"
#include "scheduler/query.h"

/* One request being decided, with what every function needs. */
struct asking {
	const struct view *view;
	const struct peer *peer;
	GBytes *routing;
	uint64_t id;
	struct decision *decision;
};

static void answer(const struct asking *asking, Forge__Reply__KindCase kind, gpointer payload)
{
	Forge__Reply reply = FORGE__REPLY__INIT;

	reply.id = asking->id;
	reply.kind_case = kind;
	reply.done = payload;
	decision_reply(asking->decision, asking->routing, &reply);
}

static void answer_done(const struct asking *asking)
{
	Forge__Done done = FORGE__DONE__INIT;

	answer(asking, FORGE__REPLY__KIND_DONE, &done);
}

static gboolean reach(const struct asking *asking, GError *take_error)
{
	g_autoptr(GError) error = take_error;

	decision_refuse(asking->decision, asking->routing, asking->id, forge_error_code(error), "%s",
		error->message);
	return FALSE;
}

/* ---- hello and goodbye -------------------------------------------------------------------- */

static void welcome(const struct asking *asking, uint64_t session)
{
	Forge__Welcome welcome_message = FORGE__WELCOME__INIT;

	welcome_message.protocol = PROTOCOL_VERSION;
	welcome_message.build = (char *)FORGE_VERSION;
	welcome_message.session = session;
	welcome_message.journal_id = (char *)asking->view->journal_id;
	welcome_message.last_seq = asking->view->state->last_seq;
	welcome_message.heartbeat_ms = LIMIT_HEARTBEAT_MS;
	answer(asking, FORGE__REPLY__KIND_WELCOME, &welcome_message);
}

static void decide_hello(const struct asking *asking, const Forge__Hello *hello)
{
	const struct state *state = asking->view->state;
	const struct session_row *resumed;
	Forge__WorkerJoined *joined;
	GError *error = NULL;

	if (!check_hello(hello, &error)) {
		reach(asking, error);
		return;
	}
	if (hello->role != FORGE__ROLE__ROLE_WORKER) {
		welcome(asking, 0);
		return;
	}
	/* The same hello twice, or a worker that comes back, keeps its session. */
	resumed = state_session(state,
		asking->peer && asking->peer->session ? asking->peer->session
						      : hello->resume_session);
	if (resumed && strcmp(resumed->name, hello->name) == 0 &&
		strcmp(resumed->owner, hello->owner) == 0) {
		welcome(asking, resumed->seq);
		return;
	}
	if (hello->slots < 1 || state->sessions->len >= LIMIT_SESSIONS) {
		decision_refuse(asking->decision, asking->routing, asking->id, FORGE_ERROR_BUSY,
			"no further worker can join: %u are there", state->sessions->len);
		return;
	}
	joined = g_new(Forge__WorkerJoined, 1);
	forge__worker_joined__init(joined);
	message_set_string(&joined->name, hello->name);
	message_set_string(&joined->owner, hello->owner);
	joined->slots = MIN(hello->slots, LIMIT_WORKER_SLOTS);
	welcome(asking,
		decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_WORKER_JOINED, joined));
}

static void decide_goodbye(const struct asking *asking)
{
	const struct seat *seat = pool_seat(asking->view->pool, asking->peer->session);

	if (seat)
		decide_worker_gone(asking->view, asking->decision, seat, "it said goodbye");
	answer_done(asking);
}

/* ---- submitting --------------------------------------------------------------------------- */

static gboolean has_worker_for(const struct view *view, const char *owner)
{
	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];

		if (seat->routing && !seat->draining &&
			(*owner == '\0' || strcmp(seat->owner, owner) == 0))
			return TRUE;
	}
	return FALSE;
}

static void answer_submitted(
	const struct asking *asking, uint64_t seq, const char *name, gboolean existed)
{
	Forge__Submitted submitted = FORGE__SUBMITTED__INIT;

	submitted.batch = seq;
	submitted.name = (char *)name;
	submitted.existed = existed;
	submitted.nobody_works = !has_worker_for(asking->view, asking->peer->owner);
	answer(asking, FORGE__REPLY__KIND_SUBMITTED, &submitted);
}

/* TRUE if the request, or its unique key, is known: then it is answered with the batch there is. */
static gboolean answer_if_known(const struct asking *asking, const Forge__Submit *submit)
{
	const struct state *state = asking->view->state;
	const struct known_request *known = state_request(state, submit->request_id);
	const struct batch_row *batch;

	if (known) {
		answer_submitted(asking, known->seq, known->name, TRUE);
		return TRUE;
	}
	batch = *submit->unique_key
		? g_hash_table_lookup(state->batch_by_key, submit->unique_key)
		: NULL;
	if (batch)
		answer_submitted(asking, batch->seq, batch->opened->batch, TRUE);
	return batch != NULL;
}

static void decide_submit(const struct asking *asking, const Forge__Submit *submit)
{
	const struct view *view = asking->view;
	GError *error = NULL;
	Forge__BatchOpened *opened;
	g_autofree char *name = NULL;
	uint64_t seq;

	if (answer_if_known(asking, submit))
		return;
	if (!check_submit(view->state, submit, &error)) {
		reach(asking, error);
		return;
	}
	name = batch_name_make(view->journal_id, view->state->last_seq + 1, view->now.wall_us);
	opened = g_new(Forge__BatchOpened, 1);
	forge__batch_opened__init(opened);
	message_set_string(&opened->batch, name);
	message_set_string(&opened->request_id, submit->request_id);
	message_set_string(&opened->owner, asking->peer->owner);
	message_set_string(&opened->actor, asking->peer->name);
	message_set_string(&opened->retry_of, submit->retry_of);
	message_set_string(&opened->unique_key, submit->unique_key);
	opened->kind = submit->kind;
	opened->priority = submit->priority;
	opened->all_forks = submit->all_forks;
	opened->noops = submit->noops;
	opened->not_before_us = submit->not_before_us;
	if (submit->arguments)
		opened->arguments = message_copy(&submit->arguments->base);
	opened->n_targets = submit->n_targets;
	opened->targets = g_new0(char *, submit->n_targets + 1);
	for (size_t i = 0; i < submit->n_targets; i++)
		opened->targets[i] = g_strdup(submit->targets[i]);
	seq = decision_add(view, asking->decision, FORGE__EVENT__KIND_BATCH_OPENED, opened);
	answer_submitted(asking, seq, name, FALSE);
}

/* ---- what workers say --------------------------------------------------------------------- */

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
		if (strcmp(progress->finished->pdata[i], branch) == 0)
			return TRUE;
	return FALSE;
}

/* A report that came twice must not be recorded twice, also if it comes when its branch has ended since. */
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
		reported = g_new(Forge__Reported, 1);
		forge__reported__init(reported);
		reported->job = decide_job_id(batch->seq, job->number);
		reported->attempt = job->attempt;
		reported->fact = message_copy(&facts[i]->base);
		decision_add(
			asking->view, asking->decision, FORGE__EVENT__KIND_REPORTED, reported);
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
	Forge__JobSucceeded *succeeded = g_new(Forge__JobSucceeded, 1);

	forge__job_succeeded__init(succeeded);
	succeeded->job = decide_job_id(batch->seq, job->number);
	succeeded->attempt = job->attempt;
	succeeded->verdict = verdict;
	decision_add(
		asking->view, asking->decision, FORGE__EVENT__KIND_JOB_SUCCEEDED, succeeded);
}

static void add_retry(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, const Forge__Error *error, uint64_t retry_after_ms)
{
	Forge__JobRetryScheduled *retry = g_new(Forge__JobRetryScheduled, 1);

	forge__job_retry_scheduled__init(retry);
	retry->job = decide_job_id(batch->seq, job->number);
	retry->attempt = job->attempt;
	retry->error = message_copy(&error->base);
	retry->not_before_us = retry_at_us(asking->view, batch, job, retry_after_ms);
	decision_add(
		asking->view, asking->decision, FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED, retry);
}

static void add_failed(const struct asking *asking, const struct batch_row *batch,
	const struct job *job, const Forge__Error *error, gboolean retries_used_up)
{
	Forge__JobFailed *failed = g_new(Forge__JobFailed, 1);

	forge__job_failed__init(failed);
	failed->job = decide_job_id(batch->seq, job->number);
	failed->attempt = job->attempt;
	failed->error = message_copy(&error->base);
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
	if (job->cancel_requested || batch->cancel_requested) {
		decide_lease_ended(asking->view, asking->decision,
			decide_job_id(batch->seq, job->number), job->attempt, TRUE,
			FORGE__RETURN_REASON__RETURN_REASON_UNSET);
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

static void decide_report(const struct asking *asking, const Forge__Report *report)
{
	Forge__Recorded recorded = FORGE__RECORDED__INIT;
	struct batch_row *batch;
	const struct job *job = held_job(asking, report->job, report->attempt, &batch);
	GError *error = NULL;

	if (!job) {
		recorded.lease_lost = TRUE;
		answer(asking, FORGE__REPLY__KIND_RECORDED, &recorded);
		return;
	}
	if (!check_report(report, &error)) {
		reach(asking, error);
		return;
	}
	add_facts(asking, batch, job, report->facts, report->n_facts);
	if (report->end)
		add_end(asking, batch, job, report->end);
	answer(asking, FORGE__REPLY__KIND_RECORDED, &recorded);
}

static void decide_return(const struct asking *asking, const Forge__ReturnJobs *message)
{
	g_autoptr(GHashTable) returned = g_hash_table_new(NULL, NULL);

	for (size_t i = 0; i < message->n_jobs; i++) {
		const Forge__LeaseRef *ref = message->jobs[i];
		struct batch_row *batch;
		const struct job *job = held_job(asking, ref->job, ref->attempt, &batch);

		/* A message may name a job twice, but its lease ends once. */
		if (job && g_hash_table_add(returned, (gpointer)job))
			decide_lease_ended(asking->view, asking->decision,
				decide_job_id(batch->seq, job->number), job->attempt, FALSE,
				FORGE__RETURN_REASON__RETURN_REASON_DRAINING);
	}
	answer_done(asking);
}

/* The pool notes what a heartbeat names; here the worker is told which of those are not its own. */
static void decide_heartbeat(const struct asking *asking, const Forge__Heartbeat *heartbeat)
{
	g_autofree Forge__LeaseRef **stale = g_new0(Forge__LeaseRef *, heartbeat->n_held + 1);
	Forge__Revoke revoke = FORGE__REVOKE__INIT;
	Forge__Reply reply = FORGE__REPLY__INIT;

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
	answer_done(asking);
}

/* ---- cancelling --------------------------------------------------------------------------- */

static void tell_worker_to_stop(
	const struct asking *asking, const struct batch_row *batch, const struct job *job)
{
	const struct seat *seat = pool_seat(asking->view->pool, job->term);
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__LeaseRef ref = FORGE__LEASE_REF__INIT;
	Forge__LeaseRef *refs[1] = {&ref};
	Forge__Revoke revoke = FORGE__REVOKE__INIT;
	Forge__Reply reply = FORGE__REPLY__INIT;

	if (!seat || !seat->routing)
		return;
	id.batch = batch->seq;
	id.number = job->number;
	ref.job = &id;
	ref.attempt = job->attempt;
	revoke.n_jobs = 1;
	revoke.jobs = refs;
	reply.kind_case = FORGE__REPLY__KIND_REVOKE;
	reply.revoke = &revoke;
	decision_reply(asking->decision, seat->routing, &reply);
}

static void cancel_job(const struct asking *asking, const Forge__JobId *id)
{
	Forge__JobCancelRequested *requested;
	struct batch_row *batch;
	const struct job *job;

	if (!state_job(asking->view->state, id, &batch, &job)) {
		decision_refuse(asking->decision, asking->routing, asking->id,
			FORGE_ERROR_JOB_NOT_FOUND, "that job is not in an open batch");
		return;
	}
	answer_done(asking);
	if (job_state_ended(job->state))
		return;
	if (job->state != JOB_LEASED) {
		Forge__JobCancelled *cancelled = g_new(Forge__JobCancelled, 1);

		forge__job_cancelled__init(cancelled);
		cancelled->job = decide_job_id(batch->seq, job->number);
		decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_JOB_CANCELLED,
			cancelled);
		return;
	}
	if (job->cancel_requested)
		return;
	requested = g_new(Forge__JobCancelRequested, 1);
	forge__job_cancel_requested__init(requested);
	requested->job = decide_job_id(batch->seq, job->number);
	message_set_string(&requested->actor, asking->peer->name);
	decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED,
		requested);
	tell_worker_to_stop(asking, batch, job);
}

static struct batch_row *batch_named(const struct state *state, const char *name)
{
	for (GList *link = state->batches.head; link; link = link->next) {
		struct batch_row *batch = link->data;

		if (strcmp(batch->opened->batch, name) == 0)
			return batch;
	}
	return NULL;
}

static void cancel_batch(const struct asking *asking, const char *name)
{
	struct batch_row *batch = batch_named(asking->view->state, name);
	Forge__BatchCancelRequested *requested;

	if (!batch) {
		decision_refuse(asking->decision, asking->routing, asking->id,
			FORGE_ERROR_BATCH_NOT_FOUND, "no open batch is called '%s'", name);
		return;
	}
	answer_done(asking);
	if (batch->cancel_requested)
		return;
	requested = g_new(Forge__BatchCancelRequested, 1);
	forge__batch_cancel_requested__init(requested);
	requested->batch = batch->seq;
	message_set_string(&requested->actor, asking->peer->name);
	decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED,
		requested);
	for (guint i = 1; i <= batch->jobs->rows->len; i++) {
		const struct job *job = job_table_job(asking->view->state->jobs, batch->jobs, i);

		if (job->state == JOB_LEASED)
			tell_worker_to_stop(asking, batch, job);
	}
}

/* ---- forks and the queue ------------------------------------------------------------------ */

static void decide_register_fork(const struct asking *asking, const Forge__RegisterFork *message)
{
	const struct fork_row *known;
	Forge__ForkRegistered *registered;
	GError *error = NULL;

	if (!check_fork(message->fork, &error) || !check_key(message->request_id, &error)) {
		reach(asking, error);
		return;
	}
	known = state_fork(asking->view->state, message->fork->name);
	if (known && *message->request_id &&
		strcmp(known->request_id, message->request_id) == 0) {
		answer_done(asking);
		return;
	}
	if (known) {
		decision_refuse(asking->decision, asking->routing, asking->id,
			FORGE_ERROR_ALREADY_EXISTS,
			"a fork called '%s' is registered already (%s, upstream %s)",
			known->spec->name, known->spec->fork, known->spec->upstream);
		return;
	}
	registered = g_new(Forge__ForkRegistered, 1);
	forge__fork_registered__init(registered);
	registered->fork = message_copy(&message->fork->base);
	message_set_string(&registered->request_id, message->request_id);
	message_set_string(&registered->actor, asking->peer->name);
	decision_add(
		asking->view, asking->decision, FORGE__EVENT__KIND_FORK_REGISTERED, registered);
	answer_done(asking);
}

static void decide_remove_fork(const struct asking *asking, const char *name)
{
	Forge__ForkRemoved *removed;
	g_autoptr(GError) error = NULL;

	if (!check_fork_is_there(asking->view->state, name, &error)) {
		reach(asking, g_steal_pointer(&error));
		return;
	}
	removed = g_new(Forge__ForkRemoved, 1);
	forge__fork_removed__init(removed);
	message_set_string(&removed->name, name);
	message_set_string(&removed->actor, asking->peer->name);
	decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_FORK_REMOVED, removed);
	answer_done(asking);
}

static void decide_set_paused(const struct asking *asking, gboolean paused)
{
	answer_done(asking);
	if (asking->view->state->paused == paused)
		return;
	if (paused) {
		Forge__QueuePaused *event = g_new(Forge__QueuePaused, 1);

		forge__queue_paused__init(event);
		message_set_string(&event->actor, asking->peer->name);
		decision_add(
			asking->view, asking->decision, FORGE__EVENT__KIND_QUEUE_PAUSED, event);
	} else {
		Forge__QueueResumed *event = g_new(Forge__QueueResumed, 1);

		forge__queue_resumed__init(event);
		message_set_string(&event->actor, asking->peer->name);
		decision_add(
			asking->view, asking->decision, FORGE__EVENT__KIND_QUEUE_RESUMED, event);
	}
}

/* ---- dispatch ----------------------------------------------------------------------------- */

/* What this build does not understand whole must not get into the journal, where no build of this age could read it. A
 * hello is only read, so that a newer peer can be told of the difference. */
static gboolean is_understood(const struct asking *asking, const Forge__Request *request)
{
	g_autofree char *place = NULL;

	if (request->kind_case == FORGE__REQUEST__KIND_HELLO ||
		event_check(&request->base, &place))
		return TRUE;
	decision_refuse(asking->decision, asking->routing, asking->id, FORGE_ERROR_UNSUPPORTED,
		"this scheduler (%s) does not understand the request: %s", FORGE_VERSION, place);
	return FALSE;
}

static void decide_request(const struct asking *asking, const struct input *input)
{
	const Forge__Request *request = input->request;

	if (!is_understood(asking, request))
		return;
	switch (request->kind_case) {
	case FORGE__REQUEST__KIND_HELLO:
		decide_hello(asking, request->hello);
		return;
	case FORGE__REQUEST__KIND_HEARTBEAT:
		decide_heartbeat(asking, request->heartbeat);
		return;
	case FORGE__REQUEST__KIND_SUBMIT:
		decide_submit(asking, request->submit);
		return;
	case FORGE__REQUEST__KIND_REPORT:
		decide_report(asking, request->report);
		return;
	case FORGE__REQUEST__KIND_RETURN_JOBS:
		decide_return(asking, request->return_jobs);
		return;
	case FORGE__REQUEST__KIND_CANCEL_JOB:
		if (*request->cancel_job->batch)
			cancel_batch(asking, request->cancel_job->batch);
		else
			cancel_job(asking, request->cancel_job->job);
		return;
	case FORGE__REQUEST__KIND_REGISTER_FORK:
		decide_register_fork(asking, request->register_fork);
		return;
	case FORGE__REQUEST__KIND_REMOVE_FORK:
		decide_remove_fork(asking, request->remove_fork->name);
		return;
	case FORGE__REQUEST__KIND_SET_PAUSED:
		decide_set_paused(asking, request->set_paused->paused);
		return;
	case FORGE__REQUEST__KIND_GOODBYE:
		decide_goodbye(asking);
		return;
	case FORGE__REQUEST__KIND_LIST_FORKS:
	case FORGE__REQUEST__KIND_LIST_BATCHES:
	case FORGE__REQUEST__KIND_LIST_JOBS:
	case FORGE__REQUEST__KIND_GET_STATS:
		query_answer(asking->view, input, asking->decision);
		return;
	case FORGE__REQUEST__KIND_PROGRESS:
	case FORGE__REQUEST__KIND_READ_EVENTS:
		/* The loop's: they touch no state. */
		return;
	case FORGE__REQUEST__KIND__NOT_SET:
	case _FORGE__REQUEST__KIND__CASE_IS_INT_SIZE:
		return;
	}
}

static void decide_owner_gone(
	const struct view *view, const char *owner, struct decision *decision)
{
	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];

		if (strcmp(seat->owner, owner) == 0)
			decide_worker_gone(view, decision, seat, "its process has ended");
	}
}

/*
 * Not so: somebody who knew the scheduler before this one, and a worker that was silent for so long that its session
 * ended.
 */
static gboolean is_greeted(const struct view *view, const struct peer *peer)
{
	return peer && (!peer->session || pool_seat(view->pool, peer->session));
}

void decide(const struct view *view, const struct input *input, struct decision *decision)
{
	struct asking asking = {.view = view, .routing = input->routing, .decision = decision};
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;

	if (input->kind == INPUT_OWNER_GONE) {
		decide_owner_gone(view, input->owner, decision);
		return;
	}
	asking.id = input->request->id;
	asking.peer = pool_peer(view->pool, input->routing);
	if (is_greeted(view, asking.peer) ||
		input->request->kind_case == FORGE__REQUEST__KIND_HELLO) {
		decide_request(&asking, input);
		return;
	}
	/* It has to say hello again, and then learns what became of its leases. */
	reply.id = input->request->id;
	reply.kind_case = FORGE__REPLY__KIND_GOODBYE;
	reply.goodbye = &goodbye;
	decision_reply(decision, input->routing, &reply);
}
