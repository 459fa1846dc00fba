/*
 * A journal as one file: its head, every record as it is kept, and an end that counts them.
 *
 *   FJB1, version u32, bytes of the head u32, head, H of all that
 *   each record: its bytes u32, the record
 *   0 u32, FJBE, sequence of the last event u64, hash of the last record, records u64,
 *   H(H of the beginning ‖ from FJBE on)
 *
 * A record has a checksum and a chain of its own, and its size stands in it once more; so no byte of
 * the file can change, go or come without being noticed. The file has no name before all of it is
 * durable and was read back, and it never takes the name of another.
 *
 * To read it is a backend like the others: whatever is asked of a journal can be asked of a backup.
 */
#include "journal/journal_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/bytes.h"
#include "journal/folder.h"
#include "journal/journal_backend.h"
#include "journal/journal_head.h"
#include "journal/record.h"

#define BACKUP_VERSION 1
#define HEAD_BYTES_MAX 4096
#define BUFFER_BYTES ((size_t)1024 * 1024)

/* Offsets at the beginning; the head and the checksum follow. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_HEAD_BYTES = 8,
	AT_HEAD = 12,
};

/* Offsets at the end, behind the size of 0. */
enum {
	END_AT_MAGIC = 0,
	END_AT_SEQ = 4,
	END_AT_HASH = 12,
	END_AT_RECORDS = END_AT_HASH + HASH_BYTES,
	END_AT_CHECKSUM = END_AT_RECORDS + 8,
	END_BYTES = END_AT_CHECKSUM + HASH_BYTES,
};

static const uint8_t magic[4] = {'F', 'J', 'B', '1'};
static const uint8_t end_magic[4] = {'F', 'J', 'B', 'E'};

/* ---- writing ------------------------------------------------------------------------------ */

static gboolean write_u32(FILE *file, uint32_t number)
{
	uint8_t bytes[4];

	bytes_put_u32(bytes, number);
	return fwrite(bytes, sizeof(bytes), 1, file) == 1;
}

/* Writes the beginning; CHECKSUM is what it ends with. */
static gboolean write_beginning(FILE *file, struct journal *journal, struct hash *checksum)
{
	struct journal_head head = {.front = journal_front(journal)};
	g_autoptr(GBytes) packed = NULL;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	gsize size;
	const void *data;

	memcpy(head.journal_id, journal_id(journal), JOURNAL_ID_BYTES);
	packed = journal_head_pack(&head);
	data = g_bytes_get_data(packed, &size);
	g_byte_array_set_size(bytes, AT_HEAD);
	memcpy(bytes->data + AT_MAGIC, magic, sizeof(magic));
	bytes_put_u32(bytes->data + AT_VERSION, BACKUP_VERSION);
	bytes_put_u32(bytes->data + AT_HEAD_BYTES, (uint32_t)size);
	g_byte_array_append(bytes, data, (guint)size);
	*checksum = hash_chain(NULL, bytes->data, bytes->len);
	g_byte_array_append(bytes, checksum->bytes, HASH_BYTES);
	return fwrite(bytes->data, bytes->len, 1, file) == 1;
}

static gboolean write_end(FILE *file, const struct journal_position *end, uint64_t records,
	const struct hash *beginning)
{
	uint8_t bytes[END_BYTES];
	struct hash checksum;

	memcpy(bytes + END_AT_MAGIC, end_magic, sizeof(end_magic));
	bytes_put_u64(bytes + END_AT_SEQ, end->seq);
	memcpy(bytes + END_AT_HASH, end->hash.bytes, HASH_BYTES);
	bytes_put_u64(bytes + END_AT_RECORDS, records);
	checksum = hash_chain(beginning, bytes, END_AT_CHECKSUM);
	memcpy(bytes + END_AT_CHECKSUM, checksum.bytes, HASH_BYTES);
	return write_u32(file, 0) && fwrite(bytes, sizeof(bytes), 1, file) == 1;
}

