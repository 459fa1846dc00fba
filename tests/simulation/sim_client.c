/*
 * A client on virtual time. What it was promised goes to the oracle: a batch that was acknowledged
 * must come to its end whatever happens, with as many jobs as were asked for.
 *
 * A crash makes it forget everything: it then never knows which of its last requests were taken.
 */
#include "tests/simulation/sim_client.h"

#include <string.h>

#include "journal/message.h"
#include "queue/protocol.h"
#include "tests/simulation/sim_git.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"

#define ANSWER_MS 1500
#define TICK_MS 500
#define FORKS 8

/* By then whatever was on its way when the faults stopped has arrived. */
#define LAST_MESSAGES_MS 10000

struct asked {
	uint64_t id;
	GBytes *request;
	int64_t sent_ms;
	struct promise promise; /* of a submission */
};

struct sim_client {
	struct world *world;
	char *name;
	char *owner;
	gboolean has_worker;
	guint connection;
	GBytes *address;
	gboolean greeted;
	gboolean said_resume;
	uint64_t next_id;
	GPtrArray *asked;   /* of struct asked */
	GPtrArray *batches; /* names of its own, of char */
};

static void free_asked(gpointer data)
{
	struct asked *asked = data;

	g_bytes_unref(asked->request);
	g_free(asked->promise.request_id);
	g_free(asked);
}

static void say_hello(struct sim_client *client)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Hello hello = FORGE__HELLO__INIT;

	hello.protocol = PROTOCOL_VERSION;
	hello.role = FORGE__ROLE__ROLE_CLIENT;
	hello.build = (char *)"simulated";
	hello.name = client->name;
	hello.owner = client->owner;
	request.id = client->next_id++;
	request.kind_case = FORGE__REQUEST__KIND_HELLO;
	request.hello = &hello;
	network_to_scheduler(client->world, client->address, &request);
	client->greeted = FALSE;
}

static struct asked *ask(struct sim_client *client, Forge__Request__KindCase kind, gpointer payload)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	struct asked *asked = g_new0(struct asked, 1);

	request.id = asked->id = client->next_id++;
	request.kind_case = kind;
	request.hello = payload;
	asked->request = message_pack(&request.base);
	asked->sent_ms = client->world->now_ms;
	g_ptr_array_add(client->asked, asked);
	network_send_again(client->world, client->address, asked->request);
	return asked;
}

/* ---- requests ----------------------------------------------------------------------------- */

static char *some_fork(struct sim_client *client)
{
	return g_strdup_printf("fork%d", (int)world_between(client->world, 1, FORKS));
}

static void register_fork(struct sim_client *client)
{
	static const char *const branches[] = {"main", "release", "docs"};
	Forge__RegisterFork message = FORGE__REGISTER_FORK__INIT;
	Forge__Fork fork = FORGE__FORK__INIT;
	g_autofree char *name = some_fork(client);
	g_autofree char *address = g_strdup_printf(
		"host%c.example.com/fork/%s", name[4] & 1 ? 'a' : 'b', name);
	g_autofree char *upstream = g_strdup_printf("host.example.com/up/%s", name);
	g_autofree char *request_id = chance_hex(&client->world->chance, 32);

	fork.name = name;
	fork.fork = address;
	fork.upstream = upstream;
	fork.n_branches = (size_t)world_between(client->world, 1, G_N_ELEMENTS(branches));
	fork.branches = (char **)branches;
	for (size_t i = 0; i < fork.n_branches; i++)
		sim_git_make(client->world->git, address, branches[i]);
	message.fork = &fork;
	message.request_id = request_id;
	ask(client, FORGE__REQUEST__KIND_REGISTER_FORK, &message);
}

static void remove_fork(struct sim_client *client)
{
	Forge__RemoveFork message = FORGE__REMOVE_FORK__INIT;
	g_autofree char *name = some_fork(client);
	g_autofree char *request_id = chance_hex(&client->world->chance, 32);

	message.name = name;
	message.request_id = request_id;
	ask(client, FORGE__REQUEST__KIND_REMOVE_FORK, &message);
}

