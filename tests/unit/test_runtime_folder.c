/*
 * Where commands find each other: which folder, names that fit a socket, and owners that live or do
 * not.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/runtime_folder.h"
#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/unit/sandbox.h"

struct fixture {
	char *parent;
	char *runtime;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->parent = g_dir_make_tmp("forge-run-XXXXXX", NULL);
	g_setenv("XDG_RUNTIME_DIR", fixture->parent, TRUE);
	fixture->runtime = runtime_folder(&error);
	g_assert_no_error(error);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	g_free(fixture->runtime);
	sandbox_remove(fixture->parent);
}

static void folder_is_the_users_alone(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	GStatBuf status;

	(void)unused;
	g_assert_true(g_str_has_prefix(fixture->runtime, fixture->parent));
	g_assert_cmpint(g_stat(fixture->runtime, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 0777, ==, 0700);
	g_assert_cmpint(g_chmod(fixture->runtime, 0755), ==, 0);
	g_assert_null(runtime_folder(&error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_SECURITY_REFUSED);
}

static void folder_that_cannot_serve_is_passed_over(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *fallback = g_strdup_printf("/tmp/forge-%u", (unsigned)getuid());
	g_autofree char *name = g_strnfill(80, 'x');
	g_autofree char *deep = g_build_filename(fixture->parent, name, NULL);
	const char *const parents[] = {"", "relative", "/nonexistent/run", "/dev/null", deep};

	(void)unused;
	g_assert_cmpint(g_mkdir(deep, 0700), ==, 0);
	for (guint i = 0; i < G_N_ELEMENTS(parents); i++) {
		g_autofree char *folder = NULL;

		g_setenv("XDG_RUNTIME_DIR", parents[i], TRUE);
		folder = runtime_folder(NULL);
		g_assert_cmpstr(folder, ==, fallback);
	}
}

static void endpoint_follows_from_the_journal_and_fits_a_socket(
	struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *deep = g_strnfill(3000, 'j');
	g_autofree char *folder = g_strconcat("/", deep, NULL);
	g_autofree char *first = runtime_endpoint(fixture->runtime, folder);
	g_autofree char *again = runtime_endpoint(fixture->runtime, folder);
	g_autofree char *plain = runtime_endpoint(fixture->runtime, "/home/jane/journal");
	g_autofree char *odd = runtime_endpoint(fixture->runtime, "/home/jane/../jane//journal/");

	(void)unused;
	g_assert_cmpstr(first, ==, again);
	g_assert_cmpstr(first, !=, plain);
	g_assert_cmpstr(plain, ==, odd);
	g_assert_cmpuint(strlen(first) - strlen("ipc://"), <=, LIMIT_SOCKET_PATH_BYTES);
}

static gboolean has_file(struct fixture *fixture, const char *owner)
{
	g_autofree char *name = g_strconcat(owner, ".owner", NULL);
	g_autofree char *path = g_build_filename(fixture->runtime, name, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void owner_lives_as_long_as_its_lock(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *owner = client_request_id();
	int lock = runtime_owner_hold(fixture->runtime, owner, NULL);

	(void)unused;
	g_assert_cmpint(lock, >=, 0);
	g_assert_true(runtime_owner_lives(fixture->runtime, owner));
	/* Asking changes nothing. */
	g_assert_true(runtime_owner_lives(fixture->runtime, owner));
	runtime_owner_release(fixture->runtime, owner, lock);
	g_assert_false(runtime_owner_lives(fixture->runtime, owner));
	g_assert_false(has_file(fixture, owner));
	g_assert_false(runtime_owner_lives(fixture->runtime, "../../etc/passwd"));
	g_assert_false(runtime_owner_lives(fixture->runtime, ""));
}

static void files_of_the_killed_go_and_those_of_the_living_stay(
	struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *killed = client_request_id();
	g_autofree char *living = client_request_id();
	int lock = runtime_owner_hold(fixture->runtime, living, NULL);

	(void)unused;
	/* The lock of a process that is killed goes like this. */
	close(runtime_owner_hold(fixture->runtime, killed, NULL));
	g_assert_true(has_file(fixture, killed));
	runtime_forget_dead_owners(fixture->runtime);
	g_assert_false(has_file(fixture, killed));
	g_assert_true(runtime_owner_lives(fixture->runtime, living));
	runtime_owner_release(fixture->runtime, living, lock);
}

static gpointer sweep_until_told(gpointer data)
{
	struct fixture *fixture = data;
	g_autofree char *stop = g_build_filename(fixture->runtime, "stop", NULL);

	while (!g_file_test(stop, G_FILE_TEST_EXISTS))
		runtime_forget_dead_owners(fixture->runtime);
	return NULL;
}

static void starting_owner_is_not_swept_away(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *stop = g_build_filename(fixture->runtime, "stop", NULL);
	GThread *sweeper = g_thread_new("sweep", sweep_until_told, fixture);

	(void)unused;
	for (int i = 0; i < 300; i++) {
		g_autofree char *owner = client_request_id();
		int lock = runtime_owner_hold(fixture->runtime, owner, NULL);

		g_assert_cmpint(lock, >=, 0);
		g_assert_true(has_file(fixture, owner));
		g_assert_true(runtime_owner_lives(fixture->runtime, owner));
		runtime_owner_release(fixture->runtime, owner, lock);
	}
	g_assert_true(g_file_set_contents(stop, "", 0, NULL));
	g_thread_join(sweeper);
}

#define ADD(test) \
	g_test_add("/runtime_folder/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(folder_is_the_users_alone);
	ADD(folder_that_cannot_serve_is_passed_over);
	ADD(endpoint_follows_from_the_journal_and_fits_a_socket);
	ADD(owner_lives_as_long_as_its_lock);
	ADD(files_of_the_killed_go_and_those_of_the_living_stay);
	ADD(starting_owner_is_not_swept_away);
	return g_test_run();
}
