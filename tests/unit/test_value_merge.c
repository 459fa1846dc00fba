#include <glib.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "worker/document/value_merge.h"

#define CASES "tests/cases/value_merge.yaml"
#define VERSIONS "tests/cases/version_line.yaml"
#define RANDOM_RUNS 3000

static char *text_of(const struct value *value)
{
	return value ? document_write_json(value, DOCUMENT_COMPACT) : g_strdup("nothing");
}

static void assert_same(const struct value *got, const struct value *wanted)
{
	g_autofree char *got_text = text_of(got);
	g_autofree char *wanted_text = text_of(wanted);

	if (!value_same(got, wanted))
		g_error("got %s, expected %s", got_text, wanted_text);
}

static enum value_preference preference_of(const char *name)
{
	static const char *const names[] = {"none", "ours", "theirs", "both"};

	for (size_t i = 0; name && i < G_N_ELEMENTS(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum value_preference)i;
	g_assert_null(name);
	return VALUE_PREFER_NONE;
}

static const char *string_of(const struct value *map, const char *key)
{
	const struct value *value = value_get(map, key);

	return value ? value_string(value) : NULL;
}

static GHashTable *choices_of(const struct value *choices)
{
	GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);

	for (size_t i = 0; choices && i < value_count(choices); i++)
		g_hash_table_insert(table, (char *)value_key_at(choices, i),
			GINT_TO_POINTER(preference_of(value_string(value_at(choices, i)))));
	return table;
}

static void assert_paths(const GPtrArray *conflicts, const struct value *wanted)
{
	g_autoptr(GString) got = g_string_new(NULL);
	g_autoptr(GString) expected = g_string_new(NULL);

	for (guint i = 0; i < conflicts->len; i++)
		g_string_append_printf(
			got, "%s|", ((struct value_conflict *)conflicts->pdata[i])->path);
	for (size_t i = 0; wanted && i < value_count(wanted); i++)
		g_string_append_printf(expected, "%s|", value_string(value_at(wanted, i)));
	g_assert_cmpstr(got->str, ==, expected->str);
}

static void assert_versions(const GPtrArray *versions, const struct value *wanted)
{
	g_assert_cmpuint(versions->len, ==, wanted ? value_count(wanted) : 0);
	for (guint i = 0; i < versions->len; i++) {
		const struct value_version *version = versions->pdata[i];

		g_assert_cmpstr(
			version_rule_name(version->rule), ==, string_of(wanted, version->path));
	}
}

static void merge_is_as_its_case_says(gconstpointer data)
{
	const struct value *claim = data;
	const char *rule = string_of(claim, "rule");
	g_autoptr(GHashTable) choices = choices_of(value_get(claim, "choices"));
	struct value_merge_options options = {
		.preference = preference_of(string_of(claim, "prefer")),
		.choices = choices,
	};
	const struct value_versions versions = {
		.base = value_get(claim, "base"),
		.ours = value_get(claim, "ours"),
		.theirs = value_get(claim, "theirs"),
		.lines_ours = value_get(claim, "lines_ours"),
		.lines_theirs = value_get(claim, "lines_theirs"),
	};
	scoped(value_merge) merge = NULL;

	if (rule)
		g_assert_true(version_rule_parse(rule, &options.version_rule));
	merge = value_merge_new(&versions, &options);
	assert_same(merge->value, value_get(claim, "merged"));
	assert_paths(merge->conflicts, value_get(claim, "conflicts"));
	assert_paths(merge->settled, value_get(claim, "settled"));
	assert_versions(merge->versions, value_get(claim, "versions"));
}

static void version_is_settled_as_its_case_says(gconstpointer data)
{
	const struct value *claim = data;
	const char *at = string_of(claim, "at");
	scoped(document_path) path = document_path_parse(at ? at : "version", NULL);
	static const enum version_rule rules[] = {VERSION_RULE_HIGHER, VERSION_RULE_REPLAY};

	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
		enum version_rule used;
		g_autofree char *version = version_line_settle(path, rules[i],
			string_of(claim, "base"), string_of(claim, "ours"),
			string_of(claim, "theirs"), &used);

		g_assert_cmpstr(version, ==, string_of(claim, version_rule_name(rules[i])));
	}
}

static void rule_names_are_read_as_they_are_written(void)
{
	enum version_rule rule = VERSION_RULE_OURS;

	for (int i = VERSION_RULE_CONFLICT; i <= VERSION_RULE_THEIRS; i++) {
		g_assert_true(version_rule_parse(version_rule_name((enum version_rule)i), &rule));
		g_assert_cmpint((int)rule, ==, i);
	}
	g_assert_false(version_rule_parse("newest", &rule));
	g_assert_cmpint((int)rule, ==, VERSION_RULE_THEIRS);
}

/* ---- random trees ---- */

