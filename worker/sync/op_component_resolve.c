/*
 * The job that ends a pending merge, or writes its conflicts into the files for a person.
 *
 * What the files become was decided before and is a tree in the workspace's repository. They change
 * only if they are still what that decision was made of; files, base, forge.lock and the refs of
 * the pending merge change together. A result that breaks a schema, or a rule that nobody accepted,
 * changes nothing: what is wrong with it takes the place of the conflicts that were decided. An
 * attempt after a kill finds either everything as it was or no pending merge: then only the facts
 * are missing.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/message.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/component_job.h"
#include "worker/sync/local_snapshot.h"
#include "worker/sync/judge.h"
#include "worker/sync/pending.h"
#include "worker/sync/three_way.h"
#include "worker/sync/workspace_change.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace_repository.h"

struct resolving {
	struct component_job *job;
	const Forge__ComponentArguments *arguments;
	git_oid local, upstream, merged, markers; /* commits under refs; zero: not there */
	git_oid from, to;                         /* trees, as the command says */
	git_oid files;          /* tree of the files; of a folder that is not there the empty one */
	git_oid empty;          /* tree */
	git_oid before;         /* tree of the folder, while it is changed */
	struct three_way merge; /* what the decisions came to, judged */
};

static gboolean read_refs(struct resolving *resolving, GError **error)
{
	const struct component_job *job = resolving->job;

	return workspace_ref_get(job->forge, job->name, PENDING_LOCAL, &resolving->local, error) &&
		workspace_ref_get(
			job->forge, job->name, PENDING_UPSTREAM, &resolving->upstream, error) &&
		workspace_ref_get(
			job->forge, job->name, PENDING_MERGED, &resolving->merged, error) &&
		workspace_ref_get(
			job->forge, job->name, PENDING_MARKERS, &resolving->markers, error);
}

static gboolean read_tree_id(const char *text, const char *what, git_oid *oid, GError **error)
{
	if (strlen(text) == GIT_OID_HEXSZ && git_oid_fromstr(oid, text) == 0)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_USAGE, "the job does not say %s", what);
	return FALSE;
}

/* ---- telling ------------------------------------------------------------------------------ */

static gboolean note_resolved(struct resolving *resolving, gboolean aborted, GError **error)
{
	struct component_job *job = resolving->job;
	Forge__ComponentResolved *resolved = g_new(Forge__ComponentResolved, 1);
	Forge__Fact *fact = component_fact_new(FORGE__FACT__KIND_COMPONENT_RESOLVED);
	char hex[GIT_OID_HEXSZ + 1];

	forge__component_resolved__init(resolved);
	fact->component_resolved = resolved;
	message_set_string(&resolved->name, job->name);
	resolved->aborted = aborted;
	if (!git_oid_is_zero(&job->local_tree))
		message_set_string(
			&resolved->local_after, git_oid_tostr(hex, sizeof(hex), &job->local_tree));
	if (!aborted) {
		resolved->component = component_job_component(job, &job->base, error);
		if (!resolved->component) {
			forge__fact__free_unpacked(fact, NULL);
			return FALSE;
		}
	}
	operation_note(job->operation, fact);
	return component_job_note_observed(job, NULL, error);
}

/* ---- resolving ---------------------------------------------------------------------------- */

/* The tree of the folder as it is; NULL: there is none. */
static const git_oid *folder_now(struct resolving *resolving)
{
	resolving->before = resolving->job->local_tree;
	return git_oid_is_zero(&resolving->before) ? NULL : &resolving->before;
}

/* What the folder is to be; NULL: it goes, since nothing is left in it. */
static const git_oid *folder_of(const struct resolving *resolving, const git_oid *tree)
{
	return git_oid_equal(tree, &resolving->empty) ? NULL : tree;
}

static gboolean refuse_edited(const struct component_job *job, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_EDITED_MEANWHILE,
		"files of '%s' were edited meanwhile; nothing was changed: run `forge sync resolve "
		"%s` again",
		job->name, job->name);
	return FALSE;
}

