/*
 * Every two-parent merge of a repository, merged again: by this library in one process, and by one
 * batch of `git merge-tree`. Prints one JSON line: `value` is our time over git's, and besides it
 * how the outcomes compare. The counts `other_tree` and `clean_where_git_conflicts` must be 0; each
 * such pair is named on stderr, and so is each conflict where git has none. Merges of a partial
 * copy for which git lacks an object are `unreadable` and left out.
 *
 *     bench_merge_tree REPOSITORY [LIMIT]
 *
 * REPOSITORY is only read: both write to a scratch repository of their own that borrows its
 * objects. Without an argument, a small history is made for the purpose.
 */
#include <git2.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "worker/merge/tree_merge.h"

struct pair {
	git_oid ours, theirs;
};

struct outcome {
	gboolean clean;
	git_oid tree;
};

struct tally {
	guint same_tree, both_conflict, other_tree, clean_where_git_conflicts,
		conflict_where_git_is_clean;
};

static void fail(const char *what, const GError *error)
{
	const git_error *last = git_error_last();

	g_printerr("bench_merge_tree: %s: %s\n", what,
		error != NULL          ? error->message
			: last != NULL ? last->message
				       : "failed");
	exit(1);
}

/** Runs git with its own configuration kept out; returns what
 * it printed. *FAILED NULL: failure ends the program. */
static GBytes *run_git(
	const char *folder, const char *const *arguments, GBytes *input, gboolean *failed)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *input_path = g_build_filename(folder, "input", NULL);
	g_autofree char *output_path = g_build_filename(folder, "output", NULL);
	g_autoptr(GError) error = NULL;
	char *output;
	gsize size;
	int status;

	if (!g_file_set_contents(input_path, input != NULL ? g_bytes_get_data(input, NULL) : "",
		    input != NULL ? (gssize)g_bytes_get_size(input) : 0, &error))
		fail(input_path, error);
	g_ptr_array_add(argv, (gpointer) "sh");
	g_ptr_array_add(argv, (gpointer) "-c");
	g_ptr_array_add(
		argv, (gpointer) "in=$1; out=$2; shift 2; exec git \"$@\" <\"$in\" >\"$out\"");
	g_ptr_array_add(argv, (gpointer) "sh");
	g_ptr_array_add(argv, input_path);
	g_ptr_array_add(argv, output_path);
	for (; *arguments != NULL; arguments++)
		g_ptr_array_add(argv, (gpointer)*arguments);
	g_ptr_array_add(argv, NULL);
	if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
		    NULL, &status, &error))
		fail("git", error);
	if (failed != NULL)
		*failed = status != 0;
	else if (!g_spawn_check_wait_status(status, &error))
		fail("git", error);
	if (!g_file_get_contents(output_path, &output, &size, &error))
		fail(output_path, error);
	return g_bytes_new_take(output, size);
}

/** A bare repository in FOLDER that borrows the objects of REPOSITORY. */
static char *make_scratch(const char *folder, const char *name, const char *repository)
{
	char *path = g_build_filename(folder, name, NULL);
	g_autofree char *alternates = g_build_filename(path, "objects/info/alternates", NULL);
	g_autofree char *objects = g_strconcat(repository, "/objects\n", NULL);
	g_autoptr(GError) error = NULL;
	const char *const init[] = {"init", "-q", "--bare", path, NULL};

	g_bytes_unref(run_git(folder, init, NULL, NULL));
	if (!g_file_set_contents(alternates, objects, -1, &error))
		fail(alternates, error);
	return path;
}

/** The parents of every two-parent commit, each pair once, without those that share no ancestor. */
static GArray *list_pairs(
	const char *folder, const char *git_dir, git_repository *repository, guint limit)
{
	GArray *pairs = g_array_new(FALSE, FALSE, sizeof(struct pair));
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *option = g_strconcat("--git-dir=", git_dir, NULL);
	const char *const list[] = {option, "rev-list", "--min-parents=2", "--max-parents=2",
		"--parents", "--all", NULL};
	g_autoptr(GBytes) output = run_git(folder, list, NULL, NULL);
	g_autofree char *text = g_strndup(g_bytes_get_data(output, NULL), g_bytes_get_size(output));
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL && strlen(lines[i]) >= 122 && pairs->len < limit; i++) {
		struct pair pair;
		git_oid base;
		if (!g_hash_table_add(seen, g_strdup(lines[i] + 41)))
			continue;
		if (git_oid_fromstrn(&pair.ours, lines[i] + 41, 40) < 0 ||
			git_oid_fromstrn(&pair.theirs, lines[i] + 82, 40) < 0)
			fail("rev-list", NULL);
		if (git_merge_base(&base, repository, &pair.ours, &pair.theirs) == 0)
			g_array_append_val(pairs, pair);
	}
	return pairs;
}

