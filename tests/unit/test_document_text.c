/* Where the values of a document stand, and that no text whatever makes reading it fail badly. */
#include "journal/base/document_text.h"

#include <glib.h>
#include <string.h>

#include "worker/document/document_edit.h"

static const struct document_origin origin = {"text", FORGE_ERROR_VALIDATION_FAILED};

struct place {
	const char *path;
	const char *text;  /* of the value, */
	const char *key;   /* its key, "" for none */
	const char *lines; /* and all that belongs to it */
};

static struct document_text *parse(enum document_format format, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct document_text *document = document_text_parse(
		format, &origin, text, strlen(text), &error);

	g_assert_no_error(error);
	return document;
}

static void expect_span(
	const struct document_text *text, struct document_span span, const char *wanted)
{
	g_autofree char *got = g_strndup(
		document_text_bytes(text) + span.begin, span.end - span.begin);

	g_assert_cmpuint(span.end, <=, document_text_size(text));
	g_assert_cmpstr(got, ==, wanted);
}

static void expect_places(
	enum document_format format, const char *bytes, const struct place *places, size_t count)
{
	scoped(document_text) text = parse(format, bytes);

	for (size_t i = 0; i < count; i++) {
		scoped(document_path) path = document_path_parse(places[i].path, NULL);
		const struct document_node *node = document_path_node(
			path, document_text_root(text));

		g_assert_nonnull(node);
		g_assert_true(node->value == document_path_value(path, document_text_value(text)));
		expect_span(text, node->text, places[i].text);
		expect_span(text, node->key, places[i].key);
		expect_span(text, node->lines, places[i].lines);
	}
}

static void block_entries_have_their_lines(void)
{
	static const struct place places[] = {
		{"a", "1", "a", "a: 1 # ü\n"},
		{"b", "c: 'x'\n    d:", "\"b\"", "# é\n\"b\":\n    # on c\n    c: 'x'\n    d:\n"},
		{"b.c", "'x'", "c", "    # on c\n    c: 'x'\n"},
		{"b.d", "", "d", "    d:\n"},
		{"e", "- f: 1\n  g: 2 # two\n  # deeper\n- |\n  h\n\n  i", "e",
			"e:\n- f: 1\n  g: 2 # two\n  # deeper\n- |\n  h\n\n  i\n"},
		{"e[0]", "f: 1\n  g: 2", "", "- f: 1\n  g: 2 # two\n  # deeper\n"},
		{"e[0].f", "1", "f", "f: 1\n"},
		{"e[1]", "|\n  h\n\n  i", "", "- |\n  h\n\n  i\n"},
		{"j", "{k: [1, 2], l: }", "j", "j: {k: [1, 2], l: }"},
		{"j.k", "[1, 2]", "k", "k: [1, 2]"},
		{"j.k[1]", "2", "", "2"},
		{"j.l", "", "l", "l:"},
	};

	expect_places(DOCUMENT_YAML,
		"\xef\xbb\xbf# first\n\na: 1 # ü\n# é\n\"b\":\n    # on c\n    c: 'x'\n    d:\n\n"
		"e:\n- f: 1\n  g: 2 # two\n  # deeper\n- |\n  h\n\n  i\n\n\nj: {k: [1, 2], l: }",
		places, G_N_ELEMENTS(places));
}

static void json_values_have_their_places(void)
{
	static const struct place places[] = {
		{"", "{\"a\": [1, \"\\\"é]\"], \"b.c\" : {}}", "",
			"{\"a\": [1, \"\\\"é]\"], \"b.c\" : {}}"},
		{"a", "[1, \"\\\"é]\"]", "\"a\"", "\"a\": [1, \"\\\"é]\"]"},
		{"a[1]", "\"\\\"é]\"", "", "\"\\\"é]\""},
		{"\"b.c\"", "{}", "\"b.c\"", "\"b.c\" : {}"},
	};

	expect_places(DOCUMENT_JSON, " {\"a\": [1, \"\\\"é]\"], \"b.c\" : {}}\n", places,
		G_N_ELEMENTS(places));
}

