/*
 * Versions that both sides of a merge moved: two thirds of all conflicts in YAML and JSON.
 *
 * Which value is a version is told by its keys and by its form together, on all three sides; a
 * number such as 1.10, a constraint outside of dependencies or two different operators are none.
 * The order is semver's (section 11). A replayed step keeps what is above it from theirs and takes
 * what is below it from ours, so a step replayed on an unmoved base gives ours.
 *
 * Constraints are not understood here beyond one operator before one version.
 */
#include "worker/document/version_line.h"

#include <string.h>

/* Digits of a number that is read: far beyond any version, and no sum of two overflows. */
#define DIGITS_MOST 15

static const char *const rule_names[] = {
	[VERSION_RULE_CONFLICT] = "conflict",
	[VERSION_RULE_HIGHER] = "higher",
	[VERSION_RULE_REPLAY] = "replay",
	[VERSION_RULE_OURS] = "ours",
	[VERSION_RULE_THEIRS] = "theirs",
};

gboolean version_rule_parse(const char *name, enum version_rule *rule)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rule_names); i++) {
		if (strcmp(name, rule_names[i]) != 0)
			continue;
		*rule = (enum version_rule)i;
		return TRUE;
	}
	return FALSE;
}

const char *version_rule_name(enum version_rule rule)
{
	g_assert((size_t)rule < G_N_ELEMENTS(rule_names));
	return rule_names[rule];
}

/* ---- which keys hold versions ---- */

static gboolean is_word(const char *key, const char *const *words)
{
	for (; *words; words++)
		if (g_ascii_strcasecmp(key, *words) == 0)
			return TRUE;
	return FALSE;
}

static gboolean ends_in(const char *key, const char *end)
{
	size_t size = strlen(key), end_size = strlen(end);

	return size >= end_size && g_ascii_strcasecmp(key + size - end_size, end) == 0;
}

/* The key of step AT counted from the end, from 0; "" where a list's index stands or nothing. */
static const char *key_from_end(const struct document_path *path, size_t at)
{
	size_t length = document_path_length(path);
	const char *key = at < length ? document_path_step(path, length - 1 - at).key : NULL;

	return key ? key : "";
}

static gboolean is_version_key(const char *key)
{
	static const char *const words[] = {"version", "tag", "newTag", NULL};

	return is_word(key, words) || g_str_has_suffix(key, "Version") ||
		ends_in(key, "_version") || ends_in(key, "-version");
}

/* A map from names of packages to their versions. */
static gboolean is_in_package_map(const struct document_path *path)
{
	static const char *const maps[] = {"resolutions", "overrides", "catalog", NULL};

	return ends_in(key_from_end(path, 0), "dependencies") == FALSE &&
		(ends_in(key_from_end(path, 1), "dependencies") ||
			is_word(key_from_end(path, 1), maps) ||
			strcmp(key_from_end(path, 2), "catalogs") == 0);
}

static gboolean is_below_dependencies(const struct document_path *path)
{
	for (size_t i = 1; i < document_path_length(path); i++)
		if (ends_in(key_from_end(path, i), "dependencies"))
			return TRUE;
	return FALSE;
}

enum version_line version_line_at(const struct document_path *path)
{
	static const char *const descriptions[] = {"metadata", "info", "package", "project", NULL};
	const char *key = key_from_end(path, 0);
	size_t length = document_path_length(path);

	if (strcmp(key, "version") == 0 &&
		(length == 1 || (length == 2 && is_word(key_from_end(path, 1), descriptions))))
		return VERSION_LINE_OWN;
	if (*key != '\0' &&
		(is_version_key(key) || strcmp(key, "packageManager") == 0 ||
			is_in_package_map(path)))
		return VERSION_LINE_FOREIGN;
	if (ends_in(key, "version_constraint"))
		return VERSION_LINE_FOREIGN;
	return VERSION_LINE_NONE;
}

/* ---- versions ---- */

struct version {
	const char *prefix; /* what stands before the first digit */
	size_t prefix_size;
	uint64_t core[3];       /* major, minor, patch */
	const char *prerelease; /* without its hyphen; empty if there is none */
	size_t prerelease_size;
	const char *build; /* with its plus; empty if there is none */
};

