/*
 * HTTP/2 over TLS: certificates are checked against what git's configuration and environment name,
 * and bodies of any size go both ways.
 */
#include <git2.h>
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/unit/http_server.h"
#include "worker/remote/http.h"
#include "worker/remote/http_config.h"
#include "worker/remote/ls_refs.h"

struct fixture {
	struct git_server *behind;
	struct tls_server *server;
	struct budget budget;
	char *url; /* of the repository */
	char *gitconfig;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	fixture->behind = git_server_new();
	fixture->server = tls_server_new(fixture->behind);
	fixture->budget = (struct budget){.deadline_ms = clock_now().monotonic_ms + 30000,
		.connect_ms = 10000,
		.low_speed_ms = 10000};
	fixture->gitconfig = g_build_filename(g_get_home_dir(), ".gitconfig", NULL);
	if (!fixture->server) {
		g_test_skip("nginx or openssl is not installed");
		return;
	}
	g_free(git_server_repository(fixture->behind, "a.git"));
	fixture->url = g_strconcat(tls_server_url(fixture->server), "/git/a.git", NULL);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	tls_server_free(fixture->server);
	git_server_free(fixture->behind);
	g_remove(fixture->gitconfig);
	g_free(fixture->gitconfig);
	g_free(fixture->url);
}

static struct ref_listing *list(struct fixture *fixture, GError **error)
{
	static const char *const everything[] = {"", NULL};
	scoped(http) http = http_new();
	const struct remote remote = {.shown = fixture->url, .url = fixture->url};

	return ls_refs_http(http, &remote, everything, &fixture->budget, error);
}

static void unknown_authority_is_unreachable(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	if (!fixture->server)
		return;
	g_assert_null(list(fixture, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_UNREACHABLE);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, "certificate"));
}

static void configured_authority_is_trusted(struct fixture *fixture, gconstpointer format)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = NULL;

	if (!fixture->server)
		return;
	text = g_strdup_printf("[http]\n\tsslCAInfo = /nowhere\n[http \"%s\"]\n\t%s = %s\n",
		tls_server_url(fixture->server), (const char *)format,
		strcmp(format, "sslVerify") == 0 ? "false"
						 : tls_server_certificate(fixture->server));
	g_assert_true(g_file_set_contents(fixture->gitconfig, text, -1, NULL));
	if (strcmp(format, "sslVerify") == 0)
		g_free(run_in("/", "sed -i /nowhere/d '%s'", fixture->gitconfig));
	listing = list(fixture, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(listing->unborn_head, ==, "refs/heads/main");
}

static void environment_names_the_authority(struct fixture *fixture, gconstpointer variable)
{
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = NULL;

	if (!fixture->server)
		return;
	g_setenv(variable, tls_server_certificate(fixture->server), TRUE);
	listing = list(fixture, &error);
	g_unsetenv(variable);
	g_assert_no_error(error);
	g_assert_nonnull(listing);
}

/* A body that is streamed in pieces reaches git whole: receive-pack answers to it, and says what it
 * thinks. */
