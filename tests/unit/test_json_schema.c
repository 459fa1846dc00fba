#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/document/json_schema.h"

#define CASES "tests/cases/json_schema.jsonl"

static const struct document_origin origin = {"schema.json", FORGE_ERROR_VALIDATION_FAILED};

static struct value *json(const char *text)
{
	GError *error = NULL;
	struct value *value = document_parse(DOCUMENT_JSON, &origin, text, strlen(text), &error);

	g_assert_no_error(error);
	return value;
}

static struct json_schema *schema_of(const char *text)
{
	scoped(value) document = json(text);
	GError *error = NULL;
	struct json_schema *schema = json_schema_new(document, &origin, &error);

	g_assert_no_error(error);
	return schema;
}

/* Whether INSTANCE is valid, asked twice: with findings and without. */
static gboolean is_valid(const struct json_schema *schema, const struct value *instance)
{
	g_autoptr(GPtrArray) findings = schema_findings_new();
	GError *error = NULL;
	gboolean valid = json_schema_check(schema, NULL, instance, NULL, findings, &error);

	g_assert_no_error(error);
	g_assert_cmpint(valid, ==, findings->len == 0);
	g_assert_cmpint(valid, ==, json_schema_check(schema, NULL, instance, NULL, NULL, &error));
	g_assert_no_error(error);
	return valid;
}

