/*
 * The workspace's bare repository and the refs in it.
 *
 * Unlike the caches it holds what nobody else has: checkpoints, stashes, local versions. So it
 * borrows no objects, and its configuration has each object and ref synced to the disk before the
 * next is written (libgit2 honours core.fsyncObjectFiles for both). It is made by hand, so that no
 * template of the user's gets in, beside its place and renamed.
 *
 * Each checkpoint, stash and pull leaves some loose objects; past a bound they are packed, and what a
 * dropped stash or an aborted merge alone reached goes (repository_rewrite.c). `git gc` on it is
 * safe while no forge command runs, since all that matters is behind refs.
 *
 * A component's name is one part of a ref's name. Of what the grammar of names allows, git refuses
 * a few (`a..b`, a dot or `.lock` at the end); there the dot is written %2E, and no name has a %.
 */
#include "worker/workspace/workspace_repository.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"

#define FORGE_FOLDER ".forge"
#define REPOSITORY_FOLDER "repository"
#define MAKING_PREFIX "repository.new-"
#define REFS "refs/forge/"
#define NAME_BYTES_MAX 100

static gboolean unusable(GError **error, const char *what, const char *path)
{
	int failure = errno;

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE, "cannot %s %s: %s", what, path,
		g_strerror(failure));
	return FALSE;
}

/* ---- the folder --------------------------------------------------------------------------- */

static void remove_tree(const char *path)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;

	if (!tree)
		return;
	while ((entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			(void)!remove(entry->fts_accpath);
	fts_close(tree);
}

static gboolean put_file(const char *folder, const char *name, const char *text, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t size = strlen(text);
	gboolean done = fd >= 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;

	if (!done)
		unusable(error, "write", path);
	if (fd >= 0)
		close(fd);
	return done;
}

static gboolean sync_folder(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		unusable(error, "sync", path);
	if (fd >= 0)
		close(fd);
	return done;
}

static gboolean fill_repository(const char *path, GError **error)
{
	static const char *const folders[] = {
		"objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/forge"};

	for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *folder = g_build_filename(path, folders[i], NULL);

		if (g_mkdir(folder, 0700) != 0)
			return unusable(error, "make the folder", folder);
	}
	return put_file(path, "HEAD", "ref: refs/heads/none\n", error) &&
		put_file(path, "config",
			"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
			"\tfsyncObjectFiles = true\n"
			"[gc]\n\tauto = 0\n",
			error) &&
		sync_folder(path, error);
}

static char *repository_path(const char *workspace)
{
	return g_build_filename(workspace, FORGE_FOLDER, REPOSITORY_FOLDER, NULL);
}

gboolean workspace_repository_make(const char *workspace, GError **error)
{
	g_autofree char *folder = g_build_filename(workspace, FORGE_FOLDER, NULL);
	g_autofree char *path = repository_path(workspace);
	g_autofree char *making = g_strconcat(folder, "/" MAKING_PREFIX "XXXXXX", NULL);
	gboolean done;

	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	if (g_mkdir(folder, 0700) != 0 && errno != EEXIST)
		return unusable(error, "make the folder", folder);
	if (!g_mkdtemp_full(making, 0700))
		return unusable(error, "make a folder in", folder);
	done = fill_repository(making, error);
	/* Somebody else may have been quicker; a repository is no empty folder, so neither is
	 * replaced. */
	if (done && rename(making, path) != 0 && errno != ENOTEMPTY && errno != EEXIST)
		done = unusable(error, "make", path);
	remove_tree(making);
	return done && sync_folder(folder, error);
}

