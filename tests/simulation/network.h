#ifndef FORGE_TESTS_SIMULATION_NETWORK_H
#define FORGE_TESTS_SIMULATION_NETWORK_H

#include "queue/messages.pb-c.h"
#include "tests/simulation/world.h"

/* Between actors and the scheduler there are only bytes,
 * which come late, twice, in another order or never. */

/** From the actor at ADDRESS. */
void network_to_scheduler(struct world *world, GBytes *address, const Forge__Request *request);

/** Likewise, packed already. */
void network_send_again(struct world *world, GBytes *address, GBytes *request);

/** To whoever is at ROUTING when it arrives. */
void network_to_actor(struct world *world, GBytes *routing, GBytes *reply);

#endif
