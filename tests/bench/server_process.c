/*
 * Servers as processes of their own, each in a folder of its own: forge's scheduler, and those that
 * it is compared with where they are installed. They listen on Unix sockets alone.
 */
#include "tests/bench/server_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/removal.h"

struct server_process *server_process_new(const char *name)
{
	struct server_process *server = g_new0(struct server_process, 1);
	g_autofree char *template = g_strdup_printf("bench-%s-XXXXXX", name);

	server->folder = g_dir_make_tmp(template, NULL);
	g_assert_nonnull(server->folder);
	server->socket = g_build_filename(server->folder, "s", NULL);
	return server;
}

void server_process_start(
	struct server_process *server, const char *const *command, const char *const *environment)
{
	g_auto(GStrv) variables = g_get_environ();
	g_autoptr(GError) error = NULL;
	GPid pid;

	for (; environment && *environment; environment++) {
		g_auto(GStrv) pair = g_strsplit(*environment, "=", 2);

		variables = g_environ_setenv(variables, pair[0], pair[1], TRUE);
	}
	g_spawn_async(server->folder, (char **)command, variables,
		G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
			G_SPAWN_STDERR_TO_DEV_NULL,
		NULL, NULL, &pid, &error);
	g_assert_no_error(error);
	server->pid = pid;
}

static gboolean is_accepting(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	gboolean accepting;

	g_assert_cmpuint(strlen(path), <, sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	accepting = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(descriptor);
	return accepting;
}

void server_process_await(struct server_process *server)
{
	while (!is_accepting(server->socket)) {
		g_assert_cmpint(waitpid(server->pid, NULL, WNOHANG), ==, 0);
		g_usleep(1000);
	}
}

void server_process_end(struct server_process *server, int signal)
{
	kill(server->pid, signal);
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	server->pid = 0;
}

double server_process_rss(const struct server_process *server)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)server->pid);
	g_autofree char *text = NULL;
	const char *line;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	line = strstr(text, "VmRSS:");
	g_assert_nonnull(line);
	return g_ascii_strtod(line + strlen("VmRSS:"), NULL) * 1024;
}

double server_process_cpu_ns(const struct server_process *server)
{
	g_autofree char *path = g_strdup_printf(
		"/proc/%d/task/%d/schedstat", (int)server->pid, (int)server->pid);
	g_autofree char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return g_ascii_strtod(text, NULL);
}

void server_process_free(struct server_process *server)
{
	if (!server)
		return;
	if (server->pid)
		server_process_end(server, SIGTERM);
	remove_all(server->folder);
	g_free(server->socket);
	g_free(server->folder);
	g_free(server);
}

void server_process_start_forge_at(
	struct server_process *server, const char *endpoint, const char *server_key)
{
	const char *forge = g_getenv("FORGE");
	g_autofree char *binary = g_canonicalize_filename(forge ? forge : "build/forge", NULL);
	const char *const command[] = {binary, "scheduler", NULL};
	g_autofree char *home = g_strconcat("FORGE_HOME=", server->folder, NULL);
	g_autofree char *address = g_strconcat("FORGE_SCHEDULER_ENDPOINT=", endpoint, NULL);
	g_autofree char *key = g_strconcat("FORGE_SCHEDULER_SERVER_KEY=", server_key, NULL);
	const char *const environment[] = {home, address, server_key ? key : NULL, NULL};

	server_process_start(server, command, environment);
}

void server_process_start_forge(struct server_process *server)
{
	g_autofree char *endpoint = g_strconcat("ipc://", server->socket, NULL);

	server_process_start_forge_at(server, endpoint, NULL);
}

struct server_process *server_process_forge(void)
{
	struct server_process *server = server_process_new("forge");

	server_process_start_forge(server);
	return server;
}

static gboolean is_installed(const char *program)
{
	g_autofree char *path = g_find_program_in_path(program);

	if (!path)
		fprintf(stderr, "%s is not installed: not compared with it\n", program);
	return path != NULL;
}

struct server_process *server_process_redis(void)
{
	struct server_process *server;

	if (!is_installed("redis-server"))
		return NULL;
	server = server_process_new("redis");
	const char *const command[] = {"redis-server", "--port", "0", "--unixsocket",
		server->socket, "--dir", server->folder, "--appendonly", "yes", "--appendfsync",
		"always", "--save", "", "--auto-aof-rewrite-percentage", "0", "--daemonize", "no",
		NULL};
	server_process_start(server, command, NULL);
	server_process_await(server);
	return server;
}

struct server_process *server_process_beanstalkd(void)
{
	struct server_process *server;
	g_autofree char *address = NULL;

	if (!is_installed("beanstalkd"))
		return NULL;
	server = server_process_new("beanstalkd");
	address = g_strconcat("unix:", server->socket, NULL);
	const char *const command[] = {
		"beanstalkd", "-l", address, "-b", server->folder, "-f0", NULL};
	server_process_start(server, command, NULL);
	server_process_await(server);
	return server;
}
