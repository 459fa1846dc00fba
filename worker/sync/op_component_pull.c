/*
 * The job that brings upstream's version of a component into the workspace.
 *
 * Everything is made in the workspace's repository first: the new base, the snapshot of the files,
 * the merge. Only then the files change, as a whole, together with refs and forge.lock. A merge
 * that a person must decide leaves files and base as they are; what is needed to go on with it is
 * kept under refs.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/component/component_reference.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/component_job.h"
#include "worker/sync/earlier_push.h"
#include "worker/sync/local_snapshot.h"
#include "worker/sync/pending.h"
#include "worker/sync/three_way.h"
#include "worker/sync/workspace_change.h"
#include "worker/workspace/component_merge.h"
#include "worker/workspace/workspace_repository.h"

struct pulling {
	struct component_job *job;
	const Forge__ComponentArguments *arguments; /* may be NULL */
	Forge__Strategy strategy; /* as asked for; UNSET: only if nothing is lost */
	git_oid base_before;
	git_oid base;      /* the new one */
	git_oid base_tree; /* its tree */
	git_oid snapshot;  /* commit of the files as they are; zero until it is made */
	git_oid stash;     /* commit that keeps what is replaced; zero: nothing is */
	struct three_way merge;
};

/* ---- snapshots ---------------------------------------------------------------------------- */

/* A commit of the files as they are, on top of the newest checkpoint and of what upstream has. */
static gboolean make_snapshot(struct pulling *pulling, GError **error)
{
	const struct component_job *job = pulling->job;
	git_oid parents[2];
	git_oid tree;
	size_t n = 0;

	/* What upstream has is on top of the base. */
	if (!git_oid_is_zero(&job->local_commit))
		parents[n++] = job->local_commit;
	if (!git_oid_is_zero(&job->shared))
		parents[n++] = job->shared;
	if (n == 0)
		parents[n++] = job->base;

	return !git_oid_is_zero(&pulling->snapshot) ||
		(component_job_files(job, &tree, error) &&
			local_snapshot_write(job, &tree, parents, n, "Local changes before a pull",
				&pulling->snapshot, error));
}

/* Keeps the files as they are as the newest stash; an attempt after a crash finds it there. Of a
 * folder that is not there only the checkpoints can be lost. */
static gboolean keep_as_stash(struct pulling *pulling, GError **error)
{
	const struct component_job *job = pulling->job;

	if (!git_oid_is_zero(&job->local_tree)) {
		if (!make_snapshot(pulling, error))
			return FALSE;
		pulling->stash = pulling->snapshot;
	} else if (!git_oid_is_zero(&job->local_commit)) {
		pulling->stash = job->local_commit;
	} else {
		return TRUE;
	}
	return local_snapshot_keep(job, &pulling->stash, error);
}

/* ---- telling ------------------------------------------------------------------------------ */

static char **paths_of(const GPtrArray *paths, size_t *count)
{
	char **copies;

	*count = paths ? MIN(paths->len, LIMIT_CONFLICT_PATHS) : 0;
	copies = g_new0(char *, *count + 1);
	for (size_t i = 0; i < *count; i++)
		copies[i] = g_strdup(paths->pdata[i]);
	return copies;
}

/* What an entry has no room for is left out. */
static void fit(Forge__ComponentPulled *pulled)
{
	while (pulled->n_merged > 0 &&
		protobuf_c_message_get_packed_size(&pulled->base) > LIMIT_PULL_FACT_BYTES)
		g_free(pulled->merged[--pulled->n_merged]);
}

static void note_pulled(struct pulling *pulling, Forge__Strategy strategy,
	Forge__Component *take_component, const git_oid *local_before)
{
	Forge__ComponentPulled *pulled = g_new(Forge__ComponentPulled, 1);
	Forge__Fact *fact = component_fact_new(FORGE__FACT__KIND_COMPONENT_PULLED);

	forge__component_pulled__init(pulled);
	pulled->component = take_component;
	pulled->strategy = strategy;
	component_fact_set_oid(&pulled->before, &pulling->base_before);
	component_fact_set_oid(&pulled->local_before, local_before);
	component_fact_set_oid(&pulled->local_after, &pulling->job->local_tree);
	component_fact_set_oid(&pulled->stash, &pulling->stash);
	pulled->merged = paths_of(pulling->merge.merged, &pulled->n_merged);
	message_set_string(&pulled->rule_used, pulling->merge.rule_used);
	fit(pulled);
	fact->component_pulled = pulled;
	operation_note(pulling->job->operation, fact);
}

