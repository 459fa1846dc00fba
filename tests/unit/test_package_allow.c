/* What a constraint allows of a component in a real repository, seen through a real store. */
#include "tests/unit/package_scene.h"

#include <string.h>

#include "journal/base/config.h"
#include "journal/base/errors.h"
#include "worker/git/git_library.h"

/* ---- versions ----------------------------------------------------------------------------- */

static void ranges_allow_the_versions_in_them(struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};

	(void)unused;
	publish_some(scene);
	look(scene, NULL, &sight);
	assert_allows(&sight, "^1", "1.2.0, 1.0.0");
	assert_allows(&sight, ">=1.2", "2.0.0, 1.2.0");
	assert_allows(&sight, ">=2.1.0-alpha", "2.1.0-rc.1");
	assert_allows(&sight, "1.0.0", "1.0.0");
	assert_allows(&sight, "v1.0.0", "1.0.0");
	assert_allows(&sight, "1 || 2", "2.0.0, 1.2.0, 1.0.0");
	assert_allows(&sight, "*", "2.0.0, 1.2.0, 1.0.0");
	assert_allows(&sight, "", "2.0.0, 1.2.0, 1.0.0");
	assert_refuses(
		&sight, "^3", "no version of 'tool' is ^3; there is 2.1.0-rc.1, 2.0.0, 1.2.0");
	assert_refuses(&sight, ">>1", "expected a range of versions");
}

static void latest_is_the_highest_stable_one(struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};

	(void)unused;
	publish_some(scene);
	look(scene, NULL, &sight);
	assert_allows(&sight, "latest", "2.0.0");
	g_assert_cmpstr(package_latest(sight.package)->version, ==, "2.0.0");
}

static void latest_stays_where_it_is_locked(struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid commit;

	(void)unused;
	publish_some(scene);
	commit = git_fixture_oid(&scene->fixture, "r", "v1.2.0^{commit}");
	lock_at(scene, &commit, "1.2.0");
	look(scene, NULL, &sight);
	assert_allows(&sight, "latest", "2.0.0, 1.2.0");
	assert_allows(&sight, "^1", "1.2.0, 1.0.0");
}

static void prereleases_alone_are_named_and_allowed_only_where_they_are_locked(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	scoped_value(sight) locked = {0};
	git_oid commit = publish(scene, "1.0.0-beta.1", "git tag v1.0.0-beta.1");

	(void)unused;
	look(scene, NULL, &sight);
	assert_allows(&sight, "", "-: no version of 'tool' is stable; there is 1.0.0-beta.1");
	assert_allows(&sight, "latest",
		"-: no version of 'tool' is stable (latest); there is 1.0.0-beta.1");
	g_assert_null(package_latest(sight.package));
	lock_at(scene, &commit, "1.0.0-beta.1");
	look(scene, NULL, &locked);
	assert_allows(&locked, "", "1.0.0-beta.1");
}

static void yank(struct scene *scene, const char *versions)
{
	git_fixture_do(&scene->fixture,
		"cd r; printf 'components:\\n  tools:\\n    - name: tool\\n"
		"      path: components/tools/tool\\n      yanked: [%s]\\n' >forge-manifest.yaml;"
		"git add .; git commit -q -m yank",
		versions);
}

static void a_yanked_version_is_allowed_by_its_name_or_where_it_is_locked(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	scoped_value(sight) locked = {0};
	git_oid commit;

	(void)unused;
	publish_some(scene);
	yank(scene, "1.2.0, 2.0.0");
	look(scene, NULL, &sight);
	assert_allows(&sight, "^1", "1.0.0");
	assert_allows(&sight, "latest", "1.0.0");
	assert_allows(&sight, "", "1.0.0");
	assert_allows(&sight, "1.2.0", "1.2.0");
	assert_refuses(&sight, "~1.2",
		"2.0.0 (yanked), 1.2.0 (yanked), 1.0.0; sync.minimum_age or a yank");
	g_assert_cmpstr(package_latest(sight.package)->version, ==, "1.0.0");

	commit = git_fixture_oid(&scene->fixture, "r", "v1.2.0^{commit}");
	lock_at(scene, &commit, "1.2.0");
	look(scene, NULL, &locked);
	assert_allows(&locked, "~1.2", "1.2.0");
	assert_allows(&locked, "", "1.2.0, 1.0.0");
}

