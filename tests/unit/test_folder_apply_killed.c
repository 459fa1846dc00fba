/*
 * Changes of a folder that are killed: at every step that says so, at every system call, and with
 * every system call failing once. Recovery leads to the old tree or the new one.
 */
#include "worker/workspace/folder_apply.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/apply_fixture.h"

/* Counts steps, and ends the process at one of them as a kill would. */
struct killer {
	int left;
};

static void kill_at_step(const char *what, void *data)
{
	struct killer *killer = data;

	(void)what;
	if (killer->left-- == 0)
		_exit(9);
}

/* Runs a change, or recovery, in a child that is killed at step AT; TRUE if it got to its end. */
static gboolean run_killed(
	struct fixture *fixture, const git_oid *from, const git_oid *to, gboolean recovery, int at)
{
	struct killer killer = {.left = at};
	int status;
	pid_t child = fork();

	g_assert_cmpint(child, >=, 0);
	if (child == 0) {
		struct apply_report report = {0};

		fixture->workspace.step = kill_at_step;
		fixture->workspace.step_data = &killer;
		if (recovery)
			_exit(folder_apply_recover(&fixture->workspace, NULL, NULL, NULL) ? 0 : 1);
		_exit(apply(fixture, from, to, &report, NULL) ? 0 : 1);
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), !=, 1);
	return WEXITSTATUS(status) == 0;
}

/* Kills the change from FROM to TO at every step, and its recovery at a step that moves on. */
static void kill_everywhere(struct fixture *fixture, const git_oid *from, const git_oid *to)
{
	gboolean ended = FALSE;
	gboolean turned = FALSE;

	for (int at = 0; !ended; at++) {
		gboolean certain;

		g_assert_cmpint(at, <, 2000);
		reset(fixture, from);
		ended = run_killed(fixture, from, to, FALSE, at);
		certain = ended || has_intent(fixture);
		run_killed(fixture, from, to, TRUE, at % 7);
		run_killed(fixture, from, to, TRUE, at % 13);
		recover(fixture);
		expect_old_or_new(fixture, from, to, certain, &turned);
		g_assert_true(is_empty(fixture, ".forge/apply"));
		g_assert_true(is_empty(fixture, ".forge/kept"));
		recover(fixture);
		expect_old_or_new(fixture, from, to, certain, &turned);
	}
}

static void a_kill_at_any_step_leaves_old_or_new(struct fixture *fixture, gconstpointer unused)
{
	static const size_t chosen[] = {0, 5, 6, 8, 9, 11};

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(chosen); i++) {
		git_oid from = write_case(fixture, cases[chosen[i]].from);
		git_oid to = write_case(fixture, cases[chosen[i]].to);

		kill_everywhere(fixture, &from, &to);
	}
	git_oid tree = write_case(fixture, cases[6].from);
	kill_everywhere(fixture, NULL, &tree);
	kill_everywhere(fixture, &tree, NULL);
}

static void random_trees_survive_kills(struct fixture *fixture, gconstpointer unused)
{
	GRand *random = g_rand_new_with_seed(20260401);

	(void)unused;
	for (int round = 0; round < 3; round++) {
		git_oid from = random_tree(fixture, random);
		git_oid to = random_tree(fixture, random);

		kill_everywhere(fixture, &from, &to);
	}
	g_rand_free(random);
}

static void a_workspace_that_was_copied_recovers_too(struct fixture *fixture, gconstpointer unused)
{
	git_oid from = write_case(fixture, cases[6].from);
	git_oid to = write_case(fixture, cases[6].to);
	gboolean ended = FALSE;
	gboolean turned = FALSE;

	(void)unused;
	for (int at = 0; !ended; at++) {
		gboolean certain;

		reset(fixture, &from);
		ended = run_killed(fixture, &from, &to, FALSE, at);
		certain = ended || has_intent(fixture);
		run(fixture,
			"mkdir copy; cp -a components copy; cp -a .forge/apply copy/apply; "
			"rm -rf components .forge/apply; mv copy/components .; "
			"mv copy/apply .forge; rmdir copy");
		recover(fixture);
		expect_old_or_new(fixture, &from, &to, certain, &turned);
	}
}

/* A change, and a recovery, as processes of their own: strace stops them where it likes. */
static int apply_alone(char **arguments)
{
	struct fixture fixture = {.root = arguments[2]};
	g_autofree char *repository = g_build_filename(fixture.root, ".forge", "repository", NULL);
	g_autoptr(GError) error = NULL;
	struct apply_report report = {0};
	git_oid from;
	git_oid to;

	git_library_start();
	if (git_repository_open(&fixture.repository, repository) != 0 ||
		git_oid_fromstr(&from, arguments[3]) != 0 ||
		git_oid_fromstr(&to, arguments[4]) != 0)
		return 2;
	fixture.workspace = (struct workspace_paths){
		.root = fixture.root, .repository = fixture.repository};
	if (apply(&fixture, &from, &to, &report, &error))
		return 0;
	g_printerr("%s\n", error->message);
	return 1;
}

