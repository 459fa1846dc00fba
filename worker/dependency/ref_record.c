/*
 * What a repository was seen to advertise, as a value and as a text.
 *
 * A tag's meaning may change behind everybody's back; that is why the first sight of each is kept,
 * with its time, and outlives the tag itself. Branches move all day, so of them only the newest
 * sight counts. The text is canonical (one ref a line, by name), so that equal records are equal
 * objects and git's deltas between two of them are small.
 */
#include "worker/dependency/ref_record.h"

#include <stdlib.h>
#include <string.h>

#include "journal/base/errors.h"

#define FIRST_LINE "forge refs 1"
#define TAGS "refs/tags/"
#define ABSENT "-"

static void free_ref(gpointer data)
{
	struct recorded_ref *ref = data;

	g_free(ref->name);
	g_free(ref);
}

static void free_moved(gpointer data)
{
	struct moved_tag *moved = data;

	g_free(moved->name);
	g_free(moved);
}

struct ref_record *ref_record_new(const char *repository)
{
	struct ref_record *record = g_new0(struct ref_record, 1);

	record->repository = g_strdup(repository);
	record->refs = g_ptr_array_new_with_free_func(free_ref);
	return record;
}

void ref_record_free(struct ref_record *record)
{
	if (!record)
		return;
	g_free(record->repository);
	g_free(record->head);
	g_ptr_array_unref(record->refs);
	g_free(record);
}

GPtrArray *moved_tags_new(void)
{
	return g_ptr_array_new_with_free_func(free_moved);
}

struct recorded_ref *ref_record_add(struct ref_record *record, const char *name, const git_oid *oid)
{
	struct recorded_ref *ref = g_new0(struct recorded_ref, 1);

	ref->name = g_strdup(name);
	ref->oid = *oid;
	g_ptr_array_add(record->refs, ref);
	return ref;
}

static gint compare_refs(gconstpointer a, gconstpointer b)
{
	const struct recorded_ref *one = *(struct recorded_ref *const *)a;
	const struct recorded_ref *two = *(struct recorded_ref *const *)b;

	return strcmp(one->name, two->name);
}

void ref_record_sort(struct ref_record *record)
{
	GPtrArray *refs = record->refs;
	guint kept = 0;

	g_ptr_array_sort(refs, compare_refs);
	/* A server may say a name twice; a record that did could not be read again. */
	for (guint i = 0; i < refs->len; i++)
		if (kept > 0 && compare_refs(&refs->pdata[kept - 1], &refs->pdata[i]) == 0)
			free_ref(refs->pdata[i]);
		else
			refs->pdata[kept++] = refs->pdata[i];
	/* What is behind was moved or freed. */
	g_ptr_array_set_free_func(refs, NULL);
	g_ptr_array_set_size(refs, (gint)kept);
	g_ptr_array_set_free_func(refs, free_ref);
}

/* The ref called NAME, advertised or not. */
static struct recorded_ref *look_up(const struct ref_record *record, const char *name)
{
	struct recorded_ref wanted = {.name = (char *)name};
	gpointer key = &wanted;
	gpointer *found = record->refs->len == 0
		? NULL
		: bsearch(&key, record->refs->pdata, record->refs->len, sizeof(gpointer),
			  compare_refs);

	return found ? *found : NULL;
}

const struct recorded_ref *ref_record_known(const struct ref_record *record, const char *name)
{
	return look_up(record, name);
}

gboolean ref_record_refuse_moved(
	const char *name, const git_oid *before, const git_oid *after, GError **error)
{
	char one[GIT_OID_HEXSZ + 1], other[GIT_OID_HEXSZ + 1];

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TAG_MOVED,
		"the tag '%s' is %s now and was %s when it was first seen",
		g_str_has_prefix(name, TAGS) ? name + strlen(TAGS) : name,
		git_oid_tostr(one, sizeof(one), after),
		git_oid_tostr(other, sizeof(other), before));
	return FALSE;
}

const struct recorded_ref *ref_record_find(const struct ref_record *record, const char *name)
{
	const struct recorded_ref *ref = look_up(record, name);

	return ref && !ref->gone ? ref : NULL;
}

/* ---- a new sight -------------------------------------------------------------------------- */

static void note_moved(GPtrArray *moved, const struct recorded_ref *before, const git_oid *after)
{
	struct moved_tag *tag = g_new0(struct moved_tag, 1);

	tag->name = g_strdup(before->name);
	tag->before = before->oid;
	tag->after = *after;
	g_ptr_array_add(moved, tag);
}

static void add_seen(struct ref_record *record, const struct ref_record *old,
	const struct recorded_ref *seen, uint64_t now_us, gboolean accept_moved, GPtrArray *moved)
{
	const struct recorded_ref *known = old ? look_up(old, seen->name) : NULL;
	struct recorded_ref *ref = ref_record_add(record, seen->name, &seen->oid);

	if (!g_str_has_prefix(seen->name, TAGS))
		return;
	ref->first_seen_us = known ? known->first_seen_us : now_us;
	if (!known || git_oid_equal(&known->oid, &seen->oid))
		return;
	if (accept_moved) {
		ref->first_seen_us = now_us;
		return;
	}
	note_moved(moved, known, &seen->oid);
	ref->oid = known->oid;
}

