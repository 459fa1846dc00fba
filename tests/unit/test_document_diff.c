#include <git2.h>
#include <glib.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/document/document_diff.h"
#include "worker/document/value_text.h"

static struct file_version version(const char *text)
{
	if (!text)
		return (struct file_version){.absent = TRUE};
	return (struct file_version){text, strlen(text), 0100644, FALSE};
}

static struct file_change *change_of(const char *file, const char *before, const char *after)
{
	struct file_version from = version(before), to = version(after);

	return file_change_new(file, &from, &to);
}

static const struct {
	const char *file;
	const char *before;
	const char *after;
	const char *line;
} lines[] = {
	{"component.yaml", "config: {timeout: 30}\n", "config: {timeout: 60}\n",
		"component.yaml: config.timeout (30 → 60)"},
	{"schema.json", "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\"}}}",
		"{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\"},\"pagination\":"
		"{\"type\":\"object\",\"properties\":{\"limit\":{\"type\":\"integer\"},\"offset\":"
		"{\"type\":\"integer\"}}}}}",
		"schema.json: added pagination fields"},
	{"schema.json", "{\"properties\":{\"config\":{\"properties\":{\"a\":{}}}}}",
		"{\"properties\":{\"config\":{\"properties\":{\"a\":{},\"pagination\":{\"type\":"
		"\"object\",\"properties\":{\"page\":{}}}}}}}",
		"schema.json: added pagination fields"},
	{"schema.json", "{\"properties\":{\"a\":{}}}",
		"{\"properties\":{\"a\":{},\"limit\":{},\"offset\":{}}}",
		"schema.json: added limit and offset fields"},
	{"schema.json", "{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{},\"limit\":{}}}",
		"schema.json: added limit field"},
	{"schema.json", "{}", "{\"properties\":{\"limit\":{\"type\":\"integer\"}}}",
		"schema.json: added limit field"},
	{"schema.json", "{\"type\":\"object\"}",
		"{\"type\":\"object\",\"properties\":{\"pagination\":{\"properties\":{\"limit\":{}}}}}",
		"schema.json: added pagination fields"},
	{"schema.json", "{\"properties\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{},\"e\":{},\"f\":{}}}",
		"{\"properties\":{\"a\":{}}}", "schema.json: removed b, c, d and 2 more fields"},
	{"schema.json",
		"{\"properties\":{\"config\":{\"properties\":{\"timeout\":{\"maximum\":60}}}}}",
		"{\"properties\":{\"config\":{\"properties\":{\"timeout\":{\"maximum\":120}}}}}",
		"schema.json: config.timeout.maximum (60 → 120)"},
	{"schema.json", "{\"properties\":{\"a\":{}},\"required\":[\"a\"]}",
		"{\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"a\",\"b\"]}",
		"schema.json: added b field, added b to required"},
	{"tool.json", "{\"properties\":{\"a\":1}}", "{\"properties\":{\"a\":2}}",
		"tool.json: properties.a (1 → 2)"},
	{"a.yaml", "config: {timeout: 30}", "config: {timeout: 30, retries: 5}",
		"a.yaml: added config.retries (5)"},
	{"a.yaml", "config: {timeout: 30, retries: 5}", "config: {timeout: 30}",
		"a.yaml: removed config.retries"},
	{"a.yaml", "a: 1", "a: 1\nlimits: {cpu: 1, memory: 2}", "a.yaml: added limits"},
	{"a.yaml", "c: {a: 1}", "c: {a: 1, x: 1, y: 2}", "a.yaml: added c.x and c.y"},
	{"a.yaml", "a: 1", "a: 1\nb: 1\nc: 1\nd: 1\ne: 1", "a.yaml: added b, c, d and 1 more"},
	{"a.yaml", "a: 1\nb: 2\nc: 3\nd: 4\ne: 5", "a: 2\nb: 3\nc: 4\nd: 5\ne: 6",
		"a.yaml: a (1 → 2), b (2 → 3), c (3 → 4) and 2 more changes"},
	{"a.yaml", "a: [x, y]", "a: [x, y, z]", "a.yaml: added z to a"},
	{"a.yaml", "a: [x, y, z]", "a: [x]", "a.yaml: removed y and z from a"},
	{"a.yaml", "a: [x, y]", "a: [x, z]", "a.yaml: a[1] (y → z)"},
	{"a.yaml", "a: [x, y]", "a: [p, q, r]", "a.yaml: a ([\"x\",\"y\"] → [\"p\",\"q\",\"r\"])"},
	{"a.yaml", "t: [{name: a, v: 1}, {name: b, v: 1}]", "t: [{name: b, v: 2}, {name: c}]",
		"a.yaml: t[b].v (1 → 2), removed t[a], added t[c]"},
	{"a.yaml", "t: [{name: a}, {name: b}]", "t: [{name: b}, {name: a}]", "a.yaml: reordered t"},
	{"a.yaml", "t: [{name: a, v: 1}, {name: a, v: 2}]", "t: [{name: a, v: 1}, {name: a, v: 3}]",
		"a.yaml: t[1].v (2 → 3)"},
	{"a.yaml", "t: [{component: crm, version: ^1.0.0}]",
		"t: [{component: x}, {component: crm, version: ^2.0.0}]",
		"a.yaml: t[crm].version (^1.0.0 → ^2.0.0), added t[x]"},
	{"a.yaml", "v: 1.10", "v: 1.1", "a.yaml: v (1.10 → 1.1)"},
	{"a.yaml", "v: 30", "v: \"30\"", "a.yaml: v (30 → \"30\")"},
	{"a.yaml", "v: true", "v: null", "a.yaml: v (true → null)"},
	{"a.yaml", "v: a", "v: two words", "a.yaml: v (a → \"two words\")"},
	{"a.yaml", "v: \"a\\nb\"", "v: \"\"", "a.yaml: v (\"a\\nb\" → \"\")"},
	{"a.yaml", "v: \"\\e[2J\"", "v: \"\\u202E\"",
		"a.yaml: v (\"\xef\xbf\xbd[2J\" → \"\xef\xbf\xbd\")"},
	{"a.yaml", "a: 1 # one", "a: 1 # once", "a.yaml: only layout or comments changed"},
	{"a.yaml", "a: 1\nb: 2", "b: 2\na: 1", "a.yaml: only layout or comments changed"},
	{"a.yaml", "\"a.b\": {\"\": 1}", "\"a.b\": {\"\": 2}", "a.yaml: \"a.b\".\"\" (1 → 2)"},
	{"a.yaml", "[1]", "{a: 1}", "a.yaml: the document ([1] → {\"a\":1})"},
	{"a.yaml", "", "a: 1", "a.yaml: the document (null → {\"a\":1})"},
	{"a.yaml", "a: {{ x }}\n", "a: {{ y }}\n", "a.yaml: 1 line added, 1 removed"},
	{"a.yml", "a: 1", "a: 2", "a.yml: a (1 → 2)"},
	{"a.md", "one\n", "one\ntwo\n", "a.md: 1 line added"},
	{"a.md", "one\ntwo\nthree\n", "one\n", "a.md: 2 lines removed"},
	{"a.md", NULL, "one\ntwo\n", "a.md: added (2 lines)"},
	{"a.yaml", NULL, "a: 1\n", "a.yaml: added (1 line)"},
	{"a.md", "one\n", NULL, "a.md: deleted (1 line)"},
	{"a.md", "", NULL, "a.md: deleted (0 lines)"},
	{"bad\x1b[2J\xff.md", "a\n", "b\n",
		"bad\xef\xbf\xbd[2J\xef\xbf\xbd.md: 1 line added, 1 removed"},
};

