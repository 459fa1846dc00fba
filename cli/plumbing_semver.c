/*
 * `forge plumbing semver`: versions and ranges for scripts and conformance suites.
 *
 * An operation has node-semver's name, and so have its inputs; what that library would throw at is
 * a null or false here, as its own suite expects, unless an input is missing or no text.
 */
#include <string.h>

#include "cli/handlers.h"
#include "cli/plumbing.h"
#include "journal/base/errors.h"
#include "worker/component/semver_change.h"
#include "worker/component/semver_relation.h"

/* One question, taken apart as far as all operations need it. */
struct asking {
	const struct value *input;
	enum semver_flags flags;
};

/* ---- inputs ---- */

static const char *text(const struct asking *asking, const char *key, GError **error)
{
	return plumbing_text(asking->input, key, error);
}

static gboolean is_true(const struct value *map, const char *key)
{
	const struct value *member = map ? value_get(map, key) : NULL;

	return member && value_kind(member) == VALUE_BOOLEAN && value_boolean(member);
}

/* The member `versions`, a list of texts. */
static char **texts(const struct asking *asking, GError **error)
{
	const struct value *list = value_get(asking->input, "versions");
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; list && i < value_count(list); i++)
		if (value_kind(list) == VALUE_LIST && value_kind(value_at(list, i)) == VALUE_STRING)
			g_ptr_array_add(items, g_strdup(value_string(value_at(list, i))));
	if (!list || value_kind(list) != VALUE_LIST || items->len != value_count(list)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"versions: expected a list of texts");
		return NULL;
	}
	g_ptr_array_add(items, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&items), FALSE);
}

/* The members A and B as versions; FALSE with ERROR if they are no texts, without if no versions.
 */
static gboolean two_versions(
	const struct asking *asking, struct semver **a, struct semver **b, GError **error)
{
	const char *first = text(asking, "a", error);
	const char *second = first ? text(asking, "b", error) : NULL;

	*a = second ? semver_parse(first, asking->flags) : NULL;
	*b = second ? semver_parse(second, asking->flags) : NULL;
	return *a && *b;
}

static gboolean two_ranges(const struct asking *asking, const char *first_key,
	const char *second_key, struct semver_range **a, struct semver_range **b, GError **error)
{
	const char *first = text(asking, first_key, error);
	const char *second = first ? text(asking, second_key, error) : NULL;

	*a = second ? semver_range_parse(first, asking->flags) : NULL;
	*b = second ? semver_range_parse(second, asking->flags) : NULL;
	return *a && *b;
}

static gboolean range_and_version(const struct asking *asking, struct semver_range **range,
	struct semver **version, GError **error)
{
	const char *first = text(asking, "range", error);
	const char *second = first ? text(asking, "version", error) : NULL;

	*range = second ? semver_range_parse(first, asking->flags) : NULL;
	*version = second ? semver_parse(second, asking->flags) : NULL;
	return *range && *version;
}

/* ---- outputs ---- */

/* What OPERATION gives where an input is no version or range: NOTHING, unless there is an error. */
static struct value *otherwise(struct value *take_nothing, GError *const *error)
{
	if (!error || !*error)
		return take_nothing;
	value_free(take_nothing);
	return NULL;
}

static struct value *version_value(const struct semver *version)
{
	g_autofree char *written = version ? semver_text(version) : NULL;

	return written ? value_new_string(written) : value_new_null();
}

static struct value *identifiers_value(char *const *identifiers, gboolean numbers)
{
	struct value *list = value_new_list();

	for (size_t i = 0; identifiers[i]; i++)
		value_append_take(list,
			numbers && semver_identifier_is_number(identifiers[i])
				? value_new_integer(g_ascii_strtoll(identifiers[i], NULL, 10))
				: value_new_string(identifiers[i]));
	return list;
}

static struct value *texts_value(const char *const *items)
{
	struct value *list = value_new_list();

	for (size_t i = 0; items[i]; i++)
		value_append_take(list, value_new_string(items[i]));
	return list;
}

static struct value *place_value(const char *const *versions, int place)
{
	return place >= 0 ? value_new_string(versions[place]) : value_new_null();
}

/* ---- versions ---- */

/* The version that the member `version` is; NULL, with ERROR only if it is no text. */
static struct semver *one_version(const struct asking *asking, GError **error)
{
	const char *written = text(asking, "version", error);

	return written ? semver_parse(written, asking->flags) : NULL;
}

