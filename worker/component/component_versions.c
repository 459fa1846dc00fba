/*
 * From a constraint to a ref: versions are tags, and a name is a tag or else a branch.
 *
 * Two tags may say the same version (`v1.2.3`, `1.2.3`); that is fine as long as both are at one
 * commit. Where they are not nobody can tell which is meant, and it is refused.
 */
#include "worker/component/component_versions.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/component/component_constraint.h"
#include "worker/component/semver_range.h"

#define TAGS "refs/tags/"
#define HEADS "refs/heads/"

void component_pick_clear(struct component_pick *pick)
{
	g_clear_pointer(&pick->ref, g_free);
	g_clear_pointer(&pick->version, g_free);
	g_clear_pointer(&pick->commit_text, g_free);
}

static void add_prefix(GPtrArray *prefixes, char *take_prefix)
{
	for (guint i = 0; i < prefixes->len; i++)
		if (strcmp(prefixes->pdata[i], take_prefix) == 0) {
			g_free(take_prefix);
			return;
		}
	g_ptr_array_add(prefixes, take_prefix);
}

void component_versions_add_prefixes(const char *constraint_text, GPtrArray *prefixes)
{
	scoped(component_constraint) constraint =
		component_constraint_parse(constraint_text, NULL);

	add_prefix(prefixes, g_strdup("HEAD"));
	if (!constraint)
		return;
	switch (constraint->kind) {
	case CONSTRAINT_NONE:
		return;
	case CONSTRAINT_RANGE:
	case CONSTRAINT_LATEST:
		add_prefix(prefixes, g_strdup(TAGS));
		return;
	case CONSTRAINT_COMMIT:
		add_prefix(prefixes, g_strdup(TAGS));
		add_prefix(prefixes, g_strdup(HEADS));
		return;
	case CONSTRAINT_NAME:
		add_prefix(prefixes, g_strconcat(TAGS, constraint->text, NULL));
		add_prefix(prefixes, g_strconcat(HEADS, constraint->text, NULL));
		return;
	}
}

/* ---- versions ----------------------------------------------------------------------------- */

struct tagged_version {
	struct semver *version;
	const struct version_ref *ref;
};

static void clear_tagged(gpointer data)
{
	semver_free(((struct tagged_version *)data)->version);
}

/* What stands behind PREFIX in TAG as a version, `v` or not; NULL if it is none. */
static struct semver *version_behind(const char *tag, const char *prefix, gboolean needs_v)
{
	const char *rest = g_str_has_prefix(tag, prefix) ? tag + strlen(prefix) : NULL;

	if (!rest || (needs_v && *rest != 'v'))
		return NULL;
	return semver_parse(*rest == 'v' ? rest + 1 : rest, SEMVER_STRICT);
}

static struct semver *own_version(const char *tag, const char *name, const char *path)
{
	g_autofree char *at = g_strconcat(name, "@", NULL);
	g_autofree char *slash = g_strconcat(name, "/", NULL);
	g_autofree char *dash = g_strconcat(name, "-", NULL);
	g_autofree char *below = path && *path ? g_strconcat(path, "/", NULL) : NULL;
	struct semver *version = version_behind(tag, at, FALSE);

	if (!version)
		version = version_behind(tag, slash, FALSE);
	if (!version)
		version = version_behind(tag, dash, TRUE);
	if (!version && below)
		version = version_behind(tag, below, FALSE);
	return version;
}

/* All versions of the component, its own tags' if there are any. */
static GArray *versions_of(const GPtrArray *refs, const char *name, const char *path)
{
	GArray *own = g_array_new(FALSE, FALSE, sizeof(struct tagged_version));
	GArray *common = g_array_new(FALSE, FALSE, sizeof(struct tagged_version));

	g_array_set_clear_func(own, clear_tagged);
	g_array_set_clear_func(common, clear_tagged);
	for (guint i = 0; i < refs->len; i++) {
		const struct version_ref *ref = refs->pdata[i];
		struct tagged_version tagged = {NULL, ref};
		const char *tag;

		if (!g_str_has_prefix(ref->name, TAGS))
			continue;
		tag = ref->name + strlen(TAGS);
		tagged.version = own_version(tag, name, path);
		if (tagged.version) {
			g_array_append_val(own, tagged);
			continue;
		}
		tagged.version = version_behind(tag, "", FALSE);
		if (tagged.version)
			g_array_append_val(common, tagged);
	}
	if (own->len > 0) {
		g_array_unref(common);
		return own;
	}
	g_array_unref(own);
	return common;
}

