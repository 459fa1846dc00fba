#ifndef FORGE_WORKER_FORK_TAG_PLAN_H
#define FORGE_WORKER_FORK_TAG_PLAN_H

#include <glib.h>

#include "journal/base/scope.h"
#include "worker/remote/ls_refs.h"

#define TAGS "refs/tags/"
/** What a fork's tags are called where branches have names; no branch can be called so. */
#define TAGS_BRANCH "refs/tags/*"

/** How a fork's tags are to its upstream's. Refs are borrowed from the listings. */
struct tag_plan {
	GPtrArray *missing;   /**< upstream's struct advertised_ref that the fork has no tag for */
	GPtrArray *differing; /**< the fork's, where upstream has another object of that name */
	guint n_equal;
	guint n_own; /**< only the fork has them */
};

/** Pure; both listings hold all tags. */
struct tag_plan *tag_plan_new(const struct ref_listing *upstream, const struct ref_listing *fork);
void tag_plan_free(struct tag_plan *plan);
SCOPED_POINTER(tag_plan, tag_plan_free)

/** REF's name without `refs/tags/`; NULL if it is no tag. Borrowed. */
const char *tag_name(const struct advertised_ref *ref);

#endif
