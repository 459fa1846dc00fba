/*
 * From what a document says and what it shall say to the edits between the two.
 *
 * The walk goes down both trees side by side, and with them down the documents that new values may
 * be copied from as written. Items of lists are aligned by their `name` or `id` where these are
 * unique, else by what they say, with the same diff that lines are aligned with. A list's edits
 * come in an order in which every index counts: changes within items, removals from the end,
 * insertions from the start.
 */
#include "worker/document/file_merge_edits.h"

#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/document/document_edit.h"
#include "worker/document/document_path.h"
#include "worker/document/value_merge.h"
#include "worker/merge/line_diff.h"

#define SOURCES_MOST 2

struct editing {
	GPtrArray *edits;
	struct document_path *path;
	const struct document_text *const *sources;
	size_t n;
};

/* Where each source has what the walk is at; NULL where it has nothing there. */
struct places {
	const struct document_node *nodes[SOURCES_MOST];
};

static void add_edits(struct editing *editing, const struct value *present,
	const struct value *wanted, const struct places *places);

/* The source that says VALUE at PLACES, or editing->n. */
static size_t source_of(
	const struct editing *editing, const struct places *places, const struct value *value)
{
	size_t i = 0;

	while (i < editing->n && !(places->nodes[i] && value_same(places->nodes[i]->value, value)))
		i++;
	return i;
}

static void add_set(
	struct editing *editing, const struct value *wanted, const struct places *places)
{
	size_t source = source_of(editing, places, wanted);
	gboolean known = source < editing->n;

	g_ptr_array_add(editing->edits,
		document_edit_new_set(editing->path, wanted,
			known ? editing->sources[source] : NULL,
			known ? places->nodes[source] : NULL));
}

static void add_remove(struct editing *editing)
{
	g_ptr_array_add(editing->edits, document_edit_new_remove(editing->path));
}

/* Members go last: a map that is empty for a while would be no map. */
static void edit_map(struct editing *editing, const struct value *present,
	const struct value *wanted, const struct places *places)
{
	for (size_t i = 0; i < value_count(wanted); i++) {
		const char *key = value_key_at(wanted, i);
		struct places below = {{NULL}};

		for (size_t j = 0; j < editing->n; j++)
			if (places->nodes[j])
				below.nodes[j] = document_node_member(places->nodes[j], key);
		document_path_append_key(editing->path, key);
		add_edits(editing, value_get(present, key), value_at(wanted, i), &below);
		document_path_drop(editing->path);
	}
	for (size_t i = 0; i < value_count(present); i++) {
		const char *key = value_key_at(present, i);

		if (value_get(wanted, key))
			continue;
		document_path_append_key(editing->path, key);
		add_remove(editing);
		document_path_drop(editing->path);
	}
}

/* ---- lists ---- */

/* What ITEM is known by; by KEY if that is not NULL. Caller frees; NULL if KEY names nothing. */
static char *identity_of(const struct value *item, const char *key)
{
	const struct value *named = item;

	if (key) {
		named = value_kind(item) == VALUE_MAP ? value_get(item, key) : NULL;
		if (!named || value_kind(named) == VALUE_LIST || value_kind(named) == VALUE_MAP)
			return NULL;
	}
	if (value_written(named))
		return g_strdup(value_written(named));
	return document_write_json(named, DOCUMENT_COMPACT);
}

static gboolean is_unique_by(const struct value *list, const char *key)
{
	g_autoptr(GHashTable)
		known = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);

	for (size_t i = 0; i < value_count(list); i++) {
		char *identity = identity_of(value_at(list, i), key);

		if (!identity || !g_hash_table_add(known, identity))
			return FALSE;
	}
	return TRUE;
}

static const char *key_of_items(const struct value *present, const struct value *wanted)
{
	static const char *const keys[] = {"name", "id"};

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (is_unique_by(present, keys[i]) && is_unique_by(wanted, keys[i]))
			return keys[i];
	return NULL;
}

/* The classes of a list's items for line_diff(): equal identities, equal numbers. */
static GArray *classify(const struct value *list, const char *key, GHashTable *classes)
{
	GArray *numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	for (size_t i = 0; i < value_count(list); i++) {
		char *identity = identity_of(value_at(list, i), key);
		gpointer known;
		uint32_t number = g_hash_table_size(classes);

		if (g_hash_table_lookup_extended(classes, identity, NULL, &known)) {
			number = GPOINTER_TO_UINT(known);
			g_free(identity);
		} else {
			g_hash_table_insert(classes, identity, GUINT_TO_POINTER(number));
		}
		g_array_append_val(numbers, number);
	}
	return numbers;
}

static struct line_sequence sequence_of(const GArray *classes)
{
	return (struct line_sequence){(const uint32_t *)(const void *)classes->data, classes->len};
}

/* What a walk through two lists needs: the changes between them, and the sources' items. */
struct list_walk {
	const struct value *present;
	const struct value *wanted;
	const char *key;
	GArray *changes;
	GHashTable *items[SOURCES_MOST]; /* identity to node, per source */
};

static void find_items(
	struct list_walk *walk, const struct editing *editing, const struct places *places)
{
	for (size_t i = 0; i < editing->n; i++) {
		const struct document_node *list = places->nodes[i];
		gboolean usable = list && list->kind == VALUE_LIST;

		walk->items[i] = g_hash_table_new_full(
			hash_string_keyed, g_str_equal, g_free, NULL);
		for (size_t j = 0; usable; j++) {
			const struct document_node *item = document_node_child(list, j);
			char *identity = item ? identity_of(item->value, walk->key) : NULL;

			if (!item)
				break;
			if (identity)
				g_hash_table_insert(walk->items[i], identity, (gpointer)item);
		}
	}
}

