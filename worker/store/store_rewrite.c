/*
 * Rewriting a repository folder of the cache, before its many packs and loose objects make every
 * look-up slow.
 *
 * Large packs are taken over as they are, by hard link; only small ones and loose objects are
 * packed together. A pack is large if all that are smaller have less together: so there are never
 * more large ones than the total has bits, and a byte is packed again only when as many new ones
 * came. Nothing is pruned and nothing happens in place: a new folder is made beside the old one and
 * exchanged by rename, so a kill at any moment leaves one whole repository and at most a folder
 * that the next writer removes.
 */
#include "worker/store/store_rewrite.h"

#include <errno.h>
#include <git2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/store/anchors.h"
#include "worker/git/git_library.h"

struct pack {
	char *index; /* path of the .idx */
	char *pack;  /* path of the .pack */
	guint64 bytes;
};

static void pack_free(gpointer data)
{
	struct pack *pack = data;

	g_free(pack->index);
	g_free(pack->pack);
	g_free(pack);
}

static gint larger_first(gconstpointer a, gconstpointer b)
{
	const struct pack *left = *(const struct pack *const *)a;
	const struct pack *right = *(const struct pack *const *)b;

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	return strcmp(left->index, right->index);
}

/* The packs of the repository at PATH, largest first. */
static GPtrArray *list_packs(const char *path)
{
	g_autofree char *folder = g_build_filename(path, "objects", "pack", NULL);
	g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
	GPtrArray *packs = g_ptr_array_new_with_free_func(pack_free);
	const char *name;

	while (names && (name = g_dir_read_name(names))) {
		struct pack *pack;
		struct stat status;

		if (!g_str_has_suffix(name, ".idx"))
			continue;
		pack = g_new0(struct pack, 1);
		pack->index = g_build_filename(folder, name, NULL);
		pack->pack = g_strdup_printf(
			"%.*s.pack", (int)(strlen(pack->index) - strlen(".idx")), pack->index);
		pack->bytes = stat(pack->pack, &status) == 0 ? (guint64)status.st_size : 0;
		g_ptr_array_add(packs, pack);
	}
	g_ptr_array_sort(packs, larger_first);
	return packs;
}

/* Loose objects lie in folders of two digits; counting stops where it decides. */
static guint count_loose_objects(const char *path, guint most)
{
	g_autofree char *objects = g_build_filename(path, "objects", NULL);
	g_autoptr(GDir) folders = g_dir_open(objects, 0, NULL);
	const char *folder;
	guint n_objects = 0;

	while (folders && (folder = g_dir_read_name(folders)) && n_objects <= most) {
		g_autofree char *full = g_build_filename(objects, folder, NULL);
		g_autoptr(GDir) names = strlen(folder) == 2 ? g_dir_open(full, 0, NULL) : NULL;

		while (names && g_dir_read_name(names))
			n_objects++;
	}
	return n_objects;
}

static gboolean exceeds(const char *path, guint times)
{
	g_autoptr(GPtrArray) packs = list_packs(path);
	guint most = times * LIMIT_STORE_LOOSE_OBJECTS;

	return packs->len > times * LIMIT_STORE_PACKS || count_loose_objects(path, most) > most;
}

gboolean store_rewrite_is_due(const char *path)
{
	return exceeds(path, 1);
}

gboolean store_rewrite_is_overdue(const char *path)
{
	return exceeds(path, LIMIT_STORE_OVERDUE);
}

/* How many packs, from the largest, have each at least as many bytes as all smaller ones together.
 */
static guint count_large(const GPtrArray *packs)
{
	guint64 rest = 0;
	guint n_large = 0;

	for (guint i = 0; i < packs->len; i++)
		rest += ((struct pack *)g_ptr_array_index(packs, i))->bytes;
	while (n_large < packs->len) {
		guint64 bytes = ((struct pack *)g_ptr_array_index(packs, n_large))->bytes;

		rest -= bytes;
		if (bytes < rest)
			break;
		n_large++;
	}
	return n_large;
}

static gboolean link_into(const char *path, const char *folder, GError **error)
{
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *target = g_build_filename(folder, "objects", "pack", name, NULL);

	if (link(path, target) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
			"cannot link %s to %s: %s", path, target, g_strerror(errno));
		return FALSE;
	}
	return TRUE;
}

static int insert_object(const git_oid *oid, void *builder)
{
	return git_packbuilder_insert(builder, oid, NULL);
}

