/*
 * The three-way merge of trees of values, by key.
 *
 * A value that is not there is a version like any other (NULL), so "added", "deleted" and "changed"
 * need no cases of their own: where one side is as the base, the other side's counts. Below that
 * only maps and some lists (value_merge_list.c) can be taken apart; all else that both sides
 * changed differently is a conflict, in which the result holds ours.
 *
 * A clean result holds every change of either side; nothing is ever guessed from likeness. What
 * settles a conflict is named by the caller: a rule for versions, what a merge by lines made of it,
 * a preference. Depth is bounded by whoever read the values.
 */
#include "worker/document/value_merge.h"

#include <math.h>
#include <string.h>

#include "worker/document/value_merge_run.h"

/* ---- comparing ---- */

static gboolean same_number(const struct value *a, const struct value *b)
{
	double one, two;

	if (value_written(a) && value_written(b))
		return strcmp(value_written(a), value_written(b)) == 0;
	if (value_kind(a) == VALUE_INTEGER)
		return value_integer(a) == value_integer(b);
	one = value_real(a);
	two = value_real(b);
	return one == two || (isnan(one) && isnan(two));
}

static gboolean same_children(const struct value *a, const struct value *b)
{
	if (value_count(a) != value_count(b))
		return FALSE;
	for (size_t i = 0; i < value_count(a); i++) {
		const struct value *other = value_kind(a) == VALUE_LIST
			? value_at(b, i)
			: value_get(b, value_key_at(a, i));

		if (!other || !value_same(value_at(a, i), other))
			return FALSE;
	}
	return TRUE;
}

gboolean value_same(const struct value *a, const struct value *b)
{
	if (a == b)
		return TRUE;
	if (!a || !b || value_kind(a) != value_kind(b))
		return FALSE;
	switch (value_kind(a)) {
	case VALUE_NULL:
		return TRUE;
	case VALUE_BOOLEAN:
		return value_boolean(a) == value_boolean(b);
	case VALUE_INTEGER:
	case VALUE_REAL:
		return same_number(a, b);
	case VALUE_STRING:
		return strcmp(value_string(a), value_string(b)) == 0;
	case VALUE_LIST:
	case VALUE_MAP:
		return same_children(a, b);
	}
	g_assert_not_reached();
}

static gboolean is_kind(const struct value *value, enum value_kind kind)
{
	return value && value_kind(value) == kind;
}

/* ---- results ---- */

void value_conflict_free(struct value_conflict *conflict)
{
	if (!conflict)
		return;
	g_free(conflict->path);
	value_free(conflict->base);
	value_free(conflict->ours);
	value_free(conflict->theirs);
	g_free(conflict);
}

static void free_conflict(gpointer data)
{
	value_conflict_free(data);
}

static void free_version(gpointer data)
{
	struct value_version *version = data;

	g_free(version->path);
	g_free(version->version);
	g_free(version);
}

void value_merge_free(struct value_merge *merge)
{
	if (!merge)
		return;
	value_free(merge->value);
	g_ptr_array_unref(merge->conflicts);
	g_ptr_array_unref(merge->settled);
	g_ptr_array_unref(merge->versions);
	g_free(merge);
}

static struct value *copy_of(const struct value *value)
{
	return value ? value_copy(value) : NULL;
}

/* ---- conflicts ---- */

static struct value *settle_version(
	struct value_merging *merging, const struct value_versions *versions)
{
	g_autofree char *version = NULL;
	struct value_version *told;
	enum version_rule used;

	if ((versions->base && !is_kind(versions->base, VALUE_STRING)) ||
		!is_kind(versions->ours, VALUE_STRING) || !is_kind(versions->theirs, VALUE_STRING))
		return NULL;
	version = version_line_settle(merging->path, merging->options->version_rule,
		versions->base ? value_string(versions->base) : NULL, value_string(versions->ours),
		value_string(versions->theirs), &used);
	if (!version)
		return NULL;
	told = g_new0(struct value_version, 1);
	told->path = document_path_format(merging->path);
	told->rule = used;
	told->version = g_strdup(version);
	g_ptr_array_add(merging->result->versions, told);
	return value_new_string(version);
}

/* Lines that were merged without a conflict, inside a list or a text. Where they say what one side
 * says, they may only have lost sight of the other. */
static gboolean lines_settle(const struct value_versions *versions)
{
	const struct value *merged = versions->lines_ours;

	return merged && versions->ours && versions->theirs &&
		(is_kind(merged, VALUE_LIST) || is_kind(merged, VALUE_STRING)) &&
		is_kind(versions->ours, value_kind(merged)) &&
		is_kind(versions->theirs, value_kind(merged)) &&
		value_same(merged, versions->lines_theirs) && !value_same(merged, versions->ours) &&
		!value_same(merged, versions->theirs) && !value_same(merged, versions->base);
}

