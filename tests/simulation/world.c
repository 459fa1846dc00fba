/*
 * Virtual time: an agenda of what happens when, and the wall clock apart from it, which may jump.
 * Whatever acts plans its next act here; a message on its way is an appointment of whoever receives
 * it.
 *
 * A life has two parts. While there are faults clients keep asking for new work. Then the faults
 * stop, the clock is put right, everyone comes back, and what was accepted must be brought to its
 * end within bounded time.
 */
#include "tests/simulation/world.h"

#include "journal/base/limits.h"
#include "tests/simulation/sim_git.h"
#include "tests/simulation/host.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_worker.h"

/* 2026-01-01, so that jumps of ten years both ways stay where times are valid. */
#define WALL_START_US G_GINT64_CONSTANT(1767225600000000)
#define HOUR_US G_GINT64_CONSTANT(3600000000)
#define TEN_YEARS_US (HOUR_US * 24 * 3650)

/*
 * Retries take some minutes, and at most LIMIT_RETRY_AFTER_MS where a clock was put back meanwhile;
 * more than this means that something is stuck.
 */
#define CALM_MS (LIMIT_RETRY_AFTER_MS + 30 * 60 * 1000)

#define ACTS_PER_MOMENT 10000

struct appointment {
	int64_t at_ms;
	uint64_t order;
	world_action action;
	gpointer subject;
	uint64_t stamp;
	GBytes *routing, *message;
};

static void free_appointment(gpointer data)
{
	struct appointment *appointment = data;

	g_clear_pointer(&appointment->routing, g_bytes_unref);
	g_clear_pointer(&appointment->message, g_bytes_unref);
	g_free(appointment);
}

