/*
 * Files of a journal's folder that are replaced as a whole (the mark when it is made, checkpoints,
 * the note of a clean stop): written aside, synced, renamed, and the folder synced after, in that
 * order, because a rename may reach the disk before the contents of what it renames.
 */
#include "journal/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "journal/base/errors.h"

gboolean folder_error(GError **error, int error_number, const char *what, const char *path)
{
	gboolean rights = error_number == EACCES || error_number == EPERM || error_number == EROFS;

	g_set_error(error, FORGE_ERROR,
		rights ? FORGE_ERROR_PERMISSION_DENIED : FORGE_ERROR_JOURNAL_WRITE_FAILED,
		"cannot %s '%s': %s", what, path, g_strerror(error_number));
	return FALSE;
}

gboolean folder_sync(const char *folder, GError **error)
{
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean synced = descriptor >= 0 && fsync(descriptor) == 0;
	int error_number = errno;

	if (descriptor >= 0)
		close(descriptor);
	return synced || folder_error(error, error_number, "sync", folder);
}

static gboolean write_all(int descriptor, const struct folder_part *part)
{
	const uint8_t *data = part->data;
	size_t left = part->size;

	while (left > 0) {
		ssize_t written = write(descriptor, data, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return FALSE;
		data += written;
		left -= (size_t)written;
	}
	return TRUE;
}

static gboolean write_aside(
	const char *path, const struct folder_part *parts, size_t part_count, GError **error)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	gboolean written = descriptor >= 0;
	int error_number;

	for (size_t i = 0; written && i < part_count; i++)
		written = write_all(descriptor, &parts[i]);
	written = written && fsync(descriptor) == 0;
	error_number = errno;
	if (descriptor >= 0)
		close(descriptor);
	if (written)
		return TRUE;
	unlink(path);
	return folder_error(error, error_number, "write", path);
}

gboolean folder_write(const char *folder, const char *name, const struct folder_part *parts,
	size_t part_count, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *aside = g_strconcat(path, ".new", NULL);

	if (!write_aside(aside, parts, part_count, error))
		return FALSE;
	if (rename(aside, path) != 0)
		return folder_error(error, errno, "rename", aside);
	return folder_sync(folder, error);
}

gboolean folder_remove(const char *folder, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	if (unlink(path) != 0)
		return folder_error(error, errno, "remove", path);
	return folder_sync(folder, error);
}

/* A journal's folder has folders, and these only files: no deeper walk is wanted here. */
static gboolean remove_files(const char *folder, gboolean folders_too, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (unlink(path) == 0)
			continue;
		if (errno != EISDIR || !folders_too)
			return folder_error(error, errno, "remove", path);
		if (!remove_files(path, FALSE, error))
			return FALSE;
	}
	return rmdir(folder) == 0 || errno == ENOENT ||
		folder_error(error, errno, "remove", folder);
}

gboolean folder_remove_all(const char *folder, GError **error)
{
	return remove_files(folder, TRUE, error);
}
