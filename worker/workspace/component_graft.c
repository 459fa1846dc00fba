/*
 * A component's folder on top of upstream's tip.
 *
 * Each tree on the way to the folder is made by putting one entry in its place among the bytes of
 * the tip's: what is beside the way stays as it was written, odd modes and all. That nothing else
 * changed is checked all the same, by comparing the two trees, before there is a commit.
 */
#include "worker/workspace/component_graft.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/git/tree_entries.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/object_copy.h"
#include "worker/workspace/upstream_history.h"

#define MODE_DIRECTORY 0040000u

/* A folder on the way: upstream's tree, or none yet. */
struct way_folder {
	const char *name; /* of the next folder on the way */
	git_odb_object *object;
	GArray *entries; /* of struct tree_entry */
	guint at;        /* where the next folder's entry is, or is to be */
	gboolean there;
};

struct way {
	git_odb *odb;
	char **names;
	struct way_folder *folders; /* one for each name; the first is the root */
	guint n;
};

static void way_clear(struct way *way)
{
	for (guint i = 0; way->folders && i < way->n; i++) {
		git_odb_object_free(way->folders[i].object);
		if (way->folders[i].entries)
			g_array_unref(way->folders[i].entries);
	}
	g_free(way->folders);
	g_strfreev(way->names);
	git_odb_free(way->odb);
}
SCOPED_VALUE(way, way_clear)

static gboolean folder_read(
	struct way *way, struct way_folder *folder, const git_oid *tree, GError **error)
{
	if (git_odb_read(&folder->object, way->odb, tree) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"cannot read upstream's tree %s", git_oid_tostr_s(tree));
		return FALSE;
	}
	if (git_odb_object_type(folder->object) != GIT_OBJECT_TREE) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"upstream's object %s is no tree", git_oid_tostr_s(tree));
		return FALSE;
	}
	folder->entries = tree_entries_parse(
		git_odb_object_data(folder->object), git_odb_object_size(folder->object), error);
	if (!folder->entries)
		g_prefix_error(error, "upstream's tree %s: ", git_oid_tostr_s(tree));
	return folder->entries != NULL;
}

/* Finds the place of the next folder's entry in FOLDER. FALSE if something else has the name. */
static gboolean folder_find(struct way_folder *folder)
{
	guint n = folder->entries ? folder->entries->len : 0;

	folder->at = n;
	for (guint i = 0; i < n; i++) {
		const struct tree_entry *entry = &g_array_index(
			folder->entries, struct tree_entry, i);

		if (strcmp(entry->name, folder->name) == 0) {
			folder->at = i;
			folder->there = TRUE;
			return entry->mode == MODE_DIRECTORY;
		}
		if (folder->at == n &&
			tree_entries_compare(
				entry->name, entry->mode, folder->name, MODE_DIRECTORY) > 0)
			folder->at = i;
	}
	return TRUE;
}

/* Reads the way from ROOT to PATH. *FOLDER is what is there now; zero: nothing. */
static gboolean way_read(struct way *way, git_repository *target, const git_oid *root,
	const char *path, git_oid *folder, GError **error)
{
	git_oid at = *root;

	if (git_repository_odb(&way->odb, target) != 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open the object database");
		return FALSE;
	}
	way->names = g_strsplit(path, "/", -1);
	way->n = g_strv_length(way->names);
	way->folders = g_new0(struct way_folder, way->n + 1);
	for (guint i = 0; i < way->n; i++) {
		struct way_folder *here = &way->folders[i];

		here->name = way->names[i];
		if (!git_oid_is_zero(&at) && !folder_read(way, here, &at, error))
			return FALSE;
		if (!folder_find(here)) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
				"upstream has something that is no folder where '%s' is to be: '%s'",
				path, here->name);
			return FALSE;
		}
		at = here->there ? g_array_index(here->entries, struct tree_entry, here->at).oid
				 : (git_oid){{0}};
	}
	*folder = at;
	return TRUE;
}

