#ifndef FORGE_CLI_COMPONENT_OPTIONS_H
#define FORGE_CLI_COMPONENT_OPTIONS_H

#include "cli/history.h"
#include "cli/invocation.h"
#include "cli/workspace_client.h"
#include "worker/dependency/lock_graph.h"

/* What the commands that run jobs on components have in common: their targets, and their outcome
 * for machines. */

/** Sets SUBMIT's targets from the arguments, or from --all. USAGE if both or neither were given. */
gboolean component_targets(
	const struct invocation *invocation, Forge__Submit *submit, GError **error);

/** {"component", "status": "done" …, "error"} of a job that ended. Caller frees. */
struct value *component_value_of_job(const struct history_job *job);

/** The list of {"path", "type", "place"} of a pending merge. Caller frees. */
struct value *component_value_of_conflicts(const Forge__ComponentConflicted *pending);

/** What a job came to, for machines. */
typedef struct value *component_value(const struct history_job *job);

/** With a machine format: {"components": [...]}, one VALUE_OF a job. */
void component_show_jobs(
	struct invocation *invocation, const struct component_run *run, component_value *value_of);

/** With a machine format: no components at all. */
void component_show_nothing(struct invocation *invocation);

/** A line for people that holds text from outside; what cannot be printed is replaced. */
void component_line(const struct invocation *invocation, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/** `✗ NAME: why` with its hint, for a job that did not do its work. */
void component_show_failure(struct invocation *invocation, const struct history_job *job);

/** `Needed by: …` and `Needs: …` of NAME, each only where there is something to name. */
void component_show_needs(
	const struct invocation *invocation, const struct lock_graph *graph, const char *name);

#endif
