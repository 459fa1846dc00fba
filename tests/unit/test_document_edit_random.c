/*
 * Edits of random documents. Texts are made with comments, blank lines, quotes, brackets and blocks
 * at random; each edit must succeed, mean what it says, and leave every byte outside of the
 * collection that it is in (or, for a value that is there, outside of that value's entry) alone.
 */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "worker/document/document_edit.h"

#define ROUNDS 2000
#define DEPTH_MOST 4

static const struct document_origin origin = {"random", FORGE_ERROR_VALIDATION_FAILED};

struct maker {
	GRand *chance;
	GString *text;
	const char *line_break;
	unsigned unit;
	gboolean comments;
};

static unsigned roll(struct maker *maker, unsigned sides)
{
	return (unsigned)g_rand_int_range(maker->chance, 0, (gint32)sides);
}

static void put(struct maker *maker, const char *text)
{
	g_string_append(maker->text, text);
}

static void put_spaces(struct maker *maker, unsigned count)
{
	while (count-- > 0)
		put(maker, " ");
}

static void put_comment(struct maker *maker)
{
	static const char *const comments[] = {" # c", "  # - a: b", " #", "   # é \"x", "\t# tab"};

	if (maker->comments && roll(maker, 4) == 0)
		put(maker, comments[roll(maker, G_N_ELEMENTS(comments))]);
}

static void put_lines_above(struct maker *maker, unsigned column)
{
	if (roll(maker, 8) == 0)
		put(maker, maker->line_break);
	if (maker->comments && roll(maker, 5) == 0) {
		put_spaces(maker, roll(maker, 4) ? column : roll(maker, 6));
		put(maker, "# about: {it}");
		put(maker, maker->line_break);
	}
	if (roll(maker, 16) == 0)
		put(maker, maker->line_break);
}

static void put_flow(struct maker *maker, unsigned depth);

static void put_flow_scalar(struct maker *maker)
{
	static const char *const scalars[] = {"1", "-2.50", "true", "null", "word", "'it''s'",
		"\"q\\\"\\n\"", "\"\"", "a b", "\"é: #\"", "'{'", "0x1F"};

	put(maker, scalars[roll(maker, G_N_ELEMENTS(scalars))]);
}

static void put_flow(struct maker *maker, unsigned depth)
{
	unsigned count = roll(maker, 4);
	gboolean is_map = roll(maker, 2) == 0;
	gboolean lines = roll(maker, 4) == 0;

	if (depth >= DEPTH_MOST || roll(maker, 2) == 0) {
		put_flow_scalar(maker);
		return;
	}
	put(maker, is_map ? "{" : "[");
	for (unsigned i = 0; i < count; i++) {
		if (lines) {
			put_comment(maker);
			put(maker, maker->line_break);
			put_spaces(maker, 12 + 2 * depth);
		}
		if (is_map)
			g_string_append_printf(maker->text, "f%u: ", i);
		put_flow(maker, depth + 1);
		if (i + 1 < count || roll(maker, 6) == 0)
			put(maker, lines ? "," : ", ");
	}
	if (lines) {
		put_comment(maker);
		put(maker, maker->line_break);
		put_spaces(maker, 12);
	}
	put(maker, is_map ? "}" : "]");
}

static void put_block_text(struct maker *maker, unsigned column)
{
	static const char *const headers[] = {"|", "|-", ">", ">-", "|+"};

	put(maker, headers[roll(maker, G_N_ELEMENTS(headers))]);
	put_comment(maker);
	for (unsigned i = roll(maker, 3) + 1; i > 0; i--) {
		put(maker, maker->line_break);
		put_spaces(maker, column + 1);
		put(maker, roll(maker, 3) ? "text: of block" : "# no comment");
	}
	put(maker, maker->line_break);
	if (roll(maker, 4) == 0)
		put(maker, maker->line_break);
}

