/*
 * The half of a merge by key that is about lists.
 *
 * An item is known by its identity: in a list of maps their unique `name` or `id`, in a list of
 * scalars the scalar itself if none comes twice. With identities a list is a map that has an order:
 * items are merged one by one, and stand as the side that changed the order has them, what only the
 * other side added behind the item it follows there (behind what the first side put in that place).
 * Words that all three keep sorted stay sorted.
 *
 * Where order says more, the list is one value: both sides moved items differently; both replaced
 * an item, which may have got two new names; or the list is a command line.
 */
#include "worker/document/value_merge_run.h"

#include <string.h>

#include "journal/base/document.h"
#include "journal/base/hash.h"

/* Fewer words are in order by chance. */
#define SORTED_LEAST 4

struct list_side {
	const struct value *list; /* NULL has no items */
	GPtrArray *identities;    /* of char *, parallel to the items */
	GHashTable *places;       /* identity to place + 1; keys belong to IDENTITIES */
};

/* What a map in a list is known by; last, the item itself. */
static const char *const item_keys[] = {"name", "id", NULL};

enum {
	SIDE_BASE,
	SIDE_OURS,
	SIDE_THEIRS,
	SIDE_LINES_OURS,
	SIDE_LINES_THEIRS,
	SIDES,
	SIDES_NEEDED = SIDE_LINES_OURS,
};

static void clear_side(struct list_side *side)
{
	g_clear_pointer(&side->identities, g_ptr_array_unref);
	g_clear_pointer(&side->places, g_hash_table_unref);
}

static const struct value *item_of(const struct list_side *side, const char *identity)
{
	size_t place = GPOINTER_TO_SIZE(g_hash_table_lookup(side->places, identity));

	return place > 0 ? value_at(side->list, place - 1) : NULL;
}

static gboolean has(const struct list_side *side, const char *identity)
{
	return g_hash_table_contains(side->places, identity);
}

static const char *identity_at(const struct list_side *side, size_t at)
{
	return g_ptr_array_index(side->identities, at);
}

/* The identity of ITEM by KEY (NULL: as the scalar it is), or NULL. Caller frees. */
static char *identity_of(const struct value *item, const char *key)
{
	const struct value *named = item;

	if (key) {
		named = value_kind(item) == VALUE_MAP ? value_get(item, key) : NULL;
		if (!named ||
			(value_kind(named) != VALUE_STRING && value_kind(named) != VALUE_INTEGER))
			return NULL;
	} else if (value_kind(item) == VALUE_LIST || value_kind(item) == VALUE_MAP) {
		return NULL;
	}
	if (value_written(named))
		return g_strdup(value_written(named));
	return document_write_json(named, DOCUMENT_COMPACT);
}

static gboolean identify(struct list_side *side, const struct value *list, const char *key)
{
	side->list = list;
	side->identities = g_ptr_array_new_with_free_func(g_free);
	side->places = g_hash_table_new(hash_string_keyed, g_str_equal);
	for (size_t i = 0; list && i < value_count(list); i++) {
		char *identity = identity_of(value_at(list, i), key);

		if (!identity)
			return FALSE;
		g_ptr_array_add(side->identities, identity);
		if (has(side, identity))
			return FALSE;
		g_hash_table_insert(side->places, identity, GSIZE_TO_POINTER(i + 1));
	}
	return TRUE;
}

static gboolean identify_all(
	struct list_side *sides, const struct value_versions *versions, const char *key)
{
	const struct value *lists[SIDES] = {versions->base, versions->ours, versions->theirs,
		versions->lines_ours, versions->lines_theirs};

	for (size_t i = 0; i < SIDES; i++) {
		const struct value *list = lists[i] && value_kind(lists[i]) == VALUE_LIST ? lists[i]
											  : NULL;

		clear_side(&sides[i]);
		if (identify(&sides[i], list, key))
			continue;
		if (i < SIDES_NEEDED)
			return FALSE;
		/* What lines made of it is only a hint. */
		clear_side(&sides[i]);
		identify(&sides[i], NULL, key);
	}
	return TRUE;
}

