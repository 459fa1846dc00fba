/* Which name was meant: one row a question. */
#include <glib.h>

#include "journal/base/limits.h"
#include "journal/base/nearest.h"

static const char *const names[] = {
	"jobs", "cache_size", "my-crm-tools", "sync", "main", "x", NULL};

static const struct {
	const char *wanted;
	const char *meant; /* NULL: nothing is near */
} rows[] = {
	{"jobs", "jobs"},
	{"JOBS", "jobs"},
	{"job", "jobs"},
	{"jbos", "jobs"}, /* two letters swapped are one mistake */
	{"jboss", NULL},  /* swapped and added are two: too many for five letters */
	{"cahce_szie", "cache_size"},
	{"cachesize", "cache_size"},
	{"my-crm-tool", "my-crm-tools"},
	{"mycrmtools", "my-crm-tools"},
	{"crm", NULL},
	{"sycn", "sync"},
	{"y", NULL}, /* every letter is another */
	{"", NULL},
	{"unrelated", NULL},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i].wanted);
		g_assert_cmpstr(nearest_name(rows[i].wanted, names), ==, rows[i].meant);
	}
}

static void test_nearer_wins_and_first_of_equals(void)
{
	static const char *const near[] = {"forkone", "forktwo", "forktow", NULL};
	static const char *const equal[] = {"cat", "car", NULL};

	g_assert_cmpstr(nearest_name("forktow", near), ==, "forktow");
	g_assert_cmpstr(nearest_name("forktwoo", near), ==, "forktwo");
	g_assert_cmpstr(nearest_name("cap", equal), ==, "cat");
}

static void test_too_long_names_are_passed_over(void)
{
	g_autofree char *just = g_strnfill(LIMIT_NAME_BYTES, 'a');
	g_autofree char *over = g_strnfill(LIMIT_NAME_BYTES + 1, 'a');
	const char *const both[] = {over, just, NULL};

	g_assert_true(nearest_name(just, both) == just);
	g_assert_null(nearest_name(over, both));
}

static void test_question(void)
{
	g_autofree char *question = nearest_question("sycn", names);
	g_autofree char *none = nearest_question("unrelated", names);

	g_assert_cmpstr(question, ==, "did you mean 'sync'?");
	g_assert_null(none);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/nearest/what_was_meant", test_rows);
	g_test_add_func(
		"/nearest/nearer_wins_and_first_of_equals", test_nearer_wins_and_first_of_equals);
	g_test_add_func(
		"/nearest/too_long_names_are_passed_over", test_too_long_names_are_passed_over);
	g_test_add_func("/nearest/question_names_the_nearest", test_question);
	return g_test_run();
}
