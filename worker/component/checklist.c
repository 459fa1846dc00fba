/*
 * What is wrong with a document, all of it.
 *
 * Field tables (journal/base/field.h) stop at the first wrong value and know every key; files that
 * other people write for other programs too need neither. What is wrong is noted with its line and
 * path in the same words. Values are never quoted: what is noted may be shown where the file itself
 * may not.
 */
#include "worker/component/checklist.h"

#include <stdarg.h>
#include <string.h>

#include "journal/base/limits.h"
#include "journal/base/nearest.h"

void checklist_init(struct checklist *list, const struct document_origin *origin)
{
	list->origin = origin;
	list->problems = g_ptr_array_new_with_free_func(g_free);
	list->more = 0;
}

void checklist_clear(struct checklist *list)
{
	g_clear_pointer(&list->problems, g_ptr_array_unref);
}

void checklist_note(struct checklist *list, struct checked_map where, const char *key,
	unsigned line, const char *format, ...)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *message = NULL;
	g_autofree char *path = g_strconcat(
		where.path, *where.path && key ? "." : "", key ? key : "", NULL);
	va_list arguments;

	if (list->problems->len >= LIMIT_COMPONENT_PROBLEMS) {
		list->more++;
		return;
	}
	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	document_error(&error, list->origin, line, "%s%s%s", path, *path ? ": " : "", message);
	g_ptr_array_add(list->problems, g_strdup(error->message));
}

gboolean checklist_end(const struct checklist *list, GError **error)
{
	guint others = list->problems->len - 1 + list->more;

	if (list->problems->len == 0)
		return TRUE;
	if (others == 0)
		g_set_error_literal(error, FORGE_ERROR, (int)list->origin->invalid,
			g_ptr_array_index(list->problems, 0));
	else
		g_set_error(error, FORGE_ERROR, (int)list->origin->invalid, "%s (and %u more)",
			(const char *)g_ptr_array_index(list->problems, 0), others);
	return FALSE;
}

/* The member KEY; NULL if it is not there or a null. */
static const struct value *member_of(struct checked_map where, const char *key)
{
	const struct value *value = value_get(where.map, key);

	return value && value_kind(value) != VALUE_NULL ? value : NULL;
}

static const char *text_of(const struct value *value)
{
	switch (value_kind(value)) {
	case VALUE_STRING:
		return value_string(value);
	case VALUE_INTEGER:
	case VALUE_REAL:
		return value_written(value);
	case VALUE_NULL:
	case VALUE_BOOLEAN:
	case VALUE_LIST:
	case VALUE_MAP:
		return NULL;
	}
	g_assert_not_reached();
}

/* What is wrong with VALUE as a text, or NULL. */
static const char *wrong_text(const struct value *value, const char *(*check)(const char *text))
{
	const char *text = text_of(value);

	if (!text)
		return "expected text";
	if (strlen(text) > LIMIT_COMPONENT_TEXT_BYTES)
		return "too long";
	return check ? check(text) : NULL;
}

char *checklist_text(struct checklist *list, struct checked_map where, const char *key,
	enum checked_need need, const char *(*check)(const char *text))
{
	const struct value *value = member_of(where, key);
	const char *wrong = value ? wrong_text(value, check) : NULL;

	if (!value && need == CHECKED_REQUIRED)
		checklist_note(list, where, key, value_line(where.map), "is missing");
	if (wrong)
		checklist_note(list, where, key, value_line(value), "%s", wrong);
	return value && !wrong ? g_strdup(text_of(value)) : NULL;
}

const struct value *checklist_map(struct checklist *list, struct checked_map where, const char *key)
{
	const struct value *value = member_of(where, key);

	if (!value || value_kind(value) == VALUE_MAP)
		return value;
	checklist_note(list, where, key, value_line(value), "expected a map of keys");
	return NULL;
}

const struct value *checklist_list(
	struct checklist *list, struct checked_map where, const char *key, size_t items_max)
{
	const struct value *value = member_of(where, key);

	if (!value)
		return NULL;
	if (value_kind(value) != VALUE_LIST)
		checklist_note(list, where, key, value_line(value), "expected a list");
	else if (value_count(value) > items_max)
		checklist_note(list, where, key, value_line(value), "more than %zu", items_max);
	else
		return value;
	return NULL;
}

gboolean checklist_item(struct checklist *list, struct checked_map where, const char *key,
	const struct value *items, size_t at, char **path, struct checked_map *item)
{
	const struct value *value = value_at(items, at);

	*path = g_strdup_printf("%s%s%s[%zu]", where.path, *where.path ? "." : "", key, at);
	*item = (struct checked_map){value, *path};
	if (value_kind(value) == VALUE_MAP)
		return TRUE;
	checklist_note(list, *item, NULL, value_line(value), "expected a map of keys");
	return FALSE;
}

char **checklist_texts(struct checklist *list, struct checked_map where, const char *key,
	size_t items_max, const char *(*check)(const char *text))
{
	const struct value *items = checklist_list(list, where, key, items_max);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);

	if (!items)
		return NULL;
	for (size_t i = 0; i < value_count(items); i++) {
		const struct value *item = value_at(items, i);
		const char *wrong = wrong_text(item, check);
		g_autofree char *name = g_strdup_printf("%s[%zu]", key, i);

		if (wrong)
			checklist_note(list, where, name, value_line(item), "%s", wrong);
		else
			g_ptr_array_add(texts, g_strdup(text_of(item)));
	}
	g_ptr_array_add(texts, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
}

void checklist_mistyped(struct checklist *list, struct checked_map where, const char *const *keys)
{
	for (size_t i = 0; i < value_count(where.map); i++) {
		const char *key = value_key_at(where.map, i);
		g_autofree char *question = NULL;

		if (g_strv_contains(keys, key))
			continue;
		question = nearest_question(key, keys);
		if (question)
			checklist_note(list, where, key, value_key_line_at(where.map, i),
				"unknown key; %s", question);
	}
}