static struct value *op_valid(const struct asking *asking, GError **error)
{
	scoped(semver) version = one_version(asking, error);

	return otherwise(version_value(version), error);
}

static struct value *op_parse(const struct asking *asking, GError **error)
{
	scoped(semver) version = one_version(asking, error);
	struct value *map;

	if (!version)
		return otherwise(value_new_null(), error);
	map = value_new_map();
	value_put_integer(map, "major", (int64_t)version->major);
	value_put_integer(map, "minor", (int64_t)version->minor);
	value_put_integer(map, "patch", (int64_t)version->patch);
	value_put_take(map, "prerelease", identifiers_value(version->prerelease, TRUE));
	value_put_take(map, "build", identifiers_value(version->build, FALSE));
	return map;
}

static struct value *op_prerelease(const struct asking *asking, GError **error)
{
	scoped(semver) version = one_version(asking, error);

	if (version && semver_is_prerelease(version))
		return identifiers_value(version->prerelease, TRUE);
	return otherwise(value_new_null(), error);
}

static struct value *op_clean(const struct asking *asking, GError **error)
{
	const char *written = text(asking, "version", error);
	scoped(semver) version = written ? semver_clean(written, asking->flags) : NULL;

	return otherwise(version_value(version), error);
}

static struct value *op_coerce(const struct asking *asking, GError **error)
{
	const char *written = text(asking, "version", error);
	scoped(semver) version = written
		? semver_coerce(written, is_true(asking->input, "rtl"), asking->flags)
		: NULL;

	g_autofree char *whole = version ? semver_text_with_build(version) : NULL;

	return otherwise(whole ? value_new_string(whole) : value_new_null(), error);
}

static struct value *op_truncate(const struct asking *asking, GError **error)
{
	scoped(semver) version = one_version(asking, error);
	const char *release = error && *error ? NULL : text(asking, "release", error);
	scoped(semver) truncated = version && release ? semver_truncate(version, release) : NULL;

	return otherwise(version_value(truncated), error);
}

static enum semver_base base_of(const struct value *input)
{
	const struct value *base = value_get(input, "identifierBase");

	if (!base)
		return SEMVER_BASE_ZERO;
	if (value_kind(base) == VALUE_BOOLEAN)
		return value_boolean(base) ? SEMVER_BASE_ONE : SEMVER_BASE_NONE;
	if (value_kind(base) == VALUE_STRING)
		return strspn(value_string(base), "0123456789") == strlen(value_string(base)) &&
				value_string(base)[strspn(value_string(base), "0")]
			? SEMVER_BASE_ONE
			: SEMVER_BASE_ZERO;
	return value_kind(base) == VALUE_INTEGER && value_integer(base) != 0 ? SEMVER_BASE_ONE
									     : SEMVER_BASE_ZERO;
}

static struct value *op_inc(const struct asking *asking, GError **error)
{
	scoped(semver) version = one_version(asking, error);
	const char *release = error && *error ? NULL : text(asking, "release", error);
	const struct value *named = value_get(asking->input, "identifier");
	const char *identifier = named && value_kind(named) == VALUE_STRING ? value_string(named)
									    : NULL;
	scoped(semver) next = version && release ? semver_increment(version, release, identifier,
							   base_of(asking->input), asking->flags)
						 : NULL;

	return otherwise(version_value(next), error);
}

static struct value *op_diff(const struct asking *asking, GError **error)
{
	scoped(semver) a = NULL;
	scoped(semver) b = NULL;
	/* npm's function takes no options. */
	const struct asking strictly = {.input = asking->input};
	const char *difference = two_versions(&strictly, &a, &b, error) ? semver_difference(a, b)
									: NULL;

	return otherwise(difference ? value_new_string(difference) : value_new_null(), error);
}

static struct value *compare_with(const struct asking *asking,
	int (*compare)(const struct semver *, const struct semver *), GError **error)
{
	scoped(semver) a = NULL;
	scoped(semver) b = NULL;

	if (!two_versions(asking, &a, &b, error))
		return otherwise(value_new_null(), error);
	return value_new_integer(compare(a, b));
}

static struct value *op_compare(const struct asking *asking, GError **error)
{
	return compare_with(asking, semver_compare, error);
}

static struct value *op_compare_build(const struct asking *asking, GError **error)
{
	return compare_with(asking, semver_compare_build, error);
}

/* ---- lists ---- */

