#ifndef FORGE_WORKER_MERGE_LINE_DIFF_H
#define FORGE_WORKER_MERGE_LINE_DIFF_H

#include <glib.h>
#include <stdint.h>

/** One version of a text as numbers: equal lines have equal numbers. */
struct line_sequence {
	const uint32_t *lines;
	size_t n;
};

/** Lines [from.at, from.at + from.n) of the old text became lines [to.at, to.at + to.n) of the new
 * one. */
struct line_change {
	size_t from, from_n;
	size_t to, to_n;
};

/**
 * The changes that turn FROM into TO, as git finds them with its histogram algorithm (classic Myers
 * where every common line is too frequent) and its default way of sliding a change among equal
 * lines: a GArray of struct line_change, in order, never adjacent. N_CLASSES is above every number
 * in either text.
 */
GArray *line_diff(struct line_sequence from, struct line_sequence to, uint32_t n_classes);

/**
 * Marks what the classic algorithm thinks changed between two texts: CHANGED_FROM[i] and
 * CHANGED_TO[i] are set to 1, all others are left alone. For line_diff() alone, which falls back to
 * it.
 */
void line_diff_classic(struct line_sequence from, struct line_sequence to, uint8_t *changed_from,
	uint8_t *changed_to);

#endif
