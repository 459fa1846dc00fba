/*
 * Listing refs against a real git-http-backend behind lighttpd, and against answers that no real
 * server gives.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/unit/http_server.h"
#include "worker/remote/ls_refs.h"
#include "worker/remote/ref_listing.h"

#define ID "1111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222"
#define ID64 ID "111111111111111111111111"

static const char *const everything[] = {"", NULL};

static struct budget usual_budget(void)
{
	return (struct budget){
		.deadline_ms = clock_now().monotonic_ms + 20000,
		.connect_ms = 5000,
		.low_speed_ms = 10000,
		.pack_bytes_max = 100 * 1024 * 1024,
	};
}

static struct remote remote_at(char *url)
{
	return (struct remote){.kind = REMOTE_HTTP, .shown = url, .url = url};
}

/* The listing as text: NAME ID[ -> TARGET][ ^PEELED] a line, ids by three digits. */
static char *listing_text(const struct ref_listing *listing)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < listing->refs->len; i++) {
		const struct advertised_ref *ref = listing->refs->pdata[i];

		g_string_append_printf(text, "%s %.3s", ref->name, git_oid_tostr_s(&ref->oid));
		if (ref->symref_target)
			g_string_append_printf(text, " -> %s", ref->symref_target);
		if (!git_oid_equal(&ref->oid, &ref->peeled))
			g_string_append_printf(text, " ^%.3s", git_oid_tostr_s(&ref->peeled));
		g_string_append_c(text, '\n');
	}
	if (listing->unborn_head)
		g_string_append_printf(text, "unborn %s\n", listing->unborn_head);
	return g_string_free(text, FALSE);
}

/* ---- pure
 * --------------------------------------------------------------------------------------------------------
 */

/* LINES: one packet each, behind a zero or as they are: "0000" and "0001" stand for themselves; \f
 * for a zero byte. */
static GString *packets(const char *lines)
{
	g_auto(GStrv) list = g_strsplit(lines, "\n", -1);
	GString *out = g_string_new(NULL);

	for (char **line = list; *line; line++) {
		if (strcmp(*line, "0000") == 0 || strcmp(*line, "0001") == 0)
			g_string_append(out, *line);
		else
			g_string_append_printf(out, "%04zx%s\n", strlen(*line) + 5, *line);
	}
	for (gsize i = 0; i < out->len; i++)
		if (out->str[i] == '\f')
			out->str[i] = '\0';
	return out;
}

#define OK ((enum forge_error) - 1)

