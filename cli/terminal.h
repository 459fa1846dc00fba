#ifndef FORGE_CLI_TERMINAL_H
#define FORGE_CLI_TERMINAL_H

#include <glib.h>

/** What is known about where output goes, read once at the start. */
struct terminal {
	gboolean output; /**< standard output is a terminal */
	gboolean errors; /**< standard error is one */
	gboolean color;  /**< colours are wanted (not with NO_COLOR or --no-color) */
	guint columns;   /**< width; G_MAXUINT: unbounded (no terminal) */
};

/** Looks at the process's own descriptors and environment. */
struct terminal terminal_detect(void);

/** Columns that TEXT takes on a terminal: wide characters count two, combining ones none. */
guint text_columns(const char *text);

/** TEXT if it takes at most COLUMNS, else its beginning with an ellipsis. Caller frees. */
char *text_shorten(const char *text, guint columns);

/** TEXT wrapped at spaces so that no line passes COLUMNS,
 * each line behind INDENT spaces. Caller frees. */
char *text_wrap(const char *text, guint columns, guint indent);

/**
 * TEXT with control characters (escape sequences among them) replaced by U+FFFD, so that nothing a
 * server or a repository said can drive the terminal; line ends and tabs become spaces. Invalid
 * UTF-8 is replaced too. Caller frees.
 */
char *text_printable(const char *text);

#endif
