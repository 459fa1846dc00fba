/*
 * The job that brings the workspace's version of a component to a branch upstream, or of a fork.
 *
 * The push is one commit on top of a tip: that of the branch, if it is there already, else of the
 * branch that is tracked. Nothing is ever forced. Who loses a race begins again on the tip that
 * won. What is about to be pushed is recorded first, so an attempt that finds it on the server
 * knows that its predecessor's push happened, and says so whatever became of the files since.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/message.h"
#include "worker/git/identity.h"
#include "worker/store/anchors.h"
#include "worker/store/fork_repository.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/component_job.h"
#include "worker/sync/component_validity.h"
#include "worker/sync/pending.h"
#include "worker/sync/pushed_tree.h"
#include "worker/workspace/component_graft.h"
#include "worker/workspace/tree_safety.h"
#include "worker/workspace/workspace_repository.h"

#define HEADS "refs/heads/"

struct pushing {
	struct component_job *job;
	const Forge__ComponentArguments *arguments; /* may be NULL */
	const char *repository;                     /* where to, as it was named */
	struct remote *target;
	gboolean to_fork;    /* that is another repository than upstream's */
	gboolean names_it;   /* the branch is the person's, not the job's */
	char *ref;           /* of the branch, in full */
	char *usual;         /* how the refs of pushes without a named branch begin */
	git_oid tracked_tip; /* upstream's, of the branch that is tracked */
	struct store *store;
	struct fork_repository *fork;
	struct ref_listing *listing; /* of the target */
	struct earlier_push earlier;
	git_oid before; /* the branch's tip; zero: it is to be made */
	git_oid onto;
	git_oid commit; /* what is pushed */
};

static void pushing_clear(struct pushing *pushing)
{
	ref_listing_free(pushing->listing);
	g_clear_pointer(&pushing->fork, fork_repository_close);
	g_clear_pointer(&pushing->store, store_close);
	g_clear_pointer(&pushing->target, remote_free);
	g_free(pushing->ref);
	g_free(pushing->usual);
}
SCOPED_VALUE(pushing, pushing_clear)

static git_repository *target_git(const struct pushing *pushing)
{
	return fork_repository_git(pushing->fork);
}

static const char *branch_name(const struct pushing *pushing)
{
	return pushing->ref + strlen(HEADS);
}

/* ---- where to ----------------------------------------------------------------------------- */

static gboolean name_branch(struct pushing *pushing, GError **error)
{
	const Forge__GrantedJob *granted = pushing->job->operation->job;
	const char *named = pushing->arguments ? pushing->arguments->branch : "";
	int valid = 0;

	pushing->names_it = *named != '\0';
	pushing->usual = g_strdup_printf(HEADS "forge/%s-", pushing->job->name);
	pushing->ref = pushing->names_it ? g_strconcat(HEADS, named, NULL)
					 : g_strdup_printf("%s%s.%u", pushing->usual,
						   granted->batch_name, granted->job->number);
	if (git_branch_name_is_valid(&valid, branch_name(pushing)) == 0 && valid)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"'%.200s' cannot be the name of a branch", branch_name(pushing));
	return FALSE;
}

static gboolean find_target(struct pushing *pushing, GError **error)
{
	const struct component_job *job = pushing->job;
	const struct config *config = job->operation->workshop->config;
	const char *named = pushing->arguments ? pushing->arguments->repository : "";

	pushing->repository = *named ? named : job->repository;
	pushing->target = remote_new(config, pushing->repository, error);
	if (!pushing->target)
		return FALSE;
	pushing->to_fork = strcmp(pushing->target->url, job->remote->url) != 0;
	return TRUE;
}

/* The branch that the component follows, else the default one. */
static const struct advertised_ref *tracked_ref(const struct component_job *job)
{
	const struct advertised_ref *found = NULL;

	if (job->pick.kind == PICK_BRANCH && job->pick.ref)
		found = ref_listing_find(job->answer->listing, job->pick.ref);
	return found ? found : ref_listing_find(job->answer->listing, "HEAD");
}

/* The store with the tracked branch's tip, and over it what is the target's own. */
static gboolean open_repositories(struct pushing *pushing, GError **error)
{
	struct component_job *job = pushing->job;
	const struct operation *operation = job->operation;
	const struct advertised_ref *tracked = tracked_ref(job);
	g_autofree char *local_name = NULL;
	struct fetch_ref tip;

	if (!tracked) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_EMPTY_REPOSITORY, "%s has no branch",
			job->remote->shown);
		return FALSE;
	}
	tip.remote_name = tracked->symref_target ? tracked->symref_target : tracked->name;
	local_name = anchor_name("tip", tip.remote_name);
	tip.local_name = local_name;
	tip.oid = tracked->oid;
	pushing->tracked_tip = tracked->oid;
	g_clear_pointer(&job->store, store_close);
	pushing->store = store_open(
		operation->workshop->stores, job->remote, &tip, 1, operation->budget, error);
	if (!pushing->store)
		return FALSE;
	pushing->fork = fork_repository_open(operation->workshop->stores, pushing->store,
		pushing->target, operation->budget, error);
	return pushing->fork != NULL;
}

