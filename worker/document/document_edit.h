#ifndef FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_H
#define FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/document.h"
#include "journal/base/document_text.h"
#include "journal/base/value.h"
#include "worker/document/document_path.h"

enum document_action {
	DOCUMENT_SET,    /**< what PATH leads to becomes VALUE; missing keys are made */
	DOCUMENT_REMOVE, /**< the member or item at PATH goes, with its own comments */
	DOCUMENT_INSERT, /**< VALUE becomes item AT of the list at PATH; those behind move up */
};

/** INSERT behind the last item. */
#define DOCUMENT_AT_END G_MAXSIZE

/** One change of a document. */
struct document_edit;

/**
 * SET. VALUE is copied. SOURCE may be NULL, or the node whose text is taken as written (comments,
 * quotes, the spelling of numbers), re-indented, and for a member that is new with the comment
 * lines above it; its value must equal VALUE or it is not used. SOURCE_TEXT (its document, of the
 * same format) must live until the edit is freed.
 */
struct document_edit *document_edit_new_set(const struct document_path *path,
	const struct value *value, const struct document_text *source_text,
	const struct document_node *source);
struct document_edit *document_edit_new_remove(const struct document_path *path);
/** INSERT at AT (or DOCUMENT_AT_END) of the list at PATH; VALUE, SOURCE as for SET. */
struct document_edit *document_edit_new_insert(const struct document_path *path, size_t at,
	const struct value *value, const struct document_text *source_text,
	const struct document_node *source);
void document_edit_free(struct document_edit *edit);
SCOPED_POINTER(document_edit, document_edit_free)

/** An empty list that owns its edits (GPtrArray of struct document_edit). */
GPtrArray *document_edits_new(void);

/**
 * Applies EDITS (at most LIMIT_DOCUMENT_EDITS), one after the other, to the document of SIZE bytes
 * at TEXT, and returns the new text (caller frees with g_string_free()). What no edit names stays
 * byte for byte: comments, order, quotes, indentation, line breaks. The result is read again and
 * must be what the edits make of the data, or nothing is returned. Errors have ORIGIN's code: TEXT
 * does not parse; a path leads through something that is no map or list, or past a list's end; the
 * value lies within an anchored, aliased or tagged one, or has an anchor or tag itself (an alias
 * itself may be replaced or removed).
 */
GString *document_edit_apply(enum document_format format, const struct document_origin *origin,
	const char *text, size_t size, const GPtrArray *edits, GError **error);

/**
 * Sets one field from what a person typed. PATH is as document_path_parse() reads it. TYPE is
 * `string`, `integer`, `number`, `boolean`, `null` or `json`; NULL keeps the type of the value that
 * is there, and guesses that of a new one by YAML's core schema. Returns the new text, and in
 * OLD_VALUE (NULL if there was none) and NEW_VALUE copies for the caller to free; each may be NULL.
 * A list or map is typed as JSON.
 * Errors have ORIGIN's code: VALUE_TEXT is not of the type (never quoted in the message), or as
 * document_edit_apply().
 */
gboolean document_edit_field(enum document_format format, const struct document_origin *origin,
	const char *text, size_t size, const char *path, const char *value_text, const char *type,
	GString **new_text, struct value **old_value, struct value **new_value, GError **error);

#endif
