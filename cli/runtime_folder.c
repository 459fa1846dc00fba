/*
 * Where commands of one user find each other. Socket paths end at about 107 bytes, so a digest of the journal's path
 * names its socket. A process shows that it lives by holding a lock on a file of its own: the lock goes when the process
 * does, however it ends.
 */
#include "cli/runtime_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"

#define SOCKET_NAME_DIGITS 32

char *runtime_folder(GError **error)
{
	const char *parent = g_getenv("XDG_RUNTIME_DIR");
	g_autofree char *folder = parent && *parent
		? g_build_filename(parent, "forge", NULL)
		: g_strdup_printf("/tmp/forge-%u", (unsigned)getuid());
	GStatBuf status;

	if (g_mkdir(folder, 0700) != 0 && errno != EEXIST) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED,
			"cannot make the runtime folder %s: %s", folder, g_strerror(errno));
		return NULL;
	}
	/* A folder in /tmp may have been put there by anybody. */
	if (g_lstat(folder, &status) != 0 || !S_ISDIR(status.st_mode) ||
		status.st_uid != getuid() || (status.st_mode & 0077) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
			"the runtime folder %s is not yours alone (a folder of mode 0700)", folder);
		return NULL;
	}
	return g_steal_pointer(&folder);
}

char *runtime_endpoint(const char *runtime, const char *journal_folder)
{
	g_autofree char *canonical = g_canonicalize_filename(journal_folder, NULL);
	struct hash digest = hash_chain(NULL, canonical, strlen(canonical));
	g_autofree char *hex = hash_hex(&digest);

	return g_strdup_printf("ipc://%s/%.*s.sock", runtime, SOCKET_NAME_DIGITS, hex);
}

static char *owner_path(const char *runtime, const char *owner)
{
	g_autofree char *name = g_strconcat(owner, ".owner", NULL);

	return g_build_filename(runtime, name, NULL);
}

static gboolean is_owner_name(const char *owner)
{
	return *owner && strspn(owner, "0123456789abcdef") == strlen(owner);
}

int runtime_owner_hold(const char *runtime, const char *owner, GError **error)
{
	g_autofree char *path = owner_path(runtime, owner);
	int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (descriptor >= 0 && fcntl(descriptor, F_OFD_SETLK, &lock) == 0)
		return descriptor;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED, "cannot lock %s: %s", path,
		g_strerror(errno));
	if (descriptor >= 0)
		close(descriptor);
	return -1;
}

void runtime_owner_release(const char *runtime, const char *owner, int descriptor)
{
	g_autofree char *path = owner_path(runtime, owner);

	g_unlink(path);
	close(descriptor);
}

gboolean runtime_owner_lives(const char *runtime, const char *owner)
{
	g_autofree char *path = NULL;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int descriptor;
	gboolean held;

	if (!is_owner_name(owner))
		return FALSE;
	path = owner_path(runtime, owner);
	descriptor = open(path, O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		return FALSE;
	held = fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(descriptor);
	/* Left behind by a process that was killed. */
	if (!held)
		g_unlink(path);
	return held;
}
