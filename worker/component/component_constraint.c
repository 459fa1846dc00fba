/*
 * `^2.1`, `latest`, `@a1b2c3d`, `main`: what a constraint means, by its form alone.
 *
 * Whether a name is a tag or a branch, only a repository can tell (component_versions.c). What is
 * called like a range (`2.x`) is a range first; its full name, `refs/heads/2.x`, is none.
 */
#include "worker/component/component_constraint.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

#define COMMIT_DIGITS_MIN 4
#define COMMIT_DIGITS_MAX 40

void component_constraint_free(struct component_constraint *constraint)
{
	if (!constraint)
		return;
	g_free(constraint->text);
	semver_range_free(constraint->range);
	g_free(constraint);
}

static gboolean is_commit(const char *text)
{
	size_t size = strlen(text);

	return size >= COMMIT_DIGITS_MIN && size <= COMMIT_DIGITS_MAX &&
		strspn(text, "0123456789abcdefABCDEF") == size;
}

/* Whether one part of a ref's name, SIZE bytes at AT, is one that git takes. */
static gboolean is_ref_part(const char *at, size_t size)
{
	return size > 0 && *at != '.' && at[size - 1] != '.' &&
		!(size >= 5 && memcmp(at + size - 5, ".lock", 5) == 0);
}

/* git-check-ref-format(1), and neither an option's form nor that of a range that went wrong. */
static gboolean is_ref_name(const char *name)
{
	if (strchr("-<>=", *name) || strcmp(name, "@") == 0 || strstr(name, "..") ||
		strstr(name, "@{"))
		return FALSE;
	for (const char *at = name; *at; at++)
		if (g_ascii_iscntrl(*at) || strchr(" ~^:?*[\\", *at))
			return FALSE;
	for (const char *at = name;; at++) {
		size_t size = strcspn(at, "/");

		if (!is_ref_part(at, size))
			return FALSE;
		at += size;
		if (*at == '\0')
			return TRUE;
	}
}

static void classify(struct component_constraint *constraint, const char *text)
{
	constraint->range = semver_range_parse(text, SEMVER_STRICT);
	if (constraint->range)
		constraint->kind = CONSTRAINT_RANGE;
	else if (strcmp(text, "latest") == 0)
		constraint->kind = CONSTRAINT_LATEST;
	else if (*text == '@' && is_commit(text + 1))
		constraint->kind = CONSTRAINT_COMMIT;
	else if (is_ref_name(text) && g_utf8_validate(text, -1, NULL))
		constraint->kind = CONSTRAINT_NAME;
}

struct component_constraint *component_constraint_parse(const char *text, GError **error)
{
	struct component_constraint *constraint = g_new0(struct component_constraint, 1);

	if (!text || *text == '\0')
		return constraint;
	if (strlen(text) <= LIMIT_NAME_BYTES)
		classify(constraint, text);
	if (constraint->kind == CONSTRAINT_COMMIT)
		constraint->text = g_ascii_strdown(text + 1, -1);
	else
		constraint->text = g_strdup(text);
	if (constraint->kind != CONSTRAINT_NONE)
		return constraint;
	component_constraint_free(constraint);
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"expected a range of versions (^1.2), latest, @COMMIT, a tag or a branch");
	return NULL;
}

const struct semver *component_constraint_version(const struct component_constraint *constraint)
{
	return constraint->range ? semver_range_exact(constraint->range) : NULL;
}

/* The range that is ONE and OTHER at once, set by set. */
static char *intersect(const struct semver_range *one, const struct semver_range *other)
{
	g_autofree char *one_text = semver_range_text(one);
	g_autofree char *other_text = semver_range_text(other);
	g_auto(GStrv) left = g_strsplit(one_text, "||", -1);
	g_auto(GStrv) right = g_strsplit(other_text, "||", -1);
	GString *text = g_string_new(NULL);

	for (char **a = left; *a; a++)
		for (char **b = right; *b; b++)
			g_string_append_printf(text, "%s%s %s", text->len > 0 ? "||" : "", *a, *b);
	return g_string_free(text, FALSE);
}

char *component_constraint_all(const char *const *texts)
{
	g_autofree char *all = NULL;

	for (; *texts; texts++) {
		scoped(component_constraint) constraint = component_constraint_parse(*texts, NULL);
		scoped(component_constraint) before = component_constraint_parse(all, NULL);
		char *both;

		if (!constraint || constraint->kind == CONSTRAINT_NONE ||
			g_strcmp0(all, *texts) == 0)
			continue;
		if (constraint->kind != CONSTRAINT_RANGE)
			return g_strdup(*texts);
		both = all ? intersect(before->range, constraint->range) : g_strdup(*texts);
		if (strlen(both) > LIMIT_NAME_BYTES) {
			g_free(both);
			break;
		}
		g_free(all);
		all = both;
	}
	return g_steal_pointer(&all);
}

gboolean component_constraint_allows(const char *constraint_text, const char *version_text)
{
	scoped(component_constraint) constraint = component_constraint_parse(constraint_text, NULL);
	scoped(semver) version = version_text ? semver_parse(version_text, SEMVER_STRICT) : NULL;

	return !constraint || !version || constraint->kind != CONSTRAINT_RANGE ||
		semver_range_has(constraint->range, version);
}
