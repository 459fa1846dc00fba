/*
 * The job that replaces a component's files by other ones of its own: an edit, a revert, a stash
 * put aside or taken back, a checkpoint. The base stays as it is.
 *
 * The command looked at the files and says which tree they were (`from_tree`); whoever edited them
 * since is not overwritten. What goes is kept as a stash before anything changes. Commits are made
 * of the job's own facts, so that an attempt repeated after a crash makes the same ones, finds what
 * the earlier one did, and tells the same.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/message.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/component_job.h"
#include "worker/sync/local_snapshot.h"
#include "worker/sync/pending.h"
#include "worker/sync/three_way.h"
#include "worker/sync/workspace_change.h"
#include "worker/workspace/workspace_repository.h"

struct editing {
	struct component_job *job;
	const Forge__ComponentArguments *arguments;
	git_oid from;    /* the files before; zero: no folder */
	git_oid to;      /* the files after */
	git_oid head;    /* newest checkpoint, else the base */
	git_oid named;   /* the commit that the arguments name; zero: none */
	git_oid stash;   /* what is told of: made, taken back or dropped */
	gboolean repeat; /* an earlier attempt may have done some of it */
};

static gboolean read_id(const char *text, git_oid *oid, GError **error)
{
	memset(oid, 0, sizeof(*oid));
	if (!*text || (strlen(text) == GIT_OID_HEXSZ && git_oid_fromstr(oid, text) == 0))
		return TRUE;
	g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"the job's arguments hold something that is no object id");
	return FALSE;
}

static gboolean read_arguments(struct editing *editing, GError **error)
{
	const Forge__ComponentArguments *arguments = editing->arguments;

	return read_id(arguments->from_tree, &editing->from, error) &&
		read_id(arguments->to_tree, &editing->to, error) &&
		read_id(arguments->stash_commit, &editing->named, error);
}

/* ---- the files as they were seen ---------------------------------------------------------- */

static gboolean refuse_edited(const struct editing *editing, GError **error)
{
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_EDITED_MEANWHILE,
		"the files of '%s' were edited meanwhile; nothing was changed", editing->job->name);
	return FALSE;
}

/* TRUE if the files are as the command saw them, or as an earlier attempt left them. */
static gboolean are_as_seen(const struct editing *editing, GError **error)
{
	const git_oid *now = &editing->job->local_tree;

	return git_oid_equal(now, &editing->from) || git_oid_equal(now, &editing->to) ||
		refuse_edited(editing, error);
}

/* ---- commits ------------------------------------------------------------------------------ */

static gboolean make_commit(struct editing *editing, const git_oid *tree, const git_oid *parent,
	const char *usual, git_oid *commit, GError **error)
{
	const char *message = *editing->arguments->message ? editing->arguments->message : usual;

	return local_snapshot_write(editing->job, tree, parent, 1, message, commit, error);
}

/* The number of the stash OID; 0: there is none. */
static gboolean find_stash(
	const struct component_job *job, const git_oid *oid, uint32_t *number, GError **error)
{
	g_autoptr(GArray) stashes = workspace_stash_list(job->forge, job->name, error);

	*number = 0;
	for (guint i = 0; stashes && i < stashes->len; i++) {
		const struct workspace_stash *stash = &g_array_index(
			stashes, struct workspace_stash, i);

		if (git_oid_equal(&stash->oid, oid))
			*number = stash->number;
	}
	return stashes != NULL;
}

/* Keeps the commit STASH; an attempt after a crash finds it there. */
static gboolean add_stash(struct editing *editing, GError **error)
{
	struct component_job *job = editing->job;
	uint32_t number;

	if (!find_stash(job, &editing->stash, &number, error))
		return FALSE;
	return number > 0 ||
		workspace_stash_add(job->forge, job->name, &editing->stash, &number, error);
}

/* Keeps the files as they were, on top of the newest checkpoint, before LOCAL takes its place.
 * Files that are in that checkpoint, or that stay, need no other commit. */
static gboolean keep(
	struct editing *editing, const git_oid *local, const char *message, GError **error)
{
	struct component_job *job = editing->job;
	git_oid tree;

