/*
 * One repository folder of the cache: how it is laid out, what it says of itself, how it is checked
 * and removed.
 *
 * The repository is made by hand, not from git's templates: eight entries instead of twenty, and
 * nothing that a user's template folder put there. A folder is whole or absent: it is made under
 * another name and renamed.
 *
 * No file is synced. A process that is killed loses nothing that it wrote; only a machine that
 * stops may, and then its boot id has changed: a folder stamped by another boot is read through
 * once and, if a byte is wrong, made anew.
 */
#include "worker/store/store_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <git2.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "worker/git/git_library.h"
#include "worker/store/store_file.h"

#define STAMP_NAME "forge-stamp"
#define READ_BYTES (256 * 1024)

void store_folder_init(struct store_folder *folder, const char *parent, const char *name)
{
	folder->repository = g_strdup_printf("%s/%s.git", parent, name);
	folder->incoming = g_strdup_printf("%s/%s.incoming", parent, name);
	folder->next = g_strdup_printf("%s/%s.next", parent, name);
	folder->lock = g_strdup_printf("%s/%s.lock", parent, name);
}

void store_folder_clear(struct store_folder *folder)
{
	g_clear_pointer(&folder->repository, g_free);
	g_clear_pointer(&folder->incoming, g_free);
	g_clear_pointer(&folder->next, g_free);
	g_clear_pointer(&folder->lock, g_free);
}

static gboolean unusable(GError **error, const char *what, const char *path)
{
	int failure = errno;

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE, "cannot %s %s: %s", what, path,
		g_strerror(failure));
	return FALSE;
}

gboolean store_folder_make_parents(const char *folder, GError **error)
{
	if (g_mkdir_with_parents(folder, 0700) != 0)
		return unusable(error, "make the folder", folder);
	return TRUE;
}

static gboolean put_file(const char *folder, const char *name, const char *text, GError **error)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	return store_file_replace(path, text, strlen(text), error);
}

gboolean store_folder_make(const char *path, const char *borrowed, GError **error)
{
	static const char *const folders[] = {
		"", "objects", "objects/info", "objects/pack", "refs", "refs/heads"};
	g_autofree char *alternates = borrowed ? g_strconcat(borrowed, "\n", NULL) : NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *folder = g_build_filename(path, folders[i], NULL);

		if (g_mkdir(folder, 0700) != 0)
			return unusable(error, "make the folder", folder);
	}
	return put_file(path, "HEAD", "ref: refs/heads/none\n", error) &&
		put_file(path, "config",
			"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
			error) &&
		(!alternates || put_file(path, "objects/info/alternates", alternates, error));
}

/* The kernel's name for this boot: 32 hexadecimal digits, without the dashes. Empty where there is
 * none: then nothing is ever known to be of this boot, and everything is read through. */
static void read_boot(char boot[STORE_STAMP_BYTES + 1])
{
	g_autofree char *text = NULL;
	gsize used = 0;

	if (g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
		for (const char *c = text; *c && used < STORE_STAMP_BYTES; c++)
			if (g_ascii_isxdigit(*c))
				boot[used++] = *c;
	boot[used] = '\0';
}

struct store_stamp store_stamp_new(const char *basis)
{
	struct store_stamp stamp;
	guint8 random[STORE_STAMP_BYTES / 2];

	hash_random(random, sizeof(random));
	for (gsize i = 0; i < sizeof(random); i++)
		g_snprintf(stamp.generation + 2 * i, 3, "%02x", random[i]);
	g_strlcpy(stamp.basis, basis ? basis : "-", sizeof(stamp.basis));
	read_boot(stamp.boot);
	return stamp;
}

gboolean store_stamp_is_of_this_boot(const struct store_stamp *stamp)
{
	char boot[STORE_STAMP_BYTES + 1];

	read_boot(boot);
	return strcmp(boot, stamp->boot) == 0;
}

gboolean store_stamp_read(struct store_stamp *stamp, const char *path, GError **error)
{
	g_autofree char *file = g_build_filename(path, STAMP_NAME, NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;

	if (g_file_get_contents(file, &text, NULL, NULL))
		words = g_strsplit(text, "\n", 5);
	if (!words || g_strv_length(words) != 4 || strlen(words[0]) != STORE_STAMP_BYTES ||
		strlen(words[1]) > STORE_STAMP_BYTES || strlen(words[2]) > STORE_STAMP_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"%s is missing or damaged", file);
		return FALSE;
	}
	g_strlcpy(stamp->generation, words[0], sizeof(stamp->generation));
	g_strlcpy(stamp->basis, words[1], sizeof(stamp->basis));
	g_strlcpy(stamp->boot, words[2], sizeof(stamp->boot));
	return TRUE;
}

gboolean store_stamp_write(const struct store_stamp *stamp, const char *path, GError **error)
{
	g_autofree char *text = g_strdup_printf(
		"%s\n%s\n%s\n", stamp->generation, stamp->basis, stamp->boot);

	return put_file(path, STAMP_NAME, text, error);
}

void store_stamp_remove(const char *path)
{
	g_autofree char *file = g_build_filename(path, STAMP_NAME, NULL);

	/* If this fails, so does the making anew, and says why. */
	(void)!unlink(file);
}

/* Packs and indices end with the SHA-1 of all bytes before it. */
static gboolean verify_trailer(const char *path, GError **error)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
	g_autofree guint8 *buffer = g_malloc(READ_BYTES);
	guint8 digest[GIT_OID_RAWSZ], trailer[GIT_OID_RAWSZ];
	gsize digest_bytes = sizeof(digest);
	struct stat status;
	off_t left = 0;
	ssize_t got = 1;
	gboolean whole = FALSE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size >= GIT_OID_RAWSZ) {
		left = status.st_size - GIT_OID_RAWSZ;
		while (left > 0 && got > 0) {
			got = read(fd, buffer, (size_t)MIN(left, READ_BYTES));
			if (got > 0)
				g_checksum_update(checksum, buffer, got);
			left -= MAX(got, 0);
		}
		g_checksum_get_digest(checksum, digest, &digest_bytes);
		whole = left == 0 && read(fd, trailer, sizeof(trailer)) == sizeof(trailer) &&
			memcmp(digest, trailer, sizeof(digest)) == 0;
	}
	if (fd >= 0)
		close(fd);
	if (!whole)
		g_set_error(
			error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY, "%s is damaged", path);
	return whole;
}

