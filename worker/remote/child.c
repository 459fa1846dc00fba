/*
 * The one place that starts programs: ssh, git's two servers for paths, git's credential helpers.
 *
 * A child must not outlive its job nor hold anything of ours: it gets its own process group (so
 * that what it starts ends with it), no descriptor but its three, and an environment made from a
 * list of names. GIT_DIR and the like, with which git would look at another repository, are not on
 * the list; nor is LANGUAGE, for the words of git and ssh are read by verdict.c. Every wait is a
 * poll of at most LIMIT_POLL_MS, between which the budget is asked.
 *
 * The input is a socket, not a pipe: a write to a child that has gone away is then an error for
 * this thread instead of a SIGPIPE for the process.
 */
#include "worker/remote/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"

struct child {
	pid_t pid;
	int process; /* pidfd: readable once the child has exited */
	int input;
	int output;
	int complaints;
	gboolean reaped;
	int exit_status;
	int64_t moved_ms; /* monotonic; when bytes last went in or out */
	GString *complaint;
	struct budget *budget;
};

static const char *const inherited_names[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TZ",
	"TMPDIR", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "KRB5CCNAME",
	"GNUPGHOME", "PASSWORD_STORE_DIR", "GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND",
	"GIT_SSH_VARIANT", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
	"GIT_CONFIG_NOSYSTEM", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
	"no_proxy", "NO_PROXY"};
static const char *const inherited_prefixes[] = {"XDG_", "SSH_AUTH_", "SSH_AGENT_"};

static gboolean is_inherited(const char *entry)
{
	size_t name_length = strcspn(entry, "=");

	for (size_t i = 0; i < G_N_ELEMENTS(inherited_names); i++)
		if (strlen(inherited_names[i]) == name_length &&
			strncmp(inherited_names[i], entry, name_length) == 0)
			return TRUE;
	for (size_t i = 0; i < G_N_ELEMENTS(inherited_prefixes); i++)
		if (g_str_has_prefix(entry, inherited_prefixes[i]))
			return TRUE;
	return FALSE;
}

static char **clean_environment(void)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	for (char **entry = environ; *entry; entry++)
		if (is_inherited(*entry))
			g_strv_builder_add(builder, *entry);
	/* Nobody sits before a worker: a question is an error. The C locale keeps error texts
	 * readable for verdict.c. */
	g_strv_builder_add(builder, "GIT_TERMINAL_PROMPT=0");
	g_strv_builder_add(builder, "LC_ALL=C");
	return g_strv_builder_end(builder);
}

static void close_descriptor(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

/* Both ends of the three streams; ours first, the child's second. */
struct streams {
	int input[2];
	int output[2];
	int complaints[2];
};

static gboolean open_streams(struct streams *streams)
{
	*streams = (struct streams){{-1, -1}, {-1, -1}, {-1, -1}};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, streams->input) < 0 ||
		pipe2(streams->output, O_CLOEXEC) < 0 || pipe2(streams->complaints, O_CLOEXEC) < 0)
		return FALSE;
	/* Polled before every use; these only make sure that a wrong wake-up cannot block the
	 * thread. */
	return fcntl(streams->output[0], F_SETFL, O_NONBLOCK) == 0 &&
		fcntl(streams->complaints[0], F_SETFL, O_NONBLOCK) == 0;
}

static void close_streams(struct streams *streams)
{
	for (int end = 0; end < 2; end++) {
		close_descriptor(&streams->input[end]);
		close_descriptor(&streams->output[end]);
		close_descriptor(&streams->complaints[end]);
	}
}

