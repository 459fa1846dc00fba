/*
 * libgit2's fetch and push over forge's HTTP, to a real git-http-backend behind lighttpd, and to
 * servers that stop half-way.
 */
#include <git2.h>
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/unit/http_server.h"
#include "worker/remote/transport_http.h"

struct fixture {
	struct git_server *server;
	struct http *http;
	struct budget budget;
	git_repository *local;
	char *local_path;
	char *served_path; /* of a.git on the server */
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	fixture->server = git_server_new();
	fixture->http = http_new();
	fixture->budget = (struct budget){
		.deadline_ms = clock_now().monotonic_ms + 60000,
		.connect_ms = 30000,
		.low_speed_ms = 30000,
		.pack_bytes_max = 100 * 1024 * 1024,
	};
	fixture->served_path = git_server_repository(fixture->server, "a.git");
	fixture->local_path = g_build_filename(
		git_server_folder(fixture->server), "local.git", NULL);
	g_assert_cmpint(git_repository_init(&fixture->local, fixture->local_path, 1), ==, 0);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_repository_free(fixture->local);
	http_free(fixture->http);
	git_server_free(fixture->server);
	g_free(fixture->served_path);
	g_free(fixture->local_path);
}

/* A commit on BRANCH of the repository at PATH with COUNT files of SIZE random bytes each. */
static void commit_files(const char *path, const char *branch, int count, int size)
{
	g_free(run_in(path,
		"for i in $(seq %d); do head -c %d /dev/urandom >blob; "
		"printf '100644 blob %%s\\tfile%%s\\n' $(git hash-object -w blob) $i; done | git mktree >tree; "
		"parent=$(git rev-parse -q --verify refs/heads/%s || :); "
		"git update-ref refs/heads/%s $(git commit-tree ${parent:+-p $parent} -m more $(cat tree)); rm -f blob tree",
		count, size, branch, branch));
}

static char *id_of(const char *path, const char *name)
{
	return run_in(path, "git rev-parse -q --verify %s || :", name);
}

static int on_status(const char *name, const char *status, void *data)
{
	(void)data;
	g_assert_nonnull(name);
	if (!status)
		return 0;
	git_error_set_str(GIT_ERROR_NET, status);
	return -1;
}

/* Fetches or pushes SPEC with the server at URL: libgit2's answer, and our error if there is one.
 */
static int transfer(
	struct fixture *fixture, const char *url, gboolean push, const char *spec, GError **error)
{
	const struct remote remote = {.kind = REMOTE_HTTP,
		.shown = (char *)"the-remote",
		.url = (char *)url,
		.username = (char *)"sam",
		.password = (char *)"secret-word"};
	struct transport_context context = {fixture->http, &remote, &fixture->budget, NULL};
	char *specs[] = {(char *)spec};
	const git_strarray list = {specs, 1};
	git_fetch_options fetch_options = GIT_FETCH_OPTIONS_INIT;
	git_push_options push_options = GIT_PUSH_OPTIONS_INIT;
	git_remote_create_options create_options = GIT_REMOTE_CREATE_OPTIONS_INIT;
	git_remote *git = NULL;
	int result;

	fetch_options.callbacks.transport = push_options.callbacks.transport = transport_http_new;
	fetch_options.callbacks.payload = push_options.callbacks.payload = &context;
	push_options.callbacks.push_update_reference = on_status;
	fetch_options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	/* libgit2 1.5.1 leaks memory for each row of the configuration when it looks for insteadOf.
	 */
	create_options.repository = fixture->local;
	create_options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF;
	g_assert_cmpint(git_remote_create_with_opts(&git, url, &create_options), ==, 0);
	result = push ? git_remote_push(git, &list, &push_options)
		      : git_remote_fetch(git, &list, &fetch_options, NULL);
	git_remote_free(git);
	if (context.error)
		g_propagate_error(error, context.error);
	return result;
}

static char *url_at(const struct fixture *fixture, const char *path)
{
	return g_strconcat(git_server_url(fixture->server), path, NULL);
}

static void assert_same(const struct fixture *fixture, const char *local, const char *served)
{
	g_autofree char *here = id_of(fixture->local_path, local);
	g_autofree char *there = id_of(fixture->served_path, served);

	g_assert_cmpstr(here, ==, there);
	g_assert_cmpuint(strlen(here), ==, 41);
}

static void fetches_from(struct fixture *fixture, gconstpointer path)
{
	g_autofree char *url = url_at(fixture, path);

	commit_files(fixture->served_path, "main", 3, 100);
	for (int round = 0; round < 2; round++) {
		g_autoptr(GError) error = NULL;
		int result = transfer(
			fixture, url, FALSE, "+refs/heads/main:refs/anchors/main", &error);

		g_assert_no_error(error);
		g_assert_cmpint(result, ==, 0);
		assert_same(fixture, "refs/anchors/main", "refs/heads/main");
		commit_files(fixture->served_path, "main", 4, 100);
	}
	g_free(run_in(fixture->local_path, "git fsck --full --strict 2>&1"));
}

