/*
 * The tree that documents are read into and written from.
 *
 * Scalars live in the node; a list is an array of nodes, a map an array of nodes with a parallel
 * array of keys, so that order is kept, and past a few members a hash table from key to place. Keys
 * come from outside, so the table is keyed (hash.h). Nothing here bounds anything: readers count
 * what they add (document.c), programs add what they know.
 */
#include "journal/base/value.h"

#include <math.h>
#include <string.h>

#include "journal/base/hash.h"

/* Up to so many members a map is searched from end to end; most maps are this small. */
#define MEMBERS_SEARCHED 8

struct value_key {
	char *name;
	unsigned line;
};

struct value {
	enum value_kind kind;
	unsigned line;
	union {
		gboolean boolean;
		int64_t integer;
		double real;
		char *string;
		GPtrArray *children; /* of struct value */
	};
	char *written;      /* numbers: see value_written() */
	GArray *keys;       /* maps: of struct value_key, parallel to children */
	GHashTable *places; /* maps: key to place + 1; NULL while the map is small */
};

static struct value *new_value(enum value_kind kind)
{
	struct value *value = g_new0(struct value, 1);

	value->kind = kind;
	return value;
}

static void free_child(gpointer child)
{
	value_free(child);
}

static void clear_key(gpointer data)
{
	struct value_key *key = data;

	g_free(key->name);
}

struct value *value_new_null(void)
{
	return new_value(VALUE_NULL);
}

struct value *value_new_boolean(gboolean boolean)
{
	struct value *value = new_value(VALUE_BOOLEAN);

	value->boolean = boolean != FALSE;
	return value;
}

struct value *value_new_integer(int64_t integer)
{
	struct value *value = new_value(VALUE_INTEGER);

	value->integer = integer;
	return value;
}

struct value *value_new_real(double real)
{
	struct value *value = new_value(VALUE_REAL);

	value->real = real;
	return value;
}

struct value *value_new_string(const char *string)
{
	struct value *value = new_value(VALUE_STRING);

	value->string = g_utf8_make_valid(string, -1);
	return value;
}

struct value *value_new_unsigned(uint64_t integer)
{
	g_autofree char *digits = NULL;

	if (integer <= G_MAXINT64)
		return value_new_integer((int64_t)integer);
	digits = g_strdup_printf("%" G_GUINT64_FORMAT, integer);
	return value_new_string(digits);
}

struct value *value_new_list(void)
{
	struct value *value = new_value(VALUE_LIST);

	value->children = g_ptr_array_new_with_free_func(free_child);
	return value;
}

struct value *value_new_map(void)
{
	struct value *value = new_value(VALUE_MAP);

	value->children = g_ptr_array_new_with_free_func(free_child);
	value->keys = g_array_new(FALSE, FALSE, sizeof(struct value_key));
	g_array_set_clear_func(value->keys, clear_key);
	return value;
}

static struct value *copy_scalar(const struct value *value)
{
	struct value *copy = new_value(value->kind);

	*copy = *value;
	copy->written = g_strdup(value->written);
	if (value->kind == VALUE_STRING)
		copy->string = g_strdup(value->string);
	return copy;
}

struct value *value_copy(const struct value *value)
{
	struct value *copy;

	if (value->kind != VALUE_LIST && value->kind != VALUE_MAP)
		return copy_scalar(value);
	copy = value->kind == VALUE_LIST ? value_new_list() : value_new_map();
	copy->line = value->line;
	for (size_t i = 0; i < value_count(value); i++) {
		struct value *child = value_copy(value_at(value, i));

		if (value->kind == VALUE_LIST)
			value_append_take(copy, child);
		else
			value_add_take(
				copy, value_key_at(value, i), value_key_line_at(value, i), child);
	}
	return copy;
}

void value_free(struct value *value)
{
	if (!value)
		return;
	if (value->kind == VALUE_STRING)
		g_free(value->string);
	if (value->kind == VALUE_LIST || value->kind == VALUE_MAP)
		g_ptr_array_unref(value->children);
	if (value->places)
		g_hash_table_unref(value->places);
	if (value->keys)
		g_array_unref(value->keys);
	g_free(value->written);
	g_free(value);
}

enum value_kind value_kind(const struct value *value)
{
	return value->kind;
}

unsigned value_line(const struct value *value)
{
	return value->line;
}

void value_set_line(struct value *value, unsigned line)
{
	value->line = line;
}

gboolean value_boolean(const struct value *value)
{
	g_assert(value->kind == VALUE_BOOLEAN);
	return value->boolean;
}

int64_t value_integer(const struct value *value)
{
	g_assert(value->kind == VALUE_INTEGER);
	return value->integer;
}

double value_real(const struct value *value)
{
	if (value->kind == VALUE_INTEGER)
		return (double)value->integer;
	g_assert(value->kind == VALUE_REAL);
	return value->real;
}

const char *value_string(const struct value *value)
{
	g_assert(value->kind == VALUE_STRING);
	return value->string;
}

const char *value_written(const struct value *value)
{
	return value->written;
}

void value_set_written(struct value *value, const char *text)
{
	g_assert(value->kind == VALUE_INTEGER || value->kind == VALUE_REAL);
	g_free(value->written);
	value->written = g_strdup(text);
}

