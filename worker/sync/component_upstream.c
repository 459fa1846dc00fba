/*
 * The question to upstream: which commit is wanted, whether it is another one than the base's, and
 * what it holds of the component.
 *
 * All components of one repository are answered by one request a batch, so the question's prefixes
 * come from all of forge.yaml and not from this job's component alone. Where nothing moved nothing
 * is fetched.
 */
#include "worker/sync/component_job.h"
#include <string.h>
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/component/component_catalog.h"
#include "worker/store/anchors.h"
#include "worker/workspace/tree_safety.h"
#include "worker/workspace/workspace_repository.h"

static void add_prefix(GPtrArray *prefixes, char *take_prefix)
{
	for (guint i = 0; i < prefixes->len; i++)
		if (strcmp(prefixes->pdata[i], take_prefix) == 0) {
			g_free(take_prefix);
			return;
		}
	g_ptr_array_add(prefixes, take_prefix);
}

/* The refs that must be known to tell what CONSTRAINT means. */
static void add_prefixes(GPtrArray *prefixes, const char *constraint_text)
{
	scoped(component_constraint) constraint = component_constraint_parse(constraint_text, NULL);

	add_prefix(prefixes, g_strdup("HEAD"));
	if (!constraint)
		return;
	switch (constraint->kind) {
	case CONSTRAINT_NONE:
		return;
	case CONSTRAINT_RANGE:
		/* No version may be meant but a tag or a branch: `2.x`. */
		add_prefix(prefixes, g_strdup("refs/tags/"));
		add_prefix(prefixes, g_strconcat("refs/heads/", constraint->text, NULL));
		return;
	case CONSTRAINT_LATEST:
		add_prefix(prefixes, g_strdup("refs/tags/"));
		return;
	case CONSTRAINT_COMMIT:
		add_prefix(prefixes, g_strdup("refs/tags/"));
		add_prefix(prefixes, g_strdup("refs/heads/"));
		return;
	case CONSTRAINT_NAME:
		if (g_str_has_prefix(constraint->text, "refs/"))
			add_prefix(prefixes, g_strdup(constraint->text));
		add_prefix(prefixes, g_strconcat("refs/tags/", constraint->text, NULL));
		add_prefix(prefixes, g_strconcat("refs/heads/", constraint->text, NULL));
		return;
	}
}

/* What all components of the repository need to know, so that one answer serves them all. */
static char **prefixes_for(const struct component_job *job, const struct wanted_component *mine)
{
	g_autoptr(GPtrArray) prefixes = g_ptr_array_new_with_free_func(g_free);

	add_prefixes(prefixes, mine->constraint);
	for (guint i = 0; i < job->wanted->components->len; i++) {
		const struct wanted_component *other = job->wanted->components->pdata[i];

		if (strcmp(other->repository, mine->repository) == 0)
			add_prefixes(prefixes, other->constraint);
	}
	g_ptr_array_add(prefixes, NULL);
	return (char **)g_ptr_array_steal(prefixes, NULL);
}

static gboolean list_refs(
	struct component_job *job, const struct wanted_component *wanted, GError **error)
{
	const struct operation *operation = job->operation;
	g_autofree char *round = g_strdup_printf(
		"%s/%u", operation->job->batch_name, operation->job->attempt);
	g_auto(GStrv) prefixes = prefixes_for(job, wanted);

	job->remote = remote_new(operation->workshop->config, wanted->repository, error);
	if (!job->remote)
		return FALSE;
	job->answer = upstream_refs_get(operation->workshop->upstream_refs, round, job->remote,
		(const char *const *)prefixes, operation->budget, error);
	return job->answer != NULL;
}

/* The answer in the form in which it is picked from; the texts stay the answer's. */
static GPtrArray *refs_of(const struct ref_listing *listing)
{
	GPtrArray *refs = g_ptr_array_new_full(listing->refs->len, g_free);

	for (guint i = 0; i < listing->refs->len; i++) {
		const struct advertised_ref *advertised = listing->refs->pdata[i];
		struct version_ref *ref = g_new0(struct version_ref, 1);

		ref->name = advertised->name;
		ref->oid = advertised->peeled;
		g_ptr_array_add(refs, ref);
	}
	return refs;
}

static gboolean fetch_tips(
	struct component_job *job, const struct fetch_ref *tips, size_t n_tips, GError **error)
{
	const struct operation *operation = job->operation;

	g_clear_pointer(&job->store, store_close);
	job->store = store_open(
		operation->workshop->stores, job->remote, tips, n_tips, operation->budget, error);
	return job->store != NULL;
}

/* The ref that has the wanted commit at its tip: the one that was picked, one that stands just
 * there, or else the default branch. */
