/*
 * A journal in a folder: who may write, what a kill, a full disk or damage leaves, and that nothing
 * is lost in silence.
 *
 * What a killed writer leaves is a copy of the folder made while it is open. Damage is drawn at
 * random; --seed repeats a run, -m slow makes it longer. Called with --append FOLDER the program is
 * the writer that gets killed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/journal_rocksdb.h"
#include "journal/mark.h"
#include "tests/unit/removal.h"
#include "tests/unit/turn.h"

static char *make_folder(void)
{
	char *folder = g_dir_make_tmp("journal-XXXXXX", NULL);

	g_assert_nonnull(folder);
	return folder;
}

/* A folder of the test's, removed with the scope. */
struct room {
	char *folder;
};

static void room_clear(struct room *room)
{
	remove_all(room->folder);
	g_free(room->folder);
}
SCOPED_VALUE(room, room_clear)

static struct journal *open_journal(const char *folder, enum journal_mode mode)
{
	g_autoptr(GError) error = NULL;
	struct journal *journal = journal_rocksdb_open(folder, mode, "test", &error);

	g_assert_no_error(error);
	return journal;
}

static void assert_refused(const char *folder, enum journal_mode mode, enum forge_error code)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(journal_rocksdb_open(folder, mode, "test", &error));
	g_assert_error(error, FORGE_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, folder));
}

static struct journal_position append(struct journal *journal, size_t events, size_t size)
{
	scoped(turn) turn = turn_of_size(events, size);
	g_autoptr(GError) error = NULL;
	struct journal_position end;

	journal_append(journal, journal_end(journal).seq, &turn->entries, &end, &error);
	g_assert_no_error(error);
	return end;
}

/* Reads all of JOURNAL; the positions after each record. NULL if that fails with JOURNAL_DAMAGED.
 */
static GArray *read_all(struct journal *journal)
{
	g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct journal_position));
	g_autoptr(GError) error = NULL;
	scoped(journal_reader) reader = journal_read(journal, 1, &error);
	struct journal_record record;
	enum journal_read_result result;

	while ((result = journal_reader_next(reader, &record, &error)) == JOURNAL_READ_RECORD) {
		struct journal_position position = {record.last_seq, record.hash};

		g_array_append_val(positions, position);
	}
	if (result == JOURNAL_READ_END)
		return g_steal_pointer(&positions);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
	return NULL;
}

static void list_files(const char *folder, const char *below, GPtrArray *files)
{
	g_autofree char *path = g_build_filename(folder, below, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *inner = *below ? g_build_filename(below, name, NULL)
						: g_strdup(name);
		g_autofree char *full = g_build_filename(folder, inner, NULL);

		if (g_file_test(full, G_FILE_TEST_IS_DIR))
			list_files(folder, inner, files);
		else if (!g_str_equal(inner, "lock"))
			g_ptr_array_add(files, g_steal_pointer(&inner));
	}
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The relative paths of all files in FOLDER but the lock, sorted. */
static GPtrArray *files_of(const char *folder)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);

	list_files(folder, "", files);
	g_ptr_array_sort(files, by_name);
	return files;
}

static void read_file(const char *folder, const char *name, char **data, gsize *size)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_get_contents(path, data, size, NULL));
}

/* Names and contents of every file but the lock, in one digest. */
static char *digest_of(const char *folder)
{
	g_autoptr(GPtrArray) files = files_of(folder);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

	for (guint i = 0; i < files->len; i++) {
		g_autofree char *data = NULL;
		gsize size;

		read_file(folder, files->pdata[i], &data, &size);
		g_checksum_update(checksum, files->pdata[i], -1);
		g_checksum_update(checksum, (const guchar *)data, (gssize)size);
	}
	return g_strdup(g_checksum_get_string(checksum));
}

