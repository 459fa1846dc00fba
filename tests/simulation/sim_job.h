#ifndef FORGE_TESTS_SIMULATION_SIM_JOB_H
#define FORGE_TESTS_SIMULATION_SIM_JOB_H

#include "queue/messages.pb-c.h"
#include "tests/simulation/world.h"

/** What a job is about to do next. */
enum sim_step {
	SIM_STEP_UNSTARTED,
	SIM_STEP_LOOK,   /**< read the branch and decide */
	SIM_STEP_PUSH,   /**< the intent is recorded: push */
	SIM_STEP_PUSHED, /**< the server has answered, if it did */
	SIM_STEP_NEXT,   /**< a branch has ended: the next one, or the end */
	SIM_STEP_ENDED,  /**< its last report is on its way */
};

/** A job in the hands of a worker. */
struct sim_job {
	Forge__GrantedJob *granted;
	uint64_t stamp; /**< of this run, in its worker */
	enum sim_step step;
	gboolean revoked;
	gboolean conflict;
	guint branch;         /**< in work: index into the fork's branches */
	GPtrArray *mine;      /**< of Forge__PushIntended that this attempt reported, owned */
	char *before, *after; /**< of the push in work */
	gboolean push_taken;
};

struct sim_job *sim_job_new(const Forge__GrantedJob *granted, uint64_t stamp);
void sim_job_free(struct sim_job *job);

/** What a step led to; the caller frees the report with sim_result_clear(). */
struct sim_result {
	gboolean
		has_report; /**< send `facts`, and `end` if set, and go on when they are recorded */
	GPtrArray *facts;   /**< of Forge__Fact, owned */
	Forge__JobEnd *end;
	gboolean push; /**< send before → after to the server and go on at its answer */
};
void sim_result_clear(struct sim_result *result);
SCOPED_VALUE(sim_result, sim_result_clear)

/** Takes the next step of JOB. */
void sim_job_step(struct world *world, struct sim_job *job, struct sim_result *result);

/** The branch in work. */
const char *sim_job_branch(const struct sim_job *job);

#endif
