/*
 * The job that brings one fork up to date with its upstream: ask both servers for their refs, fetch
 * what is needed (often nothing), and bring each branch to its end.
 *
 * Each branch ends with its own fact; a later attempt passes over those that have ended. A branch
 * that failed in a way that may pass does not hold up the others: its failure is the job's end, and
 * becomes its fact only if the job gets no further attempt. A fork's tags are one thing more of the
 * same kind, looked at last.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/store/anchors.h"
#include "worker/fork/branch_sync.h"
#include "worker/fork/tag_plan.h"
#include "worker/fork/tag_sync.h"
#include "worker/operation.h"

#define HEADS "refs/heads/"

/* Everything one run of the job has. */
struct run {
	struct fork_syncing syncing;
	char *const *patterns;
	size_t n_patterns;
	gboolean with_tags;
	GError *tags_barred; /* a branch's end that says these two have nothing to share */
	struct remote *upstream;
	struct remote *fork;
	struct upstream_answer *upstream_refs;
	struct ref_listing *fork_refs;
	struct branch_plan *plan;
	GPtrArray *work; /* of struct planned_branch, borrowed from the plan: not ended yet */
	struct store *store;
	struct fork_repository *repository;
	Forge__JobEnd *end;      /* grows as branches end */
	size_t noted_bytes;      /* of facts noted since the last full report, at most */
	size_t final_bytes;      /* of the facts that wait in the end for its being final */
	gboolean cache_is_whole; /* looked at, and it is */
	GError *cache_failure;   /* it is not: nothing of it can be used any more */
};

static void clear_run(struct run *run)
{
	g_clear_error(&run->cache_failure);
	g_clear_error(&run->tags_barred);
	g_clear_pointer(&run->repository, fork_repository_close);
	g_clear_pointer(&run->store, store_close);
	g_clear_pointer(&run->work, g_ptr_array_unref);
	branch_plan_free(run->plan);
	if (run->upstream_refs)
		upstream_answer_unref(run->upstream_refs);
	if (run->fork_refs)
		ref_listing_free(run->fork_refs);
	content_check_free(run->syncing.content);
	g_clear_pointer(&run->upstream, remote_free);
	g_clear_pointer(&run->fork, remote_free);
}

/* ---- ends of branches --------------------------------------------------------------------- */

/* A fork that is empty, or another project, is not filled with upstream's tags either. */
static void note_bar(struct run *run, const Forge__Error *error)
{
	enum forge_error code = error ? forge_error_from_name(error->code) : FORGE_ERROR_FAILED;

	if (!run->tags_barred &&
		(code == FORGE_ERROR_UNRELATED_HISTORIES || code == FORGE_ERROR_EMPTY_REPOSITORY))
		run->tags_barred = g_error_new_literal(FORGE_ERROR, (gint)code, error->message);
}

/* What the end of a branch, or of the tags, of this attempt or an earlier one, makes of the job's.
 */
static void note_end(
	struct run *run, const char *branch, Forge__BranchStatus status, const Forge__Error *error)
{
	note_bar(run, error);
	if (status == FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT)
		run->end->verdict = FORGE__VERDICT__VERDICT_CONFLICT;
	else if (status == FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED &&
		run->end->verdict == FORGE__VERDICT__VERDICT_DONE &&
		run->plan->branches->len == 1 && strcmp(branch, TAGS_BRANCH) != 0)
		run->end->verdict = FORGE__VERDICT__VERDICT_SKIPPED;
	if (status == FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED && error && !run->end->error)
		run->end->error = message_copy(&error->base);
}

static gboolean note_fact(struct run *run, Forge__ForkSynced *take_fact, GError **error)
{
	struct operation *operation = run->syncing.operation;

	run->noted_bytes += protobuf_c_message_get_packed_size(&take_fact->base);
	note_end(run, take_fact->branch, take_fact->status, take_fact->error);
	operation_note(operation, branch_sync_fact(take_fact));
	if (operation->noted->len < LIMIT_FACTS_PER_REPORT / 2 &&
		run->noted_bytes < LIMIT_NOTED_BYTES)
		return TRUE;
	run->noted_bytes = 0;
	return operation_report(operation, error);
}

