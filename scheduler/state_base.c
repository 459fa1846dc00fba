/*
 * The state as events: base_begun says how large the image is and what its digest is, base_chunks
 * hold it. The fold takes them as saying nothing new, so a journal that has a base folds to the same
 * state from its first event and from the base.
 *
 * A checkpoint of another fold version is thrown away, but a base is all there is of what led to it:
 * images of older versions must stay readable for ever, which is why image.proto only grows. Only an
 * image of this very fold version must come out byte for byte as it went in.
 *
 * A crash may leave the beginning of a base; nobody names it, so nobody reads it.
 */
#include "scheduler/state_base.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"

/* ---- appending ---------------------------------------------------------------------------- */

/* A record of a base while it is filled: an event an entry. Borrows all it points to. */
struct base_record {
	Forge__BaseBegun begun;
	Forge__BaseChunk chunks[LIMIT_BASE_CHUNKS_PER_RECORD];
	Forge__Event events[LIMIT_BASE_CHUNKS_PER_RECORD + 1];
	Forge__Event *event_pointers[LIMIT_BASE_CHUNKS_PER_RECORD + 1];
	Forge__Entry entries[LIMIT_BASE_CHUNKS_PER_RECORD + 1];
	Forge__Entry *entry_pointers[LIMIT_BASE_CHUNKS_PER_RECORD + 1];
	size_t n_entries;
	size_t n_chunks;
	uint64_t time_us;
};

static Forge__Event *add_event(struct base_record *record)
{
	size_t i = record->n_entries++;

	forge__event__init(&record->events[i]);
	forge__entry__init(&record->entries[i]);
	record->event_pointers[i] = &record->events[i];
	record->entry_pointers[i] = &record->entries[i];
	record->entries[i].time_us = record->time_us;
	record->entries[i].n_events = 1;
	record->entries[i].events = &record->event_pointers[i];
	return &record->events[i];
}

static void add_begun(struct base_record *record, gsize image_bytes, char *digest)
{
	Forge__Event *event = add_event(record);

	forge__base_begun__init(&record->begun);
	record->begun.fold_version = FOLD_VERSION;
	record->begun.build = (char *)FORGE_VERSION;
	record->begun.image_bytes = image_bytes;
	record->begun.chunks = (uint32_t)((image_bytes + LIMIT_BASE_CHUNK_BYTES - 1) /
		LIMIT_BASE_CHUNK_BYTES);
	record->begun.digest = digest;
	event->kind_case = FORGE__EVENT__KIND_BASE_BEGUN;
	event->base_begun = &record->begun;
}

static void add_chunk(struct base_record *record, uint32_t number, const uint8_t *data, size_t size)
{
	Forge__Event *event = add_event(record);
	Forge__BaseChunk *chunk = &record->chunks[record->n_chunks++];

	forge__base_chunk__init(chunk);
	chunk->number = number;
	chunk->image = (ProtobufCBinaryData){size, (uint8_t *)data};
	event->kind_case = FORGE__EVENT__KIND_BASE_CHUNK;
	event->base_chunk = chunk;
}

static gboolean append_record(struct journal *journal, struct base_record *record, GError **error)
{
	Forge__Entries entries = FORGE__ENTRIES__INIT;
	struct journal_position end;

	entries.n_entries = record->n_entries;
	entries.entries = record->entry_pointers;
	record->n_entries = record->n_chunks = 0;
	return journal_append(journal, journal_end(journal).seq, &entries, &end, error);
}

static gboolean append_image(
	struct journal *journal, GBytes *image, struct base_record *record, GError **error)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(image, &size);
	uint32_t number = 0;

	for (gsize at = 0; at < size; at += LIMIT_BASE_CHUNK_BYTES) {
		add_chunk(record, ++number, data + at, MIN(size - at, LIMIT_BASE_CHUNK_BYTES));
		if (record->n_chunks == LIMIT_BASE_CHUNKS_PER_RECORD &&
			!append_record(journal, record, error))
			return FALSE;
	}
	return record->n_entries == 0 || append_record(journal, record, error);
}

gboolean state_base_append(struct journal *journal, const struct state *state, uint64_t time_us,
	uint64_t *base_seq, GError **error)
{
	g_autoptr(GBytes) image = state_image(state);
	struct hash digest = state_digest(state);
	g_autofree char *hex = hash_hex(&digest);
	g_autofree struct base_record *record = g_new0(struct base_record, 1);

	g_assert(state->last_seq == journal_end(journal).seq);
	if (g_bytes_get_size(image) > LIMIT_CHECKPOINT_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"a state of %zu bytes is over the limit of %lld for a base",
			g_bytes_get_size(image), LIMIT_CHECKPOINT_BYTES);
		return FALSE;
	}
	record->time_us = time_us;
	add_begun(record, g_bytes_get_size(image), hex);
	if (!append_image(journal, image, record, error))
		return FALSE;
	*base_seq = state->last_seq + 1;
	return TRUE;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* A base while it is read. */