static enum value_preference preference_for(const struct value_merging *merging, const char *path)
{
	enum value_preference preference = merging->options->preference;
	gpointer chosen;

	if (merging->options->choices &&
		g_hash_table_lookup_extended(merging->options->choices, path, NULL, &chosen))
		preference = (enum value_preference)GPOINTER_TO_INT(chosen);
	return preference;
}

/* PREFERENCE becomes NONE where it has no answer. */
static struct value *preferred(
	enum value_preference *preference, const struct value_versions *versions)
{
	struct value *both = NULL;

	switch (*preference) {
	case VALUE_PREFER_NONE:
	case VALUE_PREFER_OURS:
		return copy_of(versions->ours);
	case VALUE_PREFER_THEIRS:
		return copy_of(versions->theirs);
	case VALUE_PREFER_BOTH:
		if (!versions->ours || !versions->theirs)
			return copy_of(versions->ours ? versions->ours : versions->theirs);
		if (is_kind(versions->ours, VALUE_LIST) && is_kind(versions->theirs, VALUE_LIST))
			both = value_merge_both(versions);
		if (both)
			return both;
		*preference = VALUE_PREFER_NONE;
		return copy_of(versions->ours);
	}
	g_assert_not_reached();
}

struct value *value_merge_conflict(
	struct value_merging *merging, const struct value_versions *versions)
{
	struct value *settled = settle_version(merging, versions);
	struct value_conflict *conflict;
	struct value *value;

	if (settled)
		return settled;
	if (lines_settle(versions))
		return value_copy(versions->lines_ours);
	conflict = g_new0(struct value_conflict, 1);
	conflict->path = document_path_format(merging->path);
	conflict->base = copy_of(versions->base);
	conflict->ours = copy_of(versions->ours);
	conflict->theirs = copy_of(versions->theirs);
	conflict->settled = preference_for(merging, conflict->path);
	value = preferred(&conflict->settled, versions);
	g_ptr_array_add(conflict->settled == VALUE_PREFER_NONE ? merging->result->conflicts
							       : merging->result->settled,
		conflict);
	return value;
}

/* ---- maps ---- */

static const struct value *member(const struct value *map, const char *key)
{
	return is_kind(map, VALUE_MAP) ? value_get(map, key) : NULL;
}

static void merge_member(struct value_merging *merging, const struct value_versions *maps,
	const char *key, struct value *merged)
{
	const struct value_versions versions = {
		.base = member(maps->base, key),
		.ours = member(maps->ours, key),
		.theirs = member(maps->theirs, key),
		.lines_ours = member(maps->lines_ours, key),
		.lines_theirs = member(maps->lines_theirs, key),
	};
	struct value *value;

	document_path_append_key(merging->path, key);
	value = value_merge_node(merging, &versions);
	document_path_drop(merging->path);
	if (value)
		value_put_take(merged, key, value);
}

static struct value *merge_maps(struct value_merging *merging, const struct value_versions *maps)
{
	struct value *merged = value_new_map();

	for (size_t i = 0; i < value_count(maps->ours); i++)
		merge_member(merging, maps, value_key_at(maps->ours, i), merged);
	for (size_t i = 0; i < value_count(maps->theirs); i++)
		if (!value_get(maps->ours, value_key_at(maps->theirs, i)))
			merge_member(merging, maps, value_key_at(maps->theirs, i), merged);
	return merged;
}

/* ---- */

struct value *value_merge_node(struct value_merging *merging, const struct value_versions *versions)
{
	const struct value *base = versions->base;

	if (value_same(versions->ours, versions->theirs) || value_same(base, versions->theirs))
		return copy_of(versions->ours);
	if (value_same(base, versions->ours))
		return copy_of(versions->theirs);
	if (is_kind(versions->ours, VALUE_MAP) && is_kind(versions->theirs, VALUE_MAP) &&
		(!base || is_kind(base, VALUE_MAP)))
		return merge_maps(merging, versions);
	if (is_kind(versions->ours, VALUE_LIST) && is_kind(versions->theirs, VALUE_LIST) &&
		is_kind(base, VALUE_LIST))
		return value_merge_lists(merging, versions);
	return value_merge_conflict(merging, versions);
}

struct value_merge *value_merge_new(
	const struct value_versions *versions, const struct value_merge_options *options)
{
	struct value_merge *merge = g_new0(struct value_merge, 1);
	scoped(document_path) path = document_path_new();
	struct value_merging merging = {.options = options, .path = path, .result = merge};

	merge->conflicts = g_ptr_array_new_with_free_func(free_conflict);
	merge->settled = g_ptr_array_new_with_free_func(free_conflict);
	merge->versions = g_ptr_array_new_with_free_func(free_version);
	merge->value = value_merge_node(&merging, versions);
	return merge;
}
