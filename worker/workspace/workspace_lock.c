/*
 * The locks of a workspace: `.forge/lock`, a byte for who changes it and one for all who use it.
 *
 * An open file description lock (fcntl(2), F_OFD_SETLK) belongs to the opened file: two threads of
 * one process exclude each other as two processes do, and a killed process gives it up. The wait
 * polls, since a blocking F_OFD_SETLKW could be neither cancelled nor bounded. The file is never
 * removed: who holds an unlinked one would exclude nobody.
 */
#include "worker/workspace/workspace_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/workspace/file_read.h"

struct workspace_lock {
	int fd;
};

/* Bytes of the file that are locked. */
enum { BYTE_CHANGES, BYTE_USE };

/* 0, or the error number. */
static int try_lock(int fd, short type, off_t byte)
{
	struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int result;

	do
		result = fcntl(fd, F_OFD_SETLK, &range);
	while (result != 0 && errno == EINTR);
	return result == 0 ? 0 : errno;
}

static struct workspace_lock *take(const char *root, short type, off_t byte, int64_t wait_ms,
	const struct budget *budget, GError **error)
{
	g_autofree char *path = g_build_filename(root, ".forge", "lock", NULL);
	int64_t until_ms = clock_now().monotonic_ms + wait_ms;
	int64_t pause_ms = 1;
	struct workspace_lock *lock;
	int failure;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0) {
		file_read_error(error, errno, path, "cannot open the workspace's lock");
		return NULL;
	}
	while ((failure = try_lock(fd, type, byte)) == EAGAIN || failure == EACCES) {
		if (budget != NULL && !budget_check(budget, error))
			goto refused;
		if (clock_now().monotonic_ms >= until_ms) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY,
				"another command works in the workspace %s", root);
			goto refused;
		}
		g_usleep((gulong)pause_ms * 1000);
		pause_ms = MIN(pause_ms * 2, LIMIT_WORKSPACE_LOCK_PAUSE_MS);
	}
	if (failure != 0) {
		file_read_error(error, failure, path, "cannot take the workspace's lock");
		goto refused;
	}
	lock = g_new(struct workspace_lock, 1);
	lock->fd = fd;
	return lock;

refused:
	close(fd);
	return NULL;
}

struct workspace_lock *workspace_lock_take(
	const char *root, const struct budget *budget, GError **error)
{
	return take(root, F_WRLCK, BYTE_CHANGES, LIMIT_WORKSPACE_LOCK_MS, budget, error);
}

struct workspace_lock *workspace_lock_try(const char *root, GError **error)
{
	return take(root, F_WRLCK, BYTE_CHANGES, 0, NULL, error);
}

struct workspace_lock *workspace_use_take(const char *root, GError **error)
{
	return take(root, F_RDLCK, BYTE_USE, LIMIT_WORKSPACE_LOCK_MS, NULL, error);
}

gboolean workspace_use_alone(struct workspace_lock *use)
{
	return try_lock(use->fd, F_WRLCK, BYTE_USE) == 0;
}

void workspace_use_share(struct workspace_lock *use)
{
	/* What is held is only made less, so nobody can be in the way. */
	(void)try_lock(use->fd, F_RDLCK, BYTE_USE);
}

void workspace_lock_drop(struct workspace_lock *lock)
{
	if (lock == NULL)
		return;
	close(lock->fd);
	g_free(lock);
}
