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
	struct core *core = core_new_with_client();

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
	g_assert_cmpuint(granted->n_finished, ==, 1);
	g_assert_cmpstr(granted->finished[0]->branch, ==, "docs");
}

/* A branch's name of 30,000 bytes and a number. */
static char *long_branch(int number)
{
	g_autofree char *filling = g_strnfill(30000, 'b');

	return g_strdup_printf("%s%d", filling, number);
}

static const Forge__Reply *grant_after_restart(struct core *core)
{
	core_restart(core);
	core_greet_worker(core, "fresh", 1);
	core_pass(core, LIMIT_LEASE_MS);
	core_greet_worker(core, "another", 1);
	return core_reply(core, "another", FORGE__REPLY__KIND_GRANT);
}

static void test_a_grant_fits_a_message_whatever_was_finished(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);
	const Forge__Reply *reply;

	for (int i = 0; i < 40; i++) {
		g_autofree char *branch = long_branch(i);

		tell_synced(core, batch, 1, branch);
	}
	tell_intent(core, batch, 1, "main");
	reply = grant_after_restart(core);
	g_assert_cmpuint(protobuf_c_message_get_packed_size(&reply->base), <, LIMIT_MESSAGE_BYTES);
	g_assert_cmpuint(reply->grant->jobs[0]->n_finished, >, 20);
	g_assert_cmpuint(reply->grant->jobs[0]->n_intended, ==, 1);
}

static void test_a_grant_fits_a_message_whatever_was_announced(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);
	const Forge__GrantedJob *granted;
	const Forge__Reply *reply;

	for (int i = 0; i < 40; i++) {
		g_autofree char *branch = long_branch(i);

		tell_intent(core, batch, 1, branch);
	}
	tell_intent(core, batch, 1, "newest");
	reply = grant_after_restart(core);
	granted = reply->grant->jobs[0];
	g_assert_cmpuint(protobuf_c_message_get_packed_size(&reply->base), <, LIMIT_MESSAGE_BYTES);
	g_assert_cmpuint(granted->n_intended, >, 20);
	g_assert_cmpstr(granted->intended[granted->n_intended - 1]->ref, ==, "refs/heads/newest");
}

/* What was learnt of one repository is not said of another that has its fork's name since. */
static void test_a_fork_that_took_a_removed_ones_name_is_not_taken_for_it(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);
	Forge__RemoveFork removal = FORGE__REMOVE_FORK__INIT;
	Forge__Event *failed;

	removal.name = (char *)"tools";
	core_ask(core, "client", FORGE__REQUEST__KIND_REMOVE_FORK, &removal);
	core_register(core, "client", "tools");
	tell_synced(core, batch, 1, "main");
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 1);
	g_assert_cmpuint(state_fork(core_state(core), "tools")->branches->len, ==, 0);
	core_end(core, "worker", batch, 1, 1, "TIMEOUT");
	core_pass(core, LIMIT_RETRY_FIRST_MS);
	failed = core_newest(core, FORGE__EVENT__KIND_JOB_FAILED);
	g_assert_cmpstr(failed->job_failed->error->code, ==, "FORK_NOT_FOUND");
	forge__event__free_unpacked(failed, NULL);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_JOBS_LEASED), ==, 1);
	g_assert_null(state_fork(core_state(core), "tools")->failure);
}

/* The branches that the first attempt did not come to are not what they were said to be before. */
static void test_a_job_that_failed_after_some_branches_leaves_the_fork_in_doubt(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);

	tell_synced(core, batch, 1, "main");
	g_assert_null(state_fork(core_state(core), "tools")->failure);
	core_end(core, "worker", batch, 1, 1, "REPOSITORY_NOT_FOUND");
	g_assert_nonnull(state_fork(core_state(core), "tools")->failure);
}

static void tell_conflict(struct core *core, uint64_t batch, const char *branch)
{
	g_autofree char *name = g_strnfill(200, 'p');
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	Forge__ConflictPath path = FORGE__CONFLICT_PATH__INIT, *paths[LIMIT_CONFLICT_PATHS];

	path.path = name;
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		paths[i] = &path;
	synced.fork = (char *)"tools";
	synced.branch = (char *)branch;
	synced.status = FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT;
	synced.conflicts = paths;
	synced.n_conflicts = synced.conflict_count = G_N_ELEMENTS(paths);
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	core_tell(core, "worker", batch, 1, 1, &fact);
}