static gboolean verify_packs(const char *path, GError **error)
{
	g_autofree char *folder = g_build_filename(path, "objects", "pack", NULL);
	g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
	const char *name;

	if (!names) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY, "%s cannot be read",
			folder);
		return FALSE;
	}
	while ((name = g_dir_read_name(names))) {
		g_autofree char *index = g_build_filename(folder, name, NULL);
		g_autofree char *pack = NULL;

		if (!g_str_has_suffix(name, ".idx"))
			continue;
		pack = g_strdup_printf("%.*s.pack", (int)(strlen(index) - strlen(".idx")), index);
		if (!verify_trailer(index, error) || !verify_trailer(pack, error))
			return FALSE;
	}
	return TRUE;
}

static int verify_loose(const git_oid *oid, void *odb)
{
	git_odb_object *object = NULL;
	int result = git_odb_read(&object, odb, oid);

	git_odb_object_free(object);
	return result;
}

/* A loose object's bytes have its name as their digest, which libgit2 checks as it reads. */
static gboolean verify_loose_objects(const char *path, GError **error)
{
	g_autofree char *folder = g_build_filename(path, "objects", NULL);
	git_odb_backend *loose = NULL;
	git_odb *odb = NULL;
	int result = git_odb_new(&odb);

	if (result == 0)
		result = git_odb_backend_loose(&loose, folder, -1, 0, 0, 0);
	if (result == 0) {
		result = git_odb_add_backend(odb, loose, 1);
		if (result == 0)
			result = git_odb_foreach(odb, verify_loose, odb);
	}
	if (result != 0)
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "%s is damaged", folder);
	git_odb_free(odb);
	return result == 0;
}

gboolean store_folder_verify(const char *path, GError **error)
{
	return verify_packs(path, error) && verify_loose_objects(path, error);
}

gboolean store_folder_remove(const char *path, GError **error)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;
	gboolean done = TRUE;

	if (!tree)
		return errno == ENOENT || unusable(error, "remove", path);
	while (done && (entry = fts_read(tree))) {
		if (entry->fts_info == FTS_D)
			continue;
		if (remove(entry->fts_accpath) != 0 && errno != ENOENT)
			done = unusable(error, "remove", entry->fts_path);
	}
	fts_close(tree);
	return done;
}

gboolean store_folder_exchange(const struct store_folder *folder, GError **error)
{
	if (rename(folder->next, folder->repository) == 0)
		return TRUE;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return unusable(error, "replace", folder->repository);
	if (renameat2(AT_FDCWD, folder->next, AT_FDCWD, folder->repository, RENAME_EXCHANGE) != 0) {
		if (errno != EINVAL && errno != ENOSYS)
			return unusable(error, "replace", folder->repository);
		/* A file system without the exchange: killed in between, the folder is absent and
		 * made anew. */
		if (!store_folder_remove(folder->repository, error))
			return FALSE;
		if (rename(folder->next, folder->repository) != 0)
			return unusable(error, "replace", folder->repository);
		return TRUE;
	}
	return store_folder_remove(folder->next, error);
}

void store_folder_unlock_refs(const char *path)
{
	g_autofree char *refs = g_build_filename(path, "refs", NULL);
	g_autofree char *packed = g_build_filename(path, "packed-refs.lock", NULL);
	char *const paths[] = {refs, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;

	/* One that cannot be removed is named by the write that it stops. */
	(void)!unlink(packed);
	if (!tree)
		return;
	while ((entry = fts_read(tree)))
		if (entry->fts_info != FTS_D && g_str_has_suffix(entry->fts_name, ".lock"))
			(void)!unlink(entry->fts_accpath);
	fts_close(tree);
}

uint64_t store_folder_bytes(const char *path)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	uint64_t bytes = 0;

	if (!tree)
		return 0;
	while ((entry = fts_read(tree)))
		if (entry->fts_info == FTS_F || entry->fts_info == FTS_D)
			bytes += (uint64_t)entry->fts_statp->st_blocks * 512;
	fts_close(tree);
	return bytes;
}