static void copy_folder(const char *from, const char *to)
{
	g_autoptr(GPtrArray) files = files_of(from);

	for (guint i = 0; i < files->len; i++) {
		g_autofree char *path = g_build_filename(to, files->pdata[i], NULL);
		g_autofree char *parent = g_path_get_dirname(path);
		g_autofree char *data = NULL;
		gsize size;

		read_file(from, files->pdata[i], &data, &size);
		g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
		g_assert_true(g_file_set_contents_full(
			path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	}
}

/* ---- who may write ---- */

static void folder_belongs_to_its_owner_alone(void)
{
	scoped_value(room) room = {make_folder()};
	g_autofree char *folder = g_build_filename(room.folder, "state", "journal", NULL);
	scoped(journal) journal = open_journal(folder, JOURNAL_WRITE);
	struct stat status;

	g_assert_cmpint(stat(folder, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 0777, ==, 0700);
	g_assert_cmpuint(journal_bytes(journal), >, 0);
}

static void second_writer_is_refused_and_told_who_holds_it(void)
{
	scoped_value(room) room = {make_folder()};
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);
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
	journal = open_journal(room.folder, JOURNAL_WRITE);
}

struct waiters {
	const char *folder;
	gint stop;
};

static gpointer wait_again_and_again(gpointer data)
{
	struct waiters *waiters = data;
	gboolean watched = TRUE;

	while (watched && !g_atomic_int_get(&waiters->stop))
		watched = journal_rocksdb_wait_free(waiters->folder);
	return GINT_TO_POINTER(watched);
}

static void waiters_keep_no_writer_out(void)
{
	scoped_value(room) room = {make_folder()};
	struct waiters waiters = {.folder = room.folder};
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);
	GThread *threads[3];

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("waiter", wait_again_and_again, &waiters);
	for (int i = 0; i < 20; i++) {
		g_clear_pointer(&journal, journal_close);
		journal = open_journal(room.folder, JOURNAL_WRITE);
	}
	g_atomic_int_set(&waiters.stop, 1);
	g_clear_pointer(&journal, journal_close);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_nonnull(g_thread_join(threads[i]));
}

static void reader_beside_a_writer_changes_no_file(void)
{
	scoped_value(room) room = {make_folder()};
	scoped(journal) writer = open_journal(room.folder, JOURNAL_WRITE);
	scoped(turn) turn = turn_new(1, "x");
	g_autoptr(GError) error = NULL;
	struct journal_position end;

	for (int i = 0; i < 10; i++)
		end = append(writer, 3, 100);
	g_autofree char *before = digest_of(room.folder);
	scoped(journal) reader = open_journal(room.folder, JOURNAL_READ_ONLY);
	g_autoptr(GArray) positions = read_all(reader);
	struct journal_position seen = journal_end(reader);
	g_autofree char *after = digest_of(room.folder);

	g_assert_cmpstr(before, ==, after);
	g_assert_cmpuint(positions->len, ==, 10);
	g_assert_true(hash_equal(&seen.hash, &end.hash));
	g_assert_false(journal_append(reader, 30, &turn->entries, &end, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED);

	append(writer, 1, 100);
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
		g_autoptr(GArray) positions = read_all(journal);
		g_assert_nonnull(positions);
	}
	return NULL;
}

static void readers_never_see_a_half_replaced_file(void)
{
	scoped_value(room) room = {make_folder()};
	scoped(journal) writer = open_journal(room.folder, JOURNAL_WRITE);
	GThread *reader;

	append(writer, 1, 10);
	reader = g_thread_new("reader", open_to_read_often, room.folder);
	/* Large records, so that files are written, moved and removed all the time. */
	for (int i = 0; i < 60; i++)
		append(writer, 2, 100 * 1000);
	g_thread_join(reader);
}

static void journal_that_is_not_there_is_not_made_to_be_read(void)
{
	scoped_value(room) room = {make_folder()};
	g_autoptr(GPtrArray) files = NULL;

	assert_refused(room.folder, JOURNAL_READ_ONLY, FORGE_ERROR_FAILED);
	files = files_of(room.folder);
	g_assert_cmpuint(files->len, ==, 0);
}

/* ---- what a kill or a full disk leaves ---- */

static int append_until_killed(const char *folder)
{
	scoped(journal) journal = journal_rocksdb_open(folder, JOURNAL_WRITE, "writer", NULL);

	for (int i = 0; journal && i < 100000; i++) {
		struct journal_position end = append(journal, (size_t)(i % 5) + 1, 200);

		printf("%" G_GUINT64_FORMAT "\n", end.seq);
		fflush(stdout);
	}
	return 1;
}

/* Starts a writer on FOLDER, kills it after it has acknowledged LINES appends; the last sequence it
 * acknowledged. */
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
	scoped_value(room) room = {make_folder()};

	for (int round = 0; round < 8; round++) {
		uint64_t acknowledged = kill_writer_after(
			room.folder, g_test_rand_int_range(1, 300));
		scoped(journal) journal = NULL;

		g_assert_cmpuint(acknowledged, >, 0);
		if (round % 2 == 0)
			continue; /* killed again on what a kill left */
		journal = open_journal(room.folder, JOURNAL_WRITE);
		g_autoptr(GArray) positions = read_all(journal);
		g_assert_nonnull(positions);
		g_assert_cmpuint(journal_end(journal).seq, >=, acknowledged);
	}
}

