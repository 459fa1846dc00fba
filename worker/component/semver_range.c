/*
 * Ranges of versions: sets of comparators, of which one must hold whole.
 *
 * The rule on prereleases is node-semver's: whoever names a prerelease of 1.2.3 has agreed to those
 * of 1.2.3, and to no others. How a text becomes comparators is in semver_range_parse.c, what
 * ranges are to each other in semver_relation.c.
 */
#include "worker/component/semver_range.h"

#include <string.h>

#include "worker/component/semver_comparators.h"

/* ---- comparators ---- */

const char *semver_operator_end(const char *text)
{
	if (*text == '<' || *text == '>')
		text++;
	return *text == '=' ? text + 1 : text;
}

enum semver_bound semver_bound_of(const char *text)
{
	if (*text == '<')
		return text[1] == '=' ? SEMVER_LESS_EQUAL : SEMVER_LESS;
	if (*text == '>')
		return text[1] == '=' ? SEMVER_GREATER_EQUAL : SEMVER_GREATER;
	return SEMVER_EQUAL;
}

struct semver_comparator *semver_comparator_new(
	enum semver_bound bound, struct semver *take_version)
{
	struct semver_comparator *comparator = g_new0(struct semver_comparator, 1);

	comparator->bound = bound;
	comparator->version = take_version;
	return comparator;
}

void semver_comparator_free(struct semver_comparator *comparator)
{
	if (!comparator)
		return;
	semver_free(comparator->version);
	g_free(comparator);
}

static const char *bound_text(enum semver_bound bound)
{
	switch (bound) {
	case SEMVER_ANY:
	case SEMVER_EQUAL:
		return "";
	case SEMVER_LESS:
		return "<";
	case SEMVER_LESS_EQUAL:
		return "<=";
	case SEMVER_GREATER:
		return ">";
	case SEMVER_GREATER_EQUAL:
		return ">=";
	}
	g_assert_not_reached();
}

char *semver_comparator_text(const struct semver_comparator *comparator)
{
	g_autofree char *version = comparator->version ? semver_text(comparator->version)
						       : g_strdup("");

	return g_strconcat(bound_text(comparator->bound), version, NULL);
}

gboolean semver_comparator_has(
	const struct semver_comparator *comparator, const struct semver *version)
{
	int order = comparator->version ? semver_compare(version, comparator->version) : 0;

	switch (comparator->bound) {
	case SEMVER_ANY:
		return TRUE;
	case SEMVER_EQUAL:
		return order == 0;
	case SEMVER_LESS:
		return order < 0;
	case SEMVER_LESS_EQUAL:
		return order <= 0;
	case SEMVER_GREATER:
		return order > 0;
	case SEMVER_GREATER_EQUAL:
		return order >= 0;
	}
	g_assert_not_reached();
}

gboolean semver_comparator_is_nothing(const struct semver_comparator *comparator)
{
	g_autofree char *text = NULL;

	if (comparator->bound != SEMVER_LESS)
		return FALSE;
	text = semver_comparator_text(comparator);
	return strcmp(text, "<0.0.0-0") == 0;
}

gboolean semver_comparators_have(struct semver_comparator *const *comparators, size_t n,
	const struct semver *version, enum semver_flags flags)
{
	for (size_t i = 0; i < n; i++)
		if (!semver_comparator_has(comparators[i], version))
			return FALSE;
	if (!semver_is_prerelease(version) || (flags & SEMVER_INCLUDE_PRERELEASE))
		return TRUE;
	for (size_t i = 0; i < n; i++) {
		const struct semver *named = comparators[i]->version;

		if (named && semver_is_prerelease(named) &&
			semver_compare_numbers(named, version) == 0)
			return TRUE;
	}
	return FALSE;
}

/* ---- ranges ---- */

void semver_range_free(struct semver_range *range)
{
	if (!range)
		return;
	g_ptr_array_unref(range->sets);
	g_ptr_array_unref(range->sources);
	g_free(range);
}

const struct semver *semver_range_exact(const struct semver_range *range)
{
	const GPtrArray *set = g_ptr_array_index(range->sets, 0);
	const struct semver_comparator *only = g_ptr_array_index(set, 0);

	return range->sets->len == 1 && set->len == 1 && only->bound == SEMVER_EQUAL ? only->version
										     : NULL;
}

