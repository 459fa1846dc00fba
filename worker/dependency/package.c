/*
 * From a repository's refs and objects to what may be installed as one component, and from a
 * constraint to those of them that it allows.
 *
 * A version comes from a tag. Branches, other tags and commits become candidates once somebody
 * names them; what version they are, their component.yaml says, so that a range of somebody else
 * may be content with a branch. What forge.lock has is a candidate as long as it can be read
 * somewhere: the store, or the workspace itself, where it is installed.
 *
 * A branch allows what is locked if that lies on it: a lock holds a branch where it was, and a
 * branch that was rewritten lets go of it.
 */
#include "worker/dependency/package.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/component/component_catalog.h"
#include "worker/git/git_library.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/upstream_history.h"

#define TAGS "refs/tags/"
#define HEADS "refs/heads/"
#define US_PER_MS 1000

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
	package->installed = *installed;
	package->candidates = g_ptr_array_new_with_free_func(candidate_free);
	return package;
}

void package_free(struct package *package)
{
	if (!package)
		return;
	g_ptr_array_unref(package->candidates);
	g_clear_error(&package->problem);
	g_free(package->path);
	g_free(package->name);
	g_free(package);
}

void package_allowed_clear(struct package_allowed *allowed)
{
	g_clear_pointer(&allowed->candidates, g_array_unref);
	g_clear_pointer(&allowed->reason, g_free);
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
	scoped(component_catalog) catalog = component_catalog_new(
		package->source->git, &candidate->commit, error);
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
	const char *usual = package->path      ? package->path
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

static gboolean may_be_fetched(const struct package *package)
{
	const struct source *source = package->source;

	return source->state == SOURCE_KNOWN && !source->terms->offline && !source->terms->as_of &&
		!source->wants_all;
}

static gboolean fetch_all(struct package *package, GError **error)
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
		if (!source_has(package->source, &candidate->commit) && may_be_fetched(package) &&
			!fetch_all(package, error))
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

static void say_moved(const char *tag, const git_oid *before, const git_oid *after, GError **error)
{
	char one[GIT_OID_HEXSZ + 1], other[GIT_OID_HEXSZ + 1];

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TAG_MOVED,
		"the tag '%s' is %s now and was %s when it was first seen",
		g_str_has_prefix(tag, TAGS) ? tag + strlen(TAGS) : tag,
		git_oid_tostr(one, sizeof(one), after), git_oid_tostr(other, sizeof(other), before));
}

/* A version's tag must be where it was first seen, and where forge.lock says. */
static gboolean check_moved(const struct package *package, const struct component_version *version,
	GError **error)
{
	const GPtrArray *moved = package->source->moved;
	git_oid locked;

	for (guint i = 0; i < moved->len; i++) {
		const struct moved_tag *tag = moved->pdata[i];

		if (strcmp(tag->name, version->ref) != 0)
			continue;
		say_moved(version->ref, &tag->before, &tag->after, error);
		return FALSE;
	}
	if (package->source->terms->accept_moved_tags || !package->locked ||
		g_strcmp0(package->locked->version, version->text) != 0 ||
		git_oid_fromstr(&locked, package->locked->commit) != 0 ||
		git_oid_equal(&locked, &version->commit))
		return TRUE;
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_TAG_MOVED,
		"forge.lock has version %s of '%s' at commit %s, and its tag '%s' is %.40s",
		version->text, package->name, package->locked->commit,
		version->ref + strlen(TAGS), git_oid_tostr_s(&version->commit));
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

/* The folder on the default branch, and what its manifest says of versions. A branch that cannot be
 * read says nothing: there may be versions all the same. */
static char **read_catalog(struct package *package)
{
	const struct component_catalog *catalog = source_catalog(package->source, NULL);
	const struct catalog_entry *entry = catalog
		? component_catalog_find(catalog, package->name, NULL)
		: NULL;

	g_clear_pointer(&package->path, g_free);
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

static struct candidate *find_candidate(const struct package *package, const git_oid *commit,
	gboolean named, guint *place)
{
	for (guint i = 0; i < package->candidates->len; i++) {
		struct candidate *candidate = package->candidates->pdata[i];

		if (!git_oid_equal(&candidate->commit, commit) ||
			(named && candidate->version))
			continue;
		*place = i;
		return candidate;
	}
	return NULL;
}

/* The candidate for COMMIT, which NAME (for people) stands for; a new one sets *ADDED. */
static guint add_named(struct package *package, const git_oid *commit, const char *name,
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
	candidate->text = name ? g_strdup_printf("%s at %s", name, hex) : g_strconcat("@", hex, NULL);
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
			(candidate->version && g_strcmp0(candidate->version, package->locked->version) == 0))
			return;
	}
	place = add_named(package, &commit, package->locked->version, NULL, &added);
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

