/*
 * The job that puts a component into the workspace, or another version of it in its place.
 *
 * Without a reference, forge.lock decides where it has a line: a clone of a workspace gets the very
 * commits it was made of. Files that are there already are never written over: they must be what is
 * installed, or, where forge.lock knows the component, they are its local changes.
 */
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "journal/message.h"
#include "worker/sync/component_facts.h"
#include "worker/sync/component_job.h"
#include "worker/sync/pending.h"
#include "worker/sync/settle.h"
#include "worker/sync/workspace_change.h"
#include "worker/workspace/workspace_documents.h"
#include "worker/workspace/workspace_repository.h"

/* What git names a folder without files. */
#define EMPTY_TREE "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

struct installing {
	struct component_job *job;
	struct wanted_component wanted;         /* what is asked of upstream; texts borrowed */
	const struct wanted_component *written; /* for forge.yaml; NULL: stays as it is */
	const struct locked_component *locked;  /* the line of forge.lock that decides; or NULL */
	const Forge__WantedComponent *resolved; /* names the very commit; or NULL */
	struct wanted_component stands_for;     /* what RESOLVED was resolved from */
	char *at_commit;
};

static const Forge__WantedComponent *asked_for(const struct component_job *job)
{
	const Forge__BatchArguments *arguments = job->operation->job->arguments;

	for (size_t i = 0; arguments && arguments->component && i < arguments->component->n_wanted;
		i++)
		if (strcmp(arguments->component->wanted[i]->name, job->name) == 0)
			return arguments->component->wanted[i];
	return NULL;
}

/* The names that were asked for after the job's. */
static const char **asked_later(const struct component_job *job)
{
	const Forge__BatchArguments *arguments = job->operation->job->arguments;
	const Forge__ComponentArguments *component = arguments ? arguments->component : NULL;
	GPtrArray *names = g_ptr_array_new();
	gboolean later = FALSE;

	for (size_t i = 0; component && i < component->n_wanted; i++) {
		char *name = component->wanted[i]->name;

		if (later)
			g_ptr_array_add(names, name);
		later = later || strcmp(name, job->name) == 0;
	}
	g_ptr_array_add(names, NULL);
	return (const char **)g_ptr_array_free(names, FALSE);
}

static char *or_null(char *text)
{
	return *text ? text : NULL;
}

/* A resolution has settled which commit; forge.yaml says what it was asked for. */
static void take_resolved(struct installing *installing, const Forge__WantedComponent *asked)
{
	struct component_job *job = installing->job;
	const struct wanted_component *listed = wanted_file_find(job->wanted, job->name);
	const struct locked_component *locked = lock_file_find(job->locked, job->name);
	struct wanted_component *wanted = &installing->stands_for;

	wanted->component = (char *)job->name;
	wanted->repository = asked->repository;
	wanted->constraint = or_null(asked->constraint);
	wanted->path = *asked->folder ? asked->folder : listed ? listed->path : NULL;
	installing->resolved = asked;
	if (locked && strcmp(locked->commit, asked->commit) == 0 &&
		strcmp(locked->repository, asked->repository) == 0)
		installing->locked = locked;
	installing->at_commit = g_strconcat("@", asked->commit, NULL);
	installing->wanted = *wanted;
	installing->wanted.constraint = installing->at_commit;
	if (!asked->keeps_wanted)
		installing->written = wanted;
}

static gboolean decide_what(struct installing *installing, GError **error)
{
	struct component_job *job = installing->job;
	const Forge__WantedComponent *asked = asked_for(job);
	const struct wanted_component *listed = wanted_file_find(job->wanted, job->name);

	if (asked && *asked->commit) {
		take_resolved(installing, asked);
		return TRUE;
	}
	if (asked && *asked->repository) {
		installing->wanted.component = (char *)job->name;
		installing->wanted.repository = asked->repository;
		installing->wanted.constraint = or_null(asked->constraint);
		/* Where it is, it stays, unless the request says otherwise. */
		installing->wanted.path = *asked->folder ? asked->folder
			: listed                         ? listed->path
							 : NULL;
		installing->written = &installing->wanted;
		return TRUE;
	}
	if (!listed) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"forge.yaml does not list '%s'; say where it is from: "
			"REPOSITORY/%s",
			job->name, job->name);
		return FALSE;
	}
	installing->wanted = *listed;
	installing->locked = lock_file_find(job->locked, job->name);
	if (!installing->locked)
		return TRUE;
	installing->at_commit = g_strconcat("@", installing->locked->commit, NULL);
	installing->wanted.constraint = installing->at_commit;
	return TRUE;
}

/* A folder without files is like none: nobody's changes are in it. */
static gboolean has_no_files(const struct component_job *job)
{
	git_oid empty;

	git_oid_fromstr(&empty, EMPTY_TREE);
	return git_oid_is_zero(&job->local_tree) || git_oid_equal(&job->local_tree, &empty);
}

