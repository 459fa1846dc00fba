#ifndef FORGE_JOURNAL_EVENT_PARSE_H
#define FORGE_JOURNAL_EVENT_PARSE_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/value.h"
#include "journal/events.pb-c.h"

/**
 * The event that ROW (see event_row() in event_text.h) tells, with its sequence and time. A member
 * that is left out is what event_row() leaves out; one that the schema lacks is refused, as are a
 * type it lacks and values that do not fit. Errors: VALIDATION_FAILED, as
 * `data.job.batch: expected a whole number`. Free with forge__event__free_unpacked().
 */
Forge__Event *event_parse(
	const struct value *row, uint64_t *seq, uint64_t *time_us, GError **error);

/** Reads a time as event_time() writes it; FALSE if TEXT is none. */
gboolean event_parse_time(const char *text, uint64_t *time_us);

#endif
