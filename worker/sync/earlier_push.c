/*
 * Earlier pushes of a component, newest first, as commits of the workspace's repository.
 *
 * A push that was made of other files than it holds (because it merged upstream's changes in) must
 * not be where a later merge begins: what it merged in would look like something that was taken
 * back here since. So the files are remembered beside it.
 */
#include "worker/sync/earlier_push.h"

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/git/git_library.h"
#include "worker/merge/tree_merge.h"
#include "worker/sync/local_snapshot.h"
#include "worker/workspace/workspace_repository.h"

/* ---- reading ------------------------------------------------------------------------------ */

/* Parent N of COMMIT; zero if it has none. */
static git_oid parent_of(const git_commit *commit, unsigned n)
{
	return n < git_commit_parentcount(commit) ? *git_commit_parent_id(commit, n)
						  : (git_oid){{0}};
}

static gboolean look_up(
	git_repository *forge, const git_oid *oid, git_commit **commit, GError **error)
{
	if (git_commit_lookup(commit, forge, oid) == 0)
		return TRUE;
	git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY, "an earlier push cannot be read");
	return FALSE;
}

/* The commits that a push's files were put on: the base of that time, and the push before. */
static gboolean read_files(const struct component_job *job, struct earlier_push *earlier,
	git_oid *base, GError **error)
{
	git_commit *pushed = NULL, *files = NULL;
	gboolean ok = look_up(job->forge, &earlier->oid, &pushed, error);

	if (ok) {
		earlier->tree = *git_commit_tree_id(pushed);
		earlier->files = parent_of(pushed, 0);
	}
	ok = ok &&
		(git_oid_is_zero(&earlier->files) ||
			look_up(job->forge, &earlier->files, &files, error));
	if (ok && files) {
		earlier->files_tree = *git_commit_tree_id(files);
		*base = parent_of(files, 0);
		earlier->before = parent_of(files, 1);
	}
	git_commit_free(files);
	git_commit_free(pushed);
	return ok;
}

/* Reads the push OID; none if that is zero. */
static gboolean read_push(const struct component_job *job, const git_oid *oid,
	struct earlier_push *earlier, GError **error)
{
	scoped_value(upstream_link) link = {0};
	struct earlier_push read = {.oid = *oid};
	git_oid base = {{0}}, tree;

	*earlier = (struct earlier_push){.there = FALSE};
	if (git_oid_is_zero(oid))
		return TRUE;
	if (!read_files(job, &read, &base, error))
		return FALSE;
	if (git_oid_is_zero(&base))
		return TRUE;
	if (!component_history_tree(job->forge, &base, &tree, error))
		return FALSE;
	if (!git_oid_equal(&tree, &job->base_tree))
		return TRUE;
	if (!component_history_link(job->forge, oid, &link, error))
		return FALSE;
	read.commit = link.commit;
	read.there = TRUE;
	*earlier = read;
	return TRUE;
}

gboolean earlier_push_read(
	const struct component_job *job, struct earlier_push *earlier, GError **error)
{
	git_oid newest;

	return workspace_ref_get(job->forge, job->name, COMPONENT_REF_PUSHED, &newest, error) &&
		read_push(job, &newest, earlier, error);
}

/* ---- does upstream have it? --------------------------------------------------------------- */

static gboolean descends(git_repository *target, const git_oid *tip, const git_oid *commit)
{
	git_commit *known = NULL;
	gboolean has;

	if (git_oid_equal(tip, commit))
		return TRUE;
	if (git_commit_lookup(&known, target, commit) != 0)
		return FALSE;
	has = git_graph_descendant_of(target, tip, commit) == 1;
	git_commit_free(known);
	return has;
}

/* Some commit since the base's has TREE as the component's folder: the push was squashed, or made
 * anew, and maybe changed afterwards. What cannot be read is not looked at further. */
static gboolean passed_through(const struct component_job *job, git_repository *target,
	const git_oid *tip, const git_oid *tree)
{
	git_revwalk *walk = NULL;
	gboolean found = FALSE;
	git_oid oid, at;
	enum folder_presence presence;

	if (git_revwalk_new(&walk, target) != 0 || git_revwalk_push(walk, tip) != 0 ||
		git_revwalk_hide(walk, &job->link.commit) != 0) {
		git_revwalk_free(walk);
		return FALSE;
	}
	for (guint i = 0; i < LIMIT_COMMITS_FOR_A_PUSH && !found; i++)
		if (git_revwalk_next(&oid, walk) != 0 ||
			!upstream_history_tree_at(
				target, &oid, job->link.path, &presence, &at, NULL))
			break;
		else
			found = presence == FOLDER_PRESENT && git_oid_equal(&at, tree);
	git_revwalk_free(walk);
	return found;
}

/* Merging what was changed into TREE changes nothing: it is in there. */
static gboolean is_in(const struct component_job *job, const struct earlier_push *earlier,
	const git_oid *tree, gboolean *in, GError **error)
{
	scoped(tree_merger) merger = tree_merger_new(job->forge, error);
	scoped_value(tree_merge) merge = {0};
	git_oid trees[MERGE_STAGES];

	trees[MERGE_STAGE_BASE] = job->base_tree;
	trees[MERGE_STAGE_OURS] = earlier->files_tree;
	trees[MERGE_STAGE_THEIRS] = *tree;
	if (!merger || !tree_merger_merge_trees(merger, trees, &merge, error))
		return FALSE;
	*in = merge.clean && git_oid_equal(&merge.tree, tree);
	return TRUE;
}

gboolean earlier_push_find(const struct component_job *job, git_repository *target,
	const git_oid *tip, const git_oid *tree, struct earlier_push *earlier, GError **error)
{
	git_oid before;

	for (guint i = 0; i < LIMIT_EARLIER_PUSHES && earlier->there; i++) {
		gboolean in = git_oid_equal(tree, &earlier->tree) ||
			descends(target, tip, &earlier->commit) ||
			passed_through(job, target, tip, &earlier->tree);

		if (!in && !is_in(job, earlier, tree, &in, error))
			return FALSE;
		if (in)
			return TRUE;
		before = earlier->before;
		if (!read_push(job, &before, earlier, error))
			return FALSE;
	}
	*earlier = (struct earlier_push){.there = FALSE};
	return TRUE;
}

/* ---- remembering -------------------------------------------------------------------------- */

gboolean earlier_push_write(const struct component_job *job, git_repository *target,
	const git_oid *commit, const git_oid *files, GError **error)
{
	struct earlier_push newest;
	git_oid parents[2] = {job->base};
	git_oid made_of, pushed;

	if (!earlier_push_read(job, &newest, error))
		return FALSE;
	/* Told again by a later attempt. */
	if (newest.there && git_oid_equal(&newest.commit, commit) &&
		git_oid_equal(&newest.files_tree, files))
		return TRUE;
	parents[1] = newest.oid;
	return local_snapshot_write(job, files, parents, newest.there ? 2 : 1, "What was pushed",
		       &made_of, error) &&
		component_history_import(job->forge, target, commit, job->link.path,
			job->link.repository, &made_of, &pushed, error) &&
		workspace_ref_set(
			job->forge, job->name, COMPONENT_REF_PUSHED, NULL, &pushed, error);
}

gboolean earlier_push_forget(const struct component_job *job, GError **error)
{
	return workspace_ref_delete(job->forge, job->name, COMPONENT_REF_PUSHED, NULL, error);
}
