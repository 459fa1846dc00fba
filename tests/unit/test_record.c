/*
 * Records as bytes: what is packed comes back, and nothing that was changed does.
 */
#include "journal/arena.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/record.h"
#include "tests/unit/sample_turn.h"

static const char id[] = "00112233445566778899aabbccddeeff";

static void packed_record_comes_back(void)
{
	struct journal_position genesis = record_genesis(id), end;
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	struct record record;
	struct arena *arena = arena_new();

	scoped(sample_turn) turn = sample_turn_of_size(7, 100);
	g_assert_true(record_pack(value, &genesis, &turn->entries, &end, &error));
	g_assert_cmpuint(end.seq, ==, 7);
	g_assert_true(record_read(value->data, value->len, &record, &error));
	g_assert_true(record_follows(&record, &genesis, &error));
	g_assert_cmpuint(record.first_seq, ==, 1);
	g_assert_cmpuint(record.last_seq, ==, 7);
	g_assert_true(hash_equal(&record.hash, &end.hash));

	Forge__Entries *entries = record_unpack(&record, arena_allocator(arena), &error);
	g_assert_no_error(error);
	g_assert_cmpuint(entries->entries[0]->n_events, ==, 7);
	g_assert_cmpuint(entries->entries[0]->time_us, ==, 1234);
	g_assert_cmpstr(
		entries->entries[0]->events[6]->queue_paused->actor, ==, turn->paused.actor);
	arena_free(arena);
}

