/*
 * Memory for libgit2, with a bound on each piece.
 *
 * A pack of a few hundred bytes may say that it has four billion objects, or hold deltas that make
 * gigabytes out of each other: libgit2 allocates what it is told, and whoever is out of memory ends
 * with all its jobs. It does know how to fail when there is none (GIT_ERROR_NOMEMORY), so it is
 * told that there is none for a piece larger than any that a real repository needs.
 */
#include "worker/git/git_memory.h"

#include <git2.h>
#include <git2/sys/alloc.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "journal/base/limits.h"

/* libgit2 asks where it stands in its sources, too; nobody needs that. */
#define FROM const char *file, int line
#define UNUSED_FROM \
	(void)file; \
	(void)line

static void *out_of_memory(void)
{
	git_error_set_oom();
	return NULL;
}

static void *checked(void *memory)
{
	return memory ? memory : out_of_memory();
}

static gboolean product(size_t n, size_t size, size_t *bytes)
{
	return !__builtin_mul_overflow(n, size, bytes) && *bytes <= LIMIT_GIT_ALLOCATION_BYTES;
}

static void *take(size_t bytes, FROM)
{
	UNUSED_FROM;
	return bytes > LIMIT_GIT_ALLOCATION_BYTES ? out_of_memory() : checked(malloc(bytes));
}

static void *take_zeroed(size_t n, size_t size, FROM)
{
	size_t bytes;

	UNUSED_FROM;
	return product(n, size, &bytes) ? checked(calloc(n, size)) : out_of_memory();
}

static void *take_array(size_t n, size_t size, FROM)
{
	size_t bytes;

	return product(n, size, &bytes) ? take(bytes, file, line) : out_of_memory();
}

static void *resize(void *old, size_t bytes, FROM)
{
	UNUSED_FROM;
	return bytes > LIMIT_GIT_ALLOCATION_BYTES ? out_of_memory() : checked(realloc(old, bytes));
}

static void *resize_array(void *old, size_t n, size_t size, FROM)
{
	size_t bytes;

	return product(n, size, &bytes) ? resize(old, bytes, file, line) : out_of_memory();
}

static char *copy_bytes(const char *text, size_t length, FROM)
{
	char *copy = length < LIMIT_GIT_ALLOCATION_BYTES ? take(length + 1, file, line)
							 : out_of_memory();

	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

static char *copy_at_most(const char *text, size_t length, FROM)
{
	return copy_bytes(text, strnlen(text, length), file, line);
}

static char *copy_text(const char *text, FROM)
{
	return copy_bytes(text, strlen(text), file, line);
}

void git_memory_bound(void)
{
	static gsize done;
	git_allocator allocator = {
		.gmalloc = take,
		.gcalloc = take_zeroed,
		.gstrdup = copy_text,
		.gstrndup = copy_at_most,
		.gsubstrdup = copy_bytes,
		.grealloc = resize,
		.greallocarray = resize_array,
		.gmallocarray = take_array,
		.gfree = free,
	};

	if (!g_once_init_enter(&done))
		return;
	/* libgit2 copies the table, and everything else of it comes after. */
	g_assert(git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator) == 0);
	g_once_init_leave(&done, 1);
}
