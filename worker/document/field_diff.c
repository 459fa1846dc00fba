/*
 * Two trees compared, change by change.
 *
 * One walk goes down both trees and keeps two texts of where it is: the path, which leads back to
 * the value, and the label, which names items by their name and leaves out the `properties` of a
 * schema. In a schema it also knows what each map is: a schema, or fields that are schemas each.
 *
 * Only three shapes of change in an unnamed list are told apart, in linear time: the same length,
 * items put in or taken out in one place, and anything else, which is a change of the whole list.
 * How changes are worded is in field_wording.c.
 */
#include "worker/document/field_diff.h"

#include <math.h>
#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/document/value_text.h"

/* What a map of a JSON schema is; all of another document is PLACE_DATA. */
enum place {
	PLACE_DATA,
	PLACE_SCHEMA,
	PLACE_FIELDS,  /* of `properties`: name to schema */
	PLACE_SCHEMAS, /* a map or list of schemas: `$defs`, `allOf` … */
};

struct comparing {
	struct field_diff *diff;
	GString *path;
	GString *label;
};

/* Where a walk was, to go back to. */
struct position {
	gsize path;
	gsize label;
};

static struct position position_of(const struct comparing *comparing)
{
	return (struct position){comparing->path->len, comparing->label->len};
}

static void go_back(struct comparing *comparing, struct position position)
{
	g_string_truncate(comparing->path, position.path);
	g_string_truncate(comparing->label, position.label);
}

static void free_change(gpointer data)
{
	struct field_change *change = data;

	g_free(change->path);
	g_free(change->label);
	g_free(change->parent);
	g_free(change->name);
	value_free(change->from);
	value_free(change->to);
	g_free(change);
}

void field_diff_free(struct field_diff *diff)
{
	if (!diff)
		return;
	g_ptr_array_unref(diff->changes);
	g_free(diff);
}

