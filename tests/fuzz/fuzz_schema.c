/*
 * JSON schemas of strangers, and documents that are checked against them: a schema, then an
 * instance, both JSON. A check ends, says where, and says the same twice.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "tests/fuzz/input.h"
#include "worker/document/json_schema.h"

static const struct document_origin origin = {"schema.json", FORGE_ERROR_VALIDATION_FAILED};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct fuzz_input part = input_part(&input);
	g_autofree char *schema_text = input_exact(&part);
	g_autofree char *instance_text = input_exact(&input);
	scoped(value)
		document = document_parse(DOCUMENT_JSON, &origin, schema_text, part.size, NULL);
	scoped(value)
		instance = document_parse(DOCUMENT_JSON, &origin, instance_text, input.size, NULL);
	g_autoptr(GPtrArray) findings = schema_findings_new();
	g_autoptr(GError) error = NULL;
	scoped(json_schema) schema = document ? json_schema_new(document, &origin, &error) : NULL;
	gboolean valid;

	if (!schema || !instance)
		return 0;
	valid = json_schema_check(schema, NULL, instance, "config", findings, &error);
	g_assert_cmpuint(findings->len, <=, LIMIT_SCHEMA_FINDINGS);
	if (valid)
		g_assert_true(!error && findings->len == 0);
	else
		g_assert_true(error || findings->len > 0);
	for (guint i = 0; i < findings->len; i++) {
		g_autofree char *text = schema_finding_text(findings->pdata[i]);

		g_assert_true(g_utf8_validate(text, -1, NULL));
	}
	g_assert_true(valid == json_schema_check(schema, NULL, instance, NULL, NULL, NULL));
	return 0;
}
