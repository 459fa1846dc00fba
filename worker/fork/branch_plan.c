/*
 * From what two servers advertise to the branches of a fork that are to be synced. Pure.
 *
 * A branch that one side lacks is never a silence: it ends here, with the reason that the listings
 * show. What they cannot show because only some refs were asked for is asked again, in full, before
 * anything is said.
 */
#include "worker/fork/branch_plan.h"

#include <fnmatch.h>
#include <string.h>

#include "journal/base/hash.h"

#define HEADS "refs/heads/"

static void free_planned(gpointer data)
{
	struct planned_branch *branch = data;

	g_free(branch->name);
	g_clear_error(&branch->reason);
	g_free(branch);
}

void branch_plan_free(struct branch_plan *plan)
{
	if (!plan)
		return;
	g_ptr_array_free(plan->branches, TRUE);
	g_free(plan);
}

static gboolean is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

static const struct advertised_ref *find_branch(const struct ref_listing *listing, const char *name)
{
	g_autofree char *ref = g_strconcat(HEADS, name, NULL);

	return ref_listing_find(listing, ref);
}

/* Name of the branch that HEAD names, born or not; NULL if the server does not tell. Borrowed. */
static const char *default_branch(const struct ref_listing *listing)
{
	const struct advertised_ref *head = ref_listing_find(listing, "HEAD");
	const char *target = head ? head->symref_target : listing->unborn_head;

	return target && g_str_has_prefix(target, HEADS) ? target + strlen(HEADS) : NULL;
}

static gboolean has_branches(const struct ref_listing *listing)
{
	for (guint i = 0; i < listing->refs->len; i++) {
		const struct advertised_ref *ref = listing->refs->pdata[i];

		if (strcmp(ref->name, "HEAD") == 0 || g_str_has_prefix(ref->name, HEADS))
			return TRUE;
	}
	return FALSE;
}

static void end_branch(struct planned_branch *branch, Forge__BranchStatus status,
	enum forge_error code, const char *format, ...) G_GNUC_PRINTF(4, 5);

static void end_branch(struct planned_branch *branch, Forge__BranchStatus status,
	enum forge_error code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	branch->status = status;
	branch->reason = g_error_new_valist(FORGE_ERROR, (gint)code, format, arguments);
	va_end(arguments);
}

struct planning {
	struct branch_plan *plan;
	const struct ref_listing *upstream;
	const struct ref_listing *fork;
	gboolean by_default;
	gboolean fill;
	GHashTable *names; /* set of the branches planned; the plan's own */
};

static struct planned_branch *add_branch(const struct planning *planning, const char *name)
{
	struct planned_branch *branch = g_new0(struct planned_branch, 1);

	branch->name = g_strdup(name);
	g_ptr_array_add(planning->plan->branches, branch);
	g_hash_table_add(planning->names, branch->name);
	return branch;
}

static void end_missing_in_fork(const struct planning *planning, struct planned_branch *branch)
{
	const char *fork_default = default_branch(planning->fork);

	planning->plan->wants_all_branches = TRUE;
	if (!has_branches(planning->fork))
		end_branch(branch, FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED,
			FORGE_ERROR_EMPTY_REPOSITORY, "the fork is empty");
	else if (planning->by_default && fork_default &&
		find_branch(planning->fork, fork_default) &&
		!find_branch(planning->upstream, fork_default))
		end_branch(branch, FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED,
			FORGE_ERROR_DEFAULT_BRANCH_RENAMED,
			"upstream's default branch is '%s' and it has no '%s'; the fork has only that",
			branch->name, fork_default);
	else
		end_branch(branch, FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED,
			FORGE_ERROR_BRANCH_NOT_FOUND, "the fork has no branch '%s'", branch->name);
}

static void plan_one(
	const struct planning *planning, const char *name, const struct advertised_ref *tip)
{
	struct planned_branch *branch = add_branch(planning, name);
	const struct advertised_ref *fork_tip = find_branch(planning->fork, name);

	branch->upstream_tip = tip->oid;
	if (fork_tip)
		branch->fork_tip = fork_tip->oid;
	else if (!planning->fill)
		end_missing_in_fork(planning, branch);
}

static void plan_missing_upstream(const struct planning *planning, const char *name)
{
	struct planned_branch *branch = add_branch(planning, name);
	const struct advertised_ref *fork_tip = find_branch(planning->fork, name);

	if (fork_tip) {
		branch->fork_tip = fork_tip->oid;
		end_branch(branch, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED,
			FORGE_ERROR_BRANCH_DELETED,
			"upstream has no branch '%s' any more; the fork has", name);
		return;
	}
	end_branch(branch, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED, FORGE_ERROR_BRANCH_NOT_FOUND,
		"upstream has no branch '%s'", name);
}

