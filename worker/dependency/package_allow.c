/*
 * Which candidates of a component a constraint allows.
 *
 * A range is asked of versions, and of what the component.yaml of a branch or commit says that it
 * is. What is locked is allowed wherever it fits, yanked or young. A lock holds a branch where it
 * was, also after upstream rewrote it; only what lies on another branch by now was locked for that
 * one.
 */
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "worker/dependency/package.h"
#include "worker/dependency/package_parts.h"

#define TAGS "refs/tags/"
#define HEADS "refs/heads/"
#define US_PER_MS 1000

void package_allowed_clear(struct package_allowed *allowed)
{
	g_clear_pointer(&allowed->candidates, g_array_unref);
	g_clear_pointer(&allowed->reason, g_free);
}

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
	/* Where nobody can say what was yanked, any version may have been. */
	return candidate->locked ||
		(!candidate->yanked && !is_too_young(package, candidate) &&
			!(candidate->version && package->manifest_problem));
}

static void say_nothing_allowed(const struct package *package, const char *wanted,
	gboolean held_back, struct package_allowed *allowed)
{
	GString *text = g_string_new(NULL);
	guint named = 0, versions = 0;

	if (held_back && package->manifest_problem && allowed->candidates->len == 0)
		allowed->reason = g_strdup_printf(
			"nobody can say which versions of '%s' were yanked: %s", package->name,
			package->manifest_problem->message);
	if (allowed->candidates->len > 0 || allowed->reason) {
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
				candidate->yanked                          ? " (yanked)"
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

	if (!found && package_may_fetch_all(package)) {
		if (!package_fetch_all(package, error))
			return FALSE;
		found = find_by_digits(package, digits, &commit);
	}
	if (found)
		allow(allowed, package_add_named(package, &commit, NULL, NULL, &allowed->added));
	else
		allowed->reason = g_strdup_printf("no branch or tag holds a commit @%s", digits);
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
	if (package_may_fetch_all(package) && !package_fetch_all(package, error))
		return FALSE;
	*holds = !lies_elsewhere(package, commit);
	return TRUE;
}

/* A branch's tip, and what a lock holds it at. */
static gboolean allow_branch(struct package *package, const char *name, const char *ref,
	git_oid tip, struct package_allowed *allowed, GError **error)
{
	allow(allowed, package_add_named(package, &tip, name, ref, &allowed->added));
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
	if (!g_str_has_prefix(ref->name, TAGS))
		return allow_branch(package, name, ref->name, ref->oid, allowed, error);
	if (!package_check_tag(package, ref->name, error))
		return FALSE;
	allow(allowed, package_add_named(package, &ref->oid, name, ref->name, &allowed->added));
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

static gboolean allow_any(struct package *package, struct package_allowed *allowed, GError **error)
{
	gboolean has_versions = FALSE, held_back = FALSE;

	for (guint i = 0; i < package->candidates->len; i++) {
		const struct candidate *candidate = package->candidates->pdata[i];

		has_versions = has_versions || candidate->version;
		if (candidate->version && !candidate->locked &&
			semver_is_prerelease(candidate->order))
			continue;
		if (may_be_chosen(package, candidate))
			allow(allowed, i);
		else
			held_back = TRUE;
	}
	if (!has_versions) {
		g_array_set_size(allowed->candidates, 0);
		if (!allow_default(package, allowed, error))
			return FALSE;
		/* Whatever somebody else names will do, also where there is no default branch. */
		for (guint i = 0; i < package->candidates->len; i++)
			allow(allowed, i);
		if (allowed->candidates->len > 0)
			g_clear_pointer(&allowed->reason, g_free);
		return TRUE;
	}
	say_nothing_allowed(package, "stable", held_back, allowed);
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
