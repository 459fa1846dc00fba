/*
 * Journal records. The first byte says how the rest is read: as a record with its hash put right
 * (so that what is behind the checksum is reached too), as it is, or as entries that are packed.
 * What was packed is taken back as the same bytes, and what was taken back can be packed.
 */
#include <string.h>

#include "journal/arena.h"
#include "journal/bytes.h"
#include "journal/event_check.h"
#include "journal/event_text.h"
#include "journal/record.h"
#include "scheduler/state.h"
#include "tests/fuzz/input.h"

#define AT_PREVIOUS 24
#define AT_HASH (AT_PREVIOUS + HASH_BYTES)

/* As README.md of the journal says. */
static void seal(uint8_t *value, size_t size)
{
	struct hash hash;

	if (size < RECORD_HEADER_BYTES)
		return;
	memcpy(hash.bytes, value + AT_PREVIOUS, HASH_BYTES);
	hash = hash_chain(&hash, value + RECORD_HEADER_BYTES, size - RECORD_HEADER_BYTES);
	hash = hash_chain(&hash, value, AT_PREVIOUS);
	memcpy(value + AT_HASH, hash.bytes, HASH_BYTES);
}

/* Every event is told and folded; a journal of nonsense is damaged, and no more. */
static void use(const Forge__Entries *entries)
{
	scoped(state) state = state_new();
	uint64_t seq = 0;
	gboolean folds = TRUE;

	for (size_t i = 0; i < entries->n_entries; i++) {
		const Forge__Entry *entry = entries->entries[i];

		for (size_t k = 0; k < entry->n_events; k++) {
			g_autofree char *line = event_line(entry->events[k]);
			scoped(value) row = event_row(++seq, entry->time_us, entry->events[k]);
			g_autoptr(GError) error = NULL;

			g_assert_true(g_utf8_validate(line, -1, NULL));
			g_assert_nonnull(row);
			folds = folds &&
				state_fold(state, seq, entry->time_us, entry->events[k], &error);
			g_assert_true(folds || error || seq > 1);
		}
	}
	if (folds) {
		g_autoptr(GBytes) image = state_image(state);
		scoped(state) again = state_from_image(image);

		g_assert_nonnull(again);
	}
}

static void read_record(const uint8_t *value, size_t size)
{
	struct journal_position genesis = record_genesis("00000000000000000000000000000001");
	struct record record;
	struct arena *arena;
	Forge__Entries *entries;
	g_autoptr(GError) error = NULL;

	if (!record_read(value, size, &record, NULL))
		return;
	record_follows(&record, &genesis, NULL);
	g_assert_cmpuint(record_end(&record).seq, ==, record.last_seq);
	arena = arena_new();
	entries = record_unpack(&record, arena_allocator(arena), &error);
	g_assert_true((entries != NULL) == (error == NULL));
	if (entries)
		use(entries);
	arena_free(arena);
}

static void pack_entries(const struct fuzz_input *input)
{
	struct journal_position genesis = record_genesis("00000000000000000000000000000001"), end;
	g_autoptr(GByteArray) value = g_byte_array_new();
	Forge__Entries *entries = forge__entries__unpack(NULL, input->size, input->data);
	gboolean any = FALSE;

	if (!entries)
		return;
	for (size_t i = 0; i < entries->n_entries; i++)
		any = any || entries->entries[i]->n_events > 0;
	if (any && record_pack(value, &genesis, entries, &end, NULL)) {
		struct record record;
		g_autoptr(GError) error = NULL;
		Forge__Entries *again;

		record_read(value->data, value->len, &record, &error);
		g_assert_no_error(error);
		g_assert_true(record_follows(&record, &genesis, NULL));
		again = record_unpack(&record, NULL, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(forge__entries__get_packed_size(again), ==,
			forge__entries__get_packed_size(entries));
		forge__entries__free_unpacked(again, NULL);
		read_record(value->data, value->len);
	}
	forge__entries__free_unpacked(entries, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t how = input_byte(&input);
	g_autofree char *value = input_exact(&input);

	if (how == 'e') {
		pack_entries(&input);
		return 0;
	}
	if (how != 'r')
		seal((uint8_t *)value, input.size);
	read_record((const uint8_t *)value, input.size);
	return 0;
}
