/*
 * The worker against a scheduler that is a script: what it does when answers come late, twice or
 * never, when it is refused, told to stop, or left alone.
 */
#include <glib/gstdio.h>
#include <sys/resource.h>

#include "cli/workshop.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/support/wire.h"
#include "tests/unit/sandbox.h"
#include "worker/slots.h"
#include "worker/worker.h"

struct fixture {
	char *home;
	char *endpoint;
	struct config *config;
	struct workshop *workshop;
	struct bus *bus;
	struct bus_socket *socket; /* the scheduler's */
	struct worker *worker;
	GBytes *routing; /* of the worker, once it has joined */
};

static void set_up(struct fixture *fixture, gconstpointer slots)
{
	g_autoptr(GError) error = NULL;

	fixture->home = sandbox_home();
	g_setenv("FORGE_HOME", fixture->home, TRUE);
	g_free(sandbox_run(fixture->home,
		"git init -q upstream; git -C upstream commit -q --allow-empty -m first;"
		"git clone -q --bare upstream fork.git;"
		"git -C upstream commit -q --allow-empty -m second"));
	fixture->endpoint = wire_endpoint(fixture->home);
	fixture->config = config_load(NULL, &error);
	g_assert_no_error(error);
	fixture->workshop = workshop_new(fixture->config);
	fixture->bus = bus_new();
	fixture->socket = bus_listen(fixture->bus, fixture->endpoint, &error);
	g_assert_no_error(error);
	fixture->worker = worker_start(
		&(struct worker_options){
			.bus = fixture->bus,
			.endpoint = fixture->endpoint,
			.name = "host:1",
			.owner = "",
			.slots = GPOINTER_TO_UINT(slots),
			.workshop = fixture->workshop,
		},
		&error);
	g_assert_no_error(error);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	worker_stop(fixture->worker, 0);
	g_clear_pointer(&fixture->routing, g_bytes_unref);
	g_clear_pointer(&fixture->socket, bus_socket_close);
	bus_free(fixture->bus);
	workshop_free(fixture->workshop);
	config_free(fixture->config);
	g_free(fixture->endpoint);
	sandbox_remove(fixture->home);
}

/* ---- the script's lines ------------------------------------------------------------------- */

static void welcome(struct fixture *fixture, const struct wire_request *hello, uint64_t session)
{
	Forge__Welcome message = FORGE__WELCOME__INIT;

	message.protocol = 1;
	message.session = session;
	message.heartbeat_ms = LIMIT_HELLO_MS;
	g_clear_pointer(&fixture->routing, g_bytes_unref);
	fixture->routing = g_bytes_ref(hello->routing);
	wire_answer(fixture->socket, hello, FORGE__REPLY__KIND_WELCOME, &message);
}

static void join(struct fixture *fixture)
{
	scoped_value(wire_request)
		hello = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HELLO);

	welcome(fixture, &hello, 7);
}

static void grant(struct fixture *fixture, const Forge__GrantedJob *job)
{
	Forge__Grant message = FORGE__GRANT__INIT;
	Forge__GrantedJob *jobs[] = {(Forge__GrantedJob *)job};

	message.n_jobs = 1;
	message.jobs = jobs;
	wire_tell(fixture->socket, fixture->routing, FORGE__REPLY__KIND_GRANT, &message);
}

static void grant_noop(struct fixture *fixture, uint32_t number, uint32_t noop_ms)
{
	Forge__GrantedJob job = FORGE__GRANTED_JOB__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;

	id.batch = 1;
	id.number = number;
	arguments.noop_ms = noop_ms;
	job.job = &id;
	job.attempt = 1;
	job.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	job.arguments = &arguments;
	grant(fixture, &job);
}

/* Job 1: a fork that is one commit behind. It reports its push before it makes it. */
static void fill_fork_job(struct fixture *fixture, Forge__GrantedJob *job, Forge__Fork *fork)
{
	static Forge__JobId id = FORGE__JOB_ID__INIT;

	id.batch = id.number = 1;
	fork->name = (char *)"mine";
	fork->fork = g_build_filename(fixture->home, "fork.git", NULL);
	fork->upstream = g_build_filename(fixture->home, "upstream", NULL);
	job->job = &id;
	job->attempt = 1;
	job->kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	job->batch_name = (char *)"batch";
	job->fork = fork;
}

