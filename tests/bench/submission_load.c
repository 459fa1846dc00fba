/*
 * One loop over all clients: wait until somebody was answered, take the answers, submit as many
 * again. The clients cost as little as they can, since they share the processors with the server.
 */
#include "tests/bench/submission_load.h"

#include <zmq.h>

#include "tests/bench/figure.h"

struct submission_load {
	void *context; /* ZeroMQ's; NULL: a rival */
	GPtrArray *clients;
	zmq_pollitem_t *items;
};

static struct submission_load *load_new(guint n_clients, GDestroyNotify free_client)
{
	struct submission_load *load = g_new0(struct submission_load, 1);

	load->clients = g_ptr_array_new_with_free_func(free_client);
	load->items = g_new0(zmq_pollitem_t, n_clients);
	return load;
}

struct submission_load *submission_load_forge(
	const char *endpoint, guint n_clients, const struct forge_keys *keys)
{
	struct submission_load *load = load_new(n_clients, (GDestroyNotify)forge_peer_free);

	load->context = zmq_ctx_new();
	for (guint i = 0; i < n_clients; i++) {
		struct forge_peer *peer = forge_peer_new(
			load->context, endpoint, FORGE__ROLE__ROLE_CLIENT, 0, keys);

		g_ptr_array_add(load->clients, peer);
		load->items[i] = (zmq_pollitem_t){.socket = peer->socket, .events = ZMQ_POLLIN};
	}
	return load;
}

struct submission_load *submission_load_rival(const struct server_process *server, guint n_clients,
	size_t job_bytes, struct rival_client *(*make)(const char *socket, size_t job_bytes))
{
	struct submission_load *load;

	if (!server)
		return NULL;
	load = load_new(n_clients, (GDestroyNotify)rival_client_free);
	for (guint i = 0; i < n_clients; i++) {
		struct rival_client *client = make(server->socket, job_bytes);

		g_ptr_array_add(load->clients, client);
		load->items[i] = (zmq_pollitem_t){.fd = client->descriptor, .events = ZMQ_POLLIN};
	}
	return load;
}

void submission_load_free(struct submission_load *load)
{
	if (!load)
		return;
	g_ptr_array_free(load->clients, TRUE);
	if (load->context)
		zmq_ctx_term(load->context);
	g_free(load->items);
	g_free(load);
}

static void submit(struct submission_load *load, guint client, guint n)
{
	for (guint i = 0; i < n; i++) {
		if (load->context)
			forge_peer_submit(load->clients->pdata[client]);
		else
			rival_client_submit(load->clients->pdata[client]);
	}
	if (!load->context)
		rival_client_flush(load->clients->pdata[client]);
}

static guint take_answers(struct submission_load *load, guint client)
{
	return load->context ? forge_peer_take_submitted(load->clients->pdata[client])
			     : rival_client_take_submitted(load->clients->pdata[client]);
}

double submission_load_run(struct submission_load *load, guint window, gint64 ms)
{
	gint64 start_ns = figure_now_ns(), now_ns = start_ns;
	guint64 submitted = 0, answered = 0;

	for (guint i = 0; i < load->clients->len; i++) {
		submit(load, i, window);
		submitted += window;
	}
	while (answered < submitted) {
		g_assert_cmpint(zmq_poll(load->items, (int)load->clients->len, 30000), >, 0);
		for (guint i = 0; i < load->clients->len; i++) {
			guint n = load->items[i].revents ? take_answers(load, i) : 0;

			answered += n;
			if (n == 0 || now_ns - start_ns > ms * 1000000)
				continue;
			submit(load, i, n);
			submitted += n;
		}
		now_ns = figure_now_ns();
	}
	return figure_per_second((double)answered, now_ns - start_ns);
}

void submission_load_time(struct submission_load *load, guint n, GArray *latencies)
{
	for (guint i = 0; i < n; i++) {
		gint64 start_ns = figure_now_ns();

		submit(load, 0, 1);
		while (take_answers(load, 0) == 0)
			g_assert_cmpint(zmq_poll(load->items, 1, 30000), >, 0);
		figure_push(latencies, (double)(figure_now_ns() - start_ns) / 1000);
	}
}

size_t submission_load_bytes(const struct submission_load *load)
{
	return forge_peer_submission_bytes(load->clients->pdata[0]);
}
