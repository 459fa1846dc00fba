/*
 * Merges in corner cases, each compared with what is written here and with the git that is
 * installed; then thousands of random merges compared with git alone.
 *
 * A tree is written as `PATH=CONTENT` words: `f=one`, `f*=one` executable, `f@=target` a symbolic
 * link, `f%=1` a gitlink, `f=1..9` the lines 1 to 9, `f=1..9+x` the same and a line x.
 * FORGE_TEST_SEED repeats a random run.
 */
#include <git2.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

#include "journal/base/errors.h"
#include "worker/tree_merge.h"

#define RANDOM_TREES 2000
#define RANDOM_TEXTS 1000

struct fixture {
	char *folder;
	char *path;
	git_repository *repository;
	GString *stream; /**< for git fast-import */
	unsigned marks;
	unsigned time;
};

enum verdict {
	MERGE_CLEAN,
	MERGE_CONFLICT,
	MERGE_NOT_TOLD, /**< git aborted */
};

struct outcome {
	enum verdict verdict;
	char *tree;
};

static void run_shell(
	const struct fixture *fixture, const char *command, GString *input, char **output)
{
	g_autofree char *input_path = g_build_filename(fixture->folder, "input", NULL);
	g_autofree char *script = g_strdup_printf(
		"cd '%s' && exec %s <../input", fixture->path, command);
	const char *const argv[] = {"sh", "-c", script, NULL};
	g_autoptr(GError) error = NULL;
	int status;

	g_file_set_contents(input_path, input != NULL ? input->str : "",
		input != NULL ? (gssize)input->len : 0, &error);
	g_assert_no_error(error);
	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output, NULL,
		&status, &error);
	g_assert_no_error(error);
	g_spawn_check_wait_status(status, &error);
	g_assert_no_error(error);
}

static void fixture_set_up(struct fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->folder = g_dir_make_tmp("tree-merge-XXXXXX", &error);
	g_assert_no_error(error);
	fixture->path = g_build_filename(fixture->folder, "r.git", NULL);
	g_mkdir(fixture->path, 0700);
	run_shell(fixture, "git init -q --bare .", NULL, NULL);
	g_assert_cmpint(git_repository_open_bare(&fixture->repository, fixture->path), ==, 0);
	fixture->stream = g_string_new(NULL);
	fixture->marks = 0;
	fixture->time = 1;
}

static void fixture_tear_down(struct fixture *fixture, gconstpointer unused)
{
	/* FORGE_TEST_KEEP: leave the repository, for looking at what a random run found. */
	if (g_getenv("FORGE_TEST_KEEP") != NULL) {
		g_test_message("kept %s", fixture->path);
		return;
	}
	const char *const remove[] = {"rm", "-rf", fixture->folder, NULL};

	(void)unused;
	git_repository_free(fixture->repository);
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
	g_string_free(fixture->stream, TRUE);
	g_free(fixture->path);
	g_free(fixture->folder);
}

/** `1..9+x` → lines; anything else as it is. */
static char *expand(const char *text)
{
	g_autoptr(GString) content = g_string_new(NULL);
	g_auto(GStrv) parts = g_strsplit(text, "+", -1);
	int from, to;

	if (strstr(text, "..") == NULL)
		return g_strdup(text);
	for (char **part = parts; *part != NULL; part++) {
		if (sscanf(*part, "%d..%d", &from, &to) == 2)
			for (; from <= to; from++)
				g_string_append_printf(content, "line number %d\n", from);
		else
			g_string_append_printf(content, "%s\n", *part);
	}
	return g_strdup(content->str);
}

static void add_entry(
	struct fixture *fixture, const char *mode, const char *path, const char *content)
{
	if (strcmp(mode, "160000") == 0)
		g_string_append_printf(fixture->stream, "M 160000 %040x \"%s\"\n",
			(unsigned)strlen(content) + 1, path);
	else
		g_string_append_printf(fixture->stream, "M %s inline \"%s\"\ndata %zu\n%s\n", mode,
			path, strlen(content), content);
}

