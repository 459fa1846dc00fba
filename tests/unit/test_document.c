/*
 * Documents as they come from outside, good and hostile. A row is a document and what it is as
 * JSON, or the exact error; what is too large to write down is made by a loop.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/limits.h"

static const struct document_origin origin = {
	.name = "d", .invalid = FORGE_ERROR_VALIDATION_FAILED};

static struct value *parse(enum document_format format, const char *text, GError **error)
{
	return document_parse(format, &origin, text, strlen(text), error);
}

static void assert_refused(
	enum document_format format, const char *text, size_t size, const char *message)
{
	g_autoptr(GError) error = NULL;
	scoped(value) value = document_parse(format, &origin, text, size, &error);

	g_assert_null(value);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_cmpstr(error->message, ==, message);
}

static const struct {
	const char *yaml;
	const char *json;
} meanings[] = {
	{"", "null"},
	{"# nothing but a comment\n", "null"},
	{"---\n...\n", "null"},
	{"[null, Null, NULL, ~, 'null', nUll]", "[null,null,null,null,\"null\",\"nUll\"]"},
	{"[true, True, TRUE, false, yes, no, on, off, y]",
		"[true,true,true,false,\"yes\",\"no\",\"on\",\"off\",\"y\"]"},
	{"[0, -1, +12, 0777, 0o17, 0xfF, 1_000, 0b1, '1']",
		"[0,-1,12,777,15,255,\"1_000\",\"0b1\",\"1\"]"},
	{"[9223372036854775807, -9223372036854775808, 9223372036854775808]",
		"[9223372036854775807,-9223372036854775808,9.223372036854776e18]"},
	{"[1.5, .5, 5., 1e3, -1.25E-2, 1e, ., 1.2.3, +.inf]",
		"[1.5,0.5,5.0,1000.0,-0.0125,\"1e\",\".\",\"1.2.3\",\".inf\"]"},
	{"[-.inf, .NaN, 0x, 0o8, 2026-01-15, 1:30]",
		"[\"-.inf\",\".nan\",\"0x\",\"0o8\",\"2026-01-15\",\"1:30\"]"},
	{"a: 1\n1: b\nnull: c\ntrue: d\n", "{\"a\":1,\"1\":\"b\",\"null\":\"c\",\"true\":\"d\"}"},
	{"a: |\n  one\n  two\nb: >\n  one\n  two\n",
		"{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\\n\"}"},
	{"'<<': 1\n", "{\"<<\":1}"},
	{"a: &x [1, &y 2]\nb: *x\nc: *y\n", "{\"a\":[1,2],\"b\":[1,2],\"c\":2}"},
	{"a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "{\"a\":1,\"b\":1,\"c\":2,\"d\":2}"},
	{"[!!str 1, !!int 2, !!float 3, ! 4, !!null '', !!bool true]",
		"[\"1\",2,3.0,\"4\",null,true]"},
	{"!!map {a: !!seq [1]}", "{\"a\":[1]}"},
	{"\xef\xbb\xbf"
	 "a: \xc3\xa9\n",
		"{\"a\":\"\xc3\xa9\"}"},
	{"%YAML 1.2\n---\na: 1\n", "{\"a\":1}"},
	{"{\"a\": [1, {\"b\": \"\\u00e9\\/\"}]}", "{\"a\":[1,{\"b\":\"\xc3\xa9/\"}]}"},
};

static void test_yaml_has_core_types(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++) {
		g_autoptr(GError) error = NULL;
		scoped(value) value = parse(DOCUMENT_YAML, meanings[i].yaml, &error);
		g_autofree char *json = NULL;

		g_assert_no_error(error);
		json = document_write_json(value, DOCUMENT_COMPACT);
		g_assert_cmpstr(json, ==, meanings[i].json);
	}
}

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
	enum document_format format;
	const char *text;
	size_t size;
	const char *message;
} refusals[] = {
	{DOCUMENT_YAML, BYTES("a: 1\nb: 2\na: 3\n"), "d:3: duplicate key 'a'"},
	{DOCUMENT_YAML, BYTES("a: {b: 1, 'b': 2}\n"), "d:1: duplicate key 'b'"},
	{DOCUMENT_YAML, BYTES("1: a\n'1': b\n"), "d:2: duplicate key '1'"},
	{DOCUMENT_YAML, BYTES("\"\\e[2J\": 1\n\"\\e[2J\": 2\n"),
		"d:2: duplicate key '\xef\xbf\xbd[2J'"},
	{DOCUMENT_YAML, BYTES("a: 1\n---\nb: 2\n"), "d:2: a second document begins here"},
	{DOCUMENT_YAML, BYTES("a: 1\n---\n"), "d:2: a second document begins here"},
	{DOCUMENT_YAML, BYTES("base: &b {x: 1}\na:\n  <<: *b\n"),
		"d:3: merge keys (<<) are not part of YAML 1.2; write the keys out"},
	{DOCUMENT_YAML, BYTES("? [a]\n: 1\n"),
		"d:1: a key must be a word, not an alias or a collection"},
	{DOCUMENT_YAML, BYTES("&a a: 1\n"), "d:1: a key cannot have an anchor"},
	{DOCUMENT_YAML, BYTES("- &a a\n- *a : 1\n"),
		"d:2: a key must be a word, not an alias or a collection"},
	{DOCUMENT_YAML, BYTES("a: *nothing\n"),
		"d:1: the alias '*nothing' names no whole value before it"},
	{DOCUMENT_YAML, BYTES("a: &a\n  b: *a\n"),
		"d:2: the alias '*a' names no whole value before it"},
	{DOCUMENT_YAML, BYTES("a: !python/object:os.system x\n"), "d:1: unknown tag"},
	{DOCUMENT_YAML, BYTES("a: !!set {}\n"), "d:1: unknown tag"},
	{DOCUMENT_YAML, BYTES("a: !!binary aGk=\n"), "d:1: unknown tag"},
	{DOCUMENT_YAML, BYTES("!!int a: 1\n"), "d:1: unknown tag"},
	{DOCUMENT_YAML, BYTES("a: !!int many\n"), "d:1: not what its tag says"},
	{DOCUMENT_YAML, BYTES("a:\n\tb: 1\n"),
		"d:2: not YAML: found character that cannot start any token (while scanning for the next token)"},
	{DOCUMENT_YAML, BYTES("a: [1\nb: 2\n"),
		"d:2: not YAML: did not find expected ',' or ']' (while parsing a flow sequence)"},
	{DOCUMENT_YAML, BYTES("a: \"open\n"),
		"d:2: not YAML: found unexpected end of stream (while scanning a quoted scalar)"},
	{DOCUMENT_YAML, BYTES("a: b: c\n"),
		"d:1: not YAML: mapping values are not allowed in this context"},
	{DOCUMENT_YAML, BYTES("a: 1\nb: \x07\n"),
		"d:2: not YAML: control characters are not allowed"},
	{DOCUMENT_YAML, BYTES("a: 1\nb: \0\n"), "d:2: a NUL byte"},
	{DOCUMENT_YAML, BYTES("a: \"\\0\"\n"), "d:1: a NUL byte"},
	{DOCUMENT_YAML, BYTES("\"\\0\": 1\n"), "d:1: a NUL byte"},
	{DOCUMENT_YAML, BYTES("a: 1\nb: 2\nc: \xff\n"), "d:3: not UTF-8"},
	{DOCUMENT_YAML, BYTES("a: \xed\xa0\x80\n"), "d:1: not UTF-8"}, /* half a surrogate pair */
	{DOCUMENT_YAML,
		BYTES("\xff\xfe"
		      "a\0:\0"),
		"d:1: not UTF-8"}, /* UTF-16 */
	{DOCUMENT_JSON, BYTES(""), "d:1: not JSON: unexpected token"},
	{DOCUMENT_JSON, BYTES("{\"a\": 1,\n\"a\": 2}"), "d:2: duplicate key '\"a\"'"},
	{DOCUMENT_JSON, BYTES("{\"a\": 1} {}"), "d:1: not JSON: end of file expected"},
	{DOCUMENT_JSON, BYTES("{\"a\":\n secret}"), "d:2: not JSON: invalid token"},
	{DOCUMENT_JSON, BYTES("{\"a\": \"\\u0000\"}"), "d:1: a NUL byte"},
	{DOCUMENT_JSON, BYTES("[\"\0\"]"), "d:1: a NUL byte"},
	{DOCUMENT_JSON, BYTES("[9223372036854775808]"), "d:1: not JSON: too big integer"},
	{DOCUMENT_JSON, BYTES("[1e999]"), "d:1: not JSON: real number overflow"},
	{DOCUMENT_JSON, BYTES("[\"\\ud83d\"]"), "d:1: not JSON: invalid Unicode '\\uD83D'"},
	{DOCUMENT_JSON, BYTES("['a']"), "d:1: not JSON: invalid token"},
	{DOCUMENT_JSON, BYTES("[\"a"), "d:1: not JSON: premature end of input"},
	{DOCUMENT_JSON, BYTES("[\"a\\"), "d:1: not JSON: invalid escape"},
	{DOCUMENT_JSON, BYTES("\"\xff\""), "d:1: not UTF-8"},
	{DOCUMENT_JSON, BYTES("]]]]"), "d:1: not JSON: unexpected token"},
};

