/*
 * The workspace's repository rewritten: what refs reach stays, whatever happens meanwhile; what
 * nobody reaches goes. Killed at each system call, and each failing once, by strace.
 */
#include "worker/workspace/repository_rewrite.h"

#include <glib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "worker/git/git_library.h"
#include "worker/workspace/workspace_lock.h"

#define LOOSE "find ws/.forge/repository/objects -path '*/objects/[0-9a-f][0-9a-f]/*' | wc -l"
#define PACKS "ls ws/.forge/repository/objects/pack/*.pack | wc -l"
#define AGE "find ws/.forge/repository/objects -type f -exec touch -d '2 days ago' {} +;"

static void expect(struct component_fixture *fixture, const char *command, const char *output)
{
	g_autofree char *found = component_fixture_run(fixture, "%s", command);

	g_assert_cmpstr(found, ==, output);
}

static void rewrite(struct component_fixture *fixture)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(repository_rewrite(fixture->workspace, &error));
	g_assert_no_error(error);
}

/* Two bases, a stash, a tag, an old pack; and old objects that nothing names. */
static void make_history(struct component_fixture *fixture)
{
	git_oid base;

	component_fixture_do(fixture,
		"mkdir -p upstream/c/x/d; echo 1 >upstream/c/x/component.yaml;"
		"seq 2000 >upstream/c/x/d/long; commit One");
	base = component_fixture_import(fixture, "c/x", NULL);
	component_fixture_do(fixture,
		"fo repack -qad; seq 2001 >upstream/c/x/d/long; chmod +x upstream/c/x/d/long;"
		"ln -s d upstream/c/x/link; commit Two");
	base = component_fixture_import(fixture, "c/x", &base);
	base = component_fixture_commit(fixture, &base, "echo stash >f");
	component_fixture_do(fixture,
		"fo update-ref refs/forge/y/stash/1 %s;"
		"fo -c user.name=T -c user.email=t@example.org tag -a -m x t %s; fo pack-refs --all;"
		"echo lost | fo hash-object -w --stdin >lost; " AGE,
		git_oid_tostr_s(&base), "refs/forge/x/base");
}

static char *all_reached(struct component_fixture *fixture)
{
	return component_fixture_run(fixture,
		"fo fsck --strict --full 2>&1 | grep -v dangling || true;"
		"fo for-each-ref; fo rev-list --objects --all | sort; fo log --all --format=%%H -p");
}

static void what_refs_reach_stays_in_one_pack_and_the_rest_goes(
	struct component_fixture *fixture, gconstpointer unused)
{
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;

	(void)unused;
	make_history(fixture);
	before = all_reached(fixture);
	rewrite(fixture);
	after = all_reached(fixture);
	g_assert_cmpstr(after, ==, before);
	expect(fixture, LOOSE "; " PACKS, "0\n1");
	expect(fixture, "fo cat-file -e $(cat lost) 2>/dev/null || echo gone", "gone");
	expect(fixture, "cd ws/.forge/repository; ls -d objects*; ls objects",
		"objects\ninfo\npack");
	rewrite(fixture);
	expect(fixture, LOOSE "; " PACKS, "0\n1");
}

static void what_is_young_stays_with_all_it_names(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_history(fixture);
	component_fixture_do(fixture,
		"printf '100644 blob %%s\\tf\\n' $(cat lost) | fo mktree >young;"
		"printf '100644 blob %%s\\tf\\n' $(echo never written | fo hash-object --stdin) |"
		"fo mktree --missing >broken");
	rewrite(fixture);
	expect(fixture, LOOSE, "2");
	expect(fixture, "fo cat-file -p $(cat young):f; fo cat-file -t $(cat broken)",
		"lost\ntree");
	component_fixture_do(fixture, AGE);
	rewrite(fixture);
	expect(fixture, LOOSE, "0");
	expect(fixture, "fo cat-file -e $(cat lost) 2>/dev/null || echo gone", "gone");
}

