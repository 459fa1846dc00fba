/*
 * Transfers against git's own servers: bare repositories in a temporary folder, hooks that refuse,
 * refs that move between the listing and the transfer.
 */
#include "worker/remote/transfer.h"

#include <glib/gstdio.h>
#include <string.h>

#include "journal/base/clock.h"
#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"

/* Two bare repositories: `server` with branches main and other and tag v1, and an empty `local`. */
struct fixture {
	char *folder;
	char *server;
	git_repository *local;
	struct remote remote;
	struct budget budget;
};

static const char *const everything[] = {"HEAD", "refs/", NULL};

static git_oid oid_of(const struct fixture *fixture, const char *revision)
{
	g_autofree char *command = g_strdup_printf("git -C server.git rev-parse %s", revision);
	g_autofree char *hex = sandbox_run(fixture->folder, command);
	git_oid oid;

	g_assert_cmpint(git_oid_fromstr(&oid, hex), ==, 0);
	return oid;
}

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *local = NULL;

	(void)unused;
	fixture->folder = g_dir_make_tmp("forge-transfer-XXXXXX", NULL);
	g_free(sandbox_run(fixture->folder,
		"git init -q --bare server.git; git init -q --bare local.git; git clone -q server.git work 2>/dev/null;"
		"cd work; echo 1 >file; git add file; git commit -qm one; git tag -am tag v1;"
		"git branch other; echo 2 >file; git commit -qam two;"
		"git push -q origin main other v1"));
	fixture->server = g_build_filename(fixture->folder, "server.git", NULL);
	local = g_build_filename(fixture->folder, "local.git", NULL);
	g_assert_cmpint(git_repository_open_bare(&fixture->local, local), ==, 0);
	fixture->remote = (struct remote){
		.kind = REMOTE_PATH,
		.shown = fixture->server,
		.url = fixture->server,
		.host = (char *)"localhost",
		.path = fixture->server,
	};
	fixture->budget = sandbox_budget();
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_repository_free(fixture->local);
	g_free(fixture->server);
	sandbox_remove(fixture->folder);
}

static gboolean fetch_one(struct fixture *fixture, const char *name, git_oid oid, GError **error)
{
	const struct fetch_ref ref = {name, oid, "refs/anchors/one"};

	return transfer_fetch(
		NULL, fixture->local, &fixture->remote, &ref, 1, &fixture->budget, error);
}

static gboolean push(struct fixture *fixture, struct push_ref *refs, size_t n_refs, GError **error)
{
	return transfer_push(
		NULL, fixture->local, &fixture->remote, refs, n_refs, &fixture->budget, error);
}

static void free_messages(struct push_ref *refs, size_t n_refs)
{
	for (size_t i = 0; i < n_refs; i++)
		g_clear_pointer(&refs[i].message, g_free);
}

static void assert_local_refs(struct fixture *fixture, const char *expected)
{
	g_autofree char *names = sandbox_run(
		fixture->folder, "git -C local.git for-each-ref --format='%(refname)' | xargs");

	g_assert_cmpstr(names, ==, expected);
}

/* A commit on top of BASE in the local repository, as the worker makes them. */
static git_oid commit_on(struct fixture *fixture, git_oid base, const char *message)
{
	char hex[GIT_OID_HEXSZ + 1];
	g_autofree char *command = g_strdup_printf(
		"git -C local.git commit-tree -p %s -m %s '%s^{tree}'",
		git_oid_tostr(hex, sizeof(hex), &base), message, hex);
	g_autofree char *made = sandbox_run(fixture->folder, command);
	git_oid oid;

	g_assert_cmpint(git_oid_fromstr(&oid, made), ==, 0);
	return oid;
}

static void add_hook(struct fixture *fixture, const char *name, const char *script)
{
	g_autofree char *path = g_build_filename(fixture->server, "hooks", name, NULL);

	g_assert_true(g_file_set_contents(path, script, -1, NULL));
	g_assert_cmpint(g_chmod(path, 0755), ==, 0);
}

static void listing_has_refs_default_branch_and_peeled_tags(
	struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = transfer_list(
		NULL, &fixture->remote, everything, &fixture->budget, &error);
	git_oid main_oid = oid_of(fixture, "main"), tag = oid_of(fixture, "v1"),
		tagged = oid_of(fixture, "v1^{}");
	const struct advertised_ref *ref;

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmpuint(listing->refs->len, ==, 4);
	ref = ref_listing_find(listing, "HEAD");
	g_assert_cmpstr(ref->symref_target, ==, "refs/heads/main");
	ref = ref_listing_find(listing, "refs/heads/main");
	g_assert_true(git_oid_equal(&ref->oid, &main_oid));
	g_assert_true(git_oid_equal(&ref->peeled, &main_oid));
	ref = ref_listing_find(listing, "refs/tags/v1");
	g_assert_true(git_oid_equal(&ref->oid, &tag));
	g_assert_true(git_oid_equal(&ref->peeled, &tagged));
	g_assert_cmpuint(fixture->budget.requests, ==, 1);
	g_assert_cmpuint(fixture->budget.bytes_received, >, 200);
}

