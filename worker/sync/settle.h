#ifndef FORGE_WORKER_SYNC_SETTLE_H
#define FORGE_WORKER_SYNC_SETTLE_H

#include <git2.h>

#include "worker/component/workspace_files.h"
#include "worker/git/budget.h"
#include "worker/workspace/folder_apply.h"

/**
 * What a change of a component's files comes with: refs, forge.yaml and forge.lock. All of it
 * happens with the files or not at all, also when the process is killed in between.
 */
struct settlement {
	const char *name;
	const char *folder;
	gboolean removes;    /**< the component goes; what follows is not looked at */
	git_oid base;        /**< its base from now on */
	git_oid local;       /**< its newest checkpoint; zero: none */
	gboolean to_pending; /**< the pending merge stays as it is; else it ends */
	const struct wanted_component *wanted; /**< written to forge.yaml; NULL: that stays */
	const struct locked_component *locked; /**< written to forge.lock; NULL: that stays */
	uint64_t file_bytes_max;               /**< no larger file is written; 0: the usual limit */
};

/**
 * Brings the files from the tree FROM (NULL: no folder) to TO (NULL: none) and settles the rest.
 * Errors are those of folder_apply(); ones of settling come after the point of no return, and the
 * next command goes on from there. The caller clears REPORT.
 */
gboolean settle_apply(const char *root, git_repository *forge, const struct settlement *settlement,
	const git_oid *from, const git_oid *to, const struct budget *budget,
	struct apply_report *report, GError **error);

/** Completes what an earlier process was killed in. Every job and command calls it first. */
gboolean settle_recover(
	const char *root, git_repository *forge, const struct budget *budget, GError **error);

#endif
