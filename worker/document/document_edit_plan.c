/*
 * A list of splices in one text, and the places of a text that edits ask for.
 *
 * Splices are made in the order of their places; those at the same place in the order in which they
 * were planned. No two should overlap, since edits that come near each other are not planned on the
 * same text (document_edit.c); if two do, or one is nowhere, there is no result.
 */
#include "worker/document/document_edit_plan.h"

#include <string.h>

static void clear_splice(gpointer data)
{
	struct document_splice *splice = data;

	g_free(splice->text);
}

void document_plan_init(struct document_plan *plan, const struct document_text *text)
{
	*plan = (struct document_plan){
		.text = text,
		.bytes = document_text_bytes(text),
		.size = document_text_size(text),
		.splices = g_array_new(FALSE, FALSE, sizeof(struct document_splice)),
	};
	g_array_set_clear_func(plan->splices, clear_splice);
	document_manner_init(&plan->manner, text);
}

void document_plan_clear(struct document_plan *plan)
{
	document_manner_clear(&plan->manner);
	g_clear_pointer(&plan->splices, g_array_unref);
}

void document_plan_splice(struct document_plan *plan, size_t begin, size_t end, const char *text)
{
	struct document_splice splice = {begin, end, g_strdup(text)};

	g_array_append_val(plan->splices, splice);
}

void document_plan_refuse(struct document_plan *plan)
{
	plan->is_refused = TRUE;
}

/* Stable: g_array_sort() is. */
static gint by_place(gconstpointer a, gconstpointer b)
{
	const struct document_splice *first = a;
	const struct document_splice *second = b;

	if (first->begin != second->begin)
		return first->begin < second->begin ? -1 : 1;
	/* What is put in stands before what goes or changes. */
	return (first->end > first->begin) - (second->end > second->begin);
}

GString *document_plan_result(struct document_plan *plan)
{
	GString *result;
	size_t at = 0;

	if (plan->is_refused)
		return NULL;
	result = g_string_sized_new(plan->size);
	g_array_sort(plan->splices, by_place);
	for (guint i = 0; i < plan->splices->len; i++) {
		const struct document_splice *splice = &g_array_index(
			plan->splices, struct document_splice, i);

		if (splice->begin < at || splice->end < splice->begin || splice->end > plan->size) {
			g_string_free(result, TRUE);
			return NULL;
		}
		g_string_append_len(result, plan->bytes + at, (gssize)(splice->begin - at));
		g_string_append(result, splice->text);
		at = splice->end;
	}
	g_string_append_len(result, plan->bytes + at, (gssize)(plan->size - at));
	return result;
}

/* ---- places ---- */

static gboolean is_break(char byte)
{
	return byte == '\n' || byte == '\r';
}

size_t document_plan_line_end(const struct document_plan *plan, size_t at)
{
	while (at < plan->size && !is_break(plan->bytes[at]))
		at++;
	return at;
}

size_t document_plan_line_begin(const struct document_plan *plan, size_t at)
{
	while (at > 0 && !is_break(plan->bytes[at - 1]))
		at--;
	return at;
}

size_t document_plan_next_line(const struct document_plan *plan, size_t at)
{
	at = document_plan_line_end(plan, at);
	if (at + 1 < plan->size && plan->bytes[at] == '\r' && plan->bytes[at + 1] == '\n')
		at++;
	return MIN(at + 1, plan->size);
}

gboolean document_plan_is_first(const struct document_plan *plan, size_t at)
{
	while (at > 0 && strchr(" \t", plan->bytes[at - 1]))
		at--;
	return at == 0 || is_break(plan->bytes[at - 1]) ||
		(at == 3 && g_str_has_prefix(plan->bytes, "\xef\xbb\xbf"));
}

gboolean document_plan_is_last(const struct document_plan *plan, size_t at)
{
	while (at < plan->size && strchr(" \t", plan->bytes[at]))
		at++;
	return at == plan->size || is_break(plan->bytes[at]) || plan->bytes[at] == '#';
}

gboolean document_plan_in_flow(const struct document_plan *plan, const struct document_node *node)
{
	return plan->manner.format == DOCUMENT_JSON ||
		(node->parent && node->parent->style == DOCUMENT_STYLE_FLOW);
}
