/*
 * From a row back to the event, along the same descriptors that made the row (event_text.c). Nothing
 * is guessed: a member, a type or a word that this schema lacks is refused, since to drop it would
 * make another event of it; so is a number that does not fit its field.
 *
 * Messages are allocated as protobuf-c allocates them when it unpacks, so they are freed like that.
 */
#include "journal/event_parse.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/event_text.h"
#include "journal/message.h"

static gboolean refuse(GError **error, const char *place, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static gboolean refuse(GError **error, const char *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s: %s", place, what);
	return FALSE;
}

/* ---- scalars ------------------------------------------------------------------------------ */

/* COUNT decimal digits at *AT, which moves behind them. */
static gboolean take_digits(const char **at, int count, int *number)
{
	*number = 0;
	for (; count > 0; count--, (*at)++) {
		if (!g_ascii_isdigit(**at))
			return FALSE;
		*number = *number * 10 + (**at - '0');
	}
	return TRUE;
}

static gboolean take_letter(const char **at, char letter)
{
	return *(*at)++ == letter;
}

gboolean event_parse_time(const char *text, uint64_t *time_us)
{
	int year, month, day, hour, minute, second, micros = 0;
	const char *at = text;
	g_autoptr(GDateTime) time = NULL;
	gint64 seconds;

	if (!take_digits(&at, 4, &year) || !take_letter(&at, '-') || !take_digits(&at, 2, &month) ||
		!take_letter(&at, '-') || !take_digits(&at, 2, &day) || !take_letter(&at, 'T') ||
		!take_digits(&at, 2, &hour) || !take_letter(&at, ':') ||
		!take_digits(&at, 2, &minute) || !take_letter(&at, ':') ||
		!take_digits(&at, 2, &second))
		return FALSE;
	if (*at == '.' && (at++, !take_digits(&at, 6, &micros)))
		return FALSE;
	if (strcmp(at, "Z") != 0 || year < 1970)
		return FALSE;
	time = g_date_time_new_utc(year, month, day, hour, minute, (double)second);
	if (!time)
		return FALSE;
	seconds = g_date_time_to_unix(time);
	*time_us = (uint64_t)seconds * G_USEC_PER_SEC + (uint64_t)micros;
	return TRUE;
}

/* Digits, the way value_new_unsigned() writes what JSON's readers cannot take. */
static gboolean large_number(const char *text, uint64_t *number)
{
	return *text != '0' && g_ascii_isdigit(*text) &&
		g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, number, NULL);
}

static gboolean is_time(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_UINT64 && g_str_has_suffix(field->name, "_us");
}

static gboolean parse_time(
	const struct value *value, const char *place, uint64_t *time_us, GError **error)
{
	if (value_kind(value) == VALUE_STRING &&
		(event_parse_time(value_string(value), time_us) ||
			large_number(value_string(value), time_us)))
		return TRUE;
	return refuse(error, place, "expected a time as 2026-01-15T10:30:00Z");
}

static gboolean parse_unsigned(const struct value *value, const char *place, uint64_t most,
	uint64_t *number, GError **error)
{
	if (value_kind(value) == VALUE_STRING && most == G_MAXUINT64 &&
		large_number(value_string(value), number) && *number > G_MAXINT64)
		return TRUE;
	if (value_kind(value) != VALUE_INTEGER || value_integer(value) < 0)
		return refuse(error, place, "expected a whole number");
	*number = (uint64_t)value_integer(value);
	return *number <= most || refuse(error, place, "the number is too large");
}

static gboolean parse_signed(const struct value *value, const char *place, int64_t least,
	int64_t most, int64_t *number, GError **error)
{
	if (value_kind(value) != VALUE_INTEGER)
		return refuse(error, place, "expected a whole number");
	*number = value_integer(value);
	return (*number >= least && *number <= most) ||
		refuse(error, place, "the number is too large");
}

static gboolean parse_enum(const struct value *value, const ProtobufCFieldDescriptor *field,
	const char *place, int *number, GError **error)
{
	const ProtobufCEnumDescriptor *words = field->descriptor;

	if (value_kind(value) != VALUE_STRING)
		return refuse(error, place, "expected a word");
	for (unsigned i = 0; i < words->n_values; i++) {
		const char *word = event_enum_word(words, words->values[i].value);

		if (strcmp(word, value_string(value)) == 0) {
			*number = words->values[i].value;
			return TRUE;
		}
	}
	return refuse(error, place, "'%s' is no word that this forge knows", value_string(value));
}

