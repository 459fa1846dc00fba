/*
 * How a command line may go on. The table says it: which words are commands, which options they
 * have, which values those take, and by the names of its arguments (`NAME`, `BATCH`, `FOLDER`) what
 * kind of thing stands where. Pure; names of forks and the like are looked up by cmd_completion.c.
 */
#include "cli/completion.h"

#include <string.h>

#include "cli/commands.h"
#include "journal/base/config.h"
#include "queue/job_kinds.h"

/* The words so far, understood. */
struct line {
	char *command; /* words of the command or group */
	const struct command *row;
	guint arguments;                     /* before the one that is typed */
	const struct command_option *option; /* whose value is typed; or NULL */
	gboolean options_end;                /* `--` was given */
};

static struct completion *completion_new(const char *typed, const char *before)
{
	struct completion *completion = g_new0(struct completion, 1);

	completion->candidates = g_ptr_array_new_with_free_func(g_free);
	completion->typed = g_strdup(typed);
	completion->before = g_strdup(before);
	return completion;
}

void completion_free(struct completion *completion)
{
	if (!completion)
		return;
	g_ptr_array_free(completion->candidates, TRUE);
	g_free(completion->typed);
	g_free(completion->before);
	g_free(completion);
}

static gboolean is_plain(const char *word)
{
	for (const char *at = word; *at; at++)
		if (!g_ascii_isalnum(*at) && !strchr("._-/@+=:", *at))
			return FALSE;
	return *word != '\0';
}

void completion_add(struct completion *completion, const char *word, const char *about)
{
	if (!g_str_has_prefix(word, completion->typed) || !is_plain(word))
		return;
	g_ptr_array_add(completion->candidates,
		g_strconcat(completion->before, word, about ? "\t" : "", about, NULL));
}

/* ---- options ------------------------------------------------------------------------------ */

static const struct command_option *find_option(
	const struct command_option *options, const char *name, size_t length, char letter)
{
	for (; options && options->name; options++)
		if (letter ? options->letter == letter
			   : strlen(options->name) == length &&
					strncmp(options->name, name, length) == 0)
			return options;
	return NULL;
}

/* The option that WORD (`--strategy`, `--strategy=x`, `-s`) is, of the command or of every one. */
static const struct command_option *option_of(const struct line *line, const char *word)
{
	gboolean is_long = g_str_has_prefix(word, "--");
	const char *name = word + (is_long ? 2 : 1);
	size_t length = strcspn(name, "=");
	char letter = is_long ? '\0' : name[strlen(name) - 1];
	const struct command_option *own = line->row && line->row->handled ? line->row->options
									   : NULL;
	const struct command_option *found = find_option(own, name, length, letter);

	return found ? found : find_option(commands_global_options(), name, length, letter);
}

static void add_options(struct completion *completion, const struct command_option *options)
{
	for (; options && options->name; options++) {
		g_autofree char *word = g_strconcat("--", options->name, NULL);

		if (options->help)
			completion_add(completion, word, options->help);
	}
}

/* CHOICES as `a|b`. */
static void add_choices(struct completion *completion, const char *choices)
{
	g_auto(GStrv) words = g_strsplit(choices, "|", -1);

	for (char **word = words; *word; word++)
		completion_add(completion, *word, NULL);
}

/* ---- arguments ---------------------------------------------------------------------------- */

/* What the argument called NAME (`NAME`, `BATCH`, …) of the command WORDS is. */
static enum completion_names names_of(const char *words, const char *name)
{
	static const struct {
		const char *words; /* the command's, or those of the group it is in */
		const char *name;
		enum completion_names names;
	} meanings[] = {
		{"fork add", "NAME", COMPLETION_NOTHING},
		{"fork", "NAME", COMPLETION_FORKS},
		{"job submit", "TARGET", COMPLETION_FORKS},
		{"info", "NAME", COMPLETION_COMPONENTS},
		{"remove", "NAME", COMPLETION_COMPONENTS},
		{"sync", "NAME", COMPLETION_COMPONENTS},
		{"dev", "NAME", COMPLETION_COMPONENTS},
		{"deps", "NAME", COMPLETION_COMPONENTS},
		{"", "BATCH", COMPLETION_BATCHES},
		{"", "JOB", COMPLETION_BATCHES},
		{"", "DIR", COMPLETION_FOLDERS},
		{"", "FOLDER", COMPLETION_FOLDERS},
		/* Files of a component are named from its folder on. */
		{"dev", "FILE", COMPLETION_NOTHING},
		{"", "FILE", COMPLETION_FILES},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++) {
		size_t length = strlen(meanings[i].words);

		if (strncmp(words, meanings[i].words, length) == 0 &&
			(length == 0 || words[length] == '\0' || words[length] == ' ') &&
			strcmp(meanings[i].name, name) == 0)
			return meanings[i].names;
	}
	return COMPLETION_NOTHING;
}

static void add_keys(struct completion *completion)
{
	scoped(value) keys = config_keys();

	for (size_t i = 0; i < value_count(keys); i++)
		completion_add(completion, value_string(value_get(value_at(keys, i), "key")),
			value_string(value_get(value_at(keys, i), "about")));
}

static void add_kinds(struct completion *completion)
{
	for (const char *const *name = job_kind_names(); *name; name++)
		if (job_kind_named(*name)->about != JOB_ABOUT_COMPONENT)
			completion_add(completion, *name, NULL);
}

/* The candidates that ARGUMENT's name stands for by itself. */
static void add_fixed(struct completion *completion, const char *argument)
{
	if (strcmp(argument, "KEY") == 0)
		add_keys(completion);
	else if (strcmp(argument, "KIND") == 0)
		add_kinds(completion);
	else if (strcmp(argument, "SHELL") == 0)
		add_choices(completion, "bash|zsh|fish");
}