/* An error of one branch: final if it is not of the class that passes, else kept for the job's end.
 */
static gboolean note_failure(
	struct run *run, const struct planned_branch *branch, const GError *failure, GError **error)
{
	enum forge_error code = forge_error_code(failure);
	Forge__ForkSynced *fact = branch_sync_ended(
		&run->syncing, branch, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED, failure);
	Forge__JobEnd *end = run->end;

	if (forge_error_class(code) != FORGE_ERROR_CLASS_RETRY)
		return note_fact(run, fact, error);
	/* The error that may pass decides what becomes of the job. */
	if (end->error)
		forge__error__free_unpacked(end->error, NULL);
	end->error = message_copy(&fact->error->base);
	/* One report must hold them all; of more branches than fit only the job's own failure
	 * tells. */
	run->final_bytes += protobuf_c_message_get_packed_size(&fact->base);
	if (end->n_facts_if_final >= LIMIT_FACTS_PER_REPORT ||
		run->final_bytes > LIMIT_NOTED_BYTES) {
		forge__fork_synced__free_unpacked(fact, NULL);
		return TRUE;
	}
	end->facts_if_final = g_renew(
		Forge__Fact *, end->facts_if_final, end->n_facts_if_final + 1);
	end->facts_if_final[end->n_facts_if_final++] = branch_sync_fact(fact);
	return TRUE;
}

/* Stops the whole job: nothing more can be recorded for it. */
static gboolean must_stop(const GError *failure)
{
	return forge_error_code(failure) == FORGE_ERROR_LEASE_LOST ||
		forge_error_code(failure) == FORGE_ERROR_INTERRUPTED;
}

/* ---- listing and planning ----------------------------------------------------------------- */

static gboolean list_upstream(struct run *run, const char *const *prefixes, GError **error)
{
	const struct operation *operation = run->syncing.operation;
	g_autofree char *round = g_strdup_printf(
		"%s/%u", operation->job->batch_name, operation->job->attempt);
	struct upstream_answer *answer = upstream_refs_get(operation->workshop->upstream_refs,
		round, run->upstream, prefixes, operation->budget, error);

	if (!answer)
		return FALSE;
	if (run->upstream_refs)
		upstream_answer_unref(run->upstream_refs);
	run->upstream_refs = answer;
	return TRUE;
}

static gboolean list_fork(struct run *run, const char *const *prefixes, GError **error)
{
	const struct operation *operation = run->syncing.operation;
	struct ref_listing *listing = transfer_list(
		operation->workshop->http, run->fork, prefixes, operation->budget, error);

	if (!listing)
		return FALSE;
	if (run->fork_refs)
		ref_listing_free(run->fork_refs);
	run->fork_refs = listing;
	return TRUE;
}

/* Name of the branch that INTENDED is a push of; NULL if it is of another ref. Borrowed. */
static const char *branch_of(const Forge__PushIntended *intended)
{
	return g_str_has_prefix(intended->ref, HEADS) ? intended->ref + strlen(HEADS) : NULL;
}

/* A push that an earlier attempt announced and that happened is told, whether or not its branch is
 * still meant. */
static void plan_pushed(struct run *run)
{
	const Forge__GrantedJob *job = run->syncing.operation->job;

	for (size_t i = 0; i < job->n_intended; i++) {
		const char *branch = branch_of(job->intended[i]);
		git_oid after;

		if (branch && git_oid_fromstr(&after, job->intended[i]->after) == 0)
			branch_plan_add_pushed(run->plan, run->fork_refs, branch, &after);
	}
}

static void plan(struct run *run, gboolean complete)
{
	branch_plan_free(run->plan);
	run->plan = branch_plan_new(run->upstream_refs->listing, run->fork_refs, run->patterns,
		run->n_patterns, run->syncing.strategy == FORGE__STRATEGY__STRATEGY_OVERWRITE,
		complete);
	plan_pushed(run);
}