/* What stands behind a colon or dash in a line, and the line's end. */
static void put_scalar(struct maker *maker, unsigned column)
{
	static const char *const scalars[] = {"1", "-2.50", "true", "~", "", "word", "'it''s'",
		"\"q\\\"\\n\"", "two words", "http://x/y#z", "é ü"};

	put(maker, " ");
	switch (roll(maker, 8)) {
	case 0:
		put_block_text(maker, column);
		return;
	case 1:
		put_flow(maker, 1);
		break;
	case 2:
		put(maker, "plain");
		put(maker, maker->line_break);
		put_spaces(maker, column + 3);
		put(maker, "continued");
		break;
	case 3:
		put(maker, "\"quoted");
		put(maker, maker->line_break);
		put_spaces(maker, column + 2);
		put(maker, "# on\"");
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		put(maker, scalars[roll(maker, G_N_ELEMENTS(scalars))]);
		break;
	}
	put_comment(maker);
	put(maker, maker->line_break);
}

static void put_map(struct maker *maker, unsigned column, unsigned depth, gboolean begun);

/* Dashes at COLUMN; the first behind what is in the line already if BEGUN. */
static void put_list(struct maker *maker, unsigned column, unsigned depth, gboolean begun)
{
	unsigned count = roll(maker, 3) + 1;

	for (unsigned i = 0; i < count; i++) {
		if (i > 0 || !begun) {
			put_lines_above(maker, column);
			put_spaces(maker, column);
		}
		put(maker, "-");
		if (depth >= DEPTH_MOST || roll(maker, 2) == 0) {
			put_scalar(maker, column);
		} else if (roll(maker, 5) == 0) {
			put_comment(maker);
			put(maker, maker->line_break);
			put_map(maker, column + maker->unit, depth + 1, FALSE);
		} else {
			put(maker, " ");
			if (roll(maker, 3) == 0)
				put_list(maker, column + 2, depth + 1, TRUE);
			else
				put_map(maker, column + 2, depth + 1, TRUE);
		}
	}
}

static void put_map(struct maker *maker, unsigned column, unsigned depth, gboolean begun)
{
	static const char *const keys[][2] = {
		{"k", ":"}, {"\"q.", "\":"}, {"'s ", "':"}, {"long-key_", " :"}};
	unsigned count = roll(maker, 4) + 1;

	for (unsigned i = 0; i < count; i++) {
		const char *const *key = keys[roll(maker, 3) ? 0 : roll(maker, 4)];

		if (i > 0 || !begun) {
			put_lines_above(maker, column);
			put_spaces(maker, column);
		}
		g_string_append_printf(maker->text, "%s%u%s", key[0], i, key[1]);
		if (depth >= DEPTH_MOST || roll(maker, 2) == 0) {
			put_scalar(maker, column);
			continue;
		}
		put_comment(maker);
		put(maker, maker->line_break);
		if (roll(maker, 3) == 0)
			put_list(maker, column + roll(maker, 2) * 2, depth + 1, FALSE);
		else
			put_map(maker, column + maker->unit, depth + 1, FALSE);
	}
}

static void put_json(struct maker *maker, unsigned depth, unsigned margin)
{
	static const char *const scalars[] = {
		"1", "-2.50", "true", "null", "\"\"", "\"\\u00e9 \\\"\"", "\"a, # {b}\"", "1e3"};
	unsigned count = roll(maker, 4);
	gboolean is_map = depth == 0 || roll(maker, 2) == 0;
	gboolean lines = maker->unit && roll(maker, 3) > 0;

	if (depth >= DEPTH_MOST || (depth > 0 && roll(maker, 2) == 0)) {
		put(maker, scalars[roll(maker, G_N_ELEMENTS(scalars))]);
		return;
	}
	put(maker, is_map ? "{" : "[");
	for (unsigned i = 0; i < count; i++) {
		if (lines) {
			put(maker, maker->line_break);
			put_spaces(maker, margin + maker->unit);
		}
		if (is_map)
			g_string_append_printf(maker->text, "\"k.%u\": ", i);
		put_json(maker, depth + 1, margin + maker->unit);
		if (i + 1 < count)
			put(maker, lines ? "," : ", ");
	}
	if (lines && count > 0) {
		put(maker, maker->line_break);
		put_spaces(maker, margin);
	}
	put(maker, is_map ? "}" : "]");
}

