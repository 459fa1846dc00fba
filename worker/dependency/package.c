/*
 * From a repository's refs and objects to what may be installed as one component.
 *
 * A version comes from a tag. Branches, other tags and commits become candidates once somebody
 * names them; what version they are, their component.yaml says, so that a range of somebody else
 * may be content with a branch. What forge.lock has is a candidate as long as it can be read
 * somewhere: the store, or the workspace itself, where it is installed; what cannot be read any more
 * is not exchanged for something else.
 */
#include "worker/dependency/package.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/component/component_catalog.h"
#include "worker/dependency/package_parts.h"
#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/upstream_history.h"

#define TAGS "refs/tags/"

static void candidate_free(gpointer data)
{
	struct candidate *candidate = data;

	g_free(candidate->text);
	g_free(candidate->ref);
	g_free(candidate->version);
	semver_free(candidate->order);
	g_free(candidate->path);
	component_file_free(candidate->file);
	g_clear_error(&candidate->problem);
	g_free(candidate);
}

struct package *package_new(struct source *source, const char *name,
	const struct locked_component *locked, const git_oid *installed)
{
	struct package *package = g_new0(struct package, 1);

	package->source = source;
	package->name = g_strdup(name);
	package->locked = locked;
	package->witness = locked;
	package->installed = *installed;
	package->candidates = g_ptr_array_new_with_free_func(candidate_free);
	return package;
}

void package_hold(
	struct package *package, const struct locked_component *locked, const git_oid *installed)
{
	package->locked = locked;
	package->installed = *installed;
	package->loaded = FALSE;
	g_ptr_array_set_size(package->candidates, 0);
	g_clear_error(&package->problem);
	g_clear_error(&package->manifest_problem);
}

void package_free(struct package *package)
{
	if (!package)
		return;
	g_ptr_array_unref(package->candidates);
	g_clear_error(&package->problem);
	g_clear_error(&package->manifest_problem);
	g_free(package->path);
	g_free(package->name);
	g_free(package);
}

/* Failures that are about what somebody published, not about the way there. */
static gboolean is_about_content(const GError *error)
{
	switch ((int)forge_error_code(error)) {
	case FORGE_ERROR_VALIDATION_FAILED:
	case FORGE_ERROR_COMPONENT_NOT_FOUND:
	case FORGE_ERROR_BRANCH_NOT_FOUND:
	case FORGE_ERROR_EMPTY_REPOSITORY:
	case FORGE_ERROR_TOO_LARGE:
	case FORGE_ERROR_UNSUPPORTED:
		return TRUE;
	default:
		return FALSE;
	}
}

/* ---- reading a candidate ------------------------------------------------------------------ */

static void take_file(
	struct package *package, struct candidate *candidate, git_repository *git, GError **error)
{
	candidate->file = component_catalog_read(git, &candidate->tree, candidate->path, error);
	if (candidate->file && strcmp(candidate->file->name, package->name) != 0) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"the component in '%s' is called '%s' there", candidate->path,
			candidate->file->name);
		g_clear_pointer(&candidate->file, component_file_free);
	}
}

/* Looks where it is on the default branch, which is where it nearly always is. */
static gboolean look_at_path(
	struct package *package, struct candidate *candidate, const char *path, GError **error)
{
	enum folder_presence presence;

	if (!path ||
		!upstream_history_tree_at(package->source->git, &candidate->commit, path, &presence,
			&candidate->tree, NULL) ||
		presence != FOLDER_PRESENT)
		return FALSE;
	candidate->path = g_strdup(path);
	take_file(package, candidate, package->source->git, error);
	if (candidate->file)
		return TRUE;
	g_clear_pointer(&candidate->path, g_free);
	return FALSE;
}

static void look_in_catalog(struct package *package, struct candidate *candidate, GError **error)
{
	scoped(component_catalog)
		catalog = component_catalog_new(package->source->git, &candidate->commit, error);
	const struct catalog_entry *entry = catalog
		? component_catalog_find(catalog, package->name, error)
		: NULL;

	if (!entry)
		return;
	candidate->path = g_strdup(entry->path);
	candidate->tree = entry->tree;
	take_file(package, candidate, package->source->git, error);
}

static void look_in_store(struct package *package, struct candidate *candidate, GError **error)
{
	const char *usual = package->path              ? package->path
		: candidate->locked && package->locked ? package->locked->path
						       : NULL;
	g_autoptr(GError) problem = NULL;

	if (!look_at_path(package, candidate, usual, &problem))
		look_in_catalog(package, candidate, error);
}

/* The locked one, as the workspace itself has it. */
static void look_in_workspace(struct package *package, struct candidate *candidate, GError **error)
{
	git_repository *forge = package->source->terms->forge;

	if (!component_history_tree(forge, &package->installed, &candidate->tree, error))
		return;
	candidate->path = g_strdup(package->locked->path);
	take_file(package, candidate, forge, error);
}

gboolean package_may_fetch_all(const struct package *package)
{
	const struct source *source = package->source;

	return source->state == SOURCE_KNOWN && !source->terms->offline && !source->terms->as_of &&
		!source->wants_all;
}

