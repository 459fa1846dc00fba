/*
 * Holding a document against a schema: the walk, and the keywords that apply further schemas.
 *
 * Each rule of a part is asked in the order in which the schema has it. Where only an answer is
 * wanted (`not`, `anyOf`, `if` …) the walk is quiet and stops at the first failure. Schemas come
 * from outside and can be made to ask for ever: every look costs a step, references that come back
 * with nothing in between are found on the way, and depth is bounded. A walk that has ended for
 * such a reason has its error set, and no answer of it counts.
 */
#include <string.h>

#include "journal/base/limits.h"
#include "journal/base/printable.h"
#include "worker/document/json_schema_parts.h"
#include "worker/document/value_text.h"

/* A reference that is being followed, and for which value. */
struct active_ref {
	const struct subschema *target;
	const struct value *instance;
	const struct active_ref *next;
};

static void free_finding(gpointer data)
{
	struct schema_finding *finding = data;

	g_free(finding->path);
	g_free(finding->message);
	g_free(finding);
}

GPtrArray *schema_findings_new(void)
{
	return g_ptr_array_new_with_free_func(free_finding);
}

char *schema_finding_text(const struct schema_finding *finding)
{
	if (*finding->path == '\0')
		return g_strdup(finding->message);
	return g_strdup_printf("%s: %s", finding->path, finding->message);
}

gboolean schema_is_heard(const struct schema_check *check)
{
	return !check->error && check->quiet == 0 && check->findings->len < LIMIT_SCHEMA_FINDINGS;
}

gboolean schema_may_stop(const struct schema_check *check, gboolean valid)
{
	return check->error || (!valid && !schema_is_heard(check));
}

gboolean schema_tell(struct schema_check *check, const char *format, ...)
{
	struct schema_finding *finding;
	g_autofree char *raw = NULL;
	g_autofree char *valid = NULL;
	va_list arguments;

	if (!schema_is_heard(check))
		return FALSE;
	va_start(arguments, format);
	raw = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	valid = g_utf8_make_valid(raw, -1);
	finding = g_new0(struct schema_finding, 1);
	finding->path = g_strdup(check->path->str);
	finding->message = printable_text(valid);
	g_ptr_array_add(check->findings, finding);
	return FALSE;
}

gboolean schema_spend(struct schema_check *check, size_t n)
{
	if (check->error)
		return FALSE;
	if (n <= LIMIT_SCHEMA_STEPS - check->steps) {
		check->steps += n;
		return TRUE;
	}
	document_error(&check->error, &check->schema->origin, 0,
		"checking by this schema takes more than %d steps", LIMIT_SCHEMA_STEPS);
	return FALSE;
}

gboolean schema_matches(struct schema_check *check, const char *source, const char *text)
{
	const struct ecma_pattern *pattern = g_hash_table_lookup(check->schema->patterns, source);
	g_autoptr(GError) why = NULL;
	gboolean matches = FALSE;

	g_assert(pattern);
	if (!schema_spend(check, LIMIT_PATTERN_COST + LIMIT_PATTERN_COST_PER_BYTE * strlen(text)))
		return FALSE;
	if (ecma_pattern_matches(pattern, text, &matches, &why))
		return matches;
	document_error(&check->error, &check->schema->origin, 0, "the pattern '%.100s': %s", source,
		why->message);
	return FALSE;
}

static gboolean apply_rules(
	struct schema_check *check, const struct subschema *part, const struct value *instance)
{
	gboolean valid = TRUE;

