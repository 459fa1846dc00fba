/*
 * The door to RocksDB: the only file that includes its header.
 *
 * Keys are sequences as eight bytes, most significant first, so that RocksDB's order is ours; no
 * event has the sequence 0, so key 0 is the head's. Keys only grow: files never overlap and
 * compaction moves them without rewriting.
 *
 * Every write is synced before it returns and only then becomes visible to cursors, but where a
 * database is filled before anybody uses it. A recovery
 * takes the log up to the first thing that is not whole (point in time): the modes that demand more
 * refuse a good journal whose last, unacknowledged record is torn, the default one goes on behind a
 * hole. Opened for writing, RocksDB then throws the rest away, so whoever opens looks first. Opened
 * for reading it changes nothing and writes no log of its own.
 */
#include "journal/rocksdb_records.h"

#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>

#include "journal/base/errors.h"

#define KEY_BYTES 8
#define POINT_IN_TIME 2 /* kPointInTimeRecovery */
#define LOG_WARNINGS 2  /* WARN_LEVEL */
#define FORCED 2        /* BottommostLevelCompaction::kForce */

/* What is not yet in sorted files is replayed at the next
 * opening: small, so that this takes some 20 ms. */
#define WRITE_BUFFER_BYTES ((size_t)8 * 1024 * 1024)
#define READ_AHEAD_BYTES ((size_t)2 * 1024 * 1024)

enum opening {
	OPEN_READ,
	OPEN_WRITE,
	OPEN_NEW,
};

struct rocksdb_records {
	rocksdb_t *database;
	rocksdb_options_t *options;
	rocksdb_writeoptions_t *synced;
	uint64_t seq_max;
};

struct rocksdb_cursor {
	rocksdb_iterator_t *iterator;
	rocksdb_readoptions_t *options;
	char after_last[KEY_BYTES]; /* the key behind the last visible one */
	gboolean given;             /* the value at the iterator was given out: move first */
};

static void put_key(char key[KEY_BYTES], uint64_t seq)
{
	seq = GUINT64_TO_BE(seq);
	memcpy(key, &seq, KEY_BYTES);
}

/* RocksDB tells its errors apart only by how the text begins. */
static enum forge_error code_of(const char *text, gboolean writing)
{
	if (strstr(text, "Permission denied") || strstr(text, "Operation not permitted") ||
		strstr(text, "Read-only file system"))
		return FORGE_ERROR_PERMISSION_DENIED;
	if (strstr(text, "Too many open files"))
		return FORGE_ERROR_FAILED;
	if (writing && g_str_has_prefix(text, "IO error") &&
		!strstr(text, "No such file or directory"))
		return FORGE_ERROR_JOURNAL_WRITE_FAILED;
	return FORGE_ERROR_JOURNAL_DAMAGED;
}

/* Turns RocksDB's error TEXT, which it frees, into ERROR. TRUE if there is none. */
static gboolean succeeded(char *take_text, gboolean writing, GError **error)
{
	if (!take_text)
		return TRUE;
	g_set_error(error, FORGE_ERROR, (gint)code_of(take_text, writing), "RocksDB says: %s",
		take_text);
	rocksdb_free(take_text);
	return FALSE;
}

static rocksdb_options_t *options_new(void)
{
	rocksdb_options_t *options = rocksdb_options_create();

	rocksdb_options_set_wal_recovery_mode(options, POINT_IN_TIME);
	rocksdb_options_set_paranoid_checks(options, 1);
	rocksdb_options_set_write_buffer_size(options, WRITE_BUFFER_BYTES);
	rocksdb_options_set_compression(options, rocksdb_lz4_compression);
	rocksdb_options_set_keep_log_file_num(options, 2);
	rocksdb_options_set_max_log_file_size(options, 1024 * 1024);
	rocksdb_options_set_info_log_level(options, LOG_WARNINGS);
	rocksdb_options_set_stats_dump_period_sec(options, 0);
	rocksdb_options_set_stats_persist_period_sec(options, 0);
	rocksdb_options_set_max_manifest_file_size(options, 1024 * 1024);
	return options;
}

