#ifndef FORGE_WORKER_DOCUMENT_VALUE_TEXT_H
#define FORGE_WORKER_DOCUMENT_VALUE_TEXT_H

#include <glib.h>
#include <stddef.h>

#include "journal/base/value.h"

/**
 * VALUE in a few characters, for a line that people read: `30`, `null`, `"two words"`, `["a","b"]`,
 * `{12 fields}`. Text stands bare if it can be taken for nothing else. Nothing in it can move a
 * cursor, and past LIMIT_SHOWN_CHARACTERS it is cut with `…`. Caller frees.
 */
char *value_text_short(const struct value *value);

/**
 * Appends a step to the path in PATH, as document paths are written: `config.timeout`,
 * `steps[0].name`, `metadata."a.b"`. A key longer than LIMIT_SHOWN_KEY_CHARACTERS is cut with `…`:
 * only in hostile documents does such a path not lead back to its value.
 */
void value_path_append_key(GString *path, const char *key);
void value_path_append_index(GString *path, size_t index);

#endif
