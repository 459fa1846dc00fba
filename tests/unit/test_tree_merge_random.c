/*
 * Random merges, compared with those of the git that is installed: trees in which everything meets
 * everything (renames, modes, links, directories and files in each other's way, several merge
 * bases), and single texts of few kinds of lines. FORGE_TEST_SEED repeats a run.
 */
#include <git2.h>
#include <glib.h>
#include <locale.h>
#include <string.h>

#include "tests/unit/merge_fixture.h"
#include "worker/merge/tree_merge.h"

#define RANDOM_TREES 2000
#define RANDOM_TEXTS 1000

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

static unsigned commit_random(struct merge_fixture *fixture, const struct random_tree *tree,
	const unsigned *parents, size_t n_parents)
{
	unsigned mark = ++fixture->marks;

	merge_fixture_begin_commit(fixture, mark, parents, n_parents);
	for (guint i = 0; i < tree->paths->len; i++) {
		g_autofree char *mode = g_strndup(tree->contents->pdata[i], 6);
		merge_fixture_add_entry(fixture, mode, tree->paths->pdata[i],
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
static void random_history(
	struct merge_fixture *fixture, GRand *rand, unsigned *ours, unsigned *theirs)
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
	struct merge_fixture *fixture, GRand *rand, unsigned *ours, unsigned *theirs)
{
	int kinds = g_rand_int_range(rand, 1, g_rand_int_range(rand, 2, 60));
	g_autofree char *base = random_text(rand, "", kinds);
	unsigned marks[3];

	for (int i = 0; i < 3; i++) {
		g_autofree char *text = i == 0 ? g_strdup(base) : random_text(rand, base, kinds);
		marks[i] = ++fixture->marks;
		merge_fixture_begin_commit(fixture, marks[i], marks, i == 0 ? 0 : 1);
		merge_fixture_add_entry(fixture, "100644", "f", text);
	}
	*ours = marks[1];
	*theirs = marks[2];
}

/** TRUE if git calls the merge clean and reports a conflict in it all the same: markers are in its
 * tree. */
static gboolean git_contradicts_itself(const struct merge_fixture *fixture, const char *pair)
{
	g_autofree char *command = g_strconcat(
		"git -c merge.directoryRenames=false merge-tree --write-tree --messages ", pair,
		NULL);
	g_autofree char *output = NULL;

	merge_fixture_run(fixture, command, NULL, &output);
	return strstr(output, "CONFLICT (rename involved in collision)") != NULL;
}

/* ---- partial merges ----------------------------------------------------------------------- */

/** A partial merge under check. */
struct partial {
	struct merge_fixture *fixture;
	struct tree_merge merge;
	git_tree *tree;
	const char *pair;
};

static const struct merge_conflict *find_conflict(const struct partial *partial, const char *path)
{
	for (guint i = 0; i < partial->merge.conflicts->len; i++) {
		const struct merge_conflict *conflict = partial->merge.conflicts->pdata[i];
		if (strcmp(conflict->path, path) == 0)
			return conflict;
	}
	return NULL;
}

/** TRUE if PATH or a directory above it conflicts, or it is a file that a directory moved aside. */
static gboolean may_differ_from_git(const struct partial *partial, const char *path)
{
	g_autofree char *prefix = g_strdup(path);
	char *end = strchr(prefix, '~');

	if (end != NULL)
		*end = '\0';
	while (find_conflict(partial, prefix) == NULL) {
		end = strrchr(prefix, '/');
		if (end == NULL)
			return FALSE;
		*end = '\0';
	}
	return TRUE;
}

static int check_file(const char *folder, const git_tree_entry *entry, void *data)
{
	const struct partial *partial = data;
	git_blob *blob = NULL;

	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
		return 0;
	g_assert_cmpint(
		git_blob_lookup(&blob, partial->fixture->repository, git_tree_entry_id(entry)), ==,
		0);
	g_autofree char *text = g_strndup(git_blob_rawcontent(blob), (gsize)git_blob_rawsize(blob));
	if (strstr(text, "<<<<<<< LOCAL") != NULL || strstr(text, ">>>>>>> UPSTREAM") != NULL)
		g_error("%s: markers in %s%s", partial->pair, folder, git_tree_entry_name(entry));
	git_blob_free(blob);
	return 0;
}

/** Ours stands at each conflicted path, unless a directory had to stay there. */
static void check_conflicts(const struct partial *partial)
{
	for (guint i = 0; i < partial->merge.conflicts->len; i++) {
		const struct merge_conflict *conflict = partial->merge.conflicts->pdata[i];
		const struct tree_version *ours = &conflict->stages[MERGE_STAGE_OURS];
		git_tree_entry *entry = NULL;
		gboolean there = git_tree_entry_bypath(&entry, partial->tree, conflict->path) == 0;
		uint32_t mode = there ? git_tree_entry_filemode(entry) : 0;
		gboolean right = mode == 0040000 ? ours->mode == 0 || ours->mode == 0040000 ||
				conflict->kind == CONFLICT_TYPE ||
				conflict->kind == CONFLICT_RENAMED
						 : mode == ours->mode &&
				(mode == 0 || git_oid_equal(git_tree_entry_id(entry), &ours->oid));
		if (ours->mode == 0040000 && mode == 0)
			right = TRUE; /* all that it had went elsewhere */
		git_tree_entry_free(entry);
		for (int stage = 0; stage < MERGE_STAGES; stage++) {
			git_object *object = NULL;
			if (conflict->stages[stage].mode == 0 ||
				conflict->stages[stage].mode == 0160000)
				continue;
			/* A virtual base is nowhere. */
			right = right &&
				(stage == MERGE_STAGE_BASE ||
					git_object_lookup(&object, partial->fixture->repository,
						&conflict->stages[stage].oid, GIT_OBJECT_ANY) == 0);
			git_object_free(object);
		}
		if (!right)
			g_error("%s: %s is %o, ours is %o %s", partial->pair, conflict->path, mode,
				ours->mode, git_oid_tostr_s(&ours->oid));
	}
}

/** Where nothing conflicts, git's merge and ours are the same. */
static void check_against_git(const struct partial *partial, const char *git_tree_id)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_tree *tree = NULL;
	git_diff *diff = NULL;
	git_oid oid;

	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	git_oid_fromstr(&oid, git_tree_id);
	g_assert_cmpint(git_tree_lookup(&tree, partial->fixture->repository, &oid), ==, 0);
	g_assert_cmpint(git_diff_tree_to_tree(
				&diff, partial->fixture->repository, tree, partial->tree, &options),
		==, 0);
	for (gsize i = 0; i < git_diff_num_deltas(diff); i++) {
		const char *path = git_diff_get_delta(diff, i)->new_file.path;
		if (!may_differ_from_git(partial, path))
			g_error("%s: %s is not as in git", partial->pair, path);
	}
	git_diff_free(diff);
	git_tree_free(tree);
}

static void check_partial(struct merge_fixture *fixture, const char *pair,
	const struct merge_outcome *whole, const char *paths, const struct merge_outcome *git)
{
	g_auto(GStrv) names = g_strsplit(pair, " ", 2);
	g_auto(GStrv) conflicts = g_strsplit(paths, " ", -1);
	scoped(tree_merger) merger = tree_merger_new(fixture->repository, NULL);
	struct partial partial = {.fixture = fixture, .pair = pair};
	g_autoptr(GError) error = NULL;
	git_oid ours, theirs;

	git_oid_fromstr(&ours, names[0]);
	git_oid_fromstr(&theirs, names[1]);
	tree_merger_merge_partial(merger, &ours, &theirs, &partial.merge, &error);
	g_assert_no_error(error);
	g_assert_cmpint(partial.merge.clean, ==, whole->verdict == MERGE_CLEAN);
	if (partial.merge.clean) {
		g_assert_cmpstr(git_oid_tostr_s(&partial.merge.tree), ==, whole->tree);
	} else {
		for (char **path = conflicts; *path != NULL; path++)
			/* (Names of virtual bases have spaces.) */
			if (strstr(paths, "~Temporary") == NULL &&
				find_conflict(&partial, *path) == NULL)
				g_error("%s: %s is no conflict any more", pair, *path);
		g_assert_cmpint(
			git_tree_lookup(&partial.tree, fixture->repository, &partial.merge.tree),
			==, 0);
		git_tree_walk(partial.tree, GIT_TREEWALK_PRE, check_file, &partial);
		check_conflicts(&partial);
		if (git->verdict != MERGE_NOT_TOLD)
			check_against_git(&partial, git->tree);
		git_tree_free(partial.tree);
	}
	tree_merge_clear(&partial.merge);
}

typedef void history_maker(
	struct merge_fixture *fixture, GRand *rand, unsigned *ours, unsigned *theirs);

static void compare_with_git(
	struct merge_fixture *fixture, history_maker *make_history, guint n_merges)
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
	g_autoptr(GPtrArray) ids = merge_fixture_import(fixture);
	for (guint i = 0; i < n_merges; i++)
		g_ptr_array_add(pairs,
			g_strconcat(
				ids->pdata[marks[2 * i]], " ", ids->pdata[marks[2 * i + 1]], NULL));
	g_autoptr(GArray) gits = merge_fixture_ask_git(fixture, pairs);
	for (guint i = 0; i < n_merges; i++) {
		const struct merge_outcome *git = &g_array_index(gits, struct merge_outcome, i);
		g_autofree char *paths = NULL;
		struct merge_outcome ours = merge_fixture_ask_forge(
			fixture, ids->pdata[marks[2 * i]], ids->pdata[marks[2 * i + 1]], &paths);
		g_autofree char *tree = ours.tree;
		check_partial(fixture, pairs->pdata[i], &ours, paths, git);
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

static void test_random_trees(struct merge_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	compare_with_git(fixture, random_history, RANDOM_TREES);
}

static void test_random_texts(struct merge_fixture *fixture, gconstpointer unused)
{
	(void)unused;
	compare_with_git(fixture, random_text_history, RANDOM_TEXTS);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_test_init(&argc, &argv, NULL);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_setenv("GIT_CONFIG_GLOBAL", "/dev/null", TRUE);
	git_libgit2_init();
	g_test_add("/tree_merge_random/trees_merge_as_in_git", struct merge_fixture, NULL,
		merge_fixture_set_up, test_random_trees, merge_fixture_tear_down);
	g_test_add("/tree_merge_random/texts_merge_as_in_git", struct merge_fixture, NULL,
		merge_fixture_set_up, test_random_texts, merge_fixture_tear_down);
	int status = g_test_run();
	git_libgit2_shutdown();
	return status;
}