gboolean package_fetch_all(struct package *package, GError **error)
{
	g_autoptr(GPtrArray) sources = g_ptr_array_new();

	g_ptr_array_add(sources, package->source);
	source_want_all(package->source);
	return sources_look(sources, error);
}

/* What is locked is not exchanged for something else because it cannot be had. */
static gboolean say_missing(
	const struct package *package, struct candidate *candidate, GError **error)
{
	const struct source_terms *terms = package->source->terms;
	const char *why = terms->offline || terms->as_of
		? "is not in the cache, and no server is asked"
		: package->source->state == SOURCE_GONE
		? "is not in the cache, and its repository is not there any more"
		: "is on no branch or tag of its repository";
	g_autofree char *hex = g_strndup(git_oid_tostr_s(&candidate->commit), 12);

	if (candidate->locked) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
			"%s: forge.lock has '%s' at commit %s, which %s; `forge deps update %s` takes "
			"another",
			package->source->repository, package->name, hex, why, package->name);
		return FALSE;
	}
	g_set_error(&candidate->problem, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"commit %s %s", hex, why);
	candidate->looked = TRUE;
	return TRUE;
}

gboolean package_look(struct package *package, struct candidate *candidate, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (candidate->looked)
		return TRUE;
	if (candidate->locked && !git_oid_is_zero(&package->installed)) {
		look_in_workspace(package, candidate, &problem);
	} else {
		if (!source_has(package->source, &candidate->commit) &&
			package_may_fetch_all(package) && !package_fetch_all(package, error))
			return FALSE;
		if (!source_has(package->source, &candidate->commit))
			return say_missing(package, candidate, error);
		look_in_store(package, candidate, &problem);
	}
	if (problem && !is_about_content(problem)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	candidate->looked = TRUE;
	if (problem)
		candidate->problem = g_steal_pointer(&problem);
	if (!candidate->order && candidate->file)
		candidate->order = semver_parse(candidate->file->version, SEMVER_STRICT);
	return TRUE;
}

gboolean package_take(struct candidate *candidate, git_repository *git, const git_oid *tree,
	const char *path, GError **error)
{
	struct component_file *file = component_catalog_read(git, tree, path, error);

	if (!file)
		return FALSE;
	component_file_free(candidate->file);
	g_clear_error(&candidate->problem);
	g_free(candidate->path);
	candidate->path = g_strdup(path);
	candidate->tree = *tree;
	candidate->file = file;
	candidate->looked = TRUE;
	if (!candidate->version) {
		semver_free(candidate->order);
		candidate->order = semver_parse(file->version, SEMVER_STRICT);
	}
	return TRUE;
}

/* ---- loading ------------------------------------------------------------------------------ */

static GPtrArray *refs_of(const struct ref_record *record)
{
	GPtrArray *refs = g_ptr_array_new_full(record->refs->len, g_free);

	for (guint i = 0; i < record->refs->len; i++) {
		const struct recorded_ref *recorded = record->refs->pdata[i];
		struct version_ref *ref;

		if (recorded->gone)
			continue;
		ref = g_new0(struct version_ref, 1);
		ref->name = recorded->name;
		ref->oid = recorded->oid;
		g_ptr_array_add(refs, ref);
	}
	return refs;
}

gboolean package_check_tag(const struct package *package, const char *ref, GError **error)
{
	const GPtrArray *moved = package->source->moved;

	for (guint i = 0; i < moved->len; i++) {
		const struct moved_tag *tag = moved->pdata[i];

		if (strcmp(tag->name, ref) == 0)
			return ref_record_refuse_moved(ref, &tag->before, &tag->after, error);
	}
	return TRUE;
}

/* A version's tag must be where it was first seen, and where forge.lock says. */
static gboolean check_moved(
	const struct package *package, const struct component_version *version, GError **error)
{
	git_oid locked;

	if (!package_check_tag(package, version->ref, error))
		return FALSE;
	if (package->source->terms->accept_moved_tags || !package->witness ||
		g_strcmp0(package->witness->version, version->text) != 0 ||
		git_oid_fromstr(&locked, package->witness->commit) != 0 ||
		git_oid_equal(&locked, &version->commit))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TAG_MOVED,
		"forge.lock has version %s of '%s' at commit %s, and its tag '%s' is %.40s",
		version->text, package->name, package->witness->commit, version->ref + strlen(TAGS),
		git_oid_tostr_s(&version->commit));
	return FALSE;
}

static gboolean is_locked_commit(const struct package *package, const git_oid *commit)
{
	git_oid locked;

	return package->locked && git_oid_fromstr(&locked, package->locked->commit) == 0 &&
		git_oid_equal(&locked, commit);
}

