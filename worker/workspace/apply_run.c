/*
 * Rolling a change forward.
 *
 * Everything here may have been done before, wholly or in part, by a process that was killed: each
 * step finds out from the disk how far it is. A staged file in `new/N` that has the inode it was
 * staged with has not been put into the folder yet; another one there came out of the folder by an
 * exchange; none there was moved to where nothing was. What is in `old/N` was taken out. Nothing
 * that came out is deleted before the intent is gone.
 *
 * Order: what goes is taken out; directories that are empty now go; what comes is put in; modes.
 * Then all that came out is compared with what was expected. What somebody edited meanwhile, or had
 * put where a new file goes, is kept in `.forge/kept/ID/STEP/NAME`.
 */
#include "worker/workspace/apply_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/workspace/beneath.h"
#include "worker/workspace/file_read.h"
#include "worker/workspace/kept_files.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define NAME_BYTES 24 /* of a step's number */

void apply_run_step(const struct apply_run *run, const char *what)
{
	if (run->workspace->step != NULL)
		run->workspace->step(what, run->workspace->step_data);
}

gboolean apply_run_open(struct apply_run *run, const struct workspace_paths *workspace, int root_fd,
	int apply_fd, const char *id, GError **error)
{
	*run = (struct apply_run){.workspace = workspace,
		.id = g_strdup(id),
		.root_fd = root_fd,
		.stage_fd = openat(apply_fd, id, DIRECTORY),
		.new_fd = -1,
		.old_fd = -1,
		.folder_fd = -1};
	if (run->stage_fd >= 0) {
		run->new_fd = openat(run->stage_fd, "new", DIRECTORY);
		run->old_fd = openat(run->stage_fd, "old", DIRECTORY);
	}
	if (run->stage_fd >= 0 && run->new_fd >= 0 && run->old_fd >= 0)
		return TRUE;
	return file_read_error(error, errno, ".forge/apply", "cannot be opened");
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void apply_run_clear(struct apply_run *run)
{
	close_fd(&run->folder_fd);
	close_fd(&run->old_fd);
	close_fd(&run->new_fd);
	close_fd(&run->stage_fd);
	apply_plan_free(run->plan);
	g_free(run->id);
}

gboolean apply_run_open_folder(struct apply_run *run, GError **error)
{
	close_fd(&run->folder_fd);
	run->folder_fd = beneath_open(run->root_fd, run->plan->folder);
	if (run->folder_fd >= 0 || errno == ENOENT)
		return TRUE;
	if (errno != ELOOP && errno != ENOTDIR && errno != EXDEV)
		return file_read_error(error, errno, run->plan->folder, "cannot be opened");
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
		"%s: a symlink or file where a folder is expected", run->plan->folder);
	return FALSE;
}

