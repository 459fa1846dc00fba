/*
 * Replaying commits, compared with `git rebase` on random histories, and claim by claim.
 * FORGE_TEST_SEED repeats a run.
 */
#include <git2.h>
#include <glib.h>
#include <locale.h>
#include <string.h>

#include "journal/base/errors.h"
#include "journal/base/limits.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/sandbox.h"
#include "worker/fork/commit_replay.h"

#define RANDOM_HISTORIES 100
#define FILES 5
#define LINES 12

/* ---- histories ----------------------------------------------------------------------------- */

/** A work tree as random histories have it. */
struct world {
	struct {
		gboolean there;
		gboolean executable;
		int lines[LINES];
	} files[FILES];
};

/** Begins a commit of the world with SUBJECT; more entries may follow. Returns its mark. */
static unsigned begin(struct merge_fixture *fixture, const char *author, const char *subject,
	const unsigned *parents, size_t n_parents)
{
	unsigned mark = ++fixture->marks;
	unsigned time = ++fixture->time * 60;

	g_string_append_printf(fixture->stream,
		"commit refs/marks/%u\nmark :%u\nauthor %s %u +0530\ncommitter C <c@d> %u +0000\n"
		"data %zu\n%s\n",
		mark, mark, author, time, time, strlen(subject), subject);
	for (size_t i = 0; i < n_parents; i++)
		g_string_append_printf(
			fixture->stream, "%s :%u\n", i == 0 ? "from" : "merge", parents[i]);
	g_string_append(fixture->stream, "deleteall\n");
	return mark;
}

static unsigned commit_world(struct merge_fixture *fixture, const struct world *world,
	const char *subject, const unsigned *parents, size_t n_parents)
{
	unsigned mark = begin(fixture, "Ann Author <ann@example.com>", subject, parents, n_parents);

	for (int f = 0; f < FILES; f++) {
		g_autoptr(GString) text = g_string_new(NULL);
		g_autofree char *path = g_strdup_printf("d%d/file%d", f % 2, f);

		if (!world->files[f].there)
			continue;
		for (int i = 0; i < LINES; i++)
			g_string_append_printf(
				text, "file line %d value %d\n", i, world->files[f].lines[i]);
		merge_fixture_add_entry(
			fixture, world->files[f].executable ? "100755" : "100644", path, text->str);
	}
	return mark;
}

/** One change; the same numbers make the same change wherever they are used. */
struct change {
	int kind;
	int file;
	int other;
	int line;
	int value;
};

static struct change random_change(GRand *rand)
{
	return (struct change){
		.kind = g_rand_int_range(rand, 0, 20),
		.file = g_rand_int_range(rand, 0, FILES),
		.other = g_rand_int_range(rand, 0, FILES),
		.line = g_rand_int_range(rand, 0, LINES),
		.value = g_rand_int_range(rand, 1, 1000),
	};
}

static void apply(struct world *world, const struct change *change)
{
	if (change->kind == 0) {
		world->files[change->file].there = FALSE;
	} else if (change->kind == 1) {
		world->files[change->file].there = TRUE;
		world->files[change->file].executable = TRUE;
	} else if (change->kind == 2 && !world->files[change->other].there) {
		world->files[change->other] = world->files[change->file];
		world->files[change->file].there = FALSE;
	} else if (change->kind > 3) {
		world->files[change->file].lines[change->line] = change->value;
	}
	/* Else nothing: an empty commit. */
}

struct point {
	unsigned mark;
	struct world world;
};

static struct point step(struct merge_fixture *fixture, const struct point *from,
	const struct change *change, const char *side, int number)
{
	struct point next = *from;
	g_autofree char *subject = g_strdup_printf("%s %d", side, number);

	apply(&next.world, change);
	next.mark = commit_world(fixture, &next.world, subject, &from->mark, 1);
	return next;
}

/** Upstream's commits and the fork's, which takes some of upstream's changes over, branches,
 * merges its own branches and merges upstream's earlier commits. */
static void random_history(
	struct merge_fixture *fixture, GRand *rand, unsigned *onto, unsigned *tip)
{
	struct point theirs[8], own[12];
	struct change changes[8];
	int n_theirs = g_rand_int_range(rand, 1, 6), n_own = g_rand_int_range(rand, 1, 7);