static void blank_lines_belong_only_to_texts_that_keep_them(void)
{
	static const struct place places[] = {
		{"a", "|\n x", "a", "a: |\n x\n"},
		{"b", "|+\n x\n\n", "b", "b: |+\n x\n\n\n"},
		{"c", ">-\n x\n   ", "c", "c: >-\n x\n   \n"},
	};

	expect_places(DOCUMENT_YAML, "a: |\n x\n\n\nb: |+\n x\n\n\nc: >-\n x\n   \n\n", places,
		G_N_ELEMENTS(places));
}

static void what_is_not_to_be_touched_is_marked(void)
{
	scoped(document_text) text = parse(
		DOCUMENT_YAML, "a: &x {b: 1}\nc: *x\nd: !!str 5\ne: &y\n  - 1\nf: 'x'\n");
	const struct document_node *root = document_text_root(text);

	g_assert_true(document_text_has_aliases(text));
	g_assert_true(document_node_member(root, "a")->is_anchor);
	g_assert_true(document_node_member(root, "c")->is_alias);
	g_assert_cmpint(document_node_member(root, "c")->kind, ==, VALUE_MAP);
	g_assert_null(document_node_child(document_node_member(root, "c"), 0));
	g_assert_null(document_node_member(document_node_member(root, "c"), "b"));
	g_assert_true(document_node_member(root, "d")->is_tagged);
	expect_span(text, document_node_member(root, "d")->text, "!!str 5");
	g_assert_true(document_node_member(root, "e")->is_anchor);
	expect_span(text, document_node_member(root, "e")->text, "&y\n  - 1");
	expect_span(text, document_node_child(document_node_member(root, "e"), 0)->entry, "- 1");
	g_assert_cmpint(document_node_member(root, "f")->style, ==, DOCUMENT_STYLE_SINGLE);
	g_assert_false(document_node_member(root, "f")->is_anchor);
}

static void columns_are_those_of_keys_and_dashes(void)
{
	scoped(document_text) text = parse(DOCUMENT_YAML, "a:\n  - b: 1\n    c: 2\n");
	const struct document_node *list = document_node_member(document_text_root(text), "a");
	const struct document_node *item = document_node_child(list, 0);

	g_assert_cmpuint(list->indent, ==, 0);
	g_assert_cmpuint(item->indent, ==, 2);
	g_assert_cmpuint(document_node_child(item, 0)->indent, ==, 4);
	g_assert_cmpuint(document_node_child(item, 1)->indent, ==, 4);
}

static void an_empty_document_is_a_null_at_its_end(void)
{
	scoped(document_text) text = parse(DOCUMENT_YAML, "# c\n");

	g_assert_cmpint(document_text_root(text)->kind, ==, VALUE_NULL);
	g_assert_cmpuint(document_text_root(text)->text.begin, ==, 4);
	g_assert_cmpuint(document_text_root(text)->text.end, ==, 4);
}

static void line_breaks_are_those_of_the_first_line(void)
{
	scoped(document_text) windows = parse(DOCUMENT_YAML, "a: 1\r\nb: 2\n");
	scoped(document_text) others = parse(DOCUMENT_YAML, "a: 1");

	g_assert_cmpstr(document_text_line_break(windows), ==, "\r\n");
	g_assert_cmpstr(document_text_line_break(others), ==, "\n");
}

/* ---- mangled texts ---- */

#define MANGLED_ROUNDS 20000

static const char *const seeds[] = {
	"# c\na: &x\n  - 1 # é\n  - {b: [c: d, e], ? f : , g}\nh: *x\n? i\n: |2-\n   j\n  k\n...\n",
	"%YAML 1.1\n--- !!map\n'a': \"b\\n\"\nc: >+\n d\n\n\n? - e\n",
	"- - - a\n    - b\n  -\n- !!str c: d\n-\t\n- ? [\n  ]\n: x\r\ny: \xc2\x85z\n",
	"{\"a\": [1, {\"b\": null}], \"c\": \"\\u00e9\\\"\", \"d\": -1e5}\n",
	"\xef\xbb\xbf\x61:\r\n  b: 1\r\n\r\n  # c\r\n  d: |+\r\n    e\r\n\r\nf: []",
};
static const char *const bits[] = {"\n", " ", "  ", "- ", ": ", ":", "? ", "&x ", "*x", "!t ", "#",
	"'", "\"", "[", "]", "{", "}", ",", "|\n", ">", "\r", "\t", "---\n", "...", "a: ", "é",
	"\xe2\x80\xa8", "\xff", "~", "<<: ", "%"};