/* ---- ends --------------------------------------------------------------------------------- */

/* Brings the files to TREE (NULL: no folder) and the component to the new base, with LOCAL as newest checkpoint. */
static gboolean finish(struct pulling *pulling, Forge__Strategy strategy, const git_oid *tree,
	const git_oid *local, GError **error)
{
	struct component_job *job = pulling->job;
	scoped_value(workspace_change) change = {0};
	git_oid before = job->local_tree;
	const git_oid *from = git_oid_is_zero(&before) ? NULL : &before;

	if (!workspace_change_to(&change, job, &pulling->base, error))
		return FALSE;
	change.settlement.local = *local;
	change.settlement.pull = (struct settled_pull){.strategy = strategy,
		.before = pulling->base_before,
		.local_before = before,
		.stash = pulling->stash};
	if (!workspace_change_apply(&change, job, from, tree, error))
		return FALSE;
	note_pulled(pulling, strategy, g_steal_pointer(&change.component), &before);
	job->count = (struct history_count){.relation = HISTORY_SAME, .exact = TRUE};
	return component_job_note_observed(job, NULL, error);
}

static gboolean leave_conflict(struct pulling *pulling, Forge__Strategy strategy, GError **error)
{
	struct component_job *job = pulling->job;
	struct pending_merge pending = {
		.component = component_job_component(job, &pulling->base, error),
		.base = job->base,
		.local = pulling->snapshot,
		.upstream = pulling->base,
		.strategy = strategy,
		.merge = &pulling->merge};

	return pending.component && pending_keep(job, &pending, error) &&
		component_job_note_observed(job, NULL, error);
}

/* A result without conflicts is judged before it may take the files' place. */
static gboolean judge(struct pulling *pulling, const git_oid *result, GError **error)
{
	struct judged_trees trees = {.base = pulling->job->base_tree,
		.upstream = pulling->base_tree,
		.result = *result,
		.version = pulling->job->pick.version};

	if (!component_job_files(pulling->job, &trees.local, error))
		return FALSE;
	pulling->merge.conflicts = component_conflicts_new();
	pulling->merge.merged = g_ptr_array_new_with_free_func(g_free);
	pulling->merge.tree = *result;
	return judge_result(pulling->job, &trees, pulling->merge.conflicts, error);
}

/* Upstream's version as it is takes the files' place. */
static gboolean take_upstream(struct pulling *pulling, Forge__Strategy strategy, GError **error)
{
	static const git_oid none = {{0}};

	return finish(pulling, strategy, &pulling->base_tree, &none, error);
}

/* The same, unless something else in the workspace cannot live with it: then the files stay, and
 * nothing has to be put aside. */
static gboolean take_judged(struct pulling *pulling, gboolean stash, GError **error)
{
	if (!judge(pulling, &pulling->base_tree, error))
		return FALSE;
	if (pulling->merge.conflicts->len > 0)
		return make_snapshot(pulling, error) &&
			leave_conflict(pulling, FORGE__STRATEGY__STRATEGY_FAST_FORWARD, error);
	return (!stash || keep_as_stash(pulling, error)) &&
		take_upstream(pulling, FORGE__STRATEGY__STRATEGY_FAST_FORWARD, error);
}

/* ---- merging and rebasing ----------------------------------------------------------------- */

static enum version_rule rule_of(const struct pulling *pulling)
{
	return three_way_rule(pulling->job->operation->workshop->config->sync_version_conflict);
}

static gboolean merge(struct pulling *pulling, Forge__Strategy strategy, GError **error)
{
	struct component_job *job = pulling->job;
	git_oid local;

	if (!make_snapshot(pulling, error) ||
		!three_way_merge(job, &pulling->snapshot, &pulling->base, rule_of(pulling),
			&pulling->merge, error))
		return FALSE;
	if (pulling->merge.conflicts->len > 0)
		return leave_conflict(pulling, strategy, error);
	return local_snapshot_merge(job, &pulling->merge.tree, &pulling->snapshot, &pulling->base,
		       &local, error) &&
		finish(pulling, strategy, &pulling->merge.tree, &local, error);
}

/* The checkpoints since the base, oldest first; TREE is what the newest one has. */
static GArray *checkpoints_of(const struct component_job *job, git_oid *tree, GError **error)
{
	GArray *commits = g_array_new(FALSE, FALSE, sizeof(git_oid));
	g_autoptr(GPtrArray) log = NULL;

	git_oid_cpy(tree, &job->base_tree);
	if (git_oid_is_zero(&job->local_commit))
		return commits;
	log = component_history_log(job->forge, &job->local_commit, &job->base, 0, error);
	if (!log) {
		g_array_unref(commits);
		return NULL;
	}
	for (guint i = log->len; i > 0; i--)
		g_array_append_val(commits, ((struct history_entry *)log->pdata[i - 1])->oid);
	if (log->len > 0)
		git_oid_cpy(tree, &((struct history_entry *)log->pdata[0])->tree);
	return commits;
}