static void begin_commit(
	struct fixture *fixture, unsigned mark, const unsigned *parents, size_t n_parents)
{
	g_string_append_printf(fixture->stream,
		"commit refs/marks/%u\nmark :%u\ncommitter A <a@b> %u +0000\ndata 0\n", mark, mark,
		fixture->time);
	for (size_t i = 0; i < n_parents; i++)
		g_string_append_printf(
			fixture->stream, "%s :%u\n", i == 0 ? "from" : "merge", parents[i]);
	g_string_append(fixture->stream, "deleteall\n");
}

static unsigned add_commit(
	struct fixture *fixture, const char *tree, const unsigned *parents, size_t n_parents)
{
	g_auto(GStrv) words = g_strsplit(tree, " ", -1);
	unsigned mark = ++fixture->marks;

	fixture->time++;
	begin_commit(fixture, mark, parents, n_parents);
	for (char **word = words; *word != NULL; word++) {
		char *equals = strchr(*word, '=');
		const char *mode = "100644";
		if (equals == NULL)
			continue;
		g_autofree char *content = expand(equals + 1);
		*equals = '\0';
		if (equals[-1] == '*' || equals[-1] == '@' || equals[-1] == '%') {
			mode = equals[-1] == '*'    ? "100755"
				: equals[-1] == '@' ? "120000"
						    : "160000";
			equals[-1] = '\0';
		}
		add_entry(fixture, mode, *word, content);
	}
	return mark;
}

/** Makes the commits; returns their ids by mark. */
static GPtrArray *import(struct fixture *fixture)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *marks_path = g_build_filename(fixture->folder, "marks", NULL);
	g_autofree char *marks = NULL;
	g_autoptr(GError) error = NULL;

	run_shell(fixture, "git fast-import --quiet --force --export-marks=../marks",
		fixture->stream, NULL);
	g_file_get_contents(marks_path, &marks, NULL, &error);
	g_assert_no_error(error);
	g_auto(GStrv) lines = g_strsplit(marks, "\n", -1);
	g_ptr_array_set_size(ids, (gint)fixture->marks + 1);
	for (char **line = lines; **line == ':'; line++) {
		guint64 mark = g_ascii_strtoull(*line + 1, NULL, 10);
		if (mark <= fixture->marks)
			ids->pdata[mark] = g_strdup(strchr(*line, ' ') + 1);
	}
	return ids;
}

static void outcome_clear(gpointer pointer)
{
	g_free(((struct outcome *)pointer)->tree);
}

/** Adds what git says of PAIRS (`OURS THEIRS`), up to one for which it ends in a failed assertion
 * of its own. */
static void ask_git(const struct fixture *fixture, GPtrArray *pairs, guint from, GArray *outcomes)
{
	g_autofree char *output = NULL;
	g_autoptr(GString) input = g_string_new(NULL);

	for (guint i = from; i < pairs->len; i++)
		g_string_append_printf(input, "%s\n", (const char *)pairs->pdata[i]);
	/* Unbuffered, or a git that aborts would take answers with it; tr turns the ending zero
	 * bytes into lines. */
	run_shell(fixture,
		"sh -c 'exec 2>/dev/null; stdbuf -o0 git -c merge.directoryRenames=false merge-tree --write-tree --stdin --no-messages "
		"--name-only -z | tr \"\\0\" \"\\n\"'",
		input, &output);
	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
	for (char **line = lines; *line != NULL && **line != '\0'; line++) {
		struct outcome outcome = {
			**line == '1' ? MERGE_CLEAN : MERGE_CONFLICT, g_strdup(line[1])};
		g_array_append_val(outcomes, outcome);
		for (line += 2; **line != '\0'; line++)
			;
	}
}

