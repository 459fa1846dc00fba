#ifndef FORGE_CLI_PROGRESS_H
#define FORGE_CLI_PROGRESS_H

#include <glib.h>

#include "cli/terminal.h"
#include "journal/base/scope.h"

/** A bar on standard error while something long goes on;
 * nothing at all where that is no terminal. */
struct progress;

/** SHOWN FALSE (or no terminal): every function does nothing. */
struct progress *progress_new(const struct terminal *terminal, gboolean shown);

/** Takes the bar off the screen. */
void progress_free(struct progress *progress);
SCOPED_POINTER(progress, progress_free)

/** DONE of TOTAL (0: not known yet), and what goes on now (TEXT may be NULL). Draws. */
void progress_set(struct progress *progress, guint done, guint total, const char *text);

/** Takes the bar off, so that lines can be printed; progress_show() puts it back. */
void progress_hide(struct progress *progress);
void progress_show(struct progress *progress);

/** The bar's line as it fits COLUMNS. Pure. Caller frees. */
char *progress_line(guint done, guint total, const char *text, guint columns);

#endif
