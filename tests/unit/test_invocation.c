/*
 * Command lines: what they are understood as, how wrong ones are answered, and that help tells of
 * everything.
 */
#include "cli/invocation.h"

#include <string.h>

#include "cli/help.h"
#include "journal/base/errors.h"

static struct invocation *parse(const char *line, GError **error)
{
	struct terminal terminal = {.color = TRUE, .columns = G_MAXUINT};
	struct invocation *invocation = invocation_new(&terminal);
	g_auto(GStrv) words = NULL;
	int count;
	g_autofree char *whole = g_strdup_printf("forge %s", line);
	g_assert_true(g_shell_parse_argv(whole, &count, &words, NULL));
	invocation_parse(invocation, count, words, error);
	return invocation;
}

static void assert_refused(const char *line, const char *part)
{
	g_autoptr(GError) error = NULL;
	scoped(invocation) invocation = parse(line, &error);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_USAGE);
	if (!strstr(error->message, part))
		g_error("`forge %s`: '%s' does not say '%s'", line, error->message, part);
	g_assert_nonnull(invocation);
}

static void wrong_lines_are_refused_and_say_what_is_meant(void)
{
	static const char *const cases[][2] = {
		{"frok list", "did you mean `forge fork`?"},
		{"fork lst", "did you mean `forge fork list`?"},
		{"fork xyzzy", "no command `forge fork xyzzy`"},
		{"fork sync --dry-rnu a", "did you mean --dry-run?"},
		{"fork list --formta json", "did you mean --format?"},
		{"--bogus fork list", "unknown option --bogus"},
		{"fork list --format xml", "expected table, json, yaml or jsonl"},
		{"fork sync --jobs many a", "--jobs: expected a whole number"},
		{"fork sync --jobs -1 a", "--jobs: expected a whole number"},
		{"fork sync --jobs 99999999999999999999 a", "--jobs: expected a whole number"},
		{"fork add", "needs NAME"},
		{"queue pause now", "does not take the argument 'now'"},
		{"batch show a b", "does not take the argument 'b'"},
		{"fork sync --strategy", "missing argument for --strategy"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_refused(cases[i][0], cases[i][1]);
}

static void bytes_that_are_not_text_are_refused(void)
{
	struct terminal terminal = {0};
	char *argument[] = {(char *)"forge", (char *)"fork", (char *)"sync", (char *)"\xff", NULL};
	char *option[] = {(char *)"forge", (char *)"fork", (char *)"sync", (char *)"--branch",
		(char *)"a\xff", (char *)"x", NULL};
	g_autoptr(GError) first = NULL;
	scoped(invocation) one = invocation_new(&terminal);
	g_assert_false(invocation_parse(one, 4, argument, &first));
	g_assert_error(first, FORGE_ERROR, FORGE_ERROR_USAGE);
	g_autoptr(GError) second = NULL;
	scoped(invocation) two = invocation_new(&terminal);
	g_assert_false(invocation_parse(two, 6, option, &second));
	g_assert_error(second, FORGE_ERROR, FORGE_ERROR_USAGE);
}

static void global_options_stand_anywhere(void)
{
	static const char *const lines[] = {
		"--format json fork list a b",
		"fork --format json list a b",
		"fork list --format=json a b",
		"fork list a --format json b",
		"fork list a b --format json",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autoptr(GError) error = NULL;
		scoped(invocation) invocation = parse(lines[i], &error);
		g_assert_no_error(error);
		g_assert_cmpstr(invocation->words, ==, "fork list");
		g_assert_cmpint(invocation->format, ==, OUTPUT_JSON);
		g_assert_cmpuint(invocation->argument_count, ==, 2);
		g_assert_cmpstr(invocation->arguments[1], ==, "b");
	}
}

static void options_of_a_command_are_kept_with_their_values(void)
{
	g_autoptr(GError) error = NULL;
	scoped(invocation) invocation = parse("fork sync -n -b main --branch 'r/*' -j 3 --quiet "
					      "-s merge --strategy overwrite --no-color x",
		&error);
	g_assert_no_error(error);
	g_assert_true(invocation_flag(invocation, "dry-run"));
	g_assert_false(invocation_flag(invocation, "all"));
	char **branches = invocation_list(invocation, "branch");
	g_assert_cmpuint(g_strv_length(branches), ==, 2);
	g_assert_cmpstr(branches[1], ==, "r/*");
	g_assert_cmpuint(invocation_number(invocation, "jobs", 0), ==, 3);
	g_assert_cmpstr(invocation_text(invocation, "strategy"), ==, "overwrite");
	g_assert_true(invocation->quiet);
	g_assert_false(invocation->terminal.color);
	g_assert_cmpstr(invocation->arguments[0], ==, "x");
}

static void two_dashes_end_the_options(void)
{
	g_autoptr(GError) error = NULL;
	scoped(invocation) invocation = parse("fork remove -- --all", &error);
	g_assert_no_error(error);
	g_assert_cmpuint(invocation->argument_count, ==, 1);
	g_assert_cmpstr(invocation->arguments[0], ==, "--all");
}

static void numbers_have_bounds(void)
{
	g_autoptr(GError) error = NULL;
	scoped(invocation) invocation = parse("fork sync x --jobs 300", NULL);
	uint64_t jobs = 7;
	g_assert_false(invocation_number_within(invocation, "jobs", 0, 256, &jobs, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_USAGE);
	g_assert_cmpuint(jobs, ==, 7);
	g_assert_true(invocation_number_within(invocation, "jobs", 0, 300, &jobs, NULL));
	g_assert_cmpuint(jobs, ==, 300);
}

static void an_error_is_shown_in_the_format_that_was_asked_for(void)
{
	g_autoptr(GError) error = NULL;
	scoped(invocation) invocation = parse("frok --format json", &error);
	g_assert_nonnull(error);
	g_assert_cmpint(invocation->format, ==, OUTPUT_JSON);
}

static void help_needs_no_arguments_and_no_command(void)
{
	static const struct {
		const char *line;
		const char *words;
	} cases[] = {{"--help", ""}, {"fork --help", "fork"}, {"fork add --help", "fork add"},
		{"--help fork sync", "fork sync"}, {"", ""}, {"fork", "fork"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		scoped(invocation) invocation = parse(cases[i].line, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(invocation->words, ==, cases[i].words);
		g_assert_cmpint(invocation->help, ==, strstr(cases[i].line, "--help") != NULL);
	}
}

static void assert_lines_fit(const char *text, guint columns)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (text_columns(*line) > columns)
			g_error("wider than %u columns: %s", columns, *line);
}

static void help_of_every_command_is_complete_and_fits(void)
{
	size_t count;
	const struct command *table = commands_table(&count);
	for (size_t i = 0; i < count; i++) {
		g_autofree char *help = help_text(table[i].words, 80);
		assert_lines_fit(help, 80);
		g_assert_nonnull(strstr(help, table[i].summary));
		g_assert_nonnull(strstr(help, "--format"));
		if (!table[i].handled)
			continue;
		g_assert_true(*table[i].description != '\0');
		for (const struct command_option *option = table[i].options; option->name;
			option++) {
			g_autofree char *shown = g_strdup_printf("--%s", option->name);
			g_assert_cmpint(option->help != NULL, ==, strstr(help, shown) != NULL);
		}
	}
}

static void assert_choices_are_in_help(const struct command_option *options)
{
	for (; options && options->name; options++) {
		g_auto(GStrv)
			choices = g_strsplit(options->choices ? options->choices : "", "|", -1);

		for (char **choice = choices; options->help && *choice; choice++)
			g_assert_nonnull(strstr(options->help, *choice));
	}
}

/* What a shell offers is what a person is told. */
static void choices_of_an_option_are_those_its_help_names(void)
{
	size_t count;
	const struct command *table = commands_table(&count);

	assert_choices_are_in_help(commands_global_options());
	for (size_t i = 0; i < count; i++)
		if (table[i].handled && !g_str_has_prefix(table[i].words, "job submit"))
			assert_choices_are_in_help(table[i].options);
}

static void every_command_stands_below_a_group_of_the_table(void)
{
	size_t count;
	const struct command *table = commands_table(&count);
	g_autofree char *top = help_text("", 80);
	for (size_t i = 0; i < count; i++) {
		const char *space = strrchr(table[i].words, ' ');
		g_autofree char *parent = space
			? g_strndup(table[i].words, (gsize)(space - table[i].words))
			: NULL;
		if (parent)
			g_assert_nonnull(commands_find(parent));
		else
			g_assert_nonnull(strstr(top, table[i].words));
		g_assert_true(commands_find(table[i].words) == &table[i]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/invocation/" #name, name)
	CLAIM(wrong_lines_are_refused_and_say_what_is_meant);
	CLAIM(bytes_that_are_not_text_are_refused);
	CLAIM(global_options_stand_anywhere);
	CLAIM(options_of_a_command_are_kept_with_their_values);
	CLAIM(two_dashes_end_the_options);
	CLAIM(numbers_have_bounds);
	CLAIM(an_error_is_shown_in_the_format_that_was_asked_for);
	CLAIM(help_needs_no_arguments_and_no_command);
	CLAIM(help_of_every_command_is_complete_and_fits);
	CLAIM(choices_of_an_option_are_those_its_help_names);
	CLAIM(every_command_stands_below_a_group_of_the_table);
	return g_test_run();
}
