/*
 * Questions to upstream's history, compared with git's answers: in histories written here, and in
 * random ones (FORGE_TEST_SEED repeats a run).
 */
#include <glib.h>
#include <string.h>

#include "journal/base/errors.h"
#include "tests/support/component_fixture.h"
#include "worker/workspace/upstream_history.h"

static git_oid oid_of(struct component_fixture *fixture, const char *revision)
{
	return component_fixture_oid(fixture, "up", revision);
}

static struct history_count count(struct component_fixture *fixture, const char *from,
	const char *to, const char *path, uint32_t limit)
{
	g_autoptr(GError) error = NULL;
	git_oid from_oid = oid_of(fixture, from), to_oid = oid_of(fixture, to);
	struct history_count found = {.relation = HISTORY_SAME};

	upstream_history_count(fixture->upstream, &from_oid, &to_oid, path, limit, &found, &error);
	g_assert_no_error(error);
	return found;
}

/* Counts as forge and as git do; they must agree. */
static void assert_as_git(struct component_fixture *fixture, const char *from, const char *to,
	const char *path, enum history_relation relation)
{
	struct history_count found = count(fixture, from, to, path, 100000);
	g_autofree char *gits = component_fixture_run(fixture,
		"up --literal-pathspecs rev-list --count %s..%s -- %s", from, to,
		*path ? path : ".");
	g_autofree char *ours = g_strdup_printf("%u", found.behind);

	g_test_message("%s..%s -- %s", from, to, path);
	g_assert_cmpstr(ours, ==, gits);
	g_assert_true(found.exact);
	g_assert_cmpint(found.relation, ==, relation);
}

static void linear_history_counts_commits_of_the_folder(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; mkdir c d; echo 1 >c/f; echo 1 >d/f; commit A; up tag a;"
		"echo 2 >c/f; commit B; echo 2 >d/f; commit C; echo 3 >c/f; commit D;"
		"commit Empty; chmod +x c/f; commit Mode; up tag z");
	assert_as_git(fixture, "a", "z", "c", HISTORY_FORWARD);
	assert_as_git(fixture, "a", "z", "d", HISTORY_FORWARD);
	assert_as_git(fixture, "a", "z", "", HISTORY_FORWARD);
	assert_as_git(fixture, "a", "z", "none", HISTORY_FORWARD);
	assert_as_git(fixture, "z", "z", "c", HISTORY_SAME);
	assert_as_git(fixture, "z", "a", "c", HISTORY_REWRITTEN);
	g_assert_cmpuint(count(fixture, "a", "z", "c", 100).behind, ==, 3);
}

static void count_stops_at_its_limit(struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; mkdir c; echo 0 >c/f; commit 0; up tag a;"
		"for i in 1 2 3 4 5; do echo $i >c/f; commit $i; done");
	const struct {
		uint32_t limit, behind;
		gboolean exact;
	} cases[] = {{0, 0, FALSE}, {1, 1, FALSE}, {4, 4, FALSE}, {5, 5, TRUE}, {6, 5, TRUE}};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct history_count found = count(fixture, "a", "HEAD", "c", cases[i].limit);

		g_assert_cmpuint(found.behind, ==, cases[i].behind);
		g_assert_cmpint(found.exact, ==, cases[i].exact);
		g_assert_cmpint(found.relation, ==, HISTORY_FORWARD);
	}
	g_assert_true(count(fixture, "HEAD", "HEAD", "c", 0).exact);
}

static void merges_count_as_git_simplifies_them(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; export GIT_AUTHOR_DATE='1800000000 +0000' "
		"GIT_COMMITTER_DATE='1800000000 +0000';"
		"mkdir c; echo 0 >c/f; echo 0 >g; commit 0; up tag a;"
		/* A side that touches the folder, one that does not, and three at once. */
		"up checkout -q -b s1; echo 1 >c/s1; commit s1; echo 2 >c/s1; commit s1;"
		"up checkout -q -b s2 a; echo 1 >g2; commit s2;"
		"up checkout -q -b s3 a; echo 1 >c/s3; commit s3; up tag side;"
		"up checkout -q main; echo 1 >g; commit main;"
		"up merge -q --no-ff -m M1 s2; up tag m1;"
		"up merge -q --no-ff -m M2 s1; up tag m2;"
		"up checkout -q -b o m1; up merge -q -m Octopus s1 s3 s2; up tag octopus;"
		/* A merge that takes one side's folder whole. */
		"up checkout -q -b w m1; echo w >c/f; commit w; up merge -q -s ours -m Ours s1;"
		"up tag ours");
	static const char *const tips[] = {"m1", "m2", "octopus", "ours", "side"};
	for (gsize i = 0; i < G_N_ELEMENTS(tips); i++)
		assert_as_git(fixture, "a", tips[i], "c", HISTORY_FORWARD);
	assert_as_git(fixture, "m1", "octopus", "c", HISTORY_FORWARD);
	assert_as_git(fixture, "s1", "m2", "c", HISTORY_FORWARD);
	assert_as_git(fixture, "s1", "octopus", "c", HISTORY_FORWARD);
	assert_as_git(fixture, "side", "m2", "c", HISTORY_REWRITTEN);
}

