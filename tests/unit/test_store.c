/*
 * Stores, with repositories made by git, two threads, two processes, and processes that are killed
 * in the middle.
 */
#include "worker/store/store.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/base/limits.h"
#include "tests/unit/git_fixture.h"
#include "worker/store/store_lock.h"

#define UPSTREAM "upstream.git"
#define IDENTITY "aa11"
#define LOCAL_NAME "refs/anchors/tip/main"

struct upstream {
	char *path;
	struct remote remote;
	struct fetch_ref tip;
};

static void upstream_clear(struct upstream *upstream)
{
	g_free(upstream->path);
}
SCOPED_VALUE(upstream, upstream_clear)

/* The upstream as it is now, with its branch main as the one tip. */
static struct upstream look_at_upstream(struct git_fixture *fixture)
{
	struct upstream upstream = {.path = g_build_filename(fixture->folder, UPSTREAM, NULL)};

	upstream.remote = git_fixture_remote(upstream.path, IDENTITY);
	upstream.tip = (struct fetch_ref){
		"refs/heads/main", git_fixture_oid(fixture, UPSTREAM, "main"), LOCAL_NAME};
	return upstream;
}

static void set_up(struct git_fixture *fixture, gconstpointer unused)
{
	git_fixture_set_up(fixture, unused);
	git_fixture_do(fixture,
		"git init -q --bare -b main " UPSTREAM "; git clone -q " UPSTREAM
		" work 2>/dev/null;"
		"cd work; git checkout -q -b main; mkdir -p a/b; echo 1 >a/b/file; git add .;"
		"git commit -qm one; git push -q origin main");
}

static void add_commit(struct git_fixture *fixture, const char *text)
{
	git_fixture_do(fixture,
		"cd work; echo '%s' >>a/b/file; git commit -qam '%s'; git push -q origin main",
		text, text);
}

static struct store *open_store(
	struct git_fixture *fixture, const struct upstream *upstream, GError **error)
{
	return store_open(
		fixture->stores, &upstream->remote, &upstream->tip, 1, &fixture->budget, error);
}

static void assert_opens(struct git_fixture *fixture)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	g_autoptr(GError) error = NULL;
	scoped(store) store = open_store(fixture, &upstream, &error);

	g_assert_no_error(error);
	g_assert_nonnull(store);
	git_fixture_do(fixture, "git -C cache/stores/" IDENTITY ".git fsck --strict --no-dangling");
	g_assert_true(store_has(store, &upstream.tip.oid));
}

static void no_network_once_the_tips_are_there(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	assert_opens(fixture);
	g_assert_cmpuint(fixture->budget.requests, ==, 1);
	assert_opens(fixture);
	g_assert_cmpuint(fixture->budget.requests, ==, 1);
	add_commit(fixture, "two");
	assert_opens(fixture);
	g_assert_cmpuint(fixture->budget.requests, ==, 2);
}

struct opener {
	struct git_fixture *fixture;
	const struct upstream *upstream;
	struct budget budget;
	gboolean opened;
};

static gpointer open_in_thread(gpointer data)
{
	struct opener *opener = data;
	scoped(store) store = store_open(opener->fixture->stores, &opener->upstream->remote,
		&opener->upstream->tip, 1, &opener->budget, NULL);

	opener->opened = store != NULL;
	return NULL;
}

static void threads_that_want_the_same_tips_make_one_fetch(
	struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	struct opener openers[4];
	GThread *threads[G_N_ELEMENTS(openers)];
	uint64_t requests = 0;

	(void)unused;
	for (gsize i = 0; i < G_N_ELEMENTS(openers); i++) {
		openers[i] = (struct opener){fixture, &upstream, sandbox_budget(), FALSE};
		threads[i] = g_thread_new("opener", open_in_thread, &openers[i]);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(openers); i++) {
		g_thread_join(threads[i]);
		g_assert_true(openers[i].opened);
		requests += openers[i].budget.requests;
	}
	g_assert_cmpuint(requests, ==, 1);
}

static void die(struct budget *budget, const char *text, uint64_t bytes, void *user_data)
{
	(void)budget, (void)text, (void)bytes, (void)user_data;
	raise(SIGKILL);
}

