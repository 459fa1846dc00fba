/*
 * The threads that run jobs, one job each at a time. A slot talks to the worker's thread by
 * messages only: it has no socket to the scheduler, and a report that must be durable before the
 * job goes on (a push) waits for its answer in the assignment's own queue.
 */
#include "worker/slots.h"

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "queue/job_kinds.h"

struct slots {
	struct bus *bus;
	char *pipe;
	GAsyncQueue *messages; /* of struct slot_message; not owned */
	GAsyncQueue *waiting;  /* of struct assignment; one without a job ends a thread */
	GPtrArray *threads;
};

/* What one thread has besides the shared things. */
struct slot {
	struct slots *slots;
	struct bus_socket *pipe;
	struct assignment *assignment;
	struct operation operation;
};

/* ---- assignments and messages ------------------------------------------------------------- */

void assignment_configure(struct assignment *assignment, const struct config *config)
{
	struct config *before = (struct config *)assignment->workshop.config;

	assignment->workshop.config = config_share(config);
	config_free(before);
	assignment->budget.connect_ms = (int64_t)config->network_connect_ms;
	assignment->budget.request_ms = (int64_t)config->network_request_ms;
	assignment->budget.low_speed_ms = (int64_t)config->network_low_speed_ms;
	assignment->budget.pack_bytes_max = (int64_t)config->network_pack_bytes;
}

struct assignment *assignment_new(const Forge__GrantedJob *job, const struct workshop *workshop)
{
	struct assignment *assignment = g_new0(struct assignment, 1);

	assignment->job = message_copy(&job->base);
	assignment->answers = g_async_queue_new();
	assignment->workshop = *workshop;
	assignment->workshop.config = NULL;
	assignment_configure(assignment, workshop->config);
	return assignment;
}

void assignment_free(struct assignment *assignment)
{
	forge__granted_job__free_unpacked(assignment->job, NULL);
	g_async_queue_unref(assignment->answers);
	config_free((struct config *)assignment->workshop.config);
	g_free(assignment);
}

void assignment_abandon(struct assignment *assignment)
{
	g_atomic_int_set(&assignment->budget.cancelled, 1);
	g_atomic_int_set(&assignment->abandoned, 1);
	/* For a report that was made before it could see that. */
	g_async_queue_push(assignment->answers, GINT_TO_POINTER(REPORT_STOPPING));
}

void slot_message_free(struct slot_message *message)
{
	if (message->report)
		g_bytes_unref(message->report);
	g_free(message->text);
	g_free(message);
}

static void tell_worker(struct slot *slot, struct slot_message *take_message)
{
	g_autoptr(GBytes) poke = g_bytes_new_static("", 0);

	g_async_queue_push(slot->slots->messages, take_message);
	bus_send(slot->pipe, poke, poke);
}

static struct slot_message *message_for(struct slot *slot, enum slot_message_kind kind)
{
	struct slot_message *message = g_new0(struct slot_message, 1);

	message->kind = kind;
	message->assignment = slot->assignment;
	return message;
}

/* ---- running one job ---------------------------------------------------------------------- */

static GBytes *pack_report(const struct assignment *assignment, Forge__Fact *const *facts,
	size_t n_facts, Forge__JobEnd *end)
{
	Forge__Report report = FORGE__REPORT__INIT;

	report.job = assignment->job->job;
	report.attempt = assignment->job->attempt;
	report.n_facts = n_facts;
	report.facts = (Forge__Fact **)facts;
	report.end = end;
	return message_pack(&report.base);
}

/* Always answered: by the scheduler, or by the worker when it gives up on it. */
static enum report_answer wait_for_answer(
	struct slot *slot, Forge__Fact *const *facts, size_t n_facts)
{
	struct slot_message *message;

	if (g_atomic_int_get(&slot->assignment->abandoned))
		return REPORT_STOPPING;
	message = message_for(slot, SLOT_REPORT);
	message->report = pack_report(slot->assignment, facts, n_facts, NULL);
	tell_worker(slot, message);
	return (enum report_answer)GPOINTER_TO_INT(g_async_queue_pop(slot->assignment->answers));
}

static gboolean report_facts(
	struct operation *operation, Forge__Fact *const *facts, size_t n_facts, GError **error)
{
	struct slot *slot = operation->reporter;

	switch (wait_for_answer(slot, facts, n_facts)) {
	case REPORT_RECORDED:
		return TRUE;
	case REPORT_LEASE_LOST:
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_LEASE_LOST,
			"the job's lease is over: another worker may run it");
		return FALSE;
	case REPORT_STOPPING:
		break;
	}
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED, "the worker is stopping");
	return FALSE;
}

