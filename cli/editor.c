/*
 * The user's editor as a child that keeps the terminal: unlike the children that jobs start it stays
 * in this process group and inherits the three streams. As in git the variable is a command for the
 * shell, so it may hold options.
 */
#include "cli/editor.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/errors.h"

extern char **environ;

static const char *command_of(void)
{
	static const char *const variables[] = {"VISUAL", "EDITOR"};

	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
		const char *command = g_getenv(variables[i]);

		if (command && *command)
			return command;
	}
	return isatty(STDIN_FILENO) ? "vi" : NULL;
}

static int start(const char *command, const char *file, pid_t *child)
{
	g_autofree char *script = g_strconcat(command, " \"$@\"", NULL);
	char *const arguments[] = {
		(char *)"sh", (char *)"-c", script, (char *)command, (char *)file, NULL};
	posix_spawnattr_t attributes;
	sigset_t set;
	int failure;

	posix_spawnattr_init(&attributes);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attributes, &set);
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attributes, &set);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	failure = posix_spawn(child, "/bin/sh", NULL, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	return failure;
}

static gboolean wait_for(pid_t child, const char *command, GError **error)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED,
		"the editor '%s' ended with %s %d; the file stays as it left it", command,
		WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return FALSE;
}

gboolean editor_run(const char *file, GError **error)
{
	const char *command = command_of();
	struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
	pid_t child;
	int failure;
	gboolean done;

	if (!command) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"there is no editor: set VISUAL or EDITOR");
		return FALSE;
	}
	sigaction(SIGINT, &ignore, &interrupt);
	sigaction(SIGQUIT, &ignore, &quit);
	failure = start(command, file, &child);
	if (failure != 0)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED,
			"the editor '%s' cannot be started: %s", command, g_strerror(failure));
	done = failure == 0 && wait_for(child, command, error);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGQUIT, &quit, NULL);
	return done;
}
