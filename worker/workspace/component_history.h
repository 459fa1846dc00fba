#ifndef FORGE_WORKER_WORKSPACE_COMPONENT_HISTORY_H
#define FORGE_WORKER_WORKSPACE_COMPONENT_HISTORY_H

#include <git2.h>
#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

/*
 * A component's commits in the workspace's repository ("forge" below): its folder is their root.
 * None of these functions touches a ref.
 */

/** The version of upstream that a base commit stands for. */
struct upstream_link {
	char *repository;
	char *path; /**< of the folder; "" for the root */
	git_oid commit;
};
void upstream_link_clear(struct upstream_link *link);
SCOPED_VALUE(upstream_link, upstream_link_clear)

/**
 * Makes the base commit for UPSTREAM_COMMIT's folder at PATH in forge: copies from UPSTREAM what
 * forge lacks; subject, author, committer and dates are upstream's, then the trailers that say
 * where it is from; its parent is PREVIOUS_BASE (NULL: none), which a ref reaches. The same inputs
 * give the same id; if PREVIOUS_BASE stands for the very same version, it is *BASE. REPOSITORY is
 * written as it is.
 * Errors: COMPONENT_NOT_FOUND if that commit has no such folder; VALIDATION_FAILED for a path or
 * repository with control characters; BROKEN_REPOSITORY; TOO_LARGE as object_copy_tree().
 */
gboolean component_history_import(git_repository *forge, git_repository *upstream,
	const git_oid *upstream_commit, const char *path, const char *repository,
	const git_oid *previous_base, git_oid *base, GError **error);

/** Makes the base commit BASE anew with the commit BESIDE as one more parent: merges between what
 * goes on from BESIDE and the new *JOINED begin there. BROKEN_REPOSITORY. */
gboolean component_history_join(git_repository *forge, const git_oid *base, const git_oid *beside,
	git_oid *joined, GError **error);

/** Reads what the base commit BASE stands for. Only the trailers that end its message count.
 * BROKEN_REPOSITORY if it is no base. Caller clears LINK. */
gboolean component_history_link(
	git_repository *forge, const git_oid *base, struct upstream_link *link, GError **error);

/**
 * Makes a commit of TREE by WHO (author and committer, with the time), which is there, as are
 * PARENTS. The same inputs give the same id. MESSAGE is UTF-8; a line feed is put at its end.
 * BROKEN_REPOSITORY.
 */
gboolean component_history_commit(git_repository *forge, const git_oid *tree,
	const git_oid *parents, size_t n_parents, const git_signature *who, const char *message,
	git_oid *commit, GError **error);

/** The root tree of COMMIT. BROKEN_REPOSITORY. */
gboolean component_history_tree(
	git_repository *forge, const git_oid *commit, git_oid *tree, GError **error);

/** The tree of a folder without files, which a folder that is not there counts as, too. Writes it
 * where it is missing: BROKEN_REPOSITORY. */
gboolean component_history_empty_tree(git_repository *forge, git_oid *tree, GError **error);

/** A commit as `dev log` lists it. */
struct history_entry {
	git_oid oid;
	git_oid tree;
	int64_t time_s; /**< the committer's, since 1970 */
	char *author;   /**< a name; valid UTF-8, as is the subject */
	char *subject;
};

/**
 * Local commits, newest first: from LOCAL along first parents to the first commit that BASE reaches
 * (not listed), at most LIMIT (0: LIMIT_LOCAL_COMMITS). A GPtrArray of struct history_entry; caller
 * unrefs. BROKEN_REPOSITORY.
 */
GPtrArray *component_history_log(git_repository *forge, const git_oid *local, const git_oid *base,
	uint32_t limit, GError **error);

#endif
