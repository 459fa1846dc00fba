/* Facts: what is recorded of them, what the next attempt learns, what they make of a fork. */
#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "queue/protocol.h"
#include "tests/support/core_fixture.h"

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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/decide_facts/" #name, test_##name)
	CLAIM(doubled_facts_are_recorded_once);
	CLAIM(the_next_attempt_learns_what_was_begun);
	CLAIM(a_grant_fits_a_message_whatever_was_finished);
	CLAIM(a_grant_fits_a_message_whatever_was_announced);
	CLAIM(a_fork_that_took_a_removed_ones_name_is_not_taken_for_it);
	CLAIM(a_job_that_failed_after_some_branches_leaves_the_fork_in_doubt);
	CLAIM(a_fork_with_very_many_conflicts_can_still_be_listed);
	CLAIM(an_end_that_is_too_large_to_be_recorded_ends_the_job);
	CLAIM(words_that_no_reader_of_the_journal_knows_are_refused);
	return g_test_run();
}