static void changes_are_worded_for_people(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
		scoped(file_change)
			change = change_of(lines[i].file, lines[i].before, lines[i].after);
		g_autofree char *line = file_change_line(change);

		g_assert_cmpstr(line, ==, lines[i].line);
	}
}

static void equal_versions_have_no_change(void)
{
	g_assert_null(change_of("a.yaml", "a: 1", "a: 1"));
	g_assert_null(change_of("a.yaml", NULL, NULL));
	g_assert_null(change_of("a", "", ""));
}

static void long_values_are_cut(void)
{
	scoped(file_change)
		change = change_of("a.yaml", "v: 0123456789012345678901234567890123456789-old",
			"v: 0123456789012345678901234567890123456789-new");

	g_assert_cmpstr(change->summary, ==, "v (changed)");
	g_clear_pointer(&change, file_change_free);
	change = change_of("a.yaml", "v: x", "v: ééééééééééééééééééééééééééééééééééééééééé");
	g_assert_cmpstr(change->summary, ==, "v (x → éééééééééééééééééééééééééééééééééééééééé…)");
}

static const struct {
	const char *before;
	const char *after;
	const char *rows;
} rows[] = {
	{"config: {timeout: 30}", "config: {timeout: 60}",
		"[{\"file\":\"a.yaml\",\"path\":\"config.timeout\",\"old\":30,\"new\":60}]"},
	{"a: 1", "a: 1\nb: {c: null}",
		"[{\"file\":\"a.yaml\",\"path\":\"b\",\"new\":{\"c\":null}}]"},
	{"a: null\nb: 1", "b: 1", "[{\"file\":\"a.yaml\",\"path\":\"a\",\"old\":null}]"},
	{"t: [{name: a, v: 1}, {name: b, v: 1}]", "t: [{name: b, v: 2}]",
		"[{\"file\":\"a.yaml\",\"path\":\"t[0].v\",\"old\":1,\"new\":2},"
		"{\"file\":\"a.yaml\",\"path\":\"t[0]\",\"old\":{\"name\":\"a\",\"v\":1}}]"},
	{"a: {{ x }}", "a: 1",
		"[{\"file\":\"a.yaml\",\"path\":null,\"summary\":\"1 line added, 1 removed\"}]"},
	{"a: 1", "a:   1",
		"[{\"file\":\"a.yaml\",\"path\":null,"
		"\"summary\":\"only layout or comments changed\"}]"},
};

