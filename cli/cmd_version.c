/*
 * `forge version`, `forge help`.
 */
#include <stdio.h>

#include "cli/handlers.h"
#include "cli/help.h"
#include "cli/output.h"
#include "journal/base/errors.h"

int cmd_version(struct invocation *invocation, GError **error)
{
	scoped(value) object = NULL;

	(void)error;
	object = value_new_map();
	value_put_string(object, "forge", FORGE_VERSION);
	output_value(invocation, object);
	output_line(invocation, "forge %s", FORGE_VERSION);
	return 0;
}

int cmd_help(struct invocation *invocation, GError **error)
{
	g_autofree char *words = g_strjoinv(" ", invocation->arguments);
	g_autofree char *text = NULL;

	if (*words && !commands_find(words)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "there is no command `forge %s`",
			words);
		return 1;
	}
	text = help_text(words, MIN(invocation->terminal.columns, 80));
	fputs(text, stdout);
	return 0;
}