/* ---- constraints -------------------------------------------------------------------------- */

static void allow(struct package_allowed *allowed, guint place)
{
	g_array_append_val(allowed->candidates, place);
}

/* When CANDIDATE's tag came to be known: when it was first seen; of one that was there before
 * anybody looked, when its commit was made. */
static uint64_t known_since_us(const struct package *package, const struct candidate *candidate)
{
	git_commit *commit = NULL;
	uint64_t time_us = candidate->first_seen_us;

	if (time_us == 0 && package->source->git &&
		git_commit_lookup(&commit, package->source->git, &candidate->commit) == 0 &&
		git_commit_time(commit) > 0)
		time_us = (uint64_t)git_commit_time(commit) * G_USEC_PER_SEC;
	git_commit_free(commit);
	return time_us;
}

static gboolean is_too_young(const struct package *package, const struct candidate *candidate)
{
	const struct source_terms *terms = package->source->terms;
	uint64_t minimum_us = terms->config->sync_minimum_age_ms * US_PER_MS;

	return minimum_us > 0 && candidate->version &&
		known_since_us(package, candidate) + minimum_us > terms->now_us;
}

/* Whether CANDIDATE may be chosen by those who do not name it. */
static gboolean may_be_chosen(const struct package *package, const struct candidate *candidate)
{
	return candidate->locked ||
		(!candidate->yanked && !is_too_young(package, candidate));
}

static void say_nothing_allowed(const struct package *package, const char *wanted,
	gboolean held_back, struct package_allowed *allowed)
{
	GString *text = g_string_new(NULL);
	guint named = 0, versions = 0;

	if (allowed->candidates->len > 0) {
		g_string_free(text, TRUE);
		return;
	}
	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		if (!candidate->version)
			continue;
		if (named++ < LIMIT_COMPONENT_VERSIONS_NAMED)
			g_string_append_printf(text, "%s%s%s", versions++ ? ", " : "there is ",
				candidate->version,
				candidate->yanked                 ? " (yanked)"
					: is_too_young(package, candidate) ? " (too young)"
								   : "");
	}
	if (versions == 0)
		g_string_append(text, "it has no tag that says a version");
	else if (named > versions)
		g_string_append_printf(text, " and %u more", named - versions);
	allowed->reason = g_strdup_printf("no version of '%s' is %s; %s%s", package->name, wanted,
		text->str,
		held_back ? "; sync.minimum_age or a yank holds back what would fit" : "");
	g_string_free(text, TRUE);
}

/* The tag or branch NAME. FALSE if there is none, or an error. */
static gboolean allow_ref(struct package *package, const char *name, gboolean branch_only,
	struct package_allowed *allowed, GError **error);

static gboolean allow_range(struct package *package, const struct component_constraint *constraint,
	struct package_allowed *allowed, GError **error)
{
	const struct semver *exact = component_constraint_version(constraint);
	gboolean held_back = FALSE;
	GError *problem = NULL;

	for (guint i = 0; i < package->candidates->len; i++) {
		struct candidate *candidate = package->candidates->pdata[i];

		if (!candidate->order && !candidate->version &&
			!package_look(package, candidate, error))
			return FALSE;
		if (!candidate->order || !semver_range_has(constraint->range, candidate->order))
			continue;
		if (exact || may_be_chosen(package, candidate))
			allow(allowed, i);
		else
			held_back = TRUE;
	}
	/* Some branches and tags are called like ranges: `2.x`, `v2.1.0`. */
	if (allowed->candidates->len == 0 && !held_back &&
		!allow_ref(package, constraint->text, FALSE, allowed, &problem) && problem) {
		g_propagate_error(error, problem);
		return FALSE;
	}
	say_nothing_allowed(package, constraint->text, held_back, allowed);
	return TRUE;
}

const struct candidate *package_latest(const struct package *package)
{
	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		if (candidate->version && !candidate->yanked && candidate->ref &&
			!semver_is_prerelease(candidate->order))
			return candidate;
	}
	return NULL;
}

