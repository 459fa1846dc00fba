/*
 * From a folder on disk to a tree in git.
 *
 * Every file is opened below the directory it was found in, never through a path, and never through
 * a symlink; so nothing outside the folder is read, whatever somebody exchanges meanwhile. A file
 * is looked at before and after it is read, and read again if that differs. Blobs are written
 * before the trees that name them, and a tree that the repository has is taken to be whole with all
 * it names: only for a new tree are the blobs asked for that the stat cache knew.
 *
 * `.git` never counts, wherever it is, so a repository somebody made in the folder is left alone
 * and the files beside it are the component's. What is ignored but named by the tree that the
 * folder was last brought to counts, as in git; below an ignored directory nothing else does.
 */
#include "worker/workspace/folder_snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/git/tree_entries.h"
#include "worker/workspace/file_read.h"
#include "worker/workspace/ignore_rules.h"
#include "worker/workspace/path_safety.h"
#include "worker/workspace/stat_cache.h"

#define MODE_TREE 0040000u

struct snapshot {
	git_repository *repository;
	git_odb *odb;
	struct snapshot_options options;
	struct snapshot_notes *notes;
	struct stat_cache *cache;
	uint32_t entries;
};

/* A directory that is being read. */
struct level {
	int fd;
	const char *path; /**< below the folder; empty at the top */
	unsigned depth;
	const struct ignore_rules *rules;
	gboolean ignored;  /**< only what is tracked counts */
	git_tree *tracked; /**< NULL: nothing of it is */
};

/* What was found, on its way into a tree. */
struct found {
	char *name;
	uint32_t mode;
	git_oid oid;
	struct stat status;
	gboolean unread; /**< the oid is from the cache; the repository may lack the blob */
};

static void found_clear(gpointer pointer)
{
	g_free(((struct found *)pointer)->name);
}

static gint found_compare(gconstpointer a, gconstpointer b)
{
	const struct found *left = a;
	const struct found *right = b;

	return tree_entries_compare(left->name, left->mode, right->name, right->mode);
}

static char *join(const char *folder, const char *name)
{
	return *folder == '\0' ? g_strdup(name) : g_strconcat(folder, "/", name, NULL);
}

static void note_free(gpointer pointer)
{
	struct snapshot_note *note = pointer;

	g_free(note->path);
	g_free(note);
}

static void note_omitted(
	struct snapshot *snapshot, enum snapshot_omission omission, const char *path)
{
	struct snapshot_notes *notes = snapshot->notes;
	struct snapshot_note *note;

	if (notes->omitted == NULL)
		notes->omitted = g_ptr_array_new_with_free_func(note_free);
	if (notes->omitted->len == LIMIT_SNAPSHOT_NOTES)
		return;
	note = g_new(struct snapshot_note, 1);
	note->omission = omission;
	note->path = g_strdup(path);
	g_ptr_array_add(notes->omitted, note);
}

/* Does the repository have it? One that was packed just now is written once more: no harm. */
static gboolean has_object(const struct snapshot *snapshot, const git_oid *oid)
{
	return git_odb_exists_ext(snapshot->odb, oid, GIT_ODB_LOOKUP_NO_REFRESH) != 0;
}

static gboolean write_object(struct snapshot *snapshot, const char *path, const void *data,
	size_t size, git_object_t type, git_oid *oid, GError **error)
{
	g_autofree char *shown = NULL;

	if (git_odb_hash(oid, data, size, type) == 0) {
		if (has_object(snapshot, oid))
			return TRUE;
		if (git_odb_write(oid, snapshot->odb, data, size, type) == 0) {
			snapshot->notes->objects_written++;
			return TRUE;
		}
	}
	shown = path_safety_shown(path);
	git_library_error(error, FORGE_ERROR_CACHE_UNUSABLE, "%s: cannot be written to .forge",
		*shown != '\0' ? shown : "the tree");
	return FALSE;
}

