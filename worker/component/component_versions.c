/*
 * From the refs of a repository to the versions of a component, and from a constraint to one of
 * them.
 *
 * A component that has tags of its own is not given the repository's: `v9` of a repository with
 * many components says nothing about one that is at 2.1. Order is by version, highest first, and by
 * the name of the tag where two spellings agree, so that the same refs in any order give the same
 * answer.
 */
#include "worker/component/component_versions.h"

#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "journal/base/nearest.h"

#define TAGS "refs/tags/"
#define HEADS "refs/heads/"

static void free_version(gpointer data)
{
	struct component_version *version = data;

	semver_free(version->version);
	g_free(version->text);
	g_free(version->ref);
	g_free(version);
}

void component_versions_free(struct component_versions *versions)
{
	if (!versions)
		return;
	g_ptr_array_unref(versions->versions);
	g_free(versions);
}

void component_pick_clear(struct component_pick *pick)
{
	g_clear_pointer(&pick->ref, g_free);
	g_clear_pointer(&pick->commit_prefix, g_free);
	g_clear_pointer(&pick->version, g_free);
}

/* ---- tags ---- */

/* What follows `PREFIX` and INFIX in TAG, or NULL. */
static const char *behind(const char *tag, const char *prefix, const char *infix)
{
	size_t size = strlen(prefix);

	if (strncmp(tag, prefix, size) != 0 || !g_str_has_prefix(tag + size, infix))
		return NULL;
	return tag + size + strlen(infix);
}

/* The version in TAG if it is one of the component's own, or NULL. */
static const char *own_version(const char *tag, const char *name, const char *path)
{
	const char *text = behind(tag, name, "@");

	if (!text)
		text = behind(tag, name, "/v");
	if (!text)
		text = behind(tag, name, "-v");
	if (!text && *path)
		text = behind(tag, path, "/v");
	return text;
}

static const char *repository_version(const char *tag)
{
	return *tag == 'v' ? tag + 1 : tag;
}

/* TEXT strictly as a version: no `v`, nothing around it. */
static struct semver *parse_version(const char *text)
{
	return g_ascii_isdigit(*text) && !g_ascii_isspace(text[strlen(text) - 1])
		? semver_parse(text, SEMVER_STRICT)
		: NULL;
}

static void add_version(
	GPtrArray *versions, const struct version_ref *ref, struct semver *take_version)
{
	struct component_version *version = g_new0(struct component_version, 1);

	version->version = take_version;
	version->text = semver_text_with_build(take_version);
	version->ref = g_strdup(ref->name);
	version->commit = ref->oid;
	g_ptr_array_add(versions, version);
}

static void collect(GPtrArray *versions, const GPtrArray *refs, const char *name, const char *path,
	gboolean own)
{
	for (guint i = 0; i < refs->len; i++) {
		const struct version_ref *ref = g_ptr_array_index(refs, i);
		const char *tag = behind(ref->name, TAGS, "");
		const char *text = NULL;
		struct semver *version;

		if (tag)
			text = own ? own_version(tag, name, path) : repository_version(tag);
		version = text ? parse_version(text) : NULL;
		if (version)
			add_version(versions, ref, version);
	}
}

static gint compare_versions(gconstpointer a, gconstpointer b)
{
	const struct component_version *first = *(const struct component_version *const *)a;
	const struct component_version *second = *(const struct component_version *const *)b;
	int order = semver_compare_build(second->version, first->version);

	return order != 0 ? order : strcmp(first->ref, second->ref);
}

static gboolean refuse_two(const struct component_version *first,
	const struct component_version *second, const char *name, GError **error)
{
	char one[8], other[8];

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED,
		"version %s of '%s' is two commits: tag '%s' is %s, tag '%s' is %s", first->text,
		name, first->ref + strlen(TAGS), git_oid_tostr(one, sizeof(one), &first->commit),
		second->ref + strlen(TAGS), git_oid_tostr(other, sizeof(other), &second->commit));
	return FALSE;
}

/* Leaves of several spellings of one version the first; they must agree on the commit. */
static gboolean unite(GPtrArray *versions, const char *name, GError **error)
{
	for (guint i = 1; i < versions->len;) {
		const struct component_version *first = g_ptr_array_index(versions, i - 1);
		const struct component_version *second = g_ptr_array_index(versions, i);

		if (semver_compare_build(first->version, second->version) != 0) {
			i++;
			continue;
		}
		if (git_oid_cmp(&first->commit, &second->commit) != 0)
			return refuse_two(first, second, name, error);
		g_ptr_array_remove_index(versions, i);
	}
	return TRUE;
}