git_repository *workspace_repository_open(const char *workspace, GError **error)
{
	g_autofree char *path = repository_path(workspace);
	git_repository *repository = NULL;

	if (git_repository_open_bare(&repository, path) == 0)
		return repository;
	git_library_error(
		error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot open the repository %s", path);
	return NULL;
}

/* Removes the lock files of refs below the folder PATH. One that cannot be removed is named by the
 * write that it stops. */
static void remove_locks(char *path)
{
	char *const paths[] = {path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;

	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info != FTS_D && entry->fts_info != FTS_DP &&
			g_str_has_suffix(entry->fts_name, ".lock"))
			(void)!unlink(entry->fts_accpath);
	if (tree)
		fts_close(tree);
}

void workspace_repository_recover(const char *workspace)
{
	g_autofree char *folder = g_build_filename(workspace, FORGE_FOLDER, NULL);
	g_autofree char *refs = g_build_filename(folder, REPOSITORY_FOLDER, "refs", NULL);
	g_autofree char *packed = g_build_filename(
		folder, REPOSITORY_FOLDER, "packed-refs.lock", NULL);
	g_autoptr(GDir) beside = g_dir_open(folder, 0, NULL);
	const char *name;

	(void)!unlink(packed);
	remove_locks(refs);
	while (beside && (name = g_dir_read_name(beside))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (g_str_has_prefix(name, MAKING_PREFIX))
			remove_tree(path);
	}
}

/* ---- names -------------------------------------------------------------------------------- */

static gboolean name_is_valid(const char *name)
{
	gsize size = strlen(name);

	if (size == 0 || size > NAME_BYTES_MAX ||
		!(g_ascii_islower(*name) || g_ascii_isdigit(*name)))
		return FALSE;
	for (const char *c = name; *c; c++)
		if (!g_ascii_islower(*c) && !g_ascii_isdigit(*c) && !strchr("._-", *c))
			return FALSE;
	return TRUE;
}

/* The refs of NAME begin with this. */
static char *name_prefix(const char *name, GError **error)
{
	GString *prefix;

	if (!name_is_valid(name)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%.200s' is no component's name", name);
		return NULL;
	}
	prefix = g_string_new(REFS);
	for (const char *c = name; *c; c++)
		if (*c == '.' && (c[1] == '\0' || c[1] == '.' || strcmp(c, ".lock") == 0))
			g_string_append(prefix, "%2E");
		else
			g_string_append_c(prefix, *c);
	g_string_append_c(prefix, '/');
	return g_string_free(prefix, FALSE);
}

char *workspace_ref_name(const char *name, const char *ref, GError **error)
{
	g_autofree char *prefix = name_prefix(name, error);
	g_autofree char *full = prefix ? g_strconcat(prefix, ref, NULL) : NULL;
	int valid = 0;

	if (!full)
		return NULL;
	if (git_reference_name_is_valid(&valid, full) != 0 || !valid) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%.200s' is no ref's name", full);
		return NULL;
	}
	return g_steal_pointer(&full);
}

void workspace_refs_unlock(git_repository *repository, const char *name)
{
	g_autofree char *prefix = name_prefix(name, NULL);
	g_autofree char *folder = prefix
		? g_build_filename(git_repository_path(repository), prefix, NULL)
		: NULL;

	if (folder)
		remove_locks(folder);
}

/* ---- one ref ------------------------------------------------------------------------------ */

/* What libgit2's RESULT for the ref FULL means. */
static gboolean ref_failed(int result, const char *full, GError **error)
{
	if (result == GIT_EMODIFIED || result == GIT_EEXISTS || result == GIT_ENOTFOUND)
		git_library_error(error, FORGE_ERROR_REF_MOVED, "%s is not what it was", full);
	else if (result == GIT_ELOCKED)
		git_library_error(error, FORGE_ERROR_STORE_BUSY, "%s is locked", full);
	else
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot write %s", full);
	return FALSE;
}

