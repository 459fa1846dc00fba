/*
 * The mark: what was written last counts, a torn slot never does.
 */
#include <fcntl.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/mark.h"
#include "tests/unit/removal.h"

#define SLOT_BYTES 120
#define SLOT_STRIDE 4096

static const char id[] = "00112233445566778899aabbccddeeff";

struct file {
	char *folder;
	char *path;
};

static void file_init(struct file *file)
{
	struct mark_value first = {.position = {.seq = 0}};
	g_autoptr(GError) error = NULL;

	g_strlcpy(first.journal_id, id, sizeof(first.journal_id));
	file->folder = g_dir_make_tmp("mark-XXXXXX", NULL);
	file->path = g_build_filename(file->folder, "mark", NULL);
	mark_make(file->folder, "mark", &first, &error);
	g_assert_no_error(error);
}

static void file_clear(struct file *file)
{
	remove_all(file->folder);
	g_free(file->folder);
	g_free(file->path);
}
SCOPED_VALUE(file, file_clear)

static struct journal_position position_of(uint64_t seq)
{
	return (struct journal_position){.seq = seq, .hash = hash_chain(NULL, &seq, sizeof(seq))};
}

static void write_marks(const struct file *file, uint64_t first, uint64_t last)
{
	g_autoptr(GError) error = NULL;
	scoped(mark) mark = mark_open(file->path, TRUE, &error);

	g_assert_no_error(error);
	for (uint64_t seq = first; seq <= last; seq++) {
		struct journal_position position = position_of(seq);

		g_assert_true(mark_write(mark, &position, &error));
	}
	g_assert_true(mark_sync(mark, &error));
}

static void assert_stands_at(const struct file *file, uint64_t seq)
{
	g_autoptr(GError) error = NULL;
	scoped(mark) mark = mark_open(file->path, FALSE, &error);
	struct journal_position position = position_of(seq);

	g_assert_no_error(error);
	g_assert_cmpuint(mark_value(mark)->position.seq, ==, seq);
	g_assert_cmpstr(mark_value(mark)->journal_id, ==, id);
	if (seq > 0)
		g_assert_true(hash_equal(&mark_value(mark)->position.hash, &position.hash));
}

static void assert_damaged(const struct file *file)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(mark_open(file->path, FALSE, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_JOURNAL_DAMAGED);
}

static void flip(const struct file *file, off_t offset)
{
	int descriptor = open(file->path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	g_assert_cmpint(pread(descriptor, &byte, 1, offset), ==, 1);
	byte ^= 0x10;
	g_assert_cmpint(pwrite(descriptor, &byte, 1, offset), ==, 1);
	close(descriptor);
}

static void newest_write_counts_after_reopening(void)
{
	scoped_value(file) file;

	file_init(&file);
	assert_stands_at(&file, 0);
	for (uint64_t seq = 1; seq < 6; seq++) {
		write_marks(&file, seq, seq);
		assert_stands_at(&file, seq);
	}
	write_marks(&file, 6, 9);
	assert_stands_at(&file, 9);
}

static void torn_newest_slot_leaves_the_one_before(void)
{
	scoped_value(file) file;

	file_init(&file);
	write_marks(&file, 1, 4); /* generation 4 is in slot 0, 3 in slot 1 */
	for (off_t at = 0; at < SLOT_BYTES; at++) {
		flip(&file, at);
		assert_stands_at(&file, 3);
		flip(&file, at);
	}
	assert_stands_at(&file, 4);
	flip(&file, SLOT_STRIDE + 30);
	assert_stands_at(&file, 4);
}

static void write_after_a_torn_slot_replaces_it(void)
{
	scoped_value(file) file;

	file_init(&file);
	write_marks(&file, 1, 4);
	flip(&file, 20);
	write_marks(&file, 5, 5);
	assert_stands_at(&file, 5);
	flip(&file, 20);
	assert_stands_at(&file, 3);
}

static void mark_without_a_whole_slot_is_damaged(void)
{
	scoped_value(file) file;

	file_init(&file);
	write_marks(&file, 1, 4);
	flip(&file, 20);
	flip(&file, SLOT_STRIDE + 20);
	assert_damaged(&file);
	g_assert_cmpint(truncate(file.path, 0), ==, 0);
	assert_damaged(&file);
	g_assert_cmpint(unlink(file.path), ==, 0);
	assert_damaged(&file);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/mark/newest_write_counts_after_reopening", newest_write_counts_after_reopening);
	g_test_add_func("/mark/torn_newest_slot_leaves_the_one_before",
		torn_newest_slot_leaves_the_one_before);
	g_test_add_func(
		"/mark/write_after_a_torn_slot_replaces_it", write_after_a_torn_slot_replaces_it);
	g_test_add_func(
		"/mark/mark_without_a_whole_slot_is_damaged", mark_without_a_whole_slot_is_damaged);
	return g_test_run();
}
