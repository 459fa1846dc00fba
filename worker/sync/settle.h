#ifndef FORGE_WORKER_SYNC_SETTLE_H
#define FORGE_WORKER_SYNC_SETTLE_H

#include <git2.h>

#include "journal/events.pb-c.h"
#include "worker/component/workspace_files.h"
#include "worker/git/budget.h"
#include "worker/workspace/folder_apply.h"

/** What the journal is to be told of a pull, also when its process dies while it changes the files. */
struct settled_pull {
	Forge__Strategy strategy; /**< UNSET: no pull, or one that did nothing to the files */
	git_oid before;           /**< the base it had */
	git_oid local_before;     /**< trees of the files; zero: no folder */
	git_oid local_after;
	git_oid stash; /**< commit that keeps what was replaced; zero: nothing was */
};

/**
 * What a change of a component's files comes with: refs, forge.yaml and forge.lock. All of it
 * happens with the files or not at all, also when the process is killed in between.
 */
struct settlement {
	const char *name;
	const char *folder;
	git_oid base_before; /**< what its refs were when the job looked: if they are not that (or
				already what they shall be), nothing is done */
	git_oid local_before;
	gboolean removes;    /**< the component goes; what follows is not looked at */
	git_oid base;        /**< its base from now on */
	git_oid local;       /**< its newest checkpoint; zero: none */
	gboolean to_pending; /**< the pending merge stays as it is; else it ends */
	const struct wanted_component *wanted; /**< written to forge.yaml; NULL: that stays */
	const char *const *wanted_later; /**< names that come after it there if they were asked for
					    together; NULL-terminated; may be NULL */
	const struct locked_component *locked; /**< written to forge.lock; NULL: that stays */
	struct settled_pull pull;              /**< zero where it is none */
	uint64_t file_bytes_max;               /**< no larger file is written; 0: the usual limit */
};

/**
 * Brings the files from the tree FROM (NULL: no folder) to TO (NULL: none) and settles the rest.
 * REF_MOVED if another job changed the component meanwhile; else errors are those of
 * folder_apply(); ones of settling come after the point of no return, and the
 * next command goes on from there. The caller clears REPORT.
 */
gboolean settle_apply(const char *root, git_repository *forge, const struct settlement *settlement,
	const git_oid *from, const git_oid *to, const struct budget *budget,
	struct apply_report *report, GError **error);

/**
 * Completes what an earlier process was killed in. Every job and command calls it first. If that
 * was a pull of the component NAME (NULL: nobody's), *PULL says what is to be told of it; what
 * was put aside, and files that were kept, are told in the log in any case.
 */
gboolean settle_recover(const char *root, git_repository *forge, const struct budget *budget,
	const char *name, struct settled_pull *pull, GError **error);

/** Tells in the log which files of the component NAME were edited meanwhile, and where they are. */
void settle_tell_kept(const char *name, const struct apply_report *report);

#endif