static void test_what_is_wrong_is_refused_with_its_line(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
		assert_refused(refusals[i].format, refusals[i].text, refusals[i].size,
			refusals[i].message);
}

/* Eight levels of nine aliases each: 43 million values from 500 bytes. */
static char *alias_bomb(const char *item)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "a0: &a0 %s\n", item);
	for (int level = 1; level <= 8; level++) {
		g_string_append_printf(text, "a%d: &a%d [", level, level);
		for (int i = 0; i < 9; i++)
			g_string_append_printf(text, "%s*a%d", i ? "," : "", level - 1);
		g_string_append(text, "]\n");
	}
	return g_string_free(text, FALSE);
}

static void test_alias_bombs_are_refused(void)
{
	g_autofree char *values = alias_bomb("[x,x,x,x]");
	g_autofree char *filler = g_strnfill(100000, 'x');
	g_autofree char *bytes = alias_bomb(filler);

	assert_refused(DOCUMENT_YAML, values, strlen(values),
		"d:6: more than 200000 values (aliases expanded)");
	assert_refused(DOCUMENT_YAML, bytes, strlen(bytes),
		"d:3: more than 8388608 bytes of text (aliases expanded)");
}

static void test_aliases_cannot_nest_deeper_than_allowed(void)
{
	g_autoptr(GString) text = g_string_new("a0: &a0 x\n");

	/* Each level is one deeper than the alias in it; the map around is the first. */
	for (int i = 1; i <= LIMIT_DOCUMENT_DEPTH; i++)
		g_string_append_printf(text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	assert_refused(DOCUMENT_YAML, text->str, text->len, "d:65: nested deeper than 64 levels");
}

static char *nest(const char *open, const char *inner, const char *close, int levels)
{
	GString *text = g_string_new(NULL);

	for (int i = 0; i < levels; i++)
		g_string_append(text, open);
	g_string_append(text, inner);
	for (int i = 0; i < levels; i++)
		g_string_append(text, close);
	return g_string_free(text, FALSE);
}

static void test_depth_is_bounded(void)
{
	static const struct {
		enum document_format format;
		const char *open, *inner, *close;
	} rows[] = {
		{DOCUMENT_JSON, "[", "1", "]"},
		{DOCUMENT_JSON, "{\"a\":", "1", "}"},
		{DOCUMENT_YAML, "[", "1", "]"},
		{DOCUMENT_YAML, "{a: ", "1", "}"},
		{DOCUMENT_YAML, "- ", "1", ""},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *fits = nest(
			rows[i].open, rows[i].inner, rows[i].close, LIMIT_DOCUMENT_DEPTH);
		g_autofree char *over = nest(
			rows[i].open, rows[i].inner, rows[i].close, LIMIT_DOCUMENT_DEPTH + 1);
		g_autofree char *far = nest(rows[i].open, "", "", 1000000);
		scoped(value) value = parse(rows[i].format, fits, NULL);

		g_assert_nonnull(value);
		assert_refused(
			rows[i].format, over, strlen(over), "d:1: nested deeper than 64 levels");
		assert_refused(
			rows[i].format, far, strlen(far), "d:1: nested deeper than 64 levels");
	}
}

static void test_the_number_of_values_is_bounded(void)
{
	static const enum document_format formats[] = {DOCUMENT_JSON, DOCUMENT_YAML};
	static const char *const messages[] = {
		"d: more than 200000 values", "d:1: more than 200000 values (aliases expanded)"};

	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		g_autoptr(GString) text = g_string_new("[0");
		scoped(value) value = NULL;

		for (int n = 2; n < LIMIT_DOCUMENT_NODES; n++)
			g_string_append(text, ",0");
		g_string_append(text, "]");
		value = parse(formats[i], text->str, NULL);
		g_assert_cmpuint(value_count(value), ==, LIMIT_DOCUMENT_NODES - 1);
		g_string_truncate(text, text->len - 1);
		g_string_append(text, ",0]");
		assert_refused(formats[i], text->str, text->len, messages[i]);
	}
}