static struct value *random_value(GRand *random, int depth);

static struct value *random_list(GRand *random, int depth)
{
	struct value *list = value_new_list();
	int kind = g_rand_int_range(random, 0, 3);
	guint32 members = g_rand_int(random);

	for (int i = 0; i < 6; i++) {
		struct value *item;

		if (!(members & 1u << i))
			continue;
		if (kind == 0) {
			value_append_take(list, random_value(random, depth + 1));
			continue;
		}
		if (kind == 1) {
			value_append_take(list, value_new_integer(i));
			continue;
		}
		item = value_new_map();
		value_put_take(item, "name", value_new_integer(i));
		value_put_take(item, "v", random_value(random, depth + 1));
		value_append_take(list, item);
	}
	return list;
}

static struct value *random_map(GRand *random, int depth)
{
	static const char *const keys[] = {"a", "b", "c", "d", "version"};
	struct value *map = value_new_map();

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (g_rand_boolean(random))
			value_put_take(map, keys[i], random_value(random, depth + 1));
	return map;
}

static struct value *random_value(GRand *random, int depth)
{
	int kind = g_rand_int_range(random, depth > 3 ? 2 : 0, 6);
	g_autofree char *version = NULL;

	if (depth == 0 || kind == 0)
		return random_map(random, depth);
	if (kind == 1)
		return random_list(random, depth);
	if (kind == 2)
		return value_new_null();
	if (kind == 3)
		return value_new_integer(g_rand_int_range(random, 0, 3));
	version = g_strdup_printf("1.%d.0", g_rand_int_range(random, 0, 3));
	return kind == 4 ? value_new_string(version) : value_new_boolean(g_rand_boolean(random));
}

/* VALUE with some of it made anew. */
static struct value *changed(GRand *random, const struct value *value, int depth)
{
	enum value_kind kind = value_kind(value);
	struct value *copy;

	if (depth > 0 && g_rand_int_range(random, 0, 6) == 0)
		return random_value(random, depth);
	if (kind != VALUE_MAP && kind != VALUE_LIST)
		return value_copy(value);
	copy = kind == VALUE_MAP ? value_new_map() : value_new_list();
	for (size_t i = 0; i < value_count(value); i++) {
		struct value *child;

		if (g_rand_int_range(random, 0, 8) == 0)
			continue;
		/* Names of items stay, else few of them would meet. */
		child = kind == VALUE_MAP && strcmp(value_key_at(value, i), "name") == 0
			? value_copy(value_at(value, i))
			: changed(random, value_at(value, i), depth + 1);
		if (kind == VALUE_MAP)
			value_put_take(copy, value_key_at(value, i), child);
		else
			value_append_take(copy, child);
	}
	return copy;
}

struct random_case {
	struct value *base, *ours, *theirs;
};

static struct value_merge *merge_three(
	const struct value *base, const struct value *ours, const struct value *theirs)
{
	static const struct value_merge_options options = {.version_rule = VERSION_RULE_CONFLICT};

	return value_merge_new(
		&(struct value_versions){.base = base, .ours = ours, .theirs = theirs}, &options);
}

static void for_random_trees(void (*check)(const struct random_case *trees))
{
	for (guint32 seed = 1; seed <= RANDOM_RUNS; seed++) {
		g_autoptr(GRand) random = g_rand_new_with_seed(seed);
		scoped(value) base = random_value(random, 0);
		scoped(value) ours = changed(random, base, 0);
		scoped(value) theirs = changed(random, base, 0);
		const struct random_case trees = {base, ours, theirs};

		g_test_message("seed %u", seed);
		check(&trees);
	}
}

static void check_identities(const struct random_case *trees)
{
	scoped(value_merge) one = merge_three(trees->base, trees->ours, trees->base);
	scoped(value_merge) other = merge_three(trees->base, trees->base, trees->ours);
	scoped(value_merge) both = merge_three(trees->base, trees->ours, trees->ours);

	assert_same(one->value, trees->ours);
	assert_same(other->value, trees->ours);
	assert_same(both->value, trees->ours);
	g_assert_cmpuint(one->conflicts->len + other->conflicts->len + both->conflicts->len, ==, 0);
}

static void a_side_that_changed_alone_is_the_result(void)
{
	for_random_trees(check_identities);
}

static void check_symmetry(const struct random_case *trees)
{
	scoped(value_merge) one = merge_three(trees->base, trees->ours, trees->theirs);
	scoped(value_merge) other = merge_three(trees->base, trees->theirs, trees->ours);

	g_assert_cmpuint(one->conflicts->len, ==, other->conflicts->len);
}

static void conflicts_are_the_same_from_the_other_side(void)
{
	for_random_trees(check_symmetry);
}

static const struct value *member_of(const struct value *map, const char *key)
{
	return map && value_kind(map) == VALUE_MAP ? value_get(map, key) : NULL;
}

