/*
 * Edits in block style: entries are lines, and what is indented deeper belongs to them.
 *
 * New lines are put in before the line break of an old one, never behind it: so a last line without
 * a line break stays the last line without one. A comment at the end of a line stays in that line
 * unless its entry goes.
 */
#include <string.h>

#include "worker/document/document_edit_plan.h"

/* Where the lines of NODE's entry end, before their last line break. */
static size_t end_of_entry(const struct document_plan *plan, const struct document_node *node)
{
	size_t end = node->lines.end;

	if (end > node->text.end && plan->bytes[end - 1] == '\n')
		end--;
	if (end > node->text.end && plan->bytes[end - 1] == '\r')
		end--;
	return end;
}

static size_t end_of_block(const struct document_plan *plan, const struct document_node *node)
{
	return end_of_entry(plan, document_node_child(node, node->children->len - 1));
}

static gboolean is_absent(const struct document_node *node)
{
	return node->text.begin == node->text.end;
}

/* Behind the colon or dash of NODE; behind its key if it has no colon. */
static size_t behind_indicator(const struct document_plan *plan, const struct document_node *node)
{
	size_t colon;

	if (!node->name)
		return node->entry.begin + 1;
	if (is_absent(node))
		return node->text.begin;
	colon = document_text_skip_blank(plan->bytes, node->key.end, plan->size);
	return MIN(colon + 1, plan->size);
}

/* The value that stands last in NODE's lines. */
static const struct document_node *last_leaf(const struct document_node *node)
{
	while (node->style == DOCUMENT_STYLE_BLOCK)
		node = document_node_child(node, node->children->len - 1);
	return node;
}

static gboolean is_text_block(const struct document_node *node)
{
	return node->style == DOCUMENT_STYLE_LITERAL || node->style == DOCUMENT_STYLE_FOLDED;
}

static const char *find_in_header(
	const struct document_plan *plan, const struct document_node *node, char sign)
{
	const char *header = plan->bytes + node->text.begin;

	return memchr(header, sign, strcspn(header, "#\r\n"));
}

/* A block collection whose first entry has a line of its own, below its key or dash. */
static gboolean is_below(const struct document_plan *plan, const struct document_node *node)
{
	return node->style == DOCUMENT_STYLE_BLOCK && node->parent &&
		document_plan_is_first(plan, document_node_child(node, 0)->entry.begin);
}

/* The comment behind `|` or `>`, with the blanks before it. */
static char *header_comment(const struct document_plan *plan, const struct document_node *node)
{
	const char *begin = plan->bytes + node->text.begin;
	size_t size = document_plan_line_end(plan, node->text.begin) - node->text.begin;
	const char *sign;

	if (!is_text_block(node))
		return g_strdup("");
	sign = memchr(begin, '#', size);
	if (!sign)
		return g_strdup("");
	while (sign > begin && strchr(" \t", sign[-1]))
		sign--;
	return g_strndup(sign, size - (size_t)(sign - begin));
}

static size_t first_line(const char *text)
{
	return strcspn(text, "\r\n");
}

/* ---- setting ---- */

/* TEXT takes the place of BEGIN to END. What stands behind that in its line goes behind a `|`, not
 * into the text below it. */
static void put_scalar(struct document_plan *plan, size_t begin, size_t end, const char *text)
{
	size_t start = strspn(text, " :\r\n");
	gboolean is_block = text[start] == '|' || text[start] == '>';
	size_t line_end = is_block ? document_plan_line_end(plan, end) : end;
	size_t split = line_end > end ? start + first_line(text + start) : strlen(text);
	g_autofree char *beside = g_strndup(text, split);

	document_plan_splice(plan, begin, end, beside);
	if (text[split] != '\0')
		document_plan_splice(plan, line_end, line_end, text + split);
}

static void put_absent(
	struct document_plan *plan, const struct document_node *node, const char *text)
{
	g_autoptr(GString) all = g_string_new(NULL);
	gboolean at_line = document_plan_line_begin(plan, node->text.begin) == node->text.begin;

