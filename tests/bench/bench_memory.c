/*
 * Memory of a scheduler that has a million jobs queued:
 *
 *     rss_per_queued_job   bytes of resident memory a job, of 100 syncs of 10,000 forks each, beyond
 *                          what it holds with the forks alone; limit: a row of the table and the
 *                          place where its batch finds it
 */
#include <stdio.h>
#include <zmq.h>

#include "queue/job_table.h"
#include "tests/bench/figure.h"
#include "tests/bench/forge_peer.h"
#include "tests/bench/server_process.h"

#define FORKS 10000
#define SYNCS 100

static void await_answers(struct forge_peer *peer, guint n)
{
	for (guint i = 0; i < n; i++) {
		Forge__Reply *reply = forge_peer_receive(peer, TRUE, NULL);

		g_assert_cmpint(reply->kind_case, !=, FORGE__REPLY__KIND_ERROR);
		forge__reply__free_unpacked(reply, NULL);
	}
}

static void register_forks(struct forge_peer *peer)
{
	for (guint i = 0; i < FORKS; i++) {
		g_autofree char *name = g_strdup_printf("fork-%05u", i);
		g_autofree char *repository = g_strdup_printf("git.example.com/user-%05u/tools", i);
		Forge__Request request = FORGE__REQUEST__INIT;
		Forge__RegisterFork registration = FORGE__REGISTER_FORK__INIT;
		Forge__Fork fork = FORGE__FORK__INIT;

		fork.name = name;
		fork.fork = repository;
		fork.upstream = (char *)"git.example.com/company/tools";
		registration.fork = &fork;
		request.id = 1;
		request.kind_case = FORGE__REQUEST__KIND_REGISTER_FORK;
		request.register_fork = &registration;
		forge_peer_send(peer, &request);
	}
	await_answers(peer, FORKS);
}

static void submit_syncs(struct forge_peer *peer)
{
	for (guint i = 0; i < SYNCS; i++) {
		g_autofree char *request_id = g_strdup_printf("%032u", i);
		Forge__Request request = FORGE__REQUEST__INIT;
		Forge__Submit submit = FORGE__SUBMIT__INIT;

		submit.request_id = request_id;
		submit.kind = FORGE__JOB_KIND__JOB_KIND_FORK_SYNC;
		submit.all_forks = TRUE;
		request.id = 1;
		request.kind_case = FORGE__REQUEST__KIND_SUBMIT;
		request.submit = &submit;
		forge_peer_send(peer, &request);
	}
	await_answers(peer, SYNCS);
}

/* Batches grow after they were acknowledged. */
static void await_queued(struct forge_peer *peer, guint64 n)
{
	guint64 queued = 0;

	while (queued < n) {
		Forge__Request request = FORGE__REQUEST__INIT;
		Forge__GetStats stats = FORGE__GET_STATS__INIT;
		Forge__Reply *reply;

		request.id = 1;
		request.kind_case = FORGE__REQUEST__KIND_GET_STATS;
		request.get_stats = &stats;
		forge_peer_send(peer, &request);
		reply = forge_peer_receive(peer, TRUE, NULL);
		g_assert_cmpint(reply->kind_case, ==, FORGE__REPLY__KIND_STATS);
		queued = reply->stats->queued;
		forge__reply__free_unpacked(reply, NULL);
	}
}

int main(void)
{
	scoped(server_process) server = server_process_forge();
	g_autofree char *endpoint = g_strconcat("ipc://", server->socket, NULL);
	void *context = zmq_ctx_new();
	struct forge_peer *peer = forge_peer_new(
		context, endpoint, FORGE__ROLE__ROLE_CLIENT, 0, NULL);
	struct figure *figure = figure_new("rss_per_queued_job", "bytes");
	double before;

	register_forks(peer);
	before = server_process_rss(server);
	submit_syncs(peer);
	await_queued(peer, (guint64)FORKS * SYNCS);
	figure_add(figure, (server_process_rss(server) - before) / (FORKS * SYNCS),
		sizeof(struct job) + sizeof(uint32_t));
	figure_note(figure, "rss_mb", server_process_rss(server) / 1e6);
	figure_print(figure);
	forge_peer_free(peer);
	zmq_ctx_term(context);
	return 0;
}
