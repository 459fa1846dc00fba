/*
 * Edits in flow style: entries in `{}` and `[]` with commas between, of YAML and of JSON.
 *
 * A collection is written a line an entry if its entries begin lines, else on one line; a comma
 * behind the last entry stays a habit. JSON is the same with stricter text, so it is done here too.
 */
#include <string.h>

#include "worker/document/document_edit_plan.h"

/* A document may be one long line: so this is asked for only where entries begin lines. */
static char *margin_of_line(const struct document_plan *plan, size_t at)
{
	size_t line = document_plan_line_begin(plan, at);

	return g_strndup(plan->bytes + line, strspn(plan->bytes + line, " \t"));
}

static gboolean is_absent(const struct document_node *node)
{
	return node->text.begin == node->text.end;
}

static gboolean has_lines(const struct document_plan *plan, const struct document_node *node)
{
	size_t size = node->text.end - node->text.begin;

	return memchr(plan->bytes + node->text.begin, '\n', size) != NULL;
}

/* Whether a filled value in NODE's place takes several lines. */
static gboolean wants_lines(const struct document_plan *plan, const struct document_node *node)
{
	if (node->style == DOCUMENT_STYLE_FLOW && node->children->len > 0)
		return has_lines(plan, node);
	return plan->manner.format == DOCUMENT_JSON &&
		document_plan_is_first(plan, node->entry.begin);
}

static char *render(const struct document_plan *plan, const struct document_content *content,
	enum document_style style, const char *margin, gboolean lines)
{
	char *taken = document_take_flow(plan, content, margin);
	GString *text;

	if (taken)
		return taken;
	text = g_string_new(NULL);
	if (document_is_filled(content->value))
		document_write_flow(text, &plan->manner, content->value, lines ? margin : NULL);
	else
		document_write_scalar(
			text, &plan->manner, content->value, style, DOCUMENT_ONE_LINE, TRUE);
	return g_string_free(text, FALSE);
}

void document_flow_set(struct document_plan *plan, const struct document_node *node,
	const struct document_content *content)
{
	gboolean lines = wants_lines(plan, node);
	g_autofree char *margin = lines || document_plan_is_first(plan, node->entry.begin)
		? margin_of_line(plan, node->entry.begin)
		: g_strdup("");
	g_autofree char *text = render(plan, content, node->style, margin, lines);
	g_autofree char *spaced = NULL;

	if (is_absent(node) && node->parent) {
		/* `{a, b}` has keys without colons. */
		gboolean has_colon = !node->name || node->text.begin > node->key.end;

		spaced = g_strconcat(has_colon ? " " : ": ", text, NULL);
	}
	document_plan_splice(plan, node->text.begin, node->text.end, spaced ? spaced : text);
}

/* ---- entries ---- */

static char *render_entry(const struct document_plan *plan, const char *key,
	const struct document_content *content, const char *margin, gboolean lines)
{
	g_autofree char *value = render(plan, content, DOCUMENT_STYLE_PLAIN, margin, lines);
	GString *text = g_string_new(NULL);

	if (key) {
		document_write_key(text, &plan->manner, key, TRUE);
		g_string_append(text, plan->manner.colon);
	}
	g_string_append(text, value);
	return g_string_free(text, FALSE);
}

/* Lines within the entry are for JSON; in YAML an entry of a line stays one. */
static gboolean entry_has_lines(const struct document_plan *plan, gboolean is_first)
{
	return is_first && plan->manner.format == DOCUMENT_JSON;
}

static void fill_empty(struct document_plan *plan, const struct document_node *collection,
	const char *key, const struct document_content *content)
{
	gboolean lines = wants_lines(plan, collection);
	g_autofree char *outer = lines ? margin_of_line(plan, collection->entry.begin)
				       : g_strdup("");
	g_autofree char *inner = g_strconcat(outer, plan->manner.unit, NULL);
	g_autofree char *entry = render_entry(plan, key, content, inner, lines);
	const char *line_break = plan->manner.line_break;
	g_autofree char *text = lines
		? g_strconcat(line_break, inner, entry, line_break, outer, NULL)
		: g_strdup(entry);

	document_plan_splice(plan, collection->text.begin + 1, collection->text.end - 1, text);
}

/* The comma behind NODE; FALSE if there is none. */
static gboolean comma_behind(
	const struct document_plan *plan, const struct document_node *node, size_t *comma)
{
	*comma = document_text_skip_blank(plan->bytes, node->text.end, plan->size);
	return *comma < plan->size && plan->bytes[*comma] == ',';
}