static void test_many_values_are_refused_before_json_is_read(void)
{
	g_autofree char *text = nest("[],", "", "", 1000000);

	assert_refused(DOCUMENT_JSON, text, strlen(text), "d:1: more than 200000 values");
}

static void test_size_is_bounded(void)
{
	g_autofree char *text = g_strnfill(LIMIT_DOCUMENT_BYTES + 1, ' ');
	scoped(value)
		value = document_parse(DOCUMENT_YAML, &origin, text, LIMIT_DOCUMENT_BYTES, NULL);

	g_assert_nonnull(value);
	assert_refused(
		DOCUMENT_YAML, text, LIMIT_DOCUMENT_BYTES + 1, "d: larger than 8388608 bytes");
}

static void test_many_keys_are_found_and_kept_in_order(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	scoped(value) value = NULL;

	for (int i = 0; i < 50000; i++)
		g_string_append_printf(text, "key%d: %d\n", i, i);
	value = parse(DOCUMENT_YAML, text->str, NULL);
	g_assert_cmpuint(value_count(value), ==, 50000);
	g_assert_cmpint(value_integer(value_get(value, "key49999")), ==, 49999);
	g_assert_cmpstr(value_key_at(value, 123), ==, "key123");
	g_assert_cmpuint(value_key_line_at(value, 123), ==, 124);
	g_assert_null(value_get(value, "key50000"));
}

