#include "tests/unit/git_fixture.h"
#include "worker/git/git_library.h"
#include "worker/content/new_content.h"

/* Shell functions for the tests' histories: `pointer N` prints a pointer whose digest is N
 * repeated. */
#define SHELL \
	"export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@x GIT_COMMITTER_NAME=T " \
	"GIT_COMMITTER_EMAIL=t@x;" \
	"pointer() { printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%s\\n" \
	"size 10\\n' \"$(printf \"$1%.0s\" $(seq 64))\"; };" \
	"commit() { git add -A; git commit -q --allow-empty -m \"$1\"; git tag \"$1\"; };" \
	"link() { git update-index --add --cacheinfo 160000,$(printf \"$1%.0s\" $(seq 40)),$2; };"

/* Runs SCRIPT in the fixture's repository `work`, which is made first. */
static void history(struct git_fixture *fixture, const char *script)
{
	g_autofree char *command = g_strconcat(
		"git init -q work; cd work; git config core.autocrlf false;" SHELL, script, NULL);

	g_free(sandbox_run(fixture->folder, command));
}

/* `PATH:DIGIT …` of what the tree of AFTER has and that of BEFORE (NULL: none) lacks. */
static char *collected(struct git_fixture *fixture, const char *before, const char *after)
{
	g_autofree char *path = g_build_filename(fixture->folder, "work", ".git", "objects", NULL);
	scoped_value(new_content) content = {0};
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	git_oid old_tree = {0}, new_tree;
	git_odb *odb = NULL;

	if (before) {
		g_autofree char *revision = g_strconcat(before, "^{tree}", NULL);

		old_tree = git_fixture_oid(fixture, "work", revision);
	}
	g_autofree char *revision = g_strconcat(after, "^{tree}", NULL);

	new_tree = git_fixture_oid(fixture, "work", revision);
	g_assert_cmpint(git_odb_open(&odb, path), ==, 0);
	new_content_collect(
		odb, before ? &old_tree : NULL, &new_tree, &fixture->budget, &content, &error);
	git_odb_free(odb);
	g_assert_no_error(error);
	for (guint i = 0; i < content.pointers->len; i++) {
		const struct new_pointer *found = content.pointers->pdata[i];

		g_assert_cmpint(found->pointer.size, ==, 10);
		g_string_append_printf(text, "%s:%c ", found->path, found->pointer.oid[0]);
	}
	for (guint i = 0; i < content.gitlinks->len; i++) {
		const struct new_gitlink *found = content.gitlinks->pdata[i];

		g_string_append_printf(
			text, "%s@%.1s ", found->path, git_oid_tostr_s(&found->commit));
	}
	return g_strchomp(g_string_free(g_steal_pointer(&text), FALSE));
}

static void assert_new(
	struct git_fixture *fixture, const char *before, const char *after, const char *expected)
{
	g_autofree char *found = collected(fixture, before, after);

	g_assert_cmpstr(found, ==, expected);
}

static void new_and_changed_pointers_are_found(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	history(fixture,
		"mkdir -p a/b c; pointer 1 >a/b/one; pointer 2 >a/two; echo text >c/text;"
		"commit before; pointer 3 >a/b/one; pointer 4 >c/four; pointer 5 >five;"
		"chmod +x a/two; ln -s five link; commit after");
	assert_new(fixture, "before", "after", "a/b/one:3 c/four:4 five:5");
	assert_new(fixture, "before", "before", "");
	assert_new(fixture, NULL, "after", "a/b/one:3 a/two:2 c/four:4 five:5");
}

static void what_was_moved_or_copied_is_not_new(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	history(fixture,
		"mkdir -p a/b; pointer 1 >a/b/one; pointer 2 >two; git add -A; link 7 module;"
		"git commit -q -m before; git tag before; mkdir z; git mv a/b/one z/uno; cp two z/two; pointer 3 >z/new;"
		"git add -A; link 7 z/module; link 8 z/other; git commit -q -m after; git tag after");
	assert_new(fixture, "before", "after", "z/new:3 z/other@8");
}

static void new_and_changed_gitlinks_are_found(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	history(fixture,
		"link 1 libs/one; link 2 two; git commit -q -m before; git tag before;"
		"link 3 libs/one; link 4 libs/four; git commit -q -m after; git tag after");
	assert_new(fixture, "before", "after", "libs/four@4 libs/one@3");
}