static gboolean parse_bytes(
	const struct value *value, const char *place, ProtobufCBinaryData *bytes, GError **error)
{
	g_autofree guchar *data = NULL;
	g_autofree char *again = NULL;
	gsize size;

	if (value_kind(value) != VALUE_STRING)
		return refuse(error, place, "expected base64");
	data = g_base64_decode(value_string(value), &size);
	again = g_base64_encode(data, size);
	if (strcmp(again, value_string(value)) != 0)
		return refuse(error, place, "expected base64");
	bytes->len = size;
	bytes->data = size > 0 ? g_steal_pointer(&data) : NULL;
	return TRUE;
}

/* ---- fields ------------------------------------------------------------------------------- */

static gboolean fill_message(ProtobufCMessage *message, const struct value *map, const char *place,
	const char *const *others, GError **error);

static ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = g_malloc0(type->sizeof_message);

	protobuf_c_message_init(type, message);
	return message;
}

/* Puts VALUE into the field's place AT, which holds its default. */
static gboolean set_value(const ProtobufCFieldDescriptor *field, const struct value *value,
	const char *place, void *at, GError **error)
{
	uint64_t number;
	int64_t signed_number;
	ProtobufCMessage *message;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		if (!parse_signed(value, place, G_MININT32, G_MAXINT32, &signed_number, error))
			return FALSE;
		*(int32_t *)at = (int32_t)signed_number;
		return TRUE;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return parse_signed(value, place, G_MININT64, G_MAXINT64, at, error);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		if (!parse_unsigned(value, place, G_MAXUINT32, &number, error))
			return FALSE;
		*(uint32_t *)at = (uint32_t)number;
		return TRUE;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return is_time(field) ? parse_time(value, place, at, error)
				      : parse_unsigned(value, place, G_MAXUINT64, at, error);
	case PROTOBUF_C_TYPE_BOOL:
		if (value_kind(value) != VALUE_BOOLEAN)
			return refuse(error, place, "expected true or false");
		*(protobuf_c_boolean *)at = value_boolean(value);
		return TRUE;
	case PROTOBUF_C_TYPE_ENUM:
		return parse_enum(value, field, place, at, error);
	case PROTOBUF_C_TYPE_STRING:
		if (value_kind(value) != VALUE_STRING)
			return refuse(error, place, "expected text");
		*(char **)at = g_strdup(value_string(value));
		return TRUE;
	case PROTOBUF_C_TYPE_BYTES:
		return parse_bytes(value, place, at, error);
	case PROTOBUF_C_TYPE_MESSAGE:
		message = message_new(field->descriptor);
		*(ProtobufCMessage **)at = message;
		return fill_message(message, value, place, NULL, error);
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		break;
	}
	/* No event has one, and digits alone do not say it exactly. */
	return refuse(error, place, "fractions are not read");
}

