/*
 * Myers' O(ND) difference algorithm in linear space, with the shortcuts of libxdiff.
 *
 * "An O(ND) Difference Algorithm and Its Variations" (Myers 1986): search from both corners of the
 * edit graph until the paths meet, and divide there. Three shortcuts make it quick and its results
 * git's: lines without a match, and over-frequent lines among them, are left out beforehand; past
 * HEURISTIC_COST edits a long enough diagonal is taken as the way; past a bound of edits the search
 * settles for the furthest point. Only regions in which every common line is frequent come here
 * (see line_diff.c).
 */
#include "worker/merge/line_diff.h"

/* git's numbers: they decide which of several diffs is found. */
#define COST_MIN 256
#define HEURISTIC_COST 256
#define SNAKE_LINES 20
#define HEURISTIC_FACTOR 4
#define FREQUENT_MAX 1024
#define DISCARD_WINDOW 100
#define DISCARD_RATIO 4

/** One text without the discarded lines. */
struct kept_text {
	int32_t *lines; /**< class of each line kept */
	size_t *index;  /**< its place in the whole text */
	ptrdiff_t n;
	uint8_t *changed; /**< of the whole text */
};

struct box {
	ptrdiff_t from, from_end;
	ptrdiff_t to, to_end;
	gboolean exact; /**< no shortcuts in here */
};

struct classic {
	struct kept_text from, to;
	ptrdiff_t *forward, *backward; /**< furthest line of `from` per diagonal */
	ptrdiff_t cost_max;
};

/** A power of two near the square root. */
static ptrdiff_t rough_square_root(size_t n)
{
	ptrdiff_t root = 1;

	for (; n > 0; n >>= 2)
		root <<= 1;
	return root;
}

/** What the two searches have reached: forward on diagonals [f_min, f_max], backward on [b_min,
 * b_max]. */
struct frontier {
	ptrdiff_t f_mid, f_min, f_max;
	ptrdiff_t b_mid, b_min, b_max;
};

static gboolean diagonal_holds(
	const struct classic *classic, ptrdiff_t from, ptrdiff_t to, ptrdiff_t lines)
{
	for (ptrdiff_t i = 0; i < lines; i++)
		if (classic->from.lines[from + i] != classic->to.lines[to + i])
			return FALSE;
	return TRUE;
}

/** A point far along a good diagonal of the forward search, as the place to divide. */
static gboolean good_forward(const struct classic *classic, const struct box *box,
	const struct frontier *reach, ptrdiff_t cost, struct box *split)
{
	ptrdiff_t best = 0;

	for (ptrdiff_t d = reach->f_max; d >= reach->f_min; d -= 2) {
		ptrdiff_t i1 = classic->forward[d];
		ptrdiff_t i2 = i1 - d;
		ptrdiff_t value = (i1 - box->from) + (i2 - box->to) - ABS(d - reach->f_mid);
		if (value > HEURISTIC_FACTOR * cost && value > best &&
			box->from + SNAKE_LINES <= i1 && i1 < box->from_end &&
			box->to + SNAKE_LINES <= i2 && i2 < box->to_end &&
			diagonal_holds(classic, i1 - SNAKE_LINES, i2 - SNAKE_LINES, SNAKE_LINES)) {
			best = value;
			split->from = i1;
			split->to = i2;
		}
	}
	return best > 0;
}

static gboolean good_backward(const struct classic *classic, const struct box *box,
	const struct frontier *reach, ptrdiff_t cost, struct box *split)
{
	ptrdiff_t best = 0;

	for (ptrdiff_t d = reach->b_max; d >= reach->b_min; d -= 2) {
		ptrdiff_t i1 = classic->backward[d];
		ptrdiff_t i2 = i1 - d;
		ptrdiff_t value = (box->from_end - i1) + (box->to_end - i2) - ABS(d - reach->b_mid);
		if (value > HEURISTIC_FACTOR * cost && value > best && box->from < i1 &&
			i1 <= box->from_end - SNAKE_LINES && box->to < i2 &&
			i2 <= box->to_end - SNAKE_LINES &&
			diagonal_holds(classic, i1, i2, SNAKE_LINES)) {
			best = value;
			split->from = i1;
			split->to = i2;
		}
	}
	return best > 0;
}

