/*
 * The keywords that look at one value, and none that apply other schemas to it.
 *
 * Each holds for anything of another kind: `minimum` says nothing about text. Messages say what was
 * expected and what was found, in this order.
 */
#include <string.h>

#include "journal/base/hash.h"
#include "worker/document/json_equality.h"
#include "worker/document/json_schema_parts.h"
#include "worker/document/value_text.h"

/* So many bytes are compared or read in one step. */
#define BYTES_PER_STEP 64

static gboolean none(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	(void)check;
	(void)part;
	(void)rule;
	(void)instance;
	return TRUE;
}

gboolean schema_check_rule(struct schema_check *check, const struct subschema *part,
	const struct schema_rule *rule, const struct value *instance)
{
	static schema_rule_check *const checks[] = {
#define X(name, keyword, shape, check) check,
#include "worker/document/json_keywords.def"
#undef X
	};

	return checks[rule->keyword](check, part, rule->value, instance);
}

static gboolean has_type(const struct value *instance, const char *type)
{
	if (strcmp(type, "integer") == 0)
		return json_is_integer(instance);
	switch (value_kind(instance)) {
	case VALUE_NULL:
		return strcmp(type, "null") == 0;
	case VALUE_BOOLEAN:
		return strcmp(type, "boolean") == 0;
	case VALUE_INTEGER:
	case VALUE_REAL:
		return strcmp(type, "number") == 0;
	case VALUE_STRING:
		return strcmp(type, "string") == 0;
	case VALUE_LIST:
		return strcmp(type, "array") == 0;
	case VALUE_MAP:
		return strcmp(type, "object") == 0;
	}
	g_assert_not_reached();
}

static const char *type_for_people(const char *type)
{
	static const char *const words[][2] = {{"null", "null"}, {"boolean", "true or false"},
		{"integer", "a whole number"}, {"number", "a number"}, {"string", "text"},
		{"array", "a list"}, {"object", "a map"}};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(words[i][0], type) == 0)
			return words[i][1];
	g_assert_not_reached();
}

static char *types_for_people(const struct value *types)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < value_count(types) && i < 7; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", or " : "",
			type_for_people(value_string(value_at(types, i))));
	return g_string_free(text, FALSE);
}

gboolean check_type(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	g_autofree char *found = NULL;
	g_autofree char *expected = NULL;

	(void)part;
	if (value_kind(rule) == VALUE_STRING && has_type(instance, value_string(rule)))
		return TRUE;
	if (!schema_spend(check, value_count(rule)))
		return FALSE;
	for (size_t i = 0; i < value_count(rule); i++)
		if (has_type(instance, value_string(value_at(rule, i))))
			return TRUE;
	if (!schema_is_heard(check))
		return FALSE;
	found = value_text_short(instance);
	expected = value_kind(rule) == VALUE_LIST ? types_for_people(rule)
						  : g_strdup(type_for_people(value_string(rule)));
	return schema_tell(check, "expected %s, found %s", expected, found);
}

/* The text by which VALUE is compared, paid for; NULL if the check has ended. */
static char *identity_of(struct schema_check *check, const struct value *value)
{
	g_autofree char *identity = json_identity(value);

	if (!schema_spend(check, 1 + strlen(identity) / BYTES_PER_STEP))
		return NULL;
	return g_steal_pointer(&identity);
}

static gboolean equals(struct schema_check *check, const struct value *value, const char *identity)
{
	g_autofree char *other = identity_of(check, value);

	return other && strcmp(other, identity) == 0;
}

/* The first of the values that are allowed, and how many more. */
static char *choices_text(const struct value *choices)
{
	GString *text = g_string_new(NULL);
	size_t shown = MIN(value_count(choices), 8);

	for (size_t i = 0; i < shown; i++) {
		g_autofree char *choice = value_text_short(value_at(choices, i));

		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", choice);
	}
	if (shown < value_count(choices))
		g_string_append_printf(
			text, " or %" G_GSIZE_FORMAT " more", value_count(choices) - shown);
	return g_string_free(text, FALSE);
}

gboolean check_enum(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	GHashTable *allowed = g_hash_table_lookup(check->schema->choices, rule);
	g_autofree char *identity = identity_of(check, instance);
	g_autofree char *choices = NULL;
	g_autofree char *found = NULL;

	(void)part;
	if (identity && g_hash_table_contains(allowed, identity))
		return TRUE;
	if (!schema_is_heard(check))
		return FALSE;
	choices = choices_text(rule);
	found = value_text_short(instance);
	return schema_tell(check, "expected one of %s, found %s", choices, found);
}