	memset(theirs, 0, sizeof(theirs));
	for (int f = 0; f < FILES - 1; f++) {
		theirs[0].world.files[f].there = TRUE;
		for (int i = 0; i < LINES; i++)
			theirs[0].world.files[f].lines[i] = -f;
	}
	theirs[0].mark = commit_world(fixture, &theirs[0].world, "base", NULL, 0);
	for (int i = 1; i <= n_theirs; i++) {
		changes[i] = random_change(rand);
		theirs[i] = step(fixture, &theirs[i - 1], &changes[i], "upstream", i);
	}
	own[0] = theirs[0];
	for (int i = 1; i <= n_own; i++) {
		int kind = g_rand_int_range(rand, 0, 8);
		int back = g_rand_int_range(rand, 0, i);
		struct change change = random_change(rand);

		if (kind == 0) {
			own[i] = step(fixture, &own[i - 1],
				&changes[g_rand_int_range(rand, 1, n_theirs + 1)], "taken", i);
		} else if (kind == 1 && back > 0 && back < i - 1) {
			/* A line of its own, merged back at once. */
			struct point beside = step(fixture, &own[back], &change, "beside", i);
			const unsigned parents[] = {own[i - 1].mark, beside.mark};

			own[i] = own[i - 1];
			apply(&own[i].world, &change);
			own[i].mark = commit_world(fixture, &own[i].world, "merge", parents, 2);
		} else if (kind == 2 && n_theirs > 1) {
			const unsigned parents[] = {own[i - 1].mark, theirs[1].mark};

			own[i] = own[i - 1];
			apply(&own[i].world, &changes[1]);
			own[i].mark = commit_world(
				fixture, &own[i].world, "merge of upstream", parents, 2);
		} else {
			own[i] = step(fixture, &own[i - 1], &change, "own", i);
		}
	}
	*onto = theirs[n_theirs].mark;
	*tip = own[n_own].mark;
}

/* ---- the two that replay ------------------------------------------------------------------- */

static const char rebase_script[] =
	"sh -c 'set -e; export GIT_COMMITTER_NAME=R GIT_COMMITTER_EMAIL=r@example.com "
	"GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null; "
	"rm -rf ../desk; git clone -q --shared --no-checkout . ../desk; cd ../desk; "
	"git config merge.directoryRenames false; git config advice.detachedHead false; "
	"git config gc.auto 0; "
	"while read -r onto tip; do git checkout -q -f --detach $tip; git clean -qfdx; "
	"if git rebase -q $onto >/dev/null 2>&1; then echo clean; "
	"git log --reverse --topo-order --format=\"%T %an %ae %ad %s\" --date=raw $onto..HEAD; "
	"else echo conflict $(git rev-parse REBASE_HEAD); "
	"git diff --name-only --diff-filter=U; git rebase --abort; fi; echo .; done'";

/** What git makes of PAIRS (`ONTO TIP`): for each, its lines. Caller frees. */
static char **ask_git(const struct merge_fixture *fixture, const GPtrArray *pairs)
{
	g_autoptr(GString) input = g_string_new(NULL);
	g_autofree char *output = NULL;

	for (guint i = 0; i < pairs->len; i++)
		g_string_append_printf(input, "%s\n", (const char *)pairs->pdata[i]);
	merge_fixture_run(fixture, rebase_script, input, &output);
	return g_strsplit(output, "\n.\n", -1);
}

static gboolean replay(const struct merge_fixture *fixture, const char *onto, const char *tip,
	struct commit_replay *result, GError **error)
{
	git_signature *who = NULL;
	struct budget budget = sandbox_budget();
	git_oid onto_oid, tip_oid;
	gboolean done;

	g_assert_cmpint(git_oid_fromstr(&onto_oid, onto), ==, 0);
	g_assert_cmpint(git_oid_fromstr(&tip_oid, tip), ==, 0);
	g_assert_cmpint(git_signature_new(&who, "R", "r@example.com", 1000000000, 0), ==, 0);
	done = commit_replay(fixture->repository, &tip_oid, &onto_oid, who, &budget, result, error);
	git_signature_free(who);
	return done;
}

