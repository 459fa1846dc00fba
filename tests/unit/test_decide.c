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

/* ---- submitting --------------------------------------------------------------------------- */

static void test_the_same_request_again_returns_the_same_batch(void)
{
	scoped(core) core = with_client();
	uint64_t batch = core_submit_noops(core, "client", "r", 2);
	const Forge__Submitted *submitted;

	g_assert_cmpuint(core_submit_noops(core, "client", "r", 2), ==, batch);
	submitted = core_reply(core, "client", FORGE__REPLY__KIND_SUBMITTED)->submitted;
	g_assert_true(submitted->existed);
	core_restart(core);
	core_greet_client(core, "client");
	g_assert_cmpuint(core_submit_noops(core, "client", "r", 2), ==, batch);
	cancel_batch(core, batch);
	/* Known still when it has ended. */
	g_assert_cmpuint(core_submit_noops(core, "client", "r", 2), ==, batch);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_OPENED), ==, 1);
}

static void test_a_second_request_in_one_turn_sees_the_first(void)
{
	scoped(core) core = with_client();
	Forge__Request requests[2] = {FORGE__REQUEST__INIT, FORGE__REQUEST__INIT};
	Forge__Submit submit = FORGE__SUBMIT__INIT;

	submit.request_id = (char *)"r";
	submit.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit.noops = 1;
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		requests[i].kind_case = FORGE__REQUEST__KIND_SUBMIT;
		requests[i].submit = &submit;
	}
	core_ask_all(core, "client", requests, G_N_ELEMENTS(requests));
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_OPENED), ==, 1);
}

static uint64_t submit_with_key(struct core *core, const char *request_id)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;

	submit.request_id = (char *)request_id;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit.noops = 1;
	submit.unique_key = (char *)"nightly";
	core_ask(core, "client", FORGE__REQUEST__KIND_SUBMIT, &submit);
	return core_reply(core, "client", FORGE__REPLY__KIND_SUBMITTED)->submitted->batch;
}

static void test_a_unique_key_is_one_batch_while_it_is_open(void)
{
	scoped(core) core = with_client();
	uint64_t batch = submit_with_key(core, "r1");

	g_assert_cmpuint(submit_with_key(core, "r2"), ==, batch);
	cancel_batch(core, batch);
	g_assert_cmpuint(submit_with_key(core, "r3"), >, batch);
}

static void test_an_unknown_fork_is_refused_with_the_nearest_name(void)
{
	scoped(core) core = with_client();
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	char *target = (char *)"my-tool";
	const Forge__Error *error;

	core_register(core, "client", "my-tools");
	submit.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	submit.n_targets = 1;
	submit.targets = &target;
	core_ask(core, "client", FORGE__REQUEST__KIND_SUBMIT, &submit);
	error = core_reply(core, "client", FORGE__REPLY__KIND_ERROR)->error;
	g_assert_cmpstr(error->code, ==, "FORK_NOT_FOUND");
	g_assert_nonnull(strstr(error->message, "'my-tools'"));
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_OPENED), ==, 0);
}

static void test_a_batch_of_all_forks_grows_in_chunks_without_later_forks(void)
{
	scoped(core) core = with_client();
	guint n = LIMIT_TARGETS_PER_EXTENSION + 1;
	g_autofree Forge__Request *requests = g_new0(Forge__Request, n + 2);
	g_autofree Forge__RegisterFork *messages = g_new0(Forge__RegisterFork, n + 1);
	g_autofree Forge__Fork *forks = g_new0(Forge__Fork, n + 1);
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < n + 2; i++)
		forge__request__init(&requests[i]);
	for (guint i = 0; i <= n; i++) {
		/* The batch is submitted before the last is registered. */
		Forge__Request *request = &requests[i < n ? i : n + 1];

		g_ptr_array_add(names, g_strdup_printf("fork%u", i));
		forge__register_fork__init(&messages[i]);
		forge__fork__init(&forks[i]);
		forks[i].name = names->pdata[i];
		forks[i].fork = forks[i].upstream = (char *)"host/a/b";
		messages[i].fork = &forks[i];
		request->kind_case = FORGE__REQUEST__KIND_REGISTER_FORK;
		request->register_fork = &messages[i];
	}
	submit.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	submit.all_forks = TRUE;
	requests[n].kind_case = FORGE__REQUEST__KIND_SUBMIT;
	requests[n].submit = &submit;
	core_ask_all(core, "client", requests, n + 2);
	g_assert_cmpuint(core_state(core)->forks->len, ==, n + 1);
	core_assert_jobs(core,
		core_reply(core, "client", FORGE__REPLY__KIND_SUBMITTED)->submitted->batch,
		JOB_QUEUED, n);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_EXTENDED), ==, 2);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_SEALED), ==, 1);
}

