#ifndef FORGE_TESTS_SIMULATION_SIM_WORKER_H
#define FORGE_TESTS_SIMULATION_SIM_WORKER_H

#include "queue/messages.pb-c.h"
#include "tests/simulation/world.h"

/**
 * A worker: joins, beats, runs jobs for random times, reports, pushes to the git server, hands jobs
 * back, leaves, crashes, freezes. With a CLIENT it is that command line's own and dies with it.
 */
struct sim_worker *sim_worker_new(
	struct world *world, guint index, const struct sim_client *client);
void sim_worker_free(struct sim_worker *worker);

/** REPLY, also as MESSAGE, came for ROUTING; ignored unless that is this worker's address. */
void sim_worker_receive(
	struct sim_worker *worker, GBytes *routing, const Forge__Reply *reply, GBytes *message);

#endif
