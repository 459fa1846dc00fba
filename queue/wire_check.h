#ifndef FORGE_QUEUE_WIRE_CHECK_H
#define FORGE_QUEUE_WIRE_CHECK_H

#include <glib.h>
#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

/**
 * TRUE if the SIZE bytes at DATA can be a packed message of DESCRIPTOR with at most FIELDS_MAX fields,
 * those of messages within it included. Allocates nothing: to be asked before anything is unpacked
 * that comes from outside, where two bytes may stand for a message of a hundred.
 */
gboolean wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
	size_t fields_max);

#endif
