/*
 * The workspace's repository written anew: one pack of what its refs reach.
 *
 * It holds what nobody else has, so nothing is deleted in place. A folder of objects is made beside
 * the old one, synced, walked from the refs once more with every object read, and only then the two
 * are exchanged by one rename. A kill before it leaves the old objects, a kill after it the new
 * ones, and in either case a folder that the next rewriting removes. Refs are not touched.
 *
 * What no ref reaches may still be waited for: trees that a command made for a job that is queued.
 * Such objects are loose and young; they stay loose, and what they name is packed as if a ref
 * reached it, so that a tree that is there never loses what it names.
 */
#include "worker/workspace/repository_rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/git/object_links.h"
#include "worker/git/oid_set.h"
#include "worker/workspace/workspace_lock.h"
#include "worker/workspace/workspace_repository.h"

#define OBJECTS "objects"
#define NEXT "objects.new"
#define STAMP "rewritten"

static gboolean unusable(GError **error, const char *what, const char *path)
{
	int failure = errno;

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE, "cannot %s %s: %s", what, path,
		g_strerror(failure));
	return FALSE;
}

static char *repository_path(const char *root, const char *name)
{
	return g_build_filename(root, ".forge", "repository", name, NULL);
}

/* ---- is it due? --------------------------------------------------------------------------- */

/* Seconds since the file PATH was changed; FALSE if it is not there. */
static gboolean age_of(const char *path, int64_t *age_s)
{
	struct stat status;

	if (lstat(path, &status) != 0)
		return FALSE;
	*age_s = clock_now().wall_us / G_USEC_PER_SEC - (int64_t)status.st_mtime;
	return TRUE;
}

static guint count_packs(const char *objects)
{
	g_autofree char *folder = g_build_filename(objects, "pack", NULL);
	g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
	const char *name;
	guint count = 0;

	while (names && (name = g_dir_read_name(names)))
		count += g_str_has_suffix(name, ".idx") ? 1 : 0;
	return count;
}

static gboolean is_hex(const char *name, size_t digits)
{
	return strlen(name) == digits && strspn(name, "0123456789abcdef") == digits;
}

typedef void loose_object(const char *path, const char *folder, const char *name, gpointer data);

/* Calls EACH for every loose object below OBJECTS: PATH is FOLDER (two digits) / NAME there. */
static void for_loose(const char *objects, loose_object *each, gpointer data)
{
	g_autoptr(GDir) folders = g_dir_open(objects, 0, NULL);
	const char *folder;

	while (folders && (folder = g_dir_read_name(folders))) {
		g_autofree char *full = g_build_filename(objects, folder, NULL);
		g_autoptr(GDir) names = is_hex(folder, 2) ? g_dir_open(full, 0, NULL) : NULL;
		const char *name;

		while (names && (name = g_dir_read_name(names))) {
			g_autofree char *path = g_build_filename(full, name, NULL);

			if (is_hex(name, GIT_OID_HEXSZ - 2))
				each(path, folder, name, data);
		}
	}
}

static void count_one(const char *path, const char *folder, const char *name, gpointer count)
{
	(void)path, (void)folder, (void)name;
	++*(guint *)count;
}

gboolean repository_rewrite_is_due(const char *root)
{
	g_autofree char *objects = repository_path(root, OBJECTS);
	g_autofree char *next = repository_path(root, NEXT);
	g_autofree char *stamp = repository_path(root, STAMP);
	guint n_loose = 0;
	int64_t age_s;

	if (g_file_test(next, G_FILE_TEST_EXISTS))
		return TRUE;
	/* A stamp from the future is a clock that was set back. */
	if (age_of(stamp, &age_s) && age_s >= 0 && age_s < LIMIT_REWRITE_PAUSE_S)
		return FALSE;
	if (count_packs(objects) > LIMIT_WORKSPACE_PACKS)
		return TRUE;
	for_loose(objects, count_one, &n_loose);
	return n_loose > LIMIT_WORKSPACE_LOOSE_OBJECTS;
}

/* ---- what is reached ---------------------------------------------------------------------- */

struct todo {
	git_oid oid;
	git_object_t type;
};