static void changes_are_rows_for_machines(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		scoped(file_change) change = change_of("a.yaml", rows[i].before, rows[i].after);
		scoped(value) list = value_new_list();
		g_autofree char *json = NULL;

		file_change_append_rows(change, list);
		json = document_write_json(list, DOCUMENT_COMPACT);
		g_assert_cmpstr(json, ==, rows[i].rows);
	}
}

static const struct {
	const char *file;
	const char *before;
	const char *after;
	const char *diff;
} diffs[] = {
	{"a.md", "1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nfive\n6\n7\n8\n",
		"diff --git a/a.md b/a.md\nindex 535d2b0..ab00c61 100644\n--- a/a.md\n+++ b/a.md\n"
		"@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"},
	{"a.yaml", "a: 1", "a: 2\n",
		"diff --git a/a.yaml b/a.yaml\nindex a016ac4..9dfc208 100644\n--- a/a.yaml\n"
		"+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n\\ No newline at end of file\n+a: 2\n"},
	{"new", NULL, "a\n",
		"diff --git a/new b/new\nnew file mode 100644\nindex 0000000..7898192\n"
		"--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+a\n"},
	{"old", "a\n", NULL,
		"diff --git a/old b/old\ndeleted file mode 100644\nindex 7898192..0000000\n"
		"--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"},
	{"empty", NULL, "",
		"diff --git a/empty b/empty\nnew file mode 100644\nindex 0000000..e69de29\n"},
	{"x", "a\n", "\x1b[31m\tb\xff\r\n",
		"diff --git a/x b/x\nindex 7898192..e3d17d2 100644\n--- a/x\n+++ b/x\n"
		"@@ -1 +1 @@\n-a\n+\xef\xbf\xbd[31m\tb\xef\xbf\xbd\xef\xbf\xbd\n"},
};

static void texts_have_a_diff_as_git_shows_it(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(diffs); i++) {
		scoped(file_change)
			change = change_of(diffs[i].file, diffs[i].before, diffs[i].after);

		g_assert_cmpstr(change->diff, ==, diffs[i].diff);
	}
}

static void assert_summary(struct file_version before, struct file_version after, const char *text)
{
	scoped(file_change) change = file_change_new("x", &before, &after);

	g_assert_nonnull(change);
	g_assert_cmpstr(change->summary, ==, text);
}