static struct places item_places(
	const struct list_walk *walk, const struct editing *editing, const struct value *item)
{
	g_autofree char *identity = identity_of(item, walk->key);
	struct places places = {{NULL}};

	for (size_t i = 0; i < editing->n; i++)
		places.nodes[i] = g_hash_table_lookup(walk->items[i], identity);
	return places;
}

static void edit_item(
	struct editing *editing, const struct list_walk *walk, size_t present, size_t wanted)
{
	const struct value *item = value_at(walk->wanted, wanted);
	struct places places = item_places(walk, editing, item);

	document_path_append_index(editing->path, present);
	add_edits(editing, value_at(walk->present, present), item, &places);
	document_path_drop(editing->path);
}

/* Items that stay: those between changes, and those that a change without names replaces one by
 * one. */
static void edit_items_kept(struct editing *editing, const struct list_walk *walk)
{
	const struct line_change *changes = (const void *)walk->changes->data;
	size_t present = 0, wanted = 0;

	for (guint i = 0; i <= walk->changes->len; i++) {
		gboolean is_last = i == walk->changes->len;
		size_t stop = is_last ? value_count(walk->present) : changes[i].from;

		while (present < stop)
			edit_item(editing, walk, present++, wanted++);
		if (is_last)
			break;
		for (size_t j = 0; !walk->key && j < MIN(changes[i].from_n, changes[i].to_n); j++)
			edit_item(editing, walk, present + j, wanted + j);
		present += changes[i].from_n;
		wanted += changes[i].to_n;
	}
}

static void remove_items(struct editing *editing, const struct list_walk *walk)
{
	const struct line_change *changes = (const void *)walk->changes->data;

	for (guint i = walk->changes->len; i-- > 0;) {
		size_t replaced = walk->key ? 0 : MIN(changes[i].from_n, changes[i].to_n);

		for (size_t j = changes[i].from_n; j-- > replaced;) {
			document_path_append_index(editing->path, changes[i].from + j);
			add_remove(editing);
			document_path_drop(editing->path);
		}
	}
}

static void insert_items(struct editing *editing, const struct list_walk *walk)
{
	const struct line_change *changes = (const void *)walk->changes->data;

	for (guint i = 0; i < walk->changes->len; i++) {
		size_t replaced = walk->key ? 0 : MIN(changes[i].from_n, changes[i].to_n);

		for (size_t j = replaced; j < changes[i].to_n; j++) {
			size_t at = changes[i].to + j;
			const struct value *item = value_at(walk->wanted, at);
			struct places places = item_places(walk, editing, item);
			size_t source = source_of(editing, &places, item);
			gboolean known = source < editing->n;

			g_ptr_array_add(editing->edits,
				document_edit_new_insert(editing->path, at, item,
					known ? editing->sources[source] : NULL,
					known ? places.nodes[source] : NULL));
		}
	}
}

/* FALSE if nothing of the list would stay, or it must become or stop being empty: then it is set as
 * a whole. */
static gboolean edit_list(struct editing *editing, const struct value *present,
	const struct value *wanted, const struct places *places)
{
	g_autoptr(GHashTable)
		classes = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	struct list_walk walk = {.present = present, .wanted = wanted};
	g_autoptr(GArray) from = NULL;
	g_autoptr(GArray) to = NULL;
	g_autoptr(GArray) changes = NULL;
	const struct line_change *first;

	walk.key = key_of_items(present, wanted);
	from = classify(present, walk.key, classes);
	to = classify(wanted, walk.key, classes);
	changes = line_diff(sequence_of(from), sequence_of(to), g_hash_table_size(classes));
	first = (const void *)changes->data;
	if (from->len == 0 || to->len == 0 ||
		(changes->len == 1 && first->from_n == from->len && (walk.key || from->len > 1)))
		return FALSE;
	walk.changes = changes;
	find_items(&walk, editing, places);
	edit_items_kept(editing, &walk);
	remove_items(editing, &walk);
	insert_items(editing, &walk);
	for (size_t i = 0; i < editing->n; i++)
		g_hash_table_unref(walk.items[i]);
	return TRUE;
}

/* ---- */

static void add_edits(struct editing *editing, const struct value *present,
	const struct value *wanted, const struct places *places)
{
	enum value_kind kind = value_kind(wanted);

	if (value_same(present, wanted) || editing->edits->len > LIMIT_DOCUMENT_EDITS)
		return;
	if (present && value_kind(present) == kind && value_count(present) > 0 &&
		value_count(wanted) > 0) {
		if (kind == VALUE_MAP) {
			edit_map(editing, present, wanted, places);
			return;
		}
		if (kind == VALUE_LIST && edit_list(editing, present, wanted, places))
			return;
	}
	add_set(editing, wanted, places);
}

GPtrArray *file_merge_edits(const struct value *present, const struct value *wanted,
	const struct document_text *const *sources, size_t n)
{
	scoped(document_path) path = document_path_new();
	struct editing editing = {document_edits_new(), path, sources, n};
	struct places places = {{NULL}};

	g_assert(n <= SOURCES_MOST);
	for (size_t i = 0; i < n; i++)
		places.nodes[i] = document_text_root(sources[i]);
	add_edits(&editing, present, wanted, &places);
	return editing.edits;
}
