/*
 * Building decisions: events with the sequence they are going to have, and packed messages.
 */
#include "scheduler/decision.h"

#include <stdarg.h>
#include <string.h>

#include "journal/arena.h"
#include "journal/message.h"

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

struct decision *decision_new(struct arena *arena, GPtrArray *outgoing)
{
	struct decision *decision = g_new0(struct decision, 1);

	decision->arena = arena;
	decision->events = g_ptr_array_new();
	decision->outgoing = g_ptr_array_ref(outgoing);
	decision->n_outgoing_before = outgoing->len;
	return decision;
}

void decision_begin(struct decision *decision)
{
	g_ptr_array_set_size(decision->events, 0);
	decision->n_outgoing_before = decision->outgoing->len;
}

void decision_drop(struct decision *decision)
{
	g_ptr_array_set_size(decision->events, 0);
	g_ptr_array_set_size(decision->outgoing, (gint)decision->n_outgoing_before);
}

void decision_free(struct decision *decision)
{
	if (!decision)
		return;
	g_ptr_array_free(decision->events, TRUE);
	g_ptr_array_unref(decision->outgoing);
	g_free(decision);
}

gpointer decision_room(struct decision *decision, size_t size)
{
	ProtobufCAllocator *allocator = arena_allocator(decision->arena);

	return size > 0 ? memset(allocator->alloc(allocator->allocator_data, size), 0, size) : NULL;
}

gpointer decision_make(struct decision *decision, const ProtobufCMessageDescriptor *type)
{
	ProtobufCAllocator *allocator = arena_allocator(decision->arena);
	ProtobufCMessage *message = allocator->alloc(
		allocator->allocator_data, type->sizeof_message);

	protobuf_c_message_init(type, message);
	return message;
}

char *decision_text(struct decision *decision, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy;

	if (size == 1)
		return (char *)protobuf_c_empty_string;
	copy = decision_room(decision, size);
	memcpy(copy, text, size);
	return copy;
}

gpointer decision_copy(struct decision *decision, const ProtobufCMessage *message)
{
	return message_copy_to(message, arena_allocator(decision->arena));
}

Forge__Error *decision_error(struct decision *decision, enum forge_error code, const char *message)
{
	Forge__Error *error = message_error(code, message, NULL);
	Forge__Error *copy = decision_copy(decision, &error->base);

	forge__error__free_unpacked(error, NULL);
	return copy;
}

uint64_t decision_add(const struct view *view, struct decision *decision,
	Forge__Event__KindCase kind, gpointer payload)
{
	Forge__Event *event = decision_make(decision, &forge__event__descriptor);

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

Forge__JobId *decide_job_id(struct decision *decision, uint64_t batch, uint32_t number)
{
	Forge__JobId *id = decision_make(decision, &forge__job_id__descriptor);

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
