/* One constraint for what several ask. */
#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "worker/component/component_constraint.h"

/* Constraints with `;` between, a version, and whether all of them together have it. */
static const struct {
	const char *texts;
	const char *version;
	gboolean has;
} ranges[] = {
	{"^1.2", "1.2.0", TRUE},
	{"^1.2;^1.4", "1.3.0", FALSE},
	{"^1.2;^1.4", "1.4.0", TRUE},
	{"^1.4;^1.2", "1.4.0", TRUE},
	{"^1;^2", "1.0.0", FALSE},
	{"^1;^2", "2.0.0", FALSE},
	{"1 || 2;2 || 3", "2.5.0", TRUE},
	{"1 || 2;2 || 3", "1.5.0", FALSE},
	{"1 || 2;2 || 3", "3.5.0", FALSE},
	{"*;^1", "1.5.0", TRUE},
	{"*;^1", "2.0.0", FALSE},
	{"^1;*", "1.5.0", TRUE},
	{"*;*", "1.5.0", TRUE},
	{"*;*;*;^2", "2.5.0", TRUE},
	{">=0.0.0;>=0.0.0;^1", "1.0.0", TRUE},
	{"x;>=0;^1", "2.0.0", FALSE},
	{"^1.2;~1.4.0;<1.4.7", "1.4.6", TRUE},
	{"^1.2;~1.4.0;<1.4.7", "1.4.7", FALSE},
	{"1.0.0 - 2.0.0;>1.5", "1.6.0", TRUE},
	{"<0.0.0;^1", "1.0.0", FALSE},
	{"v1.2.3;^1", "1.2.3", TRUE},
	{";^1;", "1.0.0", TRUE},
	{"^1; no constraint ;^1.5", "1.4.0", FALSE},
};

static char *all_of(const char *texts)
{
	g_auto(GStrv) list = g_strsplit(texts, ";", -1);

	return component_constraint_all((const char *const *)list);
}

static void ranges_become_their_intersection(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
		g_autofree char *all = all_of(ranges[i].texts);
		g_autoptr(GError) error = NULL;
		scoped(component_constraint) constraint = component_constraint_parse(all, &error);
		scoped(semver) version = semver_parse(ranges[i].version, SEMVER_STRICT);

		g_test_message("%s → %s: %s", ranges[i].texts, all, ranges[i].version);
		g_assert_no_error(error);
		g_assert_cmpint(constraint->kind, ==, CONSTRAINT_RANGE);
		g_assert_cmpint(semver_range_has(constraint->range, version), ==, ranges[i].has);
	}
}

static void what_names_something_is_that_alone(void)
{
	static const struct {
		const char *texts;
		const char *all;
	} rows[] = {{"^1;main;^2", "main"}, {"^1;latest", "latest"}, {"@abcdef1;^1", "@abcdef1"},
		{"main;release", "main"}, {";;", NULL}, {"", NULL}};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *all = all_of(rows[i].texts);

		g_assert_cmpstr(all, ==, rows[i].all);
	}
	{
		static const char *const none[] = {NULL};

		g_assert_null(component_constraint_all(none));
	}
}

static void one_wish_stays_as_it_was_written(void)
{
	g_autofree char *one = all_of("  >=1   <2 ");
	g_autofree char *twice = all_of("~1.2;~1.2;~1.2");

	g_assert_cmpstr(one, ==, "  >=1   <2 ");
	g_assert_cmpstr(twice, ==, "~1.2");
}

/* Whatever many wishes come to is a constraint again. */
static void what_would_be_too_long_is_left_out(void)
{
	g_autoptr(GString) texts = g_string_new("^1");

	for (guint i = 0; i < 40; i++) {
		g_autofree char *all = NULL;
		scoped(component_constraint) constraint = NULL;

		g_string_append_printf(texts, ";>=1.%u || >=3.%u", i, i);
		all = all_of(texts->str);
		g_assert_cmpuint(strlen(all), <=, LIMIT_NAME_BYTES);
		constraint = component_constraint_parse(all, NULL);
		g_assert_nonnull(constraint);
		g_assert_cmpint(constraint->kind, ==, CONSTRAINT_RANGE);
	}
}

/* Pairs of short ranges, all of them: the intersection has a version if both have. */
static void an_intersection_has_what_both_have(void)
{
	static const char *const parts[] = {"*", "", "^1", "~1.1", "<1", ">1", "1.x || 3",
		"1.0.0 - 1.2", "=1.1.0", ">=0 <9", "<0.0.0-0", "^0.1 || ^2", "^1.1.0-rc.1"};
	static const char *const versions[] = {
		"0.0.0", "0.1.0", "1.0.0", "1.1.0", "1.1.5", "1.3.0", "2.0.0", "3.1.0", "9.0.0"};

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(parts); j++) {
			const char *texts[] = {parts[i], parts[j], NULL};
			g_autofree char *all = component_constraint_all(texts);
			scoped(component_constraint)
				one = component_constraint_parse(parts[i], NULL);
			scoped(component_constraint)
				other = component_constraint_parse(parts[j], NULL);
			scoped(component_constraint) both = component_constraint_parse(all, NULL);

			for (size_t k = 0; k < G_N_ELEMENTS(versions); k++) {
				scoped(semver) version = semver_parse(versions[k], SEMVER_STRICT);
				gboolean in_one = !one->range ||
					semver_range_has(one->range, version);
				gboolean in_other = !other->range ||
					semver_range_has(other->range, version);
				gboolean in_both = !both->range ||
					semver_range_has(both->range, version);

				g_test_message(
					"%s & %s = %s: %s", parts[i], parts[j], all, versions[k]);
				g_assert_cmpint(in_both, ==, in_one && in_other);
			}
		}
}

#define ADD(name) g_test_add_func("/component_constraint/" #name, name)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(ranges_become_their_intersection);
	ADD(what_names_something_is_that_alone);
	ADD(one_wish_stays_as_it_was_written);
	ADD(what_would_be_too_long_is_left_out);
	ADD(an_intersection_has_what_both_have);
	return g_test_run();
}
