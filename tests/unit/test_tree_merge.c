/*
 * Merges in corner cases, each compared with what is written here and with the git that is
 * installed. How trees are written is said at merge_fixture_add_commit().
 */
#include <git2.h>
#include <glib.h>
#include <locale.h>

#include "journal/base/errors.h"
#include "tests/unit/merge_fixture.h"
#include "worker/merge/tree_merge.h"

struct merge_case {
	const char *name;
	const char *base, *ours, *theirs;
	const char *result;    /**< the merged tree; NULL: a conflict */
	const char *conflicts; /**< the conflicted paths */
};

static const struct merge_case cases[] = {
	{"one_side_changes", "f=1..9", "f=1..9+x", "f=1..9", "f=1..9+x", NULL},
	{"both_change_one_file_in_two_places", "f=1..9", "f=x+1..9", "f=1..9+y", "f=x+1..9+y",
		NULL},
	{"both_change_one_line_differently", "f=1..9", "f=1..9+x", "f=1..9+y", NULL, "f"},
	{"both_make_the_same_change", "f=1..9", "f=1..9+x", "f=1..9+x", "f=1..9+x", NULL},
	{"mode_on_one_side_content_on_the_other", "f=1..9", "f*=1..9", "f=1..9+x", "f*=1..9+x",
		NULL},
	{"both_add_with_different_modes", "a=1", "a=1 f=x", "a=1 f*=x", NULL, "f"},
	{"both_add_different_types", "a=1", "a=1 f=x", "a=1 f@=x", NULL, "f"},
	{"both_change_a_symbolic_link", "l@=a", "l@=b", "l@=c", NULL, "l"},
	{"both_change_a_gitlink", "s%=1", "s%=12", "s%=123", NULL, "s"},
	{"one_side_changes_a_gitlink", "s%=1 f=x", "s%=12 f=x", "s%=1 f=y", "s%=12 f=y", NULL},
	{"delete_against_change", "f=1..9 a=1", "a=1", "f=1..9+x a=1", NULL, "f"},
	{"both_delete", "f=1..9 a=1", "a=1", "a=1", "a=1", NULL},
	{"rename_against_change", "f=1..9", "g=1..9", "f=1..9+x", "g=1..9+x", NULL},
	{"similar_rename_against_change", "f=1..20", "g=1..20+o", "f=t+1..20", "g=t+1..20+o", NULL},
	{"rename_below_half_is_a_delete", "f=1..9",
		"g=1..3+some+thing+else+that+is+longer+than+it+was", "f=1..9+x", NULL, "f"},
	{"rename_against_delete", "f=1..9 a=1", "g=1..9 a=1", "a=1", NULL, "g"},
	{"renames_to_two_places", "f=1..9", "g=1..9", "h=1..9", NULL, "f g h"},
	{"renames_to_one_place", "f=1..9", "g=1..9", "g=1..9+x", "g=1..9+x", NULL},
	{"two_renames_onto_one_path", "f=1..9 e=21..29", "g=1..9 e=21..29", "f=1..9 g=21..29", NULL,
		"g"},
	{"rename_onto_an_added_file", "f=1..9", "g=1..9", "f=1..9 g=other", NULL, "g"},
	{"renamed_file_meets_added_directory", "d/f=1..9", "w=1..9", "d/f=1..9 w/r=x", NULL, "w"},
	{"file_becomes_directory", "f=x a=1", "f/g=x a=1", "f=x a=2", "f/g=x a=2", NULL},
	{"file_changed_against_directory", "f=1..9 a=1", "f/g=y a=1", "f=1..9+x a=1", NULL, "f"},
	{"directory_becomes_file", "d/f=x a=1", "d=y a=1", "d/f=x a=2", "d=y a=2", NULL},
	{"directory_becomes_file_against_added_file", "d/f=x", "d=y", "d/f=x d/g=z", NULL, "d"},
	{"renamed_directory_keeps_added_file", "d/f=1..9 d/g=21..29", "e/f=1..9 e/g=21..29",
		"d/f=1..9 d/g=21..29 d/h=new", "d/h=new e/f=1..9 e/g=21..29", NULL},
	{"last_file_of_a_directory_goes", "d/f=1 a=1", "a=1", "d/f=1 a=2", "a=2", NULL},
	{"everything_is_deleted", "f=1 g=2", "f=1", "g=2", "", NULL},
	{"empty_files_are_no_renames", "f= a=1", "g= a=1", "f= a=2", "g= a=2", NULL},
	{"sorting_of_files_and_directories", "a/x=1 a.b=1 a-b=1", "a/x=2 a.b=1 a-b=1",
		"a/x=1 a.b=2 a-b=1", "a/x=2 a.b=2 a-b=1", NULL},
	{"rename_against_changed_type", "f=1..9 a=1", "g=1..9 a=1", "f@=elsewhere a=1", NULL, "g"},
	{"mode_change_follows_rename", "f=1..9", "g=1..9", "f*=1..9", "g*=1..9", NULL},
	{"swapped_names", "f=1..9 g=21..29", "f=21..29 g=1..9", "f=1..9+x g=21..29", NULL, "f"},
};

