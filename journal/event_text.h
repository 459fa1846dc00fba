#ifndef FORGE_JOURNAL_EVENT_TEXT_H
#define FORGE_JOURNAL_EVENT_TEXT_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/value.h"
#include "journal/events.pb-c.h"

/*
 * Events, and any other message of our schemas, for scripts and for people. Everything is told by
 * the descriptors, so a field that is added to a schema is shown without a word here.
 *
 * A message is a map; members have the names of the schema and stand in its order:
 *
 *   numbers, booleans   always there, zero and false too
 *   lists               always there, empty too
 *   strings             left out where empty: the schemas mean "none" by that
 *   words of an enum    lower-case without the enum's name (STRATEGY_FAST_FORWARD is
 *                       "fast_forward"); left out if "unset"
 *   *_us                a time in RFC 3339, UTC ("2026-01-15T10:30:00.000123Z", microseconds
 *                       only if there are any); past the year 9999 the text of the microseconds'
 *                       digits; left out where zero
 *   messages            a map; left out where absent
 *   a oneof             "type": the name of the member that is set, whose own members stand
 *                       beside it
 *   bytes               base64
 *   unsigned numbers    from 2^63 on are the text of their digits
 */

/** The word of VALUE, or NULL if the enum has no such value. Static. */
const char *event_enum_word(const ProtobufCEnumDescriptor *descriptor, int value);

/** MESSAGE as a map. Caller frees. */
struct value *event_message_value(const ProtobufCMessage *message);

/** `job_failed`; of a reported fact the fact's own name (`fork_synced`). Static. */
const char *event_type(const Forge__Event *event);

/**
 * An event as tails print it: `{"seq": 7, "time": "…", "type": "job_failed", "data": {…}}`. The
 * data of a reported fact are its members with `job` and `attempt` before them. Caller frees.
 */
struct value *event_row(uint64_t seq, uint64_t time_us, const Forge__Event *event);

/**
 * An event as one line for people and logs, without sequence and time:
 * `job_failed job=12/3 attempt=2 error.code=TIMEOUT error.message="no answer"`. Zeros, falses and
 * empty lists are left out too, long lists are cut short, text is quoted where it has to be, and
 * nothing in it can control a terminal. Caller frees.
 */
char *event_line(const Forge__Event *event);

/** TIME_US as in rows; `out of range` past the year 9999. Caller frees. */
char *event_time(uint64_t time_us);

#endif
