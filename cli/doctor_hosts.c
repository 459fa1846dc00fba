/*
 * The hosts of the configuration: whether they answer, and take their tokens. Hosts that are built
 * in are tried only where the configuration names them, so that an installation without a network
 * is content.
 */
#include <string.h>

#include "cli/doctor.h"
#include "journal/base/clock.h"
#include "worker/git/budget.h"
#include "worker/git/git_library.h"
#include "worker/remote/http.h"
#include "worker/remote/remote.h"

#define PROBE_ANSWER_BYTES (64 * 1024)

/* A question that nobody waits long for. */
static struct budget probe_budget(const struct config *config)
{
	return (struct budget){
		.deadline_ms = clock_now().monotonic_ms + (int64_t)config->network_connect_ms * 2,
		.connect_ms = (int64_t)config->network_connect_ms,
		.low_speed_ms = (int64_t)config->network_connect_ms,
		.pack_bytes_max = PROBE_ANSWER_BYTES,
	};
}

/* Asks the server at URL for anything; any answer at all will do. */
static gboolean http_answers(
	const struct config *config, const struct remote *remote, const char *url, GError **error)
{
	struct budget budget = probe_budget(config);
	struct http_request request = {
		.url = url, .follow_redirects = TRUE, .answer_bytes_max = PROBE_ANSWER_BYTES};
	scoped(http) http = http_new();
	scoped(http_exchange) exchange = http_exchange_new(http, remote, &request, &budget);
	char buffer[512];
	size_t size;
	g_autoptr(GError) problem = NULL;

	if (http_exchange_read(exchange, buffer, sizeof buffer, &size, &problem) ||
		http_exchange_status(exchange) != 0)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

/* PROBLEM without the repository it begins with, which nobody asked for. */
static void cannot_reach(struct checkup *checkup, const char *name, const char *url,
	const struct remote *remote, const GError *problem)
{
	const char *says = problem->message;
	g_autofree char *prefix = g_strconcat(remote->shown, ": ", NULL);

	if (g_str_has_prefix(says, prefix))
		says += strlen(prefix);
	checkup_bad(checkup, name,
		"check the network, the host's name, hosts.HOST.clone and the proxy", "%s: %s", url,
		says);
}

static void check_reached(struct checkup *checkup, const char *name, const struct config *config,
	const struct config_host *host)
{
	/* A repository that need not exist: it tells how the host's repositories are reached. */
	g_autofree char *repository = g_strdup_printf("%s/forge/doctor", host->name);
	g_autoptr(GError) problem = NULL;
	scoped(remote) remote = remote_new(config, repository, &problem);

	if (!remote) {
		checkup_bad_error(checkup, name, problem);
		return;
	}
	switch (remote->kind) {
	case REMOTE_HTTP:
		if (http_answers(config, remote, host->clone, &problem))
			checkup_good(checkup, name, "%s answers", host->clone);
		else
			cannot_reach(checkup, name, host->clone, remote, problem);
		return;
	case REMOTE_SSH: {
		g_autofree char *ssh = g_find_program_in_path("ssh");

		if (ssh)
			checkup_good(checkup, name, "over %s; try `ssh -T %s`", ssh, host->name);
		else
			checkup_bad(checkup, name, "install an SSH client",
				"repositories are reached by ssh, which is not installed");
		return;
	}
	case REMOTE_PATH: {
		const char *folder = g_str_has_prefix(host->clone, "file://")
			? host->clone + strlen("file://")
			: host->clone;

		if (g_file_test(folder, G_FILE_TEST_IS_DIR))
			checkup_good(checkup, name, "%s", folder);
		else
			checkup_bad(checkup, name, "correct hosts.HOST.clone in the configuration",
				"there is no folder %s", folder);
		return;
	}
	}
}

/* ---- credentials -------------------------------------------------------------------------- */

/* Whether two addresses lead to one server, so that the credentials of one go along to the other. */
static gboolean is_same_server(const char *a, const char *b)
{
	g_autoptr(GUri) left = g_uri_parse(a, G_URI_FLAGS_NONE, NULL);
	g_autoptr(GUri) right = g_uri_parse(b, G_URI_FLAGS_NONE, NULL);

	return left && right && strcmp(g_uri_get_scheme(left), g_uri_get_scheme(right)) == 0 &&
		g_strcmp0(g_uri_get_host(left), g_uri_get_host(right)) == 0 &&
		g_uri_get_port(left) == g_uri_get_port(right);
}

/* What the API's answer to "who am I" is: a status, or 0 if there was none. */
static int ask_who(const struct config *config, const struct config_host *host, const char *token)
{
	g_autofree char *repository = g_strdup_printf("%s/forge/doctor", host->name);
	g_autofree char *url = g_strconcat(host->api, "/user", NULL);
	g_autofree char *header = g_strconcat("Authorization: Bearer ", token, NULL);
	const char *headers[] = {header, NULL};
	struct budget budget = probe_budget(config);
	struct http_request request = {.url = url, .answer_bytes_max = PROBE_ANSWER_BYTES};
	scoped(remote) remote = remote_new(config, repository, NULL);
	scoped(http) http = http_new();
	scoped(http_exchange) exchange = NULL;
	char buffer[512];
	size_t size;

	if (!remote)
		return 0;
	if (!is_same_server(remote->url, url))
		request.headers = headers;
	exchange = http_exchange_new(http, remote, &request, &budget);
	http_exchange_read(exchange, buffer, sizeof buffer, &size, NULL);
	return http_exchange_status(exchange);
}

static void check_token(struct checkup *checkup, const char *name, const struct config *config,
	const struct config_host *host, const char *token)
{
	int status = host->api ? ask_who(config, host, token) : 0;

	if (status == 401)
		checkup_bad(checkup, name, "make a new token and put it into that variable",
			"%s refuses the token in $%s: it is wrong, revoked or has expired",
			host->api, host->token_env);
	else if (status >= 200 && status < 300)
		checkup_good(
			checkup, name, "$%s is set, and %s takes it", host->token_env, host->api);
	else
		checkup_good(checkup, name, "$%s is set", host->token_env);
}

static void check_credentials(
	struct checkup *checkup, const struct config *config, const struct config_host *host)
{
	g_autofree char *name = g_strdup_printf("credentials %s", host->name);
	const char *token = g_getenv(host->token_env);

	if (token && *token)
		check_token(checkup, name, config, host, token);
	else
		checkup_bad(checkup, name, "export it, or take token_env out of the configuration",
			"$%s is not set", host->token_env);
}

void doctor_hosts(struct checkup *checkup, const struct config *config)
{
	/* Credentials and addresses are as git's own configuration says too. */
	git_library_start();
	for (guint i = 0; i < config->hosts->len; i++) {
		const struct config_host *host = g_ptr_array_index(config->hosts, i);
		g_autofree char *name = NULL;

		if (host->built_in)
			continue;
		name = g_strdup_printf("host %s", host->name);
		if (host->clone)
			check_reached(checkup, name, config, host);
		if (host->token_env)
			check_credentials(checkup, config, host);
	}
	git_library_stop();
}