static GArray *merge_with_git(const struct fixture *fixture, GPtrArray *pairs)
{
	GArray *outcomes = g_array_new(FALSE, FALSE, sizeof(struct outcome));

	g_array_set_clear_func(outcomes, outcome_clear);
	while (outcomes->len < pairs->len) {
		ask_git(fixture, pairs, outcomes->len, outcomes);
		if (outcomes->len < pairs->len) {
			struct outcome none = {MERGE_NOT_TOLD, NULL};
			g_array_append_val(outcomes, none);
		}
	}
	return outcomes;
}

static struct outcome merge_with_forge(
	const struct fixture *fixture, const char *ours, const char *theirs, char **paths)
{
	scoped_value(tree_merge) merge = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) list = g_string_new(NULL);
	git_oid our_oid, their_oid;

	g_assert_cmpint(git_oid_fromstr(&our_oid, ours), ==, 0);
	g_assert_cmpint(git_oid_fromstr(&their_oid, theirs), ==, 0);
	tree_merge_commits(fixture->repository, &our_oid, &their_oid, &merge, &error);
	g_assert_no_error(error);
	for (guint i = 0; merge.conflicts != NULL && i < merge.conflicts->len; i++)
		g_string_append_printf(list, "%s%s", i > 0 ? " " : "",
			((struct merge_conflict *)merge.conflicts->pdata[i])->path);
	if (paths != NULL)
		*paths = g_strdup(list->str);
	return (struct outcome){
		merge.clean ? MERGE_CLEAN : MERGE_CONFLICT, g_strdup(git_oid_tostr_s(&merge.tree))};
}

static char *tree_of(const struct fixture *fixture, const char *commit)
{
	g_autofree char *command = g_strconcat("git rev-parse ", commit, "^{tree}", NULL);
	char *output;

	run_shell(fixture, command, NULL, &output);
	return g_strchomp(output);
}

struct merge_case {
	const char *name;
	const char *base, *ours, *theirs;
	const char *result;    /**< the merged tree; NULL: a conflict */
	const char *conflicts; /**< the conflicted paths */
};

