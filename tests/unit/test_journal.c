/*
 * What every journal promises, whatever keeps it: each claim runs once a backend. Claims about
 * faults that only the memory backend can be asked for follow at the end.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/support/backend_fixture.h"
#include "tests/unit/sample_turn.h"

static void new_journal_is_empty(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	scoped(journal_reader) from_start = place_read(journal, 0);
	scoped(journal_reader) from_later = place_read(journal, 17);

	g_assert_cmpuint(strlen(journal_id(journal)), ==, JOURNAL_ID_BYTES);
	g_assert_cmpuint(journal_end(journal).seq, ==, 0);
	place_assert_end(from_start);
	place_assert_end(from_later);
}

static void records_come_back_in_order_also_after_reopening(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	g_autofree char *id = g_strdup(journal_id(journal));
	struct journal_position end;

	place_append(journal, 3, "one");
	place_append(journal, 1, "two");
	end = place_append(journal, 2, "three");
	g_assert_cmpuint(end.seq, ==, 6);

	for (int round = 0; round < 3; round++) {
		scoped(journal_reader) reader = place_read(journal, 1);
		struct journal_position now = journal_end(journal);

		place_assert_next(reader, 1, 3, "one");
		place_assert_next(reader, 4, 4, "two");
		place_assert_next(reader, 5, 6, "three");
		place_assert_end(reader);
		place_assert_end(reader);
		g_assert_cmpuint(now.seq, ==, 6);
		g_assert_true(hash_equal(&now.hash, &end.hash));
		g_assert_cmpstr(journal_id(journal), ==, id);

		g_clear_pointer(&reader, journal_reader_free);
		g_clear_pointer(&journal, journal_close);
		journal = place_open(&place);
	}
	end = place_append(journal, 1, "four");
	g_assert_cmpuint(end.seq, ==, 7);
}

static void reader_begins_with_the_record_that_holds_a_sequence(gconstpointer backend)
{
	static const uint64_t first[] = {1, 1, 1, 1, 4, 4, 6};
	static const uint64_t last[] = {3, 3, 3, 3, 5, 5, 6};
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);

	place_append(journal, 3, "x");
	place_append(journal, 2, "x");
	place_append(journal, 1, "x");
	for (uint64_t seq = 0; seq <= 6; seq++) {
		scoped(journal_reader) reader = place_read(journal, seq);

		place_assert_next(reader, first[seq], last[seq], "x");
	}
	for (uint64_t seq = 7; seq < 10; seq++) {
		scoped(journal_reader) reader = place_read(journal, seq);

		place_assert_end(reader);
	}
}

static void reader_sees_what_was_there_when_it_was_made(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);

	place_append(journal, 1, "before");
	scoped(journal_reader) reader = place_read(journal, 1);
	place_append(journal, 1, "after");
	place_assert_next(reader, 1, 1, "before");
	place_assert_end(reader);
}

static void append_after_another_sequence_is_a_conflict(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	scoped(sample_turn) turn = sample_turn_new(1, "late");
	struct journal_position end = {.seq = 99};

	place_append(journal, 2, "first");
	for (uint64_t seq = 0; seq < 5; seq++) {
		g_autoptr(GError) error = NULL;

		if (seq == 2)
			continue;
		g_assert_false(journal_append(journal, seq, &turn->entries, &end, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_CONFLICT);
	}
	g_assert_cmpuint(end.seq, ==, 99);
	g_assert_cmpuint(place_append(journal, 1, "second").seq, ==, 3);
}

static void refused_record_leaves_the_journal_as_it_was(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	scoped(sample_turn) large = sample_turn_of_size(1, LIMIT_ENTRY_BYTES);
	scoped(sample_turn) invalid = sample_turn_new(1, "x");
	g_autoptr(GError) too_large = NULL;
	g_autoptr(GError) not_valid = NULL;
	struct journal_position end;

	invalid->event.kind_case = FORGE__EVENT__KIND__NOT_SET;
	g_assert_false(journal_append(journal, 0, &large->entries, &end, &too_large));
	g_assert_error(too_large, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
	g_assert_false(journal_append(journal, 0, &invalid->entries, &end, &not_valid));
	g_assert_error(not_valid, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);

	place_append(journal, 1, "good");
	scoped(journal_reader) reader = place_read(journal, 1);
	place_assert_next(reader, 1, 1, "good");
	place_assert_end(reader);
}

static void largest_record_comes_back(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	g_autofree char *text = g_strnfill(LIMIT_ENTRY_BYTES - 100, 'b');
	scoped(sample_turn) turn = sample_turn_new(1, text);
	g_autoptr(GError) error = NULL;
	struct journal_position end;
	struct journal_record record;

	turn->entries.n_entries = 3;
	journal_append(journal, 0, &turn->entries, &end, &error);
	g_assert_no_error(error);
	scoped(journal_reader) reader = place_read(journal, 2);
	g_assert_cmpint(journal_reader_next(reader, &record, NULL), ==, JOURNAL_READ_RECORD);
	g_assert_cmpuint(record.entries->n_entries, ==, 3);
	g_assert_cmpstr(record.entries->entries[2]->events[0]->queue_paused->actor, ==, text);
}

static void newest_checkpoint_with_the_tag_is_loaded(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	g_autoptr(GBytes) old = g_bytes_new_static("old", 3);
	g_autoptr(GBytes) new = g_bytes_new_static("newer", 5);
	g_autoptr(GError) error = NULL;
	uint64_t seq = 0;

	g_assert_null(journal_load_checkpoint(journal, "build 1", &seq));
	place_append(journal, 3, "x");
	g_assert_true(journal_save_checkpoint(journal, 3, "build 1", old, &error));
	place_append(journal, 3, "x");
	g_assert_true(journal_save_checkpoint(journal, 6, "build 1", new, &error));
	place_append(journal, 3, "x");
	g_assert_no_error(error);

	g_clear_pointer(&journal, journal_close);
	journal = place_open(&place);
	g_autoptr(GBytes) loaded = journal_load_checkpoint(journal, "build 1", &seq);
	g_assert_nonnull(loaded);
	g_assert_true(g_bytes_equal(loaded, new));
	g_assert_cmpuint(seq, ==, 6);
	g_assert_null(journal_load_checkpoint(journal, "build 2", &seq));
}

static void checkpoint_inside_a_record_or_beyond_the_end_is_refused(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	g_autoptr(GBytes) blob = g_bytes_new_static("x", 1);
	g_autoptr(GError) inside = NULL;
	g_autoptr(GError) beyond = NULL;

	place_append(journal, 3, "x");
	g_assert_false(journal_save_checkpoint(journal, 2, "t", blob, &inside));
	g_assert_error(inside, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_false(journal_save_checkpoint(journal, 4, "t", blob, &beyond));
	g_assert_error(beyond, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
}

/* Reads to the end again and again, until the journal has
 * as many events as are written; counts what was wrong. */
