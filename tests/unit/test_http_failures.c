/*
 * Exchanges with servers that misbehave in one way each: whatever they do, the job gets the right
 * error in good time, and no secret is quoted in it.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "tests/support/http_fixture.h"
#include "tests/unit/http_server.h"
#include "worker/remote/http.h"

/* Much less than any limit of these tests, much more than a turn: an end within it came by itself,
 * not by a limit. */
#define SOON_MS 5000

/* ---- statuses and broken answers: tables ---- */

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
	{"length_lies", {HTTP_FIXTURE_OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_CLOSE},
		FORGE_ERROR_PROTOCOL_ERROR, "", 0},
	{"chunk_cut_short",
		{HTTP_FIXTURE_OK_HEADERS "Transfer-Encoding: chunked\r\n\r\n64\r\nhi", 0,
			CANNED_CLOSE},
		FORGE_ERROR_PROTOCOL_ERROR, "", 0},
	{"connection_breaks",
		{HTTP_FIXTURE_OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_RESET},
		FORGE_ERROR_REPOSITORY_UNREACHABLE, "", 0},
	{"no_answer_at_all", {"", 0, CANNED_CLOSE}, FORGE_ERROR_REPOSITORY_UNREACHABLE, "", 0},
	{"endless_body", {HTTP_FIXTURE_OK_HEADERS "\r\nmore and more", 0, CANNED_REPEAT},
		FORGE_ERROR_TOO_LARGE, "1000000 bytes", 0},
	{"endless_headers", {"HTTP/1.1 200 a:b\r\nX: yes\r\nX: yes\r\n", 0, CANNED_REPEAT},
		FORGE_ERROR_TOO_LARGE, "headers", 0},
	{"broken_compression",
		{HTTP_FIXTURE_OK_HEADERS "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
			0, CANNED_CLOSE},
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
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	struct http_request request = http_fixture_get(remote.url);
	struct budget budget = http_fixture_budget();
	scoped(http) http = http_new();
	g_autoptr(GError) error = NULL;

	request.follow_redirects = TRUE;
	request.accept_compressed = TRUE;
	g_assert_null(http_fixture_perform(http, &remote, &request, &budget, &error));
	g_assert_error(error, FORGE_ERROR, (int)bad_answers[n].code);
	g_assert_true(g_str_has_prefix(error->message, "the-remote: "));
	if (!strstr(error->message, bad_answers[n].word))
		g_error("%s: not in: %s", bad_answers[n].word, error->message);
	g_assert_null(strchr(error->message, '\n'));
	g_assert_null(strstr(error->message, "secret-word"));
	g_assert_null(strstr(error->message, "DOCTYPE"));
	g_assert_cmpint(budget.retry_after_ms, ==, bad_answers[n].retry_after_ms);
}

/* ---- time ---- */

static const struct canned_answer silence[] = {{"", 0, CANNED_HOLD}};
static const struct canned_answer stuck[] = {
	{HTTP_FIXTURE_OK_HEADERS "Content-Length: 100\r\n\r\nhi", 0, CANNED_HOLD}};