static void folder_that_moved_went_and_came_back_counts_as_in_git(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; mkdir c; echo 0 >c/f; echo 0 >g; commit 0; up tag a;"
		"up mv c e; commit Moved; up tag moved; echo 1 >e/f; commit In; mkdir c;"
		"echo 0 >c/f; commit Back; up rm -rq c; commit Gone; up tag gone;"
		"echo file >c; commit File; up tag file; rm c; mkdir c; echo 5 >c/f; commit Again");
	static const char *const tips[] = {"moved", "gone", "file", "main"};
	static const char *const paths[] = {"c", "e", "c/f", ""};
	for (gsize i = 0; i < G_N_ELEMENTS(tips); i++)
		for (gsize j = 0; j < G_N_ELEMENTS(paths); j++)
			assert_as_git(fixture, "a", tips[i], paths[j], HISTORY_FORWARD);
	for (gsize j = 0; j < G_N_ELEMENTS(paths); j++)
		assert_as_git(fixture, "gone", "main", paths[j], HISTORY_FORWARD);
}

static void rewritten_and_unrelated_histories_are_told_apart(
	struct component_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; mkdir c; echo 0 >c/f; commit 0; up tag a; echo 1 >c/f; commit 1;"
		"up tag old; up reset -q --hard a; echo 2 >c/f; commit 2; echo 3 >c/f; commit 3;"
		"up tag new; up checkout -q --orphan root; echo 9 >c/f; commit Root; up tag other");
	assert_as_git(fixture, "old", "new", "c", HISTORY_REWRITTEN);
	assert_as_git(fixture, "old", "other", "c", HISTORY_UNRELATED);
	g_assert_cmpuint(count(fixture, "old", "new", "c", 9).behind, ==, 2);
}

static void presence_of_a_folder_is_told(struct component_fixture *fixture, gconstpointer unused)
{
	static const struct {
		const char *path;
		enum folder_presence presence;
	} cases[] = {
		{"", FOLDER_PRESENT},
		{"c", FOLDER_PRESENT},
		{"c/x", FOLDER_PRESENT},
		{"c/y", FOLDER_ABSENT},
		{"y/x", FOLDER_ABSENT},
		{"C", FOLDER_ABSENT},
		{"f", FOLDER_IS_NONE},
		{"f/x", FOLDER_IS_NONE},
		{"c/l", FOLDER_IS_NONE},
		{"c/x/f", FOLDER_IS_NONE},
		{"c/s", FOLDER_IS_NONE},
		{"c/s/x", FOLDER_IS_NONE},
	};

	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; mkdir -p c/x; echo 1 >f; echo 1 >c/x/f; ln -s x c/l; commit 0;"
		"up update-index --add --cacheinfo 160000,$(up rev-parse HEAD),c/s;"
		"up commit -q -m Sub");
	git_oid head = oid_of(fixture, "HEAD");
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		enum folder_presence presence;
		git_oid tree, want = {{0}};

		g_test_message("%s", cases[i].path);
		upstream_history_tree_at(
			fixture->upstream, &head, cases[i].path, &presence, &tree, &error);
		g_assert_no_error(error);
		g_assert_cmpint(presence, ==, cases[i].presence);
		if (presence == FOLDER_PRESENT) {
			g_autofree char *revision = g_strconcat("HEAD:", cases[i].path, NULL);
			want = oid_of(fixture, revision);
		}
		g_assert_true(git_oid_equal(&tree, &want));
	}
}