	for (guint i = 0; i < part->rules->len; i++) {
		const struct schema_rule *rule = &g_array_index(part->rules, struct schema_rule, i);

		if (!schema_spend(check, 1))
			return FALSE;
		if (!schema_check_rule(check, part, rule, instance))
			valid = FALSE;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

static gboolean apply_part(
	struct schema_check *check, const struct subschema *part, const struct value *instance)
{
	gboolean valid;

	if (!schema_spend(check, 1))
		return FALSE;
	if (value_kind(part->value) == VALUE_BOOLEAN)
		return value_boolean(part->value) || schema_tell(check, "not allowed here");
	if (check->depth >= LIMIT_SCHEMA_DEPTH) {
		document_error(&check->error, &check->schema->origin, 0,
			"checking by this schema goes deeper than %d levels", LIMIT_SCHEMA_DEPTH);
		return FALSE;
	}
	check->depth++;
	valid = apply_rules(check, part, instance);
	check->depth--;
	return valid;
}

gboolean schema_apply(
	struct schema_check *check, const struct value *value, const struct value *instance)
{
	const struct subschema *part = json_schema_part(check->schema, value);

	g_assert(part);
	return apply_part(check, part, instance);
}

gboolean schema_applies(
	struct schema_check *check, const struct value *value, const struct value *instance)
{
	gboolean valid;

	check->quiet++;
	valid = schema_apply(check, value, instance);
	check->quiet--;
	return valid;
}

gboolean check_ref(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	struct active_ref active = {part->target, instance, check->refs};
	gboolean valid;

	for (const struct active_ref *at = check->refs; at; at = at->next) {
		if (at->target != part->target || at->instance != instance)
			continue;
		document_error(&check->error, &check->schema->origin, value_line(rule),
			"$ref: '%.200s' leads back to itself", value_string(rule));
		return FALSE;
	}
	check->refs = &active;
	valid = apply_part(check, part->target, instance);
	check->refs = active.next;
	return valid;
}

gboolean check_all_of(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean valid = TRUE;

	(void)part;
	for (size_t i = 0; i < value_count(rule); i++) {
		valid = schema_apply(check, value_at(rule, i), instance) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

gboolean check_any_of(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	(void)part;
	/* What an only form has against it is said as it is. */
	if (value_count(rule) == 1)
		return schema_apply(check, value_at(rule, 0), instance);
	for (size_t i = 0; i < value_count(rule); i++) {
		if (schema_applies(check, value_at(rule, i), instance))
			return TRUE;
		if (check->error)
			return FALSE;
	}
	return schema_tell(
		check, "has none of the %" G_GSIZE_FORMAT " forms allowed here", value_count(rule));
}

gboolean check_one_of(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	size_t n = 0;

	(void)part;
	for (size_t i = 0; i < value_count(rule); i++) {
		n += schema_applies(check, value_at(rule, i), instance) ? 1 : 0;
		if (check->error)
			return FALSE;
	}
	if (n == 0 && value_count(rule) == 1)
		return schema_apply(check, value_at(rule, 0), instance);
	if (n == 0)
		return schema_tell(check, "has none of the %" G_GSIZE_FORMAT " forms allowed here",
			value_count(rule));
	return n == 1 ||
		schema_tell(
			check, "has %" G_GSIZE_FORMAT " of the forms of which it must have one", n);
}

gboolean check_not(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean applies = schema_applies(check, rule, instance);

	(void)part;
	if (check->error)
		return FALSE;
	return !applies || schema_tell(check, "has a form that is excluded here");
}

gboolean check_if(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean applies = schema_applies(check, rule, instance);
	const struct value *branch = value_get(part->value, applies ? "then" : "else");

	if (check->error)
		return FALSE;
	return !branch || schema_apply(check, branch, instance);
}

gboolean check_dependent_schemas(struct schema_check *check, const struct subschema *part,
	const struct value *rule, const struct value *instance)
{
	gboolean valid = TRUE;

	(void)part;
	if (value_kind(instance) != VALUE_MAP)
		return TRUE;
	for (size_t i = 0; i < value_count(rule); i++) {
		if (!schema_spend(check, 1))
			return FALSE;
		if (value_get(instance, value_key_at(rule, i)))
			valid = schema_apply(check, value_at(rule, i), instance) && valid;
		if (schema_may_stop(check, valid))
			return FALSE;
	}
	return valid;
}

/* One walk over the document that a check is of. */
static gboolean run(struct schema_check *check, const char *pointer, const struct value *instance)
{
	const struct value *start = json_pointer_value(
		check->schema->document, pointer ? pointer : "#");

	if (start && json_schema_part(check->schema, start))
		return schema_apply(check, start, instance);
	document_error(&check->error, &check->schema->origin, 0, "no schema is at '%s'", pointer);
	return FALSE;
}

gboolean json_schema_check(const struct json_schema *schema, const char *pointer,
	const struct value *instance, const char *base, GPtrArray *findings, GError **error)
{
	g_autoptr(GString) path = g_string_new(base);
	struct schema_check check = {
		.schema = schema, .findings = findings, .quiet = findings ? 0 : 1, .path = path};
	gboolean valid = run(&check, pointer, instance);

	if (!check.error)
		return valid;
	g_propagate_error(error, check.error);
	return FALSE;
}