/* ---- order ---- */

/* Items that all three have, in the order of SIDE. */
static GPtrArray *kept_in_order_of(const struct list_side *sides, size_t side)
{
	GPtrArray *kept = g_ptr_array_new();

	for (size_t i = 0; i < sides[side].identities->len; i++) {
		const char *identity = identity_at(&sides[side], i);

		if (has(&sides[SIDE_BASE], identity) && has(&sides[SIDE_OURS], identity) &&
			has(&sides[SIDE_THEIRS], identity))
			g_ptr_array_add(kept, (char *)identity);
	}
	return kept;
}

static gboolean same_order(const GPtrArray *a, const GPtrArray *b)
{
	for (size_t i = 0; i < a->len; i++)
		if (strcmp(g_ptr_array_index(a, i), g_ptr_array_index(b, i)) != 0)
			return FALSE;
	return TRUE;
}

/* The side whose order counts; FALSE if both changed it. */
static gboolean find_leader(const struct list_side *sides, size_t *leader)
{
	g_autoptr(GPtrArray) base = kept_in_order_of(sides, SIDE_BASE);
	g_autoptr(GPtrArray) ours = kept_in_order_of(sides, SIDE_OURS);
	g_autoptr(GPtrArray) theirs = kept_in_order_of(sides, SIDE_THEIRS);

	if (same_order(base, theirs) || same_order(ours, theirs))
		*leader = SIDE_OURS;
	else if (same_order(base, ours))
		*leader = SIDE_THEIRS;
	else
		return FALSE;
	return TRUE;
}

/* What became of the items between two that all three have. */
struct gap {
	GString *added;        /* what is not in the base, a line each */
	size_t n_added;        /* how many */
	size_t n_removed;      /* of the base's items that this side has not */
	gboolean both_removed; /* one of them is gone on the other side too */
};

static void clear_gap(gpointer data)
{
	g_string_free(((struct gap *)data)->added, TRUE);
}

static struct gap *begin_gap(GArray *gaps)
{
	g_array_append_val(gaps, ((struct gap){.added = g_string_new(NULL)}));
	return &g_array_index(gaps, struct gap, gaps->len - 1);
}

static gboolean all_have(const struct list_side *sides, const char *identity)
{
	return has(&sides[SIDE_BASE], identity) && has(&sides[SIDE_OURS], identity) &&
		has(&sides[SIDE_THEIRS], identity);
}

/* The gaps of SIDE, from before the first item that all have to behind the last. */
static GArray *find_gaps(const struct list_side *sides, size_t side)
{
	GArray *gaps = g_array_new(FALSE, FALSE, sizeof(struct gap));
	const struct list_side *other = &sides[side == SIDE_OURS ? SIDE_THEIRS : SIDE_OURS];
	struct gap *gap = begin_gap(gaps);

	g_array_set_clear_func(gaps, clear_gap);
	for (size_t i = 0; i < sides[side].identities->len; i++) {
		const char *identity = identity_at(&sides[side], i);

		if (all_have(sides, identity)) {
			gap = begin_gap(gaps);
		} else if (!has(&sides[SIDE_BASE], identity)) {
			g_string_append_printf(gap->added, "%s\n", identity);
			gap->n_added++;
		}
	}
	for (size_t i = 0, at = 0; i < sides[SIDE_BASE].identities->len; i++) {
		const char *identity = identity_at(&sides[SIDE_BASE], i);

		gap = &g_array_index(gaps, struct gap, at);
		if (all_have(sides, identity)) {
			at++;
		} else if (!has(&sides[side], identity)) {
			gap->n_removed++;
			gap->both_removed = gap->both_removed || !has(other, identity);
		}
	}
	return gaps;
}

/* TRUE if both sides removed an item and put different ones in its place. In a set that is so only
 * where a side has as many as before: else nothing tells which became which. */