static void a_file_that_becomes_a_folder_or_a_gitlink_is_compared_with_nothing(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	history(fixture,
		"pointer 1 >a; pointer 2 >b; commit before; rm a b; mkdir a;"
		"pointer 3 >a/three; git add -A; link 4 b; git commit -q -m after; git tag after");
	assert_new(fixture, "before", "after", "a/three:3 b@4");
}

/* A tree of trees whose every entry is the same tree: 10^10 files in a few kilobytes. */
static void a_bomb_of_trees_is_walked_once(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	history(fixture,
		"commit before; b=$(pointer 1 | git hash-object -w --stdin);"
		"t=$(printf '100644 blob %s\\tx\\n' $b | git mktree);"
		"for i in 0 1 2 3 4 5 6 7 8 9; do t=$(for n in 0 1 2 3 4 5 6 7 8 9; do"
		"  printf '040000 tree %s\\t%s\\n' $t $n; done | git mktree); done;"
		"git tag after $(git commit-tree -m bomb $t)");
	assert_new(fixture, "before", "after", "0/0/0/0/0/0/0/0/0/0/x:1");
}

/* Trees that differ on every level are compared with each other each time: that has its limit. */
static void two_bombs_of_trees_are_too_large(struct git_fixture *fixture, gconstpointer unused)
{
	static const char *const sides[] = {"before", "after"};
	g_autofree char *path = NULL;
	scoped_value(new_content) content = {0};
	g_autoptr(GError) error = NULL;
	git_odb *odb = NULL;
	git_oid trees[2];

	(void)unused;
	history(fixture,
		"for s in before after; do b=$(echo $s | git hash-object -w --stdin);"
		"t=$(printf '100644 blob %s\\tx\\n' $b | git mktree);"
		"for i in 0 1 2 3 4 5 6 7 8 9; do t=$(for n in 0 1 2 3 4 5 6 7 8 9; do"
		"  printf '040000 tree %s\\t%s\\n' $t $n; done | git mktree); done;"
		"git tag $s $(git commit-tree -m bomb $t); done");
	for (gsize i = 0; i < G_N_ELEMENTS(trees); i++) {
		g_autofree char *revision = g_strconcat(sides[i], "^{tree}", NULL);

		trees[i] = git_fixture_oid(fixture, "work", revision);
	}
	path = g_build_filename(fixture->folder, "work", ".git", "objects", NULL);
	g_assert_cmpint(git_odb_open(&odb, path), ==, 0);
	g_assert_false(
		new_content_collect(odb, &trees[0], &trees[1], &fixture->budget, &content, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
	g_assert_null(content.pointers);
	git_odb_free(odb);
}

static void a_missing_tree_is_an_error_and_a_cancelled_job_stops(
	struct git_fixture *fixture, gconstpointer unused)
{
	g_autofree char *path = NULL;
	scoped_value(new_content) content = {0};
	g_autoptr(GError) error = NULL;
	git_odb *odb = NULL;
	git_oid tree, nowhere = {{1}};

	(void)unused;
	history(fixture, "pointer 1 >one; commit after");
	tree = git_fixture_oid(fixture, "work", "after^{tree}");
	path = g_build_filename(fixture->folder, "work", ".git", "objects", NULL);
	g_assert_cmpint(git_odb_open(&odb, path), ==, 0);
	g_assert_false(
		new_content_collect(odb, NULL, &nowhere, &fixture->budget, &content, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	g_clear_error(&error);
	g_atomic_int_set(&fixture->budget.cancelled, 1);
	g_assert_false(new_content_collect(odb, NULL, &tree, &fixture->budget, &content, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	git_odb_free(odb);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	git_library_start();
#define TEST(name) \
	g_test_add("/new_content/" #name, struct git_fixture, NULL, git_fixture_set_up, name, \
		git_fixture_tear_down)
	TEST(new_and_changed_pointers_are_found);
	TEST(what_was_moved_or_copied_is_not_new);
	TEST(new_and_changed_gitlinks_are_found);
	TEST(a_file_that_becomes_a_folder_or_a_gitlink_is_compared_with_nothing);
	TEST(a_bomb_of_trees_is_walked_once);
	TEST(two_bombs_of_trees_are_too_large);
	TEST(a_missing_tree_is_an_error_and_a_cancelled_job_stops);
	result = g_test_run();
	git_library_stop();
	return result;
}
