#ifndef FORGE_WORKER_DOCUMENT_JSON_SCHEMA_PARTS_H
#define FORGE_WORKER_DOCUMENT_JSON_SCHEMA_PARTS_H

#include <glib.h>

#include "worker/document/ecma_pattern.h"
#include "worker/document/json_schema.h"

/* What json_schema.c, which reads schemas, shares with the files that check by them. */

enum json_keyword {
#define X(name, keyword, shape, check) KEYWORD_##name,
#include "worker/document/json_keywords.def"
#undef X
};

struct subschema;

/** A keyword that a schema has, and its value there. */
struct schema_rule {
	enum json_keyword keyword;
	const struct value *value;
};

/** One schema within the document. */
struct subschema {
	const struct value *value;
	GArray *rules;                  /**< of struct schema_rule; empty for true and false */
	const struct subschema *target; /**< of its $ref */
};

struct json_schema {
	struct value *document;
	struct document_origin origin;
	char *name;
	GHashTable *parts;    /**< struct value of the document → struct subschema */
	GHashTable *patterns; /**< source → struct ecma_pattern */
	GHashTable *choices;  /**< value of an enum → GHashTable, the set of its identities */
};

/** The part that VALUE, one of the document's that was read as a schema, became. */
const struct subschema *json_schema_part(
	const struct json_schema *schema, const struct value *value);

/** The value to which POINTER (`#`, `#/a/0`) leads in ROOT, or NULL. */
const struct value *json_pointer_value(const struct value *root, const char *pointer);

/** A check that runs. */
struct schema_check {
	const struct json_schema *schema;
	GPtrArray *findings; /**< may be NULL, with `quiet` above 0 */
	unsigned quiet;      /**< above 0: only whether it is valid is asked */
	GString *path;
	size_t steps;
	unsigned depth;
	const struct active_ref *refs; /**< those being followed, the last first */
	GError *error;                 /**< set: the check has ended, whatever is returned */
};

/** Counts N steps. FALSE if that is too many: the check has ended. */
gboolean schema_spend(struct schema_check *check, size_t n);

/** Whether anybody still wants to know what is wrong. */
gboolean schema_is_heard(const struct schema_check *check);

/** TRUE if the check has ended, or is known to fail and no more is to be told. */
gboolean schema_may_stop(const struct schema_check *check, gboolean valid);

/** Tells what is wrong with the value at the check's path, if that is heard. Returns FALSE. */
gboolean schema_tell(struct schema_check *check, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Holds INSTANCE against the schema that VALUE of the document is. */
gboolean schema_apply(
	struct schema_check *check, const struct value *value, const struct value *instance);

/** The same with nothing told. */
gboolean schema_applies(
	struct schema_check *check, const struct value *value, const struct value *instance);

/** Whether TEXT matches the pattern SOURCE of the schema. FALSE also if the check has ended. */
gboolean schema_matches(struct schema_check *check, const char *source, const char *text);

/** Holds INSTANCE against RULE of PART. */
gboolean schema_check_rule(struct schema_check *check, const struct subschema *part,
	const struct schema_rule *rule, const struct value *instance);

/** The functions of json_keywords.def. */
typedef gboolean schema_rule_check(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance);

schema_rule_check check_ref, check_type, check_enum, check_const, check_minimum, check_maximum,
	check_exclusive_minimum, check_exclusive_maximum, check_multiple_of, check_min_length,
	check_max_length, check_pattern, check_required, check_dependent_required,
	check_dependent_schemas, check_properties, check_pattern_properties,
	check_additional_properties, check_property_names, check_min_properties,
	check_max_properties, check_prefix_items, check_items, check_additional_items,
	check_contains, check_min_items, check_max_items, check_unique_items, check_all_of,
	check_any_of, check_one_of, check_not, check_if;

#endif
