/*
 * Merges and rebases of components. Trees are written as shell scripts that leave files in an empty
 * folder; the conflicts are compared with what `git merge-tree` says of the same commits.
 */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "worker/workspace/component_history.h"
#include "worker/workspace/component_merge.h"

#define LINES "seq 1 20 >f"

struct merge_case {
	const char *what;
	const char *base, *ours, *theirs;
	const char *conflicts; /* `KIND PATH` each */
	const char *partial;   /* the script that makes the merged tree */
	gboolean as_git;       /* git tells the same three versions */
};

static const char *const kinds[] = {
	[CONFLICT_CONTENT] = "content",
	[CONFLICT_BOTH_ADDED] = "added",
	[CONFLICT_DELETED] = "deleted",
	[CONFLICT_TYPE] = "type",
	[CONFLICT_RENAMED] = "renamed",
	[CONFLICT_UNDECIDED] = "undecided",
};

static const struct merge_case cases[] = {
	{"clean", LINES "; echo a >g", LINES "; echo b >g", LINES "; echo a >g; echo n >new", "",
		LINES "; echo b >g; echo n >new", TRUE},
	{"one_file_conflicts_the_rest_merges", LINES "; echo a >g; seq 1 20 >h",
		LINES "; echo b >g; { echo 0; seq 1 20; } >h",
		LINES "; echo c >g; seq 1 21 >h; echo n >new", "content g",
		LINES "; echo b >g; seq 0 21 >h; echo n >new", TRUE},
	{"both_add", LINES, LINES "; echo b >g", LINES "; echo c >g; echo d >h", "added g",
		LINES "; echo b >g; echo d >h", TRUE},
	{"ours_deletes", LINES "; echo a >g", "echo a >g", "seq 1 21 >f; echo c >g", "deleted f",
		"echo c >g", TRUE},
	{"theirs_deletes", LINES "; echo a >g", "seq 1 21 >f; echo a >g", "echo c >g", "deleted f",
		"seq 1 21 >f; echo c >g", TRUE},
	{"link_against_file", LINES "; echo a >g", "ln -s g f; echo a >g", "seq 5 30 >f; echo a >g",
		"type f", "ln -s g f; echo a >g", FALSE},
	{"both_change_a_link", "ln -s a f", "ln -s b f", "ln -s c f; echo n >new", "content f",
		"ln -s b f; echo n >new", TRUE},
	{"modes_disagree_on_an_added_file", "echo a >g", "echo a >g; echo 1 >f",
		"echo a >g; echo 1 >f; chmod +x f", "added f", "echo a >g; echo 1 >f", TRUE},
	{"theirs_renames_and_both_change", LINES, "seq 0 20 >f", "{ echo x; seq 1 20; } >g",
		"content g", "seq 0 20 >g", TRUE},
	{"ours_renames_and_both_change", LINES, "seq 0 20 >g", "{ echo x; seq 1 20; } >f",
		"content g", "seq 0 20 >g", TRUE},
	{"theirs_renames_and_ours_deletes", LINES "; echo a >b", "echo a >b",
		"{ seq 1 20; } >g; echo a >b", "renamed g", "echo a >b", TRUE},
	{"both_rename_differently", LINES, "seq 1 20 >g", "seq 1 20 >h",
		"renamed f renamed g renamed h", "seq 1 20 >g", TRUE},
	{"both_rename_differently_and_change", LINES, "seq 0 20 >g", "{ echo x; seq 1 20; } >h",
		"renamed f renamed g renamed h", "seq 0 20 >g", FALSE},
	{"file_of_ours_against_directory_of_theirs", "echo a >a", "echo a >a; echo b >d",
		"echo a >a; mkdir d; echo c >d/x; echo n >n", "type d",
		"echo a >a; echo b >d; echo n >n", FALSE},
	{"directory_of_ours_against_file_of_theirs", "echo a >a", "echo a >a; mkdir d; echo c >d/x",
		"echo a >a; echo b >d; echo n >n", "type d",
		"echo a >a; mkdir d; echo c >d/x; echo n >n", FALSE},
	{"renamed_content_conflicts_where_something_was_added", LINES, "seq 0 20 >g",
		"{ echo x; seq 1 20; } >f; echo other >g", "renamed f renamed g", "seq 0 20 >g",
		FALSE},
	{"binary", "printf 'a\\0b' >f; echo a >g", "printf 'a\\0c' >f; echo a >g",
		"printf 'a\\0d' >f; echo b >g", "content f", "printf 'a\\0c' >f; echo b >g", TRUE},
	{"below_folders", "mkdir -p a/b; echo 1 >a/b/f; seq 1 9 >a/g",
		"mkdir -p a/b; echo 2 >a/b/f; seq 0 9 >a/g",
		"mkdir -p a/b; echo 3 >a/b/f; seq 1 10 >a/g; echo n >a/b/n", "content a/b/f",
		"mkdir -p a/b; echo 2 >a/b/f; seq 0 10 >a/g; echo n >a/b/n", TRUE},
};

