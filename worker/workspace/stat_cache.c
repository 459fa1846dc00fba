/*
 * The stat cache of one folder.
 *
 * A file's times come from a clock that ticks every few milliseconds, so a file that is changed
 * right after it was read may look as before (git calls it racily clean). A draft of the cache file
 * is made before the first look; its time, by the same file system's clock, is the moment of the
 * snapshot. A file whose times are not before that moment is not noted: it is read again next time.
 * From then on any change moves at least the ctime, which no program can set.
 *
 * Layout: magic, number of entries, entries (fixed part, then the path), a checksum over all of it.
 * Integers are as the machine has them: the file never leaves it. Whatever is odd makes it empty.
 */
#include "worker/workspace/stat_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"

#define MAGIC "forge-stat-cache 1\n"
#define MAGIC_BYTES (sizeof(MAGIC) - 1)

struct known_file {
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint64_t size;
	uint64_t inode;
	uint32_t mode;
	uint32_t path_bytes;
	git_oid oid;
};

struct stat_cache {
	char *path;
	char *draft; /**< NULL: nothing is saved */
	int draft_fd;
	int64_t moment_ns;
	GBytes *content;   /**< of the file as it was; NULL: none */
	GHashTable *known; /**< path → struct known_file, of the file as it was */
	GByteArray *noted;
	uint32_t noted_count;
};

static int64_t nanoseconds(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct known_file describe(const struct stat *now)
{
	return (struct known_file){
		.mtime_ns = nanoseconds(now->st_mtim),
		.ctime_ns = nanoseconds(now->st_ctim),
		.size = (uint64_t)now->st_size,
		.inode = (uint64_t)now->st_ino,
		.mode = now->st_mode,
	};
}

/* Reads the entries between AT and END; FALSE if they are not what was written. */
static gboolean read_entries(struct stat_cache *cache, const char *at, const char *end)
{
	while (at < end) {
		struct known_file *file;
		g_autofree char *path = NULL;

		if ((size_t)(end - at) < sizeof(*file))
			return FALSE;
		file = g_new(struct known_file, 1);
		memcpy(file, at, sizeof(*file));
		at += sizeof(*file);
		if (file->path_bytes > (size_t)(end - at)) {
			g_free(file);
			return FALSE;
		}
		path = g_strndup(at, file->path_bytes);
		at += file->path_bytes;
		g_hash_table_replace(cache->known, g_steal_pointer(&path), file);
	}
	return TRUE;
}

static void read_file(struct stat_cache *cache)
{
	GStatBuf status;
	char *content;
	gsize size;

	if (g_stat(cache->path, &status) != 0 || !S_ISREG(status.st_mode) ||
		status.st_size > LIMIT_STAT_CACHE_BYTES ||
		!g_file_get_contents(cache->path, &content, &size, NULL))
		return;
	cache->content = g_bytes_new_take(content, size);
	if (size < MAGIC_BYTES + HASH_BYTES || memcmp(content, MAGIC, MAGIC_BYTES) != 0)
		return;
	struct hash sum = hash_chain(NULL, content, size - HASH_BYTES);
	if (memcmp(sum.bytes, content + size - HASH_BYTES, HASH_BYTES) != 0 ||
		!read_entries(cache, content + MAGIC_BYTES, content + size - HASH_BYTES))
		g_hash_table_remove_all(cache->known);
}

struct stat_cache *stat_cache_open(const char *path)
{
	struct stat_cache *cache = g_new0(struct stat_cache, 1);
	struct stat status;

	cache->known = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, g_free);
	cache->noted = g_byte_array_new();
	cache->draft_fd = -1;
	g_byte_array_append(cache->noted, (const guint8 *)MAGIC, MAGIC_BYTES);
	if (path == NULL)
		return cache;
	cache->path = g_strdup(path);
	cache->draft = g_strconcat(path, ".XXXXXX", NULL);
	cache->draft_fd = g_mkstemp(cache->draft);
	if (cache->draft_fd < 0) {
		g_autofree char *folder = g_path_get_dirname(path);

		(void)!g_mkdir_with_parents(folder, 0777);
		g_free(cache->draft);
		cache->draft = g_strconcat(path, ".XXXXXX", NULL);
		cache->draft_fd = g_mkstemp(cache->draft);
	}
	if (cache->draft_fd < 0 || fstat(cache->draft_fd, &status) != 0) {
		g_clear_pointer(&cache->draft, g_free);
		return cache;
	}
	cache->moment_ns = nanoseconds(status.st_mtim);
	read_file(cache);
	return cache;
}

gboolean stat_cache_find(
	const struct stat_cache *cache, const char *path, const struct stat *now, git_oid *oid)
{
	const struct known_file *known = g_hash_table_lookup(cache->known, path);
	struct known_file current = describe(now);

	if (known == NULL || known->mtime_ns != current.mtime_ns ||
		known->ctime_ns != current.ctime_ns || known->size != current.size ||
		known->inode != current.inode || known->mode != current.mode)
		return FALSE;
	*oid = known->oid;
	return TRUE;
}

void stat_cache_note(
	struct stat_cache *cache, const char *path, const struct stat *now, const git_oid *oid)
{
	struct known_file file = describe(now);
	size_t length = strlen(path);

	if (cache->draft == NULL || file.mtime_ns >= cache->moment_ns ||
		file.ctime_ns >= cache->moment_ns ||
		cache->noted->len + sizeof(file) + length + HASH_BYTES > LIMIT_STAT_CACHE_BYTES)
		return;
	file.path_bytes = (uint32_t)length;
	file.oid = *oid;
	g_byte_array_append(cache->noted, (const guint8 *)&file, sizeof(file));
	g_byte_array_append(cache->noted, (const guint8 *)path, (guint)length);
}

void stat_cache_save(struct stat_cache *cache)
{
	struct hash sum;
	size_t done = 0;

	if (cache->draft == NULL)
		return;
	sum = hash_chain(NULL, cache->noted->data, cache->noted->len);
	g_byte_array_append(cache->noted, sum.bytes, HASH_BYTES);
	if (cache->content != NULL && g_bytes_get_size(cache->content) == cache->noted->len &&
		memcmp(g_bytes_get_data(cache->content, NULL), cache->noted->data,
			cache->noted->len) == 0)
		return;
	while (done < cache->noted->len) {
		ssize_t written = write(
			cache->draft_fd, cache->noted->data + done, cache->noted->len - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		done += (size_t)written;
	}
	if (rename(cache->draft, cache->path) == 0)
		g_clear_pointer(&cache->draft, g_free);
}

void stat_cache_close(struct stat_cache *cache)
{
	if (cache == NULL)
		return;
	if (cache->draft != NULL)
		(void)!unlink(cache->draft);
	if (cache->draft_fd >= 0)
		close(cache->draft_fd);
	g_hash_table_unref(cache->known);
	g_byte_array_unref(cache->noted);
	g_clear_pointer(&cache->content, g_bytes_unref);
	g_free(cache->path);
	g_free(cache->draft);
	g_free(cache);
}