static void a_young_version_is_allowed_by_its_name_or_where_it_is_locked(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	scoped_value(sight) locked = {0};
	scoped_value(sight) later = {0};
	git_oid commit;

	(void)unused;
	publish_some(scene);
	scene->config->sync_minimum_age_ms = 2 * DAY_US / 1000;
	/* Nobody had looked before, so the age of the commits counts: 1.2.0 is of the second day. */
	scene->terms.now_us = ((uint64_t)BEGIN_S + 3 * 24 * 60 * 60) * G_USEC_PER_SEC;
	look(scene, NULL, &sight);
	assert_allows(&sight, "*", "1.2.0, 1.0.0");
	assert_allows(&sight, "latest", "1.2.0");
	assert_allows(&sight, "2.0.0", "2.0.0");
	assert_refuses(&sight, "^2", "2.0.0 (too young)");

	commit = git_fixture_oid(&scene->fixture, "r", "v2.0.0^{commit}");
	lock_at(scene, &commit, "2.0.0");
	look(scene, NULL, &locked);
	assert_allows(&locked, "^2", "2.0.0");
	g_clear_pointer(&scene->locked.commit, g_free);

	/* What comes now is as old as its first sight, whatever date its commit claims. */
	git_fixture_do(&scene->fixture, "git -C r tag v9.0.0 v1.0.0");
	look(scene, NULL, &later);
	assert_refuses(&later, "^9", "9.0.0 (too young)");
}

/* ---- branches, tags, commits -------------------------------------------------------------- */

static void a_commit_is_found_by_its_first_digits_and_is_its_version_too(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid plain;
	g_autofree char *constraint = NULL;
	g_autofree char *tagged = NULL;
	g_autofree char *whole = NULL;
	git_oid version;

	(void)unused;
	publish(scene, "1.0.0", "git tag v1.0.0");
	publish(scene, "1.0.1", "git branch side; git reset -q --hard v1.0.0");
	plain = git_fixture_oid(&scene->fixture, "r", "side");
	version = git_fixture_oid(&scene->fixture, "r", "v1.0.0");
	look(scene, NULL, &sight);
	constraint = g_strdup_printf("@%.9s", git_oid_tostr_s(&plain));
	assert_allows_at(&sight, constraint, "@%s", &plain);
	tagged = g_strdup_printf("@%.8s", git_oid_tostr_s(&version));
	assert_allows_at(&sight, tagged, "@%s", &version);
	whole = g_strdup(git_oid_tostr_s(&plain));
	assert_allows_at(&sight, whole, "@%s", &plain);
	assert_refuses(&sight, "@0000000", "no branch or tag holds a commit @0000000");
	/* Its component.yaml says 1.0.1, so that range is content with it. */
	assert_allows_at(&sight, "~1.0.1", "@%s", &plain);
}

static void a_name_is_a_tag_before_it_is_a_branch(struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid one, two;

	(void)unused;
	one = publish(scene, "1.0.0", "git tag stable");
	two = publish(scene, "1.1.0", "git branch stable; git branch 3.x; git branch other");
	look(scene, NULL, &sight);
	assert_allows_at(&sight, "stable", "stable at %s", &one);
	assert_allows_at(&sight, "refs/heads/stable", "refs/heads/stable at %s", &two);
	assert_refuses(
		&sight, "nowhere", "the repository of 'tool' has no tag or branch 'nowhere'");
}

static void a_range_that_no_version_fits_may_be_a_branch(struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid tip;

	(void)unused;
	publish(scene, "1.0.0", "git tag v1.0.0");
	tip = publish(scene, "9.9.9", "git branch 3.x");
	look(scene, NULL, &sight);
	assert_allows_at(&sight, "3.x", "3.x at %s", &tip);
	assert_allows(&sight, "1.x", "1.0.0");
}

static void the_default_branch_is_for_who_names_nothing_where_no_tag_says_a_version(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid tip;

	(void)unused;
	publish(scene, "1.0.0", ":");
	tip = publish(scene, "1.1.0", "git tag v1 HEAD");
	look(scene, NULL, &sight);
	assert_allows_at(&sight, "", "main at %s", &tip);
	assert_allows_at(&sight, PACKAGE_DEFAULT_BRANCH, "main at %s", &tip);
	assert_allows_at(&sight, "^1.1", "main at %s", &tip);
	assert_refuses(
		&sight, "^2", "no version of 'tool' is ^2; it has no tag that says a version");
	assert_refuses(&sight, "latest", "it has no tag that says a version");
}

static void who_names_nothing_is_content_with_what_somebody_else_names(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid tip;

	(void)unused;
	tip = publish(scene, "1.0.0", "git branch side");
	git_fixture_do(&scene->fixture,
		"cd r; git symbolic-ref HEAD refs/heads/none; git update-ref -d refs/heads/main");
	look(scene, "side", &sight);
	assert_refuses(&sight, "", "has no default branch; name a version or a branch");
	assert_refuses(&sight, PACKAGE_DEFAULT_BRANCH, "has no default branch");
	assert_allows_at(&sight, "side", "side at %s", &tip);
	assert_allows_at(&sight, "", "side at %s", &tip);
}

