#ifndef FORGE_CLI_JOURNAL_NAMED_H
#define FORGE_CLI_JOURNAL_NAMED_H

#include "cli/invocation.h"
#include "journal/journal.h"

/* Journals that commands are pointed at, by folder or backup. */

/** Argument AT, or the folder of the configured journal. NULL on error. Caller frees. */
char *journal_named(struct invocation *invocation, guint at, GError **error);

/** Opens the journal in the folder PATH, or the backup that PATH is, to be read. */
struct journal *journal_named_read(const char *path, GError **error);

/** Opens the journal in FOLDER, which must be there, to be changed by the command PURPOSE. */
struct journal *journal_named_write(const char *folder, const char *purpose, GError **error);

/** Bytes of the files that the journal in FOLDER keeps its records in. */
uint64_t journal_named_bytes(const char *folder);

#endif