static void add_gone(struct ref_record *record, const struct recorded_ref *known)
{
	struct recorded_ref *ref = ref_record_add(record, known->name, &known->oid);

	ref->first_seen_us = known->first_seen_us;
	ref->gone = TRUE;
}

struct ref_record *ref_record_update(const struct ref_record *old, const struct ref_record *seen,
	uint64_t now_us, gboolean accept_moved, GPtrArray *moved)
{
	struct ref_record *record = ref_record_new(seen->repository);

	record->head = g_strdup(seen->head);
	record->head_oid = seen->head_oid;
	for (guint i = 0; i < seen->refs->len; i++)
		add_seen(record, old, seen->refs->pdata[i], now_us, accept_moved, moved);
	for (guint i = 0; old && i < old->refs->len; i++) {
		const struct recorded_ref *known = old->refs->pdata[i];

		if (g_str_has_prefix(known->name, TAGS) && !look_up(seen, known->name))
			add_gone(record, known);
	}
	ref_record_sort(record);
	return record;
}

/* ---- text --------------------------------------------------------------------------------- */

GString *ref_record_text(const struct ref_record *record)
{
	GString *text = g_string_new(FIRST_LINE "\n");
	char hex[GIT_OID_HEXSZ + 1];

	g_string_append_printf(text, "repository %s\n", record->repository);
	g_string_append_printf(text, "head %s %s\n",
		git_oid_tostr(hex, sizeof(hex), &record->head_oid),
		record->head ? record->head : ABSENT);
	for (guint i = 0; i < record->refs->len; i++) {
		const struct recorded_ref *ref = record->refs->pdata[i];

		g_string_append_printf(text, "%s %" G_GUINT64_FORMAT " %s %s\n",
			git_oid_tostr(hex, sizeof(hex), &ref->oid), ref->first_seen_us,
			ref->gone ? "gone" : "there", ref->name);
	}
	return text;
}

static gboolean read_oid(const char *text, git_oid *oid)
{
	return text && strlen(text) == GIT_OID_HEXSZ && git_oid_fromstr(oid, text) == 0;
}

static gboolean read_ref(struct ref_record *record, const char *line)
{
	g_auto(GStrv) parts = g_strsplit(line, " ", 4);
	struct recorded_ref *ref;
	git_oid oid;
	guint64 time_us;

	if (g_strv_length(parts) != 4 || !read_oid(parts[0], &oid) ||
		!g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXINT64, &time_us, NULL) ||
		(strcmp(parts[2], "gone") != 0 && strcmp(parts[2], "there") != 0) ||
		!g_str_has_prefix(parts[3], "refs/"))
		return FALSE;
	/* By name, and each once, as they are written: else a search would find one or the other. */
	if (record->refs->len > 0 &&
		strcmp(((struct recorded_ref *)record->refs->pdata[record->refs->len - 1])->name,
			parts[3]) >= 0)
		return FALSE;
	ref = ref_record_add(record, parts[3], &oid);
	ref->first_seen_us = time_us;
	ref->gone = *parts[2] == 'g';
	return TRUE;
}

static gboolean read_head(struct ref_record *record, const char *line)
{
	g_auto(GStrv) parts = g_strsplit(line, " ", 3);

	if (g_strv_length(parts) != 3 || strcmp(parts[0], "head") != 0 ||
		!read_oid(parts[1], &record->head_oid))
		return FALSE;
	record->head = strcmp(parts[2], ABSENT) == 0 ? NULL : g_strdup(parts[2]);
	return TRUE;
}

static gboolean read_line(struct ref_record *record, guint number, const char *line)
{
	switch (number) {
	case 0:
		return strcmp(line, FIRST_LINE) == 0;
	case 1:
		if (!g_str_has_prefix(line, "repository "))
			return FALSE;
		g_free(record->repository);
		record->repository = g_strdup(line + strlen("repository "));
		return TRUE;
	case 2:
		return read_head(record, line);
	default:
		return read_ref(record, line);
	}
}

struct ref_record *ref_record_parse(const char *text, size_t size, GError **error)
{
	scoped(ref_record) record = ref_record_new("");
	g_autofree char *copy = g_strndup(text, size);
	/* Tags that are gone are kept, so there may be more than a repository can advertise. */
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
	guint number = 0;

	if (memchr(text, '\0', size)) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"the recorded refs are no text");
		return NULL;
	}
	for (; lines[number] && (*lines[number] || lines[number + 1]); number++)
		if (!read_line(record, number, lines[number])) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
				"line %u of the recorded refs makes no sense", number + 1);
			return NULL;
		}
	if (number < 3) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
			"the recorded refs end too soon");
		return NULL;
	}
	return g_steal_pointer(&record);
}
