/* Folders as trees: what git itself makes of the same folder. */
#include "worker/workspace/folder_snapshot.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "journal/base/errors.h"
#include "tests/unit/sandbox.h"
#include "worker/git/git_library.h"

struct fixture {
	char *home;
	char *folder; /**< the component */
	char *cache;
	git_repository *repository;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *bare = NULL;

	(void)unused;
	git_library_start();
	fixture->home = sandbox_home();
	fixture->folder = g_build_filename(fixture->home, "component", NULL);
	fixture->cache = g_build_filename(fixture->home, "index", "component", NULL);
	bare = g_build_filename(fixture->home, "bare", NULL);
	g_assert_cmpint(g_mkdir(fixture->folder, 0777), ==, 0);
	g_assert_cmpint(git_repository_init(&fixture->repository, bare, 1), ==, 0);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	git_repository_free(fixture->repository);
	g_free(fixture->folder);
	g_free(fixture->cache);
	sandbox_remove(fixture->home);
	git_library_stop();
}

static git_oid snapshot(struct fixture *fixture, const struct snapshot_options *options,
	struct snapshot_notes *notes)
{
	g_autoptr(GError) error = NULL;
	git_oid tree = {{0}};

	folder_snapshot(fixture->repository, fixture->folder, options, &tree, notes, &error);
	g_assert_no_error(error);
	return tree;
}

static void refused(struct fixture *fixture, const struct snapshot_options *options,
	enum forge_error code, const char *named)
{
	g_autoptr(GError) error = NULL;
	git_oid tree;

	g_assert_false(folder_snapshot(
		fixture->repository, fixture->folder, options, &tree, NULL, &error));
	g_assert_error(error, FORGE_ERROR, (gint)code);
	if (strstr(error->message, named) == NULL)
		g_error("'%s' does not name '%s'", error->message, named);
}

static void run(struct fixture *fixture, const char *command)
{
	g_free(sandbox_run(fixture->folder, command));
}

/* The tree that git makes of the folder as it is, with an index of its own. */
static git_oid ask_git(struct fixture *fixture)
{
	g_autofree char *hex = sandbox_run(fixture->folder,
		"export GIT_DIR=../oracle GIT_INDEX_FILE=$PWD/../oracle-index GIT_WORK_TREE=$PWD;"
		"test -d ../oracle || git init -q; rm -f $GIT_INDEX_FILE; git add -A; git write-tree");
	git_oid oid;

	g_assert_cmpint(git_oid_fromstr(&oid, hex), ==, 0);
	return oid;
}

static void expect_as_git(struct fixture *fixture)
{
	git_oid tree = snapshot(fixture, NULL, NULL);
	git_oid wanted = ask_git(fixture);

	if (!git_oid_equal(&tree, &wanted))
		g_error("the tree is %s", git_oid_tostr_s(&tree));
}

static const char *const same_as_git[] = {
	"true",
	"echo a >a; mkdir -p b/c; echo d >b/c/d; mkdir -p empty/in/empty",
	": >nothing; printf 'a\\r\\nb\\r\\n' >crlf; printf '\\0\\1\\377' >binary",
	"echo x >run; chmod +x run; echo y >no; ln -s run link; ln -s nowhere dangling; ln -s / out",
	"echo 1 >'a b'; echo 2 >-rf; echo 3 >é; echo 4 >\"$(printf 'l1\\nl2')\"; echo 5 >'*'",
	"mkdir a a.b; echo 1 >a/x; echo 2 >a.b/x; echo 3 >a.c; echo 4 >a-b",
	"printf '*.o\\n!keep.o\\nout/\\n' >.gitignore; touch a.o keep.o; mkdir -p out d/out; "
	"echo x >out/x; echo x >d/out/x; touch d/b.o",
	"mkdir -p d/e; printf '*.log\\n' >.gitignore; printf '!a.log\\n' >d/.gitignore; "
	"touch x.log d/a.log d/b.log d/e/a.log",
	"mkdir d; printf 'd/\\n!d/keep\\n' >.gitignore; touch d/keep d/x y",
	"mkdir d; printf 'x\\n' >rules; ln -s rules .gitignore; touch x y; mkdir d/.gitignore; "
	"touch d/.gitignore/x",
	"printf '*\\n' >.gitignore; touch x",
	"printf '\\377' >\"$(printf '\\377\\376')\"",
	"mkdir -p .github/workflows; echo x >.github/workflows/ci.yml; echo y >.gitattributes",
};

