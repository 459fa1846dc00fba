#ifndef FORGE_JOURNAL_FOLDER_H
#define FORGE_JOURNAL_FOLDER_H

#include <glib.h>
#include <stddef.h>

/**
 * Sets ERROR for a system call on PATH that failed with ERRNO while doing WHAT (`write`):
 * PERMISSION_DENIED where rights are missing, else JOURNAL_WRITE_FAILED. Always FALSE.
 */
gboolean folder_error(GError **error, int error_number, const char *what, const char *path);

/** Makes FOLDER's list of files durable: names made, renamed or removed in it. */
gboolean folder_sync(const char *folder, GError **error);

/** A piece of a file's contents. */
struct folder_part {
	const void *data;
	size_t size;
};

/**
 * Writes the PART_COUNT pieces one after another as the file NAME in FOLDER, durably: after a crash
 * there is the old file or the new one. A leftover NAME.new of a crash is overwritten.
 */
gboolean folder_write(const char *folder, const char *name, const struct folder_part *parts,
	size_t part_count, GError **error);

/** Removes FOLDER with all files in it and in folders right below it; TRUE too if it is not there. */
gboolean folder_remove_all(const char *folder, GError **error);

/** Removes the file NAME from FOLDER, durably. */
gboolean folder_remove(const char *folder, const char *name, GError **error);

#endif
