#ifndef FORGE_JOURNAL_MARK_H
#define FORGE_JOURNAL_MARK_H

#include "journal/journal.h"

/**
 * Where a journal was at least, kept outside of it: a journal that is shorter than its mark, or
 * different there, has lost records.
 */
struct mark;

struct mark_value {
	char journal_id[JOURNAL_ID_BYTES + 1];
	struct journal_position position;
};

/** Makes the file NAME in FOLDER with VALUE in it, durably. Errors: as folder_write(). */
gboolean mark_make(
	const char *folder, const char *name, const struct mark_value *value, GError **error);

/**
 * Opens the mark at PATH, to be written too if WRITABLE. Errors: JOURNAL_DAMAGED (not there, or
 * neither slot is whole), JOURNAL_TOO_NEW, PERMISSION_DENIED.
 */
struct mark *mark_open(const char *path, gboolean writable, GError **error);
void mark_free(struct mark *mark);
SCOPED_POINTER(mark, mark_free)

/** What it says: the newest whole slot, or what was written last. Borrowed. */
const struct mark_value *mark_value(const struct mark *mark);

/** Writes POSITION into the older slot. Seen by every process
 * at once; survives a power cut after mark_sync(). */
gboolean mark_write(struct mark *mark, const struct journal_position *position, GError **error);

gboolean mark_sync(struct mark *mark, GError **error);

#endif