static gboolean exists(int fd, const char *name, struct stat *status)
{
	return fstatat(fd, name, status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Sets ERROR for PATH of the component. */
static gboolean fail(const struct apply_run *run, GError **error, const char *path)
{
	int failure = errno;
	g_autofree char *whole = g_build_filename(run->plan->folder, path, NULL);

	return file_read_error(error, failure, whole, "cannot be changed");
}

/* Opens the directory of PATH in the component, making what is missing; something else in the way
 * of a directory is kept aside. */
static int make_parent(struct apply_run *run, guint at, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	int fd = openat(run->folder_fd, ".", DIRECTORY);

	for (guint i = 0; fd >= 0 && names[i + 1] != NULL; i++) {
		int next = -1;
		int failure = 0;

		for (int races = 0; next < 0 && races < LIMIT_RENAME_RACES; races++) {
			next = openat(fd, names[i], DIRECTORY);
			failure = errno;
			if (next < 0 && failure == ENOENT) {
				apply_run_step(run, "mkdir");
				(void)!mkdirat(fd, names[i], 0777);
			} else if (next < 0 && failure != ENOTDIR && failure != ELOOP) {
				break;
			} else if (next < 0 &&
				!kept_files_add(run, fd, names[i], at, i + 1, names[i])) {
				failure = errno;
				break;
			}
		}
		close_fd(&fd);
		fd = next;
		errno = failure;
	}
	return fd;
}

static void step_name(char name[NAME_BYTES], guint at)
{
	g_snprintf(name, NAME_BYTES, "%u", at);
}

static gboolean take_out(struct apply_run *run, guint at, GError **error)
{
	const struct apply_step *step = apply_plan_step(run->plan, at);
	g_autofree char *parent = beneath_parent(step->path);
	const char *name = beneath_name(step->path);
	char number[NAME_BYTES];
	struct stat status;
	gboolean done = TRUE;
	int fd;

	step_name(number, at);
	if (exists(run->old_fd, number, &status) || kept_files_has(run, at))
		return TRUE;
	fd = beneath_open(run->folder_fd, parent);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
			fail(run, error, step->path);
	/* A directory there is somebody's, or the new tree's. */
	if (exists(fd, name, &status) && !S_ISDIR(status.st_mode)) {
		apply_run_step(run, "rename to old");
		done = renameat(fd, name, run->old_fd, number) == 0 || errno == ENOENT ||
			fail(run, error, step->path);
	}
	close(fd);
	return done;
}

/* Is the staged file of STEP still to be put into the folder? */
static gboolean is_staged(
	const struct apply_run *run, const struct apply_step *step, const char *number)
{
	struct stat stage;
	struct stat status;

	if (!exists(run->new_fd, number, &status))
		return FALSE;
	if (fstat(run->stage_fd, &stage) == 0 && stage.st_ino == run->plan->stage_inode)
		return status.st_ino == step->inode;
	/* The workspace was copied as a whole; its inodes are others. */
	return apply_run_holds(run, run->new_fd, number, &step->to, step->to_mode);
}

/* Without renameat2(): what is there is taken out first. Until the new one is in its place there is
 * nothing, which recovery mends. TRUE when it is done; else errno, EEXIST to try again. */
static gboolean put_plainly(const struct apply_run *run, guint at, int fd, const char *name)
{
	char number[NAME_BYTES];
	struct stat staged;
	struct stat status;

	step_name(number, at);
	if (exists(fd, name, &status) && exists(run->new_fd, number, &staged) &&
		staged.st_ino == status.st_ino && staged.st_dev == status.st_dev) {
		apply_run_step(run, "unlink new");
		return unlinkat(run->new_fd, number, 0) == 0;
	}
	if (exists(fd, name, &status)) {
		if (exists(run->old_fd, number, &staged)) {
			if (!kept_files_add(run, fd, name, at, 0, name))
				return FALSE;
		} else {
			apply_run_step(run, "rename to old");
			if (renameat(fd, name, run->old_fd, number) != 0 && errno != ENOENT)
				return FALSE;
		}
	}
	apply_run_step(run, "link");
	if (linkat(run->new_fd, number, fd, name, 0) == 0) {
		apply_run_step(run, "unlink new");
		return unlinkat(run->new_fd, number, 0) == 0;
	}
	if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
		return FALSE;
	apply_run_step(run, "rename");
	return renameat(run->new_fd, number, fd, name) == 0;
}

/* Puts the staged file of step AT to NAME in FD, and what was there to where the staged one was. */
static gboolean put(const struct apply_run *run, guint at, int fd, const char *name)
{
	unsigned flags = apply_plan_step(run->plan, at)->action == APPLY_EXCHANGE
		? RENAME_EXCHANGE
		: RENAME_NOREPLACE;
	char number[NAME_BYTES];

	step_name(number, at);
	for (int races = 0; races < LIMIT_RENAME_RACES; races++) {
		if (run->workspace->plain_rename) {
			errno = EINVAL;
		} else {
			apply_run_step(run, "renameat2");
			if (renameat2(run->new_fd, number, fd, name, flags) == 0)
				return TRUE;
		}
		if (errno == EINVAL || errno == ENOSYS) {
			if (put_plainly(run, at, fd, name))
				return TRUE;
			if (errno != EEXIST)
				return FALSE;
		} else if (errno == ENOENT && flags == RENAME_EXCHANGE) {
			flags = RENAME_NOREPLACE;
		} else if (errno == EEXIST) {
			flags = RENAME_EXCHANGE;
		} else {
			return FALSE;
		}
	}
	errno = EBUSY;
	return FALSE;
}

/* Makes the component's folder and those above it. */
static gboolean make_folder(struct apply_run *run, GError **error)
{
	g_auto(GStrv) names = g_strsplit(run->plan->folder, "/", -1);
	int fd = openat(run->root_fd, ".", DIRECTORY);

	for (guint i = 0; fd >= 0 && names[i] != NULL; i++) {
		int next = openat(fd, names[i], DIRECTORY);

		if (next < 0 && errno == ENOENT) {
			apply_run_step(run, "mkdir");
			(void)!mkdirat(fd, names[i], 0777);
			next = openat(fd, names[i], DIRECTORY);
		}
		int failure = errno;
		close_fd(&fd);
		fd = next;
		errno = failure;
	}
	run->folder_fd = fd;
	return fd >= 0 || file_read_error(error, errno, run->plan->folder, "cannot be made");
}

static gboolean put_in(struct apply_run *run, guint at, GError **error)
{
	const struct apply_step *step = apply_plan_step(run->plan, at);
	char number[NAME_BYTES];
	int fd;

	step_name(number, at);
	for (int races = 0; races < LIMIT_RENAME_RACES; races++) {
		gboolean done;
		int failure;

		if (!is_staged(run, step, number))
			return TRUE;
		fd = make_parent(run, at, step->path);
		done = fd >= 0 && put(run, at, fd, beneath_name(step->path));
		failure = errno;
		close_fd(&fd);
		if (done)
			return TRUE;
		errno = failure;
		/* Somebody removes directories meanwhile, perhaps the component's own. */
		if (failure != ENOENT)
			break;
		if (!apply_run_open_folder(run, error) ||
			(run->folder_fd < 0 && !make_folder(run, error)))
			return FALSE;
		errno = EBUSY;
	}
	return fail(run, error, step->path);
}

static gboolean set_mode(struct apply_run *run, guint at, GError **error)
{
	const struct apply_step *step = apply_plan_step(run->plan, at);
	g_autofree char *parent = beneath_parent(step->path);
	g_autofree char *link = NULL;
	struct stat status;
	gboolean done = TRUE;
	mode_t mode;
	int directory = beneath_open(run->folder_fd, parent);
	int fd = directory >= 0
		? openat(directory, beneath_name(step->path), O_PATH | O_NOFOLLOW | O_CLOEXEC)
		: -1;

	close_fd(&directory);
	/* Somebody has removed it or put something else there. */
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		close_fd(&fd);
		return TRUE;
	}
	mode = status.st_mode & 07777;
	mode = step->to_mode == 0100755u ? mode | (mode & 0444) >> 2 | 0100 : mode & ~(mode_t)0111;
	link = g_strdup_printf("/proc/self/fd/%d", fd);
	if (mode != (status.st_mode & 07777)) {
		apply_run_step(run, "chmod");
		done = chmod(link, mode) == 0 || fail(run, error, step->path);
	}
	close(fd);
	return done;
}

gboolean apply_run_holds(
	const struct apply_run *run, int fd, const char *name, const git_oid *oid, uint32_t mode)
{
	g_autoptr(GBytes) content = NULL;
	struct stat status;
	git_oid found;
	gsize size;
	const void *data;

	(void)run;
	if (!exists(fd, name, &status) || (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)))
		return FALSE;
	content = file_read_at(fd, name, name, (uint64_t)status.st_size, &status, NULL);
	if (content == NULL || file_read_mode(&status) != mode)
		return FALSE;
	data = g_bytes_get_data(content, &size);
	return git_odb_hash(&found, data != NULL ? data : "", size, GIT_OBJECT_BLOB) == 0 &&
		git_oid_equal(&found, oid);
}

