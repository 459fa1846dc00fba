/*
 * Edits of data: what a text must read as once it was edited. Deliberately simple, since every
 * edited text is compared with what is made here.
 */
#include "worker/document/document_edit_list.h"

struct value *document_edit_wrap(
	const struct value *value, const struct document_path *path, size_t from)
{
	struct value *wrapped = value_copy(value);

	for (size_t i = document_path_length(path); i > from; i--) {
		struct value *map = value_new_map();

		value_put_take(map, document_path_step(path, i - 1).key, wrapped);
		wrapped = map;
	}
	return wrapped;
}

/* Where a value is held: in its parent, or as the root. */
struct holder {
	struct value **root;
	struct value *parent; /* NULL: the root is meant */
	size_t at;
};

static struct value *held(const struct holder *holder)
{
	return holder->parent ? value_child_at(holder->parent, holder->at) : *holder->root;
}

static void put(const struct holder *holder, struct value *take_value)
{
	if (holder->parent) {
		value_replace_take(holder->parent, holder->at, take_value);
	} else {
		value_free(*holder->root);
		*holder->root = take_value;
	}
}

/* Follows PATH as far as it leads; returns how many steps that are. */
static size_t follow(struct holder *holder, const struct document_path *path)
{
	for (size_t i = 0; i < document_path_length(path); i++) {
		struct document_step step = document_path_step(path, i);
		struct value *value = held(holder);
		size_t at = step.index;

		if (step.key &&
			(value_kind(value) != VALUE_MAP || !value_find(value, step.key, &at)))
			return i;
		if (at >= value_count(value))
			return i;
		holder->parent = value;
		holder->at = at;
	}
	return document_path_length(path);
}

static void set_data(
	struct value **root, const struct document_path *path, const struct value *value)
{
	struct holder holder = {.root = root};
	size_t depth = follow(&holder, path);

	if (depth == document_path_length(path) || value_kind(held(&holder)) != VALUE_MAP)
		put(&holder, document_edit_wrap(value, path, depth));
	else
		value_put_take(held(&holder), document_path_step(path, depth).key,
			document_edit_wrap(value, path, depth + 1));
}

static void insert_data(struct value **root, const struct document_edit *edit)
{
	struct holder holder = {.root = root};
	size_t depth = follow(&holder, edit->path);
	scoped(value) list = NULL;

	if (depth == document_path_length(edit->path) && value_kind(held(&holder)) == VALUE_LIST) {
		value_insert_take(held(&holder), MIN(edit->at, value_count(held(&holder))),
			value_copy(edit->value));
		return;
	}
	list = value_new_list();
	value_append_take(list, value_copy(edit->value));
	set_data(root, edit->path, list);
}

void document_edit_data(struct value **root, const struct document_edit *edit)
{
	struct holder holder = {.root = root};

	switch (edit->action) {
	case DOCUMENT_SET:
		set_data(root, edit->path, edit->value);
		break;
	case DOCUMENT_REMOVE:
		follow(&holder, edit->path);
		value_remove_at(holder.parent, holder.at);
		break;
	case DOCUMENT_INSERT:
		insert_data(root, edit);
		break;
	}
}
