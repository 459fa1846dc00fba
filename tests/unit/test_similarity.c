/*
 * The similarity score, compared with what `git diff -M` prints for the same two files.
 */
#include <glib.h>
#include <locale.h>
#include <string.h>

#include "worker/merge/similarity.h"

#define RANDOM_PAIRS 400

static GString *random_file(GRand *rand, const GString *from)
{
	GString *file = g_string_new(NULL);
	int shape = g_rand_int_range(rand, 0, 10);

	if (from != NULL) {
		/* Most of it, in another order perhaps, and something new. */
		int odds = g_rand_int_range(rand, 2, 8);
		g_auto(GStrv) lines = g_strsplit(from->str, "\n", -1);
		for (char **line = lines; *line != NULL; line++)
			if (g_rand_int_range(rand, 0, odds) != 0)
				g_string_append_printf(
					file, "%s%s", *line, shape == 0 ? "\r\n" : "\n");
	}
	for (int i = g_rand_int_range(rand, 1, 30); i > 0; i--) {
		for (int j = g_rand_int_range(rand, 0, shape == 1 ? 300 : 60); j > 0; j--)
			g_string_append_c(file, (char)g_rand_int_range(rand, 'a', 'e'));
		if (shape == 2 && i == 5)
			g_string_append_len(file, "\0", 1);
		if (i > 1 || shape > 3)
			g_string_append_c(file, '\n');
	}
	return file;
}

static void append_commit(GString *stream, guint pair, const char *path, const GString *content)
{
	g_string_append_printf(stream,
		"commit refs/heads/%s-%u\ncommitter A <a@b> 1 +0000\ndata 0\nM 644 inline %s\ndata %zu\n",
		path, pair, path, content->len);
	g_string_append_len(stream, content->str, (gssize)content->len);
	g_string_append_c(stream, '\n');
}

static int score_of(const GString *source, const GString *destination)
{
	scoped(similarity_profile) one = similarity_profile_new(source->str, source->len);
	scoped(similarity_profile) two = similarity_profile_new(destination->str, destination->len);

	if (!similarity_sizes_allow(source->len, destination->len, SIMILARITY_MAX / 100))
		return 0;
	return similarity_score(one, two);
}

static void test_against_git(void)
{
	const char *wanted = g_getenv("FORGE_TEST_SEED");
	guint32 seed = wanted != NULL ? (guint32)g_ascii_strtoull(wanted, NULL, 10)
				      : g_random_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autoptr(GString) stream = g_string_new(NULL);
	g_autoptr(GString) script = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = g_dir_make_tmp("similarity-XXXXXX", &error);
	g_autofree char *stream_path = g_build_filename(folder, "stream", NULL);
	g_autofree int *scores = g_new(int, RANDOM_PAIRS);
	g_autofree char *output = NULL;
	const char *const argv[] = {"sh", "-c", NULL, NULL};
	int status;
	guint found = 0;

	g_test_message("FORGE_TEST_SEED=%u", seed);
	for (guint i = 0; i < RANDOM_PAIRS; i++) {
		GString *source = random_file(rand, NULL);
		GString *destination = random_file(rand, source);
		append_commit(stream, i, "a", source);
		append_commit(stream, i, "b", destination);
		scores[i] = score_of(source, destination);
		g_string_free(source, TRUE);
		g_string_free(destination, TRUE);
	}
	g_file_set_contents(stream_path, stream->str, (gssize)stream->len, &error);
	g_assert_no_error(error);
	g_string_append_printf(script,
		"cd '%s' && git init -q --bare r.git && cd r.git && git fast-import --quiet <../stream && "
		"for i in $(seq 0 %d); do echo $(git rev-parse a-$i^{tree} b-$i^{tree}); done | "
		"git diff-tree --stdin -r -M1%% --raw | grep '^:' | cut -d' ' -f5",
		folder, RANDOM_PAIRS - 1);
	const char *const command[] = {argv[0], argv[1], script->str, NULL};
	g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL,
		&status, &error);
	g_assert_no_error(error);
	g_spawn_check_wait_status(status, &error);
	g_assert_no_error(error);

	/* `R054<TAB>a<TAB>b` for a rename; `D<TAB>a` and `A<TAB>b` where git sees none. */
	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
	char **line = lines;
	for (guint i = 0; i < RANDOM_PAIRS; i++) {
		g_assert_nonnull(*line);
		if (**line == 'R') {
			g_assert_cmpint(scores[i] * 100 / SIMILARITY_MAX, ==,
				(int)g_ascii_strtoull(*line + 1, NULL, 10));
			found++;
			line++;
		} else {
			g_assert_cmpint(scores[i], <, SIMILARITY_MAX / 100);
			line += 2;
		}
	}
	g_test_message("%u of %d pairs are alike", found, RANDOM_PAIRS);
	g_assert_cmpuint(found, >, RANDOM_PAIRS / 2);
	const char *const remove[] = {"rm", "-rf", folder, NULL};
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
}

static void test_sizes_too_far_apart(void)
{
	g_assert_true(similarity_sizes_allow(100, 50, SIMILARITY_MAX / 2));
	g_assert_false(similarity_sizes_allow(100, 49, SIMILARITY_MAX / 2));
	g_assert_false(similarity_sizes_allow(49, 100, SIMILARITY_MAX / 2));
	g_assert_false(similarity_sizes_allow(0, 1, SIMILARITY_MAX / 2));
}

static void test_rest_without_line_feed(void)
{
	g_autoptr(GString) with = g_string_new("one line\nand a rest");
	g_autoptr(GString) other = g_string_new("one line\nand another");

	g_assert_cmpint(score_of(with, other), ==, 9 * SIMILARITY_MAX / 20);
	g_assert_cmpint(score_of(with, with), ==, 9 * SIMILARITY_MAX / 19);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_test_init(&argc, &argv, NULL);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_setenv("GIT_CONFIG_GLOBAL", "/dev/null", TRUE);
	g_test_add_func("/similarity/scores_are_gits", test_against_git);
	g_test_add_func(
		"/similarity/sizes_too_far_apart_cannot_be_alike", test_sizes_too_far_apart);
	g_test_add_func(
		"/similarity/a_rest_without_line_feed_does_not_count", test_rest_without_line_feed);
	return g_test_run();
}