/* The highest, and what is locked: a lock holds `latest` where it was. */
static void allow_latest(struct package *package, struct package_allowed *allowed)
{
	gboolean found = FALSE, held_back = FALSE;

	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		if (!candidate->version || semver_is_prerelease(candidate->order))
			continue;
		if (!may_be_chosen(package, candidate))
			held_back = TRUE;
		else if (!found || candidate->locked)
			allow(allowed, i);
		found = found || may_be_chosen(package, candidate);
	}
	say_nothing_allowed(package, "stable (latest)", held_back, allowed);
}

static gboolean find_by_digits(struct package *package, const char *digits, git_oid *commit)
{
	size_t length = strlen(digits);
	git_commit *found = NULL;
	git_oid prefix;

	if (git_oid_fromstrn(&prefix, digits, length) != 0)
		return FALSE;
	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		if (git_oid_ncmp(&candidate->commit, &prefix, length) != 0)
			continue;
		*commit = candidate->commit;
		return TRUE;
	}
	if (!package->source->git ||
		git_commit_lookup_prefix(&found, package->source->git, &prefix, length) != 0)
		return FALSE;
	*commit = *git_commit_id(found);
	git_commit_free(found);
	return TRUE;
}

static gboolean allow_commit(struct package *package, const char *digits,
	struct package_allowed *allowed, GError **error)
{
	git_oid commit;
	gboolean found = find_by_digits(package, digits, &commit);

	if (!found && may_be_fetched(package)) {
		if (!fetch_all(package, error))
			return FALSE;
		found = find_by_digits(package, digits, &commit);
	}
	if (found)
		allow(allowed, add_named(package, &commit, NULL, NULL, &allowed->added));
	else
		allowed->reason = g_strdup_printf("no branch or tag holds a commit @%s", digits);
	/* A version that is this very commit will do as well. */
	for (guint i = 0; found && i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		if (candidate->version && git_oid_equal(&candidate->commit, &commit))
			allow(allowed, i);
	}
	return TRUE;
}

static gboolean reaches(const struct package *package, const git_oid *tip, const git_oid *commit)
{
	return git_oid_equal(tip, commit) ||
		(source_has(package->source, tip) && source_has(package->source, commit) &&
			git_graph_descendant_of(package->source->git, tip, commit) == 1);
}

static gboolean lies_elsewhere(const struct package *package, const git_oid *commit)
{
	const GPtrArray *refs = package->source->record->refs;

	for (guint i = 0; i < refs->len; i++) {
		const struct recorded_ref *ref = refs->pdata[i];

		if (!ref->gone && reaches(package, &ref->oid, commit))
			return TRUE;
	}
	return FALSE;
}

/*
 * Sets *HOLDS to whether a lock may hold the branch with the tip TIP at COMMIT: it lies on it, or it
 * lies nowhere any more, since upstream rewrote its history. What lies on another branch was locked
 * for that one.
 */
static gboolean may_hold(struct package *package, const git_oid *commit, const git_oid *tip,
	gboolean *holds, GError **error)
{
	*holds = reaches(package, tip, commit) || !source_has(package->source, tip);
	if (*holds)
		return TRUE;
	if (may_be_fetched(package) && !fetch_all(package, error))
		return FALSE;
	*holds = !lies_elsewhere(package, commit);
	return TRUE;
}

/* A branch's tip, and what a lock holds it at. */
static gboolean allow_branch(struct package *package, const char *name, const char *ref,
	git_oid tip, struct package_allowed *allowed, GError **error)
{
	allow(allowed, add_named(package, &tip, name, ref, &allowed->added));
	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];
		gboolean holds;

		if (!candidate->locked || candidate->version ||
			git_oid_equal(&candidate->commit, &tip))
			continue;
		if (!may_hold(package, &candidate->commit, &tip, &holds, error))
			return FALSE;
		if (holds)
			allow(allowed, i);
	}
	return TRUE;
}

/* Where nobody can be asked, or it is not there any more, what is locked has to do. */
static gboolean allow_locked(const struct package *package, struct package_allowed *allowed)
{
	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		if (!candidate->locked)
			continue;
		allow(allowed, i);
		return TRUE;
	}
	return FALSE;
}

static gboolean allow_ref(struct package *package, const char *name, gboolean branch_only,
	struct package_allowed *allowed, GError **error)
{
	g_autofree char *tag = g_strconcat(TAGS, name, NULL);
	g_autofree char *head = g_strconcat(HEADS, name, NULL);
	g_autoptr(GPtrArray) sources = g_ptr_array_new();
	const struct recorded_ref *ref = NULL;

