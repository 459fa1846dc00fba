/*
 * Jobs through submit, lease and done, each durable before it is answered:
 *
 *     e2e_noop   4 clients submit one job at a time with 256 outstanding, 4 workers with room for
 *                256 report the end of each; limit: RocksDB alone, writing as many bytes a job
 *
 * and the same with a Redis stream that is synced before each answer: XADD, XREADGROUP, XACK. A
 * batch of one job is opened and closed too, which no stream has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "journal/arena.h"
#include "tests/bench/figure.h"
#include "tests/bench/forge_peer.h"
#include "tests/bench/raw_disk.h"
#include "tests/bench/rival_client.h"
#include "tests/bench/server_process.h"

#define ROUNDS 5
#define JOBS 20000
#define EACH 4
#define WINDOW 256
#define BATCH 1024
#define READ_GROUP "XREADGROUP GROUP workers w%u COUNT %d BLOCK 1000 STREAMS jobs >\r\n"

/* EACH clients, then EACH workers. */
struct forge_side {
	struct forge_peer *peers[2 * EACH];
	zmq_pollitem_t items[2 * EACH];
	struct arena *arena;
};

struct redis_side {
	struct rival_client *clients[2 * EACH];
	zmq_pollitem_t items[2 * EACH];
};

/* ---- forge -------------------------------------------------------------------------------- */

static void forge_side_init(struct forge_side *side, void *context, const char *endpoint)
{
	side->arena = arena_new();
	for (guint i = 0; i < 2 * EACH; i++) {
		side->peers[i] = forge_peer_new(context, endpoint,
			i < EACH ? FORGE__ROLE__ROLE_CLIENT : FORGE__ROLE__ROLE_WORKER, WINDOW,
			NULL);
		side->items[i] = (zmq_pollitem_t){
			.socket = side->peers[i]->socket, .events = ZMQ_POLLIN};
	}
}

static void forge_side_clear(struct forge_side *side)
{
	for (guint i = 0; i < 2 * EACH; i++)
		forge_peer_free(side->peers[i]);
	arena_free(side->arena);
}

static void report_end(struct forge_peer *worker, const Forge__GrantedJob *job)
{
	Forge__Request request = FORGE__REQUEST__INIT;
	Forge__Report report = FORGE__REPORT__INIT;
	Forge__JobEnd end = FORGE__JOB_END__INIT;

	report.job = job->job;
	report.attempt = job->attempt;
	report.end = &end;
	request.id = 1;
	request.kind_case = FORGE__REQUEST__KIND_REPORT;
	request.report = &report;
	forge_peer_send(worker, &request);
}

/* Takes what a worker is told; returns how many jobs are recorded as done. */
static guint work(struct forge_side *side, struct forge_peer *worker)
{
	Forge__Reply *reply;
	guint recorded = 0;

	arena_reset(side->arena);
	while ((reply = forge_peer_receive(worker, FALSE, arena_allocator(side->arena)))) {
		if (reply->kind_case == FORGE__REPLY__KIND_RECORDED) {
			g_assert_false(reply->recorded->lease_lost);
			recorded++;
			continue;
		}
		g_assert_cmpint(reply->kind_case, ==, FORGE__REPLY__KIND_GRANT);
		for (size_t i = 0; i < reply->grant->n_jobs; i++)
			report_end(worker, reply->grant->jobs[i]);
	}
	return recorded;
}

static guint submit_up_to(struct forge_peer *client, guint left)
{
	guint n = MIN(left, (guint)(WINDOW - client->outstanding));

	for (guint i = 0; i < n; i++)
		forge_peer_submit(client);
	return n;
}

static double run_forge(struct forge_side *side)
{
	gint64 begin_ns = figure_now_ns();
	guint left = JOBS, done = 0;

	for (guint i = 0; i < EACH; i++)
		left -= submit_up_to(side->peers[i], left);
	while (done < JOBS) {
		g_assert_cmpint(zmq_poll(side->items, 2 * EACH, 30000), >, 0);
		for (guint i = 0; i < 2 * EACH; i++) {
			if (!side->items[i].revents)
				continue;
			if (i >= EACH)
				done += work(side, side->peers[i]);
			else if (forge_peer_take_submitted(side->peers[i]) > 0)
				left -= submit_up_to(side->peers[i], left);
		}
	}
	begin_ns = figure_now_ns() - begin_ns;
	for (guint i = 0; i < EACH; i++)
		while (side->peers[i]->outstanding > 0)
			forge_peer_take_submitted(side->peers[i]);
	return figure_per_second(JOBS, begin_ns);
}

/* ---- Redis -------------------------------------------------------------------------------- */

/*
 * The end of one answer in TEXT, or NULL if it is not whole. XREADGROUP answers with streams of
 * entries, each an id and its fields: the ids, five levels deep, are added to IDS.
 */
static const char *skip_answer(const char *text, guint depth, gboolean first, GPtrArray *ids)
{
	const char *line_end = strstr(text, "\r\n");
	const char *next = line_end ? line_end + 2 : NULL;
	long n;

	if (!next || *text == ':' || *text == '+')
		return next;
	g_assert_true(*text == '$' || *text == '*');
	n = strtol(text + 1, NULL, 10);
	if (*text == '$') {
		if (strnlen(next, (size_t)n + 2) < (size_t)n + 2)
			return NULL;
		if (depth == 4 && first)
			g_ptr_array_add(ids, g_strndup(next, (gsize)n));
		return next + n + 2;
	}
	for (long i = 0; i < n && next; i++)
		next = skip_answer(next, depth + 1, i == 0, ids);
	return next;
}

