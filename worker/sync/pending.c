/*
 * Merges that wait: refs first, then the fact. A process killed in between leaves refs that the
 * next attempt of the same job finds and writes again.
 */
#include "worker/sync/pending.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/git/git_library.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/local_snapshot.h"
#include "worker/workspace/workspace_repository.h"

/* ---- whose it is -------------------------------------------------------------------------- */

static char *job_line(const struct component_job *job)
{
	const Forge__GrantedJob *granted = job->operation->job;

	return g_strdup_printf(
		PENDING_JOB "%s/%u", granted->batch_name, granted->job ? granted->job->number : 0);
}

/* The commit of what merged is the job's own, by its last line and its date. */
static gboolean made_here(
	const struct component_job *job, const git_oid *merged, gboolean *is, GError **error)
{
	g_autofree char *line = job_line(job);
	git_commit *commit = NULL;
	const char *found;
	uint64_t time_s = job->operation->job->opened_us / G_USEC_PER_SEC;

	if (git_commit_lookup(&commit, job->forge, merged) != 0) {
		git_library_error(error, FORGE_ERROR_BROKEN_REPOSITORY,
			"the pending merge of '%s' cannot be read", job->name);
		return FALSE;
	}
	found = strstr(git_commit_message_raw(commit), "\n" PENDING_JOB);
	*is = found && strlen(found + 1) > strlen(line) && g_str_has_prefix(found + 1, line) &&
		found[1 + strlen(line)] == '\n' && (uint64_t)git_commit_time(commit) == time_s;
	git_commit_free(commit);
	return TRUE;
}

/* Decisions, once there are some, are not to be lost to another attempt. */
static gboolean is_own(const struct component_job *job, gboolean *own, GError **error)
{
	git_oid merged, resolved, markers;

	*own = FALSE;
	if (!workspace_ref_get(job->forge, job->name, PENDING_MERGED, &merged, error) ||
		!workspace_ref_get(job->forge, job->name, PENDING_RESOLVED, &resolved, error) ||
		!workspace_ref_get(job->forge, job->name, PENDING_MARKERS, &markers, error))
		return FALSE;
	if (git_oid_is_zero(&merged) || !git_oid_is_zero(&resolved) || !git_oid_is_zero(&markers))
		return TRUE;
	return made_here(job, &merged, own, error);
}

gboolean pending_refuse_any(const struct component_job *job, GError **error)
{
	git_oid upstream;

	if (!workspace_ref_get(job->forge, job->name, PENDING_UPSTREAM, &upstream, error))
		return FALSE;
	if (git_oid_is_zero(&upstream))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
		"'%s' has a merge pending: `forge sync resolve %s` ends it", job->name, job->name);
	return FALSE;
}

gboolean pending_refuse(const struct component_job *job, GError **error)
{
	gboolean own = FALSE;

	if (job->operation->job->attempt > 1 && !is_own(job, &own, error))
		return FALSE;
	return own || pending_refuse_any(job, error);
}

/* ---- keeping ------------------------------------------------------------------------------ */

static Forge__Conflict *message_of(const struct component_conflict *conflict)
{
	Forge__Conflict *message = g_new(Forge__Conflict, 1);

	forge__conflict__init(message);
	message_set_string(&message->path, conflict->path);
	message_set_string(&message->type, conflict->type);
	if (conflict->place) {
		g_autofree char *place = three_way_cut(conflict->place);

		message_set_string(&message->place, place);
	}
	message->rule = conflict->rule;
	component_fact_set_oid(&message->base_id, &conflict->base);
	component_fact_set_oid(&message->local_id, &conflict->local);
	component_fact_set_oid(&message->upstream_id, &conflict->upstream);
	return message;
}

/* What an entry has no room for is left out, what merged first: the count stays whole, and the
 * pending commits have all of it. */
static void fit(Forge__ComponentConflicted *fact)
{
	size_t size = protobuf_c_message_get_packed_size(&fact->base);

	while (size > LIMIT_PULL_FACT_BYTES && fact->n_merged > 0) {
		g_free(fact->merged[--fact->n_merged]);
		size = protobuf_c_message_get_packed_size(&fact->base);
	}
	while (size > LIMIT_PULL_FACT_BYTES && fact->n_conflicts > 0) {
		forge__conflict__free_unpacked(fact->conflicts[--fact->n_conflicts], NULL);
		size = protobuf_c_message_get_packed_size(&fact->base);
	}
}

static void note_conflicted(struct component_job *job, struct pending_merge *pending)
{
	const struct three_way *merge = pending->merge;
	Forge__ComponentConflicted *fact = g_new(Forge__ComponentConflicted, 1);
	Forge__Fact *wrapped = component_fact_new(FORGE__FACT__KIND_COMPONENT_CONFLICTED);

	forge__component_conflicted__init(fact);
	fact->component = g_steal_pointer(&pending->component);
	component_fact_set_oid(&fact->base_commit, &pending->base);
	component_fact_set_oid(&fact->local_commit, &pending->local);
	component_fact_set_oid(&fact->upstream_commit, &pending->upstream);
	component_fact_set_oid(&fact->merged_tree, &merge->tree);
	fact->strategy = pending->strategy;
	fact->conflict_count = merge->conflicts->len;
	fact->n_conflicts = MIN(merge->conflicts->len, LIMIT_CONFLICT_PATHS);
	fact->conflicts = g_new(Forge__Conflict *, fact->n_conflicts);
	for (size_t i = 0; i < fact->n_conflicts; i++)
		fact->conflicts[i] = message_of(merge->conflicts->pdata[i]);
	fact->n_merged = MIN(merge->merged->len, LIMIT_CONFLICT_PATHS);
	fact->merged = g_new(char *, fact->n_merged);
	for (size_t i = 0; i < fact->n_merged; i++)
		fact->merged[i] = g_strdup(merge->merged->pdata[i]);
	fit(fact);
	wrapped->component_conflicted = fact;
	operation_note(job->operation, wrapped);
}

static gboolean keep_merged(
	struct component_job *job, const struct pending_merge *pending, GError **error)
{
	git_oid parents[2] = {pending->local, pending->upstream};
	const char *version = pending->component->version;
	g_autofree char *line = job_line(job);
	g_autofree char *message = g_strconcat("What merged of a pull\n\n",
		*version ? PENDING_VERSION : "", version, *version ? "\n" : "", line, NULL);
	git_oid merged;

	return local_snapshot_write(
		       job, &pending->merge->tree, parents, 2, message, &merged, error) &&
		workspace_ref_set(job->forge, job->name, PENDING_MERGED, NULL, &merged, error);
}

gboolean pending_keep(struct component_job *job, struct pending_merge *pending, GError **error)
{
	gboolean kept = keep_merged(job, pending, error) &&
		workspace_ref_set(
			job->forge, job->name, PENDING_LOCAL, NULL, &pending->local, error) &&
		workspace_ref_set(
			job->forge, job->name, PENDING_UPSTREAM, NULL, &pending->upstream, error);

	if (kept)
		note_conflicted(job, pending);
	else
		forge__component__free_unpacked(pending->component, NULL);
	return kept;
}

gboolean pending_keep_decided(
	struct component_job *job, struct pending_merge *pending, GError **error)
{
	return pending_keep(job, pending, error) &&
		workspace_ref_delete(job->forge, job->name, PENDING_RESOLVED, NULL, error);
}
