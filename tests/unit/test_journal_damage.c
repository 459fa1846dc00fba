/*
 * A journal in a folder whose files are missing, damaged, or another journal's: it is refused
 * untouched or it is whole, and nothing is lost in silence.
 *
 * What a killed writer leaves is a copy of the folder made while it is open. Damage is drawn at
 * random; --seed repeats a run, -m slow makes it longer.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/journal_rocksdb.h"
#include "journal/mark.h"
#include "tests/support/journal_fixture.h"
#include "tests/unit/removal.h"

/* Both ways of opening FOLDER say JOURNAL_DAMAGED and change nothing. */
static void assert_damaged_and_untouched(const char *folder)
{
	g_autofree char *before = journal_fixture_digest(folder);

	journal_fixture_assert_refused(folder, JOURNAL_READ_ONLY, FORGE_ERROR_JOURNAL_DAMAGED);
	journal_fixture_assert_refused(folder, JOURNAL_WRITE, FORGE_ERROR_JOURNAL_DAMAGED);
	g_autofree char *after = journal_fixture_digest(folder);
	g_assert_cmpstr(before, ==, after);
}

static void journal_longer_than_its_mark_is_taken_whole(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped_value(journal_fixture) later = journal_fixture_make();
	g_autofree char *mark = g_build_filename(room.folder, "mark", NULL);
	g_autofree char *mark_later = g_build_filename(later.folder, "mark", NULL);
	g_autofree char *old = NULL;
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	gsize size;

	journal_fixture_append(journal, 4, 10);
	g_assert_true(g_file_get_contents(mark, &old, &size, NULL));
	journal_fixture_append(journal, 4, 10);
	journal_fixture_append(journal, 4, 10);
	journal_fixture_copy(room.folder, later.folder);
	g_assert_true(g_file_set_contents(mark_later, old, (gssize)size, NULL));

	scoped(journal) opened = journal_fixture_open(later.folder, JOURNAL_WRITE);
	g_assert_cmpuint(journal_end(opened).seq, ==, 12);
	scoped(mark) caught_up = mark_open(mark_later, FALSE, NULL);
	g_assert_cmpuint(mark_value(caught_up)->position.seq, ==, 12);
}

static void journal_shorter_than_its_mark_is_refused(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped_value(journal_fixture) old = journal_fixture_make();
	g_autofree char *mark = g_build_filename(room.folder, "mark", NULL);
	g_autofree char *mark_old = g_build_filename(old.folder, "mark", NULL);
	g_autofree char *new = NULL;
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	gsize size;

	journal_fixture_append(journal, 4, 10);
	journal_fixture_copy(room.folder, old.folder);
	journal_fixture_append(journal, 4, 10);
	g_assert_true(g_file_get_contents(mark, &new, &size, NULL));
	g_assert_true(g_file_set_contents(mark_old, new, (gssize)size, NULL));
	assert_damaged_and_untouched(old.folder);
}

static void missing_mark_or_missing_records_are_refused(void)
{
	scoped_value(journal_fixture) no_mark = journal_fixture_make();
	scoped_value(journal_fixture) no_records = journal_fixture_make();
	g_autofree char *mark = g_build_filename(no_mark.folder, "mark", NULL);
	g_autofree char *records = g_build_filename(no_records.folder, "records", NULL);
	scoped(journal) journal = journal_fixture_open(no_mark.folder, JOURNAL_WRITE);

	journal_fixture_append(journal, 4, 10);
	g_clear_pointer(&journal, journal_close);
	journal_fixture_copy(no_mark.folder, no_records.folder);
	g_assert_cmpint(unlink(mark), ==, 0);
	remove_all(records);
	assert_damaged_and_untouched(no_mark.folder);
	assert_damaged_and_untouched(no_records.folder);
}

static void records_of_another_journal_are_refused(void)
{
	scoped_value(journal_fixture) one = journal_fixture_make();
	scoped_value(journal_fixture) two = journal_fixture_make();
	g_autofree char *mark_one = g_build_filename(one.folder, "mark", NULL);
	g_autofree char *mark_two = g_build_filename(two.folder, "mark", NULL);
	scoped(journal) journal = journal_fixture_open(one.folder, JOURNAL_WRITE);

	journal_fixture_append(journal, 4, 10);
	g_clear_pointer(&journal, journal_close);
	journal = journal_fixture_open(two.folder, JOURNAL_WRITE);
	journal_fixture_append(journal, 4, 10);
	g_clear_pointer(&journal, journal_close);
	g_assert_cmpint(rename(mark_one, mark_two), ==, 0);
	assert_damaged_and_untouched(two.folder);
}

