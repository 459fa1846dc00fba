/*
 * The solver's provider for a workspace.
 *
 * A workspace has one component of a name, and it is called by that. Should two repositories claim a
 * name, the workspace's files have the first word and whoever is met first the second; the other is
 * called by its repository too, and each of the two needs the name for itself: that is a package of
 * its own kind with one candidate a repository, and so they cannot both be chosen.
 *
 * What a stranger's component.yaml names is no invitation to go anywhere: a repository counts if
 * the configuration's table has its host, if it is where the component itself comes from, or if the
 * workspace's own files name it.
 */
#include "worker/dependency/workspace_provider.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/hash.h"
#include "worker/component/component_name.h"
#include "worker/remote/remote.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/workspace_repository.h"

#define NAME_PREFIX "the name '"

struct workspace_provider {
	const struct source_terms *terms;
	const struct lock_file *locked;
	const struct lock_file *whole_lock; /* also what was given up */
	GHashTable *sources;                /* repository → struct source */
	GHashTable *packages;               /* key → struct package */
	GHashTable *bound; /* name → repository: as the workspace's files say, else as first met */
	GHashTable *claims; /* name → GPtrArray of repositories, sorted */
};

static void free_source(gpointer source)
{
	source_free(source);
}

static void free_package(gpointer package)
{
	package_free(package);
}

