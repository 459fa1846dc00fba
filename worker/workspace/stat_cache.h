#ifndef FORGE_WORKER_WORKSPACE_STAT_CACHE_H
#define FORGE_WORKER_WORKSPACE_STAT_CACHE_H

#include <git2.h>
#include <glib.h>
#include <sys/stat.h>

#include "journal/base/scope.h"

/** What is known of a folder's files from the last look at it: for each path the blob, as long as
 * nothing that stat(2) tells has changed. Disposable. */
struct stat_cache;

/**
 * Opens the cache in the file PATH, whose folders are made; a damaged one counts as empty. PATH of
 * NULL, or one that cannot be written, gives a cache that knows nothing. Must be opened before the
 * files are looked at: what changes later than now is not believed next time.
 */
struct stat_cache *stat_cache_open(const char *path);

/** The blob of the file at PATH, if it is still what it was: *OID. */
gboolean stat_cache_find(
	const struct stat_cache *cache, const char *path, const struct stat *now, git_oid *oid);

/** Notes the blob of a file that was read between two equal looks at it. */
void stat_cache_note(
	struct stat_cache *cache, const char *path, const struct stat *now, const git_oid *oid);

/** Writes what was noted since it was opened, and only that; nothing if that is what the file says.
 * A cache that cannot be written costs time, no more. */
void stat_cache_save(struct stat_cache *cache);

void stat_cache_close(struct stat_cache *cache);
SCOPED_POINTER(stat_cache, stat_cache_close)

#endif