	if (node->name && behind_indicator(plan, node) == node->key.end) {
		document_write_line(all, &plan->manner, node->indent);
		g_string_append_c(all, ':');
	}
	if (!at_line)
		g_string_append_c(all, ' ');
	g_string_append(all, text);
	if (at_line && node->text.begin == plan->size)
		g_string_append(all, plan->manner.line_break);
	put_scalar(plan, node->text.begin, node->text.end, all->str);
}

/* TEXT, of a scalar or in brackets, becomes NODE's. */
static void put_text(struct document_plan *plan, const struct document_node *node, const char *text)
{
	g_autofree char *comment = header_comment(plan, node);
	g_autoptr(GString) all = g_string_new(text);
	size_t behind;

	if (is_below(plan, node)) {
		behind = behind_indicator(plan, node);
		g_string_prepend_c(all, ' ');
		put_scalar(plan, behind, behind, all->str);
		document_plan_splice(
			plan, document_plan_line_end(plan, behind), end_of_block(plan, node), "");
	} else if (node->style == DOCUMENT_STYLE_BLOCK) {
		document_plan_splice(plan, node->text.begin, end_of_block(plan, node), text);
	} else if (is_absent(node)) {
		put_absent(plan, node, text);
	} else {
		g_string_insert(all, (gssize)first_line(text), comment);
		put_scalar(plan, node->text.begin, node->text.end, all->str);
	}
}

/* The column at which the entries of a new collection at NODE stand. */
static unsigned column_of(
	const struct document_plan *plan, const struct document_node *node, enum value_kind kind)
{
	unsigned deeper = kind == VALUE_LIST ? plan->manner.list_indent : plan->manner.map_indent;

	if (node->style == DOCUMENT_STYLE_BLOCK && node->kind == kind)
		return document_node_child(node, 0)->indent;
	if (!node->parent)
		return 0;
	if (node->name)
		return node->indent + deeper;
	if (is_absent(node) || document_plan_line_end(plan, node->entry.begin) < node->text.begin)
		return node->indent + 2;
	return node->indent + (unsigned)(node->text.begin - node->entry.begin);
}

/* BLOCK, whose entries stand at COLUMN, takes lines below NODE's key. */
static void put_below(struct document_plan *plan, const struct document_node *node,
	const char *block, unsigned column)
{
	g_autofree char *comment = header_comment(plan, node);
	g_autoptr(GString) lines = g_string_new(NULL);
	size_t behind = behind_indicator(plan, node);
	size_t line_end = document_plan_line_end(plan, behind);

	document_write_line(lines, &plan->manner, column);
	g_string_append(lines, block);
	if (is_below(plan, node)) {
		document_plan_splice(plan, line_end, end_of_block(plan, node), lines->str);
	} else if (!is_absent(node) && node->text.begin > line_end) {
		document_plan_splice(plan, line_end, node->text.end, lines->str);
	} else {
		if (!is_absent(node))
			document_plan_splice(plan, behind, node->text.end, comment);
		line_end = document_plan_line_end(plan, node->text.end);
		document_plan_splice(plan, line_end, line_end, lines->str);
	}
}

/* The first line of BLOCK goes behind NODE's dash, the others below. */
static void put_beside(
	struct document_plan *plan, const struct document_node *node, const char *block)
{
	g_autofree char *first = g_strndup(block, first_line(block));
	g_autofree char *spaced = g_strconcat(" ", first, NULL);
	size_t line_end = document_plan_line_end(plan, node->text.end);

	if (node->style == DOCUMENT_STYLE_BLOCK) {
		document_plan_splice(plan, node->text.begin, end_of_block(plan, node), block);
		return;
	}
	document_plan_splice(
		plan, node->text.begin, node->text.end, is_absent(node) ? spaced : first);
	document_plan_splice(plan, line_end, line_end, block + first_line(block));
}

static void put_root(
	struct document_plan *plan, const struct document_node *root, const char *block)
{
	g_autoptr(GString) all = g_string_new(block);
	size_t begin = root->text.begin;
	size_t end = root->style == DOCUMENT_STYLE_BLOCK ? end_of_block(plan, root)
							 : root->text.end;

