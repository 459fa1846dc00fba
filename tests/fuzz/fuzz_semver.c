/*
 * Versions and ranges: a flag, then two ranges and a version, a line each. What the functions say of
 * each other must agree: a text made from a range has the same versions, a version in both ranges
 * means that they intersect, one in a subset is in the whole.
 */
#include <string.h>

#include "tests/fuzz/input.h"
#include "worker/component/component_constraint.h"
#include "worker/component/semver_change.h"
#include "worker/component/semver_relation.h"

static const char *const probes[] = {"0.0.0", "0.0.0-0", "0.1.0", "1.0.0-alpha", "1.0.0", "1.2.3",
	"1.2.3-beta.2", "1.2.4-0", "2.0.0-0", "2.0.0", "9007199254740991.0.0", NULL};

static void check_change(const struct semver *version, enum semver_flags flags)
{
	static const char *const releases[] = {"major", "minor", "patch", "premajor", "preminor",
		"prepatch", "prerelease", "pre", "release"};

	for (size_t i = 0; i < G_N_ELEMENTS(releases); i++) {
		scoped(semver) next = semver_increment(
			version, releases[i], "beta", SEMVER_BASE_ZERO, flags);
		scoped(semver) less = semver_truncate(version, releases[i]);

		/* A prerelease may get a name that comes before its old one. */
		if (next && !g_str_has_suffix(releases[i], "pre") &&
			strcmp(releases[i], "prerelease") != 0)
			g_assert_cmpint(semver_compare(next, version), >, 0);
		if (less)
			g_assert_cmpint(semver_compare_numbers(less, version), <=, 0);
	}
}

static void check_version(const struct semver *version, enum semver_flags flags)
{
	g_autofree char *text = semver_text_with_build(version);
	scoped(semver) again = semver_parse(text, SEMVER_STRICT);

	g_assert_nonnull(again);
	g_assert_cmpint(semver_compare_build(version, again), ==, 0);
	check_change(version, flags);
}

static void check_in(const struct semver_range *a, const struct semver_range *again,
	const struct semver_range *b, const struct semver *version, gboolean subset, gboolean meet)
{
	gboolean in = semver_range_has(a, version);

	g_assert_true(in == semver_range_has(again, version));
	if (in && b && semver_range_has(b, version))
		g_assert_true(meet);
	if (in && subset)
		g_assert_true(semver_range_has(b, version));
	if (in) {
		g_assert_false(semver_is_above(version, a));
		g_assert_false(semver_is_below(version, a));
	}
}

static void check_ranges(const struct semver_range *a, const struct semver_range *b,
	const struct semver *version, enum semver_flags flags)
{
	g_autofree char *text = semver_range_text(a);
	scoped(semver_range) again = semver_range_parse(text, flags);
	gboolean subset = b && semver_range_is_subset(a, b);
	gboolean meet = b && semver_ranges_intersect(a, b);
	scoped(semver) lowest = semver_range_lowest(a);

	/* A range in full may be longer than a range may be. */
	if (!again)
		return;
	/* Else, as in node-semver, who is asked counts: any range has no prerelease, 1.0.0-a one. */
	if (b && flags & SEMVER_INCLUDE_PRERELEASE)
		g_assert_true(meet == semver_ranges_intersect(b, a));
	for (size_t i = 0; probes[i]; i++) {
		scoped(semver) probe = semver_parse(probes[i], SEMVER_STRICT);

		check_in(a, again, b, probe, subset, meet);
		/* node-semver's minVersion(): 0.0.0 where it is in, 0.0.0-0 too or not; none where
		 * the lowest bound is of a part that nothing is in. */
		if (lowest && semver_range_has(a, probe) && semver_compare_numbers(lowest, probe))
			g_assert_cmpint(semver_compare(lowest, probe), <=, 0);
	}
	if (version)
		check_in(a, again, b, version, subset, meet);
}

static char *next_line(struct fuzz_input *input)
{
	const uint8_t *end = input->size ? memchr(input->data, '\n', input->size) : NULL;
	struct fuzz_input line = input_bytes(
		input, end ? (size_t)(end - input->data) : input->size);

	input_byte(input);
	return input_text(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	enum semver_flags flags = input_byte(&input) & 3;
	g_autofree char *first = next_line(&input);
	g_autofree char *second = next_line(&input);
	g_autofree char *third = next_line(&input);
	scoped(semver_range) a = semver_range_parse(first, flags);
	scoped(semver_range) b = semver_range_parse(second, flags);
	scoped(semver) version = semver_parse(third, flags);
	scoped(semver) cleaned = semver_clean(third, flags);
	scoped(semver) coerced = semver_coerce(third, flags & 1, flags);
	scoped(component_constraint) constraint = component_constraint_parse(first, NULL);
	g_auto(GStrv) versions = g_strdupv((char **)probes);
	g_autofree char *simple = NULL;

	if (version)
		check_version(version, flags);
	if (cleaned)
		check_version(cleaned, flags);
	if (coerced)
		check_version(coerced, flags);
	if (a)
		check_ranges(a, b, version, flags);
	if (a)
		simple = semver_range_simplify(first, versions, flags);
	if (simple)
		g_assert_cmpuint(strlen(simple), <=, strlen(first));
	/* Who asks for one version is content with it. */
	if (constraint && component_constraint_version(constraint)) {
		g_autofree char *one = semver_text(component_constraint_version(constraint));

		g_assert_true(component_constraint_allows(first, one));
	}
	return 0;
}