/* `KIND PATH` each, as in the cases. */
static char *conflicts_of(const struct tree_merge *merge)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; merge->conflicts && i < merge->conflicts->len; i++) {
		const struct merge_conflict *conflict = merge->conflicts->pdata[i];

		g_string_append_printf(
			text, "%s%s %s", i > 0 ? " " : "", kinds[conflict->kind], conflict->path);
	}
	return g_string_free(text, FALSE);
}

/* The versions as `git merge-tree` lists them. */
static char *stages_of(const struct tree_merge *merge)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; merge->conflicts && i < merge->conflicts->len; i++) {
		const struct merge_conflict *conflict = merge->conflicts->pdata[i];

		for (int stage = 0; stage < MERGE_STAGES; stage++)
			if (conflict->stages[stage].mode != 0)
				g_string_append_printf(text, "%06o %s %d\t%s\n",
					conflict->stages[stage].mode,
					git_oid_tostr_s(&conflict->stages[stage].oid), stage + 1,
					conflict->path);
	}
	return g_strchomp(g_string_free(text, FALSE));
}

static void assert_tree(
	struct component_fixture *fixture, const git_oid *tree, const git_oid *commit)
{
	git_oid want;

	g_assert_true(component_history_tree(fixture->forge, commit, &want, NULL));
	if (!git_oid_equal(tree, &want))
		component_fixture_do(fixture, "fo diff %s %s >&2; false", git_oid_tostr_s(&want),
			git_oid_tostr_s(tree));
}

static void test_case(struct component_fixture *fixture, gconstpointer data)
{
	const struct merge_case *merge_case = data;
	git_oid base = component_fixture_commit(fixture, NULL, merge_case->base);
	git_oid ours = component_fixture_commit(fixture, &base, merge_case->ours);
	git_oid theirs = component_fixture_commit(fixture, &base, merge_case->theirs);
	git_oid partial = component_fixture_commit(fixture, NULL, merge_case->partial);
	scoped_value(tree_merge) merge = {0};
	g_autoptr(GError) error = NULL;

	component_merge(fixture->forge, &ours, &theirs, &merge, &error);
	g_assert_no_error(error);
	g_autofree char *conflicts = conflicts_of(&merge);
	g_assert_cmpstr(conflicts, ==, merge_case->conflicts);
	g_assert_cmpint(merge.clean, ==, *conflicts == '\0');
	assert_tree(fixture, &merge.tree, &partial);
	g_assert_true(git_oid_equal(&merge.base, &base));
	g_autofree char *our_hex = g_strdup(git_oid_tostr_s(&ours));
	g_autofree char *gits = component_fixture_run(fixture,
		"fo -c merge.directoryRenames=false merge-tree --write-tree --no-messages %s %s | "
		"sed 1d || true",
		our_hex, git_oid_tostr_s(&theirs));
	g_autofree char *stages = stages_of(&merge);
	if (merge_case->as_git)
		g_assert_cmpstr(stages, ==, gits);
	component_fixture_do(fixture, "fo fsck --strict");
}

static void later_base_merges_by_way_of_the_old_one(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(tree_merge) merge = {0};
	g_autoptr(GError) error = NULL;

	(void)unused;
	component_fixture_do(
		fixture, "mkdir -p upstream/c; cd upstream; seq 1 20 >c/f; echo 1 >c/g; commit A");
	git_oid base = component_fixture_import(fixture, "c", NULL);
	git_oid ours = component_fixture_commit(fixture, &base, "seq 0 20 >f; echo 1 >g");
	component_fixture_do(fixture, "cd upstream; seq 1 21 >c/f; echo 2 >c/g; commit B");
	git_oid theirs = component_fixture_import(fixture, "c", &base);
	git_oid want = component_fixture_commit(fixture, NULL, "seq 0 21 >f; echo 2 >g");
	component_merge(fixture->forge, &ours, &theirs, &merge, &error);
	g_assert_no_error(error);
	g_assert_true(merge.clean);
	g_assert_true(git_oid_equal(&merge.base, &base));
	assert_tree(fixture, &merge.tree, &want);
}

