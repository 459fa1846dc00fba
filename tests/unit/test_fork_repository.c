/*
 * Fork repositories over stores: what a fetch costs, what a rewrite keeps, and servers that send
 * less than they name.
 *
 * The hostile server is git's own, told by uploadpack.packObjectsHook in the user's configuration
 * to answer with a pack made beforehand.
 */
#include "worker/store/fork_repository.h"

#include <sys/stat.h>
#include <unistd.h>

#include "journal/base/limits.h"
#include "tests/unit/git_fixture.h"
#include "worker/store/anchors.h"
#include "worker/store/store_folder.h"
#include "worker/store/store_rewrite.h"

#define MAIN "refs/heads/main"
#define FORK_ANCHOR "refs/anchors/tip/main"
/* What the pack of a few small commits, with all that is said around it, stays under. */
#define FEW_BYTES (30 * 1024)

/* A fork `NAME.git` with its identity, opened over the upstream's store with its tip fetched, or
 * not. */
struct session {
	char *upstream_path;
	char *fork_path;
	struct remote upstream;
	struct remote fork;
	struct store *store;
	struct fork_repository *repository;
};

static void session_clear(struct session *session)
{
	fork_repository_close(session->repository);
	store_close(session->store);
	g_free(session->upstream_path);
	g_free(session->fork_path);
}
SCOPED_VALUE(session, session_clear)

static void session_open(struct session *session, struct git_fixture *fixture, const char *name)
{
	struct fetch_ref tip = {
		MAIN, git_fixture_oid(fixture, "upstream.git", "main"), FORK_ANCHOR};
	g_autoptr(GError) error = NULL;

	session->upstream_path = g_build_filename(fixture->folder, "upstream.git", NULL);
	session->fork_path = g_strdup_printf("%s/%s.git", fixture->folder, name);
	session->upstream = git_fixture_remote(session->upstream_path, "aa11");
	session->fork = git_fixture_remote(session->fork_path, name);
	session->store = store_open(
		fixture->stores, &session->upstream, &tip, 1, &fixture->budget, &error);
	g_assert_no_error(error);
	session->repository = fork_repository_open(
		fixture->stores, session->store, &session->fork, &fixture->budget, &error);
	g_assert_no_error(error);
}

static gboolean fetch_main(
	struct session *session, struct git_fixture *fixture, const char *name, GError **error)
{
	g_autofree char *repository = g_strdup_printf("%s.git", name);
	struct fetch_ref tip = {MAIN, git_fixture_oid(fixture, repository, "main"), FORK_ANCHOR};

	if (!fork_repository_fetch(session->repository, &tip, 1, &fixture->budget, error))
		return FALSE;
	g_assert_true(fork_repository_has(session->repository, &tip.oid));
	return TRUE;
}

/* Opens fork NAME, fetches its main, and gives the bytes that came for it. */
static uint64_t sync_fork(struct git_fixture *fixture, const char *name)
{
	scoped_value(session) session = {0};
	g_autoptr(GError) error = NULL;
	uint64_t before;

	session_open(&session, fixture, name);
	before = fixture->budget.bytes_received;
	fetch_main(&session, fixture, name, &error);
	g_assert_no_error(error);
	return fixture->budget.bytes_received - before;
}

static void set_up(struct git_fixture *fixture, gconstpointer unused)
{
	git_fixture_set_up(fixture, unused);
	g_setenv("HOME", fixture->folder, TRUE);
	git_fixture_do(fixture,
		"git config --global user.name tester; git config --global user.email t@example.org;"
		"git init -q --bare -b main upstream.git; git clone -q upstream.git work 2>/dev/null;"
		"cd work; git checkout -q -b main; mkdir -p a/b; echo 1 >a/b/file; echo 1 >other;"
		"git add .; git commit -qm one; git push -q origin main;"
		"cd ..; git clone -q --bare upstream.git ours.git; git clone -q ours.git fork");
}

static void add_to_fork(struct git_fixture *fixture, const char *text)
{
	git_fixture_do(fixture,
		"cd fork; echo '%s' >>a/b/file; git commit -qam '%s'; git push -q origin main",
		text, text);
}

