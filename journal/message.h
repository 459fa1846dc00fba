#ifndef FORGE_JOURNAL_MESSAGE_H
#define FORGE_JOURNAL_MESSAGE_H

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

#include "journal/base/errors.h"
#include "journal/events.pb-c.h"

/** A deep copy of MESSAGE, without fields that this build does not know. Free with its type's …__free_unpacked(copy, NULL). */
gpointer message_copy(const ProtobufCMessage *message);

/** A deep copy in memory of ALLOCATOR; NULL: as message_copy(). */
gpointer message_copy_to(const ProtobufCMessage *message, ProtobufCAllocator *allocator);

/** How many bytes a value of TYPE takes in a message's struct or in a list of one. */
size_t message_value_size(ProtobufCType type);

/** MESSAGE as bytes. */
GBytes *message_pack(const ProtobufCMessage *message);

/** Makes *FIELD a copy of TEXT; the field's old text must be the default or g_malloc'ed. */
void message_set_string(char **field, const char *text);

/** An error of CODE that says MESSAGE and advises HINT, or what CODE
 * itself does if that is NULL. Free with forge__error__free_unpacked(). */
Forge__Error *message_error(enum forge_error code, const char *message, const char *hint);

#endif
