/*
 * The network. Each copy of a message has its own delay, so those of one sender overtake each other
 * where delays differ; in the calm and on calm days a message takes one millisecond and all arrive
 * in order.
 */
#include "tests/simulation/network.h"

#include "journal/message.h"
#include "tests/simulation/host.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_worker.h"

static void reach_scheduler(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	(void)subject, (void)stamp;
	host_receive(world->host, routing, message);
}

static void reach_actor(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	gsize size;
	const uint8_t *data = g_bytes_get_data(message, &size);
	Forge__Reply *reply = forge__reply__unpack(NULL, size, data);

	(void)subject, (void)stamp;
	g_assert_nonnull(reply);
	for (guint i = 0; i < world->clients->len; i++)
		sim_client_receive(world->clients->pdata[i], routing, reply);
	for (guint i = 0; i < world->workers->len; i++)
		sim_worker_receive(world->workers->pdata[i], routing, reply, message);
	forge__reply__free_unpacked(reply, NULL);
}

static void transmit(struct world *world, world_action arrival, GBytes *routing, GBytes *message)
{
	int copies = world_misfortune(world, world->profile->twice) ? 2 : 1;

	for (int i = 0; i < copies; i++) {
		gboolean lost = world_misfortune(world, world->profile->drop);
		int64_t delay_ms = world_between(world, 1, world->profile->delay_ms);

		if (!lost)
			world_plan(world, world->calm ? 1 : delay_ms, arrival, NULL, 0, routing,
				message);
	}
}

void network_to_scheduler(struct world *world, GBytes *address, const Forge__Request *request)
{
	g_autoptr(GBytes) message = message_pack(&request->base);

	transmit(world, reach_scheduler, address, message);
}

void network_send_again(struct world *world, GBytes *address, GBytes *request)
{
	transmit(world, reach_scheduler, address, request);
}

void network_to_actor(struct world *world, GBytes *routing, GBytes *reply)
{
	transmit(world, reach_actor, routing, reply);
}