/* FALSE without ERROR: the file could not be written, errno says why. */
static gboolean write_records(
	FILE *file, struct journal *journal, const struct hash *beginning, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, 0, error);
	struct journal_position end = journal_front(journal).before;
	uint64_t records = 0;

	while (reader) {
		struct journal_record record;

		switch (journal_reader_next(reader, &record, error)) {
		case JOURNAL_READ_RECORD:
			if (!write_u32(file, (uint32_t)record.size) ||
				fwrite(record.value, record.size, 1, file) != 1)
				return FALSE;
			end = (struct journal_position){record.last_seq, record.hash};
			records++;
			break;
		case JOURNAL_READ_END:
			return write_end(file, &end, records, beginning);
		case JOURNAL_READ_ERROR:
			return FALSE;
		}
	}
	return FALSE;
}

static gboolean write_all(FILE *file, struct journal *journal, const char *path, GError **error)
{
	g_autoptr(GError) failure = NULL;
	struct hash beginning;

	if (write_beginning(file, journal, &beginning) &&
		write_records(file, journal, &beginning, &failure) && fflush(file) == 0 &&
		fsync(fileno(file)) == 0)
		return TRUE;
	if (!failure)
		return folder_error(error, errno, "write", path);
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

static gboolean refuse_taken(const char *path, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
		"'%s' is there already; a backup never takes the place of anything", path);
	return FALSE;
}

/* What is at ASIDE must be the journal that was written. */
static gboolean check_written(const char *aside, struct journal *journal, GError **error)
{
	scoped(journal) backup = journal_backup_open(aside, error);
	struct journal_position wanted = journal_end(journal), found;

	if (!backup)
		return FALSE;
	found = journal_end(backup);
	if (found.seq == wanted.seq && hash_equal(&found.hash, &wanted.hash) &&
		g_str_equal(journal_id(backup), journal_id(journal)))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"the backup that was written ends at sequence %" G_GUINT64_FORMAT
		", the journal at %" G_GUINT64_FORMAT,
		found.seq, wanted.seq);
	return FALSE;
}