static gboolean is_yanked(const struct semver *version, const char *const *yanked)
{
	for (const char *const *text = yanked; text && *text; text++) {
		scoped(semver) other = semver_parse(*text, SEMVER_STRICT);

		if (other && semver_compare(version, other) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean is_wanted(const struct component_constraint *constraint,
	const struct semver *version, const char *const *yanked)
{
	if (constraint->kind == CONSTRAINT_LATEST)
		return !semver_is_prerelease(version) && !is_yanked(version, yanked);
	return semver_range_has(constraint->range, version) &&
		(component_constraint_version(constraint) || !is_yanked(version, yanked));
}

static gboolean refuse_two(const struct tagged_version *a, const struct tagged_version *b,
	const char *name, GError **error)
{
	g_autofree char *text = semver_text(a->version);

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"version %s of '%s' is two commits: the tags %s and %s differ", text, name,
		a->ref->name + strlen(TAGS), b->ref->name + strlen(TAGS));
	return FALSE;
}

static gboolean set_pick(
	struct component_pick *pick, const struct version_ref *ref, gboolean pinned)
{
	pick->ref = g_strdup(ref->name);
	pick->advertised = ref->oid;
	pick->commit = ref->peeled;
	pick->pinned = pinned;
	return TRUE;
}

static void say_what_there_is(GArray *versions, GString *text)
{
	const struct tagged_version *highest = NULL;

	for (guint i = 0; i < versions->len; i++) {
		const struct tagged_version *tagged =
			&g_array_index(versions, struct tagged_version, i);

		if (!highest || semver_compare(tagged->version, highest->version) > 0)
			highest = tagged;
	}
	if (highest) {
		g_autofree char *version = semver_text(highest->version);

		g_string_append_printf(text, "; the highest there is is %s", version);
	} else {
		g_string_append(text, "; it has no versions (tags such as v1.2.3)");
	}
}

static gboolean pick_version(const GPtrArray *refs, const char *name, const char *path,
	const struct component_constraint *constraint, const char *constraint_text,
	const char *const *yanked, struct component_pick *pick, GError **error)
{
	g_autoptr(GArray) versions = versions_of(refs, name, path);
	const struct tagged_version *best = NULL, *twin = NULL;
	g_autoptr(GString) why = NULL;

	for (guint i = 0; i < versions->len; i++) {
		const struct tagged_version *tagged =
			&g_array_index(versions, struct tagged_version, i);
		int order;

		if (!is_wanted(constraint, tagged->version, yanked))
			continue;
		order = best ? semver_compare(tagged->version, best->version) : 1;
		if (order > 0) {
			best = tagged;
			twin = NULL;
		} else if (order == 0 && !git_oid_equal(&tagged->ref->peeled, &best->ref->peeled)) {
			twin = tagged;
		}
	}
	if (best && twin)
		return refuse_two(best, twin, name, error);
	if (best) {
		pick->version = semver_text(best->version);
		return set_pick(pick, best->ref, component_constraint_is_pinned(constraint));
	}
	why = g_string_new(NULL);
	say_what_there_is(versions, why);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VERSION_NOT_FOUND,
		"no version of '%s' is %s%s", name, constraint_text, why->str);
	return FALSE;
}

/* ---- names -------------------------------------------------------------------------------- */

static const struct version_ref *find_ref(
	const GPtrArray *refs, const char *prefix, const char *name)
{
	g_autofree char *full = g_strconcat(prefix, name, NULL);

	for (guint i = 0; i < refs->len; i++) {
		const struct version_ref *ref = refs->pdata[i];

		if (strcmp(ref->name, full) == 0)
			return ref;
	}
	return NULL;
}

static gboolean pick_name(const GPtrArray *refs, const char *name, struct component_pick *pick,
	GError **error)
{
	const struct version_ref *tag = find_ref(refs, TAGS, name);
	const struct version_ref *ref = tag ? tag : find_ref(refs, HEADS, name);

	if (!ref && g_str_has_prefix(name, "refs/"))
		ref = find_ref(refs, "", name);
	if (ref)
		return set_pick(pick, ref, tag != NULL);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VERSION_NOT_FOUND,
		"no tag or branch is called '%s'", name);
	return FALSE;
}

static gboolean pick_default(const GPtrArray *refs, struct component_pick *pick, GError **error)
{
	const struct version_ref *head = find_ref(refs, "", "HEAD");
	const struct version_ref *branch =
		head && head->symref_target ? find_ref(refs, "", head->symref_target) : NULL;

	if (!head) {
		g_set_error_literal(error, FORGE_ERROR, FORGE_ERROR_EMPTY_REPOSITORY,
			"it has no default branch");
		return FALSE;
	}
	set_pick(pick, branch ? branch : head, FALSE);
	/* The branch itself may not have been asked for; it is where HEAD is. */
	if (!branch && head->symref_target) {
		g_free(pick->ref);
		pick->ref = g_strdup(head->symref_target);
	}
	return TRUE;
}

static gboolean pick_commit(const GPtrArray *refs, const struct component_constraint *constraint,
	struct component_pick *pick, GError **error)
{
	for (guint i = 0; i < refs->len; i++) {
		const struct version_ref *ref = refs->pdata[i];
		char hex[GIT_OID_HEXSZ + 1];

		git_oid_tostr(hex, sizeof(hex), &ref->peeled);
		if (g_str_has_prefix(hex, constraint->text))
			return set_pick(pick, ref, TRUE);
	}
	if (!pick_default(refs, pick, error))
		return FALSE;
	memset(&pick->commit, 0, sizeof(pick->commit));
	pick->commit_text = g_strdup(constraint->text);
	pick->pinned = TRUE;
	return TRUE;
}

gboolean component_versions_pick(const GPtrArray *refs, const char *name, const char *path,
	const char *constraint_text, const char *const *yanked, struct component_pick *pick,
	GError **error)
{
	scoped(component_constraint) constraint =
		component_constraint_parse(constraint_text, error);

	if (!constraint)
		return FALSE;
	switch (constraint->kind) {
	case CONSTRAINT_NONE:
		return pick_default(refs, pick, error);
	case CONSTRAINT_RANGE:
	case CONSTRAINT_LATEST:
		return pick_version(refs, name, path, constraint, constraint_text, yanked, pick,
			error);
	case CONSTRAINT_COMMIT:
		return pick_commit(refs, constraint, pick, error);
	case CONSTRAINT_NAME:
		return pick_name(refs, constraint->text, pick, error);
	}
	g_assert_not_reached();
}