static const struct merge_case cases[] = {
	{"one_side_changes", "f=1..9", "f=1..9+x", "f=1..9", "f=1..9+x", NULL},
	{"both_change_one_file_in_two_places", "f=1..9", "f=x+1..9", "f=1..9+y", "f=x+1..9+y",
		NULL},
	{"both_change_one_line_differently", "f=1..9", "f=1..9+x", "f=1..9+y", NULL, "f"},
	{"both_make_the_same_change", "f=1..9", "f=1..9+x", "f=1..9+x", "f=1..9+x", NULL},
	{"mode_on_one_side_content_on_the_other", "f=1..9", "f*=1..9", "f=1..9+x", "f*=1..9+x",
		NULL},
	{"both_add_with_different_modes", "a=1", "a=1 f=x", "a=1 f*=x", NULL, "f"},
	{"both_add_different_types", "a=1", "a=1 f=x", "a=1 f@=x", NULL, "f"},
	{"both_change_a_symbolic_link", "l@=a", "l@=b", "l@=c", NULL, "l"},
	{"both_change_a_gitlink", "s%=1", "s%=12", "s%=123", NULL, "s"},
	{"one_side_changes_a_gitlink", "s%=1 f=x", "s%=12 f=x", "s%=1 f=y", "s%=12 f=y", NULL},
	{"delete_against_change", "f=1..9 a=1", "a=1", "f=1..9+x a=1", NULL, "f"},
	{"both_delete", "f=1..9 a=1", "a=1", "a=1", "a=1", NULL},
	{"rename_against_change", "f=1..9", "g=1..9", "f=1..9+x", "g=1..9+x", NULL},
	{"similar_rename_against_change", "f=1..20", "g=1..20+o", "f=t+1..20", "g=t+1..20+o", NULL},
	{"rename_below_half_is_a_delete", "f=1..9",
		"g=1..3+some+thing+else+that+is+longer+than+it+was", "f=1..9+x", NULL, "f"},
	{"rename_against_delete", "f=1..9 a=1", "g=1..9 a=1", "a=1", NULL, "g"},
	{"renames_to_two_places", "f=1..9", "g=1..9", "h=1..9", NULL, "f g h"},
	{"renames_to_one_place", "f=1..9", "g=1..9", "g=1..9+x", "g=1..9+x", NULL},
	{"two_renames_onto_one_path", "f=1..9 e=21..29", "g=1..9 e=21..29", "f=1..9 g=21..29", NULL,
		"g"},
	{"rename_onto_an_added_file", "f=1..9", "g=1..9", "f=1..9 g=other", NULL, "g"},
	{"renamed_file_meets_added_directory", "d/f=1..9", "w=1..9", "d/f=1..9 w/r=x", NULL, "w"},
	{"file_becomes_directory", "f=x a=1", "f/g=x a=1", "f=x a=2", "f/g=x a=2", NULL},
	{"file_changed_against_directory", "f=1..9 a=1", "f/g=y a=1", "f=1..9+x a=1", NULL, "f"},
	{"directory_becomes_file", "d/f=x a=1", "d=y a=1", "d/f=x a=2", "d=y a=2", NULL},
	{"directory_becomes_file_against_added_file", "d/f=x", "d=y", "d/f=x d/g=z", NULL, "d"},
	{"renamed_directory_keeps_added_file", "d/f=1..9 d/g=21..29", "e/f=1..9 e/g=21..29",
		"d/f=1..9 d/g=21..29 d/h=new", "d/h=new e/f=1..9 e/g=21..29", NULL},
	{"last_file_of_a_directory_goes", "d/f=1 a=1", "a=1", "d/f=1 a=2", "a=2", NULL},
	{"everything_is_deleted", "f=1 g=2", "f=1", "g=2", "", NULL},
	{"empty_files_are_no_renames", "f= a=1", "g= a=1", "f= a=2", "g= a=2", NULL},
	{"sorting_of_files_and_directories", "a/x=1 a.b=1 a-b=1", "a/x=2 a.b=1 a-b=1",
		"a/x=1 a.b=2 a-b=1", "a/x=2 a.b=2 a-b=1", NULL},
	{"rename_against_changed_type", "f=1..9 a=1", "g=1..9 a=1", "f@=elsewhere a=1", NULL, "g"},
	{"mode_change_follows_rename", "f=1..9", "g=1..9", "f*=1..9", "g*=1..9", NULL},
	{"swapped_names", "f=1..9 g=21..29", "f=21..29 g=1..9", "f=1..9+x g=21..29", NULL, "f"},
};

static void test_case(struct fixture *fixture, gconstpointer data)
{
	const struct merge_case *merge_case = data;
	unsigned base = add_commit(fixture, merge_case->base, NULL, 0);
	unsigned ours = add_commit(fixture, merge_case->ours, &base, 1);
	unsigned theirs = add_commit(fixture, merge_case->theirs, &base, 1);
	unsigned result = merge_case->result != NULL
		? add_commit(fixture, merge_case->result, NULL, 0)
		: 0;
	g_autoptr(GPtrArray) ids = import(fixture);
	g_autoptr(GPtrArray) pair = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *paths = NULL;

	g_ptr_array_add(pair, g_strconcat(ids->pdata[ours], " ", ids->pdata[theirs], NULL));
	struct outcome outcome = merge_with_forge(
		fixture, ids->pdata[ours], ids->pdata[theirs], &paths);
	g_autofree char *tree = outcome.tree;
	g_autoptr(GArray) gits = merge_with_git(fixture, pair);
	g_assert_cmpint(
		outcome.verdict, ==, merge_case->result != NULL ? MERGE_CLEAN : MERGE_CONFLICT);
	g_assert_cmpint(g_array_index(gits, struct outcome, 0).verdict, ==, outcome.verdict);
	if (outcome.verdict == MERGE_CONFLICT) {
		g_assert_cmpstr(paths, ==, merge_case->conflicts);
		return;
	}
	g_autofree char *expected = tree_of(fixture, ids->pdata[result]);
	g_assert_cmpstr(tree, ==, expected);
	g_assert_cmpstr(g_array_index(gits, struct outcome, 0).tree, ==, expected);
}

