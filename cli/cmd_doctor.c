/*
 * `forge doctor`: what is wrong here and what to do about it, one line a check.
 *
 * It changes nothing: no folder is made, no journal opened for writing, no job run. Hosts that are
 * built in are tried only where the configuration names them, so that an installation without a
 * network is content.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/checkup.h"
#include "cli/handlers.h"
#include "cli/requests.h"
#include "journal/base/clock.h"
#include "journal/journal_rocksdb.h"
#include "worker/git/budget.h"
#include "worker/remote/http.h"
#include "worker/remote/remote.h"

#define PROBE_ANSWER_BYTES (64 * 1024)

/* ---- folders ------------------------------------------------------------------------------ */

static void check_home(struct checkup *checkup, const struct config *config)
{
	struct stat status;

	if (stat(config->home, &status) != 0)
		checkup_good(checkup, "home", "%s is not there yet; the first command makes it",
			config->home);
	else if (!S_ISDIR(status.st_mode))
		checkup_bad(checkup, "home", "move it away, or set FORGE_HOME", "%s is no folder",
			config->home);
	else if (status.st_uid != geteuid())
		checkup_bad(checkup, "home",
			"run forge as the user who owns it, or set FORGE_HOME to a folder of your own",
			"%s belongs to another user", config->home);
	else if (access(config->home, R_OK | W_OK | X_OK) != 0)
		checkup_bad(checkup, "home", "make it readable and writable with chmod u+rwx",
			"%s cannot be read and written", config->home);
	else if (status.st_mode & (S_IWGRP | S_IWOTH))
		checkup_bad(checkup, "home", "take that away with chmod go-w",
			"%s can be written by other users", config->home);
	else
		checkup_good(checkup, "home", "%s", config->home);
}

static void check_journal(struct checkup *checkup, const struct config *config)
{
	g_autofree char *folder = config_journal_path(config);
	struct journal_holder holder;
	g_autoptr(GError) problem = NULL;
	scoped(journal) journal = NULL;

	if (!g_file_test(folder, G_FILE_TEST_EXISTS)) {
		checkup_good(checkup, "journal",
			"%s is not there yet; the first command that needs it makes it", folder);
		return;
	}
	if (journal_rocksdb_holder(folder, &holder))
		checkup_good(checkup, "journal holder", "process %" G_GINT64_FORMAT " on %s (%s)",
			holder.pid, holder.host, holder.purpose);
	journal = journal_rocksdb_open(folder, JOURNAL_READ_ONLY, "doctor", &problem);
	if (journal)
		checkup_good(checkup, "journal", "%s, %" G_GUINT64_FORMAT " events", folder,
			journal_end(journal).seq);
	else
		checkup_bad_error(checkup, "journal", problem);
}

/* ---- scheduler ---------------------------------------------------------------------------- */

static void check_scheduler(struct checkup *checkup, struct invocation *invocation)
{
	const struct config *config = invocation_config(invocation, NULL);
	g_autoptr(GError) problem = NULL;
	scoped(client) client = NULL;
	Forge__Reply *reply;

	if (!config->scheduler_endpoint) {
		checkup_good(checkup, "scheduler",
			"embedded: jobs run inside the commands that wait for them");
		check_journal(checkup, config);
		return;
	}
	client = requests_connect(invocation, CLIENT_READS, 0, &problem);
	reply = client ? requests_stats(client, &problem) : NULL;
	if (!reply) {
		checkup_bad_error(checkup, "scheduler", problem);
		return;
	}
	checkup_good(checkup, "scheduler", "%s answers: process %u on %s, %zu worker%s",
		config->scheduler_endpoint, reply->stats->pid, reply->stats->host,
		reply->stats->n_workers, reply->stats->n_workers == 1 ? "" : "s");
	if (reply->stats->n_workers == 0)
		checkup_bad(checkup, "workers", "start `forge worker`",
			"no worker is connected, so no job runs");
	if (reply->stats->paused)
		checkup_bad(
			checkup, "queue", "`forge queue resume` goes on", "the queue is paused");
	forge__reply__free_unpacked(reply, NULL);
}

/* ---- hosts -------------------------------------------------------------------------------- */

/* Asks the server at URL for anything; any answer at all will do. */
static gboolean http_answers(
	const struct config *config, const struct remote *remote, const char *url, GError **error)
{
	struct budget budget = {
		.deadline_ms = clock_now().monotonic_ms + (int64_t)config->network_connect_ms * 2,
		.connect_ms = (int64_t)config->network_connect_ms,
		.low_speed_ms = (int64_t)config->network_connect_ms,
		.pack_bytes_max = PROBE_ANSWER_BYTES,
	};
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

static void check_credentials(struct checkup *checkup, const char *host, const char *variable)
{
	g_autofree char *name = g_strdup_printf("credentials %s", host);
	const char *token = g_getenv(variable);

	if (token && *token)
		checkup_good(checkup, name, "$%s is set", variable);
	else
		checkup_bad(checkup, name, "export it, or take token_env out of the configuration",
			"$%s is not set", variable);
}

static void check_hosts(struct checkup *checkup, const struct config *config)
{
	for (guint i = 0; i < config->hosts->len; i++) {
		const struct config_host *host = g_ptr_array_index(config->hosts, i);
		g_autofree char *name = NULL;

		if (host->built_in)
			continue;
		name = g_strdup_printf("host %s", host->name);
		if (host->clone)
			check_reached(checkup, name, config, host);
		if (host->token_env)
			check_credentials(checkup, host->name, host->token_env);
	}
}

static void check_git(struct checkup *checkup)
{
	g_autofree char *git = g_find_program_in_path("git");

	if (git)
		checkup_good(checkup, "git", "%s", git);
	else
		checkup_bad(checkup, "git", "install git",
			"git is not installed; its credential helpers and ssh need it");
}

int cmd_doctor(struct invocation *invocation, GError **error)
{
	scoped(checkup) checkup = NULL;
	g_autoptr(GError) problem = NULL;
	const struct config *config;

	(void)error;
	checkup = checkup_new(invocation);
	config = invocation_config(invocation, &problem);
	if (!config) {
		checkup_bad_error(checkup, "configuration", problem);
		return checkup_finish(checkup);
	}
	checkup_good(checkup, "configuration", "%s%s", config->path,
		g_file_test(config->path, G_FILE_TEST_EXISTS) ? "" : " is not there; defaults");
	check_home(checkup, config);
	check_scheduler(checkup, invocation);
	check_git(checkup);
	check_hosts(checkup, config);
	return checkup_finish(checkup);
}
