#ifndef FORGE_WORKER_DEPENDENCY_RESOLVING_H
#define FORGE_WORKER_DEPENDENCY_RESOLVING_H

#include "journal/events.pb-c.h"
#include "worker/component/workspace_files.h"
#include "worker/dependency/workspace_provider.h"
#include "worker/operation.h"
#include "worker/resolve/solver.h"

/** One resolution of a workspace: what it is made of, and what it came to. */
struct resolving {
	const Forge__ResolveArguments *arguments;
	struct source_terms *terms; /**< borrowed */
	struct wanted_file *listed; /**< forge.yaml */
	struct lock_file *locked;   /**< forge.lock */
	struct lock_file kept;      /**< what of that was not given up; members are LOCKED's */
	GHashTable *given_up;       /**< names, borrowed */
	GPtrArray *wanted; /**< of const struct wanted_component: what is required in the end */
	GPtrArray *asked;  /**< of struct wanted_component made of the arguments, owned */
	GPtrArray *held;   /**< of char *: what stays though it was given up, and why */
	struct workspace_provider *provider;
	struct solver_result *result;
};

/**
 * The terms of a resolution for OPERATION's job, in the workspace at ROOT with the repository FORGE; commits
 * are by WHO. All is borrowed.
 */
struct source_terms resolving_terms(const struct operation *operation, const char *root,
	git_repository *forge, const git_signature *who);

/** Reads the files of the workspace at ROOT and sorts out what is required. ARGUMENTS may be NULL.
 * CONFIGURATION_INVALID; COMPONENT_NOT_FOUND for a name to give up that forge.lock does not have. */
gboolean resolving_begin(struct resolving *resolving, const char *root,
	const Forge__ResolveArguments *arguments, struct source_terms *terms, GError **error);

/** Looks at the repositories and solves. What is wrong with a single thing that was asked for is an
 * error of its own; that they do not go together is a result. */
gboolean resolving_solve(struct resolving *resolving, GError **error);

void resolving_clear(struct resolving *resolving);
SCOPED_VALUE(resolving, resolving_clear)

/** Whether somebody asked for NAME, or to give up what forge.lock has of it. */
gboolean resolving_names(const struct resolving *resolving, const char *name);

/** What is wanted of NAME; NULL: only others need it. Borrowed. */
const struct wanted_component *resolving_wanted(
	const struct resolving *resolving, const char *name);

/** WANTED's constraint as it is asked of a package. Borrowed. */
const char *resolving_constraint(const struct wanted_component *wanted);

#endif
