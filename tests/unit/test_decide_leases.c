/* Leases: what workers say of them, when they end, and who gets them, one claim a test. */
#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "queue/protocol.h"
#include "tests/support/core_fixture.h"

/* ---- leases ------------------------------------------------------------------------------- */

static gboolean lease_was_lost(const struct core *core, const char *worker)
{
	return core_reply(core, worker, FORGE__REPLY__KIND_RECORDED)->recorded->lease_lost;
}

static void test_late_reports_change_nothing(void)
{
	scoped(core) core = core_new_with_client();
	uint64_t batch, before;

	core_greet_worker(core, "worker", 1);
	batch = core_submit_noops(core, "client", "r", 1);
	for (int i = 0; i < LIMIT_MISSED_HEARTBEATS; i++)
		core_beat_empty(core, "worker");
	g_assert_cmpuint(core_job(core, batch, 1)->attempt, ==, 2);
	before = core_state(core)->last_seq;
	core_end(core, "worker", batch, 1, 1, NULL);
	g_assert_true(lease_was_lost(core, "worker"));
	core_greet_worker(core, "other", 1);
	before = core_state(core)->last_seq;
	core_end(core, "other", batch, 1, 2, NULL);
	g_assert_true(lease_was_lost(core, "other"));
	core_end(core, "other", batch, 9, 1, NULL);
	g_assert_true(lease_was_lost(core, "other"));
	g_assert_cmpuint(core_state(core)->last_seq, ==, before);
	core_end(core, "worker", batch, 1, 2, NULL);
	g_assert_false(lease_was_lost(core, "worker"));
	core_end(core, "worker", batch, 1, 2, NULL);
	g_assert_true(lease_was_lost(core, "worker"));
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_SUCCEEDED), ==, 1);
}

static void test_heartbeat_that_names_more_than_a_worker_is_lent_is_refused(void)
{
	scoped(core) core = core_new_with_client();
	Forge__LeaseRef ref = FORGE__LEASE_REF__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__LeaseRef *refs[LIMIT_WORKER_SLOTS + 1];
	Forge__Heartbeat heartbeat = FORGE__HEARTBEAT__INIT;

	core_greet_worker(core, "worker", 1);
	ref.job = &id;
	for (guint i = 0; i < G_N_ELEMENTS(refs); i++)
		refs[i] = &ref;
	heartbeat.held = refs;
	heartbeat.n_held = G_N_ELEMENTS(refs);
	core_ask(core, "worker", FORGE__REQUEST__KIND_HEARTBEAT, &heartbeat);
	g_assert_cmpstr(core_error(core, "worker"), ==, "TOO_LARGE");
	heartbeat.n_held--;
	core_ask(core, "worker", FORGE__REQUEST__KIND_HEARTBEAT, &heartbeat);
	g_assert_cmpstr(core_error(core, "worker"), ==, NULL);
}

static void test_retries_back_off_until_the_dead_letter(void)
{
	scoped(core) core = core_new_with_client();
	uint64_t batch;
	Forge__Event *failed;

	core_greet_worker(core, "worker", 1);
	batch = core_submit_noops(core, "client", "r", 1);
	for (uint32_t attempt = 1; attempt < LIMIT_ATTEMPTS; attempt++) {
		int64_t longest_ms = MIN(
			LIMIT_RETRY_FIRST_MS << (attempt - 1), LIMIT_RETRY_LAST_MS);
		uint64_t wait_us;

		core_end(core, "worker", batch, 1, attempt, "TIMEOUT");
		core_assert_jobs(core, batch, JOB_WAITING, 1);
		wait_us = core_job(core, batch, 1)->term - (uint64_t)core->now.wall_us;
		g_assert_cmpuint(wait_us, >=, (uint64_t)longest_ms * 500);
		g_assert_cmpuint(wait_us, <=, (uint64_t)longest_ms * 1000);
		core_pass(core, longest_ms);
		core_assert_jobs(core, batch, JOB_LEASED, 1);
	}
	core_end(core, "worker", batch, 1, LIMIT_ATTEMPTS, "TIMEOUT");
	failed = core_newest(core, FORGE__EVENT__KIND_JOB_FAILED);
	g_assert_true(failed->job_failed->retries_used_up);
	forge__event__free_unpacked(failed, NULL);
}

/* The worker tells that attempt ATTEMPT of the job failed with CODE, and a branch with it if that
 * is the job's end. */
static void fail_with_facts(struct core *core, Forge__JobId *id, uint32_t attempt, const char *code)
{
	Forge__Report report = FORGE__REPORT__INIT;
	Forge__JobEnd end = FORGE__JOB_END__INIT;
	Forge__Error error = FORGE__ERROR__INIT;
	Forge__Fact fact = FORGE__FACT__INIT, *facts[] = {&fact};
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;

	synced.branch = (char *)"main";
	synced.status = FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	error.code = (char *)code;
	end.error = &error;
	end.n_facts_if_final = 1;
	end.facts_if_final = facts;
	report.job = id;
	report.attempt = attempt;
	report.end = &end;
	core_ask(core, "worker", FORGE__REQUEST__KIND_REPORT, &report);
}

