/* Trees that must never reach a disk, and those that look like them and may. */
#include "worker/workspace/tree_safety.h"

#include <string.h>

#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"
#include "tests/unit/tree_fixture.h"
#include "worker/git/git_library.h"
#include "worker/workspace/path_safety.h"

struct fixture {
	char *folder;
	git_repository *repository;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_library_start();
	fixture->folder = g_dir_make_tmp("forge-safety-XXXXXX", NULL);
	g_assert_cmpint(git_repository_init(&fixture->repository, fixture->folder, 1), ==, 0);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_repository_free(fixture->repository);
	sandbox_remove(fixture->folder);
	git_library_stop();
}

/* Checks TREE: CODE with NAMED in the message, or nothing at all if NAMED is NULL. */
static void expect(struct fixture *fixture, const git_oid *tree, const struct tree_limits *limits,
	enum forge_error code, const char *named)
{
	g_autoptr(GError) error = NULL;
	gboolean good = tree_safety_check(fixture->repository, tree, limits, &error);

	if (named == NULL) {
		g_assert_no_error(error);
		g_assert_true(good);
		return;
	}
	g_assert_false(good);
	g_assert_error(error, FORGE_ERROR, (gint)code);
	if (strstr(error->message, named) == NULL)
		g_error("'%s' does not name '%s'", error->message, named);
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static const char *const bad_names[] = {".git", ".GIT", ".Git", ".gIt", "git~1", "GIT~1", ".git ",
	".git.", ".git...", ".git . .", ".git::$INDEX_ALLOCATION", ".git:x", ".git.:x",
	"GIT~1::$INDEX_ALLOCATION", ".g\xe2\x80\x8cit", "\xef\xbb\xbf.git", ".git\xe2\x80\x8f",
	".\xe2\x80\xaegIT", ".git\xe2\x81\xaf", "..", ".", "", "a/b", "/etc", "a\\b", ".git\\x",
	"\\", "../x", ".g\xe2\x80\x8cit "};

static const char *const good_names[] = {".gitignore", ".gitattributes", ".github", "git", "git~2",
	".git~1", "x.git", ".gita", ".gi", "..x", "...", ". ", "-x", "a b", " ", "a\nb", "\xff\xfe",
	"\xc3\xa9", "CON", ":", "~", "%2e%2e", ".g\xc4\xb1t"};

static void names_that_mean_git_or_another_folder_are_refused(
	struct fixture *fixture, gconstpointer unused)
{
	git_oid blob = tree_fixture_blob(fixture->repository, "x");

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(bad_names); i++) {
		git_oid tree = tree_fixture_one(fixture->repository, bad_names[i], 0100644, &blob);
		git_oid sub = tree_fixture_one(fixture->repository, bad_names[i], 0040000, &tree);
		git_oid outer = tree_fixture_one(fixture->repository, "outer", 0040000, &tree);

		expect(fixture, &tree, NULL, FORGE_ERROR_SECURITY_REFUSED, "a ");
		expect(fixture, &sub, NULL, FORGE_ERROR_SECURITY_REFUSED, "a ");
		expect(fixture, &outer, NULL, FORGE_ERROR_SECURITY_REFUSED, "outer/");
		g_assert_nonnull(path_safety_fault(bad_names[i]));
	}
}

static void odd_names_that_mean_nothing_are_fine(struct fixture *fixture, gconstpointer unused)
{
	git_oid blob = tree_fixture_blob(fixture->repository, "x");

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(good_names); i++) {
		git_oid tree = tree_fixture_one(fixture->repository, good_names[i], 0100755, &blob);

		expect(fixture, &tree, NULL, FORGE_ERROR_FAILED, NULL);
	}
}

