/*
 * A journal in a folder: who may write, what readers see beside a writer, and what a kill or a full
 * disk leaves. Damage is test_journal_damage.c's.
 *
 * Called with --append FOLDER the program is the writer that gets killed, after a number of appends
 * that --seed repeats.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/journal_rocksdb.h"
#include "tests/support/journal_fixture.h"
#include "tests/unit/sample_turn.h"

/* ---- who may write ------------------------------------------------------------------------ */

static void folder_belongs_to_its_owner_alone(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	g_autofree char *folder = g_build_filename(room.folder, "state", "journal", NULL);
	G_GNUC_UNUSED scoped(journal) journal = journal_fixture_open(folder, JOURNAL_WRITE);
	struct stat status;

	g_assert_cmpint(stat(folder, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 0777, ==, 0700);
}

static void second_writer_is_refused_and_told_who_holds_it(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	g_autoptr(GError) error = NULL;
	struct journal_holder holder;

	g_assert_null(journal_rocksdb_open(room.folder, JOURNAL_WRITE, "other", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_HELD);
	g_assert_nonnull(strstr(error->message, "(test)"));

	g_assert_true(journal_rocksdb_holder(room.folder, &holder));
	g_assert_cmpint(holder.pid, ==, getpid());
	g_assert_cmpstr(holder.host, ==, g_get_host_name());
	g_assert_cmpstr(holder.purpose, ==, "test");

	g_clear_pointer(&journal, journal_close);
	g_assert_false(journal_rocksdb_holder(room.folder, &holder));
	journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
}

static void reader_beside_a_writer_changes_no_file(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) writer = journal_fixture_open(room.folder, JOURNAL_WRITE);
	scoped(sample_turn) turn = sample_turn_new(1, "x");
	g_autoptr(GError) error = NULL;
	struct journal_position end;

	for (int i = 0; i < 10; i++)
		end = journal_fixture_append(writer, 3, 100);
	g_autofree char *before = journal_fixture_digest(room.folder);
	scoped(journal) reader = journal_fixture_open(room.folder, JOURNAL_READ_ONLY);
	g_autoptr(GArray) positions = journal_fixture_read_all(reader);
	struct journal_position seen = journal_end(reader);
	g_autofree char *after = journal_fixture_digest(room.folder);

	g_assert_cmpstr(before, ==, after);
	g_assert_cmpuint(positions->len, ==, 10);
	g_assert_true(hash_equal(&seen.hash, &end.hash));
	g_assert_false(journal_append(reader, 30, &turn->entries, &end, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED);

	journal_fixture_append(writer, 1, 100);
	g_assert_cmpuint(journal_end(reader).seq, ==, 30);
}

static gpointer open_to_read_often(gpointer data)
{
	uint64_t last = 0;

	for (int i = 0; i < 20; i++) {
		g_autoptr(GError) error = NULL;
		scoped(journal)
			journal = journal_rocksdb_open(data, JOURNAL_READ_ONLY, "test", &error);

		g_assert_no_error(error);
		g_assert_cmpuint(journal_end(journal).seq, >=, last);
		last = journal_end(journal).seq;
		g_autoptr(GArray) positions = journal_fixture_read_all(journal);
		g_assert_nonnull(positions);
	}
	return NULL;
}

static void readers_never_see_a_half_replaced_file(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) writer = journal_fixture_open(room.folder, JOURNAL_WRITE);
	GThread *reader;

	journal_fixture_append(writer, 1, 10);
	reader = g_thread_new("reader", open_to_read_often, room.folder);
	/* Large records, so that files are written, moved and removed all the time. */
	for (int i = 0; i < 60; i++)
		journal_fixture_append(writer, 2, 100 * 1000);
	g_thread_join(reader);
}

/* Several sorted files and a log, all of which the cut removes. */
static void reader_from_before_a_cut_reads_on(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) writer = journal_fixture_open(room.folder, JOURNAL_WRITE);
	scoped(journal) reader = NULL;
	g_autoptr(GArray) before = NULL;
	g_autoptr(GArray) after = NULL;
	g_autoptr(GArray) anew = NULL;
	uint64_t end;

	for (int i = 0; i < 60; i++)
		journal_fixture_append(writer, 3, 80 * 1000);
	end = journal_end(writer).seq;
	reader = journal_fixture_open(room.folder, JOURNAL_READ_ONLY);
	before = journal_fixture_read_all(reader);
	g_assert_true(journal_cut(writer, end - 3, end, NULL));
	g_clear_pointer(&writer, journal_close);
	after = journal_fixture_read_all(reader);
	g_assert_nonnull(after);
	g_assert_cmpuint(before->len, ==, 60);
	g_assert_cmpuint(after->len, ==, 60);
	g_clear_pointer(&reader, journal_close);
	reader = journal_fixture_open(room.folder, JOURNAL_READ_ONLY);
	anew = journal_fixture_read_all(reader);
	g_assert_cmpuint(anew->len, ==, 1);
}

