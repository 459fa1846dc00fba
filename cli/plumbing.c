/*
 * `forge plumbing OP`: the pure parts, for scripts and conformance suites. A line of JSON in, a
 * line of JSON out, in order, each handed on before the next is read.
 *
 * A question that is wrong is answered with an error of its own; only input that cannot be read as
 * lines ends the run.
 */
#include "cli/plumbing.h"

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

const char *plumbing_text(const struct value *question, const char *key, GError **error)
{
	const struct value *member = value_get(question, key);

	if (member && value_kind(member) == VALUE_STRING)
		return value_string(member);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s: expected text", key);
	return NULL;
}

gboolean plumbing_unsupported(struct value *answer)
{
	value_put_boolean(answer, "unsupported", TRUE);
	return TRUE;
}

static struct value *answer_line(
	plumbing_operation *operation, gpointer context, const char *line, size_t size)
{
	static const struct document_origin origin = {"stdin", FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GError) failure = NULL;
	scoped(value) answer = value_new_map();
	scoped(value) question = document_parse(DOCUMENT_JSON, &origin, line, size, &failure);
	const struct value *id;

	if (question && value_kind(question) != VALUE_MAP)
		g_set_error_literal(
			&failure, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "expected an object");
	if (!failure) {
		id = value_get(question, "id");
		if (id)
			value_put_take(answer, "id", value_copy(id));
		operation(context, question, answer, &failure);
	}
	if (failure)
		value_put_string(answer, "error", failure->message);
	return g_steal_pointer(&answer);
}

/* The next line of standard input into LINE. Of one that is larger than a document may be, so much
 * is kept that this is seen. */
static gboolean read_line(GString *line)
{
	int byte;

	g_string_truncate(line, 0);
	while ((byte = getc_unlocked(stdin)) != EOF && byte != '\n')
		if (line->len <= LIMIT_DOCUMENT_BYTES)
			g_string_append_c(line, (char)byte);
	return byte != EOF || line->len > 0;
}

gboolean plumbing_run(plumbing_operation *operation, gpointer context, GError **error)
{
	g_autoptr(GString) line = g_string_new(NULL);

	while (read_line(line)) {
		scoped(value) answer = NULL;

		if (line->len <= LIMIT_DOCUMENT_BYTES && strspn(line->str, " \t\r") == line->len)
			continue;
		answer = answer_line(operation, context, line->str, line->len);
		output_json_line(answer);
		fflush(stdout);
	}
	if (!ferror(stdin))
		return TRUE;
	g_set_error_literal(
		error, FORGE_ERROR, FORGE_ERROR_FAILED, "standard input cannot be read");
	return FALSE;
}