gboolean workspace_ref_get(
	git_repository *repository, const char *name, const char *ref, git_oid *oid, GError **error)
{
	g_autofree char *full = workspace_ref_name(name, ref, error);
	git_oid found = {{0}};
	int result;

	if (!full)
		return FALSE;
	result = git_reference_name_to_id(&found, repository, full);
	if (result != 0 && result != GIT_ENOTFOUND) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot read %s", full);
		return FALSE;
	}
	*oid = result == 0 ? found : (git_oid){{0}};
	return TRUE;
}

gboolean workspace_ref_set(git_repository *repository, const char *name, const char *ref,
	const git_oid *expected, const git_oid *oid, GError **error)
{
	g_autofree char *full = workspace_ref_name(name, ref, error);
	git_reference *reference = NULL;
	git_odb *odb = NULL;
	int result;

	if (!full)
		return FALSE;
	if (git_repository_odb(&odb, repository) != 0 || !git_odb_exists(odb, oid)) {
		git_odb_free(odb);
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"%s is to name %s, which is not there", full, git_oid_tostr_s(oid));
		return FALSE;
	}
	git_odb_free(odb);
	if (expected && !git_oid_is_zero(expected))
		result = git_reference_create_matching(
			&reference, repository, full, oid, TRUE, expected, NULL);
	else
		result = git_reference_create(
			&reference, repository, full, oid, expected == NULL, NULL);
	git_reference_free(reference);
	return result == 0 || ref_failed(result, full, error);
}

gboolean workspace_ref_delete(git_repository *repository, const char *name, const char *ref,
	const git_oid *expected, GError **error)
{
	g_autofree char *full = workspace_ref_name(name, ref, error);
	git_reference *reference = NULL;
	int result;

	if (!full)
		return FALSE;
	result = git_reference_lookup(&reference, repository, full);
	if (result == GIT_ENOTFOUND && (!expected || git_oid_is_zero(expected)))
		return TRUE;
	if (result == 0) {
		const git_oid *target = git_reference_target(reference);

		if (expected && (!target || !git_oid_equal(target, expected)))
			result = GIT_EMODIFIED;
		else /* It is compared with what was read here once more, under its lock. */
			result = git_reference_delete(reference);
	}
	git_reference_free(reference);
	return result == 0 || ref_failed(result, full, error);
}

/* ---- many refs ---------------------------------------------------------------------------- */

static void free_ref(gpointer data)
{
	struct workspace_ref *ref = data;

	g_free(ref->ref);
	g_free(ref);
}

static gint compare_refs(gconstpointer a, gconstpointer b)
{
	const struct workspace_ref *one = *(struct workspace_ref *const *)a;
	const struct workspace_ref *two = *(struct workspace_ref *const *)b;

	return strcmp(one->ref, two->ref);
}

/* Calls EACH with every direct ref whose full name begins with PREFIX. */
static gboolean for_refs(git_repository *repository, const char *prefix,
	void (*each)(const char *name, const git_oid *oid, gpointer data), gpointer data,
	GError **error)
{
	git_reference_iterator *iterator = NULL;
	git_reference *reference = NULL;
	int result = git_reference_iterator_new(&iterator, repository);

	while (result == 0 && (result = git_reference_next(&reference, iterator)) == 0) {
		const char *name = git_reference_name(reference);
		const git_oid *target = git_reference_target(reference);

		if (target && g_str_has_prefix(name, prefix))
			each(name + strlen(prefix), target, data);
		git_reference_free(reference);
	}
	git_reference_iterator_free(iterator);
	if (result == GIT_ITEROVER)
		return TRUE;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "cannot list the refs");
	return FALSE;
}

static void add_ref(const char *name, const git_oid *oid, gpointer data)
{
	struct workspace_ref *ref = g_new(struct workspace_ref, 1);

	ref->ref = g_strdup(name);
	ref->oid = *oid;
	g_ptr_array_add(data, ref);
}

