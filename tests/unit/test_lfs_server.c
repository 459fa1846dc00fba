#include <git2.h>
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/unit/http_server.h"
#include "tests/unit/sandbox.h"
#include "worker/git/git_library.h"
#include "worker/content/lfs_batch.h"
#include "worker/content/lfs_server.h"

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"

static const struct lfs_pointer one = {ONE, 10};
static const struct lfs_pointer two = {TWO, 20};
static const struct lfs_pointer *const both[] = {&one, &two};

/* ---- the messages ------------------------------------------------------------------------- */

static void a_request_asks_to_download(void)
{
	g_autofree char *request = lfs_batch_request(both, 2);

	g_assert_cmpstr(request, ==,
		"{\"operation\":\"download\",\"transfers\":[\"basic\"],\"objects\":["
		"{\"oid\":\"" ONE "\",\"size\":10},{\"oid\":\"" TWO "\",\"size\":20}],"
		"\"hash_algo\":\"sha256\"}");
}

#define HAS(oid) "{\"oid\":\"" oid "\",\"size\":1,\"actions\":{\"download\":{\"href\":\"x\"}}}"
#define ERR(oid, code) "{\"oid\":\"" oid "\",\"error\":{\"code\":" code ",\"message\":\"m\"}}"
#define BOTH(a, b) "{\"objects\":[" a "," b "]}"

static const struct {
	const char *what;
	const char *text;
	int error; /* -1: none */
	const char *present;
} answers[] = {
	{"both are there", BOTH(HAS(ONE), HAS(TWO)), -1, "yy"},
	{"in another order, with more", BOTH(HAS(TWO), HAS("33")), FORGE_ERROR_PROTOCOL_ERROR,
		NULL},
	{"one is not there", BOTH(HAS(TWO), ERR(ONE, "404")), -1, "ny"},
	{"one was removed, one has another size", BOTH(ERR(ONE, "410"), ERR(TWO, "422")), -1, "nn"},
	{"no way to download it", BOTH(HAS(ONE), "{\"oid\":\"" TWO "\",\"actions\":{}}"), -1, "yn"},
	{"no actions", BOTH(HAS(ONE), "{\"oid\":\"" TWO "\"}"), -1, "yn"},
	{"one may not be read", BOTH(HAS(ONE), ERR(TWO, "403")), FORGE_ERROR_PERMISSION_DENIED,
		NULL},
	{"one is asked for too often", BOTH(HAS(ONE), ERR(TWO, "429")),
		FORGE_ERROR_RATE_LIMIT_EXCEEDED, NULL},
	{"one fails", BOTH(HAS(ONE), ERR(TWO, "500")), FORGE_ERROR_REPOSITORY_UNREACHABLE, NULL},
	{"an error of success", BOTH(HAS(ONE), ERR(TWO, "200")), FORGE_ERROR_PROTOCOL_ERROR, NULL},
	{"an error's code is a text", BOTH(HAS(ONE), ERR(TWO, "\"404\"")),
		FORGE_ERROR_PROTOCOL_ERROR, NULL},
	{"one is left out", "{\"objects\":[" HAS(ONE) "]}", FORGE_ERROR_PROTOCOL_ERROR, NULL},
	{"objects are no objects", "{\"objects\":[1,\"x\",null,[]]}", FORGE_ERROR_PROTOCOL_ERROR,
		NULL},
	{"no objects", "{}", FORGE_ERROR_PROTOCOL_ERROR, NULL},
	{"a list", "[]", FORGE_ERROR_PROTOCOL_ERROR, NULL},
	{"no JSON", "<html>", FORGE_ERROR_PROTOCOL_ERROR, NULL},
	{"nothing", "", FORGE_ERROR_PROTOCOL_ERROR, NULL},
};

static void answers_tell_present_from_missing_from_unknown(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
		gboolean present[2] = {FALSE, FALSE};
		g_autoptr(GError) error = NULL;
		gboolean read = lfs_batch_answer(answers[i].text, strlen(answers[i].text), "server",
			both, 2, present, &error);

		g_test_message("%s", answers[i].what);
		g_assert_cmpint(read, ==, answers[i].error == -1);
		if (answers[i].error != -1) {
			g_assert_error(error, FORGE_ERROR, answers[i].error);
			continue;
		}
		g_assert_cmpint(present[0], ==, answers[i].present[0] == 'y');
		g_assert_cmpint(present[1], ==, answers[i].present[1] == 'y');
	}
}

/* ---- a server ----------------------------------------------------------------------------- */

/* Asks a server that answers with ANSWER for both objects. */
static gboolean ask(const char *answer, gboolean present[2], gboolean *speaks_lfs, char **request,
	GError **error)
{
	const struct canned_answer canned = {.bytes = answer};
	scoped(canned_server) server = canned_server_new(&canned, 1);
	scoped(http) http = http_new();
	struct budget budget = sandbox_budget();
	g_autofree char *url = g_strconcat(canned_server_url(server), "/me/tools", NULL);
	struct remote remote = {.kind = REMOTE_HTTP,
		.shown = (char *)"me/tools",
		.url = url,
		.host = (char *)"127.0.0.1",
		.username = (char *)"jane",
		.password = (char *)"secret"};
	gboolean done = lfs_server_ask(http, &remote, both, 2, present, speaks_lfs, &budget, error);

	*request = canned_server_request(server, 0);
	return done;
}