static gint compare_parsed(gconstpointer a, gconstpointer b, gpointer flags)
{
	enum semver_flags how = (enum semver_flags)GPOINTER_TO_INT(flags);
	scoped(semver) first = semver_parse(*(char *const *)a, how);
	scoped(semver) second = semver_parse(*(char *const *)b, how);

	return semver_compare_build(first, second);
}

/* Those of VERSIONS that are versions, the lowest first. */
static struct value *sorted_value(const struct asking *asking, char *const *versions)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();

	for (size_t i = 0; versions[i]; i++) {
		scoped(semver) version = semver_parse(versions[i], asking->flags);

		if (version)
			g_ptr_array_add(sorted, versions[i]);
	}
	g_ptr_array_sort_with_data(sorted, compare_parsed, GINT_TO_POINTER((int)asking->flags));
	g_ptr_array_add(sorted, NULL);
	return texts_value((const char *const *)sorted->pdata);
}

static struct value *op_sort(const struct asking *asking, GError **error)
{
	g_auto(GStrv) versions = texts(asking, error);
	struct value *sorted;

	if (!versions)
		return NULL;
	/* One text alone is compared with nothing, so it need not be a version. */
	if (g_strv_length(versions) < 2)
		return texts_value((const char *const *)versions);
	sorted = sorted_value(asking, versions);
	if (value_count(sorted) == g_strv_length(versions))
		return sorted;
	value_free(sorted);
	return value_new_null();
}

static struct value *op_best(const struct asking *asking,
	int (*best)(const struct semver_range *, const char *const *), GError **error)
{
	const char *written = text(asking, "range", error);
	g_auto(GStrv) versions = written ? texts(asking, error) : NULL;
	scoped(semver_range) range = versions ? semver_range_parse(written, asking->flags) : NULL;

	if (!range)
		return otherwise(value_new_null(), error);
	return place_value(
		(const char *const *)versions, best(range, (const char *const *)versions));
}

static struct value *op_max(const struct asking *asking, GError **error)
{
	return op_best(asking, semver_range_max, error);
}

static struct value *op_min(const struct asking *asking, GError **error)
{
	return op_best(asking, semver_range_min, error);
}

static struct value *satisfying(
	const struct asking *asking, const struct semver_range *range, char *const *versions)
{
	struct value *list = value_new_list();

	for (size_t i = 0; versions[i]; i++) {
		scoped(semver) version = semver_parse(versions[i], asking->flags);

		if (range && version && semver_range_has(range, version))
			value_append_take(list, value_new_string(versions[i]));
	}
	return list;
}

static struct value *op_select(const struct asking *asking, GError **error)
{
	const char *written = text(asking, "range", error);
	g_auto(GStrv) versions = written ? texts(asking, error) : NULL;
	scoped(semver_range) range = versions ? semver_range_parse(written, asking->flags) : NULL;
	g_autofree char *valid = range ? semver_range_text(range) : NULL;
	const char *const *all = (const char *const *)versions;
	struct value *map;

	if (!versions)
		return NULL;
	map = value_new_map();
	value_put_string(map, "valid", valid);
	value_put_take(map, "max", place_value(all, range ? semver_range_max(range, all) : -1));
	value_put_take(map, "min", place_value(all, range ? semver_range_min(range, all) : -1));
	value_put_take(map, "satisfies", satisfying(asking, range, versions));
	value_put_take(map, "sorted", sorted_value(asking, versions));
	return map;
}

/* ---- ranges ---- */

static struct value *op_satisfies(const struct asking *asking, GError **error)
{
	scoped(semver_range) range = NULL;
	scoped(semver) version = NULL;
	gboolean both = range_and_version(asking, &range, &version, error);

	return otherwise(value_new_boolean(both && semver_range_has(range, version)), error);
}

static struct value *op_above(const struct asking *asking, GError **error)
{
	scoped(semver_range) range = NULL;
	scoped(semver) version = NULL;
	gboolean both = range_and_version(asking, &range, &version, error);

	return otherwise(value_new_boolean(both && semver_is_above(version, range)), error);
}

static struct value *op_below(const struct asking *asking, GError **error)
{
	scoped(semver_range) range = NULL;
	scoped(semver) version = NULL;
	gboolean both = range_and_version(asking, &range, &version, error);

	return otherwise(value_new_boolean(both && semver_is_below(version, range)), error);
}

static struct value *op_valid_range(const struct asking *asking, GError **error)
{
	const char *written = text(asking, "range", error);
	scoped(semver_range) range = written ? semver_range_parse(written, asking->flags) : NULL;
	g_autofree char *plain = range ? semver_range_text(range) : NULL;

