/*
 * Three trees read side by side.
 *
 * The order in which names are met is part of the result: where several files are equally good as a
 * rename, git takes the first it met. So directories are read as git reads them: names in byte
 * order over all three trees, a directory where it is met, except that a directory which only one
 * side touched is put off. When all else has been read, each side's put-off directories are entered
 * (in the order of git's map of their paths) if some file of that side still looks for where it
 * went; if none does, they are resolved whole, unread. That is what makes most merges cheap.
 *
 * Which deleted files look for a destination: those the other side changed or deleted too, and,
 * because git also asks where directories went, those in a directory that one side removed while
 * the other added a file to it. The merge itself does no directory renames, but the second kind
 * takes part in the contest for destinations.
 */
#include "worker/merge/tree_walk.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/name_order.h"
#include "worker/git/tree_entries.h"

struct deferred_directory {
	struct merge_node *node;
	unsigned rename_mask;
};

struct walker {
	struct tree_walk *walk;
	struct object_stage *stage;
	GArray *deferred[MERGE_STAGES]; /**< of struct deferred_directory */
	gboolean defers[MERGE_STAGES];
	/** The side (as mask) that has a directory the other removed; all bits once a file was
	 * added in there. */
	unsigned rename_mask;
	unsigned depth;
	GString *path;
};

/** The entries of one stage's directory while three are merged. */
struct entry_cursor {
	GArray *entries; /**< NULL: the stage has no such directory */
	guint8 *taken;
	guint at;
};

static struct tree_entry *cursor_head(struct entry_cursor *cursor)
{
	if (cursor->entries == NULL)
		return NULL;
	while (cursor->at < cursor->entries->len && cursor->taken[cursor->at])
		cursor->at++;
	return cursor->at < cursor->entries->len
		? &g_array_index(cursor->entries, struct tree_entry, cursor->at)
		: NULL;
}

/** Takes the entry called NAME, which may stand behind the head if it is a directory and NAME sorts
 * as a file. */
static struct tree_entry *cursor_take(
	struct entry_cursor *cursor, const char *name, size_t name_bytes)
{
	struct tree_entry *head = cursor_head(cursor);

	if (head == NULL)
		return NULL;
	for (guint i = cursor->at; i < cursor->entries->len; i++) {
		struct tree_entry *entry = &g_array_index(cursor->entries, struct tree_entry, i);
		if (strncmp(entry->name, name, name_bytes) != 0 ||
			(unsigned char)entry->name[name_bytes] >= '/')
			return NULL;
		if (entry->name[name_bytes] == '\0' && !cursor->taken[i]) {
			cursor->taken[i] = 1;
			return entry;
		}
	}
	return NULL;
}

static void cursors_clear(struct entry_cursor cursors[MERGE_STAGES])
{
	for (int i = 0; i < MERGE_STAGES; i++) {
		g_clear_pointer(&cursors[i].entries, g_array_unref);
		g_clear_pointer(&cursors[i].taken, g_free);
	}
}

static gboolean cursors_open(struct walker *walker, const struct merge_node *directory,
	struct entry_cursor cursors[MERGE_STAGES], GError **error)
{
	for (int i = 0; i < MERGE_STAGES; i++) {
		if ((directory->dirs & (1u << i)) == 0)
			continue;
		for (int j = 0; j < i && cursors[i].entries == NULL; j++)
			if (cursors[j].entries != NULL &&
				git_oid_equal(&directory->stages[i].oid, &directory->stages[j].oid))
				cursors[i].entries = g_array_ref(cursors[j].entries);
		if (cursors[i].entries == NULL) {
			size_t size;
			const void *content = object_stage_read(walker->stage,
				&directory->stages[i].oid, GIT_OBJECT_TREE, &size, error);
			cursors[i].entries = content != NULL
				? tree_entries_parse(content, size, error)
				: NULL;
			if (cursors[i].entries == NULL) {
				g_prefix_error(error,
					"tree %s: ", git_oid_tostr_s(&directory->stages[i].oid));
				return FALSE;
			}
		}
		cursors[i].taken = g_new0(guint8, cursors[i].entries->len + 1);
	}
	return TRUE;
}

