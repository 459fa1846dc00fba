/*
 * What every user of generated messages needs. protobuf-c frees what it unpacked with free(), and
 * GLib allocates with malloc(), so strings and structs that GLib made may hang in a message that is
 * freed as if it had been unpacked.
 */
#include "journal/message.h"

#include <string.h>

size_t message_value_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_ENUM:
		return sizeof(uint32_t);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	}
	g_assert_not_reached();
}

static gpointer duplicate(const void *data, size_t size, ProtobufCAllocator *allocator)
{
	void *copy = allocator ? allocator->alloc(allocator->allocator_data, size) : g_malloc(size);

	return memcpy(copy, data, size);
}

/* Replaces the string, bytes or message that VALUE borrows by a copy. */
static void own_value(
	ProtobufCType type, void *value, gboolean repeated, ProtobufCAllocator *allocator)
{
	if (type == PROTOBUF_C_TYPE_STRING) {
		char **text = value;

		/* An empty string is protobuf-c's own, which is never freed, but not in a list. */
		if (repeated || (*text && **text))
			*text = duplicate(*text, strlen(*text) + 1, allocator);
		else
			*text = (char *)protobuf_c_empty_string;
	} else if (type == PROTOBUF_C_TYPE_BYTES) {
		ProtobufCBinaryData *bytes = value;

		bytes->data = bytes->len > 0 ? duplicate(bytes->data, bytes->len, allocator) : NULL;
	} else if (type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage **part = value;

		*part = *part ? message_copy_to(*part, allocator) : NULL;
	}
}

static void own_repeated(
	const ProtobufCFieldDescriptor *field, uint8_t *base, ProtobufCAllocator *allocator)
{
	size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
	uint8_t **values = (uint8_t **)(void *)(base + field->offset);
	size_t size = message_value_size(field->type);

	*values = count > 0 ? duplicate(*values, count * size, allocator) : NULL;
	for (size_t i = 0; i < count; i++)
		own_value(field->type, *values + i * size, TRUE, allocator);
}

/* Along the descriptors, which is a third of the work of packing and unpacking again. */
gpointer message_copy_to(const ProtobufCMessage *message, ProtobufCAllocator *allocator)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	uint8_t *copy = duplicate(message, type->sizeof_message, allocator);

	((ProtobufCMessage *)(void *)copy)->n_unknown_fields = 0;
	((ProtobufCMessage *)(void *)copy)->unknown_fields = NULL;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
			*(const uint32_t *)(const void *)(copy + field->quantifier_offset) !=
				field->id)
			continue;
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			own_repeated(field, copy, allocator);
		else
			own_value(field->type, copy + field->offset, FALSE, allocator);
	}
	return copy;
}

gpointer message_copy(const ProtobufCMessage *message)
{
	return message_copy_to(message, NULL);
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
