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
#include "worker/git/git_library.h"
#include "worker/git/identity.h"
#include "worker/sync/component_job.h"
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
	gboolean keeps;    /* what is replaced becomes a stash */
	struct three_way merge;
};

static void set_oid(char **slot, const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (!git_oid_is_zero(oid))
		message_set_string(slot, git_oid_tostr(hex, sizeof(hex), oid));
}

static Forge__Fact *new_fact(Forge__Fact__KindCase kind)
{
	Forge__Fact *fact = g_new(Forge__Fact, 1);

	forge__fact__init(fact);
	fact->kind_case = kind;
	return fact;
}

/* ---- snapshots ---------------------------------------------------------------------------- */

/* What a folder that somebody deleted holds. */
static gboolean make_empty_tree(git_repository *forge, git_oid *tree, GError **error)
{
	git_treebuilder *builder = NULL;
	gboolean made = git_treebuilder_new(&builder, forge, NULL) == 0 &&
		git_treebuilder_write(tree, builder) == 0;

	git_treebuilder_free(builder);
	if (!made)
		git_library_error(
			error, FORGE_ERROR_CACHE_UNUSABLE, "an empty folder cannot be written");
	return made;
}

/* A commit of the files as they are, on top of the newest checkpoint. */
static gboolean make_snapshot(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	const struct operation *operation = job->operation;
	const git_oid *parent = git_oid_is_zero(&job->local_commit) ? &job->base
								    : &job->local_commit;
	git_oid tree = job->local_tree;
	git_signature *who;
	gboolean made;

	if (!git_oid_is_zero(&pulling->snapshot))
		return TRUE;
	if (git_oid_is_zero(&tree) && !make_empty_tree(job->forge, &tree, error))
		return FALSE;
	who = identity_signature(operation->workshop->config, operation->job->opened_us, error);
	if (!who)
		return FALSE;
	made = component_history_commit(job->forge, &tree, parent, 1, who,
		"Local changes before a pull", &pulling->snapshot, error);
	git_signature_free(who);
	return made;
}

/* Keeps the files as they are as the newest stash; an attempt after a crash finds it there. Of a
 * folder that is not there nothing is lost. */