static void node_compare_stages(struct merge_node *node)
{
	const struct tree_version *stages = node->stages;

	if (tree_version_equal(&stages[0], &stages[1]) && stages[0].mode != 0)
		node->matches = tree_version_equal(&stages[0], &stages[2])
			? MERGE_IN_ALL
			: MERGE_IN_BASE | MERGE_IN_OURS;
	else if (tree_version_equal(&stages[0], &stages[2]) && stages[0].mode != 0)
		node->matches = MERGE_IN_BASE | MERGE_IN_THEIRS;
	else if (tree_version_equal(&stages[1], &stages[2]) && stages[1].mode != 0)
		node->matches = MERGE_IN_BOTH_SIDES;
}

static void node_resolve(struct merge_node *node, enum merge_stage stage)
{
	node->resolved = TRUE;
	node->result = node->stages[stage];
}

/** TRUE if NODE needs nothing that another path could give. */
static gboolean node_resolve_early(struct merge_node *node)
{
	if (node->matches == MERGE_IN_ALL)
		node_resolve(node, MERGE_STAGE_BASE);
	else if (node->files == MERGE_IN_ALL && node->matches == MERGE_IN_BOTH_SIDES)
		node_resolve(node, MERGE_STAGE_OURS);
	else if (node->files == MERGE_IN_ALL && node->matches == (MERGE_IN_BASE | MERGE_IN_OURS))
		node_resolve(node, MERGE_STAGE_THEIRS);
	else if (node->files == MERGE_IN_ALL && node->matches == (MERGE_IN_BASE | MERGE_IN_THEIRS))
		node_resolve(node, MERGE_STAGE_OURS);
	return node->resolved;
}

/** Fills DIRECTORY's children from the trees, in git's order. */
static gboolean directory_read(struct walker *walker, struct merge_node *directory, GError **error)
{
	struct entry_cursor cursors[MERGE_STAGES] = {{NULL, NULL, 0}};
	GArray *children;
	const struct tree_entry *first;

	if (!cursors_open(walker, directory, cursors, error)) {
		cursors_clear(cursors);
		return FALSE;
	}
	children = g_array_new(FALSE, TRUE, sizeof(struct merge_node));
	do {
		first = NULL;
		for (int i = 0; i < MERGE_STAGES; i++) {
			const struct tree_entry *head = cursor_head(&cursors[i]);
			if (head != NULL && (first == NULL || strcmp(head->name, first->name) < 0))
				first = head;
		}
		if (first == NULL)
			break;
		struct merge_node node = {.parent = directory, .name = first->name};
		size_t name_bytes = first->name_bytes;
		for (int i = 0; i < MERGE_STAGES; i++) {
			const struct tree_entry *entry = cursor_take(
				&cursors[i], node.name, name_bytes);
			if (entry == NULL)
				continue;
			node.stages[i].mode = entry->mode;
			node.stages[i].oid = entry->oid;
			if (merge_mode_is_directory(entry->mode))
				node.dirs |= 1u << i;
			else
				node.files |= 1u << i;
		}
		node_compare_stages(&node);
		g_array_append_val(children, node);
	} while (first != NULL);
	cursors_clear(cursors);
	directory->walked = TRUE;
	directory->n_children = children->len;
	directory->children = (struct merge_node *)(void *)g_array_free(children, FALSE);
	return TRUE;
}

static void directory_mark(
	GHashTable *removed, const char *path, enum directory_relevance relevance)
{
	g_hash_table_insert(removed, (gpointer)path, GINT_TO_POINTER((int)relevance));
}

