/*
 * From the files and the tip they are pushed onto to the folder that the push makes.
 *
 * Where the tip's folder is the base's, the files replace it. Else the two are merged as a pull
 * would merge them, but nothing of the workspace moves by it: no base, no file. The merge begins at
 * the files of the newest push that the tip has, so that what went up before is not taken for a
 * change of somebody else's.
 */
#include "worker/sync/pushed_tree.h"

#include "journal/base/errors.h"
#include "worker/git/git_library.h"
#include "worker/sync/local_snapshot.h"
#include "worker/sync/three_way.h"
#include "worker/workspace/tree_safety.h"
#include "worker/workspace/workspace_repository.h"

#define PATHS_NAMED 3 /* of a conflict, in its error */

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

static gboolean import(const struct component_job *job, git_repository *target, const git_oid *onto,
	const git_oid *previous, git_oid *theirs, GError **error)
{
	return component_history_import(job->forge, target, onto, job->link.path,
		job->link.repository, previous, theirs, error);
}

/* Both sides go on from the files of the newest push that ONTO has, else from the base. */
static gboolean merge_with(const struct component_job *job, git_repository *target,
	const git_oid *onto, const git_oid *onto_tree, const struct earlier_push *newest,
	git_oid *tree, GError **error)
{
	struct earlier_push earlier = *newest;
	const struct config *config = job->operation->workshop->config;
	scoped_value(three_way) merge = {0};
	git_oid theirs, ours;

	if (!import(job, target, onto, &job->base, &theirs, error) ||
		!earlier_push_find(job, target, onto, onto_tree, &earlier, error) ||
		(earlier.there && !import(job, target, onto, &earlier.files, &theirs, error)) ||
		!local_snapshot_commit(job, earlier.there ? &earlier.files : NULL,
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
		merge_with(job, target, onto, &theirs, earlier, tree, error);
}