static struct rocksdb_records *open_records(const char *folder, enum opening how, GError **error)
{
	scoped(rocksdb_records) records = g_new0(struct rocksdb_records, 1);
	char *text = NULL;

	records->seq_max = UINT64_MAX - 1;
	records->options = options_new();
	records->synced = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(records->synced, 1);
	rocksdb_options_set_create_if_missing(records->options, how == OPEN_NEW);
	rocksdb_options_set_error_if_exists(records->options, how == OPEN_NEW);
	records->database = how == OPEN_READ
		? rocksdb_open_for_read_only(records->options, folder, 0, &text)
		: rocksdb_open(records->options, folder, &text);
	return succeeded(text, how != OPEN_READ, error) ? g_steal_pointer(&records) : NULL;
}

struct rocksdb_records *rocksdb_records_open(const char *folder, gboolean writable, GError **error)
{
	return open_records(folder, writable ? OPEN_WRITE : OPEN_READ, error);
}

void rocksdb_records_close(struct rocksdb_records *records)
{
	if (!records)
		return;
	if (records->database)
		rocksdb_close(records->database);
	rocksdb_writeoptions_destroy(records->synced);
	rocksdb_options_destroy(records->options);
	g_free(records);
}

static gboolean put(struct rocksdb_records *records, uint64_t seq, const void *value, size_t size,
	GError **error)
{
	char key[KEY_BYTES];
	char *text = NULL;

	put_key(key, seq);
	rocksdb_put(records->database, records->synced, key, sizeof(key), value, size, &text);
	if (!text)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED, "RocksDB says: %s", text);
	rocksdb_free(text);
	return FALSE;
}

/* Takes away what an interrupted making left. */
static gboolean destroy(const char *folder, GError **error)
{
	rocksdb_options_t *options = options_new();
	char *text = NULL;

	rocksdb_destroy_db(options, folder, &text);
	rocksdb_options_destroy(options);
	return succeeded(text, TRUE, error);
}

/* Brings what was put so far into a sorted file. */
static gboolean flush(struct rocksdb_records *records, GError **error)
{
	rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
	char *text = NULL;

	rocksdb_flush(records->database, options, &text);
	rocksdb_flushoptions_destroy(options);
	return succeeded(text, TRUE, error);
}

void rocksdb_records_relax(struct rocksdb_records *records)
{
	rocksdb_writeoptions_set_sync(records->synced, 0);
}

gboolean rocksdb_records_settle(struct rocksdb_records *records, GError **error)
{
	return flush(records, error);
}

/* Rewrites the sorted files that hold anything before the key of SEQ: what was removed goes, and
 * with it the note that says so. */
static void give_space_back(struct rocksdb_records *records, uint64_t seq)
{
	rocksdb_compactoptions_t *options = rocksdb_compactoptions_create();
	char first[KEY_BYTES], last[KEY_BYTES];

	put_key(first, 0);
	put_key(last, seq);
	rocksdb_compactoptions_set_exclusive_manual_compaction(options, 1);
	rocksdb_compactoptions_set_bottommost_level_compaction(options, FORCED);
	rocksdb_compact_range_opt(
		records->database, options, first, sizeof(first), last, sizeof(last));
	rocksdb_compactoptions_destroy(options);
}

gboolean rocksdb_records_cut(
	struct rocksdb_records *records, GBytes *head, uint64_t before_seq, GError **error)
{
	rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
	char head_key[KEY_BYTES], first[KEY_BYTES], behind[KEY_BYTES];
	char *text = NULL;
	gsize size;
	const char *data = g_bytes_get_data(head, &size);

	put_key(head_key, 0);
	put_key(first, 1);
	put_key(behind, before_seq + 1);
	rocksdb_writebatch_put(batch, head_key, sizeof(head_key), data, size);
	if (before_seq > 0)
		rocksdb_writebatch_delete_range(
			batch, first, sizeof(first), behind, sizeof(behind));
	rocksdb_write(records->database, records->synced, batch, &text);
	rocksdb_writebatch_destroy(batch);
	if (!succeeded(text, TRUE, error))
		return FALSE;
	/* It is done; what follows only makes room, and is made up for by the next cut. */
	if (flush(records, NULL))
		give_space_back(records, before_seq + 1);
	return TRUE;
}

