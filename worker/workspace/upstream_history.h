#ifndef FORGE_WORKER_WORKSPACE_UPSTREAM_HISTORY_H
#define FORGE_WORKER_WORKSPACE_UPSTREAM_HISTORY_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

/*
 * Questions about one folder of upstream's repository. PATH is the folder, "" for the root, names
 * parted by single slashes; anything else is VALIDATION_FAILED.
 */

/** TRUE if PATH may be a folder's path: no empty name, `.`, `..` or `.git`, no control character.
 */
gboolean upstream_path_is_valid(const char *path);

enum folder_presence {
	FOLDER_PRESENT,
	FOLDER_ABSENT,
	FOLDER_IS_NONE, /**< there is something at the path, or on the way to it, that is no folder
			 */
};

/** Looks what COMMIT has at PATH; *TREE is the folder's id if it is present, else zero. Reads a
 * tree for each name of the path. BROKEN_REPOSITORY. */
gboolean upstream_history_tree_at(git_repository *repository, const git_oid *commit,
	const char *path, enum folder_presence *presence, git_oid *tree, GError **error);

/** How one upstream commit stands to an earlier seen one. */
enum history_relation {
	HISTORY_SAME,
	HISTORY_FORWARD,   /**< it descends from the other */
	HISTORY_REWRITTEN, /**< it does not (upstream went back or was force-pushed), but they share
			      commits */
	HISTORY_UNRELATED, /**< they share no commit */
};

struct history_count {
	enum history_relation relation;
	uint32_t behind; /**< commits of FROM..TO that touch the path; at most the limit */
	gboolean exact;  /**< FALSE: there may be more */
};

/**
 * Counts what `git rev-list --count FROM..TO -- PATH` counts (merges simplified as git does by
 * default; the root is `-- .`), up to LIMIT (0: only the relation). Where a merge has a parent that
 * FROM reaches, git's own count depends on dates; here such a parent never counts.
 * BROKEN_REPOSITORY if a commit or tree is missing; TOO_LARGE past LIMIT_HISTORY_COMMITS looked at.
 */
gboolean upstream_history_count(git_repository *repository, const git_oid *from, const git_oid *to,
	const char *path, uint32_t limit, struct history_count *count, GError **error);

#endif
