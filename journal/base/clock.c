/*
 * The only place that reads the time. Everything else is told what time it is, so that the core can
 * be replayed and simulated.
 */
#include "journal/base/clock.h"

struct instant clock_now(void)
{
	struct instant now = {
		.wall_us = g_get_real_time(), .monotonic_ms = g_get_monotonic_time() / 1000};

	return now;
}

int64_t clock_wait_end(int64_t ms)
{
	return g_get_monotonic_time() + ms * 1000;
}

char *clock_format(int64_t wall_us)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("out of range");
}

/* A unit of ages, with what it is called in both ways. */
struct age_unit {
	int64_t seconds;
	const char *letter;
	const char *word;
};

static const struct age_unit *age_unit_of(int64_t seconds)
{
	static const struct age_unit units[] = {
		{24 * 60 * 60, "d", "day"}, {60 * 60, "h", "hour"}, {60, "m", "minute"}};

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		if (seconds >= units[i].seconds)
			return &units[i];
	return NULL;
}

char *clock_format_age(int64_t wall_us, int64_t now_us)
{
	int64_t seconds = (now_us - wall_us) / G_USEC_PER_SEC;
	const struct age_unit *unit = age_unit_of(seconds);

	if (wall_us == 0)
		return g_strdup("never");
	if (!unit)
		return g_strdup("just now");
	return g_strdup_printf("%" G_GINT64_FORMAT "%s ago", seconds / unit->seconds, unit->letter);
}

char *clock_format_age_long(int64_t wall_us, int64_t now_us)
{
	int64_t seconds = (now_us - wall_us) / G_USEC_PER_SEC;
	const struct age_unit *unit = age_unit_of(seconds);
	int64_t count;

	if (wall_us == 0 || !unit)
		return clock_format_age(wall_us, now_us);
	count = seconds / unit->seconds;
	return g_strdup_printf(
		"%" G_GINT64_FORMAT " %s%s ago", count, unit->word, count == 1 ? "" : "s");
}