static void every_case_of_the_file_is_judged_as_it_says(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	guint n = 0;

	g_assert_true(g_file_get_contents(CASES, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (gsize i = 0; lines[i] && *lines[i]; i++) {
		scoped(value) line = json(lines[i]);
		GError *error = NULL;
		scoped(json_schema)
			schema = json_schema_new(value_get(line, "schema"), &origin, &error);

		g_assert_no_error(error);
		if (is_valid(schema, value_get(line, "instance")) !=
			value_boolean(value_get(line, "valid"))) {
			g_test_message("line %" G_GSIZE_FORMAT ": %s", i + 1, lines[i]);
			g_test_fail();
		}
		n++;
	}
	g_assert_cmpuint(n, >=, 200);
}

static const struct {
	const char *schema;
	const char *instance;
	const char *findings; /* one a line */
} told[] = {
	{"{\"properties\":{\"config\":{\"properties\":{\"timeout\":{\"maximum\":120}}}}}",
		"{\"config\":{\"timeout\":600}}",
		"config.timeout: expected at most 120, found 600"},
	{"{\"minimum\":1.5}", "1", "expected at least 1.5, found 1"},
	{"{\"exclusiveMinimum\":1}", "1", "expected more than 1, found 1"},
	{"{\"exclusiveMaximum\":1}", "1", "expected less than 1, found 1"},
	{"{\"multipleOf\":5}", "7", "expected a multiple of 5, found 7"},
	{"{\"type\":\"integer\"}", "\"5\"", "expected a whole number, found \"5\""},
	{"{\"type\":[\"string\",\"null\"]}", "5", "expected text, or null, found 5"},
	{"{\"type\":\"object\"}", "[1,2]", "expected a map, found [1,2]"},
	{"{\"enum\":[\"fast\",\"safe\"]}", "\"slow\"", "expected one of fast, safe, found slow"},
	{"{\"enum\":[1,2,3,4,5,6,7,8,9,10]}", "0",
		"expected one of 1, 2, 3, 4, 5, 6, 7, 8 or 2 more, found 0"},
	{"{\"const\":true}", "\"true\"", "expected true, found \"true\""},
	{"{\"minLength\":1}", "\"\"", "expected at least 1 character, found 0"},
	{"{\"maxItems\":2}", "[1,2,3]", "expected at most 2 items, found 3"},
	{"{\"minProperties\":2}", "{}", "expected at least 2 fields, found 0"},
	{"{\"pattern\":\"^[a-z]+$\"}", "\"A b\"",
		"expected text that matches ^[a-z]+$, found \"A b\""},
	{"{\"required\":[\"name\",\"a.b\"]}", "{}",
		"name: required, but missing\n\"a.b\": required, but missing"},
	{"{\"dependentRequired\":{\"card\":[\"address\"]}}", "{\"card\":1}",
		"address: required where 'card' is, but missing"},
	{"{\"properties\":{\"timeout\":true},\"additionalProperties\":false}", "{\"tiemout\":1}",
		"tiemout: no such field is allowed here; did you mean 'timeout'?"},
	{"{\"properties\":{\"a\":false}}", "{\"a\":1}", "a: not allowed here"},
	{"{\"uniqueItems\":true}", "[1,2,1]",
		"items 1 and 3 are equal, but each may be there once"},
	{"{\"properties\":{\"l\":{\"items\":{\"type\":\"string\"}}}}", "{\"l\":[1,\"a\",2]}",
		"l[0]: expected text, found 1\nl[2]: expected text, found 2"},
	{"{\"contains\":{\"const\":1}}", "[]",
		"expected at least 1 of the items that it must contain, found 0"},
	{"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1",
		"has none of the 2 forms allowed here"},
	{"{\"anyOf\":[{\"type\":\"string\"}]}", "1", "expected text, found 1"},
	{"{\"oneOf\":[true,true]}", "1", "has 2 of the forms of which it must have one"},
	{"{\"not\":{}}", "1", "has a form that is excluded here"},
	{"{\"propertyNames\":{\"maxLength\":2}}", "{\"abc\":1}",
		"abc: expected at most 2 characters, found 3"},
	{"{\"$defs\":{\"n\":{\"type\":\"integer\"}},\"items\":{\"$ref\":\"#/$defs/n\"}}", "[\"a\"]",
		"[0]: expected a whole number, found a"},
	{"{\"if\":{\"const\":1},\"then\":{\"const\":2}}", "1", "expected 2, found 1"},
	{"{\"type\":\"integer\"}", "\"\\u001b[2J\\u202e\"",
		"expected a whole number, found \"\xef\xbf\xbd[2J\xef\xbf\xbd\""},
	{"{\"additionalProperties\":false}", "{\"\\u001b\":1}",
		"\"\\u001b\": no such field is allowed here"},
};

static void findings_name_the_path_and_the_rule(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(told); i++) {
		scoped(json_schema) schema = schema_of(told[i].schema);
		scoped(value) instance = json(told[i].instance);
		g_autoptr(GPtrArray) findings = schema_findings_new();
		g_autoptr(GString) text = g_string_new(NULL);

		g_assert_false(json_schema_check(schema, NULL, instance, NULL, findings, NULL));
		for (guint j = 0; j < findings->len; j++) {
			g_autofree char *line = schema_finding_text(findings->pdata[j]);

			g_string_append_printf(text, "%s%s", j > 0 ? "\n" : "", line);
		}
		g_assert_cmpstr(text->str, ==, told[i].findings);
	}
}

static const struct {
	const char *schema;
	const char *error; /* behind `schema.json:1: ` */
} refused[] = {
	{"5", "a schema must be a map, true or false"},
	{"{\"properties\":{\"a\":1}}", "a schema must be a map, true or false"},
	{"{\"properties\":[]}", "properties: expected a map of schemas"},
	{"{\"allOf\":{}}", "allOf: expected a list of schemas"},
	{"{\"anyOf\":[]}", "anyOf: expected at least one schema"},
	{"{\"minimum\":\"1\"}", "minimum: expected a number"},
	{"{\"exclusiveMinimum\":true}", "exclusiveMinimum: expected a number"},
	{"{\"multipleOf\":0}", "multipleOf: expected a number above 0"},
	{"{\"minLength\":-1}", "minLength: expected a whole number, 0 or more"},
	{"{\"maxItems\":1.5}", "maxItems: expected a whole number, 0 or more"},
	{"{\"required\":true}", "required: expected a list of names"},
	{"{\"required\":[1]}", "required: expected a list of names"},
	{"{\"dependentRequired\":{\"a\":\"b\"}}",
		"dependentRequired: expected a map of lists of names"},
	{"{\"enum\":1}", "enum: expected a list"},
	{"{\"uniqueItems\":1}", "uniqueItems: expected true or false"},
	{"{\"type\":\"float\"}",
		"type: expected null, boolean, integer, number, string, array or object, or a list of them"},
	{"{\"type\":[]}",
		"type: expected null, boolean, integer, number, string, array or object, or a list of them"},
	{"{\"pattern\":1}", "pattern: expected text"},
	{"{\"pattern\":\"(\"}", "pattern: '(': no regular expression"},
	{"{\"pattern\":\"a)(b\"}", "pattern: 'a)(b': no group begins before ')'"},
	{"{\"pattern\":\"[a\"}", "pattern: '[a': no regular expression"},
	{"{\"pattern\":\"*a\"}", "pattern: '*a': no regular expression"},
	{"{\"pattern\":\"a\\\\\"}", "pattern: 'a\\': it ends in a backslash"},
	{"{\"pattern\":\"\\\\Z\"}", "pattern: '\\Z': \\Z is no escape of ECMAScript"},
	{"{\"pattern\":\"\\\\a\"}", "pattern: '\\a': \\a is no escape of ECMAScript"},
	{"{\"pattern\":\"\\\\Qx\\\\E\"}", "pattern: '\\Qx\\E': \\Q is no escape of ECMAScript"},
	{"{\"pattern\":\"(?i)a\"}", "pattern: '(?i)a': '(?i' is no group of ECMAScript"},
	{"{\"pattern\":\"(?R)\"}", "pattern: '(?R)': '(?R' is no group of ECMAScript"},
	{"{\"pattern\":\"(?>a)\"}", "pattern: '(?>a)': '(?>' is no group of ECMAScript"},
	{"{\"pattern\":\"(*LIMIT_MATCH=1)a\"}",
		"pattern: '(*LIMIT_MATCH=1)a': nothing stands before the * of '(*'"},
	{"{\"pattern\":\"a++\"}", "pattern: 'a++': nothing stands before the last '+'"},
	{"{\"pattern\":\"\\\\u12\"}", "pattern: '\\u12': \\u wants four digits, or {…}"},
	{"{\"pattern\":\"\\\\ud800\"}", "pattern: '\\ud800': \\ud800 is no character"},
	{"{\"pattern\":\"\\\\p{Nonsense}\"}", "pattern: '\\p{Nonsense}': no regular expression"},
	{"{\"patternProperties\":{\"[\":{}}}", "patternProperties: '[': no regular expression"},
	{"{\"$ref\":1}", "$ref: expected text"},
	{"{\"$ref\":\"#/nowhere\"}", "$ref: '#/nowhere' leads nowhere"},
	{"{\"$ref\":\"#nobody\"}", "$ref: '#nobody' leads nowhere"},
	{"{\"$ref\":\"#/allOf/01\",\"allOf\":[{},{}]}", "$ref: '#/allOf/01' leads nowhere"},
	{"{\"$ref\":\"#/title\",\"title\":\"x\"}", "a schema must be a map, true or false"},
	{"{\"$ref\":\"https://example.com/s.json\"}",
		"$ref: 'https://example.com/s.json' is in another document, which is not read"},
	{"{\"$ref\":\"other.json#/a\"}",
		"$ref: 'other.json#/a' is in another document, which is not read"},
	{"{\"$dynamicRef\":\"#a\"}", "$dynamicRef: this reader of schemas lacks it"},
};

static void a_schema_that_makes_no_sense_is_refused(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
		scoped(value) document = json(refused[i].schema);
		g_autofree char *message = g_strconcat("schema.json:1: ", refused[i].error, NULL);
		g_autoptr(GError) error = NULL;

		g_assert_null(json_schema_new(document, &origin, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_assert_cmpstr(error->message, ==, message);
	}
}

static void a_part_of_a_schema_is_found_by_its_pointer(void)
{
	scoped(json_schema) schema = schema_of(
		"{\"properties\":{\"config\":{\"properties\":{\"timeout\":{\"maximum\":120}}}}}");
	scoped(value) instance = json("{\"timeout\":600}");
	g_autoptr(GPtrArray) findings = schema_findings_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	g_assert_true(json_schema_has(schema, "#/properties/config"));
	g_assert_false(json_schema_has(schema, "#/properties/other"));
	g_assert_false(json_schema_has(schema, "#/properties"));
	g_assert_false(json_schema_has(schema, "properties/config"));
	g_assert_false(json_schema_check(
		schema, "#/properties/config", instance, "config", findings, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(findings->len, ==, 1);
	text = schema_finding_text(findings->pdata[0]);
	g_assert_cmpstr(text, ==, "config.timeout: expected at most 120, found 600");
	g_assert_false(
		json_schema_check(schema, "#/properties/none", instance, NULL, findings, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_cmpstr(error->message, ==, "schema.json: no schema is at '#/properties/none'");
}

static void a_schema_outlives_its_document(void)
{
	struct value *document = json("{\"enum\":[\"a\"],\"pattern\":\"a\"}");
	scoped(json_schema) schema = json_schema_new(document, &origin, NULL);
	scoped(value) instance = value_new_string("a");

	value_free(document);
	g_assert_true(is_valid(schema, instance));
}

/* The check of INSTANCE must end in an error that says WHAT. */
static void assert_given_up(const char *schema_text, const char *instance_text, const char *what)
{
	scoped(json_schema) schema = schema_of(schema_text);
	scoped(value) instance = json(instance_text);
	g_autoptr(GPtrArray) findings = schema_findings_new();
	g_autoptr(GError) error = NULL;

	g_assert_false(json_schema_check(schema, NULL, instance, NULL, findings, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_nonnull(strstr(error->message, what));
}

static void references_in_a_circle_end(void)
{
	assert_given_up("{\"$ref\":\"#\"}", "1", "'#' leads back to itself");
	assert_given_up(
		"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}},"
		"\"$ref\":\"#/$defs/a\"}",
		"1", "leads back to itself");
	assert_given_up("{\"not\":{\"$ref\":\"#\"}}", "1", "leads back to itself");
	assert_given_up("{\"anyOf\":[{\"$ref\":\"#\"},true]}", "1", "leads back to itself");
}

/* Thirty schemas, each asking the next one twice: a thousand million questions. */
static void questions_that_multiply_end(void)
{
	g_autoptr(GString) schema = g_string_new("{\"$ref\":\"#/$defs/s0\",\"$defs\":{");

	for (int i = 0; i < 30; i++)
		g_string_append_printf(schema,
			"\"s%d\":{\"allOf\":[{\"$ref\":\"#/$defs/s%d\"},{\"$ref\":\"#/$defs/s%d\"}]},",
			i, i + 1, i + 1);
	g_string_append(schema, "\"s30\":{\"type\":\"integer\"}}}");
	assert_given_up(schema->str, "1", "takes more than");
}

static void catastrophic_patterns_end(void)
{
	assert_given_up("{\"pattern\":\"^(a+)+$\"}",
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"", "it goes back too often");
	assert_given_up("{\"pattern\":\"^(([a-z])+.)+[A-Z]([a-z])+$\"}",
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "it goes back too often");
	assert_given_up("{\"patternProperties\":{\"^(a|a)*$\":true}}",
		"{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\":1}",
		"it goes back too often");
	assert_given_up("{\"not\":{\"pattern\":\"^(a+)+$\"}}",
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"", "it goes back too often");
}

static char *repeat(const char *text, gsize n)
{
	GString *result = g_string_new(NULL);

	for (gsize i = 0; i < n; i++)
		g_string_append(result, text);
	return g_string_free(result, FALSE);
}

static void a_text_too_long_for_patterns_is_an_error(void)
{
	g_autofree char *letters = repeat("a", LIMIT_PATTERN_SEARCHED_BYTES + 1);
	g_autofree char *instance = g_strdup_printf("\"%s\"", letters);

	assert_given_up("{\"pattern\":\"a*b\"}", instance, "a text longer than");
}

/* Searched from every place anew, each of these would take a second. */
static void patterns_that_are_slow_from_every_place_end(void)
{
	scoped(value) list = value_new_list();
	scoped(json_schema)
		schema = schema_of("{\"items\":{\"not\":{\"pattern\":\"[xz]*[xw]*[yq]\"}}}");
	g_autofree char *text = repeat("x", 1000);
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 3000; i++)
		value_append_take(list, value_new_string(text));
	g_assert_false(json_schema_check(schema, NULL, list, NULL, NULL, &error));
	g_assert_nonnull(error);
}

static void a_long_text_that_must_begin_so_is_matched(void)
{
	g_autofree char *letters = repeat("a", LIMIT_PATTERN_ANCHORED_BYTES);
	scoped(value) instance = value_new_string(letters);
	scoped(json_schema) schema = schema_of("{\"pattern\":\"^a+$\"}");

	g_assert_true(is_valid(schema, instance));
}

static void a_long_pattern_is_refused(void)
{
	g_autofree char *letters = repeat("a", LIMIT_PATTERN_BYTES + 1);
	g_autofree char *text = g_strdup_printf("{\"pattern\":\"%s\"}", letters);
	scoped(value) document = json(text);
	g_autoptr(GError) error = NULL;

	g_assert_null(json_schema_new(document, &origin, &error));
	g_assert_nonnull(strstr(error->message, "longer than"));
}

static void a_huge_list_is_searched_for_doubles_once(void)
{
	scoped(json_schema) schema = schema_of("{\"uniqueItems\":true}");
	scoped(value) list = value_new_list();

	for (int i = 0; i < 150000; i++)
		value_append_take(list, value_new_integer(i));
	g_assert_true(is_valid(schema, list));
	value_append_take(list, value_new_real(149999.0));
	g_assert_false(is_valid(schema, list));
}

static void a_huge_enum_is_looked_up(void)
{
	scoped(value) document = value_new_map();
	scoped(value) list = value_new_list();
	scoped(value) schema_document = value_new_map();
	struct value *choices = value_new_list();
	scoped(json_schema) schema = NULL;

	for (int i = 0; i < 50000; i++) {
		value_append_take(choices, value_new_integer(i));
		value_append_take(list, value_new_integer(49999 - i));
	}
	value_put_take(document, "enum", choices);
	value_put_take(schema_document, "items", value_copy(document));
	schema = json_schema_new(schema_document, &origin, NULL);
	g_assert_true(is_valid(schema, list));
}

static void findings_are_so_many_and_no_more(void)
{
	scoped(json_schema) schema = schema_of("{\"items\":{\"type\":\"string\"}}");
	scoped(value) list = value_new_list();
	g_autoptr(GPtrArray) findings = schema_findings_new();

	for (int i = 0; i < 1000; i++)
		value_append_take(list, value_new_integer(i));
	g_assert_false(json_schema_check(schema, NULL, list, NULL, findings, NULL));
	g_assert_cmpuint(findings->len, ==, LIMIT_SCHEMA_FINDINGS);
}

/* A value that is nested deeper than any document. */
static void depth_ends(void)
{
	scoped(json_schema) schema = schema_of("{\"items\":{\"$ref\":\"#\"}}");
	struct value *deep = value_new_list();
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 5000; i++) {
		struct value *list = value_new_list();

		value_append_take(list, deep);
		deep = list;
	}
	g_assert_false(json_schema_check(schema, NULL, deep, NULL, NULL, &error));
	g_assert_nonnull(strstr(error->message, "goes deeper than"));
	value_free(deep);
}

static void too_many_patterns_are_refused(void)
{
	scoped(value) document = value_new_map();
	struct value *patterns = value_new_map();
	g_autoptr(GError) error = NULL;

	for (int i = 0; i <= LIMIT_SCHEMA_PATTERNS; i++) {
		g_autofree char *pattern = g_strdup_printf("^x%d$", i);

		value_put_take(patterns, pattern, value_new_boolean(TRUE));
	}
	value_put_take(document, "patternProperties", patterns);
	g_assert_null(json_schema_new(document, &origin, &error));
	g_assert_nonnull(strstr(error->message, "too many patterns"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/json_schema/" #name, name)
	TEST(every_case_of_the_file_is_judged_as_it_says);
	TEST(findings_name_the_path_and_the_rule);
	TEST(a_schema_that_makes_no_sense_is_refused);
	TEST(a_part_of_a_schema_is_found_by_its_pointer);
	TEST(a_schema_outlives_its_document);
	TEST(references_in_a_circle_end);
	TEST(questions_that_multiply_end);
	TEST(catastrophic_patterns_end);
	TEST(a_text_too_long_for_patterns_is_an_error);
	TEST(patterns_that_are_slow_from_every_place_end);
	TEST(a_long_text_that_must_begin_so_is_matched);
	TEST(a_long_pattern_is_refused);
	TEST(a_huge_list_is_searched_for_doubles_once);
	TEST(a_huge_enum_is_looked_up);
	TEST(findings_are_so_many_and_no_more);
	TEST(depth_ends);
	TEST(too_many_patterns_are_refused);
#undef TEST
	return g_test_run();
}