/* Where SIDE differs from BASE, MERGED must be as SIDE: down to what is no map. */
static void assert_holds_changes(
	const struct value *base, const struct value *side, const struct value *merged)
{
	if (value_same(base, side) || !side || value_kind(side) == VALUE_LIST)
		return;
	if (value_kind(side) != VALUE_MAP || (base && value_kind(base) != VALUE_MAP)) {
		if (value_kind(side) != VALUE_MAP)
			assert_same(merged, side);
		return;
	}
	for (size_t i = 0; i < value_count(side); i++) {
		const char *key = value_key_at(side, i);

		assert_holds_changes(
			member_of(base, key), value_at(side, i), member_of(merged, key));
	}
	for (size_t i = 0; base && i < value_count(base); i++)
		if (!value_get(side, value_key_at(base, i)))
			g_assert_null(member_of(merged, value_key_at(base, i)));
}

static void check_changes(const struct random_case *trees)
{
	scoped(value_merge) merge = merge_three(trees->base, trees->ours, trees->theirs);

	if (merge->conflicts->len > 0)
		return;
	assert_holds_changes(trees->base, trees->ours, merge->value);
	assert_holds_changes(trees->base, trees->theirs, merge->value);
}

static void a_clean_merge_holds_the_changes_of_both_sides(void)
{
	for_random_trees(check_changes);
}

static void check_preferences(const struct random_case *trees)
{
	static const enum value_preference preferences[] = {VALUE_PREFER_OURS, VALUE_PREFER_THEIRS};
	const struct value_versions versions = {
		.base = trees->base, .ours = trees->ours, .theirs = trees->theirs};
	scoped(value_merge) plain = merge_three(trees->base, trees->ours, trees->theirs);

	for (size_t i = 0; i < G_N_ELEMENTS(preferences); i++) {
		scoped(value_merge) merge = value_merge_new(
			&versions, &(struct value_merge_options){.preference = preferences[i]});

		g_assert_cmpuint(merge->conflicts->len, ==, 0);
		g_assert_cmpuint(merge->settled->len, ==, plain->conflicts->len);
		if (preferences[i] == VALUE_PREFER_OURS)
			assert_same(merge->value, plain->value);
	}
}

static void a_side_settles_just_the_conflicts(void)
{
	for_random_trees(check_preferences);
}

/* A flat list of many items on each side must not take time by their square. */
static void long_lists_are_merged_in_one_go(void)
{
	scoped(value) base = value_new_list();
	scoped(value) ours = value_new_list();
	scoped(value) theirs = value_new_list();
	scoped(value_merge) merge = NULL;
	const int n = 60000;

	for (int i = 0; i < n; i++) {
		value_append_take(ours, value_new_integer(i));
		value_append_take(theirs, value_new_integer(n + i));
	}
	merge = merge_three(base, ours, theirs);
	g_assert_cmpuint(merge->conflicts->len, ==, 0);
	g_assert_cmpuint(value_count(merge->value), ==, 2 * (size_t)n);
}

static void add_cases(const char *file, const char *room, GTestDataFunc test, struct value **cases)
{
	g_autoptr(GError) error = NULL;

	*cases = document_read_file(file, FORGE_ERROR_VALIDATION_FAILED, &error);
	g_assert_no_error(error);
	for (size_t i = 0; i < value_count(*cases); i++) {
		const struct value *claim = value_at(*cases, i);
		g_autofree char *name = g_strdup_printf("/%s/%s", room, string_of(claim, "claim"));

		g_test_add_data_func(g_strdelimit(name, " ", '_'), claim, test);
	}
}

int main(int argc, char **argv)
{
	struct value *merges, *versions;
	int status;

	g_test_init(&argc, &argv, NULL);
	add_cases(CASES, "value_merge", merge_is_as_its_case_says, &merges);
	add_cases(VERSIONS, "version_line", version_is_settled_as_its_case_says, &versions);
	g_test_add_func("/version_line/rule_names_are_read_as_they_are_written",
		rule_names_are_read_as_they_are_written);
	g_test_add_func("/value_merge/a_side_that_changed_alone_is_the_result",
		a_side_that_changed_alone_is_the_result);
	g_test_add_func("/value_merge/conflicts_are_the_same_from_the_other_side",
		conflicts_are_the_same_from_the_other_side);
	g_test_add_func("/value_merge/a_clean_merge_holds_the_changes_of_both_sides",
		a_clean_merge_holds_the_changes_of_both_sides);
	g_test_add_func("/value_merge/a_side_settles_just_the_conflicts",
		a_side_settles_just_the_conflicts);
	g_test_add_func(
		"/value_merge/long_lists_are_merged_in_one_go", long_lists_are_merged_in_one_go);
	status = g_test_run();
	value_free(merges);
	value_free(versions);
	return status;
}