static void listing_is_filtered_by_prefix(struct fixture *fixture, gconstpointer unused)
{
	static const char *const heads_with_o[] = {"refs/heads/o", NULL};
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = transfer_list(
		NULL, &fixture->remote, heads_with_o, &fixture->budget, &error);

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmpuint(listing->refs->len, ==, 1);
	g_assert_nonnull(ref_listing_find(listing, "refs/heads/other"));
}

static void empty_repository_gives_an_empty_listing(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *empty = g_build_filename(fixture->folder, "local.git", NULL);
	g_autoptr(GError) error = NULL;
	scoped(ref_listing) listing = NULL;

	(void)unused;
	fixture->remote.path = fixture->remote.url = empty;
	listing = transfer_list(NULL, &fixture->remote, everything, &fixture->budget, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(listing->refs->len, ==, 0);
}

static void default_branch_that_no_ref_can_be_called_is_refused(
	struct fixture *fixture, gconstpointer unused)
{
	static const char *const head[] = {"HEAD", NULL};
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_free(sandbox_run(fixture->folder,
		"cd server.git; b=$(printf 'refs/heads/\\377'); git update-ref $b main; git symbolic-ref HEAD $b"));
	g_assert_null(transfer_list(NULL, &fixture->remote, head, &fixture->budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_PROTOCOL_ERROR);
}

static void path_without_a_repository_is_not_found(struct fixture *fixture, gconstpointer unused)
{
	const char *const paths[] = {"/nowhere/at/all", fixture->folder};

	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;

		fixture->remote.path = fixture->remote.url = fixture->remote.shown = (char *)
			paths[i];
		g_assert_null(transfer_list(
			NULL, &fixture->remote, everything, &fixture->budget, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REPOSITORY_NOT_FOUND);
		g_assert_nonnull(strstr(error->message, paths[i]));
	}
}

static void fetch_brings_objects_and_sets_refs(struct fixture *fixture, gconstpointer unused)
{
	const struct fetch_ref refs[] = {
		{"refs/heads/main", oid_of(fixture, "main"), "refs/anchors/main"},
		{"refs/tags/v1", oid_of(fixture, "v1"), "refs/anchors/v1"},
	};
	g_autoptr(GError) error = NULL;

	(void)unused;
	transfer_fetch(NULL, fixture->local, &fixture->remote, refs, 2, &fixture->budget, &error);
	g_assert_no_error(error);
	assert_local_refs(fixture, "refs/anchors/main refs/anchors/v1");
	g_free(sandbox_run(fixture->folder,
		"git -C local.git fsck --strict --connectivity-only; "
		"test \"$(git -C local.git show refs/anchors/main:file)\" = 2; test ! -e local.git/FETCH_HEAD; test ! -e local.git/logs"));
	g_assert_cmpuint(fixture->budget.requests, ==, 1);
}

static void second_fetch_downloads_no_pack(struct fixture *fixture, gconstpointer unused)
{
	const struct fetch_ref again = {
		"refs/heads/main", oid_of(fixture, "main"), "refs/anchors/two"};
	g_autoptr(GError) error = NULL;
	g_autofree char *packs = NULL;

	(void)unused;
	fetch_one(fixture, "refs/heads/main", oid_of(fixture, "main"), &error);
	g_assert_no_error(error);
	transfer_fetch(NULL, fixture->local, &fixture->remote, &again, 1, &fixture->budget, &error);
	g_assert_no_error(error);
	assert_local_refs(fixture, "refs/anchors/one refs/anchors/two");
	packs = sandbox_run(fixture->folder, "ls local.git/objects/pack/*.pack | wc -l");
	g_assert_cmpstr(packs, ==, "1");
}

static void fetch_of_a_ref_that_moved_changes_nothing(struct fixture *fixture, gconstpointer unused)
{
	git_oid listed = oid_of(fixture, "main");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_free(sandbox_run(fixture->folder, "git -C server.git update-ref refs/heads/main other"));
	g_assert_false(fetch_one(fixture, "refs/heads/main", listed, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED);
	g_clear_error(&error);
	g_assert_false(fetch_one(fixture, "refs/heads/gone", listed, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED);
	assert_local_refs(fixture, "");
	g_free(sandbox_run(fixture->folder, "test -z \"$(find local.git/objects -type f)\""));
}

static void pack_over_the_limit_is_too_large(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_free(sandbox_run(fixture->folder,
		"cd work; head -c 3000000 /dev/urandom >big; git add big; git commit -qm big;"
		"git push -q origin main"));
	fixture->budget.pack_bytes_max = 500000;
	g_assert_false(fetch_one(fixture, "refs/heads/main", oid_of(fixture, "main"), &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
	g_assert_cmpuint(fixture->budget.bytes_received, <, 1500000);
	assert_local_refs(fixture, "");
}

static void broken_server_repository_is_told_as_such(struct fixture *fixture, gconstpointer unused)
{
	git_oid tip = oid_of(fixture, "main");
	g_autoptr(GError) error = NULL;

	(void)unused;
	g_free(sandbox_run(fixture->folder,
		"cd server.git; rm -f objects/$(git rev-parse main:file | sed 's,..,&/,')"));
	g_assert_false(fetch_one(fixture, "refs/heads/main", tip, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	assert_local_refs(fixture, "");
}

static void push_creates_updates_and_deletes(struct fixture *fixture, gconstpointer unused)
{
	git_oid tip = oid_of(fixture, "main"), made;
	struct push_ref refs[3] = {
		{.remote_name = "refs/heads/main", .before = tip},
		{.remote_name = "refs/heads/other", .before = oid_of(fixture, "other")},
		{.remote_name = "refs/forge/backup/main/1", .after = tip},
	};
	g_autoptr(GError) error = NULL;
	g_autofree char *names = NULL;

	(void)unused;
	fetch_one(fixture, "refs/heads/main", tip, &error);
	g_assert_no_error(error);
	refs[0].after = made = commit_on(fixture, tip, "made");
	push(fixture, refs, 3, &error);
	g_assert_no_error(error);
	for (size_t i = 0; i < 3; i++)
		g_assert_cmpint(refs[i].result, ==, PUSH_DONE);
	tip = oid_of(fixture, "main");
	g_assert_true(git_oid_equal(&tip, &made));
	names = sandbox_run(
		fixture->folder, "git -C server.git for-each-ref --format='%(refname)' | xargs");
	g_assert_cmpstr(names, ==, "refs/forge/backup/main/1 refs/heads/main refs/tags/v1");
	assert_local_refs(fixture, "refs/anchors/one");
	g_free(sandbox_run(fixture->folder, "git -C server.git fsck --strict"));
}

static void push_overwrites_what_is_no_ancestor(struct fixture *fixture, gconstpointer unused)
{
	git_oid tip = oid_of(fixture, "main"), other = oid_of(fixture, "other");
	struct push_ref ref = {.remote_name = "refs/heads/main", .before = tip, .after = other};
	g_autoptr(GError) error = NULL;

	(void)unused;
	fetch_one(fixture, "refs/heads/other", other, &error);
	g_assert_no_error(error);
	push(fixture, &ref, 1, &error);
	g_assert_no_error(error);
	g_assert_cmpint(ref.result, ==, PUSH_DONE);
}

static void one_refused_ref_of_three_is_told_and_the_others_move(
	struct fixture *fixture, gconstpointer unused)
{
	git_oid tip = oid_of(fixture, "main");
	struct push_ref refs[3] = {
		{.remote_name = "refs/heads/a", .after = tip},
		{.remote_name = "refs/heads/locked", .after = tip},
		{.remote_name = "refs/heads/z", .after = tip},
	};
	g_autoptr(GError) error = NULL;
	g_autofree char *names = NULL;

	(void)unused;
	add_hook(fixture, "update",
		"#!/bin/sh\nif [ \"$1\" = refs/heads/locked ]; then echo 'only on Fridays' >&2; exit 1; fi\n");
	fetch_one(fixture, "refs/heads/main", tip, &error);
	push(fixture, refs, 3, &error);
	g_assert_no_error(error);
	g_assert_cmpint(refs[0].result, ==, PUSH_DONE);
	g_assert_cmpint(refs[1].result, ==, PUSH_REJECTED);
	g_assert_cmpint(refs[2].result, ==, PUSH_DONE);
	g_assert_cmpstr(refs[1].message, ==,
		"hook declined: only on Fridays error: hook declined to update refs/heads/locked");
	names = sandbox_run(fixture->folder,
		"git -C server.git for-each-ref --format='%(refname:short)' refs/heads | xargs");
	g_assert_cmpstr(names, ==, "a main other z");
	free_messages(refs, 3);
}

static void moved_ref_is_left_out_and_the_others_move(struct fixture *fixture, gconstpointer unused)
{
	git_oid tip = oid_of(fixture, "main"), other = oid_of(fixture, "other"), now;
	struct push_ref refs[3] = {
		{.remote_name = "refs/heads/main", .before = other, .after = tip},
		{.remote_name = "refs/heads/other", .before = other, .after = tip},
		{.remote_name = "refs/heads/exists-not", .before = other, .after = tip},
	};
	g_autoptr(GError) error = NULL;

	(void)unused;
	fetch_one(fixture, "refs/heads/main", tip, &error);
	push(fixture, refs, 3, &error);
	g_assert_no_error(error);
	g_assert_cmpint(refs[0].result, ==, PUSH_MOVED);
	g_assert_nonnull(strstr(refs[0].message, "it is at "));
	g_assert_cmpint(refs[1].result, ==, PUSH_DONE);
	g_assert_cmpint(refs[2].result, ==, PUSH_MOVED);
	now = oid_of(fixture, "other");
	g_assert_true(git_oid_equal(&now, &tip));
	free_messages(refs, 3);
}

static void ref_that_moves_during_the_push_is_caught_by_the_server(
	struct fixture *fixture, gconstpointer unused)
{
	git_oid tip = oid_of(fixture, "main"), now, other = oid_of(fixture, "other");
	struct push_ref ref = {.remote_name = "refs/heads/main", .before = tip};
	g_autoptr(GError) error = NULL;

	(void)unused;
	/* The hook runs after the client compared the advertisement and before git takes the lock.
	 */
	add_hook(fixture, "pre-receive",
		"#!/bin/sh\nunset GIT_QUARANTINE_PATH; git update-ref refs/heads/main refs/heads/other\n");
	fetch_one(fixture, "refs/heads/main", tip, &error);
	ref.after = commit_on(fixture, tip, "late");
	push(fixture, &ref, 1, &error);
	g_assert_no_error(error);
	g_assert_cmpint(ref.result, ==, PUSH_MOVED);
	now = oid_of(fixture, "main");
	g_assert_true(git_oid_equal(&now, &other));
	assert_local_refs(fixture, "refs/anchors/one");
	free_messages(&ref, 1);
}

static void pack_the_server_cannot_take_is_refused(struct fixture *fixture, gconstpointer unused)
{
	git_oid tip = oid_of(fixture, "main");
	struct push_ref ref = {.remote_name = "refs/heads/main", .before = tip};
	g_autoptr(GError) error = NULL;

	(void)unused;
	fetch_one(fixture, "refs/heads/main", tip, &error);
	ref.after = commit_on(fixture, tip, "large");
	g_free(sandbox_run(fixture->folder, "git -C server.git config receive.maxInputSize 50"));
	push(fixture, &ref, 1, &error);
	g_assert_no_error(error);
	g_assert_cmpint(ref.result, ==, PUSH_REJECTED);
	g_assert_nonnull(strstr(ref.message, "could not unpack"));
	assert_local_refs(fixture, "refs/anchors/one");
	free_messages(&ref, 1);
}

static void spent_budget_ends_before_anything_is_started(
	struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->budget.deadline_ms = clock_now().monotonic_ms;
	g_assert_null(transfer_list(NULL, &fixture->remote, everything, &fixture->budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TIMEOUT);
	g_clear_error(&error);
	fixture->budget.cancelled = 1;
	g_assert_null(transfer_list(NULL, &fixture->remote, everything, &fixture->budget, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_INTERRUPTED);
	g_assert_cmpuint(fixture->budget.requests, ==, 0);
}

#define TEST(name) g_test_add("/transfer/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	char *home = sandbox_home();
	int status;

	git_libgit2_init();
	g_test_init(&argc, &argv, NULL);
	TEST(listing_has_refs_default_branch_and_peeled_tags);
	TEST(listing_is_filtered_by_prefix);
	TEST(empty_repository_gives_an_empty_listing);
	TEST(default_branch_that_no_ref_can_be_called_is_refused);
	TEST(path_without_a_repository_is_not_found);
	TEST(fetch_brings_objects_and_sets_refs);
	TEST(second_fetch_downloads_no_pack);
	TEST(fetch_of_a_ref_that_moved_changes_nothing);
	TEST(pack_over_the_limit_is_too_large);
	TEST(broken_server_repository_is_told_as_such);
	TEST(push_creates_updates_and_deletes);
	TEST(push_overwrites_what_is_no_ancestor);
	TEST(one_refused_ref_of_three_is_told_and_the_others_move);
	TEST(moved_ref_is_left_out_and_the_others_move);
	TEST(ref_that_moves_during_the_push_is_caught_by_the_server);
	TEST(pack_the_server_cannot_take_is_refused);
	TEST(spent_budget_ends_before_anything_is_started);
	status = g_test_run();
	git_libgit2_shutdown();
	sandbox_remove(home);
	return status;
}
