#ifndef FORGE_JOURNAL_BASE_NEAREST_H
#define FORGE_JOURNAL_BASE_NEAREST_H

/**
 * Of NAMES (NULL-terminated) the one that WANTED was most likely meant to be: the fewest letters
 * typed wrong, left out, added or swapped (restricted Damerau-Levenshtein over bytes, ASCII case
 * ignored), at most one in three of WANTED's. The first of equals; NULL if none is near. Borrowed
 * from NAMES.
 */
const char *nearest_name(const char *wanted, const char *const *names);

/** `did you mean 'NAME'?` with nearest_name(), or NULL. Caller frees. */
char *nearest_question(const char *wanted, const char *const *names);

#endif
