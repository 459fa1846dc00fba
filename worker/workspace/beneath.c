/*
 * Directories below a folder, reached without leaving it.
 *
 * openat2(2) does it in one call; where the kernel lacks it, or a filter forbids it, each name is
 * opened by itself without following symlinks. Paths are checked before, so there is no `..` in
 * them.
 */
#include "worker/workspace/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/workspace/path_safety.h"

#define FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

gboolean beneath_is_clean(const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);

	if (names[0] == NULL)
		return FALSE;
	for (guint i = 0; names[i] != NULL; i++)
		if (path_safety_fault(names[i]) != NULL)
			return FALSE;
	return TRUE;
}

/* Opens name after name; with NEAREST, as many as are there. */
static int open_names(int fd, const char *path, gboolean nearest)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	int at = openat(fd, ".", FLAGS);

	for (guint i = 0; at >= 0 && names[i] != NULL && *names[i] != '\0'; i++) {
		int next = openat(at, names[i], FLAGS);
		int failure = errno;

		if (next < 0 && nearest && failure == ENOENT)
			return at;
		close(at);
		at = next;
		errno = failure;
	}
	return at;
}

int beneath_open(int fd, const char *path)
{
	struct open_how how = {
		.flags = FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long opened = syscall(SYS_openat2, fd, *path != '\0' ? path : ".", &how, sizeof(how));

	if (opened >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL))
		return (int)opened;
	return open_names(fd, path, FALSE);
}

int beneath_open_nearest(int fd, const char *path)
{
	return open_names(fd, path, TRUE);
}

char *beneath_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
}

const char *beneath_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}
