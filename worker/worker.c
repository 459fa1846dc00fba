/*
 * The worker's own thread: it alone talks to the scheduler. It joins, beats, takes grants, passes
 * reports on and hands jobs back; slots run the jobs.
 *
 * Reports are kept until they are answered. They are sent again after the worker has joined again,
 * so a scheduler that was replaced meanwhile gets them too, and when no answer comes, since a
 * connection that broke takes along what was on its way. A worker that has not heard of the
 * scheduler for a whole lease stops its jobs: by then they may have been given to another. Leases
 * lost, jobs cancelled and reports that come too late are all told by the scheduler; nothing is
 * concluded here.
 */
#include "worker/worker.h"

#include "journal/base/clock.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/protocol.h"
#include "worker/reports.h"
#include "worker/slots.h"

enum phase {
	PHASE_GREETING, /* said hello, not welcomed yet */
	PHASE_JOINED,
	PHASE_REFUSED, /* the scheduler did not want this worker; asked again now and then */
};

enum stop {
	STOP_NOT,
	STOP_FINISH, /* take nothing more, let running jobs end */
	STOP_RETURN, /* hand back what runs */
};

struct worker {
	struct bus *bus;
	struct bus_socket *socket;
	struct bus_socket *pipe;
	char *pipe_name;
	char *name;
	char *owner;
	uint32_t n_slots;
	struct workshop workshop; /* its configuration is shared */
	void (*turned)(gboolean joined, gpointer user_data);
	gpointer user_data;
	struct slots *slots;
	GAsyncQueue *messages; /* of struct slot_message */
	GAsyncQueue *configs;  /* of struct config, owned, to be taken over */
	GThread *thread;
	gint stopping;           /* atomic, enum stop; only ever grows */
	int64_t finish_until_ms; /* written before `stopping`, read after it */

	/* The thread's own. */
	enum phase phase;
	uint64_t session;
	uint64_t next_id;
	uint64_t hello_id;   /* of the last hello */
	gboolean said_alone; /* to the log, since it was joined last */
	gboolean drains;     /* the scheduler was told to grant nothing more */
	GPtrArray *held;     /* of struct assignment, owned, in the order granted */
	struct reports *reports;
	int64_t heartbeat_ms;
	int64_t next_beat_ms;
	int64_t heard_ms;
};

/* ---- sending ------------------------------------------------------------------------------ */

static GBytes *pack_request(
	struct worker *worker, Forge__Request__KindCase kind, gpointer payload, uint64_t *id)
{
	Forge__Request request = FORGE__REQUEST__INIT;

	request.id = *id = worker->next_id++;
	request.kind_case = kind;
	request.goodbye = payload;
	return message_pack(&request.base);
}

/* Returns the request's id. */
static uint64_t send_request(struct worker *worker, Forge__Request__KindCase kind, gpointer payload)
{
	uint64_t id;
	g_autoptr(GBytes) message = pack_request(worker, kind, payload, &id);

	bus_send(worker->socket, NULL, message);
	return id;
}

static void say_hello(struct worker *worker)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_WORKER;
	hello.build = (char *)FORGE_VERSION;
	hello.name = worker->name;
	hello.owner = worker->owner;
	/* As many again wait here, so that a slot never waits for the scheduler. */
	hello.slots = worker->n_slots * 2;
	hello.resume_session = worker->session;
	worker->hello_id = send_request(worker, FORGE__REQUEST__KIND_HELLO, &hello);
}

static void beat(struct worker *worker)
{
	g_autofree Forge__LeaseRef *refs = g_new(Forge__LeaseRef, worker->held->len + 1);
	g_autofree Forge__LeaseRef **pointers = g_new(Forge__LeaseRef *, worker->held->len + 1);
	Forge__Heartbeat heartbeat = FORGE__HEARTBEAT__INIT;

	for (guint i = 0; i < worker->held->len; i++) {
		const struct assignment *assignment = worker->held->pdata[i];

		forge__lease_ref__init(&refs[i]);
		refs[i].job = assignment->job->job;
		refs[i].attempt = assignment->job->attempt;
		pointers[i] = &refs[i];
	}
	heartbeat.n_held = worker->held->len;
	heartbeat.held = pointers;
	heartbeat.draining = worker->drains = g_atomic_int_get(&worker->stopping) != STOP_NOT;
	send_request(worker, FORGE__REQUEST__KIND_HEARTBEAT, &heartbeat);
}

