#include <glib.h>
#include <glib/gstdio.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "worker/workspace/workspace_repository.h"

static git_oid make_commit(struct component_fixture *fixture, const char *content)
{
	g_autofree char *make = g_strdup_printf("echo %s >f", content);

	return component_fixture_commit(fixture, NULL, make);
}

static void repository_is_bare_owned_and_good_for_git(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	component_fixture_do(fixture,
		"fo fsck --strict; test $(fo rev-parse --is-bare-repository) = true;"
		"test ! -e ws/.forge/repository/objects/info/alternates;"
		"test $(stat -c %%a ws/.forge) = 700; test $(ls ws/.forge) = repository");
}

static void making_it_again_leaves_it_alone(struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid commit = make_commit(fixture, "1");
	git_oid found;

	(void)unused;
	workspace_ref_set(fixture->forge, "x", "local", NULL, &commit, &error);
	g_assert_no_error(error);
	g_assert_true(workspace_repository_make(fixture->workspace, &error));
	g_assert_true(workspace_ref_get(fixture->forge, "x", "local", &found, &error));
	g_assert_true(git_oid_equal(&found, &commit));
	component_fixture_do(fixture, "test $(ls ws/.forge) = repository");
}

static void what_cannot_be_made_or_opened_is_an_error(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autofree char *absent = g_build_filename(fixture->folder, "absent", NULL);
	g_autoptr(GError) made = NULL;
	g_autoptr(GError) opened = NULL;

	(void)unused;
	g_assert_false(workspace_repository_make(absent, &made));
	g_assert_error(made, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE);
	g_assert_null(workspace_repository_open(absent, &opened));
	g_assert_error(opened, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

static void recovery_removes_what_a_killed_process_left(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid commit = make_commit(fixture, "1");

	(void)unused;
	component_fixture_do(fixture,
		"mkdir -p ws/.forge/repository/refs/forge/x ws/.forge/repository.new-abc/objects;"
		"touch ws/.forge/repository/refs/forge/x/base.lock "
		"ws/.forge/repository/packed-refs.lock");
	g_assert_false(workspace_ref_set(fixture->forge, "x", "base", NULL, &commit, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY);
	g_clear_error(&error);
	workspace_repository_recover(fixture->workspace);
	workspace_ref_set(fixture->forge, "x", "base", NULL, &commit, &error);
	g_assert_no_error(error);
	component_fixture_do(fixture, "test $(ls ws/.forge) = repository");
}

static void stale_locks_of_one_component_are_removed_and_no_others(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid commit = make_commit(fixture, "1");

	(void)unused;
	component_fixture_do(fixture,
		"cd ws/.forge/repository/refs; mkdir -p forge/x/pending forge/xy;"
		"touch forge/x/base.lock forge/x/pending/local.lock forge/xy/base.lock");
	workspace_refs_unlock(fixture->forge, "x");
	workspace_refs_unlock(fixture->forge, "not there");
	workspace_refs_unlock(fixture->forge, "nowhere");
	workspace_ref_set(fixture->forge, "x", "base", NULL, &commit, &error);
	g_assert_no_error(error);
	workspace_ref_set(fixture->forge, "x", "pending/local", NULL, &commit, &error);
	g_assert_no_error(error);
	g_assert_false(workspace_ref_set(fixture->forge, "xy", "base", NULL, &commit, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY);
}

static void refs_are_compared_and_swapped(struct component_fixture *fixture, gconstpointer unused)
{
	git_oid one = make_commit(fixture, "1");
	git_oid two = make_commit(fixture, "2");
	git_oid absent = {{0}};
	const struct {
		const git_oid *expected;
		const git_oid *to; /* NULL: delete */
		gboolean ok;
		const git_oid *then;
	} steps[] = {
		{&one, &two, FALSE, &absent},
		{&one, NULL, FALSE, &absent},
		{&absent, &one, TRUE, &one},
		{&absent, &two, FALSE, &one},
		{&two, &two, FALSE, &one},
		{&one, &two, TRUE, &two},
		{NULL, &one, TRUE, &one},
		{&two, NULL, FALSE, &one},
		{&absent, NULL, FALSE, &one},
		{&one, NULL, TRUE, &absent},
		{NULL, NULL, TRUE, &absent},
		{&absent, NULL, TRUE, &absent},
		{NULL, &two, TRUE, &two},
	};

	(void)unused;
	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autoptr(GError) error = NULL;
		git_oid found;
		gboolean ok = steps[i].to ? workspace_ref_set(fixture->forge, "x", "pending/a",
						    steps[i].expected, steps[i].to, &error)
					  : workspace_ref_delete(fixture->forge, "x", "pending/a",
						    steps[i].expected, &error);

		g_test_message("step %zu", i);
		g_assert_cmpint(ok, ==, steps[i].ok);
		if (!ok)
			g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED);
		g_clear_error(&error);
		workspace_ref_get(fixture->forge, "x", "pending/a", &found, &error);
		g_assert_no_error(error);
		g_assert_true(git_oid_equal(&found, steps[i].then));
	}
}

static void a_ref_never_names_what_is_not_there(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid none = {{1}};

	(void)unused;
	g_assert_false(workspace_ref_set(fixture->forge, "x", "base", NULL, &none, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

static void every_component_name_has_refs_of_its_own(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const names[] = {"a", "a-b", "a..b", "a.b", "a.", "a..", "a.lock",
		"a.lock.", "a.locked", "a-2e", "0", "a_b.lock.lock"};
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) listed = NULL;

	(void)unused;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		git_oid commit = make_commit(fixture, names[i]);

		g_test_message("%s", names[i]);
		workspace_ref_set(
			fixture->forge, names[i], "base", &(git_oid){{0}}, &commit, &error);
		g_assert_no_error(error);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		git_oid commit = make_commit(fixture, names[i]), found;

		workspace_ref_get(fixture->forge, names[i], "base", &found, &error);
		g_assert_no_error(error);
		g_assert_true(git_oid_equal(&found, &commit));
	}
	listed = workspace_refs_components(fixture->forge, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_strv_length(listed), ==, G_N_ELEMENTS(names));
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		g_assert_true(g_strv_contains((const char *const *)listed, names[i]));
	component_fixture_do(fixture, "fo fsck --strict; test $(fo for-each-ref | wc -l) = %zu",
		G_N_ELEMENTS(names));
}

static void names_that_are_none_are_refused(struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const names[] = {"", ".", "..", ".a", "a/b", "../a", "A", "a b", "a%2E",
		"a\n", "ä", "-a", "a~1", "a:b"};

	(void)unused;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) error = NULL;
		git_oid found;

		g_assert_false(workspace_ref_get(fixture->forge, names[i], "base", &found, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_VALIDATION_FAILED);
	}
	g_autofree char *longest = g_strnfill(100, 'a');
	g_autofree char *longer = g_strnfill(101, 'a');
	g_autofree char *ref = workspace_ref_name(longest, "base", NULL);
	g_assert_nonnull(ref);
	g_assert_null(workspace_ref_name(longer, "base", NULL));
	g_assert_null(workspace_ref_name("a", "pending/../b", NULL));
	g_assert_null(workspace_ref_name("a", "", NULL));
}

static void refs_are_listed_and_deleted_by_component_and_prefix(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const refs[] = {"pending/b", "pending/a", "base", "local", "stash/1"};
	g_autoptr(GError) error = NULL;
	git_oid commit = make_commit(fixture, "1");
	g_autoptr(GPtrArray) all = NULL;
	g_autoptr(GPtrArray) pending = NULL;
	g_autoptr(GPtrArray) rest = NULL;

	(void)unused;
	for (gsize i = 0; i < G_N_ELEMENTS(refs); i++) {
		workspace_ref_set(fixture->forge, "x", refs[i], NULL, &commit, &error);
		workspace_ref_set(fixture->forge, "x-y", refs[i], NULL, &commit, &error);
		g_assert_no_error(error);
	}
	all = workspace_refs_list(fixture->forge, "x", "", &error);
	pending = workspace_refs_list(fixture->forge, "x", COMPONENT_REF_PENDING, &error);
	g_assert_cmpuint(all->len, ==, 5);
	g_assert_cmpuint(pending->len, ==, 2);
	g_assert_cmpstr(((struct workspace_ref *)pending->pdata[0])->ref, ==, "pending/a");
	g_assert_true(workspace_refs_delete(fixture->forge, "x", COMPONENT_REF_PENDING, &error));
	rest = workspace_refs_list(fixture->forge, "x", "", &error);
	g_assert_cmpuint(rest->len, ==, 3);
	g_assert_true(workspace_refs_delete(fixture->forge, "x", "", &error));
	component_fixture_do(fixture,
		"test $(fo for-each-ref refs/forge/x/ | wc -l) = 0;"
		"test $(fo for-each-ref refs/forge/x-y/ | wc -l) = 5");
}

static void stashes_are_numbered_upwards_and_listed_newest_first(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) stashes = NULL;
	uint32_t number = 0;

	(void)unused;
	for (uint32_t i = 1; i <= 11; i++) {
		g_autofree char *content = g_strdup_printf("%u", i);
		git_oid commit = make_commit(fixture, content);

		workspace_stash_add(fixture->forge, "x", &commit, &number, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(number, ==, i);
	}
	workspace_ref_delete(fixture->forge, "x", "stash/3", NULL, &error);
	g_assert_no_error(error);
	stashes = workspace_stash_list(fixture->forge, "x", &error);
	g_assert_no_error(error);
	g_assert_cmpuint(stashes->len, ==, 10);
	g_assert_cmpuint(g_array_index(stashes, struct workspace_stash, 0).number, ==, 11);
	g_assert_cmpuint(g_array_index(stashes, struct workspace_stash, 8).number, ==, 2);
	g_assert_cmpuint(g_array_index(stashes, struct workspace_stash, 9).number, ==, 1);
}

#define TEST(name) \
	g_test_add("/workspace_repository/" #name, struct component_fixture, NULL, \
		component_fixture_set_up, name, component_fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	component_fixture_prepare();
	TEST(repository_is_bare_owned_and_good_for_git);
	TEST(making_it_again_leaves_it_alone);
	TEST(what_cannot_be_made_or_opened_is_an_error);
	TEST(recovery_removes_what_a_killed_process_left);
	TEST(stale_locks_of_one_component_are_removed_and_no_others);
	TEST(refs_are_compared_and_swapped);
	TEST(a_ref_never_names_what_is_not_there);
	TEST(every_component_name_has_refs_of_its_own);
	TEST(names_that_are_none_are_refused);
	TEST(refs_are_listed_and_deleted_by_component_and_prefix);
	TEST(stashes_are_numbered_upwards_and_listed_newest_first);
	return g_test_run();
}
