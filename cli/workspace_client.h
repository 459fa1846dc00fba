#ifndef FORGE_CLI_WORKSPACE_CLIENT_H
#define FORGE_CLI_WORKSPACE_CLIENT_H

#include "cli/requests.h"

/**
 * Connects a command to the workspace that the current folder is in: the nearest folder upwards
 * with a forge.yaml. Its jobs always run here, embedded, as this user. WORKSPACE_NOT_FOUND if there
 * is none; WORKSPACE_INVALID if jobs are to run and forge.yaml or forge.lock cannot be read; else as requests_connect(). *ROOT (may be NULL) is the workspace's folder, absolute,
 * borrowed from the invocation.
 */
struct client *workspace_connect(
	struct invocation *invocation, enum client_use use, const char **root, GError **error);

/** The end of a command that used a workspace (or none), after its client is gone. TIDIES: where nobody
 * else uses the workspace and its repository has become too many files, that is rewritten. What
 * fails is told in the log, since the command has done its work. */
void workspace_leave(struct invocation *invocation, gboolean tidies);

/** What a batch of jobs on components came to. */
struct component_run {
	struct history *history; /**< its jobs and their facts, in the order of the targets */
	int status;              /**< exit status: of one target its error's, else 7, 1 or 0 */
};
void component_run_clear(struct component_run *run);
SCOPED_VALUE(component_run, component_run_clear)

/** What is done when a job has ended. */
typedef void component_run_ended(const struct history_job *job, gpointer user_data);

/**
 * Submits a batch (its request_id is set here) and waits for its end, with a bar on a terminal.
 * ENDED (may be NULL) is called for each job, as they end. INTERRUPTED leaves it queued.
 */
gboolean component_run(struct invocation *invocation, struct client *client, Forge__Submit *submit,
	component_run_ended *ended, gpointer user_data, struct component_run *run, GError **error);

/** The exit status of JOBS (of struct history_job) that have ended: of one its error's, else 7 if any
 * is in conflict, else 1 if any failed, else 0. */
int component_jobs_status(const GPtrArray *jobs);

/** The error that JOB, which failed, ended with; NULL if it did not fail. Borrowed. */
const Forge__Error *component_run_error(const struct history_job *job);

/** The last fact of KIND that JOB reported; NULL if there is none. Borrowed. */
const Forge__Fact *component_run_fact(const struct history_job *job, Forge__Fact__KindCase kind);

#endif