static void fetch_after_a_long_negotiation(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/a.git");
	g_autoptr(GError) error = NULL;
	uint64_t before;

	(void)unused;
	commit_files(fixture->served_path, "main", 1, 100);
	g_assert_cmpint(
		transfer(fixture, url, FALSE, "+refs/heads/main:refs/heads/main", &error), ==, 0);
	/* Commits that the server does not know make more than one round, a POST each. */
	g_free(run_in(fixture->local_path,
		"tree=$(git mktree </dev/null); id=$(git rev-parse main); for i in $(seq 50); do "
		"id=$(git commit-tree -p $id -m $i $tree); done; git update-ref refs/heads/mine $id"));
	commit_files(fixture->served_path, "main", 2, 100);
	before = fixture->budget.requests;
	g_assert_cmpint(
		transfer(fixture, url, FALSE, "+refs/heads/main:refs/anchors/main", &error), ==, 0);
	g_assert_no_error(error);
	assert_same(fixture, "refs/anchors/main", "refs/heads/main");
	g_assert_cmpuint(fixture->budget.requests - before, >=, 3);
}

static void pushes_to(struct fixture *fixture, gconstpointer path)
{
	g_autofree char *url = url_at(fixture, path);

	for (int round = 0; round < 2; round++) {
		g_autoptr(GError) error = NULL;
		int result;

		commit_files(fixture->local_path, "main", 3, 100);
		result = transfer(fixture, url, TRUE, "refs/heads/main:refs/heads/main", &error);
		g_assert_no_error(error);
		g_assert_cmpint(result, ==, 0);
		assert_same(fixture, "refs/heads/main", "refs/heads/main");
	}
	g_free(run_in(fixture->served_path, "git fsck --full --strict 2>&1"));
}

static void large_pack_goes_both_ways(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/a.git");
	g_autoptr(GError) error = NULL;

	(void)unused;
	commit_files(fixture->local_path, "main", 5, 1024 * 1024);
	g_assert_cmpint(
		transfer(fixture, url, TRUE, "refs/heads/main:refs/heads/main", &error), ==, 0);
	g_assert_no_error(error);
	assert_same(fixture, "refs/heads/main", "refs/heads/main");
	g_assert_cmpuint(fixture->budget.bytes_sent, >, 5 * 1024 * 1024);

	commit_files(fixture->served_path, "big", 5, 1024 * 1024);
	g_assert_cmpint(
		transfer(fixture, url, FALSE, "+refs/heads/big:refs/heads/big", &error), ==, 0);
	g_assert_no_error(error);
	assert_same(fixture, "refs/heads/big", "refs/heads/big");
	g_assert_cmpuint(fixture->budget.bytes_received, >, 5 * 1024 * 1024);
}

static void branch_is_deleted(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/a.git");
	g_autoptr(GError) error = NULL;
	g_autofree char *left = NULL;

	(void)unused;
	commit_files(fixture->served_path, "main", 1, 10);
	g_free(run_in(fixture->served_path, "git branch old main"));
	g_assert_cmpint(transfer(fixture, url, TRUE, ":refs/heads/old", &error), ==, 0);
	g_assert_no_error(error);
	left = run_in(fixture->served_path, "git for-each-ref --format='%%(refname)'");
	g_assert_cmpstr(left, ==, "refs/heads/main\n");
}

static void hook_refuses_and_the_reason_arrives(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/a.git");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_free(run_in(fixture->served_path,
		"printf '#!/bin/sh\\nexit 1\\n' >hooks/update; chmod +x hooks/update"));
	commit_files(fixture->local_path, "main", 1, 10);
	g_assert_cmpint(
		transfer(fixture, url, TRUE, "refs/heads/main:refs/heads/main", &error), <, 0);
	/* Nothing was wrong with the transport. */
	g_assert_no_error(error);
	g_assert_cmpstr(git_error_last()->message, ==, "hook declined");
}

static void pack_over_the_limit_is_too_large(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/a.git");
	g_autoptr(GError) error = NULL;
	g_autofree char *anchor = NULL;

	(void)unused;
	commit_files(fixture->served_path, "main", 4, 1024 * 1024);
	fixture->budget.pack_bytes_max = 1024 * 1024;
	g_assert_cmpint(
		transfer(fixture, url, FALSE, "+refs/heads/main:refs/heads/main", &error), <, 0);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
	anchor = id_of(fixture->local_path, "refs/heads/main");
	g_assert_cmpstr(anchor, ==, "");
}

