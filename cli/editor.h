#ifndef FORGE_CLI_EDITOR_H
#define FORGE_CLI_EDITOR_H

#include <glib.h>

/**
 * Lets the user edit TEXT with $VISUAL, else $EDITOR, else vi, as a temporary file called NAME (the
 * last part of a path; editors look at its ending), and waits until that ends. What it is then;
 * caller unrefs. FAILED if there is no such editor or it ended otherwise than with 0;
 * CACHE_UNUSABLE if there is no place for the file; TOO_LARGE past LIMIT_MERGE_BLOB_BYTES.
 */
GBytes *editor_edit(const char *name, GBytes *text, GError **error);

#endif
