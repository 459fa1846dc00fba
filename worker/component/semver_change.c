/*
 * The next version, the difference of two, the version in a text of another kind.
 *
 * The rules are node-semver's, oddities included: the words for releases are those that authors of
 * packages know.
 */
#include "worker/component/semver_change.h"

#include <string.h>

#include "journal/base/limits.h"
#include "worker/component/semver_text.h"

/* ---- increments ---- */

static void drop_prerelease(struct semver *version)
{
	g_strfreev(version->prerelease);
	version->prerelease = g_new0(char *, 1);
}

static gboolean is_identifier(const char *identifier, enum semver_flags flags)
{
	const char *end = identifier + strlen(identifier);

	return semver_text_identifiers(identifier, end, flags, FALSE) == end;
}

/* Counts the last number of the prerelease up; FALSE if it has none. */
static gboolean count_up(struct semver *version)
{
	for (guint i = g_strv_length(version->prerelease); i-- > 0;) {
		char *old = version->prerelease[i];
		uint64_t number;

		if (!semver_identifier_is_number(old))
			continue;
		number = g_ascii_strtoull(old, NULL, 10);
		version->prerelease[i] = g_strdup_printf("%" G_GUINT64_FORMAT, number + 1);
		g_free(old);
		return TRUE;
	}
	return FALSE;
}

static void append_identifier(struct semver *version, const char *identifier)
{
	guint count = g_strv_length(version->prerelease);

	version->prerelease = g_renew(char *, version->prerelease, count + 2);
	version->prerelease[count] = g_strdup(identifier);
	version->prerelease[count + 1] = NULL;
}

/* Whether JavaScript makes a number of IDENTIFIER: `-1e5`, `0x1f` and `Infinity` are some too. */
static gboolean converts_to_number(const char *identifier)
{
	static const char *const digits[][2] = {
		{"xX", "0123456789abcdefABCDEF"}, {"oO", "01234567"}, {"bB", "01"}};
	const char *at = identifier;
	size_t size;

	for (size_t i = 0; *at == '0' && at[1] && i < G_N_ELEMENTS(digits); i++)
		if (strchr(digits[i][0], at[1]))
			return at[2] && at[2 + strspn(at + 2, digits[i][1])] == '\0';
	at += *at == '-';
	if (strcmp(at, "Infinity") == 0)
		return TRUE;
	size = strspn(at, "0123456789");
	at += size;
	if (size > 0 && (*at == 'e' || *at == 'E')) {
		at += at[1] == '-' ? 2 : 1;
		size = strspn(at, "0123456789");
		at += size;
	}
	return size > 0 && *at == '\0';
}

/* Whether the prerelease is IDENTIFIERS and a number behind them. */
static gboolean continues(const struct semver *version, char *const *identifiers)
{
	guint count = g_strv_length((char **)identifiers);

	if (g_strv_length(version->prerelease) <= count)
		return FALSE;
	for (guint i = 0; i < count; i++)
		if (semver_compare_identifiers(version->prerelease[i], identifiers[i]) != 0)
			return FALSE;
	return converts_to_number(version->prerelease[count]);
}

/* The next prerelease of the same three numbers. */
static gboolean increment_prerelease(
	struct semver *version, const char *identifier, enum semver_base base)
{
	const char *first = base == SEMVER_BASE_ONE ? "1" : "0";
	g_autofree char *whole = g_strjoinv(".", version->prerelease);
	g_auto(GStrv) identifiers = g_strsplit(identifier, ".", -1);

	if (!count_up(version)) {
		if (*whole && base == SEMVER_BASE_NONE && strcmp(identifier, whole) == 0)
			return FALSE;
		append_identifier(version, first);
	}
	if (*identifier == '\0' || continues(version, identifiers))
		return TRUE;
	drop_prerelease(version);
	for (size_t i = 0; identifiers[i]; i++)
		append_identifier(version, identifiers[i]);
	if (base != SEMVER_BASE_NONE)
		append_identifier(version, first);
	return TRUE;
}

static void increment_major(struct semver *version)
{
	if (version->minor != 0 || version->patch != 0 || !semver_is_prerelease(version))
		version->major++;
	version->minor = 0;
	version->patch = 0;
	drop_prerelease(version);
}

static void increment_minor(struct semver *version)
{
	if (version->patch != 0 || !semver_is_prerelease(version))
		version->minor++;
	version->patch = 0;
	drop_prerelease(version);
}