gboolean check_const(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	g_autofree char *identity = identity_of(check, instance);
	g_autofree char *expected = NULL;
	g_autofree char *found = NULL;

	(void)part;
	if (identity && equals(check, rule, identity))
		return TRUE;
	if (!schema_is_heard(check))
		return FALSE;
	expected = value_text_short(rule);
	found = value_text_short(instance);
	return schema_tell(check, "expected %s, found %s", expected, found);
}

/* Tells that INSTANCE is not WHAT the number RULE. */
static gboolean tell_number(struct schema_check *check, const char *what, const struct value *rule,
	const struct value *instance)
{
	g_autofree char *expected = NULL;
	g_autofree char *found = NULL;

	if (!schema_is_heard(check))
		return FALSE;
	expected = value_text_short(rule);
	found = value_text_short(instance);
	return schema_tell(check, "expected %s %s, found %s", what, expected, found);
}

/* NaN, which JSON does not have, keeps within no bound. */
#define NUMBER_RULE(function, what, operator) \
	gboolean function(struct schema_check *check, const struct subschema *part, \
		const struct value *rule, const struct value *instance) \
	{ \
		(void)part; \
		return !json_is_number(instance) || \
			json_number(instance) operator json_number(rule) || \
			tell_number(check, what, rule, instance); \
	}

NUMBER_RULE(check_minimum, "at least", >=)
NUMBER_RULE(check_maximum, "at most", <=)
NUMBER_RULE(check_exclusive_minimum, "more than", >)
NUMBER_RULE(check_exclusive_maximum, "less than", <)

gboolean check_multiple_of(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	(void)part;
	return !json_is_number(instance) || json_is_multiple(instance, rule) ||
		tell_number(check, "a multiple of", rule, instance);
}

/* Tells of N things of the kind WHAT where RULE says how many at least or at most. */
static gboolean tell_count(struct schema_check *check, const char *bound, const struct value *rule,
	const char *what, size_t n)
{
	g_autofree char *expected = NULL;

	if (!schema_is_heard(check))
		return FALSE;
	expected = value_text_short(rule);
	return schema_tell(check, "expected %s %s %s%s, found %" G_GSIZE_FORMAT, bound, expected,
		what, json_number(rule) == 1 ? "" : "s", n);
}

/* Characters, items or members, paid for; none if the check has ended. */
static size_t size_of(struct schema_check *check, const struct value *value)
{
	const char *string = value_kind(value) == VALUE_STRING ? value_string(value) : NULL;

	if (!string)
		return value_count(value);
	if (!schema_spend(check, strlen(string) / BYTES_PER_STEP))
		return 0;
	return (size_t)g_utf8_strlen(string, -1);
}

#define COUNT_RULE(function, kind, bound, what, operator) \
	gboolean function(struct schema_check *check, const struct subschema *part, \
		const struct value *rule, const struct value *instance) \
	{ \
		size_t n = value_kind(instance) == (kind) ? size_of(check, instance) : 0; \
\
		(void)part; \
		return value_kind(instance) != (kind) || \
			(long double)n operator json_number(rule) || \
			tell_count(check, bound, rule, what, n); \
	}

COUNT_RULE(check_min_length, VALUE_STRING, "at least", "character", >=)
COUNT_RULE(check_max_length, VALUE_STRING, "at most", "character", <=)
COUNT_RULE(check_min_items, VALUE_LIST, "at least", "item", >=)
COUNT_RULE(check_max_items, VALUE_LIST, "at most", "item", <=)
COUNT_RULE(check_min_properties, VALUE_MAP, "at least", "field", >=)
COUNT_RULE(check_max_properties, VALUE_MAP, "at most", "field", <=)

gboolean check_pattern(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	g_autofree char *found = NULL;

	(void)part;
	if (value_kind(instance) != VALUE_STRING ||
		schema_matches(check, value_string(rule), value_string(instance)))
		return TRUE;
	if (!schema_is_heard(check))
		return FALSE;
	found = value_text_short(instance);
	return schema_tell(
		check, "expected text that matches %.100s, found %s", value_string(rule), found);
}

gboolean check_unique_items(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	g_autoptr(GHashTable)
		seen = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);

	(void)part;
	if (!value_boolean(rule) || value_kind(instance) != VALUE_LIST)
		return TRUE;
	for (size_t i = 0; i < value_count(instance); i++) {
		char *identity = identity_of(check, value_at(instance, i));
		size_t place;

		if (!identity)
			return FALSE;
		place = GPOINTER_TO_SIZE(g_hash_table_lookup(seen, identity));
		if (place > 0) {
			g_free(identity);
			return schema_tell(check,
				"items %" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT
				" are equal, but each may be there once",
				place, i + 1);
		}
		g_hash_table_insert(seen, identity, GSIZE_TO_POINTER(i + 1));
	}
	return TRUE;
}
