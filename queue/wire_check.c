/*
 * A walk over the wire format of protocol buffers, as far as it takes to count what unpacking would
 * make. What is wrong otherwise is left for the decoder to find.
 */
#include "queue/wire_check.h"

#include "journal/base/limits.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_64_BITS = 1,
	WIRE_BYTES = 2,
	WIRE_32_BITS = 5,
};

/* What has not been read. */
struct rest {
	const uint8_t *data;
	size_t size;
};

static gboolean take_varint(struct rest *rest, uint64_t *number)
{
	*number = 0;
	for (guint shift = 0; shift < 64 && rest->size > 0; shift += 7) {
		uint8_t byte = *rest->data++;

		rest->size--;
		*number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return TRUE;
	}
	return FALSE;
}

static gboolean skip(struct rest *rest, uint64_t size)
{
	if (size > rest->size)
		return FALSE;
	rest->data += size;
	rest->size -= (size_t)size;
	return TRUE;
}

/* The message that field NUMBER holds; NULL if it holds something else, or nobody knows it. */
static const ProtobufCMessageDescriptor *message_in(
	const ProtobufCMessageDescriptor *descriptor, uint64_t number)
{
	const ProtobufCFieldDescriptor *field = number > G_MAXINT32
		? NULL
		: protobuf_c_message_descriptor_get_field(descriptor, (unsigned)number);

	return field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

static gboolean count(
	const ProtobufCMessageDescriptor *descriptor, struct rest rest, guint depth, size_t *left)
{
	while (rest.size > 0) {
		const ProtobufCMessageDescriptor *inner;
		uint64_t tag, size;

		if (*left == 0 || depth == 0 || !take_varint(&rest, &tag))
			return FALSE;
		(*left)--;
		switch (tag & 7) {
		case WIRE_VARINT:
			if (!take_varint(&rest, &size))
				return FALSE;
			break;
		case WIRE_64_BITS:
			if (!skip(&rest, 8))
				return FALSE;
			break;
		case WIRE_32_BITS:
			if (!skip(&rest, 4))
				return FALSE;
			break;
		case WIRE_BYTES:
			if (!take_varint(&rest, &size) || size > rest.size)
				return FALSE;
			inner = message_in(descriptor, tag >> 3);
			if (inner &&
				!count(inner, (struct rest){rest.data, (size_t)size}, depth - 1,
					left))
				return FALSE;
			skip(&rest, size);
			break;
		default:
			return FALSE;
		}
	}
	return TRUE;
}

gboolean wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	size_t fields_max)
{
	return count(descriptor, (struct rest){data, size}, LIMIT_REQUEST_DEPTH, &fields_max);
}
