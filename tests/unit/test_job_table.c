/* Order, lanes, waits and counts of jobs. Picks are told as text: `a1 b2` is job 1 of batch a, then
 * job 2 of batch b. */
#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "queue/job_table.h"

#define NOW 1000000000u
#define SECOND 1000000u

static gboolean any(const struct job_batch *batch, const char *host, gpointer user_data)
{
	(void)batch, (void)host, (void)user_data;
	return TRUE;
}

static gboolean not_host(const struct job_batch *batch, const char *host, gpointer user_data)
{
	(void)batch;
	return strcmp(host, user_data) != 0;
}

/* What would be picked, at most MAX. The name of a batch is its user_data. */
static void assert_picks_filtered(struct job_table *table, uint32_t max, job_filter filter,
	gpointer user_data, const char *expected)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct job_pick picks[16];
	uint32_t n = job_table_pick(table, NOW, filter, user_data, picks, max);
	char *why = NULL;

	for (uint32_t i = 0; i < n; i++)
		g_string_append_printf(text, "%s%s%u", i ? " " : "",
			(const char *)picks[i].batch->user_data, picks[i].number);
	g_assert_cmpstr(text->str, ==, expected);
	job_table_audit(table, &why);
	g_assert_cmpstr(why, ==, NULL);
}

static void assert_picks(struct job_table *table, const char *expected)
{
	assert_picks_filtered(table, 16, any, NULL, expected);
}

static struct job_batch *open_batch(struct job_table *table, const char *name, uint32_t priority)
{
	return job_table_open(table, (uint64_t)name[0], priority, (void *)name);
}

static void add_plain(struct job_table *table, struct job_batch *batch, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		job_table_add(table, batch, NULL, FALSE, "host");
}

static void lease_picked(struct job_table *table, uint32_t n)
{
	struct job_pick picks[16];
	uint32_t picked = job_table_pick(table, NOW, any, NULL, picks, n);

	for (uint32_t i = 0; i < picked; i++)
		job_table_lease(table, picks[i].batch, picks[i].number, 1, 7);
}

/* ---- order -------------------------------------------------------------------------------- */

static void test_older_jobs_of_a_batch_go_first(void)
{
	scoped(job_table) table = job_table_new();

	add_plain(table, open_batch(table, "a", 0), 3);
	assert_picks(table, "a1 a2 a3");
	assert_picks_filtered(table, 2, any, NULL, "a1 a2");
}

static void test_batches_take_turns(void)
{
	scoped(job_table) table = job_table_new();

	add_plain(table, open_batch(table, "a", 0), 4);
	add_plain(table, open_batch(table, "b", 0), 2);
	assert_picks(table, "a1 b1 a2 b2 a3 a4");
	/* Served longest ago goes first. */
	lease_picked(table, 1);
	assert_picks(table, "b1 a2 b2 a3 a4");
}

static void test_higher_priority_goes_first(void)
{
	scoped(job_table) table = job_table_new();

	add_plain(table, open_batch(table, "a", 1), 2);
	add_plain(table, open_batch(table, "b", JOB_PRIORITY_MAX + 5), 1);
	add_plain(table, open_batch(table, "c", 0), 1);
	assert_picks(table, "b1 a1 a2 c1");
}

static void test_hosts_of_a_batch_take_turns_and_are_passed_over_whole(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *batch = open_batch(table, "a", 0);

	job_table_add(table, batch, NULL, FALSE, "one");
	job_table_add(table, batch, NULL, FALSE, "one");
	job_table_add(table, batch, NULL, FALSE, "two");
	assert_picks(table, "a1 a3 a2");
	assert_picks_filtered(table, 16, not_host, (gpointer) "one", "a3");
}

static void test_a_job_handed_back_goes_before_its_batchs_others(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *batch = open_batch(table, "a", 0);

	add_plain(table, batch, 3);
	lease_picked(table, 1);
	job_table_requeue(table, batch, 1, FALSE);
	assert_picks(table, "a1 a2 a3");
	g_assert_cmpuint(job_table_job(table, batch, 1)->tries, ==, 0);
	g_assert_cmpuint(job_table_job(table, batch, 1)->attempt, ==, 1);
	job_table_lease(table, batch, 1, 2, 7);
	job_table_requeue(table, batch, 1, TRUE);
	g_assert_cmpuint(job_table_job(table, batch, 1)->tries, ==, 0);
	g_assert_cmpuint(job_table_job(table, batch, 1)->losses, ==, 1);
}

