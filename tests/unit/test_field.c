/*
 * Field tables against documents: one struct with a field of every type, and what each document
 * makes of it. Amounts with units, which fields are written in, have their rows here too.
 */
#include <glib.h>
#include <string.h>

#include "journal/base/amount.h"
#include "journal/base/field.h"
#include "journal/base/limits.h"

struct part {
	char *name;
	char *path;
	uint64_t weight;
};

struct thing {
	char *title;
	int colour;
	gboolean shiny;
	uint64_t count;
	uint64_t bytes;
	uint64_t wait_ms;
	char **tags;
	GPtrArray *parts;
	GPtrArray *named;
};

static const char *const colours[] = {"red", "green", NULL};

static const char *check_title(const char *text)
{
	return strchr(text, '!') ? "must not shout" : NULL;
}

static const struct field part_fields[] = {
	{"path", FIELD_STRING, offsetof(struct part, path), .required = TRUE, .min = 1},
	{"weight", FIELD_COUNT, offsetof(struct part, weight), .fallback = "7"},
};

static const struct field_table part_table = {
	.fields = part_fields,
	.count = G_N_ELEMENTS(part_fields),
	.size = sizeof(struct part),
	.name_offset = offsetof(struct part, name),
};

static const struct field thing_fields[] = {
	{"about.title", FIELD_STRING, offsetof(struct thing, title), .required = TRUE, .min = 2,
		.max = 10, .check = check_title},
	{"about.colour", FIELD_ENUM, offsetof(struct thing, colour), .fallback = "green",
		.words = colours},
	{"shiny", FIELD_BOOLEAN, offsetof(struct thing, shiny)},
	{"count", FIELD_COUNT, offsetof(struct thing, count), .min = 2, .max = 5, .fallback = "3"},
	{"bytes", FIELD_BYTES, offsetof(struct thing, bytes)},
	{"wait", FIELD_DURATION, offsetof(struct thing, wait_ms)},
	{"tags", FIELD_STRINGS, offsetof(struct thing, tags), .max = 3},
	{"parts", FIELD_STRUCTS, offsetof(struct thing, parts), .items = &part_table},
	{"named", FIELD_NAMED, offsetof(struct thing, named), .items = &part_table},
};

static const struct field_table thing_table = {
	.fields = thing_fields,
	.count = G_N_ELEMENTS(thing_fields),
	.size = sizeof(struct thing),
};

static const struct document_origin origin = {
	.name = "t", .invalid = FORGE_ERROR_VALIDATION_FAILED};

static struct thing *read_thing(
	enum document_format format, const char *text, unsigned *lines, GError **error)
{
	scoped(value) document = document_parse(format, &origin, text, strlen(text), error);

	return document ? field_read(&thing_table, document, &origin, lines, error) : NULL;
}

static void test_every_type_is_read(void)
{
	g_autoptr(GError) error = NULL;
	unsigned lines[G_N_ELEMENTS(thing_fields)];
	struct thing *thing = read_thing(DOCUMENT_YAML,
		"about:\n  title: 1.10\n  colour: red\nshiny: true\ncount: 5\nbytes: 2KiB\nwait: 2m\n"
		"tags: [a, 007]\nparts:\n- path: p\n  weight: 1\n- {path: q}\nnamed:\n  n.1: {path: r}\n",
		lines, &error);
	const struct part *part;

	g_assert_no_error(error);
	g_assert_cmpstr(thing->title, ==, "1.10"); /* as written, not the number 1.1 */
	g_assert_cmpint(thing->colour, ==, 0);
	g_assert_true(thing->shiny);
	g_assert_cmpuint(thing->count, ==, 5);
	g_assert_cmpuint(thing->bytes, ==, 2048);
	g_assert_cmpuint(thing->wait_ms, ==, 120000);
	g_assert_cmpstr(thing->tags[1], ==, "007");
	g_assert_null(thing->tags[2]);
	g_assert_cmpuint(thing->parts->len, ==, 2);
	part = g_ptr_array_index(thing->parts, 1);
	g_assert_cmpstr(part->path, ==, "q");
	g_assert_cmpuint(part->weight, ==, 7);
	part = g_ptr_array_index(thing->named, 0);
	g_assert_cmpstr(part->name, ==, "n.1");
	g_assert_cmpuint(lines[0], ==, 2);
	g_assert_cmpuint(lines[3], ==, 5);
	g_assert_cmpuint(lines[7], ==, 9);
	field_free(&thing_table, thing);
}

