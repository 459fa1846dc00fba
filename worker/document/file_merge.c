/*
 * The three-way merge of a file.
 *
 * git's merge of lines has the first word, and the last one wherever reading by key is not safe: a
 * side that does not parse, says a key twice or is several documents; a result that, read again, is
 * not the merged tree. What a merge by key changes is written into a text that a person wrote:
 * first into the merge by lines with its conflicts taken from ours, which also holds their comments
 * and order wherever lines merged cleanly; if that is no document, into ours.
 *
 * If conflicts stay, the text is written twice, with ours and with theirs in them, and what differs
 * comes between markers; so there are markers around these conflicts and around nothing else.
 *
 * A textually clean merge is trusted, unless three documents became none.
 */
#include "worker/document/file_merge.h"

#include <string.h>

#include "journal/base/document.h"
#include "journal/base/document_text.h"
#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/document/document_edit.h"
#include "worker/document/file_merge_edits.h"
#include "worker/document/file_merge_lines.h"
#include "worker/document/file_merge_lock.h"

static const struct document_origin origin = {"merge", FORGE_ERROR_VALIDATION_FAILED};

struct file_merging {
	const struct file_versions *versions;
	const struct file_merge_options *options;
	const char *ours_label;
	const char *theirs_label;
	enum document_format format;
	gboolean is_document;       /* all three parse, and are worth reading by key */
	struct document_text *base; /* NULL if there was none */
	struct document_text *ours;
	struct document_text *theirs;
	struct file_lines *lines;
	struct file_merge *result;
};

void file_merge_free(struct file_merge *merge)
{
	if (!merge)
		return;
	if (merge->text)
		g_string_free(merge->text, TRUE);
	g_ptr_array_unref(merge->conflicts);
	g_ptr_array_unref(merge->settled);
	g_ptr_array_unref(merge->versions);
	g_free(merge);
}

static void free_conflict(gpointer data)
{
	value_conflict_free(data);
}

static void free_string(GString *string)
{
	if (string)
		g_string_free(string, TRUE);
}

/* ---- documents ---- */

static gboolean format_of(const char *path, enum document_format *format)
{
	g_autofree char *lower = g_ascii_strdown(path, -1);

	*format = g_str_has_suffix(lower, ".json") ? DOCUMENT_JSON : DOCUMENT_YAML;
	return *format == DOCUMENT_JSON || g_str_has_suffix(lower, ".yaml") ||
		g_str_has_suffix(lower, ".yml");
}

static struct document_text *read_text(
	const struct file_merging *merging, const char *data, size_t size)
{
	return document_text_parse(merging->format, &origin, data ? data : "", size, NULL);
}

static gboolean is_collection(const struct document_text *text)
{
	enum value_kind kind = value_kind(document_text_value(text));

	return kind == VALUE_MAP || kind == VALUE_LIST;
}

static void read_documents(struct file_merging *merging)
{
	const struct file_versions *versions = merging->versions;
	gboolean has_base = versions->base.data && versions->base.size > 0;

	if (!merging->options->structured || !format_of(versions->path, &merging->format))
		return;
	merging->ours = read_text(merging, versions->ours.data, versions->ours.size);
	if (merging->ours)
		merging->theirs = read_text(merging, versions->theirs.data, versions->theirs.size);
	if (merging->theirs && has_base)
		merging->base = read_text(merging, versions->base.data, versions->base.size);
	merging->is_document = merging->theirs && (merging->base || !has_base) &&
		is_collection(merging->ours) && is_collection(merging->theirs);
}

/* ---- by key ---- */

/* TEXT with VALUE for data, or NULL if it cannot be written there. */
static GString *write_into(
	const struct file_merging *merging, const GString *text, const struct value *value)
{
	const struct document_text *const sources[] = {merging->theirs, merging->ours};
	scoped(document_text) present = read_text(merging, text->str, text->len);
	scoped(document_text) written = NULL;
	g_autoptr(GPtrArray) edits = NULL;
	GString *result;

	if (!present)
		return NULL;
	edits = file_merge_edits(
		document_text_value(present), value, sources, G_N_ELEMENTS(sources));
	if (edits->len == 0)
		return g_string_new_len(text->str, (gssize)text->len);
	result = document_edit_apply(merging->format, &origin, text->str, text->len, edits, NULL);
	if (!result)
		return NULL;
	written = read_text(merging, result->str, result->len);
	if (written && value_same(document_text_value(written), value))
		return result;
	g_string_free(result, TRUE);
	return NULL;
}

