/* Changes of a folder: whole, refused, and with somebody editing meanwhile. */
#include "worker/workspace/folder_apply.h"

#include <string.h>
#include <unistd.h>

#include "tests/unit/apply_fixture.h"

static void every_change_leads_there_and_back(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		git_oid from = write_case(fixture, cases[i].from);
		git_oid to = write_case(fixture, cases[i].to);
		g_autofree char *left = NULL;

		must_apply(fixture, NULL, &from);
		expect_tree(fixture, &from);
		must_apply(fixture, &from, &to);
		expect_tree(fixture, &to);
		must_apply(fixture, &to, &to);
		must_apply(fixture, &to, &from);
		expect_tree(fixture, &from);
		must_apply(fixture, &from, NULL);
		g_assert_false(g_file_test(fixture->folder, G_FILE_TEST_EXISTS));
		left = sandbox_run(fixture->root,
			"find components .forge/apply .forge/kept -mindepth 1 2>/dev/null || true");
		g_assert_cmpstr(left, ==, "components/tools");
	}
}

static void what_does_not_change_is_not_touched(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file from[] = {
		{"same", 0, "1"}, {"d/same", 0, "1"}, {"f", 0, "1"}, {"m", 0, "1"}};
	static const struct fixture_file to[] = {
		{"same", 0, "1"}, {"d/same", 0, "1"}, {"f", 0, "2"}, {"m", 0100755, "1"}};
	git_oid old = tree_fixture_write(fixture->repository, from, 4);
	git_oid new = tree_fixture_write(fixture->repository, to, 4);
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	const char *look = "cd " FOLDER "; stat -c '%n %i %y %z' same d/same; stat -c '%n %i %y' m";

	(void)unused;
	must_apply(fixture, NULL, &old);
	before = sandbox_run(fixture->root, look);
	must_apply(fixture, &old, &new);
	after = sandbox_run(fixture->root, look);
	g_assert_cmpstr(before, ==, after);
}

static void a_file_edited_before_stops_the_change(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file from[] = {{"d/f", 0, "1"}, {"g", 0, "1"}};
	static const struct fixture_file to[] = {{"d/f", 0, "2"}, {"g", 0, "2"}};
	git_oid old = tree_fixture_write(fixture->repository, from, 2);
	git_oid new = tree_fixture_write(fixture->repository, to, 2);
	git_oid edited;

	(void)unused;
	must_apply(fixture, NULL, &old);
	run(fixture, "printf mine >" FOLDER "/d/f");
	edited = tree_of(fixture);
	must_fail(fixture, &old, &new, FORGE_ERROR_BUSY, FOLDER "/d/f");
	expect_tree(fixture, &edited);
	run(fixture, "rm " FOLDER "/d/f");
	must_fail(fixture, &old, &new, FORGE_ERROR_BUSY, FOLDER "/d/f");
	run(fixture, "printf 1 >" FOLDER "/d/f; chmod +x " FOLDER "/g");
	must_fail(fixture, &old, &new, FORGE_ERROR_BUSY, FOLDER "/g");
}