gboolean rocksdb_records_make(const char *folder, GBytes *head, GError **error)
{
	scoped(rocksdb_records) records = NULL;

	if (!destroy(folder, error))
		return FALSE;
	records = open_records(folder, OPEN_NEW, error);
	return records &&
		put(records, 0, g_bytes_get_data(head, NULL), g_bytes_get_size(head), error) &&
		flush(records, error);
}

void rocksdb_records_limit(struct rocksdb_records *records, uint64_t seq_max)
{
	records->seq_max = MIN(seq_max, UINT64_MAX - 1);
}

GBytes *rocksdb_records_head(struct rocksdb_records *records, GError **error)
{
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	char key[KEY_BYTES];
	char *text = NULL;
	char *value;
	size_t size = 0;

	put_key(key, 0);
	value = rocksdb_get(records->database, options, key, sizeof(key), &size, &text);
	rocksdb_readoptions_destroy(options);
	if (!succeeded(text, FALSE, error))
		return NULL;
	if (!value) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"the records have no head");
		return NULL;
	}
	return g_bytes_new_with_free_func(value, size, rocksdb_free, value);
}

gboolean rocksdb_records_put(struct rocksdb_records *records, uint64_t first_seq,
	const uint8_t *value, size_t size, GError **error)
{
	g_assert(first_seq > 0);
	return put(records, first_seq, value, size, error);
}

struct rocksdb_cursor *rocksdb_cursor_new(struct rocksdb_records *records)
{
	struct rocksdb_cursor *cursor = g_new0(struct rocksdb_cursor, 1);

	put_key(cursor->after_last, records->seq_max + 1);
	cursor->options = rocksdb_readoptions_create();
	rocksdb_readoptions_set_verify_checksums(cursor->options, 1);
	rocksdb_readoptions_set_fill_cache(cursor->options, 0);
	rocksdb_readoptions_set_readahead_size(cursor->options, READ_AHEAD_BYTES);
	rocksdb_readoptions_set_iterate_upper_bound(
		cursor->options, cursor->after_last, sizeof(cursor->after_last));
	cursor->iterator = rocksdb_create_iterator(records->database, cursor->options);
	return cursor;
}

void rocksdb_cursor_free(struct rocksdb_cursor *cursor)
{
	if (!cursor)
		return;
	rocksdb_iter_destroy(cursor->iterator);
	rocksdb_readoptions_destroy(cursor->options);
	g_free(cursor);
}

static gboolean is_at_head(const struct rocksdb_cursor *cursor)
{
	static const char head[KEY_BYTES] = {0};
	size_t size;
	const char *key = rocksdb_iter_key(cursor->iterator, &size);

	return size == KEY_BYTES && memcmp(key, head, KEY_BYTES) == 0;
}

void rocksdb_cursor_seek(struct rocksdb_cursor *cursor, uint64_t seq)
{
	char key[KEY_BYTES];

	cursor->given = FALSE;
	put_key(key, seq);
	rocksdb_iter_seek_for_prev(cursor->iterator, key, sizeof(key));
	if (rocksdb_iter_valid(cursor->iterator) && is_at_head(cursor))
		rocksdb_iter_next(cursor->iterator);
}

enum journal_read_result rocksdb_cursor_next(
	struct rocksdb_cursor *cursor, const uint8_t **value, size_t *size, GError **error)
{
	char *text = NULL;

	if (cursor->given && rocksdb_iter_valid(cursor->iterator))
		rocksdb_iter_next(cursor->iterator);
	cursor->given = TRUE;
	if (rocksdb_iter_valid(cursor->iterator)) {
		*value = (const uint8_t *)rocksdb_iter_value(cursor->iterator, size);
		return JOURNAL_READ_RECORD;
	}
	rocksdb_iter_get_error(cursor->iterator, &text);
	return succeeded(text, FALSE, error) ? JOURNAL_READ_END : JOURNAL_READ_ERROR;
}
