/*
 * What a job does, step by step, as law 4 demands: whatever an earlier attempt intended is settled
 * first. A branch at an intent's `after` was pushed, and is reported with the original `before`; a
 * branch at its `before` is pushed again to the same commit; anything else means that somebody
 * moved it.
 */
#include "tests/simulation/sim_job.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/message.h"
#include "tests/simulation/sim_git.h"

struct sim_job *sim_job_new(const Forge__GrantedJob *granted, uint64_t stamp)
{
	struct sim_job *job = g_new0(struct sim_job, 1);

	job->granted = message_copy(&granted->base);
	job->stamp = stamp;
	job->mine = g_ptr_array_new();
	return job;
}

static void free_intents(GPtrArray *intents)
{
	for (guint i = 0; i < intents->len; i++)
		forge__push_intended__free_unpacked(intents->pdata[i], NULL);
	g_ptr_array_free(intents, TRUE);
}

void sim_job_free(struct sim_job *job)
{
	forge__granted_job__free_unpacked(job->granted, NULL);
	free_intents(job->mine);
	g_free(job->before);
	g_free(job->after);
	g_free(job);
}

void sim_result_clear(struct sim_result *result)
{
	for (guint i = 0; result->facts && i < result->facts->len; i++)
		forge__fact__free_unpacked(result->facts->pdata[i], NULL);
	g_clear_pointer(&result->facts, g_ptr_array_unref);
	if (result->end)
		forge__job_end__free_unpacked(result->end, NULL);
}

const char *sim_job_branch(const struct sim_job *job)
{
	return job->granted->fork->branches[job->branch];
}

/* ---- reports ------------------------------------------------------------------------------ */

static Forge__Fact *fact_new(Forge__Fact__KindCase kind, gpointer payload)
{
	Forge__Fact *fact = g_new(Forge__Fact, 1);

	forge__fact__init(fact);
	fact->kind_case = kind;
	fact->push_intended = payload;
	return fact;
}

static Forge__Fact *synced(const struct sim_job *job, Forge__BranchStatus status,
	const char *before, const char *after)
{
	Forge__ForkSynced *fact = g_new(Forge__ForkSynced, 1);

	forge__fork_synced__init(fact);
	message_set_string(&fact->fork, job->granted->fork->name);
	message_set_string(&fact->branch, sim_job_branch(job));
	message_set_string(&fact->before, before);
	message_set_string(&fact->after, after);
	fact->status = status;
	return fact_new(FORGE__FACT__KIND_FORK_SYNCED, fact);
}

static void report(struct sim_result *result, Forge__Fact *take_fact)
{
	result->has_report = TRUE;
	g_ptr_array_add(result->facts, take_fact);
}

static void end(struct sim_job *job, struct sim_result *result, Forge__Verdict verdict)
{
	result->has_report = TRUE;
	result->end = g_new(Forge__JobEnd, 1);
	forge__job_end__init(result->end);
	result->end->verdict = verdict;
	job->step = SIM_STEP_ENDED;
}

static void fail(struct sim_job *job, struct sim_result *result, enum forge_error code)
{
	end(job, result, FORGE__VERDICT__VERDICT_DONE);
	result->end->error = g_new(Forge__Error, 1);
	forge__error__init(result->end->error);
	message_set_string(&result->end->error->code, forge_error_name(code));
	if (!job->granted->fork || job->branch >= job->granted->fork->n_branches)
		return;
	result->end->n_facts_if_final = 1;
	result->end->facts_if_final = g_new(Forge__Fact *, 1);
	result->end->facts_if_final[0] = synced(
		job, FORGE__BRANCH_STATUS__BRANCH_STATUS_FAILED, "", "");
}

/* ---- steps -------------------------------------------------------------------------------- */

static gboolean is_finished(const struct sim_job *job, const char *branch)
{
	for (size_t i = 0; i < job->granted->n_finished; i++)
		if (strcmp(job->granted->finished[i]->branch, branch) == 0)
			return TRUE;
	return FALSE;
}

/* The newest intent for the branch in work that NAMES (its before or after) at TIP. */
static const Forge__PushIntended *find_intent(
	const struct sim_job *job, const char *tip, gboolean by_after)
{
	g_autofree char *ref = g_strdup_printf("refs/heads/%s", sim_job_branch(job));
	size_t n_old = job->granted->n_intended;

	for (size_t i = n_old + job->mine->len; i-- > 0;) {
		const Forge__PushIntended *intent = i < n_old ? job->granted->intended[i]
							      : job->mine->pdata[i - n_old];

		if (strcmp(intent->ref, ref) == 0 &&
			strcmp(by_after ? intent->after : intent->before, tip) == 0)
			return intent;
	}
	return NULL;
}

