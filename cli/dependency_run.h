#ifndef FORGE_CLI_DEPENDENCY_RUN_H
#define FORGE_CLI_DEPENDENCY_RUN_H

#include "cli/workspace_client.h"

/** What a resolution came to; messages are borrowed from `run`. */
struct dependency_outcome {
	struct component_run run;
	GPtrArray *
		components; /**< of Forge__ResolvedComponent, by name; NULL: there is no solution */
	GPtrArray *repositories; /**< of Forge__ResolvedRepository */
	GPtrArray *unneeded;     /**< of char *: in forge.lock, and needed by nothing any more */
	GPtrArray *warnings;     /**< of char * */
	GPtrArray *explanation;  /**< of char *, lines: why there is no solution */
};
void dependency_outcome_clear(struct dependency_outcome *outcome);
SCOPED_VALUE(dependency_outcome, dependency_outcome_clear)

/** Completes what an earlier command was killed in at ROOT, so that forge.lock says what is there. */
gboolean dependency_recover(const char *root, GError **error);

/**
 * Resolves the workspace at ROOT as ARGUMENTS say, in a job, and tells warnings. That there is no
 * solution is an outcome; a job that failed is an error, with the job's code and hint.
 */
gboolean dependency_resolve(struct invocation *invocation, struct client *client, const char *root,
	Forge__ResolveArguments *arguments, struct dependency_outcome *outcome, GError **error);

/** The resolution's word on NAME, or NULL. */
const Forge__ResolvedComponent *dependency_find(
	const struct dependency_outcome *outcome, const char *name);

/** The job that OUTCOME is of, as people name it. Caller frees. */
char *dependency_job_name(const struct dependency_outcome *outcome);

/** Sets ERROR to what OUTCOME, which has no solution, explains: NO_RESOLUTION. */
void dependency_fail(const struct dependency_outcome *outcome, GError **error);

/** `2.1.3`, or the seven digits of COMMIT where VERSION is empty. Caller frees. */
char *dependency_shown(const char *version, const char *commit);

/** Tells how the installation JOB ended; that a component was there already only if TELLS_UNCHANGED. */
void dependency_show_installed(
	struct invocation *invocation, const struct history_job *job, gboolean tells_unchanged);

/** What came of the installation JOB, for machines. Caller frees. */
struct value *dependency_value_of_install(const struct history_job *job);

/** What is done with a resolution. */
struct dependency_install {
	const char *const *names; /**< these and what they need, NULL-terminated; NULL: all */
	GPtrArray *asked;         /**< of Forge__WantedComponent: what goes into forge.yaml */
	gboolean offline;
	gboolean tells_unchanged; /**< `already at` too */
	gboolean tells_no_object; /**< the caller has one for machines; else what became of each */
};

/** Removes those of NAMES that are installed, all of them together, and tells so. *STATUS becomes the
 * exit status if it was 0. */
gboolean dependency_remove(struct invocation *invocation, struct client *client,
	const GPtrArray *names, int *status, GError **error);

/**
 * Brings the workspace to OUTCOME: a job for each component, then one for each that nothing needs any
 * more; tells what each came to, in the format asked for. *STATUS is the exit status.
 */
gboolean dependency_install(struct invocation *invocation, struct client *client,
	const struct dependency_outcome *outcome, const struct dependency_install *how, int *status,
	GError **error);

#endif
