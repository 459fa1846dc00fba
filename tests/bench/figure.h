#ifndef FORGE_TESTS_BENCH_FIGURE_H
#define FORGE_TESTS_BENCH_FIGURE_H

#include <glib.h>
#include <stdint.h>

/**
 * A figure is a value, the least or most there can be as measured in the same run, and what part of
 * that the value is. Values of several rounds are gathered in arrays and their medians printed, so
 * that a round in which the machine did something else counts for little.
 */
struct figure {
	const char *name;
	const char *unit;
	GString *more;           /**< further members, each beginning with `, ` */
	GArray *values, *limits; /**< of double, one a round */
};

struct figure *figure_new(const char *name, const char *unit);

/** A round's value and limit; what is measured in each round of a rival goes to figure_rival(). */
void figure_add(struct figure *figure, double value, double limit);

/** Adds a member of one number to what will be printed. */
void figure_note(struct figure *figure, const char *key, double number);

/** Adds the median of RIVAL's rounds (of double; empty: it was not there) and how many times as
 * much the figure's median is, under `NAME` and `ratio_NAME`. */
void figure_rival(struct figure *figure, const char *name, const GArray *rival);

/**
 * Prints the figure as one line of JSON on standard output and frees it. The fraction is value by
 * limit, whichever way is better.
 */
void figure_print(struct figure *take_figure);

double figure_median(const GArray *values);

/** The value that PART (0 to 1) of VALUES lie below. Sorts VALUES. */
double figure_quantile(GArray *values, double part);

/** An array of double. */
GArray *figure_values(void);
void figure_push(GArray *values, double value);

/** Nanoseconds since some start. */
int64_t figure_now_ns(void);

/** Nanoseconds of processor time that this thread has used: what a busy machine changes little. */
int64_t figure_cpu_ns(void);
double figure_per_second(double count, int64_t elapsed_ns);

#endif
