/*
 * Which name somebody meant.
 *
 * The distance is the optimal string alignment variant of Damerau-Levenshtein (a pair is swapped
 * once and not edited again), computed over three rows. Names too long or too different in length
 * are passed over before that, so a long list costs little and a hostile one no more than its
 * length.
 */
#include "journal/base/nearest.h"

#include <glib.h>
#include <string.h>

#include "journal/base/limits.h"

/* One letter in three may be wrong; in a short word, one at all. */
static size_t bound_of(const char *wanted)
{
	return MAX(strlen(wanted) / 3, 1);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	return MIN(MIN(a, b), c);
}

static gboolean same(char a, char b)
{
	return g_ascii_tolower(a) == g_ascii_tolower(b);
}

static size_t distance(const char *a, const char *b)
{
	unsigned rows[3][LIMIT_NAME_BYTES + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	size_t a_size = strlen(a), b_size = strlen(b);

	for (unsigned j = 0; j <= b_size; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a_size; i++) {
		unsigned *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1,
				last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b_size];
}

const char *nearest_name(const char *wanted, const char *const *names)
{
	size_t wanted_size = strlen(wanted);
	size_t allowed = bound_of(wanted);
	const char *nearest = NULL;

	if (wanted_size > LIMIT_NAME_BYTES)
		return NULL;
	for (; *names; names++) {
		size_t size = strlen(*names);
		size_t edits;

		if (size > LIMIT_NAME_BYTES || size > wanted_size + allowed ||
			wanted_size > size + allowed)
			continue;
		edits = distance(wanted, *names);
		/* A word of which every letter is another is not near, however short. */
		if (edits > allowed || edits >= MAX(size, wanted_size))
			continue;
		if (edits == 0)
			return *names;
		nearest = *names;
		allowed = edits - 1;
	}
	return nearest;
}

char *nearest_question(const char *wanted, const char *const *names)
{
	const char *name = nearest_name(wanted, names);

	return name ? g_strdup_printf("did you mean '%s'?", name) : NULL;
}
