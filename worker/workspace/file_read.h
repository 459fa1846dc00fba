#ifndef FORGE_WORKER_WORKSPACE_FILE_READ_H
#define FORGE_WORKER_WORKSPACE_FILE_READ_H

#include <glib.h>
#include <stdint.h>
#include <sys/stat.h>

/**
 * The content of the file, or the target of the symlink, NAME in the directory FD, read between two
 * equal looks at it: *STATUS. No symlink is followed. PATH is for messages. TOO_LARGE past
 * BYTES_MAX, BUSY if it changed LIMIT_FILE_READ_TRIES times or is not there, else as
 * file_read_error(). Caller unrefs.
 */
GBytes *file_read_at(int fd, const char *name, const char *path, uint64_t bytes_max,
	struct stat *status, GError **error);

/** git's mode of a file or symlink: 100644, 100755 or 120000 (octal). */
uint32_t file_read_mode(const struct stat *status);

/** Sets ERROR to `PATH: WHAT: …` for the error number FAILURE: PERMISSION_DENIED, VALIDATION_FAILED
 * (not there), BUSY (changed meanwhile) or CACHE_UNUSABLE (the disk). Returns FALSE. */
gboolean file_read_error(GError **error, int failure, const char *path, const char *what);

#endif
