/*
 * Logging in with what git's helpers know, and transfers by HTTP, against a real git-http-backend
 * that wants sam:secret-word. The helper is a script that notes each request it gets.
 */
#include "worker/remote/credential.h"

#include <string.h>

#include "journal/base/errors.h"
#include "tests/unit/http_server.h"
#include "tests/unit/sandbox.h"
#include "worker/remote/transfer.h"

static const char *const everything[] = {"HEAD", "refs/", NULL};

struct fixture {
	struct git_server *server;
	struct http *http;
	struct config config;
	struct budget budget;
	char *server_folder; /* of the bare repository one.git */
	char *home;
};

/* A helper in the home's configuration that gives ANSWER and notes the action of each call in
 * `log`. */
static void set_helper(struct fixture *fixture, const char *answer)
{
	g_free(run_in(fixture->home,
		"printf '%%s' '%s' >answer; : >log; git config --global --replace-all credential.helper "
		"'!f() { cat >/dev/null; echo \"$1\" >>\"$HOME/log\"; test \"$1\" != get || cat \"$HOME/answer\"; }; f'",
		answer));
}

static void assert_log(struct fixture *fixture, const char *expected)
{
	g_autofree char *log = run_in(fixture->home, "xargs <log");

	g_assert_cmpstr(g_strchomp(log), ==, expected);
}

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	fixture->home = g_strdup(g_getenv("HOME"));
	fixture->server = git_server_new();
	fixture->server_folder = git_server_repository(fixture->server, "one.git");
	g_free(run_in(git_server_folder(fixture->server),
		"git clone -q '%s' work 2>/dev/null; cd work; echo 1 >file; git add file; git commit -qm one;"
		"git push -q origin HEAD:refs/heads/main; git push -q origin HEAD:refs/heads/other",
		fixture->server_folder));
	fixture->http = http_new();
	fixture->config.hosts = g_ptr_array_new();
	fixture->budget = sandbox_budget();
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_free(run_in(fixture->home,
		"git config --global --unset-all credential.helper || true; rm -f log answer"));
	http_free(fixture->http);
	git_server_free(fixture->server);
	g_ptr_array_unref(fixture->config.hosts);
	g_free(fixture->server_folder);
	g_free(fixture->home);
}

static struct remote *remote_at(struct fixture *fixture, const char *user, const char *path)
{
	g_autofree char *url = g_strdup_printf(
		"http://%s%s%s", user, git_server_url(fixture->server) + strlen("http://"), path);
	g_autoptr(GError) error = NULL;
	struct remote *remote = remote_new(&fixture->config, url, &error);

	g_assert_no_error(error);
	return remote;
}

static void assert_listed(struct fixture *fixture, const struct remote *remote)
{
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = transfer_list(
		fixture->http, remote, everything, &fixture->budget, &error);

	g_assert_no_error(error);
	g_assert_nonnull(ref_listing_find(listing, "refs/heads/main"));
}

static void assert_refused(struct fixture *fixture, const struct remote *remote)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(transfer_list(fixture->http, remote, everything, &fixture->budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_AUTHENTICATION_FAILED);
	g_assert_null(strstr(error->message, "word"));
}

static void helper_is_asked_once_a_host_and_told_that_it_was_right(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");
	scoped(remote) second = remote_at(fixture, "", "/private/two.git");
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = NULL;

	(void)unused;
	g_free(git_server_repository(fixture->server, "two.git"));
	set_helper(fixture, "username=sam\npassword=secret-word\n");
	assert_listed(fixture, remote);
	assert_listed(fixture, remote);
	listing = transfer_list(fixture->http, second, everything, &fixture->budget, &error);
	g_assert_no_error(error);
	assert_log(fixture, "get store");
	g_assert_null(remote->password);
}

static void answer_for_one_path_is_used_for_that_path_alone(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");
	scoped(remote) second = remote_at(fixture, "", "/private/one.git.two");
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = NULL;

	(void)unused;
	g_free(git_server_repository(fixture->server, "one.git.two"));
	set_helper(fixture, "username=sam\npassword=secret-word\n");
	g_free(run_in(fixture->home, "git config --global credential.useHttpPath true"));
	assert_listed(fixture, remote);
	listing = transfer_list(fixture->http, second, everything, &fixture->budget, &error);
	g_assert_no_error(error);
	assert_log(fixture, "get store get store");
	g_free(run_in(fixture->home, "git config --global --unset credential.useHttpPath"));
}

static void credential_of_one_user_is_not_used_for_another(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");
	scoped(remote) named = remote_at(fixture, "sam@", "/private/one.git");
	scoped(remote) other = remote_at(fixture, "alex@", "/private/one.git");

	(void)unused;
	set_helper(fixture, "username=sam\npassword=secret-word\n");
	assert_listed(fixture, remote);
	assert_listed(fixture, named);
	assert_log(fixture, "get store");
	set_helper(fixture, "username=alex\npassword=wrong-word\n");
	assert_refused(fixture, other);
	assert_log(fixture, "get erase get");
}