struct workspace_provider *workspace_provider_new(const struct source_terms *terms,
	const struct lock_file *locked, const struct lock_file *whole_lock)
{
	struct workspace_provider *provider = g_new0(struct workspace_provider, 1);

	provider->terms = terms;
	provider->locked = locked;
	provider->whole_lock = whole_lock;
	provider->sources = g_hash_table_new_full(
		hash_string_keyed, g_str_equal, NULL, free_source);
	provider->packages = g_hash_table_new_full(
		hash_string_keyed, g_str_equal, g_free, free_package);
	provider->bound = g_hash_table_new_full(hash_string_keyed, g_str_equal, g_free, g_free);
	provider->claims = g_hash_table_new_full(
		hash_string_keyed, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	return provider;
}

void workspace_provider_free(struct workspace_provider *provider)
{
	if (!provider)
		return;
	g_hash_table_unref(provider->packages);
	g_hash_table_unref(provider->sources);
	g_hash_table_unref(provider->bound);
	g_hash_table_unref(provider->claims);
	g_free(provider);
}

/* ---- packages ----------------------------------------------------------------------------- */

static struct source *source_of(struct workspace_provider *provider, const char *repository)
{
	struct source *source = g_hash_table_lookup(provider->sources, repository);

	if (source)
		return source;
	source = source_new(provider->terms, repository);
	g_hash_table_insert(provider->sources, source->repository, source);
	return source;
}

/* The base of the component in the workspace's repository, if that is what is locked. */
static git_oid installed_as(
	const struct workspace_provider *provider, const struct locked_component *locked)
{
	git_repository *forge = provider->terms->forge;
	scoped_value(upstream_link) link = {0};
	git_oid none = {{0}};
	git_oid base, commit;

	if (!locked ||
		!workspace_ref_get(forge, locked->component, COMPONENT_REF_BASE, &base, NULL) ||
		git_oid_is_zero(&base) || !component_history_link(forge, &base, &link, NULL) ||
		git_oid_fromstr(&commit, locked->commit) != 0)
		return none;
	return git_oid_equal(&commit, &link.commit) ? base : none;
}

static const char *claim_of(const char *key)
{
	return g_str_has_prefix(key, NAME_PREFIX) ? key + strlen(NAME_PREFIX) : NULL;
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void claim(struct workspace_provider *provider, const char *name, const char *repository)
{
	GPtrArray *claims = g_hash_table_lookup(provider->claims, name);

	if (!claims) {
		claims = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(provider->claims, g_strdup(name), claims);
	}
	g_ptr_array_add(claims, g_strdup(repository));
	g_ptr_array_sort(claims, compare_texts);
}

static char *key_of(
	const struct workspace_provider *provider, const char *name, const char *repository)
{
	const char *bound = g_hash_table_lookup(provider->bound, name);

	if (bound && strcmp(bound, repository) == 0)
		return g_strdup(name);
	return g_strconcat(repository, strstr(repository, ":") ? "#" : "/", name, NULL);
}

/* What LOCK has of NAME from REPOSITORY, or NULL. */
static const struct locked_component *line_of(
	const struct lock_file *lock, const char *name, const char *repository)
{
	const struct locked_component *line = lock_file_find(lock, name);

	return line && strcmp(line->repository, repository) == 0 ? line : NULL;
}

/* The package for NAME of REPOSITORY; its key is borrowed. *NEW tells whether it had none. */
static const char *package_key(struct workspace_provider *provider, const char *name,
	const char *repository, gboolean *new)
{
	g_autofree char *key = NULL;
	const struct locked_component *locked = line_of(provider->locked, name, repository);
	struct package *package;
	gpointer kept;
	git_oid installed;

	if (!g_hash_table_contains(provider->bound, name))
		g_hash_table_insert(provider->bound, g_strdup(name), g_strdup(repository));
	key = key_of(provider, name, repository);
	*new = !g_hash_table_lookup_extended(provider->packages, key, &kept, NULL);
	if (!*new)
		return kept;
	installed = installed_as(provider, locked);
	package = package_new(source_of(provider, repository), name, locked, &installed);
	package->witness = line_of(provider->whole_lock, name, repository);
	kept = g_steal_pointer(&key);
	g_hash_table_insert(provider->packages, kept, package);
	claim(provider, name, repository);
	return kept;
}

gboolean workspace_provider_bind(struct workspace_provider *provider, const char *name,
	const char *repository, const char **key, GError **error)
{
	const char *bound = g_hash_table_lookup(provider->bound, name);
	gboolean new;

	if (bound && strcmp(bound, repository) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_DEPENDENCY_CONFLICT,
			"'%s' is asked for from %s and from %s; a workspace has one component of a name",
			name, bound, repository);
		return FALSE;
	}
	*key = package_key(provider, name, repository, &new);
	return TRUE;
}

struct package *workspace_provider_package(
	const struct workspace_provider *provider, const char *key)
{
	return g_hash_table_lookup(provider->packages, key);
}

gboolean workspace_provider_hold(struct workspace_provider *provider, const char *key)
{
	struct package *package = workspace_provider_package(provider, key);
	const struct locked_component *locked = lock_file_find(provider->whole_lock, package->name);
	git_oid installed = installed_as(provider, locked);

	if (!locked || strcmp(locked->repository, package->source->repository) != 0)
		return FALSE;
	package_hold(package, locked, &installed);
	return TRUE;
}

void workspace_provider_want(
	struct workspace_provider *provider, const char *key, const char *constraint)
{
	struct package *package = workspace_provider_package(provider, key);

	source_want(package->source, constraint);
}

static gint compare_sources(gconstpointer a, gconstpointer b)
{
	const struct source *one = *(struct source *const *)a;
	const struct source *two = *(struct source *const *)b;

	return strcmp(one->repository, two->repository);
}

GPtrArray *workspace_provider_sources(const struct workspace_provider *provider)
{
	GPtrArray *sources = g_ptr_array_new();
	GHashTableIter iter;
	gpointer source;

	g_hash_table_iter_init(&iter, provider->sources);
	while (g_hash_table_iter_next(&iter, NULL, &source))
		g_ptr_array_add(sources, source);
	g_ptr_array_sort(sources, compare_sources);
	return sources;
}

gboolean workspace_provider_look(struct workspace_provider *provider, GError **error)
{
	g_autoptr(GPtrArray) sources = workspace_provider_sources(provider);

	return sources_look(sources, error);
}

/* ---- what the solver asks ----------------------------------------------------------------- */

static gboolean wanted(gpointer user_data, const char *const *packages, GError **error)
{
	(void)packages;
	return workspace_provider_look(user_data, error);
}

static gboolean name_candidates(
	struct workspace_provider *provider, const char *key, struct solver_answer *answer)
{
	g_autofree char *name = g_strndup(claim_of(key), strlen(claim_of(key)) - 1);
	const GPtrArray *claims = g_hash_table_lookup(provider->claims, name);

	for (guint i = 0; claims && i < claims->len; i++)
		solver_answer_candidate(answer, claims->pdata[i], SOLVER_CANDIDATE_NAMED);
	return TRUE;
}

static gboolean candidates(
	gpointer user_data, const char *key, struct solver_answer *answer, GError **error)
{
	struct workspace_provider *provider = user_data;
	struct package *package = workspace_provider_package(provider, key);

	if (!package)
		return name_candidates(provider, key, answer);
	if (!workspace_provider_look(provider, error) || !package_load(package, error))
		return FALSE;
	if (package->problem) {
		solver_answer_unusable(answer, package->problem->message);
		return TRUE;
	}
	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];
		enum solver_candidate_flags flags = SOLVER_CANDIDATE_PLAIN;

		if (candidate->locked)
			flags |= SOLVER_CANDIDATE_LOCKED;
		if (!candidate->version)
			flags |= SOLVER_CANDIDATE_NAMED;
		solver_answer_candidate(answer, candidate->text, flags);
	}
	return TRUE;
}

