/*
 * One walk over protobuf-c's descriptors turns any message into a tree of values; a second, over
 * that tree, makes the line for people. Neither knows a single event, with one exception that the
 * journal's readers expect: a reported fact is shown as the fact, with the job and the attempt that
 * reported it.
 *
 * Words of enums are derived from the schema's names and interned: there are as many as the schemas
 * have.
 */
#include "journal/event_text.h"

#include <string.h>

#include "journal/base/document.h"
#include "journal/base/printable.h"
#include "journal/message.h"

/* A line shows so many items of a list; the row has them all. */
#define LINE_ITEMS 5

/* And so many bytes of a text; of those that events hold only a piece of a base is longer. */
#define LINE_TEXT_BYTES 2000

/* ---- words -------------------------------------------------------------------------------- */

/* The upper-case name of the enum with an underscore behind it: JobKind is JOB_KIND_. */
static char *enum_prefix(const ProtobufCEnumDescriptor *descriptor)
{
	GString *prefix = g_string_new(NULL);

	for (const char *at = descriptor->short_name; *at; at++) {
		if (g_ascii_isupper(*at) && at > descriptor->short_name)
			g_string_append_c(prefix, '_');
		g_string_append_c(prefix, g_ascii_toupper(*at));
	}
	g_string_append_c(prefix, '_');
	return g_string_free(prefix, FALSE);
}

static const char *word_of(
	const ProtobufCEnumDescriptor *descriptor, const ProtobufCEnumValue *value)
{
	g_autofree char *prefix = enum_prefix(descriptor);
	const char *name = g_str_has_prefix(value->name, prefix) ? value->name + strlen(prefix)
								 : value->name;
	g_autofree char *word = g_ascii_strdown(name, -1);

	return g_intern_string(word);
}

const char *event_enum_word(const ProtobufCEnumDescriptor *descriptor, int value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);

	return found ? word_of(descriptor, found) : NULL;
}

static GDateTime *date_of(uint64_t time_us)
{
	return time_us <= G_MAXINT64
		? g_date_time_new_from_unix_utc((gint64)(time_us / G_USEC_PER_SEC))
		: NULL;
}

char *event_time(uint64_t time_us)
{
	g_autoptr(GDateTime) time = date_of(time_us);
	g_autofree char *seconds = NULL;

	if (!time)
		return g_strdup("out of range");
	seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
	if (time_us % G_USEC_PER_SEC == 0)
		return g_strconcat(seconds, "Z", NULL);
	return g_strdup_printf("%s.%06" G_GUINT64_FORMAT "Z", seconds, time_us % G_USEC_PER_SEC);
}

/* ---- a message as a tree ------------------------------------------------------------------ */

static void put_message(struct value *map, const ProtobufCMessage *message);

static gboolean is_time(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_UINT64 && g_str_has_suffix(field->name, "_us");
}

/* A time that no calendar has is told by its digits, so that nothing is lost of it. */
static struct value *time_value(uint64_t time_us)
{
	g_autoptr(GDateTime) date = date_of(time_us);
	g_autofree char *text = date ? event_time(time_us)
				     : g_strdup_printf("%" G_GUINT64_FORMAT, time_us);

	return value_new_string(text);
}

static struct value *unsigned_value(const ProtobufCFieldDescriptor *field, uint64_t number)
{
	return is_time(field) ? time_value(number) : value_new_unsigned(number);
}

static struct value *enum_value(const ProtobufCFieldDescriptor *field, int number)
{
	const char *word = event_enum_word(field->descriptor, number);

	/* A newer writer's word: its number is all that is known. */
	return word ? value_new_string(word) : value_new_integer(number);
}

static struct value *bytes_value(const ProtobufCBinaryData *bytes)
{
	g_autofree char *text = g_base64_encode(bytes->data, bytes->len);

	return value_new_string(text);
}