static void test_facts_if_final_are_recorded_only_at_the_end(void)
{
	scoped(core) core = core_new_with_client();
	Forge__JobId id = FORGE__JOB_ID__INIT;

	core_greet_worker(core, "worker", 1);
	id.batch = core_submit_noops(core, "client", "r", 1);
	id.number = 1;
	fail_with_facts(core, &id, 1, "TIMEOUT");
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 0);
	core_pass(core, LIMIT_RETRY_FIRST_MS);
	fail_with_facts(core, &id, 2, "PERMISSION_DENIED");
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 1);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_FAILED), ==, 1);
}

static void test_facts_if_final_are_recorded_if_the_job_was_cancelled_meanwhile(void)
{
	scoped(core) core = core_new_with_client();
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__CancelJob cancel = FORGE__CANCEL_JOB__INIT;

	core_greet_worker(core, "worker", 1);
	id.batch = core_submit_noops(core, "client", "r", 1);
	id.number = 1;
	cancel.job = &id;
	core_ask(core, "client", FORGE__REQUEST__KIND_CANCEL_JOB, &cancel);
	fail_with_facts(core, &id, 1, "TIMEOUT");
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 1);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_CANCELLED), ==, 1);
}

/* ---- connections -------------------------------------------------------------------------- */

static void connect_again(struct core *core, const char *connection, uint64_t session)
{
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_WORKER;
	hello.name = (char *)"worker";
	hello.slots = 1;
	hello.resume_session = session;
	core_ask(core, connection, FORGE__REQUEST__KIND_HELLO, &hello);
}

static void test_a_late_goodbye_of_an_old_connection_leaves_the_session(void)
{
	scoped(core) core = core_new_with_client();
	Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;
	uint64_t session = core_greet_worker(core, "worker", 1);
	uint64_t batch = core_submit_noops(core, "client", "r", 1);

	connect_again(core, "again", session);
	g_assert_cmpuint(core_reply(core, "again", FORGE__REPLY__KIND_WELCOME)->welcome->session,
		==, session);
	core_ask(core, "worker", FORGE__REQUEST__KIND_GOODBYE, &goodbye);
	core_reply(core, "worker", FORGE__REPLY__KIND_DONE);
	g_assert_nonnull(state_session(core_state(core), session));
	core_assert_jobs(core, batch, JOB_LEASED, 1);
	core_ask(core, "again", FORGE__REQUEST__KIND_GOODBYE, &goodbye);
	g_assert_null(state_session(core_state(core), session));
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
}

static void test_an_old_connection_says_nothing_of_what_the_new_one_holds(void)
{
	scoped(core) core = core_new_with_client();
	uint64_t session = core_greet_worker(core, "worker", 1);
	uint64_t batch = core_submit_noops(core, "client", "r", 1);

	connect_again(core, "again", session);
	for (int i = 0; i < 2 * LIMIT_MISSED_HEARTBEATS; i++)
		core_beat_empty(core, "worker");
	core_assert_jobs(core, batch, JOB_LEASED, 1);
	g_assert_cmpuint(core_job(core, batch, 1)->attempt, ==, 1);
}

static void test_returned_and_lost_jobs_use_up_no_try_but_very_many_losses_end_them(void)
{
	scoped(core) core = core_new_with_client();
	uint64_t batch;
	Forge__Event *failed;

	core_greet_worker(core, "worker", 1);
	batch = core_submit_noops(core, "client", "r", 1);
	for (int i = 0; i < LIMIT_MISSED_HEARTBEATS * (LIMIT_LOST_LEASES + 2); i++)
		core_beat_empty(core, "worker");
	g_assert_cmpuint(core_job(core, batch, 1)->attempt, ==, LIMIT_LOST_LEASES + 3);
	g_assert_cmpuint(core_job(core, batch, 1)->tries, ==, 1);
	g_assert_cmpuint(core_job(core, batch, 1)->losses, ==, 0);
	for (int i = 0; i <= LIMIT_LOST_LEASES; i++) {
		core_assert_jobs(core, batch, JOB_LEASED, 1);
		g_assert_cmpuint(core_job(core, batch, 1)->tries, ==, 1);
		core_pass(core, LIMIT_LEASE_MS);
		core_greet_worker(core, "worker", 1);
	}
	failed = core_newest(core, FORGE__EVENT__KIND_JOB_FAILED);
	g_assert_cmpstr(failed->job_failed->error->code, ==, "LEASE_LOST");
	g_assert_true(failed->job_failed->retries_used_up);
	forge__event__free_unpacked(failed, NULL);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_EXPIRED), ==, LIMIT_LOST_LEASES);
}

