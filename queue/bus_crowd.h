#ifndef FORGE_QUEUE_BUS_CROWD_H
#define FORGE_QUEUE_BUS_CROWD_H

#include <glib.h>

#include "journal/base/scope.h"

/*
 * Part of bus.c, which alone uses this: no more connections to a listening socket than there are
 * descriptors for.
 */
struct bus_crowd;

/** Looks after SOCKET (a ZeroMQ socket of CONTEXT that is not bound yet) until it is freed. */
struct bus_crowd *bus_crowd_new(void *context, void *socket);

/** Connections stay. Before the socket is closed. */
void bus_crowd_free(struct bus_crowd *crowd);
SCOPED_POINTER(bus_crowd, bus_crowd_free)

#endif
