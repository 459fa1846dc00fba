/* What clients and strangers ask for and what it leads to, one claim a test. */
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
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
	uint64_t batch = submit_with_key(core, "r1");

	g_assert_cmpuint(submit_with_key(core, "r2"), ==, batch);
	cancel_batch(core, batch);
	g_assert_cmpuint(submit_with_key(core, "r3"), >, batch);
}

static void test_an_unknown_fork_is_refused_with_the_nearest_name(void)
{
	scoped(core) core = core_new_with_client();
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

/* Lanes have their jobs in the order of their batches, and an image is read back that way. */
static void test_a_small_batch_does_not_overtake_one_that_still_grows(void)
{
	scoped(core) core = core_new_with_client();
	Forge__Request requests[2] = {FORGE__REQUEST__INIT, FORGE__REQUEST__INIT};
	Forge__Submit all = FORGE__SUBMIT__INIT, one = FORGE__SUBMIT__INIT;
	char *targets[] = {(char *)"tools"};
	struct batch_row *batch;
	const struct job *job;

	core_register(core, "client", "tools");
	all.kind = one.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	all.all_forks = TRUE;
	one.targets = targets;
	one.n_targets = 1;
	requests[0].kind_case = requests[1].kind_case = FORGE__REQUEST__KIND_SUBMIT;
	requests[0].submit = &all;
	requests[1].submit = &one;
	core_ask_all(core, "client", requests, 2);
	batch = g_queue_peek_head((GQueue *)&core_state(core)->batches);
	job = core_job(core, batch->seq, 1);
	g_assert_true(job_table_may_run(core_state(core)->jobs, job));
	batch = g_queue_peek_tail((GQueue *)&core_state(core)->batches);
	job = core_job(core, batch->seq, 1);
	g_assert_false(job_table_may_run(core_state(core)->jobs, job));
}

static void test_a_small_batch_has_its_jobs_in_the_entry_that_opens_it(void)
{
	scoped(core) core = core_new_with_client();
	scoped(journal_reader) reader = NULL;
	struct journal_record record;
	const Forge__Entry *entry;

	core_submit_noops(core, "client", "r", 3);
	reader = journal_read(core->journal, journal_end(core->journal).seq, NULL);
	g_assert_cmpint(journal_reader_next(reader, &record, NULL), ==, JOURNAL_READ_RECORD);
	entry = record.entries->entries[record.entries->n_entries - 1];
	g_assert_cmpuint(entry->n_events, ==, 3);
	g_assert_cmpint(entry->events[0]->kind_case, ==, FORGE__EVENT__KIND_BATCH_OPENED);
	g_assert_cmpint(entry->events[1]->kind_case, ==, FORGE__EVENT__KIND_BATCH_EXTENDED);
	g_assert_cmpint(entry->events[2]->kind_case, ==, FORGE__EVENT__KIND_BATCH_SEALED);
}

static void test_a_batch_of_all_forks_grows_in_chunks_without_later_forks(void)
{
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
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

static void ask_to_remove(struct core *core, const char *request_id, const char *fork)
{
	Forge__RemoveFork removal = FORGE__REMOVE_FORK__INIT;

	removal.name = (char *)fork;
	removal.request_id = (char *)request_id;
	core_ask(core, "client", FORGE__REQUEST__KIND_REMOVE_FORK, &removal);
}

static void test_a_removal_asked_for_again_is_done_and_takes_no_other_fork(void)
{
	scoped(core) core = core_new_with_client();

	core_register(core, "client", "tools");
	core_register(core, "client", "docs");
	ask_to_remove(core, "r1", "tools");
	core_reply(core, "client", FORGE__REPLY__KIND_DONE);
	core_restart(core);
	core_greet_client(core, "client");
	ask_to_remove(core, "r1", "tools");
	core_reply(core, "client", FORGE__REPLY__KIND_DONE);
	core_register(core, "client", "tools");
	ask_to_remove(core, "r1", "tools");
	core_reply(core, "client", FORGE__REPLY__KIND_DONE);
	g_assert_nonnull(state_fork(core_state(core), "tools"));
	g_assert_cmpuint(core_count(core, FORGE__EVENT__KIND_FORK_REMOVED), ==, 1);
	/* An id means one removal of one fork, and no id means none. */
	ask_to_remove(core, "r1", "docs");
	g_assert_null(state_fork(core_state(core), "docs"));
	ask_to_remove(core, "", "docs");
	g_assert_cmpstr(core_error(core, "client"), ==, "FORK_NOT_FOUND");
}

static void test_removals_are_known_in_bounded_number(void)
{
	scoped(core) core = core_new_with_client();

	for (guint i = 0; i <= LIMIT_KNOWN_REMOVALS; i++) {
		g_autofree char *request_id = g_strdup_printf("r%u", i);

		core_register(core, "client", "tools");
		ask_to_remove(core, request_id, "tools");
	}
	g_assert_cmpuint(core_state(core)->removals.length, ==, LIMIT_KNOWN_REMOVALS);
	g_assert_false(state_has_removed(core_state(core), "r0", "tools"));
	g_assert_true(state_has_removed(core_state(core), "r1", "tools"));
}

static void test_a_batch_closes_once_with_its_counts(void)
{
	scoped(core) core = core_new_with_client();
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

/* ---- cancelling --------------------------------------------------------------------------- */

static void test_cancelled_jobs_end_wherever_they_are(void)
{
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
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
	scoped(core) core = core_new_with_client();
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
	CLAIM(a_small_batch_does_not_overtake_one_that_still_grows);
	CLAIM(a_small_batch_has_its_jobs_in_the_entry_that_opens_it);
	CLAIM(a_batch_of_all_forks_grows_in_chunks_without_later_forks);
	CLAIM(nothing_is_given_out_while_the_queue_is_paused);
	CLAIM(jobs_of_a_removed_fork_fail_by_name);
	CLAIM(a_removal_asked_for_again_is_done_and_takes_no_other_fork);
	CLAIM(removals_are_known_in_bounded_number);
	CLAIM(a_batch_closes_once_with_its_counts);
	CLAIM(cancelled_jobs_end_wherever_they_are);
	CLAIM(a_cancelled_batch_ends_with_its_leases);
	CLAIM(cancelling_a_batch_cancels_jobs_before_one_cancelled_earlier);
	return g_test_run();
}
