/* The book of refs in a real bare repository, beside others who write it. */
#include "worker/dependency/ref_book.h"

#include <string.h>

#include "journal/base/errors.h"
#include "tests/unit/git_fixture.h"
#include "worker/git/git_library.h"

#define REPOSITORY "github.com/o/n"

/* A book, and what is written in it. */
struct book {
	struct git_fixture fixture;
	git_repository *forge;
	git_signature *who;
};

static void set_up(struct book *book, gconstpointer unused)
{
	g_autofree char *path = NULL;

	git_fixture_set_up(&book->fixture, unused);
	git_fixture_do(&book->fixture, "git init -q --bare book");
	path = g_build_filename(book->fixture.folder, "book", NULL);
	g_assert_cmpint(git_repository_open_bare(&book->forge, path), ==, 0);
	g_assert_cmpint(git_signature_new(&book->who, "T", "t@example.org", 1767225600, 0), ==, 0);
}

static void tear_down(struct book *book, gconstpointer unused)
{
	git_signature_free(book->who);
	git_repository_free(book->forge);
	git_fixture_tear_down(&book->fixture, unused);
}

static struct ref_record *record_of(const char *repository, const char *tag)
{
	struct ref_record *record = ref_record_new(repository);
	git_oid oid;

	g_assert_cmpint(git_oid_fromstr(&oid, "1111111111111111111111111111111111111111"), ==, 0);
	ref_record_add(record, tag, &oid);
	return record;
}

static git_oid keep(
	struct book *book, const char *repository, const char *tag, const git_oid *before)
{
	scoped(ref_record) record = record_of(repository, tag);
	g_autoptr(GError) error = NULL;
	git_oid none = {{0}}, commit;

	ref_book_keep(book->forge, record, before ? before : &none, book->who, &commit, &error);
	g_assert_no_error(error);
	return commit;
}

static char *refs_of_book(struct book *book)
{
	return sandbox_run(book->fixture.folder, "git -C book for-each-ref");
}

static void nothing_is_found_in_an_empty_book(struct book *book, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	git_oid commit;

	(void)unused;
	g_assert_null(ref_book_newest(book->forge, REPOSITORY, &commit, &error));
	g_assert_no_error(error);
	g_assert_true(git_oid_is_zero(&commit));
}

static void the_newest_record_is_found_and_older_ones_stay(struct book *book, gconstpointer unused)
{
	git_oid one = keep(book, REPOSITORY, "refs/tags/a", NULL);
	git_oid two = keep(book, REPOSITORY, "refs/tags/b", &one);
	g_autoptr(GError) error = NULL;
	git_oid commit;
	scoped(ref_record) newest = ref_book_newest(book->forge, REPOSITORY, &commit, &error);
	scoped(ref_record) older = ref_book_read(book->forge, &one, &error);

	(void)unused;
	g_assert_no_error(error);
	g_assert_true(git_oid_equal(&commit, &two));
	g_assert_nonnull(ref_record_find(newest, "refs/tags/b"));
	g_assert_nonnull(ref_record_find(older, "refs/tags/a"));
	git_fixture_do(&book->fixture,
		"set -- $(git -C book for-each-ref --format='%%(refname)'); test $# = 1;"
		"test $(git -C book rev-list --count $1) = 2; git -C book fsck --strict;"
		"git -C book gc -q --prune=now; git -C book show $1~:refs | grep refs/tags/a");
}

static void the_same_record_writes_nothing(struct book *book, gconstpointer unused)
{
	git_oid one = keep(book, REPOSITORY, "refs/tags/a", NULL);
	g_autofree char *before = refs_of_book(book);
	g_autofree char *objects = sandbox_run(book->fixture.folder, "git -C book count-objects");
	git_oid again = keep(book, REPOSITORY, "refs/tags/a", &one);
	g_autofree char *after = refs_of_book(book);
	g_autofree char *objects_after = sandbox_run(
		book->fixture.folder, "git -C book count-objects");

	(void)unused;
	g_assert_true(git_oid_equal(&one, &again));
	g_assert_cmpstr(before, ==, after);
	g_assert_cmpstr(objects, ==, objects_after);
}