static void increment_patch(struct semver *version)
{
	if (!semver_is_prerelease(version))
		version->patch++;
	drop_prerelease(version);
}

/* Moves the three numbers to those of which RELEASE is a prerelease; FALSE if it is none. */
static gboolean prepare_prerelease(struct semver *version, const char *release)
{
	if (strcmp(release, "pre") == 0)
		return TRUE;
	if (strcmp(release, "prerelease") == 0) {
		if (!semver_is_prerelease(version))
			version->patch++;
		return TRUE;
	}
	drop_prerelease(version);
	if (strcmp(release, "premajor") == 0) {
		version->major++;
		version->minor = version->patch = 0;
	} else if (strcmp(release, "preminor") == 0) {
		version->minor++;
		version->patch = 0;
	} else if (strcmp(release, "prepatch") == 0) {
		version->patch++;
	} else {
		return FALSE;
	}
	return TRUE;
}

static gboolean increment(struct semver *version, const char *release, const char *identifier,
	enum semver_base base, enum semver_flags flags)
{
	if (g_str_has_prefix(release, "pre")) {
		if (*identifier ? !is_identifier(identifier, flags) : base == SEMVER_BASE_NONE)
			return FALSE;
		return prepare_prerelease(version, release) &&
			increment_prerelease(version, identifier, base);
	}
	if (strcmp(release, "major") == 0) {
		increment_major(version);
	} else if (strcmp(release, "minor") == 0) {
		increment_minor(version);
	} else if (strcmp(release, "patch") == 0) {
		increment_patch(version);
	} else if (strcmp(release, "release") == 0 && semver_is_prerelease(version)) {
		drop_prerelease(version);
	} else {
		return FALSE;
	}
	return TRUE;
}

struct semver *semver_increment(const struct semver *version, const char *release,
	const char *identifier, enum semver_base base, enum semver_flags flags)
{
	scoped(semver) next = semver_copy(version);

	if (!increment(next, release, identifier ? identifier : "", base, flags))
		return NULL;
	return g_steal_pointer(&next);
}

/* ---- differences ---- */

/* From the prerelease LOW to HIGH, which is none. NULL: as between any two. */
static const char *difference_of_release(const struct semver *low, const struct semver *high)
{
	if (low->patch == 0 && low->minor == 0)
		return "major";
	if (semver_compare_numbers(low, high) == 0)
		return low->minor != 0 && low->patch == 0 ? "minor" : "patch";
	return NULL;
}

const char *semver_difference(const struct semver *a, const struct semver *b)
{
	int order = semver_compare(a, b);
	const struct semver *high = order > 0 ? a : b;
	const struct semver *low = order > 0 ? b : a;
	gboolean pre = semver_is_prerelease(high);
	const char *special;

	if (order == 0)
		return NULL;
	special = semver_is_prerelease(low) && !pre ? difference_of_release(low, high) : NULL;
	if (special)
		return special;
	if (a->major != b->major)
		return pre ? "premajor" : "major";
	if (a->minor != b->minor)
		return pre ? "preminor" : "minor";
	if (a->patch != b->patch)
		return pre ? "prepatch" : "patch";
	return "prerelease";
}

struct semver *semver_truncate(const struct semver *version, const char *release)
{
	static const char *const releases[] = {
		"major", "premajor", "minor", "preminor", "patch", "prepatch", "prerelease", NULL};
	struct semver *truncated;

	if (!g_strv_contains(releases, release))
		return NULL;
	truncated = semver_copy(version);
	if (g_str_has_prefix(release, "pre"))
		return truncated;
	drop_prerelease(truncated);
	if (strcmp(release, "patch") != 0)
		truncated->patch = 0;
	if (strcmp(release, "major") == 0)
		truncated->minor = 0;
	return truncated;
}

/* ---- versions in other texts ---- */

struct semver *semver_clean(const char *text, enum semver_flags flags)
{
	g_autofree char *trimmed = semver_text_trim(text);

	return semver_parse(trimmed + strspn(trimmed, "=v"), flags);
}

/* More digits than this no number has that can be kept exactly. */
#define COERCED_DIGITS_MAX 16

struct coerced {
	const char *number; /* where its first number begins */
	size_t digits;      /* of that number */
	const char *end;    /* behind all that belongs to it, and what ends it */
	struct semver_parts parts;
};

