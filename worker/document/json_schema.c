/*
 * Reading a JSON Schema.
 *
 * A schema is hostile until it is read: each keyword's value is looked at once, patterns are
 * compiled, references are followed to their ends, and only then is anything checked by it. Every
 * schema within the document becomes a part, found by its node; the keywords say which of a
 * document's values are schemas, and a reference may make more of them.
 *
 * Nothing is fetched. A `$ref` may name its own document by the `$id` above it, and no other.
 */
#include "worker/document/json_schema.h"

#include <math.h>
#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/document/json_equality.h"
#include "worker/document/json_schema_parts.h"

enum shape {
	SHAPE_ANY,
	SHAPE_BOOLEAN,
	SHAPE_STRING,
	SHAPE_NUMBER,
	SHAPE_POSITIVE,
	SHAPE_COUNT,
	SHAPE_CHOICES,
	SHAPE_NAMES,
	SHAPE_NAMES_MAP,
	SHAPE_TYPE,
	SHAPE_PATTERN,
	SHAPE_REF,
	SHAPE_SCHEMA,
	SHAPE_SCHEMA_LIST,
	SHAPE_SCHEMA_MAP,
	SHAPE_PATTERN_MAP,
	SHAPE_ITEMS,
	SHAPE_UNSUPPORTED,
};

static const struct {
	const char *name;
	enum shape shape;
} keywords[] = {
#define X(name, keyword, shape, check) {keyword, SHAPE_##shape},
#include "worker/document/json_keywords.def"
#undef X
};

/* A reference whose end is to be found when all of the document is read. */
struct pending_ref {
	struct subschema *part;
	const struct value *ref;
	const struct value *resource;
};

struct reading {
	struct json_schema *schema;
	const struct value *resource; /* the nearest schema above with an $id, or the document */
	GHashTable *anchors;          /* `RESOURCE NAME` → the schema */
	GArray *refs;                 /* of struct pending_ref */
};

static void free_part(gpointer data)
{
	struct subschema *part = data;

	g_array_unref(part->rules);
	g_free(part);
}

static void free_choices(gpointer data)
{
	g_hash_table_unref(data);
}

static void free_pattern(gpointer data)
{
	ecma_pattern_free(data);
}

void json_schema_free(struct json_schema *schema)
{
	if (!schema)
		return;
	g_hash_table_unref(schema->parts);
	g_hash_table_unref(schema->patterns);
	g_hash_table_unref(schema->choices);
	value_free(schema->document);
	g_free(schema->name);
	g_free(schema);
}

const struct subschema *json_schema_part(
	const struct json_schema *schema, const struct value *value)
{
	return g_hash_table_lookup(schema->parts, value);
}

static gboolean read_schema(struct reading *reading, const struct value *value, GError **error);

static gboolean complain(const struct reading *reading, const struct value *value,
	const char *keyword, const char *what, GError **error)
{
	document_error(error, &reading->schema->origin, value_line(value), "%s: %s", keyword, what);
	return FALSE;
}

static gboolean read_pattern(struct reading *reading, const struct value *at, const char *keyword,
	const char *source, GError **error)
{
	g_autoptr(GError) why = NULL;
	struct ecma_pattern *pattern;

	if (g_hash_table_contains(reading->schema->patterns, source))
		return TRUE;
	if (g_hash_table_size(reading->schema->patterns) >= LIMIT_SCHEMA_PATTERNS)
		return complain(reading, at, keyword, "too many patterns in one schema", error);
	pattern = ecma_pattern_new(source, &why);
	if (!pattern) {
		document_error(error, &reading->schema->origin, value_line(at), "%s: '%.100s': %s",
			keyword, source, why->message);
		return FALSE;
	}
	g_hash_table_insert(reading->schema->patterns, g_strdup(source), pattern);
	return TRUE;
}

static gboolean is_count(const struct value *value)
{
	return json_is_integer(value) && json_number(value) >= 0;
}

