#ifndef FORGE_JOURNAL_RECORD_H
#define FORGE_JOURNAL_RECORD_H

#include "journal/journal.h"

/** Version of the record format: header, hash, meaning of
 * the payload. Also kept in a journal's head. */
#define RECORD_FORMAT_VERSION 1

/** Fixed header before the payload; README.md has the layout. */
#define RECORD_HEADER_BYTES 88

/** The position of an empty journal: sequence 0, the hash of its id. */
struct journal_position record_genesis(const char *journal_id);

/**
 * Packs ENTRIES (at least one event) as the record after AFTER into VALUE, replacing what was
 * there, and fills END. Errors: TOO_LARGE (an entry over LIMIT_ENTRY_BYTES, a record over
 * LIMIT_RECORD_BYTES), VALIDATION_FAILED (an event that no reader of this version would take back;
 * see event_check.h).
 */
gboolean record_pack(GByteArray *value, const struct journal_position *after,
	const Forge__Entries *entries, struct journal_position *end, GError **error);

/** One record's parts; points into the value it was read from. */
struct record {
	uint64_t first_seq;
	uint64_t last_seq;
	struct hash previous; /**< hash of the record before it */
	struct hash hash;     /**< its own */
	const uint8_t *payload;
	size_t payload_bytes;
};

/**
 * Reads the SIZE bytes at VALUE and checks them by themselves: magic, lengths, checksum. Errors:
 * JOURNAL_DAMAGED, JOURNAL_TOO_NEW (whole, but of a later format).
 */
gboolean record_read(const uint8_t *value, size_t size, struct record *record, GError **error);

/** TRUE if RECORD comes right after AFTER, by sequence and chain; else JOURNAL_DAMAGED. */
gboolean record_follows(
	const struct record *record, const struct journal_position *after, GError **error);

/** Where the journal is after RECORD. */
struct journal_position record_end(const struct record *record);

/**
 * The entries of RECORD, made with ALLOCATOR. Errors: JOURNAL_TOO_NEW (see event_check.h),
 * JOURNAL_DAMAGED (the payload cannot be unpacked or holds another number of events than the header
 * says).
 */
Forge__Entries *record_unpack(
	const struct record *record, ProtobufCAllocator *allocator, GError **error);

#endif
