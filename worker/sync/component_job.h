#ifndef FORGE_WORKER_SYNC_COMPONENT_JOB_H
#define FORGE_WORKER_SYNC_COMPONENT_JOB_H

#include <git2.h>

#include "worker/component/component_versions.h"
#include "worker/component/workspace_files.h"
#include "worker/operation.h"
#include "worker/sync/settle.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/folder_apply.h"
#include "worker/workspace/tree_safety.h"
#include "worker/workspace/upstream_history.h"

/**
 * What every job on a component has: where it stands in the workspace, and, once asked, what
 * upstream has. Belongs to the slot's thread.
 */
struct component_job {
	struct operation *operation;
	const char *name; /**< the component's; borrowed from the job */
	const char *root; /**< of the workspace; borrowed */
	git_repository *forge;
	struct wanted_file *wanted; /**< forge.yaml, whole */
	struct lock_file *locked;   /**< forge.lock, whole */

	gboolean installed;        /**< the rest of this block is set */
	git_oid base;              /**< commit in `forge` for the version it is based on */
	struct upstream_link link; /**< what that stands for */
	git_oid base_tree;
	git_oid local_commit; /**< newest checkpoint; zero: none */
	char *folder;         /**< below the root */

	struct settled_pull recovered; /**< a pull of it that was killed and completed just now, and
					  that the journal has been told of; else zero */

	gboolean replaces; /**< set by an installation over another: it is looked for anew */
	struct wanted_component unlisted; /**< stands in where forge.yaml lacks the component; owns
					     its constraint */

	git_oid local_tree; /**< of the files, once component_job_look() was called; zero: no folder */

	/* Set by component_job_ask(). */
	const struct wanted_component *want; /**< what was asked for; borrowed, as is: */
	const char *repository;
	struct remote *remote;
	struct upstream_answer *answer;
	enum folder_presence presence; /**< of the component at upstream's commit */
	struct component_pick pick;    /**< upstream's commit, and which ref or version it is */
	struct store *store;           /**< NULL while nothing had to be fetched */
	git_oid upstream_tree;         /**< of the component at upstream's commit; zero: gone */
	char *upstream_path;           /**< where it is there */
	char *moved_to; /**< where its name is there, if its folder is gone; "." is the root; or NULL */
	uint64_t upstream_time_us; /**< of upstream's commit */
	struct history_count count;
	char **yanked; /**< versions that nobody should choose any more; NULL: not asked for */

	/* Set by a pull that finds local changes upstream already: */
	git_oid shared; /**< a commit on top of the base that holds what upstream has of them; zero:
			   nothing. Merges begin there */
	git_oid shared_tree;
};

/**
 * Opens the workspace for the job's target, after completing whatever an earlier process was
 * killed in. SECURITY_REFUSED for a worker that has no workspace; COMPONENT_NOT_FOUND unless it is
 * installed or MAY_BE_NEW.
 */
gboolean component_job_open(struct component_job *job, struct operation *operation,
	gboolean may_be_new, GError **error);
void component_job_clear(struct component_job *job);
SCOPED_VALUE(component_job, component_job_clear)

/** Puts back what forge.lock lost, if it has no line at all (somebody deleted it) or none for an
 * installed component that forge.yaml lists: see lock_restore(). */
gboolean component_job_restore_lock(struct component_job *job, GError **error);

/** Takes the snapshot of the files. */
gboolean component_job_look(struct component_job *job, GError **error);

/** The tree of the files as component_job_look() saw them; of a folder that is not there, the empty
 * one. BROKEN_REPOSITORY. */
gboolean component_job_files(const struct component_job *job, git_oid *tree, GError **error);

/** The bounds of a tree that may be written to the workspace, or pushed from it. */
struct tree_limits component_job_limits(const struct component_job *job);

/** TRUE if the files are not what the base has. After component_job_look(). */
gboolean component_job_is_modified(const struct component_job *job);

/**
 * Asks upstream which commit WANTED means now, and, unless that is the base's own, fetches it and
 * finds the component there. What is not there (any more) is no error: PRESENCE says so. Errors are
 * those of asking and fetching.
 */
gboolean component_job_ask(
	struct component_job *job, const struct wanted_component *wanted, GError **error);

/**
 * As component_job_ask() for the commit COMMIT_HEX, which a resolution chose: no server is asked if
 * the cache has it. If not, and OFFLINE, COMPONENT_NOT_FOUND.
 */
gboolean component_job_take(struct component_job *job, const struct wanted_component *wanted,
	const char *commit_hex, gboolean offline, GError **error);

/**
 * Sets job->yanked by the manifest at the tip of the default branch, as JOB's answer has it. That
 * commit is fetched if the store lacks it; where it did not move this costs no request. Errors are
 * those of fetching and of a wrong manifest.
 */
gboolean component_job_read_yanked(struct component_job *job, GError **error);

/** TAG_MOVED if upstream's commit was picked by a tag that stood elsewhere when it was first seen, or
 * where forge.lock was written. */
gboolean component_job_check_moved(const struct component_job *job, GError **error);

/** TRUE if VERSION (may be NULL or empty) is among job->yanked. */
gboolean component_job_is_yanked(const struct component_job *job, const char *version);

/** What forge.yaml wants of the target; if nothing, what the components that need it do. Borrowed. */
const struct wanted_component *component_job_wanted(struct component_job *job);

/**
 * Makes the base commit for upstream's commit in the workspace's repository; BASE. The tree has
 * been found fit to be written.
 */
gboolean component_job_import(struct component_job *job, git_oid *base, GError **error);

/** When COMMIT of REPOSITORY was made, by its committer; 0 if it cannot be read. */
uint64_t component_job_commit_time_us(git_repository *repository, const git_oid *commit);

/** The component as it will be recorded once COMMIT, a base commit, is its base. */
Forge__Component *component_job_component(
	const struct component_job *job, const git_oid *base, GError **error);

/** TRUE if FAILURE to ask upstream says how the component stands: the repository is not there. */
gboolean component_job_is_answer(const GError *failure);

/** Notes how the component stands, as far as this job has seen; ERROR (or NULL) is why upstream
 * could not be asked. */
gboolean component_job_note_observed(
	struct component_job *job, const GError *failure, GError **error);

#endif