/** A random file system: a few names, contents that are near each other, so that everything meets
 * everything. */
struct random_tree {
	GPtrArray *paths;
	GPtrArray *contents; /**< MODE, a space, and the text */
};

static const char *const some_paths[] = {"a", "b", "c", "d/a", "d/b", "d/c", "d/e/a", "d/e/b",
	"e/a", "e/b", "e/f", "a/b", "a/c", "b/x/y", "f", "g", "d/e", "e", "d-e", "d.f", "x/a",
	"x/b", "x/e/a", "x/e/b"};

static struct random_tree *random_tree_new(void)
{
	struct random_tree *tree = g_new(struct random_tree, 1);

	tree->paths = g_ptr_array_new_with_free_func(g_free);
	tree->contents = g_ptr_array_new_with_free_func(g_free);
	return tree;
}

static void random_tree_free(gpointer pointer)
{
	struct random_tree *tree = pointer;

	g_ptr_array_unref(tree->paths);
	g_ptr_array_unref(tree->contents);
	g_free(tree);
}

static gboolean in_the_way(const char *one, const char *two)
{
	size_t length = strlen(one);

	return strncmp(one, two, length) == 0 && (two[length] == '/' || two[length] == '\0');
}

static void random_tree_put(struct random_tree *tree, const char *path, const char *content)
{
	g_autofree char *own_path = g_strdup(path);
	g_autofree char *own_content = g_strdup(content);

	for (guint i = tree->paths->len; i-- > 0;)
		if (in_the_way(tree->paths->pdata[i], own_path) ||
			in_the_way(own_path, tree->paths->pdata[i])) {
			g_ptr_array_remove_index(tree->paths, i);
			g_ptr_array_remove_index(tree->contents, i);
		}
	g_ptr_array_add(tree->paths, g_steal_pointer(&own_path));
	g_ptr_array_add(tree->contents, g_steal_pointer(&own_content));
}

static struct random_tree *random_tree_copy(const struct random_tree *tree)
{
	struct random_tree *copy = random_tree_new();

	for (guint i = 0; i < tree->paths->len; i++)
		random_tree_put(copy, tree->paths->pdata[i], tree->contents->pdata[i]);
	return copy;
}

static char *random_content(GRand *rand)
{
	g_autoptr(GString) text = g_string_new(NULL);
	int family = g_rand_int_range(rand, 0, 3);
	int kind = g_rand_int_range(rand, 0, 20);

	if (kind == 0)
		return g_strdup_printf("120000 t%d", family);
	if (kind == 1)
		return g_strdup_printf("160000 %.*s", family + 1, "xxxxx");
	g_string_append(text, kind == 2 ? "100755 " : "100644 ");
	if (kind == 3)
		return g_strdup(text->str);
	for (int i = 0; i < 10; i++)
		if (g_rand_int_range(rand, 0, 8) != 0)
			g_string_append_printf(text, "family %d line %d\n", family, i);
	return g_strdup(text->str);
}

/** Changes some lines; a text without a final line feed, with doubled or with equal lines is
 * welcome. */
static char *random_edit(GRand *rand, const char *content)
{
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	g_autoptr(GString) text = g_string_new(NULL);
	guint n = g_strv_length(lines);
	guint at = (guint)g_rand_int_range(rand, 0, (gint32)n);

	if (!g_str_has_prefix(content, "100"))
		return random_content(rand);
	if (g_rand_int_range(rand, 0, 8) == 0)
		return g_strdup_printf("%s%s",
			g_str_has_prefix(content, "100644") ? "100755" : "100644", content + 6);
	for (guint i = 0; i < n; i++) {
		int what = i == at && i > 0 ? g_rand_int_range(rand, 0, 4) : 9;
		if (what == 0)
			continue;
		if (what == 1)
			g_string_append_printf(text, "changed %d\n", g_rand_int_range(rand, 0, 3));
		else if (what == 2)
			g_string_append_printf(
				text, "%s\n%s%s", lines[i], lines[i], i + 1 < n ? "\n" : "");
		else if (what == 3)
			g_string_append_printf(text, "new %d\n%s%s", g_rand_int_range(rand, 0, 2),
				lines[i], i + 1 < n ? "\n" : "");
		else
			g_string_append_printf(text, "%s%s", lines[i], i + 1 < n ? "\n" : "");
	}
	return g_strdup(text->str);
}