/* Looks at what step AT took out of the folder, and keeps what nobody expected. */
static gboolean inspect(struct apply_run *run, guint at, GError **error)
{
	const struct apply_step *step = apply_plan_step(run->plan, at);
	char number[NAME_BYTES];
	struct stat status;
	int fd = run->old_fd;

	step_name(number, at);
	if (!exists(run->old_fd, number, &status)) {
		if (!exists(run->new_fd, number, &status) || is_staged(run, step, number))
			return TRUE;
		fd = run->new_fd;
	}
	if (step->from_mode != 0 && apply_run_holds(run, fd, number, &step->from, step->from_mode))
		return TRUE;
	return kept_files_add(run, fd, number, at, 0, beneath_name(step->path)) ||
		fail(run, error, step->path);
}

/* Adds all directories above PATH. */
static void add_parents(GHashTable *folders, const char *path)
{
	char *folder = beneath_parent(path);

	while (*folder != '\0' && g_hash_table_add(folders, folder))
		folder = beneath_parent(folder);
	if (*folder == '\0')
		g_free(folder);
}

static gint longest_first(gconstpointer a, gconstpointer b)
{
	size_t left = strlen(a);
	size_t right = strlen(b);

	return left != right ? (left < right ? 1 : -1) : strcmp(a, b);
}

