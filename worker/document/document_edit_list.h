#ifndef FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_LIST_H
#define FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_LIST_H

#include "worker/document/document_edit.h"
#include "worker/document/document_edit_plan.h"

/* Shared by the rooms of document_edit alone. */
struct document_edit {
	enum document_action action;
	struct document_path *path;
	size_t at;
	struct value *value;
	const struct document_text *source_text;
	const struct document_node *source;
};

/** Makes what EDIT says of the data ROOT, which may be replaced. It is known to fit. */
void document_edit_data(struct value **root, const struct document_edit *edit);

/** VALUE within maps for the keys of PATH from step FROM on. Caller frees. */
struct value *document_edit_wrap(
	const struct value *value, const struct document_path *path, size_t from);

/** What an edit comes down to in one text. */
struct document_target {
	const struct document_node *node; /**< the deepest that its path reaches */
	size_t depth;                     /**< how many steps of the path lead there */

	/** What it writes anew or takes out, with all that is below; NULL if it only adds. */
	const struct document_node *cut;
	/** The map that gets or loses a member and stays as it is else; NULL if there is none. */
	const struct document_node *grown;
};

/** Follows EDIT's path in TEXT; refuses what does not fit or cannot be done in place. */
gboolean document_edit_aim(const struct document_edit *edit, const struct document_text *text,
	const struct document_origin *origin, struct document_target *target, GError **error);

/** Plans EDIT's splices. USE_SOURCE: its source's text may be taken. */
void document_edit_plan(const struct document_edit *edit, const struct document_target *target,
	gboolean use_source, struct document_plan *plan);

#endif
