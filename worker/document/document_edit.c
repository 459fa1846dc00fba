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
	gboolean use_sources, use_text_blocks;
	guint next;           /* the edit to be made */
	int64_t bytes_read;   /* so far, against LIMIT_DOCUMENT_EDIT_BYTES */
	GString *text;        /* as it is after the edits before NEXT */
	struct value *data;   /* the same as data */
	GHashTable *touched;  /* nodes of the current parse that edits are within … */
	GHashTable *crossing; /* … and those above them */
};

/* Whether splices within NODE may come near those already planned. */
static gboolean is_near(const struct run *run, const struct document_node *node)
{
	if (g_hash_table_contains(run->crossing, node))
		return TRUE;
	for (; node; node = node->parent)
		if (g_hash_table_contains(run->touched, node))
			return TRUE;
	return FALSE;
}

static void mark(struct run *run, const struct document_node *node)
{
	g_hash_table_add(run->touched, (gpointer)node);
	for (; node; node = node->parent)
		g_hash_table_add(run->crossing, (gpointer)node);
}

/* Plans edits on TEXT until one comes near another. */
static gboolean plan_batch(struct run *run, const struct document_text *text,
	struct document_plan *plan, GError **error)
{
	g_hash_table_remove_all(run->touched);
	g_hash_table_remove_all(run->crossing);
	while (run->next < run->edits->len) {
		const struct document_edit *edit = g_ptr_array_index(run->edits, run->next);
		g_autoptr(GError) failure = NULL;
		struct document_target target;
		gboolean fits = document_edit_aim(edit, text, run->origin, &target, &failure);

		/* What does not fit may do so once the edits before it are made. */
		if (g_hash_table_size(run->touched) > 0 && (!fits || is_near(run, target.near)))
			return TRUE;
		if (!fits) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return FALSE;
		}
		document_edit_plan(edit, &target, run->use_sources, plan);
		document_edit_data(&run->data, edit);
		mark(run, target.near);
		run->next++;
	}
	return TRUE;
}

static gboolean unproven(const struct run *run, const char *why, GError **error)
{
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
	if (run->bytes_read > LIMIT_DOCUMENT_EDIT_BYTES)
		return unproven(run, "too many changes for a document of this size", error);
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

/* TRUE, and the result in TEXT, if all edits were made and proven. */
static gboolean apply(struct run *run, const char *text, size_t size, GError **error)
{
	gboolean done = TRUE;

	run->text = g_string_new_len(text, (gssize)size);
	run->touched = g_hash_table_new(NULL, NULL);
	run->crossing = g_hash_table_new(NULL, NULL);
	do
		done = run_batch(run, error);
	while (done && run->next < run->edits->len);
	done = done && prove(run, error);
	g_hash_table_unref(run->touched);
	g_hash_table_unref(run->crossing);
	value_free(run->data);
	if (!done) {
		g_string_free(run->text, TRUE);
		run->text = NULL;
	}
	return done;
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
	const struct run start = {.format = format, .origin = origin, .edits = edits};
	struct run run = start;

	if (edits->len > LIMIT_DOCUMENT_EDITS) {
		document_error(
			error, origin, 0, "more than %d changes at once", LIMIT_DOCUMENT_EDITS);
		return NULL;
	}
	/* What does not fit where it is to go is written more plainly: a source anew, a text of
	 * several lines in quotes (a comment that is indented deeper would become part of it). */
	run.use_text_blocks = TRUE;
	run.use_sources = has_sources(edits);
	if (run.use_sources && apply(&run, text, size, NULL))
		return run.text;
	run = start;
	run.use_text_blocks = TRUE;
	if (apply(&run, text, size, NULL))
		return run.text;
	run = start;
	return apply(&run, text, size, error) ? run.text : NULL;
}