	return otherwise(plain ? value_new_string(plain) : value_new_null(), error);
}

static struct value *op_lowest(const struct asking *asking, GError **error)
{
	const char *written = text(asking, "range", error);
	scoped(semver_range) range = written ? semver_range_parse(written, asking->flags) : NULL;
	scoped(semver) lowest = range ? semver_range_lowest(range) : NULL;

	return otherwise(version_value(lowest), error);
}

static struct value *op_intersects(const struct asking *asking, GError **error)
{
	scoped(semver_range) a = NULL;
	scoped(semver_range) b = NULL;
	gboolean both = two_ranges(asking, "a", "b", &a, &b, error);

	return otherwise(value_new_boolean(both && semver_ranges_intersect(a, b)), error);
}

static struct value *op_subset(const struct asking *asking, GError **error)
{
	scoped(semver_range) sub = NULL;
	scoped(semver_range) dom = NULL;
	gboolean both = two_ranges(asking, "sub", "dom", &sub, &dom, error);
	/* Two texts that are the same are not even read. */
	gboolean same = (!error || !*error) &&
		strcmp(text(asking, "sub", NULL), text(asking, "dom", NULL)) == 0;

	return otherwise(
		value_new_boolean(same || (both && semver_range_is_subset(sub, dom))), error);
}

static struct value *op_comparators(const struct asking *asking, GError **error)
{
	const char *a = text(asking, "a", error);
	const char *b = a ? text(asking, "b", error) : NULL;
	gboolean valid = FALSE;
	gboolean meet = b && semver_comparators_intersect(a, b, asking->flags, &valid);

	return otherwise(valid ? value_new_boolean(meet) : value_new_null(), error);
}

static struct value *op_simplify(const struct asking *asking, GError **error)
{
	const char *written = text(asking, "range", error);
	g_auto(GStrv) versions = written ? texts(asking, error) : NULL;
	g_autofree char *simple = NULL;

	if (!versions)
		return NULL;
	simple = semver_range_simplify(written, versions, asking->flags);
	return simple ? value_new_string(simple) : value_new_null();
}

static const struct {
	const char *name;
	struct value *(*answer)(const struct asking *asking, GError **error);
} operations[] = {
	{"valid", op_valid},
	{"parse", op_parse},
	{"prerelease", op_prerelease},
	{"clean", op_clean},
	{"coerce", op_coerce},
	{"truncate", op_truncate},
	{"inc", op_inc},
	{"diff", op_diff},
	{"compare", op_compare},
	{"compareBuild", op_compare_build},
	{"sort", op_sort},
	{"maxSatisfying", op_max},
	{"minSatisfying", op_min},
	{"select", op_select},
	{"satisfies", op_satisfies},
	{"gtr", op_above},
	{"ltr", op_below},
	{"validRange", op_valid_range},
	{"minVersion", op_lowest},
	{"intersects", op_intersects},
	{"comparatorIntersects", op_comparators},
	{"subset", op_subset},
	{"simplifyRange", op_simplify},
};

static gboolean semver(
	gpointer context, const struct value *question, struct value *answer, GError **error)
{
	const char *name = plumbing_text(question, "op", error);
	const struct value *options = value_get(question, "options");
	struct asking asking = {.input = value_get(question, "input")};
	g_autoptr(GError) failure = NULL;
	struct value *result;

	(void)context;
	if (!name)
		return FALSE;
	if (options && value_kind(options) == VALUE_NULL)
		options = NULL;
	if (!asking.input || value_kind(asking.input) != VALUE_MAP ||
		(options && value_kind(options) != VALUE_MAP)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"%s: expected an object", options && asking.input ? "options" : "input");
		return FALSE;
	}
	asking.flags = (is_true(options, "loose") ? SEMVER_LOOSE : SEMVER_STRICT) |
		(is_true(options, "includePrerelease") ? SEMVER_INCLUDE_PRERELEASE : SEMVER_STRICT);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		if (strcmp(operations[i].name, name) != 0)
			continue;
		result = operations[i].answer(&asking, &failure);
		if (result)
			value_put_take(answer, "result", result);
		else
			g_propagate_error(error, g_steal_pointer(&failure));
		return result != NULL;
	}
	return plumbing_unsupported(answer);
}

int cmd_plumbing_semver(struct invocation *invocation, GError **error)
{
	(void)invocation;
	return plumbing_run(semver, NULL, error) ? 0 : 1;
}
