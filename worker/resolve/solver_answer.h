#ifndef FORGE_WORKER_RESOLVE_SOLVER_ANSWER_H
#define FORGE_WORKER_RESOLVE_SOLVER_ANSWER_H

#include "worker/resolve/solver.h"

/** A need as a provider told it. */
struct solver_need {
	char *package;
	char *constraint;
};

/** See solver.h; what was not asked for stays empty. */
struct solver_answer {
	GPtrArray *texts;   /**< of candidates */
	GArray *flags;      /**< guint: enum solver_candidate_flags of each */
	GArray *allowed;    /**< guint: candidates */
	GPtrArray *needs;   /**< of struct solver_need */
	GPtrArray *changed; /**< names */
	char *unusable;     /**< the reason, or NULL */
};

struct solver_answer *solver_answer_new(void);
void solver_answer_free(struct solver_answer *answer);
SCOPED_POINTER(solver_answer, solver_answer_free)

#endif