static gint compare(gconstpointer a, gconstpointer b, gpointer unused)
{
	const struct appointment *left = a, *right = b;

	(void)unused;
	if (left->at_ms != right->at_ms)
		return left->at_ms < right->at_ms ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

void world_plan(struct world *world, int64_t delay_ms, world_action action, gpointer subject,
	uint64_t stamp, GBytes *routing, GBytes *message)
{
	struct appointment *appointment = g_new0(struct appointment, 1);

	appointment->at_ms = world->now_ms + delay_ms;
	appointment->order = world->planned++;
	appointment->action = action;
	appointment->subject = subject;
	appointment->stamp = stamp;
	appointment->routing = routing ? g_bytes_ref(routing) : NULL;
	appointment->message = message ? g_bytes_ref(message) : NULL;
	g_sequence_insert_sorted(world->agenda, appointment, compare, NULL);
}

struct instant world_now(const struct world *world)
{
	return (struct instant){
		.wall_us = WALL_START_US + world->now_ms * 1000 + world->wall_offset_us,
		.monotonic_ms = world->now_ms};
}

void world_fail(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (world->failure)
		return;
	va_start(arguments, format);
	world->failure = g_strdup_vprintf(format, arguments);
	va_end(arguments);
}

gboolean world_misfortune(struct world *world, uint32_t per_mille)
{
	return chance_happens(&world->chance, per_mille) && !world->calm;
}

int64_t world_between(struct world *world, int64_t low, int64_t high)
{
	return chance_between(&world->chance, low, high);
}

gboolean world_owner_lives(const struct world *world, const char *owner)
{
	for (guint i = 0; i < world->clients->len; i++)
		if (g_str_equal(sim_client_owner(world->clients->pdata[i]), owner))
			return TRUE;
	return FALSE;
}

/* ---- what happens by itself --------------------------------------------------------------- */

static void jump_clock(struct world *world)
{
	static const int64_t jumps[] = {HOUR_US, -HOUR_US, TEN_YEARS_US, -TEN_YEARS_US, 0};

	world->wall_offset_us = jumps[world_between(world, 0, G_N_ELEMENTS(jumps) - 1)];
}

static void live(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message)
{
	const GPtrArray *branches = sim_git_branches(world->git);

	(void)subject, (void)stamp, (void)routing, (void)message;
	if (world_misfortune(world, world->profile->clock_jump))
		jump_clock(world);
	if (branches->len > 0) {
		const struct git_branch *row =
			branches->pdata[world_between(world, 0, branches->len - 1)];

		if (world_misfortune(world, 700))
			sim_git_advance_upstream(world->git, row->fork, row->branch);
		if (world_misfortune(world, 30))
			sim_git_push_by_hand(world->git, row->fork, row->branch);
	}
	world_plan(world, 1000, live, NULL, 0, NULL, NULL);
}

/* ---- a whole life ------------------------------------------------------------------------- */

struct world *world_new(const struct profile *profile, uint64_t seed)
{
	struct world *world = g_new0(struct world, 1);
	int64_t n_workers, n_clients;

	world->profile = profile;
	world->seed = seed;
	world->chance = chance_from_seed(seed);
	world->now_ms = 1000;
	world->agenda = g_sequence_new(free_appointment);
	world->git = sim_git_new();
	world->oracle = oracle_new(world);
	world->host = host_new(world);
	world->workers = g_ptr_array_new_with_free_func((GDestroyNotify)sim_worker_free);
	world->clients = g_ptr_array_new_with_free_func((GDestroyNotify)sim_client_free);
	n_clients = world_between(world, 1, 3);
	n_workers = world_between(world, 1, 3);
	for (guint i = 0; i < n_clients; i++)
		g_ptr_array_add(world->clients, sim_client_new(world, i));
	for (guint i = 0; i < n_workers; i++)
		g_ptr_array_add(world->workers, sim_worker_new(world, i, NULL));
	/* A command line brings its own worker. */
	for (guint i = 0; i < n_clients; i++)
		if (*sim_client_owner(world->clients->pdata[i]))
			g_ptr_array_add(world->workers,
				sim_worker_new(
					world, world->workers->len, world->clients->pdata[i]));
	world_plan(world, 1000, live, NULL, 0, NULL, NULL);
	return world;
}

void world_free(struct world *world)
{
	if (!world)
		return;
	g_sequence_free(world->agenda);
	g_ptr_array_free(world->workers, TRUE);
	g_ptr_array_free(world->clients, TRUE);
	host_free(world->host);
	oracle_free(world->oracle);
	sim_git_free(world->git);
	g_free(world->failure);
	g_free(world);
}

/* A scheduler that is due again and again at one moment would never sleep. */
static void check_time_passes(struct world *world, int64_t at_ms, guint *acts)
{
	*acts = at_ms == world->now_ms ? *acts + 1 : 0;
	if (*acts > ACTS_PER_MOMENT)
		world_fail(world, "time stands still");
}

static void live_until(struct world *world, int64_t until_ms, gboolean until_done)
{
	guint acts = 0;

	while (!world->failure &&
		!(until_done && oracle_is_done(world->oracle) &&
			sim_clients_are_done(world->clients))) {
		GSequenceIter *first = g_sequence_get_begin_iter(world->agenda);
		struct appointment *appointment = g_sequence_get(first);

		if (appointment->at_ms > until_ms)
			break;
		check_time_passes(world, appointment->at_ms, &acts);
		world->now_ms = appointment->at_ms;
		appointment->action(world, appointment->subject, appointment->stamp,
			appointment->routing, appointment->message);
		g_sequence_remove(first);
	}
}

void world_run(struct world *world)
{
	live_until(world, world->now_ms + world->profile->faults_ms, FALSE);
	world->calm = TRUE;
	world->calm_ms = world->now_ms;
	world->wall_offset_us = 0;
	live_until(world, world->now_ms + CALM_MS, TRUE);
	if (!world->failure)
		host_check_end(world->host);
	if (!world->failure)
		oracle_check_end(world->oracle);
	if (!world->failure && !sim_clients_are_done(world->clients))
		world_fail(world, "a client waits for an answer in vain");
}
