/*
 * `forge doctor`: what is wrong here and what to do about it, one line a check.
 *
 * The parts are in doctor_*.c; each explains what it finds broken, and says what to do.
 */
#include "cli/checkup.h"
#include "cli/doctor.h"
#include "cli/handlers.h"
#include "cli/requests.h"

static void check_scheduler(struct checkup *checkup, struct invocation *invocation)
{
	const struct config *config = invocation_config(invocation, NULL);
	g_autoptr(GError) problem = NULL;
	scoped(client) client = NULL;
	g_autofree char *folder = NULL;
	Forge__Reply *reply;

	if (!config->scheduler_endpoint) {
		checkup_good(checkup, "scheduler",
			"embedded: jobs run inside the commands that wait for them");
		folder = config_journal_path(config);
		doctor_journal(checkup, "journal", folder, FALSE);
		return;
	}
	client = requests_connect(invocation, CLIENT_READS, 0, &problem);
	reply = client ? requests_stats(client, &problem) : NULL;
	if (!reply) {
		checkup_bad_error(checkup, "scheduler", problem);
		/* Perhaps it is the journal that keeps it from running. */
		folder = config_journal_path(config);
		doctor_journal(checkup, "journal", folder, TRUE);
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
	g_autofree char *here = g_get_current_dir();
	g_autoptr(GError) problem = NULL;
	const struct config *config;

	(void)error;
	checkup = checkup_new(invocation);
	config = invocation_config(invocation, &problem);
	if (!config) {
		checkup_bad_error(checkup, "configuration", problem);
		check_git(checkup);
		doctor_workspace(checkup, here);
		return checkup_finish(checkup);
	}
	checkup_good(checkup, "configuration", "%s%s", config->path,
		g_file_test(config->path, G_FILE_TEST_EXISTS) ? "" : " is not there; defaults");
	doctor_places(checkup, config);
	check_scheduler(checkup, invocation);
	check_git(checkup);
	doctor_hosts(checkup, config);
	doctor_workspace(checkup, here);
	return checkup_finish(checkup);
}
