/*
 * What a workspace requires, and the search for it.
 *
 * Required is what forge.yaml lists, with what the command asks for in place of its line. Of
 * forge.lock, what is not given up stays where it still fits; what is given up, and what only that
 * needed, takes the best there is.
 */
#include "worker/dependency/resolving.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "journal/base/nearest.h"
#include "worker/workspace/lock_restore.h"
#include "worker/workspace/workspace_documents.h"

static char *or_null(char *text)
{
	return *text ? text : NULL;
}

const char *resolving_constraint(const struct wanted_component *wanted)
{
	return wanted->constraint && *wanted->constraint ? wanted->constraint
							 : PACKAGE_DEFAULT_BRANCH;
}

const struct wanted_component *resolving_wanted(const struct resolving *resolving, const char *name)
{
	for (guint i = 0; i < resolving->wanted->len; i++) {
		const struct wanted_component *wanted = resolving->wanted->pdata[i];

		if (strcmp(wanted->component, name) == 0)
			return wanted;
	}
	return NULL;
}

gboolean resolving_names(const struct resolving *resolving, const char *name)
{
	if (g_hash_table_contains(resolving->given_up, name))
		return TRUE;
	for (guint i = 0; i < resolving->asked->len; i++)
		if (strcmp(((const struct wanted_component *)resolving->asked->pdata[i])->component,
			    name) == 0)
			return TRUE;
	return FALSE;
}

struct source_terms resolving_terms(const struct operation *operation, const char *root,
	git_repository *forge, const git_signature *who)
{
	return (struct source_terms){.config = operation->workshop->config,
		.http = operation->workshop->http,
		.stores = operation->workshop->stores,
		.budget = operation->budget,
		.forge = forge,
		.root = root,
		.who = who,
		.now_us = operation->job->opened_us};
}

/* ---- what is required --------------------------------------------------------------------- */

static struct wanted_component *ask_for(
	struct resolving *resolving, const Forge__WantedComponent *argument)
{
	struct wanted_component *wanted = g_new0(struct wanted_component, 1);

	wanted->component = argument->name;
	wanted->repository = argument->repository;
	wanted->constraint = or_null(argument->constraint);
	g_ptr_array_add(resolving->asked, wanted);
	return wanted;
}

static void collect_wanted(struct resolving *resolving)
{
	const Forge__ResolveArguments *arguments = resolving->arguments;

	for (size_t i = 0; arguments && i < arguments->n_wanted; i++)
		g_ptr_array_add(resolving->wanted, ask_for(resolving, arguments->wanted[i]));
	for (guint i = 0; i < resolving->listed->components->len; i++) {
		struct wanted_component *wanted = resolving->listed->components->pdata[i];

		if (!resolving_wanted(resolving, wanted->component))
			g_ptr_array_add(resolving->wanted, wanted);
	}
}

/* ---- what is given up --------------------------------------------------------------------- */

static void give_up(struct resolving *resolving, const char *name, gboolean needs)
{
	const struct locked_component *locked = lock_file_find(resolving->locked, name);

	if (!locked || !g_hash_table_add(resolving->given_up, locked->component) || !needs)
		return;
	for (char **needed = locked->dependencies; *needed; needed++)
		give_up(resolving, *needed, TRUE);
}

static gboolean is_known(const struct resolving *resolving, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *question = NULL;

	if (lock_file_find(resolving->locked, name) || resolving_wanted(resolving, name))
		return TRUE;
	for (guint i = 0; i < resolving->locked->components->len; i++)
		g_ptr_array_add(names,
			((struct locked_component *)resolving->locked->components->pdata[i])
				->component);
	g_ptr_array_add(names, NULL);
	question = nearest_question(name, (const char *const *)names->pdata);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"no component is called '%s' in this workspace%s%s", name, question ? "; " : "",
		question ? question : "");
	return FALSE;
}

static gboolean give_up_named(struct resolving *resolving, GError **error)
{
	const Forge__ResolveArguments *arguments = resolving->arguments;

	for (size_t i = 0; arguments && i < arguments->n_unlock; i++) {
		if (!is_known(resolving, arguments->unlock[i], error))
			return FALSE;
		give_up(resolving, arguments->unlock[i], arguments->unlock_needs);
	}
	for (guint i = 0;
		arguments && arguments->unlock_all && i < resolving->locked->components->len; i++)
		give_up(resolving,
			((struct locked_component *)resolving->locked->components->pdata[i])
				->component,
			FALSE);
	return TRUE;
}

