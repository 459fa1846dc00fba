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

char *clock_format_age(int64_t wall_us, int64_t now_us)
{
	int64_t seconds = (now_us - wall_us) / G_USEC_PER_SEC;

	if (wall_us == 0)
		return g_strdup("never");
	if (seconds < 60)
		return g_strdup("just now");
	if (seconds < 60 * 60)
		return g_strdup_printf("%" G_GINT64_FORMAT "m ago", seconds / 60);
	if (seconds < 24 * 60 * 60)
		return g_strdup_printf("%" G_GINT64_FORMAT "h ago", seconds / (60 * 60));
	return g_strdup_printf("%" G_GINT64_FORMAT "d ago", seconds / (24 * 60 * 60));
}