static void push_without_the_right_is_denied(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/a.git");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_free(run_in(fixture->served_path, "git config http.receivepack false"));
	commit_files(fixture->local_path, "main", 1, 10);
	g_assert_cmpint(
		transfer(fixture, url, TRUE, "refs/heads/main:refs/heads/main", &error), <, 0);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PERMISSION_DENIED);
}

static void missing_repository_is_not_found(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/none.git");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_cmpint(
		transfer(fixture, url, FALSE, "+refs/heads/main:refs/heads/main", &error), <, 0);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_NOT_FOUND);
}

static void cancelled_job_fetches_nothing(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *url = url_at(fixture, "/git/a.git");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_atomic_int_set(&fixture->budget.cancelled, 1);
	g_assert_cmpint(
		transfer(fixture, url, FALSE, "+refs/heads/main:refs/heads/main", &error), <, 0);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	g_assert_cmpuint(fixture->budget.requests, ==, 0);
}

#define ID "1111111111111111111111111111111111111111"
#define ADVERTISEMENT \
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 123\r\n\r\n" \
	"001e# service=git-upload-pack\n0000" \
	"0055" ID " refs/heads/main\0side-band-64k ofs-delta\n" \
	"0000"
#define PACK_HEADERS "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n"

static void server_that_stops_within_a_pack_runs_into_the_limit(
	struct fixture *fixture, gconstpointer unused)
{
	static const struct canned_answer answers[] = {
		{ADVERTISEMENT, sizeof(ADVERTISEMENT) - 1, CANNED_KEEP},
		{PACK_HEADERS "Content-Length: 5000\r\n\r\n0008NAK\n000d\1PACK\0\0\0\2", 0,
			CANNED_HOLD},
	};
	scoped(canned_server) server = canned_server_new(answers, G_N_ELEMENTS(answers));
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->budget.low_speed_ms = 150;
	g_assert_cmpint(transfer(fixture, canned_server_url(server), FALSE,
				"+refs/heads/main:refs/heads/main", &error),
		<, 0);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_assert_cmpuint(canned_server_count(server), ==, 2);
	g_clear_pointer(&fixture->http, http_free);
}

static void server_that_says_nothing_within_git_leaves_it_to_libgit2(
	struct fixture *fixture, gconstpointer unused)
{
	static const struct canned_answer answers[] = {
		{ADVERTISEMENT, sizeof(ADVERTISEMENT) - 1, CANNED_KEEP},
		{PACK_HEADERS "Content-Length: 0\r\n\r\n", 0, CANNED_KEEP},
	};
	scoped(canned_server) server = canned_server_new(answers, G_N_ELEMENTS(answers));
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_cmpint(transfer(fixture, canned_server_url(server), FALSE,
				"+refs/heads/main:refs/heads/main", &error),
		<, 0);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(git_error_last()->message, "EOF"));
	g_clear_pointer(&fixture->http, http_free);
}

#define REAL(name) \
	g_test_add("/transport_http/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	static const char *const prefixes[] = {"git", "v0", "old", "private"};
	g_autofree char *home = g_dir_make_tmp("forge-home-XXXXXX", NULL);
	int result;

	g_setenv("HOME", home, TRUE);
	g_setenv("XDG_CONFIG_HOME", home, TRUE);
	g_setenv("no_proxy", "127.0.0.1", TRUE);
	g_test_init(&argc, &argv, NULL);
	git_libgit2_init();
	for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		g_autofree char *fetch = g_strconcat(
			"/transport_http/fetches_from_", prefixes[i], NULL);
		g_autofree char *push = g_strconcat(
			"/transport_http/pushes_to_", prefixes[i], NULL);
		char *path = g_strdup_printf("/%s/a.git", prefixes[i]);

		g_test_add(fetch, struct fixture, path, set_up, fetches_from, tear_down);
		g_test_add(push, struct fixture, path, set_up, pushes_to, tear_down);
	}
	REAL(fetch_after_a_long_negotiation);
	REAL(large_pack_goes_both_ways);
	REAL(branch_is_deleted);
	REAL(hook_refuses_and_the_reason_arrives);
	REAL(pack_over_the_limit_is_too_large);
	REAL(push_without_the_right_is_denied);
	REAL(missing_repository_is_not_found);
	REAL(cancelled_job_fetches_nothing);
	REAL(server_that_stops_within_a_pack_runs_into_the_limit);
	REAL(server_that_says_nothing_within_git_leaves_it_to_libgit2);
	result = g_test_run();
	git_libgit2_shutdown();
	g_rmdir(home);
	return result;
}
