/*
 * What every journal promises about its front, whatever keeps it: that records can be removed from
 * it, that nobody mistakes what is gone for what never was, and that all of a journal can be carried
 * to another place, a file or a backend, byte for byte.
 */
#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/journal_backup.h"
#include "journal/record.h"
#include "tests/support/backend_fixture.h"
#include "tests/unit/removal.h"
#include "tests/unit/sample_turn.h"

/* Four records: 1 to 3, 4 to 5, 6, 7 to 8. */
static void fill(struct journal *journal)
{
	place_append(journal, 3, "one");
	place_append(journal, 2, "two");
	place_append(journal, 1, "three");
	place_append(journal, 2, "four");
}

static void cut(struct journal *journal, uint64_t seq, uint64_t base_seq)
{
	g_autoptr(GError) error = NULL;

	journal_cut(journal, seq, base_seq, &error);
	g_assert_no_error(error);
}

static void assert_gone(struct journal *journal, uint64_t seq, const char *first)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(journal_read(journal, seq, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_EVENTS_GONE);
	g_assert_nonnull(strstr(error->message, first));
}

static void journal_begins_where_it_was_cut_also_after_reopening(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);

	fill(journal);
	cut(journal, 5, 7);
	for (int round = 0; round < 2; round++) {
		scoped(journal_reader) from_start = place_read(journal, 0);
		scoped(journal_reader) from_six = place_read(journal, 6);
		scoped(journal_reader) from_eight = place_read(journal, 8);

		place_assert_next(from_start, 6, 6, "three");
		place_assert_next(from_start, 7, 8, "four");
		place_assert_end(from_start);
		place_assert_next(from_six, 6, 6, "three");
		place_assert_next(from_eight, 7, 8, "four");
		for (uint64_t seq = 1; seq <= 5; seq++)
			assert_gone(journal, seq, "sequence 6");
		g_assert_cmpuint(journal_front(journal).before.seq, ==, 5);
		g_assert_cmpuint(journal_front(journal).base_seq, ==, 7);
		g_assert_cmpuint(journal_end(journal).seq, ==, 8);

		g_clear_pointer(&from_start, journal_reader_free);
		g_clear_pointer(&from_six, journal_reader_free);
		g_clear_pointer(&from_eight, journal_reader_free);
		g_clear_pointer(&journal, journal_close);
		journal = place_open(&place);
	}
	g_assert_cmpuint(place_append(journal, 1, "five").seq, ==, 9);
	scoped(journal_reader) reader = place_read(journal, 7);
	place_assert_next(reader, 7, 8, "four");
	place_assert_next(reader, 9, 9, "five");
	place_assert_end(reader);
}

static void journal_can_be_cut_again_and_again(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);

	fill(journal);
	cut(journal, 0, 4);
	g_assert_cmpuint(journal_front(journal).base_seq, ==, 4);
	cut(journal, 3, 4);
	cut(journal, 3, 7);
	cut(journal, 6, 7);
	g_clear_pointer(&journal, journal_close);
	journal = place_open(&place);
	assert_gone(journal, 6, "sequence 7");
	scoped(journal_reader) reader = place_read(journal, 0);
	place_assert_next(reader, 7, 8, "four");
	place_assert_end(reader);
}

static void cut_where_no_record_ends_or_behind_its_base_is_refused(gconstpointer backend)
{
	static const uint64_t wrong[][2] = {
		{2, 7}, {4, 7}, {9, 10}, {5, 5}, {5, 3}, {5, 9}, {5, 0}};
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);

	fill(journal);
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(journal_cut(journal, wrong[i][0], wrong[i][1], &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	}
	scoped(journal_reader) reader = place_read(journal, 1);
	place_assert_next(reader, 1, 3, "one");
	g_assert_cmpuint(place_append(journal, 1, "five").seq, ==, 9);
}

static void checkpoint_from_before_the_cut_is_not_loaded(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);
	g_autoptr(GBytes) blob = g_bytes_new_static("state", 5);
	g_autoptr(GBytes) loaded = NULL;
	uint64_t seq;

	fill(journal);
	g_assert_true(journal_save_checkpoint(journal, 5, "t", blob, NULL));
	cut(journal, 5, 7);
	/* Where it was cut the history is known still. */
	loaded = journal_load_checkpoint(journal, "t", &seq);
	g_assert_nonnull(loaded);
	cut(journal, 6, 7);
	g_assert_null(journal_load_checkpoint(journal, "t", &seq));
	g_assert_true(journal_save_checkpoint(journal, 8, "t", blob, NULL));
	g_clear_pointer(&loaded, g_bytes_unref);
	loaded = journal_load_checkpoint(journal, "t", &seq);
	g_assert_nonnull(loaded);
	g_assert_cmpuint(seq, ==, 8);
}

