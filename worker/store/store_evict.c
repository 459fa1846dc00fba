/*
 * Making room in the cache: repository folders go as wholes, the least recently used first.
 *
 * The time of use is the lock file's. A folder is renamed before it is removed, under both parts of
 * its lock: whoever comes next finds none and makes one. Forks that borrowed an evicted store find
 * another generation in its place, or none, and start afresh.
 */
#include "worker/store/store_evict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "worker/store/store_folder.h"
#include "worker/store/store_lock.h"

struct candidate {
	struct store_folder folder;
	uint64_t bytes;
	struct timespec used;
};

static void candidate_free(gpointer data)
{
	struct candidate *candidate = data;

	store_folder_clear(&candidate->folder);
	g_free(candidate);
}

static gint least_recent_first(gconstpointer a, gconstpointer b)
{
	const struct candidate *left = *(const struct candidate *const *)a;
	const struct candidate *right = *(const struct candidate *const *)b;

	if (left->used.tv_sec != right->used.tv_sec)
		return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
	if (left->used.tv_nsec != right->used.tv_nsec)
		return left->used.tv_nsec < right->used.tv_nsec ? -1 : 1;
	return strcmp(left->folder.repository, right->folder.repository);
}

static void list_candidates(GPtrArray *candidates, const char *parent)
{
	g_autoptr(GDir) names = g_dir_open(parent, 0, NULL);
	const char *name;

	while (names && (name = g_dir_read_name(names))) {
		g_autofree char *stem = NULL;
		struct candidate *candidate;
		struct stat status;

		if (!g_str_has_suffix(name, ".lock"))
			continue;
		stem = g_strndup(name, strlen(name) - strlen(".lock"));
		candidate = g_new0(struct candidate, 1);
		store_folder_init(&candidate->folder, parent, stem);
		candidate->bytes = store_folder_bytes(candidate->folder.repository) +
			store_folder_bytes(candidate->folder.incoming) +
			store_folder_bytes(candidate->folder.next);
		if (stat(candidate->folder.lock, &status) == 0)
			candidate->used = status.st_mtim;
		g_ptr_array_add(candidates, candidate);
	}
}

static gboolean remove_all(const struct store_folder *folder, GError **error)
{
	if (!store_folder_remove(folder->next, error))
		return FALSE;
	/* Renamed first: a folder that is only partly removed must not be taken for a store. */
	if (rename(folder->repository, folder->next) != 0 && errno != ENOENT) {
		g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "%s: %s",
			folder->repository, g_strerror(errno));
		return FALSE;
	}
	return store_folder_remove(folder->next, error) &&
		store_folder_remove(folder->incoming, error);
}

/* TRUE if the folder is gone. */
static gboolean evict(const struct candidate *candidate)
{
	g_autoptr(GError) failure = NULL;
	scoped(store_lock) lock = store_lock_open(candidate->folder.lock, &failure);
	gboolean gone = FALSE;

	if (lock &&
		(!store_lock_try(lock, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE) ||
			!store_lock_try(lock, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE)))
		return FALSE;
	if (lock)
		gone = remove_all(&candidate->folder, &failure);
	if (!gone)
		g_warning("store=not_evicted path=%s reason=\"%s\"", candidate->folder.repository,
			failure->message);
	return gone;
}

uint64_t store_evict(const char *const *folders, uint64_t bytes_max)
{
	g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(candidate_free);
	uint64_t bytes = 0;

	for (gsize i = 0; folders[i]; i++)
		list_candidates(candidates, folders[i]);
	g_ptr_array_sort(candidates, least_recent_first);
	for (guint i = 0; i < candidates->len; i++)
		bytes += ((struct candidate *)g_ptr_array_index(candidates, i))->bytes;
	for (guint i = 0; i < candidates->len && bytes > bytes_max; i++) {
		const struct candidate *candidate = g_ptr_array_index(candidates, i);

		if (candidate->bytes > 0 && evict(candidate))
			bytes -= candidate->bytes;
	}
	return bytes;
}
