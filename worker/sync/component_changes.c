/*
 * Two trees of a component compared for people.
 */
#include "worker/sync/component_changes.h"

#include <git2.h>

#include "journal/base/errors.h"
#include "worker/git/git_library.h"
#include "worker/workspace/workspace_repository.h"

struct loaded {
	git_blob *blob;
	char hex[GIT_OID_HEXSZ + 1];
	struct file_version version;
};

static gboolean load(git_repository *repository, const git_diff_file *file, struct loaded *loaded,
	GError **error)
{
	loaded->version.mode = file->mode;
	loaded->version.absent = git_oid_is_zero(&file->id);
	if (loaded->version.absent)
		return TRUE;
	if (file->mode == GIT_FILEMODE_COMMIT) {
		git_oid_tostr(loaded->hex, sizeof(loaded->hex), &file->id);
		loaded->version.data = loaded->hex;
		loaded->version.size = GIT_OID_HEXSZ;
		return TRUE;
	}
	if (git_blob_lookup(&loaded->blob, repository, &file->id) != 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "%s cannot be read", file->path);
		return FALSE;
	}
	loaded->version.data = git_blob_rawcontent(loaded->blob);
	loaded->version.size = (size_t)git_blob_rawsize(loaded->blob);
	return TRUE;
}

static gboolean add_change(
	git_repository *repository, const git_diff_delta *delta, GPtrArray *changes, GError **error)
{
	struct loaded before = {0}, after = {0};
	gboolean loaded = load(repository, &delta->old_file, &before, error) &&
		load(repository, &delta->new_file, &after, error);
	struct file_change *change = NULL;

	if (loaded)
		change = file_change_new(delta->new_file.path, &before.version, &after.version);
	if (change)
		g_ptr_array_add(changes, change);
	git_blob_free(before.blob);
	git_blob_free(after.blob);
	return loaded;
}

static void free_change(gpointer change)
{
	file_change_free(change);
}

static gboolean find_tree(
	git_repository *repository, const char *id, git_tree **tree, GError **error)
{
	git_oid oid;

	*tree = NULL;
	if (!*id)
		return TRUE;
	if (git_oid_fromstr(&oid, id) == 0 && git_tree_lookup(tree, repository, &oid) == 0)
		return TRUE;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
		"the files that %.12s stands for cannot be read", id);
	return FALSE;
}

static GPtrArray *compare(git_repository *repository, git_tree *old, git_tree *new, GError **error)
{
	g_autoptr(GPtrArray) changes = g_ptr_array_new_with_free_func(free_change);
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_diff *diff = NULL;
	gboolean ok;

	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	ok = git_diff_tree_to_tree(&diff, repository, old, new, &options) == 0;
	if (!ok)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"two versions of a component cannot be compared");
	for (size_t i = 0; ok && i < git_diff_num_deltas(diff); i++)
		ok = add_change(repository, git_diff_get_delta(diff, i), changes, error);
	git_diff_free(diff);
	return ok ? g_steal_pointer(&changes) : NULL;
}

GPtrArray *component_changes(const char *root, const char *from, const char *to, GError **error)
{
	git_repository *repository;
	git_tree *old = NULL, *new = NULL;
	GPtrArray *changes = NULL;

	git_library_start();
	repository = workspace_repository_open(root, error);
	if (repository && find_tree(repository, from, &old, error) &&
		find_tree(repository, to, &new, error))
		changes = compare(repository, old, new, error);
	git_tree_free(new);
	git_tree_free(old);
	git_repository_free(repository);
	git_library_stop();
	return changes;
}