static void append_commit(GString *text, git_repository *repository, const git_oid *oid)
{
	git_commit *commit = NULL;
	const git_signature *author;

	g_assert_cmpint(git_commit_lookup(&commit, repository, oid), ==, 0);
	author = git_commit_author(commit);
	g_string_append_printf(text, "\n%s %s %s %" G_GINT64_FORMAT " %c%02d%02d %s",
		git_oid_tostr_s(git_commit_tree_id(commit)), author->name, author->email,
		(gint64)author->when.time, author->when.offset < 0 ? '-' : '+',
		ABS(author->when.offset) / 60, ABS(author->when.offset) % 60,
		git_commit_summary(commit));
	g_assert_cmpstr(git_commit_committer(commit)->email, ==, "r@example.com");
	g_assert_cmpint(git_commit_committer(commit)->when.time, ==, 1000000000);
	git_commit_free(commit);
}

/** The same lines of forge. Caller frees. */
static char *ask_forge(const struct merge_fixture *fixture, const char *onto, const char *tip)
{
	scoped_value(commit_replay) result = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GArray) commits = g_array_new(FALSE, FALSE, sizeof(git_oid));
	git_oid end;

	replay(fixture, onto, tip, &result, &error);
	g_assert_no_error(error);
	if (result.conflicts) {
		g_string_append_printf(text, "conflict %s", git_oid_tostr_s(&result.conflicting));
		for (guint i = 0; i < result.conflicts->len; i++)
			g_string_append_printf(text, "\n%s",
				((struct merge_conflict *)result.conflicts->pdata[i])->path);
		return g_strdup(text->str);
	}
	g_string_append(text, "clean");
	git_oid_fromstr(&end, onto);
	for (git_oid at = result.tip; !git_oid_equal(&at, &end);) {
		git_commit *commit = NULL;

		g_array_append_val(commits, at);
		g_assert_cmpint(git_commit_lookup(&commit, fixture->repository, &at), ==, 0);
		g_assert_cmpuint(git_commit_parentcount(commit), ==, 1);
		at = *git_commit_parent_id(commit, 0);
		git_commit_free(commit);
	}
	g_assert_cmpuint(commits->len, ==, result.replayed);
	for (guint i = commits->len; i-- > 0;)
		append_commit(text, fixture->repository, &g_array_index(commits, git_oid, i));
	return g_strdup(text->str);
}

static void random_histories_become_what_git_makes_of_them(
	struct merge_fixture *fixture, gconstpointer unused)
{
	const char *given = g_getenv("FORGE_TEST_SEED");
	guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
	GRand *rand = g_rand_new_with_seed(seed);
	g_autoptr(GArray) marks = g_array_new(FALSE, FALSE, sizeof(unsigned));
	g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ids = NULL;
	g_auto(GStrv) expected = NULL;
	guint n_clean = 0;

	(void)unused;
	g_test_message("FORGE_TEST_SEED=%u", seed);
	for (int i = 0; i < RANDOM_HISTORIES; i++) {
		unsigned pair[2];

		random_history(fixture, rand, &pair[0], &pair[1]);
		g_array_append_vals(marks, pair, 2);
	}
	g_rand_free(rand);
	ids = merge_fixture_import(fixture);
	for (guint i = 0; i < marks->len; i += 2)
		g_ptr_array_add(pairs,
			g_strdup_printf("%s %s",
				(char *)ids->pdata[g_array_index(marks, unsigned, i)],
				(char *)ids->pdata[g_array_index(marks, unsigned, i + 1)]));
	expected = ask_git(fixture, pairs);
	g_assert_cmpuint(g_strv_length(expected), ==, pairs->len + 1);
	for (guint i = 0; i < pairs->len; i++) {
		g_auto(GStrv) pair = g_strsplit(pairs->pdata[i], " ", 2);
		g_autofree char *actual = ask_forge(fixture, pair[0], pair[1]);

		n_clean += g_str_has_prefix(actual, "clean") ? 1 : 0;
		if (strcmp(actual, expected[i]) != 0)
			g_error("onto %s\ngit:\n%s\nforge:\n%s", (char *)pairs->pdata[i],
				expected[i], actual);
	}
	/* Else the histories would test one side alone. */
	g_assert_cmpuint(n_clean, >, RANDOM_HISTORIES / 5);
	g_assert_cmpuint(n_clean, <, RANDOM_HISTORIES);
}

