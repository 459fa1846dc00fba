#ifndef FORGE_WORKER_RESOLVE_PROOF_H
#define FORGE_WORKER_RESOLVE_PROOF_H

#include "worker/resolve/problem.h"
#include "worker/resolve/search.h"

/** An impossible search, and what its rules and variables stand for. */
struct proof {
	const struct problem *problem;
	struct search *search; /**< impossible */
	GPtrArray *facts;      /**< of struct fact, borrowed: by the numbers that rules have */
	GArray *packages;      /**< guint: of each variable of the search */
	GPtrArray *made;       /**< of struct fact: put together from others, owned */
};

/**
 * Why SEARCH, which is impossible and has the packages and facts of PROBLEM as they are, has failed:
 * from few facts, none of which could be left out, as far as LIMIT_SOLVER_EXPLAIN_STEPS allow to
 * find out. What several candidates of one package need of another is one fact where that is enough.
 * PROBLEM and BUDGET (whose limits are set here) must outlive the proof; SEARCH is taken. Caller frees.
 */
struct proof *proof_new(
	const struct problem *problem, struct search *take_search, struct search_budget *budget);
void proof_free(struct proof *proof);
SCOPED_POINTER(proof, proof_free)

/** The facts that PROOF makes use of, in the order in which they became known. Caller frees. */
GPtrArray *proof_facts(const struct proof *proof);

#endif
