/*
 * One branch of one fork: how the tips are related, and what the strategy makes of that.
 *
 * Everything is done on commit ids that were advertised; the push names the id it expects, so
 * whatever happens meanwhile on the server is noticed there. What is to be pushed is recorded
 * before it is: an attempt that finds the recorded id on the server knows that its predecessor's
 * push happened and reports that one's outcome, with the tip that was there before it. Commits are
 * made of the job's own date, so doing it again makes the same object.
 */
#include "worker/fork/branch_sync.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/fork/branch_push.h"
#include "worker/fork/commit_replay.h"
#include "worker/git/identity.h"
#include "worker/merge/tree_merge.h"

/* How the two tips of a branch are related. */
struct relation {
	gboolean related;
	git_oid base;
	size_t ahead;
	size_t behind;
};

static gboolean fail_git(GError **error, const char *what)
{
	const git_error *last = git_error_last();

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY, "%s: %s", what,
		last ? last->message : "libgit2 gave no reason");
	return FALSE;
}

/* ---- deciding ----------------------------------------------------------------------------- */

enum branch_action branch_action_for(Forge__Strategy strategy, gboolean fork_has_branch,
	gboolean related, size_t ahead, size_t behind)
{
	gboolean overwrite = strategy == FORGE__STRATEGY__STRATEGY_OVERWRITE;

	if (!fork_has_branch)
		return BRANCH_OVERWRITE;
	if (related && ahead == 0)
		return behind == 0 ? BRANCH_NOTHING : BRANCH_FAST_FORWARD;
	if (overwrite)
		return BRANCH_OVERWRITE;
	if (!related)
		return BRANCH_REFUSE_UNRELATED;
	if (behind == 0)
		return BRANCH_NOTHING;
	if (strategy == FORGE__STRATEGY__STRATEGY_REBASE)
		return BRANCH_REBASE;
	return strategy == FORGE__STRATEGY__STRATEGY_FAST_FORWARD ? BRANCH_REFUSE_DIVERGED
								  : BRANCH_MERGE;
}

static gboolean relate(git_repository *git, const git_oid *ours, const git_oid *theirs,
	struct relation *relation, GError **error)
{
	int result = git_merge_base(&relation->base, git, ours, theirs);

	relation->related = result == 0;
	if (result != 0 && result != GIT_ENOTFOUND)
		return fail_git(error, "cannot find what the two have in common");
	if (result == 0 &&
		git_graph_ahead_behind(&relation->ahead, &relation->behind, git, ours, theirs) != 0)
		return fail_git(error, "cannot count commits");
	return TRUE;
}

/* ---- facts -------------------------------------------------------------------------------- */

static Forge__ForkSynced *new_fact(
	const struct fork_syncing *syncing, const struct planned_branch *branch)
{
	Forge__ForkSynced *fact = g_new(Forge__ForkSynced, 1);

	forge__fork_synced__init(fact);
	message_set_string(&fact->fork, syncing->spec->name);
	message_set_string(&fact->branch, branch->name);
	field_set_oid(&fact->before, &branch->fork_tip);
	field_set_oid(&fact->after, &branch->fork_tip);
	field_set_oid(&fact->upstream_tip, &branch->upstream_tip);
	fact->dry_run = syncing->dry_run;
	return fact;
}

Forge__ForkSynced *branch_sync_equal(
	const struct fork_syncing *syncing, const struct planned_branch *branch)
{
	Forge__ForkSynced *fact = new_fact(syncing, branch);

	fact->status = FORGE__BRANCH_STATUS__BRANCH_STATUS_UP_TO_DATE;
	return fact;
}

Forge__ForkSynced *branch_sync_ended(const struct fork_syncing *syncing,
	const struct planned_branch *branch, Forge__BranchStatus status, const GError *error)
{
	Forge__ForkSynced *fact = new_fact(syncing, branch);

	fact->status = status;
	fact->error = operation_error(error);
	fact->counts_unknown = TRUE;
	return fact;
}

Forge__Fact *branch_sync_fact(Forge__ForkSynced *take_fact)
{
	Forge__Fact *fact = g_new(Forge__Fact, 1);

	forge__fact__init(fact);
	fact->kind_case = FORGE__FACT__KIND_FORK_SYNCED;
	fact->fork_synced = take_fact;
	return fact;
}

static Forge__ForkSynced *fact_of(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation,
	Forge__BranchStatus status)
{
	Forge__ForkSynced *fact = new_fact(syncing, branch);

	fact->status = status;
	fact->ahead = (uint32_t)relation->ahead;
	fact->behind = (uint32_t)relation->behind;
	fact->counts_unknown = !relation->related;
	field_set_oid(&fact->merge_base, &relation->base);
	return fact;
}

static Forge__ForkSynced *failed(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation, const GError *error)
{
	Forge__ForkSynced *fact = fact_of(
		syncing, branch, relation, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED);

	fact->error = operation_error(error);
	return fact;
}