	if (!document_plan_is_first(plan, begin))
		g_string_prepend(all, plan->manner.line_break);
	if (is_absent(root) && begin == plan->size)
		g_string_append(all, plan->manner.line_break);
	document_plan_splice(plan, begin, end, all->str);
}

static char *render_block(
	const struct document_plan *plan, const struct document_content *content, unsigned column)
{
	char *taken = document_take_block(plan, content, column);
	GString *text;

	if (taken)
		return taken;
	text = g_string_new(NULL);
	document_write_block(text, &plan->manner, content->value, column);
	return g_string_free(text, FALSE);
}

static void set_collection(struct document_plan *plan, const struct document_node *node,
	const struct document_content *content)
{
	unsigned column = column_of(plan, node, value_kind(content->value));
	g_autofree char *block = render_block(plan, content, column);

	if (!node->parent)
		put_root(plan, node, block);
	else if (node->name || is_below(plan, node))
		put_below(plan, node, block, column);
	else
		put_beside(plan, node, block);
}

void document_block_set(struct document_plan *plan, const struct document_node *node,
	const struct document_content *content)
{
	unsigned column = node->parent ? node->indent : 0;
	g_autofree char *taken = document_take_scalar(plan, content, column);
	gboolean filled = document_is_filled(content->value);
	g_autoptr(GString) text = g_string_new(taken);

	if (!taken && filled && node->style == DOCUMENT_STYLE_FLOW && node->children->len > 0) {
		document_flow_set(plan, node, content);
	} else if (!taken && filled) {
		set_collection(plan, node, content);
	} else {
		if (!taken)
			document_write_scalar(text, &plan->manner, content->value, node->style,
				column + plan->manner.map_indent, FALSE);
		put_text(plan, node, text->str);
	}
}

/* ---- entries ---- */

static void render_value(GString *text, const struct document_plan *plan,
	const struct document_content *content, unsigned column, unsigned below)
{
	g_autofree char *block = document_take_block(plan, content, below);
	g_autofree char *scalar = document_take_scalar(plan, content, column);

	if (block) {
		document_write_line(text, &plan->manner, below);
		g_string_append(text, block);
	} else {
		g_string_append_printf(text, " %s", scalar);
	}
}

static gboolean can_take(const struct document_plan *plan, const struct document_content *content)
{
	g_autofree char *block = document_take_block(plan, content, 0);
	g_autofree char *scalar = document_take_scalar(plan, content, 0);

	return block || scalar;
}

static char *render_member(const struct document_plan *plan, const char *key,
	const struct document_content *content, unsigned column)
{
	gboolean is_list = value_kind(content->value) == VALUE_LIST;
	unsigned deeper = is_list ? plan->manner.list_indent : plan->manner.map_indent;
	char *taken = document_take_entry(plan, content, key, column);
	GString *text;

	if (taken)
		return taken;
	text = g_string_new(NULL);
	if (can_take(plan, content)) {
		document_write_key(text, &plan->manner, key, FALSE);
		g_string_append_c(text, ':');
		render_value(text, plan, content, column, column + deeper);
	} else {
		document_write_member(text, &plan->manner, key, content->value, column);
	}
	return g_string_free(text, FALSE);
}

static char *render_item(
	const struct document_plan *plan, const struct document_content *content, unsigned column)
{
	char *taken = document_take_entry(plan, content, NULL, column);
	g_autofree char *block = NULL;
	g_autofree char *scalar = NULL;
	GString *text;

	if (taken)
		return taken;
	block = document_take_block(plan, content, column + 2);
	scalar = document_take_scalar(plan, content, column);
	if (block || scalar)
		return g_strconcat("- ", block ? block : scalar, NULL);
	text = g_string_new(NULL);
	document_write_item(text, &plan->manner, content->value, column);
	return g_string_free(text, FALSE);
}

