/*
 * A worker as worker.c is one, on virtual time: hello until welcomed, a heartbeat a second, reports
 * kept until they are answered and sent again after a while and under a new session. It believes
 * the scheduler's word on leases and nothing else, and while it is frozen it believes nothing at
 * all: whatever was planned happens when it wakes up.
 *
 * A push is on its way to the git server by itself: it arrives even if the worker has crashed
 * meanwhile.
 */
#include "tests/simulation/sim_worker.h"

#include <string.h>

#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/protocol.h"
#include "tests/simulation/sim_git.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_job.h"

#define ANSWER_MS 2000
#define TICK_MS 500

struct pending {
	uint64_t id;
	uint64_t job; /* stamp */
	GBytes *request;
	int64_t sent_ms;
};

struct sim_worker {
	struct world *world;
	const struct sim_client *client; /* NULL: a daemon */
	char *name;
	char *owner;
	uint32_t slots;
	guint connection;
	GBytes *address; /* NULL: not running */
	int64_t frozen_until_ms;
	gboolean joined;
	gboolean draining;
	uint64_t session;
	uint64_t next_id;
	uint64_t next_stamp;
	GPtrArray *held;    /* of struct sim_job, in the order granted */
	GPtrArray *pending; /* of struct pending */
	int64_t beat_ms;    /* next heartbeat or hello */
};

static void tick(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message);
static void step(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message);

static void free_pending(gpointer data)
{
	struct pending *pending = data;

	g_bytes_unref(pending->request);
	g_free(pending);
}

/* ---- sending ------------------------------------------------------------------------------ */

static GBytes *pack(struct sim_worker *worker, Forge__Request__KindCase kind, gpointer payload)
{
	Forge__Request request = FORGE__REQUEST__INIT;

	request.id = worker->next_id++;
	request.kind_case = kind;
	request.hello = payload;
	return message_pack(&request.base);
}

static void send(struct sim_worker *worker, Forge__Request__KindCase kind, gpointer payload)
{
	g_autoptr(GBytes) message = pack(worker, kind, payload);

	network_send_again(worker->world, worker->address, message);
}

static void say_hello(struct sim_worker *worker)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_WORKER;
	hello.build = (char *)"simulated";
	hello.name = worker->name;
	hello.owner = worker->owner;
	hello.slots = worker->slots * 2;
	hello.resume_session = worker->session;
	send(worker, FORGE__REQUEST__KIND_HELLO, &hello);
	worker->joined = FALSE;
	worker->beat_ms = worker->world->now_ms + LIMIT_HEARTBEAT_MS;
}

static void fill_ref(Forge__LeaseRef *ref, const struct sim_job *job)
{
	forge__lease_ref__init(ref);
	ref->job = job->granted->job;
	ref->attempt = job->granted->attempt;
}

static void beat(struct sim_worker *worker)
{
	guint n = worker->held->len;
	g_autofree Forge__LeaseRef *refs = g_new(Forge__LeaseRef, n + 1);
	g_autofree Forge__LeaseRef **pointers = g_new(Forge__LeaseRef *, n + 1);
	Forge__Heartbeat heartbeat = FORGE__HEARTBEAT__INIT;

	for (guint i = 0; i < n; i++) {
		fill_ref(&refs[i], worker->held->pdata[i]);
		pointers[i] = &refs[i];
	}
	heartbeat.n_held = n;
	heartbeat.held = pointers;
	heartbeat.draining = worker->draining;
	send(worker, FORGE__REQUEST__KIND_HEARTBEAT, &heartbeat);
	worker->beat_ms = worker->world->now_ms + LIMIT_HEARTBEAT_MS;
}

static void send_report(
	struct sim_worker *worker, struct sim_job *job, const struct sim_result *result)
{
	Forge__Report report = FORGE__REPORT__INIT;
	struct pending *pending = g_new0(struct pending, 1);

	report.job = job->granted->job;
	report.attempt = job->granted->attempt;
	report.n_facts = result->facts->len;
	report.facts = (Forge__Fact **)result->facts->pdata;
	report.end = result->end;
	pending->id = worker->next_id;
	pending->job = job->stamp;
	pending->request = pack(worker, FORGE__REQUEST__KIND_REPORT, &report);
	pending->sent_ms = worker->world->now_ms;
	g_ptr_array_add(worker->pending, pending);
	if (worker->joined)
		network_send_again(worker->world, worker->address, pending->request);
}

