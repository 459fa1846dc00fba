#ifndef FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_WRITE_H
#define FORGE_WORKER_DOCUMENT_DOCUMENT_EDIT_WRITE_H

#include <glib.h>

#include "journal/base/document_text.h"

/** How a document is written: what new text in it should look like. */
struct document_manner {
	enum document_format format;
	const char *line_break;
	char *unit;                 /**< one level of a JSON document: blanks or a tab */
	unsigned map_indent;        /**< columns from a key to the keys below it */
	unsigned list_indent;       /**< columns from a key to the dashes below it */
	const char *colon;          /**< between key and value in `{}` */
	const char *comma;          /**< between entries in `{}` and `[]` on one line */
	gboolean no_text_blocks;    /**< texts of several lines are quoted, whatever they were */
	enum document_style quotes; /**< SINGLE or DOUBLE, for text that needs any */
};

/** Learns from TEXT; two columns and double quotes where it shows nothing. */
void document_manner_init(struct document_manner *manner, const struct document_text *text);
void document_manner_clear(struct document_manner *manner);
SCOPED_VALUE(document_manner, document_manner_clear)

/** TRUE if VALUE is a list or map that is not empty. */
gboolean document_is_filled(const struct value *value);

/**
 * Appends the scalar or empty collection VALUE in STYLE if it can have that, else in the nearest
 * one that means the same to readers of YAML 1.1 and 1.2. A text of several lines becomes `|` or
 * `>` with its lines at COLUMN, unless COLUMN is DOCUMENT_ONE_LINE.
 */
#define DOCUMENT_ONE_LINE G_MAXUINT
void document_write_scalar(GString *text, const struct document_manner *manner,
	const struct value *value, enum document_style style, unsigned column, gboolean in_flow);

/** Appends a key, quoted where it must be. */
void document_write_key(
	GString *text, const struct document_manner *manner, const char *key, gboolean in_flow);

/**
 * Appends VALUE for a place in `{}` or `[]`, or in JSON. With MARGIN (the blanks that the line
 * begins with) it takes a line an entry, with NULL one line.
 */
void document_write_flow(GString *text, const struct document_manner *manner,
	const struct value *value, const char *margin);

/** Appends `key: VALUE` for a block map whose keys stand at COLUMN, without the first indentation
 * and the last line break. */
void document_write_member(GString *text, const struct document_manner *manner, const char *key,
	const struct value *value, unsigned column);

/** Appends `- VALUE` for a block list whose dashes stand at COLUMN, likewise. */
void document_write_item(GString *text, const struct document_manner *manner,
	const struct value *value, unsigned column);

/** Appends all entries of the filled VALUE in block style at COLUMN, likewise. */
void document_write_block(GString *text, const struct document_manner *manner,
	const struct value *value, unsigned column);

/** Appends a line break and COLUMN spaces. */
void document_write_line(GString *text, const struct document_manner *manner, unsigned column);

#endif