static const struct {
	const char *name;
	int version;
	const char *lines;
	const char *prefix;
	enum forge_error code;
	const char *listing; /* or a word of the error's text */
} cases[] = {
	{"v2_refs", 2, ID " HEAD symref-target:refs/heads/main\n" ID " refs/heads/main\n0000", "",
		OK, "HEAD 111 -> refs/heads/main\nrefs/heads/main 111\n"},
	{"v2_peeled", 2, ID " refs/tags/v1 peeled:" ID2 "\n0000", "", OK,
		"refs/tags/v1 111 ^222\n"},
	{"v2_empty", 2, "0000", "", OK, ""},
	{"v2_unborn", 2, "unborn HEAD symref-target:refs/heads/trunk\n0000", "", OK,
		"unborn refs/heads/trunk\n"},
	{"v2_unknown_attribute_is_passed", 2, ID " refs/heads/main mood:good\n0000", "", OK,
		"refs/heads/main 111\n"},
	{"v2_more_than_asked_is_filtered", 2, ID " refs/heads/a\n" ID " refs/tags/a\n0000",
		"refs/tags/", OK, "refs/tags/a 111\n"},
	{"v2_without_flush", 2, ID " refs/heads/main", "", FORGE_ERROR_PROTOCOL_ERROR, "too early"},
	{"v2_nothing", 2, "", "", FORGE_ERROR_PROTOCOL_ERROR, ""},
	{"v2_error", 2, "ERR no such thing", "", FORGE_ERROR_PROTOCOL_ERROR, "no such thing"},
	{"v2_error_hides_secrets", 2, "ERR see https://sam:pw@example.org/", "",
		FORGE_ERROR_PROTOCOL_ERROR, "https://example.org/"},
	{"v2_short_id", 2, "1111 refs/heads/main\n0000", "", FORGE_ERROR_PROTOCOL_ERROR, "no ref"},
	{"v2_sha256", 2, ID64 " refs/heads/main\n0000", "", FORGE_ERROR_UNSUPPORTED, "SHA-256"},
	{"v2_name_with_dots", 2, ID " refs/heads/../../config\n0000", "",
		FORGE_ERROR_PROTOCOL_ERROR, "name"},
	{"v2_name_with_control", 2, ID " refs/heads/a\033[2J\n0000", "", FORGE_ERROR_PROTOCOL_ERROR,
		"name"},
	{"v2_name_not_utf8", 2, ID " refs/heads/\377\n0000", "", FORGE_ERROR_PROTOCOL_ERROR,
		"name"},
	{"v2_no_name", 2, ID " \n0000", "", FORGE_ERROR_PROTOCOL_ERROR, "name"},
	{"v2_bad_target", 2, ID " HEAD symref-target:..\n0000", "", FORGE_ERROR_PROTOCOL_ERROR,
		"name"},
	{"v2_bad_peeled", 2, ID " refs/tags/a peeled:11\n0000", "", FORGE_ERROR_PROTOCOL_ERROR,
		"peeled"},
	{"v0_refs", 0,
		"# service=git-upload-pack\n0000\n" ID
		" HEAD\fmulti_ack symref=HEAD:refs/heads/main agent=git/1\n" ID
		" refs/heads/main\n0000",
		"", OK, "HEAD 111 -> refs/heads/main\nrefs/heads/main 111\n"},
	{"v0_peeled", 0,
		"# service=git-upload-pack\n0000\n" ID " refs/tags/v1\fcaps\n" ID2
		" refs/tags/v1^{}\n0000",
		"", OK, "refs/tags/v1 111 ^222\n"},
	{"v0_peeled_of_one_filtered_away", 0,
		"# service=git-upload-pack\n0000\n" ID " refs/heads/a\fc\n" ID " refs/tags/v1\n" ID2
		" refs/tags/v1^{}\n0000",
		"refs/heads/", OK, "refs/heads/a 111\n"},
	{"v0_empty", 0,
		"# service=git-upload-pack\n0000\n0000000000000000000000000000000000000000 capabilities^{}\fcaps\n0000",
		"", OK, ""},
	{"v0_nothing_at_all", 0, "# service=git-upload-pack\n0000\n0000", "", OK, ""},
	{"v1", 0, "# service=git-upload-pack\n0000\nversion 1\n" ID " refs/heads/main\fcaps\n0000",
		"", OK, "refs/heads/main 111\n"},
	{"v0_shallow_is_passed", 0,
		"# service=git-upload-pack\n0000\n" ID " refs/heads/main\fc\nshallow " ID "\n0000",
		"", OK, "refs/heads/main 111\n"},
	{"v0_without_flush", 0, "# service=git-upload-pack\n0000\n" ID " refs/heads/main\fc", "",
		FORGE_ERROR_PROTOCOL_ERROR, "too early"},
	{"v0_sha256", 0, "# service=git-upload-pack\n0000\n" ID64 " refs/heads/main\fc\n0000", "",
		FORGE_ERROR_UNSUPPORTED, "SHA-256"},
	{"v0_sha256_empty", 0,
		"# service=git-upload-pack\n0000\n0000000000000000000000000000000000000000 "
		"capabilities^{}\fobject-format=sha256\n0000",
		"", FORGE_ERROR_UNSUPPORTED, "SHA-256"},
	{"v0_symref_without_target", 0,
		"# service=git-upload-pack\n0000\n" ID " HEAD\fsymref=HEAD\n0000", "",
		FORGE_ERROR_PROTOCOL_ERROR, "target"},
};