static void a_question_goes_to_the_endpoint_with_credentials(void)
{
	const char *answer = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.git-lfs+json; "
			     "charset=utf-8\r\nConnection: close\r\n\r\n" BOTH(
				     ERR(ONE, "404"), HAS(TWO));
	g_autofree char *request = NULL;
	g_autoptr(GError) error = NULL;
	gboolean present[2], speaks_lfs;

	g_assert_true(ask(answer, present, &speaks_lfs, &request, &error));
	g_assert_no_error(error);
	g_assert_true(speaks_lfs);
	g_assert_false(present[0]);
	g_assert_true(present[1]);
	g_assert_true(g_str_has_prefix(
		request, "POST /me/tools.git/info/lfs/objects/batch HTTP/1.1\r\n"));
	g_assert_nonnull(strstr(request, "\r\nAccept: application/vnd.git-lfs+json\r\n"));
	g_assert_nonnull(strstr(request, "\r\nContent-Type: application/vnd.git-lfs+json\r\n"));
	g_assert_nonnull(strstr(request, "\r\nAuthorization: Basic amFuZTpzZWNyZXQ=\r\n"));
}

static void a_server_without_the_endpoint_has_no_object(void)
{
	static const char *const statuses[] = {
		"404 Not Found", "405 Method Not Allowed", "410 Gone", "501 Not Implemented"};

	for (gsize i = 0; i < G_N_ELEMENTS(statuses); i++) {
		g_autofree char *answer = g_strdup_printf(
			"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			statuses[i]);
		g_autofree char *request = NULL;
		g_autoptr(GError) error = NULL;
		gboolean present[2], speaks_lfs;

		g_assert_true(ask(answer, present, &speaks_lfs, &request, &error));
		g_assert_no_error(error);
		g_assert_false(speaks_lfs);
		g_assert_false(present[0] || present[1]);
	}
}

static void a_failure_is_no_answer(void)
{
	static const struct {
		const char *status;
		enum forge_error code;
	} failures[] = {
		{"301 Moved Permanently\r\nLocation: http://127.0.0.1:9/x",
			FORGE_ERROR_REPOSITORY_NOT_FOUND},
		{"400 Bad Request", FORGE_ERROR_PROTOCOL_ERROR},
		{"401 Unauthorized", FORGE_ERROR_AUTHENTICATION_FAILED},
		{"403 Forbidden", FORGE_ERROR_PERMISSION_DENIED},
		{"429 Too Many Requests", FORGE_ERROR_RATE_LIMIT_EXCEEDED},
		{"502 Bad Gateway", FORGE_ERROR_REPOSITORY_UNREACHABLE},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
		g_autofree char *answer = g_strdup_printf(
			"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			failures[i].status);
		g_autofree char *request = NULL;
		g_autoptr(GError) error = NULL;
		gboolean present[2], speaks_lfs;

		g_assert_false(ask(answer, present, &speaks_lfs, &request, &error));
		g_assert_error(error, FORGE_ERROR, (int)failures[i].code);
		g_assert_true(g_str_has_prefix(error->message, "git-lfs of me/tools: "));
	}
}

/* ---- a folder ----------------------------------------------------------------------------- */

static void files_are_found_in_bare_and_other_repositories(void)
{
	static const char *const places[] = {"repository", "repository/.git", "repository.git"};
	struct budget budget = sandbox_budget();

	for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
		char *folder = g_dir_make_tmp("forge-lfs-XXXXXX", NULL);
		g_autofree char *path = g_build_filename(folder, "repository", NULL);
		struct remote remote = {
			.kind = REMOTE_PATH, .shown = path, .url = path, .path = path};
		g_autofree char *script = g_strdup_printf(
			"mkdir -p %s/lfs/objects; cd %s/lfs/objects; mkdir -p 11/11 22/22;"
			"printf 0123456789 >11/11/" ONE "; printf 'too few' >22/22/" TWO,
			places[i], places[i]);
		gboolean present[2], speaks_lfs;

		g_free(sandbox_run(folder, script));
		g_assert_true(lfs_server_ask(
			NULL, &remote, both, 2, present, &speaks_lfs, &budget, NULL));
		g_assert_true(present[0]);
		g_assert_false(present[1]);
		sandbox_remove(folder);
	}
}

int main(int argc, char **argv)
{
	char *home;
	int result;

	g_test_init(&argc, &argv, NULL);
	home = sandbox_home();
	git_library_start();
#define TEST(name) g_test_add_func("/lfs_server/" #name, name)
	TEST(a_request_asks_to_download);
	TEST(answers_tell_present_from_missing_from_unknown);
	TEST(a_question_goes_to_the_endpoint_with_credentials);
	TEST(a_server_without_the_endpoint_has_no_object);
	TEST(a_failure_is_no_answer);
	TEST(files_are_found_in_bare_and_other_repositories);
	result = g_test_run();
	git_library_stop();
	sandbox_remove(home);
	return result;
}