/* ---- jobs --------------------------------------------------------------------------------- */

static struct sim_job *job_stamped(const struct sim_worker *worker, uint64_t stamp)
{
	for (guint i = 0; i < worker->held->len; i++)
		if (((struct sim_job *)worker->held->pdata[i])->stamp == stamp)
			return worker->held->pdata[i];
	return NULL;
}

static struct sim_job *job_named(const struct sim_worker *worker, const Forge__LeaseRef *ref)
{
	for (guint i = 0; i < worker->held->len; i++) {
		struct sim_job *job = worker->held->pdata[i];

		if (job->granted->job->batch == ref->job->batch &&
			job->granted->job->number == ref->job->number &&
			job->granted->attempt == ref->attempt)
			return job;
	}
	return NULL;
}

static int64_t some_time_ms(const struct sim_worker *worker)
{
	int64_t longest_ms = worker->world->profile->job_ms;

	return world_between(
		worker->world, 1, worker->world->calm ? MIN(longest_ms, 500) : longest_ms);
}

static void plan_step(struct sim_worker *worker, struct sim_job *job)
{
	world_plan(worker->world, some_time_ms(worker), step, worker, job->stamp, NULL, NULL);
}

/* As many jobs run as there are slots; the others wait for one. */
static void start_jobs(struct sim_worker *worker)
{
	guint running = 0;

	for (guint i = 0; i < worker->held->len; i++)
		running += ((struct sim_job *)worker->held->pdata[i])->step != SIM_STEP_UNSTARTED;
	for (guint i = 0; i < worker->held->len && running < worker->slots; i++) {
		struct sim_job *job = worker->held->pdata[i];

		if (job->step != SIM_STEP_UNSTARTED)
			continue;
		job->step = SIM_STEP_NEXT;
		job->branch = G_MAXUINT; /* the branch before the first */
		plan_step(worker, job);
		running++;
	}
}

static void drop(struct sim_worker *worker, struct sim_job *job)
{
	g_ptr_array_remove(worker->held, job);
	start_jobs(worker);
}

static void push_arrives(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	struct sim_worker *worker = subject;
	Forge__ForkSynced *fact = NULL;
	struct sim_job *job = job_stamped(worker, stamp);
	struct git_move move;
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);
	Forge__Reported *reported = forge__reported__unpack(NULL, size, data);
	gboolean taken;

	(void)routing;
	fact = reported->fact->fork_synced;
	move = (struct git_move){.fork = fact->fork,
		.branch = fact->branch,
		.before = fact->before,
		.after = fact->after,
		.batch = reported->job->batch,
		.number = reported->job->number,
		.attempt = reported->attempt};
	taken = sim_git_push(world->git, &move);
	if (taken)
		oracle_check_push(world->oracle, &move);
	/* The answer may get lost on its way. */
	if (job && !world_misfortune(world, world->profile->drop))
		job->push_taken = taken;
	if (job)
		plan_step(worker, job);
	forge__reported__free_unpacked(reported, NULL);
}

static void push(struct sim_worker *worker, struct sim_job *job)
{
	Forge__Reported reported = FORGE__REPORTED__INIT;
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	g_autoptr(GBytes) message = NULL;

	synced.fork = job->granted->fork->fork;
	synced.branch = (char *)sim_job_branch(job);
	synced.before = job->before;
	synced.after = job->after;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	reported.job = job->granted->job;
	reported.attempt = job->granted->attempt;
	reported.fact = &fact;
	message = message_pack(&reported.base);
	world_plan(worker->world, some_time_ms(worker), push_arrives, worker, job->stamp, NULL,
		message);
}

static void step(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	struct sim_worker *worker = subject;
	struct sim_job *job = job_stamped(worker, stamp);
	scoped_value(sim_result) result = {0};

	if (!job || job->step == SIM_STEP_ENDED)
		return;
	if (world->now_ms < worker->frozen_until_ms) {
		world_plan(world, worker->frozen_until_ms - world->now_ms, step, worker, stamp,
			routing, message);
		return;
	}
	sim_job_step(world, job, &result);
	if (result.push)
		push(worker, job);
	else if (result.has_report)
		send_report(worker, job, &result);
	else
		plan_step(worker, job);
}

