/* Which tags are versions of a component, and which of them a constraint means. */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "worker/component/component_versions.h"

static void free_ref(gpointer data)
{
	struct version_ref *ref = data;

	g_free((char *)ref->name);
	g_free(ref);
}

/* TEXT as refs: words `TAG=DIGIT`, `>BRANCH=DIGIT`, `HEAD=DIGIT`. */
static GPtrArray *refs_of(const char *text)
{
	GPtrArray *refs = g_ptr_array_new_with_free_func(free_ref);
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	for (size_t i = 0; words[i] && *words[i]; i++) {
		char *equals = strrchr(words[i], '=');
		struct version_ref *ref = g_new0(struct version_ref, 1);

		*equals = '\0';
		memset(ref->oid.id, equals[1], sizeof(ref->oid.id));
		if (strcmp(words[i], "HEAD") == 0)
			ref->name = g_strdup("HEAD");
		else if (words[i][0] == '>')
			ref->name = g_strconcat("refs/heads/", words[i] + 1, NULL);
		else
			ref->name = g_strconcat("refs/tags/", words[i], NULL);
		g_ptr_array_add(refs, ref);
	}
	return refs;
}

static struct component_versions *versions_of(
	const GPtrArray *refs, const char *path, const char *yanked, GError **error)
{
	g_auto(GStrv) out = g_strsplit(yanked, " ", -1);

	return component_versions_new(refs, "a", path, (const char *const *)out, error);
}

static const struct {
	const char *refs, *path;
	const char *versions; /* highest first, with the digit of the commit */
} listings[] = {
	{"", "", ""},
	{"v1.0.0=1 1.1.0=2 v0.9.0=3", "", "1.1.0=2 1.0.0=1 0.9.0=3"},
	{"a@1.0.0=1 v2.0.0=2", "", "1.0.0=1"},
	{"a@1.0.0=1 a/v1.1.0=2 a-v1.2.0=3 tools/a/v1.3.0=4", "tools/a",
		"1.3.0=4 1.2.0=3 1.1.0=2 1.0.0=1"},
	{"b@1.0.0=1 aa@2.0.0=2 v3.0.0=3", "tools/a", "3.0.0=3"},
	{"a@v1.0.0=1 a@1.0=2 a/1.0.0=3 a-1.0.0=4 ax@1.0.0=5 v1.2=6 V1.0.0=7 vv1.0.0=8", "", ""},
	{"v1.0.0=1 1.0.0=1", "", "1.0.0=1"},
	{"a@1.0.0=1 a/v1.0.0=1 a-v1.0.0=1", "", "1.0.0=1"},
	{"v1.0.0-rc.1=1 v1.0.0=2 v1.0.0-alpha=3", "", "1.0.0=2 1.0.0-rc.1=1 1.0.0-alpha=3"},
	{"v1.0.0+b=1 v1.0.0+a=2", "", "1.0.0+b=1 1.0.0+a=2"},
	{"v10.0.0=1 v9.0.0=2", "", "10.0.0=1 9.0.0=2"},
	{">v1.0.0=1 HEAD=2", "", ""},
};

static void test_listings(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(listings); i++) {
		g_autoptr(GPtrArray) refs = refs_of(listings[i].refs);
		g_autoptr(GError) error = NULL;
		scoped(component_versions)
			versions = versions_of(refs, listings[i].path, "", &error);
		g_autoptr(GString) text = g_string_new(NULL);

		g_test_message("%s", listings[i].refs);
		g_assert_no_error(error);
		for (guint j = 0; j < versions->versions->len; j++) {
			const struct component_version *version = versions->versions->pdata[j];

			g_string_append_printf(text, "%s%s=%c", j > 0 ? " " : "", version->text,
				version->commit.id[0]);
		}
		g_assert_cmpstr(text->str, ==, listings[i].versions);
	}
}