static void keep_the_rest(struct resolving *resolving)
{
	for (guint i = 0; i < resolving->locked->components->len; i++) {
		struct locked_component *locked = resolving->locked->components->pdata[i];

		if (!g_hash_table_contains(resolving->given_up, locked->component))
			g_ptr_array_add(resolving->kept.components, locked);
	}
}

gboolean resolving_begin(struct resolving *resolving, const char *root,
	const Forge__ResolveArguments *arguments, struct source_terms *terms, GError **error)
{
	resolving->arguments = arguments;
	resolving->terms = terms;
	resolving->given_up = g_hash_table_new(hash_string_keyed, g_str_equal);
	resolving->wanted = g_ptr_array_new();
	resolving->asked = g_ptr_array_new_with_free_func(g_free);
	resolving->kept.components = g_ptr_array_new();
	resolving->held = g_ptr_array_new_with_free_func(g_free);
	resolving->listed = workspace_wanted_read(root, error);
	resolving->locked = resolving->listed ? workspace_locked_read(root, error) : NULL;
	if (!resolving->locked)
		return FALSE;
	if (lock_lacks_lines(terms->forge, resolving->locked) &&
		!lock_restore(root, terms->forge, resolving->listed, terms->now_us, terms->budget,
			&resolving->locked, error))
		return FALSE;
	collect_wanted(resolving);
	if (!give_up_named(resolving, error))
		return FALSE;
	keep_the_rest(resolving);
	resolving->provider = workspace_provider_new(terms, &resolving->kept, resolving->locked);
	return TRUE;
}

void resolving_clear(struct resolving *resolving)
{
	solver_result_free(resolving->result);
	workspace_provider_free(resolving->provider);
	g_clear_pointer(&resolving->kept.components, g_ptr_array_unref);
	g_clear_pointer(&resolving->wanted, g_ptr_array_unref);
	g_clear_pointer(&resolving->held, g_ptr_array_unref);
	g_clear_pointer(&resolving->asked, g_ptr_array_unref);
	g_clear_pointer(&resolving->given_up, g_hash_table_unref);
	lock_file_free(resolving->locked);
	wanted_file_free(resolving->listed);
}

/* ---- the search --------------------------------------------------------------------------- */

static gboolean require(struct resolving *resolving, GArray *requirements,
	const struct wanted_component *wanted, const char *origin,
	enum solver_requirement_kind kind, GError **error)
{
	struct solver_requirement requirement = {
		.constraint = resolving_constraint(wanted), .origin = origin, .kind = kind};

	if (!workspace_provider_bind(resolving->provider, wanted->component, wanted->repository,
		    &requirement.package, error))
		return FALSE;
	workspace_provider_want(resolving->provider, requirement.package, requirement.constraint);
	g_array_append_val(requirements, requirement);
	return TRUE;
}

/* Where a component that is supposed to be in some version comes from, if the question does not say:
 * from where the workspace has it. */
static gboolean find_repository(
	const struct resolving *resolving, struct wanted_component *wanted, GError **error)
{
	const struct locked_component *locked = lock_file_find(
		resolving->locked, wanted->component);
	const struct wanted_component *listed = resolving_wanted(resolving, wanted->component);

	if (*wanted->repository)
		return TRUE;
	if (!listed && !locked)
		return is_known(resolving, wanted->component, error);
	wanted->repository = listed ? listed->repository : locked->repository;
	return TRUE;
}

static gboolean require_exactly(struct resolving *resolving, GArray *requirements, GError **error)
{
	const Forge__ResolveArguments *arguments = resolving->arguments;
	struct wanted_component *exactly;

	if (!arguments || !arguments->exactly)
		return TRUE;
	exactly = ask_for(resolving, arguments->exactly);
	return find_repository(resolving, exactly, error) &&
		require(resolving, requirements, exactly, "the command line",
			arguments->suppose ? SOLVER_SUPPOSED : SOLVER_ASKED, error);
}