static void make_text(struct maker *maker, enum document_format format)
{
	maker->line_break = roll(maker, 4) ? "\n" : "\r\n";
	maker->unit = 2 + 2 * roll(maker, 2);
	maker->comments = roll(maker, 5) > 0;
	if (roll(maker, 8) == 0)
		put(maker, "\xef\xbb\xbf");
	if (format == DOCUMENT_JSON)
		put_json(maker, 0, 0);
	else if (roll(maker, 4))
		put_map(maker, 0, 0, FALSE);
	else
		put_list(maker, 0, 0, FALSE);
	if (format == DOCUMENT_YAML && roll(maker, 6) == 0)
		g_string_truncate(maker->text, maker->text->len - strlen(maker->line_break));
}

/* ---- edits ---- */

static struct value *random_value(struct maker *maker, unsigned depth)
{
	static const char *const strings[] = {"word", "two words", "yes", "60", "", "a: b", "# c",
		"one\ntwo\n", "one\ntwo", " lead", "tab\tbed", "é", "1:30", "- x", "it's \"q\"",
		"{x}", "a\n\n", "\x01"};
	struct value *value;

	switch (roll(maker, depth < 2 ? 8 : 5)) {
	case 0:
		return value_new_integer((int64_t)roll(maker, 1000) - 500);
	case 1:
		return roll(maker, 2) ? value_new_real(0.1 * roll(maker, 100))
				      : value_new_boolean(roll(maker, 2) == 0);
	case 2:
		return value_new_null();
	case 3:
	case 4:
		return value_new_string(strings[roll(maker, G_N_ELEMENTS(strings))]);
	case 5:
		value = value_new_list();
		for (unsigned i = roll(maker, 3); i > 0; i--)
			value_append_take(value, random_value(maker, depth + 1));
		return value;
	case 6:
	case 7:
		value = value_new_map();
		for (unsigned i = 0; i < roll(maker, 3); i++) {
			g_autofree char *key = g_strdup_printf("m%u", i);

			value_put_take(value, key, random_value(maker, depth + 1));
		}
		return value;
	}
	g_assert_not_reached();
}

static const struct document_node *random_node(
	struct maker *maker, const struct document_node *node)
{
	while (node->children->len > 0 && roll(maker, 5) > 0)
		node = document_node_child(node, roll(maker, node->children->len));
	return node;
}

static size_t same_at_begin(const char *a, const char *b)
{
	size_t at = 0;

	while (a[at] != '\0' && a[at] == b[at])
		at++;
	return at;
}

static size_t same_at_end(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t count = 0;

	while (count < a_size && count < b_size && a[a_size - 1 - count] == b[b_size - 1 - count])
		count++;
	return count;
}

/* What may change: NEAR's entry; of the root, all from its first comment on. */
static gboolean leaves_rest(
	const struct document_text *text, const struct document_node *near, const GString *result)
{
	const char *bytes = document_text_bytes(text);
	size_t size = document_text_size(text);
	size_t begin = MIN(near->entry.begin, near->lines.begin);
	size_t end = MAX(near->lines.end, near->text.end);

	if (near->children->len > 0)
		begin = MIN(begin, document_node_child(near, 0)->lines.begin);
	return same_at_begin(bytes, result->str) >= begin &&
		(!near->parent || same_at_end(bytes, size, result->str, result->len) >= size - end);
}

static struct document_edit *random_edit(struct maker *maker, const struct document_node *node,
	struct document_path *path, const struct value *value, const struct document_node **near)
{
	*near = node;
	if (node->kind == VALUE_MAP && roll(maker, 2)) {
		document_path_append_key(path, "new");
		if (roll(maker, 3) == 0)
			document_path_append_key(path, "new.er");
		return document_edit_new_set(path, value, NULL, NULL);
	}
	if (node->kind == VALUE_LIST && roll(maker, 2))
		return document_edit_new_insert(
			path, roll(maker, node->children->len + 1), value, NULL, NULL);
	if (node->parent && roll(maker, 3) == 0) {
		*near = node->parent;
		return document_edit_new_remove(path);
	}
	return document_edit_new_set(path, value, NULL, NULL);
}

