/*
 * Manual pages made from the tables, so that they say what this very binary does. Pure: tables in,
 * text out; cmd_manual.c writes the files.
 */
#include "cli/manual.h"

#include <string.h>

#include "cli/roff.h"
#include "journal/base/config.h"
#include "journal/base/errors.h"

/* A term and what it means. */
struct entry {
	const char *term;
	const char *meaning;
};

static const struct entry files[] = {
	{"$FORGE_HOME/config.yaml", "the configuration, see forge-config(5)"},
	{"$FORGE_HOME/journal/", "everything that happened; one process at a time writes to it"},
	{"$FORGE_HOME/cache/",
		"what servers sent; it may be deleted whenever no job runs, and is fetched again"},
	{"forge.yaml, forge.lock",
		"at the root of a workspace: the components wanted, and the commits they are at. Both "
		"belong into git"},
	{".forge/", "beside them: this machine's own part of a workspace, kept out of git"},
	{"$XDG_RUNTIME_DIR/forge/, else /tmp/forge-UID/",
		"sockets by which commands of one user find each other"},
};

static const struct entry environment[] = {
	{"FORGE_HOME", "the folder of everything forge keeps (default: `~/.forge`)"},
	{"FORGE_CONFIG", "the configuration file, unless --config names one"},
	{"FORGE_SECTION_KEY",
		"a setting: `FORGE_WORKER_JOBS` is `worker.jobs`, and beats the file"},
	{"NO_COLOR", "if it is set, output has no colours"},
	{"VISUAL, EDITOR", "the editor that `forge dev edit --file` and `forge sync resolve` open"},
	{"GIT_SSH_COMMAND, http_proxy, https_proxy, no_proxy, GIT_SSL_CAINFO, ...",
		"mean what they mean to git"},
	{"NOTIFY_SOCKET, WATCHDOG_USEC",
		"set by systemd; the daemons tell it when they are ready and that they live"},
};

static void append_heading(GString *page, const char *words, const char *section, const char *about)
{
	g_autofree char *dashed = g_strdelimit(
		g_strconcat("forge", *words ? " " : "", words, NULL), " ", '-');
	g_autofree char *name = roff_escape(dashed);
	g_autofree char *title = g_ascii_strup(name, -1);

	g_string_append_printf(page,
		".TH %s %s \"\" \"forge " FORGE_VERSION "\" \"Manual of forge\"\n"
		".SH NAME\n%s \\- ",
		title, section, name);
	roff_append(page, about);
}

static void append_section(GString *page, const char *title)
{
	g_string_append_printf(page, ".SH %s\n", title);
}

static void append_entry(GString *page, const char *term, const char *meaning)
{
	g_autofree char *escaped = roff_escape(term);

	g_string_append_printf(page, ".TP\n\\fB%s\\fR\n", escaped);
	roff_append(page, meaning);
}

static void append_entries(
	GString *page, const char *title, const struct entry *entries, size_t count)
{
	append_section(page, title);
	for (size_t i = 0; i < count; i++)
		append_entry(page, entries[i].term, entries[i].meaning);
}

/* ---- commands ----------------------------------------------------------------------------- */

static void append_options(GString *page, const char *title, const struct command_option *options)
{
	gboolean titled = FALSE;

	for (const struct command_option *option = options; option->name; option++) {
		g_autofree char *name = roff_escape(option->name);

		if (!option->help)
			continue;
		if (!titled)
			append_section(page, title);
		titled = TRUE;
		g_string_append(page, ".TP\n");
		if (option->letter)
			g_string_append_printf(page, "\\fB\\-%c\\fR, ", option->letter);
		g_string_append_printf(page, "\\fB\\-\\-%s\\fR", name);
		if (option->argument)
			g_string_append_printf(page, " \\fI%s\\fR", option->argument);
		g_string_append_c(page, '\n');
		roff_append(page, option->help);
	}
}

/* Everything below PARENT, in the order of the table. */
static void append_commands(GString *page, const char *parent)
{
	size_t count;
	const struct command *table = commands_table(&count);
	g_autofree char *prefix = *parent ? g_strconcat(parent, " ", NULL) : g_strdup("");

	append_section(page, "COMMANDS");
	for (size_t i = 0; i < count; i++) {
		g_autofree char *term = NULL;

		if (!table[i].handled || !g_str_has_prefix(table[i].words, prefix))
			continue;
		term = g_strconcat("forge ", table[i].words, NULL);
		append_entry(page, term, table[i].summary);
	}
}

