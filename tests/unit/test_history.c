/*
 * One batch's events folded into rows: retries, partial ends, cancellation.
 */
#include "cli/history.h"

#include <string.h>

#define BATCH 10

struct story {
	struct history *history;
	uint64_t seq;
	const struct history_job *ended; /* by the last event */
};

static void tell(struct story *story, Forge__Event *event)
{
	Forge__EventRow row = FORGE__EVENT_ROW__INIT;
	row.seq = story->seq++;
	row.time_us = 1000000 * row.seq;
	row.event = event;
	story->ended = history_apply(story->history, &row);
}

#define TELL(story, member, KIND) \
	do { \
		Forge__Event event = FORGE__EVENT__INIT; \
		event.kind_case = FORGE__EVENT__KIND_##KIND; \
		event.member = &member; \
		tell(story, &event); \
	} while (0)

static void tell_opening(struct story *story, char **targets, size_t count, gboolean dry_run)
{
	Forge__BatchArguments arguments = FORGE__BATCH_ARGUMENTS__INIT;
	arguments.dry_run = dry_run;
	Forge__BatchOpened batch_opened = FORGE__BATCH_OPENED__INIT;
	batch_opened.batch = (char *)"01JABCDEFGHJKMNPQRSTVWXYZ0";
	batch_opened.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	batch_opened.arguments = &arguments;
	TELL(story, batch_opened, BATCH_OPENED);
	Forge__BatchExtended batch_extended = FORGE__BATCH_EXTENDED__INIT;
	batch_extended.batch = BATCH;
	batch_extended.targets = targets;
	batch_extended.n_targets = count;
	TELL(story, batch_extended, BATCH_EXTENDED);
}

static void tell_lease(struct story *story, uint32_t number, uint32_t attempt)
{
	Forge__JobId id = FORGE__JOB_ID__INIT;
	id.batch = BATCH;
	id.number = number;
	Forge__JobId *ids[] = {&id};
	Forge__JobsLeased jobs_leased = FORGE__JOBS_LEASED__INIT;
	jobs_leased.jobs = ids;
	jobs_leased.n_jobs = 1;
	jobs_leased.attempts = &attempt;
	jobs_leased.n_attempts = 1;
	TELL(story, jobs_leased, JOBS_LEASED);
}

static void tell_end_of_branch(
	struct story *story, uint32_t number, const char *branch, Forge__BranchStatus status)
{
	Forge__JobId id = FORGE__JOB_ID__INIT;
	id.batch = BATCH;
	id.number = number;
	Forge__ForkSynced end = FORGE__FORK_SYNCED__INIT;
	end.fork = (char *)"tools";
	end.branch = (char *)branch;
	end.status = status;
	Forge__Fact fact = FORGE__FACT__INIT;
	fact.kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact.fork_synced = &end;
	Forge__Reported reported = FORGE__REPORTED__INIT;
	reported.job = &id;
	reported.fact = &fact;
	TELL(story, reported, REPORTED);
}

static void tell_failure(struct story *story, uint32_t number, const char *code)
{
	Forge__JobId id = FORGE__JOB_ID__INIT;
	id.batch = BATCH;
	id.number = number;
	Forge__Error error = FORGE__ERROR__INIT;
	error.code = (char *)code;
	error.message = (char *)"it failed";
	Forge__JobFailed job_failed = FORGE__JOB_FAILED__INIT;
	job_failed.job = &id;
	job_failed.error = &error;
	TELL(story, job_failed, JOB_FAILED);
}

static void tell_success(struct story *story, uint32_t number, Forge__Verdict verdict)
{
	Forge__JobId id = FORGE__JOB_ID__INIT;
	id.batch = BATCH;
	id.number = number;
	Forge__JobSucceeded job_succeeded = FORGE__JOB_SUCCEEDED__INIT;
	job_succeeded.job = &id;
	job_succeeded.verdict = verdict;
	TELL(story, job_succeeded, JOB_SUCCEEDED);
}

static void story_begin(struct story *story, size_t jobs, gboolean dry_run)
{
	static const char *const names[] = {"tools", "sales", "prompts"};
	*story = (struct story){.history = history_new(), .seq = BATCH};
	tell_opening(story, (char **)names, jobs, dry_run);
}

static const Forge__ForkSynced *entry_at(const GPtrArray *entries, guint index)
{
	g_assert_cmpuint(index, <, entries->len);
	return g_ptr_array_index(entries, index);
}

#define STATUS(word) FORGE__BRANCH_STATUS__BRANCH_STATUS_##word

static void the_last_word_on_a_branch_counts(void)
{
	struct story story;
	story_begin(&story, 1, FALSE);
	tell_lease(&story, 1, 1);
	tell_end_of_branch(&story, 1, "main", STATUS(FAILED));
	tell_end_of_branch(&story, 1, "next", STATUS(MERGED));
	tell_lease(&story, 1, 2);
	tell_end_of_branch(&story, 1, "main", STATUS(FAST_FORWARDED));
	g_assert_null(story.ended);
	tell_success(&story, 1, FORGE__VERDICT__VERDICT_DONE);
	g_assert_true(story.ended == history_job(story.history, 1));
	g_assert_cmpuint(story.ended->attempt, ==, 2);
	g_autoptr(GPtrArray) entries = history_entries(story.history, story.ended);
	g_assert_cmpuint(entries->len, ==, 2);
	g_assert_cmpstr(entry_at(entries, 0)->branch, ==, "next");
	g_assert_cmpint(entry_at(entries, 1)->status, ==, STATUS(FAST_FORWARDED));
	history_free(story.history);
}