static void grant_fork(struct fixture *fixture)
{
	Forge__GrantedJob job = FORGE__GRANTED_JOB__INIT;
	Forge__Fork fork = FORGE__FORK__INIT;

	fill_fork_job(fixture, &job, &fork);
	grant(fixture, &job);
	g_free(fork.fork);
	g_free(fork.upstream);
}

static struct wire_request await_report(struct fixture *fixture)
{
	return wire_await_request(fixture->socket, FORGE__REQUEST__KIND_REPORT);
}

static void record(struct fixture *fixture, const struct wire_request *report)
{
	Forge__Recorded message = FORGE__RECORDED__INIT;

	wire_answer(fixture->socket, report, FORGE__REPLY__KIND_RECORDED, &message);
}

static void say_goodbye(struct fixture *fixture)
{
	Forge__Goodbye message = FORGE__GOODBYE__INIT;

	wire_tell(fixture->socket, fixture->routing, FORGE__REPLY__KIND_GOODBYE, &message);
}

static void let_go(struct fixture *fixture, const struct wire_request *goodbye)
{
	Forge__Done message = FORGE__DONE__INIT;

	wire_answer(fixture->socket, goodbye, FORGE__REPLY__KIND_DONE, &message);
}

/* worker_stop() in a thread of its own, so that the script can go on. */
struct stopping {
	struct worker *worker;
	int64_t finish_ms;
	gint done;
};

static gpointer run_stop(gpointer data)
{
	struct stopping *stopping = data;

	worker_stop(stopping->worker, stopping->finish_ms);
	g_atomic_int_set(&stopping->done, 1);
	return NULL;
}

static GThread *begin_stop(struct fixture *fixture, struct stopping *stopping, int64_t finish_ms)
{
	*stopping = (struct stopping){g_steal_pointer(&fixture->worker), finish_ms, 0};
	return g_thread_new("stop", run_stop, stopping);
}

/* ---- joining ------------------------------------------------------------------------------ */

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

static void refused_worker_waits_quietly_and_asks_again(
	struct fixture *fixture, gconstpointer unused)
{
	scoped_value(wire_request)
		hello = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HELLO);
	Forge__Error error = FORGE__ERROR__INIT;
	double used = cpu_seconds();

	(void)unused;
	error.code = (char *)"BUSY";
	error.message = (char *)"no room";
	wire_answer(fixture->socket, &hello, FORGE__REPLY__KIND_ERROR, &error);
	join(fixture);
	g_assert_cmpfloat(cpu_seconds() - used, <, 0.5 * LIMIT_REFUSED_MS / 1000);
	grant_noop(fixture, 1, 0);
	{
		scoped_value(wire_request) end = await_report(fixture);

		g_assert_nonnull(end.request->report->end);
		record(fixture, &end);
	}
}

static void error_that_answers_something_else_refuses_nobody(
	struct fixture *fixture, gconstpointer unused)
{
	scoped_value(wire_request)
		hello = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HELLO);
	Forge__Error error = FORGE__ERROR__INIT;

	(void)unused;
	error.code = (char *)"UNSUPPORTED";
	wire_tell(fixture->socket, hello.routing, FORGE__REPLY__KIND_ERROR, &error);
	welcome(fixture, &hello, 7);
	wire_request_clear(&hello);
	hello = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HEARTBEAT);
}

/* ---- reports ------------------------------------------------------------------------------ */

static void unanswered_report_is_sent_again(struct fixture *fixture, gconstpointer unused)
{
	scoped_value(wire_request) first = {0};
	scoped_value(wire_request) second = {0};
	scoped_value(wire_request) end = {0};

	(void)unused;
	join(fixture);
	grant_fork(fixture);
	first = await_report(fixture);
	g_assert_null(first.request->report->end);
	g_assert_cmpint(
		first.request->report->facts[0]->kind_case, ==, FORGE__FACT__KIND_PUSH_INTENDED);
	second = await_report(fixture);
	g_assert_cmpuint(second.request->id, ==, first.request->id);
	/* Answered twice it goes on once. */
	record(fixture, &second);
	record(fixture, &second);
	end = await_report(fixture);
	g_assert_nonnull(end.request->report->end);
	g_assert_null(end.request->report->end->error);
	record(fixture, &end);
	record(fixture, &end);
}

