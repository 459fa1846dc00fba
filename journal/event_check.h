#ifndef FORGE_JOURNAL_EVENT_CHECK_H
#define FORGE_JOURNAL_EVENT_CHECK_H

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

/**
 * TRUE if this build understands all of MESSAGE, at any depth: no unknown field, each oneof set,
 * each enum value named in the schema. Else FALSE, and *PLACE (may be NULL) says what is not
 * understood, as `forge.Fact: kind is not set`; caller frees.
 */
gboolean event_check(const ProtobufCMessage *message, char **place);

#endif