static const struct advertised_ref *ref_to_fetch(const struct component_job *job, const char **name)
{
	const struct ref_listing *listing = job->answer->listing;
	const struct advertised_ref *head = ref_listing_find(listing, "HEAD");
	const struct advertised_ref *found;

	for (guint i = 0; !job->pick.ref && i < listing->refs->len; i++) {
		const struct advertised_ref *ref = listing->refs->pdata[i];

		*name = ref->name;
		if (strcmp(ref->name, "HEAD") != 0 &&
			git_oid_equal(&ref->peeled, &job->pick.commit))
			return ref;
	}
	*name = job->pick.ref                 ? job->pick.ref
		: head && head->symref_target ? head->symref_target
					      : "HEAD";
	found = ref_listing_find(listing, *name);
	/* The default branch may be known by HEAD alone. */
	return found ? found : head;
}

static gboolean fetch(struct component_job *job, GError **error)
{
	const char *name;
	const struct advertised_ref *advertised = ref_to_fetch(job, &name);
	g_autofree char *local_name = NULL;
	struct fetch_ref tip;

	if (job->store)
		return TRUE;
	if (!advertised) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_EMPTY_REPOSITORY, "%s has no branch",
			job->remote->shown);
		return FALSE;
	}
	local_name = anchor_name("tip", name);
	tip = (struct fetch_ref){name, advertised->oid, local_name};
	return fetch_tips(job, &tip, 1, error);
}

/* A commit by its id may be on any branch or tag. */
static gboolean fetch_everything(struct component_job *job, GError **error)
{
	const struct ref_listing *listing = job->answer->listing;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GArray) tips = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));

	for (guint i = 0; i < listing->refs->len && tips->len < LIMIT_REFS_FOR_A_COMMIT; i++) {
		const struct advertised_ref *ref = listing->refs->pdata[i];
		struct fetch_ref tip = {ref->name, ref->oid, NULL};

		if (!g_str_has_prefix(ref->name, "refs/"))
			continue;
		tip.local_name = anchor_name("tip", ref->name);
		g_ptr_array_add(names, (char *)tip.local_name);
		g_array_append_val(tips, tip);
	}
	return fetch_tips(job, (struct fetch_ref *)(void *)tips->data, tips->len, error);
}

static char *catalog_path(struct component_job *job, git_repository *upstream, GError **error)
{
	g_autoptr(GError) problem = NULL;
	scoped(component_catalog)
		catalog = component_catalog_new(upstream, &job->pick.commit, &problem);
	const struct catalog_entry *found = catalog
		? component_catalog_find(catalog, job->name, &problem)
		: NULL;

	if (found)
		return g_strdup(found->path);
	g_propagate_prefixed_error(error, g_steal_pointer(&problem), "%s: ", job->remote->shown);
	return NULL;
}

/* Where upstream has the component's name, now that its folder is gone. That is for a person to
 * judge: what cannot be listed is not there. */
static void look_elsewhere(struct component_job *job, git_repository *upstream)
{
	g_autofree char *path = catalog_path(job, upstream, NULL);

	if (path && strcmp(path, job->link.path) != 0)
		job->moved_to = g_strdup(*path ? path : ".");
}

/* Where the component is at upstream's commit. One that is installed is followed at its path only:
 * what has its name somewhere else may be anything. */
static gboolean find_in(struct component_job *job, git_repository *upstream, GError **error)
{
	gboolean followed = job->installed && !job->replaces;

	job->upstream_path = followed ? g_strdup(job->link.path)
				      : catalog_path(job, upstream, error);
	if (!job->upstream_path ||
		!upstream_history_tree_at(upstream, &job->pick.commit, job->upstream_path,
			&job->presence, &job->upstream_tree, error))
		return FALSE;
	if (followed && job->presence != FOLDER_PRESENT)
		look_elsewhere(job, upstream);
	return TRUE;
}

static gboolean count_commits(struct component_job *job, git_repository *upstream, GError **error)
{
	g_autoptr(GError) problem = NULL;
	git_odb *odb = NULL;
	gboolean there = git_repository_odb(&odb, upstream) == 0 &&
		git_odb_exists(odb, &job->link.commit);

	git_odb_free(odb);
	/* The old commit is not there any more after a rewrite that was fetched anew. */
	if (!there) {
		job->count.relation = HISTORY_REWRITTEN;
		job->count.exact = FALSE;
		return TRUE;
	}
	if (upstream_history_count(upstream, &job->link.commit, &job->pick.commit, job->link.path,
		    LIMIT_BEHIND_COUNT, &job->count, &problem))
		return TRUE;
	if (forge_error_code(problem) != FORGE_ERROR_TOO_LARGE) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	job->count = (struct history_count){.relation = HISTORY_FORWARD, .exact = FALSE};
	return TRUE;
}