/* Of a journal: every record's bytes. */
static GPtrArray *values(struct journal *journal)
{
	GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	scoped(journal_reader) reader = place_read(journal, 0);
	struct journal_record record;

	while (journal_reader_next(reader, &record, NULL) == JOURNAL_READ_RECORD)
		g_ptr_array_add(found, g_bytes_new(record.value, record.size));
	return found;
}

static void assert_same_journal(struct journal *a, struct journal *b)
{
	g_autoptr(GPtrArray) left = values(a), right = values(b);
	struct journal_position end_a = journal_end(a), end_b = journal_end(b);

	g_assert_cmpstr(journal_id(a), ==, journal_id(b));
	g_assert_cmpuint(end_a.seq, ==, end_b.seq);
	g_assert_true(hash_equal(&end_a.hash, &end_b.hash));
	g_assert_cmpuint(journal_front(a).before.seq, ==, journal_front(b).before.seq);
	g_assert_cmpuint(journal_front(a).base_seq, ==, journal_front(b).base_seq);
	g_assert_cmpuint(left->len, ==, right->len);
	for (guint i = 0; i < left->len; i++)
		g_assert_true(g_bytes_equal(left->pdata[i], right->pdata[i]));
}

/* JOURNAL to a file, and from there to a place of BACKEND: three times the same. */
static void carry(struct journal *journal, enum backend backend)
{
	scoped_value(place) there;
	g_autofree char *folder = g_dir_make_tmp("backup-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "b", NULL);
	struct journal_head head = {.front = journal_front(journal)};
	g_autoptr(GError) error = NULL;
	scoped(journal) backup = NULL;
	scoped(journal) copy = NULL;

	place_init(&there, GINT_TO_POINTER(backend));
	journal_backup_write(journal, path, &error);
	g_assert_no_error(error);
	backup = journal_backup_open(path, &error);
	g_assert_no_error(error);
	assert_same_journal(journal, backup);

	g_strlcpy(head.journal_id, journal_id(journal), sizeof(head.journal_id));
	copy = place_make(&there, &head);
	g_assert_true(journal_backup_copy(backup, copy, &error));
	g_assert_true(journal_settle(copy, &error));
	g_clear_pointer(&copy, journal_close);
	copy = place_open(&there);
	assert_same_journal(journal, copy);
	/* It goes on as its original would. */
	place_append(copy, 2, "on");
	place_append(journal, 2, "on");
	assert_same_journal(journal, copy);
	remove_all(folder);
}

static void journal_is_the_same_in_a_backup_and_at_every_place(gconstpointer backend)
{
	scoped_value(place) place;
	place_init(&place, backend);
	scoped(journal) journal = place_open(&place);

	for (int to = BACKEND_MEMORY; to <= BACKEND_ROCKSDB; to++)
		carry(journal, (enum backend)to);
	fill(journal);
	for (int to = BACKEND_MEMORY; to <= BACKEND_ROCKSDB; to++)
		carry(journal, (enum backend)to);
	cut(journal, journal_end(journal).seq - 2, journal_end(journal).seq);
	for (int to = BACKEND_MEMORY; to <= BACKEND_ROCKSDB; to++)
		carry(journal, (enum backend)to);
}

static void record_of_another_history_is_not_appended(gconstpointer backend)
{
	scoped_value(place) place;
	scoped_value(place) other;
	place_init(&place, backend);
	place_init(&other, GINT_TO_POINTER(BACKEND_MEMORY));
	scoped(journal) journal = place_open(&place);
	scoped(journal) foreign = place_open(&other);
	g_autoptr(GPtrArray) records = NULL;

	place_append(journal, 1, "mine");
	place_append(foreign, 1, "yours");
	place_append(foreign, 1, "yours");
	records = values(foreign);
	for (guint i = 0; i < records->len; i++) {
		g_autoptr(GError) error = NULL;
		gsize size;
		const uint8_t *value = g_bytes_get_data(records->pdata[i], &size);

		g_assert_false(journal_append_record(journal, value, size, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
	}
	g_assert_cmpuint(place_append(journal, 1, "mine").seq, ==, 2);
}

/* ---- the head ----------------------------------------------------------------------------- */

static enum forge_error error_of_head(const uint8_t *data, gsize size)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);
	g_autoptr(GError) error = NULL;
	struct journal_head head;

	g_assert_false(journal_head_read(bytes, &head, &error));
	return forge_error_code(error);
}

static void head_that_was_changed_is_damaged_and_a_later_one_too_new(void)
{
	struct journal_head head = {.journal_id = "00112233445566778899aabbccddeeff"}, read;

	head.front.before = record_genesis(head.journal_id);
	/* As it was made, and as a cut leaves it. */
	for (uint64_t seq = 0; seq < 10; seq += 5) {
		g_autoptr(GBytes) packed = NULL;
		g_autofree uint8_t *data = NULL;
		struct hash checksum;
		gsize size;

		head.front.before.seq = seq;
		head.front.base_seq = seq > 0 ? seq + 3 : 0;
		packed = journal_head_pack(&head);
		g_assert_true(journal_head_read(packed, &read, NULL));
		g_assert_cmpstr(read.journal_id, ==, head.journal_id);
		g_assert_cmpuint(read.front.before.seq, ==, seq);
		g_assert_cmpuint(read.front.base_seq, ==, head.front.base_seq);
		g_assert_true(hash_equal(&read.front.before.hash, &head.front.before.hash));

		size = g_bytes_get_size(packed);
		data = g_memdup2(g_bytes_get_data(packed, NULL), size);
		for (gsize at = 0; at < size; at++) {
			data[at] ^= 1;
			g_assert_cmpint(error_of_head(data, size), ==, FORGE_ERROR_JOURNAL_DAMAGED);
			data[at] ^= 1;
			g_assert_cmpint(error_of_head(data, at), ==, FORGE_ERROR_JOURNAL_DAMAGED);
		}
		data[4] = 3; /* its version */
		checksum = hash_chain(NULL, data, size - HASH_BYTES);
		memcpy(data + size - HASH_BYTES, checksum.bytes, HASH_BYTES);
		g_assert_cmpint(error_of_head(data, size), ==, FORGE_ERROR_JOURNAL_TOO_NEW);
	}
}

/* ---- faults ------------------------------------------------------------------------------- */

static void failed_cut_leaves_all_or_what_was_to_stay(gconstpointer fault)
{
	gboolean written = GPOINTER_TO_INT(fault) == JOURNAL_FAULT_WRITTEN;
	scoped_value(place) place;
	place_init(&place, GINT_TO_POINTER(BACKEND_MEMORY));
	scoped(journal) journal = place_open(&place);
	scoped(sample_turn) turn = sample_turn_new(1, "late");
	struct journal_position end;

	fill(journal);
	journal_disk_set_fault(place.disk, (enum journal_fault)GPOINTER_TO_INT(fault));
	for (int i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(journal_cut(journal, 5, 7, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED);
	}
	g_assert_false(journal_append(journal, 8, &turn->entries, &end, NULL));
	g_clear_pointer(&journal, journal_close);
	journal = place_open(&place);
	g_assert_cmpuint(journal_front(journal).before.seq, ==, written ? 5 : 0);
	scoped(journal_reader) reader = place_read(journal, 0);
	if (!written) {
		place_assert_next(reader, 1, 3, "one");
		place_assert_next(reader, 4, 5, "two");
	}
	place_assert_next(reader, 6, 6, "three");
	place_assert_next(reader, 7, 8, "four");
	place_assert_end(reader);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) place_add_claim("journal_front", #name, name)
	CLAIM(journal_begins_where_it_was_cut_also_after_reopening);
	CLAIM(journal_can_be_cut_again_and_again);
	CLAIM(cut_where_no_record_ends_or_behind_its_base_is_refused);
	CLAIM(checkpoint_from_before_the_cut_is_not_loaded);
	CLAIM(journal_is_the_same_in_a_backup_and_at_every_place);
	CLAIM(record_of_another_history_is_not_appended);
#undef CLAIM
	g_test_add_func("/journal_front/head_that_was_changed_is_damaged_and_a_later_one_too_new",
		head_that_was_changed_is_damaged_and_a_later_one_too_new);
	g_test_add_data_func("/journal_front/memory/lost_cut_leaves_all",
		GINT_TO_POINTER(JOURNAL_FAULT_LOST), failed_cut_leaves_all_or_what_was_to_stay);
	g_test_add_data_func(
		"/journal_front/memory/cut_that_failed_but_happened_leaves_what_was_to_stay",
		GINT_TO_POINTER(JOURNAL_FAULT_WRITTEN), failed_cut_leaves_all_or_what_was_to_stay);
	return g_test_run();
}
