/*
 * Edits in place, case by case: tests/cases/document_edit.txt. Each case is a text, edits, and the
 * text that they give, so that what stays and what changes can be seen.
 */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/document/document_edit.h"

#define CASES "tests/cases/document_edit.txt"

static const struct document_origin origin = {"file", FORGE_ERROR_VALIDATION_FAILED};

/* ---- the file of cases ---- */

struct edit_case {
	char *name;
	enum document_format format;
	gboolean crlf, open; /* the texts with CRLF; without their last line break */
	GPtrArray *edits;    /* of char: the lines of edits as they stand in the file */
	GString *text;
	GString *from;  /* the text that sources are taken from */
	GString *gives; /* NULL: it fails, … */
	char *fails;    /* … with these words in its message */
};

static struct edit_case *case_new(const char *name)
{
	struct edit_case *test = g_new0(struct edit_case, 1);

	test->name = g_strdup(name);
	test->edits = g_ptr_array_new_with_free_func(g_free);
	test->text = g_string_new(NULL);
	test->from = g_string_new(NULL);
	return test;
}

static void case_free(gpointer data)
{
	struct edit_case *test = data;

	g_free(test->name);
	g_ptr_array_unref(test->edits);
	g_string_free(test->text, TRUE);
	g_string_free(test->from, TRUE);
	if (test->gives)
		g_string_free(test->gives, TRUE);
	g_free(test->fails);
	g_free(test);
}

/* A line of the file that begins with `@ `. Returns where the lines behind it belong. */
static GString *read_directive(struct edit_case *test, const char *line)
{
	if (g_str_has_prefix(line, "yaml") || g_str_has_prefix(line, "json")) {
		test->format = *line == 'j' ? DOCUMENT_JSON : DOCUMENT_YAML;
		test->crlf = strstr(line, " crlf") != NULL;
		test->open = strstr(line, " open") != NULL;
		return test->text;
	}
	if (strcmp(line, "from") == 0)
		return test->from;
	if (strcmp(line, "gives") == 0)
		return test->gives = g_string_new(NULL);
	if (g_str_has_prefix(line, "fails "))
		test->fails = g_strdup(line + strlen("fails "));
	else
		g_ptr_array_add(test->edits, g_strdup(line));
	return NULL;
}

static void adapt(const struct edit_case *test, GString *text)
{
	if (!text)
		return;
	if (test->open && text->len > 0)
		g_string_truncate(text, text->len - 1);
	if (test->crlf)
		g_string_replace(text, "\n", "\r\n", 0);
}

static GPtrArray *read_cases(void)
{
	g_autofree char *all = NULL;
	g_auto(GStrv) lines = NULL;
	GPtrArray *cases = g_ptr_array_new_with_free_func(case_free);
	struct edit_case *test = NULL;
	GString *into = NULL;

	g_assert_true(g_file_get_contents(CASES, &all, NULL, NULL));
	lines = g_strsplit(all, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		if (g_str_has_prefix(lines[i], "@@ ")) {
			test = case_new(lines[i] + 3);
			g_ptr_array_add(cases, test);
			into = NULL;
		} else if (test && g_str_has_prefix(lines[i], "@ ")) {
			into = read_directive(test, lines[i] + 2);
		} else if (into) {
			g_string_append_printf(into, "%s\n", lines[i]);
		}
	}
	for (guint i = 0; i < cases->len; i++) {
		test = g_ptr_array_index(cases, i);
		/* One empty line between two cases belongs to neither. */
		if (test->gives && g_str_has_suffix(test->gives->str, "\n\n"))
			g_string_truncate(test->gives, test->gives->len - 1);
		adapt(test, test->text);
		adapt(test, test->gives);
	}
	return cases;
}

/* ---- a case ---- */

static struct document_path *path_of(const char *text)
{
	return document_path_parse(strcmp(text, "ROOT") == 0 ? "" : text, NULL);
}

static struct value *json_of(const char *text)
{
	struct value *value = document_parse(DOCUMENT_JSON, &origin, text, strlen(text), NULL);

	g_assert_nonnull(value);
	return value;
}

/* `set PATH JSON`, `remove PATH`, `insert PATH AT JSON`, `take PATH FROM_PATH` */
static struct document_edit *edit_of(const char *line, const struct document_text *source_text)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	scoped(document_path) path = path_of(words[1]);
	scoped(document_path) from = NULL;
	scoped(value) value = NULL;
	g_auto(GStrv) rest = NULL;

	g_assert_nonnull(path);
	if (strcmp(words[0], "remove") == 0)
		return document_edit_new_remove(path);
	if (strcmp(words[0], "take") == 0) {
		const struct document_node *source;

		from = path_of(words[2]);
		source = document_path_node(from, document_text_root(source_text));
		g_assert_nonnull(source);
		return document_edit_new_set(path, source->value, source_text, source);
	}
	if (strcmp(words[0], "set") == 0) {
		value = json_of(words[2]);
		return document_edit_new_set(path, value, NULL, NULL);
	}
	g_assert_cmpstr(words[0], ==, "insert");
	rest = g_strsplit(words[2], " ", 2);
	value = json_of(rest[1]);
	return document_edit_new_insert(path,
		strcmp(rest[0], "end") == 0 ? DOCUMENT_AT_END
					    : (size_t)g_ascii_strtoull(rest[0], NULL, 10),
		value, NULL, NULL);
}