	if (!are_as_seen(editing, error))
		return FALSE;
	if (git_oid_is_zero(&editing->from))
		return TRUE;
	if (!component_history_tree(job->forge, &editing->head, &tree, error))
		return FALSE;
	if (git_oid_equal(&tree, &editing->from) || git_oid_equal(&editing->to, &editing->from)) {
		if (git_oid_equal(&editing->head, &job->base) ||
			git_oid_equal(&editing->head, local))
			return TRUE;
		editing->stash = editing->head;
	} else if (!make_commit(editing, &editing->from, &editing->head, message, &editing->stash,
			   error)) {
		return FALSE;
	}
	return add_stash(editing, error);
}

/* ---- files and refs ----------------------------------------------------------------------- */

/* Brings the files to their new tree and LOCAL to be the newest checkpoint. Files that are there
 * already stay, which is also how an edit that a person made is taken. */
static gboolean apply(struct editing *editing, const git_oid *local, GError **error)
{
	struct component_job *job = editing->job;
	scoped_value(workspace_change) change = {0};
	git_oid now = job->local_tree;

	if (!are_as_seen(editing, error))
		return FALSE;
	change.settlement = (struct settlement){.name = job->name,
		.folder = job->folder,
		.base = job->base,
		.local = *local,
		.to_pending = TRUE};
	return workspace_change_apply(
		&change, job, git_oid_is_zero(&now) ? NULL : &now, &editing->to, error);
}

/* ---- the actions -------------------------------------------------------------------------- */

static gboolean must_be_installed_tree(const struct editing *editing, GError **error)
{
	if (!git_oid_is_zero(&editing->to))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"the job does not say what the files of '%s' become", editing->job->name);
	return FALSE;
}

static gboolean edit(struct editing *editing, GError **error)
{
	return must_be_installed_tree(editing, error) &&
		apply(editing, &editing->job->local_commit, error);
}

/* The base, or a checkpoint since: LOCAL is then the newest one, zero for none. */
static gboolean find_target(const struct editing *editing, git_oid *local, GError **error)
{
	const struct component_job *job = editing->job;
	g_autoptr(GPtrArray) log = NULL;

	memset(local, 0, sizeof(*local));
	if (git_oid_equal(&editing->named, &job->base))
		return TRUE;
	if (!git_oid_is_zero(&job->local_commit))
		log = component_history_log(job->forge, &job->local_commit, &job->base, 0, error);
	for (guint i = 0; log && i < log->len; i++) {
		const struct history_entry *entry = log->pdata[i];

		if (!git_oid_equal(&entry->oid, &editing->named))
			continue;
		*local = entry->oid;
		return TRUE;
	}
	if (!error || !*error)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_CHECKPOINT_NOT_FOUND,
			"'%s' has no checkpoint %.10s", job->name,
			editing->arguments->stash_commit);
	return FALSE;
}

/* TRUE if an earlier attempt came to the end; the stash that it made is the newest. */
static gboolean reverted_already(struct editing *editing, const git_oid *local, GError **error)
{
	struct component_job *job = editing->job;
	g_autoptr(GArray) stashes = NULL;

	if (!editing->repeat || !git_oid_equal(&job->local_tree, &editing->to) ||
		!git_oid_equal(&job->local_commit, local))
		return FALSE;
	stashes = workspace_stash_list(job->forge, job->name, error);
	if (stashes && stashes->len > 0)
		editing->stash = g_array_index(stashes, struct workspace_stash, 0).oid;
	return stashes != NULL;
}

/* All of it goes back to a commit, or only some files do and checkpoints stay. */
static gboolean revert(struct editing *editing, GError **error)
{
	g_autoptr(GError) problem = NULL;
	git_oid local = editing->job->local_commit;

	if (!git_oid_is_zero(&editing->named)) {
		if (!find_target(editing, &local, error) ||
			!component_history_tree(
				editing->job->forge, &editing->named, &editing->to, error))
			return FALSE;
		if (reverted_already(editing, &local, &problem))
			return TRUE;
		if (problem) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return FALSE;
		}
	}
	return must_be_installed_tree(editing, error) &&
		keep(editing, &local, "Files before a revert", error) &&
		apply(editing, &local, error);
}

