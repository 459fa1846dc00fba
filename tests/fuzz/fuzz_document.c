/*
 * YAML and JSON as documents. Both readers agree; what was read and is written is read again as the
 * same; every node of a text stands where it says.
 */
#include <math.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/document_text.h"
#include "tests/fuzz/input.h"

static const struct document_origin origin = {"fuzz", FORGE_ERROR_VALIDATION_FAILED};

/* JSON has no such numbers; they become texts. */
static gboolean has_odd_numbers(const struct value *value)
{
	gboolean odd = value_kind(value) == VALUE_REAL && !isfinite(value_real(value));

	for (size_t i = 0; i < value_count(value); i++)
		odd = odd || has_odd_numbers(value_at(value, i));
	return odd;
}

static void assert_reads_as(
	enum document_format format, const char *text, const struct value *value)
{
	g_autoptr(GError) error = NULL;
	scoped(value) again = document_parse(format, &origin, text, strlen(text), &error);

	g_assert_no_error(error);
	g_assert_true(value_equal(again, value));
}

static void check_node(const struct document_node *node, size_t size)
{
	g_assert_cmpuint(node->text.begin, <=, node->text.end);
	g_assert_cmpuint(node->text.end, <=, size);
	g_assert_cmpuint(node->entry.begin, <=, node->text.begin);
	g_assert_cmpuint(node->entry.end, >=, node->text.end);
	g_assert_cmpuint(node->lines.begin, <=, node->entry.begin);
	g_assert_cmpuint(node->lines.end, >=, node->entry.end);
	g_assert_cmpuint(node->lines.end, <=, size);
	for (guint i = 0; node->children && i < node->children->len; i++)
		check_node(node->children->pdata[i], size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	enum document_format format = input_byte(&input) == 'j' ? DOCUMENT_JSON : DOCUMENT_YAML;
	g_autofree char *bytes = input_exact(&input);
	g_autoptr(GError) error = NULL;
	scoped(value) value = document_parse(format, &origin, bytes, input.size, &error);
	scoped(document_text) text = document_text_parse(format, &origin, bytes, input.size, NULL);
	g_autofree char *json = NULL;
	g_autofree char *indented = NULL;
	g_autofree char *yaml = NULL;

	g_assert_true((value != NULL) == (error == NULL));
	g_assert_true((value != NULL) == (text != NULL));
	if (!value) {
		g_assert_true(g_utf8_validate(error->message, -1, NULL));
		return 0;
	}
	g_assert_true(value_equal(value, document_text_value(text)) || has_odd_numbers(value));
	check_node(document_text_root(text), input.size);
	yaml = document_write_yaml(value);
	json = document_write_json(value, DOCUMENT_COMPACT);
	indented = document_write_json(value, DOCUMENT_INDENTED);
	if (has_odd_numbers(value))
		return 0;
	assert_reads_as(DOCUMENT_YAML, yaml, value);
	assert_reads_as(DOCUMENT_JSON, json, value);
	assert_reads_as(DOCUMENT_JSON, indented, value);
	return 0;
}