/* The target's refs that matter, as they are now. */
static gboolean list_target(struct pushing *pushing, GError **error)
{
	const struct operation *operation = pushing->job->operation;
	g_autoptr(GPtrArray) prefixes = g_ptr_array_new();

	g_ptr_array_add(prefixes, pushing->ref);
	g_ptr_array_add(prefixes, pushing->usual);
	for (size_t i = 0; i < operation->job->n_intended; i++)
		g_ptr_array_add(prefixes, operation->job->intended[i]->ref);
	g_ptr_array_add(prefixes, NULL);
	ref_listing_free(pushing->listing);
	pushing->listing = transfer_list(operation->workshop->http, pushing->target,
		(const char *const *)prefixes->pdata, operation->budget, error);
	return pushing->listing != NULL;
}

static gboolean fetch_tip(
	struct pushing *pushing, const struct advertised_ref *advertised, GError **error)
{
	g_autofree char *local_name = anchor_name("tip", advertised->name);
	struct fetch_ref tip = {advertised->name, advertised->oid, local_name};

	return fork_repository_has(pushing->fork, &advertised->oid) ||
		fork_repository_fetch(
			pushing->fork, &tip, 1, pushing->job->operation->budget, error);
}

/* ---- the end ------------------------------------------------------------------------------ */

static gboolean note_pushed(struct pushing *pushing, GError **error)
{
	const struct component_job *job = pushing->job;
	Forge__ComponentPushed *pushed;
	Forge__Fact *fact;
	enum folder_presence presence;
	git_oid tree;

	if (!upstream_history_tree_at(
		    target_git(pushing), &pushing->commit, job->link.path, &presence, &tree, error))
		return FALSE;
	pushed = g_new(Forge__ComponentPushed, 1);
	forge__component_pushed__init(pushed);
	message_set_string(&pushed->name, job->name);
	message_set_string(&pushed->repository, pushing->repository);
	message_set_string(&pushed->branch, branch_name(pushing));
	component_fact_set_oid(&pushed->commit, &pushing->commit);
	component_fact_set_oid(&pushed->tree, &tree);
	component_fact_set_oid(&pushed->onto, &pushing->onto);
	pushed->to_fork = pushing->to_fork;
	fact = component_fact_new(FORGE__FACT__KIND_COMPONENT_PUSHED);
	fact->component_pushed = pushed;
	operation_note(job->operation, fact);
	return TRUE;
}

/* A push that an earlier attempt made was made of the files as they are if it would come to the
 * same now; else nobody knows of which, and no merge may begin there. */
static gboolean remember_found(struct pushing *pushing, GError **error)
{
	struct component_job *job = pushing->job;
	git_repository *target = target_git(pushing);
	g_autoptr(GError) ignored = NULL;
	enum folder_presence presence;
	git_oid found, now;

	if (!upstream_history_tree_at(
		    target, &pushing->commit, job->link.path, &presence, &found, error) ||
		!earlier_push_read(job, &pushing->earlier, error))
		return FALSE;
	if (git_oid_is_zero(&job->local_tree) ||
		!pushed_tree(job, target, &pushing->onto, &pushing->earlier, &now, &ignored) ||
		!git_oid_equal(&now, &found))
		return earlier_push_forget(job, error);
	return earlier_push_write(job, target, &pushing->commit, &job->local_tree, error);
}

static gboolean remember(struct pushing *pushing, gboolean found, GError **error)
{
	return found ? remember_found(pushing, error)
		     : earlier_push_write(pushing->job, target_git(pushing), &pushing->commit,
			       &pushing->job->local_tree, error);
}

/* The push has happened, in an earlier attempt if it was FOUND; what is remembered of it here only
 * saves work later. */
static gboolean finish(struct pushing *pushing, gboolean found, GError **error)
{
	struct component_job *job = pushing->job;
	g_autoptr(GError) failure = NULL;

	if (!note_pushed(pushing, error))
		return FALSE;
	if (!fork_repository_anchor(
		    pushing->fork, branch_name(pushing), &pushing->commit, &failure) ||
		!remember(pushing, found, &failure))
		g_message("push=not_remembered component=%s reason=\"%s\"", job->name,
			failure->message);
	return component_job_note_observed(job, NULL, error);
}

