#ifndef FORGE_WORKER_DEPENDENCY_CHANGE_REASONS_H
#define FORGE_WORKER_DEPENDENCY_CHANGE_REASONS_H

#include <glib.h>

#include "journal/base/scope.h"

/** What one component of a resolution asks of another. */
struct resolved_need {
	char *component;
	char *constraint;       /**< as written; empty: any */
	gboolean allows_before; /**< whether it would be content with what forge.lock has */
};

/** One component of a resolution, as far as it takes to say why it is another one than before. */
struct resolved_entry {
	const char *name;
	const char *shown;        /**< version, or name and commit */
	const char *shown_before; /**< NULL: forge.lock did not have it */
	gboolean moved;           /**< it is another commit than forge.lock's */
	gboolean named;           /**< somebody asked for it, or to give its locked version up */
	const char *exactly;      /**< the very version that somebody asked for; NULL: none */
	gboolean before_is_there; /**< forge.lock's could still be had */
	const char *listed_constraint; /**< of forge.yaml or the command line; NULL: not listed */
	gboolean listed_allows_before;
	GPtrArray *needs; /**< of struct resolved_need */
};

/** For a GPtrArray that owns its struct resolved_need. */
void resolved_need_free(gpointer need);

/**
 * Why ENTRY, one of ENTRIES (of struct resolved_entry, sorted by name), is another one than
 * forge.lock has: `menu 2.0.0 needs it (^2.1)`. NULL if it is none. Pure. Caller frees.
 */
char *change_reason(const struct resolved_entry *entry, const GPtrArray *entries);

#endif