static void ignored_files_stay_or_are_kept(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file from[] = {{"d/f", 0, "1"}, {"e/f", 0, "1"}};
	static const struct fixture_file to[] = {{"d", 0, "2"}, {"log", 0, "2"}, {"n/f", 0, "2"}};
	git_oid old = tree_fixture_write(fixture->repository, from, 2);
	git_oid new = tree_fixture_write(fixture->repository, to, 3);
	scoped_value(apply_report) report = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	(void)unused;
	must_apply(fixture, NULL, &old);
	run(fixture,
		"cd " FOLDER
		"; printf a >d/ignored; printf b >e/ignored; printf c >log; printf d >n");
	g_assert_true(apply(fixture, &old, &new, &report, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(report.kept->len, ==, 3);
	static const char *const paths[] = {"d", "log", "n"};
	for (guint i = 0; i < 3; i++) {
		const struct kept_file *file = report.kept->pdata[i];

		g_assert_cmpstr(file->path, ==, paths[i]);
		g_assert_true(g_str_has_suffix(file->kept, paths[i]));
	}
	text = sandbox_run(fixture->root,
		"cat .forge/kept/*/*/d/ignored " FOLDER "/e/ignored "
		".forge/kept/*/*/log .forge/kept/*/*/n " FOLDER "/d " FOLDER "/log " FOLDER "/n/f");
	g_assert_cmpstr(text, ==, "abcd222");
}

static void a_folder_with_files_is_not_installed_over(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file files[] = {{"f", 0, "1"}};
	git_oid tree = tree_fixture_write(fixture->repository, files, 1);
	scoped_value(apply_report) report = {0};

	(void)unused;
	run(fixture, "mkdir -p " FOLDER "; echo mine >" FOLDER "/other");
	must_fail(fixture, NULL, &tree, FORGE_ERROR_ALREADY_EXISTS, FOLDER);
	run(fixture, "rm " FOLDER "/other");
	must_apply(fixture, NULL, &tree);
	run(fixture, "echo mine >" FOLDER "/other");
	g_assert_true(apply(fixture, &tree, NULL, &report, NULL));
	g_assert_true(report.folder_remains);
	run(fixture, "test \"$(ls " FOLDER ")\" = other");
}

static void nothing_is_written_through_symlinks(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file from[] = {{"d/f", 0, "1"}};
	static const struct fixture_file to[] = {{"d/f", 0, "2"}, {"d/g", 0, "2"}};
	git_oid old = tree_fixture_write(fixture->repository, from, 1);
	git_oid new = tree_fixture_write(fixture->repository, to, 2);

	(void)unused;
	run(fixture, "mkdir -p components outside; ln -s ../outside components/tools");
	must_fail(fixture, NULL, &old, FORGE_ERROR_SECURITY_REFUSED, FOLDER);
	run(fixture, "rm components/tools");
	must_apply(fixture, NULL, &old);
	run(fixture,
		"printf 1 >outside/f; rm -r " FOLDER "/d; ln -s ../../../outside " FOLDER "/d");
	must_fail(fixture, &old, &new, FORGE_ERROR_BUSY, "d/f");
	run(fixture, "test \"$(cat outside/f)\" = 1; test ! -e outside/g");
}

static void bad_trees_and_folders_are_refused(struct fixture *fixture, gconstpointer unused)
{
	static const char *const folders[] = {"", ".", "..", "../x", "/x", "a/../b", "a//b",
		".git/x", ".forge/x", ".FORGE", "a/", "a/.git"};
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid bad = tree_fixture_one(fixture->repository, "..", 0100644, &blob);
	git_oid good = tree_fixture_one(fixture->repository, "f", 0100644, &blob);

	(void)unused;
	must_fail(fixture, NULL, &bad, FORGE_ERROR_SECURITY_REFUSED, "..");
	must_fail(fixture, &bad, &good, FORGE_ERROR_SECURITY_REFUSED, "..");
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		struct folder_change change = {.component = "x", .folder = folders[i], .to = &good};
		scoped_value(apply_report) report = {0};
		g_autoptr(GError) error = NULL;

		g_assert_false(folder_apply(&fixture->workspace, &change, &report, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED);
	}
}

static void one_change_at_a_time(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(workspace_lock) lock = workspace_lock_take(fixture->root, NULL, &error);
	struct budget budget = sandbox_budget();
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid tree = tree_fixture_one(fixture->repository, "f", 0100644, &blob);

	(void)unused;
	g_assert_no_error(error);
	g_assert_null(workspace_lock_try(fixture->root, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY);
	budget.cancelled = 1;
	fixture->workspace.budget = &budget;
	must_fail(fixture, NULL, &tree, FORGE_ERROR_INTERRUPTED, "");
	fixture->workspace.budget = NULL;
	fixture->workspace.lock = lock;
	must_apply(fixture, NULL, &tree);
}

static void random_trees_lead_to_each_other(struct fixture *fixture, gconstpointer unused)
{
	GRand *random = g_rand_new_with_seed(20260402);
	git_oid from = random_tree(fixture, random);

	(void)unused;
	must_apply(fixture, NULL, &from);
	for (int round = 0; round < 200; round++) {
		git_oid to = random_tree(fixture, random);

		must_apply(fixture, &from, &to);
		expect_tree(fixture, &to);
		from = to;
	}
	g_rand_free(random);
}

/* Somebody who does something in the folder at one step. */
struct editor {
	const char *root;
	const char *command;
	int left;
	gboolean begun; /**< the intent is written */
};

static void edit_at_step(const char *what, void *data)
{
	struct editor *editor = data;

	if (strcmp(what, "sync intent") == 0)
		editor->begun = TRUE;
	if (editor->begun && editor->left-- == 0)
		g_free(sandbox_run(editor->root, editor->command));
}

/* Each writes the word EDIT, which must be found afterwards. */
static const char *const edits[] = {
	"cd " FOLDER " && test -f f && printf EDIT >f || printf EDIT >f2",
	"cd " FOLDER " && printf EDIT >t && mv -T t f || printf EDIT >f3",
	"cd " FOLDER " && rm -f f && printf EDIT >f",
	"cd " FOLDER " && rm -rf f && mkdir f && printf EDIT >f/deep",
	"cd " FOLDER " && rm -rf new && printf EDIT >new",
	"cd " FOLDER " && (test -e n || printf EDIT >n; mkdir -p m; printf EDIT >m/x)",
	"cd " FOLDER " && mkdir -p gone && printf EDIT >gone/g",
	"cd " FOLDER " && rm -rf gone && printf EDIT >gone",
	"cd " FOLDER " && (test -d x || rm -f x; mkdir -p x; printf EDIT >x/mine)",
	"cd " FOLDER " && ln -sfn EDIT f",
	"rm -rf components; mkdir -p " FOLDER "; printf EDIT >" FOLDER "/f",
	"mkdir -p " FOLDER " && rm -rf " FOLDER "/* && printf EDIT >" FOLDER "/f",
};

static void nothing_that_is_edited_meanwhile_is_lost(struct fixture *fixture, gconstpointer unused)
{
	static const struct fixture_file from[] = {{"f", 0, "1"}, {"gone/g", 0, "1"},
		{"same", 0, "1"}, {"x", 0, "1"}, {"mode", 0, "1"}};
	static const struct fixture_file to[] = {{"f", 0, "2"}, {"n/new", 0, "2"}, {"same", 0, "1"},
		{"x/y", 0, "2"}, {"mode", 0100755, "1"}, {"new", 0, "2"}};
	git_oid old = tree_fixture_write(fixture->repository, from, G_N_ELEMENTS(from));
	git_oid new = tree_fixture_write(fixture->repository, to, G_N_ELEMENTS(to));

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
		struct editor editor = {.root = fixture->root, .command = edits[i]};

		for (int at = 0; editor.left < 0 || at == 0; at++) {
			scoped_value(apply_report) report = {0};
			g_autoptr(GError) error = NULL;

			g_test_message("%s, at step %d", edits[i], at);
			reset(fixture, &old);
			editor.left = at;
			editor.begun = FALSE;
			fixture->workspace.step = edit_at_step;
			fixture->workspace.step_data = &editor;
			apply(fixture, &old, &new, &report, &error);
			fixture->workspace.step = NULL;
			g_assert_no_error(error);
			if (editor.left >= 0)
				break;
			g_free(sandbox_run(fixture->root,
				"test -n \"$(grep -rl EDIT components .forge/kept || true; "
				"find components .forge/kept -lname EDIT 2>/dev/null)\""));
			/* What is kept is reported, and the other way round. */
			g_autofree char *kept = sandbox_run(
				fixture->root, "ls -d .forge/kept/*/*/* 2>/dev/null | wc -l");
			g_assert_cmpuint(report.kept != NULL ? report.kept->len : 0, ==,
				(guint)g_ascii_strtoull(kept, NULL, 10));
		}
	}
}

struct settled {
	int calls;
	gboolean refuses;
};

static gboolean settle(const struct folder_change *change, const struct apply_report *report,
	void *data, GError **error)
{
	struct settled *settled = data;

	(void)report;
	settled->calls++;
	g_assert_cmpstr(change->component, ==, "x");
	g_assert_cmpstr(change->folder, ==, FOLDER);
	g_assert_cmpstr(change->token, ==, "token");
	if (settled->refuses)
		g_set_error(error, FORGE_ERROR, FORGE_ERROR_BUSY, "not now");
	return !settled->refuses;
}

static void count_recovered(
	const struct folder_change *change, const struct apply_report *report, void *data)
{
	int *count = data;

	g_assert_nonnull(change->to);
	g_assert_cmpuint(report->written, ==, 1);
	(*count)++;
}

static void refs_move_with_the_files(struct fixture *fixture, gconstpointer unused)
{
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid tree = tree_fixture_one(fixture->repository, "f", 0100644, &blob);
	struct settled settled = {.refuses = TRUE};
	scoped_value(apply_report) report = {0};
	g_autoptr(GError) error = NULL;
	int recovered = 0;

	(void)unused;
	fixture->workspace.settle = settle;
	fixture->workspace.settle_data = &settled;
	g_assert_false(apply(fixture, NULL, &tree, &report, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BUSY);
	g_clear_error(&error);
	/* The intent waits; another change does not begin. */
	g_assert_false(apply(fixture, &tree, NULL, &report, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BUSY);
	settled.refuses = FALSE;
	g_assert_true(folder_apply_recover(&fixture->workspace, count_recovered, &recovered, NULL));
	g_assert_cmpint(recovered, ==, 1);
	g_assert_cmpint(settled.calls, ==, 2);
	g_assert_true(folder_apply_recover(&fixture->workspace, count_recovered, &recovered, NULL));
	g_assert_cmpint(recovered, ==, 1);
	expect_tree(fixture, &tree);
}

static void a_damaged_intent_is_named_and_left(struct fixture *fixture, gconstpointer unused)
{
	git_oid blob = tree_fixture_blob(fixture->repository, "x");
	git_oid tree = tree_fixture_one(fixture->repository, "f", 0100644, &blob);
	struct settled settled = {.refuses = TRUE};
	scoped_value(apply_report) report = {0};
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->workspace.settle = settle;
	fixture->workspace.settle_data = &settled;
	g_assert_false(apply(fixture, NULL, &tree, &report, NULL));
	run(fixture,
		"printf X | dd of=$(ls .forge/apply/*/intent) bs=1 seek=60 conv=notrunc 2>/dev/null");
	g_assert_false(folder_apply_recover(&fixture->workspace, NULL, NULL, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	g_assert_nonnull(strstr(error->message, "/intent is damaged"));
	g_assert_true(has_intent(fixture));
}

int main(int argc, char **argv)
{
	/* Thousands of changes, each synced: in memory they take seconds. */
	if (access("/dev/shm", W_OK) == 0)
		g_setenv("TMPDIR", "/dev/shm", TRUE);
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/folder_apply/" #name, struct fixture, NULL, set_up, name, tear_down)
#define TEST_PLAIN(name) \
	g_test_add("/folder_apply/plain/" #name, struct fixture, "plain", set_up, name, tear_down)
	TEST(every_change_leads_there_and_back);
	TEST_PLAIN(every_change_leads_there_and_back);
	TEST(what_does_not_change_is_not_touched);
	TEST(a_file_edited_before_stops_the_change);
	TEST(ignored_files_stay_or_are_kept);
	TEST_PLAIN(ignored_files_stay_or_are_kept);
	TEST(a_folder_with_files_is_not_installed_over);
	TEST(nothing_is_written_through_symlinks);
	TEST(bad_trees_and_folders_are_refused);
	TEST(one_change_at_a_time);
	TEST(random_trees_lead_to_each_other);
	TEST(nothing_that_is_edited_meanwhile_is_lost);
	TEST_PLAIN(nothing_that_is_edited_meanwhile_is_lost);
	TEST(refs_move_with_the_files);
	TEST(a_damaged_intent_is_named_and_left);
	return g_test_run();
}
