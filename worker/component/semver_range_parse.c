/*
 * From the text of a range to its comparators.
 *
 * The sugar is rewritten step by step, text to text, in the order in which node-semver does it
 * (hyphen ranges, spaces behind operators, carets, tildes, x-ranges, stars), and only what is left
 * is read as comparators. A grammar of our own would be shorter, and differ where people's files
 * rely on the order of these steps: `==1.x` is a range and `==1.2.3` is none. The steps that only
 * drop something are in semver_range_trim.c.
 */
#include <stdio.h>
#include <string.h>

#include "journal/base/limits.h"
#include "worker/component/semver_comparators.h"
#include "worker/component/semver_range_trim.h"
#include "worker/component/semver_text.h"

/* ---- places of a partial version ---- */

static gboolean is_any(struct semver_part part)
{
	return part.size == 0 || *part.at == 'x' || *part.at == 'X' || *part.at == '*';
}

static gboolean is_zero(struct semver_part part)
{
	return part.size == 1 && *part.at == '0';
}

static void append(GString *text, struct semver_part part)
{
	g_string_append_len(text, part.at, (gssize)part.size);
}

/*
 * The number after PART's, as JavaScript writes it: from 1e21 on as `1e+21`, which is no number of a
 * version, so that loose readers pass over it. Below, whatever is past SEMVER_NUMBER_MAX is refused.
 */
static void append_next(GString *text, struct semver_part part)
{
	g_autofree char *digits = g_strndup(part.at, part.size);
	double number = g_ascii_strtod(digits, NULL) + 1;
	char written[G_ASCII_DTOSTR_BUF_SIZE];
	char format[sizeof("%.16e")];

	if (number < 1e21) {
		g_string_append_printf(text, "%.0f", number);
		return;
	}
	/* The least digits that are this number. */
	for (int places = 0; places <= 16; places++) {
		snprintf(format, sizeof(format), "%%.%de", places);
		g_ascii_formatd(written, sizeof(written), format, number);
		if (g_ascii_strtod(written, NULL) >= number &&
			g_ascii_strtod(written, NULL) <= number)
			break;
	}
	g_string_append(text, written);
}

enum place { MAJOR, MINOR, PATCH };

/* `<` the first version that differs from PARTS at PLACE: ` <2.0.0-0`. */
static void append_below_next(GString *text, const struct semver_parts *parts, enum place place)
{
	g_string_append(text, " <");
	if (place > MAJOR) {
		append(text, parts->major);
		g_string_append_c(text, '.');
	}
	if (place > MINOR) {
		append(text, parts->minor);
		g_string_append_c(text, '.');
	}
	append_next(text,
		place == MAJOR           ? parts->major
			: place == MINOR ? parts->minor
					 : parts->patch);
	g_string_append(text, place == MAJOR ? ".0.0-0" : place == MINOR ? ".0-0" : "-0");
}

/* `>=` the first version that PARTS stands for. */
static void append_from(GString *text, const struct semver_parts *parts, enum semver_flags flags)
{
	g_string_append(text, ">=");
	append(text, parts->major);
	g_string_append_c(text, '.');
	if (is_any(parts->minor)) {
		g_string_append(text, "0.0");
	} else {
		append(text, parts->minor);
		g_string_append_c(text, '.');
		if (is_any(parts->patch))
			g_string_append_c(text, '0');
		else
			append(text, parts->patch);
	}
	if (is_any(parts->minor) || is_any(parts->patch)) {
		if (flags & SEMVER_INCLUDE_PRERELEASE)
			g_string_append(text, "-0");
	} else if (parts->prerelease.size > 0) {
		g_string_append_c(text, '-');
		append(text, parts->prerelease);
	}
}

/* ---- one step each ---- */

static void append_hyphen_to(GString *text, const struct semver_parts *to, struct semver_part whole,
	gboolean prereleases)
{
	if (is_any(to->major))
		return;
	if (is_any(to->minor)) {
		append_below_next(text, to, MAJOR);
	} else if (is_any(to->patch)) {
		append_below_next(text, to, MINOR);
	} else if (to->prerelease.size > 0) {
		g_string_append(text, " <=");
		append(text, to->major);
		g_string_append_c(text, '.');
		append(text, to->minor);
		g_string_append_c(text, '.');
		append(text, to->patch);
		g_string_append_c(text, '-');
		append(text, to->prerelease);
	} else if (prereleases) {
		append_below_next(text, to, PATCH);
	} else {
		g_string_append(text, " <=");
		append(text, whole);
	}
}