static void add_to_upstream(struct git_fixture *fixture, const char *text)
{
	git_fixture_do(fixture,
		"cd work; echo '%s' >>other; git commit -qam '%s'; git push -q origin main", text,
		text);
}

static void a_fork_that_is_merely_behind_is_not_fetched(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	add_to_upstream(fixture, "two");
	g_assert_cmpuint(sync_fork(fixture, "ours"), ==, 0);
}

static void a_store_and_its_forks_hold_only_their_own(
	struct git_fixture *fixture, gconstpointer unused)
{
	scoped_value(session) session = {0};
	git_oid private;

	(void)unused;
	git_fixture_do(fixture, "git clone -q --bare upstream.git theirs.git");
	add_to_fork(fixture, "private");
	private = git_fixture_oid(fixture, "ours.git", "main");
	sync_fork(fixture, "ours");
	session_open(&session, fixture, "theirs");
	g_assert_false(fork_repository_has(session.repository, &private));
	g_assert_false(store_has(session.store, &private));
	/* The other fork names what only the first has: it was not sent, so it is not there. */
	git_fixture_do(fixture,
		"test -z \"$(git -C cache/stores/aa11.git log --all --format=%%s | grep private)\"");
}

static void many_fetches_are_rewritten_and_forks_go_on(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	add_to_fork(fixture, "ours");
	for (guint i = 0; i < LIMIT_STORE_PACKS + 10; i++) {
		g_autofree char *text = g_strdup_printf("upstream %u", i);

		add_to_upstream(fixture, text);
		if (i % 2)
			add_to_fork(fixture, text);
		sync_fork(fixture, "ours");
	}
	git_fixture_do(fixture,
		"test $(ls cache/stores/aa11.git/objects/pack/*.idx | wc -l) -lt 30;"
		"git -C cache/stores/aa11.git fsck --strict;"
		"git -C cache/forks/ours-of-aa11.git fsck --strict;"
		"test -z \"$(find cache -mindepth 2 -maxdepth 2 ! -name '*.git' ! -name '*.lock')\"");
}

static void a_fork_with_many_loose_objects_is_rewritten(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	add_to_fork(fixture, "ours");
	sync_fork(fixture, "ours");
	git_fixture_do(fixture,
		"cd cache/forks/ours-of-aa11.git; mkdir -p ../../../blobs; i=0; while [ $i -lt 1100 ]; do"
		" echo $i >../../../blobs/$i; i=$((i + 1)); done; ls -d ../../../blobs/* | git hash-object -w --stdin-paths >/dev/null;"
		"git update-ref refs/forge/kept $(git rev-parse refs/anchors/tip/main)");
	sync_fork(fixture, "ours");
	git_fixture_do(fixture,
		"cd cache/forks/ours-of-aa11.git; test -z \"$(ls objects | grep -v -e info -e pack)\";"
		"git cat-file -e $(git hash-object ../../../blobs/77); git rev-parse refs/forge/kept; git fsck");
}

static void a_rewrite_killed_at_any_step_leaves_a_store_that_can_be_used(
	struct git_fixture *fixture, gconstpointer unused)
{
	guint n_killed = 0;

	(void)unused;
	for (guint i = 0; i < 4; i++) {
		g_autofree char *text = g_strdup_printf("upstream %u", i);

		add_to_upstream(fixture, text);
		sync_fork(fixture, "ours");
	}
	for (guint step = 1; step < 100; step++) {
		g_autofree char *command = g_strdup_printf(
			"rm -rf cache/stores/copy.*; cp -a cache/stores/aa11.git cache/stores/copy.git; status=0;"
			"ASAN_OPTIONS=detect_leaks=0 strace -f -qqq -o /dev/null -e trace=rename,renameat2,mkdir,link,unlink,rmdir"
			" -e inject=rename,renameat2,mkdir,link,unlink,rmdir:signal=KILL:when=%u"
			" /proc/%d/exe --rewrite '%s/stores' || status=$?;"
			"git -C cache/stores/copy.git fsck --strict; git -C cache/stores/copy.git rev-list --objects --all | wc -l;"
			"git -C cache/stores/aa11.git rev-list --objects --all | wc -l; echo $status",
			step, getpid(), fixture->cache);
		g_autofree char *output = sandbox_run(fixture->folder, command);
		g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

		g_assert_cmpuint(g_strv_length(lines), ==, 3);
		g_assert_cmpstr(lines[0], ==, lines[1]);
		if (strcmp(lines[2], "0") == 0)
			break;
		g_assert_cmpstr(lines[2], ==, "137");
		n_killed++;
	}
	g_assert_cmpuint(n_killed, >, 10);
}

