#ifndef FORGE_JOURNAL_JOURNAL_PLACE_H
#define FORGE_JOURNAL_JOURNAL_PLACE_H

#include <glib.h>

#include "journal/base/scope.h"

/**
 * A folder that a journal is made for: made beside it, and given its name once it is whole. Until
 * then, and if that never comes, what is there stays as it is.
 */
struct journal_place;

/**
 * Begins for FOLDER, which must not be there or be empty, or with REPLACE may hold anything but a
 * journal that somebody writes to. PURPOSE is told to those who are refused meanwhile. Errors:
 * ALREADY_EXISTS, JOURNAL_HELD, PERMISSION_DENIED, JOURNAL_WRITE_FAILED.
 */
struct journal_place *journal_place_new(
	const char *folder, const char *purpose, gboolean replace, GError **error);

/** Removes what was made, unless it was put in place. */
void journal_place_free(struct journal_place *place);
SCOPED_POINTER(journal_place, journal_place_free)

/** Where to make it: an empty folder. Borrowed. */
const char *journal_place_aside(const struct journal_place *place);

/**
 * Gives what was made, which must be closed, its name, durably. *REPLACED (caller frees) is where
 * that is what was there before, which is only moved; NULL if nothing was there.
 */
gboolean journal_place_put(struct journal_place *place, char **replaced, GError **error);

#endif
