/*
 * What the journal costs over what it stands on, in one run on one disk: durable appends against
 * RocksDB doing only its synced write of equal values, and replay against protobuf-c only unpacking
 * the same payloads. One JSON object a line; `fraction` is of the limit, which is measured anew
 * each time.
 *
 * The path to RocksDB is the journal's own door, so that its options are the same on both sides.
 */
#include <stdio.h>

#include "journal/arena.h"
#include "journal/base/clock.h"
#include "journal/journal_rocksdb.h"
#include "journal/record.h"
#include "journal/rocksdb_records.h"
#include "tests/unit/removal.h"
#include "tests/unit/sample_turn.h"

/* An event of about 200 bytes packed. */
#define TEXT_BYTES 192
#define SLICE_MS 100
#define SLICES 20
#define REPLAYED_EVENTS 1000000
#define REPLAYED_BATCH 1024

struct tally {
	uint64_t events;
	int64_t elapsed_ms;
};

static void report(const char *name, double value, const char *unit, double limit)
{
	printf("{\"name\": \"%s\", \"value\": %.0f, \"unit\": \"%s\", \"limit\": %.0f, "
	       "\"fraction\": %.2f}\n",
		name, value, unit, limit, value / limit);
	fflush(stdout);
}

static double per_second(uint64_t events, int64_t elapsed_ms)
{
	return (double)events * 1000 / (double)MAX(elapsed_ms, 1);
}

/* Durable appends of TURN through the journal for one slice; adds what it took. */
static void journal_slice(
	struct journal *journal, const struct sample_turn *turn, struct tally *tally)
{
	struct journal_position end = journal_end(journal);
	int64_t start_ms = clock_now().monotonic_ms, now_ms = start_ms;

	while (now_ms - start_ms < SLICE_MS) {
		g_assert_true(journal_append(journal, end.seq, &turn->entries, &end, NULL));
		tally->events += turn->entry.n_events;
		now_ms = clock_now().monotonic_ms;
	}
	tally->elapsed_ms += now_ms - start_ms;
}

/* Synced writes of VALUE, a record of EVENTS events, into RocksDB alone. */
static void raw_slice(struct rocksdb_records *records, const GByteArray *value, size_t events,
	struct tally *tally)
{
	int64_t start_ms = clock_now().monotonic_ms, now_ms = start_ms;

	while (now_ms - start_ms < SLICE_MS) {
		g_assert_true(rocksdb_records_put(
			records, tally->events + 1, value->data, value->len, NULL));
		tally->events += events;
		now_ms = clock_now().monotonic_ms;
	}
	tally->elapsed_ms += now_ms - start_ms;
}

/* The two in turn, slice by slice, so that whatever else the disk does falls on both. */
static void bench_appends(size_t batch)
{
	g_autofree char *folder = g_dir_make_tmp("bench-XXXXXX", NULL);
	g_autofree char *raw = g_build_filename(folder, "raw", NULL);
	g_autofree char *name = g_strdup_printf("journal_append_batch_%zu", batch);
	g_autoptr(GBytes) head = g_bytes_new_static("head", 4);
	g_autoptr(GByteArray) value = g_byte_array_new();
	scoped(sample_turn) turn = sample_turn_of_size(batch, TEXT_BYTES);
	scoped(journal) journal = journal_rocksdb_open(folder, JOURNAL_WRITE, "bench", NULL);
	scoped(rocksdb_records) records = NULL;
	struct journal_position genesis = record_genesis("bench"), end;
	struct tally through_journal = {0}, alone = {0};

	g_assert_true(record_pack(value, &genesis, &turn->entries, &end, NULL));
	g_assert_true(rocksdb_records_make(raw, head, NULL));
	records = rocksdb_records_open(raw, TRUE, NULL);
	for (int i = 0; i < SLICES; i++) {
		raw_slice(records, value, batch, &alone);
		journal_slice(journal, turn, &through_journal);
	}
	report(name, per_second(through_journal.events, through_journal.elapsed_ms), "events/s",
		per_second(alone.events, alone.elapsed_ms));
	g_clear_pointer(&journal, journal_close);
	g_clear_pointer(&records, rocksdb_records_close);
	remove_all(folder);
}

/* Unpacks one record's payload again and again; events a second. */
static double unpack_rate(void)
{
	scoped(sample_turn) turn = sample_turn_of_size(REPLAYED_BATCH, TEXT_BYTES);
	size_t size = forge__entries__get_packed_size(&turn->entries);
	g_autofree uint8_t *payload = g_malloc(size);
	struct arena *arena = arena_new();
	int64_t start_ms;

	forge__entries__pack(&turn->entries, payload);
	start_ms = clock_now().monotonic_ms;
	for (int events = 0; events < REPLAYED_EVENTS; events += REPLAYED_BATCH) {
		arena_reset(arena);
		g_assert_nonnull(forge__entries__unpack(arena_allocator(arena), size, payload));
	}
	arena_free(arena);
	return per_second(REPLAYED_EVENTS, clock_now().monotonic_ms - start_ms);
}

static void bench_replay(void)
{
	g_autofree char *folder = g_dir_make_tmp("bench-XXXXXX", NULL);
	scoped(sample_turn) turn = sample_turn_of_size(REPLAYED_BATCH, TEXT_BYTES);
	scoped(journal) journal = journal_rocksdb_open(folder, JOURNAL_WRITE, "bench", NULL);
	struct journal_position end = journal_end(journal);
	struct journal_record record;
	int64_t start_ms;

	while (end.seq < REPLAYED_EVENTS)
		g_assert_true(journal_append(journal, end.seq, &turn->entries, &end, NULL));
	g_clear_pointer(&journal, journal_close);

	journal = journal_rocksdb_open(folder, JOURNAL_WRITE, "bench", NULL);
	scoped(journal_reader) reader = journal_read(journal, 1, NULL);
	start_ms = clock_now().monotonic_ms;
	while (journal_reader_next(reader, &record, NULL) == JOURNAL_READ_RECORD)
		;
	report("journal_replay", per_second(end.seq, clock_now().monotonic_ms - start_ms),
		"events/s", unpack_rate());
	g_clear_pointer(&reader, journal_reader_free);
	g_clear_pointer(&journal, journal_close);
	remove_all(folder);
}

int main(void)
{
	bench_appends(1);
	bench_appends(128);
	bench_appends(1024);
	bench_replay();
	return 0;
}
