#ifndef FORGE_TESTS_UNIT_APPLY_FIXTURE_H
#define FORGE_TESTS_UNIT_APPLY_FIXTURE_H

/* A workspace in memory's file system, changes of one component in it, and trees to change between.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"
#include "tests/unit/tree_fixture.h"
#include "worker/git/git_library.h"
#include "worker/workspace/folder_apply.h"
#include "worker/workspace/folder_snapshot.h"

#define FOLDER "components/tools/x"

struct fixture {
	char *root;
	char *folder;
	git_repository *repository;
	struct workspace_paths workspace;
};

static inline void set_up(struct fixture *fixture, gconstpointer plain)
{
	g_autofree char *repository = NULL;

	git_library_start();
	fixture->root = sandbox_home();
	fixture->folder = g_build_filename(fixture->root, FOLDER, NULL);
	repository = g_build_filename(fixture->root, ".forge", "repository", NULL);
	g_assert_cmpint(
		git_repository_init_ext(&fixture->repository, repository,
			&(git_repository_init_options){.version = 1,
				.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH}),
		==, 0);
	fixture->workspace = (struct workspace_paths){.root = fixture->root,
		.repository = fixture->repository,
		.plain_rename = plain != NULL};
}

static inline void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_repository_free(fixture->repository);
	g_free(fixture->folder);
	sandbox_remove(fixture->root);
	git_library_stop();
}

static inline void run(struct fixture *fixture, const char *command)
{
	g_free(sandbox_run(fixture->root, command));
}

static inline gboolean apply(struct fixture *fixture, const git_oid *from, const git_oid *to,
	struct apply_report *report, GError **error)
{
	struct folder_change change = {
		.component = "x", .folder = FOLDER, .from = from, .to = to, .token = "token"};

	return folder_apply(&fixture->workspace, &change, report, error);
}

static inline void must_apply(struct fixture *fixture, const git_oid *from, const git_oid *to)
{
	scoped_value(apply_report) report = {0};
	g_autoptr(GError) error = NULL;

	apply(fixture, from, to, &report, &error);
	g_assert_no_error(error);
	g_assert_null(report.kept);
}

static inline void must_fail(struct fixture *fixture, const git_oid *from, const git_oid *to,
	enum forge_error code, const char *named)
{
	scoped_value(apply_report) report = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *left = NULL;

	g_assert_false(apply(fixture, from, to, &report, &error));
	g_assert_error(error, FORGE_ERROR, (gint)code);
	if (strstr(error->message, named) == NULL)
		g_error("'%s' does not name '%s'", error->message, named);
	left = sandbox_run(fixture->root, "ls .forge/apply 2>/dev/null || true");
	g_assert_cmpstr(left, ==, "");
}

static inline git_oid tree_of(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	git_oid tree = {{0}};

	if (g_file_test(fixture->folder, G_FILE_TEST_EXISTS))
		folder_snapshot(fixture->repository, fixture->folder, NULL, &tree, NULL, &error);
	g_assert_no_error(error);
	return tree;
}

static inline void expect_tree(struct fixture *fixture, const git_oid *wanted)
{
	git_oid tree = tree_of(fixture);

	if (wanted != NULL ? !git_oid_equal(&tree, wanted) : !git_oid_is_zero(&tree))
		g_error("the folder's tree is %s", git_oid_tostr_s(&tree));
}

/* After recovery: the new tree if an intent was there, else the old one; or the new one, where the
 * intent had gone already, and then for all later kills too: *TURNED. */
static inline void expect_old_or_new(struct fixture *fixture, const git_oid *from,
	const git_oid *to, gboolean certain, gboolean *turned)
{
	static const git_oid none = {{0}};
	git_oid tree = tree_of(fixture);

	if (!certain && !*turned && git_oid_equal(&tree, from != NULL ? from : &none))
		return;
	if (!certain)
		*turned = TRUE;
	expect_tree(fixture, to);
}

static inline void recover(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;

	folder_apply_recover(&fixture->workspace, NULL, NULL, &error);
	g_assert_no_error(error);
}

struct change_case {
	struct fixture_file from[5];
	struct fixture_file to[5];
};

