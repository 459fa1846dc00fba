/*
 * The table of commands as data, and finding one's way in it.
 *
 * Handlers are not in here: main.c pairs each row with its handler, so that what only reads the
 * table (parsing, help, completion) can be used, and tested, without what the commands need.
 */
#include "cli/commands.h"

#include <string.h>

#include "journal/base/nearest.h"

#define ANY G_MAXUINT
#define FLAG(name, letter, help) \
	{ \
		name, letter, OPTION_FLAG, NULL, help \
	}
#define TEXT(name, letter, argument, help) \
	{ \
		name, letter, OPTION_TEXT, argument, help \
	}
#define CHOICE(name, letter, argument, choices, help) \
	{ \
		name, letter, OPTION_TEXT, argument, help, choices \
	}
#define LIST(name, letter, argument, help) \
	{ \
		name, letter, OPTION_LIST, argument, help \
	}
#define NUMBER(name, letter, argument, help) \
	{ \
		name, letter, OPTION_NUMBER, argument, help \
	}
#define END \
	{ \
		0 \
	}

static const struct command table[] = {
#define GROUP(words, summary) {words, summary, FALSE, "", 0, 0, "", NULL},
#define COMMAND(words, handler, synopsis, least, most, summary, description, ...) \
	{words, summary, TRUE, synopsis, least, most, description, \
		(const struct command_option[]){__VA_ARGS__}},
#include "cli/commands.def"
};

static const struct command_option global_options[] = {
	CHOICE("format", 0, "FORMAT", "table|json|yaml|jsonl",
		"table, json, yaml or jsonl (default: table)"),
	FLAG("quiet", 'q', "no progress and no remarks, only results and errors"),
	FLAG("verbose", 'v', "say on standard error what is done"),
	FLAG("no-color", 0, "no colours (also: NO_COLOR; off where the output is no terminal)"),
	TEXT("config", 0, "FILE", "read this configuration file"),
	FLAG("help", 'h', "explain the command"),
	FLAG("version", 'V', "print the version"),
	END,
};

const struct command *commands_table(size_t *count)
{
	*count = G_N_ELEMENTS(table);
	return table;
}

const struct command_option *commands_global_options(void)
{
	return global_options;
}

const struct command *commands_find(const char *words)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (strcmp(table[i].words, words) == 0)
			return &table[i];
	return NULL;
}

gboolean command_is_child(const struct command *command, const char *parent)
{
	const char *last = strrchr(command->words, ' ');
	size_t parent_length = strlen(parent);

	if (parent_length == 0)
		return !last;
	return last && (size_t)(last - command->words) == parent_length &&
		strncmp(command->words, parent, parent_length) == 0;
}

static const char *last_word(const char *words)
{
	const char *space = strrchr(words, ' ');

	return space ? space + 1 : words;
}

const char *commands_nearest(const char *parent, const char *word)
{
	const char *names[G_N_ELEMENTS(table) + 1];
	const char *words[G_N_ELEMENTS(table)];
	size_t count = 0;
	const char *nearest;

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if (!command_is_child(&table[i], parent))
			continue;
		words[count] = table[i].words;
		names[count++] = last_word(table[i].words);
	}
	names[count] = NULL;
	nearest = nearest_name(word, names);
	for (size_t i = 0; nearest && i < count; i++)
		if (names[i] == nearest)
			return words[i];
	return NULL;
}

static void add_names(GPtrArray *names, const struct command_option *options)
{
	for (const struct command_option *option = options; option->name; option++)
		if (option->help)
			g_ptr_array_add(names, (gpointer)option->name);
}

const char *commands_nearest_option(const struct command *command, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	if (command && command->handled)
		add_names(names, command->options);
	add_names(names, global_options);
	g_ptr_array_add(names, NULL);
	return nearest_name(name, (const char *const *)names->pdata);
}