static void add_version(struct package *package, const struct component_version *version)
{
	struct candidate *candidate = g_new0(struct candidate, 1);
	const struct recorded_ref *ref = ref_record_find(package->source->record, version->ref);

	candidate->text = g_strdup(version->text);
	candidate->commit = version->commit;
	candidate->ref = g_strdup(version->ref);
	candidate->version = g_strdup(version->text);
	candidate->order = semver_copy(version->version);
	candidate->yanked = version->yanked;
	candidate->first_seen_us = ref ? ref->first_seen_us : 0;
	candidate->locked = is_locked_commit(package, &version->commit) &&
		g_strcmp0(package->locked->version, version->text) == 0;
	g_ptr_array_add(package->candidates, candidate);
}

/* The folder on the default branch, and what its manifest says of versions. A branch that is not
 * there says nothing: there may be versions all the same. */
static char **read_catalog(struct package *package)
{
	g_autoptr(GError) problem = NULL;
	const struct component_catalog *catalog = source_catalog(package->source, &problem);
	const struct catalog_entry *entry = catalog
		? component_catalog_find(catalog, package->name, NULL)
		: NULL;

	g_clear_pointer(&package->path, g_free);
	if (problem && forge_error_code(problem) == FORGE_ERROR_VALIDATION_FAILED)
		package->manifest_problem = g_steal_pointer(&problem);
	if (!entry)
		return NULL;
	package->path = g_strdup(entry->path);
	return component_catalog_yanked(catalog, entry);
}

static gboolean add_versions(struct package *package, GError **error)
{
	g_autoptr(GPtrArray) refs = refs_of(package->source->record);
	g_auto(GStrv) yanked = read_catalog(package);
	scoped(component_versions) versions = component_versions_new(refs, package->name,
		package->path ? package->path : "", (const char *const *)yanked, error);

	for (guint i = 0; versions && i < versions->versions->len; i++) {
		const struct component_version *version = versions->versions->pdata[i];

		if (!check_moved(package, version, error))
			return FALSE;
		add_version(package, version);
	}
	return versions != NULL;
}

static struct candidate *find_candidate(
	const struct package *package, const git_oid *commit, gboolean named, guint *place)
{
	for (guint i = 0; i < package->candidates->len; i++) {
		struct candidate *candidate = package->candidates->pdata[i];

		if (!git_oid_equal(&candidate->commit, commit) || (named && candidate->version))
			continue;
		*place = i;
		return candidate;
	}
	return NULL;
}

/* The candidate for COMMIT, which NAME (for people) stands for; a new one sets *ADDED. */
guint package_add_named(struct package *package, const git_oid *commit, const char *name,
	const char *ref, gboolean *added)
{
	struct candidate *candidate;
	char hex[8];
	guint place;

	candidate = find_candidate(package, commit, TRUE, &place);
	if (candidate) {
		if (!candidate->ref && ref)
			candidate->ref = g_strdup(ref);
		return place;
	}
	candidate = g_new0(struct candidate, 1);
	git_oid_tostr(hex, sizeof(hex), commit);
	candidate->text = name ? g_strdup_printf("%s at %s", name, hex)
			       : g_strconcat("@", hex, NULL);
	candidate->commit = *commit;
	candidate->ref = g_strdup(ref);
	candidate->locked = is_locked_commit(package, commit) && !package->locked->version;
	g_ptr_array_add(package->candidates, candidate);
	*added = TRUE;
	return package->candidates->len - 1;
}

/* What forge.lock has and no tag says: a branch, a commit, or a version that is not there (any
 * more). */
static void add_locked(struct package *package)
{
	git_oid commit;
	gboolean added = FALSE;
	guint place;

	if (!package->locked || git_oid_fromstr(&commit, package->locked->commit) != 0)
		return;
	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		/* Its tag is elsewhere now, and that was accepted. */
		if (candidate->locked ||
			(candidate->version &&
				g_strcmp0(candidate->version, package->locked->version) == 0))
			return;
	}
	place = package_add_named(package, &commit, package->locked->version, NULL, &added);
	if (package->locked->version) {
		struct candidate *candidate = package->candidates->pdata[place];

		g_free(candidate->text);
		candidate->text = g_strdup(package->locked->version);
		candidate->version = g_strdup(package->locked->version);
		candidate->order = semver_parse(candidate->version, SEMVER_STRICT);
		candidate->locked = TRUE;
	}
}

static gint compare_candidates(gconstpointer a, gconstpointer b)
{
	const struct candidate *one = *(struct candidate *const *)a;
	const struct candidate *two = *(struct candidate *const *)b;

	if (!one->version || !two->version)
		return one->version ? -1 : two->version ? 1 : strcmp(one->text, two->text);
	return semver_compare_build(two->order, one->order);
}

gboolean package_load(struct package *package, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (package->loaded) {
		g_ptr_array_sort(package->candidates, compare_candidates);
		return TRUE;
	}
	package->loaded = TRUE;
	if (package->source->state == SOURCE_KNOWN && !add_versions(package, &problem)) {
		if (!is_about_content(problem)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return FALSE;
		}
		package->problem = g_steal_pointer(&problem);
		return TRUE;
	}
	add_locked(package);
	g_ptr_array_sort(package->candidates, compare_candidates);
	if (package->source->state == SOURCE_GONE && package->candidates->len == 0)
		package->problem = g_error_copy(package->source->gone);
	return TRUE;
}
