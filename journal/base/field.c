/*
 * Field tables: a struct, and the part of a document that fills it, described once.
 *
 * Reading goes over the document's keys, not over the table, so that a key nobody knows is noticed;
 * what was not seen gets its fallback or is missing. Dots in a field's path descend into maps; keys
 * of the document may hold dots themselves (`github.com`), since only whole keys are compared. A
 * struct is new or is not made at all: a reader that fails leaves nothing behind.
 */
#include "journal/base/field.h"

#include <string.h>

#include "journal/base/amount.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"

struct reading {
	const struct field_table *table;
	const struct document_origin *origin;
	const char *where; /* path of the struct in the document, ending in a dot; empty for the
			      whole */
	gpointer object;
	unsigned *lines; /* by field: the line that set it */
};

/* ---- members ------------------------------------------------------------------------------ */

static gpointer member(const struct field *field, gpointer object)
{
	return (char *)object + field->offset;
}

#define MEMBER(type, field, object) (*(type *)member(field, object))

static void clear_structs(const struct field *field, gpointer object)
{
	GPtrArray *items = MEMBER(GPtrArray *, field, object);

	for (guint i = 0; i < items->len; i++) {
		gpointer item = g_ptr_array_index(items, i);

		if (field->type == FIELD_NAMED)
			g_free(G_STRUCT_MEMBER(char *, item, field->items->name_offset));
		field_free(field->items, item);
	}
	g_ptr_array_unref(items);
}

static void clear_member(const struct field *field, gpointer object)
{
	switch (field->type) {
	case FIELD_STRING:
		g_clear_pointer((char **)member(field, object), g_free);
		break;
	case FIELD_STRINGS:
		g_clear_pointer((char ***)member(field, object), g_strfreev);
		break;
	case FIELD_STRUCTS:
	case FIELD_NAMED:
		clear_structs(field, object);
		break;
	case FIELD_ENUM:
	case FIELD_BOOLEAN:
	case FIELD_COUNT:
	case FIELD_BYTES:
	case FIELD_DURATION:
		break;
	}
}

void field_free(const struct field_table *table, gpointer object)
{
	if (!object)
		return;
	for (size_t i = 0; i < table->count; i++)
		clear_member(&table->fields[i], object);
	g_free(object);
}

/* ---- one value, as text ------------------------------------------------------------------- */

static uint64_t max_of(const struct field *field)
{
	if (field->max > 0)
		return field->max;
	switch (field->type) {
	case FIELD_STRING:
	case FIELD_ENUM:
		return LIMIT_URL_BYTES;
	case FIELD_STRINGS:
	case FIELD_STRUCTS:
	case FIELD_NAMED:
		return LIMIT_FIELD_ITEMS;
	case FIELD_BOOLEAN:
	case FIELD_COUNT:
	case FIELD_BYTES:
	case FIELD_DURATION:
		return G_MAXINT64;
	}
	g_assert_not_reached();
}

static char *range(const char *noun, char *take_min, char *take_max)
{
	g_autofree char *min = take_min;
	g_autofree char *max = take_max;

	return g_strdup_printf("%s from %s to %s", noun, min, max);
}

static char *one_of(const struct field *field)
{
	g_autofree char *words = g_strjoinv(", ", (char **)field->words);

	return g_strconcat("one of ", words, NULL);
}

char *field_expects(const struct field *field)
{
	switch (field->type) {
	case FIELD_BOOLEAN:
		return g_strdup("true or false");
	case FIELD_COUNT:
		return range("a whole number", g_strdup_printf("%" G_GUINT64_FORMAT, field->min),
			g_strdup_printf("%" G_GUINT64_FORMAT, max_of(field)));
	case FIELD_BYTES:
		return range("a size", amount_format_bytes(field->min),
			amount_format_bytes(max_of(field)));
	case FIELD_DURATION:
		return range("a duration", amount_format_ms(field->min),
			amount_format_ms(max_of(field)));
	case FIELD_STRING:
	case FIELD_ENUM:
		return field->words ? one_of(field) : g_strdup("text");
	case FIELD_STRINGS:
		return g_strdup("a list of text");
	case FIELD_STRUCTS:
		return g_strdup("a list of maps");
	case FIELD_NAMED:
		return g_strdup("a map");
	}
	g_assert_not_reached();
}

