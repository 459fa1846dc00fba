/*
 * Pages of events for tails. A tail holds no place in the scheduler: it asks again from where its
 * last page ended, so nothing is missed whatever happens in between, and a slow one costs nobody
 * anything.
 *
 * A page ends at its size, or after so many events looked at (a batch's events may be far apart),
 * or at the end.
 */
#include "scheduler/tail.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"

struct tail {
	struct journal *journal;
	struct bus *bus;
	char *pipe;
	GAsyncQueue *asked; /* of struct question; one without routing ends the thread */
	GThread *thread;
};

struct question {
	GBytes *routing;
	uint64_t id;
	uint64_t from;
	uint64_t batch;
	uint64_t max_bytes;
	uint64_t last_seq;
};

/* A page being filled. */
struct page {
	const struct question *question;
	GPtrArray *rows; /* of Forge__EventRow */
	uint64_t next;
	uint64_t looked_at;
	size_t bytes;
};

static void free_question(struct question *question)
{
	if (question->routing)
		g_bytes_unref(question->routing);
	g_free(question);
}

static void free_row(gpointer data)
{
	forge__event_row__free_unpacked(data, NULL);
}

/* ---- what belongs to a batch -------------------------------------------------------------- */

static gboolean is_of(const Forge__JobId *id, uint64_t batch)
{
	return id && id->batch == batch;
}

static gboolean leases_of(const Forge__JobsLeased *leased, uint64_t batch)
{
	for (size_t i = 0; i < leased->n_jobs; i++)
		if (is_of(leased->jobs[i], batch))
			return TRUE;
	return FALSE;
}

/* TRUE if EVENT, whose sequence is SEQ, concerns the batch that BATCH opened. */
static gboolean concerns(const Forge__Event *event, uint64_t seq, uint64_t batch)
{
	switch (event->kind_case) {
	case FORGE__EVENT__KIND_BATCH_OPENED:
		return seq == batch;
	case FORGE__EVENT__KIND_BATCH_EXTENDED:
		return event->batch_extended->batch == batch;
	case FORGE__EVENT__KIND_BATCH_SEALED:
		return event->batch_sealed->batch == batch;
	case FORGE__EVENT__KIND_BATCH_CLOSED:
		return event->batch_closed->batch == batch;
	case FORGE__EVENT__KIND_BATCH_CANCEL_REQUESTED:
		return event->batch_cancel_requested->batch == batch;
	case FORGE__EVENT__KIND_JOBS_LEASED:
		return leases_of(event->jobs_leased, batch);
	case FORGE__EVENT__KIND_JOB_SUCCEEDED:
		return is_of(event->job_succeeded->job, batch);
	case FORGE__EVENT__KIND_JOB_FAILED:
		return is_of(event->job_failed->job, batch);
	case FORGE__EVENT__KIND_JOB_RETRY_SCHEDULED:
		return is_of(event->job_retry_scheduled->job, batch);
	case FORGE__EVENT__KIND_JOB_CANCELLED:
		return is_of(event->job_cancelled->job, batch);
	case FORGE__EVENT__KIND_JOB_EXPIRED:
		return is_of(event->job_expired->job, batch);
	case FORGE__EVENT__KIND_JOB_RETURNED:
		return is_of(event->job_returned->job, batch);
	case FORGE__EVENT__KIND_JOB_CANCEL_REQUESTED:
		return is_of(event->job_cancel_requested->job, batch);
	case FORGE__EVENT__KIND_REPORTED:
		return is_of(event->reported->job, batch);
	case FORGE__EVENT__KIND_SCHEDULER_STARTED:
	case FORGE__EVENT__KIND_WORKER_JOINED:
	case FORGE__EVENT__KIND_WORKER_LEFT:
	case FORGE__EVENT__KIND_FORK_REGISTERED:
	case FORGE__EVENT__KIND_FORK_REMOVED:
	case FORGE__EVENT__KIND_QUEUE_PAUSED:
	case FORGE__EVENT__KIND_QUEUE_RESUMED:
	case FORGE__EVENT__KIND_BASE_BEGUN:
	case FORGE__EVENT__KIND_BASE_CHUNK:
	case FORGE__EVENT__KIND_JOURNAL_IMPORTED:
	case FORGE__EVENT__KIND__NOT_SET:
	case _FORGE__EVENT__KIND__CASE_IS_INT_SIZE:
		return FALSE;
	}
	return FALSE;
}

/* ---- filling a page ----------------------------------------------------------------------- */

/* FALSE once the page is full. */
static gboolean add_event(
	struct page *page, uint64_t seq, uint64_t time_us, const Forge__Event *event)
{
	const struct question *question = page->question;
	Forge__EventRow *row;
	size_t size;

