#ifndef FORGE_TESTS_BENCH_RAW_DISK_H
#define FORGE_TESTS_BENCH_RAW_DISK_H

#include <glib.h>

#include "journal/base/scope.h"

/** The least that a durable write can cost on this disk: a file, and RocksDB as the journal uses it. */
struct raw_disk;

struct raw_disk *raw_disk_new(void);
void raw_disk_free(struct raw_disk *disk);
SCOPED_POINTER(raw_disk, raw_disk_free)

/** Appends BYTES to a file and syncs it with fdatasync(); returns how long that took. */
gint64 raw_disk_append_ns(struct raw_disk *disk, size_t bytes);

/** Puts a value of BYTES into RocksDB, synced; returns how long that took. */
gint64 raw_disk_put_ns(struct raw_disk *disk, size_t bytes);

/** Records of the journal in FORGE_HOME: how many, and their bytes together. May be in use. */
void raw_disk_measure_journal(const char *home, guint64 *n_records, guint64 *bytes);

#endif