struct walk {
	git_odb *odb;
	GHashTable *seen; /* oid_set */
	GArray *todo;     /* of struct todo */
	gboolean lenient; /* what is missing is left out */
	gboolean reads;   /* files, too */
};

static gboolean take_link(const struct object_link *link, gpointer user_data)
{
	struct walk *walk = user_data;
	struct todo todo = {link->oid, link->type};

	g_array_append_val(walk->todo, todo);
	return TRUE;
}

static gboolean broken(GError **error, const git_oid *oid)
{
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
		"the workspace's repository lacks %s, or it is damaged", git_oid_tostr_s(oid));
	return FALSE;
}

/* *HAS tells whether the object is there. */
static gboolean visit_blob(
	const struct walk *walk, const git_oid *oid, gboolean *has, GError **error)
{
	git_odb_object *object = NULL;

	if (walk->reads) {
		*has = git_odb_read(&object, walk->odb, oid) == 0;
		git_odb_object_free(object);
	} else {
		*has = git_odb_exists(walk->odb, oid) == 1;
	}
	return *has || walk->lenient || broken(error, oid);
}

static gboolean visit(struct walk *walk, const struct todo *todo, gboolean *has, GError **error)
{
	git_odb_object *object = NULL;
	gboolean malformed = FALSE;

	if (todo->type == GIT_OBJECT_BLOB)
		return visit_blob(walk, &todo->oid, has, error);
	*has = git_odb_read(&object, walk->odb, &todo->oid) == 0;
	if (*has)
		*has = object_links(git_odb_object_type(object), git_odb_object_data(object),
			git_odb_object_size(object), take_link, walk, &malformed);
	git_odb_object_free(object);
	return *has || walk->lenient || broken(error, &todo->oid);
}

/* Walks from what is to do; everything that is there is added to what was seen. */
static gboolean walk_all(struct walk *walk, GError **error)
{
	while (walk->todo->len > 0) {
		struct todo todo = g_array_index(walk->todo, struct todo, walk->todo->len - 1);
		gboolean has;

		g_array_set_size(walk->todo, walk->todo->len - 1);
		if (oid_set_has(walk->seen, &todo.oid))
			continue;
		if (!visit(walk, &todo, &has, error))
			return FALSE;
		if (has)
			oid_set_add(walk->seen, &todo.oid);
		if (g_hash_table_size(walk->seen) > LIMIT_REWRITE_OBJECTS) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
				"the workspace's repository has more than %d objects",
				LIMIT_REWRITE_OBJECTS);
			return FALSE;
		}
	}
	return TRUE;
}

static int add_ref(git_reference *ref, void *walk)
{
	const git_oid *target = git_reference_target(ref);
	/* Its real type is asked when it is read. */
	struct todo todo = {.type = GIT_OBJECT_COMMIT};

	if (target) {
		git_oid_cpy(&todo.oid, target);
		g_array_append_val(((struct walk *)walk)->todo, todo);
	}
	git_reference_free(ref);
	return 0;
}

static gboolean walk_refs(struct walk *walk, git_repository *repository, GError **error)
{
	if (git_reference_foreach(repository, add_ref, walk) == 0)
		return walk_all(walk, error);
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot list the refs");
	return FALSE;
}

/* ---- making the new objects --------------------------------------------------------------- */

struct rewrite {
	git_repository *repository;
	char *objects;       /* the folder there is */
	char *next;          /* the folder that is made */
	GHashTable *reached; /* by refs */
	GHashTable *kept;    /* these, and what young objects name; young ones themselves too */
	GPtrArray *young;    /* `XX/NAME` of loose objects that stay loose */
};

static void rewrite_clear(struct rewrite *rewrite)
{
	git_repository_free(rewrite->repository);
	g_free(rewrite->objects);
	g_free(rewrite->next);
	g_clear_pointer(&rewrite->reached, g_hash_table_unref);
	g_clear_pointer(&rewrite->kept, g_hash_table_unref);
	g_clear_pointer(&rewrite->young, g_ptr_array_unref);
}
SCOPED_VALUE(rewrite, rewrite_clear)

static void remove_tree(const char *path)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;

	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			(void)!remove(entry->fts_accpath);
	if (tree)
		fts_close(tree);
}