static void test_one_version_at_two_commits_is_refused(void)
{
	g_autoptr(GPtrArray) refs = refs_of("v1.0.0=1 1.0.0=2");
	g_autoptr(GPtrArray) own = refs_of("a@1.0.0=1 v1.0.0=2");
	g_autoptr(GError) error = NULL;
	scoped(component_versions) versions = NULL;

	g_assert_null(versions_of(refs, "", "", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	g_assert_cmpstr(error->message, ==,
		"version 1.0.0 of 'a' is two commits: tag '1.0.0' is 3232323, tag 'v1.0.0' is "
		"3131313");
	/* The repository's versions are not this component's. */
	versions = versions_of(own, "", "", NULL);
	g_assert_nonnull(versions);
}

#define REFS \
	"v1.0.0=1 v1.1.0=2 v1.2.0=3 v2.0.0=4 v2.1.0-rc.1=5 nightly=6 >main=7 >dev=8 >nightly=9 " \
	">2.x=a >7=b HEAD=7"
#define YANKED "1.2.0"

static const struct {
	const char *constraint;
	const char *pick; /* kind, ref, commit's digit, version, pinned, yanked; or the error */
} picks[] = {
	{"^1", "version refs/tags/v1.1.0 2 1.1.0"},
	{"*", "version refs/tags/v2.0.0 4 2.0.0"},
	{"latest", "version refs/tags/v2.0.0 4 2.0.0"},
	{">=2.1.0-rc.0", "version refs/tags/v2.1.0-rc.1 5 2.1.0-rc.1"},
	{"1.0.0", "version refs/tags/v1.0.0 1 1.0.0 pinned"},
	{"v1.0.0", "version refs/tags/v1.0.0 1 1.0.0 pinned"},
	{"1.2.0", "version refs/tags/v1.2.0 3 1.2.0 pinned yanked"},
	{"~1.2",
		"no version of 'a' is ~1.2; there is 2.1.0-rc.1, 2.0.0, 1.2.0 (yanked), 1.1.0, "
		"1.0.0"},
	{"9.9.9",
		"no version of 'a' is 9.9.9; there is 2.1.0-rc.1, 2.0.0, 1.2.0 (yanked), 1.1.0, "
		"1.0.0"},
	{"7", "branch refs/heads/7 b"},
	{"2.x", "version refs/tags/v2.0.0 4 2.0.0"},
	{"refs/heads/2.x", "branch refs/heads/2.x a"},
	{"nightly", "tag refs/tags/nightly 6"},
	{"main", "branch refs/heads/main 7"},
	{"mian", "the repository of 'a' has no tag or branch 'mian'; did you mean 'main'?"},
	{"", "default refs/heads/main 7"},
	{"@abcdef0", "commit abcdef0 pinned"},
	{"3131313131313131313131313131313131313131",
		"commit 3131313131313131313131313131313131313131 1 pinned"},
	{"@3131313131313131313131313131313131313131",
		"commit 3131313131313131313131313131313131313131 1 pinned"},
};

static char *text_of(const struct component_pick *pick)
{
	static const char *const kinds[] = {
		[PICK_VERSION] = "version",
		[PICK_TAG] = "tag",
		[PICK_BRANCH] = "branch",
		[PICK_COMMIT] = "commit",
		[PICK_DEFAULT] = "default",
	};
	GString *text = g_string_new(kinds[pick->kind]);

	if (pick->ref)
		g_string_append_printf(text, " %s", pick->ref);
	if (pick->commit_prefix)
		g_string_append_printf(text, " %s", pick->commit_prefix);
	if (pick->commit.id[0])
		g_string_append_printf(text, " %c", pick->commit.id[0]);
	if (pick->version)
		g_string_append_printf(text, " %s", pick->version);
	g_string_append_printf(
		text, "%s%s", pick->pinned ? " pinned" : "", pick->yanked ? " yanked" : "");
	return g_string_free(text, FALSE);
}

static void test_picks(void)
{
	g_autoptr(GPtrArray) refs = refs_of(REFS);
	scoped(component_versions) versions = versions_of(refs, "", YANKED, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(picks); i++) {
		g_autoptr(GError) error = NULL;
		scoped(component_constraint)
			constraint = component_constraint_parse(picks[i].constraint, &error);
		scoped_value(component_pick) pick = {.ref = NULL};
		gboolean done = component_versions_pick(
			versions, refs, "a", "refs/heads/main", constraint, &pick, &error);
		g_autofree char *text = done ? text_of(&pick) : g_strdup(error->message);

		g_assert_true(done ||
			g_error_matches(error, FORGE_ERROR, FORGE_ERROR_COMPONENT_NOT_FOUND));
		g_assert_cmpstr(text, ==, picks[i].pick);
	}
}

static const struct {
	const char *constraint;
	const char *pick;
} own_picks[] = {
	{"1.0.0", "version refs/tags/a@1.0.0 1 1.0.0 pinned"},
	{"v1.0.0", "version refs/tags/a@1.0.0 1 1.0.0 pinned"},
	{"v2.1.0", "tag refs/tags/v2.1.0 2"},
	{"2.1", "tag refs/tags/2.1 3"},
	{"2.x", "branch refs/heads/2.x 5"},
	{"3.x", "tag refs/tags/3.x 6"},
	{"2.1.0", "no version of 'a' is 2.1.0; there is 1.0.0"},
	{"^2.1.0", "no version of 'a' is ^2.1.0; there is 1.0.0"},
};

static void test_a_range_without_a_version_may_be_a_name(void)
{
	g_autoptr(GPtrArray)
		refs = refs_of("a@1.0.0=1 v2.1.0=2 v1.0.0=9 2.1=3 >2.1=4 >2.x=5 3.x=6 HEAD=7");
	scoped(component_versions) versions = versions_of(refs, "", "", NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(own_picks); i++) {
		g_autoptr(GError) error = NULL;
		scoped(component_constraint)
			constraint = component_constraint_parse(own_picks[i].constraint, &error);
		scoped_value(component_pick) pick = {.ref = NULL};
		gboolean done = component_versions_pick(
			versions, refs, "a", "refs/heads/main", constraint, &pick, &error);
		g_autofree char *text = done ? text_of(&pick) : g_strdup(error->message);

		g_assert_cmpstr(text, ==, own_picks[i].pick);
	}
}

static void test_the_order_of_refs_does_not_matter(void)
{
	g_autoptr(GPtrArray) refs = refs_of("1.0.0=1 v1.0.0=1 v2.0.0=2 2.0.0=2");
	g_autoptr(GPtrArray) other = refs_of("2.0.0=2 v2.0.0=2 v1.0.0=1 1.0.0=1");
	scoped(component_versions) first = versions_of(refs, "", "", NULL);
	scoped(component_versions) second = versions_of(other, "", "", NULL);

	for (guint i = 0; i < 2; i++) {
		const struct component_version *a = first->versions->pdata[i];
		const struct component_version *b = second->versions->pdata[i];

		g_assert_cmpstr(a->ref, ==, b->ref);
	}
}

static void test_without_refs_there_is_no_default(void)
{
	g_autoptr(GPtrArray) refs = refs_of("");
	scoped(component_versions) versions = versions_of(refs, "", "", NULL);
	scoped(component_constraint) none = component_constraint_parse(NULL, NULL);
	scoped(component_constraint) latest = component_constraint_parse("latest", NULL);
	struct component_pick pick;
	g_autoptr(GError) error = NULL;

	g_assert_false(component_versions_pick(versions, refs, "a", NULL, none, &pick, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BRANCH_NOT_FOUND);
	g_clear_error(&error);
	g_assert_false(component_versions_pick(versions, refs, "a", NULL, latest, &pick, &error));
	g_assert_cmpstr(error->message, ==,
		"no version of 'a' is stable (latest); it has no tag that says a version");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/component_versions/its_own_tags_count_before_the_repositorys", test_listings);
	g_test_add_func("/component_versions/one_version_at_two_commits_is_refused",
		test_one_version_at_two_commits_is_refused);
	g_test_add_func("/component_versions/a_constraint_means_one_of_them", test_picks);
	g_test_add_func("/component_versions/a_range_without_a_version_may_be_a_name",
		test_a_range_without_a_version_may_be_a_name);
	g_test_add_func("/component_versions/the_order_of_refs_does_not_matter",
		test_the_order_of_refs_does_not_matter);
	g_test_add_func("/component_versions/without_refs_there_is_no_default",
		test_without_refs_there_is_no_default);
	return g_test_run();
}