static void parses_as(gconstpointer data)
{
	gsize n = GPOINTER_TO_SIZE(data);
	const char *prefixes[] = {cases[n].prefix, NULL};
	char shown[] = "the-remote";
	const struct remote remote = remote_at(shown);
	g_autoptr(GString) text = packets(*cases[n].lines ? cases[n].lines : "0000");
	g_autoptr(GError) error = NULL;
	g_autofree char *copy = NULL;
	scoped(ref_listing) listing = NULL;

	if (!*cases[n].lines)
		g_string_truncate(text, 0);
	copy = g_memdup2(text->str, text->len);
	listing = (cases[n].version == 2 ? ref_listing_parse_v2 : ref_listing_parse_v0)(
		copy, text->len, prefixes, &remote, &error);
	if (cases[n].code == OK) {
		g_autofree char *found = NULL;

		g_assert_no_error(error);
		found = listing_text(listing);
		g_assert_cmpstr(found, ==, cases[n].listing);
		return;
	}
	g_assert_null(listing);
	g_assert_error(error, FORGE_ERROR, (int)cases[n].code);
	g_assert_nonnull(strstr(error->message, cases[n].listing));
	g_assert_true(g_str_has_prefix(error->message, "the-remote: "));
}

/* ---- a real server
 * -----------------------------------------------------------------------------------------------
 */

struct fixture {
	struct git_server *server;
	struct http *http;
	struct budget budget;
	char *one; /* the id of main */
	char *tag;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *repository = NULL;

	(void)unused;
	fixture->server = git_server_new();
	fixture->http = http_new();
	fixture->budget = usual_budget();
	repository = git_server_repository(fixture->server, "a.git");
	fixture->one = run_in(
		repository, "git commit-tree -m one $(git mktree </dev/null) | tr -d '\\n'");
	g_free(run_in(repository,
		"for ref in refs/heads/main refs/heads/mainly refs/heads/dev/x refs/merge-requests/1/head; do "
		"git update-ref $ref %s; done; git tag -m v1 v1 main",
		fixture->one));
	fixture->tag = run_in(repository, "git rev-parse v1 | tr -d '\\n'");
	g_free(git_server_repository(fixture->server, "empty.git"));
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	http_free(fixture->http);
	git_server_free(fixture->server);
	g_free(fixture->one);
	g_free(fixture->tag);
}

static struct ref_listing *list(
	struct fixture *fixture, const char *path, const char *const *prefixes, GError **error)
{
	g_autofree char *url = g_strconcat(git_server_url(fixture->server), path, NULL);
	struct remote remote = remote_at(url);

	return ls_refs_http(fixture->http, &remote, prefixes, &fixture->budget, error);
}

static struct ref_listing *list_private(
	struct fixture *fixture, const char *password, GError **error)
{
	g_autofree char *url = g_strconcat(git_server_url(fixture->server), "/private/a.git", NULL);
	g_autofree char *secret = g_strdup(password);
	char user[] = "sam";
	struct remote remote = remote_at(url);

	remote.username = password ? user : NULL;
	remote.password = secret;
	return ls_refs_http(fixture->http, &remote, everything, &fixture->budget, error);
}

static void assert_main(const struct fixture *fixture, const struct ref_listing *listing)
{
	const struct advertised_ref *head = ref_listing_find(listing, "HEAD");
	const struct advertised_ref *main_ref = ref_listing_find(listing, "refs/heads/main");

	g_assert_nonnull(head);
	g_assert_cmpstr(head->symref_target, ==, "refs/heads/main");
	g_assert_nonnull(main_ref);
	g_assert_cmpstr(git_oid_tostr_s(&main_ref->oid), ==, fixture->one);
}

