/*
 * Merges that wait: refs first, then the fact. A process killed in between leaves refs that the
 * next attempt of the same job finds and writes again.
 */
#include "worker/sync/pending.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/git/identity.h"
#include "worker/workspace/workspace_repository.h"

/* What the commit of the merged files says, so that a later attempt knows its own work. */
static char *message_for(const struct operation *operation)
{
	return g_strdup_printf(
		"What merged of a pull\n\nForge-Batch: %s\n", operation->job->batch_name);
}

/* TRUE if the merge that waits is what an earlier attempt of this very job left. */
static gboolean is_own(const struct component_job *job)
{
	g_autoptr(GError) ignored = NULL;
	g_autofree char *mine = message_for(job->operation);
	git_commit *commit = NULL;
	git_oid merged;
	gboolean own;

	own = job->operation->job->attempt > 1 &&
		workspace_ref_get(job->forge, job->name, PENDING_MERGED, &merged, &ignored) &&
		!git_oid_is_zero(&merged) && git_commit_lookup(&commit, job->forge, &merged) == 0 &&
		strcmp(git_commit_message(commit), mine) == 0;
	git_commit_free(commit);
	return own;
}

gboolean pending_refuse(const struct component_job *job, GError **error)
{
	git_oid upstream;

	if (!workspace_ref_get(job->forge, job->name, PENDING_UPSTREAM, &upstream, error))
		return FALSE;
	if (git_oid_is_zero(&upstream) || is_own(job))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
		"'%s' has a merge pending: `forge sync resolve %s` ends it", job->name, job->name);
	return FALSE;
}

static void set_oid(char **slot, const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (!git_oid_is_zero(oid))
		message_set_string(slot, git_oid_tostr(hex, sizeof(hex), oid));
}

static Forge__Conflict *message_of(const struct component_conflict *conflict)
{
	Forge__Conflict *message = g_new(Forge__Conflict, 1);

	forge__conflict__init(message);
	message_set_string(&message->path, conflict->path);
	message_set_string(&message->type, conflict->type);
	if (conflict->place)
		message_set_string(&message->place, conflict->place);
	set_oid(&message->base_id, &conflict->base);
	set_oid(&message->local_id, &conflict->local);
	set_oid(&message->upstream_id, &conflict->upstream);
	return message;
}

static void note_conflicted(struct component_job *job, struct pending_merge *pending)
{
	const struct three_way *merge = pending->merge;
	Forge__ComponentConflicted *fact = g_new(Forge__ComponentConflicted, 1);
	Forge__Fact *wrapped = g_new(Forge__Fact, 1);

	forge__component_conflicted__init(fact);
	fact->component = g_steal_pointer(&pending->component);
	set_oid(&fact->base_commit, &pending->base);
	set_oid(&fact->local_commit, &pending->local);
	set_oid(&fact->upstream_commit, &pending->upstream);
	set_oid(&fact->merged_tree, &merge->tree);
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
	forge__fact__init(wrapped);
	wrapped->kind_case = FORGE__FACT__KIND_COMPONENT_CONFLICTED;
	wrapped->component_conflicted = fact;
	operation_note(job->operation, wrapped);
}

static gboolean keep_merged(
	struct component_job *job, const struct pending_merge *pending, GError **error)
{
	const struct operation *operation = job->operation;
	git_oid parents[2] = {pending->local, pending->upstream};
	git_signature *who = identity_signature(
		operation->workshop->config, operation->job->opened_us, error);
	g_autofree char *message = message_for(operation);
	git_oid merged;
	gboolean made;

	if (!who)
		return FALSE;
	made = component_history_commit(
		job->forge, &pending->merge->tree, parents, 2, who, message, &merged, error);
	git_signature_free(who);
	return made &&
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
