#ifndef FORGE_TESTS_UNIT_SANDBOX_H
#define FORGE_TESTS_UNIT_SANDBOX_H

/* For tests that run git and servers for real: a home of their own, shell commands that must
 * succeed. */

#include <glib.h>

#include "journal/base/clock.h"
#include "worker/git/budget.h"

/** Output of the shell script COMMAND in FOLDER, which must succeed, without its last line break.
 * Caller frees. */
static inline char *sandbox_run(const char *folder, const char *command)
{
	const char *const arguments[] = {"sh", "-ec", command, NULL};
	g_autoptr(GError) error = NULL;
	g_autofree char *complaint = NULL;
	char *output = NULL;
	int status = 0;

	g_spawn_sync(folder, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
		&complaint, &status, &error);
	g_assert_no_error(error);
	if (!g_spawn_check_wait_status(status, NULL))
		g_error("%s: %s%s", command, output, complaint);
	return g_strchomp(output);
}

/** A new home with git's least configuration, set as HOME. Caller removes it with sandbox_remove().
 */
static inline char *sandbox_home(void)
{
	char *home = g_dir_make_tmp("forge-home-XXXXXX", NULL);

	g_setenv("HOME", home, TRUE);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_unsetenv("GIT_SSH");
	g_unsetenv("GIT_SSH_COMMAND");
	g_unsetenv("GIT_ASKPASS");
	g_free(sandbox_run(home,
		"git config --global user.name T; git config --global user.email t@example.org;"
		"git config --global init.defaultBranch main"));
	return home;
}

static inline void sandbox_remove(char *take_folder)
{
	g_autofree char *folder = take_folder;
	g_autofree char *quoted = g_shell_quote(folder);
	g_autofree char *command = g_strconcat("rm -rf ", quoted, NULL);

	g_free(sandbox_run("/", command));
}

/** A budget that no test uses up unless it says so. */
static inline struct budget sandbox_budget(void)
{
	return (struct budget){
		.deadline_ms = clock_now().monotonic_ms + 120000,
		.connect_ms = 10000,
		.low_speed_ms = 30000,
		.pack_bytes_max = 1 << 30,
	};
}

#endif