static char *expecting(char *take_what)
{
	g_autofree char *what = take_what;

	return g_strconcat("expected ", what, NULL);
}

static char *set_number(const struct field *field, gpointer object, const char *text)
{
	uint64_t number;
	gboolean whole;

	if (field->type == FIELD_COUNT) {
		if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &number, NULL))
			return g_strdup("expected a whole number");
	} else if (field->type == FIELD_BYTES) {
		if (!amount_parse_bytes(text, &number))
			return g_strdup("expected a size such as 20GB");
	} else {
		if (!amount_parse_ms(text, &number))
			return g_strdup("expected a duration such as 30s");
	}
	whole = number >= field->min && number <= max_of(field);
	if (whole) {
		MEMBER(uint64_t, field, object) = number;
		return NULL;
	}
	return expecting(field_expects(field));
}

static int word_place(const struct field *field, const char *text)
{
	for (int i = 0; field->words[i]; i++)
		if (strcmp(field->words[i], text) == 0)
			return i;
	return -1;
}

/* Why TEXT may not be a text of FIELD, or NULL. */
static char *refuse_text(
	const struct field *field, const char *text, uint64_t bytes_min, uint64_t bytes_max)
{
	const char *wrong;

	if (field->words && word_place(field, text) < 0)
		return expecting(one_of(field));
	if (strlen(text) < bytes_min)
		return g_strdup(*text ? "too short" : "must not be empty");
	if (strlen(text) > bytes_max)
		return g_strdup_printf("longer than %" G_GUINT64_FORMAT " bytes", bytes_max);
	wrong = field->check ? field->check(text) : NULL;
	return g_strdup(wrong);
}

static char *set_text(const struct field *field, gpointer object, const char *text)
{
	char *wrong = refuse_text(field, text, field->min, max_of(field));

	if (wrong)
		return wrong;
	if (field->type == FIELD_ENUM) {
		MEMBER(int, field, object) = word_place(field, text);
		return NULL;
	}
	g_free(MEMBER(char *, field, object));
	MEMBER(char *, field, object) = g_strdup(text);
	return NULL;
}

static char *refuse_count(const struct field *field, size_t count)
{
	if (count < field->min)
		return g_strdup_printf("expected at least %" G_GUINT64_FORMAT, field->min);
	if (count > max_of(field))
		return g_strdup_printf("more than %" G_GUINT64_FORMAT, max_of(field));
	return NULL;
}

static char *set_strings(const struct field *field, gpointer object, const char *text)
{
	g_auto(GStrv) items = g_strsplit(text, ",", -1);
	char *wrong = refuse_count(field, g_strv_length(items));

	for (size_t i = 0; !wrong && items[i]; i++)
		wrong = refuse_text(field, g_strstrip(items[i]), 1, LIMIT_URL_BYTES);
	if (wrong)
		return wrong;
	clear_member(field, object);
	MEMBER(char **, field, object) = g_steal_pointer(&items);
	return NULL;
}

static char *set_boolean(const struct field *field, gpointer object, const char *text)
{
	gboolean yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return g_strdup("expected true or false");
	MEMBER(gboolean, field, object) = yes;
	return NULL;
}