static void test_nothing_is_given_out_while_the_queue_is_paused(void)
{
	scoped(core) core = with_client();
	Forge__SetPaused pause = FORGE__SET_PAUSED__INIT;
	uint64_t batch;

	pause.paused = TRUE;
	core_ask(core, "client", FORGE__REQUEST__KIND_SET_PAUSED, &pause);
	core_ask(core, "client", FORGE__REQUEST__KIND_SET_PAUSED, &pause);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_QUEUE_PAUSED), ==, 1);
	core_greet_worker(core, "worker", 1);
	batch = core_submit_noops(core, "client", "r", 1);
	core_assert_jobs(core, batch, JOB_QUEUED, 1);
	pause.paused = FALSE;
	core_ask(core, "client", FORGE__REQUEST__KIND_SET_PAUSED, &pause);
	core_assert_jobs(core, batch, JOB_LEASED, 1);
}

static void test_jobs_of_a_removed_fork_fail_by_name(void)
{
	scoped(core) core = with_client();
	Forge__RemoveFork removal = FORGE__REMOVE_FORK__INIT;
	Forge__Event *failed;

	core_register(core, "client", "tools");
	core_submit_fork(core, "client", "r", "tools");
	removal.name = (char *)"tools";
	core_ask(core, "client", FORGE__REQUEST__KIND_REMOVE_FORK, &removal);
	core_greet_worker(core, "worker", 1);
	failed = core_newest(core, FORGE__EVENT__KIND_JOB_FAILED);
	g_assert_cmpstr(failed->job_failed->error->code, ==, "FORK_NOT_FOUND");
	forge__event__free_unpacked(failed, NULL);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOBS_LEASED), ==, 0);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_CLOSED), ==, 1);
}

static void test_a_batch_closes_once_with_its_counts(void)
{
	scoped(core) core = with_client();
	uint64_t batch;
	Forge__Event *closed;

	core_greet_worker(core, "worker", 3);
	batch = core_submit_noops(core, "client", "r", 3);
	core_end(core, "worker", batch, 1, 1, NULL);
	core_end(core, "worker", batch, 2, 1, "PERMISSION_DENIED");
	cancel_job(core, batch, 3);
	core_reply(core, "worker", FORGE__REPLY__KIND_REVOKE);
	core_end(core, "worker", batch, 3, 1, "CANCELLED");
	core_end(core, "worker", batch, 3, 1, "CANCELLED");
	closed = core_newest(core, FORGE__EVENT__KIND_BATCH_CLOSED);
	g_assert_cmpuint(closed->batch_closed->counts->total, ==, 3);
	g_assert_cmpuint(closed->batch_closed->counts->done, ==, 1);
	g_assert_cmpuint(closed->batch_closed->counts->failed, ==, 1);
	g_assert_cmpuint(closed->batch_closed->counts->cancelled, ==, 1);
	forge__event__free_unpacked(closed, NULL);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_CLOSED), ==, 1);
}

/* ---- leases ------------------------------------------------------------------------------- */

static gboolean lease_was_lost(const struct core *core, const char *worker)
{
	return core_reply(core, worker, FORGE__REPLY__KIND_RECORDED)->recorded->lease_lost;
}

static void test_late_reports_change_nothing(void)
{
	scoped(core) core = with_client();
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

static void test_retries_back_off_until_the_dead_letter(void)
{
	scoped(core) core = with_client();
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

static void test_facts_if_final_are_recorded_only_at_the_end(void)
{
	scoped(core) core = with_client();
	Forge__Report report = FORGE__REPORT__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__JobEnd end = FORGE__JOB_END__INIT;
	Forge__Error error = FORGE__ERROR__INIT;
	Forge__Fact fact = FORGE__FACT__INIT, *facts[] = {&fact};
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;

	core_greet_worker(core, "worker", 1);
	id.batch = core_submit_noops(core, "client", "r", 1);
	id.number = 1;
	synced.branch = (char *)"main";
	synced.status = FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	end.error = &error;
	end.n_facts_if_final = 1;
	end.facts_if_final = facts;
	report.job = &id;
	report.attempt = 1;
	report.end = &end;
	error.code = (char *)"TIMEOUT";
	core_ask(core, "worker", FORGE__REQUEST__KIND_REPORT, &report);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 0);
	core_pass(core, LIMIT_RETRY_FIRST_MS);
	report.attempt = 2;
	error.code = (char *)"PERMISSION_DENIED";
	core_ask(core, "worker", FORGE__REQUEST__KIND_REPORT, &report);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 1);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_FAILED), ==, 1);
}

