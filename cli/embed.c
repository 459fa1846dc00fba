/*
 * Embedded mode: every command tries to be the host of its journal's scheduler. The first gets the
 * journal's lock and listens on a socket whose name follows from the journal; the others connect
 * there and watch the lock. When the host ends, however it ends, one of them takes the lock,
 * replays and listens on the same socket.
 */
#include "cli/embed.h"

#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/runtime_folder.h"
#include "cli/workshop.h"
#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/journal_rocksdb.h"
#include "scheduler/loop.h"
#include "worker/worker.h"

/* What the journal's holder says of itself, before the folder of its socket. */
#define PURPOSE "embedded:"

struct embed {
	struct bus *bus;
	const struct config *config;
	char *runtime;
	char *journal_folder;
	char *endpoint;
	char *owner;
	int owner_lock;
	struct workshop *workshop;
	struct worker *worker;
	GThread *thread; /* hosts, or waits to host */

	GMutex mutex; /* of what follows */
	GCond changed;
	struct scheduler_loop *loop;
	gboolean stopping;
	GError *failure;
};

static struct journal *open_journal(gpointer user_data, GError **error)
{
	const struct embed *embed = user_data;

	g_autofree char *purpose = g_strconcat(PURPOSE, embed->runtime, NULL);

	return journal_rocksdb_open(embed->journal_folder, JOURNAL_WRITE, purpose, error);
}

static gboolean owner_lives(const char *owner, gpointer user_data)
{
	const struct embed *embed = user_data;

	return strcmp(owner, embed->owner) == 0 || runtime_owner_lives(embed->runtime, owner);
}

static struct scheduler_loop *try_to_host(struct embed *embed, GError **error)
{
	struct scheduler_loop_options options = {.endpoint = embed->endpoint,
		.open_journal = open_journal,
		.owner_lives = owner_lives,
		.user_data = embed};

	return scheduler_loop_new(embed->bus, &options, error);
}

/* ---- the hosting thread ------------------------------------------------------------------- */

/* Waits until nobody holds the journal. FALSE if this process is stopping. */
static gboolean wait_for_journal(struct embed *embed)
{
	struct journal_holder holder;
	gboolean stopping;

	g_mutex_lock(&embed->mutex);
	while (!embed->stopping && journal_rocksdb_holder(embed->journal_folder, &holder))
		g_cond_wait_until(
			&embed->changed, &embed->mutex, clock_wait_end(LIMIT_TAKEOVER_MS));
	stopping = embed->stopping;
	g_mutex_unlock(&embed->mutex);
	return !stopping;
}

static void keep_failure(struct embed *embed, GError *take_error)
{
	g_mutex_lock(&embed->mutex);
	g_clear_error(&embed->failure);
	embed->failure = take_error;
	g_mutex_unlock(&embed->mutex);
}

/* Runs LOOP until it is stopped or fails, and frees it. */
static void host(struct embed *embed, struct scheduler_loop *take_loop)
{
	scoped(scheduler_loop) loop = take_loop;
	GError *error = NULL;
	gboolean stopping;

	g_mutex_lock(&embed->mutex);
	embed->loop = loop;
	stopping = embed->stopping;
	g_mutex_unlock(&embed->mutex);
	/* Of those who only asked nobody else takes notice. */
	runtime_forget_dead_owners(embed->runtime);
	if (!stopping && !scheduler_loop_run(loop, &error))
		keep_failure(embed, error);
	g_mutex_lock(&embed->mutex);
	embed->loop = NULL;
	g_mutex_unlock(&embed->mutex);
}

static gboolean goes_on(struct embed *embed)
{
	gboolean on;

	g_mutex_lock(&embed->mutex);
	on = !embed->stopping && !embed->failure;
	g_mutex_unlock(&embed->mutex);
	return on;
}

static gpointer run_host(gpointer data)
{
	struct embed *embed = data;

	if (embed->loop)
		host(embed, embed->loop);
	while (goes_on(embed) && wait_for_journal(embed)) {
		GError *error = NULL;
		struct scheduler_loop *loop = try_to_host(embed, &error);

		if (loop)
			host(embed, loop);
		else if (forge_error_code(error) != FORGE_ERROR_JOURNAL_HELD)
			keep_failure(embed, error);
		else
			g_clear_error(&error);
	}
	return NULL;
}

/* ---- making and freeing ------------------------------------------------------------------- */

/* The runtime folder of the command that hosts the journal; of the last one if none does, as long
 * as that folder is good: commands that it left behind wait there for the next host. NULL if there
 * is none such. Caller frees. */
