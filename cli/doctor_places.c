/*
 * Folders that forge writes to: whose they are, whether they can be written, and whether there is
 * room.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/runtime_folder.h"
#include "journal/base/limits.h"

/* TRUE if FOLDER, which is there, is one that forge can keep things in. */
static gboolean check_folder(struct checkup *checkup, const char *name, const char *folder)
{
	struct stat status;

	if (stat(folder, &status) != 0)
		checkup_bad(checkup, name, "correct the permissions of the folders above it",
			"%s cannot be looked at: %s", folder, g_strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		checkup_bad(checkup, name, "move it away, or set FORGE_HOME", "%s is no folder",
			folder);
	else if (status.st_uid != geteuid())
		checkup_bad(checkup, name,
			"run forge as the user who owns it, or set FORGE_HOME to a folder of your own",
			"%s belongs to another user", folder);
	else if (access(folder, R_OK | W_OK | X_OK) != 0)
		checkup_bad(checkup, name,
			errno == EROFS ? "mount it for writing, or set FORGE_HOME to another place"
				       : "make it readable and writable with chmod u+rwx",
			"%s cannot be read and written: %s", folder, g_strerror(errno));
	else if (status.st_mode & (S_IWGRP | S_IWOTH))
		checkup_bad(checkup, name, "take that away with chmod go-w",
			"%s can be written by other users", folder);
	else
		return TRUE;
	return FALSE;
}

static gboolean is_there(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 || errno != ENOENT;
}

static void check_home(struct checkup *checkup, const struct config *config)
{
	if (!is_there(config->home))
		checkup_good(checkup, "home", "%s is not there yet; the first command makes it",
			config->home);
	else if (check_folder(checkup, "home", config->home))
		checkup_good(checkup, "home", "%s", config->home);
}

static void check_cache(struct checkup *checkup, const struct config *config)
{
	g_autofree char *cache = g_build_filename(config->home, "cache", NULL);

	if (is_there(cache) && check_folder(checkup, "cache", cache))
		checkup_good(checkup, "cache", "%s", cache);
}

/* ---- disks -------------------------------------------------------------------------------- */

/* PATH, or the nearest folder above it that is there. */
static char *nearest_there(const char *path)
{
	char *folder = g_strdup(path);

	while (!g_file_test(folder, G_FILE_TEST_EXISTS) && strcmp(folder, "/") != 0) {
		char *parent = g_path_get_dirname(folder);

		g_free(folder);
		folder = parent;
	}
	return folder;
}

/* The disk that PATH is on, unless it is the one of BEFORE (a device, or 0). Returns its device. */
static dev_t check_disk(struct checkup *checkup, const char *path, dev_t before)
{
	g_autofree char *folder = nearest_there(path);
	g_autofree char *name = g_strdup_printf("disk of %s", path);
	g_autofree char *size = NULL;
	struct statvfs disk;
	struct stat status;
	uint64_t bytes;

	if (stat(folder, &status) != 0 || status.st_dev == before || statvfs(folder, &disk) != 0)
		return before;
	bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	size = g_format_size(bytes);
	if (bytes < LIMIT_DISK_FREE_BYTES)
		checkup_bad(checkup, name,
			"free some space; `cache` in the home may be deleted whenever no job runs",
			"it is full, or nearly: %s left", size);
	else if (disk.f_files > 0 && disk.f_favail == 0)
		checkup_bad(checkup, name,
			"delete files, or make the file system anew with more inodes",
			"it has room for no further file (inodes are used up)");
	else
		checkup_good(checkup, name, "%s left", size);
	return status.st_dev;
}

/* ---- sockets ------------------------------------------------------------------------------ */

static void check_runtime_folder(struct checkup *checkup)
{
	const char *passed_over;
	g_autofree char *folder = runtime_folder_place(&passed_over);
	g_autoptr(GError) problem = NULL;

	if (is_there(folder) && !runtime_folder_check(folder, &problem))
		checkup_bad(checkup, "sockets",
			"remove it if it is nobody's, or set XDG_RUNTIME_DIR to a folder of your own",
			"%s", problem->message);
	else if (passed_over)
		checkup_good(checkup, "sockets", "%s (%s)", folder, passed_over);
	else
		checkup_good(checkup, "sockets", "%s", folder);
}

void doctor_places(struct checkup *checkup, const struct config *config)
{
	g_autofree char *journal = config_journal_path(config);
	dev_t disk;

	check_home(checkup, config);
	check_cache(checkup, config);
	disk = check_disk(checkup, config->home, 0);
	check_disk(checkup, journal, disk);
	check_runtime_folder(checkup);
}
