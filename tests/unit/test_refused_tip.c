/*
 * A server that lists a tip and then will not give it: what it lists when it is asked again tells
 * whether the tip moved meanwhile or was never there.
 */
#include <git2.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/unit/http_server.h"
#include "tests/unit/sandbox.h"
#include "worker/remote/transfer.h"

#define ONE "1111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222"
#define LISTS(oid) \
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n" \
	"Content-Length: 123\r\n\r\n" \
	"001e# service=git-upload-pack\n0000" \
	"0055" oid " refs/heads/main\0side-band-64k ofs-delta\n" \
	"0000"
#define LISTS_NOTHING \
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n" \
	"Content-Length: 38\r\n\r\n" \
	"001e# service=git-upload-pack\n00000000"
#define REFUSES \
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n" \
	"Content-Length: 73\r\n\r\n" \
	"0049ERR upload-pack: not our ref " ONE
#define UNAVAILABLE "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
#define ANSWER(text) \
	{ \
		text, sizeof(text) - 1, CANNED_KEEP \
	}

static const struct {
	const char *claim;
	enum forge_error expected;
	gboolean is_asked_again;
	struct canned_answer answers[3];
} cases[] = {
	{"tip_that_is_listed_again_is_broken", FORGE_ERROR_BROKEN_REPOSITORY, TRUE,
		{ANSWER(LISTS(ONE)), ANSWER(REFUSES), ANSWER(LISTS(ONE))}},
	{"tip_that_is_another_now_has_moved", FORGE_ERROR_REF_MOVED, TRUE,
		{ANSWER(LISTS(ONE)), ANSWER(REFUSES), ANSWER(LISTS(TWO))}},
	{"tip_that_is_gone_now_has_moved", FORGE_ERROR_REF_MOVED, TRUE,
		{ANSWER(LISTS(ONE)), ANSWER(REFUSES), ANSWER(LISTS_NOTHING)}},
	{"listing_that_fails_leaves_it_open", FORGE_ERROR_REF_MOVED, TRUE,
		{ANSWER(LISTS(ONE)), ANSWER(REFUSES), ANSWER(UNAVAILABLE)}},
	{"tip_that_had_moved_before_needs_no_second_listing", FORGE_ERROR_REF_MOVED, FALSE,
		{ANSWER(LISTS(TWO)), ANSWER(REFUSES), ANSWER(LISTS(TWO))}},
};

static gboolean fetch(struct http *http, const struct remote *remote, const char *hex,
	struct budget *budget, GError **error)
{
	char *folder = g_dir_make_tmp("forge-refused-XXXXXX", NULL);
	struct fetch_ref ref = {.remote_name = "refs/heads/main", .local_name = "refs/anchors/one"};
	git_repository *local = NULL;
	gboolean done;

	g_assert_cmpint(git_repository_init(&local, folder, 1), ==, 0);
	g_assert_cmpint(git_oid_fromstr(&ref.oid, hex), ==, 0);
	done = transfer_fetch(http, local, remote, &ref, 1, budget, error);
	git_repository_free(local);
	sandbox_remove(folder);
	return done;
}

static void over_http(gconstpointer data)
{
	const size_t i = GPOINTER_TO_SIZE(data);
	scoped(canned_server)
		server = canned_server_new(cases[i].answers, G_N_ELEMENTS(cases[i].answers));
	struct http *http = http_new();
	const struct remote remote = {.kind = REMOTE_HTTP,
		.shown = (char *)"the-server",
		.host = (char *)"localhost",
		.url = (char *)canned_server_url(server)};
	struct budget budget = sandbox_budget();
	g_autoptr(GError) error = NULL;

	g_assert_false(fetch(http, &remote, ONE, &budget, &error));
	g_assert_error(error, FORGE_ERROR, (gint)cases[i].expected);
	g_assert_true((canned_server_count(server) > 2) == cases[i].is_asked_again);
	http_free(http);
}

static void over_a_path(void)
{
	char *folder = g_dir_make_tmp("forge-refused-XXXXXX", NULL);
	g_autofree char *served = g_build_filename(folder, "server.git", NULL);
	g_autofree char *tip = sandbox_run(folder,
		"git init -q --bare server.git; cd server.git;"
		"tip=$(git commit-tree -m one $(git mktree </dev/null)); git update-ref refs/heads/main $tip;"
		"rm -f objects/$(echo $tip | sed 's,..,&/,'); echo $tip");
	const struct remote remote = {.kind = REMOTE_PATH,
		.shown = served,
		.url = served,
		.host = (char *)"localhost",
		.path = served};
	struct budget budget = sandbox_budget();
	g_autoptr(GError) error = NULL;

	g_assert_false(fetch(NULL, &remote, tip, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	sandbox_remove(folder);
}

int main(int argc, char **argv)
{
	char *home = sandbox_home();
	int status;

	g_setenv("no_proxy", "127.0.0.1", TRUE);
	git_libgit2_init();
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strconcat("/refused_tip/", cases[i].claim, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), over_http);
	}
	g_test_add_func("/refused_tip/tip_that_a_path_lists_but_lacks_is_broken", over_a_path);
	status = g_test_run();
	git_libgit2_shutdown();
	sandbox_remove(home);
	return status;
}