static void one_request_gives_the_refs_asked_for(struct fixture *fixture, gconstpointer unused)
{
	static const char *const prefixes[] = {"HEAD", "refs/heads/main", "refs/tags/", NULL};
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = list(fixture, "/git/a.git", prefixes, &error);
	const struct advertised_ref *tag;

	(void)unused;
	g_assert_no_error(error);
	assert_main(fixture, listing);
	g_assert_cmpuint(listing->refs->len, ==, 4);
	g_assert_nonnull(ref_listing_find(listing, "refs/heads/mainly"));
	tag = ref_listing_find(listing, "refs/tags/v1");
	g_assert_cmpstr(git_oid_tostr_s(&tag->oid), ==, fixture->tag);
	g_assert_cmpstr(git_oid_tostr_s(&tag->peeled), ==, fixture->one);
	g_assert_cmpuint(fixture->budget.requests, ==, 1);
	g_assert_cmpuint(fixture->budget.bytes_received, >, 4 * 40);
	g_assert_cmpuint(fixture->budget.bytes_sent, >, 40);
}

static void empty_repository_tells_its_unborn_branch(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = list(fixture, "/git/empty.git", everything, &error);

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmpuint(listing->refs->len, ==, 0);
	g_assert_cmpstr(listing->unborn_head, ==, "refs/heads/main");
}

static void server_of_version_0_is_asked_for_version_2_once(
	struct fixture *fixture, gconstpointer unused)
{
	static const char *const prefixes[] = {"HEAD", "refs/heads/main", NULL};
	uint64_t first;

	(void)unused;
	for (int i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;
		scoped(ref_listing) listing = list(fixture, "/v0/a.git", prefixes, &error);

		g_assert_no_error(error);
		assert_main(fixture, listing);
		g_assert_cmpuint(listing->refs->len, ==, 3);
		if (i == 0)
			first = fixture->budget.requests;
	}
	g_assert_cmpuint(first, ==, 2);
	g_assert_cmpuint(fixture->budget.requests, ==, 3);
}

static void empty_repository_of_version_0_is_empty(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = list(fixture, "/v0/empty.git", everything, &error);

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmpuint(listing->refs->len, ==, 0);
}

static void moved_repository_is_followed(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = list(fixture, "/old/a.git", everything, &error);

	(void)unused;
	g_assert_no_error(error);
	assert_main(fixture, listing);
}

