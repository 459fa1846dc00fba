/*
 * What makes a folder a workspace, and how it is found. Nothing is read here but names.
 */
#include "worker/workspace/workspace.h"

#include <errno.h>
#include <string.h>

#include "journal/base/errors.h"
#include "worker/workspace/file_replace.h"
#include "worker/workspace/workspace_lock.h"
#include "worker/workspace/workspace_repository.h"

static const char first_wanted[] =
	"# The components of this workspace. `forge install REPOSITORY/COMPONENT` adds one.\n"
	"components: []\n";

char *workspace_find(const char *folder, GError **error)
{
	g_autofree char *here = g_strdup(folder);

	for (;;) {
		g_autofree char *wanted = g_build_filename(here, WORKSPACE_WANTED, NULL);
		char *parent;

		if (g_file_test(wanted, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&here);
		parent = g_path_get_dirname(here);
		if (strcmp(parent, here) == 0) {
			g_free(parent);
			break;
		}
		g_free(here);
		here = parent;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_WORKSPACE_NOT_FOUND,
		"neither %s nor a folder above it is a workspace: there is no " WORKSPACE_WANTED,
		folder);
	return NULL;
}

static gboolean fail(GError **error, GError *take_failure, const char *path)
{
	enum forge_error code = FORGE_ERROR_CACHE_UNUSABLE;

	if (g_error_matches(take_failure, G_FILE_ERROR, G_FILE_ERROR_ACCES) ||
		g_error_matches(take_failure, G_FILE_ERROR, G_FILE_ERROR_PERM))
		code = FORGE_ERROR_PERMISSION_DENIED;
	g_set_error(error, FORGE_ERROR, (gint)code, "%s: %s", path, take_failure->message);
	g_error_free(take_failure);
	return FALSE;
}

/* TRUE if TEXT has LINE as a line of its own. */
static gboolean has_line(const char *text, const char *line)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **each = lines; *each; each++)
		if (strcmp(g_strchomp(*each), line) == 0)
			return TRUE;
	return FALSE;
}

/* A clone must not carry what is this machine's alone. */
static gboolean ignore_own_folder(const char *root, GError **error)
{
	g_autofree char *path = g_build_filename(root, ".gitignore", NULL);
	g_autofree char *text = NULL;
	g_autofree char *more = NULL;
	GError *failure = NULL;

	if (!g_file_get_contents(path, &text, NULL, &failure)) {
		if (!g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			return fail(error, failure, path);
		g_error_free(failure);
		text = g_strdup("");
	}
	if (has_line(text, "/" WORKSPACE_OWN "/") || has_line(text, WORKSPACE_OWN "/") ||
		has_line(text, WORKSPACE_OWN))
		return TRUE;
	more = g_strconcat(text, *text == '\0' || g_str_has_suffix(text, "\n") ? "" : "\n",
		"/" WORKSPACE_OWN "/\n", NULL);
	return file_replace(root, ".gitignore", more, error);
}

gboolean workspace_make(const char *root, gboolean *existed, GError **error)
{
	g_autofree char *outer = workspace_find(root, NULL);
	scoped(workspace_lock) lock = NULL;

	if (outer && strcmp(outer, root) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"%s is inside the workspace %s", root, outer);
		return FALSE;
	}
	if (g_mkdir_with_parents(root, 0777) != 0) {
		g_set_error(error, FORGE_ERROR,
			errno == EACCES ? FORGE_ERROR_PERMISSION_DENIED
					: FORGE_ERROR_CACHE_UNUSABLE,
			"%s: %s", root, g_strerror(errno));
		return FALSE;
	}
	if (!workspace_repository_make(root, error))
		return FALSE;
	lock = workspace_lock_take(root, NULL, error);
	if (!lock || !ignore_own_folder(root, error))
		return FALSE;
	/* Another process may have made it one meanwhile. */
	g_free(outer);
	outer = workspace_find(root, NULL);
	*existed = outer != NULL;
	return *existed || file_replace(root, WORKSPACE_WANTED, first_wanted, error);
}