static gboolean is_names(const struct value *value)
{
	if (value_kind(value) != VALUE_LIST)
		return FALSE;
	for (size_t i = 0; i < value_count(value); i++)
		if (value_kind(value_at(value, i)) != VALUE_STRING)
			return FALSE;
	return TRUE;
}

static gboolean is_type_name(const struct value *value)
{
	static const char *const names[] = {
		"null", "boolean", "integer", "number", "string", "array", "object", NULL};

	return value_kind(value) == VALUE_STRING && g_strv_contains(names, value_string(value));
}

static gboolean is_type(const struct value *value)
{
	if (value_kind(value) != VALUE_LIST)
		return is_type_name(value);
	for (size_t i = 0; i < value_count(value); i++)
		if (!is_type_name(value_at(value, i)))
			return FALSE;
	return value_count(value) > 0;
}

static gboolean is_names_map(const struct value *value)
{
	if (value_kind(value) != VALUE_MAP)
		return FALSE;
	for (size_t i = 0; i < value_count(value); i++)
		if (!is_names(value_at(value, i)))
			return FALSE;
	return TRUE;
}

static gboolean read_schemas(struct reading *reading, const struct value *value,
	const char *keyword, enum value_kind kind, GError **error)
{
	if (value_kind(value) != kind)
		return complain(reading, value, keyword,
			kind == VALUE_MAP ? "expected a map of schemas"
					  : "expected a list of schemas",
			error);
	for (size_t i = 0; i < value_count(value); i++)
		if (!read_schema(reading, value_at(value, i), error))
			return FALSE;
	return TRUE;
}

static gboolean read_pattern_map(
	struct reading *reading, const struct value *value, const char *keyword, GError **error)
{
	if (!read_schemas(reading, value, keyword, VALUE_MAP, error))
		return FALSE;
	for (size_t i = 0; i < value_count(value); i++)
		if (!read_pattern(
			    reading, value_at(value, i), keyword, value_key_at(value, i), error))
			return FALSE;
	return TRUE;
}

static void note_choices(struct json_schema *schema, const struct value *list)
{
	GHashTable *choices = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);

	for (size_t i = 0; i < value_count(list); i++)
		g_hash_table_add(choices, json_identity(value_at(list, i)));
	g_hash_table_insert(schema->choices, (gpointer)list, choices);
}

/* Reads the value of KEYWORD, whose shape it must have. */
static gboolean read_keyword(struct reading *reading, const struct value *value,
	const char *keyword, enum shape shape, GError **error)
{
	enum value_kind kind = value_kind(value);

#define EXPECT(condition, what) \
	((condition) ? TRUE : complain(reading, value, keyword, "expected " what, error))
	switch (shape) {
	case SHAPE_ANY:
		return TRUE;
	case SHAPE_BOOLEAN:
		return EXPECT(kind == VALUE_BOOLEAN, "true or false");
	case SHAPE_STRING:
	case SHAPE_REF:
		return EXPECT(kind == VALUE_STRING, "text");
	case SHAPE_NUMBER:
		return EXPECT(json_is_number(value), "a number");
	case SHAPE_POSITIVE:
		return EXPECT(json_is_number(value) && json_number(value) > 0 &&
				isfinite(value_real(value)),
			"a number above 0");
	case SHAPE_COUNT:
		return EXPECT(is_count(value), "a whole number, 0 or more");
	case SHAPE_CHOICES:
		if (kind == VALUE_LIST)
			note_choices(reading->schema, value);
		return EXPECT(kind == VALUE_LIST, "a list");
	case SHAPE_NAMES:
		return EXPECT(is_names(value), "a list of names");
	case SHAPE_NAMES_MAP:
		return EXPECT(is_names_map(value), "a map of lists of names");
	case SHAPE_TYPE:
		return EXPECT(is_type(value),
			"null, boolean, integer, number, string, array or object, or a list of them");
	case SHAPE_PATTERN:
		return EXPECT(kind == VALUE_STRING, "text") &&
			read_pattern(reading, value, keyword, value_string(value), error);
	case SHAPE_SCHEMA:
		return read_schema(reading, value, error);
	case SHAPE_SCHEMA_LIST:
		return read_schemas(reading, value, keyword, VALUE_LIST, error) &&
			EXPECT(value_count(value) > 0, "at least one schema");
	case SHAPE_SCHEMA_MAP:
		return read_schemas(reading, value, keyword, VALUE_MAP, error);
	case SHAPE_PATTERN_MAP:
		return read_pattern_map(reading, value, keyword, error);
	case SHAPE_ITEMS:
		return kind == VALUE_LIST ? read_schemas(reading, value, keyword, VALUE_LIST, error)
					  : read_schema(reading, value, error);
	case SHAPE_UNSUPPORTED:
		return complain(reading, value, keyword, "this reader of schemas lacks it", error);
	}
#undef EXPECT
	g_assert_not_reached();
}