static size_t count_digits(const char *at)
{
	size_t count = strspn(at, "0123456789");

	return MIN(count, COERCED_DIGITS_MAX);
}

/* The identifiers at AT, as many as no digit follows; NULL: none. */
static const char *longest_identifiers(const char *at, gboolean build)
{
	const char *longest = NULL;

	for (;;) {
		const char *end = at +
			strspn(at,
				"0123456789abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
		const char *stop = semver_text_identifiers(at, end, SEMVER_STRICT, build);

		/* Shorter, where too long an identifier ends amid digits. */
		while (stop && stop > at &&
			(g_ascii_isdigit(*stop) ||
				semver_text_identifiers(at, stop, SEMVER_STRICT, build) != stop))
			stop--;
		if (!stop || stop == at)
			return longest;
		longest = stop;
		if (*stop != '.')
			return longest;
		at = stop + 1;
	}
}

/* `-PRERELEASE` and `+BUILD` at AT, as far as they go. */
static const char *read_suffixes(const char *at, struct semver_parts *parts)
{
	const char *end = *at == '-' ? longest_identifiers(at + 1, FALSE) : NULL;

	if (end) {
		parts->prerelease = (struct semver_part){at + 1, (size_t)(end - at - 1)};
		at = end;
	}
	end = *at == '+' ? longest_identifiers(at + 1, TRUE) : NULL;
	if (end) {
		parts->build = (struct semver_part){at + 1, (size_t)(end - at - 1)};
		at = end;
	}
	return at;
}

/* What looks like a version at NUMBER, which no digit precedes; FALSE if a number is too long. */
static gboolean read_coerced(const char *number, gboolean suffixes, struct coerced *coerced)
{
	struct semver_part *places[3] = {
		&coerced->parts.major, &coerced->parts.minor, &coerced->parts.patch};
	const char *at = number;

	*coerced = (struct coerced){.number = number, .digits = count_digits(number)};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		const char *start = i > 0 ? at + 1 : at;
		size_t digits;

		if (i > 0 && *at != '.')
			break;
		digits = count_digits(start);
		if (i > 0 && (digits == 0 || g_ascii_isdigit(start[digits])))
			break;
		at = start;
		*places[i] = (struct semver_part){at, digits};
		at += digits;
	}
	if (g_ascii_isdigit(*at))
		return FALSE;
	if (suffixes)
		at = read_suffixes(at, &coerced->parts);
	/* JavaScript's patterns see the halves of a character past 0xffff. */
	coerced->end = *at ? at + 1 : at;
	if ((guchar)*at < 0xf0)
		while (((guchar)*coerced->end & 0xc0) == 0x80)
			coerced->end++;
	return TRUE;
}

/* The first such thing at or behind AT in TEXT. */
static gboolean find_coerced(
	const char *text, const char *at, gboolean suffixes, struct coerced *coerced)
{
	for (; *at; at++)
		if (g_ascii_isdigit(*at) && (at == text || !g_ascii_isdigit(at[-1])) &&
			read_coerced(at, suffixes, coerced))
			return TRUE;
	return FALSE;
}

/* The version of PARTS, read as if it had been written out. */
static struct semver *version_of(const struct semver_parts *parts, enum semver_flags flags)
{
	const struct {
		const char *before;
		struct semver_part part;
	} members[] = {{"", parts->major}, {".", parts->minor}, {".", parts->patch},
		{"-", parts->prerelease}, {"+", parts->build}};
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		if (members[i].part.size > 0) {
			g_string_append(text, members[i].before);
			g_string_append_len(text, members[i].part.at, (gssize)members[i].part.size);
		} else if (i < 3) {
			g_string_append(text, ".0");
		}
	}
	return semver_parse(text->str, flags);
}

struct semver *semver_coerce(const char *text, gboolean from_right, enum semver_flags flags)
{
	gboolean suffixes = (flags & SEMVER_INCLUDE_PRERELEASE) != 0;
	const char *end = text + MIN(strlen(text), LIMIT_SEMVER_RANGE_BYTES);
	struct coerced found, next;

	if (*end || !find_coerced(text, text, suffixes, &found))
		return NULL;
	/* Of those that end together the longest counts. */
	for (next = found; from_right && found.end < end;) {
		if (!find_coerced(text, next.number + next.digits, suffixes, &next))
			break;
		if (next.end != found.end)
			found = next;
	}
	return version_of(&found.parts, flags);
}