/** The furthest point of either search. TRUE if it is the forward one's. */
static gboolean furthest(const struct classic *classic, const struct box *box,
	const struct frontier *reach, struct box *split)
{
	ptrdiff_t f_best = -1, f_from = -1;
	ptrdiff_t b_best = PTRDIFF_MAX, b_from = PTRDIFF_MAX;

	for (ptrdiff_t d = reach->f_max; d >= reach->f_min; d -= 2) {
		ptrdiff_t i1 = MIN(classic->forward[d], box->from_end);
		ptrdiff_t i2 = i1 - d;
		if (box->to_end < i2) {
			i1 = box->to_end + d;
			i2 = box->to_end;
		}
		if (f_best < i1 + i2) {
			f_best = i1 + i2;
			f_from = i1;
		}
	}
	for (ptrdiff_t d = reach->b_max; d >= reach->b_min; d -= 2) {
		ptrdiff_t i1 = MAX(box->from, classic->backward[d]);
		ptrdiff_t i2 = i1 - d;
		if (i2 < box->to) {
			i1 = box->to + d;
			i2 = box->to;
		}
		if (i1 + i2 < b_best) {
			b_best = i1 + i2;
			b_from = i1;
		}
	}
	gboolean forward = (box->from_end + box->to_end) - b_best < f_best - (box->from + box->to);
	split->from = forward ? f_from : b_from;
	split->to = forward ? f_best - f_from : b_best - b_from;
	return forward;
}

/** One more edit from the first corner. TRUE with the meeting point in SPLIT if the searches meet.
 */
static gboolean step_forward(const struct classic *classic, const struct box *box,
	struct frontier *reach, gboolean *long_snake, struct box *split)
{
	ptrdiff_t *forward = classic->forward;
	gboolean odd = ((reach->f_mid - reach->b_mid) & 1) != 0;

