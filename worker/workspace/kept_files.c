/*
 * What a change of a folder found in its way: `.forge/kept/ID/LABEL/NAME`.
 *
 * Nothing here is ever removed by forge. Each item has a folder of its own, whose name says which
 * step of the plan met it: so no two collide, and after an interruption the folder itself is the
 * report.
 */
#include "worker/workspace/kept_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/limits.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Opens `.forge/kept/ID/LABEL` (without a LABEL, the folder of all), made if MAKE. */
static int open_kept(const struct apply_run *run, const char *label, gboolean make)
{
	const char *const names[] = {".forge", "kept", run->id, label};
	int fd = openat(run->root_fd, ".", DIRECTORY);

	for (size_t i = 0; fd >= 0 && i < G_N_ELEMENTS(names) && names[i] != NULL; i++) {
		int next;
		int failure;

		if (make && i > 0) {
			apply_run_step(run, "mkdir kept");
			(void)!mkdirat(fd, names[i], 0777);
		}
		next = openat(fd, names[i], DIRECTORY);
		failure = errno;
		close(fd);
		errno = failure;
		fd = next;
	}
	return fd;
}

/* Makes the label that has no KEPT_NAME yet, and opens it. */
static int open_free(const struct apply_run *run, guint at, guint above, const char *kept_name)
{
	for (guint copy = 0; copy < LIMIT_KEPT_COPIES; copy++) {
		g_autofree char *label = copy > 0 ? g_strdup_printf("%u.%u.%u", at, above, copy)
			: above > 0               ? g_strdup_printf("%u.%u", at, above)
						  : g_strdup_printf("%u", at);
		struct stat status;
		int fd = open_kept(run, label, TRUE);

		if (fd < 0 || fstatat(fd, kept_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			return fd;
		close(fd);
	}
	errno = EEXIST;
	return -1;
}

gboolean kept_files_add(const struct apply_run *run, int fd, const char *name, guint at,
	guint above, const char *kept_name)
{
	int kept = open_free(run, at, above, kept_name);
	gboolean done;
	int failure;

	if (kept < 0)
		return FALSE;
	apply_run_step(run, "rename to kept");
	done = renameat(fd, name, kept, kept_name) == 0 || errno == ENOENT;
	failure = errno;
	close(kept);
	errno = failure;
	return done;
}

gboolean kept_files_has(const struct apply_run *run, guint at)
{
	g_autofree char *label = g_strdup_printf("%u", at);
	int fd = open_kept(run, label, FALSE);

	if (fd < 0)
		return FALSE;
	close(fd);
	return TRUE;
}

static void kept_file_free(gpointer pointer)
{
	struct kept_file *file = pointer;

	g_free(file->path);
	g_free(file->kept);
	g_free(file);
}

/* The names in `.forge/kept/ID`, or in LABEL there. */
static GPtrArray *list_names(const struct apply_run *run, const char *label)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	int fd = open_kept(run, label, FALSE);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	if (directory != NULL)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
	return names;
}

/* Where in the component it was that LABEL has; NULL if it is no label of ours. */
static char *path_of(const struct apply_run *run, const char *label)
{
	char *dot;
	char *end;
	guint64 step = g_ascii_strtoull(label, &dot, 10);
	guint64 names = *dot == '.' ? g_ascii_strtoull(dot + 1, &end, 10) : 0;
	const char *path;
	const char *stop;

	if (dot == label || step >= run->plan->steps->len)
		return NULL;
	path = apply_plan_step(run->plan, (guint)step)->path;
	if (names == 0)
		return g_strdup(path);
	for (stop = strchr(path, '/'); stop != NULL && names > 1; names--)
		stop = strchr(stop + 1, '/');
	return stop != NULL ? g_strndup(path, (gsize)(stop - path)) : g_strdup(path);
}

static gint by_path(gconstpointer a, gconstpointer b)
{
	const struct kept_file *left = *(const struct kept_file *const *)a;
	const struct kept_file *right = *(const struct kept_file *const *)b;
	int order = strcmp(left->path, right->path);

	return order != 0 ? order : strcmp(left->kept, right->kept);
}

GPtrArray *kept_files_list(const struct apply_run *run)
{
	g_autoptr(GPtrArray) labels = list_names(run, NULL);
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(kept_file_free);

	for (guint i = 0; i < labels->len; i++) {
		g_autoptr(GPtrArray) names = list_names(run, labels->pdata[i]);

		for (guint k = 0; k < names->len; k++) {
			char *path = path_of(run, labels->pdata[i]);
			struct kept_file *file;

			if (path == NULL)
				continue;
			file = g_new(struct kept_file, 1);
			file->path = path;
			file->kept = g_strconcat(".forge/kept/", run->id, "/", labels->pdata[i],
				"/", names->pdata[k], NULL);
			g_ptr_array_add(files, file);
		}
	}
	if (files->len == 0)
		return NULL;
	g_ptr_array_sort(files, by_path);
	return g_steal_pointer(&files);
}