/* `1.2 - 3.4.5` → `>=1.2.0 <=3.4.5`; any other text as it is. */
static char *replace_hyphen(const char *text, enum semver_flags flags)
{
	/* A build that stood alone has left its space behind. */
	const char *first = text + (*text == ' ');
	const char *dash = strstr(first, " - ");
	const char *second = dash ? dash + strlen(" - ") : NULL;
	const char *end = text + strlen(text) - g_str_has_suffix(text, " ");
	gboolean prereleases = (flags & SEMVER_INCLUDE_PRERELEASE) != 0;
	struct semver_parts from, to;
	GString *replaced;

	if (!dash || second > end || !semver_text_partial(first, dash, flags, &from) ||
		!semver_text_partial(second, end, flags, &to))
		return g_strdup(text);
	replaced = g_string_new(NULL);
	if (is_any(from.major)) {
		/* from the first version on: nothing to say */
	} else if (is_any(from.minor) || is_any(from.patch)) {
		append_from(replaced, &from, flags);
	} else {
		g_string_append(replaced, ">=");
		g_string_append_len(replaced, first, dash - first);
		if (prereleases && from.prerelease.size == 0)
			g_string_append(replaced, "-0");
	}
	append_hyphen_to(
		replaced, &to, (struct semver_part){second, (size_t)(end - second)}, prereleases);
	return g_strstrip(g_string_free(replaced, FALSE));
}

static gboolean replace_caret(const char *token, enum semver_flags flags, GString *text)
{
	struct semver_parts parts;

	if (*token != '^' || !semver_text_partial(token + 1, token + strlen(token), flags, &parts))
		return FALSE;
	if (is_any(parts.major))
		return TRUE;
	append_from(text, &parts, flags);
	if (is_any(parts.minor) || !is_zero(parts.major))
		append_below_next(text, &parts, MAJOR);
	else if (is_any(parts.patch) || !is_zero(parts.minor))
		append_below_next(text, &parts, MINOR);
	else
		append_below_next(text, &parts, PATCH);
	return TRUE;
}

static gboolean replace_tilde(const char *token, enum semver_flags flags, GString *text)
{
	struct semver_parts parts;
	const char *version = token + 1;

	if (*token != '~')
		return FALSE;
	if (*version == '>')
		version++;
	if (!semver_text_partial(version, token + strlen(token), flags, &parts))
		return FALSE;
	if (is_any(parts.major))
		return TRUE;
	append_from(text, &parts, flags);
	append_below_next(text, &parts, is_any(parts.minor) ? MAJOR : MINOR);
	return TRUE;
}

/* An x-range behind an operator: `>1` → `>=2.0.0`, `<=1.2` → `<1.3.0-0`. */
static void replace_bounded(struct semver_part sign, const struct semver_parts *parts,
	enum semver_flags flags, GString *text)
{
	gboolean greater = sign.size == 1 && *sign.at == '>';
	gboolean up_to = sign.size == 2 && *sign.at == '<';
	gboolean less = *sign.at == '<';
	gboolean next = greater || up_to;

	g_string_append(text, less ? "<" : ">=");
	if (is_any(parts->minor)) {
		if (next)
			append_next(text, parts->major);
		else
			append(text, parts->major);
		g_string_append(text, ".0.0");
	} else {
		append(text, parts->major);
		g_string_append_c(text, '.');
		if (next)
			append_next(text, parts->minor);
		else
			append(text, parts->minor);
		g_string_append(text, ".0");
	}
	if (less || (flags & SEMVER_INCLUDE_PRERELEASE))
		g_string_append(text, "-0");
}

