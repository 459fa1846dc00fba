/*
 * The one sink of log lines. Lines are for operators: what forge did is in the journal. Callers
 * write the fixed words first and then key=value pairs; the sink adds the level, folds line breaks
 * and redacts.
 */
#include "journal/base/log.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	GLogLevelFlags shown;
} levels[] = {
	{"error", G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL},
	{"warning", G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING},
	{"info",
		G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING |
			G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO},
	{"debug", G_LOG_LEVEL_MASK},
};

static const char *level_word(GLogLevelFlags level)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		return "error";
	if (level & G_LOG_LEVEL_WARNING)
		return "warning";
	if (level & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
		return "info";
	return "debug";
}

static char *replace_pattern(char *take_text, const char *pattern, const char *replacement)
{
	g_autofree char *text = take_text;
	/* Not optimized: that would need memory to be written and executed, and end the process where a
	 * service may not. */
	g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_CASELESS, 0, NULL);
	char *replaced = g_regex_replace(regex, text, -1, 0, replacement, 0, NULL);

	/* Only text that is not UTF-8 can fail here;
	 * nothing of it is shown rather than too much. */
	return replaced ? replaced : g_strdup("(unprintable)");
}

char *log_redact(const char *text, const char *const *secrets)
{
	char *result = g_utf8_make_valid(text, -1);

	for (; secrets && *secrets; secrets++) {
		g_auto(GStrv) parts = NULL;
		g_autofree char *before = result;

		if (**secrets == '\0') {
			result = g_steal_pointer(&before);
			continue;
		}
		parts = g_strsplit(before, *secrets, -1);
		result = g_strjoinv("[redacted]", parts);
	}
	result = replace_pattern(result, "([a-z][a-z0-9+.-]*://)[^/\\s@]+@", "\\1");
	return replace_pattern(result,
		"((?:authorization|cookie|private-token|x-[a-z-]*token)\\s*[:=]\\s*)[^\\r\\n]+",
		"\\1[redacted]");
}

static GLogWriterOutput write_line(
	GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
	const char *message = "";
	gint *shown = user_data;

	if (!(level & (GLogLevelFlags)g_atomic_int_get(shown)))
		return G_LOG_WRITER_HANDLED;
	for (gsize i = 0; i < n_fields; i++)
		if (strcmp(fields[i].key, "MESSAGE") == 0)
			message = fields[i].value;

	g_autofree char *line = log_redact(message, NULL);
	g_strdelimit(line, "\r\n", ' ');
	fprintf(stderr, "level=%s %s\n", level_word(level), line);
	return G_LOG_WRITER_HANDLED;
}

/* What the sink lets through; NULL before it is set up. GLib takes a sink only once, so a later
 * level is put here. */
static gpointer make_sink(gpointer unused)
{
	gint *shown = g_new0(gint, 1);

	(void)unused;
	g_log_set_writer_func(write_line, shown, NULL);
	return shown;
}

gboolean log_start(const char *level)
{
	static GOnce once = G_ONCE_INIT;
	gint *shown = g_once(&once, make_sink, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		if (strcmp(levels[i].name, level) != 0)
			continue;
		g_atomic_int_set(shown, (gint)levels[i].shown);
		return TRUE;
	}
	return FALSE;
}