static void hand_back(struct worker *worker, const Forge__GrantedJob *job)
{
	Forge__LeaseRef ref = FORGE__LEASE_REF__INIT, *refs[1] = {&ref};
	Forge__ReturnJobs message = FORGE__RETURN_JOBS__INIT;

	ref.job = job->job;
	ref.attempt = job->attempt;
	message.n_jobs = 1;
	message.jobs = refs;
	send_request(worker, FORGE__REQUEST__KIND_RETURN_JOBS, &message);
}

/* ---- assignments -------------------------------------------------------------------------- */

static void drop_assignment(struct worker *worker, struct assignment *assignment)
{
	g_ptr_array_remove(worker->held, assignment);
	assignment_free(assignment);
}

static struct assignment *find_assignment(const struct worker *worker, const Forge__LeaseRef *ref)
{
	for (guint i = 0; ref->job && i < worker->held->len; i++) {
		struct assignment *assignment = worker->held->pdata[i];
		const Forge__GrantedJob *job = assignment->job;

		if (job->job->batch == ref->job->batch && job->job->number == ref->job->number &&
			job->attempt == ref->attempt)
			return assignment;
	}
	return NULL;
}

static void take_grant(struct worker *worker, const Forge__Grant *grant)
{
	for (size_t i = 0; i < grant->n_jobs; i++) {
		Forge__LeaseRef ref = FORGE__LEASE_REF__INIT;
		struct assignment *assignment;

		ref.job = grant->jobs[i]->job;
		ref.attempt = grant->jobs[i]->attempt;
		/* A grant may come twice. */
		if (!ref.job || find_assignment(worker, &ref))
			continue;
		if (g_atomic_int_get(&worker->stopping) != STOP_NOT) {
			hand_back(worker, grant->jobs[i]);
			continue;
		}
		assignment = assignment_new(grant->jobs[i], &worker->workshop);
		g_ptr_array_add(worker->held, assignment);
		slots_put(worker->slots, assignment);
	}
}

static void take_revoke(struct worker *worker, const Forge__Revoke *message)
{
	for (size_t i = 0; i < message->n_jobs; i++) {
		struct assignment *assignment = find_assignment(worker, message->jobs[i]);

		if (!assignment)
			continue;
		g_atomic_int_set(&assignment->revoked, 1);
		g_atomic_int_set(&assignment->budget.cancelled, 1);
	}
}

static void cancel_running(struct worker *worker)
{
	for (guint i = 0; i < worker->held->len; i++) {
		struct assignment *assignment = worker->held->pdata[i];

		g_atomic_int_set(&assignment->budget.cancelled, 1);
	}
}

static void settle(struct worker *worker, uint64_t id, enum report_answer answer)
{
	struct assignment *ended = reports_settle(worker->reports, id, answer);

	if (ended)
		drop_assignment(worker, ended);
}

/* ---- receiving ---------------------------------------------------------------------------- */

static void greet(struct worker *worker, int64_t now_ms)
{
	worker->phase = PHASE_GREETING;
	say_hello(worker);
	worker->next_beat_ms = now_ms + LIMIT_HELLO_MS;
}

static void joined(struct worker *worker, const Forge__Welcome *welcome)
{
	/* Said hello several times, it is welcomed several times. */
	if (worker->phase == PHASE_JOINED && worker->session == welcome->session)
		return;
	worker->phase = PHASE_JOINED;
	worker->said_alone = FALSE;
	worker->session = welcome->session;
	worker->heartbeat_ms = MAX(welcome->heartbeat_ms, LIMIT_HELLO_MS);
	worker->next_beat_ms = 0;
	reports_send_again(worker->reports, 0);
}

static void take_error(struct worker *worker, const Forge__Reply *reply, int64_t now_ms)
{
	if (worker->phase == PHASE_GREETING && reply->id == worker->hello_id) {
		g_warning("scheduler refused this worker: %s", reply->error->message);
		worker->phase = PHASE_REFUSED;
		worker->next_beat_ms = now_ms + LIMIT_REFUSED_MS;
		return;
	}
	g_warning("scheduler refused a request: %s", reply->error->message);
	settle(worker, reply->id, REPORT_LEASE_LOST);
}