static gboolean replace_x(const char *token, enum semver_flags flags, GString *text)
{
	const char *stop = semver_operator_end(token);
	struct semver_part sign = {token, (size_t)(stop - token)};
	struct semver_parts parts;

	if (!semver_text_partial(stop, token + strlen(token), flags, &parts) ||
		(is_any(parts.major) && !is_any(parts.minor)) ||
		(is_any(parts.minor) && !is_any(parts.patch)))
		return FALSE;
	if (sign.size == 1 && *token == '=')
		sign.size = 0;
	if (is_any(parts.major)) {
		/* Below or above any version is none, from or up to any is every one. */
		if (sign.size == 1)
			g_string_append(text, "<0.0.0-0");
	} else if (!is_any(parts.patch)) {
		g_string_append(text, token);
	} else if (sign.size > 0) {
		replace_bounded(sign, &parts, flags, text);
	} else {
		append_from(text, &parts, flags);
		append_below_next(text, &parts, is_any(parts.minor) ? MAJOR : MINOR);
	}
	return TRUE;
}

/* A star that is no part of a version stands for any, with the operator before it. */
static void replace_star(const char *token, GString *text)
{
	const char *star = strchr(token, '*');
	const char *start = star;

	if (!star) {
		g_string_append(text, token);
		return;
	}
	if (start > token && start[-1] == '=')
		start--;
	if (start > token && (start[-1] == '<' || start[-1] == '>'))
		start--;
	g_string_append_len(text, token, start - token);
	g_string_append(text, star + 1);
}

static void replace_token(const char *token, enum semver_flags flags, GString *text)
{
	if (!replace_caret(token, flags, text) && !replace_tilde(token, flags, text) &&
		!replace_x(token, flags, text))
		replace_star(token, text);
}

/* ---- comparators ---- */

/*
 * Reads TEXT into *COMPARATOR; FALSE if it spoils the range. Loosely, what is no comparator at all
 * is passed over, and *COMPARATOR is NULL.
 */
static gboolean read_comparator(
	const char *text, enum semver_flags flags, struct semver_comparator **comparator)
{
	const char *least = flags & SEMVER_INCLUDE_PRERELEASE ? ">=0.0.0-0" : ">=0.0.0";
	const char *version = semver_operator_end(text);
	struct semver_parts parts;
	struct semver *parsed;

	*comparator = NULL;
	if (*text == '\0' || strcmp(text, least) == 0) {
		*comparator = semver_comparator_new(SEMVER_ANY, NULL);
		return TRUE;
	}
	if ((flags & SEMVER_LOOSE) &&
		!semver_text_version(version + strspn(version, "v="), flags, &parts))
		return TRUE;
	parsed = semver_parse(version, flags & SEMVER_LOOSE);
	if (!parsed)
		return FALSE;
	*comparator = semver_comparator_new(semver_bound_of(text), parsed);
	return TRUE;
}

/* Whether both are written alike: `1.0.0-01` of a number past all bounds is not `1.0.0-1`. */
static gboolean same_comparator(
	const struct semver_comparator *a, const struct semver_comparator *b)
{
	return a->bound == b->bound &&
		(a->bound == SEMVER_ANY ||
			(semver_compare_numbers(a->version, b->version) == 0 &&
				g_strv_equal((const char *const *)a->version->prerelease,
					(const char *const *)b->version->prerelease)));
}

static void free_comparator(gpointer data)
{
	semver_comparator_free(data);
}

static GPtrArray *new_set(void)
{
	return g_ptr_array_new_with_free_func(free_comparator);
}

static void add_comparator(GPtrArray *set, struct semver_comparator *take_comparator)
{
	for (guint i = 0; i < set->len; i++)
		if (same_comparator(g_ptr_array_index(set, i), take_comparator)) {
			semver_comparator_free(take_comparator);
			return;
		}
	g_ptr_array_add(set, take_comparator);
}

/* Drops what adds nothing: all but a comparator that lets nothing through, and those that let all.
 */
static void reduce_set(GPtrArray *set)
{
	for (guint i = 0; i < set->len; i++) {
		if (!semver_comparator_is_nothing(g_ptr_array_index(set, i)))
			continue;
		g_ptr_array_remove_range(set, i + 1, set->len - i - 1);
		g_ptr_array_remove_range(set, 0, i);
		return;
	}
	for (guint i = 0; i < set->len && set->len > 1; i++) {
		const struct semver_comparator *comparator = g_ptr_array_index(set, i);

		if (comparator->bound == SEMVER_ANY)
			g_ptr_array_remove_index(set, i--);
	}
}

