/*
 * A record as bytes: one turn's entries behind a fixed header, chained to the record before it.
 *
 * The hash of a record covers the hash before it, the header and the payload, so a byte changed
 * anywhere, a record taken out, put in or moved shows at the latest at the next record. The hash is
 * checked before anything else of the header is believed, the version included: a flipped bit says
 * "damaged", never "too new". For that the places of lengths and hashes in the header must never
 * change; a later format may only change what the payload means.
 *
 * Pure: no file, no clock. What it packs it also takes back: an event that readers of this version
 * would refuse is refused here, before it makes a journal unreadable.
 */
#include "journal/record.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/bytes.h"
#include "journal/event_check.h"

/* Offsets in the header. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_FIRST_SEQ = 8,
	AT_EVENT_COUNT = 16,
	AT_PAYLOAD_BYTES = 20,
	AT_PREVIOUS = 24,
	AT_HASH = AT_PREVIOUS + HASH_BYTES,
	AT_PAYLOAD = AT_HASH + HASH_BYTES,
};

G_STATIC_ASSERT(AT_PAYLOAD == RECORD_HEADER_BYTES);

static const uint8_t magic[4] = {'F', 'J', 'R', '1'};

/* Two links, because header and payload do not lie side by
 * side: previous, payload; then the numbers. */
static struct hash hash_of(const uint8_t *value, size_t size)
{
	struct hash previous;

	memcpy(previous.bytes, value + AT_PREVIOUS, HASH_BYTES);
	previous = hash_chain(&previous, value + AT_PAYLOAD, size - AT_PAYLOAD);
	return hash_chain(&previous, value, AT_PREVIOUS);
}

struct journal_position record_genesis(const char *journal_id)
{
	return (struct journal_position){
		.seq = 0, .hash = hash_chain(NULL, journal_id, strlen(journal_id))};
}

static size_t count_events(const Forge__Entries *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < entries->n_entries; i++)
		count += entries->entries[i]->n_events;
	return count;
}

static gboolean check_sizes(const Forge__Entries *entries, size_t payload_bytes, GError **error)
{
	if (payload_bytes > LIMIT_RECORD_BYTES - RECORD_HEADER_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"a record of %zu bytes is over the limit of %d",
			payload_bytes + RECORD_HEADER_BYTES, LIMIT_RECORD_BYTES);
		return FALSE;
	}
	if (payload_bytes <= LIMIT_ENTRY_BYTES)
		return TRUE; /* and so is each entry */
	for (size_t i = 0; i < entries->n_entries; i++) {
		size_t size = forge__entry__get_packed_size(entries->entries[i]);

		if (size > LIMIT_ENTRY_BYTES) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
				"an entry of %zu bytes is over the limit of %d", size,
				LIMIT_ENTRY_BYTES);
			return FALSE;
		}
	}
	return TRUE;
}

gboolean record_pack(GByteArray *value, const struct journal_position *after,
	const Forge__Entries *entries, struct journal_position *end, GError **error)
{
	size_t payload_bytes = forge__entries__get_packed_size(entries);
	size_t count = count_events(entries);
	g_autofree char *place = NULL;

	g_assert(count > 0);
	if (!check_sizes(entries, payload_bytes, error))
		return FALSE;
	if (!event_check(&entries->base, &place)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"not a valid event of this version: %s", place);
		return FALSE;
	}

	g_byte_array_set_size(value, (guint)(RECORD_HEADER_BYTES + payload_bytes));
	memcpy(value->data + AT_MAGIC, magic, sizeof(magic));
	bytes_put_u32(value->data + AT_VERSION, RECORD_FORMAT_VERSION);
	bytes_put_u64(value->data + AT_FIRST_SEQ, after->seq + 1);
	bytes_put_u32(value->data + AT_EVENT_COUNT, (uint32_t)count);
	bytes_put_u32(value->data + AT_PAYLOAD_BYTES, (uint32_t)payload_bytes);
	memcpy(value->data + AT_PREVIOUS, after->hash.bytes, HASH_BYTES);
	forge__entries__pack(entries, value->data + AT_PAYLOAD);

	end->hash = hash_of(value->data, value->len);
	end->seq = after->seq + count;
	memcpy(value->data + AT_HASH, end->hash.bytes, HASH_BYTES);
	return TRUE;
}

static gboolean damaged(GError **error, const char *what)
{
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED, what);
	return FALSE;
}

gboolean record_read(const uint8_t *value, size_t size, struct record *record, GError **error)
{
	struct hash hash;
	uint64_t first_seq;
	uint32_t count, version;

	if (size < RECORD_HEADER_BYTES || size > LIMIT_RECORD_BYTES)
		return damaged(error, "a record has an impossible size");
	if (memcmp(value + AT_MAGIC, magic, sizeof(magic)) != 0)
		return damaged(error, "a record does not begin as one");
	if (bytes_get_u32(value + AT_PAYLOAD_BYTES) != size - RECORD_HEADER_BYTES)
		return damaged(error, "a record has another size than it says");
	hash = hash_of(value, size);
	if (memcmp(value + AT_HASH, hash.bytes, HASH_BYTES) != 0)
		return damaged(error, "a record's checksum is wrong");

	first_seq = bytes_get_u64(value + AT_FIRST_SEQ);
	count = bytes_get_u32(value + AT_EVENT_COUNT);
	version = bytes_get_u32(value + AT_VERSION);
	if (version != RECORD_FORMAT_VERSION) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_TOO_NEW,
			"the record at sequence %" G_GUINT64_FORMAT
			" has format version %u; this forge reads %d",
			first_seq, version, RECORD_FORMAT_VERSION);
		return FALSE;
	}
	if (first_seq == 0 || count == 0 || first_seq > UINT64_MAX - count)
		return damaged(error, "a record has impossible sequence numbers");

	*record = (struct record){
		.first_seq = first_seq,
		.last_seq = first_seq + count - 1,
		.hash = hash,
		.payload = value + AT_PAYLOAD,
		.payload_bytes = size - RECORD_HEADER_BYTES,
	};
	memcpy(record->previous.bytes, value + AT_PREVIOUS, HASH_BYTES);
	return TRUE;
}

gboolean record_follows(
	const struct record *record, const struct journal_position *after, GError **error)
{
	if (record->first_seq != after->seq + 1) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"sequence %" G_GUINT64_FORMAT " follows %" G_GUINT64_FORMAT,
			record->first_seq, after->seq);
		return FALSE;
	}
	if (!hash_equal(&record->previous, &after->hash)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"the record at sequence %" G_GUINT64_FORMAT
			" is not chained to the one before it",
			record->first_seq);
		return FALSE;
	}
	return TRUE;
}

struct journal_position record_end(const struct record *record)
{
	return (struct journal_position){.seq = record->last_seq, .hash = record->hash};
}

Forge__Entries *record_unpack(
	const struct record *record, ProtobufCAllocator *allocator, GError **error)
{
	Forge__Entries *entries = forge__entries__unpack(
		allocator, record->payload_bytes, record->payload);
	g_autofree char *place = NULL;

	if (!entries || count_events(entries) != record->last_seq - record->first_seq + 1) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
			"the record at sequence %" G_GUINT64_FORMAT " cannot be unpacked",
			record->first_seq);
	} else if (!event_check(&entries->base, &place)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_TOO_NEW,
			"the record at sequence %" G_GUINT64_FORMAT
			" holds what this forge (record format %d) does not know: %s",
			record->first_seq, RECORD_FORMAT_VERSION, place);
	} else {
		return entries;
	}
	if (entries)
		forge__entries__free_unpacked(entries, allocator);
	return NULL;
}
