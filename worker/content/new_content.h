#ifndef FORGE_WORKER_CONTENT_NEW_CONTENT_H
#define FORGE_WORKER_CONTENT_NEW_CONTENT_H

#include <git2.h>
#include <glib.h>

#include "journal/base/scope.h"
#include "worker/git/budget.h"
#include "worker/content/lfs_pointer.h"

/** A small blob that stands for an object of git-lfs. */
struct new_pointer {
	char *path; /**< of one place where it stands; bytes of the tree, perhaps no UTF-8 */
	git_oid blob;
	struct lfs_pointer pointer;
};

/** A submodule's place. */
struct new_gitlink {
	char *path; /**< likewise */
	git_oid commit;
};

/** What a tree refers to outside its repository and another tree does not. */
struct new_content {
	GPtrArray *pointers; /**< of struct new_pointer, each blob once, in the order of the tree */
	GPtrArray *gitlinks; /**< of struct new_gitlink; new subtrees that are equal give theirs
				once */
};

void new_content_clear(struct new_content *content);
SCOPED_VALUE(new_content, new_content_clear)

/**
 * Collects from the tree AFTER what BEFORE (NULL: nothing) has at no path. Equal subtrees are not
 * read, nor blobs of more than LIMIT_LFS_POINTER_BYTES. Errors: BROKEN_REPOSITORY for what cannot
 * be read; TOO_LARGE past LIMIT_TREE_DEPTH, LIMIT_CONTENT_ENTRIES or LIMIT_CONTENT_FINDINGS; as
 * budget_check().
 */
gboolean new_content_collect(git_odb *odb, const git_oid *before, const git_oid *after,
	const struct budget *budget, struct new_content *content, GError **error);

#endif
