/*
 * The user's editor, on the user's terminal.
 *
 * It is the one program that gets forge's own standard input and output, its process group and its
 * whole environment: it is the user's, started by the user's command. The command is a shell's, as
 * git takes it (`code --wait`). While it runs, Ctrl-C is the editor's and not ours.
 */
#include "cli/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

#define STATUS_NOT_FOUND 127 /* the shell's word for a command that is not there */

static const char *editor_command(void)
{
	static const char *const names[] = {"VISUAL", "EDITOR"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *command = g_getenv(names[i]);

		if (command && *command)
			return command;
	}
	return isatty(STDIN_FILENO) ? "vi" : NULL;
}

static int spawn(const char *script, const char *path, pid_t *pid)
{
	const char *const arguments[] = {"sh", "-c", script, "sh", path, NULL};
	g_auto(GStrv) environment = g_get_environ();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, every;
	int status;

	sigemptyset(&none);
	sigfillset(&every);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &every);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	status = posix_spawnp(
		pid, "sh", &actions, &attributes, (char *const *)arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return status;
}

static gboolean wait_for(pid_t child, const char *command, GError **error)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NOT_FOUND) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED, "the editor '%s' was not found",
			command);
		return FALSE;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED, "the editor '%s' ended with %s %d",
		command, WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return FALSE;
}

gboolean editor_run(const char *file, GError **error)
{
	const char *command = editor_command();
	g_autofree char *script = command ? g_strconcat(command, " \"$@\"", NULL) : NULL;
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction interrupt, quit;
	gboolean done;
	pid_t child;
	int failure;

	if (!command) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"there is no editor: set VISUAL or EDITOR");
		return FALSE;
	}
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGINT, &ignore, &interrupt);
	sigaction(SIGQUIT, &ignore, &quit);
	failure = spawn(script, file, &child);
	if (failure != 0)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED,
			"the editor '%s' cannot be started: %s", command, g_strerror(failure));
	done = failure == 0 && wait_for(child, command, error);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGQUIT, &quit, NULL);
	return done;
}

static gboolean fail(GError **error, const char *what)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE,
		"no temporary file for the editor: %s", what);
	return FALSE;
}

static gboolean write_file(const char *path, GBytes *text, GError **error)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	gsize size, done = 0;
	const char *data = g_bytes_get_data(text, &size);
	ssize_t written = 1;

	if (file < 0)
		return fail(error, g_strerror(errno));
	while (done < size && written > 0) {
		written = write(file, data + done, size - done);
		if (written > 0)
			done += (gsize)written;
		else if (written < 0 && errno == EINTR)
			written = 1;
	}
	if (close(file) != 0 || done < size)
		return fail(error, g_strerror(errno));
	return TRUE;
}

static GBytes *read_file(const char *path, GError **error)
{
	g_autoptr(GError) problem = NULL;
	GStatBuf status;
	char *data;
	gsize size;

	if (g_stat(path, &status) == 0 && status.st_size > LIMIT_MERGE_BLOB_BYTES) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
			"the edited file is larger than %d bytes", LIMIT_MERGE_BLOB_BYTES);
		return NULL;
	}
	if (g_file_get_contents(path, &data, &size, &problem))
		return g_bytes_new_take(data, size);
	fail(error, problem->message);
	return NULL;
}

GBytes *editor_edit(const char *name, GBytes *text, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *folder = g_dir_make_tmp("forge-edit-XXXXXX", &problem);
	g_autofree char *base = g_path_get_basename(name);
	g_autofree char *path = NULL;
	GBytes *edited = NULL;

	if (!folder) {
		fail(error, problem->message);
		return NULL;
	}
	path = g_build_filename(folder, base, NULL);
	if (write_file(path, text, error) && editor_run(path, error))
		edited = read_file(path, error);
	g_unlink(path);
	g_rmdir(folder);
	return edited;
}