/* The value of type FIELD->type that is stored AT. */
static struct value *field_value(const ProtobufCFieldDescriptor *field, const void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return value_new_integer(*(const int32_t *)at);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return value_new_integer(*(const int64_t *)at);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return value_new_integer(*(const uint32_t *)at);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return unsigned_value(field, *(const uint64_t *)at);
	case PROTOBUF_C_TYPE_FLOAT:
		return value_new_real((double)*(const float *)at);
	case PROTOBUF_C_TYPE_DOUBLE:
		return value_new_real(*(const double *)at);
	case PROTOBUF_C_TYPE_BOOL:
		return value_new_boolean(*(const protobuf_c_boolean *)at);
	case PROTOBUF_C_TYPE_ENUM:
		return enum_value(field, *(const int *)at);
	case PROTOBUF_C_TYPE_STRING:
		return value_new_string(*(char *const *)at);
	case PROTOBUF_C_TYPE_BYTES:
		return bytes_value(at);
	case PROTOBUF_C_TYPE_MESSAGE:
		return event_message_value(*(const ProtobufCMessage *const *)at);
	}
	g_assert_not_reached();
}

static struct value *list_value(
	const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *base = (const char *)message;
	size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
	const char *items = *(char *const *)(const void *)(base + field->offset);
	struct value *list = value_new_list();

	for (size_t i = 0; i < count; i++)
		value_append_take(
			list, field_value(field, items + i * message_value_size(field->type)));
	return list;
}

static gboolean is_left_out(const ProtobufCFieldDescriptor *field, const void *at)
{
	const char *word;

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return !*(char *const *)at || **(char *const *)at == '\0';
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return !*(ProtobufCMessage *const *)at;
	if (field->type == PROTOBUF_C_TYPE_ENUM) {
		word = event_enum_word(field->descriptor, *(const int *)at);
		return word && strcmp(word, "unset") == 0;
	}
	return is_time(field) && *(const uint64_t *)at == 0;
}

static gboolean is_in_oneof(const ProtobufCFieldDescriptor *field)
{
	return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* The member of MESSAGE's oneof that is set, or NULL;
 * CONTENT gets the message in it, if it is one. */
static const ProtobufCFieldDescriptor *chosen(
	const ProtobufCMessage *message, const ProtobufCMessage **content)
{
	const char *base = (const char *)message;

	*content = NULL;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		if (!is_in_oneof(field) ||
			*(const uint32_t *)(const void *)(base + field->quantifier_offset) !=
				field->id)
			continue;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			*content = *(ProtobufCMessage *const *)(const void *)(base + field->offset);
		return field;
	}
	return NULL;
}

static void put_field(
	struct value *map, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const void *at = (const char *)message + field->offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		value_put_take(map, field->name, list_value(message, field));
	else if (!is_left_out(field, at))
		value_put_take(map, field->name, field_value(field, at));
}

static void put_message(struct value *map, const ProtobufCMessage *message)
{
	const ProtobufCMessage *content;
	const ProtobufCFieldDescriptor *kind = chosen(message, &content);

	if (kind)
		value_put_string(map, "type", kind->name);
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		if (!is_in_oneof(field))
			put_field(map, message, field);
	}
	if (content)
		put_message(map, content);
	else if (kind)
		put_field(map, message, kind);
}

struct value *event_message_value(const ProtobufCMessage *message)
{
	struct value *map = value_new_map();

	put_message(map, message);
	return map;
}

/* ---- events ------------------------------------------------------------------------------- */

/* What EVENT says and under which name; of a reported fact,
 * the fact. CONTENT is NULL if there is nothing in it. */
static const char *look_into(const Forge__Event *event, const ProtobufCMessage **content)
{
	const ProtobufCFieldDescriptor *kind = chosen(&event->base, content);
	const ProtobufCFieldDescriptor *fact = NULL;

	if (!kind)
		return "unknown";
	if (event->kind_case != FORGE__EVENT__KIND_REPORTED)
		return kind->name;
	*content = NULL;
	if (event->reported->fact)
		fact = chosen(&event->reported->fact->base, content);
	return fact ? fact->name : kind->name;
}

const char *event_type(const Forge__Event *event)
{
	const ProtobufCMessage *content;

	return look_into(event, &content);
}

static struct value *event_data(const Forge__Event *event)
{
	struct value *data = value_new_map();
	const ProtobufCMessage *content;