	if (reach->f_min > box->from - box->to_end)
		forward[--reach->f_min - 1] = -1;
	else
		++reach->f_min;
	if (reach->f_max < box->from_end - box->to)
		forward[++reach->f_max + 1] = -1;
	else
		--reach->f_max;
	for (ptrdiff_t d = reach->f_max; d >= reach->f_min; d -= 2) {
		ptrdiff_t i1 = forward[d - 1] >= forward[d + 1] ? forward[d - 1] + 1
								: forward[d + 1];
		ptrdiff_t start = i1;
		ptrdiff_t i2 = i1 - d;
		for (; i1 < box->from_end && i2 < box->to_end &&
			classic->from.lines[i1] == classic->to.lines[i2];
			i1++)
			i2++;
		if (i1 - start > SNAKE_LINES)
			*long_snake = TRUE;
		forward[d] = i1;
		if (odd && reach->b_min <= d && d <= reach->b_max && classic->backward[d] <= i1) {
			split->from = i1;
			split->to = i2;
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean step_backward(const struct classic *classic, const struct box *box,
	struct frontier *reach, gboolean *long_snake, struct box *split)
{
	ptrdiff_t *backward = classic->backward;
	gboolean odd = ((reach->f_mid - reach->b_mid) & 1) != 0;

	if (reach->b_min > box->from - box->to_end)
		backward[--reach->b_min - 1] = PTRDIFF_MAX;
	else
		++reach->b_min;
	if (reach->b_max < box->from_end - box->to)
		backward[++reach->b_max + 1] = PTRDIFF_MAX;
	else
		--reach->b_max;
	for (ptrdiff_t d = reach->b_max; d >= reach->b_min; d -= 2) {
		ptrdiff_t i1 = backward[d - 1] < backward[d + 1] ? backward[d - 1]
								 : backward[d + 1] - 1;
		ptrdiff_t start = i1;
		ptrdiff_t i2 = i1 - d;
		for (; i1 > box->from && i2 > box->to &&
			classic->from.lines[i1 - 1] == classic->to.lines[i2 - 1];
			i1--)
			i2--;
		if (start - i1 > SNAKE_LINES)
			*long_snake = TRUE;
		backward[d] = i1;
		if (!odd && reach->f_min <= d && d <= reach->f_max && i1 <= classic->forward[d]) {
			split->from = i1;
			split->to = i2;
			return TRUE;
		}
	}
	return FALSE;
}

/** Where to divide BOX: SPLIT's from and to. The flags tell which half still has to be done without
 * shortcuts. */
static void find_split(const struct classic *classic, const struct box *box, struct box *split,
	gboolean *exact_before, gboolean *exact_after)
{
	struct frontier reach = {
		.f_mid = box->from - box->to, .b_mid = box->from_end - box->to_end};

	reach.f_min = reach.f_max = reach.f_mid;
	reach.b_min = reach.b_max = reach.b_mid;
	classic->forward[reach.f_mid] = box->from;
	classic->backward[reach.b_mid] = box->from_end;
	*exact_before = *exact_after = TRUE;
	for (ptrdiff_t cost = 1;; cost++) {
		gboolean long_snake = FALSE;
		if (step_forward(classic, box, &reach, &long_snake, split) ||
			step_backward(classic, box, &reach, &long_snake, split))
			return;
		if (box->exact)
			continue;
		if (long_snake && cost > HEURISTIC_COST) {
			*exact_after = FALSE;
			if (good_forward(classic, box, &reach, cost, split))
				return;
			*exact_after = TRUE;
			*exact_before = FALSE;
			if (good_backward(classic, box, &reach, cost, split))
				return;
			*exact_before = TRUE;
		}
		if (cost >= classic->cost_max) {
			gboolean forward = furthest(classic, box, &reach, split);
			*exact_before = forward;
			*exact_after = !forward;
			return;
		}
	}
}

static void compare(struct classic *classic)
{
	g_autoptr(GArray) boxes = g_array_new(FALSE, FALSE, sizeof(struct box));
	struct box box = {0, classic->from.n, 0, classic->to.n, FALSE};

	g_array_append_val(boxes, box);
	while (boxes->len > 0) {
		box = g_array_index(boxes, struct box, boxes->len - 1);
		g_array_set_size(boxes, boxes->len - 1);
		const int32_t *from = classic->from.lines;
		const int32_t *to = classic->to.lines;
		for (; box.from < box.from_end && box.to < box.to_end &&
			from[box.from] == to[box.to];
			box.from++)
			box.to++;
		for (; box.from < box.from_end && box.to < box.to_end &&
			from[box.from_end - 1] == to[box.to_end - 1];
			box.from_end--)
			box.to_end--;
		if (box.from == box.from_end) {
			for (; box.to < box.to_end; box.to++)
				classic->to.changed[classic->to.index[box.to]] = 1;
			continue;
		}
		if (box.to == box.to_end) {
			for (; box.from < box.from_end; box.from++)
				classic->from.changed[classic->from.index[box.from]] = 1;
			continue;
		}
		struct box before = box, after = box;
		find_split(classic, &box, &after, &before.exact, &after.exact);
		before.from_end = after.from;
		before.to_end = after.to;
		g_array_append_val(boxes, after);
		g_array_append_val(boxes, before);
	}
}

enum line_use {
	LINE_UNMATCHED,
	LINE_KEPT,
	LINE_FREQUENT,
};

/** TRUE if the frequent line I, in a run of lines mostly without a match, would only make the diff
 * noisier. */
static gboolean is_noise(const uint8_t *uses, ptrdiff_t i, ptrdiff_t first, ptrdiff_t last)
{
	ptrdiff_t unmatched_before = 0, unmatched_after = 0, frequent = 2;

	first = MAX(first, i - DISCARD_WINDOW);
	last = MIN(last, i + DISCARD_WINDOW);
	for (ptrdiff_t j = i - 1; j >= first && uses[j] != LINE_KEPT; j--) {
		unmatched_before += uses[j] == LINE_UNMATCHED;
		frequent += uses[j] == LINE_FREQUENT;
	}
	if (unmatched_before == 0)
		return FALSE;
	for (ptrdiff_t j = i + 1; j <= last && uses[j] != LINE_KEPT; j++) {
		unmatched_after += uses[j] == LINE_UNMATCHED;
		frequent += uses[j] == LINE_FREQUENT;
	}
	if (unmatched_after == 0)
		return FALSE;
	return frequent * DISCARD_RATIO < frequent + unmatched_before + unmatched_after;
}

/** Fills KEPT with TEXT's lines in [first, last], without those that are discarded; these are
 * marked as changed. */
static void keep_lines(struct line_sequence text, ptrdiff_t first, ptrdiff_t last,
	GHashTable *others, struct kept_text *kept)
{
	g_autofree uint8_t *uses = g_new0(uint8_t, text.n + 1);
	ptrdiff_t frequent = MIN(rough_square_root(text.n), FREQUENT_MAX);

	for (ptrdiff_t i = first; i <= last; i++) {
		ptrdiff_t matches = GPOINTER_TO_INT(
			g_hash_table_lookup(others, GUINT_TO_POINTER(text.lines[i])));
		uses[i] = matches == 0        ? LINE_UNMATCHED
			: matches >= frequent ? LINE_FREQUENT
					      : LINE_KEPT;
	}
	for (ptrdiff_t i = first; i <= last; i++) {
		if (uses[i] == LINE_KEPT ||
			(uses[i] == LINE_FREQUENT && !is_noise(uses, i, first, last))) {
			kept->index[kept->n] = (size_t)i;
			kept->lines[kept->n++] = (int32_t)text.lines[i];
		} else {
			kept->changed[i] = 1;
		}
	}
}

static GHashTable *count_lines(struct line_sequence text)
{
	GHashTable *counts = g_hash_table_new(NULL, NULL);

	for (size_t i = 0; i < text.n; i++) {
		gpointer class = GUINT_TO_POINTER(text.lines[i]);
		int count = GPOINTER_TO_INT(g_hash_table_lookup(counts, class));
		g_hash_table_insert(counts, class, GINT_TO_POINTER(count + 1));
	}
	return counts;
}

void line_diff_classic(struct line_sequence from, struct line_sequence to, uint8_t *changed_from,
	uint8_t *changed_to)
{
	g_autoptr(GHashTable) in_from = count_lines(from);
	g_autoptr(GHashTable) in_to = count_lines(to);
	size_t head = 0, tail = 0, least = MIN(from.n, to.n);
	struct classic classic = {
		.from = {g_new(int32_t, from.n + 1), g_new(size_t, from.n + 1), 0, changed_from},
		.to = {g_new(int32_t, to.n + 1), g_new(size_t, to.n + 1), 0, changed_to},
	};

	while (head < least && from.lines[head] == to.lines[head])
		head++;
	while (tail < least - head && from.lines[from.n - 1 - tail] == to.lines[to.n - 1 - tail])
		tail++;
	keep_lines(from, (ptrdiff_t)head, (ptrdiff_t)(from.n - tail) - 1, in_to, &classic.from);
	keep_lines(to, (ptrdiff_t)head, (ptrdiff_t)(to.n - tail) - 1, in_from, &classic.to);

	size_t diagonals = (size_t)(classic.from.n + classic.to.n) + 3;
	g_autofree ptrdiff_t *room = g_new(ptrdiff_t, 2 * diagonals + 2);
	classic.forward = room + classic.to.n + 1;
	classic.backward = classic.forward + diagonals;
	classic.cost_max = MAX(rough_square_root(diagonals), COST_MIN);
	compare(&classic);
	g_free(classic.from.lines);
	g_free(classic.from.index);
	g_free(classic.to.lines);
	g_free(classic.to.index);
}