static void return_job(struct sim_worker *worker, struct sim_job *job)
{
	Forge__LeaseRef ref, *refs[2] = {&ref, &ref};
	Forge__ReturnJobs message = FORGE__RETURN_JOBS__INIT;

	fill_ref(&ref, job);
	/* A careless worker names a job twice. */
	message.n_jobs = chance_happens(&worker->world->chance, 100) ? 2 : 1;
	message.jobs = refs;
	send(worker, FORGE__REQUEST__KIND_RETURN_JOBS, &message);
	drop(worker, job);
}

/* ---- receiving ---------------------------------------------------------------------------- */

static void take_grant(struct sim_worker *worker, const Forge__Grant *grant)
{
	for (size_t i = 0; i < grant->n_jobs; i++) {
		Forge__LeaseRef ref = FORGE__LEASE_REF__INIT;

		ref.job = grant->jobs[i]->job;
		ref.attempt = grant->jobs[i]->attempt;
		if (worker->draining || job_named(worker, &ref))
			continue;
		g_ptr_array_add(worker->held, sim_job_new(grant->jobs[i], worker->next_stamp++));
	}
	start_jobs(worker);
}

static void take_revoke(struct sim_worker *worker, const Forge__Revoke *revoke)
{
	for (size_t i = 0; i < revoke->n_jobs; i++) {
		struct sim_job *job = job_named(worker, revoke->jobs[i]);

		if (job)
			job->revoked = TRUE;
	}
}

static void take_recorded(struct sim_worker *worker, uint64_t id, gboolean lease_lost)
{
	struct pending *pending = NULL;
	struct sim_job *job;

	for (guint i = 0; i < worker->pending->len && !pending; i++)
		if (((struct pending *)worker->pending->pdata[i])->id == id)
			pending = worker->pending->pdata[i];
	if (!pending)
		return;
	job = job_stamped(worker, pending->job);
	if (!lease_lost)
		oracle_check_recorded(worker->world->oracle, pending->request);
	g_ptr_array_remove(worker->pending, pending);
	if (job && (lease_lost || job->step == SIM_STEP_ENDED))
		drop(worker, job);
	else if (job)
		plan_step(worker, job);
}

static void take_welcome(struct sim_worker *worker, const Forge__Welcome *welcome)
{
	worker->joined = TRUE;
	worker->session = welcome->session;
	worker->beat_ms = 0;
	for (guint i = 0; i < worker->pending->len; i++)
		network_send_again(worker->world, worker->address,
			((struct pending *)worker->pending->pdata[i])->request);
}

static void deliver_late(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);
	Forge__Reply *reply = forge__reply__unpack(NULL, size, data);

	(void)world, (void)stamp;
	sim_worker_receive(subject, routing, reply, message);
	forge__reply__free_unpacked(reply, NULL);
}

void sim_worker_receive(
	struct sim_worker *worker, GBytes *routing, const Forge__Reply *reply, GBytes *message)
{
	if (!worker->address || !g_bytes_equal(worker->address, routing))
		return;
	if (worker->world->now_ms < worker->frozen_until_ms) {
		world_plan(worker->world, worker->frozen_until_ms - worker->world->now_ms,
			deliver_late, worker, 0, routing, message);
		return;
	}
	/* Answers that others get, and those that need nothing done, are passed over. */
	if (reply->kind_case == FORGE__REPLY__KIND_WELCOME)
		take_welcome(worker, reply->welcome);
	else if (reply->kind_case == FORGE__REPLY__KIND_GOODBYE && worker->joined)
		say_hello(worker);
	else if (reply->kind_case == FORGE__REPLY__KIND_GRANT)
		take_grant(worker, reply->grant);
	else if (reply->kind_case == FORGE__REPLY__KIND_REVOKE)
		take_revoke(worker, reply->revoke);
	else if (reply->kind_case == FORGE__REPLY__KIND_RECORDED)
		take_recorded(worker, reply->id, reply->recorded->lease_lost);
	else if (reply->kind_case == FORGE__REPLY__KIND_ERROR)
		world_fail(
			worker->world, "%s was refused: %s", worker->name, reply->error->message);
}

/* ---- living ------------------------------------------------------------------------------- */