static int run_rewrite(const char *parent)
{
	struct stores *stores = stores_new(parent, NULL);
	scoped_value(store_folder) folder;
	struct budget budget = sandbox_budget();
	gboolean done;

	store_folder_init(&folder, parent, "copy");
	done = store_rewrite(&folder, NULL, &budget, NULL);
	stores_free(stores);
	return done ? 0 : 1;
}

static void a_fork_over_a_new_store_starts_afresh(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	add_to_fork(fixture, "ours");
	g_assert_cmpuint(sync_fork(fixture, "ours"), >, 0);
	g_assert_cmpuint(sync_fork(fixture, "ours"), ==, 0);
	git_fixture_do(fixture, "rm -rf cache/stores/aa11.git");
	g_assert_cmpuint(sync_fork(fixture, "ours"), >, 0);
	git_fixture_do(fixture, "git -C cache/forks/ours-of-aa11.git fsck --strict");
}

/* Lets the server of fork `ours` send, whatever is asked, a pack of the objects that the shell
 * words LIST print. */
static void send_only(struct git_fixture *fixture, const char *list)
{
	git_fixture_do(fixture,
		"(cd ours.git; (%s) | git pack-objects -q --stdout) >hostile.pack;"
		"printf '#!/bin/sh\\ncat >/dev/null\\ncat \"%s/hostile.pack\"\\n' >hook; chmod +x hook;"
		"git config --global uploadpack.packObjectsHook \"$PWD/hook\"",
		list, fixture->folder);
}

static void assert_refused(
	struct git_fixture *fixture, const char *missing, const char *holder, const char *path)
{
	scoped_value(session) session = {0};
	g_autoptr(GError) error = NULL;
	git_oid oid = git_fixture_oid(fixture, "ours.git", missing);
	git_oid commit = git_fixture_oid(fixture, "ours.git", holder);

