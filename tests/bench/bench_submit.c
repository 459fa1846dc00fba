/*
 * Durable submissions to a scheduler that runs as a process of its own, over ipc, and the same to
 * Redis (a stream, synced before each answer) and beanstalkd where they are installed:
 *
 *     submit_8x512   8 clients with 512 outstanding; limit: RocksDB alone, synced, 1,024 a batch
 *     submit_64x1    64 clients with one outstanding; limit: all of them share one sync at a time
 *     submit_8x1     8 likewise
 *     submit_1x1     99th percentile of one client; limit: that of one appended and synced write
 *
 * Arguments name the figures to be measured. Each side has its turn in every round, and medians of the rounds are printed. A submission is a
 * batch of one job that does nothing; a rival is given as many bytes.
 */
#include <stdio.h>

#include "tests/bench/figure.h"
#include "tests/bench/raw_disk.h"
#include "tests/bench/submission_load.h"

#define ROUNDS 7
#define SLICE_MS 400
#define BATCH 1024
/* beanstalkd syncs job by job: what it was given takes seconds, and hardly varies. */
#define SLOW_ROUNDS 2
#define LATENCIES 500

static const struct {
	const char *name;
	guint n_clients, window;
} kinds[] = {{"submit_8x512", 8, 512}, {"submit_64x1", 64, 1}, {"submit_8x1", 8, 1}};

struct sides {
	struct server_process *forge, *redis, *beanstalkd;
	struct raw_disk *disk;
	size_t wire_bytes;    /* of one submission on the wire */
	size_t journal_bytes; /* of one submission in the journal */
};

static char *endpoint_of(const struct sides *sides)
{
	return g_strconcat("ipc://", sides->forge->socket, NULL);
}

/* How much of the journal one submission takes. */
static void measure_submission(struct sides *sides)
{
	g_autofree char *endpoint = endpoint_of(sides);
	scoped(submission_load) load = submission_load_forge(endpoint, 8, NULL);
	guint64 records_before, bytes_before, records, bytes;
	gint64 start_ns;
	double rate;

	submission_load_run(load, 512, SLICE_MS);
	raw_disk_measure_journal(sides->forge->folder, &records_before, &bytes_before);
	start_ns = figure_now_ns();
	rate = submission_load_run(load, 512, SLICE_MS);
	rate *= (double)(figure_now_ns() - start_ns) / 1e9;
	raw_disk_measure_journal(sides->forge->folder, &records, &bytes);
	sides->wire_bytes = submission_load_bytes(load);
	sides->journal_bytes = (size_t)((double)(bytes - bytes_before) / rate);
	fprintf(stderr, "a submission: %zu bytes on the wire, %zu in the journal, %.0f a record\n",
		sides->wire_bytes, sides->journal_bytes, rate / (double)(records - records_before));
}

static double raw_batches(struct sides *sides, gint64 ms)
{
	gint64 elapsed_ns = 0;
	double n = 0;

	for (; elapsed_ns < ms * 1000000; n += BATCH)
		elapsed_ns += raw_disk_put_ns(sides->disk, sides->journal_bytes * BATCH);
	return figure_per_second(n, elapsed_ns);
}

/* N clients that wait for one sync, and then for the next. */
static double raw_shared(struct sides *sides, guint n_clients, gint64 ms)
{
	gint64 elapsed_ns = 0;
	double n = 0;

	for (; elapsed_ns < ms * 1000000; n += n_clients)
		elapsed_ns += raw_disk_append_ns(sides->disk, sides->journal_bytes * n_clients);
	return figure_per_second(n, elapsed_ns);
}

static void run_rival(struct submission_load *load, guint window, GArray *rates)
{
	if (load)
		figure_push(rates, submission_load_run(load, window, SLICE_MS));
}

