/*
 * From words of a command line to an invocation.
 *
 * Options of every command may stand anywhere, also before and between the words of the command
 * (`forge --format json fork list`), so the line is parsed in steps: options up to the next word,
 * that word, and so on, until a command is found; the rest is parsed with that command's own
 * options, in any order. Values are kept as they were typed, but must be UTF-8, because they go
 * into events and messages.
 */
#include "cli/invocation.h"

#include <string.h>

#include "journal/base/errors.h"

/* Where GOption puts what it finds, until the whole parse has succeeded. */
struct slot {
	const struct command_option *option;
	struct option_value *value;
	gboolean flag;
	char *text;
	char **list;
};

static size_t count_options(const struct command_option *options)
{
	size_t count = 0;

	while (options[count].name)
		count++;
	return count;
}

static void clear_values(const struct command_option *options, struct option_value *values)
{
	for (size_t i = 0; values && options[i].name; i++) {
		g_free(values[i].text);
		g_strfreev(values[i].list);
	}
	g_free(values);
}

struct invocation *invocation_new(const struct terminal *terminal)
{
	struct invocation *invocation = g_new0(struct invocation, 1);

	invocation->words = g_strdup("");
	invocation->terminal = *terminal;
	invocation->global_values = g_new0(
		struct option_value, count_options(commands_global_options()) + 1);
	return invocation;
}

void invocation_free(struct invocation *invocation)
{
	if (!invocation)
		return;
	clear_values(commands_global_options(), invocation->global_values);
	if (invocation->command)
		clear_values(invocation->command->options, invocation->command_values);
	config_free(invocation->config);
	g_strfreev(invocation->arguments);
	g_free(invocation->words);
	g_free(invocation);
}

static void add_slots(
	GArray *slots, const struct command_option *options, struct option_value *values)
{
	for (size_t i = 0; options[i].name; i++) {
		struct slot slot = {.option = &options[i], .value = &values[i]};

		g_array_append_val(slots, slot);
	}
}

static GOptionEntry *make_entries(GArray *slots)
{
	GOptionEntry *entries = g_new0(GOptionEntry, slots->len + 1);

	for (guint i = 0; i < slots->len; i++) {
		struct slot *slot = &g_array_index(slots, struct slot, i);

		entries[i] = (GOptionEntry){
			.long_name = slot->option->name, .short_name = slot->option->letter};
		switch (slot->option->kind) {
		case OPTION_FLAG:
			entries[i].arg = G_OPTION_ARG_NONE;
			entries[i].arg_data = &slot->flag;
			break;
		case OPTION_TEXT:
		case OPTION_NUMBER:
			/* A file name is what GOption takes without changing its bytes. */
			entries[i].arg = G_OPTION_ARG_FILENAME;
			entries[i].arg_data = &slot->text;
			break;
		case OPTION_LIST:
			entries[i].arg = G_OPTION_ARG_FILENAME_ARRAY;
			entries[i].arg_data = &slot->list;
			break;
		}
	}
	return entries;
}

static gboolean check_text(const char *what, const char *text, GError **error)
{
	if (g_utf8_validate(text, -1, NULL))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "%s: the value is not UTF-8", what);
	return FALSE;
}

/* Moves what was found in SLOT to its value. */
static gboolean keep_slot(struct slot *slot, GError **error)
{
	g_autofree char *what = g_strdup_printf("--%s", slot->option->name);
	struct option_value *value = slot->value;

	if (slot->text && !check_text(what, slot->text, error))
		return FALSE;
	for (char **item = slot->list; item && *item; item++)
		if (!check_text(what, *item, error))
			return FALSE;
	if (slot->text && slot->option->kind == OPTION_NUMBER &&
		!g_ascii_string_to_unsigned(slot->text, 10, 0, G_MAXUINT64, &value->number, NULL)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"%s: expected a whole number, not '%s'", what, slot->text);
		return FALSE;
	}
	if (slot->flag || slot->text || slot->list)
		value->given = TRUE;
	if (slot->text) {
		g_free(value->text);
		value->text = g_steal_pointer(&slot->text);
	}
	if (slot->list) {
		g_strfreev(value->list);
		value->list = g_steal_pointer(&slot->list);
	}
	return TRUE;
}

