/*
 * The terminal: what it is, and text that fits it.
 *
 * Widths are counted in columns as terminals draw them. Everything that came from outside (names of
 * branches, messages of servers) passes through text_printable() before it is shown to people;
 * machine formats keep it as it is, because their writers escape it.
 */
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "journal/base/printable.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_LEAST 20

static guint columns_of(int descriptor)
{
	struct winsize size;

	if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return MAX((guint)size.ws_col, COLUMNS_LEAST);
	return COLUMNS_DEFAULT;
}

struct terminal terminal_detect(void)
{
	struct terminal terminal = {
		.output = isatty(STDOUT_FILENO) == 1,
		.errors = isatty(STDERR_FILENO) == 1,
		.columns = G_MAXUINT,
	};
	const char *no_color = g_getenv("NO_COLOR");

	terminal.color = terminal.output && !(no_color && *no_color) &&
		g_strcmp0(g_getenv("TERM"), "dumb") != 0;
	if (terminal.output)
		terminal.columns = columns_of(STDOUT_FILENO);
	else if (terminal.errors)
		terminal.columns = columns_of(STDERR_FILENO);
	return terminal;
}

static guint character_columns(gunichar character)
{
	if (g_unichar_iszerowidth(character))
		return 0;
	return g_unichar_iswide(character) ? 2 : 1;
}

guint text_columns(const char *text)
{
	guint columns = 0;

	for (const char *at = text; *at; at = g_utf8_next_char(at))
		columns += character_columns(g_utf8_get_char(at));
	return columns;
}

char *text_shorten(const char *text, guint columns)
{
	guint used = 0;
	const char *at;

	if (text_columns(text) <= columns)
		return g_strdup(text);
	if (columns == 0)
		return g_strdup("");
	at = text;
	while (used + character_columns(g_utf8_get_char(at)) <= columns - 1) {
		used += character_columns(g_utf8_get_char(at));
		at = g_utf8_next_char(at);
	}
	return g_strdup_printf("%.*s…", (int)(at - text), text);
}

char *text_wrap(const char *text, guint columns, guint indent)
{
	GString *wrapped = g_string_new(NULL);
	g_auto(GStrv) paragraphs = g_strsplit(text, "\n", -1);

	for (char **paragraph = paragraphs; *paragraph; paragraph++) {
		g_auto(GStrv) words = g_strsplit(*paragraph, " ", -1);
		guint used = 0;

		for (char **word = words; *word; word++) {
			guint width;

			if (!**word)
				continue;
			width = text_columns(*word);
			if (used > 0 && used + 1 + width > columns) {
				g_string_append_c(wrapped, '\n');
				used = 0;
			}
			if (used == 0) {
				g_string_append_printf(wrapped, "%*s", (int)indent, "");
				used = indent;
			} else {
				g_string_append_c(wrapped, ' ');
				used++;
			}
			g_string_append(wrapped, *word);
			used += width;
		}
		if (paragraph[1])
			g_string_append_c(wrapped, '\n');
	}
	return g_string_free(wrapped, FALSE);
}

char *text_printable(const char *text)
{
	g_autofree char *line = g_utf8_make_valid(text, -1);

	g_strdelimit(line, "\n\r\t", ' ');
	return printable_text(line);
}
