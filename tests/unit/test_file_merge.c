#include <glib.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "worker/document/file_merge.h"
#include "worker/document/file_merge_lock.h"

#define CASES "tests/cases/file_merge.txt"
#define RANDOM_RUNS 500

enum part { PART_NONE, PART_BASE, PART_OURS, PART_THEIRS, PART_MERGED, PARTS };

struct file_case {
	char *claim;
	char *path;
	char *conflicts;
	gboolean by_lines, crlf, open;
	enum version_rule rule;
	enum value_preference preference;
	GString *parts[PARTS];
};

static void free_case(gpointer data)
{
	struct file_case *one = data;

	g_free(one->claim);
	g_free(one->path);
	g_free(one->conflicts);
	for (size_t i = 0; i < PARTS; i++)
		g_string_free(one->parts[i], TRUE);
	g_free(one);
}

static struct file_case *begin_case(const char *claim)
{
	struct file_case *one = g_new0(struct file_case, 1);

	one->claim = g_strdup(claim);
	one->path = g_strdup("component.yaml");
	one->conflicts = g_strdup("");
	for (size_t i = 0; i < PARTS; i++)
		one->parts[i] = g_string_new(NULL);
	return one;
}

static size_t index_of(const char *const *words, const char *word)
{
	size_t i = 0;

	while (words[i] && strcmp(words[i], word) != 0)
		i++;
	g_assert_nonnull(words[i]);
	return i;
}

static void read_setting(struct file_case *one, const char *line)
{
	static const char *const preferences[] = {"none", "ours", "theirs", "both", NULL};
	g_auto(GStrv) words = g_strsplit(line, " ", 2);

	if (strcmp(words[0], "@path") == 0) {
		g_free(one->path);
		one->path = g_strdup(words[1]);
	} else if (strcmp(words[0], "@conflicts") == 0) {
		g_free(one->conflicts);
		one->conflicts = g_strdup(words[1]);
	} else if (strcmp(words[0], "@rule") == 0) {
		g_assert_true(version_rule_parse(words[1], &one->rule));
	} else if (strcmp(words[0], "@prefer") == 0) {
		one->preference = (enum value_preference)index_of(preferences, words[1]);
	} else {
		one->by_lines = one->by_lines || strcmp(line, "@lines") == 0;
		one->crlf = one->crlf || strcmp(line, "@crlf") == 0;
		one->open = one->open || strcmp(line, "@open") == 0;
	}
}

/* The empty lines before the next case are not part of this one. */
static void end_case(struct file_case *one)
{
	GString *merged = one->parts[PART_MERGED];
	const char *empty = one->crlf ? "\n\r\n" : "\n\n";

	while (g_str_has_suffix(merged->str, empty))
		g_string_truncate(merged, merged->len - strlen(empty) + 1);
}