static char *anchor_key(const struct value *resource, const char *name)
{
	return g_strdup_printf("%p %s", (const void *)resource, name);
}

static void note_names(struct reading *reading, const struct value *value)
{
	const struct value *id = value_get(value, "$id");
	const struct value *anchor = value_get(value, "$anchor");

	/* Until draft 2019-09 an $id that is a fragment was what an anchor is now. */
	if (id && value_kind(id) == VALUE_STRING && value_string(id)[0] != '#')
		reading->resource = value;
	else if (id && value_kind(id) == VALUE_STRING && value_string(id)[1] != '\0')
		g_hash_table_insert(reading->anchors,
			anchor_key(reading->resource, value_string(id) + 1), (gpointer)value);
	if (anchor && value_kind(anchor) == VALUE_STRING)
		g_hash_table_insert(reading->anchors,
			anchor_key(reading->resource, value_string(anchor)), (gpointer)value);
}

static gboolean read_member(struct reading *reading, struct subschema *part, const char *name,
	const struct value *value, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keywords); i++) {
		struct schema_rule rule = {(enum json_keyword)i, value};
		struct pending_ref ref = {part, value, reading->resource};

		if (strcmp(keywords[i].name, name) != 0)
			continue;
		g_array_append_val(part->rules, rule);
		if (keywords[i].shape == SHAPE_REF)
			g_array_append_val(reading->refs, ref);
		return read_keyword(reading, value, name, keywords[i].shape, error);
	}
	return TRUE;
}

static gboolean read_schema(struct reading *reading, const struct value *value, GError **error)
{
	const struct value *resource = reading->resource;
	struct subschema *part;

	if (json_schema_part(reading->schema, value))
		return TRUE;
	if (value_kind(value) != VALUE_MAP && value_kind(value) != VALUE_BOOLEAN) {
		document_error(error, &reading->schema->origin, value_line(value),
			"a schema must be a map, true or false");
		return FALSE;
	}
	part = g_new0(struct subschema, 1);
	part->value = value;
	part->rules = g_array_new(FALSE, FALSE, sizeof(struct schema_rule));
	g_hash_table_insert(reading->schema->parts, (gpointer)value, part);
	if (value_kind(value) == VALUE_BOOLEAN)
		return TRUE;
	note_names(reading, value);
	for (size_t i = 0; i < value_count(value); i++)
		if (!read_member(reading, part, value_key_at(value, i), value_at(value, i), error))
			return FALSE;
	reading->resource = resource;
	return TRUE;
}

static const struct value *step(const struct value *at, const char *token)
{
	guint64 index;

	if (value_kind(at) == VALUE_MAP)
		return value_get(at, token);
	if (value_kind(at) != VALUE_LIST || value_count(at) == 0 ||
		(token[0] == '0' && token[1] != '\0') ||
		!g_ascii_string_to_unsigned(token, 10, 0, value_count(at) - 1, &index, NULL))
		return NULL;
	return value_at(at, (size_t)index);
}

static void unescape(char *token)
{
	char *to = token;

	for (const char *at = token; *at; at++) {
		if (at[0] == '~' && (at[1] == '0' || at[1] == '1'))
			*to++ = *++at == '0' ? '~' : '/';
		else
			*to++ = *at;
	}
	*to = '\0';
}

