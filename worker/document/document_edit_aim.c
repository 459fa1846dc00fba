/*
 * From an edit's path to a place in a text.
 *
 * What cannot be edited safely is refused here, by name: parts that stand for each other (anchors,
 * aliases), tags, paths that lead through what is no map or list. Then the kind of place decides
 * which splices are made: in a line, in brackets, or by writing a collection anew that was empty or
 * becomes it.
 */
#include "worker/document/document_edit_list.h"

#include <string.h>

static gboolean refuse(const struct document_origin *origin, const struct document_path *path,
	size_t depth, const char *why, GError **error)
{
	scoped(document_path) part = document_path_copy(path);
	g_autofree char *name = NULL;

	while (document_path_length(part) > depth)
		document_path_drop(part);
	name = document_path_format(part);
	document_error(error, origin, 0, "%s: %s", *name ? name : "the document", why);
	return FALSE;
}

/* Whether an edit may go through NODE, or change it. */
static const char *why_untouchable(const struct document_node *node, gboolean through)
{
	if (node->is_anchor)
		return "has an anchor (&), and may stand for other values too; edit it by hand";
	if (node->is_tagged)
		return "has a tag (!); edit it by hand";
	if (node->is_alias && through)
		return "is an alias (*) of another value; edit that one";
	return NULL;
}

/* The child that STEP leads to; NULL if the step's key can still be made; refused otherwise. */
static gboolean step_down(const struct document_node *node, const struct document_step *step,
	const struct document_node **child, const char **why)
{
	*child = NULL;
	if (step->key && node->kind == VALUE_MAP)
		*child = document_node_member(node, step->key);
	else if (step->key && node->kind != VALUE_NULL)
		*why = "is no map";
	else if (!step->key && node->kind != VALUE_LIST)
		*why = "is no list";
	else if (!step->key && step->index >= node->children->len)
		*why = "has fewer items";
	else if (!step->key)
		*child = document_node_child(node, step->index);
	return *why == NULL;
}

/* Keys can be made for a new value, items cannot. */
static gboolean check_missing(const struct document_edit *edit,
	const struct document_origin *origin, size_t depth, GError **error)
{
	if (edit->action == DOCUMENT_REMOVE)
		return refuse(origin, edit->path, document_path_length(edit->path), "is not there",
			error);
	for (size_t i = depth; i < document_path_length(edit->path); i++)
		if (!document_path_step(edit->path, i).key)
			return refuse(origin, edit->path, i, "is no list", error);
	return TRUE;
}

/* Brackets that are not there (`[a: b]`) cannot take or lose an entry. */
static gboolean has_brackets(const struct document_text *text, const struct document_node *node)
{
	return node->style != DOCUMENT_STYLE_FLOW ||
		strchr("[{", document_text_bytes(text)[node->text.begin]) != NULL;
}

static gboolean check_brackets(const struct document_edit *edit, const struct document_text *text,
	const struct document_origin *origin, const struct document_node *node, size_t depth,
	GError **error)
{
	if (has_brackets(text, node))
		return TRUE;
	return refuse(origin, edit->path, depth,
		"stands in a list without braces of its own; edit it by hand", error);
}

/* A line of a block map goes alone; anything else changes what is beside it. */
static void aim_removal(struct document_target *target)
{
	const struct document_node *parent = target->node->parent;

	target->cut = parent;
	if (parent->kind != VALUE_MAP || parent->style != DOCUMENT_STYLE_BLOCK ||
		parent->children->len == 1 || target->node == document_node_child(parent, 0))
		return;
	target->cut = target->node;
	target->grown = parent;
}

static gboolean aim_at_end(const struct document_edit *edit, const struct document_text *text,
	const struct document_origin *origin, struct document_target *target, GError **error)
{
	const struct document_node *node = target->node;

	switch (edit->action) {
	case DOCUMENT_SET:
		break;
	case DOCUMENT_REMOVE:
		if (!node->parent)
			return refuse(origin, edit->path, 0, "cannot be removed", error);
		aim_removal(target);
		return check_brackets(edit, text, origin, node->parent, target->depth - 1, error);
	case DOCUMENT_INSERT:
		if (node->kind != VALUE_LIST && node->kind != VALUE_NULL)
			return refuse(origin, edit->path, target->depth, "is no list", error);
		if (edit->at != DOCUMENT_AT_END && edit->at > node->children->len)
			return refuse(origin, edit->path, target->depth, "has fewer items", error);
		break;
	}
	return TRUE;
}