/* GOption's message, with the nearest option where the one in REST is not known. */
static void set_usage(
	const struct invocation *invocation, char **rest, const GError *problem, GError **error)
{
	g_autofree char *message = g_strdup(problem->message);
	const char *nearest = NULL;

	message[0] = g_ascii_tolower(message[0]);
	for (char **word = rest; *word && strcmp(*word, "--") != 0; word++) {
		g_autofree char *name = NULL;
		g_autofree char *unknown = NULL;

		if (!g_str_has_prefix(*word, "--"))
			continue;
		name = g_strndup(*word + 2, strcspn(*word + 2, "="));
		unknown = g_strdup_printf("unknown option --%s", name);
		if (g_str_has_prefix(message, unknown))
			nearest = commands_nearest_option(invocation->command, name);
	}
	if (nearest)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "%s; did you mean --%s?",
			message, nearest);
	else
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE, message);
}

/* Parses options out of REST: all of them, or (STRICT) those before the first word. */
static gboolean parse_options(
	struct invocation *invocation, char ***rest, gboolean strict, GError **error)
{
	g_autoptr(GArray) slots = g_array_new(FALSE, TRUE, sizeof(struct slot));
	g_autofree GOptionEntry *entries = NULL;
	g_autoptr(GOptionContext) context = NULL;
	g_autoptr(GError) problem = NULL;
	gboolean kept;

	add_slots(slots, commands_global_options(), invocation->global_values);
	if (invocation->command)
		add_slots(slots, invocation->command->options, invocation->command_values);
	entries = make_entries(slots);
	context = g_option_context_new(NULL);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, strict);
	g_option_context_add_main_entries(context, entries, NULL);
	kept = g_option_context_parse_strv(context, rest, &problem);
	if (!kept)
		set_usage(invocation, *rest, problem, error);
	for (guint i = 0; i < slots->len; i++) {
		struct slot *slot = &g_array_index(slots, struct slot, i);

		kept = kept && keep_slot(slot, error);
		g_free(slot->text);
		g_strfreev(slot->list);
	}
	return kept;
}

static const struct option_value *global_value(
	const struct invocation *invocation, const char *name)
{
	const struct command_option *options = commands_global_options();
	size_t i = 0;

	while (options[i].name && strcmp(options[i].name, name) != 0)
		i++;
	g_assert(options[i].name);
	return &invocation->global_values[i];
}

static gboolean parse_format(const char *text, enum output_format *format)
{
	static const char *const names[] = {
		[OUTPUT_TABLE] = "table",
		[OUTPUT_JSON] = "json",
		[OUTPUT_YAML] = "yaml",
		[OUTPUT_JSONL] = "jsonl",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(names[i], text) == 0) {
			*format = (enum output_format)i;
			return TRUE;
		}
	}
	return FALSE;
}

/* Finds the format before anything is parsed, so that an error of parsing is shown in it. */
static void guess_format(struct invocation *invocation, char **argv)
{
	for (char **word = argv; *word && strcmp(*word, "--") != 0; word++) {
		if (g_str_has_prefix(*word, "--format="))
			parse_format(*word + strlen("--format="), &invocation->format);
		else if (strcmp(*word, "--format") == 0 && word[1])
			parse_format(word[1], &invocation->format);
	}
}

static gboolean keep_global_values(struct invocation *invocation, GError **error)
{
	const char *format = global_value(invocation, "format")->text;

	if (format && !parse_format(format, &invocation->format)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--format: expected table, json, yaml or jsonl, not '%s'", format);
		return FALSE;
	}
	invocation->quiet = global_value(invocation, "quiet")->given;
	invocation->verbose = global_value(invocation, "verbose")->given;
	invocation->help = global_value(invocation, "help")->given;
	invocation->version = global_value(invocation, "version")->given;
	if (global_value(invocation, "no-color")->given)
		invocation->terminal.color = FALSE;
	return TRUE;
}

static void remove_word(char **rest, size_t at)
{
	g_free(rest[at]);
	for (; rest[at]; at++)
		rest[at] = rest[at + 1];
}

static gboolean refuse_word(const struct invocation *invocation, const char *word, GError **error)
{
	g_autofree char *shown = text_printable(word);
	const char *nearest = commands_nearest(invocation->words, word);
	const char *space = *invocation->words ? " " : "";

	if (nearest)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"there is no command `forge %s%s%s`; did you mean `forge %s`?",
			invocation->words, space, shown, nearest);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"there is no command `forge %s%s%s`", invocation->words, space, shown);
	return FALSE;
}

static char *join_words(const char *words, const char *word)
{
	return *words ? g_strdup_printf("%s %s", words, word) : g_strdup(word);
}