static Forge__ForkSynced *refused(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation, enum forge_error code,
	const char *message)
{
	g_autoptr(GError) error = g_error_new_literal(FORGE_ERROR, (gint)code, message);

	return failed(syncing, branch, relation, error);
}

/* The end of a branch whose CONFLICTS (of struct merge_conflict) a person must decide. */
static Forge__ForkSynced *conflicted(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation,
	const GPtrArray *conflicts, const GError *error)
{
	Forge__ForkSynced *fact = fact_of(
		syncing, branch, relation, FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT);
	guint named = MIN(conflicts->len, LIMIT_CONFLICT_PATHS);
	size_t bytes = 0;

	fact->error = operation_error(error);
	fact->conflict_count = conflicts->len;
	fact->conflicts = g_new(Forge__ConflictPath *, MAX(1, named));
	for (guint i = 0; i < named; i++) {
		const struct merge_conflict *conflict = conflicts->pdata[i];
		g_autofree char *valid = g_utf8_make_valid(conflict->path, -1);
		Forge__ConflictPath *path;

		/* A tree's paths may be of any length, a report may not. */
		bytes += strlen(valid);
		if (bytes > LIMIT_NOTED_BYTES)
			break;
		path = g_new(Forge__ConflictPath, 1);
		forge__conflict_path__init(path);
		message_set_string(&path->path, valid);
		message_set_string(&path->type, conflict->type);
		fact->conflicts[fact->n_conflicts++] = path;
	}
	return fact;
}

/* ---- updating ------------------------------------------------------------------------------ */

/* The server lacks what git does not push: an end of the branch, of which all else is known. */
gboolean branch_sync_lacks_content(const GError *failure)
{
	return g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_MISSING_LFS_OBJECTS) ||
		g_error_matches(failure, FORGE_ERROR, FORGE_ERROR_MISSING_SUBMODULE);
}

static Forge__ForkSynced *update_branch(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation,
	Forge__BranchStatus status, const git_oid *after, GError **error)
{
	scoped_value(branch_push) push = {.status = status, .after = *after};
	g_autoptr(GError) failure = NULL;
	Forge__ForkSynced *fact;
	gboolean may_push = content_check_branch(syncing->content,
		fork_repository_git(syncing->repository), &branch->fork_tip, after,
		syncing->operation->budget, &failure);

	if (!may_push && branch_sync_lacks_content(failure))
		return failed(syncing, branch, relation, failure);
	if (!may_push || (!syncing->dry_run && !branch_push(syncing, branch, &push, &failure))) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return NULL;
	}
	fact = fact_of(syncing, branch, relation, status);
	field_set_oid(&fact->after, after);
	if (push.backup)
		message_set_string(&fact->backup, push.backup);
	/* Only to make the next fetch small: what it says is on the server. */
	if (!syncing->dry_run &&
		!fork_repository_anchor(syncing->repository, branch->name, after, &failure))
		g_debug("no anchor for '%s': %s", branch->name, failure->message);
	return fact;
}

/* ---- merging ------------------------------------------------------------------------------ */

static gboolean commit_merge(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const git_oid *tree_id, git_oid *commit,
	GError **error)
{
	git_repository *git = fork_repository_git(syncing->repository);
	g_autofree char *message = g_strdup_printf(
		"Merge %s of %s\n", branch->name, syncing->upstream->shown);
	git_signature *who = identity_signature(
		syncing->operation->workshop->config, syncing->operation->job->opened_us, error);
	git_commit *ours = NULL, *theirs = NULL;
	git_tree *tree = NULL;
	gboolean made = FALSE;

	if (!who)
		return FALSE;
	if (git_commit_lookup(&ours, git, &branch->fork_tip) == 0 &&
		git_commit_lookup(&theirs, git, &branch->upstream_tip) == 0 &&
		git_tree_lookup(&tree, git, tree_id) == 0) {
		const git_commit *parents[] = {ours, theirs};

		made = git_commit_create(commit, git, NULL, who, who, NULL, message, tree,
			       G_N_ELEMENTS(parents), parents) == 0;
	}
	if (!made)
		fail_git(error, "cannot make the merge commit");
	git_tree_free(tree);
	git_commit_free(theirs);
	git_commit_free(ours);
	git_signature_free(who);
	return made;
}

static Forge__ForkSynced *merge_conflicted(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation,
	const struct tree_merge *merge)
{
	g_autoptr(GError) error = g_error_new(FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
		"merge conflict in %u path%s", merge->conflicts->len,
		merge->conflicts->len == 1 ? "" : "s");

	return conflicted(syncing, branch, relation, merge->conflicts, error);
}

static Forge__ForkSynced *merge_branch(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation, GError **error)
{
	scoped_value(tree_merge) merge = {0};
	git_oid commit;

	if (!tree_merge_commits(fork_repository_git(syncing->repository), &branch->fork_tip,
		    &branch->upstream_tip, &merge, error))
		return NULL;
	if (!merge.clean)
		return merge_conflicted(syncing, branch, relation, &merge);
	if (!commit_merge(syncing, branch, &merge.tree, &commit, error))
		return NULL;
	return update_branch(syncing, branch, relation, FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED,
		&commit, error);
}