static void missing_repository_is_not_found(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_null(list(fixture, "/git/none.git", everything, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_NOT_FOUND);
}

static void page_of_html_is_no_repository(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_null(list(fixture, "/page/a.git", everything, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
	g_assert_nonnull(strstr(error->message, "text/html"));
}

static void sha256_repository_is_unsupported(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_free(run_in(git_server_folder(fixture->server),
		"git init -q --bare -b main --object-format=sha256 git/new.git; cd git/new.git; "
		"git update-ref refs/heads/main $(git commit-tree -m one $(git mktree </dev/null))"));
	for (int i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(
			list(fixture, i ? "/v0/new.git" : "/git/new.git", everything, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED);
	}
}

static void credentials_open_a_private_repository(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = list_private(fixture, "secret-word", &error);

	(void)unused;
	g_assert_no_error(error);
	assert_main(fixture, listing);
	g_assert_cmpuint(fixture->budget.requests, ==, 1);
}

static void wrong_credentials_are_told_from_none_found(
	struct fixture *fixture, gconstpointer unused)
{
	static const char *const passwords[] = {NULL, "wrong-word"};

	(void)unused;
	for (gsize i = 0; i < G_N_ELEMENTS(passwords); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(list_private(fixture, passwords[i], &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_AUTHENTICATION_FAILED);
		g_assert_null(strstr(error->message, "wrong-word"));
	}
}

static void many_refs_are_listed_through_compression(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *repository = git_server_repository(fixture->server, "a.git");
	static const char *const one[] = {"refs/heads/many/4999", NULL};
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) all = NULL;
	scoped(ref_listing) single = NULL;
	uint64_t before;

	(void)unused;
	g_free(run_in(repository, "seq 0 4999 | sed 's|.*|%s refs/heads/many/&|' >packed-refs",
		fixture->one));
	all = list(fixture, "/git/a.git", everything, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(all->refs->len, ==, 5006);
	before = fixture->budget.bytes_received;
	single = list(fixture, "/git/a.git", one, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(single->refs->len, ==, 1);
	g_assert_cmpuint(fixture->budget.bytes_received - before, <, 100);
}

/* ---- a wrong server
 * ---------------------------------------------------------------------------------------------- */

#define V2_TYPE "Content-Type: application/x-git-upload-pack-result\r\n"
#define V0_TYPE "Content-Type: application/x-git-upload-pack-advertisement\r\n"

static struct ref_listing *list_canned(
	struct canned_server *server, struct budget *budget, GError **error)
{
	scoped(http) http = http_new();
	g_autofree char *url = g_strconcat(canned_server_url(server), "/a.git", NULL);
	struct remote remote = remote_at(url);

	return ls_refs_http(http, &remote, everything, budget, error);
}

static void server_that_refuses_unborn_is_asked_without(void)
{
	static const struct canned_answer answers[] = {
		{"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", 0, CANNED_KEEP},
		{"HTTP/1.1 200 OK\r\n" V0_TYPE
		 "Content-Length: 40\r\n\r\n000eversion 2\n000cls-refs\n000afetch\n0000",
			0, CANNED_KEEP},
		{"HTTP/1.1 200 OK\r\n" V2_TYPE "Content-Length: 4\r\n\r\n0000", 0, CANNED_KEEP},
	};
	scoped(canned_server) server = canned_server_new(answers, G_N_ELEMENTS(answers));
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = list_canned(server, &budget, &error);
	g_autofree char *first = NULL;
	g_autofree char *last = NULL;

	g_assert_no_error(error);
	g_assert_nonnull(listing);
	g_assert_cmpuint(canned_server_count(server), ==, 3);
	g_assert_cmpuint(canned_server_connections(server), ==, 1);
	first = canned_server_request(server, 0);
	last = canned_server_request(server, 2);
	g_assert_nonnull(strstr(first, "unborn"));
	g_assert_null(strstr(last, "unborn"));
}

static void answer_cut_short_is_no_listing(void)
{
	static const struct canned_answer answers[] = {
		{"HTTP/1.1 200 OK\r\n" V2_TYPE "Content-Length: 61\r\n\r\n003d" ID
		 " refs/heads/main\n",
			0, CANNED_KEEP},
		{"HTTP/1.1 200 OK\r\n" V0_TYPE
		 "Content-Length: 4000\r\n\r\n001e# service=git-upload-pack\n0000",
			0, CANNED_CLOSE},
	};
	scoped(canned_server) server = canned_server_new(answers, G_N_ELEMENTS(answers));
	struct budget budget = usual_budget();
	g_autoptr(GError) error = NULL;

	g_assert_null(list_canned(server, &budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
}

#define REAL(name) g_test_add("/ls_refs/" #name, struct fixture, NULL, set_up, name, tear_down)
#define PURE(name) g_test_add_func("/ls_refs/" #name, name)

int main(int argc, char **argv)
{
	g_autofree char *home = g_dir_make_tmp("forge-home-XXXXXX", NULL);
	int result;

	g_setenv("HOME", home, TRUE);
	g_setenv("XDG_CONFIG_HOME", home, TRUE);
	g_setenv("no_proxy", "127.0.0.1", TRUE);
	g_test_init(&argc, &argv, NULL);
	git_libgit2_init();
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/ls_refs/parse/%s", cases[i].name);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), parses_as);
	}
	REAL(one_request_gives_the_refs_asked_for);
	REAL(empty_repository_tells_its_unborn_branch);
	REAL(server_of_version_0_is_asked_for_version_2_once);
	REAL(empty_repository_of_version_0_is_empty);
	REAL(moved_repository_is_followed);
	REAL(missing_repository_is_not_found);
	REAL(page_of_html_is_no_repository);
	REAL(sha256_repository_is_unsupported);
	REAL(credentials_open_a_private_repository);
	REAL(wrong_credentials_are_told_from_none_found);
	REAL(many_refs_are_listed_through_compression);
	PURE(server_that_refuses_unborn_is_asked_without);
	PURE(answer_cut_short_is_no_listing);
	result = g_test_run();
	git_libgit2_shutdown();
	g_rmdir(home);
	return result;
}
