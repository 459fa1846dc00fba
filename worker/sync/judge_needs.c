/*
 * Whether the workspace can still be resolved once a component is what a pull makes of it.
 *
 * Nobody is asked while the needs are met by what is locked. Else the resolver supposes the very
 * commit that is pulled, with the needs of the merged file: what it finds may move other components,
 * which is the next installation's business; only that it finds nothing is a conflict.
 */
#include "worker/sync/judge_needs.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/component/component_constraint.h"
#include "worker/dependency/resolving.h"
#include "worker/git/identity.h"

#define COMPONENT_YAML "component.yaml"

static gboolean had(const struct component_file *before, const struct component_dependency *need)
{
	for (guint i = 0; before && i < before->dependencies->len; i++) {
		const struct component_dependency *old = before->dependencies->pdata[i];

		if (strcmp(old->component, need->component) == 0 &&
			g_strcmp0(old->repository, need->repository) == 0 &&
			g_strcmp0(old->constraint, need->constraint) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Whether what is locked is what NEED asks for; FALSE if it is not there, or another version. */
static gboolean is_met(const struct component_job *job, const struct component_dependency *need,
	gboolean *contradicts)
{
	const struct locked_component *locked = lock_file_find(job->locked, need->component);

	*contradicts = locked && !component_constraint_allows(need->constraint, locked->version);
	return locked && !*contradicts;
}

/* The first need that what is locked contradicts, or NULL; *UNMET tells whether any is not met. */
static const struct component_dependency *look_at_lock(const struct component_job *job,
	const struct component_file *before, const struct component_file *after, gboolean *unmet)
{
	const struct component_dependency *first = NULL;

	*unmet = FALSE;
	for (guint i = 0; i < after->dependencies->len; i++) {
		const struct component_dependency *need = after->dependencies->pdata[i];
		gboolean contradicts;

		if (had(before, need) || is_met(job, need, &contradicts))
			continue;
		*unmet = TRUE;
		if (!first && contradicts)
			first = need;
	}
	return first;
}

static void add_conflict(GPtrArray *conflicts, const char *place)
{
	g_autofree char *cut = g_utf8_substring(
		place, 0, MIN(g_utf8_strlen(place, -1), LIMIT_PLACE_BYTES / 4));

	component_conflicts_add(conflicts, COMPONENT_YAML, "dependency", cut);
}

static void add_contradiction(const struct component_job *job,
	const struct component_dependency *need, GPtrArray *conflicts)
{
	g_autofree char *place = g_strdup_printf("it needs %s %s, the workspace has %s",
		need->component, need->constraint,
		lock_file_find(job->locked, need->component)->version);

	add_conflict(conflicts, place);
}

/* What stands in the way, in one line. */
static void add_explanation(const struct solver_result *result, GPtrArray *conflicts)
{
	g_autofree char *line = g_strdup(result->explanation);

	add_conflict(conflicts, g_strdelimit(line, "\n", ' '));
}

/* The version that is pulled, or the commit where it is none, as a constraint. */
static char *what_is_pulled(const struct component_job *job)
{
	return job->pick.version ? g_strdup(job->pick.version)
				 : g_strconcat("@", git_oid_tostr_s(&job->pick.commit), NULL);
}

/* Puts the needs of the merged file in the place of those of upstream's. */
static gboolean take_merged(struct resolving *resolving, const struct component_job *job,
	const git_oid *result, GError **error)
{
	const char *key;
	struct package *package;
	scoped_value(package_allowed) allowed = {0};
	g_autofree char *pulled = what_is_pulled(job);
	struct candidate *candidate;

	if (!workspace_provider_bind(
		    resolving->provider, job->name, job->link.repository, &key, error) ||
		!workspace_provider_look(resolving->provider, error))
		return FALSE;
	package = workspace_provider_package(resolving->provider, key);
	if (!package_load(package, error) || !package_allow(package, pulled, &allowed, error))
		return FALSE;
	for (guint i = 0; i < allowed.candidates->len; i++) {
		candidate = package->candidates->pdata[g_array_index(allowed.candidates, guint, i)];
		if (!package_take(candidate, job->forge, result, job->link.path, error))
			return FALSE;
	}
	return TRUE;
}

/* Sets *RESULT to what the resolver says. */
static gboolean solve(const struct component_job *job, const git_oid *merged,
	struct resolving *resolving, struct source_terms *terms, GError **error)
{
	Forge__ResolveArguments arguments = FORGE__RESOLVE_ARGUMENTS__INIT;
	Forge__WantedComponent exactly = FORGE__WANTED_COMPONENT__INIT;
	g_autofree char *pulled = what_is_pulled(job);

	exactly.name = (char *)job->name;
	exactly.repository = job->link.repository;
	exactly.constraint = pulled;
	arguments.exactly = &exactly;
	arguments.suppose = TRUE;
	return resolving_begin(resolving, job->root, &arguments, terms, error) &&
		take_merged(resolving, job, merged, error) && resolving_solve(resolving, error);
}

gboolean judge_needs(const struct component_job *job, const struct component_file *before,
	const struct component_file *after, const git_oid *merged, GPtrArray *conflicts,
	GError **error)
{
	scoped_value(resolving) resolving = {0};
	g_autoptr(GError) problem = NULL;
	struct source_terms terms;
	git_signature *who;
	gboolean unmet, solved;
	const struct component_dependency *contradicted = look_at_lock(job, before, after, &unmet);

	if (!unmet)
		return TRUE;
	who = identity_signature(
		job->operation->workshop->config, job->operation->job->opened_us, error);
	if (!who)
		return FALSE;
	terms = resolving_terms(job->operation, job->root, job->forge, who);
	solved = solve(job, merged, &resolving, &terms, &problem);
	if (!solved && !budget_check(job->operation->budget, error)) {
		git_signature_free(who);
		return FALSE;
	}
	if (solved && !resolving.result->choices)
		add_explanation(resolving.result, conflicts);
	else if (!solved && contradicted)
		add_contradiction(job, contradicted, conflicts);
	git_signature_free(who);
	return TRUE;
}