/* Runs the change under strace with INJECT; its wait status. */
static int run_traced(
	struct fixture *fixture, const git_oid *from, const git_oid *to, const char *inject)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *old = g_strdup(git_oid_tostr_s(from));
	g_autofree char *new = g_strdup(git_oid_tostr_s(to));
	const char *const arguments[] = {"strace", "-qq", "-o", "/dev/null", "-E",
		/* The leak sanitizer, too, wants to be the only one who traces. */
		"ASAN_OPTIONS=detect_leaks=0", "-e", inject, self, "--apply", fixture->root, old,
		new, NULL};
	g_autoptr(GError) error = NULL;
	int status;

	g_spawn_sync(NULL, (char **)arguments, NULL,
		G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status,
		&error);
	g_assert_no_error(error);
	return status;
}

/* Injects FAULT into each call of CALL in turn, until the change gets through. */
static void hurt_everywhere(struct fixture *fixture, const char *call, const char *fault)
{
	static const struct fixture_file from_files[] = {
		{"f", 0, "1"}, {"gone/g", 0, "1"}, {"x/y", 0, "1"}, {"mode", 0, "1"}};
	static const struct fixture_file to_files[] = {
		{"f", 0, "2"}, {"n/new", 0, "2"}, {"x", 0120000, "f"}, {"mode", 0100755, "1"}};
	git_oid from = tree_fixture_write(fixture->repository, from_files, 4);
	git_oid to = tree_fixture_write(fixture->repository, to_files, 4);
	gboolean hit = TRUE;
	gboolean turned = FALSE;

	for (int when = 1; hit; when++) {
		g_autofree char *inject = g_strdup_printf(
			"inject=%s:%s:when=%d", call, fault, when);
		gboolean certain;
		int status;

		g_assert_cmpint(when, <, 500);
		reset(fixture, &from);
		status = run_traced(fixture, &from, &to, inject);
		/* A call that failed and did not matter lets it get through, too. */
		hit = !(WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
			(when < 12 && strstr(fault, "error") != NULL);
		certain = has_intent(fixture) || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
		g_test_message("%s: status %x, %s", inject, (unsigned)status,
			certain ? "certain" : "not certain");
		recover(fixture);
		expect_old_or_new(fixture, &from, &to, certain, &turned);
		g_assert_true(is_empty(fixture, ".forge/apply"));
		g_assert_true(is_empty(fixture, ".forge/kept"));
	}
}

static gboolean can_trace(void)
{
	g_autofree char *strace = g_find_program_in_path("strace");
	const char *const arguments[] = {"strace", "-qq", "-o", "/dev/null", "true", NULL};
	int status = 1;

	return strace != NULL &&
		g_spawn_sync(NULL, (char **)arguments, NULL,
			G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL,
			&status, NULL) &&
		status == 0;
}

static void a_kill_at_any_system_call_leaves_old_or_new(
	struct fixture *fixture, gconstpointer unused)
{
	static const char *const calls[] = {"renameat2", "renameat,rename", "mkdirat,mkdir",
		"unlinkat,unlink", "fsync", "openat2", "write", "symlinkat", "chmod", "statx"};

	(void)unused;
	if (!can_trace()) {
		g_test_skip("no strace");
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		hurt_everywhere(fixture, calls[i], "signal=KILL");
}

static void a_system_call_that_fails_leaves_old_or_new(
	struct fixture *fixture, gconstpointer unused)
{
	static const char *const faults[][2] = {{"write", "error=ENOSPC"}, {"fsync", "error=EIO"},
		{"mkdirat,mkdir", "error=ENOSPC"}, {"renameat2", "error=EACCES"},
		{"renameat2", "error=EINVAL"}, {"symlinkat", "error=EROFS"},
		{"renameat", "error=EIO"}, {"openat2", "error=ENOSYS"}, {"chmod", "error=EPERM"}};

	(void)unused;
	if (!can_trace()) {
		g_test_skip("no strace");
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
		hurt_everywhere(fixture, faults[i][0], faults[i][1]);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--apply") == 0)
		return apply_alone(argv);
	/* Thousands of changes, each synced: in memory they take seconds. */
	if (access("/dev/shm", W_OK) == 0)
		g_setenv("TMPDIR", "/dev/shm", TRUE);
	g_test_init(&argc, &argv, NULL);
#define TEST(name) \
	g_test_add("/folder_apply_killed/" #name, struct fixture, NULL, set_up, name, tear_down)
#define TEST_PLAIN(name) \
	g_test_add("/folder_apply_killed/plain/" #name, struct fixture, "plain", set_up, name, \
		tear_down)
	TEST(a_kill_at_any_step_leaves_old_or_new);
	TEST_PLAIN(a_kill_at_any_step_leaves_old_or_new);
	TEST(random_trees_survive_kills);
	TEST_PLAIN(random_trees_survive_kills);
	TEST(a_workspace_that_was_copied_recovers_too);
	TEST(a_kill_at_any_system_call_leaves_old_or_new);
	TEST(a_system_call_that_fails_leaves_old_or_new);
	return g_test_run();
}