static void test_what_nobody_says_has_its_fallback(void)
{
	unsigned lines[G_N_ELEMENTS(thing_fields)];
	struct thing *thing = read_thing(
		DOCUMENT_JSON, "{\"about\": {\"title\": \"ok\"}, \"count\": null}", lines, NULL);

	g_assert_cmpint(thing->colour, ==, 1);
	g_assert_false(thing->shiny);
	g_assert_cmpuint(thing->count, ==, 3);
	g_assert_cmpuint(lines[3], ==, 0);
	g_assert_null(thing->tags);
	g_assert_cmpuint(thing->parts->len, ==, 0);
	field_free(&thing_table, thing);
}

static const struct {
	const char *text;
	const char *message;
} refusals[] = {
	{"{}", "t:1: about.title: is missing"},
	{"", "t:1: about.title: is missing"},
	{"[]", "t:1: expected a map of keys"},
	{"about: {title: x}", "t:1: about.title: too short"},
	{"about: {title: ''}", "t:1: about.title: must not be empty"},
	{"about: {title: 12345678901}", "t:1: about.title: longer than 10 bytes"},
	{"about: {title: hey!}", "t:1: about.title: must not shout"},
	{"about: {title: [a]}", "t:1: about.title: expected text"},
	{"about: {title: true}", "t:1: about.title: expected text"},
	{"about:\n  title: ok\n  colour: blue", "t:3: about.colour: expected one of red, green"},
	{"about:\n  title: ok\n  color: red",
		"t:3: about.color: unknown key; did you mean 'colour'?"},
	{"about: {title: ok}\nabuot: {}", "t:2: abuot: unknown key; did you mean 'about'?"},
	{"about: {title: ok}\n\nzzz: 1", "t:3: zzz: unknown key"},
	{"about.title: ok", "t:1: about.title: unknown key"},
	{"about: text", "t:1: about: expected a map of keys"},
	{"shiny: 1", "t:1: shiny: expected true or false"},
	{"shiny: 'true'", "t:1: shiny: expected true or false"},
	{"count: 1", "t:1: count: expected a whole number from 2 to 5"},
	{"count: 99999999999999999999", "t:1: count: expected a whole number"},
	{"count: 3.0", "t:1: count: expected a whole number"},
	{"bytes: -1", "t:1: bytes: expected a size such as 20GB"},
	{"bytes: 1.5GB", "t:1: bytes: expected a size such as 20GB"},
	{"wait: 5", "t:1: wait: expected a duration such as 30s"},
	{"tags: a", "t:1: tags: expected a list"},
	{"tags: [a, b, c, d]", "t:1: tags: more than 3"},
	{"tags:\n- a\n- [b]", "t:3: tags[1]: expected text"},
	{"tags:\n- a\n- ''", "t:3: tags[1]: must not be empty"},
	{"parts: {path: x}", "t:1: parts: expected a list"},
	{"parts:\n- path: p\n- weight: 1", "t:3: parts[1].path: is missing"},
	{"parts:\n- p", "t:2: parts[0]: expected a map of keys"},
	{"parts:\n- path: p\n  wieght: 1",
		"t:3: parts[0].wieght: unknown key; did you mean 'weight'?"},
	{"named:\n  n.1:\n    weight: many", "t:3: named.n.1.weight: expected a whole number"},
};

static void test_refusals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_autoptr(GError) error = NULL;
		struct thing *thing = read_thing(DOCUMENT_YAML, refusals[i].text, NULL, &error);

		g_assert_null(thing);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_assert_cmpstr(error->message, ==, refusals[i].message);
	}
}

static void test_json_has_no_text_without_quotes(void)
{
	g_autoptr(GError) error = NULL;
	struct thing *thing = read_thing(
		DOCUMENT_JSON, "{\"about\":\n{\"title\": 42}}", NULL, &error);

	g_assert_null(thing);
	g_assert_cmpstr(error->message, ==, "t:2: about.title: expected text");
}

