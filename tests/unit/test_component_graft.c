#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "worker/workspace/component_graft.h"
#include "worker/workspace/component_history.h"

static void make_upstream(struct component_fixture *fixture)
{
	component_fixture_do(fixture,
		"cd upstream; mkdir -p c/x/deep c/y x; echo 1 >c/x/component.yaml; echo 2 >c/x/deep/f;"
		"echo 3 >c/y/f; echo 4 >README; echo 5 >x/f; echo 6 >c/x-y; echo 7 >c/x.f; commit A");
}

/* Grafts COMPONENT's tree at PATH on upstream's HEAD; the commit is also upstream's branch `made`.
 */
static git_oid graft(struct component_fixture *fixture, const git_oid *component, const char *path,
	GError **error)
{
	git_signature *who = component_fixture_somebody();
	git_oid head = component_fixture_oid(fixture, "up", "HEAD");
	git_oid tree, commit = {{0}};

	component_history_tree(fixture->forge, component, &tree, error);
	if (component_graft(fixture->upstream, fixture->forge, &tree, &head, path, who, "Change x",
		    &commit, error) &&
		!git_oid_is_zero(&commit))
		component_fixture_do(
			fixture, "up update-ref refs/heads/made %s", git_oid_tostr_s(&commit));
	git_signature_free(who);
	return commit;
}

static void only_the_components_files_change(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	make_upstream(fixture);
	git_oid base = component_fixture_import(fixture, "c/x", NULL);
	git_oid local = component_fixture_commit(fixture, &base,
		"echo 1 >component.yaml; mkdir deep; echo changed >deep/f; echo n >new; chmod +x new");
	/* Upstream has moved on meanwhile, beside the folder. */
	component_fixture_do(fixture, "cd upstream; echo 9 >README; echo 9 >c/y/f; commit B");
	git_oid made = graft(fixture, &local, "c/x", &error);
	git_oid again = graft(fixture, &local, "c/x", &error);
	g_assert_no_error(error);
	g_assert_true(git_oid_equal(&made, &again));
	g_autofree char *changed = component_fixture_run(
		fixture, "up diff-tree -r --name-status HEAD made");
	g_assert_cmpstr(changed, ==, "M\tc/x/deep/f\nA\tc/x/new");
	component_fixture_do(fixture,
		"test $(up rev-parse made^) = $(up rev-parse HEAD);"
		"test $(up rev-parse made:c/x) = $(fo rev-parse %s^{tree});"
		"test \"$(up log -1 --format='%%an %%cn %%at %%s' made)\" = "
		"'Somebody Somebody 1700001234 Change x';"
		"rm -rf ws; up fsck --strict --full --no-dangling; mkdir ws",
		git_oid_tostr_s(&local));
}

static void folder_is_put_where_git_would_sort_it(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const paths[] = {"c/x", "c/x/deep", "c/xx", "c/w", "a/b/c/d", "z",
		"c/x-", "c/x-z", "c/x.a", "c/y/a/b", "", "A", "x/g/h/i/j"};

	(void)unused;
	make_upstream(fixture);
	git_oid local = component_fixture_commit(
		fixture, NULL, "echo new >f; mkdir d; echo 2 >d/f");
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;
		git_oid made = graft(fixture, &local, paths[i], &error);

		g_test_message("%s", paths[i]);
		g_assert_no_error(error);
		g_assert_false(git_oid_is_zero(&made));
		/* The same made by git in an index. */
		component_fixture_do(fixture,
			"export GIT_INDEX_FILE=\"$F/index\"; rm -f index; p='%s';"
			"if [ -n \"$p\" ]; then up read-tree HEAD; up rm -rq --cached --ignore-unmatch $p;"
			"up read-tree --prefix=$p/ made:$p; else up read-tree made; fi;"
			"test $(up write-tree) = $(up rev-parse made^{tree});"
			"test $(up rev-parse made:$p) = $(fo rev-parse %s^{tree}); up fsck --strict",
			paths[i], git_oid_tostr_s(&local));
	}
}