/* Reads a file or symlink, and writes its blob. */
static gboolean read_file(
	struct snapshot *snapshot, const struct level *level, struct found *found, GError **error)
{
	g_autofree char *path = join(level->path, found->name);
	g_autoptr(GBytes) content = NULL;
	gsize size;
	const void *data;

	content = file_read_at(level->fd, found->name, path, snapshot->options.file_bytes_max,
		&found->status, error);
	if (content == NULL)
		return FALSE;
	data = g_bytes_get_data(content, &size);
	found->mode = file_read_mode(&found->status);
	found->unread = FALSE;
	snapshot->notes->files_read++;
	return write_object(snapshot, path, data != NULL ? data : "", size, GIT_OBJECT_BLOB,
		&found->oid, error);
}

static gboolean take_file(struct snapshot *snapshot, const struct level *level, struct found *found,
	const char *path, GError **error)
{
	found->mode = file_read_mode(&found->status);
	found->unread = stat_cache_find(snapshot->cache, path, &found->status, &found->oid);
	if (!found->unread && !read_file(snapshot, level, found, error))
		return FALSE;
	snapshot->notes->files++;
	return TRUE;
}

/* Writes the tree of what was found in a directory. */
static gboolean write_tree(struct snapshot *snapshot, const struct level *level, GArray *entries,
	git_oid *oid, GError **error)
{
	g_autoptr(GByteArray) content = NULL;
	gboolean again = TRUE;

	g_array_sort(entries, found_compare);
	while (again) {
		g_clear_pointer(&content, g_byte_array_unref);
		content = g_byte_array_new();
		for (guint i = 0; i < entries->len; i++) {
			const struct found *found = &g_array_index(entries, struct found, i);

			tree_entries_append(content, found->name, found->mode, &found->oid);
		}
		again = FALSE;
		if (git_odb_hash(oid, content->data != NULL ? (void *)content->data : "",
			    content->len, GIT_OBJECT_TREE) == 0 &&
			has_object(snapshot, oid))
			break;
		for (guint i = 0; i < entries->len; i++) {
			struct found *found = &g_array_index(entries, struct found, i);

			if (!found->unread)
				continue;
			found->unread = FALSE;
			if (has_object(snapshot, &found->oid))
				continue;
			again = TRUE;
			if (!read_file(snapshot, level, found, error))
				return FALSE;
		}
	}
	for (guint i = 0; i < entries->len; i++) {
		const struct found *found = &g_array_index(entries, struct found, i);
		g_autofree char *path = join(level->path, found->name);

		if (found->mode != MODE_TREE)
			stat_cache_note(snapshot->cache, path, &found->status, &found->oid);
	}
	return write_object(snapshot, level->path,
		content->data != NULL ? (void *)content->data : "", content->len, GIT_OBJECT_TREE,
		oid, error);
}

/* The rules of LEVEL's own `.gitignore`; *RULES stays NULL if it has none. */
static gboolean read_rules(const struct level *level, struct ignore_rules **rules, GError **error)
{
	g_autofree char *path = join(level->path, ".gitignore");
	g_autoptr(GBytes) content = NULL;
	struct stat status;
	gboolean too_many;
	gsize size;
	const char *text;

	/* A symlink or directory of that name is none, as in git. */
	if (fstatat(level->fd, ".gitignore", &status, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISREG(status.st_mode))
		return TRUE;
	content = file_read_at(level->fd, ".gitignore", path, LIMIT_IGNORE_BYTES, &status, error);
	if (content == NULL)
		return FALSE;
	text = g_bytes_get_data(content, &size);
	*rules = ignore_rules_new(
		level->rules, level->path, text != NULL ? text : "", size, &too_many);
	if (!too_many)
		return TRUE;
	g_autofree char *shown = path_safety_shown(path);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE, "%s: more than %d patterns", shown,
		LIMIT_IGNORE_PATTERNS);
	return FALSE;
}

