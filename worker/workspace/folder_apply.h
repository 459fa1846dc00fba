#ifndef FORGE_WORKER_WORKSPACE_FOLDER_APPLY_H
#define FORGE_WORKER_WORKSPACE_FOLDER_APPLY_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/workspace/tree_safety.h"
#include "worker/workspace/workspace_lock.h"

/** One change of one component's folder, as it was asked for and as recovery finds it again. */
struct folder_change {
	const char *component;
	const char *folder; /**< below the workspace's root, no `.` or `..`: `components/tools/x` */
	const git_oid *from; /**< tree that the folder holds; NULL: there is no folder */
	const git_oid *to;   /**< tree that it shall hold; NULL: the folder goes */
	const char *token;   /**< the caller's own, LIMIT_APPLY_TOKEN_BYTES; kept in the intent; may
				be NULL */
};

/** What somebody put, or changed, where the change had to go: taken out of the way, not lost. */
struct kept_file {
	char *path; /**< in the component, bytes as on disk */
	char *kept; /**< where it is now, below the workspace's root: `.forge/kept/ID/…` */
};

struct apply_report {
	uint32_t written; /**< files and symlinks that were made or replaced */
	uint32_t removed;
	uint32_t modes;          /**< files of which only the executable bit changed */
	gboolean folder_remains; /**< to is NULL, but files that are not the component's are left */
	GPtrArray *kept;         /**< of struct kept_file; NULL: none */
};

void apply_report_clear(struct apply_report *report);
SCOPED_VALUE(apply_report, apply_report_clear)

/** The workspace, and what is done for it. Zero what is not wanted. */
struct workspace_paths {
	const char *root;                  /**< the folder with `.forge/` in it; absolute */
	git_repository *repository;        /**< `.forge/repository` */
	const struct workspace_lock *lock; /**< held by the caller; NULL: taken for each call */
	const struct tree_limits *limits;  /**< NULL: those of limits.h */
	const struct budget *budget; /**< asked until the change is certain to happen; or NULL */
	/**
	 * Called when the files are in place and before the intent is forgotten: the place to move
	 * refs, so that files and refs change together. A process that is killed meanwhile is
	 * followed by folder_apply_recover(), which calls it again: it must be idempotent. On FALSE
	 * the intent stays, and recovery tries again. May be NULL.
	 */
	gboolean (*settle)(const struct folder_change *change, const struct apply_report *report,
		void *settle_data, GError **error);
	void *settle_data;
	/** For tests: called before everything that changes the disk, with what it is. */
	void (*step)(const char *what, void *step_data);
	void *step_data;
	gboolean plain_rename; /**< for tests: do without renameat2(), as some file systems must */
};

/**
 * Brings a folder from one tree to another. Whenever the process is killed, the folder is wholly
 * the old one or, after folder_apply_recover(), wholly the new one. Files that do not differ keep
 * inode and times; so do files that are in neither tree, unless they are in the way of a new one:
 * then they are kept aside. A file edited since FROM was taken: noticed at first, nothing changes
 * and it is BUSY (take the snapshot again); noticed later, the edited file is kept aside and
 * reported. REPORT must be zeroed; the caller clears it, also after an error.
 *
 * Errors before anything is changed: what tree_safety_check() says of TO; ALREADY_EXISTS (FROM is
 * NULL, but the folder has files); BUSY, also where an interrupted change waits for recovery;
 * SECURITY_REFUSED for a folder reached through a symlink; UNSUPPORTED for another file system
 * below the workspace; PERMISSION_DENIED, CACHE_UNUSABLE (disk full, read-only); STORE_BUSY;
 * BROKEN_REPOSITORY. After that point an error leaves the intent, and recovery goes on.
 */
gboolean folder_apply(const struct workspace_paths *workspace, const struct folder_change *change,
	struct apply_report *report, GError **error);

/** Told of each interrupted change that recovery has completed. */
typedef void folder_recovered(
	const struct folder_change *change, const struct apply_report *report, void *user_data);

/**
 * Completes interrupted changes, and removes what was prepared for those that never became certain.
 * Every command on a workspace calls it first; without leftovers it costs one look at a folder (and
 * the lock only where there is one). RECOVERED may be NULL. Idempotent.
 */
gboolean folder_apply_recover(const struct workspace_paths *workspace, folder_recovered *recovered,
	void *user_data, GError **error);

#endif
