#ifndef FORGE_JOURNAL_JOURNAL_ROCKSDB_H
#define FORGE_JOURNAL_JOURNAL_ROCKSDB_H

#include "journal/journal.h"
#include "journal/journal_head.h"
#include "journal/journal_lock.h"

enum journal_mode {
	JOURNAL_WRITE,     /**< made if it is not there; takes the lock */
	JOURNAL_READ_ONLY, /**< beside a live writer too; changes no file */
};

/**
 * Opens the journal in FOLDER. After an unclean stop it is first opened read-only in point-in-time
 * mode, its chain checked and its end compared with the mark; only then for writing. Errors:
 * JOURNAL_HELD (the message names the holder; at once), JOURNAL_DAMAGED (shorter than its mark, or
 * different there; no file is touched), JOURNAL_TOO_NEW, JOURNAL_WRITE_FAILED, PERMISSION_DENIED.
 * PURPOSE is told to those who are refused.
 */
struct journal *journal_rocksdb_open(
	const char *folder, enum journal_mode mode, const char *purpose, GError **error);

/**
 * Makes a journal with HEAD in FOLDER, an empty folder that nobody uses yet, to be filled with about
 * BYTES of records: what is appended is durable once journal_settle() says so. Errors as those of
 * opening.
 */
struct journal *journal_rocksdb_make(const char *folder, const char *purpose,
	const struct journal_head *head, uint64_t bytes, GError **error);

/** TRUE if a journal, or what is left of one, is in FOLDER. */
gboolean journal_rocksdb_is_there(const char *folder);

/** TRUE if somebody holds the lock of the journal in FOLDER now. HOLDER tells who, or who was the
 * last; its purpose is "?" if that is not known. */
gboolean journal_rocksdb_holder(const char *folder, struct journal_holder *holder);

#endif