/* A text that ends with the document, without a line break, must not get one. */
static void keep_end_of_text(struct document_plan *plan, const struct document_node *leaf)
{
	size_t begin = leaf->text.begin;
	const char *plus;

	if (leaf->text.end < plan->size || !is_text_block(leaf) || leaf->is_anchor ||
		leaf->is_tagged || find_in_header(plan, leaf, '-'))
		return;
	plus = find_in_header(plan, leaf, '+');
	if (plus)
		begin = (size_t)(plus - plan->bytes) - 1;
	document_plan_splice(plan, begin + 1, begin + (plus ? 2 : 1), "-");
}

static void put_last(struct document_plan *plan, const struct document_node *collection,
	const char *entry, unsigned column)
{
	g_autoptr(GString) line = g_string_new(NULL);
	size_t end = end_of_block(plan, collection);

	keep_end_of_text(plan, last_leaf(collection));
	document_write_line(line, &plan->manner, column);
	g_string_append(line, entry);
	document_plan_splice(plan, end, end, line->str);
}

void document_block_add(struct document_plan *plan, const struct document_node *map,
	const char *key, const struct document_content *content)
{
	unsigned column = document_node_child(map, 0)->indent;
	g_autofree char *entry = render_member(plan, key, content, column);

	put_last(plan, map, entry, column);
}

void document_block_insert(struct document_plan *plan, const struct document_node *list, size_t at,
	const struct document_content *content)
{
	const struct document_node *next = document_node_child(list, at);
	unsigned column = document_node_child(list, 0)->indent;
	g_autofree char *entry = render_item(plan, content, column);
	g_autofree char *margin = g_strnfill(column, ' ');
	g_autofree char *line = NULL;

	if (!next) {
		put_last(plan, list, entry, column);
	} else if (document_plan_is_first(plan, next->entry.begin)) {
		line = g_strconcat(margin, entry, plan->manner.line_break, NULL);
		document_plan_splice(plan, next->lines.begin, next->lines.begin, line);
	} else {
		line = g_strconcat(entry, plan->manner.line_break, margin, NULL);
		document_plan_splice(plan, next->entry.begin, next->entry.begin, line);
	}
}

/* The first entry of a collection in another's line: what follows moves up behind the dash. */
static void remove_beside(struct document_plan *plan, const struct document_node *node)
{
	const struct document_node *next = document_node_child(node->parent, 1);
	size_t end = next->lines.begin;

	if (end != node->lines.end) {
		end = end_of_entry(plan, node);
	} else {
		while (plan->bytes[end] == ' ')
			end++;
	}
	document_plan_splice(plan, node->entry.begin, end, "");
}

/* The value in the lines above NODE's, if it is a `|` or `>`; else NULL. */
static const struct document_node *text_block_above(const struct document_node *node)
{
	const struct document_node *leaf = NULL;
	guint at;

	g_ptr_array_find(node->parent->children, node, &at);
	if (at > 0)
		leaf = last_leaf(document_node_child(node->parent, at - 1));
	return leaf && is_text_block(leaf) ? leaf : NULL;
}

static size_t skip_blank_lines(const struct document_plan *plan, size_t line)
{
	while (line < plan->size) {
		size_t end = document_plan_line_end(plan, line);

		if (line + strspn(plan->bytes + line, " \t") < end)
			break;
		line = document_plan_next_line(plan, line);
	}
	return line;
}

void document_block_remove(struct document_plan *plan, const struct document_node *node)
{
	size_t begin = node->lines.begin;
	size_t end = node->lines.end;
	const struct document_node *above = text_block_above(node);

	if (!document_plan_is_first(plan, node->entry.begin)) {
		remove_beside(plan, node);
		return;
	}
	/* To a text with `+` all blank lines belong that follow it. */
	if (above && find_in_header(plan, above, '+'))
		end = skip_blank_lines(plan, end);
	/* A last line without a line break leaves another one so, unless that means something. */
	if (!above && end == plan->size && begin > 0 &&
		document_plan_line_end(plan, end - 1) == end) {
		begin--;
		if (begin > 0 && plan->bytes[begin] == '\n' && plan->bytes[begin - 1] == '\r')
			begin--;
	}
	document_plan_splice(plan, begin, end, "");
}