static void bench_rate(struct sides *sides, const char *name, guint n_clients, guint window)
{
	struct figure *figure = figure_new(name, "submissions/s");
	g_autofree char *endpoint = endpoint_of(sides);
	scoped(submission_load) forge = submission_load_forge(endpoint, n_clients, NULL);
	scoped(submission_load) redis = submission_load_rival(
		sides->redis, n_clients, sides->wire_bytes, rival_client_redis);
	scoped(submission_load) beanstalkd = submission_load_rival(
		sides->beanstalkd, n_clients, sides->wire_bytes, rival_client_beanstalkd);
	g_autoptr(GArray) redis_rates = figure_values();
	g_autoptr(GArray) beanstalkd_rates = figure_values();
	g_autoptr(GArray) cpu_us = figure_values();

	for (int i = 0; i < ROUNDS; i++) {
		double limit = window > 1 ? raw_batches(sides, SLICE_MS)
					  : raw_shared(sides, n_clients, SLICE_MS);
		double cpu_ns = server_process_cpu_ns(sides->forge);
		gint64 start_ns = figure_now_ns();
		double value = submission_load_run(forge, window, SLICE_MS);
		double n = value * (double)(figure_now_ns() - start_ns) / 1e9;

		figure_add(figure, value, limit);
		figure_push(cpu_us, (server_process_cpu_ns(sides->forge) - cpu_ns) / n / 1000);
		run_rival(redis, window, redis_rates);
		if (i < SLOW_ROUNDS)
			run_rival(beanstalkd, window, beanstalkd_rates);
		fprintf(stderr, "%s: round %d: %.0f of %.0f\n", name, i + 1, value, limit);
	}
	figure_rival(figure, "redis", redis_rates);
	figure_rival(figure, "beanstalkd", beanstalkd_rates);
	figure_note(figure, "scheduler_cpu_us", figure_median(cpu_us));
	figure_print(figure);
}

static void time_rival(struct submission_load *load, GArray *quantiles)
{
	g_autoptr(GArray) latencies = figure_values();

	if (!load)
		return;
	submission_load_time(load, LATENCIES, latencies);
	figure_push(quantiles, figure_quantile(latencies, 0.99));
}

static void bench_latency(struct sides *sides)
{
	struct figure *figure = figure_new("submit_1x1", "us, 99th percentile");
	g_autofree char *endpoint = endpoint_of(sides);
	scoped(submission_load) forge = submission_load_forge(endpoint, 1, NULL);
	scoped(submission_load) redis = submission_load_rival(
		sides->redis, 1, sides->wire_bytes, rival_client_redis);
	g_autoptr(GArray) redis_quantiles = figure_values();
	g_autoptr(GArray) halves = figure_values();

	for (int i = 0; i < ROUNDS; i++) {
		g_autoptr(GArray) latencies = figure_values();
		g_autoptr(GArray) appends = figure_values();

		for (int j = 0; j < LATENCIES; j++) {
			gint64 ns = raw_disk_append_ns(sides->disk, sides->journal_bytes);

			figure_push(appends, (double)ns / 1000);
		}
		submission_load_time(forge, LATENCIES, latencies);
		figure_add(
			figure, figure_quantile(latencies, 0.99), figure_quantile(appends, 0.99));
		figure_push(halves, figure_quantile(latencies, 0.5));
		time_rival(redis, redis_quantiles);
	}
	figure_rival(figure, "redis", redis_quantiles);
	figure_note(figure, "median", figure_median(halves));
	figure_print(figure);
}

/* TRUE if NAME is among the arguments, or there are none. */
static gboolean is_wanted(char **arguments, const char *name)
{
	return !*arguments || g_strv_contains((const char *const *)arguments, name);
}

int main(int argc, char **argv)
{
	char **wanted = argv + MIN(argc, 1);
	struct sides sides = {.forge = server_process_forge(),
		.redis = server_process_redis(),
		.beanstalkd = server_process_beanstalkd(),
		.disk = raw_disk_new()};

	measure_submission(&sides);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (is_wanted(wanted, kinds[i].name))
			bench_rate(&sides, kinds[i].name, kinds[i].n_clients, kinds[i].window);
	if (is_wanted(wanted, "submit_1x1"))
		bench_latency(&sides);
	server_process_free(sides.forge);
	server_process_free(sides.redis);
	server_process_free(sides.beanstalkd);
	raw_disk_free(sides.disk);
	return 0;
}
