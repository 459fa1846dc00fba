/*
 * Ranges against versions and each other.
 *
 * These are node-semver's answers, which are not everywhere those of set theory: what a prerelease
 * is in depends on what a comparator names (semver_range.c), and `||` is not simplified first.
 */
#include "worker/component/semver_relation.h"

#include <string.h>

#include "worker/component/semver_comparators.h"
#include "worker/component/semver_text.h"

static gboolean is_greater(const struct semver_comparator *comparator)
{
	return comparator->bound == SEMVER_GREATER || comparator->bound == SEMVER_GREATER_EQUAL;
}

static gboolean is_less(const struct semver_comparator *comparator)
{
	return comparator->bound == SEMVER_LESS || comparator->bound == SEMVER_LESS_EQUAL;
}

static gboolean is_inclusive(const struct semver_comparator *comparator)
{
	return comparator->bound == SEMVER_GREATER_EQUAL || comparator->bound == SEMVER_LESS_EQUAL;
}

static struct semver_comparator *const *members(const GPtrArray *set)
{
	return (struct semver_comparator *const *)set->pdata;
}

/* `>=0.0.0`, or with prereleases `>=0.0.0-0`. */
static struct semver_comparator *least(enum semver_flags flags)
{
	const char *text = flags & SEMVER_INCLUDE_PRERELEASE ? "0.0.0-0" : "0.0.0";

	return semver_comparator_new(SEMVER_GREATER_EQUAL, semver_parse(text, SEMVER_STRICT));
}

/* ---- outside ---- */

/* Whether VERSION is not beyond SET, or that cannot be told; DIRECTION is 1 for above, -1 for
 * below. */
static gboolean reaches(const GPtrArray *set, const struct semver *version, int direction)
{
	scoped(semver_comparator) any = least(SEMVER_STRICT);
	enum semver_bound open = direction > 0 ? SEMVER_GREATER : SEMVER_LESS;
	enum semver_bound closed = direction > 0 ? SEMVER_GREATER_EQUAL : SEMVER_LESS_EQUAL;
	/* No set is empty. */
	const struct semver_comparator *high = members(set)[0];
	const struct semver_comparator *low;
	int order;

	if (high->bound == SEMVER_ANY)
		high = any;
	low = high;
	for (guint i = 1; i < set->len; i++) {
		const struct semver_comparator *comparator = members(set)[i];

		if (comparator->bound == SEMVER_ANY)
			comparator = any;
		if (semver_compare(comparator->version, high->version) == direction)
			high = comparator;
		else if (semver_compare(comparator->version, low->version) == -direction)
			low = comparator;
	}
	if (high->bound == open || high->bound == closed)
		return TRUE;
	if ((low->bound == SEMVER_EQUAL || low->bound == open || low->bound == closed) &&
		(!semver_is_strict(version) || !semver_is_strict(low->version)))
		return TRUE;
	order = semver_compare(version, low->version) * direction;
	if (low->bound == SEMVER_EQUAL || low->bound == open)
		return order <= 0;
	return low->bound == closed && order < 0;
}

static gboolean is_outside(
	const struct semver *version, const struct semver_range *range, int direction)
{
	if (semver_range_has(range, version))
		return FALSE;
	for (guint i = 0; i < range->sets->len; i++)
		if (reaches(g_ptr_array_index(range->sets, i), version, direction))
			return FALSE;
	return TRUE;
}

gboolean semver_is_above(const struct semver *version, const struct semver_range *range)
{
	return is_outside(version, range, 1);
}

gboolean semver_is_below(const struct semver *version, const struct semver_range *range)
{
	return is_outside(version, range, -1);
}

/* ---- intersections ---- */

/* Whether nothing can be below COMPARATOR. */
static gboolean is_lowest(const struct semver_comparator *comparator, enum semver_flags flags)
{
	const struct semver *version = comparator->version;

	if (flags & SEMVER_INCLUDE_PRERELEASE)
		return semver_comparator_is_nothing(comparator);
	return comparator->bound == SEMVER_LESS && version->major == 0 && version->minor == 0 &&
		version->patch == 0;
}

static gboolean intersect(const struct semver_comparator *a, const struct semver_comparator *b,
	enum semver_flags flags)
{
	int order;

