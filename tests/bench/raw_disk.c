/*
 * The limits of everything that is durable. RocksDB is asked through the journal's own door, so its
 * options are the same on both sides.
 */
#include "tests/bench/raw_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include "journal/base/hash.h"
#include "journal/rocksdb_records.h"
#include "tests/bench/figure.h"
#include "tests/unit/removal.h"

struct raw_disk {
	char *folder;
	int descriptor;
	struct rocksdb_records *records;
	guint64 seq;
	GByteArray *value;
};

struct raw_disk *raw_disk_new(void)
{
	struct raw_disk *disk = g_new0(struct raw_disk, 1);
	g_autofree char *path = NULL;
	g_autofree char *records = NULL;
	g_autoptr(GBytes) head = g_bytes_new_static("head", 4);

	disk->folder = g_dir_make_tmp("bench-disk-XXXXXX", NULL);
	path = g_build_filename(disk->folder, "file", NULL);
	records = g_build_filename(disk->folder, "records", NULL);
	disk->descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	g_assert_cmpint(disk->descriptor, >=, 0);
	g_assert_true(rocksdb_records_make(records, head, NULL));
	disk->records = rocksdb_records_open(records, TRUE, NULL);
	g_assert_nonnull(disk->records);
	disk->value = g_byte_array_new();
	return disk;
}

void raw_disk_free(struct raw_disk *disk)
{
	if (!disk)
		return;
	close(disk->descriptor);
	rocksdb_records_close(disk->records);
	remove_all(disk->folder);
	g_byte_array_unref(disk->value);
	g_free(disk->folder);
	g_free(disk);
}

/* Random, so that no layer below gets rid of it. */
static void make_value(struct raw_disk *disk, size_t bytes)
{
	if (disk->value->len == bytes)
		return;
	g_byte_array_set_size(disk->value, (guint)bytes);
	hash_random(disk->value->data, bytes);
}

gint64 raw_disk_append_ns(struct raw_disk *disk, size_t bytes)
{
	gint64 start_ns;

	make_value(disk, bytes);
	start_ns = figure_now_ns();
	g_assert_cmpint(write(disk->descriptor, disk->value->data, bytes), ==, (gssize)bytes);
	g_assert_cmpint(fdatasync(disk->descriptor), ==, 0);
	return figure_now_ns() - start_ns;
}

gint64 raw_disk_put_ns(struct raw_disk *disk, size_t bytes)
{
	gint64 start_ns;

	make_value(disk, bytes);
	start_ns = figure_now_ns();
	g_assert_true(rocksdb_records_put(
		disk->records, ++disk->seq, disk->value->data, disk->value->len, NULL));
	return figure_now_ns() - start_ns;
}

void raw_disk_measure_journal(const char *home, guint64 *n_records, guint64 *bytes)
{
	g_autofree char *path = g_build_filename(home, "journal", "records", NULL);
	struct rocksdb_records *records = rocksdb_records_open(path, FALSE, NULL);
	struct rocksdb_cursor *cursor;
	const uint8_t *value;
	size_t size;

	g_assert_nonnull(records);
	*n_records = *bytes = 0;
	cursor = rocksdb_cursor_new(records);
	rocksdb_cursor_seek(cursor, 1);
	while (rocksdb_cursor_next(cursor, &value, &size, NULL) == JOURNAL_READ_RECORD) {
		(*n_records)++;
		*bytes += size;
	}
	rocksdb_cursor_free(cursor);
	rocksdb_records_close(records);
}
