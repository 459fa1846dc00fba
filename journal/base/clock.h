#ifndef FORGE_JOURNAL_BASE_CLOCK_H
#define FORGE_JOURNAL_BASE_CLOCK_H

#include <glib.h>
#include <stdint.h>

/** Both clocks, read together. The core takes one of these
 * as an argument and never reads a clock itself. */
struct instant {
	int64_t wall_us;      /**< microseconds since 1970-01-01 UTC; may jump */
	int64_t monotonic_ms; /**< milliseconds since some start; never goes back */
};

struct instant clock_now(void);

/** The end of a wait of MS milliseconds that begins now, as g_cond_wait_until() takes it. */
int64_t clock_wait_end(int64_t ms);

/** WALL_US as RFC 3339 in UTC with seconds (`2026-01-15T10:30:00Z`). Caller frees. */
char *clock_format(int64_t wall_us);

/** How long ago WALL_US was at NOW_US, for people: `2h
 * ago`, `just now`, `never` for 0. Caller frees. */
char *clock_format_age(int64_t wall_us, int64_t now_us);

/** The same in full words: `2 hours ago`, `1 day ago`. Caller frees. */
char *clock_format_age_long(int64_t wall_us, int64_t now_us);

#endif