static void report_under_way_is_sent_again_to_the_next_scheduler(
	struct fixture *fixture, gconstpointer unused)
{
	scoped_value(wire_request) report = {0};
	scoped_value(wire_request) hello = {0};
	scoped_value(wire_request) again = {0};
	scoped_value(wire_request) end = {0};

	(void)unused;
	join(fixture);
	grant_fork(fixture);
	report = await_report(fixture);
	say_goodbye(fixture);
	hello = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HELLO);
	g_assert_cmpuint(hello.request->hello->resume_session, ==, 7);
	welcome(fixture, &hello, 7);
	again = await_report(fixture);
	g_assert_cmpuint(again.request->id, ==, report.request->id);
	record(fixture, &again);
	end = await_report(fixture);
	g_assert_nonnull(end.request->report->end);
	record(fixture, &end);
}

static void lost_lease_ends_the_job_without_a_push(struct fixture *fixture, gconstpointer unused)
{
	Forge__Recorded lost = FORGE__RECORDED__INIT;
	g_autofree char *before = sandbox_run(fixture->home, "git -C fork.git rev-parse HEAD");
	g_autofree char *after = NULL;
	scoped_value(wire_request) report = {0};
	scoped_value(wire_request) end = {0};

	(void)unused;
	join(fixture);
	grant_fork(fixture);
	report = await_report(fixture);
	lost.lease_lost = TRUE;
	wire_answer(fixture->socket, &report, FORGE__REPLY__KIND_RECORDED, &lost);
	end = await_report(fixture);
	g_assert_cmpstr(end.request->report->end->error->code, ==, "LEASE_LOST");
	wire_answer(fixture->socket, &end, FORGE__REPLY__KIND_RECORDED, &lost);
	after = sandbox_run(fixture->home, "git -C fork.git rev-parse HEAD");
	g_assert_cmpstr(after, ==, before);
}

static void same_grant_twice_is_one_job(struct fixture *fixture, gconstpointer unused)
{
	scoped_value(wire_request) first = {0};
	scoped_value(wire_request) second = {0};

	(void)unused;
	join(fixture);
	grant_noop(fixture, 1, 50);
	grant_noop(fixture, 1, 50);
	grant_noop(fixture, 2, 0);
	first = await_report(fixture);
	g_assert_cmpuint(first.request->report->job->number, ==, 1);
	record(fixture, &first);
	second = await_report(fixture);
	g_assert_cmpuint(second.request->report->job->number, ==, 2);
	record(fixture, &second);
}

static void revoked_job_says_that_it_was_cancelled(struct fixture *fixture, gconstpointer unused)
{
	Forge__Revoke revoke = FORGE__REVOKE__INIT;
	Forge__LeaseRef ref = FORGE__LEASE_REF__INIT, *refs[] = {&ref};
	Forge__JobId id = FORGE__JOB_ID__INIT;
	scoped_value(wire_request) end = {0};

	(void)unused;
	join(fixture);
	grant_noop(fixture, 1, 60000);
	id.batch = id.number = 1;
	ref.job = &id;
	ref.attempt = 1;
	revoke.n_jobs = 1;
	revoke.jobs = refs;
	wire_tell(fixture->socket, fixture->routing, FORGE__REPLY__KIND_REVOKE, &revoke);
	end = await_report(fixture);
	g_assert_cmpstr(end.request->report->end->error->code, ==, "CANCELLED");
	record(fixture, &end);
}

/* ---- stopping ----------------------------------------------------------------------------- */

static void stops_while_a_report_waits_and_nobody_answers(
	struct fixture *fixture, gconstpointer unused)
{
	scoped_value(wire_request) report = {0};
	int64_t begun_ms;

