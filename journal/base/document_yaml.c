/*
 * The reading door to libyaml: its parser's events become one tree of values.
 *
 * libyaml speaks YAML 1.1 in syntax and leaves meaning to us; the meaning here is the core schema
 * of YAML 1.2. Aliases are expanded into copies, and every copy is charged against the limits
 * before it is made, so an alias bomb costs no more than a large document. libyaml does not notice
 * duplicate keys; value_add_take() does. What forge has no use for (merge keys, foreign tags, keys
 * that are no scalars, several documents) is refused rather than half understood.
 */
#include "journal/base/document_yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, yaml_event_delete)

struct reader {
	yaml_parser_t parser;
	const struct document_origin *origin;
	const char *text;
	GHashTable *anchors; /* name to the finished value that it stands at; values belong to the
				tree */
	size_t nodes;
	size_t text_bytes;
};

/* ---- the core schema ---------------------------------------------------------------------- */

static gboolean is_one_of(const char *text, const char *const *words)
{
	return g_strv_contains(words, text);
}

/* An optional sign and digits, `0o` and octal digits, `0x` and hexadecimal digits. */
static gboolean is_integer(const char *text, int *base, const char **digits)
{
	static const char *const alphabets[] = {"0123456789", "01234567", "0123456789abcdefABCDEF"};
	size_t alphabet = g_str_has_prefix(text, "0o") ? 1 : g_str_has_prefix(text, "0x") ? 2 : 0;
	const char *first = text + (alphabet ? 2 : (*text == '-' || *text == '+'));

	*base = (const int[]){10, 8, 16}[alphabet];
	*digits = alphabet ? first : text;
	return *first != '\0' && first[strspn(first, alphabets[alphabet])] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static gboolean is_real(const char *text)
{
	const char *at = text + (*text == '-' || *text == '+');
	size_t whole = strspn(at, "0123456789");
	size_t fraction = 0;

	at += whole;
	if (*at == '.') {
		fraction = strspn(at + 1, "0123456789");
		at += 1 + fraction;
	}
	if (whole + fraction == 0)
		return FALSE;
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '-' || *at == '+';
		if (*at == '\0')
			return FALSE;
		at += strspn(at, "0123456789");
	}
	return *at == '\0';
}

static struct value *resolve_number(const char *text)
{
	struct value *value = NULL;
	const char *digits;
	int base;

	if (is_integer(text, &base, &digits)) {
		errno = 0;
		int64_t integer = strtoll(digits, NULL, base);

		/* A decimal number that is too large is a real,
		 * which text fields still take as it was written. */
		if (errno == 0)
			value = value_new_integer(integer);
		else if (base == 10)
			value = value_new_real(g_ascii_strtod(text, NULL));
	} else if (is_real(text)) {
		value = value_new_real(g_ascii_strtod(text, NULL));
	}
	if (value)
		value_set_written(value, text);
	return value;
}