gboolean component_version_is_named(const struct semver *name, const struct semver *version)
{
	return semver_compare(name, version) == 0 &&
		(!name->build[0] || semver_compare_build(name, version) == 0);
}

static void mark_yanked(GPtrArray *versions, const char *const *yanked)
{
	for (size_t i = 0; yanked && yanked[i]; i++) {
		scoped(semver) out = semver_parse(yanked[i], SEMVER_STRICT);

		for (guint j = 0; out && j < versions->len; j++) {
			struct component_version *version = g_ptr_array_index(versions, j);

			if (component_version_is_named(out, version->version))
				version->yanked = TRUE;
		}
	}
}

struct component_versions *component_versions_new(const GPtrArray *refs, const char *name,
	const char *path, const char *const *yanked, GError **error)
{
	scoped(component_versions) versions = g_new0(struct component_versions, 1);

	versions->versions = g_ptr_array_new_with_free_func(free_version);
	collect(versions->versions, refs, name, path, TRUE);
	if (versions->versions->len == 0)
		collect(versions->versions, refs, name, path, FALSE);
	g_ptr_array_sort(versions->versions, compare_versions);
	if (!unite(versions->versions, name, error))
		return NULL;
	mark_yanked(versions->versions, yanked);
	return g_steal_pointer(&versions);
}

/* ---- picks ---- */

static void pick_version(
	struct component_pick *pick, const struct component_version *version, gboolean pinned)
{
	pick->kind = PICK_VERSION;
	pick->ref = g_strdup(version->ref);
	pick->commit = version->commit;
	pick->version = g_strdup(version->text);
	pick->pinned = pinned;
	pick->yanked = version->yanked;
}

static const struct version_ref *find_ref(const GPtrArray *refs, const char *name)
{
	for (guint i = 0; i < refs->len; i++) {
		const struct version_ref *ref = g_ptr_array_index(refs, i);

		if (strcmp(ref->name, name) == 0)
			return ref;
	}
	return NULL;
}

static gboolean pick_ref(struct component_pick *pick, const GPtrArray *refs, const char *folder,
	const char *name, enum pick_kind kind)
{
	g_autofree char *whole = g_strconcat(folder, name, NULL);
	const struct version_ref *ref = find_ref(refs, whole);

	if (!ref)
		return FALSE;
	pick->kind = kind;
	pick->ref = g_steal_pointer(&whole);
	pick->commit = ref->oid;
	return TRUE;
}

static gboolean pick_tag_or_branch(
	struct component_pick *pick, const GPtrArray *refs, const char *name)
{
	return pick_ref(pick, refs, TAGS, name, PICK_TAG) ||
		pick_ref(pick, refs, HEADS, name, PICK_BRANCH);
}

/* What there is, for an error: the newest versions, and how many more. */
static char *describe_versions(const struct component_versions *versions)
{
	GString *text = g_string_new(NULL);
	guint count = versions->versions->len;

	if (count == 0)
		g_string_append(text, "it has no tag that says a version");
	for (guint i = 0; i < count && i < LIMIT_COMPONENT_VERSIONS_NAMED; i++) {
		const struct component_version *version = g_ptr_array_index(versions->versions, i);

		g_string_append_printf(text, "%s%s%s", i > 0 ? ", " : "there is ", version->text,
			version->yanked ? " (yanked)" : "");
	}
	if (count > LIMIT_COMPONENT_VERSIONS_NAMED)
		g_string_append_printf(
			text, " and %u more", count - LIMIT_COMPONENT_VERSIONS_NAMED);
	return g_string_free(text, FALSE);
}

static gboolean fail_version(const struct component_versions *versions, const char *name,
	const char *wanted, GError **error)
{
	g_autofree char *there = describe_versions(versions);

	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"no version of '%s' is %s; %s", name, wanted, there);
	return FALSE;
}

static gboolean pick_range(const struct component_versions *versions, const GPtrArray *refs,
	const char *name, const struct component_constraint *constraint,
	struct component_pick *pick, GError **error)
{
	const struct semver *exact = component_constraint_version(constraint);

