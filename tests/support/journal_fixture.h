#ifndef FORGE_TESTS_SUPPORT_JOURNAL_FIXTURE_H
#define FORGE_TESTS_SUPPORT_JOURNAL_FIXTURE_H

#include <glib.h>

#include "journal/base/errors.h"
#include "journal/journal_rocksdb.h"

/** A new folder of a test's, removed with its scope. Nothing is in it yet. */
struct journal_fixture {
	char *folder;
};

struct journal_fixture journal_fixture_make(void);
void journal_fixture_clear(struct journal_fixture *fixture);
SCOPED_VALUE(journal_fixture, journal_fixture_clear)

/* ---- journals ----------------------------------------------------------------------------- */

/** Opens the journal in FOLDER for the purpose "test", which must succeed. */
struct journal *journal_fixture_open(const char *folder, enum journal_mode mode);

/** Opening the journal in FOLDER must fail with CODE and a text that names the folder. */
void journal_fixture_assert_refused(
	const char *folder, enum journal_mode mode, enum forge_error code);

/** Appends one record of EVENTS events with SIZE letters each, which must succeed; the new end. */
struct journal_position journal_fixture_append(struct journal *journal, size_t events, size_t size);

/** Reads all of JOURNAL: a GArray of struct journal_position, the end of each record. NULL if
 * reading fails, which must be with JOURNAL_DAMAGED. Caller frees. */
GArray *journal_fixture_read_all(struct journal *journal);

/* ---- files -------------------------------------------------------------------------------- */

/** The paths of all files below FOLDER but the lock, relative to it and sorted. Caller frees. */
GPtrArray *journal_fixture_files(const char *folder);

/** Copies all files below FROM but the lock to the folder TO: what a kill at this moment leaves. */
void journal_fixture_copy(const char *from, const char *to);

/** Contents of the file NAME in FOLDER, which must be there. Caller frees. */
void journal_fixture_read_file(const char *folder, const char *name, char **data, gsize *size);

/** Names and contents of every file below FOLDER but the lock, in one digest. Caller frees. */
char *journal_fixture_digest(const char *folder);

#endif