static void test_values_know_their_lines(void)
{
	static const char *const texts[] = {
		[DOCUMENT_JSON] = "{\n\"a\": 1,\n\"b\":\n[true,\n\"x\\\"\\\\\",{\"c\"\n:null}]}",
		[DOCUMENT_YAML] = "{\na: 1,\nb:\n[true,\n\"x\\\"\\\\\",{c:\nnull}]}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		scoped(value) value = parse((enum document_format)i, texts[i], &error);
		const struct value *list = value_get(value, "b");

		g_assert_no_error(error);
		g_assert_cmpuint(value_line(value), ==, 1);
		g_assert_cmpuint(value_key_line_at(value, 0), ==, 2);
		g_assert_cmpuint(value_line(value_at(value, 0)), ==, 2);
		g_assert_cmpuint(value_key_line_at(value, 1), ==, 3);
		g_assert_cmpuint(value_line(list), ==, 4);
		g_assert_cmpuint(value_line(value_at(list, 0)), ==, 4);
		g_assert_cmpuint(value_line(value_at(list, 1)), ==, 5);
		g_assert_cmpuint(value_key_line_at(value_at(list, 2), 0), ==, 5);
		g_assert_cmpuint(value_line(value_at(value_at(list, 2), 0)), ==, 6);
	}
}

