#ifndef FORGE_TESTS_SIMULATION_CHANCE_H
#define FORGE_TESTS_SIMULATION_CHANCE_H

#include <glib.h>
#include <stdint.h>

/** A stream of numbers that a seed determines, the same on
 * every machine: splitmix64 (Steele, Lea, Flood, 2014). */
struct chance {
	uint64_t state;
};

struct chance chance_from_seed(uint64_t seed);

uint64_t chance_next(struct chance *chance);

/** A number from LOW to HIGH, both included. */
int64_t chance_between(struct chance *chance, int64_t low, int64_t high);

/** TRUE in PER_MILLE of 1000 cases. Draws even where the
 * answer is certain, so that profiles differ less. */
gboolean chance_happens(struct chance *chance, uint32_t per_mille);

/** DIGITS hexadecimal digits. Caller frees. */
char *chance_hex(struct chance *chance, guint digits);

#endif