/* Upstream's version, as the pull found it, for forge.lock and the journal. */
static gboolean read_version(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;
	scoped_value(upstream_link) link = {0};
	git_commit *commit = NULL;
	const char *found;

	if (!component_history_link(job->forge, &resolving->upstream, &link, error))
		return FALSE;
	if (git_oid_is_zero(&resolving->merged))
		return TRUE;
	if (git_commit_lookup(&commit, job->forge, &resolving->merged) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"the pending merge of '%s' cannot be read", job->name);
		return FALSE;
	}
	found = strstr(git_commit_message_raw(commit), "\n" PENDING_VERSION);
	if (found) {
		found += strlen("\n" PENDING_VERSION);
		job->pick.version = g_strndup(found, strcspn(found, "\n"));
		job->pick.commit = link.commit;
	}
	git_commit_free(commit);
	return TRUE;
}

/* ---- judging ------------------------------------------------------------------------------ */

/* Whether somebody knows of CONFLICT and wants the result all the same. A schema must be kept. */
static gboolean is_accepted(
	const struct resolving *resolving, const struct component_conflict *conflict)
{
	g_autofree char *place = three_way_cut(conflict->place);

	if (strcmp(conflict->type, "schema") == 0)
		return FALSE;
	for (size_t i = 0; i < resolving->arguments->n_accepted; i++)
		if (strcmp(resolving->arguments->accepted[i], place) == 0)
			return TRUE;
	return FALSE;
}

/* What was decided is judged as what merges by itself is. */
static gboolean judge(struct resolving *resolving, GError **error)
{
	const struct component_job *job = resolving->job;
	struct judged_trees trees = {
		.base = job->base_tree, .result = resolving->to, .version = job->pick.version};
	GPtrArray *conflicts = component_conflicts_new();

	resolving->merge.tree = resolving->to;
	resolving->merge.conflicts = conflicts;
	resolving->merge.merged = g_ptr_array_new_with_free_func(g_free);
	if (!component_history_tree(job->forge, &resolving->local, &trees.local, error) ||
		!component_history_tree(job->forge, &resolving->upstream, &trees.upstream, error) ||
		!judge_result(job, &trees, conflicts, error))
		return FALSE;
	for (guint i = conflicts->len; i > 0; i--)
		if (is_accepted(resolving, conflicts->pdata[i - 1]))
			g_ptr_array_remove_index(conflicts, i - 1);
	return TRUE;
}

/* The files stay; what is wrong with the result is what waits for a person now. */
static gboolean leave_conflict(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;
	struct pending_merge pending = {
		.component = component_job_component(job, &resolving->upstream, error),
		.base = job->base,
		.local = resolving->local,
		.upstream = resolving->upstream,
		.strategy = FORGE__STRATEGY__STRATEGY_MERGE,
		.merge = &resolving->merge};

	return pending.component && pending_keep_decided(job, &pending, error) &&
		component_job_note_observed(job, NULL, error);
}

/* ---- ending ------------------------------------------------------------------------------- */

static gboolean finish(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;
	scoped_value(workspace_change) change = {0};
	git_oid local;

	if (!git_oid_equal(&resolving->files, &resolving->from))
		return refuse_edited(job, error);
	if (!read_version(resolving, error) || !judge(resolving, error))
		return FALSE;
	if (resolving->merge.conflicts->len > 0)
		return leave_conflict(resolving, error);
	if (!local_snapshot_merge(
		    job, &resolving->to, &resolving->local, &resolving->upstream, &local, error) ||
		!workspace_change_to(&change, job, &resolving->upstream, error))
		return FALSE;
	git_oid_cpy(&change.settlement.local, &local);
	return workspace_change_apply(&change, job, folder_now(resolving),
		       folder_of(resolving, &resolving->to), error) &&
		note_resolved(resolving, FALSE, error);
}

/* No merge is pending (any more). */
static gboolean finish_again(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;

	if (job->operation->job->attempt > 1 && git_oid_equal(&resolving->files, &resolving->to))
		return note_resolved(resolving, FALSE, error);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
		"no merge of '%s' is pending in .forge; `forge sync resolve %s --abort` forgets it",
		job->name, job->name);
	return FALSE;
}

/* ---- markers and back --------------------------------------------------------------------- */

/* The files change and nothing else does. */
static gboolean change_files(
	struct resolving *resolving, const git_oid *to, gboolean to_pending, GError **error)
{
	struct component_job *job = resolving->job;
	scoped_value(workspace_change) change = {0};

	change.settlement.name = job->name;
	change.settlement.folder = job->folder;
	change.settlement.base = job->base;
	change.settlement.local = job->local_commit;
	change.settlement.to_pending = to_pending;
	return workspace_change_apply(
		&change, job, folder_now(resolving), folder_of(resolving, to), error);
}