size_t value_count(const struct value *value)
{
	return value->kind == VALUE_LIST || value->kind == VALUE_MAP ? value->children->len : 0;
}

const struct value *value_at(const struct value *value, size_t at)
{
	g_assert(at < value_count(value));
	return g_ptr_array_index(value->children, at);
}

static const struct value_key *key_at(const struct value *map, size_t at)
{
	g_assert(map->kind == VALUE_MAP);
	g_assert(at < map->keys->len);
	return &g_array_index(map->keys, struct value_key, at);
}

const char *value_key_at(const struct value *map, size_t at)
{
	return key_at(map, at)->name;
}

unsigned value_key_line_at(const struct value *map, size_t at)
{
	return key_at(map, at)->line;
}

gboolean value_find(const struct value *map, const char *key, size_t *at)
{
	size_t place;

	g_assert(map->kind == VALUE_MAP);
	if (map->places) {
		place = GPOINTER_TO_SIZE(g_hash_table_lookup(map->places, key));
		*at = place - 1;
		return place > 0;
	}
	for (*at = 0; *at < map->keys->len; ++*at)
		if (strcmp(value_key_at(map, *at), key) == 0)
			return TRUE;
	return FALSE;
}

const struct value *value_get(const struct value *map, const char *key)
{
	size_t at;

	return value_find(map, key, &at) ? value_at(map, at) : NULL;
}

void value_append_take(struct value *list, struct value *take_item)
{
	g_assert(list->kind == VALUE_LIST);
	g_ptr_array_add(list->children, take_item);
}

static void index_keys(struct value *map, size_t from)
{
	for (size_t i = from; i < map->keys->len; i++)
		g_hash_table_insert(
			map->places, (char *)value_key_at(map, i), GSIZE_TO_POINTER(i + 1));
}

gboolean value_add_take(
	struct value *map, const char *key, unsigned key_line, struct value *take_value)
{
	struct value_key added = {.line = key_line};

	if (value_get(map, key)) {
		value_free(take_value);
		return FALSE;
	}
	added.name = g_utf8_make_valid(key, -1);
	g_array_append_val(map->keys, added);
	g_ptr_array_add(map->children, take_value);
	if (map->places) {
		index_keys(map, map->keys->len - 1);
	} else if (map->keys->len > MEMBERS_SEARCHED) {
		/* The names are owned by the keys and stay where they are when the array grows. */
		map->places = g_hash_table_new(hash_string_keyed, g_str_equal);
		index_keys(map, 0);
	}
	return TRUE;
}

struct value *value_child_at(struct value *value, size_t at)
{
	g_assert(at < value_count(value));
	return g_ptr_array_index(value->children, at);
}

void value_replace_take(struct value *value, size_t at, struct value *take_child)
{
	g_assert(at < value_count(value));
	value_free(g_ptr_array_index(value->children, at));
	g_ptr_array_index(value->children, at) = take_child;
}

void value_remove_at(struct value *value, size_t at)
{
	g_assert(at < value_count(value));
	if (value->places)
		g_hash_table_remove(value->places, value_key_at(value, at));
	g_ptr_array_remove_index(value->children, (guint)at);
	if (value->keys)
		g_array_remove_index(value->keys, (guint)at);
	if (value->places)
		index_keys(value, at);
}

void value_insert_take(struct value *list, size_t at, struct value *take_item)
{
	g_assert(list->kind == VALUE_LIST);
	g_assert(at <= value_count(list));
	g_ptr_array_insert(list->children, (gint)at, take_item);
}

static gboolean equal_children(const struct value *a, const struct value *b)
{
	if (value_count(a) != value_count(b))
		return FALSE;
	for (size_t i = 0; i < value_count(a); i++) {
		if (a->kind == VALUE_MAP && strcmp(value_key_at(a, i), value_key_at(b, i)) != 0)
			return FALSE;
		if (!value_equal(value_at(a, i), value_at(b, i)))
			return FALSE;
	}
	return TRUE;
}

gboolean value_equal(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return FALSE;
	switch (a->kind) {
	case VALUE_NULL:
		return TRUE;
	case VALUE_BOOLEAN:
		return a->boolean == b->boolean;
	case VALUE_INTEGER:
		return a->integer == b->integer;
	case VALUE_REAL:
		return a->real == b->real || (isnan(a->real) && isnan(b->real));
	case VALUE_STRING:
		return strcmp(a->string, b->string) == 0;
	case VALUE_LIST:
	case VALUE_MAP:
		return equal_children(a, b);
	}
	g_assert_not_reached();
}

void value_put_take(struct value *map, const char *key, struct value *take_value)
{
	gboolean added = value_add_take(map, key, 0, take_value);

	g_assert(added);
}

void value_put_string(struct value *map, const char *key, const char *string)
{
	value_put_take(map, key, string ? value_new_string(string) : value_new_null());
}

void value_put_text(struct value *map, const char *key, const char *text)
{
	value_put_string(map, key, text && *text ? text : NULL);
}

void value_put_integer(struct value *map, const char *key, int64_t integer)
{
	value_put_take(map, key, value_new_integer(integer));
}

void value_put_boolean(struct value *map, const char *key, gboolean boolean)
{
	value_put_take(map, key, value_new_boolean(boolean));
}