static void forge_is_refused_at_the_top_alone(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file top[] = {{".forge/x", 0, "x"}};
	static const struct fixture_file spelled[] = {{".FoRge", 0, "x"}};
	static const struct fixture_file below[] = {{"d/.forge/x", 0, "x"}};
	git_oid tree = tree_fixture_write(fixture->repository, top, 1);

	(void)unused;
	expect(fixture, &tree, NULL, FORGE_ERROR_SECURITY_REFUSED, ".forge");
	tree = tree_fixture_write(fixture->repository, spelled, 1);
	expect(fixture, &tree, NULL, FORGE_ERROR_SECURITY_REFUSED, ".FoRge");
	tree = tree_fixture_write(fixture->repository, below, 1);
	expect(fixture, &tree, NULL, FORGE_ERROR_FAILED, NULL);
}

struct tree_case {
	const char *named; /**< in the refusal; NULL: it is fine */
	struct fixture_file files[5];
};

static const struct tree_case link_cases[] = {
	{NULL, {{"d/l", 0120000, "../f"}, {"f", 0, "x"}}},
	{NULL, {{"l", 0120000, "nowhere"}}},
	{NULL, {{"l", 0120000, "."}}},
	{NULL, {{"a/b/l", 0120000, "../.."}}},
	{NULL, {{"l", 0120000, "l"}}},
	{NULL, {{"l", 0120000, "m/x"}, {"m", 0120000, "l/x"}}},
	{"l: ", {{"l", 0120000, "/etc/passwd"}}},
	{"l: ", {{"l", 0120000, "//x"}}},
	{"l: ", {{"l", 0120000, ".."}}},
	{"d/l: ", {{"d/l", 0120000, "../../x"}}},
	{"d/l: ", {{"d/l", 0120000, "./../x/../../y"}}},
	{"d/l: ", {{"d/l", 0120000, "new/../../../x"}}},
	/* each is fine by itself: one link turns what stands before `..` into another folder */
	{"a/b/l: ", {{"a/b/l", 0120000, "up/../.."}, {"a/b/up", 0120000, "../.."}}},
	{"a/l: ", {{"a/l", 0120000, "m/../.."}, {"a/m", 0120000, "../top"}, {"top", 0120000, "."}}},
	{NULL, {{"a/l", 0120000, "m/.."}, {"a/m", 0120000, "../b/c"}, {"b/c/f", 0, "x"}}},
	{"l: ", {{"l", 0120000, ""}}},
	{"l: ", {{"l", 0120000, ".git/hooks"}}},
	{"d/l: ", {{"d/l", 0120000, "../.forge/repository"}}},
	{".gitmodules", {{".gitmodules", 0120000, "f"}, {"f", 0, "x"}}},
	{NULL, {{".gitmodules", 0, "x"}}},
};

static void symlinks_stay_in_the_component(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(link_cases); i++) {
		size_t count = 0;
		git_oid tree;

		while (count < 5 && link_cases[i].files[count].path != NULL)
			count++;
		tree = tree_fixture_write(fixture->repository, link_cases[i].files, count);
		g_test_message("case %zu", i);
		expect(fixture, &tree, NULL, FORGE_ERROR_SECURITY_REFUSED, link_cases[i].named);
	}
}

static const struct tree_case collision_cases[] = {
	{"readme", {{"README", 0, "x"}, {"readme", 0, "y"}}},
	{"d/", {{"d/A", 0, "x"}, {"d/a", 0, "y"}}},
	{"a/X", {{"A/x", 0, "x"}, {"a/X", 0, "y"}}},
	{NULL, {{"A/x", 0, "x"}, {"a/y", 0, "y"}}},
	{NULL, {{"A/x", 0, "x"}, {"b/x", 0, "y"}}},
	{"", {{"A", 0120000, "d"}, {"a/x", 0, "y"}, {"d/y", 0, "z"}}},
	/* é, composed and not; ß and SS are one when folded */
	{"", {{"\xc3\xa9", 0, "x"}, {"e\xcc\x81", 0, "y"}}},
	{"", {{"\xc3\x89", 0, "x"}, {"e\xcc\x81", 0, "y"}}},
	{"",
		{{"stra\xc3\x9f"
		  "e",
			 0, "x"},
			{"STRASSE", 0, "y"}}},
	{NULL, {{"\xff", 0, "x"}, {"\xfe", 0, "y"}}},
	{"",
		{{"\xff"
		  "A",
			 0, "x"},
			{"\xff"
			 "a",
				0, "y"}}},
};