static void wrong_answer_is_rejected_and_not_tried_again(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");

	(void)unused;
	set_helper(fixture, "username=sam\npassword=wrong-word\n");
	assert_refused(fixture, remote);
	assert_log(fixture, "get erase get");
}

static void remembered_credential_that_is_refused_is_dropped(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");

	(void)unused;
	set_helper(fixture, "username=sam\npassword=secret-word\n");
	assert_listed(fixture, remote);
	g_free(run_in(git_server_folder(fixture->server), "echo sam:newer-word >users"));
	set_helper(fixture, "username=sam\npassword=newer-word\n");
	assert_listed(fixture, remote);
	assert_log(fixture, "erase get store");
}

static void remote_with_a_password_of_its_own_asks_nobody(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) wrong = remote_at(fixture, "sam:wrong-word@", "/private/one.git");
	scoped(remote) right = remote_at(fixture, "sam:secret-word@", "/private/one.git");

	(void)unused;
	set_helper(fixture, "username=sam\npassword=secret-word\n");
	assert_refused(fixture, wrong);
	assert_listed(fixture, right);
	assert_log(fixture, "");
}

static void without_a_helper_the_authentication_fails(struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");

	(void)unused;
	assert_refused(fixture, remote);
}

static void fetch_and_push_log_in_too(struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");
	g_autofree char *path = g_build_filename(
		git_server_folder(fixture->server), "local.git", NULL);
	g_autofree char *tip = run_in(fixture->server_folder, "git rev-parse main");
	struct fetch_ref fetched = {
		.remote_name = "refs/heads/main", .local_name = "refs/anchors/main"};
	struct push_ref pushed[3] = {
		{.remote_name = "refs/heads/new"},
		{.remote_name = "refs/heads/locked"},
		{.remote_name = "refs/heads/main"},
	};
	git_repository *local = NULL;
	g_autoptr(GError) error = NULL;

	(void)unused;
	set_helper(fixture, "username=sam\npassword=secret-word\n");
	g_free(run_in(fixture->server_folder,
		"printf '#!/bin/sh\\ntest $1 != refs/heads/locked || { echo sealed by secret-word; exit 1; }' >hooks/update;"
		"chmod +x hooks/update"));
	g_assert_cmpint(git_repository_init(&local, path, 1), ==, 0);
	g_assert_cmpint(git_oid_fromstrn(&fetched.oid, tip, GIT_OID_HEXSZ), ==, 0);
	transfer_fetch(fixture->http, local, remote, &fetched, 1, &fixture->budget, &error);
	g_assert_no_error(error);
	for (size_t i = 0; i < 3; i++)
		pushed[i].after = fetched.oid;
	pushed[2].before = fetched.oid;
	pushed[2].before.id[0] ^= 1;
	transfer_push(fixture->http, local, remote, pushed, 3, &fixture->budget, &error);
	g_assert_no_error(error);
	g_assert_cmpint(pushed[0].result, ==, PUSH_DONE);
	g_assert_cmpint(pushed[1].result, ==, PUSH_REJECTED);
	g_assert_nonnull(strstr(pushed[1].message, "hook declined: sealed by [redacted]"));
	g_assert_cmpint(pushed[2].result, ==, PUSH_MOVED);
	assert_log(fixture, "get store");
	g_free(run_in(fixture->server_folder,
		"git rev-parse --verify -q new; ! git rev-parse --verify -q locked"));
	for (size_t i = 0; i < 3; i++)
		g_free(pushed[i].message);
	git_repository_free(local);
}

static void helper_that_never_answers_ends_with_the_deadline(
	struct fixture *fixture, gconstpointer unused)
{
	scoped(remote) remote = remote_at(fixture, "", "/private/one.git");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_free(run_in(fixture->home, "git config --global credential.helper '!sleep 600;:'"));
	fixture->budget.deadline_ms = clock_now().monotonic_ms + 1000;
	g_assert_null(transfer_list(fixture->http, remote, everything, &fixture->budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_assert_cmpint(clock_now().monotonic_ms - fixture->budget.deadline_ms, <, 5000);
}

#define TEST(name) g_test_add("/credential/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	char *home = sandbox_home();
	int status;

	git_libgit2_init();
	g_test_init(&argc, &argv, NULL);
	TEST(helper_is_asked_once_a_host_and_told_that_it_was_right);
	TEST(answer_for_one_path_is_used_for_that_path_alone);
	TEST(credential_of_one_user_is_not_used_for_another);
	TEST(wrong_answer_is_rejected_and_not_tried_again);
	TEST(remembered_credential_that_is_refused_is_dropped);
	TEST(remote_with_a_password_of_its_own_asks_nobody);
	TEST(without_a_helper_the_authentication_fails);
	TEST(fetch_and_push_log_in_too);
	TEST(helper_that_never_answers_ends_with_the_deadline);
	status = g_test_run();
	git_libgit2_shutdown();
	sandbox_remove(home);
	return status;
}