/* ---- locked branches ---------------------------------------------------------------------- */

static void a_lock_holds_a_branch_where_it_was(struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid before = publish(scene, "1.0.0", ":");
	git_oid tip = publish(scene, "1.1.0", ":");
	g_autofree char *expected = g_strdup_printf("main at %.7s, @", git_oid_tostr_s(&tip));
	g_autofree char *both = NULL;

	(void)unused;
	lock_at(scene, &before, NULL);
	look(scene, "main", &sight);
	both = g_strdup_printf("%s%.7s", expected, git_oid_tostr_s(&before));
	assert_allows(&sight, "main", both);
	assert_allows(&sight, PACKAGE_DEFAULT_BRANCH, both);
}

static void a_lock_of_one_branch_does_not_hold_another(struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid side, tip;

	(void)unused;
	publish(scene, "1.0.0", "git checkout -q -b side");
	publish(scene, "1.1.0", "git checkout -q main");
	side = git_fixture_oid(&scene->fixture, "r", "side");
	tip = publish(scene, "1.2.0", ":");
	lock_at(scene, &side, NULL);
	look(scene, "main", &sight);
	assert_allows_at(&sight, "main", "main at %s", &tip);
	assert_allows_at(&sight, "side", "@%s", &side);
}

static void a_lock_holds_a_branch_that_was_rewritten_while_it_can_be_read(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) first = {0};
	scoped_value(sight) sight = {0};
	git_oid before, tip;
	g_autofree char *both = NULL;
	char hex[8];

	(void)unused;
	publish(scene, "1.0.0", ":");
	before = publish(scene, "1.1.0", ":");
	look(scene, NULL, &first);
	g_assert_true(source_has(first.source, &before));
	git_fixture_do(&scene->fixture, "git -C r reset -q --hard HEAD~");
	tip = publish(scene, "1.2.0", ":");
	lock_at(scene, &before, NULL);
	look(scene, "main", &sight);
	both = g_strdup_printf("main at %.7s, @%s", git_oid_tostr_s(&tip),
		git_oid_tostr(hex, sizeof(hex), &before));
	assert_allows(&sight, "main", both);
}

/* ---- tags that moved, repositories that are gone ------------------------------------------- */

static void a_version_whose_tag_moved_is_an_error_that_names_both_commits(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) sight = {0};
	git_oid none = {{0}}, before, after;
	g_autoptr(GPtrArray) sources = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	scoped(source) source = NULL;
	scoped(package) package = NULL;
	g_autofree char *before_hex = NULL;

	(void)unused;
	before = publish(scene, "1.0.0", "git tag v1.0.0");
	look(scene, NULL, &sight);
	after = publish(scene, "1.0.0", "git tag -f v1.0.0");
	source = source_new(&scene->terms, scene->repository);
	g_ptr_array_add(sources, source);
	g_assert_true(sources_look(sources, &error));
	package = package_new(source, "tool", NULL, &none);
	g_assert_false(package_load(package, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TAG_MOVED);
	before_hex = g_strdup(git_oid_tostr_s(&before));
	g_assert_nonnull(strstr(error->message, before_hex));
	g_assert_nonnull(strstr(error->message, git_oid_tostr_s(&after)));
}

/* One that says no version is an error for who names it, and for nobody else. */
static void a_named_tag_that_moved_is_an_error_for_who_names_it(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) first = {0};
	scoped_value(sight) sight = {0};
	scoped_value(package_allowed) allowed = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *before_hex = NULL;
	git_oid before, after;

	(void)unused;
	before = publish(scene, "1.0.0", "git tag stable");
	look(scene, NULL, &first);
	after = publish(scene, "1.1.0", "git tag -f stable");
	lock_at(scene, &before, NULL);
	look(scene, "stable", &sight);
	g_assert_false(package_allow(sight.package, "stable", &allowed, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TAG_MOVED);
	before_hex = g_strdup(git_oid_tostr_s(&before));
	g_assert_nonnull(strstr(error->message, before_hex));
	g_assert_nonnull(strstr(error->message, git_oid_tostr_s(&after)));
	g_clear_pointer(&scene->locked.commit, g_free);
}