static void paths_that_are_one_elsewhere_are_refused(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(collision_cases); i++) {
		size_t count = 0;
		git_oid tree;

		while (count < 5 && collision_cases[i].files[count].path != NULL)
			count++;
		tree = tree_fixture_write(fixture->repository, collision_cases[i].files, count);
		g_test_message("case %zu", i);
		expect(fixture, &tree, NULL, FORGE_ERROR_SECURITY_REFUSED,
			collision_cases[i].named);
	}
}

static void one_name_for_a_file_and_a_directory_is_refused(
	struct fixture *fixture, gconstpointer unused)
{
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid sub = tree_fixture_one(fixture->repository, "y", 0100644, &blob);
	g_autofree char *command = g_strdup_printf(
		"printf '100644 blob %s\\ta\\n100644 blob %s\\ta.b\\n040000 tree %s\\ta\\n' | "
		"git mktree",
		"587be6b4c3f93f93c489c0111bba5596147a26cb",
		"587be6b4c3f93f93c489c0111bba5596147a26cb", git_oid_tostr_s(&sub));
	g_autofree char *hex = NULL;
	git_oid tree;

	(void)unused;
	tree_fixture_blob(fixture->repository, "x\n");
	hex = sandbox_run(fixture->folder, command);
	g_assert_cmpint(git_oid_fromstr(&tree, hex), ==, 0);
	expect(fixture, &tree, NULL, FORGE_ERROR_SECURITY_REFUSED, "a: ");
}

static void submodules_are_unsupported(struct fixture *fixture, gconstpointer unused)
{
	git_oid commit;
	git_oid tree;

	(void)unused;
	git_oid_fromstr(&commit, "0123456789012345678901234567890123456789");
	tree = tree_fixture_one(fixture->repository, "vendor", 0160000, &commit);
	tree = tree_fixture_one(fixture->repository, "sub", 0040000, &tree);
	expect(fixture, &tree, NULL, FORGE_ERROR_UNSUPPORTED, "sub/vendor: ");
}

static void limits_name_what_is_past_them(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file files[] = {
		{"a/b/c", 0, "12345"}, {"d", 0, "x"}, {"e", 0120000, "d"}};
	git_oid tree = tree_fixture_write(fixture->repository, files, G_N_ELEMENTS(files));
	struct tree_limits limits = {.blob_bytes_max = 5, .entries_max = 5, .depth_max = 2};
	g_autofree char *name = g_strnfill(256, 'n');
	git_oid blob = tree_fixture_blob(fixture->repository, "x");

	(void)unused;
	expect(fixture, &tree, &limits, FORGE_ERROR_FAILED, NULL);
	limits.blob_bytes_max = 4;
	expect(fixture, &tree, &limits, FORGE_ERROR_TOO_LARGE, "a/b/c: 5 bytes; the limit is 4");
	limits.blob_bytes_max = 5;
	limits.entries_max = 4;
	expect(fixture, &tree, &limits, FORGE_ERROR_TOO_LARGE, "more than 4");
	limits.entries_max = 5;
	limits.depth_max = 1;
	expect(fixture, &tree, &limits, FORGE_ERROR_TOO_LARGE, "a/b: ");
	tree = tree_fixture_one(fixture->repository, name, 0100644, &blob);
	expect(fixture, &tree, NULL, FORGE_ERROR_TOO_LARGE, "255");
	name[255] = '\0';
	tree = tree_fixture_one(fixture->repository, name, 0100644, &blob);
	expect(fixture, &tree, NULL, FORGE_ERROR_FAILED, NULL);
	for (int i = 0; i < 20; i++)
		tree = tree_fixture_one(fixture->repository, name, 0040000, &tree);
	expect(fixture, &tree, NULL, FORGE_ERROR_TOO_LARGE, "a path of more than");
}

