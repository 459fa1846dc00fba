/*
 * The push of one branch: a backup of what would be lost, the announcement, the push itself.
 *
 * The order is what keeps the promises. The old tip is on the server under a name of its own before
 * the branch moves away from it; the push is recorded before it is made; it names the id that it
 * expects to replace. Old backups go last, when nothing depends on it any more, and each only from
 * where it was seen.
 */
#include "worker/fork/branch_push.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/fork/backup.h"

/* forge's own namespace and, where the server refuses that, branches. */
static const char *const places[] = {"refs/forge/backup", "refs/heads/forge-backup"};

void branch_push_clear(struct branch_push *push)
{
	g_clear_pointer(&push->backup, g_free);
}

static void free_message(struct push_ref *ref)
{
	g_clear_pointer(&ref->message, g_free);
}

/* ---- backups ------------------------------------------------------------------------------ */

static gboolean push_refs(
	const struct fork_syncing *syncing, struct push_ref *refs, size_t n_refs, GError **error)
{
	const struct operation *operation = syncing->operation;

	return transfer_push(operation->workshop->http, fork_repository_git(syncing->repository),
		syncing->fork, refs, n_refs, operation->budget, error);
}

/* Sets *HOLDS to whether REF of the fork's server is at TIP. */
static gboolean look_at_backup(const struct fork_syncing *syncing, const char *ref,
	const git_oid *tip, gboolean *holds, GError **error)
{
	const struct operation *operation = syncing->operation;
	const char *const prefixes[] = {ref, NULL};
	scoped(ref_listing) listing = transfer_list(
		operation->workshop->http, syncing->fork, prefixes, operation->budget, error);
	const struct advertised_ref *found = listing ? ref_listing_find(listing, ref) : NULL;

	*holds = found && git_oid_equal(&found->oid, tip);
	return listing != NULL;
}

/*
 * Keeps TIP under REF on the fork's server; *KEPT says whether it does, *MESSAGE what the server
 * said if it does not. A ref that is there already was put there by an earlier sync, or is not to
 * be trusted.
 */
static gboolean push_backup(const struct fork_syncing *syncing, const char *ref, const git_oid *tip,
	gboolean *kept, char **message, GError **error)
{
	struct push_ref push = {.remote_name = ref, .after = *tip};

	if (!push_refs(syncing, &push, 1, error))
		return FALSE;
	*message = push.message;
	*kept = push.result == PUSH_DONE;
	return push.result != PUSH_MOVED || look_at_backup(syncing, ref, tip, kept, error);
}

/* The ref that keeps the branch's old tip; NULL if the server takes none. */
static char *keep_old_tip(
	const struct fork_syncing *syncing, const struct planned_branch *branch, GError **error)
{
	g_autofree char *message = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *folder = backup_folder(places[i], branch->name);
		g_autofree char *ref = backup_name(
			folder, &branch->fork_tip, syncing->operation->job->opened_us);
		gboolean kept;

		g_clear_pointer(&message, g_free);
		if (!push_backup(syncing, ref, &branch->fork_tip, &kept, &message, error))
			return NULL;
		if (kept)
			return g_steal_pointer(&ref);
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PUSH_REJECTED,
		"the server refuses a backup of '%s', so it is left as it is: %s", branch->name,
		message ? message : "no reason given");
	return NULL;
}

/* Adds what is outdated under FOLDER to DELETIONS (of struct push_ref), names borrowed; never
 * CURRENT, which is about to be reported. */
static void add_outdated(const struct fork_syncing *syncing, const struct ref_listing *listing,
	const char *folder, const char *current, GArray *deletions)
{
	g_autoptr(GPtrArray)
		outdated = backup_outdated(listing, folder, syncing->operation->job->opened_us);

	for (guint i = 0; i < outdated->len && deletions->len < LIMIT_BACKUPS_DELETED; i++) {
		const struct advertised_ref *ref = outdated->pdata[i];
		struct push_ref deletion = {.remote_name = ref->name, .before = ref->oid};

		if (strcmp(ref->name, current) != 0)
			g_array_append_val(deletions, deletion);
	}
}

