/*
 * A journal of a million events, as a fleet of 1,000 forks leaves it, folded and opened again:
 *
 *     replay               events a second with the state built; limit: unpacking them alone
 *     start_1m_checkpoint  from starting `forge scheduler` until it answers, with a checkpoint of
 *                          the newest state; limit: starting `forge --version`
 *     start_1m_replay      likewise without a checkpoint; limit: that, and unpacking alone
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "journal/arena.h"
#include "journal/journal_rocksdb.h"
#include "journal/record.h"
#include "journal/rocksdb_records.h"
#include "tests/bench/core_history.h"
#include "tests/bench/figure.h"
#include "tests/bench/forge_peer.h"
#include "tests/bench/server_process.h"

#define FORKS 1000
#define ROUNDS 5

/* The payloads of a journal's records, one after the other. */
struct payloads {
	GByteArray *bytes;
	GArray *sizes; /* of size_t */
	guint64 n_events;
};

static struct payloads read_payloads(const char *journal_folder)
{
	struct payloads payloads = {
		.bytes = g_byte_array_new(), .sizes = g_array_new(FALSE, FALSE, sizeof(size_t))};
	g_autofree char *path = g_build_filename(journal_folder, "records", NULL);
	struct rocksdb_records *records = rocksdb_records_open(path, FALSE, NULL);
	struct rocksdb_cursor *cursor = rocksdb_cursor_new(records);
	const uint8_t *value;
	struct record record;
	size_t size;

	rocksdb_cursor_seek(cursor, 1);
	while (rocksdb_cursor_next(cursor, &value, &size, NULL) == JOURNAL_READ_RECORD) {
		g_assert_true(record_read(value, size, &record, NULL));
		g_byte_array_append(payloads.bytes, record.payload, (guint)record.payload_bytes);
		g_array_append_val(payloads.sizes, record.payload_bytes);
		payloads.n_events = record.last_seq;
	}
	rocksdb_cursor_free(cursor);
	rocksdb_records_close(records);
	return payloads;
}

static gint64 unpack_ns(const struct payloads *payloads)
{
	struct arena *arena = arena_new();
	const uint8_t *at = payloads->bytes->data;
	gint64 start_ns = figure_now_ns();

	for (guint i = 0; i < payloads->sizes->len; i++) {
		size_t size = g_array_index(payloads->sizes, size_t, i);

		arena_reset(arena);
		g_assert_nonnull(forge__entries__unpack(arena_allocator(arena), size, at));
		at += size;
	}
	start_ns = figure_now_ns() - start_ns;
	arena_free(arena);
	return start_ns;
}

static gint64 replay_ns(const char *journal_folder, gint64 *cpu_ns)
{
	scoped(journal)
		journal = journal_rocksdb_open(journal_folder, JOURNAL_WRITE, "bench", NULL);
	gint64 start_ns = figure_now_ns(), start_cpu_ns = figure_cpu_ns();
	struct state *state = scheduler_replay(journal, NULL);

	start_ns = figure_now_ns() - start_ns;
	*cpu_ns = figure_cpu_ns() - start_cpu_ns;
	g_assert_nonnull(state);
	state_free(state);
	return start_ns;
}

static void bench_replay(const char *journal_folder, const struct payloads *payloads)
{
	struct figure *figure = figure_new("replay", "events/s");
	g_autoptr(GArray) cpu = figure_values();

	for (int i = 0; i < ROUNDS; i++) {
		gint64 cpu_ns = figure_cpu_ns(), unpack_cpu_ns;
		double limit = figure_per_second((double)payloads->n_events, unpack_ns(payloads));

		unpack_cpu_ns = figure_cpu_ns() - cpu_ns;
		figure_add(figure,
			figure_per_second(
				(double)payloads->n_events, replay_ns(journal_folder, &cpu_ns)),
			limit);
		figure_push(cpu, (double)unpack_cpu_ns / (double)cpu_ns);
	}
	figure_note(figure, "fraction_of_processor_time", figure_median(cpu));
	figure_print(figure);
}

/* How long a process takes to be there at all. */
static gint64 bare_start_ns(void)
{
	const char *forge = g_getenv("FORGE");
	const char *const command[] = {forge ? forge : "build/forge", "--version", NULL};
	gint64 start_ns = figure_now_ns();

	g_assert_true(g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
		NULL, NULL, NULL, NULL, NULL));
	return figure_now_ns() - start_ns;
}

/* From nothing to the answer to a hello. */
static gint64 start_ns(struct server_process *server)
{
	g_autofree char *endpoint = g_strconcat("ipc://", server->socket, NULL);
	void *context = zmq_ctx_new();
	gint64 start_ns = figure_now_ns();
	struct forge_peer *peer;

	server_process_start_forge(server);
	peer = forge_peer_new(context, endpoint, FORGE__ROLE__ROLE_CLIENT, 0, NULL);
	start_ns = figure_now_ns() - start_ns;
	forge_peer_free(peer);
	zmq_ctx_term(context);
	server_process_end(server, SIGTERM);
	return start_ns;
}

static void remove_checkpoints(const char *journal_folder)
{
	g_autoptr(GDir) dir = g_dir_open(journal_folder, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(journal_folder, name, NULL);

		if (g_str_has_prefix(name, "checkpoint-"))
			g_assert_cmpint(g_remove(path), ==, 0);
	}
}

static void bench_start(
	const char *name, struct server_process *server, const struct payloads *unpacked)
{
	struct figure *figure = figure_new(name, "ms");

	for (int i = 0; i < ROUNDS; i++) {
		gint64 limit_ns = bare_start_ns() + (unpacked ? unpack_ns(unpacked) : 0);

		figure_add(figure, (double)start_ns(server) / 1e6, (double)limit_ns / 1e6);
	}
	figure_print(figure);
}

int main(int argc, char **argv)
{
	guint64 n_events = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	scoped(server_process) server = server_process_new("replay");
	g_autofree char *folder = g_build_filename(server->folder, "journal", NULL);
	struct payloads payloads;

	{
		scoped(journal)
			journal = journal_rocksdb_open(folder, JOURNAL_WRITE, "bench", NULL);
		scoped(core_history) history = core_history_new(journal, FORKS);

		core_history_sync_until(history, n_events);
		core_history_save_checkpoint(history);
		g_clear_pointer(&history, core_history_free);
	}
	payloads = read_payloads(folder);
	fprintf(stderr, "a history of %" G_GUINT64_FORMAT " events in %u records, %u bytes\n",
		payloads.n_events, payloads.sizes->len, payloads.bytes->len);
	bench_replay(folder, &payloads);
	bench_start("start_1m_checkpoint", server, NULL);
	remove_checkpoints(folder);
	bench_start("start_1m_replay", server, &payloads);
	g_byte_array_unref(payloads.bytes);
	g_array_unref(payloads.sizes);
	return 0;
}
