/*
 * Gives a target each file of its corpus once, without libFuzzer, as one TAP test each: what was
 * found once stays found. The corpus is tests/fuzz/corpus/NAME of the program fuzz_NAME, or the
 * files that are named as arguments.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/input.h"

static gint compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *corpus_of(const char *program)
{
	g_autofree char *name = g_path_get_basename(program);
	g_autofree char *folder = NULL;
	g_autoptr(GDir) files = NULL;
	g_autoptr(GError) error = NULL;
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	const char *file;

	g_assert_true(g_str_has_prefix(name, "fuzz_"));
	folder = g_build_filename("tests/fuzz/corpus", name + strlen("fuzz_"), NULL);
	files = g_dir_open(folder, 0, &error);
	g_assert_no_error(error);
	while ((file = g_dir_read_name(files)))
		g_ptr_array_add(paths, g_build_filename(folder, file, NULL));
	g_ptr_array_sort(paths, compare_paths);
	return paths;
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) paths = argc > 1 ? g_ptr_array_new_with_free_func(g_free)
					      : corpus_of(argv[0]);

	for (int i = 1; i < argc; i++)
		g_ptr_array_add(paths, g_strdup(argv[i]));
	g_assert_cmpuint(paths->len, >, 0);
	g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
	printf("1..%u\n", paths->len);
	for (guint i = 0; i < paths->len; i++) {
		g_autofree char *data = NULL;
		g_autoptr(GError) error = NULL;
		gsize size;

		/* Before it runs: whoever sees the program die must know at which file. */
		printf("# %s\n", (const char *)paths->pdata[i]);
		fflush(stdout);
		g_file_get_contents(paths->pdata[i], &data, &size, &error);
		g_assert_no_error(error);
		LLVMFuzzerTestOneInput((const uint8_t *)data, size);
		printf("ok %u %s\n", i + 1, (const char *)paths->pdata[i]);
	}
	return 0;
}
