/*
 * One writer a journal: a lock on the open file description (OFD) of the file `lock`, which the
 * kernel drops with the last descriptor, however the process ends, and which holds between threads
 * too. Whoever only asks takes no lock, so a writer is refused because of another writer alone.
 *
 * The file's text names the holder. It is written after the lock was taken, so for an instant it
 * may name the one before; it is for people and decides nothing.
 */
#include "journal/journal_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/folder.h"

#define TEXT_BYTES 512

struct journal_lock {
	int descriptor;
};

/* COMMAND on the first byte of the file. Of F_OFD_GETLK: 1 if somebody holds it. */
static int writer_lock(int descriptor, int command)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
	int result;

	do
		result = fcntl(descriptor, command, &range);
	while (result != 0 && errno == EINTR);
	/* Asked who holds it: nobody, if it came back as "unlocked". */
	if (result == 0 && command == F_OFD_GETLK)
		return range.l_type == F_UNLCK ? 0 : 1;
	return result;
}

static int open_lock(const char *folder, int flags)
{
	g_autofree char *path = g_build_filename(folder, "lock", NULL);

	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void read_holder(int descriptor, struct journal_holder *holder)
{
	char text[TEXT_BYTES + 1] = "";

	*holder = (struct journal_holder){.host = "?", .purpose = "?"};
	if (pread(descriptor, text, TEXT_BYTES, 0) <= 0)
		return;
	g_auto(GStrv) words = g_strsplit(text, " ", 3);
	if (g_strv_length(words) < 3)
		return;
	holder->pid = g_ascii_strtoll(words[0], NULL, 10);
	g_strlcpy(holder->host, words[1], sizeof(holder->host));
	g_strlcpy(holder->purpose, g_strchomp(words[2]), sizeof(holder->purpose));
}

static gboolean write_holder(int descriptor, const char *purpose)
{
	char text[TEXT_BYTES];
	const char *host = g_get_host_name();

	/* Always the same length, so that a shorter name leaves nothing of a longer one. */
	memset(text, '\n', sizeof(text));
	g_autofree char *line = g_strdup_printf("%d %.255s %.127s\n", (int)getpid(), host, purpose);
	memcpy(text, line, MIN(strlen(line), sizeof(text)));
	return pwrite(descriptor, text, sizeof(text), 0) == (ssize_t)sizeof(text);
}

static gboolean refuse_held(int descriptor, const char *folder, GError **error)
{
	struct journal_holder holder;

	read_holder(descriptor, &holder);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_HELD,
		"the journal '%s' is held by process %" G_GINT64_FORMAT " on %s (%s)", folder,
		holder.pid, holder.host, holder.purpose);
	return FALSE;
}

static gboolean take(int descriptor, const char *folder, GError **error)
{
	if (writer_lock(descriptor, F_OFD_SETLK) == 0)
		return TRUE;
	return errno == EAGAIN || errno == EACCES ? refuse_held(descriptor, folder, error)
						  : folder_error(error, errno, "lock", folder);
}

/* FALSE if FOLDER is another folder by now, put in the place of the one whose lock this is. */
static gboolean is_of(int descriptor, const char *folder)
{
	g_autofree char *path = g_build_filename(folder, "lock", NULL);
	struct stat locked, named;

	return fstat(descriptor, &locked) == 0 && stat(path, &named) == 0 &&
		locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

struct journal_lock *journal_lock_take(const char *folder, const char *purpose, GError **error)
{
	scoped(journal_lock) lock = g_new0(struct journal_lock, 1);

	lock->descriptor = open_lock(folder, O_RDWR | O_CREAT);
	if (lock->descriptor < 0) {
		folder_error(error, errno, "open the lock of", folder);
		return NULL;
	}
	if (!take(lock->descriptor, folder, error))
		return NULL;
	if (!is_of(lock->descriptor, folder)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_HELD,
			"the journal '%s' was replaced this very moment", folder);
		return NULL;
	}
	if (!write_holder(lock->descriptor, purpose)) {
		folder_error(error, errno, "write the lock of", folder);
		return NULL;
	}
	return g_steal_pointer(&lock);
}

void journal_lock_free(struct journal_lock *lock)
{
	if (!lock)
		return;
	if (lock->descriptor >= 0)
		close(lock->descriptor);
	g_free(lock);
}

gboolean journal_lock_holder(const char *folder, struct journal_holder *holder)
{
	int descriptor = open_lock(folder, O_RDONLY);
	gboolean held;

	*holder = (struct journal_holder){.host = "?", .purpose = "?"};
	if (descriptor < 0)
		return FALSE;
	held = writer_lock(descriptor, F_OFD_GETLK) == 1;
	read_holder(descriptor, holder);
	close(descriptor);
	return held;
}