static void an_interrupted_change_keeps_everything(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_history(fixture);
	component_fixture_do(fixture, "mkdir -p ws/.forge/apply/0123");
	rewrite(fixture);
	expect(fixture, "fo cat-file -p $(cat lost)", "lost");
	component_fixture_do(fixture, "rmdir ws/.forge/apply/0123");
	rewrite(fixture);
	expect(fixture, "fo cat-file -e $(cat lost) 2>/dev/null || echo gone", "gone");
}

static void a_damaged_repository_is_left_as_it_is(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const damages[] = {
		/* A file that a commit names is gone; its bytes are others; so are a tree's. */
		"rm -f $(place :f)", "chmod +w $(place :f); echo x >$(place :f)",
		"chmod +w $(place :); echo x >$(place :)"};

	(void)unused;
	make_history(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *before = NULL;

		component_fixture_do(fixture,
			"rm -rf kept; cp -a ws/.forge/repository kept;"
			"place() { id=$(fo rev-parse refs/forge/y/stash/1$1);"
			"echo ws/.forge/repository/objects/$(echo $id | cut -c-2)/$(echo $id | cut -c3-); };"
			"%s",
			damages[i]);
		before = component_fixture_run(fixture, "ls -R ws/.forge/repository/objects");
		g_assert_false(repository_rewrite(fixture->workspace, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
		expect(fixture, "ls -R ws/.forge/repository/objects", before);
		expect(fixture, "ls -d ws/.forge/repository/objects.*  2>/dev/null | wc -l", "0");
		component_fixture_do(
			fixture, "rm -rf ws/.forge/repository; mv kept ws/.forge/repository");
	}
}

static void it_is_due_past_its_bounds_and_once_a_day(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	make_history(fixture);
	g_assert_false(repository_rewrite_is_due(fixture->workspace));
	component_fixture_do(fixture,
		"for i in $(seq 1100); do echo $i >n-$i; echo $PWD/n-$i; done |"
		"fo hash-object -w --stdin-paths >ids; rm n-*");
	g_assert_true(repository_rewrite_is_due(fixture->workspace));
	rewrite(fixture);
	/* They are young, so they stay; but not every command tries again. */
	expect(fixture, "test $(" LOOSE ") -gt 1000; echo many", "many");
	g_assert_false(repository_rewrite_is_due(fixture->workspace));
	component_fixture_do(fixture, AGE "touch -d '2 days ago' ws/.forge/repository/rewritten");
	g_assert_true(repository_rewrite_is_due(fixture->workspace));
	rewrite(fixture);
	component_fixture_do(fixture,
		"touch -d '2 days ago' ws/.forge/repository/rewritten;"
		"cd ws/.forge/repository/objects/pack; for i in $(seq 50); do"
		" touch pack-$i.idx; done");
	g_assert_true(repository_rewrite_is_due(fixture->workspace));
	component_fixture_do(fixture, "rm ws/.forge/repository/objects/pack/pack-?.idx");
	g_assert_false(repository_rewrite_is_due(fixture->workspace));
	component_fixture_do(fixture, "mkdir ws/.forge/repository/objects.new");
	g_assert_true(repository_rewrite_is_due(fixture->workspace));
}

static void who_uses_it_keeps_others_from_being_alone(
	struct component_fixture *fixture, gconstpointer unused)
{
	scoped(workspace_lock) mine = workspace_use_take(fixture->workspace, NULL);
	struct workspace_lock *other = workspace_use_take(fixture->workspace, NULL);
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_nonnull(mine);
	g_assert_nonnull(other);
	g_assert_false(workspace_use_alone(mine));
	workspace_lock_drop(other);
	g_assert_true(workspace_use_alone(mine));
	workspace_use_share(mine);
	other = workspace_use_take(fixture->workspace, NULL);
	g_assert_nonnull(other);
	workspace_lock_drop(other);
	/* It says nothing about who changes the workspace. */
	other = workspace_lock_try(fixture->workspace, NULL);
	g_assert_nonnull(other);
	g_assert_false(repository_rewrite(fixture->workspace, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY);
	workspace_lock_drop(other);
}

/* ---- kills -------------------------------------------------------------------------------- */

static int rewrite_alone(const char *workspace)
{
	g_autoptr(GError) error = NULL;

	git_library_start();
	if (repository_rewrite(workspace, &error))
		return 0;
	g_printerr("%s\n", error->message);
	return 1;
}

static int run_traced(struct component_fixture *fixture, const char *inject)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	const char *const arguments[] = {"strace", "-qq", "-o", "/dev/null", "-E",
		"ASAN_OPTIONS=detect_leaks=0", "-e", inject, self, "--rewrite", fixture->workspace,
		NULL};
	g_autoptr(GError) error = NULL;
	int status;

	g_spawn_sync(NULL, (char **)arguments, NULL,
		G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status,
		&error);
	g_assert_no_error(error);
	return status;
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

/* Injects FAULT into each call of CALL in turn, until the rewriting gets through. */
static void hurt_everywhere(
	struct component_fixture *fixture, const char *before, const char *call, const char *fault)
{
	gboolean hit = TRUE;

	for (int when = 1; hit; when++) {
		g_autofree char *inject = g_strdup_printf(
			"inject=%s:%s:when=%d", call, fault, when);
		g_autofree char *after = NULL;
		int status;

		g_assert_cmpint(when, <, 300);
		component_fixture_do(
			fixture, "rm -rf ws/.forge/repository; cp -a kept ws/.forge/repository");
		status = run_traced(fixture, inject);
		hit = !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		g_test_message("%s: status %x", inject, (unsigned)status);
		after = all_reached(fixture);
		g_assert_cmpstr(after, ==, before);
		rewrite(fixture);
		g_free(after);
		after = all_reached(fixture);
		g_assert_cmpstr(after, ==, before);
		expect(fixture, LOOSE "; " PACKS "; ls -d ws/.forge/repository/objects* | wc -l",
			"0\n1\n1");
	}
}

static void a_kill_or_a_failure_at_any_system_call_loses_nothing(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const faults[][2] = {{"renameat2", "signal=KILL"},
		{"renameat2", "error=EINVAL"}, {"renameat2", "error=EIO"},
		{"rename", "signal=KILL"}, {"rename", "error=EIO"},
		{"unlink,unlinkat,rmdir", "signal=KILL"}, {"mkdir", "signal=KILL"},
		{"mkdir", "error=ENOSPC"}, {"fsync", "signal=KILL"}, {"fsync", "error=EIO"},
		{"pwrite64,write", "signal=KILL"}, {"pwrite64,write", "error=ENOSPC"},
		{"ftruncate,fallocate", "error=ENOSPC"}};
	g_autofree char *before = NULL;

	(void)unused;
	if (!can_trace()) {
		g_test_skip("no strace");
		return;
	}
	make_history(fixture);
	before = all_reached(fixture);
	component_fixture_do(fixture, "cp -a ws/.forge/repository kept");
	for (gsize i = 0; i < G_N_ELEMENTS(faults); i++)
		hurt_everywhere(fixture, before, faults[i][0], faults[i][1]);
}

int main(int argc, char **argv)
{
	if (argc == 3 && g_strcmp0(argv[1], "--rewrite") == 0)
		return rewrite_alone(argv[2]);
	/* Hundreds of repositories, each synced: in memory they take seconds. */
	if (access("/dev/shm", W_OK) == 0)
		g_setenv("TMPDIR", "/dev/shm", TRUE);
	g_test_init(&argc, &argv, NULL);
	component_fixture_prepare();
#define TEST(name) \
	g_test_add("/repository_rewrite/" #name, struct component_fixture, NULL, \
		component_fixture_set_up, name, component_fixture_tear_down)
	TEST(what_refs_reach_stays_in_one_pack_and_the_rest_goes);
	TEST(what_is_young_stays_with_all_it_names);
	TEST(an_interrupted_change_keeps_everything);
	TEST(a_damaged_repository_is_left_as_it_is);
	TEST(it_is_due_past_its_bounds_and_once_a_day);
	TEST(who_uses_it_keeps_others_from_being_alone);
	TEST(a_kill_or_a_failure_at_any_system_call_loses_nothing);
	return g_test_run();
}
