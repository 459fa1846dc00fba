/*
 * Exchanges with servers that misbehave in one way each: whatever they do, the job gets the right
 * error in good time, and no secret goes where it should not.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/unit/http_server.h"
#include "worker/http.h"

#define OK_HEADERS "HTTP/1.1 200 OK\r\nContent-Type: text/x-ok\r\n"
#define OK_ANSWER OK_HEADERS "Content-Length: 2\r\n\r\nhi"

/* Much less than any limit of these tests, much more than a turn: an end within it came by itself,
 * not by a limit. */
#define SOON_MS 5000

static struct budget usual_budget(void)
{
	return (struct budget){
		.deadline_ms = clock_now().monotonic_ms + 60000,
		.connect_ms = 30000,
		.low_speed_ms = 30000,
	};
}

static struct remote remote_at(const char *url)
{
	return (struct remote){.kind = REMOTE_HTTP,
		.shown = (char *)"the-remote",
		.url = (char *)url,
		.username = (char *)"sam",
		.password = (char *)"secret-word"};
}

static struct http_request get(const char *url)
{
	return (struct http_request){
		.url = url, .accept = "text/x-ok", .answer_bytes_max = 1000 * 1000};
}

/* Does REQUEST; the answer as text, or NULL. */
static char *perform(struct http *http, const struct remote *remote,
	const struct http_request *request, struct budget *budget, GError **error)
{
	scoped(http_exchange) exchange = http_exchange_new(http, remote, request, budget);
	g_autoptr(GByteArray) answer = http_exchange_read_all(exchange, error);

	return answer ? g_strdup((char *)answer->data) : NULL;
}

static char *get_once(struct canned_server *server, struct budget *budget, GError **error)
{
	scoped(http) http = http_new();
	const struct remote remote = remote_at(canned_server_url(server));
	const struct http_request request = get(remote.url);

	return perform(http, &remote, &request, budget, error);
}

/* ---- statuses and broken answers: tables
 * --------------------------------------------------------------------- */

static void status_becomes_one_error(void)
{
	static const struct {
		int status;
		gboolean limited;
		enum forge_error code;
	} rows[] = {
		{401, FALSE, FORGE_ERROR_AUTHENTICATION_FAILED},
		{403, FALSE, FORGE_ERROR_PERMISSION_DENIED},
		{403, TRUE, FORGE_ERROR_RATE_LIMIT_EXCEEDED},
		{429, FALSE, FORGE_ERROR_RATE_LIMIT_EXCEEDED},
		{404, FALSE, FORGE_ERROR_REPOSITORY_NOT_FOUND},
		{410, FALSE, FORGE_ERROR_REPOSITORY_NOT_FOUND},
		{301, FALSE, FORGE_ERROR_REPOSITORY_NOT_FOUND},
		{451, FALSE, FORGE_ERROR_PERMISSION_DENIED},
		{413, FALSE, FORGE_ERROR_TOO_LARGE},
		{408, FALSE, FORGE_ERROR_TIMEOUT},
		{500, FALSE, FORGE_ERROR_REPOSITORY_UNREACHABLE},
		{503, TRUE, FORGE_ERROR_REPOSITORY_UNREACHABLE},
		{400, FALSE, FORGE_ERROR_PROTOCOL_ERROR},
		{304, FALSE, FORGE_ERROR_PROTOCOL_ERROR},
		{0, FALSE, FORGE_ERROR_PROTOCOL_ERROR},
		{999, FALSE, FORGE_ERROR_PROTOCOL_ERROR},
	};
	enum forge_error code = FORGE_ERROR_FAILED;

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_true(http_status_error(rows[i].status, rows[i].limited, &code));
		g_assert_cmpint(code, ==, rows[i].code);
	}
	g_assert_false(http_status_error(200, TRUE, &code));
	g_assert_false(http_status_error(204, FALSE, &code));
}

