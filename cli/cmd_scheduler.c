/*
 * `forge scheduler` and `forge worker`: the two halves as daemons in the foreground, logging to
 * standard error. SIGTERM and SIGINT end them in order: the scheduler says goodbye and leaves a
 * checkpoint, the worker ends or hands back its jobs. SIGHUP makes them read their configuration
 * anew. A service manager is told what happens.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/handlers.h"
#include "cli/reload.h"
#include "cli/requests.h"
#include "cli/scheduler_keys.h"
#include "cli/service.h"
#include "cli/workshop.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/log.h"
#include "journal/journal_rocksdb.h"
#include "scheduler/loop.h"
#include "worker/worker.h"

/* A daemon and what it is told. The endpoint and the folder are the scheduler's. */
struct daemon {
	const struct invocation *invocation;
	const struct config *config; /* in force */
	struct config *reloaded;     /* the same, if it is not the first; owned */
	struct service *service;
	char *journal_folder;
	char *endpoint;
	char *roles_path; /* who may use it, if it has keys */
};

/* Blocks the signals that a daemon is told by in every thread, so that one thread can wait for them. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

/* The number of the next of SIGNALS; 0 if none comes for WAIT_MS. */
static int wait_for_signal(const sigset_t *signals, int64_t wait_ms)
{
	struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
	int number;

	do
		number = sigtimedwait(signals, NULL, &wait);
	while (number < 0 && errno == EINTR);
	return MAX(number, 0);
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

struct listener {
	struct daemon *daemon;
	struct scheduler_loop *loop;
	const sigset_t *signals;
};

/* Of the configuration a scheduler uses nothing but these, and the level of its log. */
static void reload_scheduler(struct daemon *daemon)
{
	static const char *const fixed[] = {"scheduler.", "journal", NULL};
	struct config *config;

	service_reloading(daemon->service);
	config = reload_config(daemon->invocation, daemon->config, fixed);
	if (config) {
		config_free(daemon->reloaded);
		daemon->config = daemon->reloaded = config;
	}
	service_reloaded(daemon->service);
}

static gpointer listen_to_signals(gpointer data)
{
	struct listener *listener = data;
	int number;

	while ((number = wait_for_signal(listener->signals, LIMIT_DAEMON_REST_MS)) == SIGHUP ||
		number == 0) {
		if (number != SIGHUP)
			continue;
		reload_scheduler(listener->daemon);
		scheduler_loop_reload(listener->loop);
	}
	g_message("scheduler stopping signal=%d", number);
	service_stopping(listener->daemon->service, "stops");
	scheduler_loop_stop(listener->loop);
	return NULL;
}

static void tell_turn(gpointer user_data)
{
	struct daemon *daemon = user_data;

	service_turned(daemon->service);
}

static gboolean run_loop(
	struct daemon *daemon, struct scheduler_loop *loop, const sigset_t *signals, GError **error)
{
	struct listener listener = {daemon, loop, signals};
	GThread *thread = g_thread_new("signals", listen_to_signals, &listener);
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

static gboolean run_scheduler(struct daemon *daemon, const struct key_pair *keys, GError **error)
{
	struct scheduler_loop_options options = {.endpoint = daemon->endpoint,
		.keys = keys,
		.read_roles = read_roles,
		.open_journal = open_journal,
		.turned = tell_turn,
		.user_data = daemon};
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
	service_ready(daemon->service, "decides");
	ended = run_loop(daemon, loop, &signals, error);
	scheduler_loop_free(loop);
	return ended;
}

int cmd_scheduler(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	scoped(service) service = service_new();
	struct daemon daemon = {.invocation = invocation, .config = config, .service = service};
	scoped(key_pair) keys = NULL;
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
	config_free(daemon.reloaded);
	g_free(daemon.roles_path);
	g_free(daemon.journal_folder);
	return ended ? 0 : 1;
}

/* ---- worker ------------------------------------------------------------------------------- */

static void tell_worker_turn(gboolean joined, gpointer user_data)
{
	service_worker_turned(user_data, joined);
}

/* A scheduler is told how many jobs a worker takes when it joins, so that number stays. */
static void reload_worker(struct daemon *daemon, struct worker *worker)
{
	static const char *const fixed[] = {"scheduler.", "worker.jobs", "journal", NULL};
	struct config *config;

	service_reloading(daemon->service);
	config = reload_config(daemon->invocation, daemon->config, fixed);
	if (config) {
		worker_configure(worker, config);
		config_free(daemon->reloaded);
		daemon->config = daemon->reloaded = config;
	}
	service_reloaded(daemon->service);
}

static gboolean run_worker(
	struct daemon *daemon, const struct key_pair *keys, uint32_t n_jobs, GError **error)
{
	const struct config *config = daemon->config;
	scoped(bus) bus = bus_new();
	scoped(workshop) workshop = NULL;
	g_autofree char *name = g_strdup_printf("%s:%d", g_get_host_name(), (int)getpid());
	struct worker_options options = {.bus = bus,
		.endpoint = config->scheduler_endpoint,
		.keys = keys,
		.server_key = config->scheduler_server_key,
		.name = name,
		.owner = "",
		.slots = n_jobs,
		.turned = tell_worker_turn,
		.user_data = daemon->service};
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
	while ((number = wait_for_signal(&signals, LIMIT_DAEMON_REST_MS)) == SIGHUP ||
		number == 0) {
		if (number == SIGHUP)
			reload_worker(daemon, worker);
		else
			stores_evict(workshop->stores, daemon->config->worker_cache_bytes);
	}
	g_message("worker stopping signal=%d", number);
	service_stopping(daemon->service, "lets running jobs end");
	/* A second signal ends the process at once; its jobs are then taken up by others. */
	sigdelset(&signals, SIGHUP);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	worker_stop(worker, LIMIT_DRAIN_MS);
	workshop->config = daemon->config;
	return TRUE;
}

int cmd_worker(struct invocation *invocation, GError **error)
{
	const struct config *config = invocation_config(invocation, error);
	scoped(service) service = service_new();
	struct daemon daemon = {.invocation = invocation, .config = config, .service = service};
	scoped(key_pair) keys = NULL;
	gboolean ended;
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
	ended = run_worker(&daemon, keys, (uint32_t)jobs, error);
	config_free(daemon.reloaded);
	return ended ? 0 : 1;
}