/* The comparators of PLAIN, which holds no `||` and no builds; an empty set if a loose text has
 * none; NULL if it is no range. */
static GPtrArray *read_set(const char *plain, enum semver_flags flags)
{
	g_autofree char *unhyphened = replace_hyphen(plain, flags);
	g_autofree char *tight = semver_range_trim_spaces(unhyphened);
	/* Once more: what follows the `+` of `<1.2.1e+21-0` is taken for a build. */
	g_autofree char *bare = semver_range_trim_builds(tight);
	g_auto(GStrv) tokens = g_strsplit(bare, " ", -1);
	g_auto(GStrv) comparators = NULL;
	g_autoptr(GString) replaced = g_string_new(NULL);
	g_autoptr(GPtrArray) set = new_set();

	for (size_t i = 0; tokens[i]; i++) {
		if (i > 0)
			g_string_append_c(replaced, ' ');
		replace_token(tokens[i], flags, replaced);
	}
	comparators = g_strsplit(replaced->str, " ", -1);
	if (!comparators[0])
		g_ptr_array_add(set, semver_comparator_new(SEMVER_ANY, NULL));
	for (size_t i = 0; comparators[i]; i++) {
		struct semver_comparator *comparator;

		/* Between others, what means any is lost with the spaces around it. */
		if (i > 0 && *comparators[i] == '\0' && comparators[i + 1])
			continue;
		if (!read_comparator(comparators[i], flags, &comparator))
			return NULL;
		if (comparator)
			add_comparator(set, comparator);
	}
	reduce_set(set);
	return g_steal_pointer(&set);
}

/* ---- ranges ---- */

static gboolean lets_nothing(const GPtrArray *set)
{
	return semver_comparator_is_nothing(g_ptr_array_index(set, 0));
}

static gboolean lets_all(const GPtrArray *set)
{
	const struct semver_comparator *first = g_ptr_array_index(set, 0);

	return set->len == 1 && first->bound == SEMVER_ANY;
}

static void remove_sets(struct semver_range *range, guint from, guint count)
{
	g_ptr_array_remove_range(range->sets, from, count);
	g_ptr_array_remove_range(range->sources, from, count);
}

/* Of several sets those that let nothing through say nothing, and one that lets all says all. */
static void reduce_sets(struct semver_range *range)
{
	const GPtrArray *sets = range->sets;

	for (guint i = sets->len; i-- > 0 && sets->len > 1;)
		if (lets_nothing(g_ptr_array_index(sets, i)))
			remove_sets(range, i, 1);
	for (guint i = 0; i < sets->len && sets->len > 1; i++) {
		if (!lets_all(g_ptr_array_index(sets, i)))
			continue;
		remove_sets(range, i + 1, sets->len - i - 1);
		remove_sets(range, 0, i);
	}
}

static void free_set(gpointer data)
{
	g_ptr_array_unref(data);
}

struct semver_range *semver_range_parse(const char *text, enum semver_flags flags)
{
	g_autofree char *squeezed = NULL;
	g_auto(GStrv) alternatives = NULL;
	scoped(semver_range) range = g_new0(struct semver_range, 1);

	range->flags = flags;
	range->sets = g_ptr_array_new_with_free_func(free_set);
	range->sources = g_ptr_array_new_with_free_func(g_free);
	if (strlen(text) > LIMIT_SEMVER_RANGE_BYTES)
		return NULL;
	squeezed = semver_text_squeeze(text);
	/* g_strsplit() makes no part of an empty text. */
	alternatives = g_strsplit(*squeezed ? squeezed : " ", "||", -1);
	for (size_t i = 0; alternatives[i]; i++) {
		g_autofree char *plain = semver_range_trim_builds(g_strstrip(alternatives[i]));
		g_autoptr(GPtrArray) set = read_set(plain, flags);

		if (!set)
			return NULL;
		if (set->len == 0)
			continue;
		g_ptr_array_add(range->sets, g_steal_pointer(&set));
		g_ptr_array_add(range->sources, g_steal_pointer(&plain));
	}
	if (range->sets->len == 0)
		return NULL;
	reduce_sets(range);
	return g_steal_pointer(&range);
}
