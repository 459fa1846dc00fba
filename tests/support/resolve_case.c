/* Reads tests/cases/resolve.txt, and is the provider for its cases. */
#include "tests/support/resolve_case.h"

#include <string.h>

#include "worker/component/semver_range.h"

struct case_version {
	char *text;
	struct semver *version; /* NULL: a branch or commit */
	char *unusable;
	GPtrArray *needs; /* of char *: name, range, in turn */
	gboolean locked;
};

static void free_version(gpointer data)
{
	struct case_version *version = data;

	g_free(version->text);
	semver_free(version->version);
	g_free(version->unusable);
	g_ptr_array_unref(version->needs);
	g_free(version);
}

static void free_case(gpointer data)
{
	struct resolve_case *one = data;

	g_free(one->claim);
	g_free(one->expected);
	g_ptr_array_unref(one->lines);
	g_hash_table_unref(one->versions);
	g_hash_table_unref(one->missing);
	g_array_unref(one->requirements);
	g_ptr_array_unref(one->texts);
	g_free(one);
}

static struct case_version *find_version(
	struct resolve_case *one, const char *name, const char *text)
{
	GPtrArray *list = g_hash_table_lookup(one->versions, name);

	for (guint i = 0; list && i < list->len; i++)
		if (strcmp(((struct case_version *)list->pdata[i])->text, text) == 0)
			return list->pdata[i];
	return NULL;
}

static struct case_version *add_version(
	struct resolve_case *one, const char *name, const char *text)
{
	GPtrArray *list = g_hash_table_lookup(one->versions, name);
	struct case_version *version = g_new0(struct case_version, 1);

	if (!list) {
		list = g_ptr_array_new_with_free_func(free_version);
		g_hash_table_insert(one->versions, g_strdup(name), list);
	}
	version->text = g_strdup(text);
	version->version = semver_parse(text, SEMVER_STRICT);
	version->needs = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(list, version);
	return version;
}

static const char *keep(struct resolve_case *one, const char *text)
{
	char *copy = g_strdup(text);

	g_ptr_array_add(one->texts, copy);
	return copy;
}

static void add_requirement(struct resolve_case *one, const char *origin, const char *wish)
{
	g_auto(GStrv) words = g_strsplit(wish, " ", 2);
	struct solver_requirement requirement = {
		.package = keep(one, words[0]),
		.constraint = keep(one, words[1]),
		.origin = keep(one, origin),
		.kind = strcmp(origin, "what if") == 0 ? SOLVER_SUPPOSED : SOLVER_ASKED,
	};

	g_array_append_val(one->requirements, requirement);
}

static void read_refusal(struct resolve_case *one, const char *line)
{
	g_auto(GStrv) halves = g_strsplit(line, ": ", 2);
	g_auto(GStrv) words = g_strsplit(halves[0], " ", 2);

	if (words[1])
		find_version(one, words[0], words[1])->unusable = g_strdup(halves[1]);
	else
		g_hash_table_insert(one->missing, g_strdup(words[0]), g_strdup(halves[1]));
}

static void read_version(struct resolve_case *one, const char *line)
{
	g_auto(GStrv) halves = g_strsplit(line, ":", 2);
	g_auto(GStrv) words = g_strsplit(halves[0], " ", 2);
	struct case_version *version = add_version(one, words[0], words[1]);
	g_auto(GStrv) needs = g_strsplit(g_strstrip(halves[1]), ", ", -1);

	g_assert_nonnull(version->version);
	for (size_t i = 0; needs[i]; i++) {
		g_auto(GStrv) need = g_strsplit(needs[i], " ", 2);

		g_ptr_array_add(version->needs, g_strdup(need[0]));
		g_ptr_array_add(version->needs, g_strdup(need[1]));
	}
}

static void read_line(struct resolve_case *one, const char *line)
{
	const char *asks = strstr(line, " asks ");

	if (asks) {
		g_autofree char *origin = g_strndup(line, (gsize)(asks - line));

		add_requirement(one, origin, asks + strlen(" asks "));
	} else if (g_str_has_prefix(line, "what if ")) {
		add_requirement(one, "what if", line + strlen("what if "));
	} else if (g_str_has_prefix(line, "! ")) {
		read_refusal(one, line + 2);
	} else if (g_str_has_prefix(line, "@ ")) {
		g_auto(GStrv) words = g_strsplit(line + 2, " ", 2);

		add_version(one, words[0], words[1]);
	} else if (g_str_has_prefix(line, "locked ")) {
		g_auto(GStrv) words = g_strsplit(line, " ", 3);

		find_version(one, words[1], words[2])->locked = TRUE;
	} else if (strcmp(line, "lowest") == 0) {
		one->preference = SOLVER_PREFER_LOWEST;
	} else if (strcmp(line, "advise") == 0) {
		one->advise = TRUE;
	} else {
		read_version(one, line);
	}
}