static gboolean same_real(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static gboolean same(const struct value *a, const struct value *b);

static gboolean same_children(const struct value *a, const struct value *b)
{
	if (value_count(a) != value_count(b))
		return FALSE;
	for (size_t i = 0; i < value_count(a); i++) {
		const struct value *other = value_kind(a) == VALUE_LIST
			? value_at(b, i)
			: value_get(b, value_key_at(a, i));

		if (!other || !same(value_at(a, i), other))
			return FALSE;
	}
	return TRUE;
}

static gboolean same(const struct value *a, const struct value *b)
{
	if (value_kind(a) != value_kind(b))
		return FALSE;
	switch (value_kind(a)) {
	case VALUE_NULL:
		return TRUE;
	case VALUE_BOOLEAN:
		return value_boolean(a) == value_boolean(b);
	case VALUE_INTEGER:
		return value_integer(a) == value_integer(b) &&
			g_strcmp0(value_written(a), value_written(b)) == 0;
	case VALUE_REAL:
		return same_real(value_real(a), value_real(b)) &&
			g_strcmp0(value_written(a), value_written(b)) == 0;
	case VALUE_STRING:
		return strcmp(value_string(a), value_string(b)) == 0;
	case VALUE_LIST:
	case VALUE_MAP:
		return same_children(a, b);
	}
	g_assert_not_reached();
}

/* Notes a change here, where a step from PARENT led. */
static void note(struct comparing *comparing, enum field_change_kind kind, enum field_owner owner,
	gsize parent, const struct value *from, const struct value *to)
{
	struct field_change *change;
	const char *name = comparing->label->str + parent;

	if (comparing->diff->n++ >= LIMIT_FIELD_CHANGES)
		return;
	change = g_new0(struct field_change, 1);
	change->kind = kind;
	change->owner = owner;
	change->path = g_strdup(comparing->path->str);
	change->label = g_strdup(comparing->label->str);
	change->parent = g_strndup(comparing->label->str, parent);
	change->name = g_strdup(*name == '.' ? name + 1 : name);
	change->from = from ? value_copy(from) : NULL;
	change->to = to ? value_copy(to) : NULL;
	g_ptr_array_add(comparing->diff->changes, change);
}

static void compare(struct comparing *comparing, enum place place, enum field_owner owner,
	gsize parent, const struct value *from, const struct value *to);

static gboolean is_one_of(const char *key, const char *const *keys)
{
	return g_strv_contains(keys, key);
}

static enum place place_below(enum place place, const char *key)
{
	static const char *const schemas[] = {"items", "additionalProperties", "contains",
		"propertyNames", "not", "if", "then", "else", NULL};
	static const char *const many[] = {"$defs", "definitions", "patternProperties", "allOf",
		"anyOf", "oneOf", "prefixItems", "dependentSchemas", NULL};

	switch (place) {
	case PLACE_DATA:
		return PLACE_DATA;
	case PLACE_FIELDS:
	case PLACE_SCHEMAS:
		return PLACE_SCHEMA;
	case PLACE_SCHEMA:
		if (strcmp(key, "properties") == 0)
			return PLACE_FIELDS;
		if (is_one_of(key, many))
			return PLACE_SCHEMAS;
		return is_one_of(key, schemas) ? PLACE_SCHEMA : PLACE_DATA;
	}
	g_assert_not_reached();
}

static void compare_maps(struct comparing *comparing, enum place place, const struct value *from,
	const struct value *to);

/* Properties where a schema had none, or has none any more: each is a change of its own. */
static void compare_with_none(
	struct comparing *comparing, const struct value *from, const struct value *to)
{
	scoped(value) none = value_new_map();

	compare_maps(comparing, PLACE_FIELDS, from ? from : none, to ? to : none);
}

/* VALUE may be NULL: the version that lacks the member has none. */
static gboolean is_properties(enum place place, const char *key, const struct value *value)
{
	return value && place == PLACE_SCHEMA && strcmp(key, "properties") == 0 &&
		value_kind(value) == VALUE_MAP && value_count(value) > 0;
}

static void step_to_member(struct comparing *comparing, enum place place, const char *key)
{
	value_path_append_key(comparing->path, key);
	if (place == PLACE_SCHEMA && strcmp(key, "properties") == 0)
		return;
	value_path_append_key(comparing->label, key);
}

/* A member of a map that one side lacks, or both have. */
static void compare_member(struct comparing *comparing, enum place place, const char *key,
	const struct value *from, const struct value *to)
{
	struct position before = position_of(comparing);
	enum field_owner owner = place == PLACE_FIELDS ? FIELD_OF_SCHEMA : FIELD_OF_MAP;

	step_to_member(comparing, place, key);
	if (from && to)
		compare(comparing, place_below(place, key), owner, before.label, from, to);
	else if (is_properties(place, key, from) || is_properties(place, key, to))
		compare_with_none(comparing, from, to);
	else
		note(comparing, from ? FIELD_REMOVED : FIELD_ADDED, owner, before.label, from, to);
	go_back(comparing, before);
}

static void compare_maps(struct comparing *comparing, enum place place, const struct value *from,
	const struct value *to)
{
	for (size_t i = 0; i < value_count(from); i++) {
		const struct value *other = value_get(to, value_key_at(from, i));

		if (other)
			compare_member(
				comparing, place, value_key_at(from, i), value_at(from, i), other);
	}
	for (size_t i = 0; i < value_count(from); i++)
		if (!value_get(to, value_key_at(from, i)))
			compare_member(
				comparing, place, value_key_at(from, i), value_at(from, i), NULL);
	for (size_t i = 0; i < value_count(to); i++)
		if (!value_get(from, value_key_at(to, i)))
			compare_member(
				comparing, place, value_key_at(to, i), NULL, value_at(to, i));
}

/* The name that ITEM has under KEY, if that can be one. Borrowed. */
static const char *name_of(const struct value *item, const char *key)
{
	const struct value *name = value_kind(item) == VALUE_MAP ? value_get(item, key) : NULL;

	return name && value_kind(name) == VALUE_STRING ? value_string(name) : NULL;
}

/* Name of each item under KEY, to its place + 1; NULL if one has none or two have the same. */
static GHashTable *names_in(const struct value *list, const char *key)
{
	g_autoptr(GHashTable) names = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (size_t i = 0; i < value_count(list); i++) {
		const char *name = name_of(value_at(list, i), key);

		if (!name || !g_hash_table_insert(names, (char *)name, GSIZE_TO_POINTER(i + 1)))
			return NULL;
	}
	return g_steal_pointer(&names);
}

/* Two lists whose items have names. */
struct named_lists {
	const char *key;
	const struct value *from, *to;
	GHashTable *from_names, *to_names;
};

static const struct value *item_called(
	const struct value *list, GHashTable *names, const char *name, size_t *at)
{
	size_t place = GPOINTER_TO_SIZE(g_hash_table_lookup(names, name));

	if (place == 0)
		return NULL;
	*at = place - 1;
	return value_at(list, place - 1);
}

static void compare_item(struct comparing *comparing, enum place place, size_t at, const char *name,
	const struct value *from, const struct value *to)
{
	struct position before = position_of(comparing);

	value_path_append_index(comparing->path, at);
	if (name) {
		g_autoptr(GString) shown = g_string_new(NULL);

		value_path_append_key(shown, name);
		g_string_append_printf(comparing->label, "[%s]", shown->str);
	} else {
		value_path_append_index(comparing->label, at);
	}
	if (from && to)
		compare(comparing, place == PLACE_SCHEMAS ? PLACE_SCHEMA : PLACE_DATA,
			FIELD_OF_LIST, before.label, from, to);
	else
		note(comparing, from ? FIELD_REMOVED : FIELD_ADDED, FIELD_OF_LIST, before.label,
			from, to);
	go_back(comparing, before);
}

/* Whether the items that both lists have come in another order. */
static gboolean are_reordered(const struct named_lists *lists)
{
	size_t last = 0, at = 0;

	for (size_t i = 0; i < value_count(lists->from); i++) {
		const char *name = name_of(value_at(lists->from, i), lists->key);

		if (!item_called(lists->to, lists->to_names, name, &at))
			continue;
		if (at < last)
			return TRUE;
		last = at;
	}
	return FALSE;
}

/* Compares the items of the old list that the new one has, or (LEFT) notes those it has not. */
static void compare_old_items(struct comparing *comparing, enum place place,
	const struct named_lists *lists, gboolean left)
{
	size_t at = 0;

	for (size_t i = 0; i < value_count(lists->from); i++) {
		const struct value *item = value_at(lists->from, i);
		const char *name = name_of(item, lists->key);
		const struct value *other = item_called(lists->to, lists->to_names, name, &at);

		if (left == (other == NULL))
			compare_item(comparing, place, other ? at : i, name, item, other);
	}
}

static void compare_named(
	struct comparing *comparing, enum place place, const struct named_lists *lists)
{
	size_t at = 0;

	compare_old_items(comparing, place, lists, FALSE);
	compare_old_items(comparing, place, lists, TRUE);
	for (size_t i = 0; i < value_count(lists->to); i++) {
		const struct value *item = value_at(lists->to, i);
		const char *name = name_of(item, lists->key);

		if (!item_called(lists->from, lists->from_names, name, &at))
			compare_item(comparing, place, i, name, NULL, item);
	}
	if (are_reordered(lists))
		note(comparing, FIELD_REORDERED, FIELD_OF_MAP, 0, lists->from, lists->to);
}

/* TRUE if the items of both lists have names, and were compared by them. */
static gboolean compare_by_name(struct comparing *comparing, enum place place,
	const struct value *from, const struct value *to)
{
	static const char *const keys[] = {"name", "id", "component"};

	if (value_count(from) == 0 || value_count(to) == 0)
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GHashTable) from_names = names_in(from, keys[i]);
		g_autoptr(GHashTable) to_names = from_names ? names_in(to, keys[i]) : NULL;
		struct named_lists lists = {keys[i], from, to, from_names, to_names};

		if (!to_names)
			continue;
		compare_named(comparing, place, &lists);
		return TRUE;
	}
	return FALSE;
}

