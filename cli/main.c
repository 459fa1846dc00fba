/*
 * The one binary: parse, dispatch, show the error if there is one.
 *
 * No locale is set, so that what forge writes and how it sorts is the same everywhere; text is
 * UTF-8.
 */
#include <stdio.h>

#include "cli/handlers.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/workspace_client.h"
#include "journal/base/log.h"

#define EXIT_USAGE 2

/* Parallel to commands_table(). */
static command_handler *const handlers[] = {
#define GROUP(words, summary) NULL,
#define COMMAND(words, handler, ...) handler,
#include "cli/commands.def"
};

static int show_help(const struct invocation *invocation, FILE *stream)
{
	guint columns = MIN(invocation->terminal.columns, 80);
	g_autofree char *text = help_text(invocation->words, columns);

	fputs(text, stream);
	return stream == stderr ? EXIT_USAGE : 0;
}

static int run(struct invocation *invocation, int argc, char **argv, GError **error)
{
	size_t count;
	size_t row;

	if (!invocation_parse(invocation, argc, argv, error))
		return EXIT_USAGE;
	if (invocation->version) {
		puts("forge " FORGE_VERSION);
		return 0;
	}
	if (invocation->help)
		return show_help(invocation, stdout);
	if (!invocation->command)
		return show_help(invocation, stderr);
	log_start(invocation->verbose ? "debug" : invocation->quiet ? "error" : "warning");
	row = (size_t)(invocation->command - commands_table(&count));
	g_assert(row < G_N_ELEMENTS(handlers) && handlers[row]);
	return handlers[row](invocation, error);
}

int main(int argc, char **argv)
{
	struct terminal terminal = terminal_detect();
	scoped(invocation) invocation = invocation_new(&terminal);
	g_autoptr(GError) failure = NULL;
	int status = run(invocation, argc, argv, &failure);
	gboolean shown;

	if (failure)
		status = output_failure(invocation, failure);
	shown = fflush(stdout) == 0 && !ferror(stdout);
	/* Nobody waits for this to see the result; who failed or was interrupted does not wait for it
	 * at all. */
	workspace_leave(invocation, !failure);
	if (!shown) {
		fputs("forge: standard output cannot be written to: is the disk full?\n", stderr);
		return status ? status : 1;
	}
	return status;
}