/* The other process: opens the store and prints how many requests that took. MODE "die" is killed
 * as data arrives. */
static int run_child(char **arguments)
{
	const char *mode = arguments[0], *cache = arguments[1], *path = arguments[2],
		   *hex = arguments[3];
	scoped(stores) stores = stores_new(cache, NULL);
	struct remote remote = git_fixture_remote(path, IDENTITY);
	struct fetch_ref tip = {.remote_name = "refs/heads/main", .local_name = LOCAL_NAME};
	struct budget budget = sandbox_budget();
	g_autoptr(GError) error = NULL;
	scoped(store) store = NULL;

	git_oid_fromstr(&tip.oid, hex);
	if (strcmp(mode, "die") == 0)
		budget.progress = die;
	store = store_open(stores, &remote, &tip, 1, &budget, &error);
	g_print("%" G_GUINT64_FORMAT "%s\n", budget.requests, error ? error->message : "");
	return store ? 0 : 1;
}

/* The shell words that run this program as the other process. */
static char *child_command(
	struct git_fixture *fixture, const struct upstream *upstream, const char *mode)
{
	return g_strdup_printf("/proc/%d/exe --child %s '%s' '%s' %s", getpid(), mode,
		fixture->cache, upstream->path, git_oid_tostr_s(&upstream->tip.oid));
}

static void processes_that_want_the_same_tips_make_one_fetch(
	struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	g_autofree char *child = child_command(fixture, &upstream, "live");
	g_autofree char *command = g_strdup_printf(
		"%s >one & %s >two & %s >three & wait; cat one two three | sort | xargs", child,
		child, child);
	g_autofree char *counts = sandbox_run(fixture->folder, command);

	(void)unused;
	g_assert_cmpstr(counts, ==, "0 0 1");
}

static void a_killed_fetch_leaves_a_store_that_can_be_used(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (guint i = 0; i < 2; i++) {
		scoped_value(upstream) upstream = look_at_upstream(fixture);
		g_autofree char *child = child_command(fixture, &upstream, "die");

		/* 137: killed. The quarantine is still there, and goes with the next fetch. */
		git_fixture_do(fixture,
			"status=0; %s || status=$?; test $status = 137; ls -d cache/stores/*.incoming",
			child);
		assert_opens(fixture);
		git_fixture_do(fixture, "test ! -e cache/stores/" IDENTITY ".incoming");
		add_commit(fixture, "two");
	}
}

/* Killed at every third change of a name on disk, one after another, until one run comes through.
 */
static void a_fetch_killed_at_any_step_leaves_a_store_that_can_be_used(
	struct git_fixture *fixture, gconstpointer unused)
{
	guint n_killed = 0;

	(void)unused;
	for (guint step = 1; step < 60; step += 3) {
		scoped_value(upstream) upstream = look_at_upstream(fixture);
		g_autofree char *child = child_command(fixture, &upstream, "live");
		g_autofree char *command = g_strdup_printf(
			"status=0; ASAN_OPTIONS=detect_leaks=0 strace -qqq -o /dev/null "
			"-e trace=rename,renameat2,mkdir,unlink,link,rmdir "
			"-e inject=rename,renameat2,mkdir,unlink,link,rmdir:signal=KILL:when=%u"
			" %s >/dev/null || status=$?; echo $status",
			step, child);
		g_autofree char *status = sandbox_run(fixture->folder, command);

		assert_opens(fixture);
		if (strcmp(status, "0") == 0)
			break;
		g_assert_cmpstr(status, ==, "137");
		n_killed++;
		if (step % 2)
			git_fixture_do(fixture, "rm -rf cache/stores/" IDENTITY ".git");
		add_commit(fixture, "more");
	}
	g_assert_cmpuint(n_killed, >, 3);
}

static void damage_and_open(struct git_fixture *fixture, const char *damage)
{
	uint64_t requests;

	assert_opens(fixture);
	requests = fixture->budget.requests;
	git_fixture_do(fixture, "cd cache/stores/" IDENTITY ".git; %s", damage);
	assert_opens(fixture);
	g_assert_cmpuint(fixture->budget.requests, ==, requests + 1);
}

