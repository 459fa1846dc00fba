/*
 * Edits in place: a list of changes applied to a text, and the proof that they did what they say.
 *
 * Edits become splices of the text as written, never a new rendering of the document. As many edits
 * as do not come near each other are planned on one parse; then the text is read again. At the end
 * the result must read as the old data with the same edits made to it (document_edit_data.c),
 * member by member and in order. So a rule of YAML that the planning got wrong becomes an error,
 * not a wrong file.
 */
#include "worker/document/document_edit.h"

#include <string.h>

#include "journal/base/hash.h"
#include "journal/base/limits.h"
#include "worker/document/document_edit_list.h"

static struct document_edit *new_edit(enum document_action action, const struct document_path *path)
{
	struct document_edit *edit = g_new0(struct document_edit, 1);

	edit->action = action;
	edit->path = document_path_copy(path);
	return edit;
}

struct document_edit *document_edit_new_set(const struct document_path *path,
	const struct value *value, const struct document_text *source_text,
	const struct document_node *source)
{
	struct document_edit *edit = new_edit(DOCUMENT_SET, path);

	edit->value = value_copy(value);
	edit->source_text = source_text;
	edit->source = source;
	return edit;
}

struct document_edit *document_edit_new_remove(const struct document_path *path)
{
	return new_edit(DOCUMENT_REMOVE, path);
}

struct document_edit *document_edit_new_insert(const struct document_path *path, size_t at,
	const struct value *value, const struct document_text *source_text,
	const struct document_node *source)
{
	struct document_edit *edit = document_edit_new_set(path, value, source_text, source);

	edit->action = DOCUMENT_INSERT;
	edit->at = at;
	return edit;
}

void document_edit_free(struct document_edit *edit)
{
	if (!edit)
		return;
	document_path_free(edit->path);
	value_free(edit->value);
	g_free(edit);
}

static void free_edit(gpointer edit)
{
	document_edit_free(edit);
}

GPtrArray *document_edits_new(void)
{
	return g_ptr_array_new_with_free_func(free_edit);
}

/* ---- batches ---- */

struct run {
	enum document_format format;
	const struct document_origin *origin;
	const GPtrArray *edits;
	gboolean use_sources, use_text_blocks, use_batches;
	gboolean is_unproven; /* it failed, and written otherwise it might not */
	guint next;           /* the edit to be made */
	int64_t bytes_read;   /* so far, against LIMIT_DOCUMENT_EDIT_BYTES */
	GString *text;        /* as it is after the edits before NEXT */
	struct value *data;   /* the same as data */
	/* Of the current parse: nodes that are written anew or go; all nodes above these and above
	 * what grows; members that were added (as text); how many members a map has lost. */
	GHashTable *cut, *crossing, *added, *lost;
};

static char *name_of_added(const struct document_edit *edit, const struct document_target *target)
{
	return g_strdup_printf("%p.%s", (const void *)target->node,
		document_path_step(edit->path, target->depth).key);
}

/* Whether EDIT may come near those already planned, or mean something else behind them. */
static gboolean is_near(const struct run *run, const struct document_edit *edit,
	const struct document_target *target)
{
	const struct document_node *grown = target->grown;
	g_autofree char *added = NULL;

	for (const struct document_node *node = target->node; node; node = node->parent)
		if (g_hash_table_contains(run->cut, node))
			return TRUE;
	if (target->cut)
		return g_hash_table_contains(run->crossing, target->cut) ||
			(grown &&
				GPOINTER_TO_SIZE(g_hash_table_lookup(run->lost, grown)) + 1 >=
					grown->children->len);
	added = name_of_added(edit, target);
	return g_hash_table_contains(run->added, added);
}

static void mark(
	struct run *run, const struct document_edit *edit, const struct document_target *target)
{
	const struct document_node *node = target->cut ? target->cut : target->grown;

	if (target->cut)
		g_hash_table_add(run->cut, (gpointer)node);
	else
		g_hash_table_add(run->added, name_of_added(edit, target));
	if (target->cut && target->grown) {
		gpointer lost = g_hash_table_lookup(run->lost, target->grown);

		g_hash_table_insert(run->lost, (gpointer)target->grown,
			GSIZE_TO_POINTER(GPOINTER_TO_SIZE(lost) + 1));
	}
	for (; node; node = node->parent)
		g_hash_table_add(run->crossing, (gpointer)node);
}

static void forget_batch(struct run *run)
{
	g_hash_table_remove_all(run->cut);
	g_hash_table_remove_all(run->crossing);
	g_hash_table_remove_all(run->added);
	g_hash_table_remove_all(run->lost);
}

/* Plans edits on TEXT until one comes near another. */
static gboolean plan_batch(struct run *run, const struct document_text *text,
	struct document_plan *plan, GError **error)
{
	guint first = run->next;