static gboolean read_level(
	struct snapshot *snapshot, struct level *level, git_oid *oid, guint *count, GError **error);

/* The directory NAME of LEVEL; *COUNT is 0 if nothing in it counts. */
static gboolean take_directory(struct snapshot *snapshot, const struct level *level,
	struct found *found, const char *path, gboolean ignored, guint *count, GError **error)
{
	const git_tree_entry *tracked = level->tracked != NULL
		? git_tree_entry_byname(level->tracked, found->name)
		: NULL;
	struct level below = {
		.path = path, .depth = level->depth + 1, .rules = level->rules, .ignored = ignored};
	gboolean good;

	if (tracked != NULL && git_tree_entry_type(tracked) == GIT_OBJECT_TREE)
		(void)!git_tree_lookup(
			&below.tracked, snapshot->repository, git_tree_entry_id(tracked));
	*count = 0;
	if (ignored && below.tracked == NULL)
		return TRUE;
	below.fd = openat(level->fd, found->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below.fd < 0) {
		git_tree_free(below.tracked);
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return TRUE;
		return file_read_error(error, errno, path, "cannot be read");
	}
	found->mode = MODE_TREE;
	good = read_level(snapshot, &below, &found->oid, count, error);
	git_tree_free(below.tracked);
	return good;
}

static gboolean check_entry(
	struct snapshot *snapshot, const struct level *level, const char *name, GError **error)
{
	g_autofree char *path = join(level->path, name);
	g_autofree char *shown = path_safety_shown(path);
	const char *fault = path_safety_fault(name);

	if (fault != NULL) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
			"%s: %s; rename it, or name it in .gitignore", shown, fault);
		return FALSE;
	}
	if (++snapshot->entries > LIMIT_FOLDER_ENTRIES || strlen(path) > LIMIT_FOLDER_PATH_BYTES ||
		level->depth >= LIMIT_TREE_DEPTH) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"%s: the folder has more than %d files and directories, a path of more "
			"than %d bytes or more than %d directories within each other",
			shown, LIMIT_FOLDER_ENTRIES, LIMIT_FOLDER_PATH_BYTES, LIMIT_TREE_DEPTH);
		return FALSE;
	}
	return TRUE;
}

