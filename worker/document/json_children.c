/*
 * The keywords that look at the members of a map or the items of a list.
 *
 * They alone move the check's path. `additionalProperties` and `items` depend on what stands beside
 * them in the same schema, and on nothing else.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "journal/base/nearest.h"
#include "worker/document/json_equality.h"
#include "worker/document/json_schema_parts.h"
#include "worker/document/value_text.h"

/* So many names are compared with one that was mistyped. */
#define NAMES_COMPARED 100

/* Applies VALUE to the member KEY of a map. */
static gboolean apply_to_member(struct schema_check *check, const struct value *value,
	const char *key, const struct value *member)
{
	gsize before = check->path->len;
	gboolean valid;

	value_path_append_key(check->path, key);
	valid = schema_apply(check, value, member);
	g_string_truncate(check->path, before);
	return valid;
}

static gboolean apply_to_item(
	struct schema_check *check, const struct value *value, const struct value *list, size_t at)
{
	gsize before = check->path->len;
	gboolean valid;

	value_path_append_index(check->path, at);
	valid = schema_apply(check, value, value_at(list, at));
	g_string_truncate(check->path, before);
	return valid;
}

gboolean check_properties(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean valid = TRUE;

	(void)part;
	if (value_kind(instance) != VALUE_MAP || !schema_spend(check, value_count(rule)))
		return value_kind(instance) != VALUE_MAP;
	for (size_t i = 0; i < value_count(rule); i++) {
		const char *key = value_key_at(rule, i);
		const struct value *member = value_get(instance, key);

		if (member)
			valid = apply_to_member(check, value_at(rule, i), key, member) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

/* Applies the schemas of RULE whose patterns match the name of member AT. */
static gboolean apply_by_patterns(struct schema_check *check, const struct value *rule,
	const struct value *instance, size_t at)
{
	const char *key = value_key_at(instance, at);
	gboolean valid = TRUE;

	for (size_t i = 0; i < value_count(rule); i++) {
		if (schema_matches(check, value_key_at(rule, i), key))
			valid = apply_to_member(
					check, value_at(rule, i), key, value_at(instance, at)) &&
				valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

gboolean check_pattern_properties(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean valid = TRUE;

	(void)part;
	if (value_kind(instance) != VALUE_MAP)
		return TRUE;
	for (size_t i = 0; i < value_count(instance); i++) {
		valid = apply_by_patterns(check, rule, instance, i) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

/* Whether KEY is described by `properties` or `patternProperties` of PART. */
static gboolean is_described(
	struct schema_check *check, const struct subschema *part, const char *key)
{
	const struct value *properties = value_get(part->value, "properties");
	const struct value *patterns = value_get(part->value, "patternProperties");

	if (properties && value_get(properties, key))
		return TRUE;
	for (size_t i = 0; patterns && i < value_count(patterns) && !check->error; i++)
		if (schema_matches(check, value_key_at(patterns, i), key))
			return TRUE;
	return FALSE;
}

/* `; did you mean 'timeout'?`, or nothing. */
static char *suggestion(const struct value *properties, const char *key)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *question = NULL;

	for (size_t i = 0; properties && i < MIN(value_count(properties), NAMES_COMPARED); i++)
		g_ptr_array_add(names, (char *)value_key_at(properties, i));
	g_ptr_array_add(names, NULL);
	question = nearest_question(key, (const char *const *)names->pdata);
	return question ? g_strdup_printf("; %s", question) : g_strdup("");
}

static gboolean tell_strange(
	struct schema_check *check, const struct subschema *part, const char *key)
{
	gsize before = check->path->len;
	g_autofree char *question = NULL;

	if (!schema_is_heard(check))
		return FALSE;
	question = suggestion(value_get(part->value, "properties"), key);
	value_path_append_key(check->path, key);
	schema_tell(check, "no such field is allowed here%s", question);
	g_string_truncate(check->path, before);
	return FALSE;
}

gboolean check_additional_properties(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean none_allowed = value_kind(rule) == VALUE_BOOLEAN && !value_boolean(rule);
	gboolean valid = TRUE;

	if (value_kind(instance) != VALUE_MAP)
		return TRUE;
	for (size_t i = 0; i < value_count(instance); i++) {
		const char *key = value_key_at(instance, i);

		if (!schema_spend(check, 1))
			return FALSE;
		if (is_described(check, part, key))
			continue;
		if (check->error)
			return FALSE;
		if (none_allowed)
			valid = tell_strange(check, part, key);
		else
			valid = apply_to_member(check, rule, key, value_at(instance, i)) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

gboolean check_property_names(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean valid = TRUE;

	(void)part;
	if (value_kind(instance) != VALUE_MAP)
		return TRUE;
	for (size_t i = 0; i < value_count(instance); i++) {
		scoped(value) name = value_new_string(value_key_at(instance, i));

		valid = apply_to_member(check, rule, value_key_at(instance, i), name) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

static gboolean tell_missing(struct schema_check *check, const char *key, const char *because)
{
	gsize before = check->path->len;

	value_path_append_key(check->path, key);
	if (because)
		schema_tell(check, "required where '%.100s' is, but missing", because);
	else
		schema_tell(check, "required, but missing");
	g_string_truncate(check->path, before);
	return FALSE;
}

/* Whether INSTANCE has all of NAMES; BECAUSE is the member that asks for them, or NULL. */
static gboolean has_names(struct schema_check *check, const struct value *names,
	const struct value *instance, const char *because)
{
	gboolean valid = TRUE;

	if (!schema_spend(check, value_count(names)))
		return FALSE;
	for (size_t i = 0; i < value_count(names); i++) {
		const char *key = value_string(value_at(names, i));

		if (!value_get(instance, key))
			valid = tell_missing(check, key, because);
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

gboolean check_required(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	(void)part;
	return value_kind(instance) != VALUE_MAP || has_names(check, rule, instance, NULL);
}

gboolean check_dependent_required(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean valid = TRUE;

	(void)part;
	if (value_kind(instance) != VALUE_MAP)
		return TRUE;
	for (size_t i = 0; i < value_count(rule); i++) {
		const char *key = value_key_at(rule, i);

		if (!schema_spend(check, 1))
			return FALSE;
		if (value_get(instance, key))
			valid = has_names(check, value_at(rule, i), instance, key) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

/* Applies the schemas of the list RULE to the items at the same places. */
static gboolean apply_in_place(
	struct schema_check *check, const struct value *rule, const struct value *list)
{
	gboolean valid = TRUE;

	for (size_t i = 0; i < MIN(value_count(rule), value_count(list)); i++) {
		valid = apply_to_item(check, value_at(rule, i), list, i) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

static gboolean apply_from(
	struct schema_check *check, const struct value *rule, const struct value *list, size_t at)
{
	gboolean valid = TRUE;

	for (; at < value_count(list); at++) {
		valid = apply_to_item(check, rule, list, at) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

gboolean check_prefix_items(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	(void)part;
	return value_kind(instance) != VALUE_LIST || apply_in_place(check, rule, instance);
}

gboolean check_items(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	const struct value *prefix = value_get(part->value, "prefixItems");

	if (value_kind(instance) != VALUE_LIST)
		return TRUE;
	if (value_kind(rule) == VALUE_LIST)
		return apply_in_place(check, rule, instance);
	return apply_from(check, rule, instance, prefix ? value_count(prefix) : 0);
}

gboolean check_additional_items(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	const struct value *items = value_get(part->value, "items");

	/* It means nothing but beside a list of schemas. */
	if (value_kind(instance) != VALUE_LIST || !items || value_kind(items) != VALUE_LIST)
		return TRUE;
	return apply_from(check, rule, instance, value_count(items));
}

static gboolean tell_contains(
	struct schema_check *check, const char *bound, const struct value *expected, size_t n)
{
	g_autofree char *count = expected ? value_text_short(expected) : g_strdup("1");

	return schema_tell(check,
		"expected %s %s of the items that it must contain, found %" G_GSIZE_FORMAT, bound,
		count, n);
}

gboolean check_contains(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	const struct value *least = value_get(part->value, "minContains");
	const struct value *most = value_get(part->value, "maxContains");
	size_t n = 0;

	if (value_kind(instance) != VALUE_LIST)
		return TRUE;
	for (size_t i = 0; i < value_count(instance); i++) {
		n += schema_applies(check, rule, value_at(instance, i)) ? 1 : 0;
		if (check->error)
			return FALSE;
	}
	if ((long double)n < (least ? json_number(least) : 1))
		return tell_contains(check, "at least", least, n);
	return !most || (long double)n <= json_number(most) ||
		tell_contains(check, "at most", most, n);
}