/** Reads the answers of `git merge-tree --stdin -z --no-messages`. */
static void read_outcomes(GBytes *output, GArray *outcomes)
{
	gsize size;
	const char *at = g_bytes_get_data(output, &size);
	const char *end = at + size;

	while (at < end) {
		struct outcome outcome = {.clean = *at == '1'};
		at += 2;
		if (git_oid_fromstrn(&outcome.tree, at, GIT_OID_HEXSZ) < 0)
			fail("merge-tree", NULL);
		g_array_append_val(outcomes, outcome);
		for (at += GIT_OID_HEXSZ + 1; at < end && *at != '\0'; at += strlen(at) + 1)
			;
		at++;
	}
}

/** Pairs that git cannot merge (an object is missing from
 * the repository) are taken out of PAIRS and counted. */
static GArray *merge_with_git(
	const char *folder, const char *git_dir, GArray *pairs, guint *n_unreadable)
{
	GArray *outcomes = g_array_new(FALSE, FALSE, sizeof(struct outcome));
	g_autofree char *option = g_strconcat("--git-dir=", git_dir, NULL);
	const char *const merge[] = {option, "-c", "merge.directoryRenames=false", "-c",
		"merge.renameLimit=7000", "merge-tree", "--write-tree", "--stdin", "--no-messages",
		"--name-only", "-z", NULL};
	gboolean failed;

	*n_unreadable = 0;
	do {
		g_autoptr(GString) input = g_string_new(NULL);
		for (guint i = outcomes->len; i < pairs->len; i++) {
			const struct pair *pair = &g_array_index(pairs, struct pair, i);
			g_string_append(input, git_oid_tostr_s(&pair->ours));
			g_string_append_c(input, ' ');
			g_string_append(input, git_oid_tostr_s(&pair->theirs));
			g_string_append_c(input, '\n');
		}
		g_autoptr(GBytes) lines = g_bytes_new(input->str, input->len);
		g_autoptr(GBytes) output = run_git(folder, merge, lines, &failed);
		read_outcomes(output, outcomes);
		if (failed && outcomes->len < pairs->len) {
			g_array_remove_index(pairs, outcomes->len);
			(*n_unreadable)++;
		}
	} while (failed && outcomes->len < pairs->len);
	if (outcomes->len != pairs->len)
		fail("git did not answer for every pair", NULL);
	return outcomes;
}

static GArray *merge_with_forge(git_repository *repository, const GArray *pairs)
{
	GArray *outcomes = g_array_new(FALSE, FALSE, sizeof(struct outcome));
	g_autoptr(GError) error = NULL;
	scoped(tree_merger) merger = tree_merger_new(repository, &error);

	for (guint i = 0; i < pairs->len && merger != NULL; i++) {
		const struct pair *pair = &g_array_index(pairs, struct pair, i);
		scoped_value(tree_merge) merge = {0};
		if (!tree_merger_merge(merger, &pair->ours, &pair->theirs, &merge, &error))
			fail(git_oid_tostr_s(&pair->ours), error);
		struct outcome outcome = {merge.clean, merge.tree};
		g_array_append_val(outcomes, outcome);
	}
	return outcomes;
}

static void name_pair(const char *what, const struct pair *pair)
{
	char ours[GIT_OID_HEXSZ + 1], theirs[GIT_OID_HEXSZ + 1];

	g_printerr("%s: %s %s\n", what, git_oid_tostr(ours, sizeof(ours), &pair->ours),
		git_oid_tostr(theirs, sizeof(theirs), &pair->theirs));
}

static struct tally compare(const GArray *pairs, const GArray *ours, const GArray *gits)
{
	struct tally tally = {0};

	for (guint i = 0; i < pairs->len; i++) {
		const struct pair *pair = &g_array_index(pairs, struct pair, i);
		const struct outcome *our = &g_array_index(ours, struct outcome, i);
		const struct outcome *git = &g_array_index(gits, struct outcome, i);
		if (our->clean && git->clean && git_oid_equal(&our->tree, &git->tree)) {
			tally.same_tree++;
		} else if (our->clean && git->clean) {
			tally.other_tree++;
			name_pair("other tree", pair);
		} else if (our->clean) {
			tally.clean_where_git_conflicts++;
			name_pair("clean where git conflicts", pair);
		} else if (git->clean) {
			tally.conflict_where_git_is_clean++;
			name_pair("conflict where git is clean", pair);
		} else {
			tally.both_conflict++;
		}
	}
	return tally;
}