static void long_body_is_streamed_over_http2(struct fixture *fixture, gconstpointer unused)
{
	const struct remote remote = {.shown = fixture->url, .url = fixture->url};
	g_autofree char *url = NULL;
	scoped(http) http = NULL;
	scoped(http_exchange) exchange = NULL;
	g_autofree char *block = g_malloc0(LIMIT_HTTP_BLOCK_BYTES);
	g_autoptr(GByteArray) answer = NULL;
	g_autoptr(GError) error = NULL;
	struct http_request request = {
		.content_type = "application/x-git-receive-pack-request",
		.accept = "application/x-git-receive-pack-result",
		.answer_bytes_max = 100000,
	};

	(void)unused;
	if (!fixture->server)
		return;
	g_setenv("GIT_SSL_CAINFO", tls_server_certificate(fixture->server), TRUE);
	http = http_new();
	g_unsetenv("GIT_SSL_CAINFO");
	request.url = url = g_strconcat(fixture->url, "/git-receive-pack", NULL);
	exchange = http_exchange_new(http, &remote, &request, &fixture->budget);
	g_assert_true(http_exchange_write(exchange,
		"0074"
		"0000000000000000000000000000000000000000 1111111111111111111111111111111111111111 "
		"refs/heads/main\0report-status\n0000",
		0x74 + 4, &error));
	for (int i = 0; i < 64; i++) {
		gboolean written = http_exchange_write(
			exchange, block, LIMIT_HTTP_BLOCK_BYTES, &error);

		g_assert_no_error(error);
		g_assert_true(written);
	}
	answer = http_exchange_read_all(exchange, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(fixture->budget.bytes_sent, >, 64 * LIMIT_HTTP_BLOCK_BYTES);
	g_assert_nonnull(g_strstr_len((char *)answer->data, answer->len, "ng refs/heads/main"));
}

static void most_specific_url_of_the_configuration_wins(void)
{
	g_autofree char *path = g_build_filename(g_get_home_dir(), ".gitconfig", NULL);
	scoped(http_config) config = NULL;
	static const struct {
		const char *url;
		const char *proxy;
	} rows[] = {
		{"https://example.org/team/a.git", "team"},
		{"https://example.org/teams/a.git", "host"},
		{"https://EXAMPLE.org:443/x", "host"},
		{"https://example.org:444/x", "all"},
		{"http://example.org/x", "all"},
		{"https://other.example.org/x", "all"},
	};

	g_assert_true(g_file_set_contents(path,
		"[http \"https://example.org/team/\"]\nproxy = team\n[http \"https://example.org\"]\nproxy = no\n"
		"proxy = host\n[http]\nproxy = all\nsslVerify = nonsense\nsslCert = ~/cert.pem\n",
		-1, NULL));
	config = http_config_new();
	g_remove(path);
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpstr(http_config_get(config, rows[i].url, "proxy"), ==, rows[i].proxy);
	g_assert_null(http_config_get(config, rows[0].url, "sslkey"));
	g_assert_true(http_config_verifies(config, rows[0].url));
	g_assert_true(g_path_is_absolute(http_config_get(config, rows[0].url, "sslcert")));
}

#define REAL(name, data, function) \
	g_test_add("/http_tls/" name, struct fixture, data, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_autofree char *home = g_dir_make_tmp("forge-home-XXXXXX", NULL);
	int result;

	g_setenv("HOME", home, TRUE);
	g_setenv("XDG_CONFIG_HOME", home, TRUE);
	g_setenv("no_proxy", "127.0.0.1,localhost", TRUE);
	g_unsetenv("GIT_SSL_CAINFO");
	g_unsetenv("SSL_CERT_FILE");
	g_unsetenv("GIT_SSL_NO_VERIFY");
	g_test_init(&argc, &argv, NULL);
	git_libgit2_init();
	REAL("unknown_authority_is_unreachable", NULL, unknown_authority_is_unreachable);
	REAL("authority_of_the_configuration_is_trusted", "sslCAInfo",
		configured_authority_is_trusted);
	REAL("check_is_switched_off_for_one_host", "sslVerify", configured_authority_is_trusted);
	REAL("authority_of_GIT_SSL_CAINFO_is_trusted", "GIT_SSL_CAINFO",
		environment_names_the_authority);
	REAL("authority_of_SSL_CERT_FILE_is_trusted", "SSL_CERT_FILE",
		environment_names_the_authority);
	REAL("long_body_is_streamed_over_http2", NULL, long_body_is_streamed_over_http2);
	g_test_add_func("/http_tls/most_specific_url_of_the_configuration_wins",
		most_specific_url_of_the_configuration_wins);
	result = g_test_run();
	git_libgit2_shutdown();
	g_rmdir(home);
	return result;
}
