/*
 * Exchanges with servers that answer: what is sent and counted, which connection is used again, and
 * that no secret goes where it should not. Servers that fail are test_http_failures.c's.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/support/http_fixture.h"
#include "tests/unit/http_server.h"
#include "worker/remote/http.h"

/* ---- what is sent ---- */

static const struct canned_answer fine[] = {{HTTP_FIXTURE_OK_ANSWER, 0, CANNED_KEEP}};

static void connection_is_kept_and_everything_counted(void)
{
	scoped(canned_server) server = canned_server_new(fine, 1);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	const struct http_request request = http_fixture_get(remote.url);
	struct budget budget = http_fixture_budget();

	for (int i = 0; i < 3; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *answer = http_fixture_perform(
			http, &remote, &request, &budget, &error);

		g_assert_no_error(error);
		g_assert_cmpstr(answer, ==, "hi");
	}
	g_assert_cmpuint(canned_server_connections(server), ==, 1);
	g_assert_cmpuint(budget.requests, ==, 3);
	g_assert_cmpuint(budget.bytes_received, ==, 6);
}

static void credentials_go_along_at_once(void)
{
	scoped(canned_server) server = canned_server_new(fine, 1);
	struct budget budget = http_fixture_budget();
	g_autofree char *answer = http_fixture_get_once(canned_server_url(server), &budget, NULL);
	g_autofree char *request = canned_server_request(server, 0);

	g_assert_cmpstr(answer, ==, "hi");
	g_assert_nonnull(strstr(request, "\r\nAuthorization: Basic c2FtOnNlY3JldC13b3Jk\r\n"));
}