	if (a->bound == SEMVER_ANY || (a->bound != SEMVER_EQUAL && b->bound == SEMVER_ANY))
		return TRUE;
	if (a->bound == SEMVER_EQUAL)
		return semver_comparators_have(
			(struct semver_comparator *const *)&b, 1, a->version, flags);
	if (b->bound == SEMVER_EQUAL)
		return semver_comparators_have(
			(struct semver_comparator *const *)&a, 1, b->version, flags);
	if (is_lowest(a, flags) || is_lowest(b, flags))
		return FALSE;
	if (is_greater(a) == is_greater(b))
		return TRUE;
	order = semver_compare(a->version, b->version);
	if (order == 0)
		return is_inclusive(a) && is_inclusive(b);
	return is_greater(a) == (order < 0);
}

static gboolean all_intersect(const GPtrArray *a, const GPtrArray *b, enum semver_flags flags)
{
	for (guint i = 0; i < a->len; i++)
		for (guint j = 0; j < b->len; j++)
			if (!intersect(members(a)[i], members(b)[j], flags))
				return FALSE;
	return TRUE;
}

/* Whether the comparators of SET leave room for each other. */
static gboolean is_satisfiable(const GPtrArray *set, enum semver_flags flags)
{
	for (guint i = set->len; i-- > 0;)
		for (guint j = 0; j < i; j++)
			if (!intersect(members(set)[i], members(set)[j], flags))
				return FALSE;
	return TRUE;
}

/* The sets of RANGE that something can be in; borrowed. */
static GPtrArray *satisfiable_sets(const struct semver_range *range)
{
	GPtrArray *sets = g_ptr_array_new();

	for (guint i = 0; i < range->sets->len; i++)
		if (is_satisfiable(g_ptr_array_index(range->sets, i), range->flags))
			g_ptr_array_add(sets, g_ptr_array_index(range->sets, i));
	return sets;
}

gboolean semver_ranges_intersect(const struct semver_range *a, const struct semver_range *b)
{
	g_autoptr(GPtrArray) ours = satisfiable_sets(a);
	g_autoptr(GPtrArray) theirs = satisfiable_sets(b);

	for (guint i = 0; i < ours->len; i++)
		for (guint j = 0; j < theirs->len; j++)
			if (all_intersect(g_ptr_array_index(ours, i), g_ptr_array_index(theirs, j),
				    a->flags))
				return TRUE;
	return FALSE;
}

static struct semver_comparator *parse_comparator(const char *text, enum semver_flags flags)
{
	g_autofree char *squeezed = semver_text_squeeze(text);
	const char *at = semver_operator_end(squeezed);
	struct semver *version;

	if (*squeezed == '\0')
		return semver_comparator_new(SEMVER_ANY, NULL);
	version = semver_parse(*at == ' ' ? at + 1 : at, flags);
	return version ? semver_comparator_new(semver_bound_of(squeezed), version) : NULL;
}

gboolean semver_comparators_intersect(
	const char *a, const char *b, enum semver_flags flags, gboolean *valid)
{
	scoped(semver_comparator) one = parse_comparator(a, flags);
	scoped(semver_comparator) other = parse_comparator(b, flags);

	*valid = one && other;
	return *valid && intersect(one, other, flags);
}

/* ---- subsets ---- */

enum answer { NO, YES, NOTHING /* it is one, since nothing is in it */ };

/* The comparators of a set that count: the highest lower bound, the lowest upper one, a version. */
struct outline {
	const struct semver_comparator *greater, *less, *equal;
	gboolean empty; /* two versions, or bounds that leave nothing */
	int order;      /* of the bounds, if there are both */
};

/* Whether A is the tighter of two bounds on the same side, B where both are the same. */
static gboolean is_tighter(
	const struct semver_comparator *a, const struct semver_comparator *b, int direction)
{
	int order = semver_compare(a->version, b->version) * direction;

	return order > 0 || (order == 0 && !is_inclusive(a) && is_inclusive(b));
}