/* ---- what an earlier attempt did ---------------------------------------------------------- */

/* Sets *HAPPENED to whether the branch that REF was to become is, or has in it, what it was to be.
 */
static gboolean look_for(struct pushing *pushing, const Forge__PushIntended *intended,
	gboolean *happened, GError **error)
{
	const struct advertised_ref *found = ref_listing_find(pushing->listing, intended->ref);
	git_commit *commit = NULL;
	git_oid after;

	*happened = FALSE;
	if (!found || !g_str_has_prefix(intended->ref, HEADS) ||
		git_oid_fromstr(&after, intended->after) != 0)
		return TRUE;
	if (!fetch_tip(pushing, found, error))
		return FALSE;
	if (git_commit_lookup(&commit, target_git(pushing), &after) != 0)
		return TRUE;
	*happened = git_oid_equal(&found->oid, &after) ||
		git_graph_descendant_of(target_git(pushing), &found->oid, &after) == 1;
	if (*happened && git_commit_parentcount(commit) > 0) {
		git_oid_cpy(&pushing->commit, &after);
		git_oid_cpy(&pushing->onto, git_commit_parent_id(commit, 0));
		g_free(pushing->ref);
		pushing->ref = g_strdup(intended->ref);
	}
	git_commit_free(commit);
	return TRUE;
}

static gboolean recognize(struct pushing *pushing, gboolean *happened, GError **error)
{
	const Forge__GrantedJob *granted = pushing->job->operation->job;

	*happened = FALSE;
	for (size_t i = granted->n_intended; i > 0 && !*happened; i--)
		if (!look_for(pushing, granted->intended[i - 1], happened, error))
			return FALSE;
	return TRUE;
}

/* ---- the commit --------------------------------------------------------------------------- */

static char *message_of(const struct pushing *pushing)
{
	const struct config *config = pushing->job->operation->workshop->config;
	g_autoptr(GString) message = NULL;

	if (pushing->arguments && *pushing->arguments->message)
		return g_strdup(pushing->arguments->message);
	message = g_string_new(config->sync_default_commit_message);
	g_string_replace(message, "{component}", pushing->job->name, 0);
	return g_strdup(message->str);
}

static gboolean make_commit(struct pushing *pushing, const git_oid *tree, GError **error)
{
	const struct component_job *job = pushing->job;
	const struct operation *operation = job->operation;
	struct tree_limits limits = component_job_limits(job);
	g_autofree char *message = message_of(pushing);
	git_signature *who = identity_signature(
		operation->workshop->config, operation->job->opened_us, error);
	gboolean made;

	if (!who)
		return FALSE;
	/* What nobody could install from there is not put there. */
	made = tree_safety_check(job->forge, tree, &limits, error) &&
		component_graft(target_git(pushing), job->forge, tree, &pushing->onto,
			job->link.path, who, message, &pushing->commit, error);
	git_signature_free(who);
	return made;
}

/* Pushed before, to a branch that forge named and that is still there: another one with the same in
 * it helps nobody. */
static gboolean is_pushed_already(const struct pushing *pushing, const git_oid *tree)
{
	if (pushing->names_it || !pushing->earlier.there ||
		!git_oid_equal(tree, &pushing->earlier.tree))
		return FALSE;
	for (guint i = 0; i < pushing->listing->refs->len; i++) {
		const struct advertised_ref *ref = pushing->listing->refs->pdata[i];

		if (g_str_has_prefix(ref->name, pushing->usual) &&
			git_oid_equal(&ref->oid, &pushing->earlier.commit))
			return TRUE;
	}
	return FALSE;
}

/* What is to be pushed onto what the listing shows; pushing->commit stays zero if that is nothing.
 */
static gboolean prepare(struct pushing *pushing, GError **error)
{
	const struct advertised_ref *found = ref_listing_find(pushing->listing, pushing->ref);
	git_oid tree;

	if (found && !fetch_tip(pushing, found, error))
		return FALSE;
	pushing->before = found ? found->oid : (git_oid){{0}};
	pushing->onto = found ? found->oid : pushing->tracked_tip;
	pushing->commit = (git_oid){{0}};
	return pushed_tree(pushing->job, target_git(pushing), &pushing->onto, &pushing->earlier,
		       &tree, error) &&
		(is_pushed_already(pushing, &tree) || make_commit(pushing, &tree, error));
}

/* ---- the push ----------------------------------------------------------------------------- */