	for (guint i = 0; i < versions->versions->len; i++) {
		const struct component_version *version = g_ptr_array_index(versions->versions, i);

		if (!semver_range_has(constraint->range, version->version) ||
			(version->yanked && !exact))
			continue;
		pick_version(pick, version, exact != NULL);
		return TRUE;
	}
	/* Some branches are called like ranges, `2.x`; and the repository's `v2.1.0` is no version of
	 * a component that has tags of its own, but may be what was meant. */
	return pick_tag_or_branch(pick, refs, constraint->text) ||
		fail_version(versions, name, constraint->text, error);
}

static gboolean pick_latest(const struct component_versions *versions, const char *name,
	struct component_pick *pick, GError **error)
{
	for (guint i = 0; i < versions->versions->len; i++) {
		const struct component_version *version = g_ptr_array_index(versions->versions, i);

		if (version->yanked || semver_is_prerelease(version->version))
			continue;
		pick_version(pick, version, FALSE);
		return TRUE;
	}
	return fail_version(versions, name, "stable (latest)", error);
}

static gboolean pick_commit(struct component_pick *pick, const char *digits)
{
	pick->kind = PICK_COMMIT;
	pick->commit_prefix = g_ascii_strdown(digits, -1);
	pick->pinned = TRUE;
	if (strlen(digits) == GIT_OID_HEXSZ)
		git_oid_fromstr(&pick->commit, pick->commit_prefix);
	return TRUE;
}

/* The nearest tag or branch to WANTED, as a question, or NULL. */
static char *suggest_ref(const GPtrArray *refs, const char *wanted)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint i = 0; i < refs->len; i++) {
		const struct version_ref *ref = g_ptr_array_index(refs, i);
		const char *name = behind(ref->name, TAGS, "");

		if (!name)
			name = behind(ref->name, HEADS, "");
		if (name)
			g_ptr_array_add(names, (gpointer)name);
	}
	g_ptr_array_add(names, NULL);
	return nearest_question(wanted, (const char *const *)names->pdata);
}

static gboolean is_whole_id(const char *text)
{
	return strlen(text) == GIT_OID_HEXSZ &&
		strspn(text, "0123456789abcdefABCDEF") == GIT_OID_HEXSZ;
}

static gboolean pick_name(const GPtrArray *refs, const char *name, const char *wanted,
	struct component_pick *pick, GError **error)
{
	g_autofree char *question = NULL;

	if (g_str_has_prefix(wanted, HEADS) && pick_ref(pick, refs, "", wanted, PICK_BRANCH))
		return TRUE;
	if (g_str_has_prefix(wanted, TAGS) && pick_ref(pick, refs, "", wanted, PICK_TAG))
		return TRUE;
	if (pick_tag_or_branch(pick, refs, wanted))
		return TRUE;
	if (is_whole_id(wanted))
		return pick_commit(pick, wanted);
	question = suggest_ref(refs, wanted);
	g_set_error(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND,
		"the repository of '%s' has no tag or branch '%s'%s%s", name, wanted,
		question ? "; " : "", question ? question : "");
	return FALSE;
}

static gboolean pick_default(const GPtrArray *refs, const char *name, const char *head_ref,
	struct component_pick *pick, GError **error)
{
	const struct version_ref *ref = head_ref ? find_ref(refs, head_ref) : NULL;

	if (!ref)
		ref = find_ref(refs, "HEAD");
	if (!ref) {
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BRANCH_NOT_FOUND,
			"the repository of '%s' has no default branch; name a version or a branch",
			name);
		return FALSE;
	}
	pick->kind = PICK_DEFAULT;
	pick->ref = g_strdup(head_ref);
	pick->commit = ref->oid;
	return TRUE;
}

gboolean component_versions_pick(const struct component_versions *versions, const GPtrArray *refs,
	const char *name, const char *head_ref, const struct component_constraint *constraint,
	struct component_pick *pick, GError **error)
{
	struct component_pick picked = {.ref = NULL};
	gboolean done = FALSE;

	switch (constraint->kind) {
	case CONSTRAINT_NONE:
		done = pick_default(refs, name, head_ref, &picked, error);
		break;
	case CONSTRAINT_RANGE:
		done = pick_range(versions, refs, name, constraint, &picked, error);
		break;
	case CONSTRAINT_LATEST:
		done = pick_latest(versions, name, &picked, error);
		break;
	case CONSTRAINT_COMMIT:
		done = pick_commit(&picked, constraint->text);
		break;
	case CONSTRAINT_NAME:
		done = pick_name(refs, name, constraint->text, &picked, error);
		break;
	}
	if (done)
		*pick = picked;
	return done;
}