/* What is locked is most likely needed again, so its repositories are asked with the others. */
static gboolean foresee_locked(struct resolving *resolving, GError **error)
{
	for (guint i = 0; i < resolving->locked->components->len; i++) {
		const struct locked_component *locked = resolving->locked->components->pdata[i];
		const char *key;

		if (!resolving_wanted(resolving, locked->component) &&
			!workspace_provider_bind(resolving->provider, locked->component,
				locked->repository, &key, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean require_all(struct resolving *resolving, GArray *requirements, GError **error)
{
	for (guint i = 0; i < resolving->wanted->len; i++) {
		const struct wanted_component *wanted = resolving->wanted->pdata[i];
		const char *origin = i < resolving->asked->len ? "the command line" : "forge.yaml";

		if (!require(resolving, requirements, wanted, origin, SOLVER_ASKED, error))
			return FALSE;
	}
	return require_exactly(resolving, requirements, error) && foresee_locked(resolving, error);
}

/* What is locked will do, whatever became of the rest. */
static gboolean has_locked(const struct package *package, const struct package_allowed *allowed)
{
	for (guint i = 0; i < allowed->candidates->len; i++) {
		const struct candidate *candidate =
			package->candidates->pdata[g_array_index(allowed->candidates, guint, i)];

		if (candidate->locked)
			return TRUE;
	}
	return FALSE;
}

/* What is wrong with one thing that is required, before anything else is looked at. */
static gboolean check_requirement(
	struct resolving *resolving, const struct solver_requirement *requirement, GError **error)
{
	struct package *package = workspace_provider_package(
		resolving->provider, requirement->package);
	scoped_value(package_allowed) allowed = {0};
	struct candidate *best;

	if (!package_load(package, error))
		return FALSE;
	if (package->problem) {
		g_propagate_error(error, g_error_copy(package->problem));
		return FALSE;
	}
	if (!package_allow(package, requirement->constraint, &allowed, error))
		return FALSE;
	if (allowed.candidates->len == 0) {
		g_set_error_literal(error, FORGE_ERROR,
			package->manifest_problem ? FORGE_ERROR_VALIDATION_FAILED
				: package->source->state == SOURCE_KNOWN &&
					!package->source->record->head
				? FORGE_ERROR_EMPTY_REPOSITORY
				: FORGE_ERROR_COMPONENT_NOT_FOUND,
			allowed.reason);
		return FALSE;
	}
	if (has_locked(package, &allowed))
		return TRUE;
	best = package->candidates->pdata[g_array_index(allowed.candidates, guint, 0)];
	if (!package_look(package, best, error))
		return FALSE;
	if (best->problem && !package->path) {
		g_propagate_error(error, g_error_copy(best->problem));
		return FALSE;
	}
	return TRUE;
}

/* Where everything was to be updated, what upstream does not have any more stays where it is locked. */
static gboolean stays_instead(struct resolving *resolving,
	const struct solver_requirement *requirement, const GError *problem)
{
	const struct package *package = workspace_provider_package(
		resolving->provider, requirement->package);
	const Forge__ResolveArguments *arguments = resolving->arguments;

	if (!arguments || !arguments->unlock_all || package->locked ||
		forge_error_code(problem) != FORGE_ERROR_COMPONENT_NOT_FOUND ||
		!workspace_provider_hold(resolving->provider, requirement->package))
		return FALSE;
	g_ptr_array_add(resolving->held,
		g_strdup_printf(
			"%s stays as forge.lock has it: %s", package->name, problem->message));
	return TRUE;
}

static gboolean check_requirements(
	struct resolving *resolving, const GArray *requirements, GError **error)
{
	for (guint i = 0; i < requirements->len; i++) {
		const struct solver_requirement *requirement = &g_array_index(
			requirements, struct solver_requirement, i);
		const struct package *package = workspace_provider_package(
			resolving->provider, requirement->package);

		GError *problem = NULL;

		if (check_requirement(resolving, requirement, &problem))
			continue;
		if (stays_instead(resolving, requirement, problem)) {
			g_clear_error(&problem);
			i--;
			continue;
		}
		g_propagate_error(error, problem);
		g_prefix_error(error, "%s: ", package->source->repository);
		return FALSE;
	}
	return TRUE;
}

gboolean resolving_solve(struct resolving *resolving, GError **error)
{
	g_autoptr(GArray)
		requirements = g_array_new(FALSE, FALSE, sizeof(struct solver_requirement));
	struct solver_question question = {.preference = SOLVER_PREFER_HIGHEST, .advise = TRUE};
	struct solver_provider functions = workspace_provider_functions(resolving->provider);

	if (!require_all(resolving, requirements, error) ||
		!workspace_provider_look(resolving->provider, error) ||
		!check_requirements(resolving, requirements, error))
		return FALSE;
	question.requirements = (const struct solver_requirement *)(const void *)requirements->data;
	question.n_requirements = requirements->len;
	resolving->result = solver_solve(&question, &functions, error);
	return resolving->result != NULL;
}
