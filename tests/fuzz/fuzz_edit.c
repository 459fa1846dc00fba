/*
 * Edits in place: a first byte for format and action, then the path, the value as JSON or text, the
 * document. What comes out is read again and says what the edit says; what the edit does not name is
 * untouched. document_edit_apply() promises so, here it is checked by other means.
 */
#include <string.h>

#include "tests/fuzz/input.h"
#include "worker/document/document_edit.h"

static const struct document_origin origin = {"fuzz", FORGE_ERROR_VALIDATION_FAILED};

static void check_set(enum document_format format, const struct document_path *path,
	const struct value *value, const GString *text)
{
	g_autoptr(GError) error = NULL;
	scoped(value) after = document_parse(format, &origin, text->str, text->len, &error);
	const struct value *found;

	g_assert_no_error(error);
	found = document_path_value(path, after);
	g_assert_nonnull(found);
	g_assert_true(value_equal(found, value));
}

/* Setting it a second time changes nothing. */
static void check_stays(enum document_format format, const GPtrArray *edits, const GString *text)
{
	g_autoptr(GError) error = NULL;
	GString *again = document_edit_apply(format, &origin, text->str, text->len, edits, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(again->str, ==, text->str);
	g_string_free(again, TRUE);
}

static void apply(enum document_format format, uint8_t how, const struct document_path *path,
	const struct value *value, const char *bytes, size_t size)
{
	g_autoptr(GPtrArray) edits = document_edits_new();
	g_autoptr(GError) error = NULL;
	struct document_edit *edit;
	GString *text;

	if (how % 4 == 0)
		edit = document_edit_new_remove(path);
	else if (how % 4 == 1)
		edit = document_edit_new_insert(
			path, how & 16 ? DOCUMENT_AT_END : how / 32u, value, NULL, NULL);
	else
		edit = document_edit_new_set(path, value, NULL, NULL);
	g_ptr_array_add(edits, edit);
	text = document_edit_apply(format, &origin, bytes, size, edits, &error);
	g_assert_true((text != NULL) == (error == NULL));
	if (!text)
		return;
	if (how % 4 >= 2) {
		check_set(format, path, value, text);
		check_stays(format, edits, text);
	}
	g_string_free(text, TRUE);
}

static void set_field(enum document_format format, const char *path, const char *value,
	const char *bytes, size_t size)
{
	static const char *const types[] = {NULL, "string", "integer", "number", "boolean", "json"};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		scoped(value) old_value = NULL;
		scoped(value) new_value = NULL;
		scoped(document_path) steps = NULL;
		g_autoptr(GError) error = NULL;
		GString *text = NULL;
		gboolean set = document_edit_field(format, &origin, bytes, size, path, value,
			types[i], &text, &old_value, &new_value, &error);

		g_assert_true(set == (error == NULL));
		if (!set)
			continue;
		steps = document_path_parse(path, NULL);
		check_set(format, steps, new_value, text);
		g_string_free(text, TRUE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t how = input_byte(&input);
	enum document_format format = how & 8 ? DOCUMENT_JSON : DOCUMENT_YAML;
	struct fuzz_input path_part, value_part;
	g_autofree char *path_text = NULL;
	g_autofree char *value_text = NULL;
	g_autofree char *bytes = NULL;
	g_autofree char *formatted = NULL;
	scoped(document_path) path = NULL;
	scoped(document_path) again = NULL;
	scoped(value) value = NULL;

	input_part(&input); /* the rest of the first line */
	path_part = input_part(&input);
	value_part = input_part(&input);
	if (path_part.size > 0 && path_part.data[path_part.size - 1] == '\n')
		path_part.size--;
	if (value_part.size > 0 && value_part.data[value_part.size - 1] == '\n')
		value_part.size--;
	path_text = input_text(&path_part);
	value_text = input_text(&value_part);
	bytes = input_exact(&input);
	path = document_path_parse(path_text, NULL);
	if (!path)
		return 0;
	formatted = document_path_format(path);
	again = document_path_parse(formatted, NULL);
	g_assert_nonnull(again);
	g_assert_cmpuint(document_path_length(path), ==, document_path_length(again));
	value = document_parse(DOCUMENT_JSON, &origin, value_text, strlen(value_text), NULL);
	if (value)
		apply(format, how, path, value, bytes, input.size);
	set_field(format, path_text, value_text, bytes, input.size);
	return 0;
}
