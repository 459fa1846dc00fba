#ifndef FORGE_WORKER_RESOLVE_SOLVING_H
#define FORGE_WORKER_RESOLVE_SOLVING_H

#include "worker/resolve/inquiry.h"

/** What is to be solved. */
struct solving_task {
	const struct solver_requirement *requirements; /**< sorted */
	size_t n;
	gssize relaxed; /**< the requirement that any candidate meets; -1: none */
	enum solver_preference preference;
	const struct solver_provider *provider;
	struct search_budget *budget;
};

enum solving_end {
	SOLVING_SOLVED,     /**< the search has all packages that are present decided */
	SOLVING_IMPOSSIBLE, /**< the search's failure says why */
	SOLVING_FAILED,     /**< with an error */
	SOLVING_CHANGED,    /**< while it ran: what is known does not hold any more */
};

/** A search from beginning to end, with all that was asked for it. */
struct solving {
	struct inquiry inquiry;
	guint restarts;
	uint64_t conflicts;
};

/** Searches until it is known, however often that has to begin anew. Caller clears, whatever the end. */
enum solving_end solving_run(
	struct solving *solving, const struct solving_task *task, GError **error);
void solving_clear(struct solving *solving);
SCOPED_VALUE(solving, solving_clear)

/** The candidate that was decided for PACKAGE. */
guint solving_chosen(const struct solving *solving, guint package);

/** Makes the sets of each circle among FACTS as large as is known by now, and begins it where one
 * would begin to tell it. */
void solving_round_off_circle(const struct problem *problem, struct fact *fact);

#endif
