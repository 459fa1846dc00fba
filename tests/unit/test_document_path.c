/* Paths into documents: their text, and where they lead. */
#include "worker/document/document_path.h"

#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

static void paths_read_and_format_to_the_same_text(void)
{
	static const char *const texts[] = {"", "a", "config.timeout", "steps[0].name", "[3]",
		"[0][1].b", "metadata.\"a.b\"", "\"\"", "\"[0]\"", "a.\"b\\\"c\\\\d\"", "a.\"x y\"",
		"a-b_c/d@e", "é.ü", "\"a\\nb\\u0001\"", "on", "1.2"};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		scoped(document_path) path = document_path_parse(texts[i], &error);
		g_autofree char *again = NULL;

		g_assert_no_error(error);
		again = document_path_format(path);
		g_assert_cmpstr(again, ==, texts[i]);
	}
}

static void quotes_that_are_not_needed_go(void)
{
	scoped(document_path) path = document_path_parse("\"a\".\"b\"[00]", NULL);
	g_autofree char *text = document_path_format(path);

	g_assert_cmpstr(text, ==, "a.b[0]");
	g_assert_cmpuint(document_path_length(path), ==, 3);
	g_assert_cmpstr(document_path_step(path, 1).key, ==, "b");
	g_assert_null(document_path_step(path, 2).key);
}

static void wrong_paths_are_refused_at_their_byte(void)
{
	static const struct {
		const char *text, *byte;
	} rows[] = {
		{".a", "byte 1:"},
		{"a.", "byte 3:"},
		{"a..b", "byte 3:"},
		{"a[", "byte 3:"},
		{"a[x]", "byte 3:"},
		{"a[1", "byte 4:"},
		{"a[-1]", "byte 3:"},
		{"a b", "byte 2:"},
		{"a]", "byte 2:"},
		{"\"a", "byte 3:"},
		{"\"a\"b", "byte 4:"},
		{"a[0]b", "byte 5:"},
		{"\"\\x\"", "byte 2:"},
		{"\"\\u0000\"", "byte 2:"},
		{"\"\\u01", "byte 2:"},
		{"\"\\", "byte 2:"},
		{"a[99999999999999999999]", "byte 3:"},
		{"a\xff", "byte 2:"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(document_path_parse(rows[i].text, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		if (!strstr(error->message, rows[i].byte))
			g_error("%s: %s", rows[i].text, error->message);
	}
}

static void deep_paths_are_refused(void)
{
	g_autoptr(GString) text = g_string_new("a");
	g_autoptr(GError) error = NULL;
	scoped(document_path) path = NULL;

	for (int i = 1; i < LIMIT_DOCUMENT_DEPTH; i++)
		g_string_append(text, ".a");
	path = document_path_parse(text->str, &error);
	g_assert_no_error(error);
	g_string_append(text, "[0]");
	g_assert_null(document_path_parse(text->str, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
}

static void any_key_survives_its_text(void)
{
	g_autoptr(GRand) chance = g_rand_new_with_seed(7);

	for (int round = 0; round < 2000; round++) {
		g_autoptr(GString) key = g_string_new(NULL);
		scoped(document_path) path = document_path_new();
		scoped(document_path) again = NULL;
		g_autofree char *text = NULL;
		g_autoptr(GError) error = NULL;

		for (int i = g_rand_int_range(chance, 0, 6); i > 0; i--)
			g_string_append_unichar(
				key, (gunichar)g_rand_int_range(chance, 1, i % 2 ? 0x100 : 0x30));
		document_path_append_key(path, key->str);
		document_path_append_index(path, 4);
		document_path_append_key(path, key->str);
		text = document_path_format(path);
		again = document_path_parse(text, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(document_path_length(again), ==, 3);
		g_assert_cmpstr(document_path_step(again, 0).key, ==, key->str);
		g_assert_cmpstr(document_path_step(again, 2).key, ==, key->str);
	}
}

static void paths_lead_to_values_or_nowhere(void)
{
	static const char json[] = "{\"a\": [{\"b\": 7}], \"c\": null}";
	static const struct document_origin origin = {"json", FORGE_ERROR_VALIDATION_FAILED};
	static const char *const nowhere[] = {"b", "a.b", "a[1]", "c.d", "c[0]", "a[0].b.c", "[0]"};
	scoped(document_text)
		text = document_text_parse(DOCUMENT_JSON, &origin, json, strlen(json), NULL);
	scoped(document_path) path = document_path_parse("a[0].b", NULL);
	const struct document_node *node = document_path_node(path, document_text_root(text));
	scoped(document_path) back = document_path_of(node);
	g_autofree char *back_text = document_path_format(back);

	g_assert_cmpint(value_integer(node->value), ==, 7);
	g_assert_cmpstr(back_text, ==, "a[0].b");
	for (size_t i = 0; i < G_N_ELEMENTS(nowhere); i++) {
		scoped(document_path) wrong = document_path_parse(nowhere[i], NULL);

		g_assert_null(document_path_node(wrong, document_text_root(text)));
		g_assert_null(document_path_value(wrong, document_text_value(text)));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/document_path/paths_read_and_format_to_the_same_text",
		paths_read_and_format_to_the_same_text);
	g_test_add_func(
		"/document_path/quotes_that_are_not_needed_go", quotes_that_are_not_needed_go);
	g_test_add_func("/document_path/wrong_paths_are_refused_at_their_byte",
		wrong_paths_are_refused_at_their_byte);
	g_test_add_func("/document_path/deep_paths_are_refused", deep_paths_are_refused);
	g_test_add_func("/document_path/any_key_survives_its_text", any_key_survives_its_text);
	g_test_add_func(
		"/document_path/paths_lead_to_values_or_nowhere", paths_lead_to_values_or_nowhere);
	return g_test_run();
}
