#ifndef FORGE_WORKER_DOCUMENT_FILE_MERGE_LOCK_H
#define FORGE_WORKER_DOCUMENT_FILE_MERGE_LOCK_H

#include <glib.h>

#include "journal/base/value.h"

/** TRUE if PATH is called like a file that a package manager writes: `*-lock.yaml`, `*.lock.json`.
 */
gboolean file_merge_is_lock(const char *path);

/**
 * TRUE if OURS and THEIRS changed something in BASE that has the same name or refers to the same
 * thing; without a base (NULL) too.
 */
gboolean file_merge_is_entangled(
	const struct value *base, const struct value *ours, const struct value *theirs);

#endif
