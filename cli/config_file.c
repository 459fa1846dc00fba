/*
 * The configuration file as something to be changed. It belongs to a person, so an edit touches one
 * value and leaves the rest as it was written; and everything that forge runs reads it, so nothing
 * that cannot be read ever stands there: the new text is tried under another name first.
 */
#include "cli/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/nearest.h"
#include "journal/base/secret.h"
#include "worker/document/document_edit.h"
#include "worker/document/document_path.h"

#define HOSTS "hosts."
#define TRIAL_SUFFIX ".new"

/* ---- keys --------------------------------------------------------------------------------- */

/* What KEY is called in the table: `hosts.HOST.clone` for `hosts.github.com.clone`. A host's name
 * may hold dots, a key never does. */
static char *general_key(const char *key)
{
	const char *last = strrchr(key, '.');

	if (!g_str_has_prefix(key, HOSTS) || last < key + strlen(HOSTS))
		return g_strdup(key);
	return g_strconcat(HOSTS "HOST", last, NULL);
}

struct value *config_file_key(const char *key, GError **error)
{
	scoped(value) keys = config_keys();
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *general = general_key(key);
	g_autofree char *question = NULL;

	for (size_t i = 0; i < value_count(keys); i++) {
		const struct value *row = value_at(keys, i);
		const char *name = value_string(value_get(row, "key"));

		if (strcmp(name, general) == 0)
			return value_copy(row);
		g_ptr_array_add(names, (gpointer)name);
	}
	g_ptr_array_add(names, NULL);
	question = nearest_question(general, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SETTING_NOT_FOUND,
		"there is no setting '%s'%s%s", key, question ? "; " : "",
		question ? question : "");
	return NULL;
}

static char *path_of(const char *key)
{
	scoped(document_path) path = document_path_new();
	const char *last = strrchr(key, '.');
	g_auto(GStrv) steps = NULL;

	if (g_str_has_prefix(key, HOSTS)) {
		const char *host = key + strlen(HOSTS);
		g_autofree char *name = g_strndup(host, (gsize)(last - host));

		document_path_append_key(path, "hosts");
		document_path_append_key(path, name);
		document_path_append_key(path, last + 1);
		return document_path_format(path);
	}
	steps = g_strsplit(key, ".", -1);
	for (char **step = steps; *step; step++)
		document_path_append_key(path, *step);
	return document_path_format(path);
}

/* ---- values ------------------------------------------------------------------------------- */

/* Tokens do not belong in the file. What may look like one and is none: a public key, a path. */
static gboolean refuse_secret(const char *key, const char *text, GError **error)
{
	gboolean may_be_long = strcmp(key, "scheduler.server_key") == 0 || strchr(text, '/');

	if (!secret_in_address(text) && (may_be_long || !secret_looks_like_token(text)))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
		"%s: the value looks like a secret, and those are in no file: put it into an environment "
		"variable, and the variable's name into hosts.HOST.token_env",
		key);
	return FALSE;
}

static const char *type_of(const struct value *row)
{
	const char *expects = value_string(value_get(row, "expects"));

	if (g_str_has_prefix(expects, "a whole number"))
		return "integer";
	return strcmp(expects, "true or false") == 0 ? "boolean" : "string";
}