static void what_upstream_has_already_is_nothing_to_push(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	make_upstream(fixture);
	git_oid base = component_fixture_import(fixture, "c/x", NULL);
	git_oid root = component_fixture_import(fixture, "", NULL);
	component_fixture_do(fixture, "cd upstream; echo 9 >c/y/f; commit B");
	git_oid made = graft(fixture, &base, "c/x", &error);
	g_assert_no_error(error);
	g_assert_true(git_oid_is_zero(&made));
	component_fixture_do(fixture, "up reset -q --hard HEAD^");
	made = graft(fixture, &root, "", &error);
	g_assert_no_error(error);
	g_assert_true(git_oid_is_zero(&made));
}

static void something_else_in_the_way_is_a_conflict(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const paths[] = {
		"README", "README/x", "c/x/deep/f", "c/x/deep/f/a/b", "l", "l/x", "s", "s/x"};

	(void)unused;
	make_upstream(fixture);
	component_fixture_do(fixture,
		"ln -s c upstream/l; up add l; up update-index --add --cacheinfo 160000,"
		"$(up rev-parse HEAD),s; up commit -q -m L");
	git_oid local = component_fixture_commit(fixture, NULL, "echo new >f");
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", paths[i]);
		graft(fixture, &local, paths[i], &error);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SYNC_CONFLICT);
	}
}

static void empty_folders_and_odd_paths_are_refused(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const paths[] = {"/", "c//x", "../x", ".git/hooks", "c/.GIT", "c/x/"};

	(void)unused;
	make_upstream(fixture);
	git_oid local = component_fixture_commit(fixture, NULL, "echo new >f");
	git_oid empty = component_fixture_commit(fixture, NULL, "true");
	g_autoptr(GError) no_files = NULL;
	graft(fixture, &empty, "c/x", &no_files);
	g_assert_error(no_files, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;

		graft(fixture, &local, paths[i], &error);
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	}
}

static void odd_modes_of_upstream_stay_as_they_are(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	make_upstream(fixture);
	/* 100664, as old versions of git wrote it. */
	component_fixture_do(fixture,
		"up cat-file tree HEAD | sed 's/100644 README/100664 README/' >t;"
		"t=$(up hash-object -t tree -w --literally ../t);"
		"up reset -q --soft $(echo odd | up commit-tree $t)");
	git_oid local = component_fixture_commit(fixture, NULL, "echo new >f");
	graft(fixture, &local, "c/x", &error);
	g_assert_no_error(error);
	component_fixture_do(fixture, "up cat-file tree made | grep -aq '100664 README'");
}

static void graft_works_in_a_repository_that_borrows_upstreams_objects(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(fixture->folder, "fork.git", NULL);
	git_signature *who = component_fixture_somebody();
	git_repository *fork = NULL;
	git_oid tree, made;

	(void)unused;
	make_upstream(fixture);
	git_oid base = component_fixture_import(fixture, "c/x", NULL);
	git_oid local = component_fixture_commit(
		fixture, &base, "echo 1 >component.yaml; mkdir deep; echo changed >deep/f");
	git_oid head = component_fixture_oid(fixture, "up", "HEAD");
	component_fixture_do(fixture,
		"git init -q --bare fork.git; echo \"$F/upstream/.git/objects\" "
		">fork.git/objects/info/alternates");
	g_assert_cmpint(git_repository_open_bare(&fork, path), ==, 0);
	component_history_tree(fixture->forge, &local, &tree, &error);
	component_graft(fork, fixture->forge, &tree, &head, "c/x", who, "Change", &made, &error);
	g_assert_no_error(error);
	git_signature_free(who);
	git_repository_free(fork);
	/* A blob, four trees, a commit; upstream got nothing. */
	component_fixture_do(fixture,
		"test $(git -C fork.git count-objects | cut -d' ' -f1) = 6; ! up cat-file -e %s 2>&-;"
		"git -C fork.git fsck --strict",
		git_oid_tostr_s(&made));
}

#define TEST(name) \
	g_test_add("/component_graft/" #name, struct component_fixture, NULL, \
		component_fixture_set_up, name, component_fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	component_fixture_prepare();
	TEST(only_the_components_files_change);
	TEST(folder_is_put_where_git_would_sort_it);
	TEST(what_upstream_has_already_is_nothing_to_push);
	TEST(something_else_in_the_way_is_a_conflict);
	TEST(empty_folders_and_odd_paths_are_refused);
	TEST(odd_modes_of_upstream_stay_as_they_are);
	TEST(graft_works_in_a_repository_that_borrows_upstreams_objects);
	return g_test_run();
}