#define FILE_OF(text, mode) ((struct file_version){text, sizeof(text) - 1, mode, FALSE})
#define NO_FILE ((struct file_version){.absent = TRUE})

static void entries_are_told_apart(void)
{
	assert_summary(FILE_OF("a\n", 0100644), FILE_OF("a\n", 0100755), "now executable");
	assert_summary(FILE_OF("a\n", 0100755), FILE_OF("a\n", 0100644), "no longer executable");
	assert_summary(FILE_OF("a\n", 0100644), FILE_OF("b\n", 0100755),
		"1 line added, 1 removed, now executable");
	assert_summary(FILE_OF("a", 0120000), FILE_OF("b", 0120000), "link (a → b)");
	assert_summary(FILE_OF("a\n", 0100644), FILE_OF("../b", 0120000), "now a link to ../b");
	assert_summary(FILE_OF("../b", 0120000), FILE_OF("a\n", 0100644), "now a file");
	assert_summary(NO_FILE, FILE_OF("b\x1b", 0120000), "added (link to \"b\xef\xbf\xbd\")");
	assert_summary(FILE_OF("b", 0120000), NO_FILE, "deleted (link to b)");
	assert_summary(FILE_OF("a1", 0160000), FILE_OF("a2", 0160000), "submodule (a1 → a2)");
	assert_summary(NO_FILE, FILE_OF("#!/bin/sh\n", 0100755), "added (1 line, executable)");
}

static void binary_files_show_their_sizes(void)
{
	assert_summary(FILE_OF("a\0b", 0100644), FILE_OF("a\0bc", 0100644),
		"binary files differ (3 → 4 bytes)");
	assert_summary(FILE_OF("text", 0100644), FILE_OF("a\0bc", 0100644),
		"binary files differ (4 → 4 bytes)");
	assert_summary(NO_FILE, FILE_OF("a\0bc", 0100644), "added (binary, 4 bytes)");
}

static void a_change_of_mode_alone_has_a_header(void)
{
	struct file_version before = FILE_OF("a\n", 0100644), after = FILE_OF("a\n", 0100755);
	scoped(file_change) change = file_change_new("x", &before, &after);

	g_assert_cmpstr(change->diff, ==, "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n");
}

static char *many_fields(int n, int value)
{
	GString *text = g_string_new(NULL);

	for (int i = 0; i < n; i++)
		g_string_append_printf(text, "k%d: %d\n", i, value);
	return g_string_free(text, FALSE);
}

static void changes_past_the_limit_are_counted(void)
{
	g_autofree char *before = many_fields(LIMIT_FIELD_CHANGES + 500, 1);
	g_autofree char *after = many_fields(LIMIT_FIELD_CHANGES + 500, 2);
	scoped(file_change) change = change_of("a.yaml", before, after);
	scoped(value) list = value_new_list();

	g_assert_cmpuint(change->fields->changes->len, ==, LIMIT_FIELD_CHANGES);
	g_assert_cmpuint(change->fields->n, ==, LIMIT_FIELD_CHANGES + 500);
	g_assert_cmpstr(
		change->summary, ==, "k0 (1 → 2), k1 (1 → 2), k2 (1 → 2) and 2497 more changes");
	file_change_append_rows(change, list);
	g_assert_cmpuint(value_count(list), ==, LIMIT_FIELD_CHANGES + 1);
}

static void a_long_diff_ends_in_a_count(void)
{
	g_autofree char *after = many_fields(200000, 1);
	scoped(file_change) change = change_of("a.txt", "", after);

	g_assert_cmpuint(change->lines.added, ==, 200000);
	g_assert_cmpuint(strlen(change->diff), <, LIMIT_DIFF_BYTES + 1000);
	g_assert_true(g_str_has_suffix(change->diff, " more lines of the diff)\n"));
}

static char *nested(int depth, int value)
{
	GString *text = g_string_new(NULL);

	for (int i = 0; i < depth; i++)
		g_string_append(text, "{\"a\":[");
	g_string_append_printf(text, "%d", value);
	for (int i = 0; i < depth; i++)
		g_string_append(text, "]}");
	return g_string_free(text, FALSE);
}

