/* What requests and time lead to, one claim a test. */
#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "queue/protocol.h"
#include "tests/support/core_fixture.h"

static void cancel_job(struct core *core, uint64_t batch, uint32_t number)
{
	Forge__CancelJob message = FORGE__CANCEL_JOB__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;

	id.batch = batch;
	id.number = number;
	message.job = &id;
	core_ask(core, "client", FORGE__REQUEST__KIND_CANCEL_JOB, &message);
}

static void cancel_batch(struct core *core, uint64_t batch)
{
	Forge__CancelJob message = FORGE__CANCEL_JOB__INIT;

	message.batch = state_batch(core_state(core), batch)->opened->batch;
	core_ask(core, "client", FORGE__REQUEST__KIND_CANCEL_JOB, &message);
}

static struct core *with_client(void)
{
	struct core *core = core_new();

	core_greet_client(core, "client");
	return core;
}

/* ---- greeting ----------------------------------------------------------------------------- */

static void test_strangers_are_asked_to_say_hello(void)
{
	scoped(core) core = core_new();
	Forge__GetStats stats = FORGE__GET_STATS__INIT;

	core_ask(core, "stranger", FORGE__REQUEST__KIND_GET_STATS, &stats);
	core_reply(core, "stranger", FORGE__REPLY__KIND_GOODBYE);
	g_assert_cmpuint(core->sent->len, ==, 1);
}

static void test_a_refused_hello_greets_nobody(void)
{
	scoped(core) core = core_new();
	Forge__Hello hello = FORGE__HELLO__INIT;
	Forge__GetStats stats = FORGE__GET_STATS__INIT;
	g_autofree char *long_name = g_strnfill(LIMIT_NAME_BYTES + 1, 'x');

	hello.role = FORGE__ROLE__ROLE_CLIENT;
	hello.protocol = PROTOCOL_VERSION + 1;
	core_ask(core, "newer", FORGE__REQUEST__KIND_HELLO, &hello);
	g_assert_cmpstr(core_error(core, "newer"), ==, "UNSUPPORTED");
	core_ask(core, "newer", FORGE__REQUEST__KIND_GET_STATS, &stats);
	core_reply(core, "newer", FORGE__REPLY__KIND_GOODBYE);
	hello.protocol = PROTOCOL_VERSION;
	hello.name = long_name;
	core_ask(core, "long", FORGE__REQUEST__KIND_HELLO, &hello);
	g_assert_cmpstr(core_error(core, "long"), ==, "TOO_LARGE");
}

/* ---- leases ------------------------------------------------------------------------------- */

static void test_a_job_handed_back_twice_in_one_message_is_returned_once(void)
{
	scoped(core) core = with_client();
	Forge__ReturnJobs message = FORGE__RETURN_JOBS__INIT;
	Forge__LeaseRef ref = FORGE__LEASE_REF__INIT, *refs[] = {&ref, &ref};
	Forge__JobId id = FORGE__JOB_ID__INIT;

	core_greet_worker(core, "worker", 1);
	id.batch = core_submit_noops(core, "client", "r", 1);
	id.number = 1;
	ref.job = &id;
	ref.attempt = 1;
	message.n_jobs = G_N_ELEMENTS(refs);
	message.jobs = refs;
	core_ask(core, "worker", FORGE__REQUEST__KIND_RETURN_JOBS, &message);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_RETURNED), ==, 1);
}

static void test_a_worker_that_was_silent_too_long_is_told_to_join_again(void)
{
	scoped(core) core = with_client();
	uint64_t session = core_greet_worker(core, "worker", 1);
	uint64_t batch = core_submit_noops(core, "client", "r", 1);

	core_pass(core, LIMIT_LEASE_MS);
	g_assert_null(state_session(core_state(core), session));
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	core_beat_empty(core, "worker");
	core_reply(core, "worker", FORGE__REPLY__KIND_GOODBYE);
	g_assert_cmpuint(core_greet_worker(core, "worker", 1), >, session);
	core_assert_jobs(core, batch, JOB_LEASED, 1);
}

/* ---- facts -------------------------------------------------------------------------------- */

static void tell_intent(struct core *core, uint64_t batch, uint32_t attempt, const char *branch)
{
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__PushIntended intent = FORGE__PUSH_INTENDED__INIT;
	g_autofree char *ref = g_strdup_printf("refs/heads/%s", branch);

	intent.fork = (char *)"tools";
	intent.ref = ref;
	intent.before = (char *)"a";
	intent.after = (char *)"b";
	fact.kind_case = FORGE__FACT__KIND_PUSH_INTENDED;
	fact.push_intended = &intent;
	core_tell(core, "worker", batch, 1, attempt, &fact);
}

static void tell_synced(struct core *core, uint64_t batch, uint32_t attempt, const char *branch)
{
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;

	synced.fork = (char *)"tools";
	synced.branch = (char *)branch;
	synced.before = (char *)"a";
	synced.after = (char *)"b";
	synced.status = FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	core_tell(core, "worker", batch, 1, attempt, &fact);
}

