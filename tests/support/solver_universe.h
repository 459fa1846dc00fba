#ifndef FORGE_TESTS_SUPPORT_SOLVER_UNIVERSE_H
#define FORGE_TESTS_SUPPORT_SOLVER_UNIVERSE_H

#include <glib.h>

#include "worker/resolve/solver.h"

/** A need of one candidate: some other package, in one of the candidates FIRST up to LAST. */
struct universe_need {
	guint package;
	guint first, last;
};

/** Packages `p000`, `p001` ..., each with as many candidates as its list has. */
struct solver_universe {
	GPtrArray *packages; /**< of GPtrArray, by package: of GArray, by candidate: of needs */
	GHashTable *numbers; /**< name → number + 1 */
	GPtrArray *names;
	guint questions; /**< that a provider was asked */
};

struct solver_universe *solver_universe_new(void);
void solver_universe_free(struct solver_universe *universe);
SCOPED_POINTER(solver_universe, solver_universe_free)

/** Adds a package of so many candidates, which need nothing; returns its number. */
guint solver_universe_add(struct solver_universe *universe, guint candidates);

guint solver_universe_candidates(const struct solver_universe *universe, guint package);
const GArray *solver_universe_needs(
	const struct solver_universe *universe, guint package, guint candidate);
void solver_universe_need(struct solver_universe *universe, guint package, guint candidate,
	const struct universe_need *need);

/** Who knows UNIVERSE, which is borrowed. Constraints are `FIRST..LAST`. */
struct solver_provider solver_universe_provider(struct solver_universe *universe);

/** The constraint that NEED is. Caller frees. */
char *solver_universe_constraint(const struct universe_need *need);

#endif