static void test_json_is_indented_for_people(void)
{
	scoped(value) map = value_new_map();
	struct value *list = value_new_list();
	g_autofree char *json = NULL;

	value_append_take(list, value_new_real(0.41));
	value_append_take(list, value_new_string("a/\xc3\xa9"));
	value_put_take(map, "z", list);
	value_put_string(map, "a", NULL);
	value_put_take(map, "n", value_new_unsigned(G_MAXUINT64));
	json = document_write_json(map, DOCUMENT_INDENTED);
	g_assert_cmpstr(json, ==,
		"{\n  \"z\": [\n    0.41,\n    \"a/\xc3\xa9\"\n  ],\n  \"a\": null,\n"
		"  \"n\": \"18446744073709551615\"\n}\n");
}

static void test_yaml_is_written_in_blocks(void)
{
	scoped(value) value = parse(DOCUMENT_JSON,
		"{\"version\": \"1.10\", \"on\": true, \"list\": [1, \"yes\", [], {}],"
		" \"text\": \"one\\ntwo\\n\", \"nothing\": null, \"when\": \"2026-01-15T10:30:00Z\","
		" \"oid\": \"1234567\", \"range\": \"^2.1.0\", \"half\": 0.5}",
		NULL);
	g_autofree char *yaml = document_write_yaml(value);

	g_assert_cmpstr(yaml, ==,
		"version: '1.10'\n'on': true\nlist:\n- 1\n- 'yes'\n- []\n- {}\ntext: |\n  one\n  two\n"
		"nothing: null\nwhen: '2026-01-15T10:30:00Z'\noid: '1234567'\nrange: ^2.1.0\nhalf: 0.5\n");
}

static struct value *random_text(void)
{
	static const char *const pieces[] = {"a", "true", "0", "1", ".", "-", ":", " ", "\n", "\t",
		"#", "'", "\"", "\\", "&", "*", "!", "|", ">", "%", "@", "`", "{", "}", "[", "]",
		",", "?", "\xc3\xa9", "\xe2\x80\xa8", "\xf0\x9f\x98\x80", "\x1b", "\r", "\xc2\x85",
		"\xef\xbb\xbf", "<<", "~", "=", "e", "x"};
	g_autoptr(GString) text = g_string_new(NULL);

	for (int length = g_test_rand_int_range(0, 7); length > 0; length--)
		g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
	return value_new_string(text->str);
}

static struct value *random_value(int depth)
{
	struct value *value;
	int children = g_test_rand_int_range(0, 4);

	switch (g_test_rand_int_range(0, depth > 0 ? 8 : 6)) {
	case 0:
		return value_new_null();
	case 1:
		return value_new_boolean(g_test_rand_bit());
	case 2:
		return value_new_integer(g_test_rand_int());
	case 3:
		return value_new_real(ldexp(g_test_rand_double(), g_test_rand_int_range(-60, 60)));
	case 4:
	case 5:
		return random_text();
	case 6:
		value = value_new_list();
		while (children-- > 0)
			value_append_take(value, random_value(depth - 1));
		return value;
	default:
		value = value_new_map();
		while (children-- > 0) {
			scoped(value) key = random_text();

			value_add_take(value, value_string(key), 0, random_value(depth - 1));
		}
		return value;
	}
}

static void test_what_is_written_reads_back_the_same(void)
{
	for (int i = 0; i < 3000; i++) {
		g_autoptr(GError) error = NULL;
		scoped(value) value = random_value(4);
		g_autofree char *json = document_write_json(value, DOCUMENT_INDENTED);
		g_autofree char *yaml = document_write_yaml(value);
		scoped(value) from_json = parse(DOCUMENT_JSON, json, &error);
		scoped(value) from_yaml = error ? NULL : parse(DOCUMENT_YAML, yaml, &error);
		g_autofree char *json_again = NULL;
		g_autofree char *yaml_again = NULL;

		if (error)
			g_test_message("%s\n%s", json, yaml);
		g_assert_no_error(error);
		json_again = document_write_json(from_json, DOCUMENT_INDENTED);
		yaml_again = document_write_json(from_yaml, DOCUMENT_INDENTED);
		g_assert_cmpstr(json_again, ==, json);
		g_assert_cmpstr(yaml_again, ==, json);
	}
}