static void a_repository_that_is_gone_leaves_what_is_locked(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) first = {0};
	scoped_value(sight) sight = {0};
	scoped_value(sight) empty = {0};
	git_oid commit = publish(scene, "1.0.0", "git tag v1.0.0");

	(void)unused;
	look(scene, NULL, &first);
	git_fixture_do(&scene->fixture, "rm -rf r");
	look(scene, NULL, &empty);
	g_assert_cmpint(empty.source->state, ==, SOURCE_GONE);
	g_assert_nonnull(empty.package->problem);
	lock_at(scene, &commit, "1.0.0");
	look(scene, NULL, &sight);
	g_assert_no_error(sight.package->problem);
	assert_allows(&sight, "^1", "1.0.0");
	assert_refuses(&sight, "^2", "there is 1.0.0");
}

/* ---- records of refs ---------------------------------------------------------------------- */

static void a_lock_file_that_a_killed_process_left_does_not_stop_anybody(
	struct scene *scene, gconstpointer unused)
{
	scoped_value(sight) first = {0};
	scoped_value(sight) sight = {0};

	(void)unused;
	publish(scene, "1.0.0", "git tag v1.0.0");
	look(scene, NULL, &first);
	git_fixture_do(&scene->fixture,
		"touch book/$(git -C book for-each-ref --format='%%(refname)').lock");
	publish(scene, "1.1.0", "git tag v1.1.0");
	look(scene, NULL, &sight);
	assert_allows(&sight, "^1", "1.1.0, 1.0.0");
	git_fixture_do(&scene->fixture, "test -z \"$(find book -name '*.lock')\"");
}

/* ---- requests ----------------------------------------------------------------------------- */

/* So that choosing one of them asks nobody. */
static void all_tags_that_may_be_versions_come_with_the_first_look(
	struct scene *scene, gconstpointer unused)
{
	static const char *const tags[] = {"v1.0.0", "1.1.0", "tool@1.2.0", "tool/v1.3.0",
		"tool-v1.4.0", "tool-vault-v1.5.0", "components/tools/tool/v1.6.0",
		"x-v1-v1.7.0-vega.1", "a-very-vivid-v1.8.0-rc.1+b-v2"};
	scoped_value(sight) sight = {0};

	(void)unused;
	publish(scene, "0.1.0", ":");
	for (size_t i = 0; i < G_N_ELEMENTS(tags); i++) {
		g_autofree char *script = g_strdup_printf(
			"git checkout -q --detach; git tag '%s'; git checkout -q main", tags[i]);

		/* Each on no branch. */
		git_fixture_do(&scene->fixture, "git -C r checkout -q --detach");
		publish(scene, "0.0.1", script);
	}
	look(scene, NULL, &sight);
	for (size_t i = 0; i < G_N_ELEMENTS(tags); i++) {
		git_oid commit = git_fixture_oid(&scene->fixture, "r", tags[i]);

		g_test_message("%s", tags[i]);
		g_assert_true(source_has(sight.source, &commit));
	}
}

#define ADD(name) \
	g_test_add("/package_allow/" #name, struct scene, NULL, package_scene_set_up, name, \
		package_scene_tear_down)

int main(int argc, char **argv)
{
	g_autofree char *home = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	home = sandbox_home();
	g_setenv("FORGE_HOME", home, TRUE);
	git_library_start();
	ADD(ranges_allow_the_versions_in_them);
	ADD(latest_is_the_highest_stable_one);
	ADD(latest_stays_where_it_is_locked);
	ADD(prereleases_alone_are_named_and_allowed_only_where_they_are_locked);
	ADD(a_yanked_version_is_allowed_by_its_name_or_where_it_is_locked);
	ADD(a_young_version_is_allowed_by_its_name_or_where_it_is_locked);
	ADD(a_commit_is_found_by_its_first_digits_and_is_its_version_too);
	ADD(a_name_is_a_tag_before_it_is_a_branch);
	ADD(a_range_that_no_version_fits_may_be_a_branch);
	ADD(the_default_branch_is_for_who_names_nothing_where_no_tag_says_a_version);
	ADD(who_names_nothing_is_content_with_what_somebody_else_names);
	ADD(a_lock_holds_a_branch_where_it_was);
	ADD(a_lock_of_one_branch_does_not_hold_another);
	ADD(a_lock_holds_a_branch_that_was_rewritten_while_it_can_be_read);
	ADD(a_version_whose_tag_moved_is_an_error_that_names_both_commits);
	ADD(a_named_tag_that_moved_is_an_error_for_who_names_it);
	ADD(a_repository_that_is_gone_leaves_what_is_locked);
	ADD(a_lock_file_that_a_killed_process_left_does_not_stop_anybody);
	ADD(all_tags_that_may_be_versions_come_with_the_first_look);
	status = g_test_run();
	git_library_stop();
	sandbox_remove(g_steal_pointer(&home));
	return status;
}