static gboolean oid_of(const char *folder, const char *name, git_oid *oid)
{
	g_autofree char *hex = g_strconcat(folder, name, NULL);

	return git_oid_fromstr(oid, hex) == 0;
}

static void take_young(const char *path, const char *folder, const char *name, gpointer data)
{
	struct rewrite *rewrite = data;
	git_oid oid;
	int64_t age_s;

	if (age_of(path, &age_s) && age_s < LIMIT_UNREACHED_S && oid_of(folder, name, &oid) &&
		!oid_set_has(rewrite->reached, &oid))
		g_ptr_array_add(rewrite->young, g_build_filename(folder, name, NULL));
}

/* A loose object's type is not known by its name. */
static void add_young(struct walk *walk, const char *place)
{
	g_autofree char *folder = g_strndup(place, 2);
	struct todo todo;
	size_t size;

	if (oid_of(folder, place + 3, &todo.oid) &&
		git_odb_read_header(&size, &todo.type, walk->odb, &todo.oid) == 0)
		g_array_append_val(walk->todo, todo);
}

static gboolean find_kept(struct rewrite *rewrite, git_odb *odb, GError **error)
{
	g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(struct todo));
	struct walk walk = {.odb = odb, .seen = rewrite->reached, .todo = todo};
	GHashTableIter iter;
	gpointer oid;

	if (!walk_refs(&walk, rewrite->repository, error))
		return FALSE;
	for_loose(rewrite->objects, take_young, rewrite);
	walk.seen = rewrite->kept;
	walk.lenient = TRUE;
	g_hash_table_iter_init(&iter, rewrite->reached);
	while (g_hash_table_iter_next(&iter, &oid, NULL))
		oid_set_add(rewrite->kept, oid);
	for (guint i = 0; i < rewrite->young->len; i++)
		add_young(&walk, rewrite->young->pdata[i]);
	return walk_all(&walk, error);
}

static gboolean make_folder(const char *parent, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(parent, name, NULL);

	return g_mkdir(path, 0700) == 0 || errno == EEXIST || unusable(error, "make", path);
}

static gboolean link_young(const struct rewrite *rewrite, GError **error)
{
	for (guint i = 0; i < rewrite->young->len; i++) {
		const char *place = rewrite->young->pdata[i];
		g_autofree char *folder = g_strndup(place, 2);
		g_autofree char *from = g_build_filename(rewrite->objects, place, NULL);
		g_autofree char *to = g_build_filename(rewrite->next, place, NULL);

		if (!make_folder(rewrite->next, folder, error))
			return FALSE;
		if (link(from, to) != 0)
			return unusable(error, "link", to);
	}
	return TRUE;
}

static gboolean write_pack(const struct rewrite *rewrite, GError **error)
{
	g_autofree char *folder = g_build_filename(rewrite->next, "pack", NULL);
	git_packbuilder *builder = NULL;
	GHashTableIter iter;
	gpointer oid;
	int result = git_packbuilder_new(&builder, rewrite->repository);

	if (result == 0)
		git_packbuilder_set_threads(builder, 1);
	g_hash_table_iter_init(&iter, rewrite->kept);
	while (result == 0 && g_hash_table_iter_next(&iter, &oid, NULL))
		result = git_packbuilder_insert(builder, oid, NULL);
	if (result == 0 && git_packbuilder_object_count(builder) > 0)
		result = git_packbuilder_write(builder, folder, 0, NULL, NULL);
	if (result != 0)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"cannot pack the objects of the workspace");
	git_packbuilder_free(builder);
	return result == 0;
}

/* Everything below PATH, folders after what is in them. */
static gboolean sync_tree(const char *path, GError **error)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	gboolean done = tree != NULL || unusable(error, "read", path);
	FTSENT *entry;

	while (done && (entry = fts_read(tree))) {
		int fd;

		if (entry->fts_info == FTS_D)
			continue;
		fd = open(entry->fts_accpath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		done = (fd >= 0 && fsync(fd) == 0) || unusable(error, "sync", entry->fts_path);
		if (fd >= 0)
			close(fd);
	}
	if (tree)
		fts_close(tree);
	return done;
}

