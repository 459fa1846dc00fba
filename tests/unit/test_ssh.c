/*
 * Transfers over ssh: against a real sshd on loopback with a host key and a user key of its own,
 * and against stand-ins for ssh that record their arguments or never answer.
 */
#include "worker/remote/ssh_command.h"

#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"
#include "worker/remote/transfer.h"

static const char *const everything[] = {"HEAD", "refs/", NULL};

static char *home;

/* ---- a server ---- */

struct server {
	char *folder; /* keys, sshd_config, a repository `it's one.git` */
	GPid pid;     /* 0: sshd does not run here */
	unsigned port;
	char *reason; /* why it does not */
	struct config config;
	struct budget budget;
};

static unsigned free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union {
		struct sockaddr_in *in;
		struct sockaddr *any;
	} pointer = {&address};

	g_assert_cmpint(bind(descriptor, pointer.any, size), ==, 0);
	g_assert_cmpint(getsockname(descriptor, pointer.any, &size), ==, 0);
	close(descriptor);
	return ntohs(address.sin_port);
}

/* Starts sshd and reads what it says until it listens; leaves it at 0 with the reason if it ends
 * instead. */
static void start_sshd(struct server *server)
{
	g_autofree char *config = g_build_filename(server->folder, "sshd_config", NULL);
	const char *const arguments[] = {"/usr/sbin/sshd", "-D", "-e", "-f", config, NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) said = g_string_new(NULL);
	int complaints = -1;
	char buffer[512];
	ssize_t n;

	if (!g_spawn_async_with_pipes("/", (char **)arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
		    NULL, NULL, &server->pid, NULL, NULL, &complaints, &error)) {
		server->reason = g_strdup(error->message);
		return;
	}
	while ((n = read(complaints, buffer, sizeof(buffer))) > 0) {
		g_string_append_len(said, buffer, n);
		if (strstr(said->str, "Server listening on"))
			return; /* its log is left open, or sshd would end by a SIGPIPE */
	}
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
	server->reason = g_strdup(said->str);
}

static void set_up(struct server *server, gconstpointer unused)
{
	g_autofree char *script = NULL;
	g_autofree char *command = NULL;

	(void)unused;
	server->folder = g_dir_make_tmp("forge-sshd-XXXXXX", NULL);
	server->port = free_port();
	script = g_strdup_printf(
		"ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f user;"
		"ssh-keygen -q -t ed25519 -N '' -f stranger; cp user.pub authorized; chmod 700 .;"
		"printf '[127.0.0.1]:%u %%s\\n' \"$(cut -d' ' -f1,2 host.pub)\" >known;"
		"printf '%%s\\n' 'Port %u' 'ListenAddress 127.0.0.1' \"HostKey $PWD/host\" 'PidFile none' 'UsePAM no'"
		" 'StrictModes no' \"AuthorizedKeysFile $PWD/authorized\" 'PasswordAuthentication no'"
		" 'KbdInteractiveAuthentication no' 'PermitRootLogin yes' >sshd_config;"
		"git init -q --bare \"it's one.git\"; git clone -q \"it's one.git\" work 2>/dev/null; cd work;"
		"echo 1 >file; git add file; git commit -qm one; git push -q origin main",
		server->port, server->port);
	g_free(sandbox_run(server->folder, script));
	command = g_strdup_printf(
		"ssh -F none -i %s/user -o IdentitiesOnly=yes -o IdentityAgent=none -o UserKnownHostsFile=%s/known",
		server->folder, server->folder);
	g_setenv("GIT_SSH_COMMAND", command, TRUE);
	server->config.hosts = g_ptr_array_new();
	server->budget = sandbox_budget();
	start_sshd(server);
}

static void tear_down(struct server *server, gconstpointer unused)
{
	(void)unused;
	if (server->pid) {
		kill(server->pid, SIGTERM);
		waitpid(server->pid, NULL, 0);
	}
	g_unsetenv("GIT_SSH_COMMAND");
	g_ptr_array_unref(server->config.hosts);
	g_free(server->reason);
	sandbox_remove(server->folder);
}

static gboolean is_skipped(const struct server *server)
{
	g_autofree char *reason = g_strdup_printf("NO SSHD, SSH IS NOT TESTED: %s", server->reason);

	if (server->pid)
		return FALSE;
	g_test_skip(reason);
	return TRUE;
}

