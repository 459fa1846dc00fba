/*
 * Where versions and parts of ranges begin and end in a text.
 *
 * One reader for both grammars: a version is a partial version that lacks nothing. Loose texts are
 * ambiguous, for the dash before a prerelease may be missing: then the readings are tried in the
 * order in which a backtracking matcher would, so that `1.2.34.5` is the prerelease 4.5 of 1.2.3
 * there as it is for npm.
 */
#include "worker/component/semver_text.h"

#include <string.h>

/* How much of a run node-semver's patterns take; what is left over is then no version. */
#define DIGITS_MAX 256
#define CHARACTERS_MAX 250

static gboolean is_identifier_character(char c)
{
	return g_ascii_isalnum(c) || c == '-';
}

static const char *skip_digits(const char *at, const char *end, ptrdiff_t most)
{
	const char *start = at;

	while (at < end && at - start < most && g_ascii_isdigit(*at))
		at++;
	return at;
}

static const char *skip_characters(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && at - start < CHARACTERS_MAX && is_identifier_character(*at))
		at++;
	return at;
}

const char *semver_text_number(const char *at, const char *end, enum semver_flags flags)
{
	const char *stop;

	if (flags & SEMVER_LOOSE)
		stop = skip_digits(at, end, DIGITS_MAX);
	else if (at < end && *at == '0')
		stop = at + 1; /* strictly, a zero leads nothing */
	else
		stop = skip_digits(at, end, 1 + DIGITS_MAX);
	return stop > at ? stop : NULL;
}

static const char *read_identifier(
	const char *at, const char *end, enum semver_flags flags, gboolean build)
{
	const char *word = build ? at : skip_digits(at, end, DIGITS_MAX);

	if (word == end || !is_identifier_character(*word) || (!build && g_ascii_isdigit(*word)))
		return build ? NULL : semver_text_number(at, end, flags);
	return skip_characters(build ? word : word + 1, end);
}

const char *semver_text_identifiers(
	const char *at, const char *end, enum semver_flags flags, gboolean build)
{
	const char *stop = read_identifier(at, end, flags, build);

	for (const char *next = stop; next; next = read_identifier(stop + 1, end, flags, build)) {
		stop = next;
		if (stop == end || *stop != '.')
			break;
	}
	return stop;
}

static struct semver_part part_of(const char *at, const char *stop)
{
	return (struct semver_part){at, (size_t)(stop - at)};
}

/* `+BUILD`, or nothing, and then END. */
static gboolean read_build(const char *at, const char *end, struct semver_parts *parts)
{
	const char *stop;

	parts->build = (struct semver_part){NULL, 0};
	if (at == end)
		return TRUE;
	stop = *at == '+' ? semver_text_identifiers(at + 1, end, SEMVER_STRICT, TRUE) : NULL;
	if (stop != end)
		return FALSE;
	parts->build = part_of(at + 1, stop);
	return TRUE;
}

static gboolean read_prerelease_at(
	const char *at, const char *end, enum semver_flags flags, struct semver_parts *parts)
{
	const char *stop = semver_text_identifiers(at, end, flags, FALSE);

	if (!stop || !read_build(stop, end, parts))
		return FALSE;
	parts->prerelease = part_of(at, stop);
	return TRUE;
}

/* What may follow the third number, up to END. */
static gboolean read_rest(
	const char *at, const char *end, enum semver_flags flags, struct semver_parts *parts)
{
	parts->prerelease = (struct semver_part){NULL, 0};
	if (at < end && *at == '-' && read_prerelease_at(at + 1, end, flags, parts))
		return TRUE;
	if ((flags & SEMVER_LOOSE) && read_prerelease_at(at, end, flags, parts))
		return TRUE;
	parts->prerelease = (struct semver_part){NULL, 0};
	return read_build(at, end, parts);
}

/* A number, or where PARTIAL what stands for any. */
static const char *read_place(
	const char *at, const char *end, enum semver_flags flags, gboolean partial)
{
	if (partial && at < end && (*at == 'x' || *at == 'X' || *at == '*'))
		return at + 1;
	return semver_text_number(at, end, flags);
}