static void test_case(struct merge_fixture *fixture, gconstpointer data)
{
	const struct merge_case *merge_case = data;
	unsigned base = merge_fixture_add_commit(fixture, merge_case->base, NULL, 0);
	unsigned ours = merge_fixture_add_commit(fixture, merge_case->ours, &base, 1);
	unsigned theirs = merge_fixture_add_commit(fixture, merge_case->theirs, &base, 1);
	unsigned result = merge_case->result != NULL
		? merge_fixture_add_commit(fixture, merge_case->result, NULL, 0)
		: 0;
	g_autoptr(GPtrArray) ids = merge_fixture_import(fixture);
	g_autoptr(GPtrArray) pair = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *paths = NULL;

	g_ptr_array_add(pair, g_strconcat(ids->pdata[ours], " ", ids->pdata[theirs], NULL));
	struct merge_outcome outcome = merge_fixture_ask_forge(
		fixture, ids->pdata[ours], ids->pdata[theirs], &paths);
	g_autofree char *tree = outcome.tree;
	g_autoptr(GArray) gits = merge_fixture_ask_git(fixture, pair);
	g_assert_cmpint(
		outcome.verdict, ==, merge_case->result != NULL ? MERGE_CLEAN : MERGE_CONFLICT);
	g_assert_cmpint(g_array_index(gits, struct merge_outcome, 0).verdict, ==, outcome.verdict);
	if (outcome.verdict == MERGE_CONFLICT) {
		g_assert_cmpstr(paths, ==, merge_case->conflicts);
		return;
	}
	g_autofree char *expected = merge_fixture_tree_of(fixture, ids->pdata[result]);
	g_assert_cmpstr(tree, ==, expected);
	g_assert_cmpstr(g_array_index(gits, struct merge_outcome, 0).tree, ==, expected);
}

static void test_unrelated(struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned ours = merge_fixture_add_commit(fixture, "f=1", NULL, 0);
	unsigned theirs = merge_fixture_add_commit(fixture, "g=1", NULL, 0);
	g_autoptr(GPtrArray) ids = merge_fixture_import(fixture);
	scoped_value(tree_merge) merge = {0};
	g_autoptr(GError) error = NULL;
	git_oid our_oid, their_oid;

	(void)unused;
	git_oid_fromstr(&our_oid, ids->pdata[ours]);
	git_oid_fromstr(&their_oid, ids->pdata[theirs]);
	g_assert_false(
		tree_merge_commits(fixture->repository, &our_oid, &their_oid, &merge, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNRELATED_HISTORIES);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_test_init(&argc, &argv, NULL);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_setenv("GIT_CONFIG_GLOBAL", "/dev/null", TRUE);
	git_libgit2_init();
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/tree_merge/", cases[i].name, NULL);
		g_test_add(name, struct merge_fixture, &cases[i], merge_fixture_set_up, test_case,
			merge_fixture_tear_down);
	}
	g_test_add("/tree_merge/histories_without_a_common_commit_are_an_error",
		struct merge_fixture, NULL, merge_fixture_set_up, test_unrelated,
		merge_fixture_tear_down);
	int status = g_test_run();
	git_libgit2_shutdown();
	return status;
}
