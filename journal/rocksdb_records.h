#ifndef FORGE_JOURNAL_ROCKSDB_RECORDS_H
#define FORGE_JOURNAL_ROCKSDB_RECORDS_H

#include "journal/journal.h"

/**
 * A RocksDB database of values under sequences, and one value apart, the head. Knows nothing of
 * what is in them. Errors of all: JOURNAL_DAMAGED (files missing or not what they were),
 * PERMISSION_DENIED, JOURNAL_WRITE_FAILED.
 */
struct rocksdb_records;

/** Makes the database FOLDER with HEAD in it and closes it
 * again; what was there under that name goes. */
gboolean rocksdb_records_make(const char *folder, GBytes *head, GError **error);

/**
 * Opens the database FOLDER; for reading it changes no file, and what a crash left is taken as far
 * as it is whole.
 */
struct rocksdb_records *rocksdb_records_open(const char *folder, gboolean writable, GError **error);
void rocksdb_records_close(struct rocksdb_records *records);
SCOPED_POINTER(rocksdb_records, rocksdb_records_close)

/** Cursors made from now on see nothing behind SEQ_MAX. */
void rocksdb_records_limit(struct rocksdb_records *records, uint64_t seq_max);

/** The head; NULL if it is missing or cannot be read. */
GBytes *rocksdb_records_head(struct rocksdb_records *records, GError **error);

/** Keeps VALUE under FIRST_SEQ (at least 1), synced. */
gboolean rocksdb_records_put(struct rocksdb_records *records, uint64_t first_seq,
	const uint8_t *value, size_t size, GError **error);

/** From now on values need not be durable when they are put: rocksdb_records_settle() makes them so. */
void rocksdb_records_relax(struct rocksdb_records *records);
gboolean rocksdb_records_settle(struct rocksdb_records *records, GError **error);

/** Puts HEAD in place of the old one and removes all values up to BEFORE_SEQ, both or nothing;
 * then gives their space back. */
gboolean rocksdb_records_cut(
	struct rocksdb_records *records, GBytes *head, uint64_t before_seq, GError **error);

/** A place among the values as they were when it was made; for one thread. */
struct rocksdb_cursor;

struct rocksdb_cursor *rocksdb_cursor_new(struct rocksdb_records *records);
void rocksdb_cursor_free(struct rocksdb_cursor *cursor);
SCOPED_POINTER(rocksdb_cursor, rocksdb_cursor_free)

/** To the last value whose sequence is at most SEQ, or to the first value if there is none. */
void rocksdb_cursor_seek(struct rocksdb_cursor *cursor, uint64_t seq);

/** The value at the cursor, borrowed until its next call; moves behind it. */
enum journal_read_result rocksdb_cursor_next(
	struct rocksdb_cursor *cursor, const uint8_t **value, size_t *size, GError **error);

#endif