/* Inserts all objects of BACKEND (taken). Returns libgit2's result. */
static int insert_backend(git_packbuilder *builder, git_odb_backend *backend)
{
	git_odb *odb = NULL;
	int result = git_odb_new(&odb);

	if (result == 0)
		result = git_odb_add_backend(odb, backend, 1);
	if (result == 0)
		result = git_odb_foreach(odb, insert_object, builder);
	git_odb_free(odb);
	return result;
}

static int insert_small(
	git_packbuilder *builder, const char *path, const GPtrArray *packs, guint n_large)
{
	g_autofree char *objects = g_build_filename(path, "objects", NULL);
	git_odb_backend *backend = NULL;
	int result = git_odb_backend_loose(&backend, objects, -1, 0, 0, 0);

	if (result == 0)
		result = insert_backend(builder, backend);
	for (guint i = n_large; i < packs->len && result == 0; i++) {
		struct pack *pack = g_ptr_array_index(packs, i);

		result = git_odb_backend_one_pack(&backend, pack->index);
		if (result == 0)
			result = insert_backend(builder, backend);
	}
	return result;
}

static int stop_if_over(int stage, uint32_t current, uint32_t total, void *budget)
{
	(void)stage, (void)current, (void)total;
	return budget_check(budget, NULL) ? 0 : GIT_EUSER;
}

/* Packs everything but the large packs of GIT, which lies at PATH, into the folder NEXT. */
static gboolean pack_small(git_repository *git, const char *path, const char *next,
	const GPtrArray *packs, guint n_large, const struct budget *budget, GError **error)
{
	g_autofree char *target = g_build_filename(next, "objects", "pack", NULL);
	git_packbuilder *builder = NULL;
	int result = git_packbuilder_new(&builder, git);

	if (result == 0) {
		git_packbuilder_set_threads(builder, 1);
		result = git_packbuilder_set_callbacks(builder, stop_if_over, (void *)budget);
	}
	if (result == 0)
		result = insert_small(builder, path, packs, n_large);
	if (result == 0 && git_packbuilder_object_count(builder) > 0)
		result = git_packbuilder_write(builder, target, 0, NULL, NULL);
	if (result != 0 && budget_check(budget, error))
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"cannot pack the objects of %s", path);
	git_packbuilder_free(builder);
	return result == 0;
}

static int add_ref(git_reference *ref, void *anchors)
{
	const git_oid *target = git_reference_target(ref);

	if (target)
		anchors_set(anchors, git_reference_name(ref), target);
	git_reference_free(ref);
	return 0;
}

static gboolean copy_refs(git_repository *git, const char *next, GError **error)
{
	scoped_value(anchors) anchors;

	anchors_init(&anchors);
	if (git_reference_foreach(git, add_ref, &anchors) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"cannot list the refs of %s", git_repository_path(git));
		return FALSE;
	}
	return anchors_write(&anchors, next, error);
}

static gboolean fill_next(git_repository *git, const struct store_folder *folder,
	const struct budget *budget, GError **error)
{
	g_autoptr(GPtrArray) packs = list_packs(folder->repository);
	guint n_large = count_large(packs);
	struct store_stamp stamp;

	for (guint i = 0; i < n_large; i++) {
		struct pack *pack = g_ptr_array_index(packs, i);

		if (!link_into(pack->pack, folder->next, error) ||
			!link_into(pack->index, folder->next, error))
			return FALSE;
	}
	return pack_small(git, folder->repository, folder->next, packs, n_large, budget, error) &&
		copy_refs(git, folder->next, error) &&
		store_stamp_read(&stamp, folder->repository, error) &&
		store_stamp_write(&stamp, folder->next, error);
}

gboolean store_rewrite(const struct store_folder *folder, const char *borrowed,
	const struct budget *budget, GError **error)
{
	git_repository *git = NULL;
	gboolean made;

	if (!store_folder_remove(folder->next, error) ||
		!store_folder_make(folder->next, borrowed, error))
		return FALSE;
	if (git_repository_open_bare(&git, folder->repository) != 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open %s", folder->repository);
		return FALSE;
	}
	made = fill_next(git, folder, budget, error);
	git_repository_free(git);
	if (!made) {
		store_folder_remove(folder->next, NULL);
		return FALSE;
	}
	return store_folder_exchange(folder, error);
}
