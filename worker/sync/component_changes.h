#ifndef FORGE_WORKER_SYNC_COMPONENT_CHANGES_H
#define FORGE_WORKER_SYNC_COMPONENT_CHANGES_H

#include <glib.h>

#include "worker/document/document_diff.h"

/**
 * What changed between the root trees FROM and TO (hexadecimal ids; empty: nothing there) of the
 * workspace at ROOT, file by file, sorted by path: a GPtrArray of struct file_change.
 * BROKEN_REPOSITORY. Caller unrefs.
 */
GPtrArray *component_changes(const char *root, const char *from, const char *to, GError **error);

#endif
