/* `.gitignore`: what git itself says about the same lists and paths. */
#include "worker/workspace/ignore_rules.h"

#include <string.h>

#include "journal/base/limits.h"
#include "tests/unit/sandbox.h"
#include "worker/workspace/glob_pattern.h"

static const char *const lists[] = {"foo", "foo/", "/foo", "foo/bar", "/foo/bar", "*.o",
	"*.o\n!a.o", "!a.o\n*.o", "**/foo", "foo/**", "foo/**/bar", "**", "*", "a*", "*a", "*a*",
	"a**", "a**/b", "a/**b", "**/b", "/**", "/*\n!/foo", "foo/*", "foo/*\n!foo/bar", "f?o", "?",
	"??", "f[aeo]o", "f[!a]o", "f[^a]o", "f[a-z]o", "[", "[a", "a[", "foo[", "[]a]", "[]-a]",
	"[a-]", "[!]a-]", "[[:alpha:]]*", "[[:digit:]]", "[[:bogus:]]", "[[:alpha:]",
	"[a[:digit:]b]", "\\#x", "#x", "\\!x", "!x", "x ", "x\\ ", "x\\  ", "x  # no comment",
	"foo\r", "foo\r\nbar\r\n",
	"\xef\xbb\xbf"
	"foo",
	"foo\\", "\\foo", "fo\\o", "\\*", "*\\*", "foo\\/bar", "foo//bar", "/", "//", "!", "!\n",
	"!/", "foo/*/bar", "foo/*bar", "*/foo", "*/*", "**/*", "*/**", "**/**", "***", "foo/***",
	"***/foo", "a/**/**/b", "**/a/**/b", "foo**bar", "foo/**bar/x", ".*", "*.*", "/*.o",
	"d/*.o", "*o/", "**/d/", " foo", "foo\tbar", "\xc3\xa9", "[\xc3\xa9]", "?\xa9", "*/\nfoo",
	"[a-c-e]", "[--0]", "[a\\-z]", "[\\]]", "a\\?b", "foo/\n!foo/bar",
	"d/**\n!d/**/\n!d/**/keep", "x\n\n\ny", "   ", "[/]", "a[/]b", "foo[/]bar", "[!a]foo", "*?",
	"?*b", "*a*a*", "a*/b", "[z-a]", "[[a]", "[[]", "[[:a]", "[[:]]"};

/* Each is asked about as a file and as a directory. */
static const char *const paths[] = {"foo", "foo/bar", "d/foo", "d/foo/bar", "d/e/foo", "a.o", "b.o",
	"d/a.o", "d/e/b.o", "a", "a/b", "a/x/b", "a/x/y/b", "ab", "abb", "axb", "a/xb", "a/x/yb",
	"b", "d/b", "fao", "f/o", "fzo", "fAo", "[", "[a", "]", "-", "!", "#x", "!x", "x", "x ",
	"x  ", "x  # no comment", "foo\r", "fo\\o", "foo\\", "*", "a*", "d/keep", "d/e/keep", "d/e",
	".x", ".x", "d/.x", "foo\tbar", " foo", "\xc3\xa9", "\xff", "5", "d/5", "foobar",
	"foo/xbar/x", "foo/y/bar", "foo/x/y/bar", "fooxbar", "y", "y", "0", "a?b", "a-", "e",
	"foo/ x", "aXfoo", "a/foo/b", "x/a/y/b", "baab", "baa"};

/* Lists and paths of random pieces of what matters. */
static char *random_text(GRand *random, const char *const *pieces, gint count, gint length_max)
{
	GString *text = g_string_new(NULL);

	for (gint left = g_rand_int_range(random, 1, length_max + 1); left > 0; left--)
		g_string_append(text, pieces[g_rand_int_range(random, 0, count)]);
	return g_string_free(text, FALSE);
}