static void append_reference(GString *page, const char *words)
{
	g_autofree char *dashed = g_strdelimit(g_strdup(words), " ", '-');
	g_autofree char *name = roff_escape(dashed);

	g_string_append_printf(page, ",\n.BR forge\\-%s (1)", name);
}

/* forge itself, the configuration, the group a command is in, and what else is in it. */
static void append_related(GString *page, const struct command *command)
{
	size_t count;
	const struct command *table = commands_table(&count);
	const char *last = strrchr(command->words, ' ');
	g_autofree char *parent = last ? g_strndup(command->words, (gsize)(last - command->words))
				       : g_strdup("");

	append_section(page, "SEE ALSO");
	g_string_append(page, ".BR forge (1),\n.BR forge\\-config (5)");
	if (*parent)
		append_reference(page, parent);
	for (size_t i = 0; i < count; i++) {
		gboolean beside = *parent && command_is_child(&table[i], parent);

		if (&table[i] != command && (beside || command_is_child(&table[i], command->words)))
			append_reference(page, table[i].words);
	}
	g_string_append_c(page, '\n');
}

static void append_synopsis(GString *page, const struct command *command)
{
	g_autofree char *words = command ? roff_escape(command->words) : g_strdup("");
	g_autofree char *arguments = NULL;

	append_section(page, "SYNOPSIS");
	g_string_append_printf(page, "\\fBforge%s%s\\fR ", *words ? " " : "", words);
	if (!command || !command->handled) {
		g_string_append(page, "\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n");
		return;
	}
	arguments = roff_escape(command->synopsis);
	g_string_append_printf(page, "[\\fIOPTIONS\\fR]%s%s\n", *arguments ? " " : "", arguments);
}

/* ---- errors ------------------------------------------------------------------------------- */

static const enum forge_error codes[] = {
#define X(code, class, status, hint) FORGE_ERROR_##code,
#include "journal/base/errors.def"
#undef X
};

static const char *meaning_of(int status)
{
	switch (status) {
	case 1:
		return "other failures; of a batch: something failed or was skipped";
	case 2:
		return "the command line makes no sense";
	case 3:
		return "the configuration is wrong";
	case 4:
		return "network";
	case 5:
		return "permission";
	case 6:
		return "a value is wrong";
	case 7:
		return "a conflict, or local changes that would be lost";
	case 8:
		return "not found";
	case 9:
		return "a repository cannot be used as it is";
	case 10:
		return "refused as unsafe";
	case 75:
		return "try again later";
	case 130:
		return "interrupted";
	default:
		return "";
	}
}

static void append_statuses(GString *page)
{
	append_section(page, "EXIT STATUS");
	append_entry(page, "0", "done");
	for (int status = 1; status < 256; status++) {
		g_autofree char *number = g_strdup_printf("%d", status);
		GString *line = g_string_new(meaning_of(status));
		gboolean used = FALSE;

		for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
			if (forge_error_exit_status(codes[i]) != status)
				continue;
			g_string_append_printf(
				line, "%s%s", used ? ", " : ": ", forge_error_name(codes[i]));
			used = TRUE;
		}
		if (used)
			append_entry(page, number, line->str);
		g_string_free(line, TRUE);
	}
}

static void append_errors(GString *page)
{
	append_section(page, "ERRORS");
	roff_append(page,
		"With --format json or yaml an error is `{\"error\": {\"code\", \"message\", "
		"\"hint\"}}` on standard output. Jobs that end in an error that may pass by "
		"itself are tried again before it counts.");
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		gboolean retried = forge_error_class(codes[i]) == FORGE_ERROR_CLASS_RETRY;
		g_autofree char *meaning = g_strconcat(
			forge_error_hint(codes[i]), retried ? " (may pass by itself)" : "", NULL);

		append_entry(page, forge_error_name(codes[i]), meaning);
	}
}

/* ---- pages -------------------------------------------------------------------------------- */

