/*
 * What tests of single exchanges over HTTP share: one remote, one request, a budget that is never
 * the reason for a failure, and the exchange from its start to its end. The servers are
 * tests/unit/http_server.h's.
 */
#include "tests/support/http_fixture.h"

#include "journal/base/clock.h"

char *http_fixture_set_home(void)
{
	char *home = g_dir_make_tmp("forge-home-XXXXXX", NULL);

	g_setenv("HOME", home, TRUE);
	g_setenv("XDG_CONFIG_HOME", home, TRUE);
	g_setenv("no_proxy", "127.0.0.1", TRUE);
	return home;
}

struct budget http_fixture_budget(void)
{
	return (struct budget){
		.deadline_ms = clock_now().monotonic_ms + 60000,
		.connect_ms = 30000,
		.low_speed_ms = 30000,
	};
}

struct remote http_fixture_remote(const char *url)
{
	return (struct remote){.kind = REMOTE_HTTP,
		.shown = (char *)"the-remote",
		.url = (char *)url,
		.username = (char *)"sam",
		.password = (char *)"secret-word"};
}

struct http_request http_fixture_get(const char *url)
{
	return (struct http_request){
		.url = url, .accept = "text/x-ok", .answer_bytes_max = 1000 * 1000};
}

char *http_fixture_perform(struct http *http, const struct remote *remote,
	const struct http_request *request, struct budget *budget, GError **error)
{
	scoped(http_exchange) exchange = http_exchange_new(http, remote, request, budget);
	g_autoptr(GByteArray) answer = http_exchange_read_all(exchange, error);

	return answer ? g_strdup((char *)answer->data) : NULL;
}

char *http_fixture_get_once(const char *url, struct budget *budget, GError **error)
{
	scoped(http) http = http_new();
	const struct remote remote = http_fixture_remote(url);
	const struct http_request request = http_fixture_get(url);

	return http_fixture_perform(http, &remote, &request, budget, error);
}
