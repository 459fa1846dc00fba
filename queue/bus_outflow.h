#ifndef FORGE_QUEUE_BUS_OUTFLOW_H
#define FORGE_QUEUE_BUS_OUTFLOW_H

#include <glib.h>

#include "journal/base/scope.h"

/*
 * Part of bus.c, which alone uses this: how many bytes a listening socket holds for peers that do
 * not read them.
 */
struct bus_outflow;

struct bus_outflow *bus_outflow_new(void);

/** What is still on its way may outlive it. */
void bus_outflow_free(struct bus_outflow *outflow);
SCOPED_POINTER(bus_outflow, bus_outflow_free)

/** TRUE if the peer ROUTING has read so much that SIZE bytes more may be sent to it. */
gboolean bus_outflow_has_room(const struct bus_outflow *outflow, GBytes *routing, gsize size);

/** Sends MESSAGE as the last frame to SOCKET, whose first frame ROUTING is sent already, and counts
 * it until ZeroMQ has passed it on. FALSE if it is not taken. */
gboolean bus_outflow_send(
	struct bus_outflow *outflow, void *socket, GBytes *routing, GBytes *message);

#endif
