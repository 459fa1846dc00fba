#ifndef FORGE_TESTS_SIMULATION_WORLD_H
#define FORGE_TESTS_SIMULATION_WORLD_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/clock.h"
#include "journal/base/scope.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/profile.h"

struct sim_git;
struct host;
struct oracle;
struct sim_client;
struct sim_worker;

/**
 * A small world in virtual time: one scheduler's machine, workers, clients, a git server and the
 * network between them. Everything in it happens on one thread, at a moment of its agenda; a seed
 * and a profile determine all of it.
 */
struct world {
	const struct profile *profile;
	uint64_t seed;
	struct chance chance;
	int64_t now_ms;         /**< monotonic */
	int64_t wall_offset_us; /**< how wrong the wall clock is */
	gboolean calm;          /**< faults and new work have stopped */
	int64_t calm_ms;        /**< since when */
	GSequence *agenda;      /* of struct appointment, by time and then by order of planning */
	uint64_t planned;
	struct host *host;
	struct sim_git *git;
	struct oracle *oracle;
	GPtrArray *workers; /**< of struct sim_worker */
	GPtrArray *clients; /**< of struct sim_client */
	char *failure;      /**< the first check that failed; nothing happens after it */
};

struct world *world_new(const struct profile *profile, uint64_t seed);
void world_free(struct world *world);
SCOPED_POINTER(world, world_free)

/** Lives through the profile's time of faults and the calm after it, until all work is done. */
void world_run(struct world *world);

/** What the scheduler's machine shows on its clocks. */
struct instant world_now(const struct world *world);

/** Calls ACTION in DELAY_MS from now; SUBJECT must live as long as the world. STAMP, ROUTING and
 * MESSAGE are passed on. */
typedef void (*world_action)(
	struct world *world, gpointer subject, uint64_t stamp, GBytes *routing, GBytes *message);
void world_plan(struct world *world, int64_t delay_ms, world_action action, gpointer subject,
	uint64_t stamp, GBytes *routing, GBytes *message);

/** Notes that a check failed, unless one did before. */
void world_fail(struct world *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** TRUE in PER_MILLE of 1000 cases while there are faults; FALSE in the calm. */
gboolean world_misfortune(struct world *world, uint32_t per_mille);

/** A number between LOW and HIGH. */
int64_t world_between(struct world *world, int64_t low, int64_t high);

/** Whether the process with this owner's mark lives. */
gboolean world_owner_lives(const struct world *world, const char *owner);

#endif
