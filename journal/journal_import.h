#ifndef FORGE_JOURNAL_JOURNAL_IMPORT_H
#define FORGE_JOURNAL_JOURNAL_IMPORT_H

#include "journal/journal.h"

/** An export (`journal export`: an event a line) as it is found. */
struct journal_import {
	const char *path;   /**< borrowed */
	struct hash digest; /**< of its lines: H(digest before, at first zeros ‖ line) */
	uint64_t lines;
	uint64_t first_seq; /**< what it begins with */
};

/**
 * Reads all of the file PATH for its digest and its first line. Errors: VALIDATION_FAILED (no file,
 * no event in it), PERMISSION_DENIED.
 */
gboolean journal_import_look(const char *path, struct journal_import *import, GError **error);

/** Where a journal JOURNAL_ID begins that is filled with IMPORT: the
 * same sequences, and a chain that begins with the digest. */
struct journal_front journal_import_front(
	const char *journal_id, const struct journal_import *import);

/**
 * Appends IMPORT's events to JOURNAL, which was made for it and is empty, with the sequences and
 * times they have, and after them journal_imported at NOW_US; names the newest whole base among
 * them. Errors: VALIDATION_FAILED (`FILE:LINE: …`: not what an export of this version has, or a
 * sequence that does not follow), and those of journal_append().
 */
gboolean journal_import_run(struct journal *journal, const struct journal_import *import,
	uint64_t now_us, GError **error);

#endif