static gboolean is_locked_as(const struct installing *installing, const git_oid *tree)
{
	char hex[GIT_OID_HEXSZ + 1];

	return !installing->locked ||
		strcmp(git_oid_tostr(hex, sizeof(hex), tree), installing->locked->tree) == 0;
}

/* The version that was resolved is the one that is there, whatever else is to be written. */
static gboolean is_at_resolved(const struct installing *installing)
{
	const struct component_job *job = installing->job;
	char hex[GIT_OID_HEXSZ + 1];

	return installing->resolved && job->installed &&
		strcmp(job->link.repository, installing->resolved->repository) == 0 &&
		strcmp(git_oid_tostr(hex, sizeof(hex), &job->link.commit),
			installing->resolved->commit) == 0;
}

static gboolean refuse_local_changes(struct installing *installing, GError **error)
{
	const struct component_job *job = installing->job;

	if (!component_job_is_modified(job) || has_no_files(job) || is_at_resolved(installing) ||
		(installing->locked && is_locked_as(installing, &job->local_tree)))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_LOCAL_CHANGES,
		"'%s' has local changes; `forge dev stash %s` puts them aside, `forge dev stash pop %s` "
		"brings them back afterwards",
		job->name, job->name, job->name);
	return FALSE;
}

/* What may stand in the folder before: nothing, the component, or the version that is replaced,
 * which nobody changed. */
static gboolean check_folder(
	struct installing *installing, const git_oid *tree, const git_oid **from, GError **error)
{
	struct component_job *job = installing->job;

	if (!job->installed) {
		git_oid_cpy(&job->base_tree, tree);
		if (!component_job_look(job, error))
			return FALSE;
	}
	*from = git_oid_is_zero(&job->local_tree) ? NULL : &job->local_tree;
	if (has_no_files(job) || git_oid_equal(&job->local_tree, tree) || installing->locked ||
		job->installed)
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
		"the folder %s is there already, with other files", job->folder);
	return FALSE;
}

static void note_installed(
	struct component_job *job, Forge__Component *take_component, const git_oid *before)
{
	Forge__ComponentInstalled *installed = g_new(Forge__ComponentInstalled, 1);
	Forge__Fact *fact = component_fact_new(FORGE__FACT__KIND_COMPONENT_INSTALLED);
	char hex[GIT_OID_HEXSZ + 1];

	forge__component_installed__init(installed);
	installed->component = take_component;
	if (!git_oid_is_zero(before))
		message_set_string(&installed->before, git_oid_tostr(hex, sizeof(hex), before));
	fact->component_installed = installed;
	operation_note(job->operation, fact);
}

/* Whether forge.yaml may say where the component is: it has a line, or gets one, that says nothing
 * of it. */
static gboolean may_write_path(const struct installing *installing)
{
	const struct component_job *job = installing->job;

	return !installing->wanted.path &&
		(installing->written ||
			(installing->resolved && wanted_file_find(job->wanted, job->name)));
}

/*
 * A change is one of one folder: where the component is, it stays, though its folder upstream has
 * another name. A person's forge.yaml that says otherwise is not obeyed behind their back.
 */
static gboolean choose_folder(struct installing *installing, GError **error)
{
	struct component_job *job = installing->job;
	g_autofree char *before = job->folder;

	job->folder = workspace_folder_of(job->name, installing->wanted.path, job->upstream_path);
	if (!job->installed || strcmp(before, job->folder) == 0)
		return TRUE;
	if (may_write_path(installing)) {
		g_free(job->folder);
		job->folder = g_steal_pointer(&before);
		installing->wanted.path = job->folder;
		installing->stands_for.path = job->folder;
		if (installing->resolved)
			installing->written = &installing->stands_for;
		return TRUE;
	}
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_ALREADY_EXISTS,
		"'%s' is in %s and would be in %s; `forge remove %s` first", job->name, before,
		job->folder, job->name);
	return FALSE;
}

/* Marks what only others need, before it is there; and takes the mark from what somebody asks for. */
static gboolean mark_needed(
	const struct installing *installing, const git_oid *base, GError **error)
{
	const struct component_job *job = installing->job;
	gboolean only_needed = installing->resolved && !installing->written &&
		!wanted_file_find(job->wanted, job->name);

	return only_needed
		? workspace_ref_set(job->forge, job->name, COMPONENT_REF_NEEDED, NULL, base, error)
		: workspace_ref_delete(job->forge, job->name, COMPONENT_REF_NEEDED, NULL, error);
}

