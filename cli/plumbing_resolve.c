/*
 * `forge plumbing resolve`: the solver on a universe of components that stands in the question, for
 * scripts and conformance suites. Versions and ranges are node-semver's.
 */
#include <string.h>

#include "cli/handlers.h"
#include "cli/plumbing.h"
#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "worker/component/semver_range.h"
#include "worker/resolve/solver.h"

struct release {
	struct semver *version;
	const char *text;          /* as it stands in the question */
	const struct value *needs; /* name → range, or NULL */
	gboolean locked;
};

struct universe {
	GHashTable *components; /* name → GPtrArray of struct release, the highest first */
	GHashTable *ranges;     /* text → struct semver_range, NULL for what is none */
};

/* ---- the question ---- */

static void free_release(gpointer data)
{
	struct release *release = data;

	semver_free(release->version);
	g_free(release);
}

static void free_range(gpointer data)
{
	if (data)
		semver_range_free(data);
}

static void universe_clear(struct universe *universe)
{
	g_hash_table_unref(universe->components);
	g_hash_table_unref(universe->ranges);
}
SCOPED_VALUE(universe, universe_clear)

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean refuse(GError **error, const char *format, ...)
{
	va_list arguments;
	g_autofree char *text = NULL;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, text);
	return FALSE;
}

/* The member KEY of MAP, names to texts, into *MEMBER; NULL if it is not there. */
static gboolean get_texts(const struct value *map, const char *key, const char *where,
	const struct value **member, GError **error)
{
	*member = value_get(map, key);
	if (*member && value_kind(*member) == VALUE_NULL)
		*member = NULL;
	if (!*member)
		return TRUE;
	if (value_kind(*member) != VALUE_MAP)
		return refuse(error, "%s: expected an object", where);
	for (size_t i = 0; i < value_count(*member); i++)
		if (value_kind(value_at(*member, i)) != VALUE_STRING)
			return refuse(
				error, "%s.%s: expected text", where, value_key_at(*member, i));
	return TRUE;
}

static gboolean read_release(
	struct universe *universe, const struct value *item, size_t at, GError **error)
{
	g_autofree char *where = g_strdup_printf("universe[%zu].deps", at);
	const struct value *name = NULL, *version = NULL;
	struct release *release;
	GPtrArray *releases;

	if (value_kind(item) == VALUE_MAP) {
		name = value_get(item, "name");
		version = value_get(item, "version");
	}
	if (!name || value_kind(name) != VALUE_STRING || value_string(name)[0] == '\0')
		return refuse(error, "universe[%zu].name: expected text", at);
	if (!version || value_kind(version) != VALUE_STRING)
		return refuse(error, "universe[%zu].version: expected text", at);
	releases = g_hash_table_lookup(universe->components, value_string(name));
	if (!releases) {
		releases = g_ptr_array_new_with_free_func(free_release);
		g_hash_table_insert(universe->components, g_strdup(value_string(name)), releases);
	}
	release = g_new0(struct release, 1);
	g_ptr_array_add(releases, release);
	release->text = value_string(version);
	release->version = semver_parse(release->text, SEMVER_STRICT);
	if (!release->version)
		return refuse(
			error, "universe[%zu].version: '%s' is no version", at, release->text);
	return get_texts(item, "deps", where, &release->needs, error);
}

static gint highest_first(gconstpointer a, gconstpointer b)
{
	return semver_compare_build(
		(*(struct release *const *)b)->version, (*(struct release *const *)a)->version);
}

static gboolean sort_releases(const char *name, GPtrArray *releases, GError **error)
{
	g_ptr_array_sort(releases, highest_first);
	for (guint i = 1; i < releases->len; i++) {
		const struct release *release = releases->pdata[i];

		if (highest_first(&releases->pdata[i - 1], &releases->pdata[i]) == 0)
			return refuse(error, "universe: %s %s is there twice", name, release->text);
	}
	return TRUE;
}

static gboolean read_universe(
	struct universe *universe, const struct value *question, GError **error)
{
	const struct value *list = value_get(question, "universe");

	if (!list || value_kind(list) != VALUE_LIST)
		return refuse(error, "universe: expected a list");
	for (size_t i = 0; i < value_count(list); i++)
		if (!read_release(universe, value_at(list, i), i, error))
			return FALSE;
	/* In the order of the list, so that of several mistakes always the same is named. */
	for (size_t i = 0; i < value_count(list); i++) {
		const char *name = value_string(value_get(value_at(list, i), "name"));

		if (!sort_releases(name, g_hash_table_lookup(universe->components, name), error))
			return FALSE;
	}
	return TRUE;
}

/* Marks what is locked. A version that is not there any more locks nothing. */
static gboolean read_locked(struct universe *universe, const struct value *question, GError **error)
{
	const struct value *map = NULL;

	if (!get_texts(question, "locked", "locked", &map, error))
		return FALSE;
	for (size_t i = 0; map && i < value_count(map); i++) {
		const char *name = value_key_at(map, i);
		const char *text = value_string(value_at(map, i));
		const GPtrArray *releases = g_hash_table_lookup(universe->components, name);
		scoped(semver) version = semver_parse(text, SEMVER_STRICT);

		if (!version)
			return refuse(error, "locked.%s: '%s' is no version", name, text);
		for (guint j = 0; releases && j < releases->len; j++) {
			struct release *release = releases->pdata[j];

			release->locked = semver_compare_build(release->version, version) == 0;
		}
	}
	return TRUE;
}