static void take_reply(struct worker *worker, const Forge__Reply *reply)
{
	int64_t now_ms = clock_now().monotonic_ms;

	worker->heard_ms = now_ms;
	switch (reply->kind_case) {
	case FORGE__REPLY__KIND_WELCOME:
		joined(worker, reply->welcome);
		return;
	case FORGE__REPLY__KIND_GOODBYE:
		if (worker->phase == PHASE_JOINED)
			greet(worker, now_ms);
		return;
	case FORGE__REPLY__KIND_GRANT:
		take_grant(worker, reply->grant);
		return;
	case FORGE__REPLY__KIND_REVOKE:
		take_revoke(worker, reply->revoke);
		return;
	case FORGE__REPLY__KIND_RECORDED:
		settle(worker, reply->id,
			reply->recorded->lease_lost ? REPORT_LEASE_LOST : REPORT_RECORDED);
		return;
	case FORGE__REPLY__KIND_ERROR:
		take_error(worker, reply, now_ms);
		return;
	case FORGE__REPLY__KIND_DONE:
	case FORGE__REPLY__KIND_SUBMITTED:
	case FORGE__REPLY__KIND_FORK_ROWS:
	case FORGE__REPLY__KIND_COMPONENT_ROWS:
	case FORGE__REPLY__KIND_BATCH_ROWS:
	case FORGE__REPLY__KIND_JOB_ROWS:
	case FORGE__REPLY__KIND_STATS:
	case FORGE__REPLY__KIND_EVENTS:
	case FORGE__REPLY__KIND__NOT_SET:
	case _FORGE__REPLY__KIND__CASE_IS_INT_SIZE:
		return;
	}
}

static void receive_all(struct worker *worker)
{
	GBytes *message;

	while ((message = bus_receive(worker->socket, NULL))) {
		gsize size;
		const uint8_t *data = g_bytes_get_data(message, &size);
		Forge__Reply *reply = forge__reply__unpack(NULL, size, data);

		if (reply)
			take_reply(worker, reply);
		if (reply)
			forge__reply__free_unpacked(reply, NULL);
		g_bytes_unref(message);
	}
}

/* ---- what slots say ----------------------------------------------------------------------- */

static void send_report(struct worker *worker, const struct slot_message *message)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(message->report, &size);
	Forge__Report *report = forge__report__unpack(NULL, size, data);
	GBytes *request;
	uint64_t id;

	request = pack_request(worker, FORGE__REQUEST__KIND_REPORT, report, &id);
	forge__report__free_unpacked(report, NULL);
	reports_add(worker->reports, id, request, message->assignment, message->is_end);
	if (worker->phase == PHASE_JOINED)
		reports_send(worker->reports, id);
	if (!message->is_end && g_atomic_int_get(&worker->stopping) == STOP_RETURN)
		settle(worker, id, REPORT_STOPPING);
}

static void send_progress(struct worker *worker, const struct slot_message *message)
{
	Forge__Progress progress = FORGE__PROGRESS__INIT;

	progress.job = message->assignment->job->job;
	progress.attempt = message->assignment->job->attempt;
	progress.text = message->text;
	progress.bytes = message->bytes;
	send_request(worker, FORGE__REQUEST__KIND_PROGRESS, &progress);
}

static void take_slot_messages(struct worker *worker)
{
	struct slot_message *message;

	while ((message = g_async_queue_try_pop(worker->messages))) {
		switch (message->kind) {
		case SLOT_REPORT:
			send_report(worker, message);
			break;
		case SLOT_RETURNED:
			hand_back(worker, message->assignment->job);
			drop_assignment(worker, message->assignment);
			break;
		case SLOT_PROGRESS:
			send_progress(worker, message);
			break;
		}
		slot_message_free(message);
	}
}

static void drain_pipe(struct worker *worker)
{
	GBytes *poke, *routing = NULL;

	while ((poke = bus_receive(worker->pipe, &routing))) {
		g_bytes_unref(poke);
		g_clear_pointer(&routing, g_bytes_unref);
	}
}

/* ---- configuration ------------------------------------------------------------------------ */