	(void)unused;
	join(fixture);
	grant_fork(fixture);
	report = await_report(fixture);
	begun_ms = clock_now().monotonic_ms;
	worker_stop(g_steal_pointer(&fixture->worker), 0);
	g_assert_cmpint(clock_now().monotonic_ms - begun_ms, <, LIMIT_STOP_MS / 2);
}

static void stops_soon_when_its_scheduler_has_gone(struct fixture *fixture, gconstpointer unused)
{
	scoped_value(wire_request) end = {0};
	int64_t begun_ms;

	(void)unused;
	join(fixture);
	grant_noop(fixture, 1, 0);
	end = await_report(fixture);
	say_goodbye(fixture);
	begun_ms = clock_now().monotonic_ms;
	worker_stop(g_steal_pointer(&fixture->worker), 0);
	g_assert_cmpint(clock_now().monotonic_ms - begun_ms, <, LIMIT_STOP_MS / 2);
}

static void stops_without_ever_having_seen_a_scheduler(
	struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	worker_stop(g_steal_pointer(&fixture->worker), LIMIT_DRAIN_MS);
}

static void leaves_once_its_goodbye_is_recorded(struct fixture *fixture, gconstpointer unused)
{
	struct stopping stopping;
	GThread *thread;
	scoped_value(wire_request) beat = {0};
	scoped_value(wire_request) goodbye = {0};
	int64_t said_ms;

	(void)unused;
	join(fixture);
	/* It has read the welcome once it beats; before that it has no session to end. */
	beat = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HEARTBEAT);
	thread = begin_stop(fixture, &stopping, 0);
	goodbye = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_GOODBYE);
	said_ms = clock_now().monotonic_ms;
	g_assert_false(g_atomic_int_get(&stopping.done));
	let_go(fixture, &goodbye);
	g_thread_join(thread);
	g_assert_cmpint(clock_now().monotonic_ms - said_ms, <, LIMIT_GOODBYE_MS);
}

/* The next request that is no heartbeat of before the stop and no hello. */
static struct wire_request await_while_stopping(struct fixture *fixture)
{
	for (;;) {
		struct wire_request message = {0};

		g_assert_true(wire_next_request(fixture->socket, WIRE_WAIT_MS, &message));
		if (message.request->kind_case != FORGE__REQUEST__KIND_HEARTBEAT ||
			message.request->heartbeat->draining)
			return message;
		wire_request_clear(&message);
	}
}

static void draining_worker_says_so_before_it_hands_jobs_back(
	struct fixture *fixture, gconstpointer unused)
{
	struct stopping stopping;
	GThread *thread;
	scoped_value(wire_request) running = {0};
	scoped_value(wire_request) draining = {0};
	scoped_value(wire_request) returned = {0};
	scoped_value(wire_request) late = {0};
	scoped_value(wire_request) end = {0};
	scoped_value(wire_request) goodbye = {0};

	(void)unused;
	join(fixture);
	grant_fork(fixture);
	running = await_report(fixture);
	grant_noop(fixture, 2, 0);
	do {
		/* Both are there once a heartbeat names both. */
		wire_request_clear(&draining);
		draining = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HEARTBEAT);
	} while (draining.request->heartbeat->n_held < 2);
	wire_request_clear(&draining);
	thread = begin_stop(fixture, &stopping, LIMIT_DRAIN_MS);
	draining = await_while_stopping(fixture);
	g_assert_cmpint(draining.request->kind_case, ==, FORGE__REQUEST__KIND_HEARTBEAT);
	returned = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_RETURN_JOBS);
	g_assert_cmpuint(returned.request->return_jobs->jobs[0]->job->number, ==, 2);
	/* Granted before the scheduler read that: handed back at once. */
	grant_noop(fixture, 3, 0);
	late = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_RETURN_JOBS);
	g_assert_cmpuint(late.request->return_jobs->jobs[0]->job->number, ==, 3);
	record(fixture, &running);
	end = await_report(fixture);
	g_assert_cmpuint(end.request->report->job->number, ==, 1);
	g_assert_null(end.request->report->end->error);
	record(fixture, &end);
	goodbye = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_GOODBYE);
	let_go(fixture, &goodbye);
	g_thread_join(thread);
}