static int spawn(pid_t *pid, const char *const *arguments, char *const *environment,
	const struct streams *streams)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, every;
	int status;

	sigemptyset(&none);
	sigfillset(&every);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &every);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, streams->input[1], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, streams->output[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, streams->complaints[1], STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	status = posix_spawnp(
		pid, arguments[0], &actions, &attributes, (char *const *)arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return status;
}

/* A child whose end could not be noticed would be taken for one that hangs: it is ended at once. */
static int watch(pid_t pid, int *process)
{
	int status;

	*process = pidfd_open(pid, 0);
	if (*process >= 0)
		return 0;
	status = errno;
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return status;
}

struct child *child_new(const char *const *arguments, struct budget *budget, GError **error)
{
	g_auto(GStrv) environment = clean_environment();
	struct streams streams;
	struct child *child;
	pid_t pid = 0;
	int status, process = -1;

	if (!budget_check(budget, error))
		return NULL;
	status = open_streams(&streams) ? spawn(&pid, arguments, environment, &streams) : errno;
	if (status == 0)
		status = watch(pid, &process);
	if (status != 0) {
		close_streams(&streams);
		g_set_error(error, FORGE_ERROR,
			status == ENOENT ? FORGE_ERROR_UNSUPPORTED : FORGE_ERROR_FAILED,
			"cannot start '%s': %s", arguments[0], g_strerror(status));
		return NULL;
	}
	close_descriptor(&streams.input[1]);
	close_descriptor(&streams.output[1]);
	close_descriptor(&streams.complaints[1]);

	child = g_new0(struct child, 1);
	child->pid = pid;
	child->process = process;
	child->input = streams.input[0];
	child->output = streams.output[0];
	child->complaints = streams.complaints[0];
	child->moved_ms = clock_now().monotonic_ms;
	child->complaint = g_string_new(NULL);
	child->budget = budget;
	budget->requests++;
	return child;
}

/* Reads at most a pipe's worth of what the child has complained, without waiting; keeps the
 * beginning of it. */
static void drain_complaints(struct child *child)
{
	char buffer[4096];

	for (int i = 0; i < 16 && child->complaints >= 0; i++) {
		size_t room = LIMIT_CHILD_COMPLAINT_BYTES - child->complaint->len;
		ssize_t n = read(child->complaints, buffer, sizeof(buffer));

		if (n > 0)
			g_string_append_len(child->complaint, buffer, (gssize)MIN((size_t)n, room));
		else if (n == 0)
			close_descriptor(&child->complaints);
		else if (errno != EINTR)
			return;
	}
}

/* Polls DESCRIPTOR and the complaints once, at most TIMEOUT_MS. TRUE if DESCRIPTOR is ready. */
static gboolean poll_once(struct child *child, int descriptor, short events, int64_t timeout_ms)
{
	struct pollfd polled[] = {
		{.fd = descriptor, .events = events},
		{.fd = child->complaints, .events = POLLIN},
	};

	if (poll(polled, G_N_ELEMENTS(polled), (int)timeout_ms) <= 0)
		return FALSE;
	if (polled[1].revents)
		drain_complaints(child);
	return polled[0].revents != 0;
}

static gboolean wait_ready(struct child *child, int descriptor, short events, GError **error)
{
	struct budget *budget = child->budget;

	while (budget_check(budget, error)) {
		int64_t still_ms = clock_now().monotonic_ms - child->moved_ms;

		if (poll_once(child, descriptor, events,
			    MIN(LIMIT_POLL_MS, budget_remaining_ms(budget))))
			return TRUE;
		if (still_ms > budget->low_speed_ms) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT,
				"nothing moved for %" G_GINT64_FORMAT " s", still_ms / 1000);
			return FALSE;
		}
	}
	return FALSE;
}

gboolean child_read(struct child *child, char *buffer, size_t size, size_t *n_read, GError **error)
{
	for (;;) {
		ssize_t n;

		if (child->output < 0) {
			*n_read = 0;
			return TRUE;
		}
		if (!wait_ready(child, child->output, POLLIN, error))
			return FALSE;
		n = read(child->output, buffer, size);
		if (n >= 0) {
			child->moved_ms = clock_now().monotonic_ms;
			child->budget->bytes_received += (uint64_t)n;
			*n_read = (size_t)n;
			return TRUE;
		}
		if (errno != EINTR && errno != EAGAIN) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_FAILED,
				"reading from a child: %s", g_strerror(errno));
			return FALSE;
		}
	}
}

gboolean child_write(struct child *child, const char *data, size_t size, GError **error)
{
	while (size > 0) {
		ssize_t n;

		if (child->input < 0) {
			g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_UNREACHABLE,
				"the connection is closed");
			return FALSE;
		}
		if (!wait_ready(child, child->input, POLLOUT, error))
			return FALSE;
		n = send(child->input, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			child->moved_ms = clock_now().monotonic_ms;
			child->budget->bytes_sent += (uint64_t)n;
			data += n;
			size -= (size_t)n;
		} else if (errno != EINTR && errno != EAGAIN) {
			g_set_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_UNREACHABLE,
				"the connection broke: %s", g_strerror(errno));
			return FALSE;
		}
	}
	return TRUE;
}

void child_close_input(struct child *child)
{
	close_descriptor(&child->input);
}

/* Waits until the child has exited, at most TIMEOUT_MS, reading its complaints meanwhile. */
static gboolean wait_exit(struct child *child, int64_t timeout_ms, gboolean stop_with_budget)
{
	int64_t until_ms = clock_now().monotonic_ms + timeout_ms;
	int64_t left_ms;

	while ((left_ms = until_ms - clock_now().monotonic_ms) > 0) {
		if (stop_with_budget && !budget_check(child->budget, NULL))
			return FALSE;
		if (poll_once(child, child->process, POLLIN, MIN(LIMIT_POLL_MS, left_ms)))
			return TRUE;
	}
	return FALSE;
}

static void reap(struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	child->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	child->reaped = TRUE;
	drain_complaints(child);
}

static void terminate(struct child *child)
{
	/* The group's number cannot belong to anybody else before its leader is reaped. */
	kill(-child->pid, SIGTERM);
	if (!wait_exit(child, LIMIT_CHILD_TERMINATE_MS, FALSE))
		kill(-child->pid, SIGKILL);
}

int child_finish(struct child *child)
{
	/* Nobody reads what it still says, so it must not wait for that either. */
	close_descriptor(&child->input);
	close_descriptor(&child->output);
	if (child->reaped)
		return child->exit_status;
	if (!wait_exit(child, LIMIT_CHILD_EXIT_MS, TRUE))
		terminate(child);
	reap(child);
	return child->exit_status;
}

const char *child_complaint(const struct child *child)
{
	return child->complaint->str;
}

void child_free(struct child *child)
{
	if (!child)
		return;
	close_descriptor(&child->input);
	if (!child->reaped) {
		terminate(child);
		reap(child);
	}
	close_descriptor(&child->output);
	close_descriptor(&child->complaints);
	close_descriptor(&child->process);
	g_string_free(child->complaint, TRUE);
	g_free(child);
}
