#ifndef FORGE_WORKER_DOCUMENT_FILE_MERGE_EDITS_H
#define FORGE_WORKER_DOCUMENT_FILE_MERGE_EDITS_H

#include <glib.h>

#include "journal/base/document_text.h"
#include "journal/base/value.h"

/**
 * The edits (GPtrArray of struct document_edit, caller unrefs) that make WANTED of PRESENT,
 * smallest first: a member is set, added or removed rather than its map replaced, an item likewise.
 * Text is taken over from SOURCES (N documents, in order of preference) where they hold the value
 * at the same place; they must outlive the edits.
 */
GPtrArray *file_merge_edits(const struct value *present, const struct value *wanted,
	const struct document_text *const *sources, size_t n);

#endif