static GPtrArray *read_cases(void)
{
	static const char *const parts[] = {
		"", "--- base", "--- ours", "--- theirs", "--- merged", NULL};
	GPtrArray *cases = g_ptr_array_new_with_free_func(free_case);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct file_case *one = NULL;
	enum part part = PART_NONE;

	g_assert_true(g_file_get_contents(CASES, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		if (g_str_has_prefix(lines[i], "=== ")) {
			one = begin_case(lines[i] + 4);
			g_ptr_array_add(cases, one);
			part = PART_NONE;
		} else if (one && part == PART_NONE && lines[i][0] == '@') {
			read_setting(one, lines[i]);
		} else if (one && g_str_has_prefix(lines[i], "--- ")) {
			part = (enum part)index_of(parts, lines[i]);
		} else if (one) {
			g_string_append_printf(
				one->parts[part], "%s%s\n", lines[i], one->crlf ? "\r" : "");
		}
	}
	for (guint i = 0; i < cases->len; i++) {
		one = cases->pdata[i];
		end_case(one);
		for (size_t j = 0; one->open && j < PARTS; j++)
			if (one->parts[j]->len > 0)
				g_string_truncate(one->parts[j], one->parts[j]->len - 1);
	}
	return cases;
}

static struct text_version version_of(const GString *text)
{
	return (struct text_version){text->len > 0 ? text->str : NULL, text->len};
}

static struct file_merge *merge_texts(const char *path, const char *base, const char *ours,
	const char *theirs, enum value_preference preference)
{
	const struct file_versions versions = {
		.path = path,
		.base = {base, base ? strlen(base) : 0},
		.ours = {ours, strlen(ours)},
		.theirs = {theirs, strlen(theirs)},
	};

	return file_merge_new(&versions,
		&(struct file_merge_options){.structured = TRUE, .preference = preference});
}

static void merge_is_as_its_case_says(gconstpointer data)
{
	const struct file_case *one = data;
	const struct file_versions versions = {
		.path = one->path,
		.base = version_of(one->parts[PART_BASE]),
		.ours = version_of(one->parts[PART_OURS]),
		.theirs = version_of(one->parts[PART_THEIRS]),
	};
	scoped(file_merge) merge = file_merge_new(&versions,
		&(struct file_merge_options){.structured = TRUE,
			.version_rule = one->rule,
			.preference = one->preference});
	g_autoptr(GString) paths = g_string_new(NULL);

	for (guint i = 0; i < merge->conflicts->len; i++) {
		const struct value_conflict *conflict = merge->conflicts->pdata[i];

		g_string_append_printf(paths, "%s%s", i > 0 ? " | " : "", conflict->path);
	}
	g_assert_cmpstr(merge->text->str, ==, one->parts[PART_MERGED]->str);
	g_assert_cmpstr(paths->str, ==, one->conflicts);
	if (one->by_lines)
		g_assert_false(merge->by_key);
}

static void a_binary_file_is_one_conflict(void)
{
	const struct file_versions versions = {
		.path = "a.yaml",
		.base = {"a\0b", 3},
		.ours = {"a\0c", 3},
		.theirs = {"a\0d", 3},
	};
	scoped(file_merge)
		merge = file_merge_new(&versions, &(struct file_merge_options){.structured = TRUE});
	scoped(file_merge) theirs = file_merge_new(
		&versions, &(struct file_merge_options){.preference = VALUE_PREFER_THEIRS});

	g_assert_cmpuint(merge->conflicts->len, ==, 1);
	g_assert_true(merge->text->len == 3 && memcmp(merge->text->str, "a\0c", 3) == 0);
	g_assert_cmpuint(theirs->conflicts->len, ==, 0);
	g_assert_true(theirs->text->len == 3 && memcmp(theirs->text->str, "a\0d", 3) == 0);
}

static void without_keys_a_document_is_lines(void)
{
	const struct file_versions versions = {
		.path = "a.yaml",
		.base = {"a: 1\nb: 1\n", 10},
		.ours = {"a: 2\nb: 1\n", 10},
		.theirs = {"a: 1\nb: 2\n", 10},
	};
	scoped(file_merge) merge = file_merge_new(
		&versions, &(struct file_merge_options){.structured = FALSE});

	g_assert_cmpuint(merge->conflicts->len, ==, 1);
}

static void labels_may_be_others(void)
{
	const struct file_versions versions = {
		.path = "a.yaml",
		.base = {"a: 1\n", 5},
		.ours = {"a: 2\n", 5},
		.theirs = {"a: 3\n", 5},
	};
	scoped(file_merge) merge = file_merge_new(&versions,
		&(struct file_merge_options){
			.structured = TRUE, .ours_label = "mine", .theirs_label = "yours"});

	g_assert_cmpstr(merge->text->str, ==, "<<<<<<< mine\na: 2\n=======\na: 3\n>>>>>>> yours\n");
}

static void each_hunk_may_be_chosen(void)
{
	g_autoptr(GHashTable) choices = g_hash_table_new(g_str_hash, g_str_equal);
	const char *base = "1\n2\n3\n4\n5\n6\n7\n";
	const char *ours = "a\n2\n3\n4\n5\n6\nA\n";
	const char *theirs = "b\n2\n3\n4\n5\n6\nB\n";
	const struct file_versions versions = {"x.txt", {base, 14}, {ours, 14}, {theirs, 14}};
	scoped(file_merge) merge = NULL;

	g_hash_table_insert(choices, (char *)"line 7", GINT_TO_POINTER(VALUE_PREFER_THEIRS));
	merge = file_merge_new(&versions,
		&(struct file_merge_options){.preference = VALUE_PREFER_OURS, .choices = choices});
	g_assert_cmpuint(merge->conflicts->len, ==, 0);
	g_assert_cmpuint(merge->settled->len, ==, 2);
	g_assert_cmpstr(merge->text->str, ==, "a\n2\n3\n4\n5\n6\nB\n");
}

static void lock_files_are_known_by_their_names(void)
{
	static const char *const locks[] = {"pnpm-lock.yaml", "a/package-lock.json",
		"npm-shrinkwrap.json", "packages.lock.json", "deps/lock.yaml"};
	static const char *const others[] = {
		"package.json", "block.yaml", "a-lock/values.yaml", "clock.json"};

	for (size_t i = 0; i < G_N_ELEMENTS(locks); i++)
		g_assert_true(file_merge_is_lock(locks[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		g_assert_false(file_merge_is_lock(others[i]));
}

/* Bytes that nobody would write: no crash, and a conflict or a text. */
static void hostile_texts_are_merged_by_lines(void)
{
	g_autofree char *deep = g_strnfill(100000, '[');
	g_autofree char *markers = g_strnfill(100000, '=');
	const char *const texts[] = {"", "{", "\xff\xfe", "a: &a [*a]\n", "\xef\xbb\xbf{}",
		"--- \n---\n", "a: 1\na: 2\n", "<<<<<<< LOCAL\n=======\n", "null", "[]", "{}", deep,
		markers, "%YAML 9\n", "a: !!x y\n"};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(texts); j++)
			for (size_t k = 0; k < 2; k++) {
				scoped(file_merge) merge = merge_texts(k ? "a.json" : "a.yaml",
					"a: 1\n", texts[i], texts[j], VALUE_PREFER_NONE);

				if (i == j)
					g_assert_cmpstr(merge->text->str, ==, texts[i]);
			}
}

/* ---- random documents ---- */

static struct value *random_document(GRand *random, int depth)
{
	static const char *const keys[] = {"name", "version", "config", "list", "text", "a.b"};
	struct value *map = value_new_map();

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		int kind = g_rand_int_range(random, 0, depth > 2 ? 4 : 6);
		struct value *value;

		if (kind == 0)
			continue;
		if (kind == 1)
			value = value_new_integer(g_rand_int_range(random, 0, 3));
		else if (kind == 2)
			value = value_new_string(g_rand_boolean(random) ? "1.0.0" : "two words");
		else if (kind == 3)
			value = value_new_string("one\ntwo\n");
		else if (kind == 4)
			value = random_document(random, depth + 1);
		else {
			value = value_new_list();
			for (int j = g_rand_int_range(random, 0, 4); j > 0; j--)
				value_append_take(value,
					g_rand_boolean(random)
						? value_new_integer(j)
						: random_document(random, depth + 1));
		}
		value_put_take(map, keys[i], value);
	}
	return map;
}

static struct value *changed(GRand *random, const struct value *value, int depth)
{
	enum value_kind kind = value_kind(value);
	struct value *copy;

	if (depth > 0 && g_rand_int_range(random, 0, 6) == 0)
		return depth > 2 ? value_new_integer(7) : random_document(random, depth + 1);
	if (kind != VALUE_MAP && kind != VALUE_LIST)
		return value_copy(value);
	copy = kind == VALUE_MAP ? value_new_map() : value_new_list();
	for (size_t i = 0; i < value_count(value); i++) {
		struct value *child;

		if (g_rand_int_range(random, 0, 8) == 0)
			continue;
		child = changed(random, value_at(value, i), depth + 1);
		if (kind == VALUE_MAP)
			value_put_take(copy, value_key_at(value, i), child);
		else
			value_append_take(copy, child);
	}
	return copy;
}

static struct value *read_back(gboolean json, const char *text)
{
	static const struct document_origin origin = {"merged", FORGE_ERROR_VALIDATION_FAILED};

	return document_parse(
		json ? DOCUMENT_JSON : DOCUMENT_YAML, &origin, text, strlen(text), NULL);
}

/* What lines settled inside of a list is told by a conflict that a merge of the values has. */
static void assert_merged(gboolean json, char *const *texts, const struct value *merged)
{
	scoped(value) base = read_back(json, texts[0]);
	scoped(value) ours = read_back(json, texts[1]);
	scoped(value) theirs = read_back(json, texts[2]);
	scoped(value_merge) values = value_merge_new(
		&(struct value_versions){.base = base, .ours = ours, .theirs = theirs},
		&(struct value_merge_options){.version_rule = VERSION_RULE_CONFLICT});

	g_assert_true(values->conflicts->len > 0 || value_same(values->value, merged));
}

/* Whatever is merged by key reads as what a merge of the values gives, in both languages. */
static void a_text_merged_by_key_says_what_its_values_merge_to(void)
{
	size_t by_key = 0;

	for (guint32 seed = 1; seed <= RANDOM_RUNS; seed++) {
		g_autoptr(GRand) random = g_rand_new_with_seed(seed);
		gboolean json = seed % 2;
		struct value *values[3];
		char *texts[3];
		enum value_preference preference = (enum value_preference)g_rand_int_range(
			random, VALUE_PREFER_OURS, VALUE_PREFER_BOTH);
		scoped(file_merge) merge = NULL;
		scoped(value) merged = NULL;

		g_test_message("seed %u", seed);
		values[0] = random_document(random, 0);
		for (size_t i = 1; i < 3; i++)
			values[i] = changed(random, values[0], 0);
		for (size_t i = 0; i < 3; i++)
			texts[i] = json ? document_write_json(values[i], DOCUMENT_INDENTED)
					: document_write_yaml(values[i]);
		merge = merge_texts(
			json ? "a.json" : "a.yaml", texts[0], texts[1], texts[2], preference);
		merged = read_back(json, merge->text->str);
		g_assert_cmpuint(merge->conflicts->len, ==, 0);
		g_assert_nonnull(merged);
		if (merge->by_key && merge->settled->len == 0)
			assert_merged(json, texts, merged);
		by_key += merge->by_key ? 1 : 0;
		for (size_t i = 0; i < 3; i++) {
			value_free(values[i]);
			g_free(texts[i]);
		}
	}
	/* Most of these conflict by lines, so most must have been written by key. */
	g_assert_cmpuint(by_key, >, RANDOM_RUNS / 3);
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) cases = NULL;

	g_test_init(&argc, &argv, NULL);
	cases = read_cases();
	for (guint i = 0; i < cases->len; i++) {
		const struct file_case *one = cases->pdata[i];
		g_autofree char *name = g_strdup_printf("/file_merge/%s", one->claim);

		g_test_add_data_func(g_strdelimit(name, " ", '_'), one, merge_is_as_its_case_says);
	}
	g_test_add_func("/file_merge/a_binary_file_is_one_conflict", a_binary_file_is_one_conflict);
	g_test_add_func(
		"/file_merge/without_keys_a_document_is_lines", without_keys_a_document_is_lines);
	g_test_add_func("/file_merge/labels_may_be_others", labels_may_be_others);
	g_test_add_func("/file_merge/each_hunk_may_be_chosen", each_hunk_may_be_chosen);
	g_test_add_func("/file_merge/lock_files_are_known_by_their_names",
		lock_files_are_known_by_their_names);
	g_test_add_func(
		"/file_merge/hostile_texts_are_merged_by_lines", hostile_texts_are_merged_by_lines);
	g_test_add_func("/file_merge/a_text_merged_by_key_says_what_its_values_merge_to",
		a_text_merged_by_key_says_what_its_values_merge_to);
	return g_test_run();
}