/* What is wrong with TEXT, or NULL once it is set. */
static char *set_from_text(const struct field *field, gpointer object, const char *text)
{
	switch (field->type) {
	case FIELD_STRING:
	case FIELD_ENUM:
		return set_text(field, object, text);
	case FIELD_BOOLEAN:
		return set_boolean(field, object, text);
	case FIELD_COUNT:
	case FIELD_BYTES:
	case FIELD_DURATION:
		return set_number(field, object, text);
	case FIELD_STRINGS:
		return set_strings(field, object, text);
	case FIELD_STRUCTS:
	case FIELD_NAMED:
		break;
	}
	g_assert_not_reached();
}

gboolean field_set(const struct field *field, gpointer object, const char *text,
	const struct document_origin *origin, GError **error)
{
	g_autofree char *wrong = set_from_text(field, object, text);

	if (wrong)
		document_error(error, origin, 0, "%s", wrong);
	return wrong == NULL;
}

char *field_text(const struct field *field, gconstpointer object)
{
	gpointer place = (gpointer)((const char *)object + field->offset);

	switch (field->type) {
	case FIELD_STRING:
		return g_strdup(*(char **)place);
	case FIELD_ENUM:
		return g_strdup(field->words[*(int *)place]);
	case FIELD_BOOLEAN:
		return g_strdup(*(gboolean *)place ? "true" : "false");
	case FIELD_COUNT:
		return g_strdup_printf("%" G_GUINT64_FORMAT, *(uint64_t *)place);
	case FIELD_BYTES:
		return amount_format_bytes(*(uint64_t *)place);
	case FIELD_DURATION:
		return amount_format_ms(*(uint64_t *)place);
	case FIELD_STRINGS:
		return *(char ***)place ? g_strjoinv(",", *(char ***)place) : NULL;
	case FIELD_STRUCTS:
	case FIELD_NAMED:
		return NULL;
	}
	g_assert_not_reached();
}

gpointer field_new(const struct field_table *table)
{
	gpointer object = g_malloc0(table->size);

	for (size_t i = 0; i < table->count; i++) {
		const struct field *field = &table->fields[i];
		char *wrong = NULL;

		if (field->type == FIELD_STRUCTS || field->type == FIELD_NAMED)
			MEMBER(GPtrArray *, field, object) = g_ptr_array_new();
		else if (field->fallback)
			wrong = set_from_text(field, object, field->fallback);
		g_assert(!wrong);
	}
	return object;
}

/* ---- documents ---------------------------------------------------------------------------- */

static gboolean refuse(const struct reading *reading, const char *path, unsigned line,
	GError **error, const char *message)
{
	if (*reading->where || *path)
		document_error(
			error, reading->origin, line, "%s%s: %s", reading->where, path, message);
	else
		document_error(error, reading->origin, line, "%s", message);
	return FALSE;
}

/* VALUE as field_set() takes it: its text, or a number's
 * digits. NULL if it can be none for a field of TYPE. */
static char *scalar_text(enum field_type type, const struct value *value)
{
	gboolean text_wanted = type == FIELD_STRING || type == FIELD_ENUM || type == FIELD_STRINGS;

	switch (value_kind(value)) {
	case VALUE_STRING:
		/* `jobs: "8"` is text, and text is no number. */
		return type == FIELD_COUNT || type == FIELD_BOOLEAN ? NULL
								    : g_strdup(value_string(value));
	case VALUE_INTEGER:
		if (text_wanted)
			return g_strdup(value_written(value));
		return g_strdup_printf("%" G_GINT64_FORMAT, value_integer(value));
	case VALUE_REAL:
		return text_wanted ? g_strdup(value_written(value)) : NULL;
	case VALUE_BOOLEAN:
		return type == FIELD_BOOLEAN ? g_strdup(value_boolean(value) ? "true" : "false")
					     : NULL;
	case VALUE_NULL:
	case VALUE_LIST:
	case VALUE_MAP:
		return NULL;
	}
	g_assert_not_reached();
}

