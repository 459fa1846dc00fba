#ifndef FORGE_WORKER_REMOTE_VERDICT_H
#define FORGE_WORKER_REMOTE_VERDICT_H

#include <glib.h>

#include "journal/base/errors.h"
#include "worker/remote/transfer.h"

/**
 * What is meant by WORDS, which ssh, git or a server wrote for people (lines; may be empty). Gives
 * FALLBACK if none of them is known. Sets *LINE to the line that decided, else to the first that
 * says something, else to "". Caller frees.
 */
enum forge_error verdict_of_words(const char *words, enum forge_error fallback, char **line);

/**
 * Whether a ref that a server did not update (STATUS, as in its `ng` line) was refused or had
 * moved. REMARKS is what the server wrote on its side band meanwhile: git says only there why a
 * lock failed.
 */
enum push_result verdict_of_push(const char *status, const char *remarks);

/**
 * What the server said on its side band, as one line of at most LIMIT_ERROR_TEXT_BYTES without
 * progress bars; "" if nothing is left. Caller frees.
 */
char *verdict_remarks(const char *remarks);

#endif
