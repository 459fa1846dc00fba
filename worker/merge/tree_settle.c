/*
 * From nodes with three versions to one tree.
 *
 * Directories are settled before the entry that has their name, because a file can stay where
 * another version has a directory only if nothing is left in that directory. Where something is
 * left, the file is a conflict (in a virtual merge base it is put beside the directory under a name
 * of its own, as git does).
 *
 * The tree of a partial merge has ours' version wherever there is a conflict. Of a file and a
 * directory in each other's way ours stays, if the other can be told by the id of its tree; if not,
 * both stay, the file under another name.
 */
#include "worker/merge/tree_settle.h"

#include <stdlib.h>
#include <string.h>

#include "worker/merge/entry_merge.h"
#include "worker/git/tree_entries.h"

/** An entry of a tree in the making. */
struct settled_entry {
	const char *name;
	struct tree_version version;
};

/** A directory in the making. */
struct settling {
	const struct merge_node *directory;
	GArray *entries;        /**< of struct settled_entry */
	GPtrArray *moved_names; /**< names made up here */
};

static void put_entry(
	struct settling *settling, const char *name, const struct tree_version *version)
{
	struct settled_entry entry = {name, *version};

	if (version->mode != 0)
		g_array_append_val(settling->entries, entry);
}

static gboolean name_is_taken(const struct settling *settling, const char *name)
{
	for (size_t i = 0; i < settling->directory->n_children; i++)
		if (strcmp(settling->directory->children[i].name, name) == 0)
			return TRUE;
	for (guint i = 0; i < settling->moved_names->len; i++)
		if (strcmp(settling->moved_names->pdata[i], name) == 0)
			return TRUE;
	return FALSE;
}

/** A free name for a file that a directory keeps from its place: git's `NAME~BRANCH`. */
static const char *moved_name(
	const struct merge_run *run, struct settling *settling, const struct merge_node *node)
{
	enum merge_stage side = (node->dirs & MERGE_IN_OURS) != 0 ? MERGE_STAGE_THEIRS
								  : MERGE_STAGE_OURS;
	g_autofree char *branch = g_strdelimit(
		g_strdup(side == MERGE_STAGE_OURS ? run->ours : run->theirs), "/", '_');
	char *name = g_strconcat(node->name, "~", branch, NULL);

	for (unsigned suffix = 0; name_is_taken(settling, name); suffix++) {
		g_free(name);
		name = g_strdup_printf("%s~%s_%u", node->name, branch, suffix);
	}
	g_ptr_array_add(settling->moved_names, name);
	return name;
}

/** Leaves NODE's file versions alone, as if no version had a directory. */
static void forget_directories(struct merge_node *node)
{
	node->matches &= ~node->dirs;
	for (int i = 0; i < MERGE_STAGES; i++)
		if ((node->files & (1u << i)) == 0)
			node->stages[i] = (struct tree_version){0};
}

/** The merged file of NODE in *RESULT (mode 0: none); *CLEAN is FALSE if a person must decide. */
static gboolean settle_file(struct merge_run *run, const struct merge_node *node,
	struct tree_version *result, gboolean *clean, GError **error)
{
	const struct tree_version *stages = node->stages;
	const struct tree_version *base = &stages[MERGE_STAGE_BASE];
	enum merge_stage side;

	*clean = !node->file_and_directory && !node->path_conflict;
	if (node->matches != 0) {
		side = node->matches == (MERGE_IN_BASE | MERGE_IN_OURS) ? MERGE_STAGE_THEIRS
									: MERGE_STAGE_OURS;
		*result = stages[side];
		*clean = *clean || result->mode == 0;
		return TRUE;
	}
	switch (node->files) {
	case MERGE_IN_ALL:
	case MERGE_IN_BOTH_SIDES:
		if ((stages[MERGE_STAGE_OURS].mode & MERGE_MODE_TYPE) !=
			(stages[MERGE_STAGE_THEIRS].mode & MERGE_MODE_TYPE)) {
			*clean = FALSE;
			*result = run->depth > 0 ? *base : stages[MERGE_STAGE_OURS];
			return TRUE;
		}
		gboolean content_clean;
		if (!entry_merge(run, node->stage_paths, base, &stages[MERGE_STAGE_OURS],
			    &stages[MERGE_STAGE_THEIRS], 2 * run->depth, result, &content_clean,
			    error))
			return FALSE;
		*clean = *clean && content_clean;
		return TRUE;
	case MERGE_IN_BASE | MERGE_IN_OURS:
	case MERGE_IN_BASE | MERGE_IN_THEIRS:
		side = node->files == (MERGE_IN_BASE | MERGE_IN_OURS) ? MERGE_STAGE_OURS
								      : MERGE_STAGE_THEIRS;
		*clean = FALSE;
		*result = run->depth > 0 ? *base : stages[side];
		return TRUE;
	case MERGE_IN_OURS:
		*result = stages[MERGE_STAGE_OURS];
		return TRUE;
	case MERGE_IN_THEIRS:
		*result = stages[MERGE_STAGE_THEIRS];
		return TRUE;
	default:
		/* Deleted on both sides. */
		*result = (struct tree_version){0};
		*clean = !node->path_conflict;
		return TRUE;
	}
}

static enum merge_conflict_kind conflict_kind(
	const struct merge_node *node, const struct tree_version stages[MERGE_STAGES])
{
	uint32_t ours = stages[MERGE_STAGE_OURS].mode;
	uint32_t theirs = stages[MERGE_STAGE_THEIRS].mode;

	if (node->path_conflict)
		return CONFLICT_RENAMED;
	if (node->file_and_directory ||
		(ours != 0 && theirs != 0 &&
			(ours & MERGE_MODE_TYPE) != (theirs & MERGE_MODE_TYPE)))
		return CONFLICT_TYPE;
	if (ours == 0 || theirs == 0)
		return CONFLICT_DELETED;
	return stages[MERGE_STAGE_BASE].mode == 0 ? CONFLICT_BOTH_ADDED : CONFLICT_CONTENT;
}