static void add_commands(struct completion *completion, const char *parent)
{
	size_t count;
	const struct command *table = commands_table(&count);

	for (size_t i = 0; i < count; i++) {
		const char *last = strrchr(table[i].words, ' ');

		if (command_is_child(&table[i], parent))
			completion_add(
				completion, last ? last + 1 : table[i].words, table[i].summary);
	}
}

/* The name of the argument that is typed, as in `[NAME...]` or `JOB|BATCH`; "" if there is none. */
static char *argument_name(const struct line *line)
{
	g_auto(GStrv) names = NULL;
	guint count, at;
	const char *name;

	if (!line->row || !line->row->handled || line->arguments >= line->row->most)
		return g_strdup("");
	names = g_strsplit(line->row->synopsis, " ", -1);
	count = g_strv_length(names);
	if (count == 0)
		return g_strdup("");
	at = MIN(line->arguments, count - 1);
	name = names[at] + (names[at][0] == '[' ? 1 : 0);
	return g_strndup(name, strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
}

/* ---- the line ----------------------------------------------------------------------------- */

static void take_word(struct line *line, const char *word)
{
	g_autofree char *longer = *line->command ? g_strconcat(line->command, " ", word, NULL)
						 : g_strdup(word);

	if (line->arguments > 0 || !commands_find(longer)) {
		line->arguments++;
		return;
	}
	g_free(line->command);
	line->command = g_steal_pointer(&longer);
	line->row = commands_find(line->command);
}

/* Everything before the last word. */
static void read_line(struct line *line, char *const *words, guint count)
{
	for (guint i = 0; i < count; i++) {
		const struct command_option *option;

		line->option = NULL;
		if (line->options_end || words[i][0] != '-' || words[i][1] == '\0') {
			take_word(line, words[i]);
			continue;
		}
		line->options_end = strcmp(words[i], "--") == 0;
		option = line->options_end ? NULL : option_of(line, words[i]);
		if (!option || !option->argument || strchr(words[i], '='))
			continue;
		/* The next word is its value; the last one is being typed. */
		i++;
		line->option = i == count ? option : NULL;
	}
}

static void add_value(struct completion *completion, const struct line *line)
{
	const struct command_option *option = line->option;

	if (option->choices)
		add_choices(completion, option->choices);
	else
		completion->names = names_of(line->command, option->argument);
}

static void add_words(struct completion *completion, const struct line *line)
{
	g_autofree char *argument = NULL;

	if (completion->typed[0] == '-' && !line->options_end) {
		if (line->row && line->row->handled)
			add_options(completion, line->row->options);
		add_options(completion, commands_global_options());
		return;
	}
	if (line->arguments == 0)
		add_commands(completion, line->command);
	argument = argument_name(line);
	add_fixed(completion, argument);
	completion->names = names_of(line->command, argument);
}

/* Puts `--strategy`, `=`, `me` together again, as bash takes them apart. TRUE if the last word was
 * one of these. */
static gboolean join_values(GPtrArray *words)
{
	gboolean joined = FALSE;

	for (guint i = 1; i < words->len; i++) {
		const char *name = words->pdata[i - 1];
		const char *value = i + 1 < words->len ? words->pdata[i + 1] : "";
		guint taken = i + 1 < words->len ? 2 : 1;

		joined = FALSE;
		if (strcmp(words->pdata[i], "=") != 0 || !g_str_has_prefix(name, "--"))
			continue;
		g_ptr_array_insert(words, (gint)i, g_strconcat(name, "=", value, NULL));
		g_ptr_array_remove_range(words, i + 1, taken);
		g_ptr_array_remove_index(words, i - 1);
		i--;
		joined = TRUE;
	}
	return joined;
}

/* `help fork s`: the words behind help are commands too. */
static void add_helped(struct completion *completion, char *const *words, guint n)
{
	g_autofree char *parent = NULL;
	g_autoptr(GPtrArray) behind = g_ptr_array_new();

	for (guint i = 1; i < n; i++)
		g_ptr_array_add(behind, words[i]);
	g_ptr_array_add(behind, NULL);
	parent = g_strjoinv(" ", (char **)behind->pdata);
	add_commands(completion, parent);
}

struct completion *completion_of(char **words)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
	struct line line = {.command = g_strdup("")};
	struct completion *completion;
	gboolean joined;
	const char *last;
	const char *equals;

	for (char **word = words; *word; word++)
		g_ptr_array_add(list, g_strdup(*word));
	if (list->len == 0)
		g_ptr_array_add(list, g_strdup(""));
	joined = join_values(list);
	last = list->pdata[list->len - 1];
	read_line(&line, (char *const *)list->pdata, list->len - 1);
	equals = g_str_has_prefix(last, "--") && !line.option && !line.options_end
		? strchr(last, '=')
		: NULL;
	if (equals) {
		g_autofree char *before = joined ? g_strdup("")
						 : g_strndup(last, (gsize)(equals + 1 - last));

		line.option = option_of(&line, last);
		completion = completion_new(equals + 1, before);
		if (line.option && line.option->argument)
			add_value(completion, &line);
	} else {
		completion = completion_new(last, "");
		if (line.option)
			add_value(completion, &line);
		else if (strcmp(line.command, "help") == 0 && *last != '-')
			add_helped(completion, (char *const *)list->pdata, list->len - 1);
		else
			add_words(completion, &line);
	}
	g_free(line.command);
	return completion;
}
