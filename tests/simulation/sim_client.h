#ifndef FORGE_TESTS_SIMULATION_SIM_CLIENT_H
#define FORGE_TESTS_SIMULATION_SIM_CLIENT_H

#include "queue/messages.pb-c.h"
#include "tests/simulation/world.h"

/**
 * Somebody who asks for work: registers and removes forks, submits, cancels, pauses, lists, and
 * asks again under the same request id while nobody answers. Every second one is a command line,
 * with an owner's mark and a worker of its own.
 */
struct sim_client *sim_client_new(struct world *world, guint index);
void sim_client_free(struct sim_client *client);

/** The mark that it shares with its worker now; empty for a client of daemons. */
const char *sim_client_owner(const struct sim_client *client);

/** REPLY came for ROUTING; ignored unless that is this client's address. */
void sim_client_receive(struct sim_client *client, GBytes *routing, const Forge__Reply *reply);

/** TRUE if none of CLIENTS waits for an answer. */
gboolean sim_clients_are_done(const GPtrArray *clients);

#endif