uint64_t component_job_commit_time_us(git_repository *repository, const git_oid *oid)
{
	git_commit *commit = NULL;
	uint64_t time_us = 0;

	if (git_commit_lookup(&commit, repository, oid) == 0 && git_commit_time(commit) > 0)
		time_us = (uint64_t)git_commit_time(commit) * 1000000;
	git_commit_free(commit);
	return time_us;
}

/* A commit that was asked for by its digits is looked for in what was fetched. */
static gboolean find_commit(struct component_job *job, git_repository *upstream)
{
	size_t digits = strlen(job->pick.commit_prefix);
	git_commit *commit = NULL;
	git_oid prefix;

	if (git_oid_fromstrn(&prefix, job->pick.commit_prefix, digits) != 0 ||
		git_commit_lookup_prefix(&commit, upstream, &prefix, digits) != 0)
		return FALSE;
	git_oid_cpy(&job->pick.commit, git_commit_id(commit));
	git_commit_free(commit);
	return TRUE;
}

/* *UPSTREAM is opened anew where more had to be fetched. */
static gboolean resolve_commit(struct component_job *job, git_repository **upstream, GError **error)
{
	if (!job->pick.commit_prefix || find_commit(job, *upstream))
		return TRUE;
	g_clear_pointer(upstream, git_repository_free);
	if (!fetch_everything(job, error))
		return FALSE;
	*upstream = store_git(job->store, error);
	if (!*upstream)
		return FALSE;
	if (find_commit(job, *upstream))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"%s: no branch or tag holds a commit @%s", job->remote->shown,
		job->pick.commit_prefix);
	return FALSE;
}

/* Nothing moved; also where a commit is wanted by its digits and that is the one. */
static gboolean is_at_base(struct component_job *job)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (job->pick.commit_prefix &&
		g_str_has_prefix(git_oid_tostr(hex, sizeof(hex), &job->link.commit),
			job->pick.commit_prefix))
		job->pick.commit = job->link.commit;
	return git_oid_equal(&job->pick.commit, &job->link.commit);
}

/* The commit is in the store, or will be once its digits are looked for. */
static gboolean look_in_store(struct component_job *job, GError **error)
{
	git_repository *upstream = store_git(job->store, error);
	gboolean ok = upstream && resolve_commit(job, &upstream, error) &&
		find_in(job, upstream, error) &&
		(!job->installed || count_commits(job, upstream, error));

	if (ok)
		job->upstream_time_us = component_job_commit_time_us(upstream, &job->pick.commit);
	git_repository_free(upstream);
	return ok;
}

static gboolean look_upstream(struct component_job *job, GError **error)
{
	if (job->installed && !job->replaces && is_at_base(job)) {
		job->presence = FOLDER_PRESENT;
		job->upstream_tree = job->base_tree;
		job->upstream_path = g_strdup(job->link.path);
		job->count = (struct history_count){.relation = HISTORY_SAME, .exact = TRUE};
		job->upstream_time_us = component_job_commit_time_us(job->forge, &job->base);
		return TRUE;
	}
	return fetch(job, error) && look_in_store(job, error);
}

/* Only who wants a version asks which ones were taken back. Of one version it is told and no more, so
 * that one is to be had also where nobody can say. */
