/*
 * Changes of fields in the words of a status report.
 *
 * Changes stand in the order of the walk, in which what was added (or removed) below one parent
 * comes in a row, so a line takes a row. A property of a JSON schema is called a field, by its name
 * alone, and one that has fields of its own by these: "added pagination fields".
 */
#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"
#include "worker/document/field_diff.h"
#include "worker/document/value_text.h"

static const struct field_change *change_at(const struct field_diff *diff, size_t at)
{
	return diff->changes->pdata[at];
}

static gboolean is_collection(const struct value *value)
{
	return value_kind(value) == VALUE_MAP || value_kind(value) == VALUE_LIST;
}

static const char *verb(const struct field_change *change)
{
	return change->kind == FIELD_ADDED ? "added" : "removed";
}

static const struct value *value_of(const struct field_change *change)
{
	return change->to ? change->to : change->from;
}

static const char *label_of(const struct field_change *change)
{
	return *change->label ? change->label : "the document";
}

static char *changed_line(const struct field_change *change)
{
	g_autofree char *from = value_text_short(change->from);
	g_autofree char *to = value_text_short(change->to);

	if (strcmp(from, to) == 0)
		return g_strdup_printf("%s (changed)", label_of(change));
	return g_strdup_printf("%s (%s → %s)", label_of(change), from, to);
}

static gboolean has_properties(const struct value *schema)
{
	const struct value *properties;

	if (value_kind(schema) != VALUE_MAP)
		return FALSE;
	properties = value_get(schema, "properties");
	return properties && value_kind(properties) == VALUE_MAP && value_count(properties) > 0;
}

/* Whether a property holds fields of its own, or items that do. */
static gboolean has_fields(const struct value *schema)
{
	const struct value *items = value_kind(schema) == VALUE_MAP ? value_get(schema, "items")
								    : NULL;

	return has_properties(schema) || (items && has_properties(items));
}

/* A scalar item of a list is called by itself, another by its place or name. */
static gboolean is_plain_item(const struct field_change *change)
{
	return change->owner == FIELD_OF_LIST && !is_collection(value_of(change));
}

static gboolean shares_line(const struct field_change *a, const struct field_change *b)
{
	return a->kind == b->kind && (a->kind == FIELD_ADDED || a->kind == FIELD_REMOVED) &&
		a->owner == b->owner && is_plain_item(a) == is_plain_item(b) &&
		strcmp(a->parent, b->parent) == 0;
}

static char *name_in_line(const struct field_change *change)
{
	if (is_plain_item(change))
		return value_text_short(value_of(change));
	return g_strdup(change->owner == FIELD_OF_SCHEMA ? change->name : change->label);
}

/* `a`, `a and b`, `a, b and c`, `a, b, c and 2 more`. */
static char *names_in_line(const struct field_diff *diff, size_t at, size_t n)
{
	size_t shown = MIN(n, LIMIT_SHOWN_CHANGES);
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < shown; i++) {
		g_autofree char *name = name_in_line(change_at(diff, at + i));

		if (i > 0)
			g_string_append(names, i + 1 == n ? " and " : ", ");
		g_string_append(names, name);
	}
	if (n > shown)
		g_string_append_printf(names, " and %" G_GSIZE_FORMAT " more", n - shown);
	return g_string_free(names, FALSE);
}

static char *schema_line(const struct field_diff *diff, size_t at, size_t n)
{
	const struct field_change *first = change_at(diff, at);
	g_autofree char *names = names_in_line(diff, at, n);
	gboolean many = n > 1 || has_fields(value_of(first));

	return g_strdup_printf("%s %s field%s", verb(first), names, many ? "s" : "");
}

static char *items_line(const struct field_diff *diff, size_t at, size_t n)
{
	const struct field_change *first = change_at(diff, at);
	g_autofree char *names = names_in_line(diff, at, n);

	return g_strdup_printf("%s %s %s %s", verb(first), names,
		first->kind == FIELD_ADDED ? "to" : "from",
		*first->parent ? first->parent : "the list");
}

/* The N changes from AT on, which were added or removed below the same parent. */
static char *row_line(const struct field_diff *diff, size_t at, size_t n)
{
	const struct field_change *first = change_at(diff, at);
	g_autofree char *names = NULL;

	if (first->owner == FIELD_OF_SCHEMA)
		return schema_line(diff, at, n);
	if (is_plain_item(first))
		return items_line(diff, at, n);
	if (n == 1 && first->kind == FIELD_ADDED && !is_collection(first->to)) {
		g_autofree char *text = value_text_short(first->to);

		return g_strdup_printf("added %s (%s)", label_of(first), text);
	}
	names = names_in_line(diff, at, n);
	return g_strdup_printf("%s %s", verb(first), names);
}

static char *line_of(const struct field_diff *diff, size_t at, size_t n)
{
	const struct field_change *first = change_at(diff, at);

	switch (first->kind) {
	case FIELD_CHANGED:
		return changed_line(first);
	case FIELD_REORDERED:
		return g_strdup_printf("reordered %s", label_of(first));
	case FIELD_ADDED:
	case FIELD_REMOVED:
		return row_line(diff, at, n);
	}
	g_assert_not_reached();
}

GPtrArray *field_diff_wording(const struct field_diff *diff)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	size_t at = 0;

	while (at < diff->changes->len) {
		size_t n = 1;

		while (at + n < diff->changes->len &&
			shares_line(change_at(diff, at), change_at(diff, at + n)))
			n++;
		g_ptr_array_add(lines, line_of(diff, at, n));
		at += n;
	}
	if (diff->n > diff->changes->len)
		g_ptr_array_add(lines,
			g_strdup_printf(
				"%" G_GSIZE_FORMAT " more changes", diff->n - diff->changes->len));
	return lines;
}
