#ifndef FORGE_JOURNAL_JOURNAL_LOCK_H
#define FORGE_JOURNAL_JOURNAL_LOCK_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/** The right to write to the journal in a folder; goes with the process at the latest. */
struct journal_lock;

/** Who holds a journal's lock, as it wrote itself into the lock file. */
struct journal_holder {
	int64_t pid;
	char host[256];
	char purpose[128]; /**< `scheduler`, or `embedded:` and a folder */
};

/**
 * Takes the lock of the journal in FOLDER, which must be there. PURPOSE (one word) is told to those
 * who are refused. Errors: JOURNAL_HELD (at once; the message names the holder), PERMISSION_DENIED,
 * JOURNAL_WRITE_FAILED.
 */
struct journal_lock *journal_lock_take(const char *folder, const char *purpose, GError **error);
void journal_lock_free(struct journal_lock *lock);
SCOPED_POINTER(journal_lock, journal_lock_free)

/** TRUE if somebody holds the lock of the journal in FOLDER now. HOLDER tells who, or who was the
 * last; its purpose is "?" if that is not known. */
gboolean journal_lock_holder(const char *folder, struct journal_holder *holder);

#endif