/* Takes what worker NUMBER is told; returns how many jobs are acknowledged. */
static guint work_redis(struct rival_client *worker, guint number)
{
	const char *at, *end;
	guint acknowledged = 0;

	rival_client_fill(worker, FALSE);
	for (at = worker->in->str; *at; at = end) {
		g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);

		end = skip_answer(at, 0, TRUE, ids);
		if (!end)
			break;
		acknowledged += *at == ':';
		for (guint i = 0; i < ids->len; i++)
			g_string_append_printf(worker->out,
				"*4\r\n$4\r\nXACK\r\n$4\r\njobs\r\n$7\r\nworkers\r\n$%zu\r\n%s\r\n",
				strlen(ids->pdata[i]), (const char *)ids->pdata[i]);
		if (*at == '*')
			g_string_append_printf(worker->out, READ_GROUP, number, WINDOW);
	}
	g_string_erase(worker->in, 0, at - worker->in->str);
	rival_client_flush(worker);
	return acknowledged;
}

static guint submit_to_redis(struct rival_client *client, guint left)
{
	guint n = MIN(left, (guint)(WINDOW - client->outstanding));

	for (guint i = 0; i < n; i++)
		rival_client_submit(client);
	rival_client_flush(client);
	return n;
}

static void redis_side_init(
	struct redis_side *side, const struct server_process *redis, size_t job_bytes)
{
	for (guint i = 0; i < 2 * EACH; i++) {
		side->clients[i] = rival_client_redis(redis->socket, job_bytes);
		side->items[i] = (zmq_pollitem_t){
			.fd = side->clients[i]->descriptor, .events = ZMQ_POLLIN};
	}
	rival_client_command(side->clients[0], "XGROUP CREATE jobs workers $ MKSTREAM");
	for (guint i = EACH; i < 2 * EACH; i++) {
		g_autofree char *first = g_strdup_printf(READ_GROUP, i, WINDOW);

		rival_client_add(side->clients[i], first);
		rival_client_flush(side->clients[i]);
	}
}

static double run_redis(struct redis_side *side)
{
	gint64 begin_ns = figure_now_ns();
	guint left = JOBS, done = 0;

	for (guint i = 0; i < EACH; i++)
		left -= submit_to_redis(side->clients[i], left);
	while (done < JOBS) {
		g_assert_cmpint(zmq_poll(side->items, 2 * EACH, 30000), >, 0);
		for (guint i = 0; i < 2 * EACH; i++) {
			if (!side->items[i].revents)
				continue;
			if (i >= EACH)
				done += work_redis(side->clients[i], i);
			else if (rival_client_take_submitted(side->clients[i]) > 0)
				left -= submit_to_redis(side->clients[i], left);
		}
	}
	return figure_per_second(JOBS, figure_now_ns() - begin_ns);
}

/* ---- both --------------------------------------------------------------------------------- */

static double run_raw(struct raw_disk *disk, size_t job_bytes)
{
	gint64 elapsed_ns = 0;
	guint n = 0;

	for (; n < JOBS; n += BATCH)
		elapsed_ns += raw_disk_put_ns(disk, job_bytes * BATCH);
	return figure_per_second(n, elapsed_ns);
}

/* What one job leaves in the journal. */
static size_t measure_job(struct forge_side *side, const char *home)
{
	guint64 records_before, bytes_before, records, bytes;

	raw_disk_measure_journal(home, &records_before, &bytes_before);
	run_forge(side);
	raw_disk_measure_journal(home, &records, &bytes);
	fprintf(stderr, "a job: %.0f bytes in the journal, %.0f a record\n",
		(double)(bytes - bytes_before) / JOBS, JOBS / (double)(records - records_before));
	return (bytes - bytes_before) / JOBS;
}

int main(void)
{
	scoped(server_process) forge = server_process_forge();
	scoped(server_process) redis = server_process_redis();
	g_autofree char *endpoint = g_strconcat("ipc://", forge->socket, NULL);
	void *context = zmq_ctx_new();
	struct figure *figure = figure_new("e2e_noop", "jobs/s");
	g_autoptr(GArray) redis_rates = figure_values();
	g_autoptr(GArray) cpu_us = figure_values();
	struct raw_disk *disk = raw_disk_new();
	struct forge_side forge_side;
	struct redis_side redis_side;
	size_t job_bytes;

	forge_side_init(&forge_side, context, endpoint);
	job_bytes = measure_job(&forge_side, forge->folder);
	if (redis)
		redis_side_init(
			&redis_side, redis, forge_peer_submission_bytes(forge_side.peers[0]));
	for (int i = 0; i < ROUNDS; i++) {
		double limit = run_raw(disk, job_bytes);
		double cpu_ns = server_process_cpu_ns(forge);

		figure_add(figure, run_forge(&forge_side), limit);
		figure_push(cpu_us, (server_process_cpu_ns(forge) - cpu_ns) / JOBS / 1000);
		if (redis)
			figure_push(redis_rates, run_redis(&redis_side));
	}
	figure_rival(figure, "redis", redis_rates);
	figure_note(figure, "scheduler_cpu_us", figure_median(cpu_us));
	figure_print(figure);
	forge_side_clear(&forge_side);
	for (guint i = 0; redis && i < 2 * EACH; i++)
		rival_client_free(redis_side.clients[i]);
	zmq_ctx_term(context);
	raw_disk_free(disk);
	return 0;
}
