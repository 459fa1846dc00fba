/*
 * From the files and the tip they are pushed onto to the folder that the push makes.
 *
 * Where the tip's folder is the base's, the files replace it. Else the two are merged as a pull
 * would merge them, but nothing of the workspace moves by it: no base, no file. The merge begins at
 * the newest push if the tip has that one, so that what went up before is not taken for a change of
 * somebody else's.
 */
#include "worker/sync/pushed_tree.h"

#include "journal/base/errors.h"
#include "worker/git/git_library.h"
#include "worker/sync/local_snapshot.h"
#include "worker/sync/three_way.h"
#include "worker/workspace/tree_safety.h"
#include "worker/workspace/workspace_repository.h"

#define PATHS_NAMED 3 /* of a conflict, in its error */

/* ---- earlier pushes ----------------------------------------------------------------------- */

/* The tree of the base that was there when the commit PUSHED was made. */
static gboolean base_tree_then(
	git_repository *forge, const git_oid *pushed, git_oid *tree, GError **error)
{
	git_commit *commit = NULL;
	git_oid base = {{0}};

	if (git_commit_lookup(&commit, forge, pushed) != 0) {
		git_library_error(
			error, FORGE_ERROR_BROKEN_REPOSITORY, "the newest push cannot be read");
		return FALSE;
	}
	if (git_commit_parentcount(commit) == 1)
		git_oid_cpy(&base, git_commit_parent_id(commit, 0));
	git_commit_free(commit);
	*tree = (git_oid){{0}};
	return git_oid_is_zero(&base) || component_history_tree(forge, &base, tree, error);
}

gboolean earlier_push_read(
	const struct component_job *job, struct earlier_push *earlier, GError **error)
{
	scoped_value(upstream_link) link = {0};
	git_oid pushed, base_tree;

	*earlier = (struct earlier_push){.there = FALSE};
	if (!workspace_ref_get(job->forge, job->name, COMPONENT_REF_PUSHED, &pushed, error))
		return FALSE;
	if (git_oid_is_zero(&pushed))
		return TRUE;
	if (!base_tree_then(job->forge, &pushed, &base_tree, error))
		return FALSE;
	if (!git_oid_equal(&base_tree, &job->base_tree))
		return TRUE;
	if (!component_history_link(job->forge, &pushed, &link, error) ||
		!component_history_tree(job->forge, &pushed, &earlier->tree, error))
		return FALSE;
	earlier->oid = pushed;
	earlier->commit = link.commit;
	earlier->there = TRUE;
	return TRUE;
}

gboolean earlier_push_write(const struct component_job *job, git_repository *target,
	const git_oid *commit, GError **error)
{
	git_oid pushed;

	return component_history_import(job->forge, target, commit, job->link.path,
		       job->link.repository, &job->base, &pushed, error) &&
		workspace_ref_set(
			job->forge, job->name, COMPONENT_REF_PUSHED, NULL, &pushed, error);
}

gboolean earlier_push_forget(const struct component_job *job, GError **error)
{
	return workspace_ref_delete(job->forge, job->name, COMPONENT_REF_PUSHED, NULL, error);
}

/* TRUE if ONTO, which has TREE as the component's folder, has the earlier push in it. */
static gboolean has_earlier(git_repository *target, const git_oid *onto, const git_oid *tree,
	const struct earlier_push *earlier)
{
	git_commit *commit = NULL;
	gboolean has;

	if (!earlier->there)
		return FALSE;
	if (git_oid_equal(tree, &earlier->tree) || git_oid_equal(onto, &earlier->commit))
		return TRUE;
	if (git_commit_lookup(&commit, target, &earlier->commit) != 0)
		return FALSE;
	has = git_graph_descendant_of(target, onto, &earlier->commit) == 1;
	git_commit_free(commit);
	return has;
}

/* ---- merging ------------------------------------------------------------------------------ */

static void fail_for_conflicts(
	const struct component_job *job, const GPtrArray *conflicts, GError **error)
{
	g_autoptr(GString) paths = g_string_new(NULL);

	for (guint i = 0; i < conflicts->len && i < PATHS_NAMED; i++) {
		const struct component_conflict *conflict = conflicts->pdata[i];
		g_autofree char *valid = g_utf8_make_valid(conflict->path, -1);

		g_string_append_printf(paths, "%s%s", i > 0 ? ", " : "", valid);
	}
	if (conflicts->len > PATHS_NAMED)
		g_string_append_printf(paths, " and %u more", conflicts->len - PATHS_NAMED);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
		"upstream changed what was changed here: %s; pull first: `forge sync pull %s --merge`",
		paths->str, job->name);
}

static gboolean merge_with(const struct component_job *job, git_repository *target,
	const git_oid *onto, const struct earlier_push *earlier, git_oid *tree, GError **error)
{
	const struct config *config = job->operation->workshop->config;
	scoped_value(three_way) merge = {0};
	git_oid theirs, ours;

	if (!component_history_import(job->forge, target, onto, job->link.path,
		    job->link.repository, earlier ? &earlier->oid : &job->base, &theirs, error) ||
		!local_snapshot_commit(job, earlier ? &earlier->oid : NULL,
			"Local changes before a push", &ours, error) ||
		!three_way_merge(job, &ours, &theirs, three_way_rule(config->sync_version_conflict),
			&merge, error))
		return FALSE;
	if (merge.conflicts->len > 0) {
		fail_for_conflicts(job, merge.conflicts, error);
		return FALSE;
	}
	git_oid_cpy(tree, &merge.tree);
	return TRUE;
}

gboolean pushed_tree(const struct component_job *job, git_repository *target, const git_oid *onto,
	const struct earlier_push *earlier, git_oid *tree, GError **error)
{
	struct tree_limits limits = component_job_limits(job);
	enum folder_presence presence;
	git_oid theirs;

	if (!upstream_history_tree_at(target, onto, job->link.path, &presence, &theirs, error))
		return FALSE;
	if (presence != FOLDER_PRESENT) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"%.7s, on which it would be put, has no '%s'", git_oid_tostr_s(onto),
			job->link.path);
		return FALSE;
	}
	if (git_oid_equal(&theirs, &job->base_tree) || git_oid_equal(&theirs, &job->local_tree)) {
		git_oid_cpy(tree, &job->local_tree);
		return TRUE;
	}
	return tree_safety_check(target, &theirs, &limits, error) &&
		merge_with(job, target, onto,
			has_earlier(target, onto, &theirs, earlier) ? earlier : NULL, tree, error);
}