static void test_text_sets_a_field_and_reads_back(void)
{
	static const struct {
		const char *path, *text, *back;
	} rows[] = {
		{"about.title", "hello", "hello"},
		{"about.colour", "red", "red"},
		{"shiny", "true", "true"},
		{"count", "4", "4"},
		{"bytes", "20000000000", "20GB"},
		{"wait", "90s", "90s"},
		{"wait", "0", "0ms"},
		{"tags", "a, b", "a,b"},
	};
	struct thing *thing = field_new(&thing_table);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(thing_fields); j++) {
			g_autofree char *back = NULL;

			if (strcmp(thing_fields[j].path, rows[i].path) != 0)
				continue;
			g_assert_true(
				field_set(&thing_fields[j], thing, rows[i].text, &origin, NULL));
			back = field_text(&thing_fields[j], thing);
			g_assert_cmpstr(back, ==, rows[i].back);
		}
	}
	field_free(&thing_table, thing);
}

static void test_bad_text_leaves_the_field_as_it_was(void)
{
	g_autoptr(GError) error = NULL;
	struct thing *thing = field_new(&thing_table);

	g_assert_false(field_set(&thing_fields[3], thing, "9", &origin, &error));
	g_assert_cmpstr(error->message, ==, "t: expected a whole number from 2 to 5");
	g_assert_cmpuint(thing->count, ==, 3);
	g_clear_error(&error);
	g_assert_true(field_set(&thing_fields[6], thing, "a,b", &origin, NULL));
	g_assert_false(field_set(&thing_fields[6], thing, "a,,b", &origin, &error));
	g_assert_cmpstr(error->message, ==, "t: must not be empty");
	g_assert_cmpuint(g_strv_length(thing->tags), ==, 2);
	field_free(&thing_table, thing);
	field_free(&thing_table, NULL);
}

static const struct {
	const char *text;
	guint64 amount; /* G_MAXUINT64: refused */
	const char *back;
} sizes[] =
	{
		{"0", 0, "0B"},
		{"20GB", 20000000000, "20GB"},
		{"20gb", 20000000000, "20GB"},
		{"1024", 1024, "1KiB"},
		{"1MiB", 1048576, "1MiB"},
		{"1500", 1500, "1500B"},
		{"16777215TiB", 16777215 * (UINT64_C(1) << 40), "16777215TiB"},
		{"16777216TiB", G_MAXUINT64, NULL},
		{"20 GB", G_MAXUINT64, NULL},
		{"GB", G_MAXUINT64, NULL},
		{"-1", G_MAXUINT64, NULL},
		{"+1", G_MAXUINT64, NULL},
		{"1G", G_MAXUINT64, NULL},
		{"", G_MAXUINT64, NULL},
},
  durations[] = {
	  {"0", 0, "0ms"},
	  {"30s", 30000, "30s"},
	  {"90s", 90000, "90s"},
	  {"15m", 900000, "15m"},
	  {"1500ms", 1500, "1500ms"},
	  {"48h", 172800000, "2d"},
	  {"30", G_MAXUINT64, NULL},
	  {"1.5s", G_MAXUINT64, NULL},
	  {"s", G_MAXUINT64, NULL},
};

static void test_sizes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		uint64_t bytes = G_MAXUINT64;
		gboolean good = amount_parse_bytes(sizes[i].text, &bytes);
		g_autofree char *back = good ? amount_format_bytes(bytes) : NULL;

		g_assert_cmpuint(bytes, ==, sizes[i].amount);
		g_assert_cmpstr(back, ==, sizes[i].back);
	}
}

static void test_durations(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(durations); i++) {
		uint64_t ms = G_MAXUINT64;
		gboolean good = amount_parse_ms(durations[i].text, &ms);
		g_autofree char *back = good ? amount_format_ms(ms) : NULL;

		g_assert_cmpuint(ms, ==, durations[i].amount);
		g_assert_cmpstr(back, ==, durations[i].back);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/field/every_type_is_read", test_every_type_is_read);
	g_test_add_func(
		"/field/what_nobody_says_has_its_fallback", test_what_nobody_says_has_its_fallback);
	g_test_add_func("/field/bad_values_are_refused_by_line_and_path", test_refusals);
	g_test_add_func(
		"/field/json_has_no_text_without_quotes", test_json_has_no_text_without_quotes);
	g_test_add_func(
		"/field/text_sets_a_field_and_reads_back", test_text_sets_a_field_and_reads_back);
	g_test_add_func("/field/bad_text_leaves_the_field_as_it_was",
		test_bad_text_leaves_the_field_as_it_was);
	g_test_add_func("/amount/sizes", test_sizes);
	g_test_add_func("/amount/durations", test_durations);
	return g_test_run();
}