/* Replays N commits onto *HEAD and moves that on; *CLEAN is FALSE if one conflicts. */
static gboolean replay(struct pulling *pulling, const git_oid *commits, size_t n, git_oid *head,
	gboolean *clean, GError **error)
{
	scoped_value(component_rebase) replayed = {0};

	if (!component_rebase(pulling->job->forge, commits, n, head, &replayed, error))
		return FALSE;
	*clean = replayed.done == n;
	git_oid_cpy(head, &replayed.head);
	return TRUE;
}

/* What replayed without conflicts, with LOCAL as newest checkpoint, unless it fits no more. */
static gboolean end_rebase(
	struct pulling *pulling, const git_oid *tree, const git_oid *local, GError **error)
{
	if (!judge(pulling, tree, error))
		return FALSE;
	if (pulling->merge.conflicts->len > 0)
		return make_snapshot(pulling, error) &&
			leave_conflict(pulling, FORGE__STRATEGY__STRATEGY_REBASE, error);
	return finish(pulling, FORGE__STRATEGY__STRATEGY_REBASE, tree, local, error);
}

/* Commit by commit, and the files as they are last; where that conflicts, the whole is merged once,
 * and its conflicts, if any, are what a person gets to see. */
static gboolean rebase(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	git_oid tree, head = pulling->base, local = {{0}};
	g_autoptr(GArray) checkpoints = checkpoints_of(job, &tree, error);
	gboolean clean;

	if (!checkpoints ||
		!replay(pulling, (const git_oid *)(void *)checkpoints->data, checkpoints->len,
			&head, &clean, error))
		return FALSE;
	if (!git_oid_equal(&head, &pulling->base))
		local = head;
	if (clean && !git_oid_equal(&tree, &job->local_tree) &&
		(!make_snapshot(pulling, error) ||
			!replay(pulling, &pulling->snapshot, 1, &head, &clean, error)))
		return FALSE;
	if (!clean)
		return merge(pulling, FORGE__STRATEGY__STRATEGY_REBASE, error);
	return component_history_tree(job->forge, &head, &tree, error) &&
		end_rebase(pulling, &tree, &local, error);
}

/* ---- deciding ----------------------------------------------------------------------------- */

static gboolean refuse(const struct component_job *job, GError **error)
{
	g_set_error(
		error, FORGE_ERROR, FORGE_ERROR_LOCAL_CHANGES, "'%s' has local changes", job->name);
	return FALSE;
}

/* Upstream has what the files have; the way there is kept. */
static gboolean put_checkpoints_aside(struct pulling *pulling, GError **error)
{
	return git_oid_is_zero(&pulling->job->local_commit) || keep_as_stash(pulling, error);
}

static gboolean bring_together(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	gboolean stash = pulling->arguments && pulling->arguments->stash;

	if (!component_job_is_modified(job) && git_oid_is_zero(&job->local_commit))
		return take_judged(pulling, FALSE, error);
	if (git_oid_equal(&pulling->base_tree, &job->local_tree))
		return put_checkpoints_aside(pulling, error) &&
			take_upstream(pulling, FORGE__STRATEGY__STRATEGY_FAST_FORWARD, error);
	if (stash)
		return take_judged(pulling, TRUE, error);
	switch (pulling->strategy) {
	case FORGE__STRATEGY__STRATEGY_OVERWRITE:
		return keep_as_stash(pulling, error) &&
			take_upstream(pulling, FORGE__STRATEGY__STRATEGY_OVERWRITE, error);
	case FORGE__STRATEGY__STRATEGY_MERGE:
		return merge(pulling, FORGE__STRATEGY__STRATEGY_MERGE, error);
	case FORGE__STRATEGY__STRATEGY_REBASE:
		return rebase(pulling, error);
	case FORGE__STRATEGY__STRATEGY_UNSET:
	case FORGE__STRATEGY__STRATEGY_FAST_FORWARD:
	case _FORGE__STRATEGY_IS_INT_SIZE:
		break;
	}
	return refuse(job, error);
}