/* Output of git check-ignore for PATHS with LIST as the top's `.gitignore`, one verdict a path. */
static GPtrArray *ask_git(const char *folder, const char *list, GPtrArray *asked)
{
	g_autofree char *rules = g_build_filename(folder, ".gitignore", NULL);
	g_autofree char *questions = g_build_filename(folder, "questions", NULL);
	g_autofree char *answers = g_build_filename(folder, "answers", NULL);
	g_autoptr(GByteArray) input = g_byte_array_new();
	g_autofree char *output = NULL;
	GPtrArray *verdicts = g_ptr_array_new_with_free_func(g_free);
	gsize size;

	for (guint i = 0; i < asked->len; i++)
		g_byte_array_append(input, asked->pdata[i], (guint)strlen(asked->pdata[i]) + 1);
	g_assert_true(g_file_set_contents(rules, list, -1, NULL));
	g_assert_true(
		g_file_set_contents(questions, (char *)input->data, (gssize)input->len, NULL));
	g_free(sandbox_run(folder,
		"git check-ignore --no-index -v -n -z --stdin <questions "
		">answers || test $? = 1"));
	g_assert_true(g_file_get_contents(answers, &output, &size, NULL));
	/* source NUL line NUL pattern NUL path NUL */
	for (const char *at = output; at < output + size;) {
		const char *line = at + strlen(at) + 1;
		const char *pattern = line + strlen(line) + 1;
		const char *path = pattern + strlen(pattern) + 1;

		g_ptr_array_add(
			verdicts, g_strdup(*at == '\0' || *pattern == '!' ? "counts" : "ignored"));
		at = path + strlen(path) + 1;
	}
	g_assert_cmpuint(verdicts->len, ==, asked->len);
	return verdicts;
}