/* VALUE written into what merged by lines, LINES (NULL if that is no document), else into ours. */
static GString *write_merged(
	const struct file_merging *merging, const GString *lines, const struct value *value)
{
	const struct text_version *ours = &merging->versions->ours;
	GString *result = lines ? write_into(merging, lines, value) : NULL;
	GString *text;

	if (result)
		return result;
	text = g_string_new_len(ours->data, (gssize)ours->size);
	result = write_into(merging, text, value);
	g_string_free(text, TRUE);
	return result;
}

/* A document of comments alone is as good as none. */
static const struct value *base_value(const struct file_merging *merging)
{
	const struct value *base = merging->base ? document_text_value(merging->base) : NULL;

	return base && value_kind(base) != VALUE_NULL ? base : NULL;
}

static struct value_merge *merge_values(const struct file_merging *merging,
	const struct document_text *lines_ours, const struct document_text *lines_theirs,
	GHashTable *choices)
{
	const struct value_versions values = {
		.base = base_value(merging),
		.ours = document_text_value(merging->ours),
		.theirs = document_text_value(merging->theirs),
		.lines_ours = lines_theirs ? document_text_value(lines_ours) : NULL,
		.lines_theirs = lines_theirs ? document_text_value(lines_theirs) : NULL,
	};

	return value_merge_new(&values,
		&(struct value_merge_options){
			.version_rule = merging->options->version_rule,
			.preference = merging->options->preference,
			.choices = choices,
		});
}

/* What differs between OURS and THEIRS between markers. */
static GString *mark_differences(
	const struct file_merging *merging, const GString *ours, const GString *theirs)
{
	const struct text_version nothing = {NULL, 0};
	const struct text_version sides[] = {{ours->str, ours->len}, {theirs->str, theirs->len}};
	scoped(file_lines) lines = file_lines_merge(&nothing, &sides[0], &sides[1]);

	if (file_lines_conflicts(lines) == 0)
		return NULL;
	return file_lines_compose_all(
		lines, FILE_LINES_MARKERS, merging->ours_label, merging->theirs_label);
}

/* The choices that were made, and theirs for each of CONFLICTS. */
static GHashTable *choose_theirs(const struct file_merging *merging, const GPtrArray *conflicts)
{
	GHashTable *choices = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
	GHashTableIter iterator;
	gpointer path, choice;

	if (merging->options->choices) {
		g_hash_table_iter_init(&iterator, merging->options->choices);
		while (g_hash_table_iter_next(&iterator, &path, &choice))
			g_hash_table_insert(choices, g_strdup(path), choice);
	}
	for (guint i = 0; i < conflicts->len; i++) {
		const struct value_conflict *conflict = conflicts->pdata[i];

		g_hash_table_insert(
			choices, g_strdup(conflict->path), GINT_TO_POINTER(VALUE_PREFER_THEIRS));
	}
	return choices;
}

/* The text of a merge in which CONFLICTS stay: OURS holds our side of them. NULL if there is none
 * with theirs. */
static GString *mark_conflicts(const struct file_merging *merging, const GPtrArray *conflicts,
	const GString *ours, const GString *lines, const struct document_text *lines_ours,
	const struct document_text *lines_theirs)
{
	g_autoptr(GHashTable) choices = choose_theirs(merging, conflicts);
	scoped(value_merge) merge = merge_values(merging, lines_ours, lines_theirs, choices);
	GString *theirs = NULL;
	GString *marked = NULL;

	if (merge->value && merge->conflicts->len == 0)
		theirs = write_merged(merging, lines, merge->value);
	if (theirs)
		marked = mark_differences(merging, ours, theirs);
	free_string(theirs);
	return marked;
}

/* Markers where lines conflict or, if they do not, where the sides differ. */
static GString *mark_lines(const struct file_merging *merging)
{
	const struct text_version *ours = &merging->versions->ours;
	const struct text_version *theirs = &merging->versions->theirs;
	const struct text_version nothing = {NULL, 0};
	scoped(file_lines) differences = NULL;
	const struct file_lines *lines = merging->lines;

	if (file_lines_conflicts(lines) == 0)
		lines = differences = file_lines_merge(&nothing, ours, theirs);
	return file_lines_compose_all(
		lines, FILE_LINES_MARKERS, merging->ours_label, merging->theirs_label);
}