static gboolean stash(struct editing *editing, GError **error)
{
	return component_history_tree(editing->job->forge, &editing->head, &editing->to, error) &&
		keep(editing, &editing->job->local_commit, "Local changes", error) &&
		apply(editing, &editing->job->local_commit, error);
}

static gboolean delete_stash(struct editing *editing, GError **error)
{
	struct component_job *job = editing->job;
	g_autofree char *ref = NULL;
	uint32_t number;

	if (!find_stash(job, &editing->stash, &number, error))
		return FALSE;
	if (number == 0)
		return TRUE;
	ref = g_strdup_printf(COMPONENT_REF_STASH "%u", number);
	return workspace_ref_delete(job->forge, job->name, ref, &editing->stash, error);
}

/* Only an attempt that may have dropped it before may find it gone. */
static gboolean must_be_stash(struct editing *editing, GError **error)
{
	uint32_t number;

	editing->stash = editing->named;
	if (!find_stash(editing->job, &editing->stash, &number, error))
		return FALSE;
	if (number > 0 || (editing->repeat && !git_oid_is_zero(&editing->stash)))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_STASH_NOT_FOUND,
		"'%s' does not have that stash any more", editing->job->name);
	return FALSE;
}

static gboolean drop(struct editing *editing, GError **error)
{
	editing->to = editing->from;
	return must_be_stash(editing, error) && delete_stash(editing, error);
}

static gboolean refuse_conflict(
	const struct editing *editing, const struct three_way *merge, GError **error)
{
	const struct component_conflict *first = merge->conflicts->pdata[0];
	guint more = merge->conflicts->len - 1;
	g_autofree char *others = more > 0 ? g_strdup_printf(" and %u more", more) : NULL;

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT,
		"the stash conflicts with the files of '%s' in %s%s%s%s%s; nothing was changed, "
		"the stash is kept",
		editing->job->name, first->path, first->place ? " (" : "",
		first->place ? first->place : "", first->place ? ")" : "", others ? others : "");
	return FALSE;
}

/* What the stash changed, since it parted from the files' own history, on top of the files. */
static gboolean merge_stash(struct editing *editing, GError **error)
{
	struct component_job *job = editing->job;
	scoped_value(three_way) merge = {0};
	git_oid files, head_tree;

	if (!component_history_tree(job->forge, &editing->head, &head_tree, error))
		return FALSE;
	files = editing->head;
	if (!git_oid_equal(&head_tree, &editing->from) &&
		!make_commit(editing, &editing->from, &editing->head, "Files before a stash",
			&files, error))
		return FALSE;
	if (!three_way_merge(job, &files, &editing->stash, VERSION_RULE_CONFLICT, &merge, error))
		return FALSE;
	if (merge.conflicts->len > 0)
		return refuse_conflict(editing, &merge, error);
	editing->to = merge.tree;
	return TRUE;
}

static gboolean pop(struct editing *editing, GError **error)
{
	if (git_oid_is_zero(&editing->from)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_FILE_NOT_FOUND,
			"'%s' has no folder: `forge dev revert %s` brings it back",
			editing->job->name, editing->job->name);
		return FALSE;
	}
	return must_be_stash(editing, error) && merge_stash(editing, error) &&
		apply(editing, &editing->job->local_commit, error) && delete_stash(editing, error);
}

/* TRUE if an earlier attempt made the newest checkpoint. */
static gboolean checkpointed_already(struct editing *editing, gboolean *already, GError **error)
{
	const struct component_job *job = editing->job;
	git_commit *commit = NULL;
	git_oid made, parent;
	gboolean ok;

	*already = FALSE;
	if (!editing->repeat || git_oid_is_zero(&job->local_commit))
		return TRUE;
	if (git_commit_lookup(&commit, job->forge, &job->local_commit) != 0 ||
		git_commit_parentcount(commit) == 0) {
		git_commit_free(commit);
		return TRUE;
	}
	parent = *git_commit_parent_id(commit, 0);
	git_commit_free(commit);
	ok = make_commit(editing, &editing->from, &parent, "Checkpoint", &made, error);
	*already = ok && git_oid_equal(&made, &job->local_commit);
	return ok;
}