static void fork_of_the_same_journal_is_refused(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped_value(journal_fixture) fork = journal_fixture_make();
	g_autofree char *mark = g_build_filename(room.folder, "mark", NULL);
	g_autofree char *mark_fork = g_build_filename(fork.folder, "mark", NULL);
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	scoped(journal) forked = NULL;

	journal_fixture_append(journal, 4, 10);
	journal_fixture_copy(room.folder, fork.folder);
	journal_fixture_append(journal, 4, 11);
	forked = journal_fixture_open(fork.folder, JOURNAL_WRITE);
	journal_fixture_append(forked, 4, 12);
	journal_fixture_append(forked, 4, 12);
	g_clear_pointer(&journal, journal_close);
	g_clear_pointer(&forked, journal_close);
	g_assert_cmpint(rename(mark, mark_fork), ==, 0);
	assert_damaged_and_untouched(fork.folder);
}

static void checkpoint_of_another_history_is_not_loaded(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped_value(journal_fixture) fork = journal_fixture_make();
	g_autofree char *checkpoint = g_build_filename(room.folder, "checkpoint-8", NULL);
	g_autofree char *checkpoint_fork = g_build_filename(fork.folder, "checkpoint-8", NULL);
	g_autofree char *contents = NULL;
	g_autoptr(GBytes) blob = g_bytes_new_static("state", 5);
	g_autoptr(GBytes) own = NULL;
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	scoped(journal) forked = NULL;
	uint64_t seq;
	gsize size;

	journal_fixture_append(journal, 4, 10);
	journal_fixture_copy(room.folder, fork.folder);
	journal_fixture_append(journal, 4, 11);
	g_assert_true(journal_save_checkpoint(journal, 8, "t", blob, NULL));
	own = journal_load_checkpoint(journal, "t", &seq);
	g_assert_nonnull(own);

	forked = journal_fixture_open(fork.folder, JOURNAL_WRITE);
	journal_fixture_append(forked, 4, 12);
	g_assert_true(g_file_get_contents(checkpoint, &contents, &size, NULL));
	g_assert_true(g_file_set_contents(checkpoint_fork, contents, (gssize)size, NULL));
	g_assert_null(journal_load_checkpoint(forked, "t", &seq));

	for (gsize at = 0; at < size; at++) {
		contents[at] ^= 4;
		g_assert_true(g_file_set_contents(checkpoint, contents, (gssize)size, NULL));
		g_assert_null(journal_load_checkpoint(journal, "t", &seq));
		contents[at] ^= 4;
	}
}

/* Several sorted files, a log, a mark and a checkpoint. */
static void fill_journal(const char *folder)
{
	g_autoptr(GBytes) blob = g_bytes_new_static("state", 5);

	for (int session = 0; session < 3; session++) {
		scoped(journal) journal = journal_fixture_open(folder, JOURNAL_WRITE);

		for (int i = 0; i < 20; i++)
			journal_fixture_append(journal, (size_t)g_test_rand_int_range(1, 6),
				(size_t)g_test_rand_int_range(10, 300));
		g_assert_true(journal_save_checkpoint(
			journal, journal_end(journal).seq, "t", blob, NULL));
	}
}

/* Flips a bit of, shortens, or removes one file under FOLDER; returns what was done. */
static char *damage(const char *folder)
{
	g_autoptr(GPtrArray) files = journal_fixture_files(folder);
	const char *name = files->pdata[g_test_rand_int_range(0, (gint32)files->len)];
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *data = NULL;
	gint32 size, at;
	gsize length;

	journal_fixture_read_file(folder, name, &data, &length);
	size = (gint32)length;
	at = size > 0 ? g_test_rand_int_range(0, size) : 0;
	if (size == 0 || g_test_rand_int_range(0, 20) == 0) {
		g_assert_cmpint(unlink(path), ==, 0);
		return g_strdup_printf("removed %s", name);
	}
	if (g_test_rand_int_range(0, 3) == 0) {
		g_assert_cmpint(truncate(path, at), ==, 0);
		return g_strdup_printf("cut %s at %d of %d", name, at, size);
	}
	data[at] ^= (char)(1 << g_test_rand_int_range(0, 8));
	g_assert_true(g_file_set_contents(path, data, size, NULL));
	return g_strdup_printf("flipped %s at %d of %d", name, at, size);
}

/* RIGHT are the positions of the undamaged journal; the mark
 * as it is now says how many must be there at least. */