/* FALSE if chance made no document. */
static gboolean one_round(guint32 seed, enum document_format format)
{
	g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
	g_autoptr(GString) made = g_string_new(NULL);
	struct maker maker = {.chance = chance, .text = made};
	g_autoptr(GPtrArray) edits = document_edits_new();
	g_autoptr(GError) error = NULL;
	scoped(document_text) text = NULL;
	scoped(document_path) path = NULL;
	g_autofree char *path_text = NULL;
	scoped(value) value = NULL;
	const struct document_node *near, *node;
	GString *result;

	make_text(&maker, format);
	text = document_text_parse(format, &origin, made->str, made->len, NULL);
	if (!text)
		return FALSE;
	node = random_node(&maker, document_text_root(text));
	path = document_path_of(node);
	value = random_value(&maker, 0);
	g_ptr_array_add(edits, random_edit(&maker, node, path, value, &near));
	path_text = document_path_format(path);
	result = document_edit_apply(format, &origin, made->str, made->len, edits, &error);
	if (!result || !leaves_rest(text, near, result)) {
		g_autofree char *shown = document_write_json(value, DOCUMENT_COMPACT);

		g_test_message("seed %u: %s: %s = %s\n%s", seed,
			result ? result->str : error->message, path_text, shown, made->str);
		g_test_fail();
	}
	if (result)
		g_string_free(result, TRUE);
	return TRUE;
}

static void rounds(enum document_format format)
{
	unsigned made = 0;

	for (guint32 seed = 0; seed < ROUNDS; seed++)
		made += one_round(seed, format) ? 1 : 0;
	g_assert_cmpuint(made, >, ROUNDS * 8 / 10);
}

/* ---- several edits, and texts taken as written ---- */

static struct document_text *random_text(struct maker *maker, enum document_format format)
{
	g_string_truncate(maker->text, 0);
	make_text(maker, format);
	return document_text_parse(format, &origin, maker->text->str, maker->text->len, NULL);
}

/* Edits whose paths the ones before may have moved or taken away; what is left must be done. */
static gboolean one_round_of_many(guint32 seed, enum document_format format)
{
	g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
	g_autoptr(GString) made = g_string_new(NULL);
	struct maker maker = {.chance = chance, .text = made};
	g_autoptr(GPtrArray) edits = document_edits_new();
	scoped(document_text) text = random_text(&maker, format);
	scoped(document_text) other = random_text(&maker, format);
	g_autoptr(GError) error = NULL;
	GString *result;

	if (!text || !other)
		return FALSE;
	for (unsigned i = roll(&maker, 4); i < 5; i++) {
		const struct document_node *node = random_node(&maker, document_text_root(text));
		const struct document_node *source = random_node(&maker, document_text_root(other));
		scoped(document_path) path = document_path_of(node);

		if (roll(&maker, 3) == 0) {
			scoped(value) value = random_value(&maker, 0);

			g_ptr_array_add(edits, random_edit(&maker, node, path, value, &node));
			continue;
		}
		if (node->kind == VALUE_MAP && roll(&maker, 2))
			document_path_append_key(
				path, source->name && roll(&maker, 2) ? source->name : "new");
		g_ptr_array_add(edits,
			node->kind == VALUE_LIST && roll(&maker, 2)
				? document_edit_new_insert(path, 0, source->value, other, source)
				: document_edit_new_set(path, source->value, other, source));
	}
	result = document_edit_apply(format, &origin, document_text_bytes(text),
		document_text_size(text), edits, &error);
	if (result) {
		g_string_free(result, TRUE);
	} else if (strstr(error->message, "in place")) {
		g_test_message("seed %u: %s\n%s\n----\n%s", seed, error->message,
			document_text_bytes(text), made->str);
		g_test_fail();
	}
	return TRUE;
}

static void many_edits_at_once_are_proven(void)
{
	unsigned made = 0;

	for (guint32 seed = 0; seed < ROUNDS; seed++) {
		made += one_round_of_many(seed, DOCUMENT_YAML) ? 1 : 0;
		made += one_round_of_many(seed, DOCUMENT_JSON) ? 1 : 0;
	}
	g_assert_cmpuint(made, >, ROUNDS);
}

static void random_yaml_is_edited(void)
{
	rounds(DOCUMENT_YAML);
}

static void random_json_is_edited(void)
{
	rounds(DOCUMENT_JSON);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/document_edit/random_yaml_is_edited", random_yaml_is_edited);
	g_test_add_func("/document_edit/random_json_is_edited", random_json_is_edited);
	g_test_add_func(
		"/document_edit/many_edits_at_once_are_proven", many_edits_at_once_are_proven);
	return g_test_run();
}
