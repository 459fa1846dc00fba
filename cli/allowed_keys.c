/*
 * The list of those who may use a scheduler, changed as its owner would change it with an editor.
 */
#include "cli/allowed_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"
#include "queue/key_pair.h"
#include "queue/roles.h"
#include "worker/document/document_edit.h"
#include "worker/document/document_path.h"

/* The list under its lock. */
struct editing {
	char *path;
	char *text;
	gsize size;
	struct roles *roles; /* what TEXT says */
	int lock;            /* the folder; -1: not held */
};

static gboolean fail(GError **error, gboolean denied, const char *message)
{
	g_set_error_literal(error, FORGE_ERROR,
		denied ? FORGE_ERROR_PERMISSION_DENIED : FORGE_ERROR_CACHE_UNUSABLE, message);
	return FALSE;
}

static gboolean hold(struct editing *editing, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(editing->path);
	g_autofree char *message = NULL;

	if (g_mkdir_with_parents(folder, 0700) == 0)
		editing->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (editing->lock >= 0) {
		if (flock(editing->lock, LOCK_EX) == 0)
			return TRUE;
		if (errno != EINTR)
			break;
	}
	message = g_strdup_printf("cannot use %s: %s", folder, g_strerror(errno));
	return fail(error, errno == EACCES, message);
}

static gboolean read_list(struct editing *editing, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (!g_file_get_contents(editing->path, &editing->text, &editing->size, &failure)) {
		if (!g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			return fail(error,
				g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_ACCES),
				failure->message);
		editing->text = g_strdup(roles_new_text());
		editing->size = strlen(editing->text);
	}
	editing->roles = roles_parse(editing->path, editing->text, editing->size, error);
	return editing->roles != NULL;
}

static gboolean editing_begin(struct editing *editing, const char *home, GError **error)
{
	g_autofree char *path = roles_path(home);
	char *real = realpath(path, NULL);

	editing->lock = -1;
	/* A list that is kept elsewhere and linked here stays there. */
	editing->path = g_strdup(real ? real : path);
	free(real);
	return hold(editing, error) && read_list(editing, error);
}

static void editing_end(struct editing *editing)
{
	if (editing->lock >= 0)
		close(editing->lock);
	roles_free(editing->roles);
	g_free(editing->path);
	g_free(editing->text);
}
SCOPED_VALUE(editing, editing_end)

static gboolean apply(struct editing *editing, struct document_edit *take_edit, GError **error)
{
	const struct document_origin origin = {editing->path, FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GPtrArray) edits = document_edits_new();
	g_autoptr(GError) failure = NULL;
	g_autoptr(GString) text = NULL;
	scoped(roles) roles = NULL;

	g_ptr_array_add(edits, take_edit);
	text = document_edit_apply(
		DOCUMENT_YAML, &origin, editing->text, editing->size, edits, error);
	roles = text ? roles_parse(editing->path, text->str, text->len, error) : NULL;
	if (!roles)
		return FALSE;
	return g_file_set_contents_full(editing->path, text->str, (gssize)text->len,
		       G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
		       &failure) ||
		fail(error, g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_ACCES),
			failure->message);
}

static struct document_path *path_of(const char *name)
{
	struct document_path *path = document_path_new();

	document_path_append_key(path, "keys");
	document_path_append_key(path, name);
	return path;
}

static const struct identity *named(const struct roles *roles, const char *name)
{
	const GPtrArray *all = roles_all(roles);

	for (guint i = 0; i < all->len; i++)
		if (strcmp(((struct identity *)all->pdata[i])->name, name) == 0)
			return all->pdata[i];
	return NULL;
}

/* ---- allowing ----------------------------------------------------------------------------- */

static gboolean check_roles(char *const *roles, GError **error)
{
	const char *const *names = role_names();
	g_autofree char *words = g_strjoinv(", ", (char **)names);

	for (; *roles; roles++) {
		if (g_strv_contains(names, *roles))
			continue;
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"--role: expected one of %s", words);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_new(
	const struct roles *roles, const char *name, const char *public_key, GError **error)
{
	const struct identity *same_name = named(roles, name);
	const struct identity *same_key = roles_find(roles, public_key);

	if (same_name && same_name != same_key)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"'%s' has another key; `forge config keys revoke %s` first if this one "
			"replaces it",
			name, name);
	else if (same_key && same_key != same_name)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"this key is in the list already, as '%s'", same_key->name);
	else
		return TRUE;
	return FALSE;
}

static struct value *entry_of(const char *public_key, char *const *roles)
{
	struct value *entry = value_new_map();
	struct value *words = value_new_list();

	value_put_string(entry, "public_key", public_key);
	for (; *roles; roles++)
		value_append_take(words, value_new_string(*roles));
	value_put_take(entry, "roles", words);
	return entry;
}

gboolean allowed_keys_allow(const char *home, const char *name, const char *public_key,
	char *const *roles, GError **error)
{
	scoped_value(editing) editing = {.lock = -1};
	scoped(document_path) path = NULL;
	scoped(value) entry = NULL;

	if (!roles_name_is_valid(name)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%.*s' cannot name a key: letters, digits, '.', '_' and '-', a letter or "
			"digit first",
			LIMIT_NAME_BYTES, name);
		return FALSE;
	}
	if (!key_text_is_valid(public_key)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"PUBLIC_KEY: expected 40 characters, as `forge config keys` prints them; "
			"quote them for the shell");
		return FALSE;
	}
	if (!check_roles(roles, error) || !editing_begin(&editing, home, error) ||
		!check_new(editing.roles, name, public_key, error))
		return FALSE;
	path = path_of(name);
	entry = entry_of(public_key, roles);
	return apply(&editing, document_edit_new_set(path, entry, NULL, NULL), error);
}

/* ---- revoking ----------------------------------------------------------------------------- */

static gboolean refuse_unknown(const struct roles *roles, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const GPtrArray *all = roles_all(roles);
	g_autofree char *question = NULL;

	for (guint i = 0; i < all->len; i++)
		g_ptr_array_add(names, ((struct identity *)all->pdata[i])->name);
	g_ptr_array_add(names, NULL);
	question = nearest_question(name, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_KEY_NOT_FOUND, "no key is called '%.*s'%s%s",
		LIMIT_NAME_BYTES, name, question ? "; " : "", question ? question : "");
	return FALSE;
}

gboolean allowed_keys_revoke(const char *home, const char *name, GError **error)
{
	scoped_value(editing) editing = {.lock = -1};
	scoped(document_path) path = NULL;

	if (!editing_begin(&editing, home, error))
		return FALSE;
	if (!named(editing.roles, name))
		return refuse_unknown(editing.roles, name, error);
	path = path_of(name);
	return apply(&editing, document_edit_new_remove(path), error);
}
