#ifndef FORGE_WORKER_STORE_STORE_FILE_H
#define FORGE_WORKER_STORE_STORE_FILE_H

#include <glib.h>

/**
 * Makes SIZE bytes at DATA the content of the file PATH, all at once for whoever reads it, also
 * where several write it at the same time. Not synced to disk. CACHE_UNUSABLE.
 */
gboolean store_file_replace(const char *path, const void *data, gsize size, GError **error);

#endif
