#ifndef FORGE_QUEUE_BATCH_NAME_H
#define FORGE_QUEUE_BATCH_NAME_H

#include <glib.h>
#include <stdint.h>

#include "journal/events.pb-c.h"

#define BATCH_NAME_LENGTH 26

/**
 * The name of the batch that SEQ of the journal JOURNAL_ID opens at WALL_US: a ULID (48 bits of
 * milliseconds, 80 bits of a digest of journal and sequence, in Crockford's base 32), so names sort
 * by time and need no random number. Caller frees.
 */
char *batch_name_make(const char *journal_id, uint64_t seq, int64_t wall_us);

/** `BATCH.NUMBER`, as people name a job. Caller frees. */
char *batch_name_of_job(const char *batch_name, uint32_t number);

/**
 * Splits TEXT into a batch's name or beginning (upper-cased) and, if it has one, a job's number
 * (else 0). FALSE if it is neither.
 */
gboolean batch_name_parse(const char *text, char **batch, uint32_t *number);

#endif
