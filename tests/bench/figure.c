/*
 * What benchmarks print, and how they count: medians of rounds, quantiles, nanoseconds.
 */
#include "tests/bench/figure.h"

#include <stdio.h>
#include <time.h>

struct figure *figure_new(const char *name, const char *unit)
{
	struct figure *figure = g_new0(struct figure, 1);

	figure->name = name;
	figure->unit = unit;
	figure->more = g_string_new(NULL);
	figure->values = figure_values();
	figure->limits = figure_values();
	return figure;
}

GArray *figure_values(void)
{
	return g_array_new(FALSE, FALSE, sizeof(double));
}

void figure_push(GArray *values, double value)
{
	g_array_append_val(values, value);
}

void figure_add(struct figure *figure, double value, double limit)
{
	figure_push(figure->values, value);
	figure_push(figure->limits, limit);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double figure_quantile(GArray *values, double part)
{
	g_assert_cmpuint(values->len, >, 0);
	g_array_sort(values, compare);
	return g_array_index(values, double, (guint)((double)(values->len - 1) * part));
}

double figure_median(const GArray *values)
{
	g_autoptr(GArray) sorted = g_array_copy((GArray *)values);

	return figure_quantile(sorted, 0.5);
}

/* As many digits as say something. */
static void append_number(GString *text, double number)
{
	g_string_append_printf(text, number < 100 && number > -100 ? "%.3g" : "%.0f", number);
}

void figure_note(struct figure *figure, const char *key, double number)
{
	g_string_append_printf(figure->more, ", \"%s\": ", key);
	append_number(figure->more, number);
}

void figure_rival(struct figure *figure, const char *name, const GArray *rival)
{
	g_autofree char *ratio = g_strconcat("ratio_", name, NULL);

	if (rival->len == 0)
		return;
	figure_note(figure, name, figure_median(rival));
	figure_note(figure, ratio, figure_median(figure->values) / figure_median(rival));
}

void figure_print(struct figure *take_figure)
{
	g_autoptr(GString) line = g_string_new(NULL);
	double value = figure_median(take_figure->values);
	double limit = figure_median(take_figure->limits);

	g_string_append_printf(line, "{\"name\": \"%s\", \"value\": ", take_figure->name);
	append_number(line, value);
	g_string_append_printf(line, ", \"unit\": \"%s\", \"limit\": ", take_figure->unit);
	append_number(line, limit);
	g_string_append_printf(
		line, ", \"fraction\": %.2f%s}\n", value / limit, take_figure->more->str);
	fputs(line->str, stdout);
	fflush(stdout);
	g_string_free(take_figure->more, TRUE);
	g_array_unref(take_figure->values);
	g_array_unref(take_figure->limits);
	g_free(take_figure);
}

int64_t figure_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t figure_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double figure_per_second(double count, int64_t elapsed_ns)
{
	return count * 1e9 / (double)MAX(elapsed_ns, 1);
}
