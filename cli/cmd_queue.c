/*
 * `forge queue pause|resume|stats` and `forge journal stats`: the scheduler as a whole.
 */
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/requests.h"

static int set_paused(struct invocation *invocation, gboolean paused, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	Forge__SetPaused message = FORGE__SET_PAUSED__INIT;
	Forge__Request request = FORGE__REQUEST__INIT;
	scoped(value) object = NULL;

	if (!client)
		return 1;
	message.paused = paused;
	request.kind_case = FORGE__REQUEST__KIND_SET_PAUSED;
	request.set_paused = &message;
	if (!requests_do(client, &request, error))
		return 1;
	object = value_new_map();
	value_put_boolean(object, "paused", paused);
	output_value(invocation, object);
	output_marked(invocation,
		paused ? "✓ The queue is paused: no further jobs are handed out"
		       : "✓ The queue hands out jobs");
	return 0;
}

int cmd_queue_pause(struct invocation *invocation, GError **error)
{
	return set_paused(invocation, TRUE, error);
}

int cmd_queue_resume(struct invocation *invocation, GError **error)
{
	return set_paused(invocation, FALSE, error);
}

static void show_workers(const struct invocation *invocation, const Forge__Stats *stats)
{
	static const char *const titles[] = {"Worker", "Takes", "Leased", "Serves", NULL};
	scoped(table) table = table_new(titles);

	for (size_t i = 0; i < stats->n_workers; i++) {
		const Forge__WorkerRow *worker = stats->workers[i];
		char *cells[] = {
			g_strdup(worker->name),
			g_strdup_printf("%u", worker->slots),
			g_strdup_printf("%u", worker->leased),
			g_strdup(worker->owned ? "one command" : "everybody"),
		};

		table_add_take(table, cells);
	}
	output_table(invocation, table, "No worker is connected.");
}

int cmd_queue_stats(struct invocation *invocation, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	Forge__Reply *reply = client ? requests_stats(client, error) : NULL;
	const Forge__Stats *stats;
	scoped(value) object = NULL;

	if (!reply)
		return 1;
	stats = reply->stats;
	object = render_stats(stats);
	output_value(invocation, object);
	output_line(invocation, "Queue: %s", stats->paused ? "paused" : "running");
	output_line(invocation, "Open batches: %u", stats->open_batches);
	output_line(invocation,
		"Jobs: %" G_GUINT64_FORMAT " queued, %" G_GUINT64_FORMAT
		" waiting for their next try, %" G_GUINT64_FORMAT " leased",
		stats->queued, stats->waiting, stats->leased);
	show_workers(invocation, stats);
	forge__reply__free_unpacked(reply, NULL);
	return 0;
}

int cmd_journal_stats(struct invocation *invocation, GError **error)
{
	scoped(client) client = requests_connect(invocation, CLIENT_READS, 0, error);
	Forge__Reply *reply = client ? requests_stats(client, error) : NULL;
	const Forge__Stats *stats;
	scoped(value) object = NULL;

	if (!reply)
		return 1;
	stats = reply->stats;
	object = value_new_map();
	value_put_string(object, "journal", stats->journal_id);
	value_put_take(object, "last_seq", value_new_unsigned(stats->last_seq));
	value_put_string(object, "digest", stats->digest);
	value_put_integer(object, "forks", stats->forks);
	value_put_integer(object, "open_batches", stats->open_batches);
	output_value(invocation, object);
	output_line(invocation, "Journal: %s", stats->journal_id);
	output_line(invocation, "Last event: %" G_GUINT64_FORMAT, stats->last_seq);
	output_line(invocation, "Digest of the state: %s", stats->digest);
	output_line(invocation, "Forks: %u", stats->forks);
	output_line(invocation, "Open batches: %u", stats->open_batches);
	forge__reply__free_unpacked(reply, NULL);
	return 0;
}
