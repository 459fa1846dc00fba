/*
 * From what two servers advertise to the tags that a fork lacks, and those that are not the same.
 *
 * Tags are compared by the object they name, not by the commit behind it: a tag that was signed anew
 * is another tag. Pure.
 */
#include "worker/fork/tag_plan.h"

#include <string.h>

#include "journal/base/hash.h"

const char *tag_name(const struct advertised_ref *ref)
{
	return g_str_has_prefix(ref->name, TAGS) ? ref->name + strlen(TAGS) : NULL;
}

static GHashTable *tags_by_name(const struct ref_listing *listing)
{
	GHashTable *tags = g_hash_table_new(hash_string_keyed, g_str_equal);

	for (guint i = 0; i < listing->refs->len; i++) {
		struct advertised_ref *ref = listing->refs->pdata[i];

		if (tag_name(ref))
			g_hash_table_insert(tags, ref->name, ref);
	}
	return tags;
}

struct tag_plan *tag_plan_new(const struct ref_listing *upstream, const struct ref_listing *fork)
{
	struct tag_plan *plan = g_new0(struct tag_plan, 1);
	g_autoptr(GHashTable) of_fork = tags_by_name(fork);

	plan->missing = g_ptr_array_new();
	plan->differing = g_ptr_array_new();
	for (guint i = 0; i < upstream->refs->len; i++) {
		struct advertised_ref *ref = upstream->refs->pdata[i];
		struct advertised_ref *other = g_hash_table_lookup(of_fork, ref->name);

		if (!tag_name(ref))
			continue;
		if (!other)
			g_ptr_array_add(plan->missing, ref);
		else if (git_oid_equal(&ref->oid, &other->oid))
			plan->n_equal++;
		else
			g_ptr_array_add(plan->differing, other);
	}
	plan->n_own = g_hash_table_size(of_fork) - plan->n_equal - plan->differing->len;
	return plan;
}

void tag_plan_free(struct tag_plan *plan)
{
	if (!plan)
		return;
	g_ptr_array_unref(plan->missing);
	g_ptr_array_unref(plan->differing);
	g_free(plan);
}
