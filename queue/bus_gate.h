#ifndef FORGE_QUEUE_BUS_GATE_H
#define FORGE_QUEUE_BUS_GATE_H

#include <glib.h>

#include "journal/base/scope.h"
#include "queue/bus.h"

/*
 * Part of bus.c, which alone uses this: what stands before a listening socket and lets in who proves
 * a key that is admitted.
 */
struct bus_gate;

/**
 * A gate before SOCKET (a ZeroMQ socket of CONTEXT that is not bound yet). One a context at most:
 * SCHEDULER_UNREACHABLE.
 */
struct bus_gate *bus_gate_new(
	void *context, void *socket, const struct bus_guard *guard, GError **error);

/** Nobody comes in any more; connections stay. Takes NULL. */
void bus_gate_free(struct bus_gate *gate);
SCOPED_POINTER(bus_gate, bus_gate_free)

/** The socket at which somebody knocks: if there is input, bus_gate_serve() is to be called. */
void *bus_gate_knocks(const struct bus_gate *gate);

/** Answers those who knock. Never waits. */
void bus_gate_serve(struct bus_gate *gate);

#endif