static void the_tree_is_the_one_git_makes(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	for (size_t i = 0; i < G_N_ELEMENTS(same_as_git); i++) {
		run(fixture, "cd ..; rm -rf component; mkdir component");
		run(fixture, same_as_git[i]);
		expect_as_git(fixture);
	}
}

static void filters_are_not_applied(struct fixture *fixture, gconstpointer unused)
{
	git_oid plain;
	git_oid tree;

	(void)unused;
	run(fixture, "printf 'a\\r\\n' >f; printf '* text=auto eol=lf\\n' >.gitattributes");
	g_autofree char *hex = sandbox_run(fixture->folder, "git hash-object --no-filters f");
	git_oid_fromstr(&plain, hex);
	tree = snapshot(fixture, NULL, NULL);
	git_tree *read;
	g_assert_cmpint(git_tree_lookup(&read, fixture->repository, &tree), ==, 0);
	g_assert_true(git_oid_equal(&plain, git_tree_entry_id(git_tree_entry_byname(read, "f"))));
	git_tree_free(read);
}

static void what_was_tracked_counts_though_it_is_ignored(
	struct fixture *fixture, gconstpointer unused)
{
	struct snapshot_options options = {0};
	git_oid before;
	git_oid after;

	(void)unused;
	run(fixture, "mkdir -p out/deep; touch out/deep/kept a.o b");
	before = snapshot(fixture, NULL, NULL);
	options.tracked = &before;
	run(fixture, "printf 'out/\\n*.o\\n' >.gitignore; touch out/deep/new out/new new.o");
	after = snapshot(fixture, &options, NULL);
	g_autofree char *command = g_strdup_printf(
		"git -C ../bare ls-tree -r --name-only %s | tr '\\n' ' '", git_oid_tostr_s(&after));
	g_autofree char *names = sandbox_run(fixture->folder, command);
	g_assert_cmpstr(names, ==, ".gitignore a.o b out/deep/kept");
}

static void folders_of_git_and_forge_are_left_out_and_named(
	struct fixture *fixture, gconstpointer unused)
{
	scoped_value(snapshot_notes) notes = {0};
	git_oid tree;

	(void)unused;
	run(fixture,
		"git init -q; mkdir -p .forge sub/.forge; touch .forge/x sub/.forge/y sub/f; "
		"git init -q sub");
	tree = snapshot(fixture, NULL, &notes);
	g_autofree char *command = g_strdup_printf(
		"git -C ../bare ls-tree -r --name-only %s | tr '\\n' ' '", git_oid_tostr_s(&tree));
	g_autofree char *names = sandbox_run(fixture->folder, command);
	g_assert_cmpstr(names, ==, "sub/.forge/y sub/f");
	g_assert_cmpuint(notes.omitted->len, ==, 3);
	const struct snapshot_note *note = notes.omitted->pdata[2];
	g_assert_cmpstr(note->path, ==, "sub/.git");
	g_assert_cmpint(note->omission, ==, SNAPSHOT_OMITTED_GIT);
}