	if (seq < question->from)
		return TRUE;
	if (seq > question->last_seq || page->looked_at++ >= LIMIT_EVENTS_LOOKED_AT)
		return FALSE;
	if (question->batch && !concerns(event, seq, question->batch)) {
		page->next = seq + 1;
		return TRUE;
	}
	size = protobuf_c_message_get_packed_size(&event->base) + 32;
	if (page->rows->len > 0 && page->bytes + size > question->max_bytes)
		return FALSE;
	row = g_new(Forge__EventRow, 1);
	forge__event_row__init(row);
	row->seq = seq;
	row->time_us = time_us;
	row->event = message_copy(&event->base);
	g_ptr_array_add(page->rows, row);
	page->bytes += size;
	page->next = seq + 1;
	return TRUE;
}

static gboolean add_record(struct page *page, const struct journal_record *record)
{
	uint64_t seq = record->first_seq;

	for (size_t i = 0; i < record->entries->n_entries; i++) {
		const Forge__Entry *entry = record->entries->entries[i];

		for (size_t j = 0; j < entry->n_events; j++, seq++)
			if (!add_event(page, seq, entry->time_us, entry->events[j]))
				return FALSE;
	}
	return TRUE;
}

static gboolean fill_page(struct journal *journal, struct page *page, GError **error)
{
	scoped(journal_reader) reader = journal_read(journal, page->question->from, error);
	struct journal_record record;
	enum journal_read_result result = JOURNAL_READ_ERROR;

	while (reader) {
		result = journal_reader_next(reader, &record, error);
		if (result != JOURNAL_READ_RECORD || !add_record(page, &record))
			break;
	}
	return reader && result != JOURNAL_READ_ERROR;
}

static GBytes *answer(struct journal *journal, const struct question *question)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_row);
	g_autoptr(GError) error = NULL;
	struct page page = {.question = question, .rows = rows, .next = MAX(1, question->from)};
	Forge__Reply reply = FORGE__REPLY__INIT;
	Forge__Events events = FORGE__EVENTS__INIT;
	GBytes *message;

	reply.id = question->id;
	if (fill_page(journal, &page, &error)) {
		events.n_events = rows->len;
		events.events = (Forge__EventRow **)rows->pdata;
		events.next = page.next;
		events.last_seq = question->last_seq;
		reply.kind_case = FORGE__REPLY__KIND_EVENTS;
		reply.events = &events;
	} else {
		reply.kind_case = FORGE__REPLY__KIND_ERROR;
		reply.error = message_error(forge_error_code(error), error->message, NULL);
	}
	message = message_pack(&reply.base);
	if (reply.kind_case == FORGE__REPLY__KIND_ERROR)
		forge__error__free_unpacked(reply.error, NULL);
	return message;
}

/* ---- the thread --------------------------------------------------------------------------- */

static gpointer run(gpointer data)
{
	struct tail *tail = data;
	scoped(bus_socket) pipe = bus_push(tail->bus, tail->pipe);

	for (;;) {
		struct question *question = g_async_queue_pop(tail->asked);
		g_autoptr(GBytes) message = NULL;

		if (!question->routing) {
			free_question(question);
			return NULL;
		}
		message = answer(tail->journal, question);
		bus_send(pipe, question->routing, message);
		free_question(question);
	}
}

struct tail *tail_new(struct journal *journal, struct bus *bus, const char *pipe)
{
	struct tail *tail = g_new0(struct tail, 1);

	tail->journal = journal;
	tail->bus = bus;
	tail->pipe = g_strdup(pipe);
	tail->asked = g_async_queue_new();
	tail->thread = g_thread_new("tail", run, tail);
	return tail;
}

void tail_free(struct tail *tail)
{
	struct question *question;

	if (!tail)
		return;
	while ((question = g_async_queue_try_pop(tail->asked)))
		free_question(question);
	g_async_queue_push(tail->asked, g_new0(struct question, 1));
	g_thread_join(tail->thread);
	g_async_queue_unref(tail->asked);
	g_free(tail->pipe);
	g_free(tail);
}

gboolean tail_ask(struct tail *tail, GBytes *routing, uint64_t id, const Forge__ReadEvents *request,
	uint64_t last_seq)
{
	struct question *question;

	if (g_async_queue_length(tail->asked) >= LIMIT_TAIL_QUESTIONS)
		return FALSE;
	question = g_new0(struct question, 1);
	question->routing = g_bytes_ref(routing);
	question->id = id;
	question->from = MAX(request->from, request->batch);
	question->batch = request->batch;
	question->max_bytes = request->max_bytes == 0
		? LIMIT_EVENTS_PAGE_BYTES
		: MIN(request->max_bytes, LIMIT_EVENTS_PAGE_BYTES);
	question->last_seq = last_seq;
	g_async_queue_push(tail->asked, question);
	return TRUE;
}
