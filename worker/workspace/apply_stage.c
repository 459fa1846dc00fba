/*
 * Before the point of no return: staging, and all that can be checked.
 *
 * An error here leaves the component as it was. After the intent is durable only new trouble (a
 * disk that breaks, permissions taken away meanwhile) can stop a change, and then recovery goes on
 * when the trouble is over. So everything that is likely to go wrong is tried here: the space is
 * used up by the staged files themselves, and every directory that will change is asked whether it
 * may.
 */
#include "worker/workspace/apply_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/workspace/beneath.h"
#include "worker/workspace/file_read.h"
#include "worker/workspace/path_safety.h"

#define MODE_SYMLINK 0120000u
#define NAME_BYTES 24 /* of a step's number */

static gboolean fail(GError **error, const char *path)
{
	return file_read_error(error, errno, path, "cannot be written");
}

gboolean apply_stage_make(
	const struct workspace_paths *workspace, int apply_fd, const char *id, GError **error)
{
	const char *const inner[] = {"", "/new", "/old"};

	for (size_t i = 0; i < G_N_ELEMENTS(inner); i++) {
		g_autofree char *path = g_strconcat(id, inner[i], NULL);

		if (workspace->step != NULL)
			workspace->step("mkdir stage", workspace->step_data);
		if (mkdirat(apply_fd, path, 0777) != 0)
			return fail(error, ".forge/apply");
	}
	return TRUE;
}

/* Which mount the opened directory FD is on: a bind mount has a number of its own. */
static uint64_t mount_of(int fd)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_INO, &status) != 0)
		return 0;
	if ((status.stx_mask & STATX_MNT_ID) != 0)
		return status.stx_mnt_id;
	return (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor;
}

/* May entries of the directory that is, or will be, PATH's be changed? */
static gboolean check_directory(const struct apply_run *run, const char *path, GError **error)
{
	g_autofree char *parent = beneath_parent(path);
	gboolean good = TRUE;
	int fd = beneath_open_nearest(run->root_fd, parent);

	/* A file or symlink in the way of a directory is kept aside when it is time. */
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return TRUE;
	if (fd < 0)
		return fail(error, parent);
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
		good = fail(error, *parent != '\0' ? parent : path);
	} else if (mount_of(fd) != mount_of(run->stage_fd)) {
		g_autofree char *shown = path_safety_shown(parent);

		g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
			"%s is on another file system than the workspace's .forge", shown);
		good = FALSE;
	}
	close(fd);
	return good;
}

