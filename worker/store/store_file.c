/*
 * Small files of the cache, replaced by rename.
 *
 * GLib's g_file_set_contents() either syncs each file, ten times for one fork's first fetch, or
 * writes in place, where a reader or a kill finds half of it. The cache needs neither: what a power
 * cut takes is found by the stamp of the boot (store_folder.c), and a killed writer leaves a file
 * of another name, which goes with the folder.
 */
#include "worker/store/store_file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "journal/base/errors.h"

static gboolean write_all(int fd, const char *data, gsize size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return FALSE;
		data += written;
		size -= (gsize)written;
	}
	return TRUE;
}

gboolean store_file_replace(const char *path, const void *data, gsize size, GError **error)
{
	g_autofree char *draft = g_strconcat(path, ".XXXXXX", NULL);
	int fd = g_mkstemp(draft);
	gboolean done = fd >= 0 && write_all(fd, data, size);
	int failure = done ? 0 : errno;

	if (fd >= 0 && close(fd) != 0 && done) {
		done = FALSE;
		failure = errno;
	}
	if (done && rename(draft, path) != 0) {
		done = FALSE;
		failure = errno;
	}
	if (done)
		return TRUE;
	if (fd >= 0)
		(void)!unlink(draft);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE, "cannot write %s: %s", path,
		g_strerror(failure));
	return FALSE;
}