/* ---- lanes -------------------------------------------------------------------------------- */

static uint32_t add_in_lane(struct job_table *table, struct job_batch *batch)
{
	return job_table_add(table, batch, "fork", TRUE, "host");
}

static void test_a_lane_runs_one_job_at_a_time_in_order(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0), *b = open_batch(table, "b", 9);

	add_in_lane(table, a);
	add_in_lane(table, b);
	assert_picks(table, "a1");
	lease_picked(table, 1);
	assert_picks(table, "");
	job_table_end(table, a, 1, JOB_DONE);
	assert_picks(table, "b1");
}

static void test_a_lane_goes_on_when_one_behind_is_cancelled(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0);

	add_in_lane(table, a);
	add_in_lane(table, a);
	add_in_lane(table, a);
	job_table_end(table, a, 2, JOB_CANCELLED);
	job_table_end(table, a, 1, JOB_CANCELLED);
	assert_picks(table, "a3");
}

static void test_a_waiting_job_lets_its_lane_go_on(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0);

	add_in_lane(table, a);
	add_in_lane(table, a);
	lease_picked(table, 1);
	job_table_wait(table, a, 1, NOW - 1);
	assert_picks(table, "a2");
	job_table_end(table, a, 2, JOB_DONE);
	assert_picks(table, "a1");
}

static void test_a_job_that_comes_later_does_not_stand_behind_one_that_waits(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0), *b = open_batch(table, "b", 0);

	add_in_lane(table, a);
	job_table_wait(table, a, 1, NOW + 1000 * (uint64_t)SECOND);
	assert_picks(table, "");
	add_in_lane(table, b);
	assert_picks(table, "b1");
	/* Nor does its retry. */
	lease_picked(table, 1);
	job_table_wait(table, b, 1, NOW);
	assert_picks(table, "b1");
}

/* ---- waits -------------------------------------------------------------------------------- */

static void test_waits_end_in_order_and_before_all_else(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0), *b = open_batch(table, "b", 9);

	add_plain(table, a, 3);
	add_plain(table, b, 1);
	job_table_wait(table, a, 1, NOW);
	job_table_wait(table, a, 2, NOW - 5);
	job_table_wait(table, a, 3, NOW + 1);
	assert_picks(table, "a2 a1 b1");
	g_assert_cmpuint(job_table_next_due_us(table), ==, NOW - 5);
	g_assert_cmpuint(job_table_count(table, JOB_WAITING), ==, 3);
}

static void test_a_retry_does_not_wait_for_a_clock_that_was_put_back(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0);

	add_plain(table, a, 3);
	lease_picked(table, 2);
	job_table_wait(table, a, 1, NOW + LIMIT_RETRY_AFTER_MS * UINT64_C(1000));
	job_table_wait(table, a, 2, NOW + LIMIT_RETRY_AFTER_MS * UINT64_C(1000) + 1);
	/* A time that the batch itself named is meant. */
	job_table_wait(table, a, 3, NOW + LIMIT_RETRY_AFTER_MS * UINT64_C(2000));
	assert_picks(table, "a2");
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void test_counts_follow_states(void)
{
	static const enum job_state ends[] = {
		JOB_DONE, JOB_CONFLICT, JOB_SKIPPED, JOB_FAILED, JOB_CANCELLED};
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0);

	add_plain(table, a, G_N_ELEMENTS(ends));
	g_assert_cmpuint(a->counts[JOB_QUEUED], ==, G_N_ELEMENTS(ends));
	lease_picked(table, 2);
	g_assert_cmpuint(a->counts[JOB_LEASED], ==, 2);
	for (uint32_t i = 0; i < G_N_ELEMENTS(ends); i++)
		job_table_end(table, a, i + 1, ends[i]);
	for (uint32_t i = 0; i < G_N_ELEMENTS(ends); i++)
		g_assert_cmpuint(a->counts[ends[i]], ==, 1);
	assert_picks(table, "");
	job_table_close(table, a);
	for (int i = 0; i < JOB_STATES; i++)
		g_assert_cmpuint(job_table_count(table, (enum job_state)i), ==, 0);
}