static void use_config(struct worker *worker, struct config *take_config)
{
	g_autoptr(GPtrArray) unstarted = g_ptr_array_new();
	struct assignment *assignment;

	config_free((struct config *)worker->workshop.config);
	worker->workshop.config = take_config;
	while ((assignment = slots_take_back(worker->slots)))
		g_ptr_array_add(unstarted, assignment);
	for (guint i = 0; i < unstarted->len; i++) {
		assignment_configure(unstarted->pdata[i], take_config);
		slots_put(worker->slots, unstarted->pdata[i]);
	}
}

static void take_configs(struct worker *worker)
{
	struct config *config;

	while ((config = g_async_queue_try_pop(worker->configs)))
		use_config(worker, config);
}

/* ---- the thread --------------------------------------------------------------------------- */

/* TRUE if there is no scheduler, and there was time enough for another to come. */
static gboolean is_alone(const struct worker *worker, int64_t now_ms)
{
	return worker->phase == PHASE_GREETING && now_ms > worker->heard_ms + LIMIT_ANSWER_MS;
}

static void keep_time(struct worker *worker)
{
	int64_t now_ms = clock_now().monotonic_ms;

	if (now_ms < worker->next_beat_ms)
		return;
	if (worker->phase == PHASE_JOINED) {
		beat(worker);
		reports_send_again(worker->reports, LIMIT_ANSWER_MS);
		worker->next_beat_ms = now_ms + worker->heartbeat_ms;
	} else {
		if (is_alone(worker, now_ms) && !worker->said_alone)
			g_warning(
				"no scheduler answers: none runs, or it does not know this worker's key");
		worker->said_alone |= is_alone(worker, now_ms);
		greet(worker, now_ms);
	}
	if (now_ms - worker->heard_ms > LIMIT_LEASE_MS && worker->held->len > 0) {
		g_warning("scheduler not heard of for %d ms: stopping jobs", LIMIT_LEASE_MS);
		cancel_running(worker);
		reports_settle_facts(worker->reports, REPORT_LEASE_LOST);
		worker->heard_ms = now_ms;
	}
}

static void return_unstarted(struct worker *worker)
{
	struct assignment *assignment;

	while ((assignment = slots_take_back(worker->slots))) {
		hand_back(worker, assignment->job);
		drop_assignment(worker, assignment);
	}
}

/* TRUE once nothing keeps the thread: all is settled, or nobody settles it in time. */
static gboolean may_leave(struct worker *worker, int64_t now_ms)
{
	gint stopping = g_atomic_int_get(&worker->stopping);

	if (stopping == STOP_NOT)
		return FALSE;
	/* Told before anything is handed back, or that would be granted to this worker again. */
	if (worker->phase == PHASE_JOINED && !worker->drains)
		beat(worker);
	return_unstarted(worker);
	if (stopping == STOP_FINISH && now_ms > worker->finish_until_ms)
		g_atomic_int_set(&worker->stopping, STOP_RETURN);
	if (g_atomic_int_get(&worker->stopping) == STOP_RETURN) {
		cancel_running(worker);
		reports_settle_facts(worker->reports, REPORT_STOPPING);
	}
	/* Ends that nobody answers are found out again by whoever runs the jobs next. */
	return worker->held->len == 0 || worker->phase == PHASE_REFUSED ||
		(g_atomic_int_get(&worker->stopping) == STOP_RETURN && is_alone(worker, now_ms)) ||
		now_ms > worker->finish_until_ms + LIMIT_STOP_MS;
}

static gboolean is_answer_to(GBytes *message, uint64_t id)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);
	Forge__Reply *reply = forge__reply__unpack(NULL, size, data);
	gboolean is = reply && reply->id == id;

	if (reply)
		forge__reply__free_unpacked(reply, NULL);
	return is;
}

/*
 * Says goodbye and waits a little until that is recorded: the scheduler may be part of this
 * process, and stop next. What it says meanwhile concerns nobody any more.
 */
static void leave(struct worker *worker)
{
	Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;
	uint64_t id = send_request(worker, FORGE__REQUEST__KIND_GOODBYE, &goodbye);
	int64_t until_ms = clock_now().monotonic_ms + LIMIT_GOODBYE_MS;
	int64_t left_ms;

	while ((left_ms = until_ms - clock_now().monotonic_ms) > 0) {
		g_autoptr(GBytes) message = NULL;

		bus_wait(&worker->socket, 1, left_ms);
		message = bus_receive(worker->socket, NULL);
		if (message && is_answer_to(message, id))
			return;
	}
}

