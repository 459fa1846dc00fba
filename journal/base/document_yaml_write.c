/*
 * The writing door to libyaml: a tree of values becomes text in block style.
 *
 * libyaml's emitter knows which text can stand without quotes as far as syntax goes; what it would
 * then mean is decided here. Text is quoted where the core schema resolves it to anything but text,
 * and where older readers (YAML 1.1) do: their `yes`, `off`, `1:30`, `0o7`, dates. Quoting once too
 * often is harmless; a version that comes back as a number is not.
 */
#include <math.h>
#include <string.h>
#include <yaml.h>

#include "journal/base/document.h"
#include "journal/base/document_yaml.h"

struct writer {
	yaml_emitter_t emitter;
	GString *text;
};

static int append_block(void *data, unsigned char *block, size_t size)
{
	g_string_append_len(data, (const char *)block, (gssize)size);
	return 1;
}

/*
 * The emitter takes EVENT over; MADE is what making it returned. Both fail only if text is not
 * UTF-8 or events come in a wrong order, which are defects.
 */
static void emit(struct writer *writer, int made, yaml_event_t *event)
{
	g_assert(made);
	if (!yaml_emitter_emit(&writer->emitter, event))
		g_error("YAML emitter: %s", writer->emitter.problem);
}

static gboolean means_text(const char *text)
{
	static const char *const words_of_1_1[] = {
		"y", "n", "yes", "no", "on", "off", "<<", "=", NULL};
	g_autofree char *lower = g_ascii_strdown(text, -1);
	scoped(value) value = document_yaml_resolve(text);

	if (value_kind(value) != VALUE_STRING || g_strv_contains(words_of_1_1, lower))
		return FALSE;
	/* A version (1.2.3) has more dots than any number. */
	if (strchr(text, '.') != strrchr(text, '.') && !strchr(text, ':'))
		return TRUE;
	/* Numbers of 1.1 (1_000, 1:30, 0b1) and dates: a digit first, then nothing that a word
	 * would have. */
	return !g_ascii_isdigit(text[*text == '-' || *text == '+']) ||
		strpbrk(text, "/@^~") != NULL ||
		strspn(text, "0123456789+-_:.TZtzabcdefxABCDEFX ") != strlen(text);
}

static yaml_scalar_style_t style_of(const char *text)
{
	/* Only plain prose goes into a literal block: its rules for spaces, tabs and empty lines at
	 * the ends are subtle. */
	if (!strchr(text, '\n'))
		return YAML_ANY_SCALAR_STYLE;
	if (g_ascii_isspace(*text) || strpbrk(text, "\t\r") || strstr(text, " \n") ||
		strstr(text, "\n\n") || strstr(text, "\n "))
		return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	return YAML_LITERAL_SCALAR_STYLE;
}

static void emit_scalar(
	struct writer *writer, const char *text, gboolean plain, yaml_scalar_style_t style)
{
	yaml_event_t event;

	emit(writer,
		yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
			(int)strlen(text), plain, TRUE, style),
		&event);
}

static void emit_text(struct writer *writer, const char *text)
{
	emit_scalar(writer, text, means_text(text), style_of(text));
}

static void emit_plain(struct writer *writer, const char *text)
{
	emit_scalar(writer, text, TRUE, YAML_PLAIN_SCALAR_STYLE);
}

static void emit_real(struct writer *writer, double real)
{
	if (isnan(real)) {
		emit_plain(writer, ".nan");
	} else if (isinf(real)) {
		emit_plain(writer, real < 0 ? "-.inf" : ".inf");
	} else {
		scoped(value) alone = value_new_real(real);
		g_autofree char *text = document_write_json(alone, DOCUMENT_COMPACT);

		emit_plain(writer, text);
	}
}

static void emit_value(struct writer *writer, const struct value *value);

static void emit_list(struct writer *writer, const struct value *list)
{
	yaml_sequence_style_t style = value_count(list) ? YAML_BLOCK_SEQUENCE_STYLE
							: YAML_FLOW_SEQUENCE_STYLE;
	yaml_event_t event;

	emit(writer, yaml_sequence_start_event_initialize(&event, NULL, NULL, TRUE, style), &event);
	for (size_t i = 0; i < value_count(list); i++)
		emit_value(writer, value_at(list, i));
	emit(writer, yaml_sequence_end_event_initialize(&event), &event);
}

static void emit_map(struct writer *writer, const struct value *map)
{
	yaml_mapping_style_t style = value_count(map) ? YAML_BLOCK_MAPPING_STYLE
						      : YAML_FLOW_MAPPING_STYLE;
	yaml_event_t event;

	emit(writer, yaml_mapping_start_event_initialize(&event, NULL, NULL, TRUE, style), &event);
	for (size_t i = 0; i < value_count(map); i++) {
		emit_text(writer, value_key_at(map, i));
		emit_value(writer, value_at(map, i));
	}
	emit(writer, yaml_mapping_end_event_initialize(&event), &event);
}

static void emit_value(struct writer *writer, const struct value *value)
{
	char digits[32];

	switch (value_kind(value)) {
	case VALUE_NULL:
		emit_plain(writer, "null");
		break;
	case VALUE_BOOLEAN:
		emit_plain(writer, value_boolean(value) ? "true" : "false");
		break;
	case VALUE_INTEGER:
		g_snprintf(digits, sizeof(digits), "%" G_GINT64_FORMAT, value_integer(value));
		emit_plain(writer, digits);
		break;
	case VALUE_REAL:
		emit_real(writer, value_real(value));
		break;
	case VALUE_STRING:
		emit_text(writer, value_string(value));
		break;
	case VALUE_LIST:
		emit_list(writer, value);
		break;
	case VALUE_MAP:
		emit_map(writer, value);
		break;
	}
}

char *document_write_yaml(const struct value *value)
{
	struct writer writer = {.text = g_string_new(NULL)};
	int ready = yaml_emitter_initialize(&writer.emitter);
	yaml_event_t event;

	g_assert(ready);
	yaml_emitter_set_output(&writer.emitter, append_block, writer.text);
	yaml_emitter_set_unicode(&writer.emitter, 1);
	yaml_emitter_set_width(&writer.emitter, -1);

	emit(&writer, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
	emit(&writer, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, TRUE), &event);
	emit_value(&writer, value);
	emit(&writer, yaml_document_end_event_initialize(&event, TRUE), &event);
	emit(&writer, yaml_stream_end_event_initialize(&event), &event);
	yaml_emitter_delete(&writer.emitter);
	return g_string_free(writer.text, FALSE);
}