static gint highest_first(gconstpointer a, gconstpointer b)
{
	const struct case_version *first = *(struct case_version *const *)a;
	const struct case_version *second = *(struct case_version *const *)b;

	if (!first->version || !second->version)
		return (first->version == NULL) - (second->version == NULL);
	return semver_compare(second->version, first->version);
}

static void sort_versions(struct resolve_case *one)
{
	GHashTableIter iter;
	gpointer list;

	g_hash_table_iter_init(&iter, one->versions);
	while (g_hash_table_iter_next(&iter, NULL, &list))
		g_ptr_array_sort(list, highest_first);
}

GPtrArray *resolve_cases_read(const char *path)
{
	GPtrArray *cases = g_ptr_array_new_with_free_func(free_case);
	struct resolve_case *one = NULL;
	g_autofree char *text = NULL;
	g_auto(GStrv) blocks = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	blocks = g_strsplit(text, "\n=== ", -1);
	for (size_t i = 1; blocks[i]; i++) {
		g_auto(GStrv) parts = g_strsplit(blocks[i], "\n---\n", 2);
		g_auto(GStrv) lines = g_strsplit(parts[0], "\n", -1);

		one = g_new0(struct resolve_case, 1);
		one->claim = g_strdup(lines[0]);
		one->expected = g_strdup(parts[1] ? g_strchomp(parts[1]) : "");
		one->lines = g_ptr_array_new();
		one->versions = g_hash_table_new_full(
			g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
		one->missing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		one->requirements = g_array_new(FALSE, FALSE, sizeof(struct solver_requirement));
		one->texts = g_ptr_array_new_with_free_func(g_free);
		for (size_t j = 1; lines[j]; j++)
			read_line(one, lines[j]);
		sort_versions(one);
		g_ptr_array_add(cases, one);
	}
	return cases;
}

/* ---- the provider ---- */

static gboolean tell_candidates(
	void *user_data, const char *package, struct solver_answer *answer, GError **error)
{
	struct resolve_case *one = user_data;
	const GPtrArray *list = g_hash_table_lookup(one->versions, package);
	const char *missing = g_hash_table_lookup(one->missing, package);

	(void)error;
	if (missing)
		solver_answer_unusable(answer, missing);
	for (guint i = 0; list && i < list->len; i++) {
		const struct case_version *version = list->pdata[i];

		solver_answer_candidate(answer, version->text,
			(version->locked ? SOLVER_CANDIDATE_LOCKED : SOLVER_CANDIDATE_PLAIN) |
				(version->version ? SOLVER_CANDIDATE_PLAIN
						  : SOLVER_CANDIDATE_NAMED));
	}
	return TRUE;
}

static gboolean is_allowed(const struct case_version *version, const struct semver_range *range,
	const char *constraint)
{
	if (version->version)
		return range && semver_range_has(range, version->version);
	return !range && g_str_has_suffix(version->text, constraint);
}

static gboolean tell_allowed(void *user_data, const char *package, const char *constraint,
	struct solver_answer *answer, GError **error)
{
	struct resolve_case *one = user_data;
	const GPtrArray *list = g_hash_table_lookup(one->versions, package);
	scoped(semver_range) range = semver_range_parse(constraint, SEMVER_STRICT);
	guint allowed = 0;

	(void)error;
	for (guint i = 0; i < list->len; i++) {
		if (is_allowed(list->pdata[i], range, constraint)) {
			solver_answer_allow(answer, i);
			allowed++;
		}
	}
	if (!range && allowed == 0) {
		g_autofree char *reason = g_strdup_printf("'%s' is no constraint", constraint);

		solver_answer_unusable(answer, reason);
	}
	return TRUE;
}

static gboolean tell_dependencies(void *user_data, const char *package, guint candidate,
	struct solver_answer *answer, GError **error)
{
	struct resolve_case *one = user_data;
	const GPtrArray *list = g_hash_table_lookup(one->versions, package);
	const struct case_version *version = list->pdata[candidate];

	(void)error;
	for (guint i = 0; i + 1 < version->needs->len; i += 2)
		solver_answer_need(answer, version->needs->pdata[i], version->needs->pdata[i + 1]);
	if (version->unusable)
		solver_answer_unusable(answer, version->unusable);
	return TRUE;
}

struct solver_result *resolve_case_solve(struct resolve_case *one, GError **error)
{
	const struct solver_provider provider = {
		.user_data = one,
		.candidates = tell_candidates,
		.allowed = tell_allowed,
		.dependencies = tell_dependencies,
	};
	const struct solver_question question = {
		.requirements = (const struct solver_requirement *)(const void *)
					one->requirements->data,
		.n_requirements = one->requirements->len,
		.preference = one->preference,
		.advise = one->advise,
	};

	return solver_solve(&question, &provider, error);
}

char *resolve_case_text(const struct solver_result *result)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (!result->choices)
		return g_strdup(result->explanation);
	for (guint i = 0; i < result->choices->len; i++) {
		const struct solver_choice *choice = result->choices->pdata[i];

		g_string_append_printf(
			text, "%s%s %s", i > 0 ? "\n" : "", choice->package, choice->text);
	}
	return g_strdup(text->str);
}
