/*
 * Tables for people: boxes on a terminal, aligned text in a pipe.
 *
 * Cells hold what came from outside, so each is made printable when it is added. Only a boxed table
 * is narrowed: what is read by another program must not lose text.
 */
#include "cli/table.h"

#define COLUMN_LEAST 4

struct table {
	guint width;     /* columns */
	guint spare;     /* of these, at the end, that may be left out */
	GPtrArray *rows; /* of char **, the titles first */
};

static void free_row(gpointer row)
{
	g_strfreev(row);
}

struct table *table_new(const char *const *titles)
{
	struct table *table = g_new0(struct table, 1);

	table->width = g_strv_length((char **)titles);
	table->rows = g_ptr_array_new_with_free_func(free_row);
	g_ptr_array_add(table->rows, g_strdupv((char **)titles));
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	g_ptr_array_unref(table->rows);
	g_free(table);
}

void table_add_take(struct table *table, char **take_cells)
{
	char **row = g_new0(char *, table->width + 1);

	for (guint i = 0; i < table->width; i++) {
		row[i] = text_printable(take_cells[i] ? take_cells[i] : "");
		g_free(take_cells[i]);
	}
	g_ptr_array_add(table->rows, row);
}

void table_spare(struct table *table, guint count)
{
	g_assert(count < table->width);
	table->spare = count;
}

guint table_rows(const struct table *table)
{
	return table->rows->len - 1;
}

static const char *cell(const struct table *table, guint row, guint column)
{
	char **cells = g_ptr_array_index(table->rows, row);

	return cells[column];
}

static guint *measure(const struct table *table)
{
	guint *widths = g_new0(guint, table->width);

	for (guint row = 0; row < table->rows->len; row++)
		for (guint i = 0; i < table->width; i++)
			widths[i] = MAX(widths[i], text_columns(cell(table, row, i)));
	return widths;
}

static guint total_width(const guint *widths, guint count)
{
	guint total = 1;

	for (guint i = 0; i < count; i++)
		total += widths[i] + 3;
	return total;
}

/* Takes columns from the widest until all fit, or none can give any more. */
static void narrow(guint *widths, guint count, guint columns)
{
	while (total_width(widths, count) > columns) {
		guint widest = 0;

		for (guint i = 0; i < count; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (widths[widest] <= COLUMN_LEAST)
			return;
		widths[widest]--;
	}
}

/* How many columns are shown: those that can be spared go first. */
static guint columns_shown(const struct table *table, const guint *widths, guint columns)
{
	guint shown = table->width;

	while (shown > table->width - table->spare && total_width(widths, shown) > columns)
		shown--;
	return shown;
}

static void append_padded(GString *drawn, const char *text, guint width)
{
	guint used = text_columns(text);

	g_string_append_printf(drawn, "%s%*s", text, (int)(width > used ? width - used : 0), "");
}

static void append_border(
	GString *drawn, const guint *widths, guint count, const char *const marks[3])
{
	for (guint i = 0; i < count; i++) {
		g_string_append(drawn, i == 0 ? marks[0] : marks[1]);
		for (guint j = 0; j < widths[i] + 2; j++)
			g_string_append(drawn, "─");
	}
	g_string_append_printf(drawn, "%s\n", marks[2]);
}

static char *draw_boxed(const struct table *table, guint *widths, guint columns)
{
	static const char *const top[] = {"┌", "┬", "┐"};
	static const char *const middle[] = {"├", "┼", "┤"};
	static const char *const bottom[] = {"└", "┴", "┘"};
	guint shown = columns_shown(table, widths, columns);
	GString *drawn;

	narrow(widths, shown, columns);
	drawn = g_string_new(NULL);
	append_border(drawn, widths, shown, top);
	for (guint row = 0; row < table->rows->len; row++) {
		for (guint i = 0; i < shown; i++) {
			g_autofree char *text = text_shorten(cell(table, row, i), widths[i]);

			g_string_append(drawn, "│ ");
			append_padded(drawn, text, widths[i]);
			g_string_append_c(drawn, ' ');
		}
		g_string_append(drawn, "│\n");
		if (row == 0)
			append_border(drawn, widths, shown, middle);
	}
	append_border(drawn, widths, shown, bottom);
	return g_string_free(drawn, FALSE);
}

static char *draw_plain(const struct table *table, const guint *widths)
{
	GString *drawn = g_string_new(NULL);

	for (guint row = 0; row < table->rows->len; row++) {
		for (guint i = 0; i < table->width; i++) {
			if (i + 1 < table->width)
				append_padded(drawn, cell(table, row, i), widths[i] + 2);
			else
				g_string_append(drawn, cell(table, row, i));
		}
		while (drawn->len > 0 && drawn->str[drawn->len - 1] == ' ')
			g_string_truncate(drawn, drawn->len - 1);
		g_string_append_c(drawn, '\n');
	}
	return g_string_free(drawn, FALSE);
}

char *table_draw(const struct table *table, gboolean boxed, guint columns)
{
	g_autofree guint *widths = measure(table);

	return boxed ? draw_boxed(table, widths, columns) : draw_plain(table, widths);
}
