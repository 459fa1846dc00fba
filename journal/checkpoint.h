#ifndef FORGE_JOURNAL_CHECKPOINT_H
#define FORGE_JOURNAL_CHECKPOINT_H

#include "journal/journal.h"

/** A tag names build and fold version in fewer bytes than this. */
#define CHECKPOINT_TAG_BYTES 64

/**
 * Writes BLOB, the state at POSITION of the journal JOURNAL_ID, as a checkpoint into FOLDER and
 * removes older ones. Errors: TOO_LARGE (over LIMIT_CHECKPOINT_BYTES), and as folder_write().
 */
gboolean checkpoint_save(const char *folder, const char *journal_id,
	const struct journal_position *position, const char *tag, GBytes *blob, GError **error);

/**
 * The newest whole checkpoint in FOLDER of the journal JOURNAL_ID with TAG at or before SEQ_MAX,
 * and its POSITION. NULL if there is none; whatever does not fit is passed over.
 */
GBytes *checkpoint_load(const char *folder, const char *journal_id, const char *tag,
	uint64_t seq_max, struct journal_position *position);

#endif