/* ---- claim by claim ------------------------------------------------------------------------ */

/** What `ONTO..tip` is called after the replay of TIP (a mark) onto ONTO: subjects, oldest first,
 * or `conflict` and the paths. */
static char *subjects(struct merge_fixture *fixture, unsigned onto, unsigned tip)
{
	g_autoptr(GPtrArray) ids = merge_fixture_import(fixture);
	g_autofree char *text = ask_forge(fixture, ids->pdata[onto], ids->pdata[tip]);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) list = g_string_new(NULL);
	gboolean conflict = g_str_has_prefix(text, "conflict");

	if (conflict)
		g_string_append(list, "conflict");
	for (char **line = lines + 1; lines[0] && *line; line++) {
		const char *subject = *line;

		/* TREE NAME NAME MAIL TIME ZONE SUBJECT */
		for (int i = 0; !conflict && i < 6; i++)
			subject = strchr(subject, ' ') + 1;
		g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", subject);
	}
	return g_strdup(list->str);
}

static unsigned commit(struct merge_fixture *fixture, const char *subject, unsigned parent,
	const char *path, const char *content)
{
	unsigned mark = begin(
		fixture, "Ann Author <ann@example.com>", subject, &parent, parent > 0);

	merge_fixture_add_entry(fixture, "100644", "base", "base\n");
	if (path)
		merge_fixture_add_entry(fixture, "100644", path, content);
	return mark;
}

static void a_patch_that_upstream_has_is_left_out_though_its_white_space_differs(
	struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base = commit(fixture, "base", 0, NULL, NULL);
	unsigned theirs = commit(fixture, "theirs", base, "f", "if (x)\n\treturn;\n");
	unsigned own = commit(fixture, "own", base, "f", "if (x)\n        return;\n");
	unsigned more = commit(fixture, "more", own, "f", "if (x)\n        return;\n");
	g_autofree char *list = NULL;

	(void)unused;
	merge_fixture_add_entry(fixture, "100644", "g", "more\n");
	list = subjects(fixture, theirs, more);
	g_assert_cmpstr(list, ==, "more");
}

static void binary_files_are_the_same_patch_only_if_they_are_equal(
	struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base, theirs, own;
	g_autofree char *list = NULL;

	(void)unused;
	/* A zero byte makes a file binary; the fixture's own entries cannot hold one. */
	base = commit(fixture, "base", 0, NULL, NULL);
	theirs = commit(fixture, "theirs", base, NULL, NULL);
	g_string_append_len(fixture->stream, "M 100644 inline \"b\"\ndata 4\n\0one\n", 32);
	own = commit(fixture, "own", base, NULL, NULL);
	g_string_append_len(fixture->stream, "M 100644 inline \"b\"\ndata 4\n\0two\n", 32);
	list = subjects(fixture, theirs, own);
	g_assert_cmpstr(list, ==, "conflict, b");
}

static void empty_commits_stay_and_those_that_become_empty_go(
	struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base = commit(fixture, "base", 0, NULL, NULL);
	unsigned one = commit(fixture, "theirs 1", base, "f", "one\n");
	unsigned theirs = commit(fixture, "theirs 2", one, "f", "one\ntwo\n");
	/* Both at once is neither of upstream's patches, and yet nothing on top of them. */
	unsigned own = commit(fixture, "both", base, "f", "one\ntwo\n");
	unsigned empty = commit(fixture, "empty", own, "f", "one\ntwo\n");
	g_autofree char *list = subjects(fixture, theirs, empty);

	(void)unused;
	g_assert_cmpstr(list, ==, "empty");
}

static void merges_go_and_what_they_merged_stays(
	struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base = commit(fixture, "base", 0, NULL, NULL);
	unsigned theirs = commit(fixture, "theirs", base, "t", "t\n");
	unsigned parents[2];
	unsigned merge;
	g_autofree char *list = NULL;

	(void)unused;
	parents[0] = commit(fixture, "left", base, "l", "l\n");
	parents[1] = commit(fixture, "right", base, "r", "r\n");
	merge = begin(fixture, "Ann Author <ann@example.com>", "merge", parents, 2);
	merge_fixture_add_entry(fixture, "100644", "base", "base\n");
	merge_fixture_add_entry(fixture, "100644", "l", "l\n");
	merge_fixture_add_entry(fixture, "100644", "r", "r\n");
	list = subjects(fixture, theirs, merge);
	g_assert_cmpstr(list, ==, "left, right");
}