const struct value *json_pointer_value(const struct value *root, const char *pointer)
{
	g_autofree char *decoded = NULL;
	g_auto(GStrv) tokens = NULL;

	if (pointer[0] != '#' || (pointer[1] != '\0' && pointer[1] != '/'))
		return NULL;
	decoded = g_uri_unescape_string(pointer + 1, NULL);
	if (!decoded)
		return NULL;
	tokens = g_strsplit(decoded, "/", -1);
	for (size_t i = *decoded ? 1 : 0; root && tokens[i]; i++) {
		unescape(tokens[i]);
		root = step(root, tokens[i]);
	}
	return root;
}

/* What is left of REF as a fragment (`#…`) of RESOURCE, or NULL if it names another document. */
static const char *fragment_of(const char *ref, const struct value *resource)
{
	const struct value *id = value_kind(resource) == VALUE_MAP ? value_get(resource, "$id")
								   : NULL;
	size_t own;

	if (ref[0] == '#')
		return ref;
	if (!id || value_kind(id) != VALUE_STRING)
		return NULL;
	own = strcspn(value_string(id), "#");
	if (own == 0 || strncmp(ref, value_string(id), own) != 0)
		return NULL;
	if (ref[own] == '\0')
		return "#";
	return ref[own] == '#' ? ref + own : NULL;
}

static const struct value *target_of(
	const struct reading *reading, const struct pending_ref *ref, const char *fragment)
{
	g_autofree char *key = NULL;

	if (fragment[1] == '\0' || fragment[1] == '/')
		return json_pointer_value(ref->resource, fragment);
	key = anchor_key(ref->resource, fragment + 1);
	return g_hash_table_lookup(reading->anchors, key);
}

static gboolean follow(struct reading *reading, const struct pending_ref *ref, GError **error)
{
	const char *text = value_string(ref->ref);
	const char *fragment = fragment_of(text, ref->resource);
	const struct value *target = fragment ? target_of(reading, ref, fragment) : NULL;

	if (!fragment) {
		document_error(error, &reading->schema->origin, value_line(ref->ref),
			"$ref: '%.200s' is in another document, which is not read", text);
		return FALSE;
	}
	if (!target) {
		document_error(error, &reading->schema->origin, value_line(ref->ref),
			"$ref: '%.200s' leads nowhere", text);
		return FALSE;
	}
	reading->resource = ref->resource;
	if (!read_schema(reading, target, error))
		return FALSE;
	ref->part->target = json_schema_part(reading->schema, target);
	return TRUE;
}

static gboolean read_document(struct reading *reading, GError **error)
{
	if (!read_schema(reading, reading->schema->document, error))
		return FALSE;
	/* What a reference leads to may hold more of them. */
	for (guint i = 0; i < reading->refs->len; i++) {
		struct pending_ref ref = g_array_index(reading->refs, struct pending_ref, i);

		if (!follow(reading, &ref, error))
			return FALSE;
	}
	return TRUE;
}

struct json_schema *json_schema_new(
	const struct value *document, const struct document_origin *origin, GError **error)
{
	scoped(json_schema) schema = g_new0(struct json_schema, 1);
	g_autoptr(GHashTable)
		anchors = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	g_autoptr(GArray) refs = g_array_new(FALSE, FALSE, sizeof(struct pending_ref));
	struct reading reading = {schema, NULL, anchors, refs};

	schema->document = value_copy(document);
	schema->name = g_strdup(origin->name);
	schema->origin = (struct document_origin){schema->name, origin->invalid};
	schema->parts = g_hash_table_new_full(NULL, NULL, NULL, free_part);
	schema->choices = g_hash_table_new_full(NULL, NULL, NULL, free_choices);
	schema->patterns = g_hash_table_new_full(
		hash_string_keyed, g_str_equal, g_free, free_pattern);
	reading.resource = schema->document;
	if (!read_document(&reading, error))
		return NULL;
	return g_steal_pointer(&schema);
}

gboolean json_schema_has(const struct json_schema *schema, const char *pointer)
{
	const struct value *value = json_pointer_value(schema->document, pointer);

	return value && json_schema_part(schema, value);
}
