/*
 * What reaches standard output and standard error, and in which form.
 *
 * One rule: with a machine format, standard output holds that and nothing else. Text is written as
 * UTF-8 whatever the locale, so that a pipe holds the same bytes everywhere.
 */
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/event_text.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

gboolean output_is_machine(const struct invocation *invocation)
{
	return invocation->format != OUTPUT_TABLE;
}

void output_json_line(const struct value *value)
{
	g_autofree char *text = document_write_json(value, DOCUMENT_COMPACT);

	fputs(text, stdout);
	fputc('\n', stdout);
}

static void write_text_take(char *take_text)
{
	fputs(take_text, stdout);
	g_free(take_text);
}

void output_value(const struct invocation *invocation, const struct value *value)
{
	switch (invocation->format) {
	case OUTPUT_TABLE:
		break;
	case OUTPUT_JSON:
		write_text_take(document_write_json(value, DOCUMENT_INDENTED));
		break;
	case OUTPUT_YAML:
		write_text_take(document_write_yaml(value));
		break;
	case OUTPUT_JSONL:
		output_json_line(value);
		break;
	}
}

void output_rows(const struct invocation *invocation, const char *key, const struct value *list)
{
	scoped(value) object = NULL;

	if (invocation->format == OUTPUT_JSONL) {
		for (size_t i = 0; i < value_count(list); i++)
			output_json_line(value_at(list, i));
		return;
	}
	object = value_new_map();
	value_put_take(object, key, value_copy(list));
	output_value(invocation, object);
}

void output_table(const struct invocation *invocation, const struct table *table, const char *empty)
{
	const struct terminal *terminal;

	if (output_is_machine(invocation))
		return;
	if (table_rows(table) == 0) {
		output_remark(invocation, "%s", empty);
		return;
	}
	terminal = &invocation->terminal;
	write_text_take(table_draw(table, terminal->output, terminal->columns));
}

static G_GNUC_PRINTF(1, 0) void print_line(const char *format, va_list arguments)
{
	vfprintf(stdout, format, arguments);
	fputc('\n', stdout);
	/* People watch these, also through a pipe. */
	fflush(stdout);
}

void output_line(const struct invocation *invocation, const char *format, ...)
{
	va_list arguments;

	if (output_is_machine(invocation))
		return;
	va_start(arguments, format);
	print_line(format, arguments);
	va_end(arguments);
}

void output_step(const struct invocation *invocation, const char *format, ...)
{
	va_list arguments;

	if (output_is_machine(invocation) || invocation->quiet)
		return;
	va_start(arguments, format);
	print_line(format, arguments);
	va_end(arguments);
}

void output_marked(const struct invocation *invocation, const char *text)
{
	static const struct {
		const char *mark;
		const char *color;
	} marks[] = {{"✓", GREEN}, {"✗", RED}, {"⚠", YELLOW}};
	for (size_t i = 0; invocation->terminal.color && i < G_N_ELEMENTS(marks); i++) {
		if (!g_str_has_prefix(text, marks[i].mark))
			continue;
		output_line(invocation, "%s%s" PLAIN "%s", marks[i].color, marks[i].mark,
			text + strlen(marks[i].mark));
		return;
	}
	output_line(invocation, "%s", text);
}

struct value *output_event_value(const Forge__EventRow *row)
{
	return event_row(row->seq, row->time_us, row->event);
}

void output_event_line(const Forge__EventRow *row)
{
	scoped(value) event = output_event_value(row);

	output_json_line(event);
}

void output_event(const struct invocation *invocation, const Forge__EventRow *row)
{
	g_autofree char *time = NULL;
	g_autofree char *line = NULL;

	if (output_is_machine(invocation)) {
		output_event_line(row);
		return;
	}
	time = event_time(row->time_us);
	line = event_line(row->event);
	output_line(invocation, "%" G_GUINT64_FORMAT "  %s  %s", row->seq, time, line);
}

void output_remark(const struct invocation *invocation, const char *format, ...)
{
	va_list arguments;

	if (invocation->quiet)
		return;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* A wrong use is explained by the help of the command at hand, the rest by what the code says. */
static char *make_hint(const struct invocation *invocation, enum forge_error code)
{
	if (code == FORGE_ERROR_USAGE && *invocation->words)
		return g_strdup_printf("see `forge %s --help`", invocation->words);
	return g_strdup(forge_error_hint(code));
}

static struct value *failure_value(
	const struct invocation *invocation, enum forge_error code, const GError *failure)
{
	g_autofree char *hint = make_hint(invocation, code);
	struct value *details = value_new_map();
	struct value *inner;
	struct value *outer;

	value_put_string(details, "command", *invocation->words ? invocation->words : NULL);
	value_put_integer(details, "exit_status", forge_error_exit_status(code));
	inner = value_new_map();
	value_put_string(inner, "code", forge_error_name(code));
	value_put_string(inner, "message", failure->message);
	value_put_string(inner, "hint", hint);
	value_put_take(inner, "details", details);
	outer = value_new_map();
	value_put_take(outer, "error", inner);
	return outer;
}

/* An explanation is lines of our own making; all other messages are one line, whoever wrote it. */
static char *message_of(const GError *failure, enum forge_error code)
{
	g_auto(GStrv) lines = NULL;
	GString *text;

	if (code != FORGE_ERROR_NO_RESOLUTION)
		return text_printable(failure->message);
	lines = g_strsplit(failure->message, "\n", -1);
	text = g_string_new("not everything that is needed goes together");
	for (char **line = lines; *line; line++) {
		g_autofree char *printable = text_printable(*line);

		g_string_append_printf(text, "\n  %s", printable);
	}
	return g_string_free(text, FALSE);
}

int output_failure(const struct invocation *invocation, const GError *failure)
{
	enum forge_error code = forge_error_code(failure);

	/* Results written so far come first where both streams go to one place. */
	fflush(stdout);
	if (output_is_machine(invocation)) {
		scoped(value) value = failure_value(invocation, code, failure);

		output_value(invocation, value);
	} else {
		g_autofree char *hint = make_hint(invocation, code);
		g_autofree char *message = message_of(failure, code);

		fprintf(stderr, "forge: %s\nhint: %s\n", message, hint);
	}
	return forge_error_exit_status(code);
}
