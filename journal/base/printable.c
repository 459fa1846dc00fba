/*
 * What a terminal may be shown. A name, a path or a server's message can hold escape sequences that
 * move the cursor or reverse the order of letters, and so show what is not there.
 */
#include "journal/base/printable.h"

#include <glib.h>
#include <string.h>

#define REPLACEMENT 0xfffd

char *printable_text(const char *text)
{
	GString *result = g_string_sized_new(strlen(text));

	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);

		g_string_append_unichar(
			result, g_unichar_isprint(character) ? character : REPLACEMENT);
	}
	return g_string_free(result, FALSE);
}