static git_odb *open_objects(const char *objects, GError **error)
{
	git_odb_backend *backend = NULL;
	git_odb *odb = NULL;
	int result = git_odb_new(&odb);

	if (result == 0)
		result = git_odb_backend_loose(&backend, objects, -1, 0, 0, 0);
	if (result == 0)
		result = git_odb_add_backend(odb, backend, 1);
	if (result == 0)
		result = git_odb_backend_pack(&backend, objects);
	if (result == 0)
		result = git_odb_add_backend(odb, backend, 2);
	if (result == 0)
		return odb;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open %s", objects);
	git_odb_free(odb);
	return NULL;
}

/* Every object that a ref reaches is read from the new folder alone. */
static gboolean check_next(const struct rewrite *rewrite, GError **error)
{
	git_odb *odb = open_objects(rewrite->next, error);
	g_autoptr(GHashTable) seen = oid_set_new();
	g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(struct todo));
	struct walk walk = {.odb = odb, .seen = seen, .todo = todo, .reads = TRUE};
	gboolean whole = odb && walk_refs(&walk, rewrite->repository, error);

	git_odb_free(odb);
	if (whole && g_hash_table_size(seen) != g_hash_table_size(rewrite->reached)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"the objects of the workspace are others once they are packed");
		return FALSE;
	}
	return whole;
}

static gboolean make_next(struct rewrite *rewrite, GError **error)
{
	git_odb *odb = NULL;
	gboolean made;

	if (git_repository_odb(&odb, rewrite->repository) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"cannot open the workspace's objects");
		return FALSE;
	}
	made = find_kept(rewrite, odb, error);
	git_odb_free(odb);
	if (made && g_mkdir(rewrite->next, 0700) != 0)
		made = unusable(error, "make", rewrite->next);
	return made && make_folder(rewrite->next, "pack", error) &&
		make_folder(rewrite->next, "info", error) && link_young(rewrite, error) &&
		write_pack(rewrite, error) && sync_tree(rewrite->next, error) &&
		check_next(rewrite, error);
}

static gboolean exchange(const struct rewrite *rewrite, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(rewrite->objects);
	int fd;
	gboolean done;

	if (renameat2(AT_FDCWD, rewrite->next, AT_FDCWD, rewrite->objects, RENAME_EXCHANGE) != 0) {
		if (errno != EINVAL && errno != ENOSYS)
			return unusable(error, "replace", rewrite->objects);
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
			"the file system of %s cannot exchange two folders", parent);
		return FALSE;
	}
	/* The old objects go only when it is certain that the new ones are in their place. */
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	done = (fd >= 0 && fsync(fd) == 0) || unusable(error, "sync", parent);
	if (fd >= 0)
		close(fd);
	return done;
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* A change that was interrupted names commits that no ref reaches yet. */
static gboolean has_intents(const char *root)
{
	g_autofree char *path = g_build_filename(root, ".forge", "apply", NULL);
	g_autoptr(GDir) names = g_dir_open(path, 0, NULL);

	return names && g_dir_read_name(names);
}

static void set_stamp(const char *root)
{
	g_autofree char *path = repository_path(root, STAMP);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* Without it the next command tries again, which does no harm. */
	if (fd >= 0) {
		(void)!futimens(fd, NULL);
		close(fd);
	}
}

gboolean repository_rewrite(const char *root, GError **error)
{
	scoped(workspace_lock) lock = workspace_lock_try(root, error);
	scoped_value(rewrite) rewrite = {0};
	gboolean done;

	if (!lock)
		return FALSE;
	if (has_intents(root))
		return TRUE;
	rewrite.objects = repository_path(root, OBJECTS);
	rewrite.next = repository_path(root, NEXT);
	remove_tree(rewrite.next);
	set_stamp(root);
	rewrite.repository = workspace_repository_open(root, error);
	if (!rewrite.repository)
		return FALSE;
	rewrite.reached = oid_set_new();
	rewrite.kept = oid_set_new();
	rewrite.young = g_ptr_array_new_with_free_func(g_free);
	done = make_next(&rewrite, error) && exchange(&rewrite, error);
	remove_tree(rewrite.next);
	return done;
}
