/*
 * One file, read as it was at one moment.
 *
 * Opened without following a symlink and without waiting (a fifo in its place would block), checked
 * to be what was found, read whole, and looked at again: if anything that stat(2) tells has changed
 * meanwhile, what was read may be half of the old and half of the new. Editors that write in place
 * do that for moments only, so a few tries are enough.
 */
#include "worker/workspace/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/workspace/path_safety.h"

gboolean file_read_error(GError **error, int failure, const char *path, const char *what)
{
	g_autofree char *shown = path_safety_shown(path);
	enum forge_error code = FORGE_ERROR_CACHE_UNUSABLE;

	if (failure == EACCES || failure == EPERM)
		code = FORGE_ERROR_PERMISSION_DENIED;
	else if (failure == ENOENT || failure == ENOTDIR)
		code = FORGE_ERROR_VALIDATION_FAILED;
	else if (failure == EAGAIN)
		code = FORGE_ERROR_BUSY;
	g_set_error(error, FORGE_ERROR, (gint)code, "%s: %s: %s", *shown != '\0' ? shown : ".",
		what, failure == EAGAIN ? "it changes while it is looked at" : g_strerror(failure));
	return FALSE;
}

uint32_t file_read_mode(const struct stat *status)
{
	if (S_ISLNK(status->st_mode))
		return 0120000u;
	return (status->st_mode & S_IXUSR) != 0 ? 0100755u : 0100644u;
}

static gboolean is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
		a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads at most SIZE + 1 bytes; NULL with errno, which is EAGAIN if they are not SIZE. */
static GBytes *read_whole(int fd, size_t size)
{
	char *data = g_try_malloc(size + 1);
	size_t done = 0;

	if (data == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	while (done < size + 1) {
		ssize_t got = read(fd, data + done, size + 1 - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			g_free(data);
			return NULL;
		}
		if (got == 0)
			break;
		done += (size_t)got;
	}
	if (done == size)
		return g_bytes_new_take(data, size);
	g_free(data);
	errno = EAGAIN;
	return NULL;
}

/* One try at a symlink; NULL with errno. */
static GBytes *read_link(int fd, const char *name, struct stat *status)
{
	char target[LIMIT_FOLDER_PATH_BYTES + 1];
	ssize_t length = readlinkat(fd, name, target, sizeof(target));
	struct stat after;

	if (length < 0) {
		if (errno == EINVAL || errno == ENOENT)
			errno = EAGAIN;
		return NULL;
	}
	if (length > LIMIT_FOLDER_PATH_BYTES) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (fstatat(fd, name, &after, AT_SYMLINK_NOFOLLOW) != 0 || !is_unchanged(status, &after)) {
		errno = EAGAIN;
		return NULL;
	}
	return g_bytes_new(target, (gsize)length);
}

/* One try at a file; NULL with errno. */
static GBytes *read_file(int at, const char *name, struct stat *status)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	GBytes *content = NULL;
	struct stat before;
	struct stat after;
	int failure;

	if (fd < 0) {
		if (errno == ELOOP || errno == ENOENT || errno == ENXIO)
			errno = EAGAIN;
		return NULL;
	}
	if (fstat(fd, &before) == 0) {
		if (!S_ISREG(before.st_mode) || !is_unchanged(status, &before))
			errno = EAGAIN;
		else
			content = read_whole(fd, (size_t)before.st_size);
	}
	failure = errno;
	if (content != NULL && (fstat(fd, &after) != 0 || !is_unchanged(&before, &after))) {
		g_clear_pointer(&content, g_bytes_unref);
		failure = EAGAIN;
	}
	close(fd);
	errno = failure;
	return content;
}

GBytes *file_read_at(int fd, const char *name, const char *path, uint64_t bytes_max,
	struct stat *status, GError **error)
{
	int failure = EAGAIN;

	for (int tries = 0; tries < LIMIT_FILE_READ_TRIES && failure == EAGAIN; tries++) {
		GBytes *content = NULL;

		/* It was there a moment ago: whoever writes it anew will be done soon. */
		if (fstatat(fd, name, status, AT_SYMLINK_NOFOLLOW) != 0) {
			failure = errno == ENOENT ? EAGAIN : errno;
			continue;
		}
		if (S_ISREG(status->st_mode) && (uint64_t)status->st_size > bytes_max) {
			g_autofree char *shown = path_safety_shown(path);

			g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
				"%s: %" G_GUINT64_FORMAT " bytes; the limit is %" G_GUINT64_FORMAT,
				shown, (guint64)status->st_size, (guint64)bytes_max);
			return NULL;
		}
		if (S_ISLNK(status->st_mode))
			content = read_link(fd, name, status);
		else if (S_ISREG(status->st_mode))
			content = read_file(fd, name, status);
		else
			errno = EAGAIN;
		if (content != NULL)
			return content;
		failure = errno;
	}
	file_read_error(error, failure, path, "cannot be read");
	return NULL;
}