static struct remote *remote_at(const struct server *server, unsigned port, const char *name)
{
	g_autofree char *url = g_strdup_printf(
		"ssh://%s@127.0.0.1:%u%s/%s", g_get_user_name(), port, server->folder, name);
	g_autoptr(GError) error = NULL;
	struct remote *remote = remote_new(&server->config, url, &error);

	g_assert_no_error(error);
	return remote;
}

static void assert_listing_fails(struct server *server, unsigned port, const char *name,
	enum forge_error code, const char *words)
{
	scoped(remote) remote = remote_at(server, port, name);
	g_autoptr(GError) error = NULL;

	g_assert_null(transfer_list(NULL, remote, everything, &server->budget, &error));
	g_assert_error(error, FORGE_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, words));
}

static void list_fetch_and_push_work_over_ssh(struct server *server, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(remote) remote = remote_at(server, server->port, "it's%20one.git");
	scoped(ref_listing) listing = NULL;
	const struct advertised_ref *tip;
	git_repository *local = NULL;
	struct fetch_ref fetched = {
		.remote_name = "refs/heads/main", .local_name = "refs/anchors/main"};
	struct push_ref pushed = {.remote_name = "refs/heads/copy"};
	g_autofree char *path = g_build_filename(server->folder, "local.git", NULL);
	g_autofree char *copy = NULL;

	(void)unused;
	if (is_skipped(server))
		return;
	listing = transfer_list(NULL, remote, everything, &server->budget, &error);
	g_assert_no_error(error);
	tip = ref_listing_find(listing, "refs/heads/main");
	g_assert_nonnull(tip);
	g_assert_cmpint(git_repository_init(&local, path, 1), ==, 0);
	fetched.oid = pushed.after = tip->oid;
	transfer_fetch(NULL, local, remote, &fetched, 1, &server->budget, &error);
	g_assert_no_error(error);
	transfer_push(NULL, local, remote, &pushed, 1, &server->budget, &error);
	g_assert_no_error(error);
	g_assert_cmpint(pushed.result, ==, PUSH_DONE);
	copy = sandbox_run(server->folder, "git -C \"it's one.git\" rev-parse copy");
	g_assert_cmpstr(copy, ==, git_oid_tostr_s(&tip->oid));
	g_assert_cmpuint(server->budget.requests, ==, 3);
	git_repository_free(local);
}

static void refused_key_is_a_failed_authentication(struct server *server, gconstpointer unused)
{
	(void)unused;
	if (is_skipped(server))
		return;
	g_free(sandbox_run(server->folder, "cp stranger.pub authorized"));
	assert_listing_fails(server, server->port, "it's%20one.git",
		FORGE_ERROR_AUTHENTICATION_FAILED, "Permission denied");
}

static void unknown_host_key_is_a_failed_authentication(struct server *server, gconstpointer unused)
{
	(void)unused;
	if (is_skipped(server))
		return;
	g_free(sandbox_run(server->folder, ": >known"));
	assert_listing_fails(server, server->port, "it's%20one.git",
		FORGE_ERROR_AUTHENTICATION_FAILED, "Host key verification failed");
}

static void missing_repository_is_not_found(struct server *server, gconstpointer unused)
{
	(void)unused;
	if (is_skipped(server))
		return;
	assert_listing_fails(
		server, server->port, "none.git", FORGE_ERROR_REPOSITORY_NOT_FOUND, "none.git");
}

static void refused_connection_is_unreachable(struct server *server, gconstpointer unused)
{
	(void)unused;
	assert_listing_fails(server, free_port(), "it's%20one.git",
		FORGE_ERROR_REPOSITORY_UNREACHABLE, "refused");
}

/* ---- stand-ins for ssh ---- */

/* An executable SCRIPT in the home, which ends up as GIT_SSH. */
static void stand_in(const char *name, const char *script)
{
	g_autofree char *path = g_build_filename(home, name, NULL);

	g_assert_true(g_file_set_contents(path, script, -1, NULL));
	g_assert_cmpint(g_chmod(path, 0755), ==, 0);
	g_setenv("GIT_SSH", path, TRUE);
}

