/*
 * The change of a folder: staging, the point of no return, recovery.
 *
 * `.forge/apply/ID` is made with all that is new, and synced; then `intent` is written beside it,
 * synced and renamed into its place. Before that rename nothing in the component has been touched,
 * and recovery removes what was staged; from then on only forward leads out (apply_run.c). When the
 * files are in place and durable, the caller moves its refs, the intent goes, then the rest.
 *
 * Whatever can be known to go wrong is asked before: does the folder still hold what the snapshot
 * saw, may it be written to, is it one file system.
 */
#include "worker/workspace/folder_apply.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/workspace/apply_run.h"
#include "worker/workspace/apply_stage.h"
#include "worker/workspace/beneath.h"
#include "worker/workspace/file_read.h"
#include "worker/workspace/path_safety.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define REMOVE_DEPTH_MAX 4 /* a staging folder has no deeper ones of ours */

void apply_report_clear(struct apply_report *report)
{
	g_clear_pointer(&report->kept, g_ptr_array_unref);
	*report = (struct apply_report){0};
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in the directory NAME of FD, sorted; none if it is not there. */
static GPtrArray *list_names(int fd, const char *name)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	int listed = openat(fd, name, DIRECTORY);
	DIR *directory = listed >= 0 ? fdopendir(listed) : NULL;
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	if (directory != NULL)
		closedir(directory);
	g_ptr_array_sort(names, by_name);
	return names;
}

/* Removes NAME in the directory FD with all in it; what cannot be removed stays for the next time.
 */
static void remove_all(
	const struct workspace_paths *workspace, int fd, const char *name, unsigned depth)
{
	g_autoptr(GPtrArray) names = NULL;
	int below;

	if (workspace->step != NULL)
		workspace->step("unlink", workspace->step_data);
	if (unlinkat(fd, name, 0) == 0 || (errno != EISDIR && errno != EPERM) ||
		depth == REMOVE_DEPTH_MAX)
		return;
	names = list_names(fd, name);
	below = openat(fd, name, DIRECTORY);
	for (guint i = 0; below >= 0 && i < names->len; i++)
		remove_all(workspace, below, names->pdata[i], depth + 1);
	if (below >= 0)
		close(below);
	(void)!unlinkat(fd, name, AT_REMOVEDIR);
}

/* The plan of an intent. *IS_THERE says whether there is one; NULL then means that it is damaged.
 */
static struct apply_plan *read_intent(int apply_fd, const char *id, gboolean *is_there)
{
	g_autofree char *path = g_build_filename(id, "intent", NULL);
	g_autoptr(GBytes) content = NULL;
	struct stat status;
	gsize size;
	const void *data;

	*is_there = fstatat(apply_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*is_there)
		return NULL;
	content = file_read_at(apply_fd, path, path, LIMIT_INTENT_BYTES, &status, NULL);
	if (content == NULL)
		return NULL;
	data = g_bytes_get_data(content, &size);
	return data != NULL ? apply_plan_unpack(data, size) : NULL;
}

static struct folder_change change_of(const struct apply_plan *plan)
{
	return (struct folder_change){.component = plan->component,
		.folder = plan->folder,
		.from = plan->has_from ? &plan->from : NULL,
		.to = plan->has_to ? &plan->to : NULL,
		.token = *plan->token != '\0' ? plan->token : NULL};
}

/* With the intent durable: the files, the caller's refs, the end. */
static gboolean complete(
	struct apply_run *run, int apply_fd, struct apply_report *report, GError **error)
{
	const struct workspace_paths *workspace = run->workspace;
	struct folder_change change = change_of(run->plan);

	if (!apply_run_forward(run, report, error))
		return FALSE;
	if (workspace->settle != NULL) {
		apply_run_step(run, "settle");
		if (!workspace->settle(&change, report, workspace->settle_data, error))
			return FALSE;
	}
	apply_run_step(run, "unlink intent");
	if (unlinkat(run->stage_fd, "intent", 0) != 0 || fsync(run->stage_fd) != 0)
		return file_read_error(error, errno, ".forge/apply", "cannot be changed");
	remove_all(workspace, apply_fd, run->id, 0);
	return TRUE;
}

static int open_apply(int root_fd, gboolean make)
{
	if (make && mkdirat(root_fd, ".forge/apply", 0777) == 0) {
		int forge_fd = beneath_open(root_fd, ".forge");

		/* An intent is only as durable as the way to it. */
		if (forge_fd >= 0) {
			(void)!fsync(forge_fd);
			close(forge_fd);
		}
	}
	return beneath_open(root_fd, ".forge/apply");
}

static gboolean recover_one(const struct workspace_paths *workspace, int root_fd, int apply_fd,
	const char *id, folder_recovered *recovered, void *user_data, GError **error)
{
	gboolean is_there;
	scoped(apply_plan) plan = read_intent(apply_fd, id, &is_there);
	scoped_value(apply_run)
		run = {.root_fd = -1, .stage_fd = -1, .new_fd = -1, .old_fd = -1, .folder_fd = -1};
	scoped_value(apply_report) report = {0};

	if (!is_there) {
		remove_all(workspace, apply_fd, id, 0);
		return TRUE;
	}
	if (plan == NULL) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			".forge/apply/%s/intent is damaged; what the interrupted change was to write, "
			"and what it took out, is beside it: see to the files, then remove that folder",
			id);
		return FALSE;
	}
	if (!apply_run_open(&run, workspace, root_fd, apply_fd, id, error))
		return FALSE;
	run.plan = g_steal_pointer(&plan);
	if (!complete(&run, apply_fd, &report, error)) {
		g_prefix_error(error, "completing an interrupted change: ");
		return FALSE;
	}
	if (recovered != NULL) {
		struct folder_change change = change_of(run.plan);

		recovered(&change, &report, user_data);
	}
	return TRUE;
}

