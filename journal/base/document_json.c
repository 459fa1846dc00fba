/*
 * The door to jansson.
 *
 * jansson keeps no positions and allocates whatever the text asks for, so a scan goes over the text
 * first: it counts depth and nodes against the limits, and notes the line of every value and key.
 * It understands nothing but strings and punctuation; whether the text is JSON is jansson's word
 * alone, and only then are the lines used: the tree is walked in the order of the text (jansson
 * keeps the order of members) and takes one line after the other.
 */
#include "journal/base/document_json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "journal/base/limits.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* How many digits the reals of a tree need: 15 always
 * survive a round trip to text, 17 say any double. */
#define DIGITS_LEAST 15
#define DIGITS_MOST 17

struct scan {
	const struct document_origin *origin;
	GArray *lines; /* of unsigned: where each value and key begins, in the order of the text */
	unsigned line;
	unsigned depth;
};

static gboolean note_token(struct scan *scan, GError **error)
{
	/* Every member is a key and a value: twice the nodes bounds the tokens; the nodes are
	 * counted in the walk. */
	if (scan->lines->len >= 2 * LIMIT_DOCUMENT_NODES) {
		document_error(error, scan->origin, scan->line, "more than %d values",
			LIMIT_DOCUMENT_NODES);
		return FALSE;
	}
	g_array_append_val(scan->lines, scan->line);
	return TRUE;
}

static gboolean enter(struct scan *scan, GError **error)
{
	if (++scan->depth > LIMIT_DOCUMENT_DEPTH) {
		document_error(error, scan->origin, scan->line, "nested deeper than %d levels",
			LIMIT_DOCUMENT_DEPTH);
		return FALSE;
	}
	return note_token(scan, error);
}

/* The last character of the string that begins at AT, or the end of the text. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return MIN(at, end - 1);
}

static gboolean scan_text(struct scan *scan, const char *text, size_t size, GError **error)
{
	const char *end = text + size;
	gboolean in_word = FALSE;

	for (const char *at = text; at < end; at++) {
		gboolean word = FALSE;

		if (*at == '\n') {
			scan->line++;
		} else if (*at == '[' || *at == '{') {
			if (!enter(scan, error))
				return FALSE;
		} else if (*at == ']' || *at == '}') {
			scan->depth -= scan->depth > 0;
		} else if (*at == '"') {
			if (!note_token(scan, error))
				return FALSE;
			at = skip_string(at, end);
		} else if (!strchr(" \t\r,:", *at)) {
			if (!in_word && !note_token(scan, error))
				return FALSE;
			word = TRUE;
		}
		in_word = word;
	}
	return TRUE;
}

struct walk {
	const GArray *lines;
	size_t next;
	size_t nodes;
};

static unsigned next_line(struct walk *walk)
{
	g_assert(walk->next < walk->lines->len);
	return g_array_index(walk->lines, unsigned, walk->next++);
}

static struct value *convert(struct walk *walk, const json_t *json);

static struct value *convert_object(struct walk *walk, const json_t *json)
{
	struct value *map = value_new_map();
	const char *key;
	json_t *child;

	json_object_foreach((json_t *)json, key, child)
	{
		unsigned line = next_line(walk);

		value_add_take(map, key, line, convert(walk, child));
	}
	return map;
}

static struct value *convert_array(struct walk *walk, const json_t *json)
{
	struct value *list = value_new_list();

	for (size_t i = 0; i < json_array_size(json); i++)
		value_append_take(list, convert(walk, json_array_get(json, i)));
	return list;
}

static struct value *convert_kind(struct walk *walk, const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return convert_object(walk, json);
	case JSON_ARRAY:
		return convert_array(walk, json);
	case JSON_STRING:
		return value_new_string(json_string_value(json));
	case JSON_INTEGER:
		return value_new_integer(json_integer_value(json));
	case JSON_REAL:
		return value_new_real(json_real_value(json));
	case JSON_TRUE:
	case JSON_FALSE:
		return value_new_boolean(json_is_true(json));
	case JSON_NULL:
		return value_new_null();
	}
	g_assert_not_reached();
}

static struct value *convert(struct walk *walk, const json_t *json)
{
	unsigned line = next_line(walk);
	struct value *value = convert_kind(walk, json);

	walk->nodes++;
	value_set_line(value, line);
	return value;
}

static void set_parse_error(
	const struct document_origin *origin, const json_error_t *cause, GError **error)
{
	const char *near = strstr(cause->text, " near ");
	unsigned line = cause->line > 0 ? (unsigned)cause->line : 1;

	/* What stands near the fault may be a secret; only of a key said twice is it told. */
	if (json_error_code(cause) == json_error_duplicate_key && near)
		document_error(error, origin, line, "duplicate key%s", near + strlen(" near"));
	else if (json_error_code(cause) == json_error_null_character)
		document_error(error, origin, line, "a NUL byte");
	else
		document_error(error, origin, line, "not JSON: %.*s",
			near ? (int)(near - cause->text) : (int)strlen(cause->text), cause->text);
}

