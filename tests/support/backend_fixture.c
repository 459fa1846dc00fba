/*
 * Claims about every journal, whatever keeps it, run over places; records are told apart by the text
 * that their events say.
 */
#include "tests/support/backend_fixture.h"

#include "journal/journal_rocksdb.h"
#include "tests/unit/removal.h"
#include "tests/unit/sample_turn.h"

void place_init(struct place *place, gconstpointer backend)
{
	*place = (struct place){.backend = (enum backend)GPOINTER_TO_INT(backend)};
	switch (place->backend) {
	case BACKEND_MEMORY:
		place->disk = journal_disk_new("00112233445566778899aabbccddeeff");
		return;
	case BACKEND_ROCKSDB:
		place->folder = g_dir_make_tmp("journal-XXXXXX", NULL);
		g_assert_nonnull(place->folder);
		return;
	}
}

void place_clear(struct place *place)
{
	journal_disk_free(place->disk);
	if (place->folder)
		remove_all(place->folder);
	g_free(place->folder);
}

struct journal *place_open(struct place *place)
{
	g_autoptr(GError) error = NULL;
	struct journal *journal = NULL;

	switch (place->backend) {
	case BACKEND_MEMORY:
		journal = journal_memory_open(place->disk);
		break;
	case BACKEND_ROCKSDB:
		journal = journal_rocksdb_open(place->folder, JOURNAL_WRITE, "test", &error);
		break;
	}
	g_assert_no_error(error);
	g_assert_nonnull(journal);
	return journal;
}

struct journal *place_make(struct place *place, const struct journal_head *head)
{
	g_autoptr(GError) error = NULL;
	struct journal *journal = NULL;

	switch (place->backend) {
	case BACKEND_MEMORY:
		journal_disk_free(place->disk);
		place->disk = journal_disk_new_at(head->journal_id, &head->front);
		journal = journal_memory_open(place->disk);
		break;
	case BACKEND_ROCKSDB:
		journal = journal_rocksdb_make(place->folder, "test", head, 0, &error);
		break;
	}
	g_assert_no_error(error);
	g_assert_nonnull(journal);
	return journal;
}

void place_add_claim(const char *room, const char *claim, GTestDataFunc check)
{
	g_autofree char *memory = g_strdup_printf("/%s/memory/%s", room, claim);
	g_autofree char *rocksdb = g_strdup_printf("/%s/rocksdb/%s", room, claim);

	g_test_add_data_func(memory, GINT_TO_POINTER(BACKEND_MEMORY), check);
	g_test_add_data_func(rocksdb, GINT_TO_POINTER(BACKEND_ROCKSDB), check);
}

struct journal_position place_append(struct journal *journal, size_t events, const char *text)
{
	scoped(sample_turn) turn = sample_turn_new(events, text);
	g_autoptr(GError) error = NULL;
	struct journal_position end;

	journal_append(journal, journal_end(journal).seq, &turn->entries, &end, &error);
	g_assert_no_error(error);
	return end;
}

struct journal_reader *place_read(struct journal *journal, uint64_t seq)
{
	g_autoptr(GError) error = NULL;
	struct journal_reader *reader = journal_read(journal, seq, &error);

	g_assert_no_error(error);
	return reader;
}

void place_assert_next(
	struct journal_reader *reader, uint64_t first_seq, uint64_t last_seq, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct journal_record record;
	enum journal_read_result result = journal_reader_next(reader, &record, &error);

	g_assert_no_error(error);
	g_assert_cmpint(result, ==, JOURNAL_READ_RECORD);
	g_assert_cmpuint(record.first_seq, ==, first_seq);
	g_assert_cmpuint(record.last_seq, ==, last_seq);
	g_assert_cmpuint(record.entries->entries[0]->n_events, ==, last_seq - first_seq + 1);
	for (size_t i = 0; i <= last_seq - first_seq; i++)
		g_assert_cmpstr(
			record.entries->entries[0]->events[i]->queue_paused->actor, ==, text);
}

void place_assert_end(struct journal_reader *reader)
{
	g_autoptr(GError) error = NULL;
	struct journal_record record;

	g_assert_cmpint(journal_reader_next(reader, &record, &error), ==, JOURNAL_READ_END);
	g_assert_no_error(error);
}
