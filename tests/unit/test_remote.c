/*
 * How repositories are reached: one row a spelling, under one table of hosts and one git
 * configuration.
 */
#include "worker/remote/remote.h"

#include <git2.h>
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/errors.h"

static struct config_host hosts[] = {
	{.name = (char *)"github.com",
		.clone = (char *)"https://github.com",
		.token_env = (char *)"TEST_GITHUB_TOKEN"},
	{.name = (char *)"local", .clone = (char *)"file:///srv/git/"},
	{.name = (char *)"plain",
		.clone = (char *)"http://127.0.0.1:8080/git",
		.token_env = (char *)"TEST_PLAIN_TOKEN"},
	{.name = (char *)"logged", .clone = (char *)"https://me:pa%40ss@git.example.org"},
	{.name = (char *)"shell", .clone = (char *)"git@shell.example.org:"},
	{.name = (char *)"unset",
		.clone = (char *)"https://unset.example.org",
		.token_env = (char *)"TEST_UNSET_TOKEN"},
};

static struct config config;

struct reached {
	const char *repository;
	enum remote_kind kind;
	const char *url;
	const char *host;
	const char *login, *port, *path;
	const char *username, *password;
	const char *shown; /* NULL: as the repository */
};

static const struct reached reached[] = {
	/* HOST/OWNER/NAME */
	{"github.com/o/n", REMOTE_HTTP, "https://github.com/o/n", "github.com",
		.username = "x-access-token", .password = "gh-secret"},
	{"GitHub.com/o/n", REMOTE_HTTP, "https://github.com/o/n", "github.com",
		.username = "x-access-token", .password = "gh-secret"},
	{"local/group/sub/n.git", REMOTE_PATH, "/srv/git/group/sub/n.git", "localhost",
		.path = "/srv/git/group/sub/n.git"},
	{"plain/o/n", REMOTE_HTTP, "http://127.0.0.1:8080/git/o/n", "127.0.0.1",
		.username = "x-access-token", .password = "plain-secret"},
	{"logged/o/n", REMOTE_HTTP, "https://git.example.org/o/n", "git.example.org",
		.username = "me", .password = "pa@ss"},
	{"shell/o/n", REMOTE_SSH, "git@shell.example.org:o/n", "shell.example.org",
		.login = "git@shell.example.org", .path = "o/n"},
	{"unset/o/n", REMOTE_HTTP, "https://unset.example.org/o/n", "unset.example.org"},
	{"git.unlisted.example/o/n", REMOTE_HTTP, "https://git.unlisted.example/o/n",
		"git.unlisted.example"},
	{"localhost:8443/o/n", REMOTE_HTTP, "https://localhost:8443/o/n", "localhost"},
	/* URLs */
	{"https://example.org/https://joe:s3cret@h/n", REMOTE_HTTP,
		"https://example.org/https://joe:s3cret@h/n", "example.org",
		.shown = "https://example.org/https://h/n"},
	{"https://GITHUB.com/o/n.git/", REMOTE_HTTP, "https://github.com/o/n.git", "github.com",
		.username = "x-access-token", .password = "gh-secret"},
	{"https://joe:s%3Acret@example.org/o/n", REMOTE_HTTP, "https://example.org/o/n",
		"example.org", .username = "joe", .password = "s:cret",
		.shown = "https://example.org/o/n"},
	{"https://joe:p@ss@example.org/a@b/n", REMOTE_HTTP, "https://example.org/a@b/n",
		"example.org", .username = "joe", .password = "p@ss",
		.shown = "https://example.org/a@b/n"},
	{"https://joe@github.com/o/n", REMOTE_HTTP, "https://github.com/o/n", "github.com",
		.username = "joe", .password = "gh-secret", .shown = "https://github.com/o/n"},
	{"https://x:own@github.com/o/n", REMOTE_HTTP, "https://github.com/o/n", "github.com",
		.username = "x", .password = "own", .shown = "https://github.com/o/n"},
	{"http://[::1]:8080/o/n", REMOTE_HTTP, "http://[::1]:8080/o/n", "::1"},
	/* A token goes neither to a look-alike nor in the clear. */
	{"https://github.com.evil.example/o/n", REMOTE_HTTP, "https://github.com.evil.example/o/n",
		"github.com.evil.example"},
	{"http://github.com/o/n", REMOTE_HTTP, "http://github.com/o/n", "github.com"},
	{"http://127.0.0.1:8080/other/n", REMOTE_HTTP, "http://127.0.0.1:8080/other/n",
		"127.0.0.1"},
	/* ssh */
	{"git@github.com:o/n.git", REMOTE_SSH, "git@github.com:o/n.git", "github.com",
		.login = "git@github.com", .path = "o/n.git"},
	{"box:/srv/n", REMOTE_SSH, "box:/srv/n", "box", .login = "box", .path = "/srv/n"},
	{"me@[::1]:n", REMOTE_SSH, "me@[::1]:n", "::1", .login = "me@::1", .path = "n"},
	{"ssh://git@Host.example:2222/o/n%20x", REMOTE_SSH, "ssh://git@Host.example:2222/o/n%20x",
		"host.example", .login = "git@Host.example", .port = "2222", .path = "/o/n x"},
	{"ssh://host.example/~joe/n", REMOTE_SSH, "ssh://host.example/~joe/n", "host.example",
		.login = "host.example", .path = "~joe/n"},
	{"ssh://joe:secret@host.example/n", REMOTE_SSH, "ssh://joe@host.example/n", "host.example",
		.login = "joe@host.example", .path = "/n", .shown = "ssh://joe@host.example/n"},
	/* paths */
	{"/srv/git/n.git/", REMOTE_PATH, "/srv/git/n.git", "localhost", .path = "/srv/git/n.git"},
	{"/srv/my repositories/n", REMOTE_PATH, "/srv/my repositories/n", "localhost",
		.path = "/srv/my repositories/n"},
	{"file:///srv/git/n%20x", REMOTE_PATH, "/srv/git/n x", "localhost", .path = "/srv/git/n x"},
	{"file://localhost/srv/n", REMOTE_PATH, "/srv/n", "localhost", .path = "/srv/n"},
	/* git's insteadOf: the longest match wins; credentials in its base are used; no token
	   follows it elsewhere */
	{"https://old.example/o/n", REMOTE_HTTP, "https://new.example/o/n", "new.example"},
	{"https://old.example/ssh/n", REMOTE_SSH, "ssh://git@new.example/n", "new.example",
		.login = "git@new.example", .path = "/n"},
	{"https://login.example/n", REMOTE_HTTP, "https://new.example/n", "new.example",
		.username = "bot", .password = "tok"},
	{"https://github.com/moved/n", REMOTE_HTTP, "https://mirror.example/n", "mirror.example"},
	{"short:n", REMOTE_HTTP, "https://new.example/n", "new.example"},
};