static void silent_server_runs_into_the_low_speed_limit(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	struct budget budget = http_fixture_budget();
	g_autoptr(GError) error = NULL;

	budget.low_speed_ms = 150;
	g_assert_null(http_fixture_get_once(canned_server_url(server), &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_assert_nonnull(strstr(error->message, "150 ms"));
}

static void stuck_answer_runs_into_the_low_speed_limit(void)
{
	scoped(canned_server) server = canned_server_new(stuck, 1);
	struct budget budget = http_fixture_budget();
	g_autoptr(GError) error = NULL;

	budget.low_speed_ms = 150;
	g_assert_null(http_fixture_get_once(canned_server_url(server), &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
}

static void deadline_ends_a_silent_exchange(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	struct budget budget = http_fixture_budget();
	g_autoptr(GError) error = NULL;

	budget.deadline_ms = clock_now().monotonic_ms + 150;
	g_assert_null(http_fixture_get_once(canned_server_url(server), &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
}

static void deadline_ends_an_endless_answer(void)
{
	static const struct canned_answer endless[] = {
		{HTTP_FIXTURE_OK_HEADERS "\r\nmore and more", 0, CANNED_REPEAT}};
	scoped(canned_server) server = canned_server_new(endless, 1);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	struct http_request request = http_fixture_get(remote.url);
	struct budget budget = http_fixture_budget();
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

static void one_request_ends_with_its_own_time(void)
{
	static const struct canned_answer endless[] = {
		{HTTP_FIXTURE_OK_HEADERS "\r\nmore and more", 0, CANNED_REPEAT}};
	scoped(canned_server) server = canned_server_new(endless, 1);
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(canned_server_url(server));
	struct http_request request = http_fixture_get(remote.url);
	struct budget budget = http_fixture_budget();
	scoped(http_exchange) exchange = NULL;
	g_autoptr(GError) error = NULL;
	char block[4096];
	gsize n = 0;

	request.answer_bytes_max = G_MAXUINT64;
	budget.request_ms = 150;
	exchange = http_exchange_new(http, &remote, &request, &budget);
	while (http_exchange_read(exchange, block, sizeof(block), &n, &error))
		g_assert_cmpuint(n, >, 0);
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_assert_nonnull(strstr(error->message, "network.request"));
	g_assert_true(budget_check(&budget, NULL));
}

static void used_up_budget_sends_nothing(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	struct budget budget = http_fixture_budget();
	g_autoptr(GError) error = NULL;

	budget.deadline_ms = clock_now().monotonic_ms - 1;
	g_assert_null(http_fixture_get_once(canned_server_url(server), &budget, &error));
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
	struct budget budget = http_fixture_budget();
	struct cancelling cancelling = {server, &budget};
	GThread *thread = g_thread_new("cancel", cancel_once_asked, &cancelling);
	int64_t start_ms = clock_now().monotonic_ms;
	g_autoptr(GError) error = NULL;

	g_assert_null(http_fixture_get_once(canned_server_url(server), &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	g_assert_cmpint(clock_now().monotonic_ms - start_ms, <, SOON_MS);
	g_thread_join(thread);
}

static void refused_connection_is_unreachable(void)
{
	scoped(canned_server) server = canned_server_new(silence, 1);
	g_autofree char *url = g_strdup(canned_server_url(server));
	const struct remote remote = http_fixture_remote(url);
	const struct http_request request = http_fixture_get(url);
	struct budget budget = http_fixture_budget();
	scoped(http) http = http_new();
	g_autoptr(GError) error = NULL;

	canned_server_free(g_steal_pointer(&server));
	g_assert_null(http_fixture_perform(http, &remote, &request, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_UNREACHABLE);
}

#define CLAIM(name) g_test_add_func("/http_failures/" #name, name)

int main(int argc, char **argv)
{
	g_autofree char *home = http_fixture_set_home();
	int result;

	g_test_init(&argc, &argv, NULL);
	CLAIM(status_becomes_one_error);
	for (gsize i = 0; i < G_N_ELEMENTS(bad_answers); i++) {
		g_autofree char *path = g_strdup_printf(
			"/http_failures/bad_answer/%s", bad_answers[i].name);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), bad_answer_is_an_error);
	}
	CLAIM(silent_server_runs_into_the_low_speed_limit);
	CLAIM(stuck_answer_runs_into_the_low_speed_limit);
	CLAIM(deadline_ends_a_silent_exchange);
	CLAIM(deadline_ends_an_endless_answer);
	CLAIM(one_request_ends_with_its_own_time);
	CLAIM(used_up_budget_sends_nothing);
	CLAIM(cancelled_job_leaves_soon);
	CLAIM(refused_connection_is_unreachable);
	result = g_test_run();
	g_rmdir(home);
	return result;
}