static void full_disk_fails_appends_until_opened_again(void)
{
	scoped_value(room) room = {make_folder()};
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);
	scoped(turn) turn = turn_of_size(10, 1000);
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
	journal = open_journal(room.folder, JOURNAL_WRITE);
	g_assert_cmpuint(journal_end(journal).seq, >=, end.seq);
	append(journal, 1, 10);
}

static void disk_that_is_full_at_opening_is_told(void)
{
	scoped_value(room) room = {make_folder()};
	scoped(journal) journal = NULL;
	struct rlimit before, full;

	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	full = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &full), ==, 0);
	journal = journal_rocksdb_open(room.folder, JOURNAL_WRITE, "test", NULL);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	g_assert_null(journal);
	journal = open_journal(room.folder, JOURNAL_WRITE);
	append(journal, 1, 10);
}

static void making_that_was_interrupted_is_done_again(void)
{
	scoped_value(room) room = {make_folder()};
	g_autofree char *records = g_build_filename(room.folder, "records", NULL);
	g_autofree char *aside = g_build_filename(room.folder, "records.new", NULL);
	g_autofree char *clean = g_build_filename(room.folder, "clean", NULL);
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);

	g_clear_pointer(&journal, journal_close);
	g_assert_cmpint(unlink(clean), ==, 0);
	g_assert_cmpint(rename(records, aside), ==, 0);
	journal = open_journal(room.folder, JOURNAL_WRITE);
	g_assert_cmpuint(append(journal, 2, 10).seq, ==, 2);
	g_assert_false(g_file_test(aside, G_FILE_TEST_EXISTS));
}

/* ---- missing and damaged ---- */

/* Both ways of opening FOLDER say JOURNAL_DAMAGED and change nothing. */
static void assert_damaged_and_untouched(const char *folder)
{
	g_autofree char *before = digest_of(folder);

	assert_refused(folder, JOURNAL_READ_ONLY, FORGE_ERROR_JOURNAL_DAMAGED);
	assert_refused(folder, JOURNAL_WRITE, FORGE_ERROR_JOURNAL_DAMAGED);
	g_autofree char *after = digest_of(folder);
	g_assert_cmpstr(before, ==, after);
}

static void journal_longer_than_its_mark_is_taken_whole(void)
{
	scoped_value(room) room = {make_folder()};
	scoped_value(room) later = {make_folder()};
	g_autofree char *mark = g_build_filename(room.folder, "mark", NULL);
	g_autofree char *mark_later = g_build_filename(later.folder, "mark", NULL);
	g_autofree char *old = NULL;
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);
	gsize size;

	append(journal, 4, 10);
	g_assert_true(g_file_get_contents(mark, &old, &size, NULL));
	append(journal, 4, 10);
	append(journal, 4, 10);
	copy_folder(room.folder, later.folder);
	g_assert_true(g_file_set_contents(mark_later, old, (gssize)size, NULL));

	scoped(journal) opened = open_journal(later.folder, JOURNAL_WRITE);
	g_assert_cmpuint(journal_end(opened).seq, ==, 12);
	scoped(mark) caught_up = mark_open(mark_later, FALSE, NULL);
	g_assert_cmpuint(mark_value(caught_up)->position.seq, ==, 12);
}