static void a_broken_store_is_rebuilt(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	damage_and_open(fixture, "rm -f objects/pack/*.pack objects/pack/*.idx");
	damage_and_open(fixture, "rm -rf objects");
	damage_and_open(fixture, "echo nonsense >packed-refs");
	damage_and_open(fixture, "printf 1234 >packed-refs");
	damage_and_open(fixture, "rm forge-stamp");
	damage_and_open(fixture, "rm HEAD config");
	damage_and_open(fixture, "echo /nowhere >objects/info/alternates");
}

static void damage_is_found_after_the_machine_was_started_again(
	struct git_fixture *fixture, gconstpointer unused)
{
	uint64_t requests;

	(void)unused;
	assert_opens(fixture);
	requests = fixture->budget.requests;
	/* Another boot, nothing lost: no fetch. */
	git_fixture_do(fixture,
		"cd cache/stores/" IDENTITY
		".git; sed -i '3s/.*/0123456789abcdef0123456789abcdef/' forge-stamp");
	assert_opens(fixture);
	g_assert_cmpuint(fixture->budget.requests, ==, requests);
	/* Another boot, and a byte in the middle of the pack is not what was written. */
	damage_and_open(fixture,
		"sed -i '3s/.*/0123456789abcdef0123456789abcdef/' forge-stamp; chmod u+w objects/pack/*;"
		"printf '\\0' | dd of=$(ls objects/pack/*.pack) bs=1 seek=40 conv=notrunc status=none");
}

static void an_object_lost_in_the_middle_is_noticed_by_the_next_fetch(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	assert_opens(fixture);
	add_commit(fixture, "two");
	assert_opens(fixture);
	/* The first pack goes: the tip is still there, what it builds on is not. */
	git_fixture_do(fixture,
		"cd cache/stores/" IDENTITY ".git/objects/pack; rm -f $(ls -tr *.idx | head -1)");
	git_fixture_do(fixture,
		"cd work; git mv a/b/file a/b/name; echo x >y; git add .; git commit -qm three;"
		"git push -q origin main");
	assert_opens(fixture);
}

