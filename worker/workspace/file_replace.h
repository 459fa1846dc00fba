#ifndef FORGE_WORKER_WORKSPACE_FILE_REPLACE_H
#define FORGE_WORKER_WORKSPACE_FILE_REPLACE_H

#include <glib.h>

/**
 * Makes TEXT the content of the file NAME in the root of the workspace ROOT, durably: readers, and
 * who looks after a crash, see the old file or the new one. It is written as `.forge/NAME.new`
 * first; what a killed process left there is written over by the next. An existing file's
 * permissions stay. Whoever calls holds the workspace's lock. PERMISSION_DENIED, CACHE_UNUSABLE.
 */
gboolean file_replace(const char *root, const char *name, const char *text, GError **error);

#endif