/* Where the entry number AT begins in the bytes of FOLDER's tree. */
static gsize entry_offset(const struct way_folder *folder, guint at)
{
	const char *content = git_odb_object_data(folder->object);
	const struct tree_entry *before;

	if (at == 0)
		return 0;
	before = &g_array_index(folder->entries, struct tree_entry, at - 1);
	return (gsize)(before->name - content) + before->name_bytes + 1 + GIT_OID_RAWSZ;
}

/* FOLDER's tree with TREE as the next folder: *TREE is its id. */
static gboolean folder_write(
	const struct way *way, const struct way_folder *folder, git_oid *tree, GError **error)
{
	g_autoptr(GByteArray) content = g_byte_array_new();
	const guint8 *old = folder->object ? git_odb_object_data(folder->object) : NULL;
	gsize size = folder->object ? git_odb_object_size(folder->object) : 0;
	gsize begin = folder->object ? entry_offset(folder, folder->at) : 0;
	gsize end = folder->there ? entry_offset(folder, folder->at + 1) : begin;

	g_byte_array_append(content, old, (guint)begin);
	tree_entries_append(content, folder->name, MODE_DIRECTORY, tree);
	g_byte_array_append(content, old ? old + end : NULL, (guint)(size - end));
	if (git_odb_write(tree, way->odb, content->data, content->len, GIT_OBJECT_TREE) == 0)
		return TRUE;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot write a tree");
	return FALSE;
}

/* TRUE if BEFORE and AFTER differ below PATH alone. */
static gboolean check_elsewhere(git_repository *target, const git_oid *before, const git_oid *after,
	const char *path, GError **error)
{
	g_autofree char *prefix = g_strconcat(path, "/", NULL);
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_tree *old = NULL, *new = NULL;
	git_diff *diff = NULL;
	gboolean ok;

	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	ok = git_tree_lookup(&old, target, before) == 0 &&
		git_tree_lookup(&new, target, after) == 0 &&
		git_diff_tree_to_tree(&diff, target, old, new, &options) == 0;
	if (!ok)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot compare the trees");
	for (gsize i = 0; ok && *path && i < git_diff_num_deltas(diff); i++) {
		const char *changed = git_diff_get_delta(diff, i)->new_file.path;

		ok = g_str_has_prefix(changed, prefix);
		if (!ok)
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED,
				"the commit would change '%.300s' too", changed);
	}
	git_diff_free(diff);
	git_tree_free(old);
	git_tree_free(new);
	return ok;
}

static gboolean check_folder(
	git_repository *forge, const git_oid *tree_oid, const char *path, GError **error)
{
	git_tree *tree = NULL;
	gsize n;

	if (!upstream_path_is_valid(path)) {
		g_autofree char *shown = g_strescape(path, NULL);

		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%.300s' is no folder's path in a repository", shown);
		return FALSE;
	}
	if (git_tree_lookup(&tree, forge, tree_oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"cannot read the component's folder %s", git_oid_tostr_s(tree_oid));
		return FALSE;
	}
	n = git_tree_entrycount(tree);
	git_tree_free(tree);
	if (n == 0)
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"the component's folder is empty");
	return n > 0;
}

gboolean component_graft(git_repository *target, git_repository *forge,
	const git_oid *component_tree, const git_oid *upstream_tip, const char *path,
	const git_signature *who, const char *message, git_oid *commit, GError **error)
{
	scoped_value(way) way = {0};
	git_oid root, folder, tree = *component_tree;

	if (!check_folder(forge, component_tree, path, error) ||
		!component_history_tree(target, upstream_tip, &root, error) ||
		!way_read(&way, target, &root, path, &folder, error))
		return FALSE;
	if (git_oid_equal(&folder, component_tree)) {
		*commit = (git_oid){{0}};
		return TRUE;
	}
	if (!object_copy_tree(forge, target, component_tree,
		    git_oid_is_zero(&folder) ? NULL : &folder, error))
		return FALSE;
	for (guint i = way.n; i-- > 0;)
		if (!folder_write(&way, &way.folders[i], &tree, error))
			return FALSE;
	return check_elsewhere(target, &root, &tree, path, error) &&
		component_history_commit(
			target, &tree, upstream_tip, 1, who, message, commit, error);
}
