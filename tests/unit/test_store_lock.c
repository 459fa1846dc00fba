/*
 * Locks of store folders: between handles of one process, between processes, and after one was
 * killed.
 */
#include "worker/store/store_lock.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"

struct fixture {
	char *folder;
	char *path;
	struct store_lock *one;
	struct store_lock *other;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	fixture->folder = g_dir_make_tmp("forge-lock-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->folder, "store.lock", NULL);
	fixture->one = store_lock_open(fixture->path, NULL);
	fixture->other = store_lock_open(fixture->path, NULL);
	g_assert_nonnull(fixture->other);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	store_lock_close(fixture->one);
	store_lock_close(fixture->other);
	g_unlink(fixture->path);
	g_rmdir(fixture->folder);
	g_free(fixture->path);
	g_free(fixture->folder);
}

static void many_use_and_one_writes(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_assert_true(store_lock_try(fixture->one, STORE_LOCK_USE, STORE_LOCK_SHARED));
	g_assert_true(store_lock_try(fixture->other, STORE_LOCK_USE, STORE_LOCK_SHARED));
	g_assert_true(store_lock_try(fixture->one, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE));
	g_assert_false(store_lock_try(fixture->other, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE));
	store_lock_drop(fixture->one, STORE_LOCK_WRITE);
	g_assert_true(store_lock_try(fixture->other, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE));
}

static void a_change_of_mode_that_fails_keeps_what_was_held(
	struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_assert_true(store_lock_try(fixture->one, STORE_LOCK_USE, STORE_LOCK_SHARED));
	g_assert_true(store_lock_try(fixture->other, STORE_LOCK_USE, STORE_LOCK_SHARED));
	g_assert_false(store_lock_try(fixture->one, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE));
	/* Still shared: the other cannot have it alone either. */
	g_assert_false(store_lock_try(fixture->other, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE));
	store_lock_drop(fixture->one, STORE_LOCK_USE);
	g_assert_true(store_lock_try(fixture->other, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE));
	g_assert_true(store_lock_try(fixture->other, STORE_LOCK_USE, STORE_LOCK_SHARED));
	g_assert_true(store_lock_try(fixture->one, STORE_LOCK_USE, STORE_LOCK_SHARED));
}

static gpointer take_and_close(gpointer lock)
{
	struct budget budget = {.deadline_ms = clock_now().monotonic_ms + 60000};

	return GINT_TO_POINTER(
		store_lock_take(lock, STORE_LOCK_USE, STORE_LOCK_EXCLUSIVE, &budget, NULL));
}

static void who_waits_gets_it_when_it_is_free(struct fixture *fixture, gconstpointer unused)
{
	GThread *thread;

	(void)unused;
	g_assert_true(store_lock_try(fixture->one, STORE_LOCK_USE, STORE_LOCK_SHARED));
	thread = g_thread_new("waiter", take_and_close, fixture->other);
	g_thread_yield();
	g_clear_pointer(&fixture->one, store_lock_close);
	g_assert_true(GPOINTER_TO_INT(g_thread_join(thread)));
}

/* The other process takes the lock, says so, and waits for its end. */
static int hold(const char *path)
{
	struct store_lock *lock = store_lock_open(path, NULL);

	if (!store_lock_try(lock, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE))
		return 1;
	(void)!write(STDOUT_FILENO, "held", strlen("held"));
	for (;;)
		pause();
}

static void a_killed_process_gives_its_locks_up(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	char *const arguments[] = {self, (char *)"--hold", fixture->path, NULL};
	struct budget budget = {.deadline_ms = clock_now().monotonic_ms + 60000};
	g_autoptr(GError) error = NULL;
	char said[8];
	GPid child;
	int output;

	(void)unused;
	g_assert_true(g_spawn_async_with_pipes(NULL, (char **)arguments, NULL,
		G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &child, NULL, &output, NULL, &error));
	g_assert_cmpint(read(output, said, sizeof(said)), ==, strlen("held"));
	g_assert_false(store_lock_try(fixture->one, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE));
	kill(child, SIGKILL);
	g_assert_true(store_lock_take(
		fixture->one, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE, &budget, &error));
	g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
	close(output);
}

static void a_folder_that_is_not_there_is_named(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *path = g_build_filename(fixture->folder, "none", "store.lock", NULL);
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_assert_null(store_lock_open(path, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE);
	g_assert_nonnull(strstr(error->message, path));
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--hold") == 0)
		return hold(argv[2]);
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/store_lock/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(many_use_and_one_writes);
	TEST(a_change_of_mode_that_fails_keeps_what_was_held);
	TEST(who_waits_gets_it_when_it_is_free);
	TEST(a_killed_process_gives_its_locks_up);
	TEST(a_folder_that_is_not_there_is_named);
	return g_test_run();
}