static gboolean replaced_differently(const struct list_side *sides, gboolean is_set)
{
	g_autoptr(GArray) all_ours = find_gaps(sides, SIDE_OURS);
	g_autoptr(GArray) all_theirs = find_gaps(sides, SIDE_THEIRS);

	for (guint i = 0; i < all_ours->len; i++) {
		const struct gap *ours = &g_array_index(all_ours, struct gap, i);
		const struct gap *theirs = &g_array_index(all_theirs, struct gap, i);

		if (!ours->both_removed || g_string_equal(ours->added, theirs->added))
			continue;
		if (!is_set || ours->n_added == ours->n_removed ||
			theirs->n_added == theirs->n_removed)
			return TRUE;
	}
	return FALSE;
}

/* ---- merging ---- */

/* What only FOLLOWER has, by the item of LEADER that it comes behind ("" before all): identity to
 * GPtrArray of identities. No identity is empty. */
static GHashTable *followers_of(const struct list_side *leader, const struct list_side *follower)
{
	GHashTable *groups = g_hash_table_new_full(
		hash_string_keyed, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
	const char *anchor = "";

	for (size_t i = 0; i < follower->identities->len; i++) {
		const char *identity = identity_at(follower, i);
		GPtrArray *group;

		if (has(leader, identity)) {
			anchor = identity;
			continue;
		}
		group = g_hash_table_lookup(groups, anchor);
		if (!group) {
			group = g_ptr_array_new();
			g_hash_table_insert(groups, (char *)anchor, group);
		}
		g_ptr_array_add(group, (char *)identity);
	}
	return groups;
}

static void flush(GPtrArray *order, GHashTable *groups, const char **anchor)
{
	GPtrArray *group = *anchor ? g_hash_table_lookup(groups, *anchor) : NULL;

	for (size_t i = 0; group && i < group->len; i++)
		g_ptr_array_add(order, g_ptr_array_index(group, i));
	*anchor = NULL;
}

/* The identities of both sides in the order of the result. */
static GPtrArray *order_items(const struct list_side *sides, size_t leader)
{
	const struct list_side *first = &sides[leader];
	const struct list_side *second = &sides[leader == SIDE_OURS ? SIDE_THEIRS : SIDE_OURS];
	g_autoptr(GHashTable) groups = followers_of(first, second);
	GPtrArray *order = g_ptr_array_new();
	const char *anchor = "";

	for (size_t i = 0; i < first->identities->len; i++) {
		const char *identity = identity_at(first, i);
		gboolean added = !has(&sides[SIDE_BASE], identity) && !has(second, identity);

		if (!added)
			flush(order, groups, &anchor);
		g_ptr_array_add(order, (char *)identity);
		if (!added)
			anchor = identity;
	}
	flush(order, groups, &anchor);
	return order;
}

static gboolean is_sorted(const struct list_side *side)
{
	for (size_t i = 0; i < side->identities->len; i++)
		if (*identity_at(side, i) != '"' ||
			(i > 0 && strcmp(identity_at(side, i - 1), identity_at(side, i)) > 0))
			return FALSE;
	return TRUE;
}

static int compare_identities(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Puts words in order that all three keep in order: two were sorted in where each belongs. */
static void sort_words(GPtrArray *order, const struct list_side *sides)
{
	if (sides[SIDE_BASE].identities->len >= SORTED_LEAST && is_sorted(&sides[SIDE_BASE]) &&
		is_sorted(&sides[SIDE_OURS]) && is_sorted(&sides[SIDE_THEIRS]))
		g_ptr_array_sort(order, compare_identities);
}

/* Appends to the path where IDENTITY stands in our list, or its name. */
static void enter_item(struct value_merging *merging, const struct list_side *ours,
	const struct value *item, const char *key, const char *identity)
{
	size_t place = GPOINTER_TO_SIZE(g_hash_table_lookup(ours->places, identity));
	const struct value *name;

	if (place > 0) {
		document_path_append_index(merging->path, place - 1);
		return;
	}
	name = key ? value_get(item, key) : NULL;
	document_path_append_key(merging->path,
		name && value_kind(name) == VALUE_STRING ? value_string(name) : identity);
}

static struct value *merge_items(struct value_merging *merging, const struct list_side *sides,
	size_t leader, const char *key)
{
	g_autoptr(GPtrArray) order = order_items(sides, leader);
	struct value *merged = value_new_list();

	if (!key)
		sort_words(order, sides);
	for (size_t i = 0; i < order->len; i++) {
		const char *identity = g_ptr_array_index(order, i);
		const struct value_versions items = {
			.base = item_of(&sides[SIDE_BASE], identity),
			.ours = item_of(&sides[SIDE_OURS], identity),
			.theirs = item_of(&sides[SIDE_THEIRS], identity),
			.lines_ours = item_of(&sides[SIDE_LINES_OURS], identity),
			.lines_theirs = item_of(&sides[SIDE_LINES_THEIRS], identity),
		};
		struct value *item;

		enter_item(merging, &sides[SIDE_OURS], items.ours ? items.ours : items.theirs, key,
			identity);
		item = value_merge_node(merging, &items);
		document_path_drop(merging->path);
		if (item)
			value_append_take(merged, item);
	}
	return merged;
}

/* In a command line a word may belong to the one before it. */
static gboolean is_command_line(const struct document_path *path)
{
	static const char *const words[] = {
		"command", "cmd", "args", "arguments", "argv", "entrypoint", NULL};
	size_t length = document_path_length(path);
	const char *key = length > 0 ? document_path_step(path, length - 1).key : NULL;
	g_autofree char *lower = key ? g_ascii_strdown(key, -1) : NULL;

	return lower && g_strv_contains(words, lower);
}

struct value *value_merge_lists(
	struct value_merging *merging, const struct value_versions *versions)
{
	struct list_side sides[SIDES] = {{NULL}};
	struct value *merged = NULL;
	size_t leader;

	for (size_t i = 0; i < G_N_ELEMENTS(item_keys) && !merged; i++) {
		if (!item_keys[i] && is_command_line(merging->path))
			break;
		if (!identify_all(sides, versions, item_keys[i]))
			continue;
		if (find_leader(sides, &leader) &&
			!replaced_differently(sides, item_keys[i] == NULL))
			merged = merge_items(merging, sides, leader, item_keys[i]);
		break;
	}
	for (size_t i = 0; i < SIDES; i++)
		clear_side(&sides[i]);
	return merged ? merged : value_merge_conflict(merging, versions);
}

/* TRUE if items of BOTH share a name or id, and those of each of its sources do not. */
static gboolean names_collide(const struct value *both, const struct value_versions *sources)
{
	gboolean collide = FALSE;

	for (size_t i = 0; i < G_N_ELEMENTS(item_keys) - 1; i++) {
		const struct value *lists[] = {sources->ours, sources->theirs, both};
		gboolean unique[3];

		for (size_t j = 0; j < 3; j++) {
			struct list_side side = {NULL};

			unique[j] = identify(&side, lists[j], item_keys[i]);
			clear_side(&side);
		}
		collide = collide || (unique[0] && unique[1] && !unique[2]);
	}
	return collide;
}

struct value *value_merge_both(const struct value_versions *versions)
{
	g_autoptr(GHashTable)
		known = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	const struct value *lists[] = {versions->base, versions->ours};
	struct value *both = value_copy(versions->ours);

	for (size_t side = 0; side < G_N_ELEMENTS(lists); side++) {
		gboolean is_list = lists[side] && value_kind(lists[side]) == VALUE_LIST;

		for (size_t i = 0; is_list && i < value_count(lists[side]); i++)
			g_hash_table_add(known,
				document_write_json(value_at(lists[side], i), DOCUMENT_COMPACT));
	}
	for (size_t i = 0; i < value_count(versions->theirs); i++) {
		const struct value *item = value_at(versions->theirs, i);
		char *text = document_write_json(item, DOCUMENT_COMPACT);

		if (g_hash_table_add(known, text))
			value_append_take(both, value_copy(item));
	}
	if (!names_collide(both, versions))
		return both;
	value_free(both);
	return NULL;
}