/* ---- rebasing ----------------------------------------------------------------------------- */

static Forge__ForkSynced *rebase_conflicted(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation,
	const struct commit_replay *replay)
{
	g_autoptr(GError) error = NULL;
	Forge__ForkSynced *fact;
	char hex[GIT_OID_HEXSZ + 1];

	git_oid_tostr(hex, sizeof(hex), &replay->conflicting);
	error = g_error_new(FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
		"commit %.7s '%.100s', one of %u to replay, conflicts in %u path%s", hex,
		replay->subject, replay->planned, replay->conflicts->len,
		replay->conflicts->len == 1 ? "" : "s");
	fact = conflicted(syncing, branch, relation, replay->conflicts, error);
	message_set_string(&fact->conflict_commit, hex);
	return fact;
}

static Forge__ForkSynced *rebase_branch(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const struct relation *relation, GError **error)
{
	const struct operation *operation = syncing->operation;
	scoped_value(commit_replay) replay = {0};
	git_signature *who = identity_signature(
		operation->workshop->config, operation->job->opened_us, error);
	gboolean done = who &&
		commit_replay(fork_repository_git(syncing->repository), &branch->fork_tip,
			&branch->upstream_tip, who, operation->budget, &replay, error);

	git_signature_free(who);
	if (!done)
		return NULL;
	if (replay.conflicts)
		return rebase_conflicted(syncing, branch, relation, &replay);
	return update_branch(syncing, branch, relation, FORGE__BRANCH_STATUS__BRANCH_STATUS_REBASED,
		&replay.tip, error);
}

/* ---- a branch ----------------------------------------------------------------------------- */

Forge__ForkSynced *branch_sync_recognize(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const Forge__PushIntended *intended)
{
	struct planned_branch before = *branch;
	struct relation relation = {0};
	Forge__ForkSynced *fact;
	git_oid recorded;

	if (!intended || git_oid_fromstr(&recorded, intended->after) != 0 ||
		!git_oid_equal(&recorded, &branch->fork_tip))
		return NULL;
	memset(&before.fork_tip, 0, sizeof(before.fork_tip));
	if (syncing->repository && *intended->before &&
		git_oid_fromstr(&before.fork_tip, intended->before) == 0 &&
		fork_repository_has(syncing->repository, &before.fork_tip) &&
		!relate(fork_repository_git(syncing->repository), &before.fork_tip,
			&before.upstream_tip, &relation, NULL))
		relation.related = FALSE;
	fact = fact_of(syncing, &before, &relation, intended->status);
	message_set_string(&fact->before, intended->before);
	message_set_string(&fact->after, intended->after);
	message_set_string(&fact->backup, intended->backup);
	return fact;
}

Forge__ForkSynced *branch_sync(struct fork_syncing *syncing, const struct planned_branch *branch,
	const Forge__PushIntended *intended, GError **error)
{
	gboolean has_branch = !git_oid_is_zero(&branch->fork_tip);
	struct relation relation = {0};
	Forge__ForkSynced *recognized = branch_sync_recognize(syncing, branch, intended);

	if (recognized)
		return recognized;
	if (has_branch &&
		!relate(fork_repository_git(syncing->repository), &branch->fork_tip,
			&branch->upstream_tip, &relation, error))
		return NULL;
	switch (branch_action_for(
		syncing->strategy, has_branch, relation.related, relation.ahead, relation.behind)) {
	case BRANCH_NOTHING:
		return fact_of(
			syncing, branch, &relation, FORGE__BRANCH_STATUS__BRANCH_STATUS_UP_TO_DATE);
	case BRANCH_FAST_FORWARD:
		return update_branch(syncing, branch, &relation,
			FORGE__BRANCH_STATUS__BRANCH_STATUS_FAST_FORWARDED, &branch->upstream_tip,
			error);
	case BRANCH_MERGE:
		return merge_branch(syncing, branch, &relation, error);
	case BRANCH_REBASE:
		return rebase_branch(syncing, branch, &relation, error);
	case BRANCH_OVERWRITE:
		return update_branch(syncing, branch, &relation,
			FORGE__BRANCH_STATUS__BRANCH_STATUS_OVERWRITTEN, &branch->upstream_tip,
			error);
	case BRANCH_REFUSE_DIVERGED:
		return refused(syncing, branch, &relation, FORGE_ERROR_NOT_FAST_FORWARD,
			"the fork has commits of its own, so it cannot be fast-forwarded");
	case BRANCH_REFUSE_UNRELATED:
		return refused(syncing, branch, &relation, FORGE_ERROR_UNRELATED_HISTORIES,
			"the fork and its upstream have no commit in common");
	}
	g_assert_not_reached();
}
