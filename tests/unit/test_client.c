/*
 * Clients on one journal without a daemon: one hosts the scheduler, and when it ends another takes
 * over. All of them are threads here, and their locks and sockets as real as those of processes.
 */
#include <string.h>

#include "cli/client.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/unit/sandbox.h"

#define CLIENTS 4
#define ROUNDS 3
#define NOOPS 20

struct fixture {
	char *home;
	struct config *config;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->home = sandbox_home();
	g_setenv("FORGE_HOME", fixture->home, TRUE);
	g_setenv("XDG_RUNTIME_DIR", fixture->home, TRUE);
	fixture->config = config_load(NULL, &error);
	g_assert_no_error(error);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	config_free(fixture->config);
	sandbox_remove(fixture->home);
}

static struct client *new_client(struct fixture *fixture, enum client_use use)
{
	g_autoptr(GError) error = NULL;
	struct client *client = client_new(fixture->config, use, 2, &error);

	g_assert_no_error(error);
	return client;
}

static Forge__Reply *call(struct client *client, Forge__Request *request)
{
	g_autoptr(GError) error = NULL;
	Forge__Reply *reply = client_call(client, request, &error);

	g_assert_no_error(error);
	return reply;
}

static uint64_t submit_noops(struct client *client)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Submit submit = FORGE__SUBMIT__INIT;
	g_autofree char *request_id = client_request_id();
	Forge__Reply *reply;
	uint64_t batch;

	submit.request_id = request_id;
	submit.kind = FORGE__JOB_KIND__JOB_KIND_NOOP;
	submit.noops = NOOPS;
	request.kind_case = FORGE__REQUEST__KIND_SUBMIT;
	request.submit = &submit;
	reply = call(client, &request);
	batch = reply->submitted->batch;
	forge__reply__free_unpacked(reply, NULL);
	return batch;
}

static uint32_t count_batches(struct client *client)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__ListBatches list = FORGE__LIST_BATCHES__INIT;
	Forge__Reply *reply;
	uint32_t total;

	list.closed_too = TRUE;
	request.kind_case = FORGE__REQUEST__KIND_LIST_BATCHES;
	request.list_batches = &list;
	reply = call(client, &request);
	total = reply->batch_rows->total;
	forge__reply__free_unpacked(reply, NULL);
	return total;
}

/* Reads what happens in BATCH until it is closed; every job must have succeeded, once. */
static void follow(struct client *client, uint64_t batch)
{
	uint64_t next = batch, succeeded = 0;

	for (gboolean closed = FALSE; !closed;) {
		g_autoptr(GError) error = NULL;
		Forge__Reply *reply = client_read_events(
			client, next, batch, LIMIT_TAIL_WAIT_MS, &error);

		g_assert_no_error(error);
		for (size_t i = 0; i < reply->events->n_events; i++) {
			const Forge__Event *event = reply->events->events[i]->event;

			succeeded += event->kind_case == FORGE__EVENT__KIND_JOB_SUCCEEDED;
			closed |= event->kind_case == FORGE__EVENT__KIND_BATCH_CLOSED;
		}
		next = reply->events->next;
		forge__reply__free_unpacked(reply, NULL);
	}
	g_assert_cmpuint(succeeded, ==, NOOPS);
}

static void one_that_waits_takes_over_when_the_host_ends(
	struct fixture *fixture, gconstpointer unused)
{
	struct client *first = new_client(fixture, CLIENT_READS);
	struct client *second = new_client(fixture, CLIENT_READS);
	struct client *third = new_client(fixture, CLIENT_READS);

	(void)unused;
	submit_noops(second);
	client_free(first);
	g_assert_cmpuint(count_batches(second), ==, 1);
	g_assert_cmpuint(count_batches(third), ==, 1);
	client_free(second);
	g_assert_cmpuint(count_batches(third), ==, 1);
	client_free(third);
}

static gpointer submit_and_follow(gpointer data)
{
	for (int i = 0; i < ROUNDS; i++) {
		scoped(client) client = new_client(data, CLIENT_WORKS);

		follow(client, submit_noops(client));
	}
	return NULL;
}

static void clients_that_come_and_go_together_all_get_their_work_done(
	struct fixture *fixture, gconstpointer unused)
{
	GThread *threads[CLIENTS];
	scoped(client) last = NULL;

	(void)unused;
	for (guint i = 0; i < CLIENTS; i++)
		threads[i] = g_thread_new("client", submit_and_follow, fixture);
	for (guint i = 0; i < CLIENTS; i++)
		g_thread_join(threads[i]);
	last = new_client(fixture, CLIENT_READS);
	g_assert_cmpuint(count_batches(last), ==, CLIENTS * ROUNDS);
}

static uint32_t count_workers(struct client *client)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__GetStats stats = FORGE__GET_STATS__INIT;
	Forge__Reply *reply;
	uint32_t workers;

	request.kind_case = FORGE__REQUEST__KIND_GET_STATS;
	request.get_stats = &stats;
	reply = call(client, &request);
	workers = (uint32_t)reply->stats->n_workers;
	forge__reply__free_unpacked(reply, NULL);
	return workers;
}

/* The host's own worker leaves before the host does, and that is recorded. */
static void command_that_ends_leaves_no_worker_behind(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (int i = 0; i < 5; i++) {
		scoped(client) client = new_client(fixture, CLIENT_WORKS);

		follow(client, submit_noops(client));
	}
	{
		scoped(client) client = new_client(fixture, CLIENT_READS);

		g_assert_cmpuint(count_workers(client), ==, 0);
	}
}

static void nobody_at_the_address_is_said_in_time(struct fixture *fixture, gconstpointer unused)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__GetStats stats = FORGE__GET_STATS__INIT;
	g_autoptr(GError) error = NULL;
	scoped(client) client = NULL;

	(void)unused;
	fixture->config->scheduler_endpoint = g_strconcat("ipc://", fixture->home, "/none", NULL);
	client = new_client(fixture, CLIENT_WORKS);
	g_assert_false(client_is_embedded(client));
	request.kind_case = FORGE__REQUEST__KIND_GET_STATS;
	request.get_stats = &stats;
	g_assert_null(client_call(client, &request, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SCHEDULER_UNREACHABLE);
	g_assert_nonnull(strstr(error->message, "/none"));
}

#define ADD(test) g_test_add("/client/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(one_that_waits_takes_over_when_the_host_ends);
	ADD(clients_that_come_and_go_together_all_get_their_work_done);
	ADD(command_that_ends_leaves_no_worker_behind);
	ADD(nobody_at_the_address_is_said_in_time);
	return g_test_run();
}