static void intend(
	struct sim_job *job, struct sim_result *result, const char *before, const char *after)
{
	Forge__PushIntended *intent = g_new(Forge__PushIntended, 1);

	forge__push_intended__init(intent);
	intent->ref = g_strdup_printf("refs/heads/%s", sim_job_branch(job));
	message_set_string(&intent->fork, job->granted->fork->name);
	message_set_string(&intent->before, before);
	message_set_string(&intent->after, after);
	intent->status = FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED;
	g_ptr_array_add(job->mine, message_copy(&intent->base));
	report(result, fact_new(FORGE__FACT__KIND_PUSH_INTENDED, intent));
}

static void begin_push(struct sim_job *job, const char *before, const char *after)
{
	g_free(job->before);
	g_free(job->after);
	job->before = g_strdup(before);
	job->after = g_strdup(after);
	job->push_taken = FALSE;
	job->step = SIM_STEP_PUSH;
}

static void look(struct world *world, struct sim_job *job, struct sim_result *result)
{
	const char *fork = job->granted->fork->fork, *branch = sim_job_branch(job);
	const char *tip = sim_git_tip(world->git, fork, branch);
	const Forge__PushIntended *happened = find_intent(job, tip, TRUE);
	const Forge__PushIntended *open = find_intent(job, tip, FALSE);
	g_autofree char *after = NULL;

	job->step = SIM_STEP_NEXT;
	if (happened) {
		report(result, synced(job, happened->status, happened->before, happened->after));
	} else if (open) {
		begin_push(job, open->before, open->after);
	} else if (sim_git_is_level(world->git, fork, branch, tip)) {
		report(result,
			synced(job, FORGE__BRANCH_STATUS__BRANCH_STATUS_UP_TO_DATE, tip, tip));
	} else if (chance_happens(&world->chance, 80)) {
		job->conflict = TRUE;
		report(result, synced(job, FORGE__BRANCH_STATUS__BRANCH_STATUS_CONFLICT, tip, tip));
	} else {
		after = sim_git_merge(world->git, fork, branch, tip);
		begin_push(job, tip, after);
		intend(job, result, tip, after);
	}
}

/* The next branch that no attempt has ended, or the end. */
static void next(struct sim_job *job, struct sim_result *result)
{
	const Forge__Fork *fork = job->granted->fork;

	while (job->branch < fork->n_branches && is_finished(job, sim_job_branch(job)))
		job->branch++;
	if (job->branch < fork->n_branches)
		job->step = SIM_STEP_LOOK;
	else
		end(job, result,
			job->conflict ? FORGE__VERDICT__VERDICT_CONFLICT
				      : FORGE__VERDICT__VERDICT_DONE);
}

static gboolean go_wrong(struct world *world, struct sim_job *job, struct sim_result *result)
{
	if (job->revoked)
		fail(job, result, FORGE_ERROR_CANCELLED);
	else if (chance_happens(&world->chance, 60))
		fail(job, result, FORGE_ERROR_REPOSITORY_UNREACHABLE);
	else if (job->step == SIM_STEP_LOOK && chance_happens(&world->chance, 15))
		fail(job, result, FORGE_ERROR_PERMISSION_DENIED);
	else
		return FALSE;
	return TRUE;
}

void sim_job_step(struct world *world, struct sim_job *job, struct sim_result *result)
{
	*result = (struct sim_result){.facts = g_ptr_array_new()};
	if (go_wrong(world, job, result))
		return;
	if (!job->granted->fork) {
		end(job, result, FORGE__VERDICT__VERDICT_DONE);
		return;
	}
	switch (job->step) {
	case SIM_STEP_LOOK:
		look(world, job, result);
		return;
	case SIM_STEP_PUSH:
		result->push = TRUE;
		job->step = SIM_STEP_PUSHED;
		return;
	case SIM_STEP_PUSHED:
		if (job->push_taken) {
			job->step = SIM_STEP_NEXT;
			report(result,
				synced(job, FORGE__BRANCH_STATUS__BRANCH_STATUS_MERGED, job->before,
					job->after));
		} else {
			/* Refused, or no answer: looking tells which. */
			job->step = SIM_STEP_LOOK;
		}
		return;
	case SIM_STEP_NEXT:
		job->branch++;
		next(job, result);
		return;
	case SIM_STEP_UNSTARTED:
	case SIM_STEP_ENDED:
		g_assert_not_reached();
	}
}