/* One name in a directory: into ENTRIES, or not. */
static gboolean take_entry(struct snapshot *snapshot, const struct level *level, const char *name,
	GArray *entries, GError **error)
{
	g_autofree char *path = join(level->path, name);
	struct found found = {.name = (char *)name};
	const git_tree_entry *tracked;
	gboolean ignored;
	guint count = 1;

	if (strcmp(name, ".git") == 0 || (level->depth == 0 && strcmp(name, ".forge") == 0)) {
		note_omitted(snapshot,
			name[1] == 'g' ? SNAPSHOT_OMITTED_GIT : SNAPSHOT_OMITTED_FORGE, path);
		return TRUE;
	}
	if (fstatat(level->fd, name, &found.status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || file_read_error(error, errno, path, "cannot be read");
	tracked = level->tracked != NULL ? git_tree_entry_byname(level->tracked, name) : NULL;
	ignored = level->ignored ||
		ignore_rules_match(level->rules, path, S_ISDIR(found.status.st_mode));
	if (ignored && tracked == NULL)
		return TRUE;
	if (!check_entry(snapshot, level, name, error))
		return FALSE;
	if (S_ISDIR(found.status.st_mode)) {
		if (!take_directory(snapshot, level, &found, path, ignored, &count, error))
			return FALSE;
	} else if (S_ISREG(found.status.st_mode) || S_ISLNK(found.status.st_mode)) {
		if (!take_file(snapshot, level, &found, path, error))
			return FALSE;
	} else {
		note_omitted(snapshot, SNAPSHOT_OMITTED_SPECIAL, path);
		return TRUE;
	}
	if (count == 0)
		return TRUE;
	found.name = g_strdup(name);
	g_array_append_val(entries, found);
	return TRUE;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in the directory FD, which is closed, sorted; or NULL. */
static GPtrArray *list_names(int fd, const char *path, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	gboolean good;

	if (directory == NULL) {
		file_read_error(error, errno, path, "cannot be read");
		close(fd);
		return NULL;
	}
	while (errno = 0,
		(entry = readdir(directory)) != NULL && names->len <= LIMIT_FOLDER_ENTRIES)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	good = entry != NULL || errno == 0 || file_read_error(error, errno, path, "cannot be read");
	closedir(directory);
	if (!good)
		return NULL;
	g_ptr_array_sort(names, by_name);
	return g_steal_pointer(&names);
}

/* Reads LEVEL, whose descriptor is closed. *COUNT says how many entries its tree *OID has; an empty
 * one is not written, but for the top's. */
static gboolean read_level(
	struct snapshot *snapshot, struct level *level, git_oid *oid, guint *count, GError **error)
{
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct found));
	g_autoptr(GPtrArray) names = NULL;
	scoped(ignore_rules) rules = NULL;
	int listed = openat(level->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean good = listed >= 0 || file_read_error(error, errno, level->path, "cannot be read");

	g_array_set_clear_func(entries, found_clear);
	good = good && (names = list_names(listed, level->path, error)) != NULL;
	good = good &&
		(snapshot->options.budget == NULL || budget_check(snapshot->options.budget, error));
	good = good && (level->ignored || read_rules(level, &rules, error));
	if (rules != NULL)
		level->rules = rules;
	for (guint i = 0; good && i < names->len; i++)
		good = take_entry(snapshot, level, names->pdata[i], entries, error);
	*count = entries->len;
	if (good && (entries->len > 0 || level->depth == 0))
		good = write_tree(snapshot, level, entries, oid, error);
	close(level->fd);
	return good;
}

static gboolean read_top(
	struct snapshot *snapshot, const char *folder, git_oid *tree, GError **error)
{
	const git_oid *tracked = snapshot->options.tracked;
	struct level top = {.path = ""};
	gboolean good;
	guint count;

	top.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top.fd < 0)
		return file_read_error(error, errno, folder, "cannot be read");
	if (tracked != NULL && git_tree_lookup(&top.tracked, snapshot->repository, tracked) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "the tree %s",
			git_oid_tostr_s(tracked));
		close(top.fd);
		return FALSE;
	}
	good = read_level(snapshot, &top, tree, &count, error);
	git_tree_free(top.tracked);
	return good;
}

void snapshot_notes_clear(struct snapshot_notes *notes)
{
	g_clear_pointer(&notes->omitted, g_ptr_array_unref);
	*notes = (struct snapshot_notes){0};
}

gboolean folder_snapshot(git_repository *repository, const char *folder,
	const struct snapshot_options *options, git_oid *tree, struct snapshot_notes *notes,
	GError **error)
{
	scoped_value(snapshot_notes) unwanted = {0};
	struct snapshot snapshot = {.repository = repository,
		.options = options != NULL ? *options : (struct snapshot_options){0},
		.notes = notes != NULL ? notes : &unwanted};
	gboolean good;
	git_oid oid;

	if (snapshot.options.file_bytes_max == 0)
		snapshot.options.file_bytes_max = LIMIT_FOLDER_FILE_BYTES;
	if (git_repository_odb(&snapshot.odb, repository) < 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open the object database");
		return FALSE;
	}
	snapshot.cache = stat_cache_open(snapshot.options.cache);
	good = read_top(&snapshot, folder, &oid, error);
	if (good) {
		stat_cache_save(snapshot.cache);
		*tree = oid;
	}
	stat_cache_close(snapshot.cache);
	git_odb_free(snapshot.odb);
	return good;
}