static gboolean read_yanked(
	struct component_job *job, const struct component_constraint *constraint, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if ((constraint->kind != CONSTRAINT_RANGE && constraint->kind != CONSTRAINT_LATEST) ||
		component_job_read_yanked(job, &problem))
		return TRUE;
	if (component_constraint_version(constraint)) {
		g_warning("%s: nobody can say whether its version was yanked: %s", job->name,
			problem->message);
		return TRUE;
	}
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

/* Who has a version that was taken back stays there until there is a higher one: nothing goes back by
 * itself. TRUE if it is picked. */
static gboolean keeps_yanked(struct component_job *job, const struct component_versions *versions,
	const GPtrArray *refs, const struct component_constraint *constraint)
{
	const struct locked_component *locked = lock_file_find(job->locked, job->name);
	scoped(component_constraint) same = NULL;
	scoped_value(component_pick) other = {0};
	scoped(semver) now = NULL;
	scoped(semver) then = NULL;

	if (!job->installed || job->replaces || !locked ||
		!component_job_is_yanked(job, locked->version))
		return FALSE;
	now = semver_parse(locked->version, SEMVER_STRICT);
	if (!now ||
		(constraint->kind == CONSTRAINT_RANGE && !semver_range_has(constraint->range, now)))
		return FALSE;
	if (component_versions_pick(versions, refs, job->name, NULL, constraint, &other, NULL) &&
		other.version)
		then = semver_parse(other.version, SEMVER_STRICT);
	if (then && semver_compare(then, now) >= 0)
		return FALSE;
	same = component_constraint_parse(locked->version, NULL);
	return same &&
		component_versions_pick(versions, refs, job->name, NULL, same, &job->pick, NULL);
}

static gboolean pick(struct component_job *job, const GPtrArray *refs,
	const struct wanted_component *wanted, GError **error)
{
	const struct advertised_ref *head = ref_listing_find(job->answer->listing, "HEAD");
	g_autofree char *usual = g_strconcat("components/tools/", job->name, NULL);
	scoped(component_constraint)
		constraint = component_constraint_parse(wanted->constraint, error);
	scoped(component_versions) versions = NULL;

	if (!constraint || !read_yanked(job, constraint, error))
		return FALSE;
	if (!head) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_EMPTY_REPOSITORY,
			"it has no default branch");
		return FALSE;
	}
	versions = component_versions_new(refs, job->name, job->installed ? job->link.path : usual,
		(const char *const *)job->yanked, error);
	return versions &&
		(keeps_yanked(job, versions, refs, constraint) ||
			component_versions_pick(versions, refs, job->name, head->symref_target,
				constraint, &job->pick, error));
}

gboolean component_job_ask(
	struct component_job *job, const struct wanted_component *wanted, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GPtrArray) refs = NULL;

	job->presence = FOLDER_ABSENT;
	job->want = wanted;
	job->repository = wanted->repository;
	if (!list_refs(job, wanted, error))
		return FALSE;
	refs = refs_of(job->answer->listing);
	if (!pick(job, refs, wanted, &problem)) {
		/* What was there once and is not any more is how the component stands. */
		if (job->installed && !job->replaces &&
			forge_error_code(problem) == FORGE_ERROR_COMPONENT_NOT_FOUND)
			return TRUE;
		g_propagate_prefixed_error(
			error, g_steal_pointer(&problem), "%s: ", wanted->repository);
		return FALSE;
	}
	return component_job_check_moved(job, error) && look_upstream(job, error);
}

gboolean component_job_take(struct component_job *job, const struct wanted_component *wanted,
	const char *commit_hex, gboolean offline, GError **error)
{
	git_oid commit;

	if (git_oid_fromstr(&commit, commit_hex) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
			"'%s' is no commit's id", commit_hex);
		return FALSE;
	}
	job->want = wanted;
	job->repository = wanted->repository;
	job->remote = remote_new(job->operation->workshop->config, wanted->repository, error);
	if (!job->remote || !fetch_tips(job, NULL, 0, error))
		return FALSE;
	if (store_has(job->store, &commit)) {
		job->pick.kind = PICK_COMMIT;
		job->pick.commit = commit;
		job->pick.pinned = TRUE;
		return look_in_store(job, error);
	}
	if (offline) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"commit %.12s of %s is not in the cache, and no server is asked",
			commit_hex, wanted->repository);
		return FALSE;
	}
	g_clear_pointer(&job->store, store_close);
	g_clear_pointer(&job->remote, remote_free);
	return component_job_ask(job, wanted, error);
}

/* ---- importing ---------------------------------------------------------------------------- */

/* The base that the new one goes on from: also that of a component which was removed before. */
static gboolean find_previous(const struct component_job *job, git_oid *previous, GError **error)
{
	if (!job->installed)
		return workspace_ref_get(
			job->forge, job->name, COMPONENT_REF_REMOVED, previous, error);
	git_oid_cpy(previous, &job->base);
	return TRUE;
}

gboolean component_job_import(struct component_job *job, git_oid *base, GError **error)
{
	struct tree_limits limits = component_job_limits(job);
	git_repository *upstream;
	git_oid previous;
	gboolean ok;

	if (job->presence != FOLDER_PRESENT) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"%s has no '%s' any more", job->remote->shown, job->name);
		return FALSE;
	}
	if (!job->store) {
		git_oid_cpy(base, &job->base);
		return TRUE;
	}
	upstream = store_git(job->store, error);
	if (!upstream)
		return FALSE;
	ok = tree_safety_check(upstream, &job->upstream_tree, &limits, error) &&
		find_previous(job, &previous, error) &&
		component_history_import(job->forge, upstream, &job->pick.commit,
			job->upstream_path, job->repository,
			git_oid_is_zero(&previous) ? NULL : &previous, base, error);
	git_repository_free(upstream);
	return ok;
}