static void take_outcome(struct file_merge *result, struct value_merge *merge)
{
	GPtrArray *swap;

	swap = result->conflicts, result->conflicts = merge->conflicts, merge->conflicts = swap;
	swap = result->settled, result->settled = merge->settled, merge->settled = swap;
	swap = result->versions, result->versions = merge->versions, merge->versions = swap;
	result->by_key = TRUE;
}

/* An alias follows its anchor, so a change in one place is a change in others; and a lock file
 * whose two sides touched the same packages must be resolved anew. */
static gboolean is_mergeable(const struct file_merging *merging)
{
	return merging->is_document && !document_text_has_aliases(merging->ours) &&
		!document_text_has_aliases(merging->theirs) &&
		(!file_merge_is_lock(merging->versions->path) ||
			!file_merge_is_entangled(base_value(merging),
				document_text_value(merging->ours),
				document_text_value(merging->theirs)));
}

/* FALSE, with nothing done, if the conflicts of lines must stand. */
static gboolean merge_by_key(struct file_merging *merging)
{
	GString *ours = file_lines_compose_all(merging->lines, FILE_LINES_OURS, NULL, NULL);
	GString *theirs = file_lines_compose_all(merging->lines, FILE_LINES_THEIRS, NULL, NULL);
	scoped(document_text) lines_ours = read_text(merging, ours->str, ours->len);
	scoped(document_text)
		lines_theirs = lines_ours ? read_text(merging, theirs->str, theirs->len) : NULL;
	scoped(value_merge)
		merge = merge_values(merging, lines_ours, lines_theirs, merging->options->choices);
	const GString *lines = lines_ours ? ours : NULL;
	GString *text = merge->value ? write_merged(merging, lines, merge->value) : NULL;

	if (text && merge->conflicts->len > 0) {
		GString *marked = mark_conflicts(
			merging, merge->conflicts, text, lines, lines_ours, lines_theirs);

		free_string(text);
		text = marked ? marked : mark_lines(merging);
	}
	free_string(ours);
	free_string(theirs);
	if (!text)
		return FALSE;
	take_outcome(merging->result, merge);
	merging->result->text = text;
	return TRUE;
}

/* ---- by lines ---- */

static void add_conflict(GPtrArray *conflicts, char *take_path, struct value *ours,
	struct value *theirs, enum value_preference settled)
{
	struct value_conflict *conflict = g_new0(struct value_conflict, 1);

	conflict->path = take_path;
	conflict->ours = ours;
	conflict->theirs = theirs;
	conflict->settled = settled;
	g_ptr_array_add(conflicts, conflict);
}

static enum value_preference preference_for(const struct file_merging *merging, const char *path)
{
	gpointer chosen;

	if (merging->options->choices &&
		g_hash_table_lookup_extended(merging->options->choices, path, NULL, &chosen))
		return (enum value_preference)GPOINTER_TO_INT(chosen);
	return merging->options->preference;
}

static enum file_lines_side side_for(enum value_preference preference)
{
	switch (preference) {
	case VALUE_PREFER_NONE:
		return FILE_LINES_MARKERS;
	case VALUE_PREFER_OURS:
		return FILE_LINES_OURS;
	case VALUE_PREFER_THEIRS:
		return FILE_LINES_THEIRS;
	case VALUE_PREFER_BOTH:
		return FILE_LINES_BOTH;
	}
	g_assert_not_reached();
}

/* Each hunk as preferred, if SETTLE, else between markers. */
static void merge_hunks(struct file_merging *merging, gboolean settle)
{
	size_t n = file_lines_conflicts(merging->lines);
	g_autofree enum file_lines_side *sides = g_new(enum file_lines_side, n + 1);
	struct file_merge *result = merging->result;

	g_ptr_array_set_size(result->conflicts, 0);
	g_ptr_array_set_size(result->settled, 0);
	free_string(result->text);
	for (size_t i = 0; i < n; i++) {
		char *path = g_strdup_printf("line %zu", file_lines_line(merging->lines, i));
		enum value_preference preference = settle ? preference_for(merging, path)
							  : VALUE_PREFER_NONE;

		sides[i] = side_for(preference);
		add_conflict(preference == VALUE_PREFER_NONE ? result->conflicts : result->settled,
			path,
			value_new_string(file_lines_conflict(merging->lines, i, FILE_LINES_OURS)),
			value_new_string(file_lines_conflict(merging->lines, i, FILE_LINES_THEIRS)),
			preference);
	}
	result->text = file_lines_compose(
		merging->lines, sides, merging->ours_label, merging->theirs_label);
}