/* What of the fork has to be listed: what the patterns mean, and what was announced. */
static char **fork_prefixes_of(const struct run *run)
{
	const Forge__GrantedJob *job = run->syncing.operation->job;
	const struct advertised_ref *head = ref_listing_find(run->upstream_refs->listing, "HEAD");
	g_auto(GStrv) patterns = branch_plan_prefixes(
		run->patterns, run->n_patterns, head ? head->symref_target : NULL);
	g_autoptr(GStrvBuilder) prefixes = g_strv_builder_new();

	g_strv_builder_addv(prefixes, (const char **)patterns);
	if (run->with_tags)
		g_strv_builder_add(prefixes, TAGS);
	for (size_t i = 0; i < job->n_intended; i++)
		if (branch_of(job->intended[i]))
			g_strv_builder_add(prefixes, job->intended[i]->ref);
	return g_strv_builder_end(prefixes);
}

/* The same of the upstream. */
static char **upstream_prefixes_of(const struct run *run)
{
	g_auto(GStrv) patterns = branch_plan_prefixes(run->patterns, run->n_patterns, NULL);
	g_autoptr(GStrvBuilder) prefixes = g_strv_builder_new();

	g_strv_builder_addv(prefixes, (const char **)patterns);
	if (run->with_tags)
		g_strv_builder_add(prefixes, TAGS);
	return g_strv_builder_end(prefixes);
}

static gboolean list_and_plan(struct run *run, GError **error)
{
	const char *const everything[] = {"HEAD", HEADS, run->with_tags ? TAGS : NULL, NULL};
	g_auto(GStrv) upstream_prefixes = upstream_prefixes_of(run);
	g_auto(GStrv) fork_prefixes = NULL;

	if (!list_upstream(run, (const char *const *)upstream_prefixes, error))
		return FALSE;
	fork_prefixes = fork_prefixes_of(run);
	if (!list_fork(run, (const char *const *)fork_prefixes, error))
		return FALSE;
	plan(run, FALSE);
	if (run->plan->wants_all_branches) {
		if (!list_upstream(run, everything, error) || !list_fork(run, everything, error))
			return FALSE;
		plan(run, TRUE);
	}
	if (run->plan->branches->len <= LIMIT_BRANCHES_PER_FORK)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE,
		"%u branches of upstream are meant; at most %d are synced for one fork",
		run->plan->branches->len, LIMIT_BRANCHES_PER_FORK);
	return FALSE;
}

static gboolean has_finished(const struct run *run, const char *branch)
{
	const Forge__GrantedJob *job = run->syncing.operation->job;

	for (size_t i = 0; i < job->n_finished; i++)
		if (strcmp(job->finished[i]->branch, branch) == 0)
			return TRUE;
	return FALSE;
}

static const Forge__PushIntended *intended_for(const struct run *run, const char *branch)
{
	const Forge__GrantedJob *job = run->syncing.operation->job;

	for (size_t i = job->n_intended; i > 0; i--) {
		if (g_strcmp0(branch_of(job->intended[i - 1]), branch) == 0)
			return job->intended[i - 1];
	}
	return NULL;
}

/* The end that the listings show; but a push that happened happened, whatever upstream did to the
 * branch since. */
static Forge__ForkSynced *end_planned(const struct run *run, const struct planned_branch *branch)
{
	Forge__ForkSynced *pushed = branch_sync_recognize(
		&run->syncing, branch, intended_for(run, branch->name));

	return pushed ? pushed
		      : branch_sync_ended(&run->syncing, branch, branch->status, branch->reason);
}

/* Ends what the listings alone can end; what needs objects is left in run->work. */
static gboolean end_what_is_clear(struct run *run, GError **error)
{
	const Forge__GrantedJob *job = run->syncing.operation->job;

	for (size_t i = 0; i < job->n_finished; i++)
		note_end(run, job->finished[i]->branch, job->finished[i]->status,
			job->finished[i]->error);
	for (guint i = 0; i < run->plan->branches->len; i++) {
		struct planned_branch *branch = run->plan->branches->pdata[i];
		gboolean noted = TRUE;

		if (has_finished(run, branch->name))
			continue;
		if (branch->status != FORGE__BRANCH_STATUS__BRANCH_STATUS_UNSET)
			noted = note_fact(run, end_planned(run, branch), error);
		else if (git_oid_equal(&branch->upstream_tip, &branch->fork_tip) &&
			!intended_for(run, branch->name))
			noted = note_fact(run, branch_sync_equal(&run->syncing, branch), error);
		else
			g_ptr_array_add(run->work, branch);
		if (!noted)
			return FALSE;
	}
	return TRUE;
}