/** TRUE if something below NODE is ours. (A rename of theirs can bring it there.) */
static gboolean has_ours_below(const struct merge_node *node)
{
	for (size_t i = 0; i < node->n_children; i++)
		if ((node->children[i].files & MERGE_IN_OURS) != 0 ||
			has_ours_below(&node->children[i]))
			return TRUE;
	return FALSE;
}

/** What a partial merge has at NODE, which conflicts, and under which name. STAGES are NODE's
 * versions, directories too; what is left of a DIRECTORY stands in SETTLING already. */
static void settle_for_ours(struct merge_run *run, struct settling *settling,
	const struct merge_node *node, const struct tree_version stages[MERGE_STAGES],
	const struct tree_version *directory, struct tree_version *result, const char **name)
{
	gboolean had_result = result->mode != 0;

	merge_run_note(run, node->path, conflict_kind(node, stages), stages);
	*result = node->stages[MERGE_STAGE_OURS];
	for (struct merge_node *up = node->parent;
		had_result && result->mode == 0 && up != NULL && !up->left_out; up = up->parent)
		up->left_out = TRUE;
	if (!node->file_and_directory || result->mode == 0)
		return;
	if (directory->mode == 0) {
		*name = node->name;
	} else if (merge_mode_is_directory(stages[MERGE_STAGE_THEIRS].mode) &&
		!has_ours_below(node)) {
		g_array_set_size(settling->entries, settling->entries->len - 1);
		*name = node->name;
	}
}

static gboolean settle_node(struct merge_run *run, struct settling *settling,
	struct merge_node *node, const struct tree_version *directory, GError **error)
{
	const char *name = node->name;
	struct tree_version result;
	struct tree_version stages[MERGE_STAGES];
	gboolean clean;

	memcpy(stages, node->stages, sizeof(stages));
	if (node->resolved) {
		put_entry(settling, name, node->absent || node->walked ? directory : &node->result);
		return TRUE;
	}
	put_entry(settling, name, directory);
	if (node->files == 0)
		return TRUE;
	if (node->file_and_directory && (directory->mode != 0 || node->left_out)) {
		if (node->files == MERGE_IN_BASE)
			return TRUE;
		name = moved_name(run, settling, node);
		forget_directories(node);
	} else if (node->file_and_directory) {
		node->file_and_directory = FALSE;
		forget_directories(node);
	}
	if (!settle_file(run, node, &result, &clean, error))
		return FALSE;
	if (!clean)
		merge_run_conflict(run, node->path);
	if (!clean && merge_run_is_partial(run))
		settle_for_ours(run, settling, node, stages, directory, &result, &name);
	put_entry(settling, name, &result);
	return TRUE;
}

static gint compare_entries(gconstpointer a, gconstpointer b)
{
	const struct settled_entry *one = a, *two = b;

	return tree_entries_compare(one->name, one->version.mode, two->name, two->version.mode);
}

/** Makes the tree object, unless a side has that tree already. (A base may be virtual, and never
 * written.) */
static gboolean make_tree(
	struct merge_run *run, const struct settling *settling, git_oid *tree, GError **error)
{
	g_autoptr(GByteArray) content = g_byte_array_new();
	const struct merge_node *directory = settling->directory;

	g_array_sort(settling->entries, compare_entries);
	for (guint i = 0; i < settling->entries->len; i++) {
		const struct settled_entry *entry = &g_array_index(
			settling->entries, struct settled_entry, i);
		tree_entries_append(content, entry->name, entry->version.mode, &entry->version.oid);
	}
	const void *data = content->len > 0 ? (const void *)content->data : "";
	if (git_odb_hash(tree, data, content->len, GIT_OBJECT_TREE) < 0) {
		object_stage_set_error(error, "cannot hash a tree");
		return FALSE;
	}
	for (int i = MERGE_STAGE_OURS; i <= MERGE_STAGE_THEIRS; i++)
		if ((directory->dirs & (1u << i)) != 0 &&
			git_oid_equal(tree, &directory->stages[i].oid))
			return TRUE;
	return object_stage_add(run->stage, GIT_OBJECT_TREE, data, content->len, tree, error);
}

/** *RESULT is DIRECTORY's tree, or absent if nothing is left in it and it is not the root. */
static gboolean settle_directory(struct merge_run *run, struct merge_node *directory,
	struct tree_version *result, GError **error)
{
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct settled_entry));
	g_autoptr(GPtrArray) moved_names = g_ptr_array_new_with_free_func(g_free);
	struct settling settling = {directory, entries, moved_names};

	for (size_t i = 0; i < directory->n_children; i++) {
		struct merge_node *child = &directory->children[i];
		struct tree_version below = {0};
		if (child->walked && !settle_directory(run, child, &below, error))
			return FALSE;
		if (!settle_node(run, &settling, child, &below, error))
			return FALSE;
	}
	*result = (struct tree_version){0};
	if (entries->len == 0 && directory->parent != NULL)
		return TRUE;
	result->mode = 0040000u;
	return make_tree(run, &settling, &result->oid, error);
}

gboolean tree_settle(struct merge_run *run, struct merge_node *root, git_oid *tree, GError **error)
{
	struct tree_version result;

	if (!settle_directory(run, root, &result, error))
		return FALSE;
	*tree = result.oid;
	return TRUE;
}