static gboolean set_list(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
	const struct value *list, const char *place, GError **error)
{
	char *base = (char *)message;
	size_t *count = (size_t *)(void *)(base + field->quantifier_offset);
	char *items;

	if (value_kind(list) != VALUE_LIST)
		return refuse(error, place, "expected a list");
	if (value_count(list) == 0)
		return TRUE;
	items = g_malloc0_n(value_count(list), message_value_size(field->type));
	*(char **)(void *)(base + field->offset) = items;
	for (size_t i = 0; i < value_count(list); i++) {
		g_autofree char *inner = g_strdup_printf("%s[%zu]", place, i);
		void *at = items + i * message_value_size(field->type);

		/* Counted first: what is there of it is freed with the message. */
		(*count)++;
		if (!set_value(field, value_at(list, i), inner, at, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean is_in_oneof(const ProtobufCFieldDescriptor *field)
{
	return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static gboolean is_other(const char *key, const char *const *others)
{
	return others && g_strv_contains(others, key);
}

/*
 * Fills MESSAGE, which has no oneof that is read here, with the members of MAP; those that OTHERS
 * names belong to somebody else.
 */
static gboolean fill_message(ProtobufCMessage *message, const struct value *map, const char *place,
	const char *const *others, GError **error)
{
	if (value_kind(map) != VALUE_MAP)
		return refuse(error, place, "expected a map");
	for (size_t i = 0; i < value_count(map); i++) {
		const char *key = value_key_at(map, i);
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(message->descriptor, key);
		g_autofree char *inner = g_strconcat(place, ".", key, NULL);
		gboolean done;

		if (is_other(key, others))
			continue;
		if (!field || is_in_oneof(field))
			return refuse(error, inner, "this forge knows no such member of %s",
				message->descriptor->name);
		done = field->label == PROTOBUF_C_LABEL_REPEATED
			? set_list(message, field, value_at(map, i), inner, error)
			: set_value(field, value_at(map, i), inner, (char *)message + field->offset,
				  error);
		if (!done)
			return FALSE;
	}
	return TRUE;
}

/* ---- events ------------------------------------------------------------------------------- */

/* Makes MESSAGE's oneof the member FIELD and returns the new message in it. */
static ProtobufCMessage *choose(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	char *base = (char *)message;
	ProtobufCMessage *content = message_new(field->descriptor);

	*(uint32_t *)(void *)(base + field->quantifier_offset) = field->id;
	*(ProtobufCMessage **)(void *)(base + field->offset) = content;
	return content;
}

/* The member of TYPE's oneof that is called NAME, a message; or NULL. */
static const ProtobufCFieldDescriptor *find_kind(
	const ProtobufCMessageDescriptor *type, const char *name)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
		type, name);

	return field && is_in_oneof(field) && field->type == PROTOBUF_C_TYPE_MESSAGE ? field : NULL;
}

/* Of a reported fact: job and attempt are the report's, all else the fact's. */
static gboolean fill_reported(Forge__Event *event, const ProtobufCFieldDescriptor *kind,
	const struct value *data, GError **error)
{
	static const char *const of_report[] = {"job", "attempt", NULL};
	ProtobufCMessage *content;
	Forge__Reported *reported = (Forge__Reported *)choose(
		&event->base, find_kind(&forge__event__descriptor, "reported"));

	reported->fact = (Forge__Fact *)message_new(&forge__fact__descriptor);
	content = choose(&reported->fact->base, kind);
	for (size_t i = 0; of_report[i]; i++) {
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(
				&forge__reported__descriptor, of_report[i]);
		const struct value *value = value_get(data, of_report[i]);
		g_autofree char *place = g_strconcat("data.", of_report[i], NULL);

		if (value &&
			!set_value(field, value, place, (char *)reported + field->offset, error))
			return FALSE;
	}
	return fill_message(content, data, "data", of_report, error);
}

static gboolean fill_event(
	Forge__Event *event, const char *type, const struct value *data, GError **error)
{
	const ProtobufCFieldDescriptor *kind = find_kind(&forge__event__descriptor, type);
	const ProtobufCFieldDescriptor *fact = find_kind(&forge__fact__descriptor, type);

	if (value_kind(data) != VALUE_MAP)
		return refuse(error, "data", "expected a map");
	if (kind && kind->id != FORGE__EVENT__KIND_REPORTED)
		return fill_message(choose(&event->base, kind), data, "data", NULL, error);
	if (fact)
		return fill_reported(event, fact, data, error);
	return refuse(error, "type", "this forge knows no event '%s'", type);
}

static gboolean check_members(const struct value *row, GError **error)
{
	static const char *const members[] = {"seq", "time", "type", "data", NULL};

	if (value_kind(row) != VALUE_MAP)
		return refuse(error, "event", "expected a map");
	for (size_t i = 0; members[i]; i++)
		if (!value_get(row, members[i]))
			return refuse(error, members[i], "is missing");
	for (size_t i = 0; i < value_count(row); i++)
		if (!g_strv_contains(members, value_key_at(row, i)))
			return refuse(error, value_key_at(row, i),
				"this forge knows no such member of an event");
	if (value_kind(value_get(row, "type")) != VALUE_STRING)
		return refuse(error, "type", "expected text");
	return TRUE;
}

Forge__Event *event_parse(const struct value *row, uint64_t *seq, uint64_t *time_us, GError **error)
{
	Forge__Event *event;

	if (!check_members(row, error) ||
		!parse_unsigned(value_get(row, "seq"), "seq", G_MAXUINT64, seq, error) ||
		!parse_time(value_get(row, "time"), "time", time_us, error))
		return NULL;
	event = (Forge__Event *)message_new(&forge__event__descriptor);
	if (fill_event(event, value_string(value_get(row, "type")), value_get(row, "data"), error))
		return event;
	forge__event__free_unpacked(event, NULL);
	return NULL;
}