static void come_up(struct sim_worker *worker)
{
	g_autofree char *address = g_strdup_printf("%s#%u", worker->name, worker->connection++);

	worker->address = g_bytes_new(address, strlen(address));
	worker->draining = FALSE;
	worker->frozen_until_ms = 0;
	worker->beat_ms = 0;
	worker->joined = FALSE;
}

static void go_down(struct sim_worker *worker)
{
	g_clear_pointer(&worker->address, g_bytes_unref);
	g_ptr_array_set_size(worker->held, 0);
	g_ptr_array_set_size(worker->pending, 0);
	/* Some remember their session though they lost all else. */
	if (chance_happens(&worker->world->chance, 700))
		worker->session = 0;
	worker->joined = FALSE;
	if (!worker->client)
		return;
	g_free(worker->owner);
	worker->owner = g_strdup(sim_client_owner(worker->client));
}

static void leave(struct sim_worker *worker)
{
	Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;

	while (worker->held->len > 0 && chance_happens(&worker->world->chance, 900))
		return_job(worker, worker->held->pdata[worker->held->len - 1]);
	send(worker, FORGE__REQUEST__KIND_GOODBYE, &goodbye);
	go_down(worker);
	worker->session = 0;
}

static void resend(struct sim_worker *worker)
{
	int64_t now_ms = worker->world->now_ms;

	for (guint i = 0; i < worker->pending->len; i++) {
		struct pending *pending = worker->pending->pdata[i];

		if (now_ms < pending->sent_ms + ANSWER_MS)
			continue;
		pending->sent_ms = now_ms;
		network_send_again(worker->world, worker->address, pending->request);
	}
}

/* Now and then an unstarted job goes back, though nobody leaves. */
static void return_some(struct sim_worker *worker)
{
	struct sim_job *last = worker->held->len ? worker->held->pdata[worker->held->len - 1]
						 : NULL;

	if (last && last->step == SIM_STEP_UNSTARTED && world_misfortune(worker->world, 50))
		return_job(worker, last);
}

static void act(struct sim_worker *worker)
{
	struct world *world = worker->world;

	if (world->now_ms >= worker->beat_ms && worker->joined)
		beat(worker);
	else if (world->now_ms >= worker->beat_ms)
		say_hello(worker);
	if (worker->joined)
		resend(worker);
	if (worker->joined)
		return_some(worker);
	if (world_misfortune(world, world->profile->worker_leave / 2))
		worker->draining = TRUE;
	if (worker->draining && chance_happens(&world->chance, 200))
		leave(worker);
	else if (world_misfortune(world, world->profile->worker_freeze / 2))
		worker->frozen_until_ms = world->now_ms +
			world_between(world, 100, world->profile->freeze_ms);
}

static gboolean process_is_gone(const struct sim_worker *worker)
{
	return worker->client && strcmp(sim_client_owner(worker->client), worker->owner) != 0;
}

static void tick(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	struct sim_worker *worker = subject;

	(void)stamp, (void)routing, (void)message;
	if (process_is_gone(worker) || world_misfortune(world, world->profile->worker_crash / 2))
		go_down(worker);
	if (!worker->address && (world->calm || chance_happens(&world->chance, 250)))
		come_up(worker);
	if (worker->address && world->now_ms >= worker->frozen_until_ms)
		act(worker);
	world_plan(world, TICK_MS, tick, worker, 0, NULL, NULL);
}

struct sim_worker *sim_worker_new(struct world *world, guint index, const struct sim_client *client)
{
	struct sim_worker *worker = g_new0(struct sim_worker, 1);

	worker->world = world;
	worker->client = client;
	worker->name = g_strdup_printf("worker%u", index);
	worker->owner = g_strdup(client ? sim_client_owner(client) : "");
	worker->slots = (uint32_t)world_between(world, 1, 4);
	worker->next_id = 1;
	worker->next_stamp = 1;
	worker->held = g_ptr_array_new_with_free_func((GDestroyNotify)sim_job_free);
	worker->pending = g_ptr_array_new_with_free_func(free_pending);
	world_plan(world, world_between(world, 1, TICK_MS), tick, worker, 0, NULL, NULL);
	return worker;
}

void sim_worker_free(struct sim_worker *worker)
{
	g_clear_pointer(&worker->address, g_bytes_unref);
	g_ptr_array_free(worker->held, TRUE);
	g_ptr_array_free(worker->pending, TRUE);
	g_free(worker->name);
	g_free(worker->owner);
	g_free(worker);
}
