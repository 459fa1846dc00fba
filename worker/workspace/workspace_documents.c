/*
 * The two files of a workspace that people keep in git. What is in them is worker/component's to
 * know; here they are read, and replaced by rename.
 */
#include "worker/workspace/workspace_documents.h"

#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "worker/component/workspace_edit.h"
#include "worker/workspace/file_replace.h"
#include "worker/workspace/workspace.h"

/* The bytes of the file NAME; NULL without an error if there is none. */
static char *read_text(const char *root, const char *name, gsize *size, GError **error)
{
	g_autofree char *path = g_build_filename(root, name, NULL);
	g_autoptr(GError) failure = NULL;
	char *text = NULL;

	if (g_file_get_contents(path, &text, size, &failure) ||
		g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		return text;
	g_set_error(error, FORGE_ERROR,
		g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_ACCES)
			? FORGE_ERROR_PERMISSION_DENIED
			: FORGE_ERROR_CACHE_UNUSABLE,
		"%s", failure->message);
	return NULL;
}

static char *copy_path(const char *root)
{
	return g_build_filename(root, WORKSPACE_OWN, WORKSPACE_LOCKED, NULL);
}

/* A copy that is torn or missing is one that says nothing: who reads it compares it with what is
 * installed. */
static void keep_copy(const char *root, const char *text)
{
	g_autofree char *path = copy_path(root);

	g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0666, NULL);
}

static gboolean replace(
	const char *root, const char *name, const char *old, const char *text, GError **error)
{
	if (g_strcmp0(old, text) != 0 && !file_replace(root, name, text, error))
		return FALSE;
	if (strcmp(name, WORKSPACE_LOCKED) == 0)
		keep_copy(root, text);
	return TRUE;
}

struct wanted_file *workspace_wanted_read(const char *root, GError **error)
{
	static const struct document_origin origin = {
		WORKSPACE_WANTED, FORGE_ERROR_WORKSPACE_INVALID};
	GError *failure = NULL;
	gsize size = 0;
	g_autofree char *text = read_text(root, WORKSPACE_WANTED, &size, &failure);

	if (failure) {
		g_propagate_error(error, failure);
		return NULL;
	}
	return wanted_file_parse(&origin, text ? text : "", size, error);
}

struct lock_file *workspace_locked_read(const char *root, GError **error)
{
	static const struct document_origin origin = {
		WORKSPACE_LOCKED, FORGE_ERROR_WORKSPACE_INVALID};
	GError *failure = NULL;
	gsize size = 0;
	g_autofree char *text = read_text(root, WORKSPACE_LOCKED, &size, &failure);
	g_autofree char *empty = NULL;

	if (failure) {
		g_propagate_error(error, failure);
		return NULL;
	}
	if (!text) {
		g_autoptr(GPtrArray) nothing = g_ptr_array_new();

		empty = lock_file_write(nothing);
		return lock_file_parse(&origin, empty, strlen(empty), error);
	}
	return lock_file_parse(&origin, text, size, error);
}

/* Where it is listed, what a person wrote beside it stays. */
static char *with_wanted(
	const char *text, const struct wanted_component *wanted, const char *before, GError **error)
{
	static const struct document_origin origin = {
		WORKSPACE_WANTED, FORGE_ERROR_WORKSPACE_INVALID};
	scoped(wanted_file)
		file = wanted_file_parse(&origin, text ? text : "", text ? strlen(text) : 0, error);

	if (!file)
		return NULL;
	return wanted_file_find(file, wanted->component)
		? workspace_wanted_set(WORKSPACE_WANTED, text, wanted, error)
		: workspace_wanted_add(WORKSPACE_WANTED, text, wanted, before, error);
}

char *workspace_wanted_place(const char *root, const char *const *later)
{
	scoped(wanted_file) file = workspace_wanted_read(root, NULL);
	const char *first = NULL;

	for (guint i = file ? file->components->len : 0; i > 0; i--) {
		const struct wanted_component *listed = file->components->pdata[i - 1];

		if (!g_strv_contains(later, listed->component))
			break;
		first = listed->component;
	}
	return g_strdup(first);
}

gboolean workspace_wanted_write(
	const char *root, const struct wanted_component *wanted, const char *before, GError **error)
{
	GError *failure = NULL;
	gsize size = 0;
	g_autofree char *text = read_text(root, WORKSPACE_WANTED, &size, &failure);
	g_autofree char *changed = failure ? NULL : with_wanted(text, wanted, before, &failure);

	if (failure) {
		g_propagate_error(error, failure);
		return FALSE;
	}
	return replace(root, WORKSPACE_WANTED, text, changed, error);
}

gboolean workspace_locked_add(const char *root, const GPtrArray *lines, GError **error)
{
	GError *failure = NULL;
	gsize size = 0;
	g_autofree char *text = read_text(root, WORKSPACE_LOCKED, &size, &failure);
	g_autofree char *changed = failure
		? NULL
		: workspace_lock_set(WORKSPACE_LOCKED, text, lines, &failure);

	if (failure) {
		g_propagate_error(error, failure);
		return FALSE;
	}
	return replace(root, WORKSPACE_LOCKED, text, changed, error);
}

gboolean workspace_locked_write(
	const char *root, const struct locked_component *locked, GError **error)
{
	g_autoptr(GPtrArray) one = g_ptr_array_new();

	g_ptr_array_add(one, (gpointer)locked);
	return workspace_locked_add(root, one, error);
}

struct lock_file *workspace_locked_copy(const char *root)
{
	static const struct document_origin origin = {
		WORKSPACE_OWN "/" WORKSPACE_LOCKED, FORGE_ERROR_CACHE_UNUSABLE};
	g_autofree char *path = copy_path(root);
	g_autofree char *text = NULL;
	gsize size = 0;
	struct lock_file *copy = NULL;

	if (g_file_get_contents(path, &text, &size, NULL))
		copy = lock_file_parse(&origin, text, size, NULL);
	return copy ? copy : lock_file_parse(&origin, "", 0, NULL);
}

typedef char *removal(const char *name, const char *text, const char *component, GError **error);

static gboolean remove_from(const char *root, const char *name, removal *take_out,
	const char *component, GError **error)
{
	GError *failure = NULL;
	gsize size = 0;
	g_autofree char *text = read_text(root, name, &size, &failure);
	g_autofree char *changed = failure || !text ? NULL
						    : take_out(name, text, component, &failure);

	if (failure && forge_error_code(failure) != FORGE_ERROR_COMPONENT_NOT_FOUND) {
		g_propagate_error(error, failure);
		return FALSE;
	}
	g_clear_error(&failure);
	return !changed || replace(root, name, text, changed, error);
}

gboolean workspace_entry_remove(const char *root, const char *component, GError **error)
{
	return remove_from(root, WORKSPACE_WANTED, workspace_wanted_remove, component, error) &&
		remove_from(root, WORKSPACE_LOCKED, workspace_lock_remove, component, error);
}

char *workspace_folder_of(const char *name, const char *wanted_path, const char *repository_path)
{
	if (wanted_path && *wanted_path)
		return g_strdup(wanted_path);
	if (repository_path && *repository_path)
		return g_strdup(repository_path);
	return g_build_filename("components", name, NULL);
}