static gboolean keep_as_stash(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	g_autoptr(GArray) stashes = NULL;
	uint32_t number;

	if (git_oid_is_zero(&job->local_tree))
		return TRUE;
	if (!make_snapshot(pulling, error))
		return FALSE;
	pulling->stash = pulling->snapshot;
	stashes = workspace_stash_list(job->forge, job->name, error);
	if (!stashes)
		return FALSE;
	if (stashes->len > 0 &&
		git_oid_equal(
			&g_array_index(stashes, struct workspace_stash, 0).oid, &pulling->stash))
		return TRUE;
	return workspace_stash_add(job->forge, job->name, &pulling->stash, &number, error);
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

static void note_pulled(struct pulling *pulling, Forge__Strategy strategy,
	Forge__Component *take_component, const git_oid *local_before)
{
	Forge__ComponentPulled *pulled = g_new(Forge__ComponentPulled, 1);
	Forge__Fact *fact = new_fact(FORGE__FACT__KIND_COMPONENT_PULLED);

	forge__component_pulled__init(pulled);
	pulled->component = take_component;
	pulled->strategy = strategy;
	set_oid(&pulled->before, &pulling->base_before);
	set_oid(&pulled->local_before, local_before);
	set_oid(&pulled->local_after, &pulling->job->local_tree);
	set_oid(&pulled->stash, &pulling->stash);
	pulled->merged = paths_of(pulling->merge.merged, &pulled->n_merged);
	message_set_string(&pulled->rule_used, pulling->merge.rule_used);
	fact->component_pulled = pulled;
	operation_note(pulling->job->operation, fact);
}

/* ---- ends --------------------------------------------------------------------------------- */

/* Brings the files to TREE and the component to the new base, with LOCAL as newest checkpoint. */
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
static gboolean judge(struct pulling *pulling, const git_oid *local, GError **error)
{
	struct judged_trees trees = {.base = pulling->job->base_tree,
		.local = *local,
		.upstream = pulling->base_tree,
		.result = pulling->base_tree,
		.version = pulling->job->pick.version};

	pulling->merge.conflicts = component_conflicts_new();
	pulling->merge.merged = g_ptr_array_new_with_free_func(g_free);
	pulling->merge.tree = pulling->base_tree;
	return judge_result(pulling->job, &trees, pulling->merge.conflicts, error);
}

/* Upstream's version as it is takes the files' place. */
static gboolean take_upstream(
	struct pulling *pulling, Forge__Strategy strategy, gboolean judged, GError **error)
{
	static const git_oid none = {{0}};
	struct component_job *job = pulling->job;

	if (judged) {
		if (!judge(pulling, &job->local_tree, error))
			return FALSE;
		if (pulling->merge.conflicts->len > 0)
			return make_snapshot(pulling, error) &&
				leave_conflict(pulling, strategy, error);
	}
	return (!pulling->keeps || keep_as_stash(pulling, error)) &&
		finish(pulling, strategy, &pulling->base_tree, &none, error);
}

/* ---- merging and rebasing ----------------------------------------------------------------- */

static enum version_rule rule_of(const struct pulling *pulling)
{
	return three_way_rule(pulling->job->operation->workshop->config->sync_version_conflict);
}

/* With checkpoints the merge becomes one: history goes on from it. */
static gboolean merge_checkpoint(struct pulling *pulling, git_oid *local, GError **error)
{
	struct component_job *job = pulling->job;
	const struct operation *operation = job->operation;
	git_oid parents[2] = {pulling->snapshot, pulling->base};
	git_signature *who;
	gboolean made;

	memset(local, 0, sizeof(*local));
	if (git_oid_is_zero(&job->local_commit))
		return TRUE;
	who = identity_signature(operation->workshop->config, operation->job->opened_us, error);
	if (!who)
		return FALSE;
	made = component_history_commit(
		job->forge, &pulling->merge.tree, parents, 2, who, "Merge upstream", local, error);
	git_signature_free(who);
	return made;
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
	return merge_checkpoint(pulling, &local, error) &&
		finish(pulling, strategy, &pulling->merge.tree, &local, error);
}

/* The checkpoints since the base, oldest first, and then the files as they are. */
static GArray *commits_to_replay(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	g_autoptr(GArray) commits = g_array_new(FALSE, FALSE, sizeof(git_oid));
	git_oid tree = job->base_tree;

	if (!git_oid_is_zero(&job->local_commit)) {
		g_autoptr(GPtrArray) log = component_history_log(
			job->forge, &job->local_commit, &job->base, 0, error);

		if (!log)
			return NULL;
		for (guint i = log->len; i > 0; i--)
			g_array_append_val(
				commits, ((struct history_entry *)log->pdata[i - 1])->oid);
		if (log->len > 0)
			tree = ((struct history_entry *)log->pdata[0])->tree;
	}
	if (!git_oid_equal(&tree, &job->local_tree)) {
		if (!make_snapshot(pulling, error))
			return NULL;
		g_array_append_val(commits, pulling->snapshot);
	}
	return g_steal_pointer(&commits);
}

/* Where the newest checkpoint is after all was replayed: before the snapshot, if there is one. */
static gboolean replayed_checkpoint(
	const struct pulling *pulling, const git_oid *head, git_oid *local, GError **error)
{
	git_commit *commit = NULL;

	memset(local, 0, sizeof(*local));
	if (git_oid_is_zero(&pulling->job->local_commit))
		return TRUE;
	*local = *head;
	if (!git_oid_is_zero(&pulling->snapshot) && !git_oid_equal(head, &pulling->base)) {
		if (git_commit_lookup(&commit, pulling->job->forge, head) != 0) {
			g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY,
				"a commit that was just made cannot be read");
			return FALSE;
		}
		*local = *git_commit_parent_id(commit, 0);
		git_commit_free(commit);
	}
	if (git_oid_equal(local, &pulling->base))
		memset(local, 0, sizeof(*local));
	return TRUE;
}