static gpointer cut_often(gpointer data)
{
	struct journal *writer = data;

	for (int i = 0; i < 30; i++) {
		uint64_t before = journal_fixture_append(writer, 2, 50 * 1000).seq;
		uint64_t end = journal_fixture_append(writer, 1, 10).seq;

		g_assert_true(journal_cut(writer, before, end, NULL));
	}
	return NULL;
}

static void readers_beside_cuts_see_one_journal_or_the_next(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) writer = journal_fixture_open(room.folder, JOURNAL_WRITE);
	GThread *thread;

	journal_fixture_append(writer, 1, 10);
	thread = g_thread_new("writer", cut_often, writer);
	open_to_read_often(room.folder);
	g_thread_join(thread);
}

static void journal_that_is_not_there_is_not_made_to_be_read(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	g_autoptr(GPtrArray) files = NULL;

	journal_fixture_assert_refused(room.folder, JOURNAL_READ_ONLY, FORGE_ERROR_FAILED);
	files = journal_fixture_files(room.folder);
	g_assert_cmpuint(files->len, ==, 0);
}

/* ---- what a kill or a full disk leaves ---------------------------------------------------- */

static int append_until_killed(const char *folder)
{
	scoped(journal) journal = journal_rocksdb_open(folder, JOURNAL_WRITE, "writer", NULL);

	for (int i = 0; journal && i < 100000; i++) {
		struct journal_position end = journal_fixture_append(
			journal, (size_t)(i % 5) + 1, 200);

		printf("%" G_GUINT64_FORMAT "\n", end.seq);
		fflush(stdout);
	}
	return 1;
}

/* Starts a writer on FOLDER, kills it after it has acknowledged
 * LINES appends; the last sequence it acknowledged. */
static uint64_t kill_writer_after(const char *folder, int lines)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	const char *arguments[] = {program, "--append", folder, NULL};
	g_autoptr(GError) error = NULL;
	uint64_t last = 0;
	char line[64];
	GPid pid;
	int output;
	FILE *stream;

	g_spawn_async_with_pipes(NULL, (char **)arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
		NULL, &pid, NULL, &output, NULL, &error);
	g_assert_no_error(error);
	stream = fdopen(output, "r");
	for (int i = 0; fgets(line, sizeof(line), stream); i++) {
		/* A line torn by the kill was not told whole. */
		if (strchr(line, '\n'))
			last = g_ascii_strtoull(line, NULL, 10);
		if (i + 1 == lines)
			kill(pid, SIGKILL);
	}
	fclose(stream);
	waitpid(pid, NULL, 0);
	return last;
}

