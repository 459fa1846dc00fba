/*
 * A backup is the journal or it is refused: every byte of one is changed in turn, and it is cut at
 * every place. It is made beside a writer, and never half.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal_backup.h"
#include "journal/journal_place.h"
#include "tests/support/journal_fixture.h"
#include "tests/unit/removal.h"

static char *write_backup(struct journal *journal, const char *folder)
{
	char *path = g_build_filename(folder, "backup", NULL);
	g_autoptr(GError) error = NULL;

	journal_backup_write(journal, path, &error);
	g_assert_no_error(error);
	return path;
}

static void assert_refused(const char *path, enum forge_error code)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(journal_backup_open(path, &error));
	g_assert_error(error, FORGE_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, path));
}

static void backup_beside_a_writer_holds_what_was_durable_and_changes_no_file(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped_value(journal_fixture) safe = journal_fixture_make();
	scoped(journal) writer = journal_fixture_open(room.folder, JOURNAL_WRITE);
	scoped(journal) reader = NULL;
	scoped(journal) backup = NULL;
	struct journal_position end, found;
	g_autofree char *path = NULL;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;

	for (int i = 0; i < 20; i++)
		end = journal_fixture_append(writer, 3, 100);
	reader = journal_fixture_open(room.folder, JOURNAL_READ_ONLY);
	before = journal_fixture_digest(room.folder);
	path = write_backup(reader, safe.folder);
	after = journal_fixture_digest(room.folder);
	g_assert_cmpstr(before, ==, after);
	journal_fixture_append(writer, 1, 100);

	backup = journal_backup_open(path, NULL);
	g_assert_nonnull(backup);
	g_assert_cmpuint(journal_end(backup).seq, ==, end.seq);
	found = journal_end(backup);
	g_assert_true(hash_equal(&found.hash, &end.hash));
	g_assert_cmpstr(journal_id(backup), ==, journal_id(writer));
}

static void taken_name_is_refused_and_nothing_else_is_left(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped_value(journal_fixture) safe = journal_fixture_make();
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) files = NULL;
	g_autofree char *path = NULL;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;

	journal_fixture_append(journal, 3, 100);
	path = write_backup(journal, safe.folder);
	before = journal_fixture_digest(safe.folder);
	journal_fixture_append(journal, 3, 100);
	g_assert_false(journal_backup_write(journal, path, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS);
	after = journal_fixture_digest(safe.folder);
	g_assert_cmpstr(before, ==, after);
	files = journal_fixture_files(safe.folder);
	g_assert_cmpuint(files->len, ==, 1);
}

static void disk_that_is_full_leaves_no_part_of_a_backup(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped_value(journal_fixture) safe = journal_fixture_make();
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	g_autofree char *path = g_build_filename(safe.folder, "backup", NULL);
	g_autofree char *whole = NULL;
	struct rlimit unlimited, limit;
	struct stat status;

	for (int i = 0; i < 3; i++)
		journal_fixture_append(journal, 3, 3000);
	whole = write_backup(journal, room.folder);
	g_assert_cmpint(stat(whole, &status), ==, 0);
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &unlimited), ==, 0);
	for (rlim_t size = 0; size < (rlim_t)status.st_size; size += 1000) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) files = NULL;
		gboolean written;

		limit = (struct rlimit){size, unlimited.rlim_max};
		g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
		written = journal_backup_write(journal, path, &error);
		g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &unlimited), ==, 0);
		g_assert_false(written);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED);
		files = journal_fixture_files(safe.folder);
		g_assert_cmpuint(files->len, ==, 0);
	}
	g_free(write_backup(journal, safe.folder));
}

/* A small backup with a base named, so that its head is a long one. */
static char *make_sample(const char *folder)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);

	for (int i = 0; i < 6; i++)
		journal_fixture_append(journal, 2, 30);
	g_assert_true(journal_cut(journal, 4, 9, NULL));
	return write_backup(journal, folder);
}

static void any_changed_byte_is_noticed(void)
{
	scoped_value(journal_fixture) safe = journal_fixture_make();
	g_autofree char *path = make_sample(safe.folder);
	g_autofree char *data = NULL;
	gsize size;

	g_assert_true(g_file_get_contents(path, &data, &size, NULL));
	for (gsize at = 0; at < size; at++) {
		for (int bit = 0; bit < 8; bit += 3) {
			data[at] ^= (char)(1 << bit);
			g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
			assert_refused(path, FORGE_ERROR_JOURNAL_DAMAGED);
			data[at] ^= (char)(1 << bit);
		}
	}
}

static void any_cut_and_any_addition_is_noticed(void)
{
	scoped_value(journal_fixture) safe = journal_fixture_make();
	g_autofree char *path = make_sample(safe.folder);
	g_autofree char *data = NULL;
	g_autofree char *longer = NULL;
	gsize size;

	g_assert_true(g_file_get_contents(path, &data, &size, NULL));
	for (gsize at = 0; at < size; at++) {
		g_assert_true(g_file_set_contents(path, data, (gssize)at, NULL));
		assert_refused(path, FORGE_ERROR_JOURNAL_DAMAGED);
	}
	longer = g_malloc0(size + 1);
	memcpy(longer, data, size);
	g_assert_true(g_file_set_contents(path, longer, (gssize)size + 1, NULL));
	assert_refused(path, FORGE_ERROR_JOURNAL_DAMAGED);
	/* Twice the same records. */
	g_free(longer);
	longer = g_malloc(2 * size);
	memcpy(longer, data, size);
	memcpy(longer + size, data, size);
	g_assert_true(g_file_set_contents(path, longer, (gssize)(2 * size), NULL));
	assert_refused(path, FORGE_ERROR_JOURNAL_DAMAGED);
}