static gboolean report_intent(struct pushing *pushing, GError **error)
{
	Forge__PushIntended *intended = g_new(Forge__PushIntended, 1);
	Forge__Fact *fact = component_fact_new(FORGE__FACT__KIND_PUSH_INTENDED);

	forge__push_intended__init(intended);
	message_set_string(&intended->fork, pushing->job->name);
	message_set_string(&intended->ref, pushing->ref);
	component_fact_set_oid(&intended->before, &pushing->before);
	component_fact_set_oid(&intended->after, &pushing->commit);
	fact->push_intended = intended;
	operation_note(pushing->job->operation, fact);
	return operation_report(pushing->job->operation, error);
}

/* Sets *MOVED if somebody else was there first. */
static gboolean send(struct pushing *pushing, gboolean *moved, GError **error)
{
	const struct operation *operation = pushing->job->operation;
	struct push_ref push = {
		.remote_name = pushing->ref, .before = pushing->before, .after = pushing->commit};
	g_autofree char *words = NULL;
	gboolean answered = transfer_push(operation->workshop->http, target_git(pushing),
		pushing->target, &push, 1, operation->budget, error);

	words = push.message;
	*moved = FALSE;
	if (!answered)
		return FALSE;
	switch (push.result) {
	case PUSH_DONE:
		return TRUE;
	case PUSH_MOVED:
		*moved = TRUE;
		return TRUE;
	case PUSH_REJECTED:
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_PUSH_REJECTED,
			"%s refused to update '%s': %s", pushing->target->shown,
			branch_name(pushing), words ? words : "no reason given");
		return FALSE;
	case PUSH_NOT_TRIED:
		break;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR,
		"%s did not say what became of '%s'", pushing->target->shown, branch_name(pushing));
	return FALSE;
}

static gboolean push_until_it_stays(struct pushing *pushing, GError **error)
{
	for (int tries = 0; tries < LIMIT_PUSH_RACES; tries++) {
		gboolean moved;

		if (tries > 0 && !list_target(pushing, error))
			return FALSE;
		if (!prepare(pushing, error))
			return FALSE;
		if (git_oid_is_zero(&pushing->commit))
			return component_job_note_observed(pushing->job, NULL, error);
		if (!report_intent(pushing, error) || !send(pushing, &moved, error))
			return FALSE;
		if (!moved)
			return finish(pushing, FALSE, error);
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED,
		"'%s' moved each of %d times that it was to be pushed", branch_name(pushing),
		LIMIT_PUSH_RACES);
	return FALSE;
}

/* ---- the job ------------------------------------------------------------------------------ */

/* What stands against a push of the files as they are. */
static gboolean check_files(const struct component_job *job, GError **error)
{
	g_autofree char *problem = NULL;

	if (!pending_refuse_any(job, error))
		return FALSE;
	if (git_oid_is_zero(&job->local_tree)) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%s' has no files in %s; a push does not delete a component", job->name,
			job->folder);
		return FALSE;
	}
	if (!component_validity_broken(
		    job->forge, &job->base_tree, 1, &job->local_tree, NULL, &problem, error))
		return FALSE;
	if (problem)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"%s; nothing was pushed", problem);
	return problem == NULL;
}

static gboolean has_changes(const struct component_job *job)
{
	return component_job_is_modified(job) || !git_oid_is_zero(&job->local_commit);
}

static gboolean ask(struct pushing *pushing, GError **error)
{
	struct component_job *job = pushing->job;

	return component_job_ask(job, component_job_wanted(job), error) &&
		find_target(pushing, error) && open_repositories(pushing, error) &&
		list_target(pushing, error);
}

static gboolean push(struct pushing *pushing, GError **error)
{
	struct component_job *job = pushing->job;
	gboolean begun = job->operation->job->n_intended > 0;
	gboolean happened = FALSE;

	if (!name_branch(pushing, error) || !component_job_look(job, error))
		return FALSE;
	/* After an announcement the server is asked first, whatever the files are by now. */
	if (begun && (!ask(pushing, error) || !recognize(pushing, &happened, error)))
		return FALSE;
	if (happened)
		return finish(pushing, TRUE, error);
	if (!check_files(job, error))
		return FALSE;
	if (!has_changes(job))
		return component_job_note_observed(job, NULL, error);
	return (begun || ask(pushing, error)) && earlier_push_read(job, &pushing->earlier, error) &&
		push_until_it_stays(pushing, error);
}

Forge__JobEnd *op_component_push(struct operation *operation)
{
	const Forge__BatchArguments *arguments = operation->job->arguments;
	scoped_value(component_job) job = {0};
	scoped_value(pushing) pushing = {.job = &job};
	g_autoptr(GError) error = NULL;

	if (arguments)
		pushing.arguments = arguments->component;
	if (!component_job_open(&job, operation, FALSE, &error) || !push(&pushing, &error))
		return operation_failed(error);
	return operation_ended(FORGE__VERDICT__VERDICT_DONE);
}
