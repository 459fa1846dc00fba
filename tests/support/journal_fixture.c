/*
 * What tests of the journal in a folder share: folders that go with their scope, journals that must
 * open, records of a wanted size, and the bytes of a folder, to see that nobody touched them.
 *
 * The lock is left out of everything that looks at files: a writer's name is written into it
 * even where the journal is then refused.
 */
#include "tests/support/journal_fixture.h"

#include <string.h>

#include "tests/unit/removal.h"
#include "tests/unit/sample_turn.h"

struct journal_fixture journal_fixture_make(void)
{
	struct journal_fixture fixture = {g_dir_make_tmp("journal-XXXXXX", NULL)};

	g_assert_nonnull(fixture.folder);
	return fixture;
}

void journal_fixture_clear(struct journal_fixture *fixture)
{
	remove_all(fixture->folder);
	g_free(fixture->folder);
}

struct journal *journal_fixture_open(const char *folder, enum journal_mode mode)
{
	g_autoptr(GError) error = NULL;
	struct journal *journal = journal_rocksdb_open(folder, mode, "test", &error);

	g_assert_no_error(error);
	return journal;
}

void journal_fixture_assert_refused(
	const char *folder, enum journal_mode mode, enum forge_error code)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(journal_rocksdb_open(folder, mode, "test", &error));
	g_assert_error(error, FORGE_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, folder));
}

struct journal_position journal_fixture_append(struct journal *journal, size_t events, size_t size)
{
	scoped(sample_turn) turn = sample_turn_of_size(events, size);
	g_autoptr(GError) error = NULL;
	struct journal_position end;

	journal_append(journal, journal_end(journal).seq, &turn->entries, &end, &error);
	g_assert_no_error(error);
	return end;
}

GArray *journal_fixture_read_all(struct journal *journal)
{
	g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(struct journal_position));
	g_autoptr(GError) error = NULL;
	scoped(journal_reader) reader = journal_read(journal, 0, &error);
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

GPtrArray *journal_fixture_files(const char *folder)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);

	list_files(folder, "", files);
	g_ptr_array_sort(files, by_name);
	return files;
}

void journal_fixture_read_file(const char *folder, const char *name, char **data, gsize *size)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_get_contents(path, data, size, NULL));
}

char *journal_fixture_digest(const char *folder)
{
	g_autoptr(GPtrArray) files = journal_fixture_files(folder);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

	for (guint i = 0; i < files->len; i++) {
		g_autofree char *data = NULL;
		gsize size;

		journal_fixture_read_file(folder, files->pdata[i], &data, &size);
		g_checksum_update(checksum, files->pdata[i], -1);
		g_checksum_update(checksum, (const guchar *)data, (gssize)size);
	}
	return g_strdup(g_checksum_get_string(checksum));
}

void journal_fixture_copy(const char *from, const char *to)
{
	g_autoptr(GPtrArray) files = journal_fixture_files(from);

	for (guint i = 0; i < files->len; i++) {
		g_autofree char *path = g_build_filename(to, files->pdata[i], NULL);
		g_autofree char *parent = g_path_get_dirname(path);
		g_autofree char *data = NULL;
		gsize size;

		journal_fixture_read_file(from, files->pdata[i], &data, &size);
		g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
		g_assert_true(g_file_set_contents_full(
			path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	}
}
