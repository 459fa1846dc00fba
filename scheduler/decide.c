/*
 * What a message leads to: for each kind of request one function that looks at the state and adds
 * events and replies to the decision. Nothing here changes state or pool, reads a clock or sends:
 * the turn folds the events, makes them durable and only then lets the replies go.
 *
 * Requests may come twice (a client sends again after a reconnect) and late (a worker whose lease
 * is over): each function says what then happens, usually nothing.
 */
#include "scheduler/decide.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/event_check.h"
#include "journal/message.h"
#include "queue/batch_name.h"
#include "queue/protocol.h"
#include "scheduler/check.h"
#include "scheduler/decision.h"
#include "scheduler/permission.h"
#include "scheduler/query.h"

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
	asking_answer(asking, FORGE__REPLY__KIND_WELCOME, &welcome_message);
}

static void decide_hello(const struct asking *asking, const Forge__Hello *hello)
{
	const struct state *state = asking->view->state;
	const struct session_row *resumed;
	g_autofree char *name = permission_name(asking->identity, hello);
	Forge__WorkerJoined *joined;
	GError *error = NULL;

	if (!check_hello(hello, &error)) {
		asking_refuse(asking, error);
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
	if (resumed && strcmp(resumed->name, name) == 0 &&
		strcmp(resumed->owner, hello->owner) == 0) {
		welcome(asking, resumed->seq);
		return;
	}
	if (hello->slots < 1 || state->sessions->len >= LIMIT_SESSIONS) {
		decision_refuse(asking->decision, asking->routing, asking->id, FORGE_ERROR_BUSY,
			"no further worker can join: %u are there", state->sessions->len);
		return;
	}
	joined = decision_make(asking->decision, &forge__worker_joined__descriptor);
	joined->name = decision_text(asking->decision, name);
	joined->owner = decision_text(asking->decision, hello->owner);
	joined->slots = MIN(hello->slots, LIMIT_WORKER_SLOTS);
	welcome(asking,
		decision_add(
			asking->view, asking->decision, FORGE__EVENT__KIND_WORKER_JOINED, joined));
}

static void decide_goodbye(const struct asking *asking)
{
	const struct seat *seat = pool_seat(asking->view->pool, asking->peer->session);

	/* The end of a connection is not the session's if that has another by now. */
	if (seat && pool_sits_at(seat, asking->routing))
		decide_worker_gone(asking->view, asking->decision, seat, "it said goodbye");
	asking_answer_done(asking);
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
	submitted.paused = asking->view->state->paused;
	submitted.nobody_works = !has_worker_for(asking->view, asking->peer->owner);
	asking_answer(asking, FORGE__REPLY__KIND_SUBMITTED, &submitted);
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
	batch = *submit->unique_key ? g_hash_table_lookup(state->batch_by_key, submit->unique_key)
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
		asking_refuse(asking, error);
		return;
	}
	name = batch_name_make(view->journal_id, view->state->last_seq + 1, view->now.wall_us);
	opened = decision_make(asking->decision, &forge__batch_opened__descriptor);
	opened->batch = decision_text(asking->decision, name);
	opened->request_id = decision_text(asking->decision, submit->request_id);
	opened->owner = decision_text(asking->decision, asking->peer->owner);
	opened->actor = decision_text(asking->decision, asking->peer->name);
	opened->retry_of = decision_text(asking->decision, submit->retry_of);
	opened->unique_key = decision_text(asking->decision, submit->unique_key);
	opened->kind = submit->kind;
	opened->priority = submit->priority;
	opened->all_forks = submit->all_forks;
	opened->noops = submit->noops;
	opened->not_before_us = submit->not_before_us;
	if (submit->arguments)
		opened->arguments = decision_copy(asking->decision, &submit->arguments->base);
	opened->n_targets = submit->n_targets;
	opened->targets = decision_room(asking->decision, submit->n_targets * sizeof(char *));
	for (size_t i = 0; i < submit->n_targets; i++)
		opened->targets[i] = decision_text(asking->decision, submit->targets[i]);
	seq = decision_add(view, asking->decision, FORGE__EVENT__KIND_BATCH_OPENED, opened);
	decide_small_batch(view, asking->decision, seq, opened);
	answer_submitted(asking, seq, name, FALSE);
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
	asking_answer_done(asking);
	if (job_state_ended(job->state))
		return;
	if (job->state != JOB_LEASED) {
		Forge__JobCancelled *cancelled = decision_make(
			asking->decision, &forge__job_cancelled__descriptor);

		cancelled->job = decide_job_id(asking->decision, batch->seq, job->number);
		decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_JOB_CANCELLED,
			cancelled);
		return;
	}
	if (job->cancel_requested)
		return;
	requested = decision_make(asking->decision, &forge__job_cancel_requested__descriptor);
	requested->job = decide_job_id(asking->decision, batch->seq, job->number);
	requested->actor = decision_text(asking->decision, asking->peer->name);
	decision_add(
		asking->view, asking->decision, FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED, requested);
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
	asking_answer_done(asking);
	if (batch->cancel_requested)
		return;
	requested = decision_make(asking->decision, &forge__batch_cancel_requested__descriptor);
	requested->batch = batch->seq;
	requested->actor = decision_text(asking->decision, asking->peer->name);
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
		asking_refuse(asking, error);
		return;
	}
	known = state_fork(asking->view->state, message->fork->name);
	if (known && *message->request_id && strcmp(known->request_id, message->request_id) == 0) {
		asking_answer_done(asking);
		return;
	}
	if (known) {
		decision_refuse(asking->decision, asking->routing, asking->id,
			FORGE_ERROR_ALREADY_EXISTS,
			"a fork called '%s' is registered already (%s, upstream %s)",
			known->spec->name, known->spec->fork, known->spec->upstream);
		return;
	}
	registered = decision_make(asking->decision, &forge__fork_registered__descriptor);
	registered->fork = decision_copy(asking->decision, &message->fork->base);
	registered->request_id = decision_text(asking->decision, message->request_id);
	registered->actor = decision_text(asking->decision, asking->peer->name);
	decision_add(
		asking->view, asking->decision, FORGE__EVENT__KIND_FORK_REGISTERED, registered);
	asking_answer_done(asking);
}