static void deep_documents_are_compared_or_taken_for_text(void)
{
	g_autofree char *deep_1 = nested(30, 1), *deep_2 = nested(30, 2);
	g_autofree char *deeper_1 = nested(1000, 1), *deeper_2 = nested(1000, 2);
	scoped(file_change) change = change_of("a.json", deep_1, deep_2);

	g_assert_nonnull(change->fields);
	g_assert_true(g_str_has_suffix(change->summary, "a[0].a[0] (1 → 2)"));
	g_clear_pointer(&change, file_change_free);
	change = change_of("a.json", deeper_1, deeper_2);
	g_assert_null(change->fields);
	g_assert_cmpstr(change->summary, ==, "1 line added, 1 removed");
}

static void a_long_key_is_cut_in_paths(void)
{
	g_autofree char *key = g_strnfill(100000, 'k');
	g_autofree char *before = g_strdup_printf("{\"%s\":{\"a\":1}}", key);
	g_autofree char *after = g_strdup_printf("{\"%s\":{\"a\":2}}", key);
	scoped(file_change) change = change_of("a.json", before, after);
	const struct field_change *field = change->fields->changes->pdata[0];

	g_assert_cmpuint(strlen(field->path), <, 200);
	g_assert_true(g_str_has_suffix(field->path, "k….a"));
}

static void huge_lists_are_compared_in_one_pass(void)
{
	g_autoptr(GString) before = g_string_new("[{\"name\":\"x\"}");
	g_autoptr(GString) after = g_string_new("[{\"name\":\"y\"}");

	for (int i = 0; i < 60000; i++) {
		g_string_append_printf(before, ",{\"name\":\"n%d\"}", i);
		g_string_append_printf(after, ",{\"name\":\"n%d\"}", 59999 - i);
	}
	g_string_append_c(before, ']');
	g_string_append_c(after, ']');
	scoped(file_change) change = change_of("a.json", before->str, after->str);

	g_assert_cmpstr(change->summary, ==, "removed [x], added [y], reordered the document");
}

static const struct {
	const char *json;
	const char *text;
} values[] = {
	{"30", "30"},
	{"1.5", "1.5"},
	{"null", "null"},
	{"true", "true"},
	{"\"word\"", "word"},
	{"\"crm-tools@1.2.3\"", "crm-tools@1.2.3"},
	{"\"éa\"", "éa"},
	{"\"true\"", "\"true\""},
	{"\"No\"", "\"No\""},
	{"\"~\"", "\"~\""},
	{"\"1e3\"", "\"1e3\""},
	{"\"a, b\"", "\"a, b\""},
	{"\"say \\\"x\\\"\"", "\"say \\\"x\\\"\""},
	{"[]", "[]"},
	{"{}", "{}"},
	{"[1,\"a\"]", "[1,\"a\"]"},
	{"[[1]]", "[1 item]"},
	{"{\"a\":{\"b\":1},\"c\":2}", "{2 fields}"},
	{"[1,2,3,4,5,6,7,8,9]", "[9 items]"},
};

static void values_are_short(void)
{
	const struct document_origin origin = {"x", FORGE_ERROR_VALIDATION_FAILED};

	for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
		scoped(value) value = document_parse(
			DOCUMENT_JSON, &origin, values[i].json, strlen(values[i].json), NULL);
		g_autofree char *text = value_text_short(value);

		g_assert_cmpstr(text, ==, values[i].text);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	git_libgit2_init();
#define TEST(name) g_test_add_func("/document_diff/" #name, name)
	TEST(changes_are_worded_for_people);
	TEST(equal_versions_have_no_change);
	TEST(long_values_are_cut);
	TEST(changes_are_rows_for_machines);
	TEST(texts_have_a_diff_as_git_shows_it);
	TEST(entries_are_told_apart);
	TEST(binary_files_show_their_sizes);
	TEST(a_change_of_mode_alone_has_a_header);
	TEST(changes_past_the_limit_are_counted);
	TEST(a_long_diff_ends_in_a_count);
	TEST(deep_documents_are_compared_or_taken_for_text);
	TEST(a_long_key_is_cut_in_paths);
	TEST(huge_lists_are_compared_in_one_pass);
	TEST(values_are_short);
#undef TEST
	return g_test_run();
}