static gboolean put_in_place(const char *aside, const char *path, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(path);

	if (renameat2(AT_FDCWD, aside, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
		/* Not every file system knows that; all that have links refuse a taken name. */
		if (errno == EINVAL && link(aside, path) == 0)
			unlink(aside);
		else if (errno == EEXIST)
			return refuse_taken(path, error);
		else
			return folder_error(error, errno, "rename", aside);
	}
	return folder_sync(folder, error);
}

gboolean journal_backup_write(struct journal *journal, const char *path, GError **error)
{
	g_autofree char *aside = g_strconcat(path, ".XXXXXX", NULL);
	g_autofree char *buffer = g_malloc(BUFFER_BYTES);
	struct stat status;
	int descriptor;
	FILE *file;
	gboolean written;

	if (lstat(path, &status) == 0)
		return refuse_taken(path, error);
	descriptor = g_mkstemp_full(aside, O_RDWR | O_CLOEXEC, 0600);
	file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
	if (!file) {
		folder_error(error, errno, "make", aside);
		if (descriptor >= 0)
			close(descriptor);
		return FALSE;
	}
	setvbuf(file, buffer, _IOFBF, BUFFER_BYTES);
	written = write_all(file, journal, aside, error);
	fclose(file);
	if (written && check_written(aside, journal, error) && put_in_place(aside, path, error))
		return TRUE;
	unlink(aside);
	return FALSE;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Where a record lies in the file. */
struct place {
	uint64_t first_seq;
	uint64_t offset;
	uint32_t size;
};

struct backup {
	int descriptor;
	char *path;
	uint64_t offset; /* while it is opened: what was read so far */
	struct journal_head head;
	struct hash beginning;
	struct journal_position end;
	GArray *places; /* of struct place, in order */
};

struct cursor {
	const struct backup *backup;
	guint next;
	GByteArray *value;
};

static void backup_free(struct backup *backup)
{
	if (backup->descriptor >= 0)
		close(backup->descriptor);
	g_array_unref(backup->places);
	g_free(backup->path);
	g_free(backup);
}
SCOPED_POINTER(backup, backup_free)

static gboolean damaged(const struct backup *backup, const char *what, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED, "backup '%s': %s",
		backup->path, what);
	return FALSE;
}

/* SIZE bytes at OFFSET. */
static gboolean read_at(
	const struct backup *backup, uint64_t offset, void *to, size_t size, GError **error)
{
	uint8_t *data = to;

	while (size > 0) {
		ssize_t got = pread(backup->descriptor, data, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return folder_error(error, errno, "read", backup->path);
		if (got == 0)
			return damaged(backup, "it ends in the middle", error);
		data += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return TRUE;
}

/* The next SIZE bytes. */
static gboolean take(struct backup *backup, void *to, size_t size, GError **error)
{
	if (!read_at(backup, backup->offset, to, size, error))
		return FALSE;
	backup->offset += size;
	return TRUE;
}

static gboolean read_beginning(struct backup *backup, GError **error)
{
	uint8_t bytes[AT_HEAD + HEAD_BYTES_MAX + HASH_BYTES];
	g_autoptr(GBytes) head = NULL;
	uint32_t head_bytes;

	if (!take(backup, bytes, AT_HEAD, error))
		return FALSE;
	head_bytes = bytes_get_u32(bytes + AT_HEAD_BYTES);
	if (memcmp(bytes + AT_MAGIC, magic, sizeof(magic)) != 0 || head_bytes > HEAD_BYTES_MAX)
		return damaged(backup, "it does not begin as a backup of a journal", error);
	if (!take(backup, bytes + AT_HEAD, head_bytes + HASH_BYTES, error))
		return FALSE;
	backup->beginning = hash_chain(NULL, bytes, AT_HEAD + head_bytes);
	if (memcmp(bytes + AT_HEAD + head_bytes, backup->beginning.bytes, HASH_BYTES) != 0)
		return damaged(backup, "its beginning is not what was written", error);
	if (bytes_get_u32(bytes + AT_VERSION) != BACKUP_VERSION) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_TOO_NEW,
			"backup '%s' has version %u; this forge reads %d", backup->path,
			bytes_get_u32(bytes + AT_VERSION), BACKUP_VERSION);
		return FALSE;
	}
	head = g_bytes_new(bytes + AT_HEAD, head_bytes);
	if (!journal_head_read(head, &backup->head, error)) {
		g_prefix_error(error, "backup '%s': ", backup->path);
		return FALSE;
	}
	backup->end = backup->head.front.before;
	return TRUE;
}

static gboolean read_one(struct backup *backup, uint32_t size, GByteArray *value, GError **error)
{
	struct place place = {.offset = backup->offset, .size = size};
	struct record record;

	if (size > LIMIT_RECORD_BYTES)
		return damaged(backup, "a record has an impossible size", error);
	g_byte_array_set_size(value, size);
	if (!take(backup, value->data, size, error))
		return FALSE;
	if (!record_read(value->data, size, &record, error) ||
		!record_follows(&record, &backup->end, error)) {
		g_prefix_error(error, "backup '%s', after sequence %" G_GUINT64_FORMAT ": ",
			backup->path, backup->end.seq);
		return FALSE;
	}
	place.first_seq = record.first_seq;
	g_array_append_val(backup->places, place);
	backup->end = record_end(&record);
	return TRUE;
}

static gboolean read_end(struct backup *backup, GError **error)
{
	uint8_t bytes[END_BYTES];
	struct hash checksum;
	struct stat status;

	if (!take(backup, bytes, sizeof(bytes), error))
		return FALSE;
	checksum = hash_chain(&backup->beginning, bytes, END_AT_CHECKSUM);
	if (memcmp(bytes + END_AT_CHECKSUM, checksum.bytes, HASH_BYTES) != 0 ||
		memcmp(bytes + END_AT_MAGIC, end_magic, sizeof(end_magic)) != 0 ||
		bytes_get_u64(bytes + END_AT_SEQ) != backup->end.seq ||
		memcmp(bytes + END_AT_HASH, backup->end.hash.bytes, HASH_BYTES) != 0 ||
		bytes_get_u64(bytes + END_AT_RECORDS) != backup->places->len)
		return damaged(backup, "its end is not what was written", error);
	if (fstat(backup->descriptor, &status) != 0)
		return folder_error(error, errno, "read", backup->path);
	return (uint64_t)status.st_size == backup->offset ||
		damaged(backup, "something follows its end", error);
}

static gboolean read_whole(struct backup *backup, GError **error)
{
	g_autoptr(GByteArray) value = g_byte_array_new();

	if (!read_beginning(backup, error))
		return FALSE;
	for (;;) {
		uint8_t size[4];

		if (!take(backup, size, sizeof(size), error))
			return FALSE;
		if (bytes_get_u32(size) == 0)
			return read_end(backup, error);
		if (!read_one(backup, bytes_get_u32(size), value, error))
			return FALSE;
	}
}

static void *cursor_new(void *store)
{
	struct cursor *cursor = g_new0(struct cursor, 1);

	cursor->backup = store;
	cursor->value = g_byte_array_new();
	return cursor;
}

static void cursor_free(void *data)
{
	struct cursor *cursor = data;

	g_byte_array_unref(cursor->value);
	g_free(cursor);
}

static void cursor_seek(void *data, uint64_t seq)
{
	struct cursor *cursor = data;
	guint low = 0, high = cursor->backup->places->len;

	/* The first record that begins after SEQ; the one wanted is before it. */
	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(cursor->backup->places, struct place, middle).first_seq <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	cursor->next = low > 0 ? low - 1 : 0;
}

static enum journal_read_result cursor_next(
	void *data, const uint8_t **value, size_t *size, GError **error)
{
	struct cursor *cursor = data;
	const struct place *place;

	if (cursor->next == cursor->backup->places->len)
		return JOURNAL_READ_END;
	place = &g_array_index(cursor->backup->places, struct place, cursor->next++);
	g_byte_array_set_size(cursor->value, place->size);
	if (!read_at(cursor->backup, place->offset, cursor->value->data, place->size, error))
		return JOURNAL_READ_ERROR;
	*value = cursor->value->data;
	*size = place->size;
	return JOURNAL_READ_RECORD;
}

static GBytes *load_checkpoint(
	void *store, const char *tag, uint64_t seq_max, struct journal_position *position)
{
	(void)store, (void)tag, (void)seq_max, (void)position;
	return NULL;
}

static void close_backup(void *store, gboolean failed)
{
	(void)failed;
	backup_free(store);
}

static struct backup *open_backup(const char *path, GError **error)
{
	scoped(backup) backup = g_new0(struct backup, 1);
	struct stat status;

	backup->path = g_strdup(path);
	backup->places = g_array_new(FALSE, FALSE, sizeof(struct place));
	backup->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (backup->descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"there is no backup '%s'", path);
		return NULL;
	}
	if (backup->descriptor < 0 || fstat(backup->descriptor, &status) != 0) {
		folder_error(error, errno, "open", path);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%s' is no file, so no backup", path);
		return NULL;
	}
	return read_whole(backup, error) ? g_steal_pointer(&backup) : NULL;
}

struct journal *journal_backup_open(const char *path, GError **error)
{
	static const struct journal_backend backend = {
		.cursor_new = cursor_new,
		.cursor_free = cursor_free,
		.cursor_seek = cursor_seek,
		.cursor_next = cursor_next,
		.load_checkpoint = load_checkpoint,
		.close = close_backup,
	};
	struct backup *backup = open_backup(path, error);

	return backup ? journal_new(&backend, backup, path, backup->head.journal_id,
				&backup->head.front, &backup->end)
		      : NULL;
}

gboolean journal_backup_copy(struct journal *backup, struct journal *journal, GError **error)
{
	scoped(journal_reader) reader = journal_read(backup, 0, error);
	struct journal_record record;

	while (reader) {
		switch (journal_reader_next(reader, &record, error)) {
		case JOURNAL_READ_RECORD:
			if (!journal_append_record(journal, record.value, record.size, error))
				return FALSE;
			break;
		case JOURNAL_READ_END:
			return TRUE;
		case JOURNAL_READ_ERROR:
			return FALSE;
		}
	}
	return FALSE;
}
