/*
 * The lock of one repository folder of the cache: a file beside the folder, for the folder itself
 * is exchanged by rename.
 *
 * Open file description locks (fcntl(2), F_OFD_SETLK) belong to the opened file, not to the
 * process: two slots of one process exclude each other as two processes do, and a killed process
 * gives its locks up. The parts are bytes of the file. Nobody who uses a store waits for somebody
 * who fetches into it: adding packs disturbs no reader, only exchanging the folder does. The wait
 * polls, since a blocking F_OFD_SETLKW could be neither cancelled nor bounded.
 *
 * Lock files are never removed: who holds an unlinked one would exclude nobody.
 */
#include "worker/store/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

struct store_lock {
	int fd;
	char *path;
};

struct store_lock *store_lock_open(const char *path, GError **error)
{
	struct store_lock *lock;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
			"cannot open the lock %s: %s", path, g_strerror(errno));
		return NULL;
	}
	lock = g_new(struct store_lock, 1);
	lock->fd = fd;
	lock->path = g_strdup(path);
	return lock;
}

void store_lock_close(struct store_lock *lock)
{
	if (!lock)
		return;
	close(lock->fd);
	g_free(lock->path);
	g_free(lock);
}

static short lock_type(enum store_lock_mode mode)
{
	switch (mode) {
	case STORE_LOCK_SHARED:
		return F_RDLCK;
	case STORE_LOCK_EXCLUSIVE:
		return F_WRLCK;
	}
	g_assert_not_reached();
}

/* 0, or the error number. */
static int set_lock(const struct store_lock *lock, enum store_lock_part part, short type)
{
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)part, .l_len = 1};
	int result;

	do
		result = fcntl(lock->fd, F_OFD_SETLK, &range);
	while (result != 0 && errno == EINTR);
	return result == 0 ? 0 : errno;
}

gboolean store_lock_take_within(struct store_lock *lock, enum store_lock_part part,
	enum store_lock_mode mode, int64_t wait_ms, const struct budget *budget, GError **error)
{
	int64_t until_ms = clock_now().monotonic_ms + wait_ms;
	int64_t pause_ms = 1;

	for (;;) {
		int failure = set_lock(lock, part, lock_type(mode));

		if (failure == 0)
			return TRUE;
		if (failure != EAGAIN && failure != EACCES) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
				"cannot lock %s: %s", lock->path, g_strerror(failure));
			return FALSE;
		}
		if (!budget_check(budget, error))
			return FALSE;
		if (clock_now().monotonic_ms >= until_ms) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY,
				"%s was held for %" G_GINT64_FORMAT " seconds", lock->path,
				wait_ms / 1000);
			return FALSE;
		}
		g_usleep((gulong)pause_ms * 1000);
		pause_ms = MIN(pause_ms * 2, LIMIT_STORE_LOCK_PAUSE_MS);
	}
}

gboolean store_lock_take(struct store_lock *lock, enum store_lock_part part,
	enum store_lock_mode mode, const struct budget *budget, GError **error)
{
	return store_lock_take_within(lock, part, mode, LIMIT_STORE_LOCK_MS, budget, error);
}

gboolean store_lock_try(
	struct store_lock *lock, enum store_lock_part part, enum store_lock_mode mode)
{
	return set_lock(lock, part, lock_type(mode)) == 0;
}

void store_lock_drop(struct store_lock *lock, enum store_lock_part part)
{
	set_lock(lock, part, F_UNLCK);
}

void store_lock_touch(struct store_lock *lock)
{
	/* A time that cannot be set costs an unfair eviction, nothing more. */
	(void)!futimens(lock->fd, NULL);
}