static void bases_without_a_common_commit_are_unrelated(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(tree_merge) merge = {0};
	g_autoptr(GError) error = NULL;
	git_oid ours = component_fixture_commit(fixture, NULL, "echo 1 >f");
	git_oid theirs = component_fixture_commit(fixture, NULL, "echo 2 >f");

	(void)unused;
	g_assert_false(component_merge(fixture->forge, &ours, &theirs, &merge, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNRELATED_HISTORIES);
}

static void rebase_replays_commits_as_git_does(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(component_rebase) rebase = {.done = 0};
	scoped_value(component_rebase) again = {.done = 0};
	g_autoptr(GError) error = NULL;
	git_oid base = component_fixture_commit(fixture, NULL, LINES "; echo a >g");
	git_oid one = component_fixture_commit(fixture, &base, "seq 0 20 >f; echo a >g");
	git_oid two = component_fixture_commit(fixture, &one, "seq 0 20 >f; echo b >g");
	git_oid three = component_fixture_commit(
		fixture, &two, "seq 0 20 >f; echo b >g; echo n >n");
	git_oid onto = component_fixture_commit(fixture, &base, "seq 1 21 >f; echo b >g");
	git_oid want = component_fixture_commit(fixture, NULL, "seq 0 21 >f; echo b >g; echo n >n");
	git_oid commits[] = {one, two, three};

	(void)unused;
	component_rebase(fixture->forge, commits, 3, &onto, &rebase, &error);
	component_rebase(fixture->forge, commits, 3, &onto, &again, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(rebase.done, ==, 3);
	g_assert_true(git_oid_equal(&rebase.head, &again.head));
	git_oid tree;
	component_history_tree(fixture->forge, &rebase.head, &tree, &error);
	assert_tree(fixture, &tree, &want);
	/* The second changed only what upstream has by now, and is left out. */
	g_autofree char *head = g_strdup(git_oid_tostr_s(&rebase.head));
	component_fixture_do(fixture,
		"test $(fo rev-parse %s~2) = %s; fo fsck --strict;"
		"test \"$(fo log -2 --format='%%an %%at %%s' %s | uniq)\" = "
		"'Somebody 1700001234 Change something'",
		head, git_oid_tostr_s(&onto), head);
}

static void rebase_stops_at_the_first_conflict_and_goes_on_behind_it(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(component_rebase) rebase = {.done = 0};
	scoped_value(component_rebase) rest = {.done = 0};
	g_autoptr(GError) error = NULL;
	git_oid base = component_fixture_commit(fixture, NULL, LINES "; echo a >g");
	git_oid one = component_fixture_commit(fixture, &base, "seq 0 20 >f; echo a >g");
	git_oid two = component_fixture_commit(
		fixture, &one, "seq 0 20 >f; echo ours >g; echo n >n");
	git_oid three = component_fixture_commit(
		fixture, &two, "seq 0 20 >f; echo ours >g; echo n >n; echo o >o");
	git_oid onto = component_fixture_commit(fixture, &base, "seq 1 21 >f; echo theirs >g");
	git_oid partial = component_fixture_commit(
		fixture, NULL, "seq 0 21 >f; echo ours >g; echo n >n");
	git_oid commits[] = {one, two, three};

	(void)unused;
	component_rebase(fixture->forge, commits, 3, &onto, &rebase, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(rebase.done, ==, 1);
	g_autofree char *conflicts = conflicts_of(&rebase.stopped);
	g_assert_cmpstr(conflicts, ==, "content g");
	assert_tree(fixture, &rebase.stopped.tree, &partial);
	const struct merge_conflict *conflict = rebase.stopped.conflicts->pdata[0];
	g_autofree char *ours = component_fixture_run(fixture, "fo cat-file blob %s",
		git_oid_tostr_s(&conflict->stages[MERGE_STAGE_OURS].oid));
	g_assert_cmpstr(ours, ==, "ours");

	git_oid resolved = component_fixture_commit(
		fixture, &rebase.head, "seq 0 21 >f; echo both >g; echo n >n");
	git_oid want = component_fixture_commit(
		fixture, NULL, "seq 0 21 >f; echo both >g; echo n >n; echo o >o");
	component_rebase(fixture->forge, commits + 2, 1, &resolved, &rest, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(rest.done, ==, 1);
	git_oid tree;
	component_history_tree(fixture->forge, &rest.head, &tree, &error);
	assert_tree(fixture, &tree, &want);
}

static void rebase_of_nothing_is_the_new_base(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped_value(component_rebase) rebase = {.done = 0};
	scoped_value(component_rebase) broken = {.done = 0};
	g_autoptr(GError) error = NULL;
	git_oid onto = component_fixture_commit(fixture, NULL, "echo 1 >f");
	git_oid none = {{1}};

	(void)unused;
	component_rebase(fixture->forge, NULL, 0, &onto, &rebase, &error);
	g_assert_no_error(error);
	g_assert_true(git_oid_equal(&rebase.head, &onto));
	g_assert_false(component_rebase(fixture->forge, &none, 1, &onto, &broken, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

#define TEST(name) \
	g_test_add("/component_merge/" #name, struct component_fixture, NULL, \
		component_fixture_set_up, name, component_fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	component_fixture_prepare();
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/component_merge/", cases[i].what, NULL);

		g_test_add(name, struct component_fixture, &cases[i], component_fixture_set_up,
			test_case, component_fixture_tear_down);
	}
	TEST(later_base_merges_by_way_of_the_old_one);
	TEST(bases_without_a_common_commit_are_unrelated);
	TEST(rebase_replays_commits_as_git_does);
	TEST(rebase_stops_at_the_first_conflict_and_goes_on_behind_it);
	TEST(rebase_of_nothing_is_the_new_base);
	return g_test_run();
}
