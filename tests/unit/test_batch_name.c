/* Names of batches and jobs. */
#include <glib.h>
#include <string.h>

#include "queue/batch_name.h"

static void test_names_derive_from_journal_sequence_and_time(void)
{
	g_autofree char *name = batch_name_make("j", 7, 1767225600000000);
	g_autofree char *again = batch_name_make("j", 7, 1767225600000999);
	g_autofree char *next = batch_name_make("j", 8, 1767225600000000);
	g_autofree char *elsewhere = batch_name_make("k", 7, 1767225600000000);

	g_assert_cmpuint(strlen(name), ==, BATCH_NAME_LENGTH);
	g_assert_true(g_str_has_prefix(name, "01KDVDNA00"));
	g_assert_cmpstr(name, ==, again);
	g_assert_cmpstr(name, !=, next);
	g_assert_cmpstr(name, !=, elsewhere);
}

static void test_names_sort_by_time(void)
{
	int64_t times[] = {-5, 0, 1000, 999999000, 1767225600000000, 1767225600001000};
	g_autofree char *before = batch_name_make("j", 99, times[1]);

	for (size_t i = 2; i < G_N_ELEMENTS(times); i++) {
		g_autofree char *name = batch_name_make("j", 99 - i, times[i]);

		g_assert_cmpstr(before, <, name);
		g_free(before);
		before = g_steal_pointer(&name);
	}
}

static void test_what_people_type(void)
{
	static const struct {
		const char *text, *batch;
		uint32_t number;
	} rows[] = {
		{"01KDVDNG00ABCDEFGHJKMNPQRS", "01KDVDNG00ABCDEFGHJKMNPQRS", 0},
		{"01kdvd", "01KDVD", 0}, {"01KDVD.12", "01KDVD", 12}, {"01KDVD.0", NULL, 0},
		{"01KDVD.", NULL, 0}, {"01KDVD.x", NULL, 0}, {"01KDVD.4294967296", NULL, 0},
		{"01KDVD.1.2", NULL, 0}, {"", NULL, 0}, {".1", NULL, 0},
		{"01KDVDNG00ABCDEFGHJKMNPQRST", NULL, 0}, {"my-fork", NULL, 0},
		{"ILOU", NULL, 0}, /* not in the alphabet */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *batch = NULL;
		uint32_t number = 99;
		gboolean parsed = batch_name_parse(rows[i].text, &batch, &number);

		g_test_message("%s", rows[i].text);
		g_assert_cmpstr(batch, ==, rows[i].batch);
		g_assert_cmpuint(number, ==, parsed ? rows[i].number : 99);
	}
}

static void test_a_jobs_name_is_read_back(void)
{
	g_autofree char *name = batch_name_make("j", 7, 0);
	g_autofree char *job = batch_name_of_job(name, 3);
	g_autofree char *batch = NULL;
	uint32_t number;

	g_assert_true(batch_name_parse(job, &batch, &number));
	g_assert_cmpstr(batch, ==, name);
	g_assert_cmpuint(number, ==, 3);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/batch_name/" #name, test_##name)
	CLAIM(names_derive_from_journal_sequence_and_time);
	CLAIM(names_sort_by_time);
	CLAIM(what_people_type);
	CLAIM(a_jobs_name_is_read_back);
	return g_test_run();
}