static void credentials_never_follow_a_redirect_to_another_host(void)
{
	scoped(canned_server) other = canned_server_new(fine, 1);
	g_autofree char *moved = g_strdup_printf(
		"HTTP/1.1 301 Go\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n",
		canned_server_url(other));
	const struct canned_answer answers[] = {{moved, 0, CANNED_KEEP}};
	scoped(canned_server) server = canned_server_new(answers, 1);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	struct http_request request = http_fixture_get(remote.url);
	struct budget budget = http_fixture_budget();
	g_autoptr(GError) error = NULL;
	g_autofree char *followed = NULL;
	g_autofree char *direct = NULL;
	g_autofree char *answer = NULL;

	request.follow_redirects = TRUE;
	answer = http_fixture_perform(http, &remote, &request, &budget, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(answer, ==, "hi");
	g_assert_cmpuint(budget.requests, ==, 2);
	followed = canned_server_request(other, 0);
	g_assert_null(strstr(followed, "Authorization"));

	/* Nor when the other host is asked at once for this remote, as after a redirect. */
	g_free(answer);
	request = http_fixture_get(canned_server_url(other));
	answer = http_fixture_perform(http, &remote, &request, &budget, &error);
	g_assert_no_error(error);
	direct = canned_server_request(other, 1);
	g_assert_null(strstr(direct, "Authorization"));
}

static struct http_request post(const char *url)
{
	return (struct http_request){.url = url,
		.content_type = "text/x-question",
		.accept = "text/x-ok",
		.follow_redirects = TRUE,
		.answer_bytes_max = 1000};
}

static void moved_post_is_not_sent_again(void)
{
	static const struct canned_answer answers[] = {
		{"HTTP/1.1 308 Go\r\nLocation: https://u:p@example.org/x\r\nContent-Length: 0\r\n\r\n",
			0, CANNED_KEEP}};
	scoped(canned_server) server = canned_server_new(answers, 1);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	struct http_request request = post(remote.url);
	struct budget budget = http_fixture_budget();
	g_autoptr(GError) error = NULL;

	request.body = "question";
	request.body_bytes = 8;
	request.follow_redirects = FALSE;
	g_assert_null(http_fixture_perform(http, &remote, &request, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_NOT_FOUND);
	g_assert_nonnull(strstr(error->message, "moved to https://example.org/x"));
}

static void small_body_has_its_length_and_expects_nothing(void)
{
	scoped(canned_server) server = canned_server_new(fine, 1);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	const struct http_request request = post(remote.url);
	struct budget budget = http_fixture_budget();
	scoped(http_exchange) exchange = http_exchange_new(http, &remote, &request, &budget);
	g_autoptr(GByteArray) answer = NULL;
	g_autofree char *sent = NULL;

	g_assert_true(http_exchange_write(exchange, "one,", 4, NULL));
	g_assert_true(http_exchange_write(exchange, "two", 3, NULL));
	answer = http_exchange_read_all(exchange, NULL);
	g_assert_nonnull(answer);
	sent = canned_server_request(server, 0);
	g_assert_nonnull(strstr(sent, "\r\nContent-Length: 7\r\n"));
	g_assert_nonnull(strstr(sent, "\r\n\r\none,two"));
	g_assert_nonnull(strstr(sent, "\r\nContent-Type: text/x-question\r\n"));
	g_assert_null(strstr(sent, "Expect"));
	g_assert_null(strstr(sent, "chunked"));
	g_assert_cmpuint(budget.bytes_sent, ==, 7);
}

static void long_body_is_refused_before_it_is_sent_whole(void)
{
	static const struct canned_answer answers[] = {
		{"HTTP/1.1 413 Big\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 0,
			CANNED_HOLD}};
	scoped(canned_server) server = canned_server_new(answers, 1);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	const struct http_request request = post(remote.url);
	struct budget budget = http_fixture_budget();
	scoped(http_exchange) exchange = http_exchange_new(http, &remote, &request, &budget);
	g_autofree char *block = g_malloc0(LIMIT_HTTP_BLOCK_BYTES);
	g_autofree char *sent = NULL;
	g_autoptr(GError) error = NULL;
	guint n = 0;

	while (http_exchange_write(exchange, block, LIMIT_HTTP_BLOCK_BYTES, &error))
		g_assert_cmpuint(n++, <, 10000);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
	sent = canned_server_request(server, 0);
	g_assert_nonnull(strstr(sent, "\r\nTransfer-Encoding: chunked\r\n"));
	g_assert_null(strstr(sent, "Expect"));
}

static void exchange_left_early_gives_a_usable_handle_back(void)
{
	static const struct canned_answer answers[] = {
		{HTTP_FIXTURE_OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_HOLD},
		{HTTP_FIXTURE_OK_ANSWER, 0, CANNED_KEEP}};
	scoped(canned_server) server = canned_server_new(answers, 2);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	const struct http_request request = http_fixture_get(remote.url);
	struct budget budget = http_fixture_budget();
	struct http_exchange *exchange = http_exchange_new(http, &remote, &request, &budget);
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = NULL;
	char block[1];
	gsize n = 0;

	g_assert_true(http_exchange_read(exchange, block, 1, &n, NULL));
	g_assert_cmpuint(n, ==, 1);
	http_exchange_free(exchange);
	answer = http_fixture_perform(http, &remote, &request, &budget, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(answer, ==, "hi");
}

static void notes_are_kept_for_each_host(void)
{
	scoped(http) http = http_new();

	http_note(http, "http://Example.org/a", 3);
	g_assert_cmpint(http_noted(http, "http://example.org:80/b"), ==, 3);
	g_assert_cmpint(http_noted(http, "https://example.org/a"), ==, 0);
	g_assert_cmpint(http_noted(http, "nonsense"), ==, 0);
	for (int i = 0; i < LIMIT_HTTP_ORIGINS * 2; i++) {
		g_autofree char *url = g_strdup_printf("http://host%d/", i);

		http_note(http, url, 1);
		g_assert_cmpint(http_noted(http, url), ==, 1);
	}
}

/* ---- many threads, git's configuration ---- */

struct crowd {
	struct http *http;
	const char *url;
};

static gpointer ask_repeatedly(gpointer data)
{
	const struct crowd *crowd = data;
	const struct remote remote = http_fixture_remote(crowd->url);
	struct http_request request = http_fixture_get(crowd->url);

	request.accept = "text/html";
	for (int i = 0; i < 50; i++) {
		struct budget budget = http_fixture_budget();
		g_autofree char *answer = http_fixture_perform(
			crowd->http, &remote, &request, &budget, NULL);

		if (!answer || !strstr(answer, "Welcome"))
			return (gpointer) "a wrong answer";
		http_note(crowd->http, crowd->url, i);
	}
	return NULL;
}

static void threads_share_one_pool(void)
{
	scoped(git_server) server = git_server_new();
	scoped(http) http = http_new();
	g_autofree char *url = g_strconcat(git_server_url(server), "/page.html", NULL);
	struct crowd crowd = {http, url};
	GThread *threads[4];

	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("ask", ask_repeatedly, &crowd);
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpstr(g_thread_join(threads[i]), ==, NULL);
}

static void proxy_of_gits_configuration_is_used(void)
{
	scoped(canned_server) proxy = canned_server_new(fine, 1);
	g_autofree char *path = g_build_filename(g_get_home_dir(), ".gitconfig", NULL);
	g_autofree char *text = g_strdup_printf("[http \"http://git.example.org\"]\nproxy = %s\n"
						"[http]\nproxy = http://127.0.0.1:1\n",
		canned_server_url(proxy));
	const struct remote remote = http_fixture_remote("http://git.example.org/a");
	const struct http_request request = http_fixture_get(remote.url);
	struct budget budget = http_fixture_budget();
	scoped(http) http = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = NULL;
	g_autofree char *asked = NULL;

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	http = http_new();
	answer = http_fixture_perform(http, &remote, &request, &budget, &error);
	g_remove(path);
	g_assert_no_error(error);
	asked = canned_server_request(proxy, 0);
	g_assert_true(g_str_has_prefix(asked, "GET http://git.example.org/a HTTP/1.1\r\n"));
}

#define CLAIM(name) g_test_add_func("/http/" #name, name)

int main(int argc, char **argv)
{
	g_autofree char *home = http_fixture_set_home();
	int result;

	g_test_init(&argc, &argv, NULL);
	CLAIM(connection_is_kept_and_everything_counted);
	CLAIM(credentials_go_along_at_once);
	CLAIM(credentials_never_follow_a_redirect_to_another_host);
	CLAIM(moved_post_is_not_sent_again);
	CLAIM(small_body_has_its_length_and_expects_nothing);
	CLAIM(long_body_is_refused_before_it_is_sent_whole);
	CLAIM(exchange_left_early_gives_a_usable_handle_back);
	CLAIM(notes_are_kept_for_each_host);
	CLAIM(threads_share_one_pool);
	CLAIM(proxy_of_gits_configuration_is_used);
	result = g_test_run();
	g_rmdir(home);
	return result;
}
