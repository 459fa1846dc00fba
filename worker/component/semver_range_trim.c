/*
 * The steps of reading a range that only drop something: builds, and spaces that mean nothing.
 *
 * Whether a space means something depends on how far the version before it goes, and that is what
 * node-semver's pattern says, not what the range turns out to be: a whole version is read loosely
 * whatever the flags are, anything else strictly. `1.0.0-v = 2` has an operator, not a version `v = 2`.
 */
#include "worker/component/semver_range_trim.h"

#include <string.h>

#include "worker/component/semver_comparators.h"
#include "worker/component/semver_text.h"

char *semver_range_trim_builds(const char *text)
{
	const char *end = text + strlen(text);
	GString *stripped = g_string_sized_new((gsize)(end - text));

	for (const char *at = text; at < end;) {
		const char *stop = at + 1;

		if (*at == '+')
			while (stop < end &&
				(g_ascii_isalnum(*stop) || *stop == '-' ||
					(*stop == '.' && stop > at + 1 &&
						(g_ascii_isalnum(stop[1]) || stop[1] == '-'))))
				stop++;
		if (*at != '+' || stop == at + 1)
			g_string_append_c(stripped, *at);
		at = stop;
	}
	return g_string_free(stripped, FALSE);
}

static gboolean begins_version(char c)
{
	return g_ascii_isdigit(c) || c == 'x' || c == 'X' || c == '*';
}

/* `-PRERELEASE` and `+BUILD` at AT, if they are there. */
static const char *skip_suffixes(const char *at, const char *end, enum semver_flags flags)
{
	const char *stop = *at == '-' ? semver_text_identifiers(at + 1, end, flags, FALSE) : NULL;

	if (!stop && (flags & SEMVER_LOOSE))
		stop = semver_text_identifiers(at, end, flags, FALSE);
	if (stop)
		at = stop;
	stop = *at == '+' ? semver_text_identifiers(at + 1, end, SEMVER_STRICT, TRUE) : NULL;
	return stop ? stop : at;
}

/* The end of the whole version at AT, read loosely; NULL: there is none. */
static const char *skip_whole(const char *at, const char *end)
{
	for (int place = 0; place < 3; place++) {
		if (place > 0 && *at++ != '.')
			return NULL;
		at = semver_text_number(at, end, SEMVER_LOOSE);
		if (!at)
			return NULL;
	}
	return skip_suffixes(at, end, SEMVER_LOOSE);
}

static const char *skip_place(const char *at, const char *end)
{
	if (begins_version(*at) && !g_ascii_isdigit(*at))
		return at + 1;
	return semver_text_number(at, end, SEMVER_STRICT);
}

/* The end of the partial version at AT, where one begins. */
static const char *skip_partial(const char *at, const char *end)
{
	at = skip_place(at, end);
	for (int place = 1; place < 3; place++) {
		const char *next = *at == '.' ? skip_place(at + 1, end) : NULL;

		if (!next)
			return at;
		at = next;
	}
	return skip_suffixes(at, end, SEMVER_STRICT);
}

/* The space to drop of what begins at AT: one before an operator stays, one behind it goes. */
static const char *space_of(const char *at)
{
	at = semver_operator_end(*at == ' ' ? at + 1 : at);
	return *at == ' ' ? at : NULL;
}

static char *join_operators(const char *text)
{
	const char *end = text + strlen(text);
	GString *joined = g_string_new(NULL);
	const char *copied = text;

	for (const char *at = text; *at;) {
		const char *start = at;
		const char *space, *stop;

		if (*at == '<' || *at == '>') {
			at++;
		} else if (!strchr("v= ", *at) && !begins_version(*at)) {
			at++;
			continue;
		}
		at += strspn(at, "v= ");
		if (!begins_version(*at))
			continue;
		space = space_of(start);
		if (space) {
			g_string_append_len(joined, copied, space - copied);
			copied = space + 1;
		}
		stop = skip_whole(at, end);
		at = stop ? stop : skip_partial(at, end);
	}
	g_string_append(joined, copied);
	return g_string_free(joined, FALSE);
}

/* `~> 1.2` and `^ 1.2` lose their spaces, and a tilde its `>`, where a space follows. */
static char *join_sugar(const char *text)
{
	GString *joined = g_string_new(NULL);

	for (const char *at = text; *at;) {
		const char *stop = at + 1;

		if (*at == '~' && *stop == '>')
			stop++;
		if ((*at == '~' || *at == '^') && *stop == ' ') {
			/* The space before it, if any, is between comparators and stays. */
			g_string_append_c(joined, *at);
			at = stop + 1;
		} else {
			g_string_append_c(joined, *at++);
		}
	}
	return g_string_free(joined, FALSE);
}

char *semver_range_trim_spaces(const char *text)
{
	g_autofree char *joined = join_operators(text);

	return join_sugar(joined);
}