static char *main_page(void)
{
	GString *page = g_string_new(NULL);

	append_heading(page, "", "1", "keep fleets of git repositories in sync");
	append_synopsis(page, NULL);
	append_section(page, "DESCRIPTION");
	roff_append(page,
		"forge brings forks up to date with the upstreams they follow, however many there are, "
		"and the components (tools, prompts, agents) that teams keep in repositories in and "
		"out of workspaces. What needs a person is left to one, with the commands that decide "
		"it; nothing is overwritten that was not named.\n\n"
		"Whatever happens is first written to a journal and only then done. Without a "
		"configured scheduler everything runs inside the command; with one, the same commands "
		"talk to it, and workers run the jobs.\n\n"
		"`forge help COMMAND` explains a command, and so does a page of its own: "
		"`man forge-fork-sync`.");
	append_commands(page, "");
	append_options(page, "OPTIONS OF EVERY COMMAND", commands_global_options());
	append_statuses(page);
	append_errors(page);
	append_entries(page, "FILES", files, G_N_ELEMENTS(files));
	append_entries(page, "ENVIRONMENT", environment, G_N_ELEMENTS(environment));
	append_section(page, "SEE ALSO");
	g_string_append(page, ".BR forge\\-config (5),\n.BR git (1)\n");
	return g_string_free(page, FALSE);
}

char *manual_of_command(const struct command *command)
{
	GString *page;

	if (!command)
		return main_page();
	page = g_string_new(NULL);
	append_heading(page, command->words, "1", command->summary);
	append_synopsis(page, command);
	append_section(page, "DESCRIPTION");
	roff_append(page, *command->description ? command->description : command->summary);
	if (command->handled)
		append_options(page, "OPTIONS", command->options);
	else
		append_commands(page, command->words);
	append_options(page, "OPTIONS OF EVERY COMMAND", commands_global_options());
	append_section(page, "EXIT STATUS");
	roff_append(page, "0 if all is done; what else there is says forge(1).");
	append_related(page, command);
	return g_string_free(page, FALSE);
}

char *manual_name(const struct command *command)
{
	g_autofree char *words = command ? g_strconcat("-", command->words, NULL) : g_strdup("");

	return g_strconcat("forge", g_strdelimit(words, " ", '-'), ".1", NULL);
}

static void append_key(GString *page, const struct value *row)
{
	const char *key = value_string(value_get(row, "key"));
	const char *expects = value_string(value_get(row, "expects"));
	const struct value *fallback = value_get(row, "default");
	const struct value *variable = value_get(row, "variable");
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append(text, value_string(value_get(row, "about")));
	if (strcmp(expects, "text") != 0)
		g_string_append_printf(text, "; %s", expects);
	g_string_append_c(text, '.');
	if (value_kind(fallback) == VALUE_STRING)
		g_string_append_printf(text, " Default: `%s`.", value_string(fallback));
	if (value_kind(variable) == VALUE_STRING)
		g_string_append_printf(text, " Environment: `%s`.", value_string(variable));
	append_entry(page, key, text->str);
}

char *manual_of_configuration(void)
{
	scoped(value) keys = config_keys();
	GString *page = g_string_new(NULL);

	append_heading(page, "config", "5", "configuration of forge");
	append_section(page, "SYNOPSIS");
	roff_append(page, "`$FORGE_HOME/config.yaml`, or what --config or `FORGE_CONFIG` names");
	append_section(page, "DESCRIPTION");
	roff_append(page,
		"A YAML file; `worker.jobs` is the key `jobs` in the map `worker`. Every key may be left "
		"out. Environment beats file beats default. A key that nobody knows is an error that "
		"names its line. `forge config show` shows what is in force and where it came from, "
		"`forge config validate` checks the file, `forge config set` changes it.\n\n"
		"Tokens and passwords are never in it: it names the environment variables that hold "
		"them.");
	append_section(page, "KEYS");
	for (size_t i = 0; i < value_count(keys); i++)
		append_key(page, value_at(keys, i));
	append_section(page, "EXAMPLE");
	g_string_append(page,
		".EX\n"
		"git: {username: Jane Doe, email: jane@example.com}\n"
		"hosts:\n"
		"  git.example.com:\n"
		"    clone: https://git.example.com\n"
		"    token_env: GIT_EXAMPLE_TOKEN\n"
		"worker: {jobs: 8, cache_size: 20GB}\n"
		".EE\n");
	append_section(page, "SEE ALSO");
	g_string_append(
		page, ".BR forge (1),\n.BR forge\\-config\\-set (1),\n.BR forge\\-doctor (1)\n");
	return g_string_free(page, FALSE);
}