static void put_last(struct document_plan *plan, const struct document_node *last, const char *key,
	const struct document_content *content)
{
	gboolean is_first = document_plan_is_first(plan, last->entry.begin);
	g_autofree char *margin = is_first ? margin_of_line(plan, last->entry.begin) : g_strdup("");
	g_autofree char *entry = render_entry(
		plan, key, content, margin, entry_has_lines(plan, is_first));
	g_autofree char *text = NULL;
	size_t comma, place;
	gboolean has_comma = comma_behind(plan, last, &comma);

	place = has_comma ? comma + 1 : last->text.end;
	if (!is_first) {
		text = has_comma ? g_strconcat(" ", entry, ",", NULL)
				 : g_strconcat(plan->manner.comma, entry, NULL);
		document_plan_splice(plan, place, place, text);
		return;
	}
	if (!has_comma)
		document_plan_splice(plan, place, place, ",");
	if (document_plan_is_last(plan, place))
		place = document_plan_line_end(plan, place);
	text = g_strconcat(plan->manner.line_break, margin, entry, has_comma ? "," : "", NULL);
	document_plan_splice(plan, place, place, text);
}

void document_flow_insert(struct document_plan *plan, const struct document_node *collection,
	size_t at, const char *key, const struct document_content *content)
{
	const struct document_node *next = document_node_child(collection, at);
	g_autofree char *margin = NULL;
	g_autofree char *entry = NULL;
	g_autofree char *text = NULL;
	gboolean is_first;

	if (collection->children->len == 0) {
		fill_empty(plan, collection, key, content);
		return;
	}
	if (!next) {
		put_last(plan, document_node_child(collection, collection->children->len - 1), key,
			content);
		return;
	}
	is_first = document_plan_is_first(plan, next->entry.begin);
	margin = is_first ? margin_of_line(plan, next->entry.begin) : g_strdup("");
	entry = render_entry(plan, key, content, margin, entry_has_lines(plan, is_first));
	text = is_first ? g_strconcat(entry, ",", plan->manner.line_break, margin, NULL)
			: g_strconcat(entry, plan->manner.comma, NULL);
	document_plan_splice(plan, next->entry.begin, next->entry.begin, text);
}

/* ---- removing ---- */

/* The line of AT, or the first of the comment lines right above it with the same blanks before. */
static size_t begin_with_comments(const struct document_plan *plan, size_t at, size_t floor)
{
	size_t line = document_plan_line_begin(plan, at);
	size_t margin = strspn(plan->bytes + line, " \t");

	while (line > floor && line > 0) {
		size_t before = line - 1;

		if (before > 0 && plan->bytes[before] == '\n' && plan->bytes[before - 1] == '\r')
			before--;
		before = document_plan_line_begin(plan, before);
		if (before < floor || strspn(plan->bytes + before, " \t") != margin ||
			plan->bytes[before + margin] != '#')
			break;
		line = before;
	}
	return line;
}

static void remove_with_comma(
	struct document_plan *plan, const struct document_node *node, size_t comma)
{
	size_t begin = node->entry.begin;
	size_t end = comma + 1;

	if (document_plan_is_first(plan, begin) && document_plan_is_last(plan, end)) {
		begin = begin_with_comments(plan, begin, node->parent->text.begin);
		end = document_plan_next_line(plan, end);
	} else if (document_plan_is_last(plan, end)) {
		while (strchr(" \t", plan->bytes[begin - 1]))
			begin--;
	} else {
		end += strspn(plan->bytes + end, " \t");
	}
	document_plan_splice(plan, begin, end, "");
}

/* The last entry, without a comma behind it: the one before it goes. */
static void remove_last(struct document_plan *plan, const struct document_node *node,
	const struct document_node *before)
{
	size_t comma = document_text_skip_blank(plan->bytes, before->text.end, plan->size);
	size_t begin = node->entry.begin;
	size_t end = node->text.end;

	if (comma >= begin || plan->bytes[comma] != ',') {
		/* Blanks that only libyaml takes for such: nothing here is where it seems. */
		document_plan_refuse(plan);
	} else if (document_plan_is_first(plan, begin) && document_plan_is_last(plan, end)) {
		document_plan_splice(plan, comma, comma + 1, "");
		begin = begin_with_comments(plan, begin, before->text.end);
		document_plan_splice(plan, begin, document_plan_next_line(plan, end), "");
	} else if (memchr(plan->bytes + comma, '#', begin - comma)) {
		document_plan_splice(plan, comma, comma + 1, "");
		document_plan_splice(plan, begin, end, "");
	} else {
		document_plan_splice(plan, comma, end, "");
	}
}

void document_flow_remove(struct document_plan *plan, const struct document_node *node)
{
	const struct document_node *parent = node->parent;
	const struct document_node *before = NULL;
	size_t comma;

	if (parent->children->len == 1) {
		document_plan_splice(plan, parent->text.begin + 1, parent->text.end - 1, "");
		return;
	}
	if (comma_behind(plan, node, &comma)) {
		remove_with_comma(plan, node, comma);
		return;
	}
	before = document_node_child(parent, parent->children->len - 2);
	remove_last(plan, node, before);
}