static void a_job_that_failed_as_a_whole_is_an_entry_without_a_branch(void)
{
	struct story story;
	story_begin(&story, 1, TRUE);
	tell_end_of_branch(&story, 1, "main", STATUS(UP_TO_DATE));
	tell_failure(&story, 1, "TIMEOUT");
	g_autoptr(GPtrArray) entries = history_entries(story.history, story.ended);
	g_assert_cmpuint(entries->len, ==, 2);
	g_assert_cmpstr(entry_at(entries, 1)->fork, ==, "tools");
	g_assert_cmpstr(entry_at(entries, 1)->branch, ==, "");
	g_assert_cmpint(entry_at(entries, 1)->status, ==, STATUS(FAILED));
	g_assert_cmpstr(entry_at(entries, 1)->error->code, ==, "TIMEOUT");
	g_assert_true(entry_at(entries, 1)->dry_run);
	history_free(story.history);
}

static void a_failed_branch_is_not_told_twice(void)
{
	struct story story;
	story_begin(&story, 1, FALSE);
	tell_end_of_branch(&story, 1, "main", STATUS(FAILED));
	tell_failure(&story, 1, "PUSH_REJECTED");
	g_autoptr(GPtrArray) entries = history_entries(story.history, story.ended);
	g_assert_cmpuint(entries->len, ==, 1);
	history_free(story.history);
}

static void a_cancelled_job_is_skipped_and_one_without_branches_too(void)
{
	struct story story;
	story_begin(&story, 2, FALSE);
	Forge__JobId id = FORGE__JOB_ID__INIT;
	id.batch = BATCH;
	id.number = 1;
	Forge__JobCancelled job_cancelled = FORGE__JOB_CANCELLED__INIT;
	job_cancelled.job = &id;
	TELL(&story, job_cancelled, JOB_CANCELLED);
	g_autoptr(GPtrArray) cancelled = history_entries(story.history, story.ended);
	g_assert_cmpint(entry_at(cancelled, 0)->status, ==, STATUS(SKIPPED));
	g_assert_cmpstr(entry_at(cancelled, 0)->error->code, ==, "CANCELLED");
	tell_success(&story, 2, FORGE__VERDICT__VERDICT_DONE);
	g_autoptr(GPtrArray) empty = history_entries(story.history, story.ended);
	g_assert_cmpint(entry_at(empty, 0)->status, ==, STATUS(SKIPPED));
	g_assert_cmpstr(entry_at(empty, 0)->fork, ==, "sales");
	history_free(story.history);
}

static void states_follow_the_events(void)
{
	struct story story;
	story_begin(&story, 3, FALSE);
	tell_lease(&story, 1, 1);
	tell_failure(&story, 2, "TIMEOUT");
	g_assert_cmpint(history_job(story.history, 1)->state, ==, JOB_LEASED);
	g_assert_cmpint(history_job(story.history, 2)->state, ==, JOB_FAILED);
	g_assert_cmpint(history_job(story.history, 3)->state, ==, JOB_QUEUED);
	g_assert_cmpuint(story.history->ended, ==, 1);
	history_free(story.history);
}

static void an_end_counts_once_and_strangers_change_nothing(void)
{
	struct story story;
	story_begin(&story, 1, FALSE);
	tell_success(&story, 1, FORGE__VERDICT__VERDICT_CONFLICT);
	g_assert_nonnull(story.ended);
	tell_failure(&story, 1, "TIMEOUT");
	g_assert_null(story.ended);
	tell_failure(&story, 0, "TIMEOUT");
	tell_failure(&story, 2, "TIMEOUT");
	g_assert_null(story.ended);
	g_assert_cmpint(history_job(story.history, 1)->state, ==, JOB_CONFLICT);
	Forge__JobRow *row = history_job_row(story.history, history_job(story.history, 1));
	g_assert_cmpstr(row->state, ==, "conflict");
	g_assert_cmpstr(row->batch_name, ==, "01JABCDEFGHJKMNPQRSTVWXYZ0");
	g_assert_null(row->error);
	forge__job_row__free_unpacked(row, NULL);
	history_free(story.history);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/history/" #name, name)
	CLAIM(the_last_word_on_a_branch_counts);
	CLAIM(a_job_that_failed_as_a_whole_is_an_entry_without_a_branch);
	CLAIM(a_failed_branch_is_not_told_twice);
	CLAIM(a_cancelled_job_is_skipped_and_one_without_branches_too);
	CLAIM(states_follow_the_events);
	CLAIM(an_end_counts_once_and_strangers_change_nothing);
	return g_test_run();
}