static char *folder_of_host(const struct embed *embed)
{
	struct journal_holder holder;
	gboolean held = journal_rocksdb_holder(embed->journal_folder, &holder);
	const char *folder = g_str_has_prefix(holder.purpose, PURPOSE)
		? holder.purpose + strlen(PURPOSE)
		: NULL;

	return folder && (held || runtime_folder_check(folder, NULL)) ? g_strdup(folder) : NULL;
}

static void leave_runtime(struct embed *embed)
{
	if (embed->owner_lock >= 0)
		runtime_owner_release(embed->runtime, embed->owner, embed->owner_lock);
	embed->owner_lock = -1;
	g_clear_pointer(&embed->runtime, g_free);
	g_clear_pointer(&embed->endpoint, g_free);
}

/* Settles where the commands of this journal meet: where its host is, for the environment of that
 * one may be another. */
static gboolean enter_runtime(struct embed *embed, GError **error)
{
	leave_runtime(embed);
	embed->runtime = folder_of_host(embed);
	if (embed->runtime ? !runtime_folder_check(embed->runtime, error)
			   : !(embed->runtime = runtime_folder(error)))
		return FALSE;
	embed->endpoint = runtime_endpoint(embed->runtime, embed->journal_folder);
	embed->owner_lock = runtime_owner_hold(embed->runtime, embed->owner, error);
	return embed->owner_lock >= 0;
}

/* Somebody holds the journal: fine if it is a command like this one. */
static gboolean may_join(struct embed *embed, GError *take_error, GError **error)
{
	g_autoptr(GError) failure = take_error;
	g_autofree char *folder = folder_of_host(embed);
	struct journal_holder holder;

	if (forge_error_code(failure) != FORGE_ERROR_JOURNAL_HELD ||
		(!folder && journal_rocksdb_holder(embed->journal_folder, &holder))) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	/* It may have become the host after this one had looked for one. */
	return !folder || strcmp(folder, embed->runtime) == 0 || enter_runtime(embed, error);
}

struct embed *embed_new(struct bus *bus, const struct config *config, GError **error)
{
	scoped(embed) embed = g_new0(struct embed, 1);
	GError *failure = NULL;

	embed->bus = bus;
	embed->config = config;
	embed->owner_lock = -1;
	g_mutex_init(&embed->mutex);
	g_cond_init(&embed->changed);
	embed->owner = client_request_id();
	embed->journal_folder = config_journal_path(config);
	if (!enter_runtime(embed, error))
		return NULL;
	embed->loop = try_to_host(embed, &failure);
	if (!embed->loop && !may_join(embed, failure, error))
		return NULL;
	embed->thread = g_thread_new("host", run_host, embed);
	return g_steal_pointer(&embed);
}

gboolean embed_start_worker(struct embed *embed, uint32_t n_jobs, GError **error)
{
	g_autofree char *name = g_strdup_printf("%s:%d", g_get_host_name(), (int)getpid());
	struct worker_options options = {.bus = embed->bus,
		.endpoint = embed->endpoint,
		.name = name,
		.owner = embed->owner,
		.slots = n_jobs};

	embed->workshop = workshop_new(embed->config);
	options.workshop = embed->workshop;
	embed->worker = worker_start(&options, error);
	return embed->worker != NULL;
}

static void stop_hosting(struct embed *embed)
{
	g_mutex_lock(&embed->mutex);
	embed->stopping = TRUE;
	if (embed->loop)
		scheduler_loop_stop(embed->loop);
	g_cond_signal(&embed->changed);
	g_mutex_unlock(&embed->mutex);
	g_thread_join(embed->thread);
}

void embed_free(struct embed *embed)
{
	if (!embed)
		return;
	worker_stop(embed->worker, 0);
	if (embed->thread)
		stop_hosting(embed);
	workshop_free(embed->workshop);
	leave_runtime(embed);
	g_clear_error(&embed->failure);
	g_mutex_clear(&embed->mutex);
	g_cond_clear(&embed->changed);
	g_free(embed->journal_folder);
	g_free(embed->owner);
	g_free(embed);
}

const char *embed_endpoint(const struct embed *embed)
{
	return embed->endpoint;
}

const char *embed_owner(const struct embed *embed)
{
	return embed->owner;
}

const GError *embed_failure(struct embed *embed)
{
	const GError *failure;

	g_mutex_lock(&embed->mutex);
	failure = embed->failure;
	g_mutex_unlock(&embed->mutex);
	return failure;
}
