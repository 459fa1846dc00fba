/*
 * The histogram diff.
 *
 * A region of both texts is split at the longest run of common lines that holds the rarest line,
 * and the parts before and after are done in the same way. If every common line of a region comes
 * more than RARE_MAX times, the region is left to the classic algorithm. Then each group of changed
 * lines that could as well stand some lines higher or lower is slid: as far down as possible, or to
 * the last place where it meets a change of the other text.
 *
 * Every choice between equally good runs is git's (the first found stays unless a longer or a rarer
 * one comes), since a merge of other hunks is another merge. Lines are numbers here; whoever made
 * them knows the bytes.
 */
#include "worker/merge/line_diff.h"

#include <string.h>

/* A line that comes more often than this in a region of the old text is no anchor; git's number. */
#define RARE_MAX 64u

/** Both texts and what is known about them; flags have room for one zero before and after. */
struct diff {
	struct line_sequence from, to;
	uint8_t *changed_from, *changed_to;
	uint32_t
		*first; /**< class → 1 + index of its first line in the region of `from`; 0: none */
	uint32_t *count; /**< class → lines of the region that have it */
	uint32_t *next; /**< line of `from` → 1 + index of the next one of its class in the region;
			   0: none */
	GArray *regions; /**< of struct region, still to do */
};

struct region {
	size_t from, from_end;
	size_t to, to_end;
};

static void index_region(struct diff *diff, const struct region *region)
{
	for (size_t i = region->from_end; i-- > region->from;) {
		uint32_t class = diff->from.lines[i];
		diff->next[i] = diff->first[class];
		diff->first[class] = (uint32_t)i + 1;
		diff->count[class]++;
	}
}

static void forget_region(struct diff *diff, const struct region *region)
{
	for (size_t i = region->from; i < region->from_end; i++) {
		diff->first[diff->from.lines[i]] = 0;
		diff->count[diff->from.lines[i]] = 0;
	}
}

/** The best run found so far. RUN is empty (all zero) until there is one. */
struct anchor {
	struct region run;
	uint32_t rarest;
	gboolean any_common;
};

/** Widens the match of line A with line B as far as the texts agree. *RAREST is the least count in
 * the run. */
static struct region widen(
	const struct diff *diff, const struct region *region, size_t a, size_t b, uint32_t *rarest)
{
	const uint32_t *from = diff->from.lines;
	const uint32_t *to = diff->to.lines;
	struct region run = {a, a + 1, b, b + 1};

	while (run.from > region->from && run.to > region->to &&
		from[run.from - 1] == to[run.to - 1]) {
		run.from--;
		run.to--;
		if (*rarest > 1)
			*rarest = MIN(*rarest, diff->count[from[run.from]]);
	}
	while (run.from_end < region->from_end && run.to_end < region->to_end &&
		from[run.from_end] == to[run.to_end]) {
		if (*rarest > 1)
			*rarest = MIN(*rarest, diff->count[from[run.from_end]]);
		run.from_end++;
		run.to_end++;
	}
	return run;
}

/** Tries every place where line B of the new text could match; returns the next line worth a try.
 */
static size_t try_line(
	const struct diff *diff, const struct region *region, size_t b, struct anchor *anchor)
{
	uint32_t class = diff->to.lines[b];
	size_t b_next = b + 1;
	uint32_t at = diff->first[class];

	if (at == 0)
		return b_next;
	anchor->any_common = TRUE;
	if (diff->count[class] > anchor->rarest)
		return b_next;
	while (at != 0) {
		uint32_t rarest = diff->count[class];
		uint32_t after = diff->next[at - 1];
		struct region run = widen(diff, region, at - 1, b, &rarest);
		/* Both as distances to the last line, and 0 for none yet, which is how git compares
		 * them. */
		size_t best = anchor->run.from_end > 0 ? anchor->run.from_end - anchor->run.from - 1
						       : 0;

		b_next = MAX(b_next, run.to_end);
		if (best < run.from_end - run.from - 1 || rarest < anchor->rarest) {
			anchor->run = run;
			anchor->rarest = rarest;
		}
		while (after != 0 && after <= run.from_end)
			after = diff->next[after - 1];
		at = after;
	}
	return b_next;
}

static void diff_region(struct diff *diff, const struct region *region)
{
	size_t from_n = region->from_end - region->from;
	size_t to_n = region->to_end - region->to;
	struct anchor anchor = {.rarest = RARE_MAX + 1};

	if (from_n == 0 || to_n == 0) {
		memset(diff->changed_from + region->from, 1, from_n);
		memset(diff->changed_to + region->to, 1, to_n);
		return;
	}
	index_region(diff, region);
	for (size_t b = region->to; b < region->to_end;)
		b = try_line(diff, region, b, &anchor);
	forget_region(diff, region);
	if (anchor.any_common && anchor.rarest > RARE_MAX) {
		line_diff_classic((struct line_sequence){diff->from.lines + region->from, from_n},
			(struct line_sequence){diff->to.lines + region->to, to_n},
			diff->changed_from + region->from, diff->changed_to + region->to);
	} else if (anchor.run.from_end == 0) {
		memset(diff->changed_from + region->from, 1, from_n);
		memset(diff->changed_to + region->to, 1, to_n);
	} else {
		struct region parts[] = {
			{region->from, anchor.run.from, region->to, anchor.run.to},
			{anchor.run.from_end, region->from_end, anchor.run.to_end, region->to_end},
		};
		g_array_append_vals(diff->regions, parts, G_N_ELEMENTS(parts));
	}
}