struct base_reading {
	uint64_t base_seq;
	uint64_t seq; /* of the event looked at */
	GByteArray *image;
	char *digest;
	uint64_t image_bytes;
	uint32_t fold_version;
	uint32_t chunks;
	uint32_t taken;
	gboolean begun;
};

static void clear_reading(struct base_reading *reading)
{
	g_byte_array_unref(reading->image);
	g_free(reading->digest);
}
SCOPED_VALUE(base_reading, clear_reading)

static gboolean broken(const struct base_reading *reading, const char *what, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED,
		"the base at sequence %" G_GUINT64_FORMAT " %s", reading->base_seq, what);
	return FALSE;
}

uint64_t state_base_end(uint64_t base_seq, const Forge__BaseBegun *begun)
{
	return base_seq + begun->chunks;
}

static gboolean take_begun(
	struct base_reading *reading, const Forge__BaseBegun *begun, GError **error)
{
	if (begun->fold_version > FOLD_VERSION) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_TOO_NEW,
			"the base at sequence %" G_GUINT64_FORMAT
			" is of forge %s (fold %u); this forge folds as %d",
			reading->base_seq, begun->build, begun->fold_version, FOLD_VERSION);
		return FALSE;
	}
	if (begun->image_bytes > LIMIT_CHECKPOINT_BYTES ||
		begun->chunks > begun->image_bytes / LIMIT_BASE_CHUNK_BYTES + 1)
		return broken(reading, "says an impossible size", error);
	reading->fold_version = begun->fold_version;
	reading->image_bytes = begun->image_bytes;
	reading->chunks = begun->chunks;
	reading->digest = g_strdup(begun->digest);
	reading->begun = TRUE;
	return TRUE;
}

static gboolean take_event(struct base_reading *reading, const Forge__Event *event, GError **error)
{
	const Forge__BaseChunk *chunk;

	if (!reading->begun) {
		if (event->kind_case != FORGE__EVENT__KIND_BASE_BEGUN)
			return broken(reading, "is not there", error);
		return take_begun(reading, event->base_begun, error);
	}
	if (event->kind_case != FORGE__EVENT__KIND_BASE_CHUNK)
		return broken(reading, "is not whole", error);
	chunk = event->base_chunk;
	if (chunk->number != reading->taken + 1 ||
		chunk->image.len > reading->image_bytes - reading->image->len)
		return broken(reading, "has a piece that does not fit", error);
	g_byte_array_append(reading->image, chunk->image.data, (guint)chunk->image.len);
	reading->taken++;
	return TRUE;
}

static gboolean is_whole(const struct base_reading *reading)
{
	return reading->begun && reading->taken == reading->chunks;
}

static gboolean take_record(
	struct base_reading *reading, const struct journal_record *record, GError **error)
{
	uint64_t seq = record->first_seq;

	for (size_t i = 0; i < record->entries->n_entries; i++) {
		const Forge__Entry *entry = record->entries->entries[i];

		for (size_t j = 0; j < entry->n_events; j++, seq++)
			if (seq >= reading->base_seq && !is_whole(reading) &&
				!take_event(reading, entry->events[j], error))
				return FALSE;
	}
	return TRUE;
}

static gboolean gather(struct base_reading *reading, struct journal *journal, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, reading->base_seq, error);
	struct journal_record record;

	while (reader && !is_whole(reading)) {
		switch (journal_reader_next(reader, &record, error)) {
		case JOURNAL_READ_RECORD:
			if (!take_record(reading, &record, error))
				return FALSE;
			break;
		case JOURNAL_READ_END:
			return broken(reading, "is not whole", error);
		case JOURNAL_READ_ERROR:
			return FALSE;
		}
	}
	return reader != NULL;
}

struct state *state_base_read(struct journal *journal, uint64_t base_seq, GError **error)
{
	scoped_value(base_reading) reading = {.base_seq = base_seq, .image = g_byte_array_new()};
	g_autoptr(GBytes) image = NULL;
	g_autofree char *hex = NULL;
	struct hash digest;
	scoped(state) state = NULL;

	if (!gather(&reading, journal, error))
		return NULL;
	digest = hash_chain(NULL, reading.image->data, reading.image->len);
	hex = hash_hex(&digest);
	if (reading.image->len != reading.image_bytes || !g_str_equal(hex, reading.digest)) {
		broken(&reading, "is not what its digest says", error);
		return NULL;
	}
	image = g_bytes_new(reading.image->data, reading.image->len);
	state = reading.fold_version == FOLD_VERSION ? state_from_image(image)
						     : state_from_older_image(image);
	if (!state || state->last_seq + 1 != base_seq) {
		broken(&reading, "holds no state that this forge can make", error);
		return NULL;
	}
	return g_steal_pointer(&state);
}