/* As a walk would: a path below an ignored directory is ignored. */
static gboolean is_ignored(
	const struct ignore_rules *rules, const char *path, gboolean is_directory)
{
	g_autofree char *copy = g_strdup(path);

	for (char *slash = strchr(copy, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		gboolean ignored = ignore_rules_match(rules, copy, TRUE);
		*slash = '/';
		if (ignored)
			return TRUE;
	}
	return ignore_rules_match(rules, copy, is_directory);
}

static void compare(
	const char *folder, const char *list, GPtrArray *asked, gboolean are_directories)
{
	gboolean too_many;
	g_autoptr(GPtrArray) verdicts = ask_git(folder, list, asked);
	scoped(ignore_rules) rules = ignore_rules_new(NULL, "", list, strlen(list), &too_many);

	for (guint i = 0; i < asked->len; i++) {
		gboolean ignored = is_ignored(rules, asked->pdata[i], are_directories);

		if (strcmp(ignored ? "ignored" : "counts", verdicts->pdata[i]) != 0)
			g_error("%s '%s' with the list '%s': git says %s",
				are_directories ? "directory" : "file", (char *)asked->pdata[i],
				list, (char *)verdicts->pdata[i]);
	}
}

/* As files in a repository where nothing is, and as directories in one where all are. */
static void compare_both(const char *home, const char *list, GPtrArray *asked)
{
	g_autofree char *files = g_build_filename(home, "files", NULL);
	g_autofree char *directories = g_build_filename(home, "directories", NULL);

	for (guint i = 0; i < asked->len; i++) {
		g_autofree char *path = g_build_filename(directories, asked->pdata[i], NULL);

		g_assert_cmpint(g_mkdir_with_parents(path, 0777), ==, 0);
	}
	compare(files, list, asked, FALSE);
	compare(directories, list, asked, TRUE);
}

static char *new_repositories(void)
{
	char *home = sandbox_home();

	g_free(sandbox_run(home, "git init -q files; git init -q directories"));
	return home;
}

static void every_rule_means_what_git_says(void)
{
	char *folder = new_repositories();
	g_autoptr(GPtrArray) asked = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		g_ptr_array_add(asked, (gpointer)paths[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		compare_both(folder, lists[i], asked);
	sandbox_remove(folder);
}

static void random_lists_mean_what_git_says(void)
{
	static const char *const list_pieces[] = {"a", "b", "c", "/", "/", "*", "*", "**", "**/",
		"/**", "?", "[ab]", "[!a]", "\\", "!", "\n", "\n", "\n!", " ", "[", "]", "-", "#",
		"\n/", ".", "/\n"};
	static const char *const path_pieces[] = {
		"a", "b", "c", "a/", "b/", "c/", "ab", ".", "-", "]", "!", "d", " "};
	char *folder = new_repositories();
	GRand *random = g_rand_new_with_seed(20260301);

	for (int round = 0; round < 60; round++) {
		g_autoptr(GPtrArray) asked = g_ptr_array_new_with_free_func(g_free);
		g_autofree char *list = random_text(
			random, list_pieces, G_N_ELEMENTS(list_pieces), 14);

		while (asked->len < 60) {
			char *path = random_text(random, path_pieces, G_N_ELEMENTS(path_pieces), 6);

			if (g_str_has_suffix(path, "/"))
				path[strlen(path) - 1] = '\0';
			/* git would take these for other paths. */
			if (path[0] == '.' || strstr(path, "/.") != NULL || path[0] == '/')
				g_free(path);
			else
				g_ptr_array_add(asked, path);
		}
		compare_both(folder, list, asked);
	}
	g_rand_free(random);
	sandbox_remove(folder);
}

static void a_list_below_comes_before_those_above(void)
{
	gboolean too_many;
	scoped(ignore_rules) top = ignore_rules_new(NULL, "", "*.o\n/x\n", 7, &too_many);
	scoped(ignore_rules) below = ignore_rules_new(top, "d", "!a.o\n/x\n", 8, &too_many);

	g_assert_false(ignore_rules_match(below, "d/a.o", FALSE));
	g_assert_true(ignore_rules_match(below, "d/b.o", FALSE));
	g_assert_true(ignore_rules_match(below, "d/x", FALSE));
	g_assert_false(ignore_rules_match(below, "d/e/x", FALSE));
	g_assert_true(ignore_rules_match(top, "x", FALSE));
	g_assert_false(ignore_rules_match(NULL, "x", FALSE));
}

/* A matcher that tries every length of each star would never come back. */
static void a_pattern_made_to_hurt_takes_no_longer(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *path = g_strnfill(4000, 'a');

	for (int i = 0; i < 100; i++)
		g_string_append(text, "*a");
	g_string_append(text, "b");
	scoped(glob_pattern) stars = glob_pattern_new(text->str, text->len);
	g_assert_false(glob_pattern_matches(stars, path));
	g_string_truncate(text, 0);
	for (int i = 0; i < 100; i++)
		g_string_append(text, "**/a/");
	g_string_append(text, "b");
	for (int i = 0; i < 3999; i += 2)
		path[i + 1] = '/';
	scoped(glob_pattern) folders = glob_pattern_new(text->str, text->len);
	g_assert_false(glob_pattern_matches(folders, path));
}

static void patterns_without_end_are_told(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	gboolean too_many = FALSE;

	for (int i = 0; i <= LIMIT_IGNORE_PATTERNS; i++)
		g_string_append(text, "x\n");
	ignore_rules_free(ignore_rules_new(NULL, "", text->str, text->len, &too_many));
	g_assert_true(too_many);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/ignore_rules/every_rule_means_what_git_says", every_rule_means_what_git_says);
	g_test_add_func(
		"/ignore_rules/random_lists_mean_what_git_says", random_lists_mean_what_git_says);
	g_test_add_func("/ignore_rules/a_list_below_comes_before_those_above",
		a_list_below_comes_before_those_above);
	g_test_add_func("/ignore_rules/a_pattern_made_to_hurt_takes_no_longer",
		a_pattern_made_to_hurt_takes_no_longer);
	g_test_add_func(
		"/ignore_rules/patterns_without_end_are_told", patterns_without_end_are_told);
	return g_test_run();
}