/* Commit by commit; where that conflicts, the whole is merged once, and its conflicts, if any, are
 * what a person gets to see. */
static gboolean rebase(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	scoped_value(component_rebase) replayed = {0};
	g_autoptr(GArray) commits = commits_to_replay(pulling, error);
	git_oid tree, local;

	if (!commits ||
		!component_rebase(job->forge, (const git_oid *)(void *)commits->data, commits->len,
			&pulling->base, &replayed, error))
		return FALSE;
	if (replayed.done < commits->len)
		return merge(pulling, FORGE__STRATEGY__STRATEGY_REBASE, error);
	return component_history_tree(job->forge, &replayed.head, &tree, error) &&
		replayed_checkpoint(pulling, &replayed.head, &local, error) &&
		finish(pulling, FORGE__STRATEGY__STRATEGY_REBASE, &tree, &local, error);
}

/* ---- deciding ----------------------------------------------------------------------------- */

static gboolean refuse(const struct component_job *job, GError **error)
{
	g_set_error(
		error, FORGE_ERROR, FORGE_ERROR_LOCAL_CHANGES, "'%s' has local changes", job->name);
	return FALSE;
}

static gboolean bring_together(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;
	gboolean stash = pulling->arguments && pulling->arguments->stash;

	if (!component_job_is_modified(job) && git_oid_is_zero(&job->local_commit))
		return take_upstream(pulling, FORGE__STRATEGY__STRATEGY_FAST_FORWARD, TRUE, error);
	if (git_oid_equal(&pulling->base_tree, &job->local_tree))
		return finish(pulling, FORGE__STRATEGY__STRATEGY_FAST_FORWARD, &job->local_tree,
			&(git_oid){{0}}, error);
	if (stash) {
		pulling->keeps = TRUE;
		return take_upstream(pulling, FORGE__STRATEGY__STRATEGY_FAST_FORWARD, TRUE, error);
	}
	switch (pulling->strategy) {
	case FORGE__STRATEGY__STRATEGY_OVERWRITE:
		pulling->keeps = TRUE;
		return take_upstream(pulling, FORGE__STRATEGY__STRATEGY_OVERWRITE, FALSE, error);
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

/* Upstream has no other version of it: only the base may move on. */
static gboolean note_nothing_new(struct pulling *pulling, GError **error)
{
	struct component_job *job = pulling->job;

	if (git_oid_equal(&pulling->base, &job->base) && is_locked(job)) {
		Forge__Component *component = component_job_component(job, &job->base, error);

		if (!component)
			return FALSE;
		note_pulled(pulling, FORGE__STRATEGY__STRATEGY_UNSET, component, &job->local_tree);
		return component_job_note_observed(job, NULL, error);
	}
	return finish(pulling, FORGE__STRATEGY__STRATEGY_UNSET, &job->local_tree,
		&job->local_commit, error);
}

static gboolean gone(struct component_job *job, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND, "%s has no '%s' any more",
		job->repository, job->name);
	component_job_note_observed(job, NULL, NULL);
	return FALSE;
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
	return bring_together(pulling, error);
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
	done = component_job_open(&job, operation, FALSE, &error) && pull(&pulling, &error);
	conflict = pulling.merge.conflicts && pulling.merge.conflicts->len > 0;
	three_way_clear(&pulling.merge);
	if (!done)
		return operation_failed(error);
	return operation_ended(
		conflict ? FORGE__VERDICT__VERDICT_CONFLICT : FORGE__VERDICT__VERDICT_DONE);
}