static gboolean read_number(const char **at, uint64_t *number)
{
	size_t digits = strspn(*at, "0123456789");

	if (digits == 0 || digits > DIGITS_MOST || (digits > 1 && **at == '0'))
		return FALSE;
	*number = g_ascii_strtoull(*at, NULL, 10);
	*at += digits;
	return TRUE;
}

/* Identifiers between dots, none empty; numbers without leading zeros where STRICT. */
static gboolean are_identifiers(const char *text, size_t size, gboolean strict)
{
	const char *end = text + size;

	for (;;) {
		size_t length = strspn(text,
			"0123456789"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");
		size_t digits = strspn(text, "0123456789");

		if (length == 0 || (strict && digits == length && length > 1 && *text == '0'))
			return FALSE;
		text += length;
		if (text >= end)
			return text == end;
		if (*text++ != '.')
			return FALSE;
	}
}

/* Bytes of TEXT before its version; what may stand there depends on PATH. */
static size_t prefix_of(const struct document_path *path, const char *text)
{
	size_t size = 0;

	if (strcmp(key_from_end(path, 0), "packageManager") == 0) {
		const char *at = strchr(text, '@');

		return at ? (size_t)(at + 1 - text) : 0;
	}
	if (is_in_package_map(path) || is_below_dependencies(path)) {
		if (g_str_has_prefix(text, "workspace:"))
			size += strlen("workspace:");
		size += strspn(text + size, "^~<>=");
		size += strspn(text + size, " ");
	}
	return size + (text[size] == 'v');
}

static gboolean read_version(
	const struct document_path *path, const char *text, struct version *version)
{
	const char *at;

	version->prefix = text;
	version->prefix_size = prefix_of(path, text);
	at = text + version->prefix_size;
	for (size_t i = 0; i < 3; i++)
		if ((i > 0 && *at++ != '.') || !read_number(&at, &version->core[i]))
			return FALSE;
	version->prerelease = *at == '-' ? ++at : at;
	version->prerelease_size = 0;
	if (at[-1] == '-') {
		version->prerelease_size = strcspn(at, "+");
		if (!are_identifiers(at, version->prerelease_size, TRUE))
			return FALSE;
		at += version->prerelease_size;
	}
	version->build = at;
	return *at == '\0' || (*at == '+' && are_identifiers(at + 1, strlen(at + 1), FALSE));
}

static gboolean same_prefix(const struct version *a, const struct version *b)
{
	return a->prefix_size == b->prefix_size &&
		strncmp(a->prefix, b->prefix, a->prefix_size) == 0;
}

static int compare_number_texts(const char *a, size_t a_size, const char *b, size_t b_size)
{
	if (a_size != b_size)
		return a_size < b_size ? -1 : 1;
	return strncmp(a, b, a_size);
}

/* One identifier of a prerelease: numbers by value and below words, words by their bytes. */
static int compare_identifiers(const char *a, size_t a_size, const char *b, size_t b_size)
{
	gboolean a_number = strspn(a, "0123456789") >= a_size;
	gboolean b_number = strspn(b, "0123456789") >= b_size;
	int order;

	if (a_number && b_number)
		return compare_number_texts(a, a_size, b, b_size);
	if (a_number != b_number)
		return a_number ? -1 : 1;
	order = strncmp(a, b, MIN(a_size, b_size));
	return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_prereleases(const struct version *a, const struct version *b)
{
	const char *a_at = a->prerelease, *a_end = a_at + a->prerelease_size;
	const char *b_at = b->prerelease, *b_end = b_at + b->prerelease_size;

	/* A release is above its prereleases. */
	if (a->prerelease_size == 0 || b->prerelease_size == 0)
		return (a->prerelease_size == 0) - (b->prerelease_size == 0);
	while (a_at < a_end && b_at < b_end) {
		size_t a_size = MIN(strcspn(a_at, "."), (size_t)(a_end - a_at));
		size_t b_size = MIN(strcspn(b_at, "."), (size_t)(b_end - b_at));
		int order = compare_identifiers(a_at, a_size, b_at, b_size);

		if (order != 0)
			return order;
		a_at += a_size + 1;
		b_at += b_size + 1;
	}
	return (a_at < a_end) - (b_at < b_end);
}

static int compare_versions(const struct version *a, const struct version *b)
{
	for (size_t i = 0; i < 3; i++)
		if (a->core[i] != b->core[i])
			return a->core[i] < b->core[i] ? -1 : 1;
	return compare_prereleases(a, b);
}

/* ---- replaying a step ---- */

static char *format_version(const struct version *shape, const uint64_t core[3])
{
	g_autofree char *prefix = g_strndup(shape->prefix, shape->prefix_size);
	g_autofree char *prerelease = g_strndup(shape->prerelease, shape->prerelease_size);

	return g_strdup_printf("%s%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT
			       "%s%s",
		prefix, core[0], core[1], core[2], *prerelease ? "-" : "", prerelease);
}

/* Where the number at the end of a prerelease begins; its size if it ends in none. */
static size_t counter_of(const struct version *version, uint64_t *counter)
{
	size_t at = version->prerelease_size;
	const char *number;

	while (at > 0 && g_ascii_isdigit(version->prerelease[at - 1]))
		at--;
	number = version->prerelease + at;
	if (at > 0 && version->prerelease[at - 1] != '.')
		return version->prerelease_size;
	return read_number(&number, counter) ? at : version->prerelease_size;
}

/* `-rc.1` became `-rc.2`: as many steps from theirs, if theirs counts the same release. */
static char *replay_prerelease(
	const struct version *base, const struct version *ours, const struct version *theirs)
{
	const struct version *all[] = {base, ours, theirs};
	uint64_t counters[3] = {0};
	size_t at = counter_of(base, &counters[0]);
	g_autofree char *shared = NULL;
	g_autofree char *prefix = NULL;

	if (memcmp(base->core, theirs->core, sizeof(base->core)) != 0)
		return NULL;
	if (ours->prerelease_size == 0)
		return theirs->prerelease_size > 0 ? format_version(ours, ours->core) : NULL;
	for (size_t i = 0; i < 3; i++)
		if (counter_of(all[i], &counters[i]) != at || at == all[i]->prerelease_size ||
			strncmp(all[i]->prerelease, base->prerelease, at) != 0)
			return NULL;
	shared = g_strndup(ours->prerelease, at);
	prefix = g_strndup(ours->prefix, ours->prefix_size);
	return g_strdup_printf("%s%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT
			       "-%s%" G_GUINT64_FORMAT,
		prefix, ours->core[0], ours->core[1], ours->core[2], shared,
		counters[2] + counters[1] - counters[0]);
}

static char *replay(
	const struct version *base, const struct version *ours, const struct version *theirs)
{
	uint64_t core[3];
	size_t step = 0;

	if (*base->build || *ours->build || *theirs->build || compare_versions(ours, base) <= 0)
		return NULL;
	while (step < 3 && ours->core[step] == base->core[step])
		step++;
	if (step == 3)
		return replay_prerelease(base, ours, theirs);
	/* What follows a prerelease that only they have is a matter of taste. */
	if (theirs->prerelease_size > 0 && ours->prerelease_size == 0)
		return NULL;
	for (size_t i = 0; i < 3; i++)
		core[i] = i < step ? theirs->core[i] : ours->core[i];
	core[step] = theirs->core[step] + ours->core[step] - base->core[step];
	return format_version(ours, core);
}

char *version_line_settle(const struct document_path *path, enum version_rule rule,
	const char *base, const char *ours, const char *theirs, enum version_rule *used)
{
	enum version_line line = version_line_at(path);
	struct version from, mine, other;
	int order;

	if (line == VERSION_LINE_NONE || !read_version(path, ours, &mine) ||
		!read_version(path, theirs, &other) || !same_prefix(&mine, &other) ||
		(base && (!read_version(path, base, &from) || !same_prefix(&mine, &from))))
		return NULL;
	*used = rule == VERSION_RULE_REPLAY && line == VERSION_LINE_FOREIGN ? VERSION_RULE_HIGHER
									    : rule;
	switch (*used) {
	case VERSION_RULE_CONFLICT:
		return NULL;
	case VERSION_RULE_HIGHER:
		/* Versions that differ in their build alone have no order. */
		order = compare_versions(&mine, &other);
		return order == 0 ? NULL : g_strdup(order > 0 ? ours : theirs);
	case VERSION_RULE_REPLAY:
		return base ? replay(&from, &mine, &other) : NULL;
	case VERSION_RULE_OURS:
		return g_strdup(ours);
	case VERSION_RULE_THEIRS:
		return g_strdup(theirs);
	}
	g_assert_not_reached();
}