static void test_a_session_goes_on_after_a_takeover(void)
{
	scoped(core) core = core_new_with_client();
	Forge__Hello hello = FORGE__HELLO__INIT;
	uint64_t session = core_greet_worker(core, "worker", 1), batch;

	batch = core_submit_noops(core, "client", "r", 1);
	core_restart(core);
	core_end(core, "worker", batch, 1, 1, NULL);
	core_reply(core, "worker", FORGE__REPLY__KIND_GOODBYE);
	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_WORKER;
	hello.name = (char *)"worker";
	hello.slots = 1;
	hello.resume_session = session;
	core_ask(core, "worker, again", FORGE__REQUEST__KIND_HELLO, &hello);
	g_assert_cmpuint(
		core_reply(core, "worker, again", FORGE__REPLY__KIND_WELCOME)->welcome->session, ==,
		session);
	core_end(core, "worker, again", batch, 1, 1, NULL);
	g_assert_false(lease_was_lost(core, "worker, again"));
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_CLOSED), ==, 1);
}

static void test_a_worker_that_leaves_leaves_its_jobs(void)
{
	scoped(core) core = core_new_with_client();
	Forge__Goodbye goodbye = FORGE__GOODBYE__INIT;
	uint64_t batch;

	core_greet_worker(core, "worker", 2);
	batch = core_submit_noops(core, "client", "r", 2);
	core_ask(core, "worker", FORGE__REQUEST__KIND_GOODBYE, &goodbye);
	core_assert_jobs(core, batch, JOB_QUEUED, 2);
	g_assert_cmpuint(core_state(core)->sessions->len, ==, 0);
}

static void test_a_job_handed_back_twice_in_one_message_is_returned_once(void)
{
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
	uint64_t batch;

	core_greet_worker(core, "daemon", 1);
	batch = submit_owned(core, "mark");
	g_assert_true(
		core_reply(core, "command", FORGE__REPLY__KIND_SUBMITTED)->submitted->nobody_works);
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	core_greet_owned_worker(core, "other", 1, "other mark");
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	core_greet_owned_worker(core, "own", 1, "mark");
	core_reply(core, "own", FORGE__REPLY__KIND_GRANT);
}

static void test_anybody_takes_over_what_a_dead_command_line_left(void)
{
	scoped(core) core = core_new_with_client();
	uint64_t batch = submit_owned(core, "mark");

	core_greet_owned_worker(core, "own", 1, "mark");
	core_bury(core, "mark");
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	/* A hello that it sent before it died must not bring it back to life. */
	submit_owned(core, "mark");
	core_greet_worker(core, "daemon", 1);
	core_reply(core, "daemon", FORGE__REPLY__KIND_GRANT);
}

static guint dead_owners(struct core *core)
{
	scheduler_forget_silent(core->scheduler, LIMIT_PEER_SILENCE_MS, core->now);
	return g_hash_table_size(scheduler_view(core->scheduler, core->now).pool->dead_owners);
}

static void test_a_dead_command_line_is_forgotten_with_its_last_batch(void)
{
	scoped(core) core = core_new_with_client();
	uint64_t batch = submit_owned(core, "mark");

	core_bury(core, "mark");
	g_assert_cmpuint(dead_owners(core), ==, 1);
	core_greet_worker(core, "daemon", 1);
	core_end(core, "daemon", batch, 1, 1, NULL);
	g_assert_cmpuint(dead_owners(core), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/decide_leases/" #name, test_##name)
	CLAIM(late_reports_change_nothing);
	CLAIM(heartbeat_that_names_more_than_a_worker_is_lent_is_refused);
	CLAIM(retries_back_off_until_the_dead_letter);
	CLAIM(facts_if_final_are_recorded_only_at_the_end);
	CLAIM(facts_if_final_are_recorded_if_the_job_was_cancelled_meanwhile);
	CLAIM(a_late_goodbye_of_an_old_connection_leaves_the_session);
	CLAIM(an_old_connection_says_nothing_of_what_the_new_one_holds);
	CLAIM(returned_and_lost_jobs_use_up_no_try_but_very_many_losses_end_them);
	CLAIM(a_session_goes_on_after_a_takeover);
	CLAIM(a_worker_that_leaves_leaves_its_jobs);
	CLAIM(a_job_handed_back_twice_in_one_message_is_returned_once);
	CLAIM(a_worker_that_was_silent_too_long_is_told_to_join_again);
	CLAIM(a_command_lines_jobs_wait_for_its_own_worker);
	CLAIM(anybody_takes_over_what_a_dead_command_line_left);
	CLAIM(a_dead_command_line_is_forgotten_with_its_last_batch);
	return g_test_run();
}