struct value *document_json_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error)
{
	g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
	struct scan scan = {.origin = origin, .lines = lines, .line = 1};
	struct walk walk = {.lines = lines};
	g_autoptr(json_t) json = NULL;
	scoped(value) value = NULL;
	json_error_t cause;

	if (!scan_text(&scan, text, size, error))
		return NULL;
	json = json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &cause);
	if (!json) {
		set_parse_error(origin, &cause, error);
		return NULL;
	}
	value = convert(&walk, json);
	if (walk.nodes > LIMIT_DOCUMENT_NODES) {
		document_error(error, origin, 0, "more than %d values", LIMIT_DOCUMENT_NODES);
		return NULL;
	}
	return g_steal_pointer(&value);
}

/* ---- writing ------------------------------------------------------------------------------ */

static int digits_needed(double real)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	for (int digits = DIGITS_LEAST; digits < DIGITS_MOST; digits++) {
		char format[] = "%.00g";

		format[2] = (char)('0' + digits / 10);
		format[3] = (char)('0' + digits % 10);
		if (g_ascii_strtod(g_ascii_formatd(text, sizeof(text), format, real), NULL) == real)
			return digits;
	}
	return DIGITS_MOST;
}

static json_t *json_of_real(double real, int *digits)
{
	if (isnan(real))
		return json_string(".nan");
	if (isinf(real))
		return json_string(real < 0 ? "-.inf" : ".inf");
	*digits = MAX(*digits, digits_needed(real));
	return json_real(real);
}

/* DIGITS is raised to what the reals in VALUE need. */
static json_t *json_of(const struct value *value, int *digits)
{
	json_t *json;

	switch (value_kind(value)) {
	case VALUE_NULL:
		return json_null();
	case VALUE_BOOLEAN:
		return json_boolean(value_boolean(value));
	case VALUE_INTEGER:
		return json_integer(value_integer(value));
	case VALUE_REAL:
		return json_of_real(value_real(value), digits);
	case VALUE_STRING:
		return json_string(value_string(value));
	case VALUE_LIST:
		json = json_array();
		for (size_t i = 0; i < value_count(value); i++)
			json_array_append_new(json, json_of(value_at(value, i), digits));
		return json;
	case VALUE_MAP:
		json = json_object();
		for (size_t i = 0; i < value_count(value); i++)
			json_object_set_new(
				json, value_key_at(value, i), json_of(value_at(value, i), digits));
		return json;
	}
	g_assert_not_reached();
}

char *document_write_json(const struct value *value, enum document_layout layout)
{
	int digits = DIGITS_LEAST;
	g_autoptr(json_t) json = json_of(value, &digits);
	size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)digits);
	g_autoptr(GString) text = g_string_new(NULL);
	/* jansson may use another allocator than GLib: its text
	 * is copied, and the line break added meanwhile. */
	char *dumped = json_dumps(
		json, flags | (layout == DOCUMENT_COMPACT ? JSON_COMPACT : JSON_INDENT(2)));

	g_assert(dumped);
	g_string_append(text, dumped);
	if (layout == DOCUMENT_INDENTED)
		g_string_append_c(text, '\n');
	free(dumped);
	return g_string_free(g_steal_pointer(&text), FALSE);
}