static void test_rows_and_targets_are_used_again(void)
{
	scoped(job_table) table = job_table_new();

	for (int round = 0; round < 3; round++) {
		struct job_batch *a = open_batch(table, "a", 0), *b = open_batch(table, "b", 0);

		add_in_lane(table, a);
		add_in_lane(table, b);
		job_table_end(table, a, 1, JOB_DONE);
		job_table_close(table, a);
		assert_picks(table, "b1");
		g_assert_cmpstr(job_table_target(table, job_table_job(table, b, 1)), ==, "fork");
		job_table_end(table, b, 1, JOB_DONE);
		job_table_close(table, b);
		assert_picks(table, "");
	}
}

static void test_there_is_no_job_zero_and_none_past_the_last(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0);

	add_plain(table, a, 1);
	g_assert_null(job_table_job(table, a, 0));
	g_assert_null(job_table_job(table, a, 2));
}

static void test_audit_sees_a_wrong_count(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0);
	g_autofree char *why = NULL;

	add_plain(table, a, 1);
	a->counts[JOB_DONE]++;
	g_assert_false(job_table_audit(table, &why));
	g_assert_nonnull(strstr(why, "counts"));
}

/* Random moves: the audit holds after each, and lanes never run two. */
static void test_random_moves_keep_the_table_whole(void)
{
	scoped(job_table) table = job_table_new();
	struct job_batch *a = open_batch(table, "a", 0), *b = open_batch(table, "b", 3);
	GRand *chance = g_rand_new_with_seed(7);

	for (int i = 0; i < 4000; i++) {
		struct job_batch *batch = g_rand_int(chance) & 1 ? a : b;
		uint32_t n = batch->rows->len;
		uint32_t number = n ? (uint32_t)g_rand_int_range(chance, 1, (gint32)n + 1) : 0;
		const struct job *job = number ? job_table_job(table, batch, number) : NULL;
		const char *target = g_rand_int(chance) & 1 ? "one" : "two";
		char *why = NULL;

		if (n < 200 && g_rand_int_range(chance, 0, 6) == 0)
			job_table_add(table, batch, target, TRUE, target);
		else if (g_rand_int_range(chance, 0, 3) == 0)
			lease_picked(table, 1);
		else if (job && job->state == JOB_LEASED && g_rand_int_range(chance, 0, 3) == 0)
			job_table_requeue(table, batch, number, TRUE);
		else if (job && job->state == JOB_LEASED && g_rand_int_range(chance, 0, 2) == 0)
			job_table_wait(table, batch, number,
				NOW + (uint64_t)g_rand_int_range(chance, -9, 9));
		else if (job && !job_state_ended(job->state) && g_rand_int_range(chance, 0, 8) == 0)
			job_table_end(table, batch, number, JOB_DONE);
		g_assert_cmpuint(job_table_count(table, JOB_LEASED), <=, 2);
		job_table_audit(table, &why);
		g_assert_cmpstr(why, ==, NULL);
	}
	g_assert_cmpuint(job_table_count(table, JOB_DONE), >, 50);
	g_rand_free(chance);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/job_table/" #name, test_##name)
	CLAIM(older_jobs_of_a_batch_go_first);
	CLAIM(batches_take_turns);
	CLAIM(higher_priority_goes_first);
	CLAIM(hosts_of_a_batch_take_turns_and_are_passed_over_whole);
	CLAIM(a_job_handed_back_goes_before_its_batchs_others);
	CLAIM(a_lane_runs_one_job_at_a_time_in_order);
	CLAIM(a_lane_goes_on_when_one_behind_is_cancelled);
	CLAIM(a_waiting_job_lets_its_lane_go_on);
	CLAIM(a_job_that_comes_later_does_not_stand_behind_one_that_waits);
	CLAIM(waits_end_in_order_and_before_all_else);
	CLAIM(a_retry_does_not_wait_for_a_clock_that_was_put_back);
	CLAIM(counts_follow_states);
	CLAIM(rows_and_targets_are_used_again);
	CLAIM(there_is_no_job_zero_and_none_past_the_last);
	CLAIM(audit_sees_a_wrong_count);
	CLAIM(random_moves_keep_the_table_whole);
	return g_test_run();
}