static void plan_name(const struct planning *planning, const char *name)
{
	const struct advertised_ref *tip = find_branch(planning->upstream, name);

	if (tip)
		plan_one(planning, name, tip);
	else
		plan_missing_upstream(planning, name);
}

static void plan_glob(const struct planning *planning, const char *pattern)
{
	gboolean matched = FALSE;

	for (guint i = 0; i < planning->upstream->refs->len; i++) {
		const struct advertised_ref *ref = planning->upstream->refs->pdata[i];
		const char *name = ref->name + strlen(HEADS);

		if (!g_str_has_prefix(ref->name, HEADS) || fnmatch(pattern, name, 0) != 0)
			continue;
		matched = TRUE;
		if (!g_hash_table_contains(planning->names, name))
			plan_one(planning, name, ref);
	}
	if (!matched)
		end_branch(add_branch(planning, pattern),
			FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED, FORGE_ERROR_BRANCH_NOT_FOUND,
			"no branch of upstream matches '%s'", pattern);
}

static void plan_default(const struct planning *planning)
{
	const char *name = default_branch(planning->upstream);
	const struct advertised_ref *head = ref_listing_find(planning->upstream, "HEAD");

	if (name && head)
		plan_one(planning, name, head);
	else
		end_branch(add_branch(planning, name ? name : "HEAD"),
			FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED, FORGE_ERROR_BRANCH_NOT_FOUND,
			"upstream has no default branch; name one with --branch");
}

struct branch_plan *branch_plan_new(const struct ref_listing *upstream,
	const struct ref_listing *fork, char *const *patterns, size_t n, gboolean fill,
	gboolean complete)
{
	struct branch_plan *plan = g_new0(struct branch_plan, 1);
	g_autoptr(GHashTable) names = g_hash_table_new(hash_string_keyed, g_str_equal);
	struct planning planning = {plan, upstream, fork, n == 0, fill, names};

	plan->branches = g_ptr_array_new_with_free_func(free_planned);
	if (!has_branches(upstream)) {
		end_branch(add_branch(&planning,
				   default_branch(upstream) ? default_branch(upstream) : "HEAD"),
			FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED, FORGE_ERROR_EMPTY_REPOSITORY,
			"the upstream is empty");
		plan->wants_all_branches = !complete;
		return plan;
	}
	if (n == 0)
		plan_default(&planning);
	for (size_t i = 0; i < n; i++) {
		if (is_glob(patterns[i]))
			plan_glob(&planning, patterns[i]);
		else if (!g_hash_table_contains(names, patterns[i]))
			plan_name(&planning, patterns[i]);
	}
	plan->wants_all_branches = plan->wants_all_branches && !complete;
	return plan;
}

static gboolean has_planned(const struct branch_plan *plan, const char *name)
{
	for (guint i = 0; i < plan->branches->len; i++)
		if (strcmp(((struct planned_branch *)plan->branches->pdata[i])->name, name) == 0)
			return TRUE;
	return FALSE;
}

void branch_plan_add_pushed(struct branch_plan *plan, const struct ref_listing *fork,
	const char *name, const git_oid *after)
{
	const struct advertised_ref *tip = find_branch(fork, name);
	struct planned_branch *branch;

	if (!tip || !git_oid_equal(&tip->oid, after) || has_planned(plan, name))
		return;
	branch = g_new0(struct planned_branch, 1);
	branch->name = g_strdup(name);
	branch->fork_tip = tip->oid;
	end_branch(branch, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED, FORGE_ERROR_BRANCH_DELETED,
		"'%s' is not among upstream's branches that are meant any more", name);
	g_ptr_array_add(plan->branches, branch);
}

char **branch_plan_prefixes(char *const *patterns, size_t n, const char *default_branch_ref)
{
	g_autoptr(GPtrArray) prefixes = g_ptr_array_new();

	g_ptr_array_add(prefixes, g_strdup("HEAD"));
	if (n == 0 && default_branch_ref)
		g_ptr_array_add(prefixes, g_strdup(default_branch_ref));
	for (size_t i = 0; i < n; i++)
		g_ptr_array_add(prefixes,
			g_strdup_printf(
				HEADS "%.*s", (int)strcspn(patterns[i], "*?["), patterns[i]));
	g_ptr_array_add(prefixes, NULL);
	return (char **)g_ptr_array_steal(prefixes, NULL);
}
