/*
 * `forge job tail`, `forge batch tail`, `forge journal tail|export`: events as they were recorded.
 *
 * A tail reads the journal by sequence and asks again from where it stopped, so it misses nothing
 * and shows nothing twice, also over a restart of the scheduler. People and jsonl get each event as
 * it comes; json and yaml are one document, written when all is read.
 */
#include <stdio.h>

#include "cli/handlers.h"
#include "cli/job_events.h"
#include "cli/output.h"
#include "cli/requests.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

#define TAIL_EVENTS 10

struct tail {
	const struct invocation *invocation;
	gboolean json_lines; /* whatever the format is */
	uint64_t batch;      /* 0: the whole journal */
	uint32_t number;     /* only this job; 0: all of the batch */
	gboolean ended;      /* of the job or batch that is shown */
	struct value *list;  /* of events, for the formats that are one document; else NULL */
	gboolean too_many;   /* for one document */
};

static void clear_tail(struct tail *tail)
{
	value_free(tail->list);
}
SCOPED_VALUE(tail, clear_tail)

/* Settles in which shape TAIL's events are written. One
 * document has an end, so it cannot follow. */
static gboolean choose_shape(struct tail *tail, gboolean follow, GError **error)
{
	enum output_format format = tail->invocation->format;

	if (tail->json_lines || format == OUTPUT_TABLE || format == OUTPUT_JSONL)
		return TRUE;
	if (follow) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--follow never comes to the end of a document; use --format jsonl");
		return FALSE;
	}
	tail->list = value_new_list();
	return TRUE;
}

static void show_event(struct tail *tail, const Forge__EventRow *row)
{
	if (tail->list && value_count(tail->list) >= LIMIT_DOCUMENT_EVENTS)
		tail->too_many = tail->ended = TRUE;
	else if (tail->list)
		value_append_take(tail->list, output_event_value(row));
	else if (tail->json_lines)
		output_event_line(row);
	else
		output_event(tail->invocation, row);
}

static gboolean show_page(const Forge__Events *page, gpointer user_data)
{
	struct tail *tail = user_data;

	for (size_t i = 0; i < page->n_events && !tail->ended; i++) {
		const Forge__EventRow *row = page->events[i];
		gboolean closes = tail->batch != 0 &&
			row->event->kind_case == FORGE__EVENT__KIND_BATCH_CLOSED;
		enum job_event part = tail->number == 0
			? JOB_EVENT_CONCERNS
			: job_event_of(row->event, tail->batch, tail->number);

		tail->ended = closes || part == JOB_EVENT_ENDS;
		if (part == JOB_EVENT_OTHER)
			continue;
		show_event(tail, row);
	}
	fflush(stdout);
	return !tail->ended;
}

static int show_events(
	struct tail *tail, struct client *client, uint64_t from, gboolean follow, GError **error)
{
	if (!requests_events(client, from, tail->batch, follow, show_page, tail, error))
		return 1;
	if (tail->too_many) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"more than %d events for one document; use --format jsonl, or --from",
			LIMIT_DOCUMENT_EVENTS);
		return 1;
	}
	if (tail->list)
		output_rows(tail->invocation, "events", tail->list);
	return 0;
}

/* ---- of a batch or job -------------------------------------------------------------------- */

/* The newest batch, open or closed. */
static Forge__BatchRow *newest_batch(struct client *client, GError **error)
{
	g_autoptr(GPtrArray) rows = requests_batches(client, TRUE, error);
	guint newest = 0;

	if (!rows)
		return NULL;
	for (guint i = 1; i < rows->len; i++) {
		const Forge__BatchRow *row = g_ptr_array_index(rows, i);
		const Forge__BatchRow *best = g_ptr_array_index(rows, newest);

		if (row->batch > best->batch)
			newest = i;
	}
	if (rows->len > 0)
		return g_ptr_array_steal_index(rows, newest);
	g_set_error_literal(
		error, FORGE_ERROR, FORGE_ERROR_BATCH_NOT_FOUND, "there is no batch yet");
	return NULL;
}

static gboolean find(struct client *client, const struct invocation *invocation,
	struct job_name *name, GError **error)
{
	if (invocation->argument_count > 0)
		return requests_find_job(client, invocation->arguments[0], name, error);
	name->batch = newest_batch(client, error);
	return name->batch != NULL;
}

static int tail_batch(struct invocation *invocation, GError **error)
{
	gboolean follow = invocation_flag(invocation, "follow");
	scoped(client) client = NULL;
	scoped_value(job_name) name = {0};
	scoped_value(tail) tail = {.invocation = invocation};
	uint64_t from;

	if (!choose_shape(&tail, follow, error))
		return 1;
	client = requests_connect_with_jobs(
		invocation, follow ? CLIENT_WORKS : CLIENT_READS, error);
	if (!client || !find(client, invocation, &name, error))
		return 1;
	tail.batch = name.batch->batch;
	tail.number = name.number;
	/* Of a batch that is closed nothing further will come, wherever one begins. */
	follow = follow && !name.batch->closed;
	from = invocation_number(invocation, "from", name.batch->batch);
	return show_events(&tail, client, MAX(from, name.batch->batch), follow, error);
}

int cmd_job_tail(struct invocation *invocation, GError **error)
{
	return tail_batch(invocation, error);
}

int cmd_batch_tail(struct invocation *invocation, GError **error)
{
	return tail_batch(invocation, error);
}

/* ---- of the whole journal ----------------------------------------------------------------- */

static gboolean newest_seq(struct client *client, uint64_t *seq, GError **error)
{
	Forge__Reply *reply = requests_stats(client, error);

	if (!reply)
		return FALSE;
	*seq = reply->stats->last_seq;
	forge__reply__free_unpacked(reply, NULL);
	return TRUE;
}

/* A journal that was compacted may hold fewer events than are shown: then all there are. */
static int show_newest(
	struct tail *tail, struct client *client, uint64_t from, gboolean follow, GError **error)
{
	g_autoptr(GError) failure = NULL;
	int status = show_events(tail, client, from, follow, &failure);

	if (g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_EVENTS_GONE))
		return show_events(tail, client, 0, follow, error);
	if (failure)
		g_propagate_error(error, g_steal_pointer(&failure));
	return status;
}

static int tail_journal(
	struct invocation *invocation, gboolean newest, gboolean follow, GError **error)
{
	scoped(client) client = NULL;
	scoped_value(tail) tail = {.invocation = invocation, .json_lines = !newest};
	uint64_t from;

	if (!choose_shape(&tail, follow, error))
		return 1;
	client = requests_connect(invocation, CLIENT_READS, 0, error);
	if (!client)
		return 1;
	/* Without a number: from the first there is, which need not be 1. */
	from = invocation_number(invocation, "from", 0);
	if (newest && !invocation_flag(invocation, "from")) {
		if (!newest_seq(client, &from, error))
			return 1;
		from = from > TAIL_EVENTS ? from - TAIL_EVENTS + 1 : 0;
	}
	if (newest && !invocation_flag(invocation, "from"))
		return show_newest(&tail, client, from, follow, error);
	return show_events(&tail, client, from, follow, error);
}

int cmd_journal_tail(struct invocation *invocation, GError **error)
{
	return tail_journal(invocation, TRUE, invocation_flag(invocation, "follow"), error);
}

int cmd_journal_export(struct invocation *invocation, GError **error)
{
	return tail_journal(invocation, FALSE, FALSE, error);
}
