#ifndef FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_PLAN_H
#define FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_PLAN_H

#include <glib.h>

#include "journal/base/document_text.h"
#include "worker/document/document_edit_write.h"

/** Bytes BEGIN to END of the text become TEXT. */
struct document_splice {
	size_t begin;
	size_t end;
	char *text;
};

/** The splices that several edits make in one text; they never overlap. */
struct document_plan {
	const struct document_text *text;
	const char *bytes;
	size_t size;
	struct document_manner manner;
	gboolean is_refused;
	GArray *splices; /* of struct document_splice, in the order they were planned */
};

void document_plan_init(struct document_plan *plan, const struct document_text *text);
void document_plan_clear(struct document_plan *plan);
SCOPED_VALUE(document_plan, document_plan_clear)

void document_plan_splice(struct document_plan *plan, size_t begin, size_t end, const char *text);

/** Makes the plan one without a result. */
void document_plan_refuse(struct document_plan *plan);

/** The text with all splices made, or NULL if two overlap or the plan was refused. */
GString *document_plan_result(struct document_plan *plan);

/** Places in the text: the end of AT's line before its line break, the line's first byte, the
 * first byte of the next line (or the end). */
size_t document_plan_line_end(const struct document_plan *plan, size_t at);
size_t document_plan_line_begin(const struct document_plan *plan, size_t at);
size_t document_plan_next_line(const struct document_plan *plan, size_t at);

/** TRUE if only blanks stand before AT in its line; if only blanks and a comment stand from AT on.
 */
gboolean document_plan_is_first(const struct document_plan *plan, size_t at);
gboolean document_plan_is_last(const struct document_plan *plan, size_t at);

/** What is to be written: a value, and maybe the node of another document whose text it is. */
struct document_content {
	const struct value *value;
	const struct document_text *source_text;
	const struct document_node *source; /* NULL: there is none */
};

/** TRUE if NODE's place is in `{}`, `[]` or a JSON document. */
gboolean document_plan_in_flow(const struct document_plan *plan, const struct document_node *node);

/** In block style: NODE gets another value; MAP a member; LIST an item; NODE goes, not as the last.
 */
void document_block_set(struct document_plan *plan, const struct document_node *node,
	const struct document_content *content);
void document_block_add(struct document_plan *plan, const struct document_node *map,
	const char *key, const struct document_content *content);
void document_block_insert(struct document_plan *plan, const struct document_node *list, size_t at,
	const struct document_content *content);
void document_block_remove(struct document_plan *plan, const struct document_node *node);

/** In flow style, likewise; here lists and maps may be empty, and become it. KEY is NULL for an
 * item. */
void document_flow_set(struct document_plan *plan, const struct document_node *node,
	const struct document_content *content);
void document_flow_insert(struct document_plan *plan, const struct document_node *collection,
	size_t at, const char *key, const struct document_content *content);
void document_flow_remove(struct document_plan *plan, const struct document_node *node);

/** The text of CONTENT's source, moved from where it stood: a scalar's, for an entry that is
 * indented by COLUMN; a block collection's, with its entries at COLUMN; a whole entry's with its
 * comments, at COLUMN. NULL if there is none that would do. Caller frees. */
char *document_take_scalar(
	const struct document_plan *plan, const struct document_content *content, unsigned column);
char *document_take_block(
	const struct document_plan *plan, const struct document_content *content, unsigned column);
char *document_take_entry(const struct document_plan *plan, const struct document_content *content,
	const char *key, unsigned column);

/** The same for a place in flow style whose line begins with MARGIN. */
char *document_take_flow(const struct document_plan *plan, const struct document_content *content,
	const char *margin);

#endif