static gboolean make_text(const char *file, const struct value *row, const char *key,
	const char *text, GString **edited, GError **error)
{
	const struct document_origin origin = {file, FORGE_ERROR_CONFIGURATION_INVALID};
	g_autofree char *before = NULL;
	g_autofree char *path = path_of(key);
	g_autoptr(GError) problem = NULL;
	gsize size = 0;

	if (!g_file_get_contents(file, &before, &size, &problem) &&
		!g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (document_edit_field(DOCUMENT_YAML, &origin, before ? before : "", size, path, text,
		    type_of(row), edited, NULL, NULL, error))
		return TRUE;
	g_prefix_error(error, "%s: ", key);
	return FALSE;
}

/* ---- the file ----------------------------------------------------------------------------- */

/* Where the file really is, so that a symlink to it stays one. */
static char *real_file(const char *path)
{
	char *real = realpath(path, NULL);
	char *file = g_strdup(real ? real : path);

	free(real); /* realpath's own */
	return file;
}

static gboolean fail(const char *what, const char *path, GError **error)
{
	int problem = errno;

	g_set_error(error, FORGE_ERROR,
		problem == EACCES || problem == EPERM || problem == EROFS
			? FORGE_ERROR_PERMISSION_DENIED
			: FORGE_ERROR_FAILED,
		"cannot %s %s: %s", what, path, g_strerror(problem));
	return FALSE;
}

/* The right to change files in FOLDER, which is made if it is not there: a descriptor, or -1. */
static int lock_folder(const char *folder, GError **error)
{
	int descriptor;

	if (g_mkdir_with_parents(folder, 0700) != 0) {
		fail("make the folder", folder, error);
		return -1;
	}
	descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0 || flock(descriptor, LOCK_EX) != 0) {
		fail("lock the folder", folder, error);
		if (descriptor >= 0)
			close(descriptor);
		return -1;
	}
	return descriptor;
}

static gboolean write_all(int descriptor, const GString *text)
{
	gsize written = 0;

	while (written < text->len) {
		ssize_t size = write(descriptor, text->str + written, text->len - written);

		if (size < 0 && errno != EINTR)
			return FALSE;
		written += (gsize)MAX(size, 0);
	}
	return fsync(descriptor) == 0;
}

/* Writes TEXT to TRIAL, with the permissions that FILE has. */
static gboolean write_trial(
	const char *trial, const char *file, const GString *text, GError **error)
{
	GStatBuf status;
	mode_t mode = g_stat(file, &status) == 0 ? status.st_mode & 0777 : 0600;
	int descriptor = open(trial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	gboolean ok = descriptor >= 0 && write_all(descriptor, text) &&
		fchmod(descriptor, mode) == 0;

	if (!ok)
		fail("write", trial, error);
	if (descriptor >= 0)
		close(descriptor);
	return ok;
}

/* Is what TRIAL says a configuration? An error names FILE, whose text it is to become. */
static gboolean check_trial(const char *trial, const char *file, GError **error)
{
	g_autoptr(GError) problem = NULL;
	scoped(config) config = config_load(trial, &problem);
	g_auto(GStrv) parts = NULL;
	g_autofree char *message = NULL;

	if (config)
		return TRUE;
	parts = g_strsplit(problem->message, trial, -1);
	message = g_strjoinv(file, parts);
	g_set_error_literal(error, FORGE_ERROR, (gint)forge_error_code(problem), message);
	return FALSE;
}

static gboolean replace(
	const char *file, const GString *text, int folder_descriptor, GError **error)
{
	g_autofree char *trial = g_strconcat(file, TRIAL_SUFFIX, NULL);
	gboolean ok = write_trial(trial, file, text, error) && check_trial(trial, file, error);

	if (ok && g_rename(trial, file) != 0)
		ok = fail("replace", file, error);
	if (!ok)
		g_unlink(trial);
	else if (fsync(folder_descriptor) != 0)
		ok = fail("make durable", file, error);
	return ok;
}

gboolean config_file_set(const char *path, const char *key, const char *text, GError **error)
{
	g_autofree char *file = real_file(path);
	g_autofree char *folder = g_path_get_dirname(file);
	scoped(value) row = config_file_key(key, error);
	GString *edited = NULL;
	gboolean ok;
	int descriptor;

	if (!row || !refuse_secret(key, text, error))
		return FALSE;
	descriptor = lock_folder(folder, error);
	if (descriptor < 0)
		return FALSE;
	ok = make_text(file, row, key, text, &edited, error) &&
		replace(file, edited, descriptor, error);
	if (edited)
		g_string_free(edited, TRUE);
	close(descriptor);
	return ok;
}