static void finish_submit(struct sim_client *client, Forge__Submit *submit)
{
	struct world *world = client->world;
	static const char *const keys[] = {"nightly", "hourly"};
	g_autofree char *request_id = chance_hex(&world->chance, 32);
	struct asked *asked;

	submit->request_id = request_id;
	submit->priority = (uint32_t)world_between(world, 0, 3);
	if (chance_happens(&world->chance, 150))
		submit->unique_key = (char *)keys[world_between(world, 0, 1)];
	if (chance_happens(&world->chance, 80))
		/* By this client's clock, which is right. */
		submit->not_before_us = (uint64_t)(world_now(world).wall_us -
			world->wall_offset_us + world_between(world, 0, 20000000));
	asked = ask(client, FORGE__REQUEST__KIND_SUBMIT, submit);
	asked->promise.request_id = g_strdup(request_id);
	asked->promise.unique_key = *submit->unique_key != '\0';
	asked->promise.jobs = submit->all_forks ? G_MAXUINT32
						: (uint32_t)submit->n_targets + submit->noops;
}

static void submit_noops(struct sim_client *client)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;

	submit.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit.noops = (uint32_t)world_between(client->world, 1, 12);
	finish_submit(client, &submit);
}

static void submit_forks(struct sim_client *client)
{
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	char *targets[4];

	submit.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
	submit.all_forks = chance_happens(&client->world->chance, 300);
	if (!submit.all_forks)
		submit.n_targets = (size_t)world_between(client->world, 1, G_N_ELEMENTS(targets));
	submit.targets = targets;
	for (size_t i = 0; i < submit.n_targets; i++)
		targets[i] = some_fork(client);
	finish_submit(client, &submit);
	for (size_t i = 0; i < submit.n_targets; i++)
		g_free(targets[i]);
}

static void cancel(struct sim_client *client)
{
	struct world *world = client->world;
	Forge__CancelJob message = FORGE__CANCEL_JOB__INIT;
	Forge__JobId id = FORGE__JOB_ID__INIT;

	if (client->batches->len == 0)
		return;
	if (chance_happens(&world->chance, 500)) {
		message.batch = client->batches->pdata[client->batches->len - 1];
	} else {
		id.batch = oracle_some_batch(world->oracle, &world->chance);
		id.number = (uint32_t)world_between(world, 1, 8);
		message.job = &id;
	}
	ask(client, FORGE__REQUEST__KIND_CANCEL_JOB, &message);
}

static void list(struct sim_client *client)
{
	Forge__ListForks forks = FORGE__LIST_FORKS__INIT;
	Forge__ListBatches batches = FORGE__LIST_BATCHES__INIT;
	Forge__ListJobs jobs = FORGE__LIST_JOBS__INIT;
	Forge__GetStats stats = FORGE__GET_STATS__INIT;

	batches.closed_too = TRUE;
	switch (world_between(client->world, 0, 3)) {
	case 0:
		ask(client, FORGE__REQUEST__KIND_LIST_FORKS, &forks);
		return;
	case 1:
		ask(client, FORGE__REQUEST__KIND_LIST_BATCHES, &batches);
		return;
	case 2:
		ask(client, FORGE__REQUEST__KIND_LIST_JOBS, &jobs);
		return;
	default:
		ask(client, FORGE__REQUEST__KIND_GET_STATS, &stats);
	}
}

static void set_paused(struct sim_client *client, gboolean paused)
{
	Forge__SetPaused message = FORGE__SET_PAUSED__INIT;

	message.paused = paused;
	ask(client, FORGE__REQUEST__KIND_SET_PAUSED, &message);
}

static void do_something(struct sim_client *client)
{
	int64_t roll = world_between(client->world, 0, 99);

	if (roll < 25)
		register_fork(client);
	else if (roll < 31)
		remove_fork(client);
	else if (roll < 48)
		submit_noops(client);
	else if (roll < 75)
		submit_forks(client);
	else if (roll < 87)
		cancel(client);
	else if (roll < 96)
		list(client);
	else
		set_paused(client, roll < 98);
}