GPtrArray *workspace_refs_list(
	git_repository *repository, const char *name, const char *prefix, GError **error)
{
	g_autoptr(GPtrArray) refs = g_ptr_array_new_with_free_func(free_ref);
	g_autofree char *component = name_prefix(name, error);

	if (!component || !for_refs(repository, component, add_ref, refs, error))
		return NULL;
	for (guint i = refs->len; i-- > 0;)
		if (!g_str_has_prefix(((struct workspace_ref *)refs->pdata[i])->ref, prefix))
			g_ptr_array_remove_index(refs, i);
	g_ptr_array_sort(refs, compare_refs);
	return g_steal_pointer(&refs);
}

gboolean workspace_refs_delete(
	git_repository *repository, const char *name, const char *prefix, GError **error)
{
	g_autoptr(GPtrArray) refs = workspace_refs_list(repository, name, prefix, error);

	if (!refs)
		return FALSE;
	for (guint i = 0; i < refs->len; i++)
		if (!workspace_ref_delete(repository, name,
			    ((struct workspace_ref *)refs->pdata[i])->ref, NULL, error))
			return FALSE;
	return TRUE;
}

static void add_component(const char *name, const git_oid *oid, gpointer data)
{
	const char *slash = strchr(name, '/');
	g_autofree char *encoded = slash ? g_strndup(name, (gsize)(slash - name)) : NULL;
	GString *component = g_string_new(encoded);

	(void)oid;
	g_string_replace(component, "%2E", ".", 0);
	if (slash && name_is_valid(component->str))
		g_hash_table_add(data, g_string_free(component, FALSE));
	else
		g_string_free(component, TRUE);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **workspace_refs_components(git_repository *repository, GError **error)
{
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name;

	if (!for_refs(repository, REFS, add_component, names, error))
		return NULL;
	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(sorted, g_strdup(name));
	g_ptr_array_sort(sorted, compare_names);
	g_ptr_array_add(sorted, NULL);
	return (char **)g_ptr_array_steal(sorted, NULL);
}

/* ---- stashes ------------------------------------------------------------------------------ */

static gint compare_stashes(gconstpointer a, gconstpointer b)
{
	const struct workspace_stash *one = a, *two = b;

	return one->number < two->number ? 1 : one->number > two->number ? -1 : 0;
}

GArray *workspace_stash_list(git_repository *repository, const char *name, GError **error)
{
	g_autoptr(GPtrArray)
		refs = workspace_refs_list(repository, name, COMPONENT_REF_STASH, error);
	GArray *stashes;

	if (!refs)
		return NULL;
	stashes = g_array_new(FALSE, FALSE, sizeof(struct workspace_stash));
	for (guint i = 0; i < refs->len; i++) {
		const struct workspace_ref *ref = refs->pdata[i];
		struct workspace_stash stash = {.oid = ref->oid};
		guint64 number;

		if (!g_ascii_string_to_unsigned(ref->ref + strlen(COMPONENT_REF_STASH), 10, 1,
			    G_MAXUINT32 - 1, &number, NULL))
			continue;
		stash.number = (uint32_t)number;
		g_array_append_val(stashes, stash);
	}
	g_array_sort(stashes, compare_stashes);
	return stashes;
}

gboolean workspace_stash_add(git_repository *repository, const char *name, const git_oid *oid,
	uint32_t *number, GError **error)
{
	g_autoptr(GArray) stashes = workspace_stash_list(repository, name, error);
	g_autofree char *ref = NULL;
	git_oid absent = {{0}};
	uint32_t next = 1;

	if (!stashes)
		return FALSE;
	if (stashes->len >= LIMIT_STASHES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"'%s' has %u stashes already; drop some", name, stashes->len);
		return FALSE;
	}
	if (stashes->len > 0)
		next = g_array_index(stashes, struct workspace_stash, 0).number + 1;
	ref = g_strdup_printf(COMPONENT_REF_STASH "%u", next);
	if (!workspace_ref_set(repository, name, ref, &absent, oid, error))
		return FALSE;
	*number = next;
	return TRUE;
}