static void delete_backups(
	const struct fork_syncing *syncing, const char *branch, GArray *deletions)
{
	struct push_ref *refs = (struct push_ref *)(void *)deletions->data;
	g_autoptr(GError) failure = NULL;

	if (!push_refs(syncing, refs, deletions->len, &failure))
		g_message("backup=not_deleted branch=%s reason=\"%s\"", branch, failure->message);
	for (guint i = 0; i < deletions->len; i++) {
		if (refs[i].message)
			g_message("backup=not_deleted ref=%s reason=\"%s\"", refs[i].remote_name,
				refs[i].message);
		free_message(&refs[i]);
	}
}

/* Deletes what was kept long enough of the branch's backups. Room on the server is no reason to
 * fail: what stays is deleted another time. */
static void prune_backups(const struct fork_syncing *syncing, const struct planned_branch *branch,
	const char *current)
{
	const struct operation *operation = syncing->operation;
	g_autofree char *own = backup_folder(places[0], branch->name);
	g_autofree char *as_branches = backup_folder(places[1], branch->name);
	const char *const prefixes[] = {own, as_branches, NULL};
	g_autoptr(GArray) deletions = g_array_new(FALSE, FALSE, sizeof(struct push_ref));
	g_autoptr(GError) failure = NULL;
	scoped(ref_listing) listing = transfer_list(
		operation->workshop->http, syncing->fork, prefixes, operation->budget, &failure);

	if (!listing) {
		g_message("backup=not_listed branch=%s reason=\"%s\"", branch->name,
			failure->message);
		return;
	}
	add_outdated(syncing, listing, own, current, deletions);
	add_outdated(syncing, listing, as_branches, current, deletions);
	if (deletions->len > 0)
		delete_backups(syncing, branch->name, deletions);
}

/* ---- the push ----------------------------------------------------------------------------- */

static gboolean report_intent(const struct fork_syncing *syncing,
	const struct planned_branch *branch, const char *ref, const struct branch_push *update,
	GError **error)
{
	Forge__PushIntended *intended = g_new(Forge__PushIntended, 1);
	Forge__Fact *fact = g_new(Forge__Fact, 1);

	forge__push_intended__init(intended);
	message_set_string(&intended->fork, syncing->spec->name);
	message_set_string(&intended->ref, ref);
	field_set_oid(&intended->before, &branch->fork_tip);
	field_set_oid(&intended->after, &update->after);
	intended->status = update->status;
	if (update->backup)
		message_set_string(&intended->backup, update->backup);
	forge__fact__init(fact);
	fact->kind_case = FORGE__FACT__KIND_PUSH_INTENDED;
	fact->push_intended = intended;
	operation_note(syncing->operation, fact);
	return operation_report(syncing->operation, error);
}

/* What the server said to the update, as an error; TRUE if it took it. */
static gboolean check_push(
	const struct planned_branch *branch, const struct push_ref *push, GError **error)
{
	const char *words = push->message ? push->message : "no reason given";

	switch (push->result) {
	case PUSH_DONE:
		return TRUE;
	case PUSH_REJECTED:
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_PUSH_REJECTED,
			"the server refused to update '%s': %s", branch->name, words);
		return FALSE;
	case PUSH_MOVED:
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED,
			"'%s' moved on the fork meanwhile", branch->name);
		return FALSE;
	case PUSH_NOT_TRIED:
		break;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
		"the server did not say what became of '%s'", branch->name);
	return FALSE;
}

/* A push that is no fast-forward takes commits out of the branch. */
static gboolean needs_backup(const struct planned_branch *branch, const struct branch_push *update)
{
	return (update->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_OVERWRITTEN ||
		       update->status == FORGE__BRANCH_STATUS__BRANCH_STATUS_REBASED) &&
		!git_oid_is_zero(&branch->fork_tip);
}

gboolean branch_push(const struct fork_syncing *syncing, const struct planned_branch *branch,
	struct branch_push *update, GError **error)
{
	g_autofree char *ref = g_strconcat("refs/heads/", branch->name, NULL);
	struct push_ref push = {
		.remote_name = ref, .before = branch->fork_tip, .after = update->after};
	gboolean done;

	if (needs_backup(branch, update)) {
		update->backup = keep_old_tip(syncing, branch, error);
		if (!update->backup)
			return FALSE;
	}
	if (!report_intent(syncing, branch, ref, update, error))
		return FALSE;
	done = push_refs(syncing, &push, 1, error) && check_push(branch, &push, error);
	free_message(&push);
	if (done && update->backup)
		prune_backups(syncing, branch, update->backup);
	return done;
}