static void missing_commits_are_errors(struct component_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) at = NULL;
	g_autoptr(GError) counted = NULL;
	g_autoptr(GError) shallow = NULL;
	enum folder_presence presence;
	struct history_count found;
	git_oid none = {{1}}, tree, a, b;

	(void)unused;
	component_fixture_do(fixture,
		"cd upstream; echo 1 >f; commit 1; up tag a; echo 2 >f; commit 2; echo 3 >f; commit 3;"
		"up tag b; up checkout -q --orphan o; commit o; up tag o");
	b = oid_of(fixture, "b");
	g_assert_false(
		upstream_history_tree_at(fixture->upstream, &none, "", &presence, &tree, &at));
	g_assert_error(at, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	g_assert_false(
		upstream_history_count(fixture->upstream, &none, &b, "", 9, &found, &counted));
	g_assert_error(counted, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
	/* A history cut off below a commit, as in a shallow clone. */
	a = oid_of(fixture, "o");
	component_fixture_do(fixture,
		"o=$(up rev-parse a); rm -f upstream/.git/objects/$(echo $o | cut -c1-2)/$(echo $o |"
		" cut -c3-)");
	g_assert_false(upstream_history_count(fixture->upstream, &a, &b, "", 9, &found, &shallow));
	g_assert_error(shallow, FORGE_ERROR, FORGE_ERROR_BROKEN_REPOSITORY);
}

/* ---- random histories --------------------------------------------------------------------- */

#define COMMITS 60
#define PAIRS 60
#define HISTORIES 2

/* What commits have: each name with one of a few contents, or not at all. */
static const char *const names[] = {"c/a", "c/b", "c/d/e", "g", "h/i"};
typedef int random_tree[G_N_ELEMENTS(names)];

static void change_tree(GRand *rand, int *tree)
{
	if (g_rand_int_range(rand, 0, 8) == 0)
		memset(tree, 0, 3 * sizeof(*tree)); /* the folder goes */
	if (g_rand_int_range(rand, 0, 4) != 0)
		tree[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))] = g_rand_int_range(rand, 0, 4);
}

static void add_random_commit(GRand *rand, GString *stream, random_tree *trees, int number)
{
	int n_parents = number == 0 || g_rand_int_range(rand, 0, 25) == 0 ? 0
		: g_rand_int_range(rand, 0, 4) == 0 ? g_rand_int_range(rand, 2, 5)
						    : 1;
	int parents[4];
	int n = 0;

	g_string_append_printf(stream,
		"commit refs/heads/n%d\nmark :%d\ncommitter A <a@b> %d +0000\ndata 0\n", number,
		number + 1, 1700000000 + number);
	for (int i = 0; i < n_parents; i++) {
		int parent = g_rand_int_range(rand, MAX(0, number - 8), number);
		gboolean twice = FALSE;

		for (int j = 0; j < n; j++)
			twice = twice || parents[j] == parent;
		if (twice)
			continue;
		g_string_append_printf(stream, "%s :%d\n", n == 0 ? "from" : "merge", parent + 1);
		parents[n++] = parent;
	}
	if (n > 0)
		memcpy(trees[number], trees[parents[g_rand_int_range(rand, 0, n)]],
			sizeof(random_tree));
	if (n == 1 || g_rand_int_range(rand, 0, 3) == 0)
		change_tree(rand, trees[number]);
	g_string_append(stream, "deleteall\n");
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (trees[number][i] > 0)
			g_string_append_printf(stream, "M 100644 inline %s\ndata 1\n%d\n", names[i],
				trees[number][i]);
}

static void make_random_history(struct component_fixture *fixture, GRand *rand)
{
	g_autoptr(GString) stream = g_string_new(NULL);
	g_autofree char *path = g_build_filename(fixture->folder, "stream", NULL);
	random_tree trees[COMMITS];

	memset(trees, 0, sizeof(trees));
	for (int i = 0; i < COMMITS; i++)
		add_random_commit(rand, stream, trees, i);
	g_assert_true(g_file_set_contents(path, stream->str, (gssize)stream->len, NULL));
	component_fixture_do(fixture, "up fast-import --quiet --force <stream");
}

/*
 * Answers as `FROM TO PATH COUNT RELATION`. Where a merge has a parent that FROM reaches, git's
 * count depends on the dates of commits elsewhere: COUNT is ? then.
 */
