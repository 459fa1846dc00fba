#ifndef FORGE_WORKER_RESOLVE_WORDING_H
#define FORGE_WORKER_RESOLVE_WORDING_H

#include "worker/resolve/proof.h"

/* How facts and what follows from them are said. Each function appends to a text. */

/** FACT as a clause: `menu 1.1.0 or later needs dropdown ^2.0.0`. */
void wording_fact(GString *text, const struct problem *problem, const struct fact *fact);

/** What ASKED, a requirement, asks for. */
void wording_wish(GString *text, const struct problem *problem, const struct fact *asked);

/** The circle that FACT is: `a 1.0.0 needs b and b 2.1.0 needs a again`, with the constraints that
 * are among FACTS (NULL: none). */
void wording_circle(GString *text, const struct problem *problem, const struct fact *fact,
	const GPtrArray *facts);

/** What follows from TERMS (at least one) not all holding: `menu 1.1.0 or later cannot be used`.
 * A set of versions that a constraint among FACTS means is called by that. */
void wording_rule(GString *text, const struct problem *problem, const struct search_term *terms,
	guint n_terms, const GPtrArray *facts);

/** What it all comes to, given the FACTS it follows from: `menu ^1.0.0 cannot be had`. */
void wording_conclusion(GString *text, const struct problem *problem, const GPtrArray *facts);

/** FACT for those who go on with it. Caller frees. */
struct solver_fact *wording_solver_fact(const struct problem *problem, const struct fact *fact);

#endif