static gboolean check_empty(const struct apply_run *run, GError **error)
{
	int fd = openat(run->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	gboolean empty = TRUE;

	if (directory == NULL) {
		fail(error, run->plan->folder);
		if (fd >= 0)
			close(fd);
		return FALSE;
	}
	while (empty && (entry = readdir(directory)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(directory);
	if (!empty)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
			"%s: the folder is there and has files in it", run->plan->folder);
	return empty;
}

gboolean apply_stage_check(const struct apply_run *run, GError **error)
{
	g_autofree char *last = NULL;

	if (!run->plan->has_from && run->folder_fd >= 0 && !check_empty(run, error))
		return FALSE;
	if (!check_directory(run, run->plan->folder, error))
		return FALSE;
	for (guint i = 0; i < run->plan->steps->len; i++) {
		g_autofree char *path = g_build_filename(
			run->plan->folder, apply_plan_step(run->plan, i)->path, NULL);
		g_autofree char *parent = beneath_parent(path);

		/* Steps come directory by directory. */
		if (g_strcmp0(parent, last) == 0)
			continue;
		if (!check_directory(run, path, error))
			return FALSE;
		g_free(last);
		last = g_steal_pointer(&parent);
	}
	return TRUE;
}

gboolean apply_stage_check_content(const struct apply_run *run, GError **error)
{
	for (guint i = 0; i < run->plan->steps->len; i++) {
		const struct apply_step *step = apply_plan_step(run->plan, i);
		g_autofree char *parent = beneath_parent(step->path);
		gboolean same;
		int fd;

		if (step->action == APPLY_PLACE)
			continue;
		if (run->workspace->budget != NULL && !budget_check(run->workspace->budget, error))
			return FALSE;
		fd = run->folder_fd >= 0 ? beneath_open(run->folder_fd, parent) : -1;
		same = fd >= 0 &&
			apply_run_holds(
				run, fd, beneath_name(step->path), &step->from, step->from_mode);
		if (fd >= 0)
			close(fd);
		if (!same) {
			g_autofree char *shown = path_safety_shown(step->path);

			g_set_error(error, FORGE_ERROR, FORGE_ERROR_BUSY,
				"%s/%s has been changed just now", run->plan->folder, shown);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return FALSE;
		data += written;
		size -= (size_t)written;
	}
	return TRUE;
}

/* Writes one file of the staging folder; with SYNC, durably. */
static gboolean write_file(
	int at, const char *name, const void *data, size_t size, mode_t mode, gboolean sync)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	gboolean done = fd >= 0 && write_all(fd, data, size) && (!sync || fsync(fd) == 0);
	int failure = errno;

	if (fd >= 0 && close(fd) != 0 && done) {
		failure = errno;
		done = FALSE;
	}
	errno = failure;
	return done;
}

static gboolean stage_blob(struct apply_run *run, struct apply_step *step, const char *number,
	git_odb_object *blob, gboolean sync, GError **error)
{
	const char *data = git_odb_object_data(blob);
	size_t size = git_odb_object_size(blob);
	struct stat status;
	gboolean done;

	apply_run_step(run, "stage");
	if (step->to_mode == MODE_SYMLINK) {
		g_autofree char *target = g_strndup(data, size);

		done = symlinkat(target, run->new_fd, number) == 0;
	} else {
		done = write_file(run->new_fd, number, data, size,
			step->to_mode == 0100755u ? 0777 : 0666, sync);
	}
	if (!done || fstatat(run->new_fd, number, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		g_autofree char *whole = g_build_filename(run->plan->folder, step->path, NULL);

		return fail(error, whole);
	}
	step->inode = status.st_ino;
	return TRUE;
}

static gboolean stage_step(
	struct apply_run *run, guint at, git_odb *odb, gboolean sync, GError **error)
{
	struct apply_step *step = apply_plan_step(run->plan, at);
	char number[NAME_BYTES];
	git_odb_object *blob;
	gboolean good;

	if (run->workspace->budget != NULL && !budget_check(run->workspace->budget, error))
		return FALSE;
	g_snprintf(number, sizeof(number), "%u", at);
	if (git_odb_read(&blob, odb, &step->to) < 0) {
		g_autofree char *shown = path_safety_shown(step->path);

		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s", shown);
		return FALSE;
	}
	good = stage_blob(run, step, number, blob, sync, error);
	git_odb_object_free(blob);
	return good;
}

gboolean apply_stage_write(struct apply_run *run, GError **error)
{
	guint count = 0;
	gboolean singly;
	gboolean good = TRUE;
	struct stat status;
	git_odb *odb;

	if (fstat(run->stage_fd, &status) != 0)
		return fail(error, ".forge/apply");
	run->plan->stage_inode = status.st_ino;
	if (git_repository_odb(&odb, run->workspace->repository) < 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open the object database");
		return FALSE;
	}
	for (guint i = 0; i < run->plan->steps->len; i++)
		count += apply_plan_step(run->plan, i)->to_mode != 0;
	singly = count <= LIMIT_SYNCED_SINGLY;
	for (guint i = 0; good && i < run->plan->steps->len; i++) {
		enum apply_action action = apply_plan_step(run->plan, i)->action;

		if (action == APPLY_PLACE || action == APPLY_EXCHANGE)
			good = stage_step(run, i, odb, singly, error);
	}
	git_odb_free(odb);
	if (!good)
		return FALSE;
	apply_run_step(run, "sync stage");
	return (singly ? fsync(run->new_fd) : syncfs(run->new_fd)) == 0 ||
		fail(error, ".forge/apply");
}

gboolean apply_stage_commit(struct apply_run *run, int apply_fd, GError **error)
{
	g_autoptr(GBytes) packed = apply_plan_pack(run->plan);
	gsize size;
	const void *data = g_bytes_get_data(packed, &size);

	if (size > LIMIT_INTENT_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"%s: the change names too many paths", run->plan->folder);
		return FALSE;
	}
	apply_run_step(run, "write intent");
	if (!write_file(run->stage_fd, "intent.draft", data, size, 0666, TRUE))
		return fail(error, ".forge/apply");
	apply_run_step(run, "sync stage");
	if (fsync(run->stage_fd) != 0 || fsync(apply_fd) != 0)
		return fail(error, ".forge/apply");
	apply_run_step(run, "rename intent");
	if (renameat(run->stage_fd, "intent.draft", run->stage_fd, "intent") != 0)
		return fail(error, ".forge/apply");
	apply_run_step(run, "sync intent");
	if (fsync(run->stage_fd) == 0)
		return TRUE;
	/* Nothing has been touched: it is not to happen after all. */
	fail(error, ".forge/apply");
	(void)!unlinkat(run->stage_fd, "intent", 0);
	return FALSE;
}