static char *mangle(GRand *chance)
{
	GString *text = g_string_new(seeds[g_rand_int_range(chance, 0, G_N_ELEMENTS(seeds))]);

	for (int i = g_rand_int_range(chance, 0, 5); i > 0 && text->len > 1; i--) {
		gssize at = g_rand_int_range(chance, 0, (gint32)text->len);
		gssize size = g_rand_int_range(chance, 0, 4);

		if (g_rand_boolean(chance))
			g_string_erase(text, at, MIN(size, (gssize)text->len - at));
		else
			g_string_insert(
				text, at, bits[g_rand_int_range(chance, 0, G_N_ELEMENTS(bits))]);
	}
	return g_string_free(text, FALSE);
}

static void check_node(const struct document_text *text, const struct document_node *node)
{
	size_t floor = node->text.begin;

	g_assert_cmpuint(node->text.begin, <=, node->text.end);
	g_assert_cmpuint(node->text.end, <=, document_text_size(text));
	g_assert_cmpuint(node->lines.begin, <=, node->entry.begin);
	g_assert_cmpuint(node->entry.end, <=, node->lines.end);
	for (size_t i = 0; i < node->children->len; i++) {
		const struct document_node *child = document_node_child(node, i);

		if (child->entry.begin < floor || child->text.end > node->text.end)
			g_error("entry at %zu, text to %zu, within %zu to %zu of:\n%s",
				child->entry.begin, child->text.end, floor, node->text.end,
				document_text_bytes(text));
		floor = child->text.end;
		check_node(text, child);
	}
}

/* Every node is set, removed, added to; each result is proven by document_edit_apply(). */
static void edit_all(const struct document_text *text, const struct document_node *node)
{
	scoped(value) value = value_new_string("yes\nno");
	scoped(document_path) path = document_path_of(node);
	struct document_edit *edits[] = {
		document_edit_new_set(path, value, NULL, NULL),
		document_edit_new_remove(path),
		document_edit_new_insert(path, 0, value, NULL, NULL),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
		g_autoptr(GPtrArray) list = document_edits_new();
		GString *result;

		g_ptr_array_add(list, edits[i]);
		result = document_edit_apply(document_text_format(text), &origin,
			document_text_bytes(text), document_text_size(text), list, NULL);
		if (result)
			g_string_free(result, TRUE);
	}
	for (size_t i = 0; i < node->children->len; i++)
		edit_all(text, document_node_child(node, i));
}

static void mangled_documents_are_read_or_refused(void)
{
	g_autoptr(GRand) chance = g_rand_new_with_seed(1);
	unsigned read = 0;

	for (unsigned i = 0; i < MANGLED_ROUNDS; i++) {
		g_autofree char *bytes = mangle(chance);
		enum document_format format = i % 4 ? DOCUMENT_YAML : DOCUMENT_JSON;
		scoped(document_text)
			text = document_text_parse(format, &origin, bytes, strlen(bytes), NULL);

		if (!text)
			continue;
		read++;
		check_node(text, document_text_root(text));
		if (i % 8 < 2)
			edit_all(text, document_text_root(text));
	}
	g_assert_cmpuint(read, >, MANGLED_ROUNDS / 20);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/document_text/block_entries_have_their_lines", block_entries_have_their_lines);
	g_test_add_func(
		"/document_text/json_values_have_their_places", json_values_have_their_places);
	g_test_add_func("/document_text/blank_lines_belong_only_to_texts_that_keep_them",
		blank_lines_belong_only_to_texts_that_keep_them);
	g_test_add_func("/document_text/what_is_not_to_be_touched_is_marked",
		what_is_not_to_be_touched_is_marked);
	g_test_add_func("/document_text/columns_are_those_of_keys_and_dashes",
		columns_are_those_of_keys_and_dashes);
	g_test_add_func("/document_text/an_empty_document_is_a_null_at_its_end",
		an_empty_document_is_a_null_at_its_end);
	g_test_add_func("/document_text/line_breaks_are_those_of_the_first_line",
		line_breaks_are_those_of_the_first_line);
	g_test_add_func("/document_text/mangled_documents_are_read_or_refused",
		mangled_documents_are_read_or_refused);
	return g_test_run();
}
