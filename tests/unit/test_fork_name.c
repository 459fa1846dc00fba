/*
 * Names and addresses of forks, checked before they are registered.
 */
#include "cli/fork_name.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

static void only_plain_names_are_taken(void)
{
	static const struct {
		const char *name;
		gboolean good;
	} cases[] = {{"my-crm-tools", TRUE}, {"a", TRUE}, {"9.x_y-z", TRUE}, {"", FALSE},
		{"-a", FALSE}, {".a", FALSE}, {"../up", FALSE}, {"a/b", FALSE}, {"a b", FALSE},
		{"ä", FALSE}, {"a\n", FALSE}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_cmpint(fork_name_check(cases[i].name, &error), ==, cases[i].good);
		if (!cases[i].good)
			g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	}
	g_autofree char *longest = g_strnfill(LIMIT_NAME_BYTES, 'a');
	g_autofree char *longer = g_strnfill(LIMIT_NAME_BYTES + 1, 'a');
	g_assert_true(fork_name_check(longest, NULL));
	g_assert_false(fork_name_check(longer, NULL));
}

static void addresses_are_kept_as_they_are_written(void)
{
	static const char *const cases[] = {"github.com/company/crm-tools",
		"https://git.example/o/n.git", "git@git.example:o/n", "ssh://jane@git.example/o/n",
		"file:///srv/git/n.git", "/srv/git/n.git", "https://jane@git.example/o/n"};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *kept = fork_name_repository("fork", cases[i], NULL);
		g_assert_cmpstr(kept, ==, cases[i]);
	}
}

static void relative_paths_become_absolute(void)
{
	g_autofree char *here = g_get_current_dir();
	g_autofree char *expected = g_build_filename(here, "x.git", NULL);
	g_autofree char *path = fork_name_repository("fork", "./a/../x.git", NULL);
	g_assert_cmpstr(path, ==, expected);
	g_autofree char *folder = fork_name_repository("fork", "tests/unit", NULL);
	g_assert_true(g_path_is_absolute(folder));
}

static void addresses_that_would_do_harm_are_refused(void)
{
	static const char *const cases[] = {"", "-oProxyCommand=x", "a\nb", "https://h/\033[2J",
		"https://jane:secret@git.example/o/n"};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(fork_name_repository("fork", cases[i], &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
		g_assert_null(strstr(error->message, "secret"));
	}
	g_autofree char *endless = g_strnfill(LIMIT_URL_BYTES + 1, 'a');
	g_assert_null(fork_name_repository("fork", endless, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CLAIM(name) g_test_add_func("/fork_name/" #name, name)
	CLAIM(only_plain_names_are_taken);
	CLAIM(addresses_are_kept_as_they_are_written);
	CLAIM(relative_paths_become_absolute);
	CLAIM(addresses_that_would_do_harm_are_refused);
	return g_test_run();
}