static void random_change(GRand *rand, struct random_tree *tree)
{
	const char *path = some_paths[g_rand_int_range(rand, 0, G_N_ELEMENTS(some_paths))];
	int what = g_rand_int_range(rand, 0, 10);

	if (tree->paths->len == 0 || what == 0) {
		g_autofree char *content = random_content(rand);
		random_tree_put(tree, path, content);
		return;
	}
	guint i = (guint)g_rand_int_range(rand, 0, (gint32)tree->paths->len);
	g_autofree char *old_path = g_strdup(tree->paths->pdata[i]);
	g_autofree char *content = g_strdup(tree->contents->pdata[i]);
	if (what <= 4) {
		g_autofree char *edited = random_edit(rand, content);
		random_tree_put(tree, old_path, edited);
		return;
	}
	g_ptr_array_remove_index(tree->paths, i);
	g_ptr_array_remove_index(tree->contents, i);
	if (what == 5)
		return;
	if (what == 6) {
		/* A whole directory goes. */
		g_autofree char *folder = g_path_get_dirname(old_path);
		for (guint j = tree->paths->len; j-- > 0;)
			if (strcmp(folder, ".") != 0 && in_the_way(folder, tree->paths->pdata[j])) {
				g_autofree char *to = g_strconcat(
					"x", (char *)tree->paths->pdata[j] + strlen(folder), NULL);
				g_autofree char *same = g_strdup(tree->contents->pdata[j]);
				g_ptr_array_remove_index(tree->paths, j);
				g_ptr_array_remove_index(tree->contents, j);
				random_tree_put(tree, to, same);
				j = MIN(j, tree->paths->len);
			}
	}
	if (what == 7) {
		g_autofree char *edited = random_edit(rand, content);
		random_tree_put(tree, path, edited);
	} else {
		random_tree_put(tree, path, content);
	}
}

static unsigned commit_random(struct fixture *fixture, const struct random_tree *tree,
	const unsigned *parents, size_t n_parents)
{
	unsigned mark = ++fixture->marks;

	begin_commit(fixture, mark, parents, n_parents);
	for (guint i = 0; i < tree->paths->len; i++) {
		g_autofree char *mode = g_strndup(tree->contents->pdata[i], 6);
		add_entry(fixture, mode, tree->paths->pdata[i],
			(const char *)tree->contents->pdata[i] + 7);
	}
	return mark;
}

#define LAYERS_MAX 3
#define LAYER_MAX 3

/**
 * One merge to try: layers of commits, each commit a merge of all of the layer before, so that two
 * sides have up to three merge bases, which have several in turn. Sets the marks of both sides.
 */
