/*
 * Anchors: names that any server may think of, and what is left of a file that was cut off.
 */
#include "worker/store/anchors.h"

#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"

static void every_branch_name_gives_a_valid_ref_of_its_own(void)
{
	static const char *const names[] = {"refs/heads/main", "refs/heads/Main", "refs/heads/a",
		"refs/heads/a/b", "refs/heads/a.lock", "refs/heads/..", "refs/heads/a b",
		"refs/heads/a~1", "refs/heads/@{-1}", "refs/heads/a%2Fb", "refs/heads/\xc3\xa9",
		"refs/heads/e\xcc\x81", "refs/heads/-x", "refs/heads/a\nb", "refs/heads/a\\b", "",
		"refs/heads/=", "refs/heads/*?["};
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *long_name = g_strnfill(1000, '/');
	g_autofree char *longer_name = g_strnfill(1001, '/');

	for (gsize i = 0; i < G_N_ELEMENTS(names) + 2; i++) {
		const char *name = i < G_N_ELEMENTS(names) ? names[i]
			: i % 2                            ? long_name
							   : longer_name;
		char *ref = anchor_name("tip", name);
		int valid = 0;

		git_reference_name_is_valid(&valid, ref);
		g_assert_true(valid || *name == '\0');
		g_assert_cmpuint(strlen(ref), <, 255);
		g_assert_true(g_hash_table_add(seen, ref));
	}
}

static void what_is_written_is_read_again(void)
{
	g_autofree char *folder = g_dir_make_tmp("forge-anchors-XXXXXX", NULL);
	g_autofree char *file = g_build_filename(folder, "packed-refs", NULL);
	scoped_value(anchors) written, read;
	g_autoptr(GError) error = NULL;
	git_oid oid;

	anchors_init(&written);
	anchors_init(&read);
	git_oid_fromstr(&oid, "0123456789012345678901234567890123456789");
	g_assert_true(anchors_read(&read, folder, &error));
	g_assert_true(anchors_set(&written, "refs/anchors/tip/b", &oid));
	g_assert_true(anchors_set(&written, "refs/anchors/tip/a", &oid));
	g_assert_false(anchors_set(&written, "refs/anchors/tip/a", &oid));
	g_assert_true(anchors_write(&written, folder, &error));
	g_assert_true(anchors_read(&read, folder, &error));
	g_assert_no_error(error);
	g_assert_cmpint(g_tree_nnodes(read.by_name), ==, 2);
	g_assert_true(git_oid_equal(anchors_find(&read, "refs/anchors/tip/b"), &oid));
	g_assert_null(anchors_find(&read, "refs/anchors/tip/c"));
	g_unlink(file);
	g_rmdir(folder);
}

static void a_damaged_file_is_refused_whole(void)
{
	static const char *const contents[] = {
		"0123456789012345678901234567890123456789 refs/anchors/tip/a",
		"0123456789012345678901234567890123456789\n", "0123 refs/anchors/tip/a\n", "\n\n",
		"0000000000000000000000000000000000000000 refs/anchors/tip/a\n",
		"0123456789012345678901234567890123456789 anchors/tip/a\n"};
	g_autofree char *folder = g_dir_make_tmp("forge-anchors-XXXXXX", NULL);
	g_autofree char *file = g_build_filename(folder, "packed-refs", NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
		scoped_value(anchors) anchors;
		g_autoptr(GError) error = NULL;

		anchors_init(&anchors);
		g_assert_true(g_file_set_contents(file, contents[i], -1, NULL));
		g_assert_false(anchors_read(&anchors, folder, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	}
	g_unlink(file);
	g_rmdir(folder);
}

static void too_many_are_thinned_but_not_those_in_use(void)
{
	struct fetch_ref used[] = {{.local_name = "refs/anchors/tip/000000"},
		{.local_name = "refs/anchors/tip/000001"}};
	scoped_value(anchors) anchors;
	git_oid oid;

	anchors_init(&anchors);
	git_oid_fromstr(&oid, "0123456789012345678901234567890123456789");
	for (int i = 0; i < LIMIT_ANCHORS; i++) {
		g_autofree char *name = g_strdup_printf("refs/anchors/tip/%06d", i);

		anchors_set(&anchors, name, &oid);
	}
	anchors_thin(&anchors, used, G_N_ELEMENTS(used));
	g_assert_cmpint(g_tree_nnodes(anchors.by_name), ==, LIMIT_ANCHORS);
	anchors_set(&anchors, "refs/anchors/tip/x", &oid);
	anchors_thin(&anchors, used, G_N_ELEMENTS(used));
	g_assert_cmpint(g_tree_nnodes(anchors.by_name), ==, LIMIT_ANCHORS / 2 + 1);
	g_assert_nonnull(anchors_find(&anchors, used[0].local_name));
	g_assert_nonnull(anchors_find(&anchors, used[1].local_name));
}

static void anchors_of_tags_are_told_from_those_of_branches(void)
{
	g_autofree char *tag = anchor_name("tip", "refs/tags/v1");
	g_autofree char *branch = anchor_name("tip", "refs/heads/refs/tags/v1");
	g_autofree char *synced = anchor_name("synced", "main");

	g_assert_true(anchor_is_of_tag(tag));
	g_assert_false(anchor_is_of_tag(branch));
	g_assert_false(anchor_is_of_tag(synced));
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	git_libgit2_init();
	g_test_add_func("/anchors/every_branch_name_gives_a_valid_ref_of_its_own",
		every_branch_name_gives_a_valid_ref_of_its_own);
	g_test_add_func("/anchors/anchors_of_tags_are_told_from_those_of_branches",
		anchors_of_tags_are_told_from_those_of_branches);
	g_test_add_func("/anchors/what_is_written_is_read_again", what_is_written_is_read_again);
	g_test_add_func("/anchors/too_many_are_thinned_but_not_those_in_use",
		too_many_are_thinned_but_not_those_in_use);
	g_test_add_func(
		"/anchors/a_damaged_file_is_refused_whole", a_damaged_file_is_refused_whole);
	status = g_test_run();
	git_libgit2_shutdown();
	return status;
}