/** A run of changed lines [start, end) of one text, perhaps empty, with the unchanged line after it
 * at `end`. */
struct group {
	size_t start, end;
};

static gboolean group_next(const uint8_t *changed, size_t n, struct group *group)
{
	if (group->end == n)
		return FALSE;
	group->start = group->end = group->end + 1;
	while (changed[group->end])
		group->end++;
	return TRUE;
}

static gboolean group_previous(const uint8_t *changed, struct group *group)
{
	if (group->start == 0)
		return FALSE;
	group->start = group->end = group->start - 1;
	while (group->start > 0 && changed[group->start - 1])
		group->start--;
	return TRUE;
}

static gboolean slide_down(struct line_sequence text, uint8_t *changed, struct group *group)
{
	if (group->end == text.n || text.lines[group->start] != text.lines[group->end])
		return FALSE;
	changed[group->start++] = 0;
	changed[group->end++] = 1;
	while (changed[group->end])
		group->end++;
	return TRUE;
}

static gboolean slide_up(struct line_sequence text, uint8_t *changed, struct group *group)
{
	if (group->start == 0 || text.lines[group->start - 1] != text.lines[group->end - 1])
		return FALSE;
	changed[--group->start] = 1;
	changed[--group->end] = 0;
	while (group->start > 0 && changed[group->start - 1])
		group->start--;
	return TRUE;
}

static void other_next(const uint8_t *changed, size_t n, struct group *other)
{
	gboolean in_step = group_next(changed, n, other);

	g_assert(in_step);
}

static void other_previous(const uint8_t *changed, struct group *other)
{
	gboolean in_step = group_previous(changed, other);

	g_assert(in_step);
}

/** Slides one GROUP of TEXT to where it belongs; OTHER is the group of the other text at the same
 * place. */
static void group_settle(struct line_sequence text, uint8_t *changed, struct group *group,
	size_t other_n, const uint8_t *other_changed, struct group *other)
{
	size_t size, highest_end;
	gboolean meets;

	do {
		size = group->end - group->start;
		while (slide_up(text, changed, group))
			other_previous(other_changed, other);
		highest_end = group->end;
		meets = other->end > other->start;
		while (slide_down(text, changed, group)) {
			other_next(other_changed, other_n, other);
			meets = meets || other->end > other->start;
		}
		/* Sliding may have run into a neighbour and joined it: then slide the larger group.
		 */
	} while (size != group->end - group->start);
	if (group->end == highest_end || !meets)
		return;
	while (other->end == other->start) {
		gboolean slid = slide_up(text, changed, group);
		g_assert(slid);
		other_previous(other_changed, other);
	}
}

static void settle_groups(
	struct line_sequence text, uint8_t *changed, size_t other_n, const uint8_t *other_changed)
{
	struct group group = {0, 0};
	struct group other = {0, 0};

	while (changed[group.end])
		group.end++;
	while (other_changed[other.end])
		other.end++;
	do {
		if (group.end > group.start)
			group_settle(text, changed, &group, other_n, other_changed, &other);
	} while (group_next(changed, text.n, &group) && group_next(other_changed, other_n, &other));
}

static GArray *collect_changes(const struct diff *diff)
{
	GArray *changes = g_array_new(FALSE, FALSE, sizeof(struct line_change));
	size_t from = 0, to = 0;

	while (from < diff->from.n || to < diff->to.n) {
		struct line_change change = {from, 0, to, 0};
		while (diff->changed_from[from])
			from++;
		while (diff->changed_to[to])
			to++;
		change.from_n = from - change.from;
		change.to_n = to - change.to;
		if (change.from_n > 0 || change.to_n > 0)
			g_array_append_val(changes, change);
		from++;
		to++;
	}
	return changes;
}

GArray *line_diff(struct line_sequence from, struct line_sequence to, uint32_t n_classes)
{
	/* A zero after the last flag lets loops over flags end without counting. */
	g_autofree uint8_t *changed_from = g_new0(uint8_t, from.n + 2);
	g_autofree uint8_t *changed_to = g_new0(uint8_t, to.n + 2);
	g_autofree uint32_t *first = g_new0(uint32_t, n_classes);
	g_autofree uint32_t *count = g_new0(uint32_t, n_classes);
	g_autofree uint32_t *next = g_new0(uint32_t, from.n + 1);
	g_autoptr(GArray) regions = g_array_new(FALSE, FALSE, sizeof(struct region));
	struct diff diff = {from, to, changed_from, changed_to, first, count, next, regions};
	struct region region = {0, from.n, 0, to.n};

	g_array_append_val(regions, region);
	while (regions->len > 0) {
		region = g_array_index(regions, struct region, regions->len - 1);
		g_array_set_size(regions, regions->len - 1);
		diff_region(&diff, &region);
	}
	settle_groups(from, changed_from, to.n, changed_to);
	settle_groups(to, changed_to, from.n, changed_from);
	return collect_changes(&diff);
}
