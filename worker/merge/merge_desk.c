/*
 * What `forge plumbing merge-tree` asks: names in, a tree or conflicts out. Only the opening of
 * repositories and the looking up of names is here; the merge itself is tree_merge.c's.
 */
#include "worker/merge/merge_desk.h"

#include "journal/base/errors.h"
#include "worker/git/git_library.h"

struct merge_desk {
	git_repository *repository;
	struct tree_merger *merger;
	char *folder;
};

struct merge_desk *merge_desk_new(void)
{
	git_library_start();
	return g_new0(struct merge_desk, 1);
}

static void close_repository(struct merge_desk *desk)
{
	g_clear_pointer(&desk->merger, tree_merger_free);
	g_clear_pointer(&desk->repository, git_repository_free);
	g_clear_pointer(&desk->folder, g_free);
}

void merge_desk_free(struct merge_desk *desk)
{
	if (!desk)
		return;
	close_repository(desk);
	g_free(desk);
	git_library_stop();
}

void desk_answer_clear(struct desk_answer *answer)
{
	g_clear_pointer(&answer->conflicts, g_ptr_array_unref);
}

static gboolean fail_with_git(GError **error, const char *what, const char *on)
{
	const git_error *problem = git_error_last();

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED, "%s '%s': %s", what, on,
		problem ? problem->message : "libgit2 gave no reason");
	return FALSE;
}

static gboolean open_repository(struct merge_desk *desk, const char *folder, GError **error)
{
	if (g_strcmp0(desk->folder, folder) == 0)
		return TRUE;
	close_repository(desk);
	if (git_repository_open(&desk->repository, folder) != 0)
		return fail_with_git(error, "repository", folder);
	desk->merger = tree_merger_new(desk->repository, error);
	if (!desk->merger)
		return FALSE;
	desk->folder = g_strdup(folder);
	return TRUE;
}

static gboolean find_commit(
	git_repository *repository, const char *name, git_oid *oid, GError **error)
{
	git_object *object = NULL, *commit = NULL;
	gboolean found = git_revparse_single(&object, repository, name) == 0 &&
		git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0;

	if (found)
		git_oid_cpy(oid, git_object_id(commit));
	git_object_free(commit);
	git_object_free(object);
	return found || fail_with_git(error, "commit", name);
}

gboolean merge_desk_merge(struct merge_desk *desk, const char *folder, const char *ours,
	const char *theirs, struct desk_answer *answer, GError **error)
{
	scoped_value(tree_merge) merge = {0};
	git_oid our_oid, their_oid;

	if (!open_repository(desk, folder, error) ||
		!find_commit(desk->repository, ours, &our_oid, error) ||
		!find_commit(desk->repository, theirs, &their_oid, error) ||
		!tree_merger_merge(desk->merger, &our_oid, &their_oid, &merge, error))
		return FALSE;
	if (merge.clean)
		git_oid_tostr(answer->tree, sizeof(answer->tree), &merge.tree);
	answer->conflicts = g_steal_pointer(&merge.conflicts);
	if (!answer->conflicts)
		answer->conflicts = g_ptr_array_new();
	return TRUE;
}
