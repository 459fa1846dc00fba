/*
 * Journals that come to be elsewhere than in their folder (restored, imported) and take its place in
 * one step: FOLDER.making is filled, then renamed. What was there before keeps all its files under
 * FOLDER.replaced-N; the two change names at once where the file system can do that, so that at
 * every moment FOLDER is a whole journal, the old or the new.
 *
 * A crash leaves FOLDER.making, which the next one makes over unless somebody is at it, or
 * FOLDER.replaced-N with the new journal in it; that name is never made over.
 */
#include "journal/journal_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/folder.h"
#include "journal/journal_lock.h"

#define REPLACED_MAX 10000

struct journal_place {
	char *folder;
	char *parent;
	char *aside;
	gboolean made;             /* `aside` is ours to remove */
	struct journal_lock *lock; /* of what is there, if anything is */
};

/* ---- beginning ---------------------------------------------------------------------------- */

/* FOLDER without symlinks, dots and slashes at its end, there or not. */
static char *real_path(const char *folder)
{
	char *found = realpath(folder, NULL);
	char *path = found ? g_strdup(found) : g_canonicalize_filename(folder, NULL);

	free(found);
	return path;
}

static gboolean is_empty(const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

	return dir && !g_dir_read_name(dir);
}

static gboolean check_folder(
	struct journal_place *place, const char *purpose, gboolean replace, GError **error)
{
	struct stat status;

	if (lstat(place->folder, &status) != 0)
		return errno == ENOENT || folder_error(error, errno, "look at", place->folder);
	if (!S_ISDIR(status.st_mode)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"'%s' is there and is no folder", place->folder);
		return FALSE;
	}
	if (is_empty(place->folder))
		return TRUE;
	if (!replace) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"'%s' holds a journal, or something else", place->folder);
		return FALSE;
	}
	place->lock = journal_lock_take(place->folder, purpose, error);
	return place->lock != NULL;
}

/* Makes the folder aside, over what a crash left there. */
static gboolean make_aside(struct journal_place *place, GError **error)
{
	struct journal_holder holder;

	if (g_mkdir_with_parents(place->parent, 0700) != 0)
		return folder_error(error, errno, "make", place->parent);
	if (journal_lock_holder(place->aside, &holder)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_HELD,
			"process %" G_GINT64_FORMAT " on %s is making '%s' just now (%s)",
			holder.pid, holder.host, place->folder, holder.purpose);
		return FALSE;
	}
	if (!folder_remove_all(place->aside, error))
		return FALSE;
	if (mkdir(place->aside, 0700) != 0)
		return folder_error(error, errno, "make", place->aside);
	place->made = TRUE;
	return TRUE;
}

struct journal_place *journal_place_new(
	const char *folder, const char *purpose, gboolean replace, GError **error)
{
	scoped(journal_place) place = g_new0(struct journal_place, 1);

	place->folder = real_path(folder);
	place->parent = g_path_get_dirname(place->folder);
	place->aside = g_strconcat(place->folder, ".making", NULL);
	if (!check_folder(place, purpose, replace, error) || !make_aside(place, error))
		return NULL;
	return g_steal_pointer(&place);
}

void journal_place_free(struct journal_place *place)
{
	if (!place)
		return;
	if (place->made)
		folder_remove_all(place->aside, NULL);
	journal_lock_free(place->lock);
	g_free(place->aside);
	g_free(place->parent);
	g_free(place->folder);
	g_free(place);
}

const char *journal_place_aside(const struct journal_place *place)
{
	return place->aside;
}

/* ---- ending ------------------------------------------------------------------------------- */

static gboolean move(const char *from, const char *to, unsigned flags)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) == 0)
		return TRUE;
	/* Where the file system knows no flags, nobody else takes these names meanwhile. */
	return errno == EINVAL && flags == RENAME_NOREPLACE && access(to, F_OK) != 0 &&
		rename(from, to) == 0;
}

/* Gives what was made a name that it can change with FOLDER's, and that nobody removes. */
static char *name_for_old(struct journal_place *place, GError **error)
{
	for (int i = 1; i < REPLACED_MAX; i++) {
		g_autofree char *name = g_strdup_printf("%s.replaced-%d", place->folder, i);

		if (move(place->aside, name, RENAME_NOREPLACE)) {
			place->made = FALSE;
			return g_steal_pointer(&name);
		}
		if (errno != EEXIST && errno != ENOTEMPTY) {
			folder_error(error, errno, "rename", place->aside);
			return NULL;
		}
	}
	folder_error(error, EEXIST, "rename", place->aside);
	return NULL;
}

/* Exchanges the names of FOLDER and OTHER: at once, or one after the other. */
static gboolean exchange(struct journal_place *place, const char *other)
{
	if (renameat2(AT_FDCWD, place->folder, AT_FDCWD, other, RENAME_EXCHANGE) == 0)
		return TRUE;
	return errno == EINVAL && rename(other, place->aside) == 0 &&
		rename(place->folder, other) == 0 && rename(place->aside, place->folder) == 0;
}

static gboolean replace(struct journal_place *place, char **replaced, GError **error)
{
	g_autofree char *other = name_for_old(place, error);

	if (!other || !folder_sync(place->parent, error))
		return FALSE;
	if (!exchange(place, other)) {
		folder_error(error, errno, "replace", place->folder);
		/* What was made goes, unless it is somewhere on the way. */
		place->made = rename(other, place->aside) == 0;
		return FALSE;
	}
	*replaced = g_steal_pointer(&other);
	return folder_sync(place->parent, error);
}

gboolean journal_place_put(struct journal_place *place, char **replaced, GError **error)
{
	*replaced = NULL;
	if (place->lock)
		return replace(place, replaced, error);
	/* An empty folder gives way by itself; one that was filled meanwhile does not. */
	if (rename(place->aside, place->folder) != 0)
		return folder_error(error, errno, "rename", place->aside);
	place->made = FALSE;
	return folder_sync(place->parent, error);
}
