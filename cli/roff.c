/*
 * Text as manual pages want it. Everything that is not plain ASCII, or that roff draws as something
 * else (`-`, `^`, `~`, quotes), is named, so that groff and mandoc show what was written and users
 * can copy it.
 */
#include "cli/roff.h"

#include <string.h>

static void append_character(GString *line, gunichar character)
{
	static const struct {
		char character;
		const char *name;
	} names[] = {
		{'\\', "\\e"},
		{'-', "\\-"},
		{'^', "\\(ha"},
		{'~', "\\(ti"},
		{'\'', "\\(aq"},
		{'"', "\\(dq"},
		{'`', "\\(ga"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (character == (gunichar)names[i].character) {
			g_string_append(line, names[i].name);
			return;
		}
	}
	if (character < 0x80)
		g_string_append_c(line, (char)character);
	else
		g_string_append_printf(line, "\\[u%04X]", character);
}

char *roff_escape(const char *text)
{
	GString *line = g_string_new(NULL);

	for (const char *at = text; *at; at = g_utf8_next_char(at))
		append_character(line, g_utf8_get_char(at));
	return g_string_free(line, FALSE);
}

/* A line that begins with a dot would be a request. */
static void begin_line(GString *page, const char *at)
{
	if (*at == '.')
		g_string_append(page, "\\&");
}

void roff_append(GString *page, const char *text)
{
	gboolean bold = FALSE;

	begin_line(page, text);
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		if (*at == '`') {
			bold = !bold;
			g_string_append(page, bold ? "\\fB" : "\\fR");
		} else if (*at != '\n') {
			append_character(page, g_utf8_get_char(at));
		} else {
			gboolean paragraph = at[1] == '\n';

			g_string_append(page, paragraph ? "\n.PP\n" : "\n");
			at += paragraph ? 1 : 0;
			begin_line(page, at + 1);
		}
	}
	g_string_append(page, bold ? "\\fR\n" : "\n");
}