static const char *read_parts(const char *at, const char *end, enum semver_flags flags,
	gboolean partial, struct semver_parts *parts)
{
	struct semver_part *const places[] = {&parts->major, &parts->minor, &parts->patch};
	const char *start = at;

	*parts = (struct semver_parts){.major = {NULL, 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		if (i > 0) {
			if (at == end && partial)
				return end;
			if (at == end || *at++ != '.')
				return NULL;
		}
		start = at;
		at = read_place(at, end, flags, partial);
		if (!at)
			return NULL;
		*places[i] = part_of(start, at);
	}
	if (read_rest(at, end, flags, parts))
		return end;
	/* The last digit may begin a prerelease without a dash. */
	if ((flags & SEMVER_LOOSE) && at - start > 1 && read_rest(at - 1, end, flags, parts)) {
		parts->patch.size--;
		return end;
	}
	return NULL;
}

const char *semver_text_version(const char *at, enum semver_flags flags, struct semver_parts *parts)
{
	return read_parts(at, at + strlen(at), flags, FALSE, parts);
}

const char *semver_text_partial(
	const char *at, const char *end, enum semver_flags flags, struct semver_parts *parts)
{
	while (at < end && (*at == 'v' || *at == '=' || *at == ' '))
		at++;
	return read_parts(at, end, flags, TRUE, parts);
}

static gboolean is_space(gunichar c)
{
	return (c >= 0x09 && c <= 0x0d) || c == ' ' || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
		g_unichar_type(c) == G_UNICODE_SPACE_SEPARATOR;
}

char *semver_text_squeeze(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *squeezed = g_string_sized_new(strlen(valid));
	gboolean space = FALSE;

	for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);

		if (is_space(c)) {
			space = squeezed->len > 0;
			continue;
		}
		if (space)
			g_string_append_c(squeezed, ' ');
		space = FALSE;
		g_string_append_unichar(squeezed, c);
	}
	return g_string_free(squeezed, FALSE);
}

char *semver_text_trim(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	const char *start = valid;
	const char *end;

	while (*start && is_space(g_utf8_get_char(start)))
		start = g_utf8_next_char(start);
	end = start;
	for (const char *at = start; *at;) {
		gboolean space = is_space(g_utf8_get_char(at));

		at = g_utf8_next_char(at);
		if (!space)
			end = at;
	}
	return g_strndup(start, (size_t)(end - start));
}

size_t semver_text_length(const char *text)
{
	size_t length = 0;

	/* What takes four bytes in UTF-8 takes two units. */
	for (; *text; text++)
		length += ((guchar)*text & 0xc0) == 0x80 ? 0 : (guchar)*text >= 0xf0 ? 2 : 1;
	return length;
}

/* Digits as a number; FALSE past SEMVER_NUMBER_MAX. */
static gboolean number_of(struct semver_part part, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < part.size; i++) {
		*number = *number * 10 + (uint64_t)(part.at[i] - '0');
		if (*number > SEMVER_NUMBER_MAX)
			return FALSE;
	}
	return TRUE;
}

/* Identifiers of PART; loosely read numbers lose their leading zeros. */
static char **identifiers_of(struct semver_part part, gboolean build)
{
	g_autofree char *text = g_strndup(part.at ? part.at : "", part.size);
	char **identifiers = part.size > 0 ? g_strsplit(text, ".", -1) : g_new0(char *, 1);

	for (size_t i = 0; !build && identifiers[i]; i++) {
		char *digits = identifiers[i];
		size_t zeros = strspn(digits, "0");

		if (!semver_identifier_is_number(digits) || zeros == 0)
			continue;
		if (digits[zeros] == '\0')
			zeros--;
		memmove(digits, digits + zeros, strlen(digits + zeros) + 1);
	}
	return identifiers;
}

struct semver *semver_from_parts(const struct semver_parts *parts)
{
	struct semver numbers = {0};
	struct semver *version;

	if (!number_of(parts->major, &numbers.major) || !number_of(parts->minor, &numbers.minor) ||
		!number_of(parts->patch, &numbers.patch))
		return NULL;
	version = g_new0(struct semver, 1);
	*version = numbers;
	version->prerelease = identifiers_of(parts->prerelease, FALSE);
	version->build = identifiers_of(parts->build, TRUE);
	return version;
}