	if (git_reference_is_valid_name(head) != 1)
		return FALSE;
	g_ptr_array_add(sources, package->source);
	source_want_name(package->source, name);
	if (package->source->state != SOURCE_GONE && !sources_look(sources, error))
		return FALSE;
	if (!package->source->record)
		return FALSE;
	if (g_str_has_prefix(name, "refs/"))
		ref = ref_record_find(package->source->record, name);
	if (!ref && !branch_only)
		ref = ref_record_find(package->source->record, tag);
	if (!ref)
		ref = ref_record_find(package->source->record, head);
	if (!ref)
		return FALSE;
	if (g_str_has_prefix(ref->name, TAGS))
		allow(allowed, add_named(package, &ref->oid, name, ref->name, &allowed->added));
	else
		return allow_branch(package, name, ref->name, ref->oid, allowed, error);
	return TRUE;
}

static gboolean is_whole_id(const char *text)
{
	return strlen(text) == GIT_OID_HEXSZ &&
		strspn(text, "0123456789abcdefABCDEF") == GIT_OID_HEXSZ;
}

static gboolean allow_name(
	struct package *package, const char *name, struct package_allowed *allowed, GError **error)
{
	GError *problem = NULL;

	if (allow_ref(package, name, FALSE, allowed, &problem))
		return TRUE;
	if (problem) {
		g_propagate_error(error, problem);
		return FALSE;
	}
	if (is_whole_id(name))
		return allow_commit(package, name, allowed, error);
	if (package->source->state != SOURCE_GONE || !allow_locked(package, allowed))
		allowed->reason = g_strdup_printf(
			"the repository of '%s' has no tag or branch '%s'", package->name, name);
	return TRUE;
}

static const char *branch_name(const struct ref_record *record)
{
	return record->head && g_str_has_prefix(record->head, HEADS) ? record->head + strlen(HEADS)
								     : "its default branch";
}

static gboolean allow_default(
	struct package *package, struct package_allowed *allowed, GError **error)
{
	const struct ref_record *record = package->source->record;

	if (record && !git_oid_is_zero(&record->head_oid))
		return allow_branch(package, branch_name(record), record->head, record->head_oid,
			allowed, error);
	if (!allow_locked(package, allowed))
		allowed->reason = g_strdup_printf(
			"the repository of '%s' has no default branch; name a version or a branch",
			package->name);
	return TRUE;
}

static gboolean allow_any(
	struct package *package, struct package_allowed *allowed, GError **error)
{
	gboolean has_versions = FALSE;

	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		has_versions = has_versions || candidate->version;
		if (may_be_chosen(package, candidate) &&
			(!candidate->version || candidate->locked ||
				!semver_is_prerelease(candidate->order)))
			allow(allowed, i);
	}
	if (!has_versions) {
		g_array_set_size(allowed->candidates, 0);
		if (!allow_default(package, allowed, error))
			return FALSE;
		/* Whatever somebody else names will do. */
		for (guint i = 0; i < package->candidates->len; i++)
			allow(allowed, i);
		return TRUE;
	}
	say_nothing_allowed(package, "stable", TRUE, allowed);
	return TRUE;
}

gboolean package_allow(struct package *package, const char *constraint_text,
	struct package_allowed *allowed, GError **error)
{
	g_autoptr(GError) problem = NULL;
	scoped(component_constraint) constraint = NULL;

	allowed->candidates = g_array_new(FALSE, FALSE, sizeof(guint));
	allowed->added = FALSE;
	allowed->reason = NULL;
	if (strcmp(constraint_text, PACKAGE_DEFAULT_BRANCH) == 0) {
		return allow_default(package, allowed, error);
	}
	constraint = component_constraint_parse(constraint_text, &problem);
	if (!constraint) {
		allowed->reason = g_strdup_printf("'%s': %s", constraint_text, problem->message);
		return TRUE;
	}
	switch (constraint->kind) {
	case CONSTRAINT_NONE:
		return allow_any(package, allowed, error);
	case CONSTRAINT_RANGE:
		return allow_range(package, constraint, allowed, error);
	case CONSTRAINT_LATEST:
		allow_latest(package, allowed);
		return TRUE;
	case CONSTRAINT_COMMIT:
		return allow_commit(package, constraint->text, allowed, error);
	case CONSTRAINT_NAME:
		return allow_name(package, constraint->text, allowed, error);
	}
	return TRUE;
}