/* Walks REST (behind the program's name) down the table as far as words go. */
static gboolean find_command(struct invocation *invocation, char ***rest, GError **error)
{
	for (;;) {
		const struct command *found = commands_find(invocation->words);
		gboolean handled = found && found->handled;
		const char *word;
		g_autofree char *words = NULL;

		/* A command takes its own options; only groups
		 * are looked through for more words. */
		if (!handled && !parse_options(invocation, rest, TRUE, error))
			return FALSE;
		word = (*rest)[1];
		words = word ? join_words(invocation->words, word) : NULL;
		if (!words || !commands_find(words)) {
			if (!handled && word)
				return refuse_word(invocation, word, error);
			invocation->command = handled ? found : NULL;
			return TRUE;
		}
		g_free(invocation->words);
		invocation->words = g_steal_pointer(&words);
		remove_word(*rest, 1);
	}
}

static gboolean check_arguments(const struct invocation *invocation, GError **error)
{
	const struct command *command = invocation->command;
	guint count;

	for (char **argument = invocation->arguments; *argument; argument++) {
		if (!g_utf8_validate(*argument, -1, NULL)) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
				"an argument of `forge %s` is not UTF-8", command->words);
			return FALSE;
		}
	}
	count = invocation->argument_count;
	if (count < command->least) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "`forge %s` needs %s",
			command->words, command->synopsis);
		return FALSE;
	}
	if (count > command->most) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"`forge %s` does not take the argument '%s'", command->words,
			invocation->arguments[command->most]);
		return FALSE;
	}
	return TRUE;
}

gboolean invocation_parse(struct invocation *invocation, int argc, char **argv, GError **error)
{
	g_auto(GStrv) rest = g_new0(char *, (gsize)MAX(argc, 1) + 1);

	rest[0] = g_strdup("forge");
	for (int i = 1; i < argc; i++)
		rest[i] = g_strdup(argv[i]);
	guess_format(invocation, rest);
	if (!find_command(invocation, &rest, error))
		return FALSE;
	if (invocation->command) {
		invocation->command_values = g_new0(
			struct option_value, count_options(invocation->command->options) + 1);
		if (!parse_options(invocation, &rest, FALSE, error))
			return FALSE;
	}
	if (!keep_global_values(invocation, error))
		return FALSE;
	/* GOption leaves the `--` in that ends the options. */
	if (rest[1] && strcmp(rest[1], "--") == 0)
		remove_word(rest, 1);
	invocation->arguments = g_strdupv(rest + 1);
	invocation->argument_count = g_strv_length(invocation->arguments);
	if (!invocation->command || invocation->help || invocation->version)
		return TRUE;
	return check_arguments(invocation, error);
}

static const struct option_value *value_of(const struct invocation *invocation, const char *name)
{
	const struct command_option *options = invocation->command->options;
	size_t i = 0;

	while (options[i].name && strcmp(options[i].name, name) != 0)
		i++;
	g_assert(options[i].name);
	return &invocation->command_values[i];
}

gboolean invocation_has_option(const struct invocation *invocation, const char *name)
{
	const struct command_option *option = invocation->command->options;

	while (option->name && strcmp(option->name, name) != 0)
		option++;
	return option->name != NULL;
}

gboolean invocation_flag(const struct invocation *invocation, const char *name)
{
	return value_of(invocation, name)->given;
}

const char *invocation_text(const struct invocation *invocation, const char *name)
{
	return value_of(invocation, name)->text;
}

char **invocation_list(const struct invocation *invocation, const char *name)
{
	return value_of(invocation, name)->list;
}

uint64_t invocation_number(const struct invocation *invocation, const char *name, uint64_t fallback)
{
	const struct option_value *value = value_of(invocation, name);

	return value->given ? value->number : fallback;
}

gboolean invocation_number_within(const struct invocation *invocation, const char *name,
	uint64_t fallback, uint64_t most, uint64_t *number, GError **error)
{
	uint64_t value = invocation_number(invocation, name, fallback);

	if (value > most) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"--%s: %" G_GUINT64_FORMAT " is more than the %" G_GUINT64_FORMAT
			" allowed",
			name, value, most);
		return FALSE;
	}
	*number = value;
	return TRUE;
}

const char *invocation_config_option(const struct invocation *invocation)
{
	return global_value(invocation, "config")->text;
}

struct config *invocation_read_config(const struct invocation *invocation, GError **error)
{
	return config_load(invocation_config_option(invocation), error);
}

const struct config *invocation_config(struct invocation *invocation, GError **error)
{
	if (!invocation->config)
		invocation->config = invocation_read_config(invocation, error);
	return invocation->config;
}
