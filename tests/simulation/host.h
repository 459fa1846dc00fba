#ifndef FORGE_TESTS_SIMULATION_HOST_H
#define FORGE_TESTS_SIMULATION_HOST_H

#include <glib.h>

#include "scheduler/state.h"
#include "tests/simulation/world.h"

/** The machine that the scheduler runs on: its disk, and one scheduler after another. */
struct host *host_new(struct world *world);
void host_free(struct host *host);

/** MESSAGE from ROUTING reaches the machine; lost if no scheduler runs. */
void host_receive(struct host *host, GBytes *routing, GBytes *message);

/** Digests and audits once all is done. */
void host_check_end(struct host *host);

#endif