static G_GNUC_UNUSED const struct change_case cases[] = {
	{{{"a", 0, "1"}}, {{"a", 0, "2"}}},
	{{{"a", 0, "1"}, {"b", 0, "1"}}, {{"a", 0, "1"}}},
	{{{"a", 0, "1"}}, {{"a", 0, "1"}, {"d/e/f", 0, "2"}}},
	{{{"d/e/f", 0, "1"}, {"d/g", 0, "1"}}, {{"d/g", 0, "1"}}},
	{{{"d/e/f", 0, "1"}}, {{"d/x/f", 0, "1"}}},
	{{{"x", 0, "1"}}, {{"x/y/z", 0, "2"}}},
	{{{"x/y/z", 0, "1"}, {"x/w", 0, "1"}}, {{"x", 0, "2"}}},
	{{{"x", 0120000, "a"}, {"a", 0, "1"}}, {{"x", 0, "a"}, {"a", 0120000, "x"}}},
	{{{"x", 0120000, "d"}, {"d/f", 0, "1"}}, {{"x/f", 0, "2"}, {"d", 0120000, "x"}}},
	{{{"x", 0, "1"}, {"y", 0100755, "1"}}, {{"x", 0100755, "1"}, {"y", 0, "1"}}},
	{{{"x", 0, "1"}}, {{"x", 0100755, "2"}}},
	{{{"README", 0, "1"}, {"D/f", 0, "1"}}, {{"readme", 0, "1"}, {"d/f", 0, "1"}}},
	{{{"a b", 0, ""}, {"-rf", 0, "1"}}, {{"\xc3\xa9\n", 0, ""}, {"-rf", 0, "\xff"}}},
	{{{"swap", 0, "1"}, {"with", 0, "2"}}, {{"swap", 0, "2"}, {"with", 0, "1"}}},
	{{{"a", 0, "1"}}, {{NULL, 0, NULL}}},
	{{{NULL, 0, NULL}}, {{"a", 0, "1"}}},
};

static inline git_oid write_case(struct fixture *fixture, const struct fixture_file files[5])
{
	size_t count = 0;

	while (count < 5 && files[count].path != NULL)
		count++;
	return tree_fixture_write(fixture->repository, files, count);
}

/* TRUE if there is nothing in FOLDER of the workspace, or no such folder. */
static inline gboolean is_empty(struct fixture *fixture, const char *folder)
{
	g_autofree char *path = g_build_filename(fixture->root, folder, NULL);
	g_autoptr(GDir) opened = g_dir_open(path, 0, NULL);

	return opened == NULL || g_dir_read_name(opened) == NULL;
}

static inline gboolean has_intent(struct fixture *fixture)
{
	g_autofree char *apply_folder = g_build_filename(fixture->root, ".forge", "apply", NULL);
	g_autoptr(GDir) folder = g_dir_open(apply_folder, 0, NULL);
	const char *id = folder != NULL ? g_dir_read_name(folder) : NULL;
	g_autofree char *intent = id != NULL ? g_build_filename(apply_folder, id, "intent", NULL)
					     : NULL;

	return intent != NULL && g_file_test(intent, G_FILE_TEST_EXISTS);
}

/* Makes the folder hold TREE whatever it held. */
static inline void reset(struct fixture *fixture, const git_oid *tree)
{
	run(fixture, "rm -rf components .forge/kept");
	if (tree != NULL)
		must_apply(fixture, NULL, tree);
}

/* A random tree of few names, so that two of them often clash. */
static inline void grow(
	GRand *random, GArray *files, GPtrArray *texts, const char *folder, int depth)
{
	static const char *const names[] = {"a", "b", "c"};
	static const char *const contents[] = {"1", "2", "3"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		char *path = g_strconcat(folder, names[i], NULL);
		struct fixture_file file = {
			.path = path, .content = contents[g_rand_int_range(random, 0, 3)]};

		g_ptr_array_add(texts, path);
		switch (g_rand_int_range(random, 0, depth < 2 ? 7 : 5)) {
		case 0:
			break;
		case 1:
		case 2:
			g_array_append_val(files, file);
			break;
		case 3:
			file.mode = 0100755;
			g_array_append_val(files, file);
			break;
		case 4:
			file.mode = 0120000;
			g_array_append_val(files, file);
			break;
		default: {
			char *below = g_strconcat(path, "/", NULL);

			g_ptr_array_add(texts, below);
			grow(random, files, texts, below, depth + 1);
		}
		}
	}
}

static inline git_oid random_tree(struct fixture *fixture, GRand *random)
{
	g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(struct fixture_file));
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);

	grow(random, files, texts, "", 0);
	return tree_fixture_write(
		fixture->repository, (struct fixture_file *)(void *)files->data, files->len);
}

#endif
