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

#endif
