/*
 * The progress bar: one line of standard error, drawn over itself.
 *
 * It is redrawn when something changed, never by a timer. Whoever prints lines hides it first, so
 * that it is always the last line of the screen and nothing of it stays behind.
 */
#include "cli/progress.h"

#include <stdio.h>

#define BAR_COLUMNS 24

struct progress {
	struct terminal terminal;
	gboolean shown;
	gboolean visible;
	char *line;
};

struct progress *progress_new(const struct terminal *terminal, gboolean shown)
{
	struct progress *progress = g_new0(struct progress, 1);

	progress->terminal = *terminal;
	progress->shown = shown && terminal->errors;
	return progress;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	progress_hide(progress);
	g_free(progress->line);
	g_free(progress);
}

void progress_hide(struct progress *progress)
{
	if (!progress->visible)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->visible = FALSE;
}

void progress_show(struct progress *progress)
{
	if (!progress->shown || !progress->line)
		return;
	fprintf(stderr, "\r\033[K%s", progress->line);
	fflush(stderr);
	progress->visible = TRUE;
}

char *progress_line(guint done, guint total, const char *text, guint columns)
{
	GString *line = g_string_new(NULL);
	char *shortened;

	if (total > 0) {
		guint filled = (guint)((guint64)MIN(done, total) * BAR_COLUMNS / total);

		for (guint i = 0; i < BAR_COLUMNS; i++)
			g_string_append(line, i < filled ? "█" : "░");
		g_string_append_printf(line, " %u/%u", done, total);
	} else {
		g_string_append(line, "…");
	}
	if (text) {
		g_autofree char *printable = text_printable(text);

		g_string_append_printf(line, "  %s", printable);
	}
	/* The last column stays free: some terminals wrap as soon as it is written. */
	shortened = text_shorten(line->str, columns - 1);
	g_string_free(line, TRUE);
	return shortened;
}

void progress_set(struct progress *progress, guint done, guint total, const char *text)
{
	g_autofree char *line = NULL;

	if (!progress->shown)
		return;
	line = progress_line(done, total, text, progress->terminal.columns);
	if (g_strcmp0(line, progress->line) == 0 && progress->visible)
		return;
	g_free(progress->line);
	progress->line = g_steal_pointer(&line);
	progress_show(progress);
}