static void special_files_are_left_out_and_named(struct fixture *fixture, gconstpointer unused)
{
	scoped_value(snapshot_notes) notes = {0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unused;
	run(fixture, "mkfifo pipe; echo x >f; printf 'ignored\\n' >.gitignore; mkfifo ignored");
	g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", fixture->folder);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	snapshot(fixture, NULL, &notes);
	close(fd);
	g_assert_cmpuint(notes.omitted->len, ==, 2);
	g_assert_cmpstr(((struct snapshot_note *)notes.omitted->pdata[0])->path, ==, "pipe");
	g_assert_cmpuint(notes.files, ==, 2);
}

static void what_no_tree_may_hold_is_refused_by_name(struct fixture *fixture, gconstpointer unused)
{
	struct snapshot_options options = {.file_bytes_max = 4};

	(void)unused;
	run(fixture, "mkdir d; printf 12345 >d/large");
	refused(fixture, &options, FORGE_ERROR_TOO_LARGE, "d/large: 5 bytes; the limit is 4");
	run(fixture, "rm -r d; touch 'git~1'");
	refused(fixture, NULL, FORGE_ERROR_SECURITY_REFUSED, "git~1");
	run(fixture, "rm git*; mkdir .GIT; touch .GIT/x");
	refused(fixture, NULL, FORGE_ERROR_SECURITY_REFUSED, ".GIT");
	run(fixture, "rm -r .GIT; echo '.GIT' >.gitignore; mkdir .GIT; touch .GIT/x");
	snapshot(fixture, NULL, NULL);
	run(fixture, "rm -r .GIT; d=a; for i in $(seq 300); do mkdir $d; cd $d; done; touch f");
	refused(fixture, NULL, FORGE_ERROR_TOO_LARGE, "256");
	run(fixture, "cd ..; rm -r component");
	refused(fixture, NULL, FORGE_ERROR_VALIDATION_FAILED, "component");
}

static void an_unreadable_file_is_named(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	if (geteuid() == 0) {
		g_test_skip("permissions do not bind this user");
		return;
	}
	run(fixture, "mkdir d; echo x >d/f; chmod 0 d/f");
	refused(fixture, NULL, FORGE_ERROR_PERMISSION_DENIED, "d/f");
}

/* What was written is old enough to be believed once the file system's clock has gone on. */
static void let_the_clock_go_on(struct fixture *fixture)
{
	g_autofree char *path = g_build_filename(fixture->home, "clock", NULL);
	struct stat first;
	struct stat now;

	g_assert_true(g_file_set_contents(path, "", 0, NULL));
	g_assert_cmpint(stat(path, &first), ==, 0);
	do {
		g_assert_cmpint(g_remove(path), ==, 0);
		g_assert_true(g_file_set_contents(path, "", 0, NULL));
		g_assert_cmpint(stat(path, &now), ==, 0);
	} while (now.st_ctim.tv_sec == first.st_ctim.tv_sec &&
		now.st_ctim.tv_nsec == first.st_ctim.tv_nsec);
}

static struct snapshot_notes look(struct fixture *fixture, git_oid *tree)
{
	struct snapshot_options options = {.cache = fixture->cache};
	struct snapshot_notes notes = {0};

	*tree = snapshot(fixture, &options, &notes);
	return notes;
}

static void an_unchanged_folder_is_not_read_again(struct fixture *fixture, gconstpointer unused)
{
	git_oid first;
	git_oid second;
	struct snapshot_notes notes;

	(void)unused;
	run(fixture,
		"for d in 1 2 3 4 5; do mkdir $d; for f in 1 2 3 4 5 6 7 8 9; do "
		"echo $d$f >$d/$f; done; done; ln -s 1/1 link");
	let_the_clock_go_on(fixture);
	notes = look(fixture, &first);
	g_assert_cmpuint(notes.files_read, ==, 46);
	notes = look(fixture, &second);
	g_assert_cmpuint(notes.files, ==, 46);
	g_assert_cmpuint(notes.files_read, ==, 0);
	g_assert_cmpuint(notes.objects_written, ==, 0);
	g_assert_true(git_oid_equal(&first, &second));
}

static void every_change_is_seen_through_the_cache(struct fixture *fixture, gconstpointer unused)
{
	static const char *const changes[] = {"printf 2 >f", "chmod +x f",
		"printf 3 >g; touch -r f g; mv g f", "cp -p f g; printf 4 >f; touch -r g f; rm g",
		"rm f; ln -s 1234 f", "rm f; mkdir f; touch f/x", "rm -r f; printf 1 >f",
		"printf 5 >f; printf 6 >f", "rm f"};
	git_oid tree;
	git_oid wanted;

	(void)unused;
	run(fixture, "printf 1 >f; printf 1 >other");
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		look(fixture, &tree);
		run(fixture, changes[i]);
		look(fixture, &tree);
		wanted = ask_git(fixture);
		if (!git_oid_equal(&tree, &wanted))
			g_error("the tree is %s", git_oid_tostr_s(&tree));
	}
}

/* Written, looked at and written again within one tick of the file system's clock. */
static void a_change_within_one_tick_is_seen(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *path = g_build_filename(fixture->folder, "f", NULL);
	char text[8];
	git_oid tree;
	git_oid last = {{0}};

	(void)unused;
	for (int i = 0; i < 200; i++) {
		FILE *file = g_fopen(path, "w");

		g_snprintf(text, sizeof(text), "%03d", i);
		g_assert_cmpint(fputs(text, file), >=, 0);
		g_assert_cmpint(fclose(file), ==, 0);
		look(fixture, &tree);
		g_assert_false(git_oid_equal(&tree, &last));
		last = tree;
	}
}