static void assert_prefix(struct journal *journal, const GArray *found, const GArray *right,
	uint64_t at_least, const char *what)
{
	uint64_t last = 0;

	g_assert_cmpuint(found->len, <=, right->len);
	for (guint i = 0; i < found->len; i++) {
		const struct journal_position *a = &g_array_index(
			found, struct journal_position, i);
		const struct journal_position *b = &g_array_index(
			right, struct journal_position, i);

		g_assert_cmpuint(a->seq, ==, b->seq);
		g_assert_true(hash_equal(&a->hash, &b->hash));
		last = a->seq;
	}
	g_assert_cmpuint(last, ==, journal_end(journal).seq);
	if (last < at_least)
		g_error("%s: ends at %" G_GUINT64_FORMAT " before its mark %" G_GUINT64_FORMAT,
			what, last, at_least);
	/* Of a torn mark the slot one record older counts. */
	g_assert_cmpuint(found->len + 1, >=, right->len);
}

/* Damages a copy of FOLDER once and opens it. TRUE if it was refused. */
static gboolean damage_once(const char *folder, const GArray *right, gboolean clean)
{
	scoped_value(journal_fixture) copy = journal_fixture_make();
	g_autofree char *mark_path = g_build_filename(copy.folder, "mark", NULL);
	g_autofree char *what = NULL;
	g_autofree char *before = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) found = NULL;
	scoped(mark) mark = NULL;
	scoped(journal) journal = NULL;

	journal_fixture_copy(folder, copy.folder);
	what = damage(copy.folder);
	g_test_message("%s", what);
	before = journal_fixture_digest(copy.folder);
	mark = mark_open(mark_path, FALSE, NULL);
	journal = journal_rocksdb_open(copy.folder, JOURNAL_WRITE, "test", &error);
	if (!journal) {
		g_autofree char *after = journal_fixture_digest(copy.folder);

		g_test_message("%s", error->message);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
		g_assert_cmpstr(before, ==, after);
		return TRUE;
	}
	g_assert_nonnull(mark);
	found = journal_fixture_read_all(journal);
	/* After a clean stop old records are checked when they are read, not before. */
	if (!found)
		g_assert_true(clean);
	else
		assert_prefix(journal, found, right, mark_value(mark)->position.seq, what);
	return !found;
}

/* Removes about the first half of JOURNAL. */
static void cut_front(struct journal *journal)
{
	g_autoptr(GArray) positions = journal_fixture_read_all(journal);
	uint64_t seq = g_array_index(positions, struct journal_position, positions->len / 2).seq;

	g_assert_true(journal_cut(journal, seq, journal_end(journal).seq, NULL));
	journal_fixture_append(journal, 2, 100);
}

/* What was done to a journal before it is damaged. */
enum past {
	PAST_CLEAN = 1, /* stopped in order */
	PAST_CUT = 2,   /* its front was removed */
};

static void damage_is_refused_or_harmless(gconstpointer past)
{
	gboolean clean = (GPOINTER_TO_INT(past) & PAST_CLEAN) != 0;
	int rounds = g_test_slow() ? 1500 : 120, refused = 0;
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) journal = NULL;
	g_autoptr(GArray) right = NULL;

	fill_journal(room.folder);
	journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	for (int i = 0; i < 20; i++)
		journal_fixture_append(journal, 2, 100);
	if (GPOINTER_TO_INT(past) & PAST_CUT)
		cut_front(journal);
	right = journal_fixture_read_all(journal);
	if (clean)
		g_clear_pointer(&journal, journal_close);
	for (int i = 0; i < rounds; i++)
		refused += damage_once(room.folder, right, clean);
	g_test_message("%d of %d refused", refused, rounds);
	g_assert_cmpint(refused, >, rounds / 10);
	g_assert_cmpint(refused, <, rounds);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/journal_damage/" #name, name)
	CLAIM(journal_longer_than_its_mark_is_taken_whole);
	CLAIM(journal_shorter_than_its_mark_is_refused);
	CLAIM(missing_mark_or_missing_records_are_refused);
	CLAIM(records_of_another_journal_are_refused);
	CLAIM(fork_of_the_same_journal_is_refused);
	CLAIM(checkpoint_of_another_history_is_not_loaded);
#undef CLAIM
	g_test_add_data_func("/journal_damage/damage_after_a_kill_is_refused_or_harmless",
		GINT_TO_POINTER(0), damage_is_refused_or_harmless);
	g_test_add_data_func("/journal_damage/damage_after_a_clean_stop_is_refused_or_harmless",
		GINT_TO_POINTER(PAST_CLEAN), damage_is_refused_or_harmless);
	g_test_add_data_func(
		"/journal_damage/damage_to_a_cut_journal_after_a_kill_is_refused_or_harmless",
		GINT_TO_POINTER(PAST_CUT), damage_is_refused_or_harmless);
	g_test_add_data_func("/journal_damage/damage_to_a_cut_journal_is_refused_or_harmless",
		GINT_TO_POINTER(PAST_CUT | PAST_CLEAN), damage_is_refused_or_harmless);
	return g_test_run();
}
