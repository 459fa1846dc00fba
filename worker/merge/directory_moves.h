#ifndef FORGE_WORKER_MERGE_DIRECTORY_MOVES_H
#define FORGE_WORKER_MERGE_DIRECTORY_MOVES_H

#include <glib.h>

#include "journal/base/scope.h"

/**
 * Where the directories that one side removed went, judged by the files known to have moved. The
 * merge renames no directories; but git uses this to guess where a file of a moved directory is,
 * and to stop asking about files once their directory's fate is known, so it decides which renames
 * are found.
 */
struct directory_moves;

/** REMOVED: path → enum directory_relevance, borrowed; directories whose fate becomes known are
 * lowered in it. */
struct directory_moves *directory_moves_new(GHashTable *removed);
void directory_moves_free(struct directory_moves *moves);
SCOPED_POINTER(directory_moves, directory_moves_free)

/** Learns from a file that went from the path FROM to the path TO. */
void directory_moves_learn(struct directory_moves *moves, const char *from, const char *to);

/** Takes what was learnt up to now as the base of directory_moves_guess(). */
void directory_moves_fix_guesses(struct directory_moves *moves);

/** The path that the file at PATH would have if it went with its directory, or NULL. Caller frees.
 */
char *directory_moves_guess(const struct directory_moves *moves, const char *path);

/** Notes that nobody knows (yet) where the file PATH went. */
void directory_moves_note_unknown(struct directory_moves *moves, const char *path);

/** Closes the question for each directory whose majority no unknown file can change. */
void directory_moves_close_decided(struct directory_moves *moves);

/** TRUE if the file PATH could still tell where a directory above it went. */
gboolean directory_moves_is_open(const struct directory_moves *moves, const char *path);

#endif
