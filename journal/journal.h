#ifndef FORGE_JOURNAL_JOURNAL_H
#define FORGE_JOURNAL_JOURNAL_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/hash.h"
#include "journal/base/scope.h"
#include "journal/events.pb-c.h"

/**
 * An append-only log of records. A record is the packed entries of one turn of the scheduler
 * (struct Forge__Entries); each event in it has a sequence number, the first event of a journal 1.
 * One process writes; any thread of it may read while it does. Backends (journal_rocksdb.h,
 * journal_memory.h) make the object and pass one contract test.
 */
struct journal;

/** Where a journal ends: what the next record is chained to, and what the mark holds. */
struct journal_position {
	uint64_t seq;     /**< of the last event; 0: empty */
	struct hash hash; /**< of the last record; of the journal's id while empty */
};

/** Where a journal begins. */
struct journal_front {
	/** What the first record is chained to. Sequence 0 and the hash of the journal's id, until
	 * records are removed from the front; an import puts its own there. */
	struct journal_position before;
	/** Of the first event of the base from which the state can be had; 0: from the first
	 * event. */
	uint64_t base_seq;
};

void journal_close(struct journal *journal);
SCOPED_POINTER(journal, journal_close)

/** Letters of a journal's id. */
#define JOURNAL_ID_BYTES 32

/** 32 hexadecimal digits, drawn when the journal was made. Borrowed. */
const char *journal_id(const struct journal *journal);

/** The end as of the last append or open. */
struct journal_position journal_end(const struct journal *journal);

struct journal_front journal_front(const struct journal *journal);

/**
 * Appends ENTRIES as one record and returns once it is durable. AFTER_SEQ is the last sequence the
 * caller knows. Errors: JOURNAL_CONFLICT (somebody else wrote: stop), TOO_LARGE (nothing written),
 * JOURNAL_WRITE_FAILED (the outcome is unknown: the journal takes nothing more until it is closed
 * and opened again).
 */
gboolean journal_append(struct journal *journal, uint64_t after_seq, const Forge__Entries *entries,
	struct journal_position *end, GError **error);

/**
 * Appends a record of another place as it is, the SIZE bytes at VALUE, which must be the one that
 * follows here. Errors: JOURNAL_DAMAGED (it is not), and those of journal_append().
 */
gboolean journal_append_record(
	struct journal *journal, const uint8_t *value, size_t size, GError **error);

/**
 * Names the base whose first event is BASE_SEQ as the one the state is had from, and removes all
 * records up to the one that ends at SEQ, which lies before it; both or nothing, also at a crash.
 * SEQ may be where the journal begins already: then nothing is removed. Gives their space back. No
 * reader may be open. Errors: VALIDATION_FAILED (no record ends there), JOURNAL_WRITE_FAILED (the
 * outcome is unknown until the journal is opened again).
 */
gboolean journal_cut(struct journal *journal, uint64_t seq, uint64_t base_seq, GError **error);

/**
 * Makes all that was appended to a journal that is being made durable, so that it may be closed and
 * put in place; nothing may be appended after. Does nothing where each append is durable by itself.
 */
gboolean journal_settle(struct journal *journal, GError **error);

/** Reads records in order. Belongs to one thread; sees what
 * was durable when it was made or refreshed. */
struct journal_reader;

/**
 * A reader whose first record is the one that holds FROM_SEQ (0: the first there is). Errors:
 * EVENTS_GONE (it was removed; the message names the first there is), and those of reading.
 */
struct journal_reader *journal_read(struct journal *journal, uint64_t from_seq, GError **error);
void journal_reader_free(struct journal_reader *reader);
SCOPED_POINTER(journal_reader, journal_reader_free)

/** One unpacked record. Borrowed from the reader until its next call. */
struct journal_record {
	uint64_t first_seq;
	uint64_t last_seq;
	struct hash hash;
	const Forge__Entries *entries; /**< every event has a known kind and no unknown field */
	const uint8_t *value;          /**< the record itself, as it is kept */
	size_t size;
};

enum journal_read_result {
	JOURNAL_READ_RECORD,
	JOURNAL_READ_END,
	JOURNAL_READ_ERROR,
};

/**
 * The next record. Checks checksum, chain and sequence (JOURNAL_DAMAGED, naming the sequence) and
 * refuses events of a newer version (JOURNAL_TOO_NEW).
 */
enum journal_read_result journal_reader_next(
	struct journal_reader *reader, struct journal_record *record, GError **error);

/**
 * Keeps BLOB as the checkpoint of the state at SEQ, replacing the one before; TAG names build and
 * fold version. A checkpoint is a cache: losing it costs time only.
 */
gboolean journal_save_checkpoint(
	struct journal *journal, uint64_t seq, const char *tag, GBytes *blob, GError **error);

/** The newest checkpoint with TAG that is whole and not
 * beyond the end; NULL without an error if there is none. */
GBytes *journal_load_checkpoint(struct journal *journal, const char *tag, uint64_t *seq);

#endif
