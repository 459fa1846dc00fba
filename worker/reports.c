/*
 * Reports on their way: kept until they are answered, since a connection that breaks takes along
 * what was on it, and a scheduler that was replaced wants them too.
 */
#include "worker/reports.h"

#include "journal/base/clock.h"

struct report {
	struct assignment *assignment;
	GBytes *request; /* packed, with its id */
	int64_t sent_ms;
	gboolean is_end;
};

struct reports {
	struct bus_socket *socket;
	GHashTable *by_id; /* id → struct report */
};

static void free_report(gpointer data)
{
	struct report *report = data;

	g_bytes_unref(report->request);
	g_free(report);
}

struct reports *reports_new(struct bus_socket *socket)
{
	struct reports *reports = g_new0(struct reports, 1);

	reports->socket = socket;
	reports->by_id = g_hash_table_new_full(NULL, NULL, NULL, free_report);
	return reports;
}

void reports_free(struct reports *reports)
{
	g_hash_table_destroy(reports->by_id);
	g_free(reports);
}

static gpointer key_of(uint64_t id)
{
	return GSIZE_TO_POINTER((gsize)id);
}

void reports_add(struct reports *reports, uint64_t id, GBytes *take_request,
	struct assignment *assignment, gboolean is_end)
{
	struct report *report = g_new0(struct report, 1);

	report->assignment = assignment;
	report->request = take_request;
	report->is_end = is_end;
	g_hash_table_insert(reports->by_id, key_of(id), report);
}

static void send_report(struct reports *reports, struct report *report)
{
	bus_send(reports->socket, NULL, report->request);
	report->sent_ms = clock_now().monotonic_ms;
}

void reports_send(struct reports *reports, uint64_t id)
{
	send_report(reports, g_hash_table_lookup(reports->by_id, key_of(id)));
}

void reports_send_again(struct reports *reports, int64_t silent_ms)
{
	int64_t now_ms = clock_now().monotonic_ms;
	GHashTableIter iterator;
	gpointer value;

	g_hash_table_iter_init(&iterator, reports->by_id);
	while (g_hash_table_iter_next(&iterator, NULL, &value))
		if (now_ms - ((struct report *)value)->sent_ms >= silent_ms)
			send_report(reports, value);
}

struct assignment *reports_settle(struct reports *reports, uint64_t id, enum report_answer answer)
{
	const struct report *report = g_hash_table_lookup(reports->by_id, key_of(id));
	struct assignment *ended = report && report->is_end ? report->assignment : NULL;

	if (report && !report->is_end)
		g_async_queue_push(report->assignment->answers, GINT_TO_POINTER((gint)answer));
	g_hash_table_remove(reports->by_id, key_of(id));
	return ended;
}

void reports_settle_facts(struct reports *reports, enum report_answer answer)
{
	g_autoptr(GList) ids = g_hash_table_get_keys(reports->by_id);

	for (GList *link = ids; link; link = link->next) {
		const struct report *report = g_hash_table_lookup(reports->by_id, link->data);

		if (!report->is_end)
			reports_settle(reports, (uint64_t)GPOINTER_TO_SIZE(link->data), answer);
	}
}
