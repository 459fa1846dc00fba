#ifndef FORGE_CLI_RENDER_NEEDS_H
#define FORGE_CLI_RENDER_NEEDS_H

#include <glib.h>

#include "journal/base/value.h"
#include "worker/dependency/lock_graph.h"

/* Who needs whom, in words and for machines: pure, nothing is printed here. What is returned is the
 * caller's. */

/** ` (^2.1)`, or nothing where CONSTRAINT is empty. */
char *render_in_brackets(const char *constraint);

/** What NAME needs: `email-composer 1.3.2 (~1.3.0), menu is not here (^1)`; NULL: nothing. */
char *render_needs(const struct lock_graph *graph, const char *name);

/** The components that need NAME: `sales-specialist 1.1.0 (^2.1.0)`; NULL: none does. */
char *render_needed_by(const struct lock_graph *graph, const char *name);

/** Puts the lists `needs` and `needed_by` of NAME into MAP, each only where it has members. */
void render_put_needs(struct value *map, const struct lock_graph *graph, const char *name);

/** `salesforce-lookup needs email-composer ^2.0.0 (here: 1.3.2); …`, for a need of NAME. */
char *render_unmet(const char *name, const struct unmet_need *need);

/** UNMET (of struct unmet_need) as a list. */
struct value *render_unmet_value(const GArray *unmet);

#endif
