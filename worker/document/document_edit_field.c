/*
 * One field, set from what a person typed: which type it is meant to have.
 *
 * What is there decides, unless a type is named: digits typed for a text stay text, a word typed
 * for a number is a mistake. The typed text is in no message, since it may be a secret.
 */
#include <string.h>

#include "journal/base/document_yaml.h"
#include "worker/document/document_edit.h"

enum field_type {
	FIELD_GUESS,
	FIELD_STRING,
	FIELD_INTEGER,
	FIELD_NUMBER,
	FIELD_BOOLEAN,
	FIELD_NULL,
	FIELD_JSON,
};

static const char *const type_names[] = {
	[FIELD_GUESS] = "",
	[FIELD_STRING] = "string",
	[FIELD_INTEGER] = "integer",
	[FIELD_NUMBER] = "number",
	[FIELD_BOOLEAN] = "boolean",
	[FIELD_NULL] = "null",
	[FIELD_JSON] = "json",
};

static enum field_type type_of(const struct value *old)
{
	if (!old)
		return FIELD_GUESS;
	switch (value_kind(old)) {
	case VALUE_NULL:
		return FIELD_GUESS;
	case VALUE_BOOLEAN:
		return FIELD_BOOLEAN;
	case VALUE_INTEGER:
		return FIELD_INTEGER;
	case VALUE_REAL:
		return FIELD_NUMBER;
	case VALUE_STRING:
		return FIELD_STRING;
	case VALUE_LIST:
	case VALUE_MAP:
		return FIELD_JSON;
	}
	g_assert_not_reached();
}

static gboolean find_type(const char *name, const struct document_origin *origin,
	enum field_type *type, GError **error)
{
	for (size_t i = FIELD_STRING; i < G_N_ELEMENTS(type_names); i++) {
		if (strcmp(type_names[i], name) == 0) {
			*type = (enum field_type)i;
			return TRUE;
		}
	}
	document_error(error, origin, 0,
		"unknown type '%s'; there are string, integer, number, boolean, null and json",
		name);
	return FALSE;
}

static gboolean is_of(enum field_type type, enum value_kind kind)
{
	switch (type) {
	case FIELD_GUESS:
	case FIELD_JSON:
		return TRUE;
	case FIELD_STRING:
		return kind == VALUE_STRING;
	case FIELD_INTEGER:
		return kind == VALUE_INTEGER;
	case FIELD_NUMBER:
		return kind == VALUE_INTEGER || kind == VALUE_REAL;
	case FIELD_BOOLEAN:
		return kind == VALUE_BOOLEAN;
	case FIELD_NULL:
		return kind == VALUE_NULL;
	}
	g_assert_not_reached();
}

static struct value *read_typed(const char *text, enum field_type type,
	const struct document_origin *origin, GError **error)
{
	scoped(value) value = NULL;

	if (!g_utf8_validate(text, -1, NULL)) {
		document_error(error, origin, 0, "the value is not UTF-8");
		return NULL;
	}
	if (type == FIELD_STRING)
		return value_new_string(text);
	if (type == FIELD_JSON)
		return document_parse(DOCUMENT_JSON, origin, text, strlen(text), error);
	value = document_yaml_resolve(text);
	if (is_of(type, value_kind(value)))
		return g_steal_pointer(&value);
	document_error(error, origin, 0, "the value is not of type %s", type_names[type]);
	return NULL;
}

/* What was typed, as the type that is named, or as that of OLD. */
static struct value *read_field(const char *text, const struct value *old, const char *type_name,
	const struct document_origin *origin, const char *path, GError **error)
{
	enum field_type type = type_of(old);
	g_autoptr(GError) failure = NULL;
	scoped(value) value = NULL;

	if (type_name) {
		if (!find_type(type_name, origin, &type, error))
			return NULL;
		return read_typed(text, type, origin, error);
	}
	value = read_typed(text, type, origin, &failure);
	if (value && (type != FIELD_JSON || value_kind(value) == value_kind(old)))
		return g_steal_pointer(&value);
	if (type == FIELD_JSON)
		document_error(error, origin, 0,
			"%s is a %s; give one as JSON, or name another type with --type", path,
			value_kind(old) == VALUE_LIST ? "list" : "map");
	else
		document_error(error, origin, 0,
			"%s is of type %s and the value is not; name its type with --type", path,
			type_names[type]);
	return NULL;
}

static struct document_path *read_path(
	const char *text, const struct document_origin *origin, GError **error)
{
	g_autoptr(GError) failure = NULL;
	struct document_path *path = document_path_parse(text, &failure);

	if (!path)
		document_error(error, origin, 0, "%s", failure->message);
	return path;
}

gboolean document_edit_field(enum document_format format, const struct document_origin *origin,
	const char *text, size_t size, const char *path, const char *value_text, const char *type,
	GString **new_text, struct value **old_value, struct value **new_value, GError **error)
{
	scoped(document_path) way = read_path(path, origin, error);
	scoped(value) root = way ? document_parse(format, origin, text, size, error) : NULL;
	g_autoptr(GPtrArray) edits = document_edits_new();
	scoped(value) value = NULL;
	const struct value *old;
	GString *edited;

	if (!root)
		return FALSE;
	old = document_path_value(way, root);
	value = read_field(value_text, old, type, origin, path, error);
	if (!value)
		return FALSE;
	g_ptr_array_add(edits, document_edit_new_set(way, value, NULL, NULL));
	edited = document_edit_apply(format, origin, text, size, edits, error);
	if (!edited)
		return FALSE;
	if (old_value)
		*old_value = old ? value_copy(old) : NULL;
	if (new_value)
		*new_value = g_steal_pointer(&value);
	if (new_text)
		*new_text = edited;
	else
		g_string_free(edited, TRUE);
	return TRUE;
}
