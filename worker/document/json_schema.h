#ifndef FORGE_WORKER_DOCUMENT_JSON_SCHEMA_H
#define FORGE_WORKER_DOCUMENT_JSON_SCHEMA_H

#include <glib.h>

#include "journal/base/document.h"
#include "journal/base/scope.h"
#include "journal/base/value.h"

/**
 * A JSON Schema: the part of draft 2020-12 that describes one document by itself.
 *
 * Keywords: type, enum, const; minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf;
 * minLength, maxLength, pattern; required, properties, patternProperties, additionalProperties,
 * propertyNames, minProperties, maxProperties, dependentRequired, dependentSchemas; items,
 * prefixItems, contains, minContains, maxContains, minItems, maxItems, uniqueItems; allOf, anyOf,
 * oneOf, not, if, then, else; $ref within the document (`#`, `#/…`, `#anchor`), $anchor, $defs,
 * $id. A list of schemas under `items`, with `additionalItems`, is read as older drafts mean it.
 * Every other keyword is an annotation and ignored, `format` and unevaluated… among them.
 */
struct json_schema;

/**
 * Reads the schema DOCUMENT, which is copied. Errors have ORIGIN's code and name the line: a
 * keyword whose value is of the wrong shape, a pattern that is no regular expression of ECMAScript,
 * a $ref that leads nowhere or to another document, $dynamicRef, more patterns than
 * LIMIT_SCHEMA_PATTERNS.
 */
struct json_schema *json_schema_new(
	const struct value *document, const struct document_origin *origin, GError **error);
void json_schema_free(struct json_schema *schema);
SCOPED_POINTER(json_schema, json_schema_free)

/** What an instance breaks. Both texts may be shown on a terminal. */
struct schema_finding {
	char *path;    /**< `config.timeout`; empty: the instance itself */
	char *message; /**< `expected at most 120, found 600` */
};

/** An empty list that owns its findings (GPtrArray of struct schema_finding). */
GPtrArray *schema_findings_new(void);

/** `PATH: MESSAGE`, or the message alone. Caller frees. */
char *schema_finding_text(const struct schema_finding *finding);

/** Whether POINTER (`#/properties/config`) leads to a schema in SCHEMA. */
gboolean json_schema_has(const struct json_schema *schema, const char *pointer);

/**
 * Checks INSTANCE against SCHEMA, or the part of it at POINTER if that is not NULL. TRUE if it is
 * valid. If not, FINDINGS (may be NULL) has been given the first LIMIT_SCHEMA_FINDINGS of what it
 * breaks; their paths begin with BASE (may be NULL), the instance's own path: `config`. FALSE and
 * ERROR, with the code of the schema's origin, if it cannot be told: POINTER leads to no schema, a
 * $ref leads back to itself, a pattern goes back too often, or it is more work than
 * LIMIT_SCHEMA_STEPS or deeper than LIMIT_SCHEMA_DEPTH. Then FINDINGS are not complete.
 */
gboolean json_schema_check(const struct json_schema *schema, const char *pointer,
	const struct value *instance, const char *base, GPtrArray *findings, GError **error);

#endif