static gboolean is_readable(const struct file_merging *merging, const GString *text)
{
	scoped(document_text) read = read_text(merging, text->str, text->len);

	return read != NULL;
}

static void merge_by_lines(struct file_merging *merging)
{
	merge_hunks(merging, TRUE);
	/* Preferences must not make what is no document of three that are. */
	if (merging->is_document && merging->result->conflicts->len == 0 &&
		!is_readable(merging, merging->result->text))
		merge_hunks(merging, FALSE);
}

/* ---- whole files ---- */

static struct value *whole_text(const struct text_version *text)
{
	g_autofree char *copy = g_strndup(text->data ? text->data : "", text->size);

	return text_is_binary(text) ? value_new_null() : value_new_string(copy);
}

/* The file is one conflict; its text is ours, or what is preferred. */
static void merge_as_whole(struct file_merging *merging)
{
	const struct file_versions *versions = merging->versions;
	enum value_preference preference = preference_for(merging, "");
	const struct text_version *taken = preference == VALUE_PREFER_THEIRS ? &versions->theirs
									     : &versions->ours;

	if (preference == VALUE_PREFER_BOTH)
		preference = VALUE_PREFER_NONE;
	merging->result->text = g_string_new_len(taken->data, (gssize)taken->size);
	add_conflict(preference == VALUE_PREFER_NONE ? merging->result->conflicts
						     : merging->result->settled,
		g_strdup(""), whole_text(&versions->ours), whole_text(&versions->theirs),
		preference);
}

/* Lines merged into what is no document: nothing of it can be trusted, so all that differs is
 * shown.
 */
static void refuse_clean_lines(struct file_merging *merging)
{
	const struct file_versions *versions = merging->versions;
	const struct text_version nothing = {NULL, 0};

	file_lines_free(merging->lines);
	merging->lines = file_lines_merge(&nothing, &versions->ours, &versions->theirs);
	merge_by_lines(merging);
}

static gboolean same_text(const struct text_version *a, const struct text_version *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static gboolean is_beyond_lines(const struct file_versions *versions)
{
	const struct text_version *all[] = {&versions->base, &versions->ours, &versions->theirs};

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i]->size > LIMIT_MERGE_BLOB_BYTES || text_is_binary(all[i]))
			return TRUE;
	return FALSE;
}

/* One side is as the base, or both are alike: no need to look inside. */
static gboolean take_one_side(struct file_merging *merging)
{
	const struct file_versions *versions = merging->versions;
	const struct text_version *taken = &versions->ours;

	if (versions->base.data && same_text(&versions->base, &versions->ours))
		taken = &versions->theirs;
	else if (!same_text(&versions->ours, &versions->theirs) &&
		!(versions->base.data && same_text(&versions->base, &versions->theirs)))
		return FALSE;
	merging->result->text = g_string_new_len(taken->data, (gssize)taken->size);
	return TRUE;
}

static void merge_texts(struct file_merging *merging)
{
	const struct file_versions *versions = merging->versions;
	gboolean clean;

	read_documents(merging);
	merging->lines = file_lines_merge(&versions->base, &versions->ours, &versions->theirs);
	clean = file_lines_conflicts(merging->lines) == 0;
	if (clean) {
		merge_hunks(merging, FALSE);
		if (!merging->is_document || is_readable(merging, merging->result->text))
			return;
		free_string(g_steal_pointer(&merging->result->text));
	}
	if (is_mergeable(merging) && merge_by_key(merging))
		return;
	if (clean)
		refuse_clean_lines(merging);
	else
		merge_by_lines(merging);
}

struct file_merge *file_merge_new(
	const struct file_versions *versions, const struct file_merge_options *options)
{
	struct file_merging merging = {
		.versions = versions,
		.options = options,
		.ours_label = options->ours_label ? options->ours_label : "LOCAL",
		.theirs_label = options->theirs_label ? options->theirs_label : "UPSTREAM",
		.result = g_new0(struct file_merge, 1),
	};

	merging.result->conflicts = g_ptr_array_new_with_free_func(free_conflict);
	merging.result->settled = g_ptr_array_new_with_free_func(free_conflict);
	merging.result->versions = g_ptr_array_new();
	if (!take_one_side(&merging)) {
		if (is_beyond_lines(versions))
			merge_as_whole(&merging);
		else
			merge_texts(&merging);
	}
	file_lines_free(merging.lines);
	document_text_free(merging.base);
	document_text_free(merging.ours);
	document_text_free(merging.theirs);
	return merging.result;
}
