#ifndef FORGE_TESTS_SIMULATION_PROFILE_H
#define FORGE_TESTS_SIMULATION_PROFILE_H

#include <stddef.h>
#include <stdint.h>

/** What goes wrong in a world, and how often. Chances are per mille of the occasions named. */
struct profile {
	const char *name;
	uint64_t runs;     /**< seeds of an ordinary test run: some seconds' worth */
	int64_t faults_ms; /**< how long faults and new work go on */

	/* each message */
	uint32_t drop, twice;
	int64_t delay_ms; /**< the longest; reorders where it is over 1 */

	/* each turn of the scheduler */
	uint32_t crash_before, crash_after;   /**< before the append; after it, with only a part of
						 the messages sent */
	uint32_t append_lost, append_unknown; /**< a failed append that is not there; one that is */
	uint32_t takeover; /**< another scheduler opens the journal while this one lives */
	uint32_t checkpoint;
	int64_t downtime_ms; /**< the longest after a crash */

	/* each start of a scheduler */
	uint32_t compaction;

	/* each second of an actor */
	uint32_t worker_crash, worker_freeze, worker_leave;
	int64_t freeze_ms; /**< the longest; leases last 15 s */
	uint32_t client_crash;

	/* each second of the world */
	uint32_t clock_jump;

	int64_t job_ms; /**< the longest step of a job */
};

extern const struct profile profiles[];
extern const size_t n_profiles;

#endif