static void opposite_changes_of_a_mode_are_not_one_patch(
	struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base = begin(fixture, "A B <a@b>", "base", NULL, 0);
	unsigned theirs, own;
	g_autofree char *list = NULL;

	(void)unused;
	merge_fixture_add_entry(fixture, "100644", "f", "f\n");
	theirs = begin(fixture, "A B <a@b>", "on", &base, 1);
	merge_fixture_add_entry(fixture, "100755", "f", "f\n");
	own = begin(fixture, "A B <a@b>", "on and more", &base, 1);
	merge_fixture_add_entry(fixture, "100755", "f", "f\n");
	merge_fixture_add_entry(fixture, "100644", "g", "g\n");
	own = begin(fixture, "A B <a@b>", "off", &own, 1);
	merge_fixture_add_entry(fixture, "100644", "f", "f\n");
	merge_fixture_add_entry(fixture, "100644", "g", "g\n");
	list = subjects(fixture, theirs, own);
	g_assert_cmpstr(list, ==, "on and more, off");
}

static void a_conflict_names_the_commit_its_subject_and_its_paths(
	struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base = commit(fixture, "base", 0, NULL, NULL);
	unsigned theirs = commit(fixture, "theirs", base, "f", "theirs\n");
	unsigned first = commit(fixture, "first", base, "g", "g\n");
	unsigned own = commit(fixture, "the culprit\n\nwith a body", first, "f", "own\n");
	unsigned last = commit(fixture, "last", own, "f", "own\n");
	scoped_value(commit_replay) result = {0};
	g_autoptr(GPtrArray) ids = NULL;

	(void)unused;
	ids = merge_fixture_import(fixture);
	g_assert_true(replay(fixture, ids->pdata[theirs], ids->pdata[last], &result, NULL));
	g_assert_cmpstr(git_oid_tostr_s(&result.conflicting), ==, ids->pdata[own]);
	g_assert_cmpstr(result.subject, ==, "the culprit");
	g_assert_cmpuint(result.conflicts->len, ==, 1);
	g_assert_cmpstr(((struct merge_conflict *)result.conflicts->pdata[0])->path, ==, "f");
	g_assert_cmpuint(result.replayed, ==, 1);
	g_assert_cmpuint(result.planned, ==, 3);
}

static git_oid write_commit(const struct merge_fixture *fixture, const char *headers,
	const char *tree, const char *parent, const char *rest, size_t rest_bytes)
{
	g_autoptr(GString) text = g_string_new(NULL);
	git_odb *odb = NULL;
	git_oid oid;

	g_string_printf(text, "tree %s\nparent %s\n%s", tree, parent, headers);
	g_string_append_len(text, rest, (gssize)rest_bytes);
	g_assert_cmpint(git_repository_odb(&odb, fixture->repository), ==, 0);
	g_assert_cmpint(git_odb_write(&oid, odb, text->str, text->len, GIT_OBJECT_COMMIT), ==, 0);
	git_odb_free(odb);
	return oid;
}

static char *read_commit(const struct merge_fixture *fixture, const git_oid *oid, size_t *size)
{
	git_odb_object *object = NULL;
	git_odb *odb = NULL;
	char *text;

	g_assert_cmpint(git_repository_odb(&odb, fixture->repository), ==, 0);
	g_assert_cmpint(git_odb_read(&object, odb, oid), ==, 0);
	*size = git_odb_object_size(object);
	text = g_memdup2(git_odb_object_data(object), *size);
	git_odb_object_free(object);
	git_odb_free(odb);
	return text;
}