static const char *expected(enum field_type type)
{
	static const char *const texts[] = {
		[FIELD_STRING] = "expected text",
		[FIELD_ENUM] = "expected text",
		[FIELD_BOOLEAN] = "expected true or false",
		[FIELD_COUNT] = "expected a whole number",
		[FIELD_BYTES] = "expected a size such as 20GB",
		[FIELD_DURATION] = "expected a duration such as 30s",
		[FIELD_STRINGS] = "expected a list",
		[FIELD_STRUCTS] = "expected a list",
		[FIELD_NAMED] = "expected a map of keys",
	};

	return texts[type];
}

static gboolean read_scalar(const struct reading *reading, const struct field *field,
	const struct value *value, GError **error)
{
	g_autofree char *text = scalar_text(field->type, value);
	g_autofree char *wrong = text ? set_from_text(field, reading->object, text)
				      : g_strdup(expected(field->type));

	return wrong ? refuse(reading, field->path, value_line(value), error, wrong) : TRUE;
}

static gboolean read_strings(const struct reading *reading, const struct field *field,
	const struct value *list, GError **error)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; i < value_count(list); i++) {
		const struct value *item = value_at(list, i);
		g_autofree char *text = scalar_text(FIELD_STRINGS, item);
		g_autofree char *wrong = text ? refuse_text(field, text, 1, LIMIT_URL_BYTES)
					      : g_strdup("expected text");
		g_autofree char *path = g_strdup_printf("%s[%zu]", field->path, i);

		if (wrong)
			return refuse(reading, path, value_line(item), error, wrong);
		g_ptr_array_add(items, g_steal_pointer(&text));
	}
	g_ptr_array_add(items, NULL);
	clear_member(field, reading->object);
	MEMBER(char **, field, reading->object) = (char **)g_ptr_array_free(
		g_steal_pointer(&items), FALSE);
	return TRUE;
}

static gpointer read_struct(const struct field_table *table, const struct value *document,
	const struct document_origin *origin, const char *where, unsigned *lines, GError **error);

static gboolean read_structs(const struct reading *reading, const struct field *field,
	const struct value *value, GError **error)
{
	for (size_t i = 0; i < value_count(value); i++) {
		const char *name = field->type == FIELD_NAMED ? value_key_at(value, i) : NULL;
		g_autofree char *where = name
			? g_strdup_printf("%s%s.%s.", reading->where, field->path, name)
			: g_strdup_printf("%s%s[%zu].", reading->where, field->path, i);
		gpointer item = read_struct(
			field->items, value_at(value, i), reading->origin, where, NULL, error);

		if (!item)
			return FALSE;
		if (name)
			G_STRUCT_MEMBER(char *, item, field->items->name_offset) = g_strdup(name);
		g_ptr_array_add(MEMBER(GPtrArray *, field, reading->object), item);
	}
	return TRUE;
}

static gboolean read_collection(const struct reading *reading, const struct field *field,
	const struct value *value, GError **error)
{
	enum value_kind wanted = field->type == FIELD_NAMED ? VALUE_MAP : VALUE_LIST;
	g_autofree char *wrong = NULL;

	if (value_kind(value) != wanted)
		return refuse(
			reading, field->path, value_line(value), error, expected(field->type));
	wrong = refuse_count(field, value_count(value));
	if (wrong)
		return refuse(reading, field->path, value_line(value), error, wrong);
	return field->type == FIELD_STRINGS ? read_strings(reading, field, value, error)
					    : read_structs(reading, field, value, error);
}

static gboolean read_field(const struct reading *reading, const struct field *field,
	const struct value *value, GError **error)
{
	if (field->type == FIELD_STRINGS || field->type == FIELD_STRUCTS ||
		field->type == FIELD_NAMED)
		return read_collection(reading, field, value, error);
	return read_scalar(reading, field, value, error);
}