static void running_job_of_a_worker_that_may_not_finish_is_handed_back(
	struct fixture *fixture, gconstpointer unused)
{
	struct stopping stopping;
	GThread *thread;
	scoped_value(wire_request) returned = {0};
	scoped_value(wire_request) goodbye = {0};

	(void)unused;
	join(fixture);
	grant_noop(fixture, 1, 60000);
	do {
		wire_request_clear(&returned);
		returned = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_HEARTBEAT);
	} while (returned.request->heartbeat->n_held < 1);
	wire_request_clear(&returned);
	thread = begin_stop(fixture, &stopping, 0);
	returned = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_RETURN_JOBS);
	g_assert_cmpuint(returned.request->return_jobs->jobs[0]->job->number, ==, 1);
	goodbye = wire_await_request(fixture->socket, FORGE__REQUEST__KIND_GOODBYE);
	let_go(fixture, &goodbye);
	g_thread_join(thread);
}

/* What worker_stop() does once its thread has left while a job goes on. */
static void abandoned_job_is_not_waited_for(struct fixture *fixture, gconstpointer unused)
{
	Forge__GrantedJob job = FORGE__GRANTED_JOB__INIT;
	Forge__Fork fork = FORGE__FORK__INIT;
	g_autoptr(GAsyncQueue) messages = g_async_queue_new();
	scoped(bus_socket) pipe = bus_pull(fixture->bus, "abandoned");
	struct slots *slots = slots_new(1, fixture->bus, "abandoned", messages);
	struct assignment *assignment;
	struct slot_message *message;

	(void)unused;
	fill_fork_job(fixture, &job, &fork);
	assignment = assignment_new(&job, fixture->workshop);
	slots_put(slots, assignment);
	while ((message = g_async_queue_pop(messages))->kind == SLOT_PROGRESS)
		slot_message_free(message);
	g_assert_cmpint(message->kind, ==, SLOT_REPORT);
	g_assert_false(message->is_end);
	slot_message_free(message);
	assignment_abandon(assignment);
	message = g_async_queue_pop(messages);
	g_assert_cmpint(message->kind, ==, SLOT_RETURNED);
	slot_message_free(message);
	slots_free(slots);
	assignment_free(assignment);
	g_free(fork.fork);
	g_free(fork.upstream);
}

#define ADD(name, slots, test) \
	g_test_add( \
		"/worker/" name, struct fixture, GUINT_TO_POINTER(slots), set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* The worker warns of what these tests do to it. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	ADD("refused_worker_waits_quietly_and_asks_again", 1,
		refused_worker_waits_quietly_and_asks_again);
	ADD("error_that_answers_something_else_refuses_nobody", 1,
		error_that_answers_something_else_refuses_nobody);
	ADD("unanswered_report_is_sent_again", 2, unanswered_report_is_sent_again);
	ADD("report_under_way_is_sent_again_to_the_next_scheduler", 1,
		report_under_way_is_sent_again_to_the_next_scheduler);
	ADD("lost_lease_ends_the_job_without_a_push", 1, lost_lease_ends_the_job_without_a_push);
	ADD("same_grant_twice_is_one_job", 1, same_grant_twice_is_one_job);
	ADD("revoked_job_says_that_it_was_cancelled", 2, revoked_job_says_that_it_was_cancelled);
	ADD("stops_while_a_report_waits_and_nobody_answers", 1,
		stops_while_a_report_waits_and_nobody_answers);
	ADD("stops_soon_when_its_scheduler_has_gone", 1, stops_soon_when_its_scheduler_has_gone);
	ADD("stops_without_ever_having_seen_a_scheduler", 4,
		stops_without_ever_having_seen_a_scheduler);
	ADD("leaves_once_its_goodbye_is_recorded", 1, leaves_once_its_goodbye_is_recorded);
	ADD("draining_worker_says_so_before_it_hands_jobs_back", 1,
		draining_worker_says_so_before_it_hands_jobs_back);
	ADD("running_job_of_a_worker_that_may_not_finish_is_handed_back", 1,
		running_job_of_a_worker_that_may_not_finish_is_handed_back);
	ADD("abandoned_job_is_not_waited_for", 1, abandoned_job_is_not_waited_for);
	return g_test_run();
}
