#ifndef FORGE_WORKER_RESOLVE_INQUIRY_H
#define FORGE_WORKER_RESOLVE_INQUIRY_H

#include <glib.h>

#include "worker/resolve/problem.h"
#include "worker/resolve/search.h"
#include "worker/resolve/solver.h"

/**
 * Asks the provider, and makes of its answers facts of a problem and rules of a search, whose
 * variables are the problem's packages under the same numbers.
 */
struct inquiry {
	const struct solver_provider *provider;
	struct problem *problem;
	struct search *search;
	gboolean changed; /**< what is known does not hold any more: begin again with nothing */
};

/** A candidate of a package. */
struct candidate {
	guint package;
	guint number;
};

/** Makes facts of N requirements; number RELAXED of them asks for its package alone (-1: none). The
 * provider's errors. */
gboolean inquire_requirements(struct inquiry *inquiry,
	const struct solver_requirement *requirements, size_t n, gssize relaxed, GError **error);

/** Makes facts of what CANDIDATES (of struct candidate), none of them asked about before, need. The
 * provider's errors. */
gboolean inquire_needs(struct inquiry *inquiry, const GArray *candidates, GError **error);

#endif