static void test_damaged_documents_never_break_the_reader(void)
{
	static const char seed[] =
		"a: &x [1, 'two', \"\\u00e9\"]\nb: {c: *x, d: |\n  text\n}\n{\"e\": [null, 1.5e3]}\n";

	for (int i = 0; i < 20000; i++) {
		char text[sizeof(seed)];
		enum document_format format = g_test_rand_bit() ? DOCUMENT_JSON : DOCUMENT_YAML;
		size_t size = (size_t)g_test_rand_int_range(0, sizeof(seed));

		memcpy(text, seed, sizeof(seed));
		for (int changes = g_test_rand_int_range(1, 6); changes > 0; changes--)
			text[g_test_rand_int_range(0, sizeof(seed))] = (char)g_test_rand_int_range(
				1, 128);
		for (int from = 0; from < (int)size; from += 40) {
			g_autoptr(GError) error = NULL;
			scoped(value) value = document_parse(
				format, &origin, text + from, size - (size_t)from, &error);

			g_assert_true((value == NULL) == (error != NULL));
		}
	}
}

static void test_files_are_read_by_their_name(void)
{
	g_autofree char *folder = g_dir_make_tmp("forge-document-XXXXXX", NULL);
	g_autofree char *json = g_build_filename(folder, "a.json", NULL);
	g_autofree char *message = g_strconcat(folder, ": Is a directory", NULL);
	g_autoptr(GError) error = NULL;
	scoped(value) value = NULL;

	g_assert_true(g_file_set_contents(json, "{a: 1}", -1, NULL));
	value = document_read_file(json, FORGE_ERROR_CONFIGURATION_INVALID, &error);
	g_assert_null(value);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID);
	g_clear_error(&error);
	value = document_read_file(folder, FORGE_ERROR_VALIDATION_FAILED, &error);
	g_assert_null(value);
	g_assert_cmpstr(error->message, ==, message);
	g_clear_error(&error);
	value = document_read_file("/dev/zero", FORGE_ERROR_VALIDATION_FAILED, &error);
	g_assert_null(value);
	g_assert_cmpstr(error->message, ==, "/dev/zero: larger than 8388608 bytes");
	g_assert_cmpint(g_remove(json), ==, 0);
	g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/document/yaml_has_core_types", test_yaml_has_core_types);
	g_test_add_func("/document/what_is_wrong_is_refused_with_its_line",
		test_what_is_wrong_is_refused_with_its_line);
	g_test_add_func("/document/alias_bombs_are_refused", test_alias_bombs_are_refused);
	g_test_add_func("/document/aliases_cannot_nest_deeper_than_allowed",
		test_aliases_cannot_nest_deeper_than_allowed);
	g_test_add_func("/document/depth_is_bounded", test_depth_is_bounded);
	g_test_add_func(
		"/document/the_number_of_values_is_bounded", test_the_number_of_values_is_bounded);
	g_test_add_func("/document/many_values_are_refused_before_json_is_read",
		test_many_values_are_refused_before_json_is_read);
	g_test_add_func("/document/size_is_bounded", test_size_is_bounded);
	g_test_add_func("/document/many_keys_are_found_and_kept_in_order",
		test_many_keys_are_found_and_kept_in_order);
	g_test_add_func("/document/values_know_their_lines", test_values_know_their_lines);
	g_test_add_func("/document/json_is_indented_for_people", test_json_is_indented_for_people);
	g_test_add_func("/document/yaml_is_written_in_blocks", test_yaml_is_written_in_blocks);
	g_test_add_func("/document/what_is_written_reads_back_the_same",
		test_what_is_written_reads_back_the_same);
	g_test_add_func("/document/damaged_documents_never_break_the_reader",
		test_damaged_documents_never_break_the_reader);
	g_test_add_func(
		"/document/files_are_read_by_their_name", test_files_are_read_by_their_name);
	return g_test_run();
}