static void nobody_waits_longer_than_the_job_may_last(
	struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	g_autofree char *path = g_build_filename(fixture->cache, "stores", IDENTITY ".lock", NULL);
	scoped(store_lock) lock = NULL;
	g_autoptr(GError) error = NULL;

	(void)unused;
	assert_opens(fixture);
	add_commit(fixture, "two");
	upstream.tip.oid = git_fixture_oid(fixture, UPSTREAM, "main");
	lock = store_lock_open(path, NULL);
	g_assert_true(store_lock_try(lock, STORE_LOCK_WRITE, STORE_LOCK_EXCLUSIVE));
	fixture->budget.deadline_ms = clock_now().monotonic_ms + 50;
	g_assert_null(open_store(fixture, &upstream, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_clear_error(&error);
	g_atomic_int_set(&fixture->budget.cancelled, 1);
	g_assert_null(open_store(fixture, &upstream, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
}

static void a_store_in_use_all_the_time_is_rewritten_once_it_is_overdue(
	struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	g_autofree char *path = g_build_filename(fixture->cache, "stores", IDENTITY ".lock", NULL);
	scoped(store_lock) newcomer = NULL;
	struct store *reader = open_store(fixture, &upstream, NULL);
	struct opener opener = {fixture, &upstream, fixture->budget, FALSE};
	GThread *writer;

	(void)unused;
	g_assert_nonnull(reader);
	git_fixture_do(fixture,
		"cd cache/stores/" IDENTITY ".git; for i in $(seq %d); do "
		"echo $i | git hash-object -w --stdin | git pack-objects -q objects/pack/pack >made;"
		"done; rm made",
		LIMIT_STORE_PACKS * LIMIT_STORE_OVERDUE + 1);
	add_commit(fixture, "two");
	upstream.tip.oid = git_fixture_oid(fixture, UPSTREAM, "main");
	newcomer = store_lock_open(path, NULL);
	writer = g_thread_new("writer", open_in_thread, &opener);
	while (store_lock_try(newcomer, STORE_LOCK_GATE, STORE_LOCK_SHARED)) {
		g_assert_true(budget_check(&fixture->budget, NULL));
		store_lock_drop(newcomer, STORE_LOCK_GATE);
		g_thread_yield();
	}
	store_close(reader);
	g_thread_join(writer);
	g_assert_true(opener.opened);
	git_fixture_do(fixture,
		"test $(ls cache/stores/" IDENTITY ".git/objects/pack/*.idx | wc -l) -lt %d",
		LIMIT_STORE_PACKS);
}

/* The job is cancelled in the middle of a fetch, and the cache's folder cannot be written to. */
static void cancel_and_hide(struct budget *budget, const char *text, uint64_t bytes, void *data)
{
	(void)text, (void)bytes;
	if (g_atomic_int_get(&budget->cancelled))
		return;
	g_atomic_int_set(&budget->cancelled, 1);
	git_fixture_do(data, "mv cache/stores cache/hidden");
}

static void a_cancelled_fetch_blames_no_disk(struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->budget.progress = cancel_and_hide;
	fixture->budget.progress_data = fixture;
	g_assert_null(open_store(fixture, &upstream, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
}

static void the_least_recently_used_goes_first_and_nobody_loses_what_he_holds(
	struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	struct remote remotes[3];
	scoped(store) held = NULL;

	(void)unused;
	for (guint i = 0; i < 3; i++) {
		static const char *const identities[] = {"01", "02", "03"};
		scoped(store) store = NULL;

		remotes[i] = git_fixture_remote(upstream.path, identities[i]);
		store = store_open(
			fixture->stores, &remotes[i], &upstream.tip, 1, &fixture->budget, NULL);
		g_assert_nonnull(store);
	}
	git_fixture_do(fixture,
		"touch -d 2001-01-01 cache/stores/02.lock; touch -d 2002-01-01 cache/stores/01.lock");
	g_assert_cmpuint(stores_evict(fixture->stores, G_MAXUINT64), >, 0);
	git_fixture_do(fixture, "cd cache/stores; test $(ls -d *.git | wc -l) = 3");
	stores_evict(fixture->stores, stores_evict(fixture->stores, G_MAXUINT64) - 1);
	git_fixture_do(
		fixture, "cd cache/stores; test \"$(ls -d *.git | xargs)\" = '01.git 03.git'");
	held = store_open(fixture->stores, &remotes[0], &upstream.tip, 1, &fixture->budget, NULL);
	g_assert_cmpuint(stores_evict(fixture->stores, 0), >, 0);
	git_fixture_do(fixture, "cd cache/stores; test \"$(ls -d *.git | xargs)\" = 01.git");
	g_assert_true(store_has(held, &upstream.tip.oid));
}

static void a_folder_that_cannot_be_written_is_named(
	struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(upstream) upstream = look_at_upstream(fixture);
	g_autoptr(GError) error = NULL;

	(void)unused;
	git_fixture_do(fixture, "mkdir cache; touch cache/stores");
	g_assert_null(open_store(fixture, &upstream, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_CACHE_UNUSABLE);
	g_assert_nonnull(strstr(error->message, fixture->cache));
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "--child") == 0)
		return run_child(argv + 2);
	g_test_init(&argc, &argv, NULL);
#define TEST(name) \
	g_test_add("/store/" #name, struct git_fixture, NULL, set_up, name, git_fixture_tear_down)
	TEST(no_network_once_the_tips_are_there);
	TEST(threads_that_want_the_same_tips_make_one_fetch);
	TEST(processes_that_want_the_same_tips_make_one_fetch);
	TEST(a_killed_fetch_leaves_a_store_that_can_be_used);
	TEST(a_fetch_killed_at_any_step_leaves_a_store_that_can_be_used);
	TEST(a_broken_store_is_rebuilt);
	TEST(damage_is_found_after_the_machine_was_started_again);
	TEST(an_object_lost_in_the_middle_is_noticed_by_the_next_fetch);
	TEST(nobody_waits_longer_than_the_job_may_last);
	TEST(a_store_in_use_all_the_time_is_rewritten_once_it_is_overdue);
	TEST(a_cancelled_fetch_blames_no_disk);
	TEST(the_least_recently_used_goes_first_and_nobody_loses_what_he_holds);
	TEST(a_folder_that_cannot_be_written_is_named);
	return g_test_run();
}
