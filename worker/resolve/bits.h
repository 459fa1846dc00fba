#ifndef FORGE_WORKER_RESOLVE_BITS_H
#define FORGE_WORKER_RESOLVE_BITS_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

/*
 * Sets of small numbers as words of 64 bits. Sets that meet have the same number of words, and no
 * bit at or above their size is ever set. Inline: the solver does little else.
 */

#define BITS_PER_WORD 64u

static inline guint bits_words(guint size)
{
	return (size + BITS_PER_WORD - 1) / BITS_PER_WORD;
}

static inline gboolean bits_has(const uint64_t *set, guint number)
{
	return (set[number / BITS_PER_WORD] >> (number % BITS_PER_WORD)) & 1;
}

static inline void bits_add(uint64_t *set, guint number)
{
	set[number / BITS_PER_WORD] |= UINT64_C(1) << (number % BITS_PER_WORD);
}

static inline gboolean bits_is_subset(const uint64_t *a, const uint64_t *b, guint words)
{
	for (guint i = 0; i < words; i++)
		if (a[i] & ~b[i])
			return FALSE;
	return TRUE;
}

static inline gboolean bits_meet(const uint64_t *a, const uint64_t *b, guint words)
{
	for (guint i = 0; i < words; i++)
		if (a[i] & b[i])
			return TRUE;
	return FALSE;
}

static inline void bits_unite(uint64_t *set, const uint64_t *with, guint words)
{
	for (guint i = 0; i < words; i++)
		set[i] |= with[i];
}

static inline void bits_intersect(uint64_t *set, const uint64_t *with, guint words)
{
	for (guint i = 0; i < words; i++)
		set[i] &= with[i];
}

static inline void bits_fill(uint64_t *set, guint size)
{
	memset(set, 0xff, bits_words(size) * sizeof(*set));
	if (size % BITS_PER_WORD)
		set[size / BITS_PER_WORD] = (UINT64_C(1) << (size % BITS_PER_WORD)) - 1;
}

/* SET becomes all numbers below SIZE that are not in it. */
static inline void bits_complement(uint64_t *set, guint size)
{
	for (guint i = 0; i < bits_words(size); i++)
		set[i] = ~set[i];
	if (size % BITS_PER_WORD)
		set[size / BITS_PER_WORD] &= (UINT64_C(1) << (size % BITS_PER_WORD)) - 1;
}

static inline guint bits_count(const uint64_t *set, guint words)
{
	guint count = 0;

	for (guint i = 0; i < words; i++)
		count += (guint)__builtin_popcountll(set[i]);
	return count;
}

/* The lowest (highest) number in SET, which is not empty. */
static inline guint bits_lowest(const uint64_t *set)
{
	guint i = 0;

	while (!set[i])
		i++;
	return i * BITS_PER_WORD + (guint)__builtin_ctzll(set[i]);
}

static inline guint bits_highest(const uint64_t *set, guint words)
{
	guint i = words - 1;

	while (!set[i])
		i--;
	return i * BITS_PER_WORD + (BITS_PER_WORD - 1) - (guint)__builtin_clzll(set[i]);
}

static inline uint64_t *bits_new(guint size)
{
	return g_new0(uint64_t, bits_words(size));
}

static inline uint64_t *bits_copy(const uint64_t *set, guint size)
{
	return g_memdup2(set, bits_words(size) * sizeof(*set));
}

#endif