static gboolean aim_at_missing(const struct document_edit *edit, const struct document_text *text,
	const struct document_origin *origin, struct document_target *target, GError **error)
{
	const struct document_node *node = target->node;

	if (node->children->len > 0 &&
		(node->style == DOCUMENT_STYLE_BLOCK ||
			document_text_format(text) == DOCUMENT_JSON)) {
		target->cut = NULL;
		target->grown = node;
	}
	return check_missing(edit, origin, target->depth, error) &&
		(node->kind != VALUE_MAP ||
			check_brackets(edit, text, origin, node, target->depth, error));
}

gboolean document_edit_aim(const struct document_edit *edit, const struct document_text *text,
	const struct document_origin *origin, struct document_target *target, GError **error)
{
	const struct document_node *node = document_text_root(text);
	size_t length = document_path_length(edit->path);
	size_t depth;

	for (depth = 0; node; depth++) {
		gboolean through = depth < length || edit->action == DOCUMENT_INSERT;
		const char *why = why_untouchable(node, through);
		const struct document_node *child = NULL;

		*target = (struct document_target){.node = node, .depth = depth, .cut = node};
		if (!why && depth < length) {
			struct document_step step = document_path_step(edit->path, depth);

			step_down(node, &step, &child, &why);
		}
		if (why)
			return refuse(origin, edit->path, depth, why, error);
		if (depth == length)
			return aim_at_end(edit, text, origin, target, error);
		node = child;
	}
	return aim_at_missing(edit, text, origin, target, error);
}

/* ---- planning ---- */

static void set_node(struct document_plan *plan, const struct document_node *node,
	const struct document_content *content)
{
	if (document_plan_in_flow(plan, node))
		document_flow_set(plan, node, content);
	else
		document_block_set(plan, node, content);
}

/* KEY is NULL for an item. */
static void add_entry(struct document_plan *plan, const struct document_node *node, size_t at,
	const char *key, const struct document_content *content)
{
	scoped(value) alone = key ? value_new_map() : value_new_list();

	if (node->kind != VALUE_NULL &&
		(node->children->len > 0 || document_plan_in_flow(plan, node))) {
		if (node->style == DOCUMENT_STYLE_FLOW)
			document_flow_insert(plan, node, at, key, content);
		else if (key)
			document_block_add(plan, node, key, content);
		else
			document_block_insert(plan, node, at, content);
		return;
	}
	if (key)
		value_put_take(alone, key, value_copy(content->value));
	else
		value_append_take(alone, value_copy(content->value));
	set_node(plan, node, &(struct document_content){.value = alone});
}

static void remove_node(struct document_plan *plan, const struct document_node *node)
{
	scoped(value) empty = node->parent->kind == VALUE_MAP ? value_new_map() : value_new_list();

	if (node->parent->style == DOCUMENT_STYLE_FLOW)
		document_flow_remove(plan, node);
	else if (node->parent->children->len > 1)
		document_block_remove(plan, node);
	else
		document_block_set(plan, node->parent, &(struct document_content){.value = empty});
}

static void plan_missing(const struct document_edit *edit, const struct document_target *target,
	const struct document_content *content, struct document_plan *plan)
{
	size_t below = target->depth + 1;
	const char *key = document_path_step(edit->path, target->depth).key;
	scoped(value) list = NULL;
	scoped(value) wrapped = NULL;
	struct document_content inner = *content;

	if (edit->action == DOCUMENT_INSERT) {
		list = value_new_list();
		value_append_take(list, value_copy(content->value));
		inner = (struct document_content){.value = list};
	}
	if (document_path_length(edit->path) > below) {
		wrapped = document_edit_wrap(inner.value, edit->path, below);
		inner = (struct document_content){.value = wrapped};
	}
	add_entry(plan, target->node, DOCUMENT_AT_END, key, &inner);
}

void document_edit_plan(const struct document_edit *edit, const struct document_target *target,
	gboolean use_source, struct document_plan *plan)
{
	const struct document_content content = {
		.value = edit->value,
		.source_text = edit->source_text,
		.source = use_source ? edit->source : NULL,
	};

	if (target->depth < document_path_length(edit->path)) {
		plan_missing(edit, target, &content, plan);
		return;
	}
	switch (edit->action) {
	case DOCUMENT_SET:
		/* Another spelling of the same value is not asked for. */
		if (content.source || !value_equal(target->node->value, edit->value))
			set_node(plan, target->node, &content);
		break;
	case DOCUMENT_REMOVE:
		remove_node(plan, target->node);
		break;
	case DOCUMENT_INSERT:
		add_entry(plan, target->node, edit->at, NULL, &content);
		break;
	}
}