/** Notes that a directory is gone on a side, and whether anybody asks where it went. */
static void note_directory(struct walker *walker, const struct merge_node *node)
{
	struct side_changes *sides = walker->walk->sides;
	unsigned dirs = node->dirs;

	if (walker->rename_mask != MERGE_IN_ALL &&
		(dirs == (MERGE_IN_BASE | MERGE_IN_OURS) ||
			dirs == (MERGE_IN_BASE | MERGE_IN_THEIRS)))
		walker->rename_mask = dirs & MERGE_IN_BOTH_SIDES;
	if ((dirs & MERGE_IN_BASE) != 0)
		for (int side = MERGE_STAGE_OURS; side <= MERGE_STAGE_THEIRS; side++)
			if ((dirs & (1u << side)) == 0)
				directory_mark(sides[side].removed_dirs, node->path,
					walker->rename_mask == MERGE_IN_ALL
						? DIRECTORY_RELEVANT_FOR_ANCESTOR
						: DIRECTORY_IRRELEVANT);
	if (walker->rename_mask == MERGE_IN_ALL &&
		(node->files == MERGE_IN_OURS || node->files == MERGE_IN_THEIRS))
		directory_mark(
			sides[node->files == MERGE_IN_OURS ? MERGE_STAGE_THEIRS : MERGE_STAGE_OURS]
				.removed_dirs,
			node->parent->path, DIRECTORY_RELEVANT_FOR_SELF);
}

static void note_rename_candidates(struct walker *walker, struct merge_node *node)
{
	if (node->files == 0 || node->files == MERGE_IN_ALL)
		return;
	for (int side = MERGE_STAGE_OURS; side <= MERGE_STAGE_THEIRS; side++) {
		struct side_changes *changes = &walker->walk->sides[side];
		struct rename_candidate candidate = {node, RENAME_IRRELEVANT};
		gboolean before = (node->files & MERGE_IN_BASE) != 0;
		gboolean after = (node->files & (1u << side)) != 0;
		if (before && !after) {
			if ((node->matches & node->files) == 0)
				candidate.relevance = RENAME_RELEVANT_CONTENT;
			else if (walker->rename_mask == MERGE_IN_ALL)
				candidate.relevance = RENAME_RELEVANT_LOCATION;
			changes->n_relevant += candidate.relevance != RENAME_IRRELEVANT;
			g_array_append_val(changes->sources, candidate);
		} else if (!before && after) {
			g_array_append_val(changes->destinations, candidate);
		}
	}
}

static gboolean walk_directory(struct walker *walker, struct merge_node *directory, GError **error);

/** The side that alone touched the directory NODE, so that it may wait; MERGE_STAGE_BASE if there
 * is none. */
static enum merge_stage only_changer(const struct merge_node *node)
{
	if (node->files == 0 && (node->dirs == MERGE_IN_OURS || node->dirs == MERGE_IN_THEIRS))
		return node->dirs == MERGE_IN_OURS ? MERGE_STAGE_OURS : MERGE_STAGE_THEIRS;
	if (node->matches == (MERGE_IN_BASE | MERGE_IN_OURS))
		return MERGE_STAGE_THEIRS;
	if (node->matches == (MERGE_IN_BASE | MERGE_IN_THEIRS))
		return MERGE_STAGE_OURS;
	return MERGE_STAGE_BASE;
}

static gboolean walk_node(struct walker *walker, struct merge_node *node, GError **error)
{
	unsigned mask_before = walker->rename_mask;
	gboolean ok = TRUE;

	if (node_resolve_early(node))
		return TRUE;
	g_string_assign(walker->path, node->parent->path);
	if (walker->path->len > 0)
		g_string_append_c(walker->path, '/');
	g_string_append(walker->path, node->name);
	node->path = g_string_chunk_insert_len(
		walker->walk->paths, walker->path->str, (gssize)walker->path->len);
	for (int i = 0; i < MERGE_STAGES; i++)
		node->stage_paths[i] = node->path;
	node->file_and_directory = node->files != 0 && node->dirs != 0;
	note_directory(walker, node);
	note_rename_candidates(walker, node);
	if (node->dirs == 0)
		return TRUE;

	enum merge_stage changer = only_changer(node);
	if (walker->rename_mask != MERGE_IN_ALL && changer != MERGE_STAGE_BASE &&
		walker->defers[changer]) {
		struct deferred_directory deferred = {node, walker->rename_mask};
		g_array_append_val(walker->deferred[changer], deferred);
	} else {
		node->matches &= node->files;
		ok = walk_directory(walker, node, error);
	}
	walker->rename_mask = mask_before;
	return ok;
}