static void assert_moved(struct book *book, const char *tag, const git_oid *before)
{
	scoped(ref_record) record = record_of(REPOSITORY, tag);
	g_autofree char *refs = refs_of_book(book);
	g_autofree char *refs_after = NULL;
	g_autoptr(GError) error = NULL;
	git_oid commit;

	g_assert_false(ref_book_keep(book->forge, record, before, book->who, &commit, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_REF_MOVED);
	g_assert_nonnull(strstr(error->message, REPOSITORY));
	refs_after = refs_of_book(book);
	g_assert_cmpstr(refs, ==, refs_after);
}

static void who_saw_an_older_book_does_not_write_over_a_newer_one(
	struct book *book, gconstpointer unused)
{
	git_oid none = {{0}};
	git_oid one = keep(book, REPOSITORY, "refs/tags/a", NULL);

	(void)unused;
	assert_moved(book, "refs/tags/b", &none);
	keep(book, REPOSITORY, "refs/tags/c", &one);
	assert_moved(book, "refs/tags/b", &one);
}

static void who_saw_a_book_that_is_not_there_any_more_is_told(
	struct book *book, gconstpointer unused)
{
	git_oid one = keep(book, REPOSITORY, "refs/tags/a", NULL);

	(void)unused;
	git_fixture_do(&book->fixture,
		"git -C book update-ref -d $(git -C book for-each-ref --format='%%(refname)')");
	assert_moved(book, "refs/tags/b", &one);
}

static void a_locked_book_is_busy(struct book *book, gconstpointer unused)
{
	git_oid one = keep(book, REPOSITORY, "refs/tags/a", NULL);
	scoped(ref_record) record = record_of(REPOSITORY, "refs/tags/b");
	g_autoptr(GError) error = NULL;
	git_oid commit;

	(void)unused;
	git_fixture_do(&book->fixture,
		"touch book/$(git -C book for-each-ref --format='%%(refname)').lock");
	g_assert_false(ref_book_keep(book->forge, record, &one, book->who, &commit, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_STORE_BUSY);
}

static void repositories_do_not_share_a_page(struct book *book, gconstpointer unused)
{
	git_oid commit;
	g_autoptr(GError) error = NULL;
	scoped(ref_record) one = NULL;
	scoped(ref_record) other = NULL;
	scoped(ref_record) odd = NULL;

	(void)unused;
	keep(book, REPOSITORY, "refs/tags/a", NULL);
	keep(book, REPOSITORY "2", "refs/tags/b", NULL);
	keep(book, "git@host:x/../..~^ \xc3\xbc", "refs/tags/c", NULL);
	one = ref_book_newest(book->forge, REPOSITORY, &commit, &error);
	other = ref_book_newest(book->forge, REPOSITORY "2", &commit, &error);
	odd = ref_book_newest(book->forge, "git@host:x/../..~^ \xc3\xbc", &commit, &error);
	g_assert_no_error(error);
	g_assert_nonnull(ref_record_find(one, "refs/tags/a"));
	g_assert_null(ref_record_find(one, "refs/tags/b"));
	g_assert_nonnull(ref_record_find(other, "refs/tags/b"));
	g_assert_cmpstr(odd->repository, ==, "git@host:x/../..~^ \xc3\xbc");
}

static void what_is_no_record_is_broken(struct book *book, gconstpointer unused)
{
	static const char *const scripts[] = {
		/* a file of another name, nonsense in the file, a folder in its place, no commit */
		"tree=$(printf '100644 blob %s\\tother\\n' $(echo x | git hash-object -w --stdin) | "
		"git mktree)",
		"tree=$(printf '100644 blob %s\\trefs\\n' $(echo x | git hash-object -w --stdin) | "
		"git mktree)",
		"tree=$(printf '040000 tree %s\\trefs\\n' $(git mktree </dev/null) | git mktree)",
	};

	(void)unused;
	keep(book, REPOSITORY, "refs/tags/a", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
		g_autoptr(GError) error = NULL;
		git_oid commit;

		git_fixture_do(&book->fixture,
			"cd book; %s; export GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@e GIT_AUTHOR_NAME=T "
			"GIT_AUTHOR_EMAIL=t@e; git update-ref $(git for-each-ref --format='%%(refname)') "
			"$(git commit-tree -m x $tree)",
			scripts[i]);
		g_assert_null(ref_book_newest(book->forge, REPOSITORY, &commit, &error));
		g_assert_error(error, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	}
}

#define ADD(name) g_test_add("/ref_book/" #name, struct book, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_autofree char *home = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	home = sandbox_home();
	git_library_start();
	ADD(nothing_is_found_in_an_empty_book);
	ADD(the_newest_record_is_found_and_older_ones_stay);
	ADD(the_same_record_writes_nothing);
	ADD(who_saw_an_older_book_does_not_write_over_a_newer_one);
	ADD(who_saw_a_book_that_is_not_there_any_more_is_told);
	ADD(a_locked_book_is_busy);
	ADD(repositories_do_not_share_a_page);
	ADD(what_is_no_record_is_broken);
	status = g_test_run();
	git_library_stop();
	sandbox_remove(g_steal_pointer(&home));
	return status;
}