static void random_history(struct fixture *fixture, GRand *rand, unsigned *ours, unsigned *theirs)
{
	g_autoptr(GPtrArray) before = g_ptr_array_new_with_free_func(random_tree_free);
	unsigned parents[LAYER_MAX] = {0};
	int layers = g_rand_int_range(rand, 0, 3) == 0 ? g_rand_int_range(rand, 2, LAYERS_MAX + 1)
						       : 1;

	g_ptr_array_add(before, random_tree_new());
	for (int i = g_rand_int_range(rand, 1, 12); i > 0; i--) {
		g_autofree char *content = random_content(rand);
		random_tree_put(before->pdata[0],
			some_paths[g_rand_int_range(rand, 0, G_N_ELEMENTS(some_paths))], content);
	}
	parents[0] = commit_random(fixture, before->pdata[0], NULL, 0);
	for (int layer = 1; layer <= layers; layer++) {
		GPtrArray *trees = g_ptr_array_new_with_free_func(random_tree_free);
		unsigned marks[LAYER_MAX];
		int n = layer == layers ? 2 : g_rand_int_range(rand, 2, LAYER_MAX + 1);
		for (int i = 0; i < n; i++) {
			struct random_tree *tree = random_tree_copy(
				before->pdata[(guint)i % before->len]);
			for (int j = g_rand_int_range(rand, 0, 5); j >= 0; j--)
				random_change(rand, tree);
			/* Equal times leave the order of merge bases to the order of discovery. */
			fixture->time += (unsigned)g_rand_int_range(rand, 0, 2);
			marks[i] = commit_random(fixture, tree, parents, before->len);
			g_ptr_array_add(trees, tree);
		}
		memcpy(parents, marks, sizeof(marks));
		g_ptr_array_unref(before);
		before = trees;
	}
	*ours = parents[0];
	*theirs = parents[1];
}

/** A text of few kinds of lines, for all that a diff does with frequent ones. */
static char *random_text(GRand *rand, const char *from, int kinds)
{
	g_auto(GStrv) lines = g_strsplit(from, "\n", -1);
	g_autoptr(GString) text = g_string_new(NULL);
	const char *end = g_rand_int_range(rand, 0, 12) == 0 ? "\r\n" : "\n";
	int odds = g_rand_int_range(rand, 5, 60);

	if (*from == '\0')
		for (int i = g_rand_int_range(rand, 0, 300); i > 0; i--)
			g_string_append_printf(text, "%d%s", g_rand_int_range(rand, 0, kinds), end);
	for (char **line = lines; *from != '\0' && *line != NULL; line++) {
		int what = g_rand_int_range(rand, 0, odds);
		if (what > 0)
			g_string_append_printf(text, "%s%s", *line, line[1] != NULL ? "\n" : "");
		if (what == 1)
			g_string_append_printf(text, "%d%s", g_rand_int_range(rand, 0, kinds), end);
	}
	return g_strdup(text->str);
}

static void random_text_history(
	struct fixture *fixture, GRand *rand, unsigned *ours, unsigned *theirs)
{
	int kinds = g_rand_int_range(rand, 1, g_rand_int_range(rand, 2, 60));
	g_autofree char *base = random_text(rand, "", kinds);
	unsigned marks[3];

	for (int i = 0; i < 3; i++) {
		g_autofree char *text = i == 0 ? g_strdup(base) : random_text(rand, base, kinds);
		marks[i] = ++fixture->marks;
		begin_commit(fixture, marks[i], marks, i == 0 ? 0 : 1);
		add_entry(fixture, "100644", "f", text);
	}
	*ours = marks[1];
	*theirs = marks[2];
}

/** TRUE if git calls the merge clean and reports a conflict in it all the same: markers are in its
 * tree. */
static gboolean git_contradicts_itself(const struct fixture *fixture, const char *pair)
{
	g_autofree char *command = g_strconcat(
		"git -c merge.directoryRenames=false merge-tree --write-tree --messages ", pair,
		NULL);
	g_autofree char *output = NULL;

	run_shell(fixture, command, NULL, &output);
	return strstr(output, "CONFLICT (rename involved in collision)") != NULL;
}

typedef void history_maker(struct fixture *fixture, GRand *rand, unsigned *ours, unsigned *theirs);