static gboolean put_in_place(struct installing *installing, GError **error)
{
	struct component_job *job = installing->job;
	scoped_value(workspace_change) change = {0};
	g_autofree const char **later = asked_later(job);
	git_oid before = job->base;
	git_oid base, tree;
	const git_oid *from = NULL, *to;

	if (!component_job_import(job, &base, error) ||
		!component_history_tree(job->forge, &base, &tree, error) ||
		!choose_folder(installing, error) || !check_folder(installing, &tree, &from, error))
		return FALSE;
	/* What somebody did to the files before this clone had its own folder is theirs; so is what
	 * they did to a version that stays. */
	to = !has_no_files(job) && (!job->installed || git_oid_equal(&base, &job->base)) ? from
											 : &tree;
	if (!workspace_change_to(&change, job, &base, error) ||
		!mark_needed(installing, &base, error))
		return FALSE;
	change.settlement.wanted = installing->written;
	change.settlement.wanted_later = later;
	if (!workspace_change_apply(&change, job, from, to, error))
		return FALSE;
	note_installed(job, g_steal_pointer(&change.component), &before);
	return component_job_note_observed(job, NULL, error);
}

/* forge.yaml says already what is to be written to it. */
static gboolean says_so_already(const struct installing *installing)
{
	const struct wanted_component *written = installing->written;
	const struct wanted_component *listed = wanted_file_find(
		installing->job->wanted, installing->job->name);

	return !written ||
		(installing->resolved && listed &&
			strcmp(listed->repository, written->repository) == 0 &&
			g_strcmp0(listed->constraint, written->constraint) == 0);
}

/* Nothing was asked that is not so already. The lock may say otherwise: somebody else moved it. */
static gboolean is_as_wanted(const struct installing *installing)
{
	const struct component_job *job = installing->job;

	if (installing->resolved && (!is_at_resolved(installing) || !installing->locked))
		return FALSE;
	return job->installed && says_so_already(installing) &&
		is_locked_as(installing, &job->base_tree);
}

/* A folder that somebody deleted as a whole, or emptied. */
static gboolean put_back(struct component_job *job, GError **error)
{
	scoped_value(workspace_change) change = {0};
	git_oid before = job->local_tree;

	return workspace_change_to(&change, job, &job->base, error) &&
		workspace_change_apply(&change, job, git_oid_is_zero(&before) ? NULL : &before,
			&job->base_tree, error);
}

static gboolean tell_as_it_is(struct component_job *job, GError **error)
{
	Forge__Component *component;

	if (!component_job_look(job, error) || (has_no_files(job) && !put_back(job, error)))
		return FALSE;
	component = component_job_component(job, &job->base, error);
	if (!component)
		return FALSE;
	note_installed(job, component, &job->base);
	return component_job_note_observed(job, NULL, error);
}

/* A commit cannot have another tree than it had: one of the two was tampered with. */
static gboolean check_locked_tree(const struct installing *installing, GError **error)
{
	const struct component_job *job = installing->job;
	char hex[GIT_OID_HEXSZ + 1];

	if (job->presence != FOLDER_PRESENT || is_locked_as(installing, &job->upstream_tree))
		return TRUE;
	git_oid_tostr(hex, sizeof(hex), &job->upstream_tree);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED,
		"forge.lock says that '%s' is the tree %.12s at commit %.12s, and upstream's is "
		"%.12s",
		job->name, installing->locked->tree, installing->locked->commit, hex);
	return FALSE;
}

static gboolean ask(struct installing *installing, GError **error)
{
	struct component_job *job = installing->job;
	const Forge__BatchArguments *arguments = job->operation->job->arguments;

	return installing->resolved
		? component_job_take(job, &installing->wanted, installing->resolved->commit,
			  arguments->component->offline, error)
		: component_job_ask(job, &installing->wanted, error);
}

static gboolean install(struct installing *installing, GError **error)
{
	struct component_job *job = installing->job;

	if (!decide_what(installing, error))
		return FALSE;
	if (is_as_wanted(installing))
		return tell_as_it_is(job, error);
	if (job->installed) {
		if (!pending_refuse_any(job, error) || !component_job_look(job, error) ||
			!refuse_local_changes(installing, error))
			return FALSE;
		job->replaces = TRUE;
	}
	if (!ask(installing, error) || !check_locked_tree(installing, error))
		return FALSE;
	if (job->pick.yanked)
		g_warning(
			"%s: version %s was yanked: its repository says that nobody should choose "
			"it any more",
			job->name, job->pick.version);
	/* The commit was asked for, and is what the version means. */
	if (installing->resolved) {
		g_free(job->pick.version);
		job->pick.version = g_strdup(or_null(installing->resolved->version));
		job->want = &installing->stands_for;
	} else if (installing->locked) {
		if (!job->pick.version)
			job->pick.version = g_strdup(installing->locked->version);
		job->want = wanted_file_find(job->wanted, job->name);
	}
	return put_in_place(installing, error);
}

Forge__JobEnd *op_component_install(struct operation *operation)
{
	scoped_value(component_job) job = {0};
	struct installing installing = {.job = &job};
	g_autoptr(GError) error = NULL;
	gboolean done = component_job_open(&job, operation, TRUE, &error) &&
		component_job_restore_lock(&job, &error) && install(&installing, &error);

	g_free(installing.at_commit);
	return done ? operation_ended(FORGE__VERDICT__VERDICT_DONE) : operation_failed(error);
}
