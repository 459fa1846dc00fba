/*
 * `forge scheduler` and `forge worker`: the two halves as daemons in the foreground, logging to
 * standard error. SIGTERM and SIGINT end them in order: the scheduler says goodbye and leaves a
 * checkpoint, the worker ends or hands back its jobs.
 */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/handlers.h"
#include "cli/requests.h"
#include "cli/scheduler_keys.h"
#include "cli/workshop.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "journal/journal_rocksdb.h"
#include "scheduler/loop.h"
#include "worker/worker.h"

/* What `forge scheduler` is told. */
struct daemon {
	char *journal_folder;
	char *endpoint;
	char *roles_path; /* who may use it, if it has keys */
};

/* Blocks the signals that end a daemon in every thread, so that one thread can wait for them. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static int wait_for_signal(const sigset_t *signals)
{
	int number = 0;

	while (sigwait(signals, &number) != 0)
		continue;
	return number;
}

static gboolean start_log(const struct config *config, GError **error)
{
	if (log_start(config->log_level))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
		"log_level: '%s' is none of error, warning, info, debug", config->log_level);
	return FALSE;
}

/* ---- scheduler ---------------------------------------------------------------------------- */

static struct journal *open_journal(gpointer user_data, GError **error)
{
	const struct daemon *daemon = user_data;

	return journal_rocksdb_open(daemon->journal_folder, JOURNAL_WRITE, "scheduler", error);
}

static struct roles *read_roles(gpointer user_data, GError **error)
{
	const struct daemon *daemon = user_data;

	return roles_read(daemon->roles_path, error);
}

struct stopper {
	struct scheduler_loop *loop;
	const sigset_t *signals;
};

static gpointer stop_on_signal(gpointer data)
{
	struct stopper *stopper = data;
	int number;

	while ((number = wait_for_signal(stopper->signals)) == SIGHUP)
		scheduler_loop_reload(stopper->loop);
	g_message("scheduler stopping signal=%d", number);
	scheduler_loop_stop(stopper->loop);
	return NULL;
}

static gboolean run_loop(struct scheduler_loop *loop, const sigset_t *signals, GError **error)
{
	struct stopper stopper = {loop, signals};
	GThread *thread = g_thread_new("signals", stop_on_signal, &stopper);
	gboolean ended = scheduler_loop_run(loop, error);

	/* A loop that ended by itself still has the thread to end: it waits for a signal. */
	if (!ended)
		kill(getpid(), SIGTERM);
	g_thread_join(thread);
	return ended;
}

/* Each connection is a descriptor, of which a process gets few unless it asks for all it may have. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static gboolean run_scheduler(
	const struct daemon *daemon, const struct key_pair *keys, GError **error)
{
	struct scheduler_loop_options options = {.endpoint = daemon->endpoint,
		.keys = keys,
		.read_roles = read_roles,
		.open_journal = open_journal,
		.user_data = (gpointer)daemon};
	scoped(bus) bus = bus_new();
	sigset_t signals;
	struct scheduler_loop *loop;
	gboolean ended;

	block_signals(&signals);
	raise_descriptors();
	loop = scheduler_loop_new(bus, &options, error);
	if (!loop)
		return FALSE;
	g_message("scheduler started endpoint=%s journal=%s", daemon->endpoint,
		daemon->journal_folder);
	ended = run_loop(loop, &signals, error);
	scheduler_loop_free(loop);
	return ended;
}

int cmd_scheduler(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	scoped(key_pair) keys = NULL;
	struct daemon daemon;
	gboolean ended = FALSE;

	if (!config || !start_log(config, error))
		return 1;
	if (!config->scheduler_endpoint) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
			"scheduler.endpoint is not set: a daemon needs an address, such as "
			"ipc:///run/forge/scheduler.sock");
		return 3;
	}
	if (!scheduler_keys_read_own(config, &keys, error))
		return 1;
	daemon.endpoint = config->scheduler_endpoint;
	daemon.journal_folder = config_journal_path(config);
	daemon.roles_path = roles_path(config->home);
	ended = run_scheduler(&daemon, keys, error);
	g_free(daemon.roles_path);
	g_free(daemon.journal_folder);
	return ended ? 0 : 1;
}

/* ---- worker ------------------------------------------------------------------------------- */

static gboolean run_worker(
	const struct config *config, const struct key_pair *keys, uint32_t n_jobs, GError **error)
{
	scoped(bus) bus = bus_new();
	scoped(workshop) workshop = NULL;
	g_autofree char *name = g_strdup_printf("%s:%d", g_get_host_name(), (int)getpid());
	struct worker_options options = {.bus = bus,
		.endpoint = config->scheduler_endpoint,
		.keys = keys,
		.server_key = config->scheduler_server_key,
		.name = name,
		.owner = "",
		.slots = n_jobs};
	struct worker *worker;
	sigset_t signals;
	int number;

	block_signals(&signals);
	workshop = workshop_new(config);
	workshop->table_only = TRUE;
	options.workshop = workshop;
	worker = worker_start(&options, error);
	if (!worker)
		return FALSE;
	g_message("worker started name=%s scheduler=%s jobs=%u", name, config->scheduler_endpoint,
		n_jobs);
	while ((number = wait_for_signal(&signals)) == SIGHUP)
		continue;
	g_message("worker stopping signal=%d", number);
	/* A second signal ends the process at once; its jobs are then taken up by others. */
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	worker_stop(worker, LIMIT_DRAIN_MS);
	return TRUE;
}

int cmd_worker(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	scoped(key_pair) keys = NULL;
	uint64_t jobs;

	if (!config || !start_log(config, error) ||
		!requests_jobs_option(invocation, (uint64_t)config->worker_jobs, &jobs, error))
		return 1;
	if (!config->scheduler_endpoint) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_CONFIGURATION_INVALID,
			"scheduler.endpoint is not set: a worker needs a scheduler to work for");
		return 3;
	}
	if (!scheduler_keys_read(config, &keys, error))
		return 1;
	return run_worker(config, keys, (uint32_t)jobs, error) ? 0 : 1;
}
