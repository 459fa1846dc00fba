#ifndef FORGE_JOURNAL_BASE_DOCUMENT_TEXT_NODES_H
#define FORGE_JOURNAL_BASE_DOCUMENT_TEXT_NODES_H

#include "journal/base/document_text.h"

/*
 * Shared by the rooms of document_text alone.
 *
 * Both readers are given a text that document_parse() took, from its first byte behind a byte order
 * mark; they set kind, style, flags, `text`, `key`, `entry` (JSON and flow), name and children,
 * with offsets that count from there. What follows from these (`indent`, `lines`, `value`) is the
 * same for both and done by document_text.c.
 */

/** A node without children; PARENT may be NULL, else it gets the node as its last child. */
struct document_node *document_node_new(struct document_node *parent);
void document_node_free(struct document_node *node);
SCOPED_POINTER(document_node, document_node_free)

/** The tree of a JSON text whose value is ROOT. Sizes and depth are known to be bounded. */
struct document_node *document_text_read_json(
	const struct value *root, const char *text, size_t size);

/** The tree of a YAML text, likewise. */
struct document_node *document_text_read_yaml(const char *text, size_t size);

#endif