static const struct {
	const char *name;
	struct canned_answer answer;
	enum forge_error code;
	const char *word; /* in the error's text */
	int64_t retry_after_ms;
} bad_answers[] = {
	{"unauthorized",
		{"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
			0, CANNED_KEEP},
		FORGE_ERROR_AUTHENTICATION_FAILED, "401", 0},
	{"forbidden_with_a_reason",
		{"HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\nnot you\nand more",
			0, CANNED_KEEP},
		FORGE_ERROR_PERMISSION_DENIED, "403: not you", 0},
	{"forbidden_with_retry_after",
		{"HTTP/1.1 403 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 0, CANNED_KEEP},
		FORGE_ERROR_RATE_LIMIT_EXCEEDED, "403", 7000},
	{"forbidden_with_nothing_remaining",
		{"HTTP/1.1 403 No\r\nX-RateLimit-Remaining: 0\r\nContent-Length: 0\r\n\r\n", 0,
			CANNED_KEEP},
		FORGE_ERROR_RATE_LIMIT_EXCEEDED, "403", 0},
	{"too_many",
		{"HTTP/1.1 429 Slow\r\nretry-after: 60\r\nContent-Length: 0\r\n\r\n", 0,
			CANNED_KEEP},
		FORGE_ERROR_RATE_LIMIT_EXCEEDED, "429", 60000},
	{"unavailable", {"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", 0, CANNED_CLOSE},
		FORGE_ERROR_REPOSITORY_UNREACHABLE, "503", 0},
	{"page_of_html_is_not_quoted",
		{"HTTP/1.1 404 No\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<!DOCTYPE html>",
			0, CANNED_KEEP},
		FORGE_ERROR_REPOSITORY_NOT_FOUND, "answered 404", 0},
	{"secrets_are_not_quoted",
		{"HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: 41\r\n\r\nsecret-word c2FtOnNlY3JldC13b3Jk is wrong",
			0, CANNED_KEEP},
		FORGE_ERROR_PERMISSION_DENIED, "[redacted] [redacted] is wrong", 0},
	{"endless_error",
		{"HTTP/1.1 500 Bad\r\nContent-Type: text/plain\r\n\r\nbad luck\n", 0,
			CANNED_REPEAT},
		FORGE_ERROR_REPOSITORY_UNREACHABLE, "500: bad luck", 0},
	{"wrong_type",
		{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi", 0,
			CANNED_KEEP},
		FORGE_ERROR_PROTOCOL_ERROR, "text/html instead of text/x-ok", 0},
	{"wrong_type_of_nothing", {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, CANNED_KEEP},
		FORGE_ERROR_PROTOCOL_ERROR, "no type", 0},
	{"length_lies", {OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_CLOSE},
		FORGE_ERROR_PROTOCOL_ERROR, "", 0},
	{"chunk_cut_short",
		{OK_HEADERS "Transfer-Encoding: chunked\r\n\r\n64\r\nhi", 0, CANNED_CLOSE},
		FORGE_ERROR_PROTOCOL_ERROR, "", 0},
	{"connection_breaks", {OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_RESET},
		FORGE_ERROR_REPOSITORY_UNREACHABLE, "", 0},
	{"no_answer_at_all", {"", 0, CANNED_CLOSE}, FORGE_ERROR_REPOSITORY_UNREACHABLE, "", 0},
	{"endless_body", {OK_HEADERS "\r\nmore and more", 0, CANNED_REPEAT}, FORGE_ERROR_TOO_LARGE,
		"1000000 bytes", 0},
	{"endless_headers", {"HTTP/1.1 200 a:b\r\nX: yes\r\nX: yes\r\n", 0, CANNED_REPEAT},
		FORGE_ERROR_TOO_LARGE, "headers", 0},
	{"broken_compression",
		{OK_HEADERS "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", 0,
			CANNED_CLOSE},
		FORGE_ERROR_PROTOCOL_ERROR, "", 0},
	{"redirect_in_a_circle",
		{"HTTP/1.1 302 Go\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", 0,
			CANNED_KEEP},
		FORGE_ERROR_PROTOCOL_ERROR, "redirects", 0},
	{"redirect_to_a_file",
		{"HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", 0,
			CANNED_KEEP},
		FORGE_ERROR_SECURITY_REFUSED, "", 0},
};

static void bad_answer_is_an_error(gconstpointer data)
{
	gsize n = GPOINTER_TO_SIZE(data);
	scoped(canned_server) server = canned_server_new(&bad_answers[n].answer, 1);
	const struct remote remote = remote_at(canned_server_url(server));
	struct http_request request = get(remote.url);
	struct budget budget = usual_budget();
	scoped(http) http = http_new();
	g_autoptr(GError) error = NULL;

	request.follow_redirects = TRUE;
	request.accept_compressed = TRUE;
	g_assert_null(perform(http, &remote, &request, &budget, &error));
	g_assert_error(error, FORGE_ERROR, (int)bad_answers[n].code);
	g_assert_true(g_str_has_prefix(error->message, "the-remote: "));
	if (!strstr(error->message, bad_answers[n].word))
		g_error("%s: not in: %s", bad_answers[n].word, error->message);
	g_assert_null(strchr(error->message, '\n'));
	g_assert_null(strstr(error->message, "secret-word"));
	g_assert_null(strstr(error->message, "DOCTYPE"));
	g_assert_cmpint(budget.retry_after_ms, ==, bad_answers[n].retry_after_ms);
}

/* ---- time
 * ------------------------------------------------------------------------------------------------------
 */

static const struct canned_answer silence[] = {{"", 0, CANNED_HOLD}};
static const struct canned_answer stuck[] = {
	{OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_HOLD}};

static void silent_server_runs_into_the_low_speed_limit(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;

	budget.low_speed_ms = 150;
	g_assert_null(get_once(server, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_assert_nonnull(strstr(error->message, "150 ms"));
}

static void stuck_answer_runs_into_the_low_speed_limit(void)
{
	scoped(canned_server) server = canned_server_new(stuck, 1);
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;

	budget.low_speed_ms = 150;
	g_assert_null(get_once(server, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
}

static void deadline_ends_a_silent_exchange(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;

	budget.deadline_ms = clock_now().monotonic_ms + 150;
	g_assert_null(get_once(server, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
}

static void deadline_ends_an_endless_answer(void)
{
	static const struct canned_answer endless[] = {
		{OK_HEADERS "\r\nmore and more", 0, CANNED_REPEAT}};
	scoped(canned_server) server = canned_server_new(endless, 1);
	scoped(http) http = http_new();
	const struct remote remote = remote_at(canned_server_url(server));
	struct http_request request = get(remote.url);
	struct budget budget = usual_budget();
	scoped(http_exchange) exchange = NULL;
	g_autoptr(GError) error = NULL;
	char block[4096];
	gsize n = 0;

	request.answer_bytes_max = G_MAXUINT64;
	budget.deadline_ms = clock_now().monotonic_ms + 150;
	exchange = http_exchange_new(http, &remote, &request, &budget);
	while (http_exchange_read(exchange, block, sizeof(block), &n, &error))
		g_assert_cmpuint(n, >, 0);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
}

static void used_up_budget_sends_nothing(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;

	budget.deadline_ms = clock_now().monotonic_ms - 1;
	g_assert_null(get_once(server, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_assert_cmpuint(canned_server_count(server), ==, 0);
}

struct cancelling {
	struct canned_server *server;
	struct budget *budget;
};

static gpointer cancel_once_asked(gpointer data)
{
	struct cancelling *cancelling = data;

	canned_server_wait(cancelling->server, 1);
	g_atomic_int_set(&cancelling->budget->cancelled, 1);
	return NULL;
}

static void cancelled_job_leaves_soon(void)
{
	scoped(canned_server) server = canned_server_new(stuck, 1);
	struct budget budget = usual_budget();
	struct cancelling cancelling = {server, &budget};
	GThread *thread = g_thread_new("cancel", cancel_once_asked, &cancelling);
	int64_t start_ms = clock_now().monotonic_ms;
	g_autoptr(GError) error = NULL;

	g_assert_null(get_once(server, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	g_assert_cmpint(clock_now().monotonic_ms - start_ms, <, SOON_MS);
	g_thread_join(thread);
}

static void refused_connection_is_unreachable(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	g_autofree char *url = g_strdup(canned_server_url(server));
	const struct remote remote = remote_at(url);
	const struct http_request request = get(url);
	struct budget budget = usual_budget();
	scoped(http) http = http_new();
	g_autoptr(GError) error = NULL;

	canned_server_free(g_steal_pointer(&server));
	g_assert_null(perform(http, &remote, &request, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_UNREACHABLE);
}

/* ---- what is sent
 * ------------------------------------------------------------------------------------------------
 */

static const struct canned_answer fine[] = {{OK_ANSWER, 0, CANNED_KEEP}};

static void connection_is_kept_and_everything_counted(void)
{
	scoped(canned_server) server = canned_server_new(fine, 1);
	scoped(http) http = http_new();
	const struct remote remote = remote_at(canned_server_url(server));
	const struct http_request request = get(remote.url);
	struct budget budget = usual_budget();

	for (int i = 0; i < 3; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *answer = perform(http, &remote, &request, &budget, &error);

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
	struct budget budget = usual_budget();
	g_autofree char *answer = get_once(server, &budget, NULL);
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
	const struct remote remote = remote_at(canned_server_url(server));
	struct http_request request = get(remote.url);
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;
	g_autofree char *followed = NULL;
	g_autofree char *direct = NULL;
	g_autofree char *answer = NULL;

	request.follow_redirects = TRUE;
	answer = perform(http, &remote, &request, &budget, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(answer, ==, "hi");
	g_assert_cmpuint(budget.requests, ==, 2);
	followed = canned_server_request(other, 0);
	g_assert_null(strstr(followed, "Authorization"));

	/* Nor when the other host is asked at once for this remote, as after a redirect. */
	g_free(answer);
	request = get(canned_server_url(other));
	answer = perform(http, &remote, &request, &budget, &error);
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
	const struct remote remote = remote_at(canned_server_url(server));
	struct http_request request = post(remote.url);
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;

	request.body = "question";
	request.body_bytes = 8;
	request.follow_redirects = FALSE;
	g_assert_null(perform(http, &remote, &request, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_NOT_FOUND);
	g_assert_nonnull(strstr(error->message, "moved to https://example.org/x"));
}

static void small_body_has_its_length_and_expects_nothing(void)
{
	scoped(canned_server) server = canned_server_new(fine, 1);
	scoped(http) http = http_new();
	const struct remote remote = remote_at(canned_server_url(server));
	const struct http_request request = post(remote.url);
	struct budget budget = usual_budget();
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
	const struct remote remote = remote_at(canned_server_url(server));
	const struct http_request request = post(remote.url);
	struct budget budget = usual_budget();
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
		{OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_HOLD},
		{OK_ANSWER, 0, CANNED_KEEP}};
	scoped(canned_server) server = canned_server_new(answers, 2);
	scoped(http) http = http_new();
	const struct remote remote = remote_at(canned_server_url(server));
	const struct http_request request = get(remote.url);
	struct budget budget = usual_budget();
	struct http_exchange *exchange = http_exchange_new(http, &remote, &request, &budget);
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = NULL;
	char block[1];
	gsize n = 0;

	g_assert_true(http_exchange_read(exchange, block, 1, &n, NULL));
	g_assert_cmpuint(n, ==, 1);
	http_exchange_free(exchange);
	answer = perform(http, &remote, &request, &budget, &error);
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

/* ---- many threads, git's configuration
 * --------------------------------------------------------------------------- */

struct crowd {
	struct http *http;
	const char *url;
};

static gpointer ask_repeatedly(gpointer data)
{
	const struct crowd *crowd = data;
	const struct remote remote = remote_at(crowd->url);
	struct http_request request = get(crowd->url);

	request.accept = "text/html";
	for (int i = 0; i < 50; i++) {
		struct budget budget = usual_budget();
		g_autofree char *answer = perform(crowd->http, &remote, &request, &budget, NULL);

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
	const struct remote remote = remote_at("http://git.example.org/a");
	const struct http_request request = get(remote.url);
	struct budget budget = usual_budget();
	scoped(http) http = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = NULL;
	g_autofree char *asked = NULL;

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	http = http_new();
	answer = perform(http, &remote, &request, &budget, &error);
	g_remove(path);
	g_assert_no_error(error);
	asked = canned_server_request(proxy, 0);
	g_assert_true(g_str_has_prefix(asked, "GET http://git.example.org/a HTTP/1.1\r\n"));
}

#define CLAIM(name) g_test_add_func("/http/" #name, name)

int main(int argc, char **argv)
{
	g_autofree char *home = g_dir_make_tmp("forge-home-XXXXXX", NULL);
	int result;

	g_setenv("HOME", home, TRUE);
	g_setenv("XDG_CONFIG_HOME", home, TRUE);
	g_setenv("no_proxy", "127.0.0.1", TRUE);
	g_test_init(&argc, &argv, NULL);
	CLAIM(status_becomes_one_error);
	for (gsize i = 0; i < G_N_ELEMENTS(bad_answers); i++) {
		g_autofree char *path = g_strdup_printf("/http/bad_answer/%s", bad_answers[i].name);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), bad_answer_is_an_error);
	}
	CLAIM(silent_server_runs_into_the_low_speed_limit);
	CLAIM(stuck_answer_runs_into_the_low_speed_limit);
	CLAIM(deadline_ends_a_silent_exchange);
	CLAIM(deadline_ends_an_endless_answer);
	CLAIM(used_up_budget_sends_nothing);
	CLAIM(cancelled_job_leaves_soon);
	CLAIM(refused_connection_is_unreachable);
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
