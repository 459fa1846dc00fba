/* Versions and ranges as the rest of forge asks for them; npm's own cases are in
 * tests/e2e/test_semver.py. */
#include <glib.h>
#include <string.h>

#include "worker/component/semver_change.h"
#include "worker/component/semver_relation.h"

static void test_a_range_is_parsed_once_and_asked_often(void)
{
	static const struct {
		const char *version;
		gboolean in;
	} rows[] = {{"2.1.0", TRUE}, {"2.9.9", TRUE}, {"2.0.9", FALSE}, {"3.0.0", FALSE},
		{"2.2.0-rc.1", FALSE}, {"2.1.0-rc.1", FALSE}, {"2.1.0+build", TRUE}};
	scoped(semver_range) range = semver_range_parse("^2.1", SEMVER_STRICT);
	g_autofree char *text = semver_range_text(range);

	g_assert_cmpstr(text, ==, ">=2.1.0 <3.0.0-0");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		scoped(semver) version = semver_parse(rows[i].version, SEMVER_STRICT);

		g_assert_cmpint(semver_range_has(range, version), ==, rows[i].in);
	}
}

static void test_what_is_no_version_is_passed_over(void)
{
	static const char *const versions[] = {
		"1.0.0", "what", "1.10.0", "", "1.9.0", "2.0.0", NULL};
	static const char *const none[] = {"what", NULL};
	scoped(semver_range) range = semver_range_parse("1.x", SEMVER_STRICT);

	g_assert_cmpint(semver_range_max(range, versions), ==, 2);
	g_assert_cmpint(semver_range_min(range, versions), ==, 0);
	g_assert_cmpint(semver_range_max(range, none), ==, -1);
}

static void test_hostile_texts_are_no_ranges_and_end_soon(void)
{
	static const char *const pieces[] = {"1", "||", ">", "^", "x.", " - ", "-", "+", "*", "~>",
		"<0 ", "1.2.3-", "\xff", "\xe2\x80"};

	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
		for (size_t size = 1; size < 6000; size = size * 3 + 1) {
			g_autoptr(GString) text = g_string_new(NULL);

			while (text->len < size)
				g_string_append(text, pieces[i]);
			for (int flags = 0; flags < 4; flags++) {
				scoped(semver_range) range = semver_range_parse(
					text->str, (enum semver_flags)flags);
				scoped(semver)
					version = semver_parse(text->str, (enum semver_flags)flags);
				scoped(semver) coerced = semver_coerce(
					text->str, TRUE, (enum semver_flags)flags);

				if (range && semver_ranges_intersect(range, range))
					g_assert_true(semver_range_is_subset(range, range));
				g_assert_true(!version || version->prerelease);
				g_assert_true(!coerced || coerced->build);
			}
		}
	}
}

static void test_versions_are_ordered(void)
{
	static const char *const ordered[] = {"0.0.0-0", "0.0.0", "1.0.0-1", "1.0.0-2", "1.0.0-10",
		"1.0.0-99999999999999999998", "1.0.0-99999999999999999999", "1.0.0-a", "1.0.0-a.1",
		"1.0.0-a.b", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"};

	for (size_t i = 0; i < G_N_ELEMENTS(ordered); i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(ordered); j++) {
			scoped(semver) a = semver_parse(ordered[i], SEMVER_STRICT);
			scoped(semver) b = semver_parse(ordered[j], SEMVER_STRICT);

			g_assert_cmpint(semver_compare(a, b), ==, (i > j) - (i < j));
		}
	}
}

static void test_numbers_end_where_npms_do(void)
{
	scoped(semver) largest = semver_parse("9007199254740991.0.0", SEMVER_STRICT);
	scoped(semver) larger = semver_parse("9007199254740992.0.0", SEMVER_STRICT);
	scoped(semver)
		next = semver_increment(largest, "major", NULL, SEMVER_BASE_ZERO, SEMVER_STRICT);
	scoped(semver) again = NULL;
	g_autofree char *written = NULL;

	g_assert_nonnull(largest);
	g_assert_null(larger);
	/* What follows it is written, as by npm, and read by nobody. */
	written = semver_text(next);
	again = semver_parse(written, SEMVER_STRICT);
	g_assert_cmpstr(written, ==, "9007199254740992.0.0");
	g_assert_null(again);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/semver/a_range_is_parsed_once_and_asked_often",
		test_a_range_is_parsed_once_and_asked_often);
	g_test_add_func("/semver/what_is_no_version_is_passed_over",
		test_what_is_no_version_is_passed_over);
	g_test_add_func(
		"/semver/hostile_texts_end_soon", test_hostile_texts_are_no_ranges_and_end_soon);
	g_test_add_func("/semver/versions_are_ordered", test_versions_are_ordered);
	g_test_add_func("/semver/numbers_end_where_npms_do", test_numbers_end_where_npms_do);
	return g_test_run();
}