static void test_a_fork_with_very_many_conflicts_can_still_be_listed(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);
	Forge__ListForks list = FORGE__LIST_FORKS__INIT;
	const Forge__Reply *reply;

	for (int i = 0; i < 100; i++) {
		g_autofree char *branch = g_strdup_printf("release/%d", i);

		tell_conflict(core, batch, branch);
	}
	core_ask(core, "client", FORGE__REQUEST__KIND_LIST_FORKS, &list);
	reply = core_reply(core, "client", FORGE__REPLY__KIND_FORK_ROWS);
	g_assert_cmpuint(protobuf_c_message_get_packed_size(&reply->base), <, LIMIT_MESSAGE_BYTES);
	g_assert_cmpuint(reply->fork_rows->rows[0]->n_branches, ==, 100);
	g_assert_cmpuint(reply->fork_rows->rows[0]->branches[0]->last->conflict_count, ==,
		LIMIT_CONFLICT_PATHS);
}

/* It would come back for ever: nobody can record it, and no try of it is counted. */
static void test_an_end_that_is_too_large_to_be_recorded_ends_the_job(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);
	g_autofree char *path = g_strnfill(LIMIT_ENTRY_BYTES / 2, 'p');
	Forge__Report report = FORGE__REPORT__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;
	Forge__JobEnd end = FORGE__JOB_END__INIT;
	Forge__Fact fact = FORGE__FACT__INIT, *facts[] = {&fact};
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	Forge__Event *failed;

	synced.branch = path;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	id.batch = batch;
	id.number = 1;
	report.job = &id;
	report.attempt = 1;
	report.n_facts = 1;
	report.facts = facts;
	core_ask(core, "worker", FORGE__REQUEST__KIND_REPORT, &report);
	g_assert_cmpstr(core_error(core, "worker"), ==, "TOO_LARGE");
	core_assert_jobs(core, batch, JOB_LEASED, 1);
	report.end = &end;
	core_ask(core, "worker", FORGE__REQUEST__KIND_REPORT, &report);
	g_assert_cmpstr(core_error(core, "worker"), ==, "TOO_LARGE");
	failed = core_newest(core, FORGE__EVENT__KIND_JOB_FAILED);
	g_assert_cmpstr(failed->job_failed->error->code, ==, "TOO_LARGE");
	forge__event__free_unpacked(failed, NULL);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 0);
}

static void test_words_that_no_reader_of_the_journal_knows_are_refused(void)
{
	uint64_t batch;
	scoped(core) core = with_fork_job(&batch);
	Forge__Fact fact = FORGE__FACT__INIT;
	Forge__ForkSynced synced = FORGE__FORK_SYNCED__INIT;
	uint8_t bytes[] = {1};
	ProtobufCMessageUnknownField unknown = {
		.tag = 99, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = bytes};

	core_tell(core, "worker", batch, 1, 1, &fact);
	g_assert_cmpstr(core_error(core, "worker"), ==, "UNSUPPORTED");
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &synced;
	synced.status = (Forge__BranchStatus)99;
	core_tell(core, "worker", batch, 1, 1, &fact);
	g_assert_cmpstr(core_error(core, "worker"), ==, "UNSUPPORTED");
	synced.status = FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED;
	synced.base.n_unknown_fields = 1;
	synced.base.unknown_fields = &unknown;
	core_tell(core, "worker", batch, 1, 1, &fact);
	g_assert_cmpstr(core_error(core, "worker"), ==, "UNSUPPORTED");
	synced.base.n_unknown_fields = 0;
	core_tell(core, "worker", batch, 1, 1, &fact);
	g_assert_cmpstr(core_error(core, "worker"), ==, NULL);
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_REPORTED), ==, 1);
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
	CLAIM(doubled_facts_are_recorded_once);
	CLAIM(the_next_attempt_learns_what_was_begun);
	CLAIM(a_grant_fits_a_message_whatever_was_finished);
	CLAIM(a_grant_fits_a_message_whatever_was_announced);
	CLAIM(a_fork_that_took_a_removed_ones_name_is_not_taken_for_it);
	CLAIM(a_job_that_failed_after_some_branches_leaves_the_fork_in_doubt);
	CLAIM(a_fork_with_very_many_conflicts_can_still_be_listed);
	CLAIM(an_end_that_is_too_large_to_be_recorded_ends_the_job);
	CLAIM(words_that_no_reader_of_the_journal_knows_are_refused);
	CLAIM(a_command_lines_jobs_wait_for_its_own_worker);
	CLAIM(anybody_takes_over_what_a_dead_command_line_left);
	CLAIM(a_dead_command_line_is_forgotten_with_its_last_batch);
	return g_test_run();
}