	look_into(event, &content);
	if (event->kind_case == FORGE__EVENT__KIND_REPORTED) {
		if (event->reported->job)
			value_put_take(
				data, "job", event_message_value(&event->reported->job->base));
		value_put_integer(data, "attempt", event->reported->attempt);
	}
	if (content)
		put_message(data, content);
	return data;
}

struct value *event_row(uint64_t seq, uint64_t time_us, const Forge__Event *event)
{
	struct value *row = value_new_map();

	value_put_take(row, "seq", value_new_unsigned(seq));
	value_put_take(row, "time", time_value(time_us));
	value_put_string(row, "type", event_type(event));
	value_put_take(row, "data", event_data(event));
	return row;
}

/* ---- the line for people ------------------------------------------------------------------ */

/* TEXT as it is if it is one plain word, else in quotes as JSON has it. */
static char *quote(const char *text)
{
	scoped(value) value = NULL;

	if (strlen(text) > LINE_TEXT_BYTES)
		return g_strdup_printf("…(%zu)", strlen(text));
	if (*text != '\0' && !strpbrk(text, " \"=,\\\n\r\t"))
		return g_strdup(text);
	value = value_new_string(text);
	return document_write_json(value, DOCUMENT_COMPACT);
}

/* A job's id as people write it: batch/number. */
static char *job_id_text(const struct value *map)
{
	const struct value *batch = value_get(map, "batch");
	const struct value *number = value_get(map, "number");

	if (value_count(map) != 2 || !batch || !number || value_kind(batch) != VALUE_INTEGER ||
		value_kind(number) != VALUE_INTEGER)
		return NULL;
	return g_strdup_printf("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, value_integer(batch),
		value_integer(number));
}

static char *item_text(const struct value *item)
{
	g_autofree char *job = NULL;

	switch (value_kind(item)) {
	case VALUE_STRING:
		return quote(value_string(item));
	case VALUE_NULL:
	case VALUE_BOOLEAN:
	case VALUE_INTEGER:
	case VALUE_REAL:
	case VALUE_LIST:
		return document_write_json(item, DOCUMENT_COMPACT);
	case VALUE_MAP:
		job = job_id_text(item);
		return job ? g_steal_pointer(&job) : document_write_json(item, DOCUMENT_COMPACT);
	}
	g_assert_not_reached();
}

static char *list_text(const struct value *list)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < MIN(value_count(list), LINE_ITEMS); i++) {
		g_autofree char *item = item_text(value_at(list, i));

		g_string_append_printf(text, "%s%s", i ? "," : "", item);
	}
	if (value_count(list) > LINE_ITEMS)
		g_string_append_printf(text, ",…(%zu)", value_count(list));
	return g_string_free(text, FALSE);
}

static gboolean says_nothing(const struct value *value)
{
	switch (value_kind(value)) {
	case VALUE_NULL:
		return TRUE;
	case VALUE_BOOLEAN:
		return !value_boolean(value);
	case VALUE_INTEGER:
		return value_integer(value) == 0;
	case VALUE_REAL:
		return !(value_real(value) < 0) && !(value_real(value) > 0);
	case VALUE_LIST:
		return value_count(value) == 0;
	case VALUE_STRING:
	case VALUE_MAP:
		return FALSE;
	}
	g_assert_not_reached();
}

static void append_members(GString *line, const char *prefix, const struct value *map)
{
	for (size_t i = 0; i < value_count(map); i++) {
		const struct value *value = value_at(map, i);
		g_autofree char *name = g_strconcat(prefix, value_key_at(map, i), NULL);
		g_autofree char *job = value_kind(value) == VALUE_MAP ? job_id_text(value) : NULL;
		g_autofree char *text = NULL;

		if (says_nothing(value))
			continue;
		if (value_kind(value) == VALUE_MAP && !job) {
			g_autofree char *inner = g_strconcat(name, ".", NULL);

			append_members(line, inner, value);
			continue;
		}
		text = value_kind(value) == VALUE_LIST ? list_text(value) : item_text(value);
		g_string_append_printf(line, " %s=%s", name, text);
	}
}

char *event_line(const Forge__Event *event)
{
	g_autoptr(GString) line = g_string_new(event_type(event));
	scoped(value) data = event_data(event);

	append_members(line, "", data);
	return printable_text(line->str);
}