static void author_message_and_encoding_stay_byte_for_byte_and_signatures_go(
	struct merge_fixture *fixture, gconstpointer unused)
{
	/* Latin-1, an odd zone, a message that begins with empty lines and has a NUL. */
	static const char author[] = "author J\xf6rg <j\xf6rg@example.com> 123456789 -0713\n";
	static const char message[] = "\n\n\nGr\xfc\xdf\x65\n\n  body \0 and more";
	unsigned base = commit(fixture, "base", 0, NULL, NULL);
	unsigned theirs = commit(fixture, "theirs", base, "t", "t\n");
	unsigned changed = commit(fixture, "changed", base, "f", "f\n");
	g_autoptr(GPtrArray) ids = merge_fixture_import(fixture);
	g_autofree char *tree = merge_fixture_tree_of(fixture, ids->pdata[changed]);
	g_autofree char *headers = g_strconcat(author, "committer O <o@p> 1 +0100\n",
		"encoding ISO-8859-1\ngpgsig -----BEGIN PGP SIGNATURE-----\n author no\n -----END\n",
		NULL);
	git_oid own = write_commit(
		fixture, headers, tree, ids->pdata[base], message, sizeof(message) - 1);
	scoped_value(commit_replay) result = {0};
	g_autoptr(GString) expected = g_string_new(NULL);
	g_autofree char *new_tree = NULL;
	g_autofree char *text = NULL;
	size_t size;

	(void)unused;
	g_assert_true(replay(fixture, ids->pdata[theirs], git_oid_tostr_s(&own), &result, NULL));
	new_tree = merge_fixture_tree_of(fixture, git_oid_tostr_s(&result.tip));
	g_string_printf(expected,
		"tree %s\nparent %s\n%scommitter R <r@example.com> 1000000000 +0000\n"
		"encoding ISO-8859-1\n",
		new_tree, (char *)ids->pdata[theirs], author);
	g_string_append_len(expected, message, sizeof(message) - 1);
	text = read_commit(fixture, &result.tip, &size);
	g_assert_cmpuint(size, ==, expected->len);
	g_assert_true(memcmp(text, expected->str, size) == 0);
}

static void equal_arguments_make_equal_commits(struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base = commit(fixture, "base", 0, NULL, NULL);
	unsigned theirs = commit(fixture, "theirs", base, "t", "t\n");
	unsigned own = commit(fixture, "own", base, "f", "f\n");
	g_autoptr(GPtrArray) ids = merge_fixture_import(fixture);
	scoped_value(commit_replay) one = {0};
	scoped_value(commit_replay) two = {0};

	(void)unused;
	g_assert_true(replay(fixture, ids->pdata[theirs], ids->pdata[own], &one, NULL));
	g_assert_true(replay(fixture, ids->pdata[theirs], ids->pdata[own], &two, NULL));
	g_assert_true(git_oid_equal(&one.tip, &two.tip));
}

static void more_commits_than_are_replayed_are_too_large(
	struct merge_fixture *fixture, gconstpointer unused)
{
	unsigned base = commit(fixture, "base", 0, NULL, NULL);
	unsigned theirs = commit(fixture, "theirs", base, "t", "t\n");
	unsigned own = base;
	g_autoptr(GPtrArray) ids = NULL;
	scoped_value(commit_replay) result = {0};
	g_autoptr(GError) error = NULL;

	(void)unused;
	for (int i = 0; i <= LIMIT_REPLAYED_COMMITS; i++)
		own = commit(fixture, "own", own, NULL, NULL);
	ids = merge_fixture_import(fixture);
	g_assert_false(replay(fixture, ids->pdata[theirs], ids->pdata[own], &result, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_TOO_LARGE);
	g_assert_nonnull(strstr(error->message, "1001"));
}

#define TEST(name) \
	g_test_add("/commit_replay/" #name, struct merge_fixture, NULL, merge_fixture_set_up, \
		name, merge_fixture_tear_down)

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_ALL, "C.UTF-8");
	g_test_init(&argc, &argv, NULL);
	git_libgit2_init();
	TEST(random_histories_become_what_git_makes_of_them);
	TEST(a_patch_that_upstream_has_is_left_out_though_its_white_space_differs);
	TEST(binary_files_are_the_same_patch_only_if_they_are_equal);
	TEST(empty_commits_stay_and_those_that_become_empty_go);
	TEST(merges_go_and_what_they_merged_stays);
	TEST(opposite_changes_of_a_mode_are_not_one_patch);
	TEST(a_conflict_names_the_commit_its_subject_and_its_paths);
	TEST(author_message_and_encoding_stay_byte_for_byte_and_signatures_go);
	TEST(equal_arguments_make_equal_commits);
	TEST(more_commits_than_are_replayed_are_too_large);
	status = g_test_run();
	git_libgit2_shutdown();
	return status;
}