static gboolean checkpoint(struct editing *editing, GError **error)
{
	struct component_job *job = editing->job;
	gboolean already;

	editing->to = editing->from;
	if (!checkpointed_already(editing, &already, error))
		return FALSE;
	if (already) {
		editing->stash = job->local_commit;
		return TRUE;
	}
	if (!git_oid_equal(&job->local_tree, &editing->from) || git_oid_is_zero(&editing->from))
		return refuse_edited(editing, error);
	if (!make_commit(editing, &editing->from, &editing->head, "Checkpoint", &editing->stash,
		    error) ||
		!workspace_ref_set(job->forge, job->name, COMPONENT_REF_LOCAL, &job->local_commit,
			&editing->stash, error))
		return FALSE;
	job->local_commit = editing->stash;
	return TRUE;
}

static gboolean act(struct editing *editing, GError **error)
{
	switch (editing->arguments->action) {
	case FORGE__EDIT_ACTION__EDIT_ACTION_EDIT:
		return edit(editing, error);
	case FORGE__EDIT_ACTION__EDIT_ACTION_STASH_DROP:
		return drop(editing, error);
	case FORGE__EDIT_ACTION__EDIT_ACTION_REVERT:
		return pending_refuse_any(editing->job, error) && revert(editing, error);
	case FORGE__EDIT_ACTION__EDIT_ACTION_STASH:
		return pending_refuse_any(editing->job, error) && stash(editing, error);
	case FORGE__EDIT_ACTION__EDIT_ACTION_STASH_POP:
		return pending_refuse_any(editing->job, error) && pop(editing, error);
	case FORGE__EDIT_ACTION__EDIT_ACTION_CHECKPOINT:
		return pending_refuse_any(editing->job, error) && checkpoint(editing, error);
	case FORGE__EDIT_ACTION__EDIT_ACTION_UNSET:
	case _FORGE__EDIT_ACTION_IS_INT_SIZE:
		break;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_UNSUPPORTED,
		"this worker (%s) does not know edits of kind %d", FORGE_VERSION,
		editing->arguments->action);
	return FALSE;
}

/* ---- the job ------------------------------------------------------------------------------ */

static void note_edited(const struct editing *editing)
{
	Forge__ComponentEdited *edited = g_new(Forge__ComponentEdited, 1);
	Forge__Fact *fact = component_fact_new(FORGE__FACT__KIND_COMPONENT_EDITED);

	forge__component_edited__init(edited);
	message_set_string(&edited->name, editing->job->name);
	edited->action = editing->arguments->action;
	component_fact_set_oid(&edited->before, &editing->from);
	component_fact_set_oid(&edited->after, &editing->to);
	component_fact_set_oid(&edited->stash, &editing->stash);
	message_set_string(&edited->note, editing->arguments->note);
	fact->component_edited = edited;
	operation_note(editing->job->operation, fact);
}

Forge__JobEnd *op_component_edit(struct operation *operation)
{
	static const Forge__ComponentArguments none = FORGE__COMPONENT_ARGUMENTS__INIT;
	const Forge__BatchArguments *arguments = operation->job->arguments;
	scoped_value(component_job) job = {0};
	struct editing editing = {.job = &job, .repeat = operation->job->attempt > 1};
	g_autoptr(GError) error = NULL;

	editing.arguments = arguments && arguments->component ? arguments->component : &none;
	if (!component_job_open(&job, operation, FALSE, &error) ||
		!component_job_look(&job, &error) || !read_arguments(&editing, &error))
		return operation_failed(error);
	editing.head = git_oid_is_zero(&job.local_commit) ? job.base : job.local_commit;
	if (!act(&editing, &error))
		return operation_failed(error);
	note_edited(&editing);
	if (!component_job_note_observed(&job, NULL, &error))
		return operation_failed(error);
	return operation_ended(FORGE__VERDICT__VERDICT_DONE);
}