static void journal_shorter_than_its_mark_is_refused(void)
{
	scoped_value(room) room = {make_folder()};
	scoped_value(room) old = {make_folder()};
	g_autofree char *mark = g_build_filename(room.folder, "mark", NULL);
	g_autofree char *mark_old = g_build_filename(old.folder, "mark", NULL);
	g_autofree char *new = NULL;
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);
	gsize size;

	append(journal, 4, 10);
	copy_folder(room.folder, old.folder);
	append(journal, 4, 10);
	g_assert_true(g_file_get_contents(mark, &new, &size, NULL));
	g_assert_true(g_file_set_contents(mark_old, new, (gssize)size, NULL));
	assert_damaged_and_untouched(old.folder);
}

static void missing_mark_or_missing_records_are_refused(void)
{
	scoped_value(room) no_mark = {make_folder()};
	scoped_value(room) no_records = {make_folder()};
	g_autofree char *mark = g_build_filename(no_mark.folder, "mark", NULL);
	g_autofree char *records = g_build_filename(no_records.folder, "records", NULL);
	scoped(journal) journal = open_journal(no_mark.folder, JOURNAL_WRITE);

	append(journal, 4, 10);
	g_clear_pointer(&journal, journal_close);
	copy_folder(no_mark.folder, no_records.folder);
	g_assert_cmpint(unlink(mark), ==, 0);
	remove_all(records);
	assert_damaged_and_untouched(no_mark.folder);
	assert_damaged_and_untouched(no_records.folder);
}

static void records_of_another_journal_are_refused(void)
{
	scoped_value(room) one = {make_folder()};
	scoped_value(room) two = {make_folder()};
	g_autofree char *mark_one = g_build_filename(one.folder, "mark", NULL);
	g_autofree char *mark_two = g_build_filename(two.folder, "mark", NULL);
	scoped(journal) journal = open_journal(one.folder, JOURNAL_WRITE);

	append(journal, 4, 10);
	g_clear_pointer(&journal, journal_close);
	journal = open_journal(two.folder, JOURNAL_WRITE);
	append(journal, 4, 10);
	g_clear_pointer(&journal, journal_close);
	g_assert_cmpint(rename(mark_one, mark_two), ==, 0);
	assert_damaged_and_untouched(two.folder);
}

static void fork_of_the_same_journal_is_refused(void)
{
	scoped_value(room) room = {make_folder()};
	scoped_value(room) fork = {make_folder()};
	g_autofree char *mark = g_build_filename(room.folder, "mark", NULL);
	g_autofree char *mark_fork = g_build_filename(fork.folder, "mark", NULL);
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);
	scoped(journal) forked = NULL;

	append(journal, 4, 10);
	copy_folder(room.folder, fork.folder);
	append(journal, 4, 11);
	forked = open_journal(fork.folder, JOURNAL_WRITE);
	append(forked, 4, 12);
	append(forked, 4, 12);
	g_clear_pointer(&journal, journal_close);
	g_clear_pointer(&forked, journal_close);
	g_assert_cmpint(rename(mark, mark_fork), ==, 0);
	assert_damaged_and_untouched(fork.folder);
}

static void checkpoint_of_another_history_is_not_loaded(void)
{
	scoped_value(room) room = {make_folder()};
	scoped_value(room) fork = {make_folder()};
	g_autofree char *checkpoint = g_build_filename(room.folder, "checkpoint-8", NULL);
	g_autofree char *checkpoint_fork = g_build_filename(fork.folder, "checkpoint-8", NULL);
	g_autofree char *contents = NULL;
	g_autoptr(GBytes) blob = g_bytes_new_static("state", 5);
	g_autoptr(GBytes) own = NULL;
	scoped(journal) journal = open_journal(room.folder, JOURNAL_WRITE);
	scoped(journal) forked = NULL;
	uint64_t seq;
	gsize size;

	append(journal, 4, 10);
	copy_folder(room.folder, fork.folder);
	append(journal, 4, 11);
	g_assert_true(journal_save_checkpoint(journal, 8, "t", blob, NULL));
	own = journal_load_checkpoint(journal, "t", &seq);
	g_assert_nonnull(own);

	forked = open_journal(fork.folder, JOURNAL_WRITE);
	append(forked, 4, 12);
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
		scoped(journal) journal = open_journal(folder, JOURNAL_WRITE);

		for (int i = 0; i < 20; i++)
			append(journal, (size_t)g_test_rand_int_range(1, 6),
				(size_t)g_test_rand_int_range(10, 300));
		g_assert_true(journal_save_checkpoint(
			journal, journal_end(journal).seq, "t", blob, NULL));
	}
}