#define ANSWER \
	"answer() { f=$(git rev-parse $1); c=$(git rev-list --count $1..$2 -- $3);" \
	"if { git rev-list --boundary $1..$2 | sed -n 's/^-/B/p';" \
	"git rev-list --min-parents=2 --parents $1..$2; } | awk -v f=$f " \
	"'/^B/ {b[substr($1, 2)] = 1; next}" \
	"{for (i = 2; i <= NF; i++) if ($i != f && b[$i]) x = 1} END {exit !x}'; then c=?; fi;" \
	"if [ $1 = $2 ]; then r=0; elif git merge-base --is-ancestor $1 $2; then r=1;" \
	"elif git merge-base $1 $2 >/dev/null; then r=2; else r=3; fi; echo $1 $2 $3 $c $r; }\n"

/* Asserts line by line. */
static void assert_same_lines(const char *ours, const char *gits)
{
	g_auto(GStrv) our_lines = g_strsplit(ours, "\n", -1);
	g_auto(GStrv) git_lines = g_strsplit(gits, "\n", -1);

	g_assert_cmpuint(g_strv_length(git_lines), ==, PAIRS);
	for (int i = 0; i < PAIRS; i++) {
		g_auto(GStrv) our_words = g_strsplit(our_lines[i], " ", -1);
		g_auto(GStrv) git_words = g_strsplit(git_lines[i], " ", -1);

		if (strcmp(git_words[3], "?") == 0)
			g_assert_cmpstr(our_words[4], ==, git_words[4]);
		else
			g_assert_cmpstr(our_lines[i], ==, git_lines[i]);
	}
}

static void random_histories_count_as_in_git(
	struct component_fixture *fixture, gconstpointer unused)
{
	static const char *const paths[] = {"c", "c/d", "g", "."};
	const char *given = g_getenv("FORGE_TEST_SEED");
	guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

	(void)unused;
	g_test_message("FORGE_TEST_SEED=%u", seed);
	for (int history = 0; history < HISTORIES; history++) {
		g_autoptr(GString) script = g_string_new(ANSWER);
		g_autoptr(GString) ours = g_string_new(NULL);
		g_autofree char *path = g_build_filename(fixture->folder, "script", NULL);
		g_autofree char *gits = NULL;

		make_random_history(fixture, rand);
		for (int i = 0; i < PAIRS; i++) {
			int from = g_rand_int_range(rand, 0, COMMITS);
			int to = g_rand_int_range(rand, 0, COMMITS);
			const char *folder = paths[g_rand_int_range(rand, 0, 4)];
			g_autofree char *from_name = g_strdup_printf("n%d", from);
			g_autofree char *to_name = g_strdup_printf("n%d", to);
			git_reference *ends[2] = {NULL, NULL};
			g_autoptr(GError) error = NULL;
			struct history_count found;

			g_assert_cmpint(
				git_reference_dwim(&ends[0], fixture->upstream, from_name), ==, 0);
			g_assert_cmpint(
				git_reference_dwim(&ends[1], fixture->upstream, to_name), ==, 0);
			upstream_history_count(fixture->upstream, git_reference_target(ends[0]),
				git_reference_target(ends[1]),
				strcmp(folder, ".") == 0 ? "" : folder, 1000, &found, &error);
			g_assert_no_error(error);
			git_reference_free(ends[0]);
			git_reference_free(ends[1]);
			g_string_append_printf(script, "answer n%d n%d %s\n", from, to, folder);
			g_string_append_printf(ours, "n%d n%d %s %u %d\n", from, to, folder,
				found.behind, (int)found.relation);
		}
		g_assert_true(g_file_set_contents(path, script->str, -1, NULL));
		gits = component_fixture_run(fixture, "cd upstream; sh ../script");
		assert_same_lines(ours->str, gits);
	}
}

#define TEST(name) \
	g_test_add("/upstream_history/" #name, struct component_fixture, NULL, \
		component_fixture_set_up, name, component_fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	component_fixture_prepare();
	TEST(linear_history_counts_commits_of_the_folder);
	TEST(count_stops_at_its_limit);
	TEST(merges_count_as_git_simplifies_them);
	TEST(folder_that_moved_went_and_came_back_counts_as_in_git);
	TEST(rewritten_and_unrelated_histories_are_told_apart);
	TEST(presence_of_a_folder_is_told);
	TEST(missing_commits_are_errors);
	TEST(random_histories_count_as_in_git);
	return g_test_run();
}
