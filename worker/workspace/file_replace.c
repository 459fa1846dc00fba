/*
 * A file in a workspace's root replaced as a whole.
 *
 * The draft lies in `.forge` under a name of its own: nothing strange ever stands beside people's
 * files, and since one process at a time holds the workspace, a draft that is found there is a dead
 * process's. A `.forge` on another file system is none that forge makes; then the rename fails and
 * is told.
 */
#include "worker/workspace/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"

static gboolean fail(GError **error, const char *what, const char *path)
{
	int failure = errno;

	g_set_error(error, FORGE_ERROR,
		failure == EACCES || failure == EPERM ? FORGE_ERROR_PERMISSION_DENIED
						      : FORGE_ERROR_CACHE_UNUSABLE,
		"cannot %s %s: %s", what, path, g_strerror(failure));
	return FALSE;
}

static gboolean write_all(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t written = write(fd, text, size);

		if (written < 0 && errno != EINTR)
			return FALSE;
		if (written > 0) {
			text += written;
			size -= (size_t)written;
		}
	}
	return TRUE;
}

/* The draft gets what the file at PATH allows, if there is one. */
static gboolean keep_permissions(int fd, const char *path)
{
	struct stat status;

	return stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
		fchmod(fd, status.st_mode & 0777) == 0;
}

static gboolean write_draft(const char *draft, const char *path, const char *text, GError **error)
{
	gboolean done;
	int fd;

	/* A new file, so that a link that was planted is not followed and old permissions go. */
	if (unlink(draft) != 0 && errno != ENOENT)
		return fail(error, "replace", draft);
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	done = fd >= 0 && keep_permissions(fd, path) && write_all(fd, text) && fsync(fd) == 0;
	if (!done)
		fail(error, "write", draft);
	if (fd >= 0)
		close(fd);
	if (!done)
		(void)!unlink(draft);
	return done;
}

static gboolean sync_folder(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean done = (fd >= 0 && fsync(fd) == 0) || fail(error, "sync", path);

	if (fd >= 0)
		close(fd);
	return done;
}

gboolean file_replace(const char *root, const char *name, const char *text, GError **error)
{
	g_autofree char *path = g_build_filename(root, name, NULL);
	g_autofree char *draft = g_strdup_printf("%s/.forge/%s.new", root, name);

	if (!write_draft(draft, path, text, error))
		return FALSE;
	if (rename(draft, path) != 0) {
		fail(error, "write", path);
		(void)!unlink(draft);
		return FALSE;
	}
	return sync_folder(root, error);
}