static gboolean name_allowed(struct workspace_provider *provider, const char *key,
	const char *repository, struct solver_answer *answer)
{
	g_autofree char *name = g_strndup(claim_of(key), strlen(claim_of(key)) - 1);
	const GPtrArray *claims = g_hash_table_lookup(provider->claims, name);

	for (guint i = 0; claims && i < claims->len; i++)
		if (strcmp(claims->pdata[i], repository) == 0)
			solver_answer_allow(answer, i);
	return TRUE;
}

static gboolean allowed(gpointer user_data, const char *key, const char *constraint,
	struct solver_answer *answer, GError **error)
{
	struct workspace_provider *provider = user_data;
	struct package *package = workspace_provider_package(provider, key);
	scoped_value(package_allowed) found = {0};

	if (!package)
		return name_allowed(provider, key, constraint, answer);
	if (!package_allow(package, constraint, &found, error))
		return FALSE;
	if (found.added) {
		solver_answer_changed(answer, key);
		return TRUE;
	}
	for (guint i = 0; i < found.candidates->len; i++)
		solver_answer_allow(answer, g_array_index(found.candidates, guint, i));
	if (found.reason)
		solver_answer_unusable(answer, found.reason);
	return TRUE;
}

/* The part of REPOSITORY that says whose server it is: `https://host/`, `git@host:`, `file:///`. */
static char *server_of(const char *repository)
{
	const char *scheme = strstr(repository, "://");
	const char *rest = scheme ? scheme + 3 : repository;
	size_t size = scheme ? strcspn(rest, "/") : strcspn(rest, ":/");

	return g_strndup(repository, (gsize)(rest - repository) + size);
}

static gboolean may_be_named(const struct workspace_provider *provider,
	const struct package *package, const char *name, const char *repository)
{
	const char *bound = g_hash_table_lookup(provider->bound, name);
	g_autofree char *here = server_of(package->source->repository);
	g_autofree char *there = server_of(repository);

	return (bound && strcmp(bound, repository) == 0) || strcmp(here, there) == 0 ||
		remote_is_of_table(provider->terms->config, repository);
}

static void need_name(const struct package *package, struct solver_answer *answer)
{
	g_autofree char *key = g_strconcat(NAME_PREFIX, package->name, "'", NULL);

	solver_answer_need(answer, key, package->source->repository);
}

/* Two repositories claim NAME from now on: whoever was asked before answers otherwise now. */
static void tell_claims(struct workspace_provider *provider, const char *name, const char *new_key,
	struct solver_answer *answer)
{
	const GPtrArray *claims = g_hash_table_lookup(provider->claims, name);

	for (guint i = 0; i < claims->len; i++) {
		g_autofree char *key = key_of(provider, name, claims->pdata[i]);

		if (strcmp(key, new_key) != 0)
			solver_answer_changed(answer, key);
	}
}

static gboolean add_need(struct workspace_provider *provider, const struct package *package,
	const struct component_dependency *dependency, struct solver_answer *answer)
{
	const char *repository = dependency->repository ? dependency->repository
							: package->source->repository;
	const char *constraint = dependency->constraint ? dependency->constraint : "";
	const char *key;
	gboolean new;

	if (!may_be_named(provider, package, dependency->component, repository)) {
		g_autofree char *reason = g_strdup_printf(
			"it needs '%s' from %s, which is on no known host and forge.yaml does not name",
			dependency->component, repository);

		solver_answer_unusable(answer, reason);
		return FALSE;
	}
	key = package_key(provider, dependency->component, repository, &new);
	workspace_provider_want(provider, key, constraint);
	if (new)
		tell_claims(provider, dependency->component, key, answer);
	solver_answer_need(answer, key, constraint);
	return TRUE;
}

static gboolean dependencies(gpointer user_data, const char *key, guint place,
	struct solver_answer *answer, GError **error)
{
	struct workspace_provider *provider = user_data;
	struct package *package = workspace_provider_package(provider, key);
	struct candidate *candidate;
	const GPtrArray *claims;

	if (!package)
		return TRUE;
	candidate = package->candidates->pdata[place];
	if (!package_look(package, candidate, error))
		return FALSE;
	if (candidate->problem) {
		solver_answer_unusable(answer, candidate->problem->message);
		return TRUE;
	}
	claims = g_hash_table_lookup(provider->claims, package->name);
	if (claims->len > 1)
		need_name(package, answer);
	for (guint i = 0; i < candidate->file->dependencies->len; i++)
		if (!add_need(provider, package, candidate->file->dependencies->pdata[i], answer))
			return TRUE;
	return TRUE;
}

static gboolean proceed(gpointer user_data, GError **error)
{
	return budget_check(((struct workspace_provider *)user_data)->terms->budget, error);
}

struct solver_provider workspace_provider_functions(struct workspace_provider *provider)
{
	return (struct solver_provider){.user_data = provider,
		.wanted = wanted,
		.candidates = candidates,
		.allowed = allowed,
		.dependencies = dependencies,
		.proceed = proceed};
}