static gpointer read_until_all(gpointer data)
{
	struct journal *journal = data;
	uint64_t seen = 0;

	while (seen < 200) {
		scoped(journal_reader) reader = journal_read(journal, seen + 1, NULL);
		struct journal_record record;

		if (!reader)
			return GINT_TO_POINTER(1);
		for (;;) {
			enum journal_read_result result = journal_reader_next(
				reader, &record, NULL);

			if (result == JOURNAL_READ_ERROR ||
				(result == JOURNAL_READ_RECORD && record.first_seq != seen + 1))
				return GINT_TO_POINTER(1);
			if (result == JOURNAL_READ_END)
				break;
			seen = record.last_seq;
		}
		g_thread_yield();
	}
	return NULL;
}

static void another_thread_reads_while_one_writes(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	GThread *thread = g_thread_new("reader", read_until_all, journal);

	for (int i = 0; i < 100; i++)
		place_append(journal, 2, "x");
	g_assert_null(g_thread_join(thread));
}

/* ---- faults ------------------------------------------------------------------------------- */

static void after_a_failed_append_only_opening_again_tells(gconstpointer fault)
{
	gboolean written = GPOINTER_TO_INT(fault) == JOURNAL_FAULT_WRITTEN;
	scoped_value(place) place;
	place_init(&place, GINT_TO_POINTER(BACKEND_MEMORY));
	scoped(journal) journal = place_open(&place);
	scoped(sample_turn) turn = sample_turn_new(1, "fateful");
	struct journal_position end;

	place_append(journal, 1, "first");
	journal_disk_set_fault(place.disk, (enum journal_fault)GPOINTER_TO_INT(fault));
	for (int i = 0; i < 3; i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(journal_append(journal, 1, &turn->entries, &end, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED);
	}
	g_clear_pointer(&journal, journal_close);
	journal = place_open(&place);
	scoped(journal_reader) reader = place_read(journal, 1);
	place_assert_next(reader, 1, 1, "first");
	if (written)
		place_assert_next(reader, 2, 2, "fateful");
	place_assert_end(reader);
	g_assert_cmpuint(place_append(journal, 1, "next").seq, ==, written ? 3 : 2);
}

static void journal_opened_elsewhere_takes_nothing_more(void)
{
	scoped_value(place) place;
	place_init(&place, GINT_TO_POINTER(BACKEND_MEMORY));
	scoped(journal) old = place_open(&place);
	scoped(journal) new = place_open(&place);
	scoped(sample_turn) turn = sample_turn_new(1, "x");
	g_autoptr(GError) error = NULL;
	struct journal_position end;

	g_assert_false(journal_append(old, 0, &turn->entries, &end, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_CONFLICT);
	g_assert_cmpuint(place_append(new, 1, "x").seq, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	place_add_claim("journal", "new_journal_is_empty", new_journal_is_empty);
	place_add_claim("journal", "records_come_back_in_order_also_after_reopening",
		records_come_back_in_order_also_after_reopening);
	place_add_claim("journal", "reader_begins_with_the_record_that_holds_a_sequence",
		reader_begins_with_the_record_that_holds_a_sequence);
	place_add_claim("journal", "reader_sees_what_was_there_when_it_was_made",
		reader_sees_what_was_there_when_it_was_made);
	place_add_claim("journal", "append_after_another_sequence_is_a_conflict",
		append_after_another_sequence_is_a_conflict);
	place_add_claim("journal", "refused_record_leaves_the_journal_as_it_was",
		refused_record_leaves_the_journal_as_it_was);
	place_add_claim("journal", "largest_record_comes_back", largest_record_comes_back);
	place_add_claim("journal", "newest_checkpoint_with_the_tag_is_loaded",
		newest_checkpoint_with_the_tag_is_loaded);
	place_add_claim("journal", "checkpoint_inside_a_record_or_beyond_the_end_is_refused",
		checkpoint_inside_a_record_or_beyond_the_end_is_refused);
	place_add_claim("journal", "another_thread_reads_while_one_writes",
		another_thread_reads_while_one_writes);
	g_test_add_data_func("/journal/memory/lost_append_is_not_there_after_reopening",
		GINT_TO_POINTER(JOURNAL_FAULT_LOST),
		after_a_failed_append_only_opening_again_tells);
	g_test_add_data_func("/journal/memory/written_append_is_there_after_reopening",
		GINT_TO_POINTER(JOURNAL_FAULT_WRITTEN),
		after_a_failed_append_only_opening_again_tells);
	g_test_add_func("/journal/memory/journal_opened_elsewhere_takes_nothing_more",
		journal_opened_elsewhere_takes_nothing_more);
	return g_test_run();
}