/* ---- fetching ----------------------------------------------------------------------------- */

/* Names of refs for fetches, owned until the fetch is over. */
struct fetches {
	GArray *refs; /* of struct fetch_ref */
	GPtrArray *names;
};

static void add_fetch(struct fetches *fetches, const char *branch, const git_oid *oid)
{
	char *remote_name = g_strconcat(HEADS, branch, NULL);
	char *local_name = anchor_name("tip", remote_name);
	struct fetch_ref ref = {remote_name, *oid, local_name};

	g_ptr_array_add(fetches->names, remote_name);
	g_ptr_array_add(fetches->names, local_name);
	g_array_append_val(fetches->refs, ref);
}

static gboolean open_repositories(struct run *run, GError **error)
{
	const struct operation *operation = run->syncing.operation;
	g_autoptr(GArray) upstream_tips = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));
	g_autoptr(GArray) fork_tips = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct fetches from_upstream = {upstream_tips, names};
	struct fetches from_fork = {fork_tips, names};

	for (guint i = 0; i < run->work->len; i++) {
		const struct planned_branch *branch = run->work->pdata[i];

		add_fetch(&from_upstream, branch->name, &branch->upstream_tip);
	}
	run->store = store_open(operation->workshop->stores, run->upstream,
		(struct fetch_ref *)(void *)upstream_tips->data, upstream_tips->len,
		operation->budget, error);
	if (!run->store)
		return FALSE;
	run->repository = fork_repository_open(
		operation->workshop->stores, run->store, run->fork, operation->budget, error);
	if (!run->repository)
		return FALSE;
	run->syncing.repository = run->repository;
	for (guint i = 0; i < run->work->len; i++) {
		const struct planned_branch *branch = run->work->pdata[i];

		if (!git_oid_is_zero(&branch->fork_tip) &&
			!fork_repository_has(run->repository, &branch->fork_tip))
			add_fetch(&from_fork, branch->name, &branch->fork_tip);
	}
	return fork_tips->len == 0 ||
		fork_repository_fetch(run->repository, (struct fetch_ref *)(void *)fork_tips->data,
			fork_tips->len, operation->budget, error);
}

/* ---- the job ------------------------------------------------------------------------------ */

/* What cannot be read may be our own copy's fault. Then that is made anew when it is opened next,
 * and nobody's server is blamed for it. Looked for once: what is whole stays so. */
static void blame_the_cache(struct run *run, GError **failure)
{
	const struct operation *operation = run->syncing.operation;
	g_autofree char *words = NULL;

	if (!g_error_matches(*failure, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY) ||
		run->cache_is_whole)
		return;
	if (!fork_repository_is_damaged(run->repository, operation->budget)) {
		run->cache_is_whole = TRUE;
		return;
	}
	words = g_strdup((*failure)->message);
	g_clear_error(failure);
	g_set_error(failure, FORGE_ERROR, FORGE_ERROR_STORE_BUSY,
		"the cache was damaged and will be made anew: %s", words);
	run->cache_failure = g_error_copy(*failure);
}

static Forge__ForkSynced *sync_branch(
	struct run *run, const struct planned_branch *branch, GError **error)
{
	Forge__ForkSynced *fact;

	if (run->cache_failure) {
		g_propagate_error(error, g_error_copy(run->cache_failure));
		return NULL;
	}
	fact = branch_sync(&run->syncing, branch, intended_for(run, branch->name), error);
	if (!fact)
		blame_the_cache(run, error);
	return fact;
}