	session_open(&session, fixture, "ours");
	g_assert_false(fetch_main(&session, fixture, "ours", &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	g_assert_nonnull(strstr(error->message, git_oid_tostr_s(&oid)));
	g_assert_nonnull(strstr(error->message, git_oid_tostr_s(&commit)));
	g_assert_nonnull(strstr(error->message, path));
	/* Nothing of it stays, neither object nor ref nor quarantine. */
	git_fixture_do(fixture,
		"cd cache/forks; test -z \"$(find ours-of-aa11.git/objects -type f ! -name alternates)\";"
		"test ! -s ours-of-aa11.git/packed-refs; test ! -e ours-of-aa11.incoming");
}

static void opened_once(struct git_fixture *fixture)
{
	scoped_value(session) session = {0};

	session_open(&session, fixture, "ours");
}

static void a_missing_blob_is_a_broken_repository(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	opened_once(fixture);
	add_to_fork(fixture, "two");
	send_only(fixture,
		"git rev-list --objects main^..main | cut -d' ' -f1 | grep -v $(git rev-parse main:a/b/file)");
	assert_refused(fixture, "main:a/b/file", "main", "a/b/file");
}

static void a_missing_tree_is_a_broken_repository(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	opened_once(fixture);
	add_to_fork(fixture, "two");
	send_only(fixture,
		"git rev-list --objects main^..main | cut -d' ' -f1 | grep -v $(git rev-parse main:a/b)");
	assert_refused(fixture, "main:a/b", "main", "a/b");
}

static void a_missing_parent_is_a_broken_repository(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	opened_once(fixture);
	add_to_fork(fixture, "two");
	add_to_fork(fixture, "three");
	send_only(fixture, "git rev-list --objects main^..main | cut -d' ' -f1");
	assert_refused(fixture, "main^", "main", "missing");
}

static void an_incomplete_commit_beside_the_tip_is_refused_too(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	opened_once(fixture);
	git_fixture_do(fixture,
		"cd fork; git checkout -q -b hidden; echo h >hidden; git add .; git commit -qm h;"
		"git push -q origin hidden; git checkout -q main");
	add_to_fork(fixture, "two");
	send_only(fixture,
		"git rev-list --objects main^..main hidden^..hidden | cut -d' ' -f1 |"
		"grep -v $(git rev-parse hidden:hidden)");
	assert_refused(fixture, "hidden:hidden", "hidden", "hidden");
}

static void a_damaged_store_is_not_blamed_on_the_fork(
	struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	add_to_upstream(fixture, "two");
	opened_once(fixture);
	git_fixture_do(fixture, "git -C fork pull -q ../upstream.git main");
	add_to_fork(fixture, "ours");
	/* The store loses a blob that the fork's server is told we have; the refs still name a
	 * commit that is there. */
	git_fixture_do(fixture,
		"cd cache/stores/aa11.git; mv objects/pack ../pack; mkdir objects/pack;"
		"cat ../pack/*.pack | git unpack-objects -q; rm -r ../pack;"
		"f=$(git rev-parse refs/anchors/tip/main:other); rm -f objects/$(echo $f | cut -c1-2)/$(echo $f | cut -c3-)");
	{
		scoped_value(session) session = {0};
		g_autoptr(GError) error = NULL;

		session_open(&session, fixture, "ours");
		g_assert_false(fetch_main(&session, fixture, "ours", &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY);
		g_assert_true(fork_repository_is_damaged(session.repository, &fixture->budget));
	}
	sync_fork(fixture, "ours");
	git_fixture_do(fixture,
		"git -C cache/stores/aa11.git fsck --strict; git -C cache/forks/ours-of-aa11.git fsck --strict");
}

static void gitlinks_are_not_followed(struct git_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_fixture_do(fixture,
		"cd fork; git update-index --add --cacheinfo 160000,$(git rev-parse main~0 | tr a-f0-9 0-9a-f),sub;"
		"git commit -qm sub; git push -q origin main");
	g_assert_cmpuint(sync_fork(fixture, "ours"), >, 0);
}

/* An upstream of so many commits, a fork that left it so many ago and has one of its own. */
static void make_deep(
	struct git_fixture *fixture, guint n_commits, const guint *behind, guint n_forks)
{
	g_autoptr(GString) stream = g_string_new(NULL);
	g_autofree char *path = g_build_filename(fixture->folder, "stream", NULL);

	for (guint i = 0; i < n_commits; i++) {
		g_autofree char *content = g_strdup_printf("%u %x\n", i, i * 2654435761u);

		g_string_append_printf(stream,
			"commit refs/heads/main\ncommitter A <a@example.org> %u +0000\ndata 1\nc\n"
			"M 100644 inline d%u/f%u\ndata %" G_GSIZE_FORMAT "\n%s\n",
			1500000000 + i * 60, i % 20, i % 300, strlen(content), content);
	}
	g_assert_true(g_file_set_contents(path, stream->str, (gssize)stream->len, NULL));
	git_fixture_do(fixture,
		"rm -rf upstream.git; git init -q --bare -b main upstream.git;"
		"git -C upstream.git fast-import --quiet <stream");
	for (guint k = 0; k < n_forks; k++)
		git_fixture_do(fixture,
			"git -C upstream.git update-ref refs/heads/base main~%u; git init -q --bare -b main deep%u.git;"
			"cd deep%u.git; git fetch -q ../upstream.git base:main; git -C ../upstream.git update-ref -d refs/heads/base;"
			"git update-ref refs/heads/main $(git commit-tree -p main -m own main^{tree})",
			behind[k], k, k);
}

static void a_fork_far_behind_is_not_downloaded_whole(
	struct git_fixture *fixture, gconstpointer unused)
{
	static const guint behind[] = {3, 1000, 5000, 19990};

	(void)unused;
	make_deep(fixture, 20000, behind, G_N_ELEMENTS(behind));
	for (guint k = 0; k < G_N_ELEMENTS(behind); k++) {
		g_autofree char *name = g_strdup_printf("deep%u", k);
		gint64 start = g_get_monotonic_time();
		uint64_t bytes = sync_fork(fixture, name);

		g_test_message("behind %u: %" G_GUINT64_FORMAT " bytes, %" G_GINT64_FORMAT " us",
			behind[k], bytes, g_get_monotonic_time() - start);
		g_assert_cmpuint(bytes, <, FEW_BYTES);
		git_fixture_do(fixture,
			"cd %s.git; git update-ref refs/heads/main $(git commit-tree -p main -m more main^{tree})",
			name);
		g_assert_cmpuint(sync_fork(fixture, name), <, 2000);
	}
}

/* Tags as release branches have them: each on a commit of its own beside main, where no branch
 * leads. Fetches them into the store. */
static void fetch_many_tags(struct git_fixture *fixture, guint n_tags)
{
	g_autoptr(GArray) tips = g_array_new(FALSE, FALSE, sizeof(struct fetch_ref));
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_build_filename(fixture->folder, "upstream.git", NULL);
	struct remote upstream = git_fixture_remote(path, "aa11");
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	g_autoptr(GError) error = NULL;
	struct store *store;

	git_fixture_do(fixture,
		"cd upstream.git; git config user.name A; git config user.email a@example.org;"
		"for n in $(seq 1 %u); do git tag -a -m $n v$n "
		"$(git commit-tree -p main~$((n * 3)) -m v$n main^{tree}); done",
		n_tags);
	text = sandbox_run(fixture->folder,
		"git -C upstream.git for-each-ref --format='%(objectname) %(refname)' refs/tags/");
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		char *name = g_strdup(strchr(*line, ' ') + 1);
		struct fetch_ref tip = {name, {{0}}, anchor_name("tip", name)};

		g_assert_cmpint(git_oid_fromstrn(&tip.oid, *line, GIT_OID_HEXSZ), ==, 0);
		g_ptr_array_add(names, name);
		g_ptr_array_add(names, (gpointer)tip.local_name);
		g_array_append_val(tips, tip);
	}
	g_assert_cmpuint(tips->len, ==, n_tags);
	store = store_open(fixture->stores, &upstream, (struct fetch_ref *)(void *)tips->data,
		tips->len, &fixture->budget, &error);
	g_assert_no_error(error);
	store_close(store);
}

static void a_stores_many_tags_do_not_stand_before_its_branches(
	struct git_fixture *fixture, gconstpointer unused)
{
	static const guint behind[] = {1000};

	(void)unused;
	make_deep(fixture, 20000, behind, G_N_ELEMENTS(behind));
	fetch_many_tags(fixture, 300);
	g_assert_cmpuint(sync_fork(fixture, "deep0"), <, FEW_BYTES);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--rewrite") == 0)
		return run_rewrite(argv[2]);
	g_test_init(&argc, &argv, NULL);
#define TEST(name) \
	g_test_add("/fork_repository/" #name, struct git_fixture, NULL, set_up, name, \
		git_fixture_tear_down)
	TEST(a_fork_that_is_merely_behind_is_not_fetched);
	TEST(a_store_and_its_forks_hold_only_their_own);
	TEST(many_fetches_are_rewritten_and_forks_go_on);
	TEST(a_fork_with_many_loose_objects_is_rewritten);
	TEST(a_rewrite_killed_at_any_step_leaves_a_store_that_can_be_used);
	TEST(a_fork_over_a_new_store_starts_afresh);
	TEST(a_missing_blob_is_a_broken_repository);
	TEST(a_missing_tree_is_a_broken_repository);
	TEST(a_missing_parent_is_a_broken_repository);
	TEST(an_incomplete_commit_beside_the_tip_is_refused_too);
	TEST(a_damaged_store_is_not_blamed_on_the_fork);
	TEST(gitlinks_are_not_followed);
	TEST(a_fork_far_behind_is_not_downloaded_whole);
	TEST(a_stores_many_tags_do_not_stand_before_its_branches);
	return g_test_run();
}