struct refused {
	const char *repository;
	enum forge_error code;
	const char *words; /* in the message */
};

static const struct refused refused[] = {
	{"", FORGE_ERROR_VALIDATION_FAILED, "HOST/OWNER/NAME"},
	{"crm", FORGE_ERROR_VALIDATION_FAILED, "'crm'"},
	{"github.com/o", FORGE_ERROR_VALIDATION_FAILED, "HOST/OWNER/NAME"},
	{"github.com/../n", FORGE_ERROR_VALIDATION_FAILED, "HOST/OWNER/NAME"},
	{"github.com/o/-n", FORGE_ERROR_VALIDATION_FAILED, "HOST/OWNER/NAME"},
	{"github.com/o/n?x", FORGE_ERROR_VALIDATION_FAILED, "HOST/OWNER/NAME"},
	{"github.com/o//n", FORGE_ERROR_VALIDATION_FAILED, "HOST/OWNER/NAME"},
	{"work/o/n", FORGE_ERROR_CONFIGURATION_INVALID, "'work'"},
	{"-oProxyCommand=x:o/n", FORGE_ERROR_VALIDATION_FAILED, ""},
	{"a\nb/c/d", FORGE_ERROR_VALIDATION_FAILED, "control"},
	{"git://host/o/n", FORGE_ERROR_VALIDATION_FAILED, "protocol"},
	{"ext::sh -c id", FORGE_ERROR_VALIDATION_FAILED, "address"},
	{"https://host", FORGE_ERROR_VALIDATION_FAILED, "https://host"},
	{"https:///o/n", FORGE_ERROR_VALIDATION_FAILED, "URL"},
	{"https://host/o/n?token=secret", FORGE_ERROR_VALIDATION_FAILED, "query"},
	{"https://joe:se/secret@host/n", FORGE_ERROR_VALIDATION_FAILED, "https://host/n"},
	{"ssh://-oProxyCommand=x/n", FORGE_ERROR_SECURITY_REFUSED, "option"},
	{"ssh://-oProxyCommand=x@host/n", FORGE_ERROR_SECURITY_REFUSED, "option"},
	{"host:-upload-pack=x", FORGE_ERROR_SECURITY_REFUSED, "option"},
	{"ssh://host/", FORGE_ERROR_VALIDATION_FAILED, "names no repository"},
	{"ssh://host/a%0ab", FORGE_ERROR_VALIDATION_FAILED, "path"},
	{"ssh://ho;st/n", FORGE_ERROR_VALIDATION_FAILED, "host"},
	{"file://elsewhere/n", FORGE_ERROR_VALIDATION_FAILED, "path"},
	{"file:///a%00b", FORGE_ERROR_VALIDATION_FAILED, "path"},
};

