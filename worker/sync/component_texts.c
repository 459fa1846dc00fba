/*
 * Files of a component read from git's objects.
 */
#include "worker/sync/component_texts.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace_repository.h"

static GBytes *bytes_of(
	git_repository *repository, const git_oid *oid, const char *path, GError **error)
{
	git_blob *blob = NULL;
	GBytes *bytes = NULL;

	if (git_blob_lookup(&blob, repository, oid) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s cannot be read", path);
		return NULL;
	}
	if (git_blob_rawsize(blob) > LIMIT_MERGE_BLOB_BYTES)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "%s is larger than %d bytes",
			path, LIMIT_MERGE_BLOB_BYTES);
	else
		bytes = g_bytes_new(git_blob_rawcontent(blob), (gsize)git_blob_rawsize(blob));
	git_blob_free(blob);
	return bytes;
}

GBytes *component_texts_read(
	git_repository *repository, const git_oid *tree_oid, const char *path, GError **error)
{
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	GBytes *bytes = NULL;
	int result;

	if (git_tree_lookup(&tree, repository, tree_oid) != 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "a component's files cannot be read");
		return NULL;
	}
	result = git_tree_entry_bypath(&entry, tree, path);
	if (result == 0 &&
		(git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB ||
			git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB_EXECUTABLE))
		bytes = bytes_of(repository, git_tree_entry_id(entry), path, error);
	else if (result != 0 && result != GIT_ENOTFOUND)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s cannot be read", path);
	git_tree_entry_free(entry);
	git_tree_free(tree);
	return bytes;
}

struct component_file *component_texts_file(
	git_repository *repository, const git_oid *tree, GPtrArray *problems, GError **error)
{
	static const struct document_origin origin = {
		"component.yaml", FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GBytes) bytes = component_texts_read(repository, tree, origin.name, error);
	gsize size;
	const char *text;

	if (!bytes)
		return NULL;
	text = g_bytes_get_data(bytes, &size);
	return component_file_parse(&origin, text ? text : "", size, problems, error);
}

struct component_file *component_texts_installed(git_repository *forge, const char *name)
{
	git_oid base, tree;

	if (!workspace_ref_get(forge, name, COMPONENT_REF_BASE, &base, NULL) ||
		git_oid_is_zero(&base) || !component_history_tree(forge, &base, &tree, NULL))
		return NULL;
	return component_texts_file(forge, &tree, NULL, NULL);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

gboolean component_texts_dependencies(
	git_repository *repository, const git_oid *tree, char ***names, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
	scoped(component_file) file = component_texts_file(repository, tree, NULL, &problem);

	if (problem && forge_error_code(problem) != FORGE_ERROR_VALIDATION_FAILED) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	for (guint i = 0; file && i < file->dependencies->len; i++) {
		const struct component_dependency *dependency = file->dependencies->pdata[i];

		g_ptr_array_add(list, g_strdup(dependency->component));
	}
	g_ptr_array_sort(list, compare_names);
	g_ptr_array_add(list, NULL);
	*names = (char **)g_ptr_array_steal(list, NULL);
	return TRUE;
}