static gboolean recover_all(const struct workspace_paths *workspace, int root_fd, int apply_fd,
	folder_recovered *recovered, void *user_data, GError **error)
{
	g_autoptr(GPtrArray) ids = list_names(apply_fd, ".");

	for (guint i = 0; i < ids->len; i++)
		if (!recover_one(workspace, root_fd, apply_fd, ids->pdata[i], recovered, user_data,
			    error))
			return FALSE;
	return TRUE;
}

static int open_root(const struct workspace_paths *workspace, GError **error)
{
	int fd = open(workspace->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		file_read_error(error, errno, workspace->root, "cannot be opened");
	return fd;
}

gboolean folder_apply_recover(const struct workspace_paths *workspace, folder_recovered *recovered,
	void *user_data, GError **error)
{
	scoped(workspace_lock) lock = NULL;
	g_autoptr(GPtrArray) ids = NULL;
	gboolean good = TRUE;
	int root_fd = open_root(workspace, error);
	int apply_fd = root_fd >= 0 ? open_apply(root_fd, FALSE) : -1;

	if (root_fd < 0)
		return FALSE;
	if (apply_fd >= 0) {
		ids = list_names(apply_fd, ".");
		/* Somebody else's change may be under way: only the lock tells. */
		if (ids->len > 0 && workspace->lock == NULL)
			good = (lock = workspace_lock_take(
					workspace->root, workspace->budget, error)) != NULL;
		if (good && ids->len > 0)
			good = recover_all(
				workspace, root_fd, apply_fd, recovered, user_data, error);
		close(apply_fd);
	}
	close(root_fd);
	return good;
}

/* Removes what earlier changes prepared; BUSY if one of them is certain to happen. */
static gboolean check_leftovers(
	const struct workspace_paths *workspace, int apply_fd, GError **error)
{
	g_autoptr(GPtrArray) ids = list_names(apply_fd, ".");

	for (guint i = 0; i < ids->len; i++) {
		gboolean is_there;

		apply_plan_free(read_intent(apply_fd, ids->pdata[i], &is_there));
		if (is_there) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_BUSY,
				"an interrupted change of the workspace is to be completed first");
			return FALSE;
		}
		remove_all(workspace, apply_fd, ids->pdata[i], 0);
	}
	return TRUE;
}

static gboolean check_change(const struct folder_change *change, GError **error)
{
	g_autofree char *shown = path_safety_shown(change->folder);
	g_autofree char *top = g_strndup(change->folder, strcspn(change->folder, "/"));

	if (!beneath_is_clean(change->folder) || path_safety_is_forge(top)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
			"'%s' is no folder for a component", shown);
		return FALSE;
	}
	if (change->token != NULL && strlen(change->token) > LIMIT_APPLY_TOKEN_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"the token of a change has more than %d bytes", LIMIT_APPLY_TOKEN_BYTES);
		return FALSE;
	}
	return TRUE;
}

static gboolean apply_locked(const struct workspace_paths *workspace, int root_fd, int apply_fd,
	struct apply_plan *take_plan, struct apply_report *report, GError **error)
{
	scoped(apply_plan) plan = take_plan;
	scoped_value(apply_run)
		run = {.root_fd = -1, .stage_fd = -1, .new_fd = -1, .old_fd = -1, .folder_fd = -1};
	g_autofree char *id = NULL;
	guint8 random[8];

	if (!check_leftovers(workspace, apply_fd, error))
		return FALSE;
	hash_random(random, sizeof(random));
	id = g_strdup_printf("%02x%02x%02x%02x%02x%02x%02x%02x", random[0], random[1], random[2],
		random[3], random[4], random[5], random[6], random[7]);
	if (!apply_stage_make(workspace, apply_fd, id, error) ||
		!apply_run_open(&run, workspace, root_fd, apply_fd, id, error)) {
		remove_all(workspace, apply_fd, id, 0);
		return FALSE;
	}
	run.plan = g_steal_pointer(&plan);
	if (!apply_run_open_folder(&run, error) || !apply_stage_check(&run, error) ||
		!apply_stage_write(&run, error) || !apply_stage_check_content(&run, error) ||
		!apply_stage_commit(&run, apply_fd, error)) {
		remove_all(workspace, apply_fd, id, 0);
		return FALSE;
	}
	return complete(&run, apply_fd, report, error);
}

gboolean folder_apply(const struct workspace_paths *workspace, const struct folder_change *change,
	struct apply_report *report, GError **error)
{
	scoped(workspace_lock) lock = NULL;
	scoped(apply_plan) plan = NULL;
	gboolean good;
	int root_fd;
	int apply_fd;

	if (!check_change(change, error))
		return FALSE;
	if (change->to != NULL &&
		!tree_safety_check(workspace->repository, change->to, workspace->limits, error))
		return FALSE;
	plan = apply_plan_new(workspace->repository, change->from, change->to, error);
	if (plan == NULL)
		return FALSE;
	plan->component = g_strdup(change->component);
	plan->folder = g_strdup(change->folder);
	plan->token = g_strdup(change->token != NULL ? change->token : "");
	root_fd = open_root(workspace, error);
	if (root_fd < 0)
		return FALSE;
	apply_fd = open_apply(root_fd, TRUE);
	good = apply_fd >= 0 || file_read_error(error, errno, ".forge/apply", "cannot be opened");
	if (good && workspace->lock == NULL) {
		lock = workspace_lock_take(workspace->root, workspace->budget, error);
		good = lock != NULL;
	}
	good = good &&
		apply_locked(workspace, root_fd, apply_fd, g_steal_pointer(&plan), report, error);
	if (apply_fd >= 0)
		close(apply_fd);
	close(root_fd);
	return good;
}
