/*
 * Does this build understand a message wholly? protobuf-c keeps what it does not know aside and
 * says nothing, which is right for a server that passes messages on and wrong for a journal: a fold
 * that skips an event it does not know arrives at another state than the one that was promised. So
 * whatever goes into a journal or comes out of one is walked along its descriptors first.
 *
 * Three things are not understood: a field whose number the schema lacks, a oneof without a member
 * (a member that the schema lacks looks like that too), an enum value without a name. The walk
 * knows no message by name; the schema's rule that every oneof is set is what it relies on. Schemas
 * are not recursive, so its depth is theirs.
 */
#include "journal/event_check.h"

#include <stdint.h>

static gboolean refuse(char **place, const ProtobufCMessageDescriptor *type, const char *format,
	...) G_GNUC_PRINTF(3, 4);

static gboolean refuse(
	char **place, const ProtobufCMessageDescriptor *type, const char *format, ...)
{
	va_list arguments;

	if (!place)
		return FALSE;
	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	*place = g_strdup_printf("%s: %s", type->name, what);
	return FALSE;
}

/* One value of FIELD; repeated fields come here once a value. */
static gboolean check_value(const ProtobufCMessageDescriptor *type,
	const ProtobufCFieldDescriptor *field, const void *value, char **place)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		const ProtobufCMessage *part = *(const ProtobufCMessage *const *)value;

		return !part || event_check(part, place);
	}
	if (field->type == PROTOBUF_C_TYPE_ENUM) {
		int number = *(const int *)value;

		if (!protobuf_c_enum_descriptor_get_value(field->descriptor, number))
			return refuse(
				place, type, "%s has the unknown value %d", field->name, number);
	}
	return TRUE;
}

static gboolean check_repeated(const ProtobufCMessageDescriptor *type,
	const ProtobufCFieldDescriptor *field, const uint8_t *base, char **place)
{
	size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
	const uint8_t *values = *(const uint8_t *const *)(const void *)(base + field->offset);
	size_t size = field->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int) : sizeof(void *);

	if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_ENUM)
		return TRUE;
	for (size_t i = 0; i < count; i++)
		if (!check_value(type, field, values + i * size, place))
			return FALSE;
	return TRUE;
}

gboolean event_check(const ProtobufCMessage *message, char **place)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const uint8_t *base = (const uint8_t *)message;

	if (message->n_unknown_fields > 0)
		return refuse(place, type, "unknown field %u", message->unknown_fields[0].tag);

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
			uint32_t member = *(
				const uint32_t *)(const void *)(base + field->quantifier_offset);

			if (member == 0)
				return refuse(place, type, "its kind is not set");
			if (member != field->id)
				continue;
		}
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			if (!check_repeated(type, field, base, place))
				return FALSE;
		} else if (!check_value(type, field, base + field->offset, place)) {
			return FALSE;
		}
	}
	return TRUE;
}