static gboolean sync_branches(struct run *run, GError **error)
{
	for (guint i = 0; i < run->work->len; i++) {
		const struct planned_branch *branch = run->work->pdata[i];
		g_autoptr(GError) failure = NULL;
		Forge__ForkSynced *fact = sync_branch(run, branch, &failure);

		if (failure && must_stop(failure)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return FALSE;
		}
		if (fact ? !note_fact(run, fact, error)
			 : !note_failure(run, branch, failure, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean open_and_sync(struct run *run, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (run->work->len == 0)
		return TRUE;
	if (open_repositories(run, &failure))
		return sync_branches(run, error);
	if (must_stop(failure)) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	for (guint i = 0; i < run->work->len; i++)
		if (!note_failure(run, run->work->pdata[i], failure, error))
			return FALSE;
	return TRUE;
}

/* The tags' end, once the branches have theirs. */
static Forge__ForkSynced *end_tags(struct run *run, GError **error)
{
	const struct planned_branch tags = {.name = (char *)TAGS_BRANCH};

	if (run->tags_barred)
		return branch_sync_ended(&run->syncing, &tags,
			FORGE__BRANCH_STATUS__BRANCH_STATUS_SKIPPED, run->tags_barred);
	return tag_sync(
		&run->syncing, run->upstream_refs->listing, run->fork_refs, run->plan, error);
}

static gboolean sync_tags(struct run *run, GError **error)
{
	const struct planned_branch tags = {.name = (char *)TAGS_BRANCH};
	g_autoptr(GError) failure = NULL;
	Forge__ForkSynced *fact;

	if (!run->with_tags || has_finished(run, TAGS_BRANCH))
		return TRUE;
	run->syncing.repository = NULL;
	g_clear_pointer(&run->repository, fork_repository_close);
	g_clear_pointer(&run->store, store_close);
	fact = end_tags(run, &failure);
	if (failure && must_stop(failure)) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	return fact ? note_fact(run, fact, error) : note_failure(run, &tags, failure, error);
}

static void prepare(struct run *run, struct operation *operation)
{
	const Forge__BatchArguments *arguments = operation->job->arguments;
	const Forge__Fork *spec = operation->job->fork;

	run->syncing.operation = operation;
	run->syncing.spec = spec;
	run->syncing.dry_run = arguments && arguments->dry_run;
	run->syncing.strategy = spec->strategy;
	if (arguments && arguments->strategy != FORGE__STRATEGY__STRATEGY_UNSET)
		run->syncing.strategy = arguments->strategy;
	if (run->syncing.strategy == FORGE__STRATEGY__STRATEGY_UNSET)
		run->syncing.strategy = FORGE__STRATEGY__STRATEGY_MERGE;
	run->patterns = spec->branches;
	run->n_patterns = spec->n_branches;
	if (arguments && arguments->n_branches > 0) {
		run->patterns = arguments->branches;
		run->n_patterns = arguments->n_branches;
	}
	/* Who names branches means those alone. */
	run->with_tags = spec->tags && !(arguments && arguments->n_branches > 0);
	run->work = g_ptr_array_new();
	run->end = operation_ended(FORGE__VERDICT__VERDICT_DONE);
}

static struct remote *find_remote(
	const struct workshop *workshop, const char *repository, GError **error)
{
	if (!workshop->table_only || remote_is_of_table(workshop->config, repository))
		return remote_new(workshop->config, repository, error);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
		"'%s': a daemon's worker goes only to HOST/OWNER/NAME of hosts in its configuration",
		repository);
	return NULL;
}

static gboolean find_remotes(struct run *run, GError **error)
{
	const struct workshop *workshop = run->syncing.operation->workshop;

	run->upstream = find_remote(workshop, run->syncing.spec->upstream, error);
	if (!run->upstream) {
		g_prefix_error(error, "upstream: ");
		return FALSE;
	}
	run->fork = find_remote(workshop, run->syncing.spec->fork, error);
	run->syncing.upstream = run->upstream;
	if (!run->fork)
		return FALSE;
	run->syncing.fork = run->fork;
	run->syncing.content = content_check_new(
		workshop->config, workshop->http, run->upstream, run->fork);
	return TRUE;
}

Forge__JobEnd *op_fork_sync(struct operation *operation)
{
	g_autoptr(GError) error = NULL;
	struct run run = {0};

	prepare(&run, operation);
	if (!find_remotes(&run, &error) || !list_and_plan(&run, &error) ||
		!end_what_is_clear(&run, &error) || !open_and_sync(&run, &error) ||
		!sync_tags(&run, &error)) {
		forge__job_end__free_unpacked(run.end, NULL);
		run.end = operation_failed(error);
	}
	clear_run(&run);
	return run.end;
}