static void compare_lists(struct comparing *comparing, enum place place, enum field_owner owner,
	gsize parent, const struct value *from, const struct value *to)
{
	size_t from_n = value_count(from), to_n = value_count(to);
	size_t least = MIN(from_n, to_n), head = 0, tail = 0;

	if (compare_by_name(comparing, place, from, to))
		return;
	if (from_n == to_n) {
		for (size_t i = 0; i < from_n; i++)
			compare_item(comparing, place, i, NULL, value_at(from, i), value_at(to, i));
		return;
	}
	while (head < least && same(value_at(from, head), value_at(to, head)))
		head++;
	while (tail < least - head &&
		same(value_at(from, from_n - 1 - tail), value_at(to, to_n - 1 - tail)))
		tail++;
	if (head + tail < least) {
		note(comparing, FIELD_CHANGED, owner, parent, from, to);
		return;
	}
	for (size_t i = head; i < from_n - tail; i++)
		compare_item(comparing, place, i, NULL, value_at(from, i), NULL);
	for (size_t i = head; i < to_n - tail; i++)
		compare_item(comparing, place, i, NULL, NULL, value_at(to, i));
}

static void compare(struct comparing *comparing, enum place place, enum field_owner owner,
	gsize parent, const struct value *from, const struct value *to)
{
	if (value_kind(from) == VALUE_MAP && value_kind(to) == VALUE_MAP)
		compare_maps(comparing, place, from, to);
	else if (value_kind(from) == VALUE_LIST && value_kind(to) == VALUE_LIST)
		compare_lists(comparing, place, owner, parent, from, to);
	else if (!same(from, to))
		note(comparing, FIELD_CHANGED, owner, parent, from, to);
}

struct field_diff *field_diff_new(
	const struct value *from, const struct value *to, gboolean is_schema)
{
	g_autoptr(GString) path = g_string_new(NULL);
	g_autoptr(GString) label = g_string_new(NULL);
	struct field_diff *diff = g_new0(struct field_diff, 1);
	struct comparing comparing = {diff, path, label};

	diff->changes = g_ptr_array_new_with_free_func(free_change);
	compare(&comparing, is_schema ? PLACE_SCHEMA : PLACE_DATA, FIELD_OF_MAP, 0, from, to);
	return diff;
}