static void decide_remove_fork(const struct asking *asking, const Forge__RemoveFork *message)
{
	const struct state *state = asking->view->state;
	Forge__ForkRemoved *removed;
	GError *error = NULL;

	/* Asked again: the fork is gone, or another has its name since, which stays. */
	if (state_has_removed(state, message->request_id, message->name)) {
		asking_answer_done(asking);
		return;
	}
	if (!check_key(message->request_id, &error) ||
		!check_fork_is_there(state, message->name, &error)) {
		asking_refuse(asking, error);
		return;
	}
	removed = decision_make(asking->decision, &forge__fork_removed__descriptor);
	removed->name = decision_text(asking->decision, message->name);
	removed->request_id = decision_text(asking->decision, message->request_id);
	removed->actor = decision_text(asking->decision, asking->peer->name);
	decision_add(asking->view, asking->decision, FORGE__EVENT__KIND_FORK_REMOVED, removed);
	asking_answer_done(asking);
}

static void decide_set_paused(const struct asking *asking, gboolean paused)
{
	asking_answer_done(asking);
	if (asking->view->state->paused == paused)
		return;
	if (paused) {
		Forge__QueuePaused *event = decision_make(
			asking->decision, &forge__queue_paused__descriptor);

		event->actor = decision_text(asking->decision, asking->peer->name);
		decision_add(
			asking->view, asking->decision, FORGE__EVENT__KIND_QUEUE_PAUSED, event);
	} else {
		Forge__QueueResumed *event = decision_make(
			asking->decision, &forge__queue_resumed__descriptor);

		event->actor = decision_text(asking->decision, asking->peer->name);
		decision_add(
			asking->view, asking->decision, FORGE__EVENT__KIND_QUEUE_RESUMED, event);
	}
}

/* ---- dispatch ----------------------------------------------------------------------------- */

/* What this build does not understand whole must not get into the journal, where no build of this
 * age could read it. A hello is only read, so that a newer peer can be told of the difference. */
static gboolean is_understood(const struct asking *asking, const Forge__Request *request)
{
	g_autofree char *place = NULL;

	if (request->kind_case == FORGE__REQUEST__KIND_HELLO || event_check(&request->base, &place))
		return TRUE;
	decision_refuse(asking->decision, asking->routing, asking->id, FORGE_ERROR_UNSUPPORTED,
		"this scheduler (%s) does not understand the request: %s", FORGE_VERSION, place);
	return FALSE;
}

static void decide_request(const struct asking *asking, const Forge__Request *request)
{
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
		decide_remove_fork(asking, request->remove_fork);
		return;
	case FORGE__REQUEST__KIND_SET_PAUSED:
		decide_set_paused(asking, request->set_paused->paused);
		return;
	case FORGE__REQUEST__KIND_GOODBYE:
		decide_goodbye(asking);
		return;
	case FORGE__REQUEST__KIND_LIST_COMPONENTS:
		query_components(asking, request->list_components);
		return;
	case FORGE__REQUEST__KIND_LIST_FORKS:
		query_forks(asking, request->list_forks);
		return;
	case FORGE__REQUEST__KIND_LIST_BATCHES:
		query_batches(asking, request->list_batches);
		return;
	case FORGE__REQUEST__KIND_LIST_JOBS:
		query_jobs(asking, request->list_jobs);
		return;
	case FORGE__REQUEST__KIND_GET_STATS:
		query_stats(asking, request->get_stats->digest);
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

static void decide_owner_gone(const struct view *view, const char *owner, struct decision *decision)
{
	for (guint i = 0; i < view->pool->seats->len; i++) {
		const struct seat *seat = view->pool->seats->pdata[i];

		if (strcmp(seat->owner, owner) == 0)
			decide_worker_gone(view, decision, seat, "its process has ended");
	}
}

/*
 * Not so: somebody who knew the scheduler before this one, and a worker that was silent for so long
 * that its session ended.
 */
static gboolean is_greeted(const struct view *view, const struct peer *peer)
{
	return peer && (!peer->session || pool_seat(view->pool, peer->session));
}

/* What a peer may not ask for is refused before anything else is said, also to a stranger. */
static gboolean is_permitted(const struct asking *asking, const Forge__Request *request)
{
	GError *error = NULL;

	if (permission_check(asking->identity, request, &error))
		return TRUE;
	asking_refuse(asking, error);
	return FALSE;
}

void decide(const struct view *view, const struct input *input, struct decision *decision)
{
	struct asking asking = {.view = view,
		.identity = input->identity,
		.routing = input->routing,
		.decision = decision};
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;

	if (input->kind == INPUT_OWNER_GONE) {
		decide_owner_gone(view, input->owner, decision);
		return;
	}
	asking.id = input->request->id;
	asking.peer = pool_peer(view->pool, input->routing);
	if (!is_permitted(&asking, input->request))
		return;
	if (is_greeted(view, asking.peer) ||
		input->request->kind_case == FORGE__REQUEST__KIND_HELLO) {
		decide_request(&asking, input->request);
		return;
	}
	/* It has to say hello again, and then learns what became of its leases. */
	reply.id = input->request->id;
	reply.kind_case = FORGE__REPLY__KIND_GOODBYE;
	reply.goodbye = &goodbye;
	decision_reply(decision, input->routing, &reply);
}