static void outline_set(struct outline *outline, struct semver_comparator *const *set, guint n)
{
	*outline = (struct outline){.greater = NULL};
	for (guint i = 0; i < n; i++) {
		const struct semver_comparator *comparator = set[i];

		if (is_greater(comparator)) {
			if (!outline->greater || is_tighter(comparator, outline->greater, 1))
				outline->greater = comparator;
		} else if (is_less(comparator)) {
			if (!outline->less || is_tighter(comparator, outline->less, -1))
				outline->less = comparator;
		} else {
			outline->empty = outline->empty || outline->equal != NULL;
			outline->equal = comparator;
		}
	}
	if (!outline->greater || !outline->less)
		return;
	outline->order = semver_compare(outline->greater->version, outline->less->version);
	if (outline->order > 0 ||
		(outline->order == 0 &&
			(!is_inclusive(outline->greater) || !is_inclusive(outline->less))))
		outline->empty = TRUE;
}

static gboolean has(const struct semver_comparator *comparator, const struct semver *version,
	enum semver_flags flags)
{
	return semver_comparators_have(
		(struct semver_comparator *const *)&comparator, 1, version, flags);
}

static enum answer is_version_in(const struct outline *sub, struct semver_comparator *const *dom,
	guint n, enum semver_flags flags)
{
	const struct semver *version = sub->equal->version;

	if ((sub->greater && !has(sub->greater, version, flags)) ||
		(sub->less && !has(sub->less, version, flags)))
		return NOTHING;
	for (guint i = 0; i < n; i++)
		if (!has(dom[i], version, flags))
			return NO;
	return YES;
}

/* Whether BOUND lets prereleases in that only a comparator of the same three numbers may name. */
static gboolean needs_prerelease(const struct semver_comparator *bound, enum semver_flags flags)
{
	if (!bound || (flags & SEMVER_INCLUDE_PRERELEASE) || !semver_is_prerelease(bound->version))
		return FALSE;
	/* <1.2.3-0 is <1.2.3 */
	return bound->bound != SEMVER_LESS || strcmp(bound->version->prerelease[0], "0") != 0 ||
		bound->version->prerelease[1];
}

static gboolean names_prerelease(
	struct semver_comparator *const *dom, guint n, const struct semver *version)
{
	for (guint i = 0; i < n; i++)
		if (dom[i]->version && semver_is_prerelease(dom[i]->version) &&
			semver_compare_numbers(dom[i]->version, version) == 0)
			return TRUE;
	return FALSE;
}

/* Whether OTHER, of the superset, allows all up to BOUND on the side of DIRECTION. */
static gboolean allows_bound(
	const struct semver_comparator *bound, const struct semver_comparator *other, int direction)
{
	if (direction > 0 ? is_greater(other) : is_less(other))
		return !is_tighter(other, bound, direction);
	return !is_inclusive(bound) || semver_comparator_has(other, bound->version);
}

static gboolean allows(const struct outline *sub, struct semver_comparator *const *dom, guint n)
{
	gboolean both = sub->greater && sub->less;
	gboolean dom_greater = FALSE, dom_less = FALSE;

	for (guint i = 0; i < n; i++) {
		dom_greater = dom_greater || is_greater(dom[i]);
		dom_less = dom_less || is_less(dom[i]);
		if ((sub->greater && !allows_bound(sub->greater, dom[i], 1)) ||
			(sub->less && !allows_bound(sub->less, dom[i], -1)))
			return FALSE;
		/* A range is in one version only if its bounds meet there. */
		if ((dom[i]->bound == SEMVER_EQUAL || dom[i]->bound == SEMVER_ANY) &&
			!(both && sub->order == 0))
			return FALSE;
	}
	if (sub->greater && dom_less && !sub->less)
		return FALSE;
	return !(sub->less && dom_greater && !sub->greater);
}

static gboolean is_any(const GPtrArray *set)
{
	return set->len == 1 && members(set)[0]->bound == SEMVER_ANY;
}

static enum answer is_set_in(const GPtrArray *sub, const GPtrArray *dom, enum semver_flags flags)
{
	scoped(semver_comparator) lowest = least(flags);
	struct semver_comparator *const *sub_members = members(sub),
					*const *dom_members = members(dom);
	struct outline outline;