static void pass_progress(struct budget *budget, const char *text, uint64_t bytes, void *user_data)
{
	struct slot *slot = user_data;
	struct slot_message *message = message_for(slot, SLOT_PROGRESS);

	(void)budget;
	message->text = g_strdup(text);
	message->bytes = bytes;
	tell_worker(slot, message);
}

static gboolean was_interrupted(const Forge__JobEnd *end)
{
	return end->error && forge_error_from_name(end->error->code) == FORGE_ERROR_INTERRUPTED;
}

static Forge__JobEnd *say_cancelled(Forge__JobEnd *take_end)
{
	g_autoptr(GError) error = g_error_new_literal(
		FORGE_ERROR, FORGE_ERROR_CANCELLED, "the job was cancelled");

	forge__job_end__free_unpacked(take_end, NULL);
	return operation_failed(error);
}

static void run_job(struct slot *slot)
{
	struct assignment *assignment = slot->assignment;
	const struct job_kind *kind = job_kind_of(assignment->job->kind);
	struct slot_message *message;
	Forge__JobEnd *end;

	assignment->budget.deadline_ms = clock_now().monotonic_ms +
		(kind ? kind->timeout_ms : LIMIT_REQUEST_MS);
	assignment->budget.progress = pass_progress;
	assignment->budget.progress_data = slot;
	g_ptr_array_set_size(slot->operation.noted, 0);
	slot->operation.job = assignment->job;
	slot->operation.workshop = &assignment->workshop;
	slot->operation.budget = &assignment->budget;
	end = operation_run(&slot->operation);
	if (end->error)
		end->retry_after_ms = (uint64_t)MAX(0, assignment->budget.retry_after_ms);
	if (was_interrupted(end) && g_atomic_int_get(&assignment->revoked))
		end = say_cancelled(end);
	message = message_for(slot, was_interrupted(end) ? SLOT_RETURNED : SLOT_REPORT);
	if (message->kind == SLOT_REPORT) {
		message->report = pack_report(assignment,
			(Forge__Fact **)slot->operation.noted->pdata, slot->operation.noted->len,
			end);
		message->is_end = TRUE;
	}
	forge__job_end__free_unpacked(end, NULL);
	/* The worker's thread may free the assignment from here on. */
	tell_worker(slot, message);
}

static void free_fact(gpointer data)
{
	forge__fact__free_unpacked(data, NULL);
}

static gpointer run_slot(gpointer data)
{
	struct slot slot = {.slots = data};

	slot.pipe = bus_push(slot.slots->bus, slot.slots->pipe);
	slot.operation.report = report_facts;
	slot.operation.reporter = &slot;
	slot.operation.noted = g_ptr_array_new_with_free_func(free_fact);
	for (;;) {
		slot.assignment = g_async_queue_pop(slot.slots->waiting);
		if (!slot.assignment->job)
			break;
		run_job(&slot);
	}
	g_free(slot.assignment);
	g_ptr_array_free(slot.operation.noted, TRUE);
	bus_socket_close(slot.pipe);
	return NULL;
}

/* ---- the threads -------------------------------------------------------------------------- */

struct slots *slots_new(uint32_t n, struct bus *bus, const char *pipe, GAsyncQueue *messages)
{
	struct slots *slots = g_new0(struct slots, 1);

	slots->bus = bus;
	slots->pipe = g_strdup(pipe);
	slots->messages = messages;
	slots->waiting = g_async_queue_new();
	slots->threads = g_ptr_array_new();
	for (uint32_t i = 0; i < n; i++)
		g_ptr_array_add(slots->threads, g_thread_new("slot", run_slot, slots));
	return slots;
}

void slots_put(struct slots *slots, struct assignment *assignment)
{
	g_async_queue_push(slots->waiting, assignment);
}

struct assignment *slots_take_back(struct slots *slots)
{
	return g_async_queue_try_pop(slots->waiting);
}

void slots_free(struct slots *slots)
{
	if (!slots)
		return;
	for (guint i = 0; i < slots->threads->len; i++)
		g_async_queue_push(slots->waiting, g_new0(struct assignment, 1));
	for (guint i = 0; i < slots->threads->len; i++)
		g_thread_join(slots->threads->pdata[i]);
	g_ptr_array_free(slots->threads, TRUE);
	g_async_queue_unref(slots->waiting);
	g_free(slots->pipe);
	g_free(slots);
}