static void trees_nested_without_end_are_refused(struct fixture *fixture, gconstpointer unused)
{
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid tree = tree_fixture_one(fixture->repository, "f", 0100644, &blob);

	(void)unused;
	for (int i = 0; i < 2000; i++)
		tree = tree_fixture_one(fixture->repository, "d", 0040000, &tree);
	expect(fixture, &tree, NULL, FORGE_ERROR_TOO_LARGE, "256");
}

/* 2^40 files from forty small objects: the count of entries ends it. */
static void a_tree_that_multiplies_is_refused(struct fixture *fixture, gconstpointer unused)
{
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid tree = tree_fixture_one(fixture->repository, "f", 0100644, &blob);

	(void)unused;
	for (int i = 0; i < 40; i++) {
		g_autofree char *command = g_strdup_printf(
			"printf '040000 tree %s\\ta\\n040000 tree %s\\tb\\n' | git mktree",
			git_oid_tostr_s(&tree), git_oid_tostr_s(&tree));
		g_autofree char *hex = sandbox_run(fixture->folder, command);

		git_oid_fromstr(&tree, hex);
	}
	expect(fixture, &tree, NULL, FORGE_ERROR_TOO_LARGE, "more than 200000");
}

/* Forty links, each through the next a thousand times. */
static void links_that_lead_through_each_other_end(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GString) target = g_string_new(NULL);
	struct fixture_file files[200];
	char names[200][8];
	git_oid tree;

	(void)unused;
	for (int i = 0; i < 900; i++)
		g_string_append(target, "l0/");
	for (int i = 0; i < 200; i++) {
		g_snprintf(names[i], sizeof(names[i]), "l%d", i);
		files[i] = (struct fixture_file){names[i], 0120000, target->str};
	}
	tree = tree_fixture_write(fixture->repository, files, 200);
	expect(fixture, &tree, NULL, FORGE_ERROR_TOO_LARGE, "too often");
}

static void what_is_missing_or_of_another_kind_is_named(
	struct fixture *fixture, gconstpointer unused)
{
	git_oid none;
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid tree;

	(void)unused;
	git_oid_fromstr(&none, "0123456789012345678901234567890123456789");
	expect(fixture, &none, NULL, FORGE_ERROR_BROKEN_REPOSITORY, "(top)");
	tree = tree_fixture_one(fixture->repository, "f", 0100644, &none);
	expect(fixture, &tree, NULL, FORGE_ERROR_BROKEN_REPOSITORY, "f: ");
	tree = tree_fixture_one(fixture->repository, "f", 0040000, &blob);
	expect(fixture, &tree, NULL, FORGE_ERROR_BROKEN_REPOSITORY, "f: ");
	expect(fixture, &blob, NULL, FORGE_ERROR_BROKEN_REPOSITORY, "no tree");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/tree_safety/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(names_that_mean_git_or_another_folder_are_refused);
	TEST(odd_names_that_mean_nothing_are_fine);
	TEST(forge_is_refused_at_the_top_alone);
	TEST(symlinks_stay_in_the_component);
	TEST(paths_that_are_one_elsewhere_are_refused);
	TEST(one_name_for_a_file_and_a_directory_is_refused);
	TEST(submodules_are_unsupported);
	TEST(limits_name_what_is_past_them);
	TEST(trees_nested_without_end_are_refused);
	TEST(a_tree_that_multiplies_is_refused);
	TEST(links_that_lead_through_each_other_end);
	TEST(what_is_missing_or_of_another_kind_is_named);
	return g_test_run();
}
