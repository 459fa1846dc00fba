/* Files in a workspace's root, replaced as a whole. */
#include <glib.h>

#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"
#include "worker/workspace/file_replace.h"

static char *make_root(void)
{
	char *root = g_dir_make_tmp("forge-replace-XXXXXX", NULL);

	g_free(sandbox_run(root, "mkdir .forge"));
	return root;
}

static void expect(const char *root, const char *command, const char *output)
{
	g_autofree char *found = sandbox_run(root, command);

	g_assert_cmpstr(found, ==, output);
}

static void replace(const char *root, const char *text)
{
	g_autoptr(GError) error = NULL;

	file_replace(root, "forge.lock", text, &error);
	g_assert_no_error(error);
}

static void test_the_text_takes_the_files_place_and_nothing_else_is_left(void)
{
	char *root = make_root();

	replace(root, "one\n");
	expect(root, "cat forge.lock; ls -A; ls -A .forge", "one\n.forge\nforge.lock");
	g_free(sandbox_run(root, "chmod 640 forge.lock"));
	replace(root, "two\n");
	expect(root, "cat forge.lock; stat -c %a forge.lock", "two\n640");
	sandbox_remove(root);
}

static void test_what_a_killed_process_left_is_written_over(void)
{
	char *root = make_root();

	g_free(sandbox_run(root, "echo torn and longer than the new text >.forge/forge.lock.new"));
	replace(root, "one\n");
	expect(root, "cat forge.lock; ls -A .forge", "one");
	/* Nor is a link followed that somebody put there. */
	g_free(sandbox_run(
		root, "echo mine >other; ln -s ../other .forge/forge.lock.new; rm forge.lock"));
	replace(root, "two\n");
	expect(root, "cat other forge.lock; test ! -L forge.lock", "mine\ntwo");
	sandbox_remove(root);
}

static void test_what_cannot_be_written_leaves_the_old_file(void)
{
	char *root = make_root();
	g_autoptr(GError) error = NULL;

	g_free(sandbox_run(root, "mkdir -p forge.yaml/full"));
	g_assert_false(file_replace(root, "forge.yaml", "text\n", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE);
	expect(root, "ls -A; ls -A .forge", ".forge\nforge.yaml");
	g_clear_error(&error);
	replace(root, "one\n");
	g_free(sandbox_run(root, "rmdir .forge"));
	g_assert_false(file_replace(root, "forge.lock", "two\n", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE);
	expect(root, "cat forge.lock", "one");
	sandbox_remove(root);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/file_replace/the_text_takes_the_files_place_and_nothing_else_is_left",
		test_the_text_takes_the_files_place_and_nothing_else_is_left);
	g_test_add_func("/file_replace/what_a_killed_process_left_is_written_over",
		test_what_a_killed_process_left_is_written_over);
	g_test_add_func("/file_replace/what_cannot_be_written_leaves_the_old_file",
		test_what_cannot_be_written_leaves_the_old_file);
	return g_test_run();
}