static void check(const struct edit_case *test, GString *result, const GError *error)
{
	const char *wanted = test->fails ? test->fails : test->gives->str;

	if (test->fails)
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	if (test->fails ? !strstr(error->message, wanted)
			: !result || strcmp(result->str, wanted) != 0) {
		g_test_message(
			"wanted:\n%s\ngot:\n%s", wanted, result ? result->str : error->message);
		g_test_fail();
	}
	if (result)
		g_string_free(result, TRUE);
}

static void case_holds(gconstpointer data)
{
	const struct edit_case *test = data;
	g_autoptr(GPtrArray) edits = document_edits_new();
	scoped(document_text) source = NULL;
	g_autoptr(GError) error = NULL;
	GString *result = NULL;

	if (g_str_has_prefix(g_ptr_array_index(test->edits, 0), "field ")) {
		g_auto(GStrv) words = g_strsplit(g_ptr_array_index(test->edits, 0), " ", 4);

		document_edit_field(test->format, &origin, test->text->str, test->text->len,
			words[1], words[2], words[3], &result, NULL, NULL, &error);
		check(test, result, error);
		return;
	}
	if (test->from->len > 0) {
		source = document_text_parse(
			test->format, &origin, test->from->str, test->from->len, NULL);
		g_assert_nonnull(source);
	}
	for (guint i = 0; i < test->edits->len; i++)
		g_ptr_array_add(edits, edit_of(g_ptr_array_index(test->edits, i), source));
	result = document_edit_apply(
		test->format, &origin, test->text->str, test->text->len, edits, &error);
	check(test, result, error);
}

/* ---- limits ---- */

static void expect_refused(enum document_format format, const char *text, size_t size)
{
	g_autoptr(GPtrArray) edits = document_edits_new();
	scoped(document_path) path = document_path_parse("a", NULL);
	scoped(value) value = value_new_integer(1);
	g_autoptr(GError) error = NULL;

	g_ptr_array_add(edits, document_edit_new_set(path, value, NULL, NULL));
	g_assert_null(document_edit_apply(format, &origin, text, size, edits, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
}

static void hostile_texts_are_refused(void)
{
	g_autoptr(GString) bomb = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	g_autoptr(GString) deep = g_string_new(NULL);
	g_autofree char *large = g_strnfill(LIMIT_DOCUMENT_BYTES + 1, ' ');

	for (int i = 1; i < 9; i++)
		g_string_append_printf(bomb,
			"a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	expect_refused(DOCUMENT_YAML, bomb->str, bomb->len);
	for (int i = 0; i < 100000; i++)
		g_string_append_c(deep, '[');
	expect_refused(DOCUMENT_YAML, deep->str, deep->len);
	expect_refused(DOCUMENT_JSON, deep->str, deep->len);
	expect_refused(DOCUMENT_YAML, large, LIMIT_DOCUMENT_BYTES + 1);
	expect_refused(DOCUMENT_JSON, large, LIMIT_DOCUMENT_BYTES + 1);
	expect_refused(DOCUMENT_YAML, "a: \0b\n", 6);
	expect_refused(DOCUMENT_JSON, "{\"a\": \0}", 8);
	expect_refused(DOCUMENT_YAML, "a: \xff\xfe\n", 6);
	expect_refused(DOCUMENT_JSON, "{\"a\": \"\xc3\"}", 9);
}

static void a_large_document_is_edited(void)
{
	g_autoptr(GString) text = g_string_new("first: 1\nlist:\n");
	g_autoptr(GPtrArray) edits = document_edits_new();
	scoped(document_path) path = document_path_parse("list[29999].name", NULL);
	scoped(value) value = value_new_string("changed");
	g_autoptr(GError) error = NULL;
	GString *result;

	for (int i = 0; i < 30000; i++)
		g_string_append_printf(text, "  # about %d\n  - name: n%d # it\n    x: é\n", i, i);
	g_ptr_array_add(edits, document_edit_new_set(path, value, NULL, NULL));
	result = document_edit_apply(DOCUMENT_YAML, &origin, text->str, text->len, edits, &error);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(result->str, "- name: changed # it\n    x: é\n"));
	g_assert_cmpuint(result->len, ==, text->len + strlen("changed") - strlen("n29999"));
	g_string_free(result, TRUE);
}

static void many_edits_at_once_are_refused(void)
{
	g_autoptr(GPtrArray) edits = document_edits_new();
	scoped(document_path) path = document_path_parse("a", NULL);
	scoped(value) value = value_new_integer(1);
	g_autoptr(GError) error = NULL;

	for (int i = 0; i <= LIMIT_DOCUMENT_EDITS; i++)
		g_ptr_array_add(edits, document_edit_new_set(path, value, NULL, NULL));
	g_assert_null(document_edit_apply(DOCUMENT_YAML, &origin, "a: 0\n", 5, edits, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) cases = NULL;

	g_test_init(&argc, &argv, NULL);
	cases = read_cases();
	for (guint i = 0; i < cases->len; i++) {
		struct edit_case *test = g_ptr_array_index(cases, i);
		g_autofree char *path = g_strconcat("/document_edit/case/", test->name, NULL);

		g_strdelimit(path, " ", '_');
		g_test_add_data_func(path, test, case_holds);
	}
	g_test_add_func("/document_edit/hostile_texts_are_refused", hostile_texts_are_refused);
	g_test_add_func("/document_edit/a_large_document_is_edited", a_large_document_is_edited);
	g_test_add_func(
		"/document_edit/many_edits_at_once_are_refused", many_edits_at_once_are_refused);
	return g_test_run();
}