/* A look at upstream moves the base on and leaves forge.lock to the next pull. */
static gboolean is_locked(const struct component_job *job)
{
	const struct locked_component *locked = lock_file_find(job->locked, job->name);
	char hex[GIT_OID_HEXSZ + 1];

	return locked &&
		strcmp(locked->commit, git_oid_tostr(hex, sizeof(hex), &job->link.commit)) == 0;
}

/* Somebody deleted the folder and wants upstream's version, which is the base's. */
static gboolean restores(const struct pulling *pulling)
{
	return git_oid_is_zero(&pulling->job->local_tree) &&
		(pulling->strategy == FORGE__STRATEGY__STRATEGY_OVERWRITE ||
			(pulling->arguments && pulling->arguments->stash));
}

/* Upstream has no other version of it: only the base may move on. */
static gboolean note_nothing_new(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;

	if (restores(pulling))
		return keep_as_stash(pulling, error) &&
			take_upstream(pulling, FORGE__STRATEGY__STRATEGY_OVERWRITE, error);
	if (git_oid_equal(&pulling->base, &job->base) && is_locked(job)) {
		Forge__Component *component;

		/* What an earlier attempt did is what this job did. */
		if (job->recovered.strategy != FORGE__STRATEGY__STRATEGY_UNSET)
			return component_job_note_observed(job, NULL, error);
		component = component_job_component(job, &job->base, error);
		if (!component)
			return FALSE;
		note_pulled(pulling, FORGE__STRATEGY__STRATEGY_UNSET, component, &job->local_tree);
		return component_job_note_observed(job, NULL, error);
	}
	return finish(pulling, FORGE__STRATEGY__STRATEGY_UNSET,
		git_oid_is_zero(&job->local_tree) ? NULL : &job->local_tree, &job->local_commit,
		error);
}

static gboolean gone(struct component_job *job, GError **error)
{
	g_autofree char *typed = component_reference_typed(
		job->repository, job->name, job->want->constraint);

	if (job->moved_to)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"%s has '%s' in %s now; `forge install %s` follows it there",
			job->repository, job->name, job->moved_to, typed);
	else
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"%s has no '%s' any more", job->repository, job->name);
	component_job_note_observed(job, NULL, NULL);
	return FALSE;
}

/* What was pushed and is upstream by now is no change against upstream: the new base goes on from
 * it. */
static gboolean find_shared(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	struct earlier_push earlier;
	git_repository *upstream;
	gboolean ok;

	if (!earlier_push_read(job, &earlier, error))
		return FALSE;
	if (!earlier.there || !job->store)
		return TRUE;
	upstream = store_git(job->store, error);
	if (!upstream)
		return FALSE;
	ok = earlier_push_find(
		job, upstream, &job->pick.commit, &pulling->base_tree, &earlier, error);
	git_repository_free(upstream);
	if (!ok || !earlier.there)
		return ok;
	job->shared_tree = earlier.files_tree;
	return local_snapshot_write(job, &earlier.files_tree, &job->base, 1,
		       "What upstream has of the local changes", &job->shared, error) &&
		component_history_join(
			job->forge, &pulling->base, &job->shared, &pulling->base, error);
}

static gboolean pull(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;

	if (!pending_refuse(job, error) || !component_job_look(job, error) ||
		!component_job_ask(job, component_job_wanted(job), error))
		return FALSE;
	if (job->presence != FOLDER_PRESENT)
		return gone(job, error);
	pulling->base_before = job->base;
	if (!component_job_import(job, &pulling->base, error) ||
		!component_history_tree(job->forge, &pulling->base, &pulling->base_tree, error))
		return FALSE;
	if (git_oid_equal(&pulling->base_tree, &job->base_tree))
		return note_nothing_new(pulling, error);
	return find_shared(pulling, error) && bring_together(pulling, error);
}

Forge__JobEnd *op_component_pull(struct operation *operation)
{
	const Forge__BatchArguments *arguments = operation->job->arguments;
	scoped_value(component_job) job = {0};
	struct pulling pulling = {.job = &job};
	g_autoptr(GError) error = NULL;
	gboolean done, conflict;

	if (arguments) {
		pulling.strategy = arguments->strategy;
		pulling.arguments = arguments->component;
	}
	done = component_job_open(&job, operation, FALSE, &error) &&
		component_job_restore_lock(&job, &error) && pull(&pulling, &error);
	conflict = pulling.merge.conflicts && pulling.merge.conflicts->len > 0;
	three_way_clear(&pulling.merge);
	if (!done)
		return operation_failed(error);
	return operation_ended(
		conflict ? FORGE__VERDICT__VERDICT_CONFLICT : FORGE__VERDICT__VERDICT_DONE);
}
