/*
 * How much of a file went into another.
 *
 * git's estimate: both files are cut into chunks, at line feeds and after 64 bytes at the latest,
 * and for each kind of chunk the bytes that both have count as copied. Kinds are told apart by a
 * small hash modulo 107927 alone, so chunks that collide count as equal; and what follows the last
 * line feed, if shorter than 64 bytes, is not counted. Both decide which side of 50 % a pair falls
 * on, so both are kept. (libgit2's own estimate is another one, and decides other pairs.)
 */
#include "worker/merge/similarity.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 64
#define HASH_MODULUS 107927u
#define BINARY_PROBE_BYTES 8000

struct chunk_kind {
	uint32_t hash;
	uint32_t bytes;
};

struct similarity_profile {
	size_t size;
	size_t n_kinds;
	struct chunk_kind kinds[]; /**< by hash, each once */
};

static int compare_kinds(const void *a, const void *b)
{
	const struct chunk_kind *one = a, *two = b;

	return one->hash < two->hash ? -1 : one->hash > two->hash;
}

/** Cuts DATA into chunks; returns them in the order of the file. */
static GArray *cut_chunks(const char *data, size_t size)
{
	GArray *chunks = g_array_new(FALSE, FALSE, sizeof(struct chunk_kind));
	gboolean text = size == 0 || memchr(data, '\0', MIN(size, BINARY_PROBE_BYTES)) == NULL;
	uint32_t one = 0, two = 0, bytes = 0;

	for (size_t i = 0; i < size; i++) {
		uint32_t byte = (unsigned char)data[i];
		uint32_t before = one;
		/* Line endings do not make texts differ. */
		if (text && byte == '\r' && i + 1 < size && data[i + 1] == '\n')
			continue;
		one = (one << 7) ^ (two >> 25);
		two = (two << 7) ^ (before >> 25);
		one += byte;
		if (++bytes < CHUNK_BYTES && byte != '\n')
			continue;
		struct chunk_kind chunk = {(one + two * 0x61) % HASH_MODULUS, bytes};
		g_array_append_val(chunks, chunk);
		one = two = bytes = 0;
	}
	return chunks;
}

struct similarity_profile *similarity_profile_new(const char *data, size_t size)
{
	g_autoptr(GArray) chunks = cut_chunks(data, size);
	struct chunk_kind *kinds = (void *)chunks->data;
	size_t n = 0;

	g_array_sort(chunks, compare_kinds);
	for (guint i = 0; i < chunks->len; i++) {
		if (n > 0 && kinds[n - 1].hash == kinds[i].hash)
			kinds[n - 1].bytes += kinds[i].bytes;
		else
			kinds[n++] = kinds[i];
	}
	struct similarity_profile *profile = g_malloc(
		sizeof(*profile) + n * sizeof(struct chunk_kind));
	profile->size = size;
	profile->n_kinds = n;
	if (n > 0)
		memcpy(profile->kinds, kinds, n * sizeof(struct chunk_kind));
	return profile;
}

void similarity_profile_free(struct similarity_profile *profile)
{
	g_free(profile);
}

size_t similarity_profile_bytes(const struct similarity_profile *profile)
{
	return sizeof(*profile) + profile->n_kinds * sizeof(struct chunk_kind);
}

gboolean similarity_sizes_allow(size_t a, size_t b, int minimum)
{
	double larger = (double)MAX(a, b);
	double difference = larger - (double)MIN(a, b);

	return larger * (SIMILARITY_MAX - minimum) >= difference * SIMILARITY_MAX;
}

int similarity_score(
	const struct similarity_profile *source, const struct similarity_profile *destination)
{
	size_t larger = MAX(source->size, destination->size);
	size_t copied = 0;

	for (size_t s = 0, d = 0; s < source->n_kinds; s++) {
		while (d < destination->n_kinds &&
			destination->kinds[d].hash < source->kinds[s].hash)
			d++;
		if (d < destination->n_kinds && destination->kinds[d].hash == source->kinds[s].hash)
			copied += MIN(source->kinds[s].bytes, destination->kinds[d].bytes);
	}
	if (destination->size == 0)
		return 0;
	return (int)((double)copied * SIMILARITY_MAX / (double)larger);
}
