/*
 * Checkpoints as files, `checkpoint-SEQ`. A checkpoint is a cache: everything that is wrong with
 * one (damaged, of another journal, of another build, from beyond the end) means only that it is
 * not used, so loading reports nothing.
 *
 * It names the journal and the hash of the record it was made after. A folder put together from two
 * backups can hold a checkpoint whose sequence exists but whose history does not; the hash tells.
 */
#include "journal/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/bytes.h"
#include "journal/folder.h"

#define CHECKPOINT_VERSION 1
#define PREFIX "checkpoint-"

/* Offsets in the header; the blob follows. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_BLOB_BYTES = 8,
	AT_SEQ = 16,
	AT_ID = 24,
	AT_HASH = AT_ID + JOURNAL_ID_BYTES,
	AT_TAG = AT_HASH + HASH_BYTES,
	AT_CHECKSUM = AT_TAG + CHECKPOINT_TAG_BYTES,
	HEADER_BYTES = AT_CHECKSUM + HASH_BYTES,
};

static const uint8_t magic[4] = {'F', 'J', 'C', '1'};

static struct hash checksum_of(const uint8_t *header, const void *blob, size_t size)
{
	struct hash hash = hash_chain(NULL, header, AT_CHECKSUM);

	return hash_chain(&hash, blob, size);
}

/* Everything a checkpoint must have in front to be taken, but length and checksum. */
static void pack_header(uint8_t header[HEADER_BYTES], const char *journal_id,
	const struct journal_position *position, const char *tag)
{
	memset(header, 0, HEADER_BYTES);
	memcpy(header + AT_MAGIC, magic, sizeof(magic));
	bytes_put_u32(header + AT_VERSION, CHECKPOINT_VERSION);
	bytes_put_u64(header + AT_SEQ, position->seq);
	memcpy(header + AT_ID, journal_id, JOURNAL_ID_BYTES);
	memcpy(header + AT_HASH, position->hash.bytes, HASH_BYTES);
	memcpy(header + AT_TAG, tag, strlen(tag));
}

/* The sequence in a checkpoint's file name; FALSE if it is not one. */
static gboolean seq_of_name(const char *name, uint64_t *seq)
{
	return g_str_has_prefix(name, PREFIX) &&
		g_ascii_string_to_unsigned(name + strlen(PREFIX), 10, 1, G_MAXUINT64, seq, NULL);
}

static char *name_of_seq(uint64_t seq)
{
	return g_strdup_printf(PREFIX "%" G_GUINT64_FORMAT, seq);
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? 1 : left > right ? -1 : 0;
}

/* The sequences of all checkpoints in FOLDER, the newest first. */
static GArray *list(const char *folder)
{
	GArray *found = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	uint64_t seq;

	while (dir && (name = g_dir_read_name(dir)))
		if (seq_of_name(name, &seq))
			g_array_append_val(found, seq);
	g_array_sort(found, newest_first);
	return found;
}

gboolean checkpoint_save(const char *folder, const char *journal_id,
	const struct journal_position *position, const char *tag, GBytes *blob, GError **error)
{
	uint8_t header[HEADER_BYTES];
	gsize size;
	const void *data = g_bytes_get_data(blob, &size);
	struct folder_part parts[] = {{header, HEADER_BYTES}, {data, size}};
	g_autofree char *name = name_of_seq(position->seq);
	g_autoptr(GArray) there = NULL;
	struct hash checksum;

	g_assert(strlen(tag) < CHECKPOINT_TAG_BYTES);
	if (size > LIMIT_CHECKPOINT_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"a checkpoint of %zu bytes is over the limit of %lld", size,
			LIMIT_CHECKPOINT_BYTES);
		return FALSE;
	}
	pack_header(header, journal_id, position, tag);
	bytes_put_u64(header + AT_BLOB_BYTES, size);
	checksum = checksum_of(header, data, size);
	memcpy(header + AT_CHECKSUM, checksum.bytes, HASH_BYTES);
	if (!folder_write(folder, name, parts, G_N_ELEMENTS(parts), error))
		return FALSE;

	there = list(folder);
	for (guint i = 0; i < there->len; i++) {
		uint64_t seq = g_array_index(there, uint64_t, i);
		g_autofree char *old = name_of_seq(seq);

		/* One that cannot be removed is passed over when loading: nothing to report. */
		if (seq < position->seq)
			folder_remove(folder, old, NULL);
	}
	return TRUE;
}

static gboolean read_all(int descriptor, void *to, size_t size)
{
	uint8_t *data = to;

	while (size > 0) {
		ssize_t got = read(descriptor, data, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return FALSE;
		data += got;
		size -= (size_t)got;
	}
	return TRUE;
}

/* The blob behind HEADER; NULL if the file is not what its
 * header says, or too large for this machine now. */
static GBytes *read_blob(int descriptor, const uint8_t *header)
{
	uint64_t size = bytes_get_u64(header + AT_BLOB_BYTES);
	struct stat status;
	struct hash checksum;
	void *blob;

	if (fstat(descriptor, &status) != 0 || size > LIMIT_CHECKPOINT_BYTES ||
		(uint64_t)status.st_size != HEADER_BYTES + size)
		return NULL;
	blob = g_try_malloc(MAX(size, 1));
	if (!blob)
		return NULL;
	if (read_all(descriptor, blob, size)) {
		checksum = checksum_of(header, blob, size);
		if (memcmp(header + AT_CHECKSUM, checksum.bytes, HASH_BYTES) == 0)
			return g_bytes_new_take(blob, size);
	}
	g_free(blob);
	return NULL;
}

static GBytes *load_one(const char *folder, const char *journal_id, const char *tag, uint64_t seq,
	struct journal_position *position)
{
	g_autofree char *name = name_of_seq(seq);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	uint8_t header[HEADER_BYTES], wanted[HEADER_BYTES];
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	GBytes *blob = NULL;

	if (descriptor < 0)
		return NULL;
	if (read_all(descriptor, header, sizeof(header))) {
		position->seq = seq;
		memcpy(position->hash.bytes, header + AT_HASH, HASH_BYTES);
		pack_header(wanted, journal_id, position, tag);
		memcpy(wanted + AT_BLOB_BYTES, header + AT_BLOB_BYTES, sizeof(uint64_t));
		if (memcmp(header, wanted, AT_CHECKSUM) == 0)
			blob = read_blob(descriptor, header);
	}
	close(descriptor);
	return blob;
}

GBytes *checkpoint_load(const char *folder, const char *journal_id, const char *tag,
	uint64_t seq_max, struct journal_position *position)
{
	g_autoptr(GArray) there = list(folder);

	g_assert(strlen(tag) < CHECKPOINT_TAG_BYTES);
	for (guint i = 0; i < there->len; i++) {
		uint64_t seq = g_array_index(there, uint64_t, i);
		struct journal_position found;
		GBytes *blob;

		if (seq > seq_max)
			continue;
		blob = load_one(folder, journal_id, tag, seq, &found);
		if (blob) {
			*position = found;
			return blob;
		}
	}
	return NULL;
}
