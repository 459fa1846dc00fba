/* How targets take their input apart. What it holds is borrowed from libFuzzer. */
#include "tests/fuzz/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/git/git_library.h"

static const char separator[] = "%%\n";

uint8_t input_byte(struct fuzz_input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

struct fuzz_input input_bytes(struct fuzz_input *input, size_t size)
{
	struct fuzz_input taken = {input->data, MIN(size, input->size)};

	input->data += taken.size;
	input->size -= taken.size;
	return taken;
}

struct fuzz_input input_part(struct fuzz_input *input)
{
	const size_t length = sizeof(separator) - 1;
	struct fuzz_input part;

	for (size_t at = 0; at + length <= input->size; at++) {
		if ((at > 0 && input->data[at - 1] != '\n') ||
			memcmp(input->data + at, separator, length) != 0)
			continue;
		part = input_bytes(input, at);
		input_bytes(input, length);
		return part;
	}
	return input_bytes(input, input->size);
}

char *input_exact(const struct fuzz_input *part)
{
	char *copy = g_malloc(part->size ? part->size : 1);

	if (part->size > 0)
		memcpy(copy, part->data, part->size);
	return copy;
}

char *input_text(const struct fuzz_input *part)
{
	return g_strndup(part->size ? (const char *)part->data : "", part->size);
}

void input_start_git(void)
{
	static gboolean started;

	if (!started)
		git_library_start();
	started = TRUE;
}

static char folder[] = "/dev/shm/forge-fuzz-XXXXXX";
static GPtrArray *written;

static void remove_folder(void)
{
	for (guint i = 0; i < written->len; i++)
		unlink(written->pdata[i]);
	rmdir(folder);
	g_ptr_array_free(written, TRUE);
}

const char *input_folder(void)
{
	if (written)
		return folder;
	if (!g_mkdtemp(folder))
		g_error("no folder in /dev/shm");
	written = g_ptr_array_new_with_free_func(g_free);
	atexit(remove_folder);
	return folder;
}

void input_write_file(const char *name, const struct fuzz_input *part)
{
	char *path = g_build_filename(input_folder(), name, NULL);
	FILE *file = fopen(path, "we");

	if (!file || fwrite(part->data, 1, part->size, file) != part->size || fclose(file) != 0)
		g_error("cannot write %s", path);
	if (!g_ptr_array_find_with_equal_func(written, path, g_str_equal, NULL))
		g_ptr_array_add(written, g_steal_pointer(&path));
	g_free(path);
}
