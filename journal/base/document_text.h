#ifndef FORGE_JOURNAL_BASE_DOCUMENT_TEXT_H
#define FORGE_JOURNAL_BASE_DOCUMENT_TEXT_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/document.h"
#include "journal/base/scope.h"
#include "journal/base/value.h"

/**
 * A YAML or JSON document as it is written: the tree of its values, and where in the text each
 * stands. All places are byte offsets into the text from its first byte on (a byte order mark
 * counts). Owns a copy of the text.
 */
struct document_text;

/** Bytes BEGIN up to END, without END. Empty if they are equal. */
struct document_span {
	size_t begin;
	size_t end;
};

/** How a value is written. JSON knows PLAIN, DOUBLE and FLOW. */
enum document_style {
	DOCUMENT_STYLE_PLAIN, /**< a scalar without quotes, an alias, an absent value */
	DOCUMENT_STYLE_SINGLE,
	DOCUMENT_STYLE_DOUBLE,
	DOCUMENT_STYLE_LITERAL, /**< `|` */
	DOCUMENT_STYLE_FOLDED,  /**< `>` */
	DOCUMENT_STYLE_BLOCK,   /**< a list of `- ` or a map of lines */
	DOCUMENT_STYLE_FLOW,    /**< a list in `[]` or a map in `{}` */
};

/** One value of the document, with its key if it is a member. Nodes belong to their text. */
struct document_node {
	enum value_kind kind; /**< of the value; of an alias, of what it stands for */
	enum document_style style;
	gboolean is_alias;  /**< `*name`: it has no children here, VALUE has */
	gboolean is_anchor; /**< `&name` stands before it */
	gboolean is_tagged; /**< `!tag` stands before it */

	/**
	 * The value's own text without comments behind it and without a line break at its end;
	 * anchor and tag are part of it. A block collection goes from the `entry.begin` of its
	 * first child to the end of its last value. A literal or folded text goes from `|` or `>`
	 * to the end of its last line that is not blank (of its last line, with `+`). An absent
	 * value (`a:`) is empty and stands right behind its colon or dash.
	 */
	struct document_span text;
	struct document_span key; /**< the key as written, with its quotes; empty if it has none */

	/** From its key, its dash (block lists) or its text to the end of its text. */
	struct document_span entry;

	/**
	 * What would go if the entry were taken out. In a block collection: the comment lines right
	 * above it that are indented as it is, with no blank line between (but not those on the
	 * first line of the document, which are about all of it), its own lines, the comment and
	 * line break behind it, and comment lines below that are indented deeper. The first entry
	 * of a collection that begins in the line of another's dash begins there, at its own first
	 * byte. In a flow collection, and for the root: the same as ENTRY.
	 */
	struct document_span lines;

	/** In a block collection, the column (in characters, from 0) of its key or dash, which is
	 * that of all its siblings. */
	unsigned indent;

	const char *name; /**< the key as it is meant, or NULL for an item or the root */
	const struct value *value;
	const struct document_node *parent; /**< NULL for the root */
	GPtrArray *children;                /**< of struct document_node, in their order */
};

/**
 * Reads the one document of SIZE bytes at TEXT. Whatever document_parse() refuses is refused with
 * the same error, and its values are the same. Anchors, aliases and tags are marked. An empty
 * document is a null whose text is empty and stands where text may be written.
 */
struct document_text *document_text_parse(enum document_format format,
	const struct document_origin *origin, const char *text, size_t size, GError **error);
void document_text_free(struct document_text *text);
SCOPED_POINTER(document_text, document_text_free)

enum document_format document_text_format(const struct document_text *text);
const char *document_text_bytes(const struct document_text *text);
size_t document_text_size(const struct document_text *text);

/** The outermost value. */
const struct document_node *document_text_root(const struct document_text *text);

/** The whole as data, as document_parse() gives it. Borrowed. */
const struct value *document_text_value(const struct document_text *text);

/** TRUE if there are anchors or aliases: parts of the text that stand for each other. */
gboolean document_text_has_aliases(const struct document_text *text);

/** The member of MAP called NAME, or NULL; of anything but a map, and of an alias, NULL. */
const struct document_node *document_node_member(const struct document_node *map, const char *name);

/** Child AT of a list or map, or NULL past its end. */
const struct document_node *document_node_child(const struct document_node *node, size_t at);

/** The first byte from AT on that is no blank, no line break and not in a comment; at most END. AT
 * must not be within a scalar. */
size_t document_text_skip_blank(const char *bytes, size_t at, size_t end);

/** The line break that the document uses: `\r\n` if its first line ends so, else `\n`. */
const char *document_text_line_break(const struct document_text *text);

#endif