static gboolean read_mode(
	const struct value *question, enum solver_preference *preference, GError **error)
{
	const struct value *mode = value_get(question, "mode");
	const char *text = mode && value_kind(mode) == VALUE_STRING ? value_string(mode) : "";

	*preference = SOLVER_PREFER_HIGHEST;
	if (!mode || value_kind(mode) == VALUE_NULL || strcmp(text, "highest") == 0)
		return TRUE;
	*preference = SOLVER_PREFER_LOWEST;
	return strcmp(text, "lowest") == 0 || refuse(error, "mode: expected 'highest' or 'lowest'");
}

/* ---- what the solver asks ---- */

static gboolean tell_candidates(
	void *user_data, const char *package, struct solver_answer *answer, GError **error)
{
	const struct universe *universe = user_data;
	const GPtrArray *releases = g_hash_table_lookup(universe->components, package);

	(void)error;
	for (guint i = 0; releases && i < releases->len; i++) {
		const struct release *release = releases->pdata[i];

		solver_answer_candidate(answer, release->text,
			release->locked ? SOLVER_CANDIDATE_LOCKED : SOLVER_CANDIDATE_PLAIN);
	}
	if (!releases)
		solver_answer_unusable(answer, "there is no component of this name");
	return TRUE;
}

static const struct semver_range *find_range(struct universe *universe, const char *text)
{
	gpointer range = NULL;

	if (g_hash_table_lookup_extended(universe->ranges, text, NULL, &range))
		return range;
	range = semver_range_parse(text, SEMVER_STRICT);
	g_hash_table_insert(universe->ranges, g_strdup(text), range);
	return range;
}

static gboolean tell_allowed(void *user_data, const char *package, const char *constraint,
	struct solver_answer *answer, GError **error)
{
	struct universe *universe = user_data;
	const GPtrArray *releases = g_hash_table_lookup(universe->components, package);
	const struct semver_range *range = find_range(universe, constraint);

	(void)error;
	if (!range) {
		g_autofree char *reason = g_strdup_printf(
			"'%s' is no range of versions", constraint);

		solver_answer_unusable(answer, reason);
	}
	for (guint i = 0; range && i < releases->len; i++)
		if (semver_range_has(range, ((struct release *)releases->pdata[i])->version))
			solver_answer_allow(answer, i);
	return TRUE;
}

static gboolean tell_dependencies(void *user_data, const char *package, guint candidate,
	struct solver_answer *answer, GError **error)
{
	const struct universe *universe = user_data;
	const GPtrArray *releases = g_hash_table_lookup(universe->components, package);
	const struct value *needs = ((struct release *)releases->pdata[candidate])->needs;

	(void)error;
	for (size_t i = 0; needs && i < value_count(needs); i++)
		solver_answer_need(
			answer, value_key_at(needs, i), value_string(value_at(needs, i)));
	return TRUE;
}

/* ---- the answer ---- */

static void put_result(struct value *answer, const struct solver_result *result)
{
	struct value *solution;

	if (!result->choices) {
		value_put_string(answer, "error", result->explanation);
		return;
	}
	solution = value_new_map();
	for (guint i = 0; i < result->choices->len; i++) {
		const struct solver_choice *choice = result->choices->pdata[i];

		value_put_string(solution, choice->package, choice->text);
	}
	value_put_take(answer, "solution", solution);
}

static gboolean resolve(
	gpointer context, const struct value *question, struct value *answer, GError **error)
{
	scoped_value(universe) universe = {
		.components = g_hash_table_new_full(
			hash_string_keyed, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref),
		.ranges = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, free_range),
	};
	const struct solver_provider provider = {
		.user_data = &universe,
		.candidates = tell_candidates,
		.allowed = tell_allowed,
		.dependencies = tell_dependencies,
	};
	struct solver_question asked = {.advise = TRUE};
	g_autofree struct solver_requirement *requirements = NULL;
	const struct value *root = NULL;
	scoped(solver_result) result = NULL;

	(void)context;
	if (!read_universe(&universe, question, error) ||
		!get_texts(question, "root", "root", &root, error) ||
		!read_locked(&universe, question, error) ||
		!read_mode(question, &asked.preference, error))
		return FALSE;
	if (!root)
		return refuse(error, "root: expected an object");
	asked.n_requirements = value_count(root);
	requirements = g_new0(struct solver_requirement, asked.n_requirements + 1);
	for (size_t i = 0; i < asked.n_requirements; i++)
		requirements[i] = (struct solver_requirement){
			.package = value_key_at(root, i),
			.constraint = value_string(value_at(root, i)),
			.origin = "root",
		};
	asked.requirements = requirements;
	result = solver_solve(&asked, &provider, error);
	if (result)
		put_result(answer, result);
	return result != NULL;
}

int cmd_plumbing_resolve(struct invocation *invocation, GError **error)
{
	(void)invocation;
	return plumbing_run(resolve, NULL, error) ? 0 : 1;
}
