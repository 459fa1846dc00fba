/*
 * Where commands of one user find each other. Socket paths end at about 107 bytes, so a digest of
 * the journal's path names its socket. A process shows that it lives by holding a lock on a file of
 * its own: the lock goes when the process does, however it ends.
 *
 * Whoever finds such a file without a lock takes the lock before deleting it, and a process that
 * has locked its file looks whether it is still there: so nobody deletes the file of a process that
 * is just starting.
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
#include "journal/base/limits.h"

#define SOCKET_NAME_DIGITS 32
#define SOCKET_SUFFIX ".sock"
#define OWNER_SUFFIX ".owner"
#define OWNER_TRIES 10

/* `forge` in XDG_RUNTIME_DIR, or NULL, and *WHY if that is set: not there, not this user's (as after
 * su), or too long for a socket. */
static char *session_folder(const char **why)
{
	const char *parent = g_getenv("XDG_RUNTIME_DIR");
	g_autofree char *folder = NULL;
	GStatBuf status;

	*why = NULL;
	if (!parent || !*parent)
		return NULL;
	if (!g_path_is_absolute(parent) || g_stat(parent, &status) != 0 || !S_ISDIR(status.st_mode))
		*why = "XDG_RUNTIME_DIR is no folder";
	else if (status.st_uid != getuid())
		*why = "XDG_RUNTIME_DIR belongs to another user";
	if (*why)
		return NULL;
	folder = g_build_filename(parent, "forge", NULL);
	if (strlen(folder) + 1 + SOCKET_NAME_DIGITS + strlen(SOCKET_SUFFIX) <=
		LIMIT_SOCKET_PATH_BYTES)
		return g_steal_pointer(&folder);
	*why = "the path in XDG_RUNTIME_DIR is too long for a socket";
	return NULL;
}

char *runtime_folder_place(const char **passed_over)
{
	char *folder = session_folder(passed_over);

	return folder ? folder : g_strdup_printf("/tmp/forge-%u", (unsigned)getuid());
}

gboolean runtime_folder_check(const char *folder, GError **error)
{
	GStatBuf status;

	/* A folder in /tmp may have been put there by anybody. */
	if (g_lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == getuid() &&
		(status.st_mode & 0077) == 0)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
		"the runtime folder %s is not yours alone (a folder of mode 0700)", folder);
	return FALSE;
}

char *runtime_folder(GError **error)
{
	const char *passed_over;
	g_autofree char *folder = runtime_folder_place(&passed_over);

	if (g_mkdir(folder, 0700) != 0 && errno != EEXIST) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED,
			"cannot make the runtime folder %s: %s", folder, g_strerror(errno));
		return NULL;
	}
	return runtime_folder_check(folder, error) ? g_steal_pointer(&folder) : NULL;
}

char *runtime_endpoint(const char *runtime, const char *journal_folder)
{
	g_autofree char *canonical = g_canonicalize_filename(journal_folder, NULL);
	struct hash digest = hash_chain(NULL, canonical, strlen(canonical));
	g_autofree char *hex = hash_hex(&digest);

	return g_strdup_printf("ipc://%s/%.*s" SOCKET_SUFFIX, runtime, SOCKET_NAME_DIGITS, hex);
}

static char *owner_path(const char *runtime, const char *owner)
{
	g_autofree char *name = g_strconcat(owner, OWNER_SUFFIX, NULL);

	return g_build_filename(runtime, name, NULL);
}

static gboolean is_owner_name(const char *owner)
{
	return *owner && strspn(owner, "0123456789abcdef") == strlen(owner);
}

static gboolean take_lock(int descriptor)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

/* Makes and locks PATH. -1 with errno; EAGAIN if somebody deleted or locked it meanwhile. */
static int make_locked(const char *path)
{
	int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat status;
	int problem;

	if (descriptor < 0)
		return -1;
	if (take_lock(descriptor) && fstat(descriptor, &status) == 0) {
		if (status.st_nlink > 0)
			return descriptor;
		errno = EAGAIN;
	}
	problem = errno;
	close(descriptor);
	errno = problem;
	return -1;
}

int runtime_owner_hold(const char *runtime, const char *owner, GError **error)
{
	g_autofree char *path = owner_path(runtime, owner);

	for (int i = 0; i < OWNER_TRIES; i++) {
		int descriptor = make_locked(path);

		if (descriptor >= 0)
			return descriptor;
		if (errno != EAGAIN && errno != EACCES)
			break;
		g_unlink(path);
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED, "cannot lock %s: %s", path,
		g_strerror(errno));
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
	int descriptor;
	gboolean lives;

	if (!is_owner_name(owner))
		return FALSE;
	path = owner_path(runtime, owner);
	descriptor = open(path, O_RDWR | O_CLOEXEC);
	/* Short of descriptors nobody is declared dead. */
	if (descriptor < 0)
		return errno != ENOENT;
	lives = !take_lock(descriptor);
	/* Left behind by a process that was killed. */
	if (!lives)
		g_unlink(path);
	close(descriptor);
	return lives;
}

void runtime_forget_dead_owners(const char *runtime)
{
	g_autoptr(GDir) folder = g_dir_open(runtime, 0, NULL);
	const char *name;

	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *owner = g_str_has_suffix(name, OWNER_SUFFIX)
			? g_strndup(name, strlen(name) - strlen(OWNER_SUFFIX))
			: NULL;

		if (owner)
			runtime_owner_lives(runtime, owner);
	}
}