static void compare_with_git(struct fixture *fixture, history_maker *make_history, guint n_merges)
{
	const char *wanted = g_getenv("FORGE_TEST_SEED");
	guint32 seed = wanted != NULL ? (guint32)g_ascii_strtoull(wanted, NULL, 10)
				      : g_random_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autofree unsigned *marks = g_new(unsigned, 2 * n_merges);
	g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
	guint clean = 0, not_told = 0, wrong = 0, too_strict = 0;

	g_test_message("FORGE_TEST_SEED=%u", seed);
	for (guint i = 0; i < n_merges; i++)
		make_history(fixture, rand, &marks[2 * i], &marks[2 * i + 1]);
	g_autoptr(GPtrArray) ids = import(fixture);
	for (guint i = 0; i < n_merges; i++)
		g_ptr_array_add(pairs,
			g_strconcat(
				ids->pdata[marks[2 * i]], " ", ids->pdata[marks[2 * i + 1]], NULL));
	g_autoptr(GArray) gits = merge_with_git(fixture, pairs);
	for (guint i = 0; i < n_merges; i++) {
		const struct outcome *git = &g_array_index(gits, struct outcome, i);
		struct outcome ours = merge_with_forge(
			fixture, ids->pdata[marks[2 * i]], ids->pdata[marks[2 * i + 1]], NULL);
		g_autofree char *tree = ours.tree;
		clean += ours.verdict == MERGE_CLEAN ? 1 : 0;
		if (git->verdict == MERGE_NOT_TOLD) {
			not_told++;
		} else if (ours.verdict == MERGE_CONFLICT) {
			if (git->verdict == MERGE_CONFLICT ||
				git_contradicts_itself(fixture, pairs->pdata[i]))
				continue;
			too_strict++;
			g_test_message("%s: conflict where git makes %s", (char *)pairs->pdata[i],
				git->tree);
		} else if (git->verdict == MERGE_CONFLICT || strcmp(git->tree, tree) != 0) {
			wrong++;
			g_test_message("%s: %s where git %s %s", (char *)pairs->pdata[i], tree,
				git->verdict == MERGE_CLEAN ? "makes" : "conflicts with",
				git->tree);
		}
	}
	g_test_message(
		"%u clean of %u; %u wrong, %u conflicts where git has none, %u on which git aborts",
		clean, n_merges, wrong, too_strict, not_told);
	g_assert_cmpuint(wrong, ==, 0);
	g_assert_cmpuint(clean, >, n_merges / 10);
	g_assert_cmpuint(too_strict, ==, 0);
}

static void test_random_trees(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	compare_with_git(fixture, random_history, RANDOM_TREES);
}

static void test_random_texts(struct fixture *fixture, gconstpointer unused)
{
	(void)unused;
	compare_with_git(fixture, random_text_history, RANDOM_TEXTS);
}

static void test_unrelated(struct fixture *fixture, gconstpointer unused)
{
	unsigned ours = add_commit(fixture, "f=1", NULL, 0);
	unsigned theirs = add_commit(fixture, "g=1", NULL, 0);
	g_autoptr(GPtrArray) ids = import(fixture);
	scoped_value(tree_merge) merge = {0};
	g_autoptr(GError) error = NULL;
	git_oid our_oid, their_oid;

	(void)unused;
	git_oid_fromstr(&our_oid, ids->pdata[ours]);
	git_oid_fromstr(&their_oid, ids->pdata[theirs]);
	g_assert_false(
		tree_merge_commits(fixture->repository, &our_oid, &their_oid, &merge, &error));
	g_assert_error(error, FORGE_ERROR, FORGE_ERROR_UNRELATED_HISTORIES);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_test_init(&argc, &argv, NULL);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_setenv("GIT_CONFIG_GLOBAL", "/dev/null", TRUE);
	git_libgit2_init();
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/tree_merge/", cases[i].name, NULL);
		g_test_add(name, struct fixture, &cases[i], fixture_set_up, test_case,
			fixture_tear_down);
	}
	g_test_add("/tree_merge/histories_without_a_common_commit_are_an_error", struct fixture,
		NULL, fixture_set_up, test_unrelated, fixture_tear_down);
	g_test_add("/tree_merge/random_trees_merge_as_in_git", struct fixture, NULL, fixture_set_up,
		test_random_trees, fixture_tear_down);
	g_test_add("/tree_merge/random_texts_merge_as_in_git", struct fixture, NULL, fixture_set_up,
		test_random_texts, fixture_tear_down);
	int status = g_test_run();
	git_libgit2_shutdown();
	return status;
}
