#ifndef FORGE_CLI_TABLE_H
#define FORGE_CLI_TABLE_H

#include <glib.h>
#include <stdio.h>

#include "cli/terminal.h"
#include "journal/base/scope.h"

/** Rows of text under titles, collected and then drawn as wide as they are. */
struct table;

/** A table whose columns are called TITLES (NULL-terminated). */
struct table *table_new(const char *const *titles);
void table_free(struct table *table);
SCOPED_POINTER(table, table_free)

/** Adds a row; takes each of CELLS, as many as there are titles. A cell of NULL is empty. */
void table_add_take(struct table *table, char **take_cells);

/** The last COUNT columns say what other commands show too: where the table is too wide they are
 * left out, last first. */
void table_spare(struct table *table, guint count);

guint table_rows(const struct table *table);

/**
 * The table as text. Drawn with boxes and narrowed to COLUMNS if BOXED (the widest columns give way
 * first), else plain: cells padded with spaces, no title line narrowed, nothing shortened. Ends
 * with a line end. Caller frees.
 */
char *table_draw(const struct table *table, gboolean boxed, guint columns);

#endif
