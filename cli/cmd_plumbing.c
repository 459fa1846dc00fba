/*
 * `forge plumbing OP`: the pure parts, for scripts and conformance suites. A line of JSON in, a
 * line of JSON out, in order, each handed on before the next is read.
 *
 * A question that is wrong is answered with an error of its own; only input that cannot be read as
 * lines ends the run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/handlers.h"
#include "cli/output.h"
#include "journal/base/document.h"
#include "journal/base/errors.h"
#include "worker/merge/merge_desk.h"

static const char *text_member(const struct value *question, const char *key, GError **error)
{
	const struct value *member = value_get(question, key);
	if (member && value_kind(member) == VALUE_STRING)
		return value_string(member);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s: expected text", key);
	return NULL;
}

static void put_merge(struct value *answer, const struct desk_answer *merge)
{
	if (merge->conflicts->len == 0) {
		value_put_string(answer, "tree", merge->tree);
		return;
	}
	struct value *conflicts = value_new_list();
	for (guint i = 0; i < merge->conflicts->len; i++) {
		const struct merge_conflict *conflict = g_ptr_array_index(merge->conflicts, i);
		struct value *item = value_new_map();
		value_put_string(item, "path", conflict->path);
		value_put_string(item, "type", conflict->type);
		value_append_take(conflicts, item);
	}
	value_put_take(answer, "conflicts", conflicts);
}

static gboolean merge(
	struct merge_desk *desk, const struct value *question, struct value *answer, GError **error)
{
	const char *folder = text_member(question, "repository", error);
	const char *ours = folder ? text_member(question, "ours", error) : NULL;
	const char *theirs = ours ? text_member(question, "theirs", error) : NULL;
	scoped_value(desk_answer) result = {.conflicts = NULL};
	if (!theirs || !merge_desk_merge(desk, folder, ours, theirs, &result, error))
		return FALSE;
	put_merge(answer, &result);
	return TRUE;
}

static gboolean wants_structured(const struct value *question)
{
	const struct value *structured = value_get(question, "structured");
	return structured && value_kind(structured) == VALUE_BOOLEAN && value_boolean(structured);
}

static struct value *answer_line(struct merge_desk *desk, const char *line, size_t size)
{
	static const struct document_origin origin = {"stdin", FORGE_ERROR_VALIDATION_FAILED};
	g_autoptr(GError) failure = NULL;
	scoped(value) answer = value_new_map();
	scoped(value) question = document_parse(DOCUMENT_JSON, &origin, line, size, &failure);
	if (question && value_kind(question) != VALUE_MAP)
		g_set_error_literal(
			&failure, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "expected an object");
	if (!failure) {
		const struct value *id = value_get(question, "id");
		if (id)
			value_put_take(answer, "id", value_copy(id));
		if (wants_structured(question))
			value_put_boolean(answer, "unsupported", TRUE);
		else
			merge(desk, question, answer, &failure);
	}
	if (failure)
		value_put_string(answer, "error", failure->message);
	return g_steal_pointer(&answer);
}

static gboolean answer_all(struct merge_desk *desk, GError **error)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	while ((size = getline(&line, &room, stdin)) > 0) {
		if (strspn(line, " \t\r\n") == (size_t)size)
			continue;
		scoped(value) answer = answer_line(desk, line, (size_t)size);
		output_json_line(answer);
		fflush(stdout);
	}
	free(line);
	if (!ferror(stdin))
		return TRUE;
	g_set_error_literal(
		error, FORGE_ERROR, FORGE_ERROR_FAILED, "standard input cannot be read");
	return FALSE;
}

int cmd_plumbing_merge_tree(struct invocation *invocation, GError **error)
{
	(void)invocation;
	scoped(merge_desk) desk = merge_desk_new();
	return answer_all(desk, error) ? 0 : 1;
}
