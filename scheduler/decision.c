/*
 * Building decisions: events with the sequence they are going to have, and packed messages.
 */
#include "scheduler/decision.h"

#include <stdarg.h>

#include "journal/message.h"

static void free_event(gpointer data)
{
	forge__event__free_unpacked(data, NULL);
}

static void free_outgoing(gpointer data)
{
	struct outgoing *outgoing = data;

	g_bytes_unref(outgoing->routing);
	g_bytes_unref(outgoing->message);
	g_free(outgoing);
}

GPtrArray *decision_outgoing_new(void)
{
	return g_ptr_array_new_with_free_func(free_outgoing);
}

struct decision *decision_new(void)
{
	struct decision *decision = g_new0(struct decision, 1);

	decision->events = g_ptr_array_new_with_free_func(free_event);
	decision->outgoing = decision_outgoing_new();
	return decision;
}

void decision_free(struct decision *decision)
{
	if (!decision)
		return;
	g_ptr_array_free(decision->events, TRUE);
	g_ptr_array_free(decision->outgoing, TRUE);
	g_free(decision);
}

uint64_t decision_add(const struct view *view, struct decision *decision,
	Forge__Event__KindCase kind, gpointer payload)
{
	Forge__Event *event = g_new(Forge__Event, 1);

	forge__event__init(event);
	event->kind_case = kind;
	/* All members of the union are pointers to messages. */
	event->reported = payload;
	g_ptr_array_add(decision->events, event);
	return view->state->last_seq + decision->events->len;
}

void decision_reply(struct decision *decision, GBytes *routing, const Forge__Reply *reply)
{
	struct outgoing *outgoing = g_new0(struct outgoing, 1);

	outgoing->routing = g_bytes_ref(routing);
	outgoing->message = message_pack(&reply->base);
	g_ptr_array_add(decision->outgoing, outgoing);
}

void decision_refuse(struct decision *decision, GBytes *routing, uint64_t id, enum forge_error code,
	const char *format, ...)
{
	Forge__Reply reply = FORGE__REPLY__INIT;
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	reply.id = id;
	reply.kind_case = FORGE__REPLY__KIND_ERROR;
	reply.error = message_error(code, message, NULL);
	decision_reply(decision, routing, &reply);
	forge__error__free_unpacked(reply.error, NULL);
}

Forge__JobId *decide_job_id(uint64_t batch, uint32_t number)
{
	Forge__JobId *id = g_new(Forge__JobId, 1);

	forge__job_id__init(id);
	id->batch = batch;
	id->number = number;
	return id;
}

void asking_answer(const struct asking *asking, Forge__Reply__KindCase kind, gpointer payload)
{
	Forge__Reply reply = FORGE__REPLY__INIT;

	reply.id = asking->id;
	reply.kind_case = kind;
	reply.done = payload;
	decision_reply(asking->decision, asking->routing, &reply);
}

void asking_answer_done(const struct asking *asking)
{
	Forge__Done done = FORGE__DONE__INIT;

	asking_answer(asking, FORGE__REPLY__KIND_DONE, &done);
}

void asking_refuse(const struct asking *asking, GError *take_error)
{
	g_autoptr(GError) error = take_error;

	decision_refuse(asking->decision, asking->routing, asking->id, forge_error_code(error),
		"%s", error->message);
}