static gboolean walk_directory(struct walker *walker, struct merge_node *directory, GError **error)
{
	if (++walker->depth > LIMIT_TREE_DEPTH) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"'%.100s…' is more than %d directories deep", directory->path,
			LIMIT_TREE_DEPTH);
		return FALSE;
	}
	if (!directory_read(walker, directory, error))
		return FALSE;
	if (walker->rename_mask == MERGE_IN_OURS || walker->rename_mask == MERGE_IN_THEIRS)
		for (size_t i = 0; i < directory->n_children; i++)
			if (directory->children[i].files == walker->rename_mask)
				walker->rename_mask = MERGE_IN_ALL;
	for (size_t i = 0; i < directory->n_children; i++)
		if (!walk_node(walker, &directory->children[i], error))
			return FALSE;
	walker->depth--;
	return TRUE;
}

/** Enters, or resolves unread, what was put off because SIDE alone touched it. */
static gboolean walk_deferred(struct walker *walker, enum merge_stage side, GError **error)
{
	g_autoptr(GHashTable) by_path = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	GArray *deferred = walker->deferred[side];

	walker->defers[side] = FALSE;
	for (guint i = 0; i < deferred->len; i++) {
		struct deferred_directory *directory = &g_array_index(
			deferred, struct deferred_directory, i);
		if (walker->walk->sides[side].n_relevant == 0) {
			node_resolve(directory->node, side);
			directory->node->matches = 0;
			continue;
		}
		g_ptr_array_add(order, (gpointer)directory->node->path);
		g_hash_table_insert(by_path, (gpointer)directory->node->path, directory);
	}
	name_order_sort(order);
	for (guint i = 0; i < order->len; i++) {
		const struct deferred_directory *directory = g_hash_table_lookup(
			by_path, order->pdata[i]);
		directory->node->matches &= directory->node->files;
		walker->rename_mask = directory->rename_mask;
		/* The depth is that of the path, not of this call. */
		walker->depth = 0;
		for (const struct merge_node *up = directory->node->parent; up != NULL;
			up = up->parent)
			walker->depth++;
		if (!walk_directory(walker, directory->node, error))
			return FALSE;
	}
	return TRUE;
}

struct tree_walk *tree_walk_new(
	struct object_stage *stage, const git_oid trees[MERGE_STAGES], GError **error)
{
	scoped(tree_walk) walk = g_new0(struct tree_walk, 1);
	struct walker walker = {.walk = walk, .stage = stage, .path = g_string_new(NULL)};
	gboolean ok;

	walk->paths = g_string_chunk_new(4096);
	walk->root.path = walk->root.name = "";
	walk->root.dirs = MERGE_IN_ALL;
	for (int i = 0; i < MERGE_STAGES; i++) {
		walk->root.stages[i].mode = 0040000u;
		walk->root.stages[i].oid = trees[i];
		walk->root.stage_paths[i] = "";
		walk->sides[i].sources = g_array_new(FALSE, FALSE, sizeof(struct rename_candidate));
		walk->sides[i].destinations = g_array_new(
			FALSE, FALSE, sizeof(struct rename_candidate));
		walk->sides[i].removed_dirs = g_hash_table_new(g_str_hash, g_str_equal);
		walker.deferred[i] = g_array_new(FALSE, FALSE, sizeof(struct deferred_directory));
		walker.defers[i] = TRUE;
	}
	ok = walk_directory(&walker, &walk->root, error) &&
		walk_deferred(&walker, MERGE_STAGE_OURS, error) &&
		walk_deferred(&walker, MERGE_STAGE_THEIRS, error);
	for (int i = 0; i < MERGE_STAGES; i++)
		g_array_unref(walker.deferred[i]);
	g_string_free(walker.path, TRUE);
	return ok ? g_steal_pointer(&walk) : NULL;
}

static void node_free_children(struct merge_node *node)
{
	for (size_t i = 0; i < node->n_children; i++)
		node_free_children(&node->children[i]);
	g_free(node->children);
}

void tree_walk_free(struct tree_walk *walk)
{
	if (walk == NULL)
		return;
	node_free_children(&walk->root);
	for (int i = 0; i < MERGE_STAGES; i++) {
		g_array_unref(walk->sides[i].sources);
		g_array_unref(walk->sides[i].destinations);
		g_hash_table_unref(walk->sides[i].removed_dirs);
	}
	g_string_chunk_free(walk->paths);
	g_free(walk);
}