static void say_resume(struct sim_client *client)
{
	set_paused(client, FALSE);
	client->said_resume = TRUE;
}

/* ---- receiving ---------------------------------------------------------------------------- */

static void settle(struct sim_client *client, const Forge__Reply *reply)
{
	struct asked *asked = NULL;

	for (guint i = 0; i < client->asked->len && !asked; i++)
		if (((struct asked *)client->asked->pdata[i])->id == reply->id)
			asked = client->asked->pdata[i];
	if (!asked)
		return;
	if (reply->kind_case == FORGE__REPLY__KIND_SUBMITTED) {
		asked->promise.batch = reply->submitted->batch;
		oracle_note_promise(client->world->oracle, &asked->promise);
		g_ptr_array_add(client->batches, g_strdup(reply->submitted->name));
	}
	g_ptr_array_remove(client->asked, asked);
}

void sim_client_receive(struct sim_client *client, GBytes *routing, const Forge__Reply *reply)
{
	if (!g_bytes_equal(client->address, routing))
		return;
	if (reply->kind_case == FORGE__REPLY__KIND_WELCOME)
		client->greeted = TRUE;
	else if (reply->kind_case == FORGE__REPLY__KIND_GOODBYE)
		say_hello(client);
	else
		settle(client, reply);
}

/* ---- living ------------------------------------------------------------------------------- */

static void begin_life(struct sim_client *client)
{
	g_autofree char *address = g_strdup_printf("%s#%u", client->name, client->connection++);

	g_clear_pointer(&client->address, g_bytes_unref);
	client->address = g_bytes_new(address, strlen(address));
	client->greeted = FALSE;
	g_ptr_array_set_size(client->asked, 0);
	g_ptr_array_set_size(client->batches, 0);
	g_free(client->owner);
	client->owner = client->has_worker ? chance_hex(&client->world->chance, 32) : g_strdup("");
}

static void resend(struct sim_client *client)
{
	int64_t now_ms = client->world->now_ms;

	for (guint i = 0; i < client->asked->len; i++) {
		struct asked *asked = client->asked->pdata[i];

		if (now_ms < asked->sent_ms + ANSWER_MS)
			continue;
		asked->sent_ms = now_ms;
		network_send_again(client->world, client->address, asked->request);
	}
}

static void tick(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	struct sim_client *client = subject;

	(void)stamp, (void)routing, (void)message;
	if (world_misfortune(world, world->profile->client_crash / 2))
		begin_life(client);
	if (!client->greeted)
		say_hello(client);
	else if (world->calm && !client->said_resume && client->asked->len == 0 &&
		world->now_ms > world->calm_ms + LAST_MESSAGES_MS)
		say_resume(client);
	resend(client);
	if (client->greeted && world_misfortune(world, 350))
		do_something(client);
	world_plan(world, TICK_MS, tick, client, 0, NULL, NULL);
}

struct sim_client *sim_client_new(struct world *world, guint index)
{
	struct sim_client *client = g_new0(struct sim_client, 1);

	client->world = world;
	client->name = g_strdup_printf("client%u", index);
	client->has_worker = chance_happens(&world->chance, 400);
	client->next_id = 1;
	client->asked = g_ptr_array_new_with_free_func(free_asked);
	client->batches = g_ptr_array_new_with_free_func(g_free);
	begin_life(client);
	world_plan(world, world_between(world, 1, TICK_MS), tick, client, 0, NULL, NULL);
	return client;
}

void sim_client_free(struct sim_client *client)
{
	g_bytes_unref(client->address);
	g_ptr_array_free(client->asked, TRUE);
	g_ptr_array_free(client->batches, TRUE);
	g_free(client->name);
	g_free(client->owner);
	g_free(client);
}

const char *sim_client_owner(const struct sim_client *client)
{
	return client->owner;
}

gboolean sim_clients_are_done(const GPtrArray *clients)
{
	for (guint i = 0; i < clients->len; i++) {
		const struct sim_client *client = clients->pdata[i];

		if (!client->said_resume || client->asked->len > 0)
			return FALSE;
	}
	return TRUE;
}