struct value *document_yaml_resolve(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	static const char *const infinities[] = {
		".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
	static const char *const negatives[] = {"-.inf", "-.Inf", "-.INF", NULL};
	static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
	struct value *number;

	if (is_one_of(text, nulls))
		return value_new_null();
	if (is_one_of(text, trues) || is_one_of(text, falses))
		return value_new_boolean(is_one_of(text, trues));
	if (is_one_of(text, infinities) || is_one_of(text, negatives))
		return value_new_real(*text == '-' ? -INFINITY : INFINITY);
	if (is_one_of(text, nans))
		return value_new_real(NAN);
	number = resolve_number(text);
	return number ? number : value_new_string(text);
}

/* ---- events ------------------------------------------------------------------------------- */

static unsigned line_of(const yaml_event_t *event)
{
	return (unsigned)event->start_mark.line + 1;
}

static gboolean next_event(struct reader *reader, yaml_event_t *event, GError **error)
{
	const yaml_parser_t *parser = &reader->parser;
	size_t line = 1;

	if (yaml_parser_parse(&reader->parser, event))
		return TRUE;
	/* A forbidden character is found while reading ahead: it has an offset, and no mark. */
	if (parser->error != YAML_READER_ERROR)
		line += parser->problem_mark.line;
	else
		for (size_t i = 0; i < parser->problem_offset; i++)
			line += reader->text[i] == '\n';
	document_error(error, reader->origin, (unsigned)line, "not YAML: %s%s%s%s", parser->problem,
		parser->context ? " (" : "", parser->context ? parser->context : "",
		parser->context ? ")" : "");
	return FALSE;
}

static gboolean charge(struct reader *reader, size_t text_bytes, unsigned line, GError **error)
{
	reader->nodes++;
	reader->text_bytes += text_bytes;
	if (reader->nodes > LIMIT_DOCUMENT_NODES) {
		document_error(error, reader->origin, line,
			"more than %d values (aliases expanded)", LIMIT_DOCUMENT_NODES);
		return FALSE;
	}
	if (reader->text_bytes > LIMIT_DOCUMENT_BYTES) {
		document_error(error, reader->origin, line,
			"more than %d bytes of text (aliases expanded)", LIMIT_DOCUMENT_BYTES);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_depth(struct reader *reader, unsigned depth, unsigned line, GError **error)
{
	if (depth <= LIMIT_DOCUMENT_DEPTH)
		return TRUE;
	document_error(
		error, reader->origin, line, "nested deeper than %d levels", LIMIT_DOCUMENT_DEPTH);
	return FALSE;
}

/* Charges a copy of VALUE that an alias on LINE asks for; stops as soon as that is too much. */
static gboolean charge_copy(struct reader *reader, const struct value *value, unsigned depth,
	unsigned line, GError **error)
{
	size_t text_bytes = value_kind(value) == VALUE_STRING ? strlen(value_string(value)) : 0;

	if (!charge(reader, text_bytes, line, error))
		return FALSE;
	if (value_kind(value) != VALUE_LIST && value_kind(value) != VALUE_MAP)
		return TRUE;
	if (!check_depth(reader, depth, line, error))
		return FALSE;
	for (size_t i = 0; i < value_count(value); i++) {
		if (value_kind(value) == VALUE_MAP)
			reader->text_bytes += strlen(value_key_at(value, i));
		if (!charge_copy(reader, value_at(value, i), depth + 1, line, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static struct value *read_node(
	struct reader *reader, const yaml_event_t *event, unsigned depth, GError **error);

static gboolean check_scalar_text(struct reader *reader, const yaml_event_t *event, GError **error)
{
	if (strlen((const char *)event->data.scalar.value) == event->data.scalar.length)
		return charge(reader, event->data.scalar.length, line_of(event), error);
	document_error(error, reader->origin, line_of(event), "a NUL byte");
	return FALSE;
}

/* Text with a tag of the core schema must be what the tag says. */
static struct value *resolve_tagged(
	struct reader *reader, const yaml_event_t *event, GError **error)
{
	static const struct {
		const char *tag;
		enum value_kind kind;
	} rows[] = {
		{YAML_NULL_TAG, VALUE_NULL},
		{YAML_BOOL_TAG, VALUE_BOOLEAN},
		{YAML_INT_TAG, VALUE_INTEGER},
		{YAML_FLOAT_TAG, VALUE_REAL},
	};
	const char *tag = (const char *)event->data.scalar.tag;
	const char *text = (const char *)event->data.scalar.value;
	scoped(value) value = NULL;

	if (strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0)
		return value_new_string(text);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (strcmp(tag, rows[i].tag) != 0)
			continue;
		value = document_yaml_resolve(text);
		if (value_kind(value) == VALUE_INTEGER && rows[i].kind == VALUE_REAL)
			return value_new_real(value_real(value));
		if (value_kind(value) == rows[i].kind)
			return g_steal_pointer(&value);
		document_error(error, reader->origin, line_of(event), "not what its tag says");
		return NULL;
	}
	document_error(error, reader->origin, line_of(event), "unknown tag");
	return NULL;
}

static struct value *read_scalar(struct reader *reader, const yaml_event_t *event, GError **error)
{
	const char *text = (const char *)event->data.scalar.value;

	if (!check_scalar_text(reader, event, error))
		return NULL;
	if (event->data.scalar.tag)
		return resolve_tagged(reader, event, error);
	return event->data.scalar.plain_implicit ? document_yaml_resolve(text)
						 : value_new_string(text);
}

static gboolean check_collection(struct reader *reader, const yaml_event_t *event, const char *tag,
	const char *tag_wanted, unsigned depth, GError **error)
{
	if (!check_depth(reader, depth, line_of(event), error) ||
		!charge(reader, 0, line_of(event), error))
		return FALSE;
	if (!tag || strcmp(tag, "!") == 0 || strcmp(tag, tag_wanted) == 0)
		return TRUE;
	document_error(error, reader->origin, line_of(event), "unknown tag");
	return FALSE;
}

static struct value *read_list(
	struct reader *reader, const yaml_event_t *start, unsigned depth, GError **error)
{
	scoped(value) list = value_new_list();
	const char *tag = (const char *)start->data.sequence_start.tag;

	if (!check_collection(reader, start, tag, YAML_SEQ_TAG, depth, error))
		return NULL;
	for (;;) {
		g_auto(yaml_event_t) event = {0};
		struct value *item;

		if (!next_event(reader, &event, error))
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return g_steal_pointer(&list);
		item = read_node(reader, &event, depth + 1, error);
		if (!item)
			return NULL;
		value_append_take(list, item);
	}
}

static gboolean check_key(struct reader *reader, const yaml_event_t *event, GError **error)
{
	const char *tag;

	if (event->type != YAML_SCALAR_EVENT) {
		document_error(error, reader->origin, line_of(event),
			"a key must be a word, not an alias or a collection");
		return FALSE;
	}
	tag = (const char *)event->data.scalar.tag;
	if (event->data.scalar.plain_implicit &&
		strcmp((const char *)event->data.scalar.value, "<<") == 0) {
		document_error(error, reader->origin, line_of(event),
			"merge keys (<<) are not part of YAML 1.2; write the keys out");
		return FALSE;
	}
	if (tag && strcmp(tag, YAML_STR_TAG) != 0 && strcmp(tag, "!") != 0) {
		document_error(error, reader->origin, line_of(event), "unknown tag");
		return FALSE;
	}
	return check_scalar_text(reader, event, error);
}

static void keep_anchor(struct reader *reader, const yaml_char_t *name, struct value *value)
{
	if (name)
		g_hash_table_replace(reader->anchors, g_strdup((const char *)name), value);
}

static gboolean read_member(struct reader *reader, struct value *map, const yaml_event_t *key,
	unsigned depth, GError **error)
{
	const char *name = (const char *)key->data.scalar.value;
	g_auto(yaml_event_t) event = {0};
	struct value *value;

	if (!check_key(reader, key, error) || !next_event(reader, &event, error))
		return FALSE;
	if (key->data.scalar.anchor) {
		document_error(error, reader->origin, line_of(key), "a key cannot have an anchor");
		return FALSE;
	}
	if (value_get(map, name)) {
		document_error(error, reader->origin, line_of(key), "duplicate key '%s'", name);
		return FALSE;
	}
	value = read_node(reader, &event, depth + 1, error);
	return value && value_add_take(map, name, line_of(key), value);
}

static struct value *read_map(
	struct reader *reader, const yaml_event_t *start, unsigned depth, GError **error)
{
	scoped(value) map = value_new_map();
	const char *tag = (const char *)start->data.mapping_start.tag;

	if (!check_collection(reader, start, tag, YAML_MAP_TAG, depth, error))
		return NULL;
	for (;;) {
		g_auto(yaml_event_t) event = {0};

		if (!next_event(reader, &event, error))
			return NULL;
		if (event.type == YAML_MAPPING_END_EVENT)
			return g_steal_pointer(&map);
		if (!read_member(reader, map, &event, depth, error))
			return NULL;
	}
}

static struct value *read_alias(
	struct reader *reader, const yaml_event_t *event, unsigned depth, GError **error)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct value *target = g_hash_table_lookup(reader->anchors, name);

	/* A value is found only once it is whole, so nothing can contain itself. */
	if (!target) {
		document_error(error, reader->origin, line_of(event),
			"the alias '*%s' names no whole value before it", name);
		return NULL;
	}
	if (!charge_copy(reader, target, depth, line_of(event), error))
		return NULL;
	return value_copy(target);
}

/* The value that EVENT begins; DEPTH is how deep it would be as a list or map, from 1. */
static struct value *read_node(
	struct reader *reader, const yaml_event_t *event, unsigned depth, GError **error)
{
	const yaml_char_t *anchor = NULL;
	struct value *value = NULL;

	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		value = read_scalar(reader, event, error);
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		value = read_list(reader, event, depth, error);
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		value = read_map(reader, event, depth, error);
	} else {
		g_assert(event->type == YAML_ALIAS_EVENT);
		value = read_alias(reader, event, depth, error);
	}
	if (value) {
		value_set_line(value, line_of(event));
		keep_anchor(reader, anchor, value);
	}
	return value;
}

/* The first document; a null if there is none. */
static struct value *read_document(struct reader *reader, GError **error)
{
	for (;;) {
		g_auto(yaml_event_t) event = {0};

		if (!next_event(reader, &event, error))
			return NULL;
		if (event.type == YAML_STREAM_END_EVENT) {
			struct value *nothing = value_new_null();

			value_set_line(nothing, 1);
			return nothing;
		}
		if (event.type != YAML_STREAM_START_EVENT &&
			event.type != YAML_DOCUMENT_START_EVENT)
			return read_node(reader, &event, 1, error);
	}
}

static gboolean check_end(struct reader *reader, GError **error)
{
	for (;;) {
		g_auto(yaml_event_t) event = {0};

		if (!next_event(reader, &event, error))
			return FALSE;
		if (event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT)
			return TRUE;
		if (event.type != YAML_DOCUMENT_END_EVENT) {
			document_error(error, reader->origin, line_of(&event),
				"a second document begins here");
			return FALSE;
		}
	}
}

struct value *document_yaml_parse(
	const struct document_origin *origin, const char *text, size_t size, GError **error)
{
	g_autoptr(GHashTable)
		anchors = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	struct reader reader = {.origin = origin, .text = text, .anchors = anchors};
	scoped(value) value = NULL;
	int ready = yaml_parser_initialize(&reader.parser);
	gboolean whole;

	g_assert(ready);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
	value = read_document(&reader, error);
	whole = value && check_end(&reader, error);
	yaml_parser_delete(&reader.parser);
	return whole ? g_steal_pointer(&value) : NULL;
}
