/*
 * Help made from the table of commands: for everything, for a group, for one command.
 *
 * It is text for people and nothing else reads it; what programs need of the table they take from
 * commands.h.
 */
#include "cli/help.h"

#include <string.h>

#include "cli/terminal.h"

#define COLUMNS_MOST 100
#define GAP 2

static char *option_label(const struct command_option *option)
{
	g_autofree char *letter = option->letter ? g_strdup_printf("-%c, ", option->letter)
						 : g_strdup("    ");

	return g_strdup_printf("%s--%s%s%s", letter, option->name, option->argument ? " " : "",
		option->argument ? option->argument : "");
}

/* A line of two columns: LABEL, and TEXT wrapped beside it. */
static void append_row(
	GString *help, const char *label, guint label_columns, const char *text, guint columns)
{
	guint indent = 2 + label_columns + GAP;
	g_autofree char *wrapped = text_wrap(text, MAX(columns, indent + 20), indent);
	guint used;

	g_string_append_printf(help, "  %s", label);
	used = 2 + text_columns(label);
	g_string_append_printf(help, "%*s%s\n", (int)(indent > used ? indent - used : 1), "",
		wrapped + MIN(strlen(wrapped), indent));
}

static guint widest_option(const struct command_option *options)
{
	guint widest = 0;

	for (const struct command_option *option = options; option->name; option++) {
		g_autofree char *label = option_label(option);

		if (option->help)
			widest = MAX(widest, text_columns(label));
	}
	return widest;
}

static void append_options(GString *help, const char *title, const struct command_option *options,
	guint label_columns, guint columns)
{
	gboolean titled = FALSE;

	for (const struct command_option *option = options; option->name; option++) {
		g_autofree char *label = NULL;

		if (!option->help)
			continue;
		if (!titled)
			g_string_append_printf(help, "\n%s:\n", title);
		titled = TRUE;
		label = option_label(option);
		append_row(help, label, label_columns, option->help, columns);
	}
}

/* A row for each command below PARENT, followed by the commands below it, indented. */
static void append_children(
	GString *help, const char *parent, guint indent, guint label_columns, guint columns)
{
	size_t count;
	const struct command *table = commands_table(&count);

	for (size_t i = 0; i < count; i++) {
		g_autofree char *label = NULL;

		if (!command_is_child(&table[i], parent))
			continue;
		label = g_strdup_printf("%*s%s", (int)indent, "", table[i].words);
		append_row(help, label, label_columns, table[i].summary, columns);
		append_children(help, table[i].words, indent + 2, label_columns, columns);
	}
}

static void append_commands(GString *help, const char *parent, guint columns)
{
	size_t count;
	const struct command *table = commands_table(&count);
	guint widest = 0;

	for (size_t i = 0; i < count; i++)
		widest = MAX(widest, (*parent ? 0 : 2) + text_columns(table[i].words));
	g_string_append(help, "\nCommands:\n");
	append_children(help, parent, 0, widest, columns);
}

/* One line: `Usage: forge fork sync [OPTIONS] NAME...|--all`. */
static char *usage_line(const char *words)
{
	const struct command *command = commands_find(words);

	if (!command || !command->handled)
		return g_strdup_printf(
			"Usage: forge%s%s COMMAND [OPTIONS]", *words ? " " : "", words);
	return g_strdup_printf("Usage: forge %s [OPTIONS]%s%s", words,
		*command->synopsis ? " " : "", command->synopsis);
}

char *help_text(const char *words, guint columns)
{
	const struct command *command;
	const struct command_option *global;
	g_autofree char *usage = NULL;
	GString *help;
	g_autofree char *title = NULL;
	guint label_columns;

	columns = MIN(columns, COLUMNS_MOST);
	command = commands_find(words);
	g_assert(command || !*words);
	global = commands_global_options();
	usage = usage_line(words);
	help = g_string_new(NULL);
	title = command ? g_strdup_printf("forge %s - %s", words, command->summary)
			: g_strdup("forge - keeps fleets of git repositories in sync");
	g_string_append_printf(help, "%s\n\n%s\n", title, usage);

	label_columns = widest_option(global);
	if (command && command->handled) {
		label_columns = MAX(label_columns, widest_option(command->options));
		if (*command->description) {
			g_autofree char *wrapped = text_wrap(command->description, columns, 0);

			g_string_append_printf(help, "\n%s\n", wrapped);
		}
		append_options(help, "Options", command->options, label_columns, columns);
	} else {
		append_commands(help, words, columns);
	}
	append_options(help, "Options of every command", global, label_columns, columns);
	if (!command || !command->handled)
		g_string_append_printf(help, "\n`forge %s%sCOMMAND --help` explains a command.\n",
			words, *words ? " " : "");
	return g_string_free(help, FALSE);
}