	forget_batch(run);
	for (; run->next < run->edits->len; run->next++) {
		const struct document_edit *edit = g_ptr_array_index(run->edits, run->next);
		g_autoptr(GError) failure = NULL;
		struct document_target target;
		gboolean fits = document_edit_aim(edit, text, run->origin, &target, &failure);

		/* What does not fit may do so once the edits before it are made. */
		if (run->next > first &&
			(!run->use_batches || !fits || is_near(run, edit, &target)))
			return TRUE;
		if (!fits) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return FALSE;
		}
		document_edit_plan(edit, &target, run->use_sources, plan);
		document_edit_data(&run->data, edit);
		mark(run, edit, &target);
	}
	return TRUE;
}

static gboolean unproven(struct run *run, const char *why, GError **error)
{
	run->is_unproven = TRUE;
	document_error(error, run->origin, 0, "cannot be edited in place: %s", why);
	return FALSE;
}

/* Reads the text as it now is. The first time its errors are the document's own. */
static struct document_text *read_text(struct run *run, GError **error)
{
	g_autoptr(GError) failure = NULL;
	struct document_text *text = document_text_parse(
		run->format, run->origin, run->text->str, run->text->len, &failure);

	run->bytes_read += (int64_t)run->text->len;
	if (text)
		return text;
	if (run->data)
		unproven(run, failure->message, error);
	else
		g_propagate_error(error, g_steal_pointer(&failure));
	return NULL;
}

static gboolean run_batch(struct run *run, GError **error)
{
	scoped(document_text) text = read_text(run, error);
	scoped_value(document_plan) plan = {.splices = NULL};
	GString *result;

	if (!text)
		return FALSE;
	if (run->bytes_read > LIMIT_DOCUMENT_EDIT_BYTES) {
		document_error(
			error, run->origin, 0, "too many changes for a document of this size");
		return FALSE;
	}
	if (!run->data)
		run->data = value_copy(document_text_value(text));
	document_plan_init(&plan, text);
	plan.manner.no_text_blocks = !run->use_text_blocks;
	if (!plan_batch(run, text, &plan, error))
		return FALSE;
	result = document_plan_result(&plan);
	if (!result)
		return unproven(run,
			"changes meet in one place, or it is not plain where they belong", error);
	g_string_free(run->text, TRUE);
	run->text = result;
	return TRUE;
}

static gboolean prove(struct run *run, GError **error)
{
	scoped(document_text) text = read_text(run, error);

	if (!text)
		return FALSE;
	if (value_equal(document_text_value(text), run->data))
		return TRUE;
	return unproven(run, "the text would come to mean something else", error);
}

static void begin(struct run *run, const char *text, size_t size)
{
	run->text = g_string_new_len(text, (gssize)size);
	run->data = NULL;
	run->next = 0;
	run->bytes_read = 0;
	run->is_unproven = FALSE;
	run->cut = g_hash_table_new(NULL, NULL);
	run->crossing = g_hash_table_new(NULL, NULL);
	run->lost = g_hash_table_new(NULL, NULL);
	run->added = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, NULL);
}

/* The new text, if all edits were made and proven. */
static GString *apply(struct run *run, const char *text, size_t size, GError **error)
{
	gboolean done = TRUE;

	begin(run, text, size);
	do
		done = run_batch(run, error);
	while (done && run->next < run->edits->len);
	done = done && prove(run, error);
	g_hash_table_unref(run->cut);
	g_hash_table_unref(run->crossing);
	g_hash_table_unref(run->lost);
	g_hash_table_unref(run->added);
	value_free(run->data);
	if (done)
		return run->text;
	g_string_free(run->text, TRUE);
	return NULL;
}

static gboolean has_sources(const GPtrArray *edits)
{
	for (guint i = 0; i < edits->len; i++)
		if (((const struct document_edit *)g_ptr_array_index(edits, i))->source)
			return TRUE;
	return FALSE;
}

GString *document_edit_apply(enum document_format format, const struct document_origin *origin,
	const char *text, size_t size, const GPtrArray *edits, GError **error)
{
	/* What does not come out right is written more plainly: each edit on a parse of its own, a
	 * source anew, a text of several lines in quotes (a comment that is indented deeper would
	 * become part of it). */
	static const struct {
		gboolean batches, sources, text_blocks;
	} ways[] = {
		{TRUE, TRUE, TRUE},
		{FALSE, TRUE, TRUE},
		{FALSE, FALSE, TRUE},
		{FALSE, FALSE, FALSE},
	};
	struct run run = {.format = format, .origin = origin, .edits = edits};
	gboolean sources = has_sources(edits);

	if (edits->len > LIMIT_DOCUMENT_EDITS) {
		document_error(
			error, origin, 0, "more than %d changes at once", LIMIT_DOCUMENT_EDITS);
		return NULL;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		g_autoptr(GError) failure = NULL;
		GString *result;

		if ((i == 1 && edits->len < 2) || (i == 2 && !sources))
			continue;
		run.use_batches = ways[i].batches;
		run.use_sources = ways[i].sources;
		run.use_text_blocks = ways[i].text_blocks;
		result = apply(&run, text, size, &failure);
		if (result)
			return result;
		if (!run.is_unproven || i + 1 == G_N_ELEMENTS(ways)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return NULL;
		}
	}
	g_assert_not_reached();
}