/** Processor time used by this process, or by the processes it waited for. */
static double cpu_seconds(int whose)
{
	struct rusage usage;

	getrusage(whose, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/** A history of COUNT merges of a tree with many files. Returns the path of its repository. */
static char *make_history(const char *folder, guint count)
{
	g_autoptr(GString) stream = g_string_new(NULL);
	char *path = g_build_filename(folder, "history.git", NULL);
	g_autofree char *option = g_strconcat("--git-dir=", path, NULL);
	const char *const init[] = {"init", "-q", "--bare", path, NULL};
	const char *const import[] = {option, "fast-import", "--quiet", NULL};
	const char *const author = "committer A <a@example.com>";

	g_string_append_printf(
		stream, "commit refs/heads/main\nmark :1\n%s 1 +0000\ndata 0\n", author);
	for (guint i = 0; i < 2000; i++) {
		g_autofree char *text = g_strdup_printf("file %u\n1\n2\n3\n4\n5\n6\n7\n8\n", i);
		g_string_append_printf(stream, "M 644 inline d%u/e%u/f%u\ndata %zu\n%s\n", i % 20,
			i % 7, i, strlen(text), text);
	}
	for (guint i = 0; i < count; i++)
		for (guint side = 0; side < 2; side++) {
			guint mark = 2 + 3 * i;
			guint file = (i * 37 + side * 11) % 2000;
			g_autofree char *text = g_strdup_printf(
				"file %u\n%s%u\n2\n3\n4\n5\n6\n7\n%s%u\n", file,
				side == 0 ? "ours " : "1 ", i, side == 0 ? "8 " : "theirs ", i);
			g_string_append_printf(stream,
				"commit refs/heads/main%u\nmark :%u\n%s %u +0000\ndata 0\nfrom :%u\n"
				"M 644 inline d%u/e%u/f%u\ndata %zu\n%s\n",
				side, mark + side, author, 2 + i, i == 0 ? 1 : mark - 1, file % 20,
				file % 7, file, strlen(text), text);
			if (side == 1)
				g_string_append_printf(stream,
					"commit refs/heads/main\nmark :%u\n%s %u +0000\ndata 0\nfrom :%u\nmerge :%u\n",
					mark + 2, author, 2 + i, mark, mark + 1);
		}
	g_autoptr(GBytes) input = g_bytes_new(stream->str, stream->len);
	g_bytes_unref(run_git(folder, init, NULL, NULL));
	g_bytes_unref(run_git(folder, import, input, NULL));
	return path;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = g_dir_make_tmp("bench-merge-XXXXXX", &error);
	guint limit = argc > 2 ? (guint)g_ascii_strtoull(argv[2], NULL, 10) : G_MAXUINT;
	git_repository *repository;

	if (folder == NULL)
		fail("temporary folder", error);
	g_setenv("HOME", folder, TRUE);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_unsetenv("XDG_CONFIG_HOME");
	git_libgit2_init();
	/* Snapshots of other people's repositories are read, never written. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	g_autofree char *source = argc > 1 ? g_canonicalize_filename(argv[1], NULL)
					   : make_history(folder, 400);
	g_autofree char *for_git = make_scratch(folder, "git.git", source);
	g_autofree char *for_forge = make_scratch(folder, "forge.git", source);
	if (git_repository_open_bare(&repository, for_forge) < 0)
		fail(for_forge, NULL);
	g_autoptr(GArray) pairs = list_pairs(folder, source, repository, limit);
	git_repository_free(repository);
	if (pairs->len == 0)
		fail("no merges in this repository", NULL);

	guint n_unreadable;
	double git_cpu_s = cpu_seconds(RUSAGE_CHILDREN);
	gint64 started = g_get_monotonic_time();
	g_autoptr(GArray) gits = merge_with_git(folder, for_git, pairs, &n_unreadable);
	double git_s = (double)(g_get_monotonic_time() - started) / 1e6;
	git_cpu_s = cpu_seconds(RUSAGE_CHILDREN) - git_cpu_s;
	double forge_cpu_s = cpu_seconds(RUSAGE_SELF);
	started = g_get_monotonic_time();
	if (git_repository_open_bare(&repository, for_forge) < 0)
		fail(for_forge, NULL);
	g_autoptr(GArray) ours = merge_with_forge(repository, pairs);
	double forge_s = (double)(g_get_monotonic_time() - started) / 1e6;
	forge_cpu_s = cpu_seconds(RUSAGE_SELF) - forge_cpu_s;
	struct tally tally = compare(pairs, ours, gits);
	printf("{\"name\":\"merge_tree\",\"value\":%.3f,\"unit\":\"ratio\",\"limit\":1,\"fraction\":%.2f,\"merges\":%u,\"forge_s\":%.3f,\"git_s\":%.3f,"
	       "\"cpu_ratio\":%.3f,"
	       "\"same_tree\":%u,\"both_conflict\":%u,\"other_tree\":%u,\"clean_where_git_conflicts\":%u,"
	       "\"conflict_where_git_is_clean\":%u,\"unreadable\":%u}\n",
		forge_s / git_s, forge_s / git_s, pairs->len, forge_s, git_s,
		forge_cpu_s / git_cpu_s, tally.same_tree, tally.both_conflict, tally.other_tree,
		tally.clean_where_git_conflicts, tally.conflict_where_git_is_clean, n_unreadable);

	git_repository_free(repository);
	git_libgit2_shutdown();
	const char *const remove[] = {"rm", "-rf", folder, NULL};
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
	return tally.other_tree + tally.clean_where_git_conflicts > 0;
}
