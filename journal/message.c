/*
 * What every user of generated messages needs. protobuf-c frees what it unpacked with free(), and
 * GLib allocates with malloc(), so strings and structs that GLib made may hang in a message that is
 * freed as if it had been unpacked.
 */
#include "journal/message.h"

gpointer message_copy(const ProtobufCMessage *message)
{
	g_autoptr(GBytes) packed = message_pack(message);
	gsize size;
	const uint8_t *data = g_bytes_get_data(packed, &size);
	gpointer copy = protobuf_c_message_unpack(message->descriptor, NULL, size, data);

	g_assert(copy);
	return copy;
}

GBytes *message_pack(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = g_malloc(size);

	protobuf_c_message_pack(message, data);
	return g_bytes_new_take(data, size);
}

void message_set_string(char **field, const char *text)
{
	if (*field != &protobuf_c_empty_string[0])
		g_free(*field);
	*field = g_strdup(text);
}

Forge__Error *message_error(enum forge_error code, const char *message, const char *hint)
{
	Forge__Error *error = g_new(Forge__Error, 1);

	forge__error__init(error);
	message_set_string(&error->code, forge_error_name(code));
	message_set_string(&error->message, message);
	message_set_string(&error->hint, hint ? hint : forge_error_hint(code));
	return error;
}