static void every_flipped_bit_is_noticed(void)
{
	struct journal_position genesis = record_genesis(id), end;
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct record record;

	scoped(sample_turn) turn = sample_turn_of_size(3, 20);
	g_assert_true(record_pack(value, &genesis, &turn->entries, &end, NULL));
	for (guint i = 0; i < value->len * 8; i++) {
		g_autoptr(GError) error = NULL;

		value->data[i / 8] ^= (uint8_t)(1U << (i % 8));
		g_assert_false(record_read(value->data, value->len, &record, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
		value->data[i / 8] ^= (uint8_t)(1U << (i % 8));
	}
	for (guint size = 0; size < value->len; size++)
		g_assert_false(record_read(value->data, size, &record, NULL));
	g_assert_true(record_read(value->data, value->len, &record, NULL));
}

static void record_of_another_chain_does_not_follow(void)
{
	struct journal_position genesis = record_genesis(id), first, second;
	struct journal_position other = record_genesis("another");
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autoptr(GError) wrong_chain = NULL;
	g_autoptr(GError) wrong_sequence = NULL;
	struct record record;

	scoped(sample_turn) turn = sample_turn_of_size(2, 10);
	g_assert_true(record_pack(value, &genesis, &turn->entries, &first, NULL));
	g_assert_true(record_read(value->data, value->len, &record, NULL));
	g_assert_false(record_follows(&record, &other, &wrong_chain));
	g_assert_error(wrong_chain, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);

	g_assert_true(record_pack(value, &first, &turn->entries, &second, NULL));
	g_assert_true(record_read(value->data, value->len, &record, NULL));
	g_assert_true(record_follows(&record, &first, NULL));
	g_assert_false(record_follows(&record, &genesis, &wrong_sequence));
	g_assert_error(wrong_sequence, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
}

static void too_large_is_told_before_anything_is_packed(void)
{
	struct journal_position genesis = record_genesis(id), end;
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autoptr(GError) entry_error = NULL;
	g_autoptr(GError) record_error = NULL;

	scoped(sample_turn) large = sample_turn_of_size(1, LIMIT_ENTRY_BYTES);
	g_assert_false(record_pack(value, &genesis, &large->entries, &end, &entry_error));
	g_assert_error(entry_error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);

	/* Each entry is small enough here, but four of them are not. */
	scoped(sample_turn) turn = sample_turn_of_size(1, LIMIT_ENTRY_BYTES - 64);
	turn->entries.n_entries = 2;
	g_assert_true(record_pack(value, &genesis, &turn->entries, &end, NULL));
	turn->entries.n_entries = 4;
	g_assert_false(record_pack(value, &genesis, &turn->entries, &end, &record_error));
	g_assert_error(record_error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
}

/* Puts PAYLOAD into a record as a later version would have,
 * with everything right but its contents. */
static enum forge_error error_of_payload(const uint8_t *payload, size_t size, uint32_t events)
{
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	struct journal_position genesis = record_genesis(id);
	uint8_t header[24] = {'F', 'J', 'R', '1', 1, 0, 0, 0, 1};
	struct hash hash;
	struct record record;
	struct arena *arena = arena_new();

	header[16] = (uint8_t)events;
	header[20] = (uint8_t)size;
	hash = hash_chain(&genesis.hash, payload, size);
	hash = hash_chain(&hash, header, sizeof(header));
	g_byte_array_append(value, header, sizeof(header));
	g_byte_array_append(value, genesis.hash.bytes, HASH_BYTES);
	g_byte_array_append(value, hash.bytes, HASH_BYTES);
	g_byte_array_append(value, payload, (guint)size);

	g_assert_true(record_read(value->data, value->len, &record, &error));
	g_assert_null(record_unpack(&record, arena_allocator(arena), &error));
	arena_free(arena);
	return forge_error_code(error);
}

static void events_of_a_later_version_are_refused(void)
{
	/* Entries { entries: Entry { events: Event { … } } } */
	static const uint8_t no_kind[] = {10, 2, 18, 0};
	static const uint8_t unknown_kind[] = {10, 6, 18, 4, 0xfa, 0x3f, 1, 'x'};
	static const uint8_t unknown_part[] = {10, 8, 18, 6, 0x9a, 1, 3, 0x98, 0x3f, 1};
	static const uint8_t unknown_deep[] = {10, 10, 18, 8, 74, 6, 10, 4, 8, 1, 0x78, 1};
	static const uint8_t unknown_word[] = {10, 6, 18, 4, 74, 2, 24, 99};
	static const uint8_t unknown_entry[] = {10, 7, 18, 3, 0x9a, 1, 0, 24, 1};
	static const uint8_t unset_fact[] = {10, 7, 18, 5, 0xaa, 1, 2, 26, 0};
	static const uint8_t no_message[] = {10, 200, 1};
	static const uint8_t one_paused[] = {10, 5, 18, 3, 0x9a, 1, 0};

	g_assert_cmpint(
		error_of_payload(no_kind, sizeof(no_kind), 1), ==, FORGE_ERROR_JOURNAL_TOO_NEW);
	g_assert_cmpint(error_of_payload(unknown_kind, sizeof(unknown_kind), 1), ==,
		FORGE_ERROR_JOURNAL_TOO_NEW);
	g_assert_cmpint(error_of_payload(unknown_part, sizeof(unknown_part), 1), ==,
		FORGE_ERROR_JOURNAL_TOO_NEW);
	g_assert_cmpint(error_of_payload(unknown_deep, sizeof(unknown_deep), 1), ==,
		FORGE_ERROR_JOURNAL_TOO_NEW);
	g_assert_cmpint(error_of_payload(unknown_word, sizeof(unknown_word), 1), ==,
		FORGE_ERROR_JOURNAL_TOO_NEW);
	g_assert_cmpint(error_of_payload(unknown_entry, sizeof(unknown_entry), 1), ==,
		FORGE_ERROR_JOURNAL_TOO_NEW);
	g_assert_cmpint(error_of_payload(unset_fact, sizeof(unset_fact), 1), ==,
		FORGE_ERROR_JOURNAL_TOO_NEW);
	g_assert_cmpint(error_of_payload(no_message, sizeof(no_message), 1), ==,
		FORGE_ERROR_JOURNAL_DAMAGED);
	g_assert_cmpint(error_of_payload(one_paused, sizeof(one_paused), 2), ==,
		FORGE_ERROR_JOURNAL_DAMAGED);
}

static void event_that_no_reader_takes_back_is_not_packed(void)
{
	struct journal_position genesis = record_genesis(id), end;
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autoptr(GError) no_kind = NULL;
	g_autoptr(GError) unknown_field = NULL;
	uint8_t byte = 1;
	ProtobufCMessageUnknownField unknown = {
		.tag = 999, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = &byte};

	scoped(sample_turn) turn = sample_turn_of_size(1, 10);
	turn->paused.base.n_unknown_fields = 1;
	turn->paused.base.unknown_fields = &unknown;
	g_assert_false(record_pack(value, &genesis, &turn->entries, &end, &unknown_field));
	g_assert_error(unknown_field, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_nonnull(strstr(unknown_field->message, "forge.QueuePaused: unknown field 999"));

	turn->event.kind_case = FORGE__EVENT__KIND__NOT_SET;
	g_assert_false(record_pack(value, &genesis, &turn->entries, &end, &no_kind));
	g_assert_error(no_kind, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
}

static void arena_gives_whole_pieces_of_any_size(void)
{
	struct arena *arena = arena_new();
	ProtobufCAllocator *allocator = arena_allocator(arena);

	for (int round = 0; round < 3; round++) {
		uint8_t *before = NULL;

		for (size_t size = 1; size < 8 * 1024 * 1024; size = size * 3 + 1) {
			uint8_t *piece = allocator->alloc(allocator->allocator_data, size);

			g_assert_cmpuint((uintptr_t)piece % 16, ==, 0);
			memset(piece, 0xaa, size);
			if (before)
				g_assert_cmpuint(*before, ==, 0xbb);
			*piece = 0xbb;
			before = piece;
		}
		arena_reset(arena);
	}
	arena_free(arena);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record/packed_record_comes_back", packed_record_comes_back);
	g_test_add_func("/record/every_flipped_bit_is_noticed", every_flipped_bit_is_noticed);
	g_test_add_func("/record/record_of_another_chain_does_not_follow",
		record_of_another_chain_does_not_follow);
	g_test_add_func("/record/too_large_is_told_before_anything_is_packed",
		too_large_is_told_before_anything_is_packed);
	g_test_add_func("/record/events_of_a_later_version_are_refused",
		events_of_a_later_version_are_refused);
	g_test_add_func("/record/event_that_no_reader_takes_back_is_not_packed",
		event_that_no_reader_takes_back_is_not_packed);
	g_test_add_func("/record/arena_gives_whole_pieces_of_any_size",
		arena_gives_whole_pieces_of_any_size);
	return g_test_run();
}
