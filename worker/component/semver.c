/*
 * Versions: read, written, compared, as npm's node-semver does it; semver.org 2.0.0 is the strict
 * half of that.
 *
 * Prereleases are kept as texts and numbers among them compared by their digits, so that none is
 * too long to be exact. node-semver's bounds on numbers and lengths hold here too, since a version
 * that only one of the two takes would be worth less than none.
 */
#include "worker/component/semver.h"

#include <string.h>

#include "journal/base/limits.h"
#include "worker/component/semver_text.h"

struct semver *semver_parse(const char *text, enum semver_flags flags)
{
	g_autofree char *squeezed = NULL;
	struct semver_parts parts;
	const char *at;

	if (semver_text_length(text) > LIMIT_SEMVER_UNITS)
		return NULL;
	squeezed = semver_text_squeeze(text);
	at = squeezed;
	if (flags & SEMVER_LOOSE)
		at += strspn(at, "v= ");
	else if (*at == 'v')
		at++;
	return semver_text_version(at, flags, &parts) ? semver_from_parts(&parts) : NULL;
}

struct semver *semver_copy(const struct semver *version)
{
	struct semver *copy = g_new0(struct semver, 1);

	*copy = *version;
	copy->prerelease = g_strdupv(version->prerelease);
	copy->build = g_strdupv(version->build);
	return copy;
}

void semver_free(struct semver *version)
{
	if (!version)
		return;
	g_strfreev(version->prerelease);
	g_strfreev(version->build);
	g_free(version);
}

char *semver_text(const struct semver *version)
{
	g_autofree char *prerelease = g_strjoinv(".", version->prerelease);

	return g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT
			       "%s%s",
		version->major, version->minor, version->patch, *prerelease ? "-" : "", prerelease);
}

char *semver_text_with_build(const struct semver *version)
{
	g_autofree char *text = semver_text(version);
	g_autofree char *build = g_strjoinv(".", version->build);

	return g_strconcat(text, *build ? "+" : "", build, NULL);
}

gboolean semver_is_strict(const struct semver *version)
{
	g_autofree char *text = semver_text(version);
	scoped(semver) again = semver_parse(text, SEMVER_STRICT);

	return again != NULL;
}

gboolean semver_is_prerelease(const struct semver *version)
{
	return version->prerelease[0] != NULL;
}

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static gboolean is_digits(const char *identifier)
{
	return *identifier && identifier[strspn(identifier, "0123456789")] == '\0';
}

static const char *without_zeros(const char *digits)
{
	return digits + strspn(digits, "0");
}

gboolean semver_identifier_is_number(const char *identifier)
{
	uint64_t number;

	return is_digits(identifier) &&
		g_ascii_string_to_unsigned(identifier, 10, 0, SEMVER_NUMBER_MAX - 1, &number, NULL);
}

int semver_compare_identifiers(const char *a, const char *b)
{
	gboolean a_digits = is_digits(a);
	gboolean b_digits = is_digits(b);

	if (a_digits != b_digits)
		return a_digits ? -1 : 1;
	if (a_digits) {
		a = without_zeros(a);
		b = without_zeros(b);
		if (strlen(a) != strlen(b))
			return strlen(a) < strlen(b) ? -1 : 1;
	}
	return sign(strcmp(a, b));
}

/*
 * Identifier by identifier; the shorter of two that are equal so far comes first. Two spellings of
 * a number (`1` and `01` of builds) end the comparison, as they do for npm.
 */
static int compare_lists(char *const *a, char *const *b)
{
	for (size_t i = 0; a[i] || b[i]; i++) {
		if (!a[i] || !b[i])
			return a[i] ? 1 : -1;
		if (strcmp(a[i], b[i]) != 0)
			return semver_compare_identifiers(a[i], b[i]);
	}
	return 0;
}

int semver_compare_numbers(const struct semver *a, const struct semver *b)
{
	int order = compare_numbers(a->major, b->major);

	if (order == 0)
		order = compare_numbers(a->minor, b->minor);
	return order != 0 ? order : compare_numbers(a->patch, b->patch);
}

int semver_compare(const struct semver *a, const struct semver *b)
{
	int order = semver_compare_numbers(a, b);

	if (order != 0)
		return order;
	/* A prerelease comes before the version it leads to. */
	if (semver_is_prerelease(a) != semver_is_prerelease(b))
		return semver_is_prerelease(a) ? -1 : 1;
	return compare_lists(a->prerelease, b->prerelease);
}

int semver_compare_build(const struct semver *a, const struct semver *b)
{
	int order = semver_compare(a, b);

	return order != 0 ? order : compare_lists(a->build, b->build);
}
