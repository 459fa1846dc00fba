#ifndef FORGE_CLI_EDITOR_H
#define FORGE_CLI_EDITOR_H

#include <glib.h>

/**
 * Opens FILE in the user's editor ($VISUAL, else $EDITOR, else vi on a terminal) and waits for its
 * end. It is given this process's terminal and environment; Ctrl-C meanwhile is the editor's alone.
 * USAGE if there is no editor; FAILED if it cannot be started or ends with another status than 0.
 * Nothing else may run in this process meanwhile: no job, no connection.
 */
gboolean editor_run(const char *file, GError **error);

/**
 * Lets the user edit TEXT as a temporary file called NAME (the last part of a path; editors look at
 * its ending). What it is then; caller unrefs. Errors of editor_run(); CACHE_UNUSABLE if there is
 * no place for the file; TOO_LARGE past LIMIT_MERGE_BLOB_BYTES.
 */
GBytes *editor_edit(const char *name, GBytes *text, GError **error);

#endif
