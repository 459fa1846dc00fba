#ifndef FORGE_JOURNAL_JOURNAL_BACKUP_H
#define FORGE_JOURNAL_JOURNAL_BACKUP_H

#include "journal/journal.h"

/**
 * Writes all records of JOURNAL, up to its end as it is known now, into the new file PATH, read back
 * and checked before it gets that name. JOURNAL may be one that was opened beside its writer.
 * Errors: ALREADY_EXISTS, JOURNAL_WRITE_FAILED, PERMISSION_DENIED, and those of reading; nothing is
 * left then.
 */
gboolean journal_backup_write(struct journal *journal, const char *path, GError **error);

/**
 * The backup at PATH as a journal to read. All of it is checked: every byte is under a checksum,
 * every record chained, nothing lacks and nothing follows. Errors: JOURNAL_DAMAGED,
 * JOURNAL_TOO_NEW, VALIDATION_FAILED (there is no file), PERMISSION_DENIED.
 */
struct journal *journal_backup_open(const char *path, GError **error);

/** Appends all records of BACKUP, any journal, to JOURNAL, which begins and ends where it begins. */
gboolean journal_backup_copy(struct journal *backup, struct journal *journal, GError **error);

#endif