static void test_returned_jobs_use_up_no_try_and_expired_ones_do(void)
{
	scoped(core) core = with_client();
	uint64_t batch;
	Forge__Event *failed;

	core_greet_worker(core, "worker", 1);
	batch = core_submit_noops(core, "client", "r", 1);
	for (int i = 0; i < LIMIT_MISSED_HEARTBEATS * (LIMIT_ATTEMPTS + 2); i++)
		core_beat_empty(core, "worker");
	g_assert_cmpuint(core_job(core, batch, 1)->attempt, ==, LIMIT_ATTEMPTS + 3);
	g_assert_cmpuint(core_job(core, batch, 1)->tries, ==, 1);
	for (int i = 0; i < LIMIT_ATTEMPTS; i++) {
		core_assert_jobs(core, batch, JOB_LEASED, 1);
		core_pass(core, LIMIT_LEASE_MS);
		core_greet_worker(core, "worker", 1);
	}
	failed = core_newest(core, FORGE__EVENT__KIND_JOB_FAILED);
	g_assert_cmpstr(failed->job_failed->error->code, ==, "LEASE_LOST");
	g_assert_true(failed->job_failed->retries_used_up);
	forge__event__free_unpacked(failed, NULL);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_EXPIRED), ==, LIMIT_ATTEMPTS - 1);
}

static void test_a_session_goes_on_after_a_takeover(void)
{
	scoped(core) core = with_client();
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
	scoped(core) core = with_client();
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

static void test_cancelled_jobs_end_wherever_they_are(void)
{
	scoped(core) core = with_client();
	uint64_t batch;

	core_greet_worker(core, "worker", 2);
	batch = core_submit_noops(core, "client", "r", 4);
	core_end(core, "worker", batch, 1, 1, "TIMEOUT"); /* waits; the third is leased instead */
	cancel_job(core, batch, 1);
	cancel_job(core, batch, 2);
	cancel_job(core, batch, 4);
	core_assert_jobs(core, batch, JOB_CANCELLED, 2);
	core_assert_jobs(core, batch, JOB_LEASED, 2);
	/* A leased one ends with its lease, and is not given out again. */
	for (int i = 0; i < LIMIT_MISSED_HEARTBEATS; i++)
		core_beat_empty(core, "worker");
	core_assert_jobs(core, batch, JOB_CANCELLED, 3);
	cancel_job(core, batch, 1);
	g_assert_cmpstr(core_error(core, "client"), ==, NULL);
	cancel_job(core, batch, 5);
	g_assert_cmpstr(core_error(core, "client"), ==, "JOB_NOT_FOUND");
}

static void test_a_cancelled_batch_ends_with_its_leases(void)
{
	scoped(core) core = with_client();
	uint64_t batch;

	core_greet_worker(core, "worker", 2);
	batch = core_submit_noops(core, "client", "r", 9);
	cancel_batch(core, batch);
	core_assert_jobs(core, batch, JOB_CANCELLED, 7);
	/* What was done in time counts as done. */
	core_end(core, "worker", batch, 1, 1, NULL);
	core_end(core, "worker", batch, 2, 1, "TIMEOUT");
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_BATCH_CLOSED), ==, 1);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_CANCELLED), ==, 8);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOB_SUCCEEDED), ==, 1);
}

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
#define CLAIM(name) g_test_add_func("/decide/" #name, test_##name)
	CLAIM(strangers_are_asked_to_say_hello);
	CLAIM(a_refused_hello_greets_nobody);
	CLAIM(the_same_request_again_returns_the_same_batch);
	CLAIM(a_second_request_in_one_turn_sees_the_first);
	CLAIM(a_unique_key_is_one_batch_while_it_is_open);
	CLAIM(an_unknown_fork_is_refused_with_the_nearest_name);
	CLAIM(a_batch_of_all_forks_grows_in_chunks_without_later_forks);
	CLAIM(nothing_is_given_out_while_the_queue_is_paused);
	CLAIM(jobs_of_a_removed_fork_fail_by_name);
	CLAIM(a_batch_closes_once_with_its_counts);
	CLAIM(late_reports_change_nothing);
	CLAIM(retries_back_off_until_the_dead_letter);
	CLAIM(facts_if_final_are_recorded_only_at_the_end);
	CLAIM(returned_jobs_use_up_no_try_and_expired_ones_do);
	CLAIM(a_session_goes_on_after_a_takeover);
	CLAIM(a_worker_that_leaves_leaves_its_jobs);
	CLAIM(a_job_handed_back_twice_in_one_message_is_returned_once);
	CLAIM(a_worker_that_was_silent_too_long_is_told_to_join_again);
	CLAIM(doubled_facts_are_recorded_once);
	CLAIM(the_next_attempt_learns_what_was_begun);
	CLAIM(a_command_lines_jobs_wait_for_its_own_worker);
	CLAIM(anybody_takes_over_what_a_dead_command_line_left);
	CLAIM(cancelled_jobs_end_wherever_they_are);
	CLAIM(a_cancelled_batch_ends_with_its_leases);
	CLAIM(cancelling_a_batch_cancels_jobs_before_one_cancelled_earlier);
	return g_test_run();
}