gboolean semver_range_has(const struct semver_range *range, const struct semver *version)
{
	for (guint i = 0; i < range->sets->len; i++) {
		const GPtrArray *set = g_ptr_array_index(range->sets, i);

		if (semver_comparators_have((struct semver_comparator *const *)set->pdata, set->len,
			    version, range->flags))
			return TRUE;
	}
	return FALSE;
}

char *semver_range_text(const struct semver_range *range)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < range->sets->len; i++) {
		const GPtrArray *set = g_ptr_array_index(range->sets, i);

		if (i > 0)
			g_string_append(text, "||");
		for (guint j = 0; j < set->len; j++) {
			g_autofree char *one = semver_comparator_text(g_ptr_array_index(set, j));

			g_string_append_printf(text, "%s%s", j > 0 ? " " : "", one);
		}
	}
	if (text->len == 0)
		g_string_append_c(text, '*');
	return g_string_free(text, FALSE);
}

/* The place of the best of VERSIONS, where BETTER is the sign of what is wanted. */
static int best_of(const struct semver_range *range, const char *const *versions, int better)
{
	scoped(semver) best = NULL;
	int place = -1;

	for (int i = 0; versions[i]; i++) {
		scoped(semver) version = semver_parse(versions[i], range->flags);

		if (!version || !semver_range_has(range, version) ||
			(best && semver_compare(version, best) != better))
			continue;
		semver_free(best);
		best = g_steal_pointer(&version);
		place = i;
	}
	return place;
}

int semver_range_max(const struct semver_range *range, const char *const *versions)
{
	return best_of(range, versions, 1);
}

int semver_range_min(const struct semver_range *range, const char *const *versions)
{
	return best_of(range, versions, -1);
}

/* ---- the lowest version ---- */

static void append_identifier(struct semver *version, const char *identifier)
{
	guint count = g_strv_length(version->prerelease);

	version->prerelease = g_renew(char *, version->prerelease, count + 2);
	version->prerelease[count] = g_strdup(identifier);
	version->prerelease[count + 1] = NULL;
}

/* The lowest version above or at COMPARATOR; NULL where it sets no lower bound. */
static struct semver *lowest_of(const struct semver_comparator *comparator)
{
	struct semver *version;

	switch (comparator->bound) {
	case SEMVER_ANY:
	case SEMVER_LESS:
	case SEMVER_LESS_EQUAL:
		return NULL;
	case SEMVER_EQUAL:
	case SEMVER_GREATER_EQUAL:
		return semver_copy(comparator->version);
	case SEMVER_GREATER:
		version = semver_copy(comparator->version);
		if (semver_is_prerelease(version))
			append_identifier(version, "0");
		else
			version->patch++;
		return version;
	}
	g_assert_not_reached();
}

/* Whether SET can be asked for its lowest version. */
static gboolean is_strict_set(const GPtrArray *set)
{
	for (guint i = 0; i < set->len; i++) {
		const struct semver_comparator *comparator = g_ptr_array_index(set, i);

		if (comparator->version && !semver_is_strict(comparator->version))
			return FALSE;
	}
	return TRUE;
}

static struct semver *lowest_of_set(const GPtrArray *set)
{
	struct semver *lowest = NULL;

	for (guint i = 0; i < set->len; i++) {
		struct semver *bound = lowest_of(g_ptr_array_index(set, i));

		if (bound && (!lowest || semver_compare(bound, lowest) > 0)) {
			semver_free(lowest);
			lowest = bound;
		} else {
			semver_free(bound);
		}
	}
	return lowest;
}

struct semver *semver_range_lowest(const struct semver_range *range)
{
	static const char *const least[] = {"0.0.0", "0.0.0-0"};
	scoped(semver) lowest = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(least); i++) {
		scoped(semver) version = semver_parse(least[i], SEMVER_STRICT);

		if (semver_range_has(range, version))
			return g_steal_pointer(&version);
	}
	for (guint i = 0; i < range->sets->len; i++) {
		struct semver *bound;

		if (!is_strict_set(g_ptr_array_index(range->sets, i)))
			return NULL;
		bound = lowest_of_set(g_ptr_array_index(range->sets, i));
		if (bound && (!lowest || semver_compare(lowest, bound) > 0)) {
			semver_free(lowest);
			lowest = bound;
		} else {
			semver_free(bound);
		}
	}
	/* The number after SEMVER_NUMBER_MAX is read again, and refused, with any flag. */
	if (lowest && range->flags != SEMVER_STRICT && lowest->patch > SEMVER_NUMBER_MAX)
		return NULL;
	return lowest && semver_range_has(range, lowest) ? g_steal_pointer(&lowest) : NULL;
}