/* Refuses a key that no field has below PREFIX, and asks whether a neighbour of it was meant. */
static gboolean refuse_unknown(const struct reading *reading, const char *prefix, const char *key,
	unsigned line, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_strconcat(prefix, key, NULL);
	g_autofree char *question = NULL;
	g_autofree char *message = NULL;

	for (size_t i = 0; i < reading->table->count; i++) {
		const char *candidate = reading->table->fields[i].path;

		if (!g_str_has_prefix(candidate, prefix))
			continue;
		candidate += strlen(prefix);
		g_ptr_array_add(names, g_strndup(candidate, strcspn(candidate, ".")));
	}
	g_ptr_array_add(names, NULL);
	question = nearest_question(key, (const char *const *)names->pdata);
	message = g_strconcat("unknown key", question ? "; " : NULL, question, NULL);
	return refuse(reading, path, line, error, message);
}

static const struct field *find_field(const struct field_table *table, const char *path)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->fields[i].path, path) == 0)
			return &table->fields[i];
	return NULL;
}

static gboolean is_group(const struct field_table *table, const char *prefix)
{
	for (size_t i = 0; i < table->count; i++)
		if (g_str_has_prefix(table->fields[i].path, prefix))
			return TRUE;
	return FALSE;
}

/* Reads the members of MAP, which stand for the fields whose paths begin with PREFIX. */
static gboolean read_members(
	const struct reading *reading, const char *prefix, const struct value *map, GError **error)
{
	for (size_t i = 0; i < value_count(map); i++) {
		const struct value *value = value_at(map, i);
		const char *key = value_key_at(map, i);
		g_autofree char *path = g_strconcat(prefix, key, NULL);
		g_autofree char *inner = g_strconcat(path, ".", NULL);
		/* A key with a dot is one key, never two levels. */
		gboolean plain = strchr(key, '.') == NULL;
		const struct field *field = plain ? find_field(reading->table, path) : NULL;
		gboolean group = plain && !field && is_group(reading->table, inner);

		if (!field && !group)
			return refuse_unknown(
				reading, prefix, key, value_key_line_at(map, i), error);
		if (value_kind(value) == VALUE_NULL)
			continue;
		if (field) {
			if (!read_field(reading, field, value, error))
				return FALSE;
			reading->lines[field - reading->table->fields] = MAX(
				value_key_line_at(map, i), 1);
		} else if (value_kind(value) != VALUE_MAP) {
			return refuse(
				reading, path, value_line(value), error, "expected a map of keys");
		} else if (!read_members(reading, inner, value, error)) {
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean check_required(const struct reading *reading, unsigned line, GError **error)
{
	for (size_t i = 0; i < reading->table->count; i++)
		if (reading->table->fields[i].required && reading->lines[i] == 0)
			return refuse(
				reading, reading->table->fields[i].path, line, error, "is missing");
	return TRUE;
}

static gpointer read_struct(const struct field_table *table, const struct value *document,
	const struct document_origin *origin, const char *where, unsigned *lines, GError **error)
{
	g_autofree unsigned *own_lines = g_new0(unsigned, table->count);
	struct reading reading = {.table = table,
		.origin = origin,
		.where = where,
		.object = field_new(table),
		.lines = own_lines};
	gboolean read;

	if (value_kind(document) != VALUE_MAP && value_kind(document) != VALUE_NULL) {
		g_autofree char *here = g_strndup(where, strlen(where) - (*where != '\0'));

		reading.where = "";
		read = refuse(
			&reading, here, value_line(document), error, "expected a map of keys");
	} else {
		read = read_members(&reading, "", document, error) &&
			check_required(&reading, value_line(document), error);
	}
	if (!read) {
		field_free(table, reading.object);
		return NULL;
	}
	if (lines)
		memcpy(lines, own_lines, table->count * sizeof(*lines));
	return reading.object;
}

gpointer field_read(const struct field_table *table, const struct value *document,
	const struct document_origin *origin, unsigned *lines, GError **error)
{
	return read_struct(table, document, origin, "", lines, error);
}