static struct remote example = {
	.kind = REMOTE_SSH,
	.shown = (char *)"ssh://me@host.example:2222/it's",
	.url = (char *)"ssh://me@host.example:2222/it's",
	.host = (char *)"host.example",
	.login = (char *)"me@host.example",
	.port = (char *)"2222",
	.path = (char *)"/it's!",
};

static void assert_command(const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) command = ssh_command(&example, "git-upload-pack", 2500, &error);
	g_autofree char *joined = NULL;

	g_assert_no_error(error);
	joined = g_strjoinv("|", command);
	g_assert_cmpstr(joined, ==, expected);
}

#define WORDS "me@host.example|git-upload-pack '/it'\\''s'\\!''"

static void ssh_is_chosen_and_called_as_git_does(void)
{
	g_autoptr(GError) error = NULL;

	assert_command("ssh|-o|BatchMode=yes|-o|ConnectTimeout=2|-p|2222|" WORDS);
	g_setenv("GIT_SSH", "/opt/plink", TRUE);
	assert_command("/opt/plink|-batch|-P|2222|" WORDS);
	g_setenv("GIT_SSH", "/opt/wrapper", TRUE);
	assert_command("/opt/wrapper|-p|2222|" WORDS);
	g_free(sandbox_run(home, "git config --global core.sshCommand 'ssh -i \"my key\"'"));
	assert_command(
		"sh|-c|ssh -i \"my key\" \"$@\"|ssh -i \"my key\"|-o|BatchMode=yes|-o|ConnectTimeout=2|-p|2222|" WORDS);
	g_setenv("GIT_SSH_COMMAND", "wrap", TRUE);
	assert_command("sh|-c|wrap \"$@\"|wrap|-p|2222|" WORDS);
	g_setenv("GIT_SSH_VARIANT", "simple", TRUE);
	g_assert_null(ssh_command(&example, "git-upload-pack", 2500, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED);
	g_free(sandbox_run(home, "git config --global --unset core.sshCommand"));
	g_unsetenv("GIT_SSH");
	g_unsetenv("GIT_SSH_COMMAND");
	g_unsetenv("GIT_SSH_VARIANT");
}

static void assert_stopped(struct budget *budget, enum forge_error code, int64_t within_ms)
{
	int64_t start_ms = clock_now().monotonic_ms;
	g_autoptr(GError) error = NULL;
	g_autofree char *pid = NULL;
	g_autofree char *pid_path = g_build_filename(home, "pid", NULL);

	g_assert_null(transfer_list(NULL, &example, everything, budget, &error));
	g_assert_error(error, FORGE_ERROR, (int)code);
	g_assert_cmpint(clock_now().monotonic_ms - start_ms, <, within_ms);
	/* Neither the stand-in nor what it started is left. */
	g_assert_true(g_file_get_contents(pid_path, &pid, NULL, NULL));
	g_assert_cmpint(kill((pid_t)g_ascii_strtoll(pid, NULL, 10), 0), ==, -1);
	g_unlink(pid_path);
}

static void silent_server_ends_in_timeout(void)
{
	struct budget budget = sandbox_budget();

	stand_in("hang", "#!/bin/sh\necho $$ >\"$HOME/pid\"\nsleep 600 & wait\n");
	budget.low_speed_ms = 400;
	assert_stopped(&budget, FORGE_ERROR_TIMEOUT, 5000);
	budget = sandbox_budget();
	budget.deadline_ms = clock_now().monotonic_ms + 400;
	assert_stopped(&budget, FORGE_ERROR_TIMEOUT, 5000);
	g_unsetenv("GIT_SSH");
}

static void child_that_ignores_sigterm_is_killed(void)
{
	struct budget budget = sandbox_budget();

	stand_in("stubborn",
		"#!/bin/sh\ntrap '' TERM\necho $$ >\"$HOME/pid\"\nwhile :; do sleep 600; done\n");
	budget.low_speed_ms = 400;
	assert_stopped(&budget, FORGE_ERROR_TIMEOUT, 5000);
	g_unsetenv("GIT_SSH");
}

/* Cancels the budget as soon as the stand-in runs: it then writes into the FIFO. */
static gpointer cancel_when_started(gpointer data)
{
	struct budget *budget = data;
	g_autofree char *path = g_build_filename(home, "started", NULL);
	g_autofree char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_atomic_int_set(&budget->cancelled, 1);
	return NULL;
}

static void cancellation_from_another_thread_ends_the_transfer(void)
{
	struct budget budget = sandbox_budget();
	GThread *thread;

	g_free(sandbox_run(home, "mkfifo started"));
	stand_in("hang",
		"#!/bin/sh\necho $$ >\"$HOME/pid\"\necho >\"$HOME/started\"\nsleep 600 & wait\n");
	thread = g_thread_new("cancel", cancel_when_started, &budget);
	assert_stopped(&budget, FORGE_ERROR_INTERRUPTED, 5000);
	g_thread_join(thread);
	g_unsetenv("GIT_SSH");
}

/* The stand-in runs what it is told on this machine, and fails if it has inherited what it should
 * not. */
static void children_inherit_nothing_but_what_they_need(void)
{
	struct budget budget = sandbox_budget();
	struct remote here = example;
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = NULL;
	g_autofree char *path = g_build_filename(home, "here.git", NULL);
	int leaked = dup(STDERR_FILENO);
	sigset_t blocked, before;

	g_free(sandbox_run(home, "git init -q --bare here.git"));
	stand_in("check",
		"#!/bin/sh\nfor last; do :; done\n"
		"test -z \"$GIT_DIR$SECRET$LANGUAGE\" || { echo environment >&2; exit 3; }\n"
		"test \"$GIT_TERMINAL_PROMPT\" = 0 || { echo prompt >&2; exit 3; }\n"
		"ls /proc/$$/fd | grep -qx \"$(cat \"$HOME/leaked\")\" && { echo descriptor >&2; exit 3; }\n"
		"grep -q '^SigBlk:[[:space:]]*0*$' /proc/self/status || { echo signals >&2; exit 3; }\n"
		"eval \"$last\"\n");
	{
		g_autofree char *script = g_strdup_printf("echo %d >leaked", leaked);

		g_free(sandbox_run(home, script));
	}
	g_setenv("GIT_DIR", "/nowhere", TRUE);
	g_setenv("SECRET", "token", TRUE);
	g_setenv("LANGUAGE", "de", TRUE);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	here.path = path;
	listing = transfer_list(NULL, &here, everything, &budget, &error);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	g_assert_no_error(error);
	g_assert_cmpuint(listing->refs->len, ==, 0);
	close(leaked);
	g_unsetenv("GIT_DIR");
	g_unsetenv("SECRET");
	g_unsetenv("LANGUAGE");
	g_unsetenv("GIT_SSH");
}

static void missing_program_is_unsupported(void)
{
	struct budget budget = sandbox_budget();
	g_autoptr(GError) error = NULL;

	g_setenv("GIT_SSH", "/nowhere/ssh", TRUE);
	g_assert_null(transfer_list(NULL, &example, everything, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED);
	g_unsetenv("GIT_SSH");
}

#define SERVER_TEST(name) g_test_add("/ssh/" #name, struct server, NULL, set_up, name, tear_down)
#define TEST(name) g_test_add_func("/ssh/" #name, name)

int main(int argc, char **argv)
{
	int status;

	home = sandbox_home();
	git_libgit2_init();
	g_test_init(&argc, &argv, NULL);
	SERVER_TEST(list_fetch_and_push_work_over_ssh);
	SERVER_TEST(refused_key_is_a_failed_authentication);
	SERVER_TEST(unknown_host_key_is_a_failed_authentication);
	SERVER_TEST(missing_repository_is_not_found);
	SERVER_TEST(refused_connection_is_unreachable);
	TEST(ssh_is_chosen_and_called_as_git_does);
	TEST(silent_server_ends_in_timeout);
	TEST(child_that_ignores_sigterm_is_killed);
	TEST(children_inherit_nothing_but_what_they_need);
	TEST(missing_program_is_unsupported);
	/* Last: once there is a thread, the environment may no longer be changed. */
	TEST(cancellation_from_another_thread_ends_the_transfer);
	status = g_test_run();
	git_libgit2_shutdown();
	sandbox_remove(home);
	return status;
}