/* Flips a bit of, shortens, or removes one file under FOLDER; returns what was done. */
static char *damage(const char *folder)
{
	g_autoptr(GPtrArray) files = files_of(folder);
	const char *name = files->pdata[g_test_rand_int_range(0, (gint32)files->len)];
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *data = NULL;
	gint32 size, at;
	gsize length;

	read_file(folder, name, &data, &length);
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

/* RIGHT are the positions of the undamaged journal; the mark as it is now says how many must be
 * there at least. */
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
	scoped_value(room) copy = {make_folder()};
	g_autofree char *mark_path = g_build_filename(copy.folder, "mark", NULL);
	g_autofree char *what = NULL;
	g_autofree char *before = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) found = NULL;
	scoped(mark) mark = NULL;
	scoped(journal) journal = NULL;

	copy_folder(folder, copy.folder);
	what = damage(copy.folder);
	g_test_message("%s", what);
	before = digest_of(copy.folder);
	mark = mark_open(mark_path, FALSE, NULL);
	journal = journal_rocksdb_open(copy.folder, JOURNAL_WRITE, "test", &error);
	if (!journal) {
		g_autofree char *after = digest_of(copy.folder);

		g_test_message("%s", error->message);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
		g_assert_cmpstr(before, ==, after);
		return TRUE;
	}
	g_assert_nonnull(mark);
	found = read_all(journal);
	/* After a clean stop old records are checked when they are read, not before. */
	if (!found)
		g_assert_true(clean);
	else
		assert_prefix(journal, found, right, mark_value(mark)->position.seq, what);
	return !found;
}

static void damage_is_refused_or_harmless(gconstpointer is_clean)
{
	gboolean clean = GPOINTER_TO_INT(is_clean);
	int rounds = g_test_slow() ? 1500 : 120, refused = 0;
	scoped_value(room) room = {make_folder()};
	scoped(journal) journal = NULL;
	g_autoptr(GArray) right = NULL;

	fill_journal(room.folder);
	journal = open_journal(room.folder, JOURNAL_WRITE);
	for (int i = 0; i < 20; i++)
		append(journal, 2, 100);
	right = read_all(journal);
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
	if (argc == 3 && strcmp(argv[1], "--append") == 0)
		return append_until_killed(argv[2]);

	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/journal_rocksdb/" #name, name)
	CLAIM(folder_belongs_to_its_owner_alone);
	CLAIM(second_writer_is_refused_and_told_who_holds_it);
	CLAIM(waiters_keep_no_writer_out);
	CLAIM(reader_beside_a_writer_changes_no_file);
	CLAIM(readers_never_see_a_half_replaced_file);
	CLAIM(journal_that_is_not_there_is_not_made_to_be_read);
	CLAIM(killed_writer_loses_nothing_it_acknowledged);
	CLAIM(full_disk_fails_appends_until_opened_again);
	CLAIM(disk_that_is_full_at_opening_is_told);
	CLAIM(making_that_was_interrupted_is_done_again);
	CLAIM(journal_longer_than_its_mark_is_taken_whole);
	CLAIM(journal_shorter_than_its_mark_is_refused);
	CLAIM(missing_mark_or_missing_records_are_refused);
	CLAIM(records_of_another_journal_are_refused);
	CLAIM(fork_of_the_same_journal_is_refused);
	CLAIM(checkpoint_of_another_history_is_not_loaded);
#undef CLAIM
	g_test_add_data_func("/journal_rocksdb/damage_after_a_kill_is_refused_or_harmless",
		GINT_TO_POINTER(FALSE), damage_is_refused_or_harmless);
	g_test_add_data_func("/journal_rocksdb/damage_after_a_clean_stop_is_refused_or_harmless",
		GINT_TO_POINTER(TRUE), damage_is_refused_or_harmless);
	return g_test_run();
}