/* Removes the directories that lost files and have none left, but for those that get new ones. */
static void remove_emptied(struct apply_run *run)
{
	g_autoptr(GHashTable)
		emptied = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable)
		wanted = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	g_autoptr(GList) folders = NULL;

	for (guint i = 0; i < run->plan->steps->len; i++) {
		const struct apply_step *step = apply_plan_step(run->plan, i);

		add_parents(step->action == APPLY_REMOVE ? emptied : wanted, step->path);
	}
	folders = g_list_sort(g_hash_table_get_keys(emptied), longest_first);
	for (GList *item = folders; item != NULL; item = item->next) {
		const char *path = item->data;
		g_autofree char *parent = beneath_parent(path);
		int fd = g_hash_table_contains(wanted, path) ? -1
							     : beneath_open(run->folder_fd, parent);

		if (fd < 0)
			continue;
		apply_run_step(run, "rmdir");
		/* One that has somebody's files in it stays. */
		(void)!unlinkat(fd, beneath_name(path), AT_REMOVEDIR);
		close(fd);
	}
}

/* Removes the component's folder, if nothing is in it. */
static gboolean remove_folder(struct apply_run *run, GError **error)
{
	g_autofree char *parent = beneath_parent(run->plan->folder);
	int fd = beneath_open(run->root_fd, parent);
	gboolean done;

	if (fd < 0)
		return errno == ENOENT || fail(run, error, "");
	apply_run_step(run, "rmdir");
	done = unlinkat(fd, beneath_name(run->plan->folder), AT_REMOVEDIR) == 0 ||
		errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST || fail(run, error, "");
	close(fd);
	return done;
}

static gboolean for_each(struct apply_run *run, unsigned actions,
	gboolean (*act)(struct apply_run *, guint, GError **), GError **error)
{
	for (guint i = 0; i < run->plan->steps->len; i++)
		if ((actions >> apply_plan_step(run->plan, i)->action & 1u) != 0 &&
			!act(run, i, error))
			return FALSE;
	return TRUE;
}

gboolean apply_run_sync(const struct apply_run *run, GError **error)
{
	g_autoptr(GHashTable)
		folders = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	GHashTableIter each;
	gpointer path;

	for (guint i = 0; i < run->plan->steps->len; i++) {
		g_autofree char *whole = g_build_filename(
			run->plan->folder, apply_plan_step(run->plan, i)->path, NULL);

		add_parents(folders, whole);
	}
	add_parents(folders, run->plan->folder);
	if (g_hash_table_size(folders) > LIMIT_SYNCED_SINGLY)
		return syncfs(run->root_fd) == 0 || fail(run, error, "");
	g_hash_table_iter_init(&each, folders);
	while (g_hash_table_iter_next(&each, &path, NULL)) {
		int fd = beneath_open(run->root_fd, path);
		gboolean good = fd < 0 || fsync(fd) == 0;

		if (!good)
			fail(run, error, "");
		close_fd(&fd);
		if (!good)
			return FALSE;
	}
	return fsync(run->root_fd) == 0 || fail(run, error, "");
}

#define BIT(action) (1u << (action))

static gboolean change(struct apply_run *run, GError **error)
{
	if (!apply_run_open_folder(run, error))
		return FALSE;
	if (run->folder_fd < 0 && run->plan->has_to && !make_folder(run, error))
		return FALSE;
	if (run->folder_fd < 0)
		return TRUE;
	if (!for_each(run, BIT(APPLY_REMOVE), take_out, error))
		return FALSE;
	remove_emptied(run);
	return for_each(run, BIT(APPLY_PLACE) | BIT(APPLY_EXCHANGE), put_in, error) &&
		for_each(run, BIT(APPLY_MODE), set_mode, error) &&
		for_each(run, BIT(APPLY_REMOVE) | BIT(APPLY_PLACE) | BIT(APPLY_EXCHANGE), inspect,
			error) &&
		(run->plan->has_to || remove_folder(run, error));
}

gboolean apply_run_forward(struct apply_run *run, struct apply_report *report, GError **error)
{
	struct stat status;

	if (!change(run, error) || !apply_run_sync(run, error))
		return FALSE;
	report->removed = report->written = report->modes = 0;
	for (guint i = 0; i < run->plan->steps->len; i++) {
		switch (apply_plan_step(run->plan, i)->action) {
		case APPLY_REMOVE:
			report->removed++;
			break;
		case APPLY_PLACE:
		case APPLY_EXCHANGE:
			report->written++;
			break;
		case APPLY_MODE:
			report->modes++;
			break;
		}
	}
	report->folder_remains = !run->plan->has_to &&
		exists(run->root_fd, run->plan->folder, &status);
	g_clear_pointer(&report->kept, g_ptr_array_unref);
	report->kept = kept_files_list(run);
	return report->kept == NULL || syncfs(run->root_fd) == 0 || fail(run, error, "");
}