static void a_damaged_cache_is_thrown_away(struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *content = NULL;
	struct snapshot_notes notes;
	gsize size;
	git_oid first;
	git_oid tree;

	(void)unused;
	run(fixture, "echo 1 >f; echo 2 >g");
	let_the_clock_go_on(fixture);
	look(fixture, &first);
	g_assert_true(g_file_get_contents(fixture->cache, &content, &size, NULL));
	for (gsize i = 0; i < size; i++) {
		content[i] = (char)(content[i] ^ 0x10);
		g_assert_true(g_file_set_contents_full(fixture->cache, content, (gssize)size,
			G_FILE_SET_CONTENTS_CONSISTENT, 0666, NULL));
		content[i] = (char)(content[i] ^ 0x10);
		notes = look(fixture, &tree);
		g_assert_cmpuint(notes.files_read, ==, 2);
		g_assert_true(git_oid_equal(&tree, &first));
	}
	for (gsize i = 0; i < size; i += 7) {
		g_assert_true(g_file_set_contents_full(fixture->cache, content, (gssize)i,
			G_FILE_SET_CONTENTS_CONSISTENT, 0666, NULL));
		notes = look(fixture, &tree);
		g_assert_cmpuint(notes.files_read, ==, 2);
	}
}

static void objects_that_went_are_written_again(struct fixture *fixture, gconstpointer unused)
{
	struct snapshot_notes notes;
	git_oid tree;

	(void)unused;
	run(fixture, "mkdir d; echo 1 >d/f; echo 2 >g");
	let_the_clock_go_on(fixture);
	look(fixture, &tree);
	git_repository_free(fixture->repository);
	run(fixture, "rm -rf ../bare; git init -q --bare ../bare");
	g_autofree char *bare = g_build_filename(fixture->home, "bare", NULL);
	g_assert_cmpint(git_repository_open(&fixture->repository, bare), ==, 0);
	notes = look(fixture, &tree);
	g_assert_cmpuint(notes.objects_written, ==, 4);
	run(fixture, "git -C ../bare fsck --full");
}

/* A directory is exchanged for a symlink to a secret, over and over, while snapshots are taken. */
static gpointer exchange_forever(gpointer data)
{
	struct fixture *fixture = data;
	g_autofree char *a = g_build_filename(fixture->folder, "d", NULL);
	g_autofree char *b = g_build_filename(fixture->home, "aside", NULL);

	for (int i = 0; i < 20000; i++)
		g_assert_cmpint(renameat2(-1, a, -1, b, RENAME_EXCHANGE), ==, 0);
	return NULL;
}

static void nothing_outside_is_read_whatever_is_exchanged(
	struct fixture *fixture, gconstpointer unused)
{
	g_autofree char *secret = NULL;
	git_oid oid;
	git_odb *odb;

	(void)unused;
	run(fixture,
		"mkdir d ../secret; echo open >d/f; echo secret >../secret/f; "
		"ln -s ../secret ../aside; ln -s ../secret l");
	secret = sandbox_run(fixture->folder, "git hash-object ../secret/f");
	git_oid_fromstr(&oid, secret);
	GThread *thread = g_thread_new("exchange", exchange_forever, fixture);
	for (int i = 0; i < 300; i++) {
		git_oid tree;

		/* It may fail, for it changes all the time; it may not follow. */
		(void)!folder_snapshot(
			fixture->repository, fixture->folder, NULL, &tree, NULL, NULL);
	}
	g_thread_join(thread);
	git_repository_odb(&odb, fixture->repository);
	g_assert_false(git_odb_exists(odb, &oid));
	git_odb_free(odb);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) \
	g_test_add("/folder_snapshot/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(the_tree_is_the_one_git_makes);
	TEST(filters_are_not_applied);
	TEST(what_was_tracked_counts_though_it_is_ignored);
	TEST(folders_of_git_and_forge_are_left_out_and_named);
	TEST(special_files_are_left_out_and_named);
	TEST(what_no_tree_may_hold_is_refused_by_name);
	TEST(an_unreadable_file_is_named);
	TEST(an_unchanged_folder_is_not_read_again);
	TEST(every_change_is_seen_through_the_cache);
	TEST(a_change_within_one_tick_is_seen);
	TEST(a_damaged_cache_is_thrown_away);
	TEST(objects_that_went_are_written_again);
	TEST(nothing_outside_is_read_whatever_is_exchanged);
	return g_test_run();
}