static void what_is_no_backup_is_refused(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	g_autofree char *nothing = g_build_filename(room.folder, "nothing", NULL);
	g_autofree char *text = g_build_filename(room.folder, "text", NULL);

	assert_refused(nothing, FORGE_ERROR_VALIDATION_FAILED);
	assert_refused(room.folder, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_true(g_file_set_contents(text, "{\"seq\": 1}\nmore and more of it\n", -1, NULL));
	assert_refused(text, FORGE_ERROR_JOURNAL_DAMAGED);
}

/* ---- the place of a journal --------------------------------------------------------------- */

static void put_file(const char *folder, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void assert_file(const char *folder, const char *name, const char *text)
{
	g_autofree char *data = NULL;
	gsize size;

	journal_fixture_read_file(folder, name, &data, &size);
	g_assert_cmpstr(data, ==, text);
}

static void new_folder_takes_the_place_of_the_old_which_is_kept(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	g_autofree char *folder = g_build_filename(room.folder, "journal", NULL);

	for (int round = 0; round < 3; round++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *replaced = NULL;
		g_autofree char *text = g_strdup_printf("%d", round);
		scoped(journal_place) place = NULL;

		if (round > 0) {
			g_assert_null(journal_place_new(folder, "test", FALSE, &error));
			g_assert_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS);
			g_clear_error(&error);
		}
		place = journal_place_new(folder, "test", round > 0, &error);
		g_assert_no_error(error);
		put_file(journal_place_aside(place), "f", text);
		g_assert_true(journal_place_put(place, &replaced, &error));
		assert_file(folder, "f", text);
		g_assert_cmpint(replaced != NULL, ==, round > 0);
		if (replaced) {
			g_autofree char *old = g_strdup_printf("%d", round - 1);

			assert_file(replaced, "f", old);
		}
	}
}

static void folder_that_was_not_put_in_place_goes_and_changes_nothing(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	g_autofree char *folder = g_build_filename(room.folder, "journal", NULL);
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	scoped(journal_place) place = NULL;
	scoped(journal) journal = journal_fixture_open(folder, JOURNAL_WRITE);

	journal_fixture_append(journal, 3, 10);
	g_clear_pointer(&journal, journal_close);
	before = journal_fixture_digest(room.folder);
	place = journal_place_new(folder, "test", TRUE, NULL);
	g_assert_nonnull(place);
	put_file(journal_place_aside(place), "f", "half");
	g_clear_pointer(&place, journal_place_free);
	after = journal_fixture_digest(room.folder);
	g_assert_cmpstr(before, ==, after);
}

static void journal_that_is_written_to_is_not_replaced(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	scoped(journal_place) place = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_null(journal_place_new(room.folder, "test", TRUE, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_HELD);
	g_clear_error(&error);
	g_clear_pointer(&journal, journal_close);
	/* And nobody may begin to write while it is replaced. */
	place = journal_place_new(room.folder, "test", TRUE, &error);
	g_assert_no_error(error);
	journal_fixture_assert_refused(room.folder, JOURNAL_WRITE, FORGE_ERROR_JOURNAL_HELD);
}

static void what_a_crash_left_aside_is_made_over_unless_somebody_is_at_it(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	g_autofree char *folder = g_build_filename(room.folder, "journal", NULL);
	g_autofree char *aside = g_strconcat(folder, ".making", NULL);
	g_autoptr(GError) error = NULL;
	scoped(journal) making = journal_fixture_open(aside, JOURNAL_WRITE);
	scoped(journal_place) place = NULL;
	g_autoptr(GPtrArray) files = NULL;

	g_assert_null(journal_place_new(folder, "test", FALSE, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_HELD);
	g_clear_error(&error);
	g_clear_pointer(&making, journal_close);
	place = journal_place_new(folder, "test", FALSE, &error);
	g_assert_no_error(error);
	files = journal_fixture_files(journal_place_aside(place));
	g_assert_cmpuint(files->len, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/journal_backup/" #name, name)
	CLAIM(backup_beside_a_writer_holds_what_was_durable_and_changes_no_file);
	CLAIM(taken_name_is_refused_and_nothing_else_is_left);
	CLAIM(disk_that_is_full_leaves_no_part_of_a_backup);
	CLAIM(any_changed_byte_is_noticed);
	CLAIM(any_cut_and_any_addition_is_noticed);
	CLAIM(what_is_no_backup_is_refused);
#undef CLAIM
#define CLAIM(name) g_test_add_func("/journal_place/" #name, name)
	CLAIM(new_folder_takes_the_place_of_the_old_which_is_kept);
	CLAIM(folder_that_was_not_put_in_place_goes_and_changes_nothing);
	CLAIM(journal_that_is_written_to_is_not_replaced);
	CLAIM(what_a_crash_left_aside_is_made_over_unless_somebody_is_at_it);
#undef CLAIM
	return g_test_run();
}