static gpointer run_worker(gpointer data)
{
	struct worker *worker = data;
	struct bus_socket *sockets[] = {worker->socket, worker->pipe};

	worker->heard_ms = clock_now().monotonic_ms;
	greet(worker, worker->heard_ms);
	while (!may_leave(worker, clock_now().monotonic_ms)) {
		int64_t now_ms = clock_now().monotonic_ms;

		bus_wait(sockets, G_N_ELEMENTS(sockets),
			CLAMP(worker->next_beat_ms - now_ms, 0, LIMIT_HELLO_MS));
		if (worker->turned)
			worker->turned(worker->phase == PHASE_JOINED, worker->user_data);
		drain_pipe(worker);
		take_configs(worker);
		take_slot_messages(worker);
		receive_all(worker);
		keep_time(worker);
	}
	if (worker->phase == PHASE_JOINED)
		leave(worker);
	return NULL;
}

/* ---- starting and stopping ---------------------------------------------------------------- */

struct worker *worker_start(const struct worker_options *options, GError **error)
{
	struct bus_socket *socket = options->keys
		? bus_connect_secured(options->bus, options->endpoint, options->keys,
			  options->server_key, error)
		: bus_connect(options->bus, options->endpoint, error);
	struct worker *worker;

	if (!socket)
		return NULL;
	worker = g_new0(struct worker, 1);
	worker->bus = options->bus;
	worker->socket = socket;
	worker->name = g_strdup(options->name);
	worker->owner = g_strdup(options->owner);
	worker->n_slots = options->slots;
	worker->workshop = *options->workshop;
	worker->workshop.config = config_share(options->workshop->config);
	worker->turned = options->turned;
	worker->user_data = options->user_data;
	worker->configs = g_async_queue_new_full((GDestroyNotify)config_free);
	worker->pipe_name = bus_pipe_name("worker");
	worker->pipe = bus_pull(options->bus, worker->pipe_name);
	worker->messages = g_async_queue_new();
	worker->held = g_ptr_array_new();
	worker->reports = reports_new(socket);
	worker->next_id = 1;
	worker->heartbeat_ms = LIMIT_HEARTBEAT_MS;
	worker->slots = slots_new(
		options->slots, options->bus, worker->pipe_name, worker->messages);
	worker->thread = g_thread_new("worker", run_worker, worker);
	return worker;
}

/* Makes the worker's thread go round. */
static void wake(struct worker *worker)
{
	scoped(bus_socket) pipe = bus_push(worker->bus, worker->pipe_name);
	g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);

	bus_send(pipe, nothing, nothing);
}

void worker_configure(struct worker *worker, const struct config *config)
{
	g_async_queue_push(worker->configs, config_share(config));
	wake(worker);
}

void worker_stop(struct worker *worker, int64_t finish_ms)
{
	struct slot_message *message;

	if (!worker)
		return;
	worker->finish_until_ms = clock_now().monotonic_ms + finish_ms;
	g_atomic_int_set(&worker->stopping, finish_ms > 0 ? STOP_FINISH : STOP_RETURN);
	wake(worker);
	g_thread_join(worker->thread);

	/* A job that did not stop in time still ends before its memory goes; nobody answers its
	 * reports. */
	for (guint i = 0; i < worker->held->len; i++)
		assignment_abandon(worker->held->pdata[i]);
	slots_free(worker->slots);
	while ((message = g_async_queue_try_pop(worker->messages)))
		slot_message_free(message);
	for (guint i = 0; i < worker->held->len; i++)
		assignment_free(worker->held->pdata[i]);
	g_ptr_array_free(worker->held, TRUE);
	reports_free(worker->reports);
	g_async_queue_unref(worker->messages);
	g_async_queue_unref(worker->configs);
	config_free((struct config *)worker->workshop.config);
	bus_socket_close(worker->socket);
	bus_socket_close(worker->pipe);
	g_free(worker->pipe_name);
	g_free(worker->name);
	g_free(worker->owner);
	g_free(worker);
}