static gboolean write_markers(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;

	if (!git_oid_equal(&resolving->files, &resolving->to)) {
		if (!git_oid_equal(&resolving->files, &resolving->from))
			return refuse_edited(job, error);
		if (!change_files(resolving, &resolving->to, TRUE, error))
			return FALSE;
	}
	return component_job_note_observed(job, NULL, error);
}

/* What somebody made of the files behind the markers is not thrown away: it becomes a stash. */
static gboolean keep_edited(struct resolving *resolving, GError **error)
{
	const struct component_job *job = resolving->job;
	git_oid commit;

	if (!local_snapshot_write(job, &job->local_tree, &job->base, 1,
		    "Edited while a pull's conflicts were resolved", &commit, error))
		return FALSE;
	g_warning("%s: what was edited in its files is kept: forge dev stash pop %s", job->name,
		job->name);
	return local_snapshot_keep(job, &commit, error);
}

static gboolean restore_files(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;
	git_oid local_tree, markers_tree;

	if (!component_history_tree(job->forge, &resolving->local, &local_tree, error) ||
		!component_history_tree(job->forge, &resolving->markers, &markers_tree, error))
		return FALSE;
	if (!git_oid_is_zero(&job->local_tree) && !git_oid_equal(&job->local_tree, &markers_tree) &&
		!git_oid_equal(&job->local_tree, &local_tree) && !keep_edited(resolving, error))
		return FALSE;
	return change_files(resolving, &local_tree, FALSE, error);
}

static gboolean abort_merge(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;
	gboolean marked = !git_oid_is_zero(&resolving->markers) &&
		!git_oid_is_zero(&resolving->local);

	if (marked ? !restore_files(resolving, error)
		   : !workspace_refs_delete(job->forge, job->name, COMPONENT_REF_PENDING, error))
		return FALSE;
	return note_resolved(resolving, TRUE, error);
}

/* ---- deciding ----------------------------------------------------------------------------- */

/* TRUE if the files are to become what --strategy manual writes: the merge stays pending. */
static gboolean is_for_markers(struct resolving *resolving, gboolean *markers, GError **error)
{
	git_oid tree;

	*markers = FALSE;
	if (git_oid_is_zero(&resolving->markers) || git_oid_equal(&resolving->from, &resolving->to))
		return TRUE;
	if (!component_history_tree(resolving->job->forge, &resolving->markers, &tree, error))
		return FALSE;
	*markers = git_oid_equal(&tree, &resolving->to);
	return TRUE;
}

static gboolean resolve(struct resolving *resolving, GError **error)
{
	struct component_job *job = resolving->job;
	gboolean markers;

	job->want = component_job_wanted(job);
	if (!component_job_look(job, error) ||
		!component_job_files(job, &resolving->files, error) ||
		!component_history_empty_tree(job->forge, &resolving->empty, error) ||
		!read_refs(resolving, error))
		return FALSE;
	if (resolving->arguments->abort)
		return abort_merge(resolving, error);
	if (!read_tree_id(resolving->arguments->from_tree, "what the files are", &resolving->from,
		    error) ||
		!read_tree_id(resolving->arguments->to_tree, "what the files become",
			&resolving->to, error))
		return FALSE;
	if (git_oid_is_zero(&resolving->upstream) || git_oid_is_zero(&resolving->local))
		return finish_again(resolving, error);
	if (!is_for_markers(resolving, &markers, error))
		return FALSE;
	return markers ? write_markers(resolving, error) : finish(resolving, error);
}

Forge__JobEnd *op_component_resolve(struct operation *operation)
{
	const Forge__BatchArguments *arguments = operation->job->arguments;
	scoped_value(component_job) job = {0};
	struct resolving resolving = {.job = &job};
	g_autoptr(GError) error = NULL;
	gboolean done, conflict;

	resolving.arguments = arguments ? arguments->component : NULL;
	if (!resolving.arguments) {
		g_set_error_literal(&error, FORGE_ERROR, FORGE_ERROR_USAGE,
			"the job does not say what its component becomes");
		return operation_failed(error);
	}
	done = component_job_open(&job, operation, FALSE, &error) && resolve(&resolving, &error);
	conflict = resolving.merge.conflicts && resolving.merge.conflicts->len > 0;
	three_way_clear(&resolving.merge);
	if (!done)
		return operation_failed(error);
	return operation_ended(
		conflict ? FORGE__VERDICT__VERDICT_CONFLICT : FORGE__VERDICT__VERDICT_DONE);
}
