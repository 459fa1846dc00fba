/*
 * Repositories with histories to merge, and the two that merge them: this library and the git that
 * is installed.
 *
 * Commits are collected as a stream for `git fast-import`, so that thousands take a second; git
 * merges all pairs in one process. A git that ends in a failed assertion of its own (2.39 does for
 * some renames) is asked again for what is left.
 */
#include "tests/unit/merge_fixture.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "worker/merge/tree_merge.h"

void merge_fixture_run(
	const struct merge_fixture *fixture, const char *command, GString *input, char **output)
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

void merge_fixture_set_up(struct merge_fixture *fixture, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;

	(void)unused;
	fixture->folder = g_dir_make_tmp("tree-merge-XXXXXX", &error);
	g_assert_no_error(error);
	fixture->path = g_build_filename(fixture->folder, "r.git", NULL);
	g_mkdir(fixture->path, 0700);
	merge_fixture_run(fixture, "git init -q --bare .", NULL, NULL);
	g_assert_cmpint(git_repository_open_bare(&fixture->repository, fixture->path), ==, 0);
	fixture->stream = g_string_new(NULL);
	fixture->marks = 0;
	fixture->time = 1;
}

void merge_fixture_tear_down(struct merge_fixture *fixture, gconstpointer unused)
{
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

void merge_fixture_add_entry(
	struct merge_fixture *fixture, const char *mode, const char *path, const char *content)
{
	if (strcmp(mode, "160000") == 0)
		g_string_append_printf(fixture->stream, "M 160000 %040x \"%s\"\n",
			(unsigned)strlen(content) + 1, path);
	else
		g_string_append_printf(fixture->stream, "M %s inline \"%s\"\ndata %zu\n%s\n", mode,
			path, strlen(content), content);
}

void merge_fixture_begin_commit(
	struct merge_fixture *fixture, unsigned mark, const unsigned *parents, size_t n_parents)
{
	g_string_append_printf(fixture->stream,
		"commit refs/marks/%u\nmark :%u\ncommitter A <a@b> %u +0000\ndata 0\n", mark, mark,
		fixture->time);
	for (size_t i = 0; i < n_parents; i++)
		g_string_append_printf(
			fixture->stream, "%s :%u\n", i == 0 ? "from" : "merge", parents[i]);
	g_string_append(fixture->stream, "deleteall\n");
}

unsigned merge_fixture_add_commit(
	struct merge_fixture *fixture, const char *tree, const unsigned *parents, size_t n_parents)
{
	g_auto(GStrv) words = g_strsplit(tree, " ", -1);
	unsigned mark = ++fixture->marks;

	fixture->time++;
	merge_fixture_begin_commit(fixture, mark, parents, n_parents);
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
		merge_fixture_add_entry(fixture, mode, *word, content);
	}
	return mark;
}

GPtrArray *merge_fixture_import(struct merge_fixture *fixture)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *marks_path = g_build_filename(fixture->folder, "marks", NULL);
	g_autofree char *marks = NULL;
	g_autoptr(GError) error = NULL;

	merge_fixture_run(fixture, "git fast-import --quiet --force --export-marks=../marks",
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
	g_free(((struct merge_outcome *)pointer)->tree);
}

/** Adds what git says of PAIRS (`OURS THEIRS`), up to one for which it ends in a failed assertion
 * of its own. */
static void ask_git_once(
	const struct merge_fixture *fixture, GPtrArray *pairs, guint from, GArray *outcomes)
{
	g_autofree char *output = NULL;
	g_autoptr(GString) input = g_string_new(NULL);

	for (guint i = from; i < pairs->len; i++)
		g_string_append_printf(input, "%s\n", (const char *)pairs->pdata[i]);
	/* Unbuffered, or a git that aborts would take answers with it; tr turns the ending zero
	 * bytes into lines. */
	merge_fixture_run(fixture,
		"sh -c 'exec 2>/dev/null; stdbuf -o0 git -c merge.directoryRenames=false merge-tree --write-tree --stdin --no-messages "
		"--name-only -z | tr \"\\0\" \"\\n\"'",
		input, &output);
	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
	for (char **line = lines; *line != NULL && **line != '\0'; line++) {
		struct merge_outcome outcome = {
			**line == '1' ? MERGE_CLEAN : MERGE_CONFLICT, g_strdup(line[1])};
		g_array_append_val(outcomes, outcome);
		for (line += 2; **line != '\0'; line++)
			;
	}
}

GArray *merge_fixture_ask_git(const struct merge_fixture *fixture, GPtrArray *pairs)
{
	GArray *outcomes = g_array_new(FALSE, FALSE, sizeof(struct merge_outcome));

	g_array_set_clear_func(outcomes, outcome_clear);
	while (outcomes->len < pairs->len) {
		ask_git_once(fixture, pairs, outcomes->len, outcomes);
		if (outcomes->len < pairs->len) {
			struct merge_outcome none = {MERGE_NOT_TOLD, NULL};
			g_array_append_val(outcomes, none);
		}
	}
	return outcomes;
}

struct merge_outcome merge_fixture_ask_forge(
	const struct merge_fixture *fixture, const char *ours, const char *theirs, char **paths)
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
	return (struct merge_outcome){
		merge.clean ? MERGE_CLEAN : MERGE_CONFLICT, g_strdup(git_oid_tostr_s(&merge.tree))};
}

char *merge_fixture_tree_of(const struct merge_fixture *fixture, const char *commit)
{
	g_autofree char *command = g_strconcat("git rev-parse ", commit, "^{tree}", NULL);
	char *output;

	merge_fixture_run(fixture, command, NULL, &output);
	return g_strchomp(output);
}