	if (is_any(dom) && (is_any(sub) || (flags & SEMVER_INCLUDE_PRERELEASE)))
		return YES;
	if (is_any(sub))
		sub_members = &lowest;
	if (is_any(dom))
		dom_members = &lowest;
	outline_set(&outline, sub_members, sub->len);
	if (outline.empty)
		return NOTHING;
	if (outline.equal)
		return is_version_in(&outline, dom_members, dom->len, flags);
	if (!allows(&outline, dom_members, dom->len))
		return NO;
	if (needs_prerelease(outline.greater, flags) &&
		!names_prerelease(dom_members, dom->len, outline.greater->version))
		return NO;
	if (needs_prerelease(outline.less, flags) &&
		!names_prerelease(dom_members, dom->len, outline.less->version))
		return NO;
	return YES;
}

/* Whether a set of A and one of B have the same text, which makes the one a subset of the other
 * even where nothing is in both. What says `<0.0.0-0` is not kept by its text. */
static gboolean is_same(
	const struct semver_range *a, guint i, const struct semver_range *b, guint j)
{
	const GPtrArray *set = g_ptr_array_index(a->sets, i);

	return strcmp(g_ptr_array_index(a->sources, i), g_ptr_array_index(b->sources, j)) == 0 &&
		!semver_comparator_is_nothing(members(set)[0]);
}

gboolean semver_range_is_subset(const struct semver_range *sub, const struct semver_range *dom)
{
	gboolean saw_something = FALSE;

	for (guint i = 0; i < sub->sets->len; i++) {
		gboolean in = FALSE;

		for (guint j = 0; j < dom->sets->len && !in; j++) {
			enum answer answer = is_same(sub, i, dom, j)
				? YES
				: is_set_in(g_ptr_array_index(sub->sets, i),
					  g_ptr_array_index(dom->sets, j), sub->flags);

			saw_something = saw_something || answer != NOTHING;
			in = answer == YES;
		}
		/* A set with nothing in it is in everything, unless another has something. */
		if (!in && saw_something)
			return FALSE;
	}
	return TRUE;
}

/* ---- simpler ranges ---- */

static int compare_texts(const void *a, const void *b, void *flags)
{
	enum semver_flags how = (enum semver_flags)GPOINTER_TO_INT(flags);
	scoped(semver) first = semver_parse(*(char *const *)a, how);
	scoped(semver) second = semver_parse(*(char *const *)b, how);

	return semver_compare(first, second);
}

/* Whether VERSIONS can be put into order: all are versions, or there is but one of whatever kind. */
static gboolean are_comparable(char *const *versions, enum semver_flags flags)
{
	for (size_t i = 0; versions[i] && (i > 0 || versions[1]); i++) {
		scoped(semver) version = semver_parse(versions[i], flags);

		if (!version)
			return FALSE;
	}
	return TRUE;
}

/* The versions FIRST to LAST, NULL where there is no end; LEAST is the lowest of all. */
static void append_span(GString *text, const char *first, const char *last, const char *lowest)
{
	if (text->len > 0)
		g_string_append(text, " || ");
	if (last && strcmp(first, last) == 0)
		g_string_append(text, first);
	else if (!last && strcmp(first, lowest) == 0)
		g_string_append_c(text, '*');
	else if (!last)
		g_string_append_printf(text, ">=%s", first);
	else if (strcmp(first, lowest) == 0)
		g_string_append_printf(text, "<=%s", last);
	else
		g_string_append_printf(text, "%s - %s", first, last);
}

char *semver_range_simplify(const char *text, char **versions, enum semver_flags flags)
{
	scoped(semver_range) range = semver_range_parse(text, flags);
	g_autoptr(GString) simple = g_string_new(NULL);
	const char *first = NULL, *last = NULL;

	if (!are_comparable(versions, flags))
		return NULL;
	g_qsort_with_data(versions, (gint)g_strv_length(versions), sizeof(*versions), compare_texts,
		GINT_TO_POINTER((int)flags));
	for (size_t i = 0; versions[i]; i++) {
		scoped(semver) version = semver_parse(versions[i], flags);

		if (range && version && semver_range_has(range, version)) {
			first = first ? first : versions[i];
			last = versions[i];
			continue;
		}
		if (first)
			append_span(simple, first, last, versions[0]);
		first = last = NULL;
	}
	if (first)
		append_span(simple, first, NULL, versions[0]);
	return g_strdup(
		semver_text_length(simple->str) < semver_text_length(text) ? simple->str : text);
}