static void every_spelling_is_reached_as_the_table_says(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reached); i++) {
		const struct reached *row = &reached[i];
		g_autoptr(GError) error = NULL;
		scoped(remote) remote = remote_new(&config, row->repository, &error);

		g_test_message("%s", row->repository);
		g_assert_no_error(error);
		g_assert_cmpint(remote->kind, ==, row->kind);
		g_assert_cmpstr(remote->url, ==, row->url);
		g_assert_cmpstr(remote->host, ==, row->host);
		g_assert_cmpstr(remote->login, ==, row->login);
		g_assert_cmpstr(remote->port, ==, row->port);
		g_assert_cmpstr(remote->path, ==, row->path);
		g_assert_cmpstr(remote->username, ==, row->username);
		g_assert_cmpstr(remote->password, ==, row->password);
		g_assert_cmpstr(remote->shown, ==, row->shown ? row->shown : row->repository);
		g_assert_cmpuint(strlen(remote->identity), ==, 64);
	}
}

static void what_is_no_repository_is_refused_with_its_code(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", refused[i].repository);
		g_assert_null(remote_new(&config, refused[i].repository, &error));
		g_assert_error(error, FORGE_ERROR, (int)refused[i].code);
		g_assert_nonnull(strstr(error->message, refused[i].words));
		g_assert_null(strstr(error->message, "secret"));
	}
}

static void relative_path_is_made_absolute(void)
{
	g_autofree char *here = g_get_current_dir();
	g_autofree char *expected = g_build_filename(here, "x/n.git", NULL);
	g_autoptr(GError) error = NULL;
	scoped(remote) remote = remote_new(&config, "./x/n.git", &error);

	g_assert_no_error(error);
	g_assert_cmpstr(remote->path, ==, expected);
}

static void identity_tells_credentials_apart_without_showing_them(void)
{
	scoped(remote) joe = remote_new(&config, "https://joe:one@example.org/n", NULL);
	scoped(remote) other = remote_new(&config, "https://joe:two@example.org/n", NULL);
	scoped(remote) again = remote_new(&config, "https://joe:one@example.org/n", NULL);

	g_assert_cmpstr(joe->identity, !=, other->identity);
	g_assert_cmpstr(joe->identity, ==, again->identity);
	g_assert_null(strstr(joe->identity, "one"));
}

int main(int argc, char **argv)
{
	static const char git_config[] =
		"[url \"https://new.example/\"]\n\tinsteadOf = https://old.example/\n"
		"\tinsteadOf = short:\n"
		"[url \"ssh://git@new.example/\"]\n\tinsteadOf = https://old.example/ssh/\n"
		"[url \"https://bot:tok@new.example/\"]\n\tinsteadOf = https://login.example/\n"
		"[url \"https://mirror.example/\"]\n\tinsteadOf = https://github.com/moved/\n";
	g_autofree char *home = g_dir_make_tmp("forge-remote-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(home, ".gitconfig", NULL);
	int status;

	g_assert_true(g_file_set_contents(path, git_config, -1, NULL));
	g_setenv("HOME", home, TRUE);
	g_setenv("TEST_GITHUB_TOKEN", "gh-secret\n", TRUE);
	g_setenv("TEST_PLAIN_TOKEN", "plain-secret", TRUE);
	git_libgit2_init();
	config.hosts = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++)
		g_ptr_array_add(config.hosts, &hosts[i]);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/remote/every_spelling_is_reached_as_the_table_says",
		every_spelling_is_reached_as_the_table_says);
	g_test_add_func("/remote/what_is_no_repository_is_refused_with_its_code",
		what_is_no_repository_is_refused_with_its_code);
	g_test_add_func("/remote/relative_path_is_made_absolute", relative_path_is_made_absolute);
	g_test_add_func("/remote/identity_tells_credentials_apart_without_showing_them",
		identity_tells_credentials_apart_without_showing_them);
	status = g_test_run();
	g_ptr_array_unref(config.hosts);
	git_libgit2_shutdown();
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(g_rmdir(home), ==, 0);
	return status;
}
