/*
 * The parts of one file's conflict, each decided for itself.
 *
 * A part is what merging the file again leaves in conflict: a key, or a hunk of lines. What is
 * decided of it is kept by its place, so that another process goes on from there, and given to
 * every later merge of the file: what is shown, edited or put between markers is what is open.
 */
#include <stdio.h>
#include <string.h>

#include "journal/base/document.h"
#include "journal/base/hash.h"
#include "worker/sync/resolution_parts.h"

#define PART_WORD "part "

static void free_part(gpointer data)
{
	struct resolution_part *part = data;

	g_free(part->place);
	g_free(part->base);
	g_free(part->local);
	g_free(part->upstream);
	g_free(part);
}

void resolution_forget_parts(struct resolving_conflict *conflict)
{
	g_clear_pointer(&conflict->parts, g_ptr_array_unref);
	g_clear_pointer(&conflict->chosen, g_hash_table_unref);
}

void resolution_choose_part(
	struct resolving_conflict *conflict, const char *place, enum value_preference choice)
{
	if (!conflict->chosen)
		conflict->chosen = g_hash_table_new_full(
			hash_string_keyed, g_str_equal, g_free, NULL);
	g_hash_table_insert(conflict->chosen, g_strdup(place), GINT_TO_POINTER(choice));
}

/* ---- what they are ------------------------------------------------------------------------ */

/* VALUE as text that ends with a line; lines are what they are. */
static char *text_of(const struct value *value, gboolean is_lines, gboolean is_json)
{
	if (!value)
		return NULL;
	if (is_lines)
		return g_strdup(value_kind(value) == VALUE_STRING ? value_string(value) : "");
	return is_json ? document_write_json(value, DOCUMENT_INDENTED) : document_write_yaml(value);
}

static enum resolution_choice choice_at(
	const struct resolving_conflict *conflict, const char *place)
{
	gpointer chosen = conflict->chosen ? g_hash_table_lookup(conflict->chosen, place) : NULL;

	switch ((enum value_preference)GPOINTER_TO_INT(chosen)) {
	case VALUE_PREFER_OURS:
		return RESOLUTION_LOCAL;
	case VALUE_PREFER_THEIRS:
		return RESOLUTION_UPSTREAM;
	case VALUE_PREFER_NONE:
	case VALUE_PREFER_BOTH:
		break;
	}
	return RESOLUTION_OPEN;
}

static void add_part(struct resolving_conflict *conflict, const struct value_conflict *found,
	gboolean by_key, gboolean is_json)
{
	struct resolution_part *part = g_new0(struct resolution_part, 1);

	part->place = g_strdup(found->path);
	part->base = text_of(found->base, !by_key, is_json);
	part->local = text_of(found->ours, !by_key, is_json);
	part->upstream = text_of(found->theirs, !by_key, is_json);
	part->choice = choice_at(conflict, part->place);
	g_ptr_array_add(conflict->parts, part);
}

const GPtrArray *resolution_parts(struct resolution *resolution, guint at, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	gboolean is_json = g_str_has_suffix(conflict->shown.path, ".json");
	scoped(file_merge) merge = NULL;

	if (conflict->shown.shape != RESOLUTION_TEXT)
		return NULL;
	if (!conflict->parts) {
		merge = resolution_merge(resolution, conflict, VALUE_PREFER_NONE, NULL, error);
		if (!merge)
			return NULL;
		conflict->parts = g_ptr_array_new_with_free_func(free_part);
		for (guint i = 0; i < merge->conflicts->len; i++)
			add_part(conflict, merge->conflicts->pdata[i], merge->by_key, is_json);
	}
	return conflict->parts->len > 1 ? conflict->parts : NULL;
}

/* ---- deciding ----------------------------------------------------------------------------- */

static gboolean is_whole(const struct resolving_conflict *conflict)
{
	for (guint i = 0; i < conflict->parts->len; i++) {
		const struct resolution_part *part = conflict->parts->pdata[i];

		if (part->choice == RESOLUTION_OPEN)
			return FALSE;
	}
	return TRUE;
}

/* All parts are decided: they make the file. */
static gboolean put_together(struct resolution *resolution, struct resolving_conflict *conflict,
	gboolean *together, GError **error)
{
	scoped(file_merge) merge = resolution_merge(
		resolution, conflict, VALUE_PREFER_NONE, conflict->chosen, error);

	if (!merge)
		return FALSE;
	*together = merge->conflicts->len == 0;
	if (!*together) {
		resolution_forget_parts(conflict);
		return TRUE;
	}
	conflict->shown.choice = RESOLUTION_PARTS;
	return resolution_put_text(resolution->forge, resolution->index, conflict->shown.path,
		conflict->stages[MERGE_STAGE_OURS].mode, merge->text->str, merge->text->len, error);
}

gboolean resolution_settle_part(struct resolution *resolution, guint at, guint n,
	enum resolution_way way, gboolean *together, GError **error)
{
	struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	struct resolution_part *part = g_ptr_array_index(conflict->parts, n);
	gboolean local = way == RESOLUTION_BY_LOCAL;

	*together = TRUE;
	part->choice = local ? RESOLUTION_LOCAL : RESOLUTION_UPSTREAM;
	resolution_choose_part(
		conflict, part->place, local ? VALUE_PREFER_OURS : VALUE_PREFER_THEIRS);
	return !is_whole(conflict) || put_together(resolution, conflict, together, error);
}

/* ---- keeping ------------------------------------------------------------------------------ */

static gint compare_places(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* `part 1 local config.timeout`, with what cannot stand in a line escaped. */
void resolution_write_parts(const struct resolution *resolution, guint at, GString *message)
{
	const struct resolving_conflict *conflict = resolution_conflict_at(resolution, at);
	GList *places;

	if (!conflict->chosen)
		return;
	places = g_list_sort(g_hash_table_get_keys(conflict->chosen), compare_places);
	for (const GList *place = places; place; place = place->next) {
		g_autofree char *escaped = g_strescape(place->data, NULL);

		g_string_append_printf(message, PART_WORD "%u %s %s\n", at + 1,
			resolution_choice_word(choice_at(conflict, place->data)), escaped);
	}
	g_list_free(places);
}

void resolution_read_part(struct resolution *resolution, const char *line)
{
	g_autofree char *place = NULL;
	unsigned number;
	char word[16];
	int end = 0;

	if (sscanf(line, PART_WORD "%u %15s %n", &number, word, &end) != 2 || end == 0 ||
		number == 0 || number > resolution->conflicts->len)
		return;
	place = g_strcompress(line + end);
	resolution_choose_part(resolution_conflict_at(resolution, number - 1), place,
		strcmp(word, resolution_choice_word(RESOLUTION_LOCAL)) == 0 ? VALUE_PREFER_OURS
									    : VALUE_PREFER_THEIRS);
}