static void killed_writer_loses_nothing_it_acknowledged(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();

	for (int round = 0; round < 8; round++) {
		uint64_t acknowledged = kill_writer_after(
			room.folder, g_test_rand_int_range(1, 300));
		scoped(journal) journal = NULL;

		g_assert_cmpuint(acknowledged, >, 0);
		if (round % 2 == 0)
			continue; /* killed again on what a kill left */
		journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
		g_autoptr(GArray) positions = journal_fixture_read_all(journal);
		g_assert_nonnull(positions);
		g_assert_cmpuint(journal_end(journal).seq, >=, acknowledged);
	}
}

static void full_disk_fails_appends_until_opened_again(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	scoped(sample_turn) turn = sample_turn_of_size(10, 1000);
	struct rlimit before, full;
	struct journal_position end = {0};
	gboolean appended = TRUE;
	g_autoptr(GError) first = NULL;
	g_autoptr(GError) second = NULL;

	/* A file that may not grow is the full disk that needs no privileges. */
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	full = (struct rlimit){.rlim_cur = 300 * 1000, .rlim_max = before.rlim_max};
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &full), ==, 0);
	for (int i = 0; appended && i < 100; i++)
		appended = journal_append(
			journal, journal_end(journal).seq, &turn->entries, &end, &first);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	g_assert_false(appended);
	g_assert_error(first, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED);
	g_assert_cmpuint(end.seq, >, 0);

	/* There is room again, but what the failed append left is not known. */
	g_assert_false(journal_append(journal, end.seq, &turn->entries, &end, &second));
	g_assert_error(second, FORGE_ERROR, FORGE_ERROR_JOURNAL_WRITE_FAILED);

	g_clear_pointer(&journal, journal_close);
	journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	g_assert_cmpuint(journal_end(journal).seq, >=, end.seq);
	journal_fixture_append(journal, 1, 10);
}

static void disk_that_is_full_at_opening_is_told(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	scoped(journal) journal = NULL;
	struct rlimit before, full;

	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	full = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &full), ==, 0);
	journal = journal_rocksdb_open(room.folder, JOURNAL_WRITE, "test", NULL);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	g_assert_null(journal);
	journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	journal_fixture_append(journal, 1, 10);
}

static void making_that_was_interrupted_is_done_again(void)
{
	scoped_value(journal_fixture) room = journal_fixture_make();
	g_autofree char *records = g_build_filename(room.folder, "records", NULL);
	g_autofree char *aside = g_build_filename(room.folder, "records.new", NULL);
	g_autofree char *clean = g_build_filename(room.folder, "clean", NULL);
	scoped(journal) journal = journal_fixture_open(room.folder, JOURNAL_WRITE);

	g_clear_pointer(&journal, journal_close);
	g_assert_cmpint(unlink(clean), ==, 0);
	g_assert_cmpint(rename(records, aside), ==, 0);
	journal = journal_fixture_open(room.folder, JOURNAL_WRITE);
	g_assert_cmpuint(journal_fixture_append(journal, 2, 10).seq, ==, 2);
	g_assert_false(g_file_test(aside, G_FILE_TEST_EXISTS));
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--append") == 0)
		return append_until_killed(argv[2]);

	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/journal_rocksdb/" #name, name)
	CLAIM(folder_belongs_to_its_owner_alone);
	CLAIM(second_writer_is_refused_and_told_who_holds_it);
	CLAIM(reader_beside_a_writer_changes_no_file);
	CLAIM(readers_never_see_a_half_replaced_file);
	CLAIM(reader_from_before_a_cut_reads_on);
	CLAIM(readers_beside_cuts_see_one_journal_or_the_next);
	CLAIM(journal_that_is_not_there_is_not_made_to_be_read);
	CLAIM(killed_writer_loses_nothing_it_acknowledged);
	CLAIM(full_disk_fails_appends_until_opened_again);
	CLAIM(disk_that_is_full_at_opening_is_told);
	CLAIM(making_that_was_interrupted_is_done_again);
#undef CLAIM
	return g_test_run();
}
