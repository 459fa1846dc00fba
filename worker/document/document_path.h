#ifndef FORGE_WORKER_DOCUMENT_DOCUMENT_PATH_H
#define FORGE_WORKER_DOCUMENT_DOCUMENT_PATH_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/document_text.h"
#include "journal/base/scope.h"
#include "journal/base/value.h"

/**
 * The way from the root of a document to one of its values: `config.timeout`, `steps[0].name`,
 * `metadata."a.b"`. The empty path is the root.
 */
struct document_path;

struct document_step {
	const char *key; /**< of a map; NULL: INDEX of a list counts */
	size_t index;    /**< from 0 */
};

struct document_path *document_path_new(void);
struct document_path *document_path_copy(const struct document_path *path);
void document_path_free(struct document_path *path);
SCOPED_POINTER(document_path, document_path_free)

/**
 * Reads `key.key[0]."any key"`: a key without quotes is of any characters but `. [ ] " \` and
 * blanks; in double quotes `\"` and `\\` stand for themselves, `\n`, `\r`, `\t` and `\u00XX` for
 * control characters. The empty text is the root. VALIDATION_FAILED says at which byte it is wrong,
 * also past LIMIT_DOCUMENT_DEPTH steps.
 */
struct document_path *document_path_parse(const char *text, GError **error);

/** The text that document_path_parse() takes for PATH, quoted only where it must be. Caller frees.
 */
char *document_path_format(const struct document_path *path);

void document_path_append_key(struct document_path *path, const char *key);
void document_path_append_index(struct document_path *path, size_t index);
/** Takes the last step away. PATH must have one. */
void document_path_drop(struct document_path *path);

size_t document_path_length(const struct document_path *path);
/** Step AT, below the length. Its key is borrowed until PATH changes. */
struct document_step document_path_step(const struct document_path *path, size_t at);

/** What PATH leads to below ROOT, or NULL. Borrowed. */
const struct value *document_path_value(const struct document_path *path, const struct value *root);
const struct document_node *document_path_node(
	const struct document_path *path, const struct document_node *root);

/** The path of NODE in its document. Caller frees. */
struct document_path *document_path_of(const struct document_node *node);

#endif