static struct core *with_fork_job(uint64_t *batch)
{
	struct core *core = with_client();

	core_register(core, "client", "tools");
	core_greet_worker(core, "worker", 1);
	*batch = core_submit_fork(core, "client", "r", "tools");
	core_assert_jobs(core, *batch, JOB_LEASED, 1);
	return core;
}

static void test_doubled_facts_are_recorded_once(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);

	tell_intent(core, batch, 1, "main");
	tell_intent(core, batch, 1, "docs");
	tell_intent(core, batch, 1, "main");
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 2);
	tell_synced(core, batch, 1, "main");
	tell_synced(core, batch, 1, "main");
	tell_intent(core, batch, 1, "main");
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 3);
	g_assert_false(
		core_reply(core, "worker", FORGE__REPLY__KIND_RECORDED)->recorded->lease_lost);
}

static void test_the_next_attempt_learns_what_was_begun(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);
	const Forge__GrantedJob *granted;

	tell_intent(core, batch, 1, "main");
	tell_intent(core, batch, 1, "docs");
	tell_synced(core, batch, 1, "docs");
	core_restart(core);
	core_greet_worker(core, "fresh", 1);
	core_pass(core, LIMIT_LEASE_MS);
	core_greet_worker(core, "another", 1);
	granted = core_reply(core, "another", FORGE__REPLY__KIND_GRANT)->grant->jobs[0];
	g_assert_cmpuint(granted->attempt, ==, 2);
	g_assert_cmpuint(granted->n_intended, ==, 1);
	g_assert_cmpstr(granted->intended[0]->ref, ==, "refs/heads/main");
	g_assert_cmpuint(granted->n_finished_branches, ==, 1);
	g_assert_cmpstr(granted->finished_branches[0], ==, "docs");
}

/* ---- owners ------------------------------------------------------------------------------- */

static uint64_t submit_owned(struct core *core, const char *owner)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_CLIENT;
	hello.owner = (char *)owner;
	core_ask(core, "command", FORGE__REQUEST__KIND_HELLO, &hello);
	return core_submit_noops(core, "command", "owned", 1);
}

static void test_a_command_lines_jobs_wait_for_its_own_worker(void)
{
	scoped(core) core = with_client();
	uint64_t batch;

	core_greet_worker(core, "daemon", 1);
	batch = submit_owned(core, "mark");
	g_assert_true(core_reply(core, "command", FORGE__REPLY__KIND_SUBMITTED)
			      ->submitted->nobody_works);
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	core_greet_owned_worker(core, "other", 1, "other mark");
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	core_greet_owned_worker(core, "own", 1, "mark");
	core_reply(core, "own", FORGE__REPLY__KIND_GRANT);
}

static void test_anybody_takes_over_what_a_dead_command_line_left(void)
{
	scoped(core) core = with_client();
	uint64_t batch = submit_owned(core, "mark");

	core_greet_owned_worker(core, "own", 1, "mark");
	core_bury(core, "mark");
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	/* A hello that it sent before it died must not bring it back to life. */
	submit_owned(core, "mark");
	core_greet_worker(core, "daemon", 1);
	core_reply(core, "daemon", FORGE__REPLY__KIND_GRANT);
}

/* ---- cancelling --------------------------------------------------------------------------- */

static void test_cancelling_a_batch_cancels_jobs_before_one_cancelled_earlier(void)
{
	scoped(core) core = with_client();
	uint64_t batch = core_submit_noops(core, "client", "r", 5);

	cancel_job(core, batch, 3);
	cancel_batch(core, batch);
	g_assert_null(state_batch(core_state(core), batch));
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_CANCELLED), ==, 5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/decide/strangers_are_asked_to_say_hello", test_strangers_are_asked_to_say_hello);
	g_test_add_func(
		"/decide/a_refused_hello_greets_nobody", test_a_refused_hello_greets_nobody);
	g_test_add_func("/decide/cancelling_a_batch_cancels_jobs_before_one_cancelled_earlier",
		test_cancelling_a_batch_cancels_jobs_before_one_cancelled_earlier);
	g_test_add_func("/decide/a_job_handed_back_twice_in_one_message_is_returned_once",
		test_a_job_handed_back_twice_in_one_message_is_returned_once);
	g_test_add_func("/decide/a_worker_that_was_silent_too_long_is_told_to_join_again",
		test_a_worker_that_was_silent_too_long_is_told_to_join_again);
	g_test_add_func("/decide/a_command_lines_jobs_wait_for_its_own_worker",
		test_a_command_lines_jobs_wait_for_its_own_worker);
	g_test_add_func("/decide/anybody_takes_over_what_a_dead_command_line_left",
		test_anybody_takes_over_what_a_dead_command_line_left);
	g_test_add_func("/decide/doubled_facts_are_recorded_once", test_doubled_facts_are_recorded_once);
	g_test_add_func("/decide/the_next_attempt_learns_what_was_begun",
		test_the_next_attempt_learns_what_was_begun);
	return g_test_run();
}
